import pytest

from indexer.formats.blocks import Block, BlockKind, Place
from indexer.formats.paragraphs import Draft, body_size, seam, with_levels


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("这是一段", "文字", ""),
        ("这是 AI", "文字", ""),
        ("open", "data", " "),
        ("open,", "data", " "),
        ("infra-", "structure", None),
        ("well-", "understood", ""),  # the text has the compound
        ("state-of-the-", "art", ""),
        ("公布 COVID-", "19", ""),
        ("接口名为 flow-", "n-play", ""),
        ("遵循 restful-", "api", ""),  # nobody hyphenates in Chinese text
        ("采用 data-", "base", None),  # but the text has the word
        ("见 https://www.example.", "cn/path", ""),
        ("总投资12", "345元", ""),
        ("in 2021", "2022", " "),
        ("", "文字", ""),
    ],
)
def test_what_goes_between_two_lines(before: str, after: str, expected: str | None) -> None:
    assert seam(before, after, frozenset({"well-understood", "database"})) == expected


def draft(kind: BlockKind, size: float = 12, *, bold: bool = False, indent: float = 0, entry: int = 0) -> Draft:
    return Draft(Block("文字", kind, Place()), size, bold, indent, entry)


def levels(found: list[Draft], outline: list[int] | None = None) -> list[int]:
    return [block.level for block in with_levels(found, outline or [])]


def test_headings_are_ranked_by_size_and_then_by_weight() -> None:
    h, p = BlockKind.HEADING, BlockKind.PARAGRAPH
    faces = [draft(h, 22), draft(h, 16), draft(p), draft(h, 12, bold=True), draft(h, 16, bold=True), draft(h, 15.9)]
    assert levels(faces) == [1, 3, 0, 4, 2, 3]


def test_the_outline_is_better_evidence_than_size() -> None:
    h = BlockKind.HEADING
    found = [draft(h, 22), draft(h, 14, entry=1), draft(h, 16, entry=2), draft(h, 14), draft(h, 13)]
    assert levels(found, [1, 2]) == [1, 2, 3, 2, 4]


def test_no_level_is_deeper_than_six() -> None:
    assert max(levels([draft(BlockKind.HEADING, size) for size in range(40, 13, -2)])) == 6


def test_items_have_the_level_of_their_indent_among_their_neighbours() -> None:
    i, p = BlockKind.ITEM, BlockKind.PARAGRAPH
    found = [
        draft(i, indent=1),
        draft(i, indent=3),
        draft(i, indent=3),
        draft(i, indent=5),
        draft(i, indent=1),
        draft(p),
        draft(i, indent=3),
    ]
    assert levels(found) == [1, 2, 2, 3, 1, 0, 1]


def test_the_size_of_the_text_is_that_of_most_characters() -> None:
    assert body_size([(22.0, 30), (12.0, 90), (12.0, 50), (9.0, 100)]) == 12.0
    assert body_size([]) == 10.0
