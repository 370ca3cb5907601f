"""Facts of Chinese text that can be compared without understanding it: figures with unit and qualifier, dates, file
numbers.

Each is a `Mention` with its place; its `scene` tells which of several like ones another text means.
"""

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache

import rjieba

from service.figures import arabic, parse_number


class Kind(Enum):
    FIGURE = "figure"
    ORDINAL = "ordinal"
    DATE = "date"
    CLOCK = "time"
    FILE = "document number"


@dataclass(frozen=True)
class Mention:
    """One fact at `start:end` of an `arabic` text.

    `value` is comparable within a kind: a number (shares as per cent, 万 and 亿 multiplied out), `(year, month, day)`
    with None for what is not said, or text. `qualifiers` are classes such as `about` or `above`; `rises` is the
    direction that the words in front give a change (None when they give none), `signed` that a minus sign gives it.
    `implied` is a date completed from dates before it.
    """

    kind: Kind
    start: int
    end: int
    shown: str
    value: Fraction | str | tuple[int | None, int | None, int | None]
    unit: str = ""
    qualifiers: frozenset[str] = frozenset()
    rises: bool | None = None
    signed: bool = False
    indefinite: bool = False
    implied: tuple[int | None, int | None, int | None] = (None, None, None)


_SCALES = {"": 1, "百": 10**2, "千": 10**3, "万": 10**4, "亿": 10**8, "万亿": 10**12}
_SCALES |= {ten + big: _SCALES[ten] * _SCALES[big] for ten in "百千" for big in ("万", "亿")}
_UNIT_WORDS = (
    "个百分点 百分点 平方公里 平方千米 平方米 平米 立方米 公里 千米 厘米 毫米 公顷 公斤 千克 毫克 海里 英里 千瓦时 千瓦 兆瓦 标箱 标准箱 人次 架次 车次 批次 "
    "个工作日 工作日 个自然日 个季度 季度 个月 个小时 小时 分钟 毫秒 周岁 美元 欧元 港元 日元 英镑 人民币 个方面 方面 台套 "
    "号线 号楼 元 角 米 亩 克 吨 升 秒 年 岁 周 天 日 月 瓦 度 倍 折 分 点 时 号 家 个 项 条 座 栋 名 位 款 种 类 层 支 只 所 处 件 步 人 户 台 辆 架 艘 届 次 期 批 轮 册 张 间 场 篇 组 级 "
    "颗 把 片 份 本 门 块 套 副 宗 起 例 笔 幢 株 棵 头 队 班 版 页 章 节 段 字 大 路 村 镇 乡 县 市 省 区 国 校 店 厂 枚 部 根 顶 箱 桶 瓶 袋 盏 床 席 道 封 面 口 眼 代 线 环 里 斤 两"
)
_SAME_UNIT = {
    "平方千米": "平方公里",
    "平米": "平方米",
    "千米": "公里",
    "千克": "公斤",
    "个工作日": "工作日",
    "个季度": "季度",
    "个小时": "小时",
    "个百分点": "百分点",
    "标准箱": "标箱",
    "人民币": "元",
    "个方面": "方面",
    "个月": "个月",
    "天": "日",
    "周岁": "岁",
    "名": "人",
    "位": "人",
    "号线": "号",  # 1号、2号线
    "号楼": "号",
}
_UNIT = rf"[%‰‱]|成(?![立为员果本功绩效交分长都品熟就人])|{'|'.join(_UNIT_WORDS.split())}|[a-zμ][a-z]*(?:/[a-z]+)?"
_FIGURE = re.compile(
    rf"(?P<ordinal>第\s?)?(?P<sign>负\s?)?(?P<number>\d+(?:\.\d+)?)\s?(?P<more>[余多来])?\s?(?P<scale>[百千]?万亿?|[百千]?亿|千(?![米克瓦])|百)?"
    rf"(?P<rest>(?<=[万亿])\s?\d+(?:\.\d+)?[万千百]?)?(?P<more_still>[余多])?(?:\s?(?P<unit>{_UNIT}))?"
)
_FRACTION = re.compile(r"(\d+|[二三四五六七八九十]+)分之(\d+|[一二三四五六七八九十]+)")
_ORDINAL = re.compile(r"(?<=第)[一二三四五六七八九十百零]+")
_SHARES = {"%": Fraction(1), "‰": Fraction(1, 10), "‱": Fraction(1, 100), "成": Fraction(10)}
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_YEAR = r"(?:1[89]|20)\d\d"
_DATE = re.compile(
    rf"(?P<y1>{_YEAR})(?P<dash>[-/.])(?P<m1>1[0-2]|0?[1-9])(?:(?P=dash)(?P<d1>3[01]|[12]\d|0?[1-9]))?(?![\d年])"
    rf"|(?<!\d)(?P<y2>{_YEAR})(?:年度?\s?|(?=\s?[-至到、,和及与]\s?{_YEAR}年?(?!\d)))(?:(?P<m2>\d{{1,2}})月份?\s?(?:(?P<d2>\d{{1,2}})[日号])?)?"
    r"|(?<![\d.])(?P<m3>\d{1,2})月份?\s?(?:(?P<d3>\d{1,2})[日号])?|(?<![\d.])(?P<d4>\d{1,2})日(?!元)"
    rf"|(?<![\d.a-z])(?P<y5>{_YEAR})(?![\d.%a-z])(?!\s?(?:[余多百千万亿]|{_UNIT}))"
)
_CLOCK = re.compile(r"(?<!\d)\d{1,2}:\d{2}(?!\d)")
_FILE = re.compile(r"(?P<prefix>[\u4e00-\u9fff]{0,10})[〔\[(【](?P<year>\d{4})[〕\])】]\s?第?\s?(?P<number>\d+)\s?号")
_PERIOD = re.compile(
    r"[上下]半[年月]|第?\s?[一二三四1-4]\s?季度|年[底末初中]|月[底末初中]|[上中下]旬|[上下]午|周[一二三四五六日末]|星期[一二三四五六日]"
)

_QUARTERS = str.maketrans("一二三四", "1234")

_QUALIFIERS = {
    "nearly": "将近 接近 近",
    "below": "不足 不到 不满 未满 低于 少于 小于",
    "above": "超过 超出 超 逾 突破 高于 大于 多于 余 多",
    "about": "大约 约 大概 左右 上下 来",
    "at least": "不低于 不少于 不小于 不得低于 不得少于 不得小于 至少 最少 以上",
    "at most": "不高于 不超过 不多于 不大于 不得高于 不得超过 不得多于 不得大于 最多 至多 以下 以内 之内 内",
    "before": "以前 之前 前",
    "after": "以后 之后 后 起",
    "end": "底 末",
    "beginning": "初",
}
PARTS_OF_PERIODS = frozenset({"end", "beginning"})
_CLASS_OF = {word: name for name, words in _QUALIFIERS.items() for word in words.split()}
_BEFORE = re.compile(
    r"(不得?[低少小高多大]于|不得?超过|不足|不到|[不未]满|至少|最少|最多|至多|将近|接近|超过|超出|突破|[低少小高多大]于|大约|大概|逾"
    r"|(?<![附靠最邻])近|(?<![节签预履合失条违公制])约|(?<!不)超)(?:了|为|有|达到?|到)?\s*$"
)
_BEHIND = re.compile(
    r"(?:\s|及)*(以上|以下|以内|之内|以前|之前|以后|之后|左右|上下|前(?![往进后景期沿面提三])|后(?![期续备者面勤])|起(?![到来草])|底(?![层线座])|末|初(?![步级期中])"
    r"|内(?![容部外蒙河陆资需地涵在存阁务]))"
)
_RISE = re.compile(
    r"增长|增加|增幅|增速|新增|上升|提高|提升|上涨|扩大|涨|升至|增至|(?P<fall>下降|减少|降低|下跌|下滑|缩小|缩减|回落|降幅|跌幅|降至|减至|跌至|跌|亏损)"
)
_INDEFINITE_WORDS = "个 种 项 次 批 条 方面 大 类 份 套 组 片 场 步 面 道 部 本 张 篇"
_INDEFINITE_UNITS = frozenset(_INDEFINITE_WORDS.split())
_STOPS = re.compile(r"[,;。!?:\n|\t、]")
_COMMA, _CLAUSE, _SENTENCE = (re.compile(stops) for stops in (r"[,:;。!?\n|\t]", r"[;。!?\n]", r"[。!?\n]"))
# Words that join or fill in, and so tell nothing about what a figure belongs to, stand between the others.
_EMPTY = "其中|分别|以及|同时|此外|目前|数据|显示|介绍|指出|达到|[的了着是在和与及或被把将对向从到至为以于由给让跟就都也还又再其之该这那各共达有约近超比]"
_FILLED = re.compile(rf"(?:(?!{_EMPTY})[^\W_])+")


@lru_cache(maxsize=4096)
def readable(text: str) -> str:
    """The text in which mentions are found: `arabic` line by line, ordinals too, without separators of thousands."""
    lines = "\n".join(arabic(line) for line in text.split("\n"))
    return _ORDINAL.sub(lambda match: str(parse_number(match.group())), _THOUSANDS.sub("", lines))


@lru_cache(maxsize=4096)
def mentions(text: str) -> tuple[Mention, ...]:
    """The facts of a `readable` text, in text order, none inside another."""
    found = [*_files(text), *_clocks(text)]
    found += [m for m in _dates(text) if not _taken(m, found)]
    found += [m for m in _figures(text) if not _taken(m, found)]
    return tuple(sorted(found, key=lambda mention: mention.start))


def periods(text: str) -> list[str]:
    """Parts of years, months, weeks and days that a `readable` text names, such as 上半年, 第三季度, 年底, 下午."""
    return [re.sub(r"[第\s]", "", match.group()).translate(_QUARTERS) for match in _PERIOD.finditer(text)]


@dataclass(frozen=True)
class Scene:
    """What a mention belongs to as far as its surroundings tell: words, and marks of the dates and figures among
    them.

    `near` reaches to the next like mention or stop; `shared` is what else of the sentence, up to the next semicolon,
    no like mention has near; `wide` are the clause, the part between semicolons and the sentence, each with
    everything in it.
    """

    near: frozenset[str]
    shared: frozenset[str]
    wide: tuple[frozenset[str], ...]


@lru_cache(maxsize=4096)
def scene(text: str, mention: Mention) -> Scene:
    """The surroundings of a mention of a `readable` text."""
    begin, end = _last(_SENTENCE, text, mention.start), _next(_CLAUSE, text, mention.end)
    claims = _claims(text, mention.kind is Kind.DATE)
    shared: frozenset[str] = frozenset()
    at = begin
    for start, stop in [*(claim for claim in claims.values() if begin <= claim[0] < end), (end, end)]:
        shared |= _words(text, at, start, mention)
        at = max(at, stop)
    wide = [
        (_last(stops, text, mention.start), _next(stops, text, mention.end)) for stops in (_COMMA, _CLAUSE, _SENTENCE)
    ]
    near = _words(text, *claims[mention], mention)
    like = list(claims)
    i = like.index(mention)
    if i and _rises_to(text, like[i - 1], mention):
        near |= _words(text, *claims[like[i - 1]], like[i - 1])
    if i + 1 < len(like) and (since := _rises_to(text, mention, like[i + 1])):
        # 2022年由187台提高到392台: the year is that of the second figure.
        near = frozenset(word for word in near if word[0] != "#") | _words(text, since, claims[mention][1], mention)
    return Scene(near, shared, tuple(_words(text, *span, mention) for span in wide))


def _rises_to(text: str, one: Mention, other: Mention) -> int:
    """Where a change from one figure to the next begins, as in 由187台提高到392台; 0 when there is none."""
    begin = _last(_COMMA, text, one.start)
    start = re.search(r"[由从](?=[^由从]*$)", text[begin : one.start])
    leads = re.fullmatch(r"[^,;。!?:\n|、]*[到至为]\s?[近超约]?过?\s?", text[one.end : other.start])
    return begin + start.start() if start and leads and one.kind is Kind.FIGURE else 0


@lru_cache(maxsize=1024)
def _claims(text: str, of_dates: bool) -> dict[Mention, tuple[int, int]]:
    """What stands near each date, or each mention that is none: up to the one before, the one behind, or a stop."""
    like = [m for m in mentions(text) if (m.kind is Kind.DATE) == of_dates]
    claims = {}
    for i, mention in enumerate(like):
        begin = max(_last(_COMMA, text, mention.start), like[i - 1].end if i else 0)
        end = like[i + 1].start if i + 1 < len(like) else len(text)
        stops = list(itertools.islice(_STOPS.finditer(text, mention.end, end), 2))
        if stops and not re.search(r"\w\w", text[begin : mention.start] + text[mention.end : stops[0].start()]):
            stops.pop(0)  # 2021年，…: what stands behind the stop is its clause
        claims[mention] = (begin, stops[0].start() if stops else end)
    return claims


@lru_cache(maxsize=1024)
def _tokens(text: str) -> list[tuple[int, int, str]]:
    """(start, end, word) of a text in order, and for each mention a mark that begins with #: its value, or the year
    of a date.
    """
    tokens = []
    at = 0
    for mention in (*mentions(text), None):
        for run in _FILLED.finditer(text, at, mention.start if mention else len(text)):
            start = run.start()
            for word in rjieba.cut(run.group()):
                tokens.append((start, start + len(word), word))
                start += len(word)
        if mention is not None:
            at = mention.end
            if isinstance(mention.value, tuple):
                tokens.append((mention.start, at, f"#{mention.value[0] or mention.implied[0] or mention.value}"))
            else:
                tokens.append((mention.start, at, f"#{mention.value} {mention.unit}"))
    return tokens


def _words(text: str, begin: int, end: int, of: Mention) -> frozenset[str]:
    """The words and marks of a stretch of text, other than the mark of the mention itself."""
    tokens = _tokens(text)
    first = bisect_left(tokens, begin, key=lambda token: token[0])
    inside = itertools.takewhile(lambda token: token[1] <= end, tokens[first:])
    return frozenset(word for start, _, word in inside if start != of.start)


def agree(said: Mention, source: Mention) -> bool:
    """Whether the value and unit of a mention are those of a mention of the source, qualifiers and direction aside."""
    if said.kind is not source.kind:
        return False
    if isinstance(said.value, tuple) and isinstance(source.value, tuple):
        known = [own if own is not None else implied for own, implied in zip(source.value, source.implied, strict=True)]
        return all(own is None or own == other for own, other in zip(said.value, known, strict=True))
    if said.kind is Kind.FILE:
        return str(said.value).partition(" ")[2] == str(source.value).partition(" ")[2] and _same_prefix(said, source)
    # 第一、二批: what an ordinal counts may stand behind the last of several only.
    is_open = not said.unit or (said.kind is Kind.ORDINAL and not source.unit)
    return said.value == source.value and (said.unit == source.unit or is_open)


def alike(said: Mention, other: Mention) -> bool:
    """Whether a mention of the source could be taken for `said`: the same kind of thing, whatever its value."""
    return said.kind is other.kind and (said.kind not in (Kind.FIGURE, Kind.ORDINAL) or said.unit == other.unit)


def _same_prefix(said: Mention, source: Mention) -> bool:
    """京政发 of 据京政发〔2022〕12号: the shorter run of characters ends the longer one, up to a word of the sentence."""
    one, other = (str(m.value).partition(" ")[0] for m in (said, source))
    common = 0
    while common < min(len(one), len(other)) and one[-1 - common] == other[-1 - common]:
        common += 1
    rest = one[: len(one) - common]
    return not rest or (common >= 2 and rest[-1] in "据照按由以和及与的为是即见发文号件知")


def _next(stops: re.Pattern[str], text: str, behind: int) -> int:
    """Offset of the next stop at or behind `behind`, or of the end of the text."""
    match = stops.search(text, behind)
    return match.start() if match else len(text)


def _last(stops: re.Pattern[str], text: str, before: int) -> int:
    """Offset behind the last stop before `before`, 0 without one."""
    ends = _ends(stops, text)
    i = bisect_right(ends, before)
    return ends[i - 1] if i else 0


@lru_cache(maxsize=1024)
def _ends(stops: re.Pattern[str], text: str) -> list[int]:
    return [match.end() for match in stops.finditer(text)]


def _taken(mention: Mention, by: Sequence[Mention]) -> bool:
    return any(mention.start < other.end and other.start < mention.end for other in by)


def _files(text: str) -> list[Mention]:
    return [
        Mention(
            Kind.FILE,
            match.start("prefix"),
            match.end(),
            match.group(),
            f"{match['prefix']} {match['year']} {int(match['number'])}",
        )
        for match in _FILE.finditer(text)
    ]


def _clocks(text: str) -> list[Mention]:
    return [
        Mention(Kind.CLOCK, *match.span(), match.group(), match.group().lstrip("0")) for match in _CLOCK.finditer(text)
    ]


def _dates(text: str) -> list[Mention]:
    found: list[Mention] = []
    year: int | None = None
    month: int | None = None
    for match in _DATE.finditer(text):
        part = {key: int(value) for key, value in match.groupdict().items() if value and key != "dash"}
        if match["dash"] == "." and "d1" not in part:
            continue  # a decimal
        y, m, d = (next((part[key] for key in part if key[0] == letter), None) for letter in "ymd")
        if not 1 <= (m or 1) <= 12 or not 1 <= (d or 1) <= 31:
            continue
        implied = (None if y else year, None if m or not d else month, None)
        year, month = y or year, m or (None if y else month)
        found.append(
            Mention(
                Kind.DATE,
                match.start(),
                match.end(),
                match.group().strip(),
                (y, m, d),
                qualifiers=_qualifiers(text, match.start(), match.end()),
                implied=implied,
            )
        )
    return found


def _figures(text: str) -> list[Mention]:
    found = []
    fractions = [
        Mention(Kind.FIGURE, *match.span(), match.group(), f"{parse_number(match[2])}/{parse_number(match[1])}")
        for match in _FRACTION.finditer(text)
    ]
    for match in _FIGURE.finditer(text):
        value = Fraction(match["number"]) * _SCALES[match["scale"] or ""]
        if match["rest"]:
            value += _scaled(match["rest"].strip())
        unit = match["unit"] or ""
        shown = match.group().strip()
        if match["ordinal"]:
            found.append(Mention(Kind.ORDINAL, *match.span(), shown, value, _SAME_UNIT.get(unit, unit)))
            continue
        if unit in _SHARES:
            value, unit = value * _SHARES[unit], "%"
        before = text[_last(_COMMA, text, match.start()) : match.start()][-10:]
        changes = list(_RISE.finditer(before))
        rises = changes[-1]["fall"] is None if changes else None
        classes = _qualifiers(text, match.start(), match.end())
        if match["more"] or match["more_still"]:
            classes |= {_CLASS_OF[match["more"] or match["more_still"]]}
        found.append(
            Mention(
                Kind.FIGURE,
                match.start(),
                match.end(),
                shown,
                value,
                _SAME_UNIT.get(unit, unit),
                classes,
                False if match["sign"] else rises,
                bool(match["sign"]),
                # 一个平台: an article, not a count, unless the source counts such things.
                value == 1 and unit in _INDEFINITE_UNITS and text[match.start() - 1 : match.start()] == " ",
            )
        )
    return fractions + [mention for mention in found if not _taken(mention, fractions)]


def _scaled(number: str) -> Fraction:
    scale = number[-1] if number[-1] in _SCALES else ""
    return Fraction(number.removesuffix(scale)) * _SCALES[scale]


def _qualifiers(text: str, start: int, end: int) -> frozenset[str]:
    words = [match[1] for match in (_BEFORE.search(text, max(0, start - 8), start), _BEHIND.match(text, end)) if match]
    return frozenset(_CLASS_OF[word] for word in words)
