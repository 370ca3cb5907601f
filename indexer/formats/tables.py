"""Rows of a table, from any format → blocks, with the rows that name the columns marked."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.formats.blocks import Block, BlockKind, Place
from indexer.formats.prose import clean

_FIGURE = re.compile(r"[-+−–±≈<>≤≥]?\s*[¥￥$]?\s*[\d.,，\s]*\d[\d.,，\s]*[%％‰]?|[-—–－/／]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MAX_HEAD = 30
_MAX_NAMES = 200
_MAX_BELOW = 200  # rows that are asked whether a row is their head
_MAX_ABOVE = 8  # rows of titles and units that may stand above the head


@dataclass(frozen=True)
class Row:
    """One row; `cells` stand by column, empty where a merged cell of the row or of one above covers the column.

    `is_marked`: the file itself says that this row names the columns. `is_strong`: all its text is set in bold.
    `spans`: a cell of it is merged across columns. `notes` are blocks that follow it.
    """

    cells: tuple[str, ...]
    place: Place
    is_marked: bool = False
    is_strong: bool = False
    spans: bool = False
    notes: tuple[Block, ...] = ()


def is_figure(text: str) -> bool:
    """Whether a cell holds a bare number or the dash that stands for a missing one."""
    return _FIGURE.fullmatch(text) is not None


def row_blocks(rows: Sequence[Row], *, head: Iterable[int] | None = None) -> list[Block]:
    """Blocks of the rows that hold text, without the columns that hold none; cells joined by tabs, none at the end.

    `head` are the indices of the rows that name the columns; None to find them with `head_rows`.
    """
    heads = frozenset(head_rows(rows) if head is None else head)
    columns = used_columns(rows)
    blocks: list[Block] = []
    for i, row in enumerate(rows):
        own = columns[: bisect_left(columns, len(row.cells))]
        text = "\t".join(clean(row.cells[c]) for c in own).rstrip("\t")
        if text:
            blocks.append(Block(text, BlockKind.ROW, row.place, is_head=i in heads))
        blocks += row.notes
    return blocks


def used_columns(rows: Sequence[Row]) -> list[int]:
    """Indices of the columns that hold text in some row."""
    return sorted({c for row in rows for c, text in enumerate(row.cells) if text.strip()})


def head_rows(rows: Sequence[Row], *, first_holds: bool = False) -> list[int]:
    """Indices of the rows that name the columns.

    Rows that the file marks, if it marks some but not all. Else the first of the rows above any figures that names most
    columns, shortly and differently and not by figures (years aside), when something sets it off from the rows below: bold
    type, or a column that goes on in figures. `first_holds` does without the last condition. A row under merged names
    belongs to the head when it holds no figure either.
    """
    marked = [i for i, row in enumerate(rows) if row.is_marked]
    if marked and len(marked) < len(rows):
        return marked
    width = len(used_columns(rows))
    for i, row in enumerate(rows[:-1][:_MAX_ABOVE]):
        if _names_columns(row, width):
            below = rows[i + 1 : i + 1 + _MAX_BELOW]
            is_set_off = row.is_strong and not all(other.is_strong for other in below)
            if not (first_holds or is_set_off or _goes_on_in_figures(row, below)):
                return []
            if row.spans and len(below) > 1 and not any(is_figure(cell) for cell in below[0].cells if cell):
                return [i, i + 1]
            return [i]
        if any(is_figure(cell) for cell in row.cells if cell):
            return []
    return []


def _names_columns(row: Row, width: int) -> bool:
    names = [clean(cell) for cell in row.cells if cell.strip()]
    words = [name for name in names if not is_figure(name)]
    return (
        bool(words)
        and 1 < len(names) <= _MAX_NAMES
        and (row.spans or 3 * len(names) >= 2 * width)
        and len(set(names)) == len(names)
        and all(len(name) <= _MAX_HEAD for name in names)
        and all(_YEAR.fullmatch(name) for name in names if is_figure(name))
    )


def _goes_on_in_figures(row: Row, below: Sequence[Row]) -> bool:
    for column, name in enumerate(row.cells):
        filled = [other.cells[column] for other in below if column < len(other.cells) and other.cells[column]]
        # A year above years is data, a year above other figures names them.
        figures = [cell for cell in filled if is_figure(cell) and not (is_figure(name) and _YEAR.fullmatch(cell))]
        if name and filled and 2 * len(figures) >= len(filled):
            return True
    return False
