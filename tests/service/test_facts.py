"""Figures with unit and qualifier, dates, document numbers: read as what they are, and told apart."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.facts import Kind, Mention, agree, mentions, periods, readable, scene


def only(text: str) -> Mention:
    (mention,) = mentions(readable(text))
    return mention


@pytest.mark.parametrize(
    ("text", "value", "unit", "qualifiers"),
    [
        ("总投资2.8亿元", 280_000_000, "元", set()),
        ("投入6,935万元", 69_350_000, "元", set()),
        ("线装书一万八千册", 18_000, "册", set()),
        ("全长八十六千米", 86, "公里", set()),
        ("提高两成", 20, "%", set()),
        ("近百分之三十", 30, "%", {"nearly"}),
        ("超过500家", 500, "家", {"above"}),
        ("500余家", 500, "家", {"above"}),
        ("3000多万元", 30_000_000, "元", {"above"}),
        ("约1.2万吨", 12_000, "吨", {"about"}),
        ("节约12吨", 12, "吨", set()),
        ("保持50%以上", 50, "%", {"at least"}),
        ("不得低于95%", 95, "%", {"at least"}),
        ("不低于95%", 95, "%", {"at least"}),
        ("低于95%", 95, "%", {"below"}),
        ("在48小时以内", 48, "小时", {"at most"}),
        ("在四十八个小时内", 48, "小时", {"at most"}),
        ("故障率0.3‰", Fraction(3, 100), "%", set()),
        ("提高1.8个百分点", Fraction(9, 5), "百分点", set()),
        ("达615 EFlops", 615, "eflops", set()),
        ("成立三家公司", 3, "家", set()),
    ],
)
def test_figure_is_read_as_another(text: str, value: Fraction, unit: str, qualifiers: set[str]) -> None:
    mention = only(text)
    assert (mention.kind, mention.value, mention.unit) == (Kind.FIGURE, value, unit)
    assert mention.qualifiers == qualifiers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023年5月16日", (2023, 5, 16)),
        ("2023-05-16", (2023, 5, 16)),
        ("2023/5/16", (2023, 5, 16)),
        ("二〇二三年五月十六日", (2023, 5, 16)),
        ("2023年5月", (2023, 5, None)),
        ("5月16日", (None, 5, 16)),
        ("2023年度", (2023, None, None)),
        ("（2023）", (2023, None, None)),
    ],
)
def test_date_is_read_as_another(text: str, value: tuple[int | None, ...]) -> None:
    mention = only(text)
    assert (mention.kind, mention.value) == (Kind.DATE, value)


@pytest.mark.parametrize("text", ["2021.12亿元", "2000家", "3个月", "20年来", "2023%"])
def test_figure_is_read_as_a_date(text: str) -> None:
    assert only(text).kind is Kind.FIGURE


def test_month_of_a_range_is_lost() -> None:
    later = mentions(readable("2024年6月10日至15日"))[-1]
    assert agree(only("2024年6月15日"), later)
    assert not agree(only("2024年7月15日"), later)
    assert not agree(only("2023年6月15日"), later)


@pytest.mark.parametrize(
    ("said", "source", "agrees"),
    [
        ("云政发〔2022〕12号", "根据云政发[2022]12号文件", True),
        ("根据云政发〔2022〕12号", "云政发〔2022〕12号", True),
        ("江政发〔2022〕12号", "云政发〔2022〕12号", False),
        ("云政办发〔2022〕12号", "云政发〔2022〕12号", False),
        ("云政发〔2021〕12号", "云政发〔2022〕12号", False),
        ("云政发〔2022〕2号", "云政发〔2022〕12号", False),
    ],
)
def test_document_number_is_taken_for_another(said: str, source: str, agrees: bool) -> None:
    assert agree(only(said), only(source)) is agrees


def test_part_of_a_year_is_missed_or_seen_where_none_is() -> None:
    assert periods(readable("第三季度和下半年")) == ["3季度", "下半年"]
    assert periods(readable("三季度")) == periods(readable("第3季度"))
    assert periods(readable("年年有余")) == []


@given(st.integers(1, 9_999_999), st.sampled_from(["", "万", "亿"]), st.sampled_from(["元", "家", "吨", "公里"]))
def test_value_of_a_figure_depends_on_its_scale(number: int, scale: str, unit: str) -> None:
    factor = {"": 1, "万": 10**4, "亿": 10**8}[scale]
    assert only(f"共{number}{scale}{unit}").value == number * factor
    assert only(f"共{number:,}{scale}{unit}") == only(f"共{number}{scale}{unit}") or number > 999


@given(st.text(alphabet="一二三千万亿年月日第%-.,:0123456789元家近超以上〔〕号 |\n。，", max_size=40))
def test_mentions_overlap_or_lie_outside_the_text(text: str) -> None:
    plain = readable(text)
    found = mentions(plain)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))
    for mention in found:
        assert 0 <= mention.start < mention.end <= len(plain)
        scene(plain, mention)


def test_figure_is_surrounded_by_what_belongs_to_another() -> None:
    text = readable("东湾公园投资2.8亿元、西滩公园投资2.1亿元，均由市财政承担。")
    first, second = mentions(text)
    assert "东湾" in scene(text, first).near
    assert "西滩" in scene(text, second).near
    assert "西滩" not in scene(text, first).near
    assert "承担" in scene(text, first).shared & scene(text, second).shared


@pytest.mark.parametrize(
    ("said", "source", "same"),
    [
        ("第二批", "第二条", False),
        ("第二批", "第2批", True),
        ("第一批", "第一、二批", True),
        ("第二批", "第三批", False),
        ("二号线", "2号线", True),
        ("二号线", "1号线", False),
        ("1号线", "1号、2号线", True),
        ("二期", "2期", True),
    ],
)
def test_numeral_of_one_thing_passes_for_that_of_another(said: str, source: str, same: bool) -> None:
    (mention,) = mentions(readable(said))
    assert any(agree(mention, other) for other in mentions(readable(source))) == same
