"""What the report measured: sections of tables, kept as JSON beside the other work and written out as Markdown."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexer.errors import InputError
from training.measures import Figure

Cell = Figure | str


@dataclass(frozen=True)
class Row:
    """One line of a table: what was measured, and its figures."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """`head` names the columns behind the label; `note` stands above the table and may be empty."""

    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def cell(self, label: str, column: str) -> Cell:
        """The figure of a row in a column.

        Raises:
            InputError: there is no such row or column; names both.
        """
        for row in self.rows:
            if row.label == label and column in self.head:
                return row.cells[self.head.index(column)]
        raise InputError(f"the table {self.title!r} has no row {label!r} with a column {column!r}: measure it anew")


@dataclass(frozen=True)
class Section:
    """Tables under a title; `models` are the weights that they were measured with, by name, as `weights` marks them."""

    title: str
    text: str
    tables: tuple[Table, ...]
    models: Mapping[str, str]

    def table(self, title: str) -> Table:
        """The table whose title begins like this.

        Raises:
            InputError: there is none.
        """
        for table in self.tables:
            if table.title.startswith(title):
                return table
        raise InputError(f"the section {self.title!r} has no table {title!r}: measure it anew")


Results = Mapping[str, Section]
"""Sections by the name that `--only` takes."""


def weights(folder: Path) -> str:
    """The mark of a model's weights: sha256 of its `model.safetensors`, so that a new card is no new model."""
    return "sha256:" + hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def save(path: Path, results: Results) -> None:
    """Writes the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {name: asdict(section) for name, section in results.items()}
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> dict[str, Section]:
    """What `save` wrote.

    Raises:
        InputError: there is nothing, or something else.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {name: _section(row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} holds no results ({error}): run 'python -m training.report' first") from error


def _section(row: dict[str, Any]) -> Section:
    tables = tuple(
        Table(table["title"], tuple(table["head"]), tuple(_row(item) for item in table["rows"]), table["note"])
        for table in row["tables"]
    )
    return Section(row["title"], row["text"], tables, row["models"])


def _row(item: dict[str, Any]) -> Row:
    return Row(item["label"], tuple(cell if isinstance(cell, str) else Figure(**cell) for cell in item["cells"]))


def markdown(table: Table) -> str:
    """A Markdown table under its title and note."""
    lines = ["| " + " | ".join(("", *table.head)) + " |", "|" + "---|" * (1 + len(table.head))]
    lines.extend("| " + " | ".join((row.label, *map(str, row.cells))) + " |" for row in table.rows)
    return "\n\n".join(part for part in (f"### {table.title}", table.note, "\n".join(lines)) if part)


def page(introduction: str, results: Results, order: tuple[str, ...]) -> str:
    """The sections in the order of their names, those that were measured, as one Markdown page."""
    parts = ["# Results", introduction]
    for section in (results[name] for name in order if name in results):
        parts.extend((f"## {section.title}", section.text))
        if section.models:
            parts.append("; ".join(f"{name} `{mark}`" for name, mark in section.models.items()) + ".")
        parts.extend(markdown(table) for table in section.tables)
    return "\n\n".join(part for part in parts if part) + "\n"
