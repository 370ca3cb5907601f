"""What every format is read into: blocks of text, each with its place in the original."""

from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block is, as far as the file itself says so: a style, a tag, a size of type; never guessed from its words."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"
    NOTE = "note"


@dataclass(frozen=True)
class Place:
    """Where a block stands in the original; numbers are 1-based, None is what the format does not have."""

    line: int | None = None
    page: int | None = None
    slide: int | None = None
    paragraph: int | None = None
    sheet: str | None = None
    row: int | None = None


@dataclass(frozen=True)
class Block:
    """One paragraph, heading, list item or table row: its text without line ends, in the order of reading.

    `level` is 1 for the outermost headings and items, 0 where it says nothing. A list item holds its own number or mark. The
    cells of a row are joined by tabs; `is_head` marks a row that names the columns. `breaks` are the offsets in `text` where
    something of the original was left out (a page number, a running head): no quote may run across one.
    """

    text: str
    kind: BlockKind
    place: Place
    level: int = 0
    is_head: bool = False
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Parsed:
    """A file as read: its blocks, what its properties say of it (empty for unknown), and what a person should know."""

    blocks: tuple[Block, ...]
    title: str = ""
    authors: tuple[str, ...] = ()
    published: str = ""
    pages: int = 0
    warnings: tuple[str, ...] = ()
