"""Figures in Chinese text, normalised so that two spellings of one figure are equal.

百分之三十 = 30%, 6,935万 = 6935万, 二〇二四年 = 2024年, 两家 = 2家.
"""

import re

from indexer.text import fold

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}
_CHINESE = "零〇一二两三四五六七八九十百千"
_PERCENT = re.compile(rf"百分之([{_CHINESE}\d.]+)")
_YEAR = re.compile(r"([一二三四五六七八九][零〇一二三四五六七八九]{3})(?=年)")
_FIGURE = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
# A measure word behind a Chinese numeral shows that it counts something: 三家, but not 一体化.
_COUNTED = re.compile(
    rf"(?<![第{_CHINESE}])([{_CHINESE}]+)(?=[万亿]|[家个项条座栋名位款种类层倍成支只所处件大步人年月日号])"
)


def figures(text: str) -> list[str]:
    """The figures of a text, in order, each as digits with its unit of scale and sign, such as `30%`, `6935万`, `2024`."""
    folded = _normalised(fold(text))
    found = []
    for match in _FIGURE.finditer(folded):
        number = match.group().replace(",", "")
        if "." in number:
            number = number.rstrip("0").rstrip(".")
        rest = folded[match.end() : match.end() + 2]
        scale = re.match(r"%|[万亿]{1,2}", rest)
        found.append(number + (scale.group() if scale else ""))
    return found


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
    def percent(match: re.Match[str]) -> str:
        value = match.group(1) if match.group(1)[0].isdigit() else parse_number(match.group(1))
        return match.group() if value is None else f"{value}%"

    def plain(match: re.Match[str]) -> str:
        value = parse_number(match.group(1))
        return match.group() if value is None else str(value)

    return _COUNTED.sub(plain, _YEAR.sub(plain, _PERCENT.sub(percent, folded)))
