"""What every format is read into: blocks of text, each with its place in the original."""

from dataclasses import dataclass
from enum import StrEnum

from indexer.document import Place

__all__ = ["Block", "BlockKind", "Parsed", "Place"]


class BlockKind(StrEnum):
    """What a block is, as far as the file itself says so: a style, a tag, a size of type; never guessed from its words."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"
    NOTE = "note"


@dataclass(frozen=True)
class Block:
    """One paragraph, heading, list item or table row: its text without line ends, in the order of reading.

    `level` is 1 for the outermost headings and items, 0 where it says nothing. A list item holds its own number or mark. The
    cells of a row are joined by tabs; `is_head` marks a row that names the columns. `breaks` are the offsets in `text` where
    something of the original was left out (a page number, a running head): no quote may run across one. `turns` are the
    offsets where it goes on on another page than its place, each with that page.
    """

    text: str
    kind: BlockKind
    place: Place
    level: int = 0
    is_head: bool = False
    breaks: tuple[int, ...] = ()
    turns: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Parsed:
    """A file as read: its blocks, what its properties say of it (empty for unknown), and what a person should know."""

    blocks: tuple[Block, ...]
    title: str = ""
    authors: tuple[str, ...] = ()
    published: str = ""
    pages: int = 0
    warnings: tuple[str, ...] = ()
