"""What a question asks for: its kind, the words to search with, the years it names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import rjieba

from indexer.errors import QuestionError
from indexer.text import fold
from indexer.tokens import tokenize
from service.figures import parse_number
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
    FACT = "fact"


@dataclass(frozen=True)
class Turn:
    """One earlier message of a conversation; `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True)
class Question:
    """A question, understood.

    `text` is as asked; `resolved` stands alone, with what a follow-up leaves out taken from the conversation; `tokens` are
    the lexical tokens to search with, in order and without repeats, function words left out; `wants_many` tells that more
    than one thing is asked for; `form` is what a figure or name that answers must look like in folded text, None when none is
    asked for; `count` is how many things it says it wants (哪六个 is 6), None when it does not say.
    """

    text: str
    resolved: str
    kind: Kind
    tokens: tuple[str, ...]
    years: frozenset[str]
    places: frozenset[str]
    wants_many: bool
    form: re.Pattern[str] | None
    count: int | None


# First match wins: the more telling forms stand first.
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.REASON,
        re.compile(r"为什么|为何|为啥|咋(?:还|就|没|会)|怎么(?:会|就|还|反)|原因|缘故|图的?是?(?:啥|什么)|凭什么"),
    ),
    (
        Kind.COMPARISON,
        re.compile(
            r"区别|差异|差别|不同|对比|相比|比较|各(?:有|自|是|属|侧重|多少|占|叫)|谁(?:更|先|高|多)|哪[个家边](?:更|先|高|多)|分别"
        ),
    ),
    (
        Kind.SUMMARY,
        re.compile(
            r"概括|概述|总结|归纳|综述|梳理|简述|介绍一下|主要(?:内容|举措|措施|任务|建议)|哪些(?:举措|措施|建议|要求)|怎样|如何|怎么"
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
            r"哪些|哪[几两二三四五六七八九十\d]+|那[几些]|分[为成]?几|几(?:大|类|种|层|条|样|方面|步|个?(?:方面|阶段|部分|方向|领域|层次|环节|维度|要素|特征|特点|原因))|有什么|有啥|包[括含](?:什么|哪|啥)|列[出举]|都(?:有|是|涉及)|[三四五六七八九十]大|[三四五六七八九十][个项条类种层]"
        ),
    ),
    (
        Kind.NUMBER,
        re.compile(
            r"多少|几(?=[家个项次万亿千百座台套人名倍成款只支所处栋辆])|百分之几|占比|比[例重率]|增[速长幅]|多[大高长远重快宽]|规模|总[额量数值]|数量|几成|金额|投资额|产值|面积|价格|售价|份额|市值|营收|收入|利润|预算|人数"
        ),
    ),
    (Kind.NAME, re.compile(r"叫(?:什么|啥|做)|名[字称]|取名|书名|全称|简称|别名")),
    (
        Kind.DEFINITION,
        re.compile(
            r"是什么(?:意思|东西|概念)?[？?]?$|什么是|啥是|何谓|定义|含义|指的?是?(?:什么|啥)|是个?啥|怎么讲|概念"
        ),
    ),
    (Kind.PLACE, re.compile(r"哪[里儿]|何处|什么地方|哪个?(?:省|市|区|县|城市|地方|国家|园区|园子)|在哪")),
    (Kind.ENTITY, re.compile(r"谁|哪[一]?[家位个所款]|什么(?:人|公司|企业|机构|单位|名)|是哪")),
)
_MANY = re.compile(
    r"哪些|哪[几两二三四五六七八九十\d]|分[为成]?几|几(?:大|类|种|层|条|样|方面)|分别|各[有自是属]|都有|和.{1,20}(?:分别|各)|列[出举]|概括|总结"
)

_NUMBER = r"(?:\d[\d,.]*|[零〇一二三四五六七八九十百千两半]+)\s*[十百千万亿多余几]*\s*"
_MONEY = _NUMBER + r"(?:美|欧|日|韩|港|人民币)?(?:元|美金|欧元|英镑|角|块)"
# What is measured → what its figure looks like; the first that the question matches.
_MEASURES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(r"百分|占比|比[例重率]|份额|增[速长幅]|同比|渗透率|几成|毛利率|占.{0,8}(?:多少|几成)"),
        re.compile(r"\d\s*%|百分之|[一二三四五六七八九两]成|倍|个百分点"),
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
_COUNTER = re.compile(r"(?:多少|几)([家个项座台套款支所处栋辆件倍种条艘架颗期届本部门])")
_COUNT = re.compile(
    r"[哪那]([两二三四五六七八九十\d]{1,3})(?=[^年月日])|([两二三四五六七八九十\d]{1,3})[大个项条类种层张道](?!月)"
)
# A figure that says how many: no part of a name such as 5G or 互联网3.0, no date.
_ANY_FIGURE = re.compile(
    r"(?<![a-z\d.网])(?!(?:19|20)\d{2}(?:年|-))\d[\d,.]*(?![\da-z.月日])|[一二三四五六七八九十百千万亿两半]+"
    r"(?:成|倍|分之|[家个项次名人座栋款支所件种条大元角块天周岁米里吨度级]|小时|分钟|公里|公斤|工作日)"
)

# Filler that asks without saying what; taken off before searching. Longer forms first.
_FILLER = re.compile(
    r"请问一?下?|请你?(?:帮我)?(?:概括|归纳|总结|简述|介绍|说明|列举|列出)?|概括一?下?|归纳一?下?|总结一?下?|简述|麻烦(?:你|您)?|帮我?(?:查|找|看)?一?下?|我想(?:知道|问|了解)一?下?|能不能|可不可以|告诉我|说说|讲讲|谢谢|多谢"
    r"|什么时候|啥时候|为什么|为何|为啥|什么|怎么样|怎么|怎样|如何|多少|哪些|哪几[个家项种条类样]?|哪[个家位款所项年月天里儿]|几[个家项种条类样]"
    r"|有哪|到底|究竟|分别|各自|那个|这个|那份|这份|那家|那本|有没有|是不是|是否|咱们?|人家|东西|时候|一下|[啥咋吗呢吧啊呀嘛谁哪]"
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
# Not the 2000 of 2000亿元 or 2000余家: a year is not counted in anything.
_YEAR = re.compile(r"(?<![\d.])((?:19|20)\d{2})(?![\d.,%]|[万亿元个家项人名座台件户平米亩余多只次款条套支处所种])")
_FOLLOW_UP = re.compile(r"^(?:那|那么|还有|它|他|她|其|这|该|另外|然后|再)|^.{0,12}呢[？?]?$")


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
    resolved = _resolve(stripped, history)
    if any("\ud800" <= char <= "\udfff" for char in resolved):
        raise QuestionError("问题里有不完整的 Unicode 字符：请重新输入。")
    folded = fold(resolved)
    tokens = search_tokens(folded)
    if not tokens:
        raise QuestionError("没有读出可以检索的词：请写明要查的事项，例如文件、地区、指标或年份。")
    kind = next((kind for kind, pattern in _KINDS if pattern.search(folded)), Kind.FACT)
    wants_many = _MANY.search(folded) is not None or kind in (Kind.LIST, Kind.SUMMARY, Kind.COMPARISON)
    return Question(
        stripped,
        resolved,
        kind,
        tokens,
        years(folded),
        places(folded),
        wants_many,
        _name_form(folded, tokens) if kind is Kind.NAME else _figure_form(kind, folded),
        _count(folded),
    )


def years(folded: str) -> frozenset[str]:
    """The years that a folded text names, as four digits."""
    return frozenset(_YEAR.findall(folded))


def _figure_form(kind: Kind, folded: str) -> re.Pattern[str] | None:
    if kind is not Kind.NUMBER and not _ASKS_FIGURE.search(folded):
        return None
    for asked, figure in _MEASURES:
        if asked.search(folded):
            return figure
    counter = _COUNTER.search(folded)
    if counter:
        return re.compile(_NUMBER + counter.group(1))
    return _ANY_FIGURE


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

    When nothing else is left, all tokens of the text.
    """
    runs: list[str] = [""]
    for word in rjieba.cut(_FILLER.sub(" ", folded)):
        if word in _STOP_WORDS or (len(word) == 1 and word in _STOP_CHARS):
            runs.append("")
        else:
            runs[-1] += word
    tokens = [token for run in runs for token in tokenize(run)]
    return tuple(dict.fromkeys(tokens or tokenize(folded)))


def _resolve(text: str, history: Sequence[Turn]) -> str:
    """A follow-up with the last full question of the user in front of it; anything else as it is."""
    earlier = [turn.content.strip() for turn in history if turn.role == "user" and turn.content.strip()]
    if not earlier or len(text) > 30 or not _FOLLOW_UP.search(text):
        return text
    return f"{earlier[-1][:MAX_CHARACTERS]} {text}"
