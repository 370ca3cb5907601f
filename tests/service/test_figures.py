"""Figures: two spellings of one figure are equal, and an altered figure never passes for the one in the source."""

from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from service.figures import figures, missing_figures, parse_number
from service.verify import unsupported

_CHINESE = "〇一二三四五六七八九"


def to_chinese(number: int) -> str:
    """The numeral of a number below ten thousand, by the rules of the language: 3050 → 三千零五十."""
    parts: list[str] = []
    gap = False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            parts.append(("零" if gap and parts else "") + _CHINESE[digit] + unit)
        gap = digit == 0
    words = "".join(parts) or "零"
    return words.removeprefix("一") if words.startswith("一十") else words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("增长百分之三十", ["30%"]),
        ("增长百分之三点五", ["3.5%"]),
        ("增长百分之12.5", ["12.5%"]),
        ("增长30％", ["30%"]),
        ("增长 30 %", ["30%"]),
        ("共6,935万元", ["6935万"]),
        ("共６，９３５万元", ["6935万"]),
        ("共6935万元", ["6935万"]),
        ("共6 935万元", ["6", "935万"]),
        ("三千万元", ["3000万"]),
        ("二〇二四年", ["2024"]),
        ("二○二四年", ["2024"]),
        ("二零二四年", ["2024"]),
        ("2O24年", ["2024"]),
        ("两家银行", ["2"]),
        ("十二座水库", ["12"]),
        ("一千零五十户", ["1050"]),
        ("月租金三百二十元", ["320"]),
        ("四十八小时", ["48"]),
        ("3.50亿元", ["3.5亿"]),
        ("千分之五，即5‰", ["5‰", "5‰"]),
        ("每日万分之五", ["5‱"]),
        ("2021,2022年", ["2021", "2022"]),
        ("互联网3.0", ["3"]),
        ("同比-3.2%，环比－0.5%，（−1）", ["-3.2%", "-0.5%", "-1"]),
        ("| 负债 | -3.2 | 负5% |", ["-3.2", "-5%"]),
        ("- 两个问题", ["2"]),
        ("1.两家，2.百分之三十，3.二〇二四年", ["1", "2", "2", "30%", "3", "2024"]),
        ("- 5个园区", ["5"]),
        ("——5个园区", ["5"]),
        ("一体化推进，十分重要，千方百计，第三方", []),
        ("", []),
    ],
)
def test_spellings_of_one_figure_that_differ_after_normalisation(text: str, expected: list[str]) -> None:
    assert figures(text) == expected


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("935万元", "共6,935万元"),
        ("6935亿元", "共6935万元"),
        ("6935元", "共6935万元"),
        ("30", "增长30%"),
        ("30%", "增长30"),
        ("5%", "增长5‰"),
        ("2024年", "2023年"),
        ("3.5倍", "3倍"),
        ("3%", "增长百分之三点五"),
        ("百分之三", "增长百分之三点五"),
        ("五十元", "三百五十元"),
        ("-5.2%", "同比5.2%"),
        ("5.2%", "同比-5.2%"),
    ],
)
def test_part_of_a_figure_other_scale_or_sign_passes_for_the_figure(sentence: str, source: str) -> None:
    assert missing_figures(sentence, source)


@pytest.mark.parametrize(
    ("sentence", "source"),
    [("到2026年", "2024-2026年"), ("到2026年", "2024年—2026年"), ("5家", "3—5家"), ("12月", "10月－12月")],
)
def test_dash_of_a_range_read_as_a_minus_sign(sentence: str, source: str) -> None:
    assert missing_figures(sentence, source) == []


@given(st.integers(1, 9999))
def test_chinese_numeral_parsed_to_another_value(number: int) -> None:
    assert parse_number(to_chinese(number)) == number
    assert figures(f"共{to_chinese(number)}家") == [str(number)] == figures(f"共{number}家")


@given(st.integers(1000, 9_999_999_999), st.sampled_from(["", "万", "亿", "%"]))
def test_separators_of_thousands_change_the_figure(number: int, scale: str) -> None:
    assert figures(f"计{number:,}{scale}") == [f"{number}{scale}"] == figures(f"计{number}{scale}")


# A figure as written, with its value and sign of proportion apart from what the code under test makes of it.
_SCALES = {"": 1, "万": 10**4, "亿": 10**8}
_WRITTEN = st.one_of(
    st.integers(1, 99_999).map(lambda n: (str(n), Decimal(n), "")),
    st.integers(1000, 9_999_999).map(lambda n: (f"{n:,}", Decimal(n), "")),
    st.decimals(-99, 999, places=2).map(lambda d: (f"{d}%", d, "%")),
    st.builds(
        lambda n, scale: (f"{n}{scale}", n * _SCALES[scale], ""),
        st.decimals(0, 9999, places=1),
        st.sampled_from(list(_SCALES)),
    ),
    st.integers(1, 100).map(lambda n: (f"百分之{to_chinese(n)}", Decimal(n), "%")),
    st.integers(1, 999).map(lambda n: (f"百分之{to_chinese(n)}点五", n + Decimal("0.5"), "%")),
    st.integers(1, 9999).map(lambda n: (to_chinese(n), Decimal(n), "")),
)
_UNITS = st.sampled_from(["家", "个", "元", "人", "户", "台", "吨", "小时"])
_BEFORE = st.sampled_from(["", "全市共有", "同比增长了约", "由财政出资，总额"])
_AFTER = st.sampled_from(["", "企业", "，比上年多", "。其余由各区自筹"])


@given(_WRITTEN, _WRITTEN, _UNITS, _BEFORE, _AFTER)
@example(("三百五十", Decimal(350), ""), ("五十", Decimal(50), ""), "元", "", "用于补助")
@example(("3.5", Decimal("3.5"), ""), ("5", Decimal(5), ""), "家", "", "企业")
@example(("6935万", Decimal(69350000), ""), ("935万", Decimal(9350000), ""), "元", "", "用于补助")
@example(("百分之三十", Decimal(30), "%"), ("百分之三", Decimal(3), "%"), "", "增长", "")
@example(("-5.2%", Decimal("-5.2"), "%"), ("5.2%", Decimal("5.2"), "%"), "", "", "")
def test_altered_figure_passes_as_supported(
    true: tuple[str, Decimal, str], altered: tuple[str, Decimal, str], unit: str, before: str, after: str
) -> None:
    assume(true[1:] != altered[1:])
    source = f"{before}{true[0]}{unit}{after}"
    assert unsupported(source, [source]) is None
    assert unsupported(f"{before}{altered[0]}{unit}{after}", [source]) is not None


@given(_WRITTEN, _UNITS, _BEFORE, _AFTER)
def test_the_sentence_itself_is_refused(written: tuple[str, Decimal, str], unit: str, before: str, after: str) -> None:
    sentence = f"{before}{written[0]}{unit}{after}"
    assert unsupported(sentence, [f"前文。{sentence}。后文"]) is None


@pytest.mark.parametrize("numeral", ["", "百分", "3.5", "三万五", "abc", "²"])
def test_text_that_is_no_numeral_gets_a_value(numeral: str) -> None:
    assert parse_number(numeral) is None
