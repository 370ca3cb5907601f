"""Noun phrases, organisations and titles of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.names import organisations, phrases, titles


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("云江市园林局公布了什么", ["云江市园林局"]),
        ("由县应急局牵头，教育部配合", ["县应急局", "教育部"]),
        ("中国信通院发布的报告", ["中国信通院"]),
        ("哪家公司和哪个部门", []),
        ("算力中心的格局", []),
        ("星河公司、星河公司", ["星河公司"]),
    ],
)
def test_organisations_are_found_whole_and_common_nouns_are_none(text: str, names: list[str]):
    assert organisations(text) == names


def test_titles_come_without_their_marks_and_without_repeats():
    assert titles("《甲办法》和《乙条例》、《甲办法》，见〈丙〉") == ["甲办法", "乙条例"]


def test_a_phrase_ends_where_a_question_begins():
    text = "东湾公园的总投资是多少？"
    assert [text[phrase.start : phrase.end] for phrase in phrases(text)] == ["东湾公园", "总投资"]


def test_a_title_is_one_phrase():
    text = "《数据安全条例》由谁制定"
    assert next(text[phrase.start : phrase.end] for phrase in phrases(text)) == "《数据安全条例》"


@given(st.text(st.sampled_from("东湾公园的《》“”公司局由在2021年abc，。 \n"), max_size=30))
def test_phrases_lie_in_the_text(text: str):
    assert all(0 <= phrase.start < phrase.end <= len(text) for phrase in phrases(text))
