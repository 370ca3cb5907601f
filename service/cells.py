"""Rows of tables as plain sentences, one a cell, so that a check sees which column and which row a figure belongs to."""

import re
from collections.abc import Sequence

from service.facts import Kind, mentions, readable
from service.rows import cells, is_headed, named_cells, split_unit, told

_BEGINS_EMPTY = re.compile(r"\s*(?:\|\s*\||\t)")


def spelled_out(spans: Sequence[str]) -> list[str]:
    """The spans with every row, the head of whose table is among them, cell by cell: X的补助比例为40%。X的上限为60万元。

    The heads themselves are left out: alone they say nothing.
    """
    heads = heads_of(spans)
    used = set(heads.values())
    found = []
    for i, span in enumerate(spans):
        lines = span.split("\n")
        kept = [
            sentences(_line(spans, heads[i, j]), line) if (i, j) in heads else line
            for j, line in enumerate(lines)
            if (i, j) not in used
        ]
        if kept:
            found.append("\n".join(kept))
    return found


def told_rows(spans: Sequence[str]) -> list[str]:
    """The rows among the spans as an answer tells them that quotes."""
    return [told(_line(spans, head), _line(spans, row)) for row, head in heads_of(spans).items()]


def heads_of(spans: Sequence[str]) -> dict[tuple[int, int], tuple[int, int]]:
    """For each row among the spans the line that names its columns, both as (span, line of the span).

    A head is cited behind its rows, in a span of its own; else the first line of the very span may be it.
    """
    rows = [
        (i, j)
        for i, span in enumerate(spans)
        for j, line in enumerate(span.split("\n"))
        if _is_row(line) and not _BEGINS_EMPTY.match(line)
    ]
    heads: dict[tuple[int, int], tuple[int, int]] = {}
    for i, j in rows:
        if (i, j) in heads.values():
            continue
        behind = [(k, 0) for k, _ in rows if k > i and "\n" not in spans[k]]
        first = [(k, m) for k, m in rows if k == i][:1]
        for head in (*behind, *first):
            if head != (i, j) and _names_columns(_line(spans, head), _line(spans, (i, j))):
                heads[i, j] = head
                break
    return heads


def sentences(head: str, row: str) -> str:
    """A row as a sentence for each cell, with what the row is about, the head of the column and the unit it gives."""
    pairs = named_cells(head, row)
    about = ""
    while pairs:
        name, value = pairs.pop(0)
        is_figure = value.isdecimal()
        about += f"{name}{value}的" if is_figure else f"{value}的"
        if not is_figure:
            break
    return "".join(f"{about}{_measured(name, value)}。" for name, value in pairs) or about.removesuffix("的")


def _measured(name: str, value: str) -> str:
    name, unit = split_unit(name)
    return f"{name}为{value}{unit if value[-1:].isdecimal() else ''}"


def _names_columns(head: str, row: str) -> bool:
    return is_headed(head, row) and not any(_is_figure(cell) for cell in cells(head))


def _is_figure(cell: str) -> bool:
    """Whether a cell is a figure and nothing else, which no column is called; 2022年 is a date."""
    text = readable(cell).strip()
    found = mentions(text)
    return len(found) == 1 and found[0].kind is Kind.FIGURE and found[0].shown == text


def _is_row(line: str) -> bool:
    return line.startswith("|") or " | " in line or "\t" in line


def _line(spans: Sequence[str], place: tuple[int, int]) -> str:
    return spans[place[0]].split("\n")[place[1]]
