import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.formats.lines import Glyph, Line, is_bullet, marker_kind, pieces, rows, starts_item, without_marker, zones
from tests.indexer.formats.paper import Look, Run, advance, compose, prose


def glyphs(run: Run, *, spaces: bool = True) -> list[Glyph]:
    """The characters of a run as a reader of files hands them on: spaces are marks on what follows them."""
    found = []
    is_spaced = False
    for char, x in zip(run.text, run.xs, strict=True):
        if char == " ":
            is_spaced = spaces
            continue
        found.append(Glyph(char, x, x + advance(char) * run.size, run.y, run.size, run.bold, is_spaced))
        is_spaced = False
    return found


def row(*words: tuple[str, float], y: float = 100, size: float = 10) -> list[Glyph]:
    found = []
    for text, x in words:
        for char in text:
            found.append(Glyph(char, x, x + advance(char) * size, y, size))
            x += advance(char) * size
    return found


def texts(found: list[Line]) -> list[str]:
    return [line.text for line in found]


def test_a_gap_that_might_part_columns_cuts_a_line_and_stretched_text_does_not() -> None:
    assert texts(pieces(row(("左栏文字", 50), ("右栏文字", 100)))) == ["左栏文字", "右栏文字"]
    assert texts(pieces([g for i, char in enumerate("两端对齐") for g in row((char, 50 + 14 * i))])) == ["两端对齐"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([("open", 50), ("data", 74)], "open data"),
        ([("data", 50), ("base", 70.4)], "database"),
        ([("推动", 50), ("AI", 71.2)], "推动AI"),
        ([("推动", 50), ("AI", 77)], "推动 AI"),
        ([("第一条", 50), ("内容", 88.5)], "第一条 内容"),
        ([("第一条", 50), ("内容", 84)], "第一条内容"),
    ],
)
def test_spaces_are_told_by_the_gaps(words: list[tuple[str, float]], text: str) -> None:
    assert texts(pieces(row(*words))) == [text]


def test_type_that_is_drawn_twice_to_look_bold_is_read_once() -> None:
    shifted = [Glyph(g.char, g.x0 + 0.3, g.x1 + 0.3, g.y, g.size) for g in row(("通知", 50))]
    alternating = [glyph for pair in zip(row(("通知", 50)), shifted, strict=True) for glyph in pair]
    assert texts(pieces(alternating)) == ["通知"]
    assert texts(pieces([*row(("通知", 50)), *row(("通知", 50))])) == ["通知"]


def test_the_letters_of_a_ligature_are_all_kept() -> None:
    same_place = [Glyph(char, 60, 65, 100, 10) for char in "ff"]
    assert texts(pieces([*row(("o", 55)), *same_place, *row(("er", 65))])) == ["offer"]


def test_a_raised_mark_belongs_to_its_line_wherever_it_stands_in_the_file() -> None:
    mark = [Glyph("①", 90, 97, 95, 7)]
    for order in ([*row(("增长快", 60)), *mark], [*mark, *row(("增长快", 60))]):
        (line,) = [part for line in rows(pieces(order)) for part in [line]]
        assert "".join(part.text for part in line) == "增长快①"


@pytest.mark.parametrize(
    ("text", "width"),
    [("内容", 1), ("内，容", 2), ("“内容", 2), ("AI内容", 1), ("2024年", 2), ("《办法》", 2), ("说“AI”的", 4)],
)
def test_the_first_word_is_what_a_line_end_cannot_cut(text: str, width: float) -> None:
    (line,) = pieces(row((text, 50)))
    assert line.first_word == pytest.approx(10 * width)


@pytest.mark.parametrize(
    ("text", "kind", "rest"),
    [
        ("（三）内容", "（一）", "内容"),
        ("十二、内容", "一、", "内容"),
        ("第十二条 内容", "第一条", "内容"),
        ("12.内容", "1.", "内容"),
        ("2024年内容", "", "2024年内容"),
        ("3.5亿元", "1.1", "亿元"),
        ("一方面", "", "一方面"),
    ],
)
def test_numbers_of_items_are_told_from_other_numbers(text: str, kind: str, rest: str) -> None:
    assert marker_kind(text) == kind
    assert without_marker(text) == rest
    assert starts_item(text) == bool(kind)


@pytest.mark.parametrize(
    ("text", "expected"), [("• 内容", True), ("-5%", False), ("——内容", False), ("•", False), ("内容", False)]
)
def test_bullets_are_told_from_dashes_and_signs(text: str, expected: bool) -> None:
    assert is_bullet(text) is expected


@given(seed=st.integers(0, 99), columns=st.sampled_from([1, 2, 3]), pitch=st.sampled_from([1.25, 1.6, 2.0]))
@settings(max_examples=40, deadline=None)
def test_the_order_of_reading_does_not_depend_on_the_order_in_the_file(seed: int, columns: int, pitch: float) -> None:
    rng = random.Random(seed)
    blocks = [("h1", "云江市报告"), *(("p", prose(rng, rng.randint(1, 5))) for _ in range(20))]
    pages = [
        [piece for run in paper.runs for piece in pieces(glyphs(run))]
        for paper in compose(blocks, Look(size=9, columns=columns, pitch=pitch))
    ]
    shuffled = [rng.sample(page, len(page)) for page in pages]
    assert zones(shuffled) == zones(pages)
    assert (
        sum(len(zone.items) for page in zones(pages) for zone in page) == sum(len(rows(page)) for page in pages)
        or columns > 1
    )
