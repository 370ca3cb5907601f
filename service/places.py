"""Places that texts name, to notice when a question asks about one place and a text speaks of another.

Listed are province-level divisions, provincial capitals, sub-provincial cities, other large or often named cities and often
named countries, from the public list of administrative divisions of China; a name that is also an ordinary word is left out.
Any other place counts where a text writes it with its suffix, as in 云港市 or 临江新区.
"""

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import rjieba


class Level(Enum):
    """What kind of division a place is; a municipality is a city."""

    COUNTRY = "country"
    PROVINCE = "province"
    CITY = "city"
    DISTRICT = "district"


class Span(NamedTuple):
    """A place in a text: `text[start:end]` writes it, `name` is how it is compared (云港市 and 云港 are one city)."""

    start: int
    end: int
    name: str
    level: Level


_MUNICIPALITIES = "北京 天津 上海 重庆 香港 澳门"
_PROVINCES = (
    "河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 "
    "陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆"
)
_CITIES = (
    "石家庄 唐山 秦皇岛 邯郸 保定 太原 大同 呼和浩特 包头 鄂尔多斯 沈阳 大连 鞍山 长春 哈尔滨 大庆 南京 无锡 徐州 常州 苏州 南通 "
    "连云港 扬州 镇江 泰州 昆山 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 义乌 台州 合肥 芜湖 福州 厦门 泉州 漳州 南昌 赣州 九江 济南 青岛 淄博 "
    "烟台 潍坊 威海 临沂 郑州 洛阳 武汉 宜昌 襄阳 长沙 株洲 湘潭 岳阳 广州 深圳 珠海 汕头 佛山 东莞 中山市 惠州 南宁 桂林 柳州 海口 三亚 成都 "
    "绵阳 贵阳 遵义 昆明 大理 拉萨 西安 咸阳 兰州 西宁 银川 乌鲁木齐 雄安"
)
_COUNTRIES = "美国 日本 韩国 英国 德国 法国 意大利 俄罗斯 印度 新加坡 加拿大 澳大利亚 欧盟 沙特 以色列 瑞士 荷兰 巴西"
# Districts and new areas whose names stand for themselves in policy documents.
_DISTRICTS = (
    "朝阳区 海淀区 石景山区 通州区 东城区 西城区 丰台区 大兴区 亦庄 浦东 徐汇区 闵行区 临港 天河区 黄埔区 南沙 福田区 南山区 余杭区 钱塘区 "
    "滨湖区 江宁区 渝北区 永川区 青白江区 和平区"
)
_LEVELS = {
    name: level
    for level, names in (
        (Level.CITY, _MUNICIPALITIES),
        (Level.PROVINCE, _PROVINCES),
        (Level.CITY, _CITIES),
        (Level.COUNTRY, _COUNTRIES),
        (Level.DISTRICT, _DISTRICTS),
    )
    for name in names.split()
}
_SUFFIXES = r"经济技术开发区|经开区|高新区|开发区|新区|自治县|自治州|省|市|县|区|镇|乡"
_LISTED = re.compile(
    rf"(?P<name>{'|'.join(sorted(map(re.escape, _LEVELS), key=len, reverse=True))})"
    r"(?:(?:壮族|回族|维吾尔)?自治区|特别行政区|[省市])?"
)
_RUN = "\u4e00-\u9fff"
_SUFFIX = re.compile(rf"(?<=[{_RUN}]{{2}})(?:{_SUFFIXES})")
_TAIL = re.compile(rf"(?:{_SUFFIXES})$")
# How much text around a suffix shows where the name before it begins and that no other word begins in the suffix.
_BEFORE, _AFTER = 8, 2
_NAME_TAGS = frozenset({"ns", "nr", "nz"})
# Words that make a kind of area with a suffix, though the dictionary takes them for names.
_NO_NAME_WORDS = (
    "高新 新城 老城 主城 大城 小城 大都 城北 城南 城东 城西 大湾 中心 中国 自贸 经开 国家 沿海 内地 深水 欧元"
)
_NO_NAMES = frozenset(_NO_NAME_WORDS.split())
# Common words that end in a suffix, also behind a name (亚太地区); words that point (各县, 外省); chains of suffixes (市县).
_NO_NAME = re.compile(
    r"[超上门地县省楼股夜集菜闹]市$|[\u4e00-\u9fff]{2}[城都]市$|[地园小社校片湾街市城郊山林库景矿厂灾战辖特展牧老护边洲]区$"
    r"|[区郡市]县$|[小古集城重]镇$|[家城水故同他八]乡$|^[各全本该我某外跨此].{0,2}$|[之等各和与及或人级]|^[新开]|[一二三四五六七八九十两务]省$"
)
# A word with one of these in front is a new word for the segmentation; names do not begin so, nor, behind a figure, with what it
# counts (2023年云汀市, 第3批云汀市).
_PARTICLES = "那在和与对从到由向为是于把被让请"
_COUNTED = "年月日号次期届批个家"


def places(folded: str) -> frozenset[str]:
    """The places that a folded text names: listed ones, and others with their suffix, 省 and 市 left off."""
    return frozenset(span.name for span in spans(folded))


def spans(text: str) -> list[Span]:
    """Every place that a text names, in text order, none inside another."""
    found = [
        Span(match.start(), match.end(), match["name"], _LEVELS[match["name"]]) for match in _LISTED.finditer(text)
    ]
    for match in _SUFFIX.finditer(text):
        begin, end = max(0, match.start() - _BEFORE), match.end()
        length = _name_length(text[begin:end], text[end : end + _AFTER], match.group())
        if length is None:
            continue
        start = end - length
        if any(span.start < end and start < span.end for span in found):
            continue
        suffix = match.group()
        found.append(
            Span(
                start,
                end,
                text[start : match.start()] if suffix in ("省", "市") else text[start:end],
                {"省": Level.PROVINCE, "市": Level.CITY}.get(suffix, Level.DISTRICT),
            )
        )
    return sorted(found)


def names_any(wanted: Iterable[str], folded: str) -> bool:
    """Whether a folded text names one of the places, be it without its suffix (松岭 for 松岭县)."""
    return any(name in folded or (len(short := _TAIL.sub("", name)) > 1 and short in folded) for name in wanted)


def rivals(wanted: Iterable[str], folded: str) -> frozenset[str]:
    """The places of a folded text that are none of `wanted` but could be mistaken for one.

    Of two listed places each is the other's rival. One that only its suffix shows is a rival on its own level alone: 姑苏区 may
    lie in the city asked for.
    """
    asked = set(wanted)
    levels = {_LEVELS.get(name, _level(name)) for name in asked}
    all_listed = all(name in _LEVELS for name in asked)
    return frozenset(
        span.name
        for span in spans(folded)
        if span.name not in asked and (span.level in levels or (all_listed and span.name in _LEVELS))
    )


def _level(name: str) -> Level:
    """The level of an unlisted place by its suffix; provinces are listed, and a city has left its suffix off."""
    return Level.DISTRICT if _TAIL.search(name) else Level.CITY


@lru_cache(maxsize=16384)
def _name_length(before: str, after: str, suffix: str) -> int | None:
    """How many characters at the end of `before` are the name of a place with its suffix; None when none are.

    The words of `before` + `after` tell, with the dictionary's word classes; a word must end right behind the suffix.
    """
    words: list[tuple[str, str]] = []
    rest = len(before)
    for word, tag in rjieba.tag(before + after):
        if rest <= 0:
            break
        words.append((word, tag))
        rest -= len(word)
    if rest < 0:
        return None
    last, tag = words[-1]
    stem = last.removesuffix(suffix)
    if stem and stem != last:  # the name and its suffix are one word
        is_name = len(stem) > 1 and (tag == "ns" or _is_name(stem))
        if not is_name or stem in _NO_NAMES or _NO_NAME.search(last):
            return None
        return len(last) - _is_led(stem, last, before)
    if last != suffix or len(words) < 2:
        return None
    name, tag = words[-2]
    is_name = 1 < len(name) < 5 and (tag in _NAME_TAGS or not rjieba.has_word(name)) and name not in _NO_NAMES
    if not is_name or not re.fullmatch(rf"[{_RUN}]+", name) or _NO_NAME.search(name + suffix):
        return None
    return len(name) - _is_led(name, name + suffix, before) + len(suffix)


def _is_led(stem: str, name: str, before: str) -> bool:
    """Whether the first character of a name is none of it; `before` ends in the name, `stem` is the name without its suffix."""
    if len(stem) < 3 or rjieba.has_word(stem) or rjieba.has_word(name):
        return False
    is_counted = before[: -len(name)][-1:].isdecimal() and stem[0] in _COUNTED
    return is_counted or stem[0] in _PARTICLES


def _is_name(word: str) -> bool:
    return not rjieba.has_word(word) or rjieba.tag(word)[0][1] in _NAME_TAGS
