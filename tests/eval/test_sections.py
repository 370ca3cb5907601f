import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.sections import own_texts, sections_with
from indexer.document import Document

TEXT = """\
# 湖畔新区简报

全区概况写在最前面。

## 一、能源
能源工作有两项。
### （一）换电站
新建换电站26座。
### （二）充电桩
另建充电桩三百根。
## 二、轮渡
末班推迟到23点。
"""
DOCUMENT = Document("lake.md", "lake.md", TEXT, "0" * 64)


def titles(span: str) -> list[str]:
    return [own.path[-1] if own.path else "" for own in sections_with(span, DOCUMENT)]


def test_own_texts_leave_a_gap_or_overlap():
    found = own_texts(DOCUMENT)
    assert "".join(TEXT[own.start : own.end] for own in found) == TEXT
    assert [own.path[-1] if own.path else "" for own in found] == [
        "",
        "一、能源",
        "（一）换电站",
        "（二）充电桩",
        "二、轮渡",
    ]


def test_a_heading_or_a_child_counts_as_own_text():
    by_title = {own.path[-1]: own.characters for own in own_texts(DOCUMENT) if own.path}
    assert by_title["一、能源"] == len("能源工作有两项。")


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("新建换电站26座", ["（一）换电站"]),
        ("新建 换电站\n26座", ["（一）换电站"]),
        ("能源工作", ["一、能源"]),
        ("全区概况", [""]),
        ("26座。###（二）充电桩", ["（一）换电站", "（二）充电桩"]),
        ("建充电桩", ["（二）充电桩"]),
        ("没有这句话", []),
        (" \n", []),
    ],
)
def test_a_span_is_put_in_another_section(span: str, expected: list[str]):
    assert titles(span) == expected


def test_only_the_first_place_of_a_repeated_span_is_found():
    document = Document("a.md", "a.md", TEXT + "## 三、附\n末班推迟到23点。\n", "1" * 64)
    assert [own.path[-1] for own in sections_with("末班推迟", document)] == ["二、轮渡", "三、附"]


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 12))
def test_a_stretch_of_the_text_is_in_no_section(start: int, length: int):
    span = TEXT[start : start + length]
    if re.sub(r"\s", "", span):
        inside = start + re.search(r"\S", span).start()
        assert any(own.start <= inside < own.end for own in sections_with(span, DOCUMENT))
