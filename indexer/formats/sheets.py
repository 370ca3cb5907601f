"""Spreadsheets (XLSX) and comma-separated tables (CSV) → rows, with the values as their cells show them.

The sheets are read as a stream from their XML: openpyxl gives either the formulas or their results, neither hidden rows nor
merged cells when it streams, and no text of a formatted number.
"""

import csv
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from indexer.decoding import decode
from indexer.errors import InputError
from indexer.formats.blocks import Block, BlockKind, Parsed, Place
from indexer.formats.cellformat import BUILT_IN, shown
from indexer.formats.package import MAX_TOTAL, Package, R, S, integer, is_on, streamed_xml
from indexer.formats.prose import clean
from indexer.formats.tables import Row, head_rows, row_blocks, used_columns

_MAX_CELLS = 200_000
_MAX_COLUMNS = 16_384
_CELL = re.compile(r"([A-Z]{1,3})(\d+)")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DELIMITERS = ",\t;|"
_SAMPLE = 50


@dataclass
class _Sheet:
    """One sheet as read: texts by row and column (both 1-based), and what its XML says around them."""

    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(
        default_factory=list
    )  # first row, first column, last row, last column
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    is_filtered: bool = False
    unknown: int = 0  # formulas without a result
    formulas: int = 0
    count: int = 0
    is_cut: bool = False


@dataclass(frozen=True)
class _Book:
    """What all sheets of a workbook share."""

    strings: tuple[str, ...]
    formats: tuple[str, ...]  # format code by the number of the cell style
    from_1904: bool


def parse_xlsx(data: bytes) -> Parsed:
    """The sheets of a workbook: its name as a heading, the titles above the table, the row of column names, the rows.

    Values are as the cells show them. Hidden sheets are left out, and so are hidden rows and columns, except for rows that a
    filter hides at the moment; warnings tell each. Empty rows and columns are skipped, so a row keeps its columns in line
    with its head but not with the letters of the sheet. Reading stops behind two hundred thousand cells.

    Raises:
        InputError: it is encrypted, of the old kind, damaged, too large or without text.
    """
    package = Package(data, ".xlsx")
    if package.main.endswith(".bin"):
        raise InputError("the workbook is of the binary kind (.xlsb): open it and save it as .xlsx")
    root = package.xml(package.main)
    if root.tag != f"{S}workbook":
        raise InputError("the file is no .xlsx workbook: open it and save it as .xlsx")
    properties = root.find(f"{S}workbookPr")
    book = _Book(
        _strings(package),
        _formats(package.related(package.main, "styles")),
        properties is not None and properties.get("date1904") in ("1", "true"),
    )
    relations = package.relations(package.main)
    blocks: list[Block] = []
    warnings: list[str] = []
    left = _MAX_CELLS
    formulas = unknown = 0
    for element in root.iterfind(f"{S}sheets/{S}sheet"):
        name = clean(element.get("name", ""))
        relation = relations.get(element.get(f"{R}id", ""))
        if relation is None or relation.kind != "worksheet" or not package.has(relation.target):
            continue
        if element.get("state", "visible") != "visible":
            warnings.append(f"sheet {name!r} is hidden and left out: unhide it to have it read")
            continue
        if left <= 0:
            warnings.append(f"sheet {name!r} is left out, since the file has more than {_MAX_CELLS} cells: split it")
            continue
        with package.open(relation.target, limit=MAX_TOTAL) as stream:
            sheet = _sheet(streamed_xml(stream, relation.target), book, left)
        left -= sheet.count
        formulas, unknown = formulas + sheet.formulas, unknown + sheet.unknown
        warnings += _sheet_warnings(sheet, name)
        rows, titles = _rows(sheet, name)
        if rows:
            blocks.append(Block(name, BlockKind.HEADING, Place(sheet=name, row=rows[0].place.row), 1))
            blocks += _table_blocks(rows, titles)
    calculation = root.find(f"{S}calcPr")
    if formulas and not unknown and calculation is not None and calculation.get("fullCalcOnLoad") in ("1", "true"):
        warnings.append("results of formulas may be missing or old: open the file in Excel and save it")
    if not blocks:
        raise InputError("; ".join(["the .xlsx file holds no text in visible cells: leave it out", *warnings]))
    title, authors = package.title_and_authors()
    return Parsed(tuple(blocks), title, authors, warnings=tuple(warnings))


def parse_csv(data: bytes) -> Parsed:
    """The rows of a CSV file, with the line where each starts; the delimiter is a comma, tab, semicolon or bar.

    Raises:
        InputError: it is not text or holds none.
    """
    text = decode(data, "the .csv file").text
    warnings = []
    named = re.match(r"sep=(.)\n", text)
    delimiter = named.group(1) if named else _delimiter(text)
    lines = text.split("\n")
    first = 1 if named else 0
    try:
        rows = list(_records(lines[first:], delimiter, first, is_quoted=True))
    except csv.Error:
        warnings.append("a quotation mark is not closed: quotation marks are read as text")
        rows = list(_records(lines[first:], delimiter, first, is_quoted=False))
    if sum(len(row.cells) for row in rows) > _MAX_CELLS:
        kept, count = 0, 0
        while count + len(rows[kept].cells) <= _MAX_CELLS:
            count += len(rows[kept].cells)
            kept += 1
        warnings.append(
            f"lines from {rows[kept].place.line} on are left out, since there are more than {_MAX_CELLS} cells"
        )
        rows = rows[:kept]
    blocks = tuple(_table_blocks(rows, frozenset()))
    if not blocks:
        raise InputError("the .csv file holds no text: leave it out")
    return Parsed(blocks, warnings=tuple(warnings))


def _table_blocks(rows: Sequence[Row], titles: frozenset[int]) -> Iterator[Block]:
    """Blocks of a table; rows with an index in `titles` are headings when they stand above the column names."""
    if len(used_columns(rows)) == 1:
        for row in rows:
            text = clean(" ".join(row.cells))
            if text:
                yield Block(text, BlockKind.PARAGRAPH, row.place)
        return
    heads = head_rows(rows, first_holds=True)
    above = heads[0] if heads else 0
    for i, row in enumerate(rows[:above]):
        filled = [clean(cell) for cell in row.cells if cell.strip()]
        if i in titles and len(filled) == 1:
            yield Block(filled[0], BlockKind.HEADING, row.place, 2)
        else:
            yield Block("\t".join(filled), BlockKind.ROW if len(filled) > 1 else BlockKind.PARAGRAPH, row.place)
    yield from row_blocks(rows[above:], head=[i - above for i in heads])


def _rows(sheet: _Sheet, name: str) -> tuple[list[Row], frozenset[int]]:
    """The visible rows that hold text, and the indices of those that are one cell merged across columns."""
    hidden = set() if sheet.is_filtered else sheet.hidden_rows
    merged = {(first, left): right - left for first, left, _, right in sheet.merges}
    rows: list[Row] = []
    titles = set()
    for number, cells in sorted(sheet.cells.items()):
        visible = {
            column: text for column, text in cells.items() if column not in sheet.hidden_columns and text.strip()
        }
        if number in hidden or not visible:
            continue
        spans = any(merged.get((number, column), 0) > 0 for column in visible)
        if spans and len(visible) == 1:
            titles.add(len(rows))
        width = max(visible)
        texts = tuple(visible.get(column, "") for column in range(1, width + 1))
        rows.append(Row(texts, Place(sheet=name, row=number), spans=spans and len(visible) > 1))
    used = used_columns(rows)
    compact = (tuple(row.cells[c] if c < len(row.cells) else "" for c in used) for row in rows)
    return [replace(row, cells=cells) for row, cells in zip(rows, compact, strict=True)], frozenset(titles)


def _sheet_warnings(sheet: _Sheet, name: str) -> Iterator[str]:
    if sheet.hidden_rows & sheet.cells.keys():
        what = "hidden by a filter and read all the same" if sheet.is_filtered else "hidden and left out"
        yield f"sheet {name!r}: {len(sheet.hidden_rows & sheet.cells.keys())} rows are {what}"
    used = {column for cells in sheet.cells.values() for column in cells}
    if sheet.hidden_columns & used:
        yield f"sheet {name!r}: {len(sheet.hidden_columns & used)} columns are hidden and left out"
    if sheet.unknown:
        yield f"sheet {name!r}: {sheet.unknown} formulas have no stored result: open the file in Excel and save it"
    if sheet.is_cut:
        yield f"sheet {name!r}: rows behind {max(sheet.cells)} are left out, since the file has too many cells: split it"


def _strings(package: Package) -> tuple[str, ...]:
    targets = (r.target for r in package.relations(package.main).values() if r.kind == "sharedStrings")
    target = next((target for target in targets if package.has(target)), None)
    if target is None:
        return ()
    strings = []
    with package.open(target) as stream:
        for element in streamed_xml(stream, target):
            if element.tag == f"{S}si":
                strings.append(_rich_text(element))
                element.clear()
    return tuple(strings)


def _rich_text(element: ET.Element) -> str:
    """Text of a string, in one piece or in runs, without the reading aids (`rPh`)."""
    pieces = [*element.iterfind(f"{S}t"), *element.iterfind(f"{S}r/{S}t")]
    return _unescaped("".join(piece.text or "" for piece in pieces))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text)


def _formats(root: ET.Element | None) -> tuple[str, ...]:
    if root is None:
        return ()
    codes = dict(BUILT_IN)
    for element in root.iterfind(f"{S}numFmts/{S}numFmt"):
        codes[integer(element.get("numFmtId"))] = element.get("formatCode", "General")
    styles = root.iterfind(f"{S}cellXfs/{S}xf")
    return tuple(codes.get(integer(style.get("numFmtId")), "General") for style in styles)


def _sheet(elements: Iterator[ET.Element], book: _Book, limit: int) -> _Sheet:
    sheet = _Sheet()
    row = 0
    for element in elements:
        match element.tag.removeprefix(S):
            case "row":
                row = integer(element.get("r"), row + 1)
                if sheet.count >= limit:
                    sheet.is_cut = True
                    break
                _read_row(sheet, row, element, book)
                element.clear()
            case "col" if is_on(element, "hidden") and element.get("hidden"):
                first, last = integer(element.get("min"), 1), integer(element.get("max"), 1)
                sheet.hidden_columns.update(range(max(1, first), min(last, _MAX_COLUMNS) + 1))
            case "sheetPr":
                sheet.is_filtered = sheet.is_filtered or element.get("filterMode") in ("1", "true")
            case "filterColumn":
                sheet.is_filtered = True
            case "mergeCell":
                corners = [_position(corner) for corner in element.get("ref", "").split(":")]
                if len(corners) == 2 and corners[0] and corners[1]:
                    sheet.merges.append((*corners[0], *corners[1]))
    return sheet


def _position(reference: str) -> tuple[int, int] | None:
    """Row and column of a reference such as B3, both 1-based; None if it is none."""
    match = _CELL.fullmatch(reference.upper())
    if match is None:
        return None
    column = 0
    for letter in match.group(1):
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(match.group(2)), column


def _read_row(sheet: _Sheet, number: int, element: ET.Element, book: _Book) -> None:
    if element.get("hidden") in ("1", "true"):
        sheet.hidden_rows.add(number)
    cells: dict[int, str] = {}
    column = 0
    for cell in element.iterfind(f"{S}c"):
        position = _position(cell.get("r", ""))
        column = position[1] if position else column + 1
        if column > _MAX_COLUMNS:
            break
        formula, value = cell.find(f"{S}f"), cell.find(f"{S}v")
        if formula is not None:
            sheet.formulas += 1
            # An empty text is a result, too; then the cell says that it holds a text.
            sheet.unknown += (value is None or not value.text) and cell.get("t") != "str"
        text = _shown(cell, value, book)
        if text:
            cells[column] = text
            sheet.count += 1
    if cells:
        sheet.cells[number] = cells


def _shown(cell: ET.Element, value: ET.Element | None, book: _Book) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(f"{S}is")
        return clean(_rich_text(inline)) if inline is not None else ""
    text = "" if value is None else value.text or ""
    if kind == "s":
        index = integer(text, -1)
        return clean(book.strings[index]) if 0 <= index < len(book.strings) else ""
    if kind == "b":
        return {"1": "TRUE", "0": "FALSE"}.get(text, text)
    if kind == "n" and text:
        style = integer(cell.get("s"))
        code = book.formats[style] if 0 <= style < len(book.formats) else "General"
        try:
            return clean(shown(float(text), code, from_1904=book.from_1904))
        except ValueError:
            return clean(text)
    # Dates in ISO form, errors such as #N/A and texts of formulas stand as they are.
    return clean(_unescaped(text))


def _records(lines: Sequence[str], delimiter: str, before: int, *, is_quoted: bool) -> Iterator[Row]:
    """The records of a table, each with the line where it starts; `before` lines stand above the first."""
    ended = (line + "\n" for line in lines)
    if is_quoted:
        reader = csv.reader(ended, delimiter=delimiter)
    else:
        reader = csv.reader(ended, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    start = 1
    for record in reader:
        yield Row(tuple(clean(cell) for cell in record), Place(line=before + start))
        start = reader.line_num + 1


def _delimiter(text: str) -> str:
    """The delimiter with which most of the first lines have the same number of cells, and more than one."""

    def agreement(delimiter: str) -> tuple[int, int]:
        reader = csv.reader(text.split("\n", _SAMPLE)[:_SAMPLE], delimiter=delimiter)
        try:
            widths = [len(record) for record in reader if record]
        except csv.Error:
            return 0, 0
        return max(((widths.count(width), width) for width in set(widths) if width > 1), default=(0, 0))

    return max(_DELIMITERS, key=agreement)
