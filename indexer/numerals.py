"""Chinese and Arabic numerals, as clauses and dates write them."""

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
    return spoken(number, _CHINESE, "十百千").removeprefix("一" if 10 <= number < 20 else "")


def spoken(number: int, digits: str, units: str) -> str:
    """A number from 1 to 9999 as one says it, 一百零一, 一十二, with these ten digits and signs for 10, 100 and 1000."""
    text, skipped = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if not digit:
            skipped = bool(text)
            continue
        text += (digits[0] if skipped else "") + digits[digit] + (units[place - 1] if place else "")
        skipped = False
    return text
