"""Numbers of lists in the forms of Word, PowerPoint and HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.formats.numerals import numeral

# Read back digit by digit and unit by unit, the way that the writer does not go.
_VALUES = {"零": 0, "〇": 0} | {char: i for i, char in enumerate("一二三四五六七八九", start=1)}
_LEGAL = {"零": 0} | {char: i for i, char in enumerate("壹贰叁肆伍陆柒捌玖", start=1)}


def _read(text: str, digits: dict[str, int], units: dict[str, int]) -> int:
    total, digit = 0, 0
    for char in text:
        if char in units:
            total += (digit or 1) * units[char]
            digit = 0
        else:
            digit = digits[char]
    return total + digit


@given(st.integers(1, 9999))
def test_spoken_chinese_numbers_read_back_as_what_they_were(value: int):
    text = numeral(value, "chineseCountingThousand")
    assert _read(text, _VALUES, {"十": 10, "百": 100, "千": 1000}) == value
    assert "零零" not in text
    assert not text.endswith("零")


@given(st.integers(1, 9999))
def test_legal_chinese_numbers_read_back_as_what_they_were(value: int):
    assert _read(numeral(value, "chineseLegalSimplified"), _LEGAL, {"拾": 10, "佰": 100, "仟": 1000}) == value


@given(st.integers(1, 99))
def test_both_ways_of_counting_agree_below_a_hundred(value: int):
    assert numeral(value, "chineseCounting") == numeral(value, "chineseCountingThousand")


@given(st.integers(1, 3999))
def test_roman_numbers_read_back_as_what_they_were(value: int):
    sizes = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
    digits = [sizes[char] for char in numeral(value, "lowerRoman")]
    signed = (-a if a < b else a for a, b in zip(digits, [*digits[1:], 0], strict=True))
    assert sum(signed) == value


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (10, "chineseCounting", "十"),
        (12, "chineseCounting", "十二"),
        (20, "taiwaneseCounting", "二十"),
        (105, "chineseCountingThousand", "一百零五"),
        (110, "chineseCountingThousand", "一百一十"),
        (12, "chineseLegalSimplified", "壹拾贰"),
        (3, "decimalZero", "03"),
        (27, "lowerLetter", "aa"),
        (4, "upperRoman", "IV"),
        (12, "decimalEnclosedCircleChinese", "⑫"),
        (36, "decimalEnclosedCircle", "㊱"),
        (51, "decimalEnclosedCircle", "51"),
        (11, "ideographTraditional", "甲"),
        (2, "ideographZodiac", "丑"),
        (15, "decimalFullWidth", "１５"),
        (7, "bullet", ""),
        (7, "none", ""),
        (7, "hebrew1", "7"),
        (0, "lowerRoman", "0"),
        (0, "ideographTraditional", "0"),
        (-1, "upperLetter", "-1"),
    ],
)
def test_each_form_has_its_signs_and_falls_back_on_digits(value: int, form: str, text: str):
    assert numeral(value, form) == text
