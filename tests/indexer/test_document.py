"""Places in the original."""

from dataclasses import FrozenInstanceError
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.document import Document, LineMap, Metadata, Origin


def document(**changes: object) -> Document:
    values = {"doc_id": "a.txt", "path": "a.txt", "text": "渔船出海。灯塔亮了。", "sha256": "0" * 64}
    return Document(**{**values, **changes})


LINES = LineMap(starts=(0, 5, 8), lines=(3, 4, 9))


@pytest.mark.parametrize(("offset", "line"), [(0, 3), (4, 3), (5, 4), (7, 4), (8, 9), (99, 9)])
def test_line_at_each_side_of_a_joint(offset: int, line: int):
    assert LINES.line_at(offset) == line


def test_origin_ends_at_the_line_of_the_last_character_not_of_the_one_after():
    assert document(line_map=LINES).origin(0, 5) == Origin("a.txt", 3, 3)
    assert document(line_map=LINES).origin(4, 9) == Origin("a.txt", 3, 9)


def test_origin_of_an_empty_span_does_not_go_backwards():
    assert document(line_map=LINES).origin(5, 5) == Origin("a.txt", 4, 4)


def test_title_falls_back_to_the_path():
    assert document().title == "a.txt"
    assert document(metadata=Metadata(title="灯塔")).title == "灯塔"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0, 10), [(0, 3), (3, 7), (7, 10)]),
        ((3, 7), [(3, 7)]),
        ((2, 3), [(2, 3)]),
        ((3, 4), [(3, 4)]),
        ((6, 8), [(6, 7), (7, 8)]),
        ((8, 10), [(8, 10)]),
    ],
)
def test_unbroken_cuts_a_span_at_the_breaks_inside_it(span: tuple[int, int], expected: list[tuple[int, int]]):
    assert list(document(breaks=(3, 7)).unbroken(*span)) == expected


@given(st.sets(st.integers(1, 40)), st.integers(0, 40), st.integers(0, 40))
def test_unbroken_spans_partition_the_span_and_hold_no_break(breaks: set[int], a: int, b: int):
    start, end = sorted((a, b))
    spans = list(document(breaks=tuple(sorted(breaks))).unbroken(start, end))
    assert spans[0][0] == start
    assert spans[-1][1] == end
    assert all(left[1] == right[0] for left, right in pairwise(spans))
    assert not any(left < cut < right for cut in breaks for left, right in spans)


def test_records_cannot_be_changed_after_they_were_made():
    with pytest.raises(FrozenInstanceError):
        document().text = "改过的"
