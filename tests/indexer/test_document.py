"""Places in the original."""

import json
from dataclasses import FrozenInstanceError
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.document import Document, LineMap, Metadata, Origin, Place, PlaceMap


def document(**changes: object) -> Document:
    values = {"doc_id": "a.txt", "path": "a.txt", "text": "渔船出海。灯塔亮了。", "sha256": "0" * 64}
    return Document(**{**values, **changes})


LINES = LineMap(starts=(0, 5, 8), lines=(3, 4, 9))


@pytest.mark.parametrize(("offset", "line"), [(0, 3), (4, 3), (5, 4), (7, 4), (8, 9), (99, 9)])
def test_line_at_each_side_of_a_joint(offset: int, line: int):
    assert LINES.line_at(offset) == line


def test_origin_ends_at_the_line_of_the_last_character_not_of_the_one_after():
    assert document(places=PlaceMap.of_lines(LINES)).origin(0, 5) == Origin("a.txt", 3, 3)
    assert document(places=PlaceMap.of_lines(LINES)).origin(4, 9) == Origin("a.txt", 3, 9)


def test_origin_of_an_empty_span_does_not_go_backwards():
    assert document(places=PlaceMap.of_lines(LINES)).origin(5, 5) == Origin("a.txt", 4, 4)


def test_place_at_each_side_of_a_page_break():
    places = PlaceMap((0, 5), (Place(page=1), Place(page=2)))
    assert document(places=places).origin(3, 7) == Origin("a.txt", None, None, page=1)
    assert document(places=places).origin(5, 7) == Origin("a.txt", None, None, page=2)
    assert document(places=PlaceMap((), ())).origin(3, 7) == Origin("a.txt", None, None)


PLACES = st.builds(
    Place,
    **dict.fromkeys(("line", "page", "slide", "paragraph", "row"), st.none() | st.integers(1, 99)),
    sheet=st.none() | st.text(max_size=3),
)


@given(st.lists(PLACES, max_size=6), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), max_size=3))
def test_document_comes_back_from_json_as_it_was(places: list[Place], headings: list[tuple[int, int]]):
    whole = document(
        metadata=Metadata(title="灯塔", authors=("周明远",), repeals=("《旧办法》",)),
        places=PlaceMap(tuple(range(len(places))), tuple(places)),
        breaks=(2, 5),
        encoding="",
        headings=tuple(headings),
    )
    assert Document.from_json(json.loads(json.dumps(whole.to_json()))) == whole


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin("a.txt", 3, 5), "a.txt:3-5"),
        (Origin("b.pdf", None, None, page=4), "b.pdf, page 4"),
        (Origin("c.xlsx", None, None, sheet="潮汐", row=7), "c.xlsx, sheet 潮汐, row 7"),
        (Origin("d.eml", None, None), "d.eml"),
    ],
)
def test_place_in_words_names_what_the_format_has(origin: Origin, words: str):
    assert str(origin) == words


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
