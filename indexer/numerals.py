"""Chinese and Arabic numerals, as clauses and dates write them."""

import re

DIGITS = "〇零○Ｏ一二三四五六七八九"
NUMERAL = r"[一二三四五六七八九十百千零〇○两\d]+"
_VALUES = {
    **dict.fromkeys("〇零○Ｏ", 0),
    **{char: i for i, char in enumerate("一二三四五六七八九", start=1)},
    "两": 2,
    "元": 1,
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE = "零一二三四五六七八九"


def number_of(numeral: str) -> int:
    """12 of 十二, 12 or １２; 2023 of 二〇二三; `numeral` is a match of `NUMERAL`."""
    if numeral.isdecimal():
        return int(numeral)
    if not set(numeral) & set(_UNITS):
        return int("".join(char if char.isdecimal() else str(_VALUES[char]) for char in numeral))
    total, digit = 0, 0
    for char in numeral:
        if char in _UNITS:
            total += (digit or 1) * _UNITS[char]
            digit = 0
        else:
            digit = int(char) if char.isdecimal() else _VALUES[char]
    return total + digit


def in_chinese(number: int) -> str:
    """十二 of 12, 一百零五 of 105, from 1 to 9999."""
    spelled, gap = "", False
    for unit, power in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // power % 10
        if digit:
            spelled += ("零" if gap else "") + _CHINESE[digit] + unit
            gap = False
        else:
            gap = bool(spelled)
    return re.sub("^一十", "十", spelled)
