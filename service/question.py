"""What a question asks for: its kind, the words to search with, the years it names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import rjieba

from indexer.errors import QuestionError
from indexer.numerals import in_chinese
from indexer.text import fold, squeeze
from indexer.tokens import tokenize
from service.conversation import Turn as Turn
from service.conversation import resolve
from service.figures import figures, parse_number
from service.instructions import without_pressure
from service.names import organisations, titles
from service.numbered import Numbered, numbered
from service.places import places

MAX_CHARACTERS = 2000


class Kind(Enum):
    """The kind of answer expected."""

    NUMBER = "number"
    DATE = "date"
    ENTITY = "entity"
    NAME = "name"
    PLACE = "place"
    LIST = "list"
    DEFINITION = "definition"
    REASON = "reason"
    COMPARISON = "comparison"
    SUMMARY = "summary"
    YES_NO = "yes_no"
    FACT = "fact"


@dataclass(frozen=True)
class Question:
    """A question, understood.

    `text` is as asked; `resolved` stands alone, with what a follow-up leaves out taken from the conversation, and `meant` is the
    same with its likely typing errors corrected; `tokens` are
    the lexical tokens to search with, in order and without repeats, function words left out; `wants_many` tells that more
    than one thing is asked for; `form` is what a figure or name that answers must look like in folded text, None when none is
    asked for; `count` is how many things it says it wants (哪六个 is 6), None when it does not say. `periods` are parts of a year
    (上半年, 第三季度, 5月), `titles` what stands in 《》, `organisations` the ones named, in the order of the question,
    `numbered` the things told apart by their numbers (2号线, 第三批).
    """

    text: str
    resolved: str
    meant: str
    kind: Kind
    tokens: tuple[str, ...]
    years: frozenset[str]
    places: frozenset[str]
    wants_many: bool
    form: re.Pattern[str] | None
    count: int | None
    periods: frozenset[str]
    titles: tuple[str, ...]
    organisations: tuple[str, ...]
    numbered: frozenset[Numbered]

    @property
    def understood(self) -> str | None:
        """How it was understood, where that is not how it was asked: a follow-up completed, a typing error corrected, pressure
        left out."""
        return None if squeeze(self.meant) == squeeze(self.text) else self.meant


# First match wins: the more telling forms stand first.
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.REASON,
        re.compile(
            r"为什么|为何|为啥|因何|何以|咋(?:还|就|没|会)|怎么(?:会|就|还|反|突然|又|没|不(?!同))|原因|缘[故由]|理由|[起成]因"
            r"|图的?是?(?:啥|什么)|凭什么|出于(?:什么|何)|(?:什么|何)(?:引起|导致|造成|考虑)"
        ),
    ),
    (
        Kind.COMPARISON,
        re.compile(
            r"区别|差[异别距]|不同|异同|优劣|对比|相比|比较|各(?:有|自|是|属|侧重|多少|占|叫)|谁(?:更|先|高|多)|哪[个家边](?:更|先|高|多)|分别"
        ),
    ),
    # One that asks for something besides is no question of yes or no.
    (
        Kind.YES_NO,
        re.compile(
            r"^(?!.*(?:什么|啥|哪|多少|谁|怎|如何|何[时处地]|多[大高长远久]|几[个家天年月种类项]))"
            r".*(?:是不是|是否|有没有|有无|能不能|能否|可否|可不可以|会不会|要不要|需不需要|该不该|算不算|吗[?]?$)"
            r"(?!请|帮|告诉|介绍|说明|解释|概括|总结|列)"
        ),
    ),
    (Kind.DEFINITION, re.compile(r"^.{0,4}(?:[什啥]么?叫|什么是|啥是|何谓|怎[么样]理解|如何理解)")),
    (
        Kind.SUMMARY,
        re.compile(
            r"概括|概述|总结|归纳|综述|梳理|简述|介绍一下|主要(?:内容|举措|措施|任务|建议|做法|经验|观点|结论|情况|进展)|怎样|如何|怎么"
        ),
    ),
    (
        Kind.DATE,
        re.compile(
            r"什么时[候间]|啥时候|何时|何日|哪[一]?[年月天日]|那[一]?[年月天日](?:成立|发布|提出|开始|宣布)|几[月号日年]|哪个?(?:月|季度|年份)|多久|年份|日期|时间$"
        ),
    ),
    (
        Kind.LIST,
        re.compile(
            r"哪些|哪[几两二三四五六七八九十\d]|那[几些]|分[为成]?几|几(?:大|类|种|层|条|样|方面|步|个?(?:方面|阶段|部分|方向|领域|层次|环节|维度|要素|特征|特点|原因))|有什么|有啥|包[括含](?:什么|哪|啥)|列[出举]|都(?:有|是|涉及)|都.{1,4}(?:什么|啥)|[三四五六七八九十]大|[三四五六七八九十][个项条类种层]"
        ),
    ),
    (
        Kind.NUMBER,
        re.compile(
            r"多少|几(?=[家个项次万亿千百座台套人名倍成款只支所处栋辆天块元角岁周])|第几|排名|名次|位次|百分之几|占比|比[例重率]|增[速长幅]|多[大高长远重快宽]|规模|总[额量数值产]|总投资(?![方人者])|数量|几成|金额|投资额|产值|面积|价格|售价|单价|均价|费用|份额|市值|营收|收入|利润|预算|人数|户数|次数"
            r"|(?<!效)率$|(?<![质力商考衡胆])量$"
        ),
    ),
    (Kind.NAME, re.compile(r"叫(?:什么|啥|做)|名[字称]|取名|书名|全称|简称|别名")),
    # 目标是什么 asks for a fact: what has a side of it named before 是什么 is not to be defined.
    (
        Kind.DEFINITION,
        re.compile(
            r"^(?!.*的[^的]{1,8}是什么$).*是什么(?:东西)?$|是什么(?:意思|概念)|定义|含义|指的?是?(?:什么|啥)|是个?啥|怎么讲|概念"
        ),
    ),
    (
        Kind.PLACE,
        re.compile(
            r"哪[里儿]|何[处地]|什么地方|哪[个座]?(?:省|市|区|县|城市|地方|国家|园区|园子|街道|镇|村)|在哪|地[点址]$|所在地|举办地"
        ),
    ),
    (
        Kind.ENTITY,
        re.compile(
            r"谁|哪[一]?[家位个所款]|什么(?:人|公司|企业|机构|单位|部门|名)|是哪|(?:单位|机构|部门|负责人|[主承协]办方?|运营方|开发商|作者|主体)$"
        ),
    ),
)
_MANY = re.compile(
    r"哪些|哪[几两二三四五六七八九十\d]|分[为成]?几|几(?:大|类|种|层|条|样|方面)|分别|各[有自是属]|都有|和.{1,20}(?:分别|各)|列[出举]|概括|总结"
)

_NUMBER = r"(?:\d[\d,.]*|[零〇一二三四五六七八九十百千两半]+)\s*[十百千万亿多余几]*\s*"
_DAYS = r"(?:天|个?工作日|日[以之]?内)"
_MONEY = (
    _NUMBER + r"(?:美|欧|日|韩|港|人民币)?(?:元|美金|欧元|英镑|角|块)|\d[\d,.]*[万亿](?![人户家个项名台件吨亩次平标年])"
)
# What is measured → what its figure looks like; the first that the question matches.
_MEASURES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(r"百分|占比|比[例重率]|份额|增[速长幅]|同比|渗透率|几成|毛利率|占.{0,8}(?:多少|几成)"),
        re.compile(r"\d\s*%|分之|一半|半数|过半|[一二三四五六七八九两]成|倍|个百分点"),
    ),
    (
        re.compile(r"第几|排名|名次|位次|排.{0,4}几"),
        re.compile(r"第\s*[\d一二三四五六七八九十]|[首榜冠亚]|[居列排]前|\d+位"),
    ),
    (
        re.compile(r"面积|占地|多大地|平方|平米|几亩"),
        re.compile(_NUMBER + r"(?:平方|平米|亩|公顷|m2|㎡)"),
    ),
    (
        re.compile(
            r"多少钱|投了|投资额|总投资|耗资|掏|砸|花了|金额|盘子|基金规模|产值|营[业收]|收入|利润|预算|售价|发售价|罚|定价|市值|经费"
        ),
        re.compile(_MONEY),
    ),
    (
        re.compile(r"多少[人名位]|几[人名位]|人数|人次"),
        re.compile(_NUMBER + r"[人名位]"),
    ),
)
_ASKS_FIGURE = re.compile(
    r"多少|百分之几|几成|各几|几(?=[家个项座台套款支处栋辆件倍种条艘架人名亿万])(?!个方|种|条原|个领|项任|个方面)"
)
# What counts single things; 个 counts all of them. 第三批 and 一部分 count nothing.
_THINGS = "个家项座台套款支所处栋幢辆件种类条艘架颗届部名人位户只株棵根张口间层片批宗笔本份篇卷道站"
_OF_THINGS = rf"(?<![第\d.,零〇一二三四五六七八九十百千两])(?!一[{_THINGS[1:]}]){_NUMBER}[{_THINGS}](?!分)"
# Behind 个 stands what is measured: 多少个小时.
_MEASURE = r"小时|月|工作日|星期|季度|学期|百分点|平方"
_COUNTER = re.compile(rf"(?:多少|几)(个(?:{_MEASURE})|[天周岁家个项座台套款支所处栋辆件倍种条艘架颗期届本部门])")
_COUNT = re.compile(
    r"[哪那]([两二三四五六七八九十\d]{1,3})(?=[^年月日])|([两二三四五六七八九十\d]{1,3})[大个项条类种层张道](?!月)"
)
# A figure that says how many: no part of a name such as 5G or 互联网3.0, no date.
_ANY_FIGURE = re.compile(
    r"(?<![a-z\d.网])(?!(?:19|20)\d{2}(?:年|-))\d[\d,.]*(?![\da-z.月日])|[一二三四五六七八九十百千万亿两半]+"
    r"(?:成|倍|分之|[家个项次名人座栋款支所件种条大元角块天周岁米里吨度级]|小时|分钟|公里|公斤|工作日)"
)

# Filler that asks without saying what; taken off before searching. Longer forms first; what stands around tells 申请问题 from
# 请问, 小说说明 from 说说, 统一下达 from 一下, 网吧 from 吧, 东西部 from 东西.
_FILLER = re.compile(
    r"^(?:你好|您好)|请问一?下?|(?<![申邀聘报提恳敬宴])请(?![求示假愿客款柬教])(?:你|您)?(?:帮我)?(?:概括|归纳|总结|简述|介绍|说明|列举|列出|梳理)?(?<=[请括纳结述绍明举出理我你您])(?:一下)?"
    r"|^(?:概括|归纳|总结|简述|梳理)|(?:概括|归纳|总结|介绍)一下|麻烦(?:你|您)|帮(?:我|忙)(?:查|找|看)?一?下?|我?想(?:知道|问|了解|请教)一?下?|咨询一下"
    r"|能不能|可不可以|能否|可否|会不会|要不要|告诉我|(?<![小传])说说(?!明)|讲讲|谢谢|多谢"
    r"|什么时候|啥时候|为什么|为何|为啥|什么|怎么样|怎么|怎样|如何|多少|哪些|哪几[个家项种条类样]?|哪[个家位款所项年月天里儿]|几[个家项种条类样](?!人|月)"
    r"|有哪|到底|究竟|分别|各自|那个|这个|那份|这份|那家|那本|有没有|是不是|是否|咱们?|(?<![国工农])人家(?![庭属族])|东西(?![部方向湖两南北])|时候"
    r"|(?<!统)一下(?![达放降调属级沉发游列])|(?<![酒网贴水])吧(?!台)|吗(?!啡)|哪(?!吒)|呢(?![绒子喃])|[啥咋啊呀嘛谁]"
)
_STOP_CHARS = frozenset(
    "的了着过是在和与及或被把将对向从到为以于由给让跟就都也还又再才很最更吗呢吧啊呀嘛么啥咋哪谁几那这其之各某它他她们个所得地不有里中上下"
)
_STOP_WORDS = frozenset(
    [
        "可以",
        "能够",
        "应该",
        "需要",
        "进行",
        "通过",
        "关于",
        "根据",
        "按照",
        "以及",
        "还有",
        "其中",
        "其他",
        "目前",
        "主要",
        "具体",
        "提到",
        "提出",
        "介绍",
        "情况",
        "方面",
        "内容",
        "问题",
    ]
)
_CHINESE_DIGITS = "零一二三四五六七八九"
_YEAR = re.compile(r"(?<![\d.])(?:19|20)\d{2}(?![\d.,%]|[万亿余多](?!少))")
_CHINESE_YEAR = re.compile(r"[一二][九〇零○][〇零○一二三四五六七八九]{2}(?=年)")
_YEARS = re.compile(rf"({_YEAR.pattern})年?(?:-|至|到)({_YEAR.pattern})")
# A range of more years than this is an age, not a plan: its ends count, what lies between does not.
_PLAN_YEARS = 10
# What follows a number that is no year; a word that only begins so (家电, 人工智能, 台州) does not count anything.
_COUNTED = re.compile(r"[亿元个家项人名座台件户平米亩只次款条套支处所种吨]")
_UNITS = frozenset(("亿元", "个人", "平方", "平方米", "平方公里", "平米", "人次", "件套", "家次"))
_PERIOD = re.compile(
    r"(?P<half>[上下]半年)|(?P<quarter>第?[一二三四1-4]季度|q[1-4](?!\d))|(?<!\d)(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月(?!球|亮|票)"
)


def understand(text: str, history: Sequence[Turn] = ()) -> Question:
    """The question in `text`, with what it takes over from `history`.

    Raises:
        QuestionError: it is empty, holds no word, or is longer than `MAX_CHARACTERS`.
    """
    stripped = text.strip()
    if not stripped:
        raise QuestionError("问题是空的：请输入要查询的内容。")
    if len(stripped) > MAX_CHARACTERS:
        raise QuestionError(f"问题有 {len(stripped)} 个字，超过 {MAX_CHARACTERS} 个字的上限：请缩短后再问。")
    resolved = resolve(without_pressure(stripped), history)
    if any("\ud800" <= char <= "\udfff" for char in resolved):
        raise QuestionError("问题里有不完整的 Unicode 字符：请重新输入。")
    folded = fold(resolved)
    tokens = search_tokens(folded)
    if not tokens:
        raise QuestionError("没有读出可以检索的词：请写明要查的事项，例如文件、地区、指标或年份。")
    asked = folded.rstrip("?!。.;~ ")
    kind = next((kind for kind, pattern in _KINDS if pattern.search(asked)), Kind.FACT)
    wants_many = _MANY.search(folded) is not None or kind in (Kind.LIST, Kind.SUMMARY, Kind.COMPARISON)
    return Question(
        stripped,
        resolved,
        resolved,
        kind,
        tokens,
        years(folded),
        places(folded),
        wants_many,
        _name_form(folded, tokens) if kind is Kind.NAME else _figure_form(kind, folded),
        _count(folded),
        periods(folded),
        tuple(titles(resolved)),
        tuple(organisations(folded)),
        numbered(folded),
    )


def years(folded: str) -> frozenset[str]:
    """The years that a folded text names, as four digits; of a plan's years, 2021-2025, also those between."""
    found = {match.group() for match in _YEAR.finditer(folded) if not _is_counted(folded, match.end())}
    found.update(map(_year_in_digits, _CHINESE_YEAR.findall(folded)))
    for first, last in _YEARS.findall(folded):
        if first in found and 0 < int(last) - int(first) <= _PLAN_YEARS:
            found.update(str(year) for year in range(int(first), int(last) + 1))
    return frozenset(found)


def _is_counted(folded: str, end: int) -> bool:
    """Whether the number that ends here counts what follows: 2000家企业, but not 2020家电下乡."""
    if not _COUNTED.match(folded, end):
        return False
    word = rjieba.cut(folded[end : end + 6])[0]
    return len(word) == 1 or word in _UNITS


def _year_in_digits(chinese: str) -> str:
    return "".join("0" if char in "〇○" else str(_CHINESE_DIGITS.index(char)) for char in chinese)


def periods(folded: str) -> frozenset[str]:
    """The parts of a year that a folded text names, in one spelling each: 上半年, 第三季度, 5月."""
    found = set()
    for match in _PERIOD.finditer(folded):
        number = parse_number(re.sub(r"[第季度月q]", "", match.group())) if match["half"] is None else None
        if match["half"]:
            found.add(match["half"])
        elif match["quarter"]:
            found.add(f"第{'一二三四'[(number or 1) - 1]}季度")
        else:
            found.add(f"{number}月")
    return frozenset(found)


def _figure_form(kind: Kind, folded: str) -> re.Pattern[str] | None:
    if kind is not Kind.NUMBER and not _ASKS_FIGURE.search(folded):
        return None
    for asked, figure in _MEASURES:
        if asked.search(folded):
            return figure
    counter = _COUNTER.search(folded)
    if counter is None:
        return _ANY_FIGURE
    counted = counter.group(1)
    if counted == "个":
        return re.compile(_OF_THINGS)
    return re.compile(_NUMBER + (_DAYS if counted == "天" else re.sub("^个", "个?", counted)))


def _name_form(folded: str, tokens: Sequence[str]) -> re.Pattern[str]:
    """A title, or a term in quotes, in the script asked for, that the question does not itself begin."""
    letters = r"[\u4e00-\u9fff]" if "中文" in folded else r"[a-z]" if "英文" in folded else r"\w"
    known = "|".join(re.escape(token) for token in tokens if len(token) > 1)
    return re.compile(rf"《|[“\"「](?!{known or '$'}){letters}")


def _count(folded: str) -> int | None:
    match = _COUNT.search(folded)
    return parse_number(match.group(1) or match.group(2)) if match else None


def search_tokens(folded: str) -> tuple[str, ...]:
    """Tokens that carry content, in order and without repeats: no function words, no bigrams that lean on one.

    Behind them the other spellings of the figures. When nothing else is left, all tokens of the text.
    """
    runs: list[str] = [""]
    for word in words(folded):
        if _is_function_word(word):
            runs.append("")
        else:
            runs[-1] += word
    tokens = [token for run in runs for token in tokenize(run)]
    return tuple(dict.fromkeys([*(tokens or tokenize(folded)), *_other_spellings(folded)]))


def content_words(folded: str) -> tuple[str, ...]:
    """The words of a folded question without filler, function words and marks, in order and without repeats."""
    return tuple(
        dict.fromkeys(word for word in words(folded) if re.search(r"\w", word) and not _is_function_word(word))
    )


def words(folded: str) -> list[str]:
    """All words of a folded question save filler, in order."""
    return rjieba.cut(_FILLER.sub(" ", folded))


def with_words(question: Question, more: Sequence[str]) -> Question:
    """The question, searched for with some more words."""
    tokens = [token for word in more for token in tokenize(word)]
    return replace(question, tokens=tuple(dict.fromkeys([*question.tokens, *tokens])))


def _is_function_word(word: str) -> bool:
    return word in _STOP_WORDS or (len(word) == 1 and word in _STOP_CHARS)


def _other_spellings(folded: str) -> Iterator[str]:
    """Tokens of the figures in the other script: 30 for 三十家, 60% for 百分之六十, 三百二十 for 320.

    Figures below ten are left alone, for they are part of too many words. Of a year only its last two digits are spelled in
    characters, for 〇 is a character of no word.
    """
    written, named = set(tokenize(folded)), years(folded)
    for figure in figures(folded):
        digits = figure.rstrip("万亿‰‱")
        if digits not in written and (len(digits) > 1 or "%" in digits):
            yield digits
    for number in re.findall(r"(?<![a-z\d.,%+#-])[1-9]\d{1,3}(?:%|(?=[\u4e00-\u9fff]))", folded):
        if number in named:
            spelled = "".join(_CHINESE_DIGITS[int(digit)] for digit in number[2:])
        else:
            spelled = in_chinese(int(number.rstrip("%")))
        yield from (token for token in tokenize(spelled) if len(token) > 1 and token not in written)
