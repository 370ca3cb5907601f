import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.formats.furniture import furniture
from indexer.formats.lines import Line, pieces
from tests.indexer.formats.paper import A4, Look, at, compose, prose
from tests.indexer.formats.test_lines import glyphs

HEIGHT = A4[1]


def line(text: str, y: float, size: float = 12.0, x: float = 80.0) -> Line:
    (found,) = pieces(glyphs(at(text.replace(" ", ""), x, y, size)))
    return found


def body(number: int, rows: int = 20, top: float = 100.0) -> list[Line]:
    rng = random.Random(number)
    return [line(prose(rng, 3)[:30], top + 19 * i) for i in range(rows)]


def dropped(pages: list[list[Line]]) -> list[list[str]]:
    return [sorted(part.text for part in found) for found in furniture(pages, [HEIGHT] * len(pages), 12.0)]


@given(first=st.integers(1, 900), pages=st.integers(2, 12), at_top=st.booleans(), step=st.sampled_from([0.0, 2.0]))
def test_numbers_that_count_on_go_wherever_they_start(first: int, pages: int, at_top: bool, step: float) -> None:
    y = 50.0 if at_top else HEIGHT - 40
    built = [[*body(i), line(str(first + i), y + step * (i % 2))] for i in range(pages)]
    assert dropped(built) == [[str(first + i)] for i in range(pages)]


def test_numbers_that_do_not_count_on_stay() -> None:
    assert (
        dropped([[*body(i), line(number, HEIGHT - 40)] for i, number in enumerate(("4328", "57", "1207"))]) == [[]] * 3
    )


def test_roman_numbers_of_a_preface_go() -> None:
    assert dropped([[*body(i), line(number, HEIGHT - 40)] for i, number in enumerate(("i", "ii", "iii"))]) == [
        ["i"],
        ["ii"],
        ["iii"],
    ]


def test_two_heads_above_each_other_go_and_the_first_line_of_the_text_stays() -> None:
    built = [[line("云江市报告", 40, 9), line("内部资料", 55, 9), *body(i)] for i in range(4)]
    assert dropped(built) == [["云江市报告", "内部资料"]] * 4


def test_heads_that_change_with_the_chapter_go() -> None:
    chapters = ["第一章总则"] * 3 + ["第二章任务"] * 3
    assert dropped([[line(head, 50, 9), *body(i)] for i, head in enumerate(chapters)]) == [[head] for head in chapters]


@pytest.mark.parametrize(
    "pages",
    [
        [
            [line("工作内容", 100 + 40 * i), *body(i, top=300)] for i in range(4)
        ],  # on most pages, but never in the same place
        [
            [line("工作内容" if i < 2 else f"另一行{'甲乙丙丁戊己'[i]}", 60, 9), *body(i)] for i in range(6)
        ],  # on few pages
        [[line("云江市报告", 60, 24), *body(i)] for i in range(4)],  # in the type of a title
        [[line("工作内容", 400), *body(i, 5)] for i in range(4)],  # in the middle of the page
        [[line("工作内容", 100), *body(i, top=119)] for i in range(4)],  # not set off from the text
    ],
)
def test_lines_that_merely_come_back_stay(pages: list[list[Line]]) -> None:
    assert dropped(pages) == [[]] * len(pages)


def test_a_page_alone_loses_its_number_only() -> None:
    assert dropped([[line("云江市报告", 40, 9), *body(1), line("1", HEIGHT - 40)]]) == [["1"]]
    assert dropped([[line("云江市报告", 40, 9), *body(1), line("7", HEIGHT - 40)]]) == [[]]


def test_thousands_of_pages_take_no_time_to_speak_of() -> None:
    pages = [[line("云江市报告", 50, 9), line("正文的一行", 300), line(str(i), HEIGHT - 40)] for i in range(1, 4001)]
    assert sum(len(found) for found in dropped(pages)) == 8000


def test_text_of_the_typesetter_is_never_dropped() -> None:
    papers = compose([("p", prose(random.Random(i), 4)) for i in range(30)], Look(foot="{page}"))
    pages = [[piece for run in paper.runs for piece in pieces(glyphs(run))] for paper in papers]
    assert dropped(pages) == [[str(i)] for i in range(1, len(papers) + 1)]
