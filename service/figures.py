"""Figures in Chinese text, normalised so that two spellings of one figure are equal.

百分之三十 = 30%, 6,935万 = 6935万, 二〇二四年 = 2024年, 两家 = 2家.
"""

import re
import unicodedata

from indexer.text import fold

_DIGITS = {
    "零": 0,
    "〇": 0,
    "○": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_TENS = {"十": 10, "百": 100, "千": 1000}
_CHINESE = "".join([*_DIGITS, *_TENS])
_NUMERAL = rf"[{_CHINESE}]+(?:点[{''.join(_DIGITS)}]+)?"
_SHARES = {"百": "%", "千": "‰", "万": "‱"}
_SHARE = re.compile(rf"([百千万])分之({_NUMERAL}|\d+(?:\.\d+)?)")
_YEAR = re.compile(r"([一二三四五六七八九][零〇○一二三四五六七八九]{3})(?=年)")
# A measure word behind a Chinese numeral shows that it counts something: 三家, but not 一体化. A compound one is a number anyway.
_MEASURE = "[家个项条座栋名位款种类层倍成支只所处件大步人年月日号元角户吨亩米公平台辆架艘小天届次克升册张间篇颗秒期批轮份场组级]|[美欧港日]元|方面"
# 八十六千米: the last 千 belongs to the measure.
_COUNTED = re.compile(
    rf"(?<![第{_CHINESE}])(?:([{_CHINESE}]+?(?=千[米克瓦])|{_NUMERAL}(?=[万亿]|{_MEASURE}))"
    rf"|([一二两三四五六七八九][十百千][{_CHINESE}]*|十[一二三四五六七八九]))"
)
# A dash right before a digit is a minus sign where no range can begin before it; a list item's dash has a space behind it.
_MINUS = re.compile(r"(?:^|(?<=\| )|(?<=[\t(|,:;、。.!?)”’」』\"比长幅速率为是达约到]))[-−](?=\d)", re.MULTILINE)
_FIGURE = re.compile(r"负?(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)")
_SCALE = re.compile(r"\s?([%‰‱]|[万亿]{1,2})")


def figures(text: str) -> list[str]:
    """The figures of a text, in order, each as digits with its sign and unit of scale, such as `30%`, `6935万`, `2024`."""
    folded = arabic(text)
    found = []
    for match in _FIGURE.finditer(folded):
        number = match.group().replace(",", "").replace("负", "-")
        if "." in number:
            number = number.rstrip("0").rstrip(".")
        scale = _SCALE.match(folded, match.end())
        found.append(number + (scale.group(1) if scale else ""))
    return found


def arabic(text: str) -> str:
    """The folded text with its Chinese numerals in digits, each behind a space, and 负 for a minus sign: 共三家 → 共 3家."""
    return _normalised(fold(_MINUS.sub("负", unicodedata.normalize("NFKC", text))))


def missing_figures(sentence: str, source: str) -> list[str]:
    """Figures of `sentence` that do not stand in `source`, in order."""
    known = set(figures(source))
    return [figure for figure in figures(sentence) if figure not in known]


def parse_number(numeral: str) -> int | None:
    """The value of a Chinese numeral below ten thousand or of Arabic digits; None when it is neither."""
    if numeral.isdigit() and numeral.isascii():
        return int(numeral)
    if not numeral or any(char not in _CHINESE for char in numeral):
        return None
    if not any(char in _TENS for char in numeral):
        return int("".join(str(_DIGITS[char]) for char in numeral))
    total = current = 0
    for char in numeral:
        if char in _TENS:
            total += (current or 1) * _TENS[char]
            current = 0
        else:
            current = _DIGITS[char]
    return total + current


def _normalised(folded: str) -> str:
    """The text with its Chinese numerals in digits; a space before each keeps it off the number of a list item (1.两家)."""

    def plain(match: re.Match[str]) -> str:
        return " " + _digits(match.group(1) or match.group(2))

    def share(match: re.Match[str]) -> str:
        return " " + _digits(match.group(2)) + _SHARES[match.group(1)]

    def year(match: re.Match[str]) -> str:
        return " " + _digits(match.group(1))

    return _COUNTED.sub(plain, _YEAR.sub(year, _SHARE.sub(share, folded)))


def _digits(numeral: str) -> str:
    """A numeral in Arabic digits; `点` is the decimal point."""
    whole, point, fraction = numeral.partition("点")
    value = parse_number(whole)
    if value is None:
        return numeral
    return f"{value}." + "".join(str(_DIGITS[char]) for char in fraction) if point else str(value)
