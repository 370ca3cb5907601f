"""Blocks → canonical text: nothing added, nothing lost, and every character keeps its place."""

from hypothesis import given
from hypothesis import strategies as st

from indexer.document import Place
from indexer.formats.blocks import Block, BlockKind
from indexer.formats.canonical import canonical
from indexer.lines import is_row


def heading(text: str, place: Place, level: int = 1) -> Block:
    return Block(text, BlockKind.HEADING, place, level)


def row(text: str, number: int, *, is_head: bool = False) -> Block:
    return Block(text, BlockKind.ROW, Place(sheet="表", row=number), is_head=is_head)


WORDS = st.text("渔船港湾 甲乙1.|#\t", min_size=0, max_size=12)
BLOCKS = st.lists(
    st.builds(
        Block,
        WORDS,
        st.sampled_from(BlockKind),
        st.builds(Place, page=st.integers(1, 4)),
        level=st.integers(0, 9),
        is_head=st.booleans(),
        breaks=st.lists(st.integers(0, 12), max_size=2).map(lambda cuts: tuple(sorted(set(cuts)))),
    ),
    max_size=12,
)


@given(BLOCKS)
def test_every_block_with_text_is_a_line_with_its_own_characters_and_place(blocks: list[Block]):
    found = canonical(tuple(blocks))
    lines = found.text.split("\n") if found.text else []
    filled = [block for block in blocks if block.text.strip()]
    assert ["".join(line.split()) for line in lines] == ["".join(block.text.split()) for block in filled]
    offset = 0
    levels = dict(found.headings)
    for line, block in zip(lines, filled, strict=True):
        assert found.places.at(offset) == found.places.at(offset + len(line) - 1) == block.place
        assert (offset in levels) == (block.kind is BlockKind.HEADING)
        offset += len(line) + 1
    assert all(1 <= level <= 6 for level in levels.values())
    assert all(0 < cut < len(found.text) for cut in found.breaks)
    assert list(found.places.starts) == sorted(set(found.places.starts))


def test_a_break_and_a_page_stay_at_their_characters_when_spaces_in_front_are_cut_off():
    block = Block("  渔船出海", BlockKind.PARAGRAPH, Place(page=3), breaks=(4,), turns=((5, 4),))
    found = canonical((heading("港湾", Place(page=3)), block))
    assert found.text == "港湾\n渔船出海"
    assert found.breaks == (5,)
    assert [found.places.at(i).page for i in range(len(found.text))] == [3, 3, 3, 3, 3, 3, 4]


def test_what_stands_in_cells_above_the_head_of_a_table_is_no_row_of_it():
    found = canonical((row("单位：万元\t填报：渔业局", 2), row("项目\t一季", 3, is_head=True), row("渔船\t8", 4)))
    lines = found.text.split("\n")
    assert lines[0] == "单位：万元 填报：渔业局"
    assert [is_row(line) for line in lines] == [False, True, True]


def test_a_row_of_one_cell_does_not_cut_its_table_in_two():
    found = canonical((row("项目\t一季", 1, is_head=True), row("一、县级", 2), row("渔船\t8", 3)))
    assert all(map(is_row, found.text.split("\n")))


def test_a_title_at_the_level_of_the_chapters_stands_above_them():
    place = Place(slide=1)
    blocks = (
        heading("海堤管护办法", place),
        heading("一、巡查", place),
        heading("二、修补", place),
        heading("（一）材料", place, 2),
    )
    assert [level for _, level in canonical(blocks, "海堤管护办法").headings] == [1, 2, 2, 3]
    assert [level for _, level in canonical(blocks, "海堤").headings] == [1, 1, 1, 2]
    lower = (blocks[0], *(heading(block.text, place, 2) for block in blocks[1:]))
    assert [level for _, level in canonical(lower, "海堤管护办法").headings] == [1, 2, 2, 2]


def test_a_sheet_that_nobody_named_gives_no_heading():
    for name, is_kept in (("Sheet1", False), ("工作表2", False), ("任务分解", True)):
        found = canonical((heading(name, Place(sheet=name, row=1)), row("甲\t乙", 1), row("丙\t丁", 2)))
        assert bool(found.headings) is is_kept
