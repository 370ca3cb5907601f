"""Glyphs and ruling lines of pages → blocks, for the formats that know nothing but places (PDF, OFD)."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, islice, pairwise
from statistics import median_high

from indexer.formats.blocks import Block, Place
from indexer.formats.furniture import furniture
from indexer.formats.lines import Box, Glyph, Line, Zone, joined, pieces, rows, without_marker, zones
from indexer.formats.paragraphs import (
    Draft,
    Placed,
    Setting,
    body_size,
    drafts,
    is_finished,
    notes_at_bottom,
    seam,
    setting,
    with_insets,
    with_levels,
)
from indexer.formats.ruled import Grid, Rule, grids, implied_rules
from indexer.formats.tables import Row, row_blocks

_CUT = "\ue000"  # stands in a cell's text where a page break cut it, until the offset is known
_SAME_EDGE = 4.0  # points
_MAX_TABLES = 200  # of a page
_ENTRY_LINES = 3
_MAX_ENTRIES = 200  # of the outline, that lead to one page
_STRONG_FACES = ("bold", "black", "heavy", "demi", "hei", "黑", "小标宋", "xbs", "xiaobiaosong")


@dataclass(frozen=True)
class Table:
    """A table of one page; `xs` are the edges of its columns."""

    rows: tuple[Row, ...]
    xs: tuple[float, ...]
    box: Box
    is_open_above: bool
    is_open_below: bool


@dataclass(frozen=True)
class Page:
    """A page with its text in pieces, in the order of the file, and its tables; `number` is 1-based, `height` in points."""

    number: int
    height: float
    pieces: tuple[Line, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Entry:
    """A line of a document's outline: its words, the page it leads to (1-based), and its level (1 for the outermost)."""

    title: str
    page: int
    level: int


def is_strong_face(name: str) -> bool:
    """Whether a font is, by its name, bold or of a kind that headings are set in."""
    spelled = name.lower().replace("yahei", "").replace("雅黑", "")  # a face for all purposes
    return any(face in spelled for face in _STRONG_FACES)


def page_ranges(numbers: Iterable[int]) -> str:
    """Ascending page numbers as in `1, 3–5`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in found)


def lay_out(number: int, height: float, glyphs: Sequence[Glyph], rules: Sequence[Rule]) -> Page:
    """A page of glyphs (in the order of the file) and ruling lines, of which those that bear no table are left aside."""
    tables, left = _tables(number, glyphs, grids(rules), 0)
    implied = implied_rules(rules, pieces(left)) if rules else []
    if implied:
        more, left = _tables(number, left, grids([*rules, *implied]), len(tables))
        tables = [*tables, *more]
    return Page(number, height, tuple(pieces(left)), tuple(tables))


def _tables(
    number: int, glyphs: Sequence[Glyph], found: Sequence[Grid], n_before: int
) -> tuple[list[Table], Sequence[Glyph]]:
    """The tables of the page, where grids hold text as tables do, and the glyphs that stand in none of them."""
    tables: list[Table] = []
    for grid in found[:_MAX_TABLES]:
        cells: dict[tuple[int, int], list[Glyph]] = {}
        outside = []
        for glyph in glyphs:
            cell = grid.cell_at((glyph.x0 + glyph.x1) / 2, glyph.y - 0.35 * glyph.size)
            if cell is None:
                outside.append(glyph)
            else:
                cells.setdefault(cell, []).append(glyph)
        parts = [part for cell, inside in cells.items() for part in _parts_of_cell(grid, cell, inside)]
        if _is_table(grid, parts):
            tables.append(_table(number, grid, parts, n_before + len(tables)))
            glyphs = outside
    return tables, glyphs


@dataclass(frozen=True)
class _Cell:
    row: int
    column: int
    right: float
    is_wide: bool
    glyphs: Sequence[Glyph]


def _parts_of_cell(grid: Grid, cell: tuple[int, int], glyphs: Sequence[Glyph]) -> list[_Cell]:
    """A cell, or if it reaches over columns that its text keeps to, as where a table has no rules between them, its parts."""
    row, column = cell
    covered = [c for c, owner in enumerate(grid.owner[row]) if owner == cell]
    crossed = pieces(glyphs) if len(covered) > 1 else []
    edges = [
        c for c in covered[1:] if not any(part.x0 < grid.xs[c] - 1 and part.x1 > grid.xs[c] + 1 for part in crossed)
    ]
    starts = [column, *edges]
    inside: dict[int, list[Glyph]] = {}
    for glyph in glyphs:
        inside.setdefault(bisect_right([grid.xs[c] for c in edges], (glyph.x0 + glyph.x1) / 2), []).append(glyph)
    if len(inside) < 2:
        return [_Cell(row, column, grid.right[cell], len(covered) > 1, glyphs)]
    ends = [*(grid.xs[c] for c in edges), grid.right[cell]]
    return [_Cell(row, starts[i], ends[i], False, part) for i, part in inside.items()]


def _is_table(grid: Grid, cells: Sequence[_Cell]) -> bool:
    """Whether text stands in several columns and, unless a page break cuts the table, several rows of a grid."""
    n_cells = len({cell for squares in grid.owner for cell in squares})
    n_columns, n_rows = len({cell.column for cell in cells}), len({cell.row for cell in cells})
    is_cut = grid.is_open_above or grid.is_open_below
    return n_columns > 1 and (n_rows > 1 or is_cut) and len(cells) >= 0.25 * n_cells


def _table(number: int, grid: Grid, cells: Sequence[_Cell], key: int) -> Table:
    place = Place(page=number)
    found = []
    for row in range(len(grid.ys) - 1):
        in_row = [cell for cell in cells if cell.row == row]
        texts = ["" for _ in grid.xs[1:]]
        for cell in in_row:
            texts[cell.column] = _cell_text(cell.glyphs, cell.right)
        is_strong = bool(in_row) and all(glyph.bold for cell in in_row for glyph in cell.glyphs)
        found.append(Row(tuple(texts), place, is_strong=is_strong, spans=any(cell.is_wide for cell in in_row)))
    size = median_high(glyph.size for cell in cells for glyph in cell.glyphs)
    box = Box(grid.xs[0], grid.xs[-1], grid.ys[0], grid.ys[-1], size, key)
    return Table(tuple(found), grid.xs, box, grid.is_open_above, grid.is_open_below)


def _cell_text(glyphs: Sequence[Glyph], right: float) -> str:
    """The lines of a cell as one; a space where a line ends before it has to."""
    text, end = "", right
    for row in rows(pieces(glyphs)):
        line = joined(row)
        is_early = right - end > line.first_word + 1.5 * line.size
        joint = " " if text and is_early else seam(text, line.text, frozenset())
        text = text[:-1] + line.text if joint is None else text + joint + line.text
        end = line.x1
    return text


def blocks(pages: Sequence[Page], outline: Sequence[Entry] = ()) -> tuple[Block, ...]:
    """The blocks of a document in the order of reading."""
    size = body_size(
        [(piece.size, len(piece.text)) for page in pages for piece in page.pieces]
        + [(table.box.size, sum(map(len, row.cells))) for page in pages for table in page.tables for row in table.rows]
    )
    dropped = furniture([page.pieces for page in pages], [page.height for page in pages], size)
    laid = zones([_items(page, gone) for page, gone in zip(pages, dropped, strict=True)])
    parts = _with_entries(list(_parts(pages, laid, [bool(gone) for gone in dropped], size)), outline)
    style = setting([part for part in parts if isinstance(part, Placed)])
    found: list[Draft] = []
    for is_table, run in groupby(_tables_first(parts), key=lambda part: isinstance(part, Table)):
        if is_table:
            found.extend(_table_drafts([part for part in run if isinstance(part, Table)], style))
        else:
            found.extend(drafts([part for part in run if isinstance(part, Placed)], style))
    return tuple(with_levels(found, [entry.level for entry in outline]))


def _items(page: Page, gone: frozenset[Line]) -> list[Line | Box]:
    return [*(piece for piece in page.pieces if piece not in gone), *(table.box for table in page.tables)]


def _parts(
    pages: Sequence[Page], laid: Sequence[Sequence[Zone]], is_trimmed: Sequence[bool], size: float
) -> Iterator[Placed | Table]:
    """Lines and tables in the order of reading; what comes first on a page is cut off from the page before."""
    column = 0
    for i, page in enumerate(pages):
        is_cut = is_trimmed[i] or (i > 0 and is_trimmed[i - 1])
        for zone in laid[i]:
            column += 1
            for is_table, run in groupby(zone.items, key=lambda item: isinstance(item, Box)):
                items = list(run)
                if is_table:
                    yield from (page.tables[item.key] for item in items if isinstance(item, Box))
                    is_cut = False
                    continue
                lines = [
                    Placed(item, zone.left, zone.right, page.number, column) for item in items if isinstance(item, Line)
                ]
                n_text = len(lines) - (notes_at_bottom(lines, size) if items[-1] is zone.items[-1] else 0)
                for j, placed in enumerate(with_insets(lines)):
                    yield replace(placed, is_cut=is_cut and j == 0, is_note=j >= n_text)
                is_cut = False


def _tables_first(parts: Iterable[Placed | Table]) -> Iterator[Placed | Table]:
    """The parts with footnotes between two tables behind the second, which may go on with the first."""
    notes: list[Placed] = []
    after_table = False
    for part in parts:
        if isinstance(part, Placed) and part.is_note and after_table:
            notes.append(part)
            continue
        after_table = isinstance(part, Table)
        if not after_table:
            yield from notes
            notes.clear()
        yield part
    yield from notes


def _with_entries(parts: list[Placed | Table], outline: Sequence[Entry]) -> list[Placed | Table]:
    """The parts, lines that an entry of the outline names marked with its number."""
    found = list(parts)
    on_page: dict[int, list[int]] = {}
    for i, part in enumerate(parts):
        if isinstance(part, Placed) and not part.is_note:
            on_page.setdefault(part.page, []).append(i)
    by_page = sorted(enumerate(outline, start=1), key=lambda numbered: numbered[1].page)
    for page, entries in groupby(by_page, key=lambda numbered: numbered[1].page):
        indices = on_page.get(page, [])
        texts = [_squeezed(part.line.text) for i in indices if isinstance(part := parts[i], Placed)]
        for number, entry in islice(entries, _MAX_ENTRIES):
            for j in _named(texts, _squeezed(entry.title)):
                part = found[indices[j]]
                texts[j] = ""
                if isinstance(part, Placed):
                    found[indices[j]] = replace(part, entry=number)
    return found


def _named(texts: Sequence[str], key: str) -> range:
    """Indices of the lines, one to three that follow each other, that read as `key`, which may lack the number in front."""
    for start, first in enumerate(texts):
        text = ""
        for end in range(start, min(start + _ENTRY_LINES, len(texts))) if first and key else ():
            text += texts[end]
            if text == key or (text.endswith(key) and without_marker(text) == key):
                return range(start, end + 1)
    return range(0)


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def _table_drafts(tables: Sequence[Table], style: Setting) -> list[Draft]:
    """Rows of tables that follow each other; one that goes on from the page before loses its repeated head."""
    found: list[Block] = []
    first, whole, n_head = tables[0], list(tables[0].rows), 0
    for before, table in pairwise(tables):
        if not _goes_on(before, table):
            found.extend(_row_blocks(whole, n_head))
            first, whole, n_head = table, list(table.rows), 0
            continue
        repeated = [a.cells == b.cells for a, b in zip(first.rows, table.rows, strict=False)]
        n_repeated = (*repeated, False).index(False)
        n_head = max(n_head, n_repeated)
        following = list(table.rows[n_repeated:])
        if before.is_open_below and following and _is_cut(whole[-1], following[0]):
            whole[-1] = _grown(whole[-1], following.pop(0))
        whole.extend(following)
    found.extend(_row_blocks(whole, n_head))
    return [Draft(block, style.size, False) for block in found]


def _is_cut(row: Row, following: Row) -> bool:
    """Whether the last row of a page without a rule below it goes on: short cells have no more text, long ones are unfinished."""
    pairs = list(zip(row.cells, following.cells, strict=True))
    is_open = all(len(above) > 5 and not is_finished(above) for above, below in pairs if below)
    return is_open and any(above and not below for above, below in pairs)


def _grown(row: Row, following: Row) -> Row:
    """A row with what a page break cut off it."""
    cells = (a + _CUT + b if a and b else a or b for a, b in zip(row.cells, following.cells, strict=True))
    return replace(row, cells=tuple(cells))


def _row_blocks(whole: Sequence[Row], n_head: int) -> list[Block]:
    found = []
    for block in row_blocks(whole, head=range(n_head) if n_head else None):
        *parts, last = block.text.split(_CUT)
        ends = tuple(accumulate(len(part) for part in parts))
        found.append(replace(block, text="".join([*parts, last]), breaks=ends))
    return found


def _goes_on(table: Table, following: Table) -> bool:
    """Whether a table at the top of a page has the columns of the one at the end of the page before."""
    a, b = ([x - table.xs[0] for x in table.xs] for table in (table, following))
    pages = [table.rows[0].place.page or 0 for table in (table, following)]
    is_next = pages[1] == pages[0] + 1
    return is_next and len(a) == len(b) and all(abs(x - y) <= _SAME_EDGE for x, y in zip(a, b, strict=True))
