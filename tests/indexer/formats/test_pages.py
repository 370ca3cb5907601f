import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.formats.blocks import BlockKind
from indexer.formats.pages import Entry, blocks, is_strong_face, lay_out, page_ranges
from indexer.formats.ruled import Rule
from tests.indexer.formats.paper import A4, Look, Run, at, compose, prose
from tests.indexer.formats.test_lines import glyphs


@pytest.mark.parametrize(
    ("numbers", "expected"), [([3], "3"), ([1, 2, 3], "1–3"), ([1, 3, 4, 9], "1, 3–4, 9"), ([], "")]
)
def test_page_numbers_are_told_as_ranges(numbers: list[int], expected: str) -> None:
    assert page_ranges(numbers) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ABCDEF+SimHei", True),
        ("黑体", True),
        ("方正小标宋简体", True),
        ("NotoSerifCJKsc-Bold", True),
        ("FangSong_GB2312", False),
        ("MicrosoftYaHei", False),
        ("MicrosoftYaHei-Bold", True),
        ("微软雅黑", False),
    ],
)
def test_faces_for_headings_are_told_by_their_names(name: str, expected: bool) -> None:
    assert is_strong_face(name) is expected


def page_of(runs: list[Run], number: int = 1, rules: list[Rule] | None = None):
    return lay_out(number, A4[1], [glyph for run in runs for glyph in glyphs(run)], rules or [])


@given(seed=st.integers(0, 999), columns=st.sampled_from([1, 2]))
@settings(max_examples=30, deadline=None)
def test_blocks_do_not_depend_on_the_order_in_the_file(seed: int, columns: int) -> None:
    rng = random.Random(seed)
    papers = compose([("p", prose(rng, rng.randint(1, 5))) for _ in range(15)], Look(columns=columns, foot="{page}"))
    pages = [page_of(paper.runs, number) for number, paper in enumerate(papers, start=1)]
    shuffled = [
        page_of(rng.sample(paper.runs, len(paper.runs)), number) for number, paper in enumerate(papers, start=1)
    ]
    assert blocks(shuffled) == blocks(pages)


def table(number: int, top: float, rows: list[tuple[str, str]], *, left: float = 80.0):
    ys = [top + 20 * i for i in range(len(rows) + 1)]
    rules = [Rule(left, left + 240, y, y) for y in ys] + [
        Rule(x, x, ys[0], ys[-1]) for x in (left, left + 120, left + 240)
    ]
    runs = [
        at(text, left + 6 + 120 * j, top + 14 + 20 * i, 10) for i, row in enumerate(rows) for j, text in enumerate(row)
    ]
    return page_of(runs, number, rules)


HEAD = ("名称", "数量")


def test_tables_on_pages_that_follow_each_other_are_one_if_their_columns_are() -> None:
    found = blocks([table(1, 600, [HEAD, ("甲", "1")]), table(2, 80, [HEAD, ("乙", "2")], left=90)])
    assert [block.text for block in found] == ["名称\t数量", "甲\t1", "乙\t2"]
    assert [block.place.page for block in found] == [1, 1, 2]
    apart = blocks([table(1, 600, [HEAD, ("甲", "1")]), table(3, 80, [HEAD, ("乙", "2")])])
    assert [block.text for block in apart] == ["名称\t数量", "甲\t1", "名称\t数量", "乙\t2"]
    assert [block.is_head for block in apart] == [True, False, True, False]


def test_an_entry_of_the_outline_marks_the_line_on_its_own_page_only() -> None:
    pages = [page_of([at("总则", 80, 100, 12), at(prose(random.Random(i), 1)[:30], 80, 130, 12)], i) for i in (1, 2)]
    found = blocks(pages, [Entry("总 则", 2, 1), Entry("没有的标题", 1, 1), Entry("", 1, 1)])
    assert [(b.text, b.place.page) for b in found if b.kind is BlockKind.HEADING] == [("总则", 2)]


def test_a_document_without_any_text_has_no_blocks() -> None:
    assert blocks([]) == ()
    assert blocks([page_of([])]) == ()
