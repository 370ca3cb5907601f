"""Blocks of any format → canonical text, with the way back to the original.

Nothing is added that the original does not show, no marks of headings or tables: every quote stands there, white space aside.
A block is a line. A table row is its cells with tabs between them, a row of one cell ends in a tab.
"""

import re
from dataclasses import dataclass
from itertools import groupby

from indexer.document import Place, PlaceMap
from indexer.formats.blocks import Block, BlockKind

_MAX_LEVEL = 6
# What programs call a sheet that nobody named.
_UNNAMED_SHEET = re.compile(r"(?:sheet|工作表|工作表单)\s*\d*", re.IGNORECASE)


@dataclass(frozen=True)
class Canonical:
    """Canonical text; see `indexer.document.Document` for the fields."""

    text: str
    places: PlaceMap
    breaks: tuple[int, ...]
    headings: tuple[tuple[int, int], ...]


def canonical(blocks: tuple[Block, ...], title: str = "") -> Canonical:
    """The text of blocks, one a line, in their order; blocks without text and the names of unnamed sheets are left out.

    Where the first block is the title, all other headings stand below it, as they do in a reader's eyes.
    """
    below = int(bool(blocks) and blocks[0].kind is BlockKind.HEADING and blocks[0].text == title)
    if below and all(block.level > blocks[0].level for block in blocks[1:] if block.kind is BlockKind.HEADING):
        below = 0
    lines: list[str] = []
    starts: list[int] = []
    places: list[Place] = []
    breaks: list[int] = []
    headings: list[tuple[int, int]] = []
    offset = 0
    for is_row, run in groupby(blocks, key=lambda block: block.kind is BlockKind.ROW):
        group = list(run)
        head = next((i for i, block in enumerate(group) if block.is_head), 0)
        for i, block in enumerate(group):
            line, shift = _line(block, in_table=is_row and i >= head and len(group) - head > 1)
            if not line.strip() or _names_nothing(block):
                continue
            pieces = [(0, block.place), *((max(0, at - shift), Place(page=page)) for at, page in block.turns)]
            for at, place in pieces:
                if not places or places[-1] != place:
                    starts.append(offset + at)
                    places.append(place)
            breaks += [offset + at - shift for at in block.breaks if 0 < at - shift < len(line)]
            if block.kind is BlockKind.HEADING:
                level = max(block.level, 1) + (below if block is not blocks[0] else 0)
                headings.append((offset, min(level, _MAX_LEVEL)))
            lines.append(line)
            offset += len(line) + 1
    return Canonical("\n".join(lines), PlaceMap(tuple(starts), tuple(places)), tuple(breaks), tuple(headings))


def _line(block: Block, *, in_table: bool) -> tuple[str, int]:
    """The line of a block, and how many characters at its start were left off.

    What stands in cells above the row that names the columns, or alone, is no row of a table.
    """
    if block.kind is not BlockKind.ROW:
        text = block.text.replace("\t", " ").replace("\n", " ")
        line = text.strip()
        return line, len(text) - len(text.lstrip())
    text = block.text.replace("\n", " ")
    if not in_table:
        line = text.replace("\t", " ")
        return line.strip(), len(line) - len(line.lstrip())
    return text if "\t" in text else f"{text}\t", 0


def _names_nothing(block: Block) -> bool:
    return (
        block.kind is BlockKind.HEADING
        and block.text == block.place.sheet
        and _UNNAMED_SHEET.fullmatch(block.text) is not None
    )
