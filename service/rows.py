"""Rows of tables as sentences: each cell with the head of its column, for a bare 163.8 says nothing."""

import re
from collections.abc import Sequence

from indexer.lines import is_row, line_end, line_start
from indexer.text import fold, without_markup
from service.units import RULE, Unit

# A reference mark of the document itself would read as one of ours.
_OWN_MARK = re.compile(r"\[(\d+)\]")
_UNIT = re.compile(r"\s*[（(](?:单位[:：])?(?P<unit>[^（()）]{1,8})[)）]$")
# 单位：个 above a table is the unit of its bare figures; 责任单位 is somebody.
_CAPTION = re.compile(
    r"(?<![\u4e00-\u9fff])(?:计量)?单位\s*[:：]\s*(?P<unit>[^\s（()）、,，;；:：。]{1,6})\s*[)）]?\s*[:：。]?$"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_NO_MEASURE = re.compile(r"^年[份度]?$|月份|日期|序号|编号|代码|电话|邮编|排名|名次|位次|文号|号$")
_EDGES = " |\t"
# Rows that sum up the others, and cells that name nothing.
_NO_NAME = re.compile(r"全.|[合总小共]计|总[数量额]?|其他|其中|[\d.,%()\-—/~]*|.")
_REGION = re.compile(r"(?<=..)[省市区县镇乡州盟旗]$")
# A question that sets a row against the others is about all of them.
_ALL_ROWS = re.compile(r"除|以外|之外|其[他余它]|另外|[各每]个?[省市区县镇乡]")
_AGAINST_OTHERS = re.compile(r"比|最|排|第几|哪[个座家省市区县镇乡]")


def head_of(text: str, row: Unit) -> Unit | None:
    """The line of `text` that names the columns of the table that a row stands in; None when there is none, or when `row` is
    only a part of a row, or that line itself.

    A Markdown table says by its rule which line that is; of rows with tabs the first one does it when it holds no figure.
    """
    start = line_start(text, row.start)
    if text[start : line_end(text, start)].strip(_EDGES) != text[row.start : row.end].strip(_EDGES):
        return None
    first = start
    while first and is_row(text[(above := line_start(text, first - 1)) : first - 1]):
        first = above
    end = line_end(text, first)
    head, below = text[first:end], text[end + 1 : line_end(text, end + 1)]
    is_head = (
        RULE.fullmatch(below) is not None and below != "" if head.startswith("|") else re.search(r"\d", head) is None
    )
    begins_empty = re.match(r"\|\s*\||\s*\t", text[start:]) is not None  # what of a row is quoted does not show that
    if first == start or not is_head or begins_empty or not is_headed(head, text[row.start : row.end]):
        return None
    first += len(head) - len(head.lstrip(_EDGES))
    return Unit(row.doc_id, first, first + len(head.strip(_EDGES)))


def rows_asked_for(question: str, rows: Sequence[str]) -> list[str]:
    """The rows that a question names by their cells, those with the most such cells; all where it names none, or asks beyond them.

    江都区城区和乡镇各多少个 names the row of 江都区, 哪个区比江都区多 needs the others.
    """
    folded = fold(question)
    named = [sum(_is_named(fold(cell), folded) for cell in cells(row)) for row in rows]
    most = max(named, default=0)
    chosen = [row for row, count in zip(rows, named, strict=True) if count == most]
    beyond = _ALL_ROWS.search(folded) or (len(chosen) == 1 and _AGAINST_OTHERS.search(folded))
    return list(rows) if not most or beyond else chosen


def _is_named(cell: str, question: str) -> bool:
    if not _YEAR.fullmatch(cell) and _NO_NAME.fullmatch(cell):
        return False
    return cell in question or (_REGION.search(cell) is not None and cell[:-1] in question)


def is_headed(head: str, row: str) -> bool:
    """Whether a line has a name for each cell of another, which is a row."""
    return 1 < len(cells(row)) <= len(cells(head))


def cells(row: str) -> list[str]:
    """The cells of a row, in order, empty ones too, save at the edges."""
    row = row.strip(_EDGES)
    return [cell.strip() for cell in row.split("|" if "|" in row else "\t")]


def named_cells(head: str, row: str) -> list[tuple[str, str]]:
    """The cells of a row that are not empty, each behind the head of its column, as people read them; a number that only counts
    the row is left out."""
    pairs = [(shown(name), shown(value)) for name, value in zip(cells(head), cells(row), strict=False) if value]
    return pairs[1:] if len(pairs) > 1 and is_row_number(pairs[0][1]) else pairs


def told(head: str, row: str) -> str:
    """A row as a sentence: what it is about, then every other cell that is not empty, with the head of its column.

    What it is about is the first cell, unless that is a figure. Numbers of rows are left out. Cells that are empty at the end
    may be missing.
    """
    pairs = named_cells(head, row)
    subject = "" if pairs[0][1].isdecimal() else pairs.pop(0)[1]
    rest = "；".join(f"{name}{_mark(name)}{value}" for name, value in pairs)
    return f"{subject}，{rest}" if subject and rest else subject or rest


def with_units(head: str, row: str, unit: str = "") -> str:
    """The cells of a row with the units that the heads of their columns give in brackets: 12.6 under 总投资（亿元） is 12.6亿元; those
    whose heads give none with `unit`, the one of the whole table, save years and numbers that measure nothing."""
    told = []
    for i, (name, value) in enumerate(zip(cells(head), cells(row), strict=False)):
        bare = value[-1:].isdecimal() and not (i == 0 and is_row_number(value))
        measures = _NO_MEASURE.search(name) is None and not (i == 0 and _YEAR.fullmatch(value))
        own = split_unit(name)[1] or (unit if measures else "")
        told.append(f"{name}{value}{own if bare else ''}" if value else "")
    return " ".join(filter(None, told))


def split_unit(name: str) -> tuple[str, str]:
    """The head of a column and the unit that it gives in brackets, empty where it gives none: 总投资（亿元）."""
    found = _UNIT.search(name)
    return (name, "") if found is None else (name[: found.start()], found["unit"])


def caption_of(text: str, head: Unit) -> Unit | None:
    """The line right above a table, if it gives the unit of all its figures: 任务分解如下（单位：个）."""
    if not head.start:
        return None
    end = line_start(text, head.start) - 1
    start = line_start(text, max(0, end))
    line = text[start : max(start, end)]
    first = start + len(line) - len(line.lstrip())
    return Unit(head.doc_id, first, end) if _CAPTION.search(line.strip()) else None


def unit_of_all(text: str, head: Unit) -> str:
    """The unit that the caption of a table gives for all its figures; empty where it gives none."""
    caption = caption_of(text, head)
    found = None if caption is None else _CAPTION.search(text[caption.start : caption.end].strip())
    return "" if found is None else found["unit"]


def needs_caption(head: str, row: str) -> bool:
    """Whether a row has a figure whose unit neither it nor the head of its column gives."""
    return with_units(head, row) != with_units(head, row, "?")


def is_row_number(cell: str) -> bool:
    """Whether a cell at the head of a row only counts it; 2022 is a year."""
    return cell.isdecimal() and len(cell) <= 3


def shown(text: str) -> str:
    """A text of a document as people read it: without markup, its own reference marks in full width."""
    return _OWN_MARK.sub(r"［\1］", without_markup(text))


def _mark(name: str) -> str:
    """A colon keeps a head and a cell apart that would read as one word or figure."""
    return "：" if name[-1:].isalnum() else ""
