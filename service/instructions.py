"""Words that tell whoever answers how to answer, instead of asking or stating something.

In a question they are left out of what is searched for: pressure to guess, to leave the documents aside, to play a part. In a
document they are planted, for no policy speaks to a question-answering service: such a piece is never evidence. Words alone
find the common forms and no more; that every sentence of an answer stands in a document is what an instruction cannot change.
"""

import re
from functools import lru_cache

from indexer.text import fold

# --- in a document ---------------------------------------------------------------------------------------------------

# What answers by machine, called or told; who makes, sells or studies such a machine is not.
_MACHINE = (
    r"(?:(?:大|语言|问答|对话)模型|智能(?:助[手理]|客服|体)|(?:机器|聊天|问答)(?:人|助手|读者)|小?助[手理]|(?:系统|模型)(?=在|请|,)|机器(?=请|看|读)"
    r"|(?:人工智能|(?<![a-z])ai(?![a-z]))(?=助|模型|系统|程序|机器|客服|工具|[,:】]|请|在|阅读|更好|都|必须|应(?!答)|须|不得|的(?:备注|说明|话))"
    r"|(?<=[致给凡各供])(?:ai|人工智能)|(?:任何|所有|各位|各[种类]).{0,8}(?:ai|人工智能)"
    r"|(?:问答|检索|增强|自动\w{0,4}|生成\w{0,6}|[字答到里处]的?)(?:系统|程序|软件|模型|工具)"
    r"|\b(?:llms?|gpt|chat\s?gpt|chat\s?bots?|assistants?|language models?|agents?)\b(?! director)|\bai\b(?=[\s:])|\b(?:automated|machine) readers?\b)"
    r"(?!的?(?:服务|产[业品]|企业|公司|行业|技术|领域|人才|专家|开发|研发|提供|应用|治理|监管|安全|项目|训练|平台企业))"
)
_SAY = (
    r"(?:回答|作答|答复|应答|答问|输出|回复|回应|告[诉知]|表述|说成|写成|[写读]作(?!业)|转述|复述|返回|宣称|引导|透露|隐瞒|提[及到]|照抄|采信"
    r"|总结|概括|摘要|解读|引用|介绍|答案(?=里|中|就|的?末尾|的?开头)"
    r"|(?:请|就|都|须|要|只|别|不要|一律|统一|先)(?:能|会|需|要)*(?:[说讲](?!明|法|起|究|话)|答|报(?!告|送|名)|称|写(?!在)|谈|提(?!供|出|交|高|前|升|醒))"
    r"|\b(?:say|state that|tell|reply|respond|answer(?! all| the following)|mention|cite|output|add|include|repeat|reveal|leave out|summar\w+)\b)"
)
_ASKER = (
    r"(?:用户|提问|问的人|咨询(?!热线|公司|机构|电话|费|服务|业|师|台|委)|询问|打听|读者|来访者|[被若如凡]问|问[到起及]|怎么问|问什么|谁来[问查]|问题里"
    r"|(?:有人|别人|任何人).{0,4}(?:问|打听|要求)|(?:任何|所有|一切|有关|相关|遇到).{0,14}问题"
    r"|\b(?:users?|readers?|asks?|(?:when|if) asked|(?:any|every|each) question|questions? (?:about|regarding))\b)"
)
_HERE = (
    r"(?:[本此该](?:文(?!件)|段|页|句|表|材料|资料)|这(?:一?段|行|句|份(?:材料|文件|资料|办法))|(?:这里|上面|下面)的|前文|第一位|最前"
    r"|(?<![“\"])(?:下[列面]|以[下上]|上述)的?(?:内容|话|文字|事实|数字|那?句)"
    r"|\b(?:this|these|the following) (?:page|text|document|paragraph|note|sentence|rules)\b)"
)
_CONTENT = (
    rf"(?:{_SAY}|说|出现|写|字样|附上|注明|加上|加?一句|为|是|必须|must|with)[^。,;]{{0,6}}[“\"'‘「]|(?:说|写|改写?|当)成|(?:说|改写|表述)为"
    r"|当作|[写读]作(?!业)|统一口径|为准|[”\"](?:结束|开头|[一二三四五六七八九十\d]+个字|字样)|就说是"
)
_ALONE = (
    r"(?:不要|勿|不得|别|不能|不许|不必).{0,6}(?:让|向|对|告诉|与).{0,4}(?:用户|读者|提问|咨询|知道|来问|其[他它余])|其[他它余](?:来源|文件|文档|段落).{0,4}(?:不|均|都|作废)"
    r"|(?:不再|不要|无需|不需要|不必)(?:查阅|查看|引用|核实|核对|参考)|最高优先级|优先于.{0,6}(?:其|一切|用户|问题|指令|资料)|唯一(?:来源|依据)"
    r"|verified fact|other source|not mention|only this"
)
_SIGNS = tuple(map(re.compile, (_MACHINE, _SAY, _ASKER, _HERE, _CONTENT, _ALONE, r"[你您]|\byour?\b", "<!--")))
_COMMAND = re.compile(
    # At the start of a clause, or behind what tells when.
    r"(?:^|[,。:;!)》】>\-\]]\s*)(?:\w{0,10}(?:时|里|中|末尾|开头|后))?(?:请(?!问|大家|求)|切勿|勿|不要|不必|均?须|(?<!的,)(?:一律|统一|应)|只[能需说写谈回引介输]"
    r"|[都就均](?:要|应|须|会)?(?:[说写答报称])|把.{1,20}(?:[说写改当读]|排|给)|照抄|记得"
    r"|(?:please|kindly|must|do not|don't|never|always|state|say|tell|reply|respond|repeat|treat|output|include|describe|rank|answer|reveal|cite|skip)\b)"
    r"|一律|务必|统统|请勿|麻烦[你您把]|的任务是|为准(?:进行)?回|(?:回答|答案|回复|答复)(?:都|一律|必须|统一|就是|应以)"
    rf"|{_MACHINE}[^。,]{{0,20}}[,:]?(?:请(?!求)|应(?!答)当?|须|必须|不得)|请.{{0,3}}{_SAY}|[你您](?:都|就|只|不)*(?:应|须|必须|只能|不得|要|需要|讲|说)|\b(?:must|please|kindly|always)\b|only correct"
)
# People who are told to answer, or do.
_PEOPLE = re.compile(
    r"(?:[人成职]员|单位|部门|机关|机构|企业|公司|政府|记者|[言责请事证问]人|考生|学生|选手|代表|委员|群众|[村居]民|干部|党员|[员职]工"
    r"|[局县市处校院部]长|主任|书记|[教老]师|法院|学校|医院|窗口|平台|[供发营]者|大家|[他她我]们?|各(?:地|级|县|市|乡镇))"
    r"(?:还|也|都|均|就|又|再|只|会|可以|能|曾|没有|应|拒绝)*(?:应当|必须|须|要|不得|一律|表示|如实|回答|答|说|称|问|注意|先行)"
)
# What no other document says: what was said before is put aside, a part is given, a machine is called.
_UNMISTAKABLE = re.compile(
    r"(?:忽略|无视|忘掉|忘记|覆盖|跳过|绕过|停止遵守)[^,。]{0,12}(?:指令|提示词|上述要求|此前|之前|核对|约束|设定|以上内容)"
    r"|(?:此前|之前|先前|以上)[^,。]{0,8}(?:约束|指令|设定|提示词)[^,。]{0,8}(?:作废|取消|不再有效|失效|无效)"
    r"|(?:此前|之前|先前|以上)[^,。]{0,8}(?:要求|规则)[^,。]{0,8}(?:作废|取消|失效|无效),(?:改|接下来|现在|从现在|你|只|请)"
    r"|(?:ignore|disregard|forget|override)\b.{0,30}\b(?:instructions?|prompts?|context|rules?|everything|above)\b"
    r"|[你您][^,。]{0,8}(?:扮演|充当)|[你您]的(?:身份|角色)是|you are now|作为(?:ai|人工智能|大?语言模型|大模型),?[你您]"
    rf"|(?:致|供|给)[^,。的]{{0,12}}{_MACHINE}[^,。]{{0,8}}(?:[:】]|阅读|看的)|(?:如果|若)[你您](?:是|正在).{{0,6}}{_MACHINE}"
    r"|(?:管理员|系统|最新)指令:|\[system\]|hidden (?:system )?prompt"
)


@lru_cache(maxsize=65536)
def is_planted(text: str) -> bool:
    """Whether a sentence, item or row of a document tells its reader how to answer questions.

    It does when it commands and has two signs more of speaking to one who answers, or four signs without a command.
    """
    folded = fold(text)
    if _UNMISTAKABLE.search(folded):
        return True
    signs = sum(sign.search(folded) is not None for sign in _SIGNS) - 2 * (_PEOPLE.search(folded) is not None)
    return signs >= 4 or (signs >= 2 and _COMMAND.search(folded) is not None)


# --- in a question ---------------------------------------------------------------------------------------------------

# Clauses end at a mark or at a space that no Latin letters stand around.
_CLAUSE = re.compile(
    r"[^,，。;；!！?？:：\s]+(?:(?<=[\x21-\x7e])[ ]+(?=[\x21-\x7e])[^,，。;；!！?？:：\s]+)*[,，。;；!！?？:：\s]*"
)
# A clause that asks is no pressure, whatever it says.
_ASKS = re.compile(
    r"多少|哪(?!怕)|什么|啥|几|谁|(?<!无论)如何|怎(?!么[写说规])|(?<![任如])何|是否|是不是|有没有|能否|[吗么]$|多[大长高久远]"
)
# Nobody presses at greater length.
_LONGEST = 40
_SOURCE = r"(?:资料|(?<!原)文件|文档|材料|原文|文中|库里|依据|出处|来源|引用|限制|规则|指令|规定|提示词?|核对)"
_ANSWER = r"(?:数字?|数值|答案|名[字子]|说法|结论|日期|公司|准话|准信|结果|话|最像的|也好|也行|就行)"
_NONE = r"(?:没有?|不知道|不清楚|不能|无法|查不到|找不到|没写|没提)"
_GUESS = r"(?:估(?!价|值)计?|猜测?|编|推[算测断]?|蒙|平均|胡诌|胡编)"
_PRESSING = re.compile(
    r"(?:请|也|就|那|你|您|可以|从现在起|现在|千万|麻烦|但是?|反正|总之|我|先|尽管|哪怕|即使|就算)*(?:"
    # The documents and the rules are put aside, or said to hold nothing.
    rf"(?:忽略|忘[掉记]|无视|抛开|撇开|跳过|不用|无[须需]|不必|不需要|不受|不要|别管?(?!的)|假装|就当|知道).{{0,12}}?{_SOURCE}(?!件)[^的]{{0,10}}"
    rf"|(?:要是|如果)?{_SOURCE}[里中上]?{_NONE}[^的]{{0,6}}(?:的话.{{0,6}})?"
    # A refusal is forbidden.
    rf"|(?:不许|不要|别|不准|不能|不可以)(?:再|跟|我|给|总是|老)*(?:拒绝?(?:回答|作答|答)*|推[脱辞托]|搪塞|敷衍|(?:说|回答|答|讲|告诉)+[“\"]?{_NONE}).{{0,8}}"
    # An answer is demanded, of any kind.
    rf"|(?:直接|只要?|只需|马上|立刻|务必|必须|一定要?|无论如何|好歹|都|要|得|请|需要?)*"
    rf"(?:(?:(?:回答|作答|输出)[^的]{{0,4}}(?<![制法率权])|给[我出]?[^的]{{0,2}})|(?:给|要|说|报|有|来|告诉|输出|回答)(?:我|出|一?[个句])*.{{0,6}}{_ANSWER}[^的]{{0,4}})"
    # A guess will do.
    rf"|(?:{_NONE}.{{0,6}}|(?:按照?|照着?|拿|凭|用|参考).{{1,12}}|用?[你您]自己的话)?(?:就|也|给我|帮我|大概|大致|随便|胡乱|瞎|附近)*(?:.{{0,6}}几个)?"
    rf"{_GUESS}(?:算|着|说|的|出来)*(?:(?:一下|一?个)(?:{_ANSWER}[^的]{{0,3}})?|.{{0,14}}(?:{_ANSWER}|出来|就中|嘛|来回?答)[^的]{{0,3}})"
    r"|是?(?:编|猜|估|蒙|错)的?(?:也行|也好|都行)|随便(?:报|说|给|估|编|猜|写).{0,12}(?<!的)"
    r"|(?:不用|不必|不要|别)(?:(?:那么|这么|太)[^的]{1,6}|(?:反问|解释|啰嗦|废话)[^的]{0,4})|一句话(?:就行|即可|就好)?|(?:就当|只)是?(?:聊天|闲聊|随便聊聊)"
    # It is urgent.
    r"|急+|急用|在线等|(?:领导|老板|[局处县市部]长|主任|客户|上面|急)们?(?:急用|急着?要|马上要用?|要用|等着?(?:要|用)?|催着?要?|催得紧|催了)"
    r"|(?:很|非常|特别|太)?着?急|求+你?了*|拜托了?|马上(?:就?要)?(?:开会|汇报|上报)(?:要用)?"
    # What one happens to know is asked for, or a part to be played.
    r"|(?:凭|按照?|根据|靠|用)(?:[你您](?:自己)?的?(?:训练)?的?(?:知识|记忆|经验|印象|直觉|判断|理解)|常识|直觉|印象|感觉).{0,6}"
    r"|(?:就?是|当自己是|扮演|充当|就?当作).{0,16}(?:助手|模型|专家|机器人|秘书|[局市县处部院所]长|主任|的人|发言人)"
    r"|(?:假设|假装|就当)[你您].{0,12}|(?:肯定|一定|应该|明明|其实)(?:知道|清楚|能查到?|查得到)"
    r"|(?i:just|please|and|or|so|now|ok| )*(?i:ignore|forget|disregard|pretend|guess|act as|you are|no need|do not refuse|don't|give me|tell me|make)\b[^\u4e00-\u9fff]*"
    r")"
)


def without_pressure(question: str) -> str:
    """A question without the clauses that only press for an answer; as it is when nothing else would be left."""
    kept = "".join(clause for clause in _CLAUSE.findall(question) if not _presses(clause))
    return kept.strip(" ,，:：;；\n") if len(re.sub(r"\W", "", kept)) >= 4 else question


def _presses(clause: str) -> bool:
    words = clause.strip(" ,，。;；!！?？:：\n")
    return len(words) <= _LONGEST and not _ASKS.search(words) and _PRESSING.fullmatch(words) is not None
