"""What a build made of each file, as a table for the terminal."""

import unicodedata

from rich.table import Table
from rich.text import Text

from indexer.report import FileReport, Report

_TEXT = ("md", "txt")


def has_more_than_text(report: Report) -> bool:
    """Whether any file is worth a table: it is no text, or something is to be said of it."""
    return any((row.kind and row.kind not in _TEXT) or row.warnings or row.double_of for row in report.files)


def table(report: Report) -> Table:
    """One row a file, in path order."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("file", "kind"):
        made.add_column(name, overflow="fold")
    for name in ("pages", "characters", "passages"):
        made.add_column(name, justify="right")
    made.add_column("dates", overflow="fold")
    made.add_column("remarks", overflow="fold", ratio=1)
    for row in report.files:
        numbers = [str(number) if number else "" for number in (row.pages, row.characters, row.passages)]
        style = "red" if row.is_error else "dim" if row.problem else ""
        cells = [row.path, row.kind, *numbers, _dates(row), _remarks(row)]
        made.add_row(*(Text(_shown(cell)) for cell in cells), style=style)
    return made


def _dates(row: FileReport) -> str:
    named = (("published", row.published), ("signed", row.signed), ("effective", row.effective))
    return ", ".join(f"{name} {value}" for name, value in named if value)


def _remarks(row: FileReport) -> str:
    remarks = list(row.warnings)
    if row.double_of:
        remarks.append(f"the same bytes as {row.double_of}: remove one of the two")
    if row.problem:
        remarks.append(f"{'NOT INDEXED' if row.is_error else 'passed over'}: {row.problem}")
    return "; ".join(remarks)


def _shown(text: str) -> str:
    """Without what moves the cursor of a terminal."""
    return "".join(char if unicodedata.category(char) not in ("Cc", "Cf") else " " for char in text)
