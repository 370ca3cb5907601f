"""Canonical text → units, the smallest pieces that can be quoted: sentences, list items, table rows; and what introduces them."""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexer.document import Section
from indexer.lines import is_row, line_end, line_start
from indexer.numerals import number_of

# Rows and sentences up to this many characters are quoted whole; longer ones by their sentences or clauses.
_LONG = 160
_SHORT_LINE = 60
_MAX_LINES = 500  # of a run that goes on behind a passage: nobody answers with more
_STOP = re.compile(r"[。！？!?…]+[”’」』）)\"*]*")
_CLAUSE_STOP = re.compile(r"[。！？!?…；;]+[”’」』）)\"*]*")
_EDGES = " \t|　"
RULE = re.compile(r"[|\s:-]*")
"""The line under the head of a Markdown table; also matches nothing at all."""
_ITEMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("bullet", re.compile(r"[-*•●■▪◆√✓◇○]\s+|[√✓]|——")),
    ("number", re.compile(r"\*{0,2}\d{1,2}[.、．](?!\d)")),
    ("bracket", re.compile(r"[（(]\d{1,2}[)）]|[①-⑳]")),
    ("chinese", re.compile(r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[)）]")),
    ("is", re.compile(r"[一二三四五六七八九十]{1,2}[是要]")),
    ("nth", re.compile(r"第[一二三四五六七八九十]{1,2}[，、：]")),
    ("word", re.compile(r"首先|其次|再次|再者|最后")),
    ("row", re.compile(r"\||.*\t")),
)
_NUMBERED = frozenset({"number", "bracket", "chinese", "is", "nth"})
_NUMBER = re.compile(r"\d{1,2}|[一二三四五六七八九十]{1,3}")
# Behind an item may stand so many paragraphs before the next one; what ends with no stop is a heading, and its text no interruption.
_MOST_BETWEEN = 2
_ENDS_ITEM = re.compile(r"[；;。][”’」』）)\"*]*$")
_MOST_ABOVE = 60


@dataclass(frozen=True)
class Unit:
    """`text[start:end]` of a document."""

    doc_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Listing:
    """A heading or lead-in and what stands under it, in text order."""

    lead: Unit
    items: tuple[Unit, ...]


def split_units(text: str, doc_id: str, start: int, end: int) -> list[Unit]:
    """The units that `text[start:end]` touches, whole, in order; only white space, bars and rules are in none."""
    units: list[Unit] = []
    here = line_start(text, start)
    while here < end:
        stop = line_end(text, here)
        units.extend(unit for unit in _split_line(text, doc_id, here, stop) if unit.start < end and unit.end > start)
        here = stop + 1
    return units


def _split_line(text: str, doc_id: str, start: int, end: int) -> Iterator[Unit]:
    if RULE.fullmatch(text, start, end):
        return
    if is_row(text[start:end]) and end - start <= _LONG:
        pieces = [(start, end)]
    else:
        pieces = []
        for a, b in _cut(text, start, end, _STOP):
            # An enumeration stays whole while it is short enough to read.
            pieces.extend([(a, b)] if b - a <= _LONG else _cut(text, a, b, _CLAUSE_STOP))
    for a, b in pieces:
        while a < b and text[a] in _EDGES:
            a += 1
        while b > a and text[b - 1] in _EDGES:
            b -= 1
        if re.search(r"\w", text[a:b]):
            yield Unit(doc_id, a, b)


def _cut(text: str, start: int, end: int, stop: re.Pattern[str]) -> list[tuple[int, int]]:
    cuts = [start, *(match.end() for match in stop.finditer(text, start, end) if match.end() < end), end]
    return list(itertools.pairwise(cuts))


def listings(text: str, doc_id: str, start: int, end: int) -> list[Listing]:
    """Runs of at least two items of one kind that `text[start:end]` touches or leads to, each with the line before it.

    A paragraph between two items, the second of which counts on, interrupts no run and is no item of it.
    """
    lines: list[tuple[int, int]] = []
    kinds: list[str] = []
    here = _first_line(text, line_start(text, start))
    going_on: set[str] = set()  # the kinds of the items that may go on behind the passage
    others = 0
    while here < len(text):
        stop = line_end(text, here)
        kind = _kind(text[here:stop])
        if here < end:
            going_on = {kind} if kind else going_on
        else:
            if lines and lines[-1][0] < end:  # what the last line of the passage may lead to
                going_on |= {kind} - {""}
            others = 0 if kind in going_on else others + 1
            if lines and (others > (_MOST_BETWEEN if going_on & _NUMBERED else 0) or len(lines) > _MAX_LINES):
                break
        lines.append((here, stop))
        kinds.append(kind)
        here = stop + 1
    found = []
    i = 1
    while i < len(lines):
        run = _run(text, lines, kinds, i)
        if len(run) >= 2 and lines[i - 1][0] < end and lines[run[-1]][1] > start:
            items = tuple(Unit(doc_id, *lines[k]) for k in run if not RULE.fullmatch(text, *lines[k]))
            found.append(Listing(Unit(doc_id, *lines[i - 1]), items))
        i = run[-1] + 1 if run else i + 1
    return found


def _run(text: str, lines: Sequence[tuple[int, int]], kinds: Sequence[str], first: int) -> list[int]:
    """The lines of the run of items that begins at one; empty where that is none."""
    kind, run, at = kinds[first], [], first
    while kind and at < len(lines) and kinds[at] == kind:
        run.append(at)
        at += 1
        if kind in _NUMBERED and at < len(lines) and kinds[at] != kind:
            at = _counts_on(text, lines, kinds, at) or at
    return run


def _counts_on(text: str, lines: Sequence[tuple[int, int]], kinds: Sequence[str], at: int) -> int | None:
    """The line behind a few paragraphs that goes on with the list that ends right above `at`."""
    above = text[slice(*lines[at - 1])]
    if not _ENDS_ITEM.search(above):
        return None
    for k in range(at, min(at + _MOST_BETWEEN, len(lines) - 1)):
        between = text[slice(*lines[k])]
        if kinds[k] or not _ENDS_ITEM.search(between) or between.startswith("#"):
            return None
        if kinds[k + 1] == kinds[at - 1]:
            return k + 1 if _number(text[slice(*lines[k + 1])]) == _number(above) + 1 else None
    return None


def _first_line(text: str, start: int) -> int:
    """The line above the list that the line at `start` stands in, or goes on with; that line itself where it stands in none."""
    begin = above = start
    between = 0
    for _ in range(_MOST_ABOVE):
        if not above or between > _MOST_BETWEEN:
            break
        above = line_start(text, above - 1)
        kind = _kind(text[above : line_end(text, above)])
        between = 0 if kind in _NUMBERED else between + 1
        if kind in _NUMBERED:
            begin = above
    return line_start(text, begin - 1) if 0 < begin < start else begin


def _number(line: str) -> int:
    """Which item of its list a line is."""
    found = _NUMBER.search(unicodedata.normalize("NFKC", line[:6]))
    return number_of(found.group()) if found else 0


def children(text: str, doc_id: str, sections: list[Section], start: int, end: int) -> list[Listing]:
    """The headings that `text[start:end]` stands under or holds, each with the headings right below it; of a law, whose articles
    are text, none."""
    found = []
    for i, section in enumerate(sections):
        if section.runs_on:
            continue
        if section.start < end and section.end > start:
            below = [
                s for s in sections[i + 1 :] if s.start < section.end and s.depth == section.depth + 1 and not s.runs_on
            ]
            if below:
                found.append(
                    Listing(_line(text, doc_id, section.start), tuple(_line(text, doc_id, s.start) for s in below))
                )
    return found


def begins_table(text: str, start: int) -> bool:
    """Whether the line that starts at `start` is the first of several rows, which names the columns."""
    end = line_end(text, start)
    above = max(0, start - 1)
    before = text[line_start(text, above) : above]
    behind = text[end + 1 : line_end(text, end + 1)]
    return is_row(text[start:end]) and not is_row(before) and is_row(behind)


def _line(text: str, doc_id: str, start: int) -> Unit:
    return Unit(doc_id, start, line_end(text, start))


def _kind(line: str) -> str:
    """What makes a line an item of a list; empty when nothing does. Items of one list are of one kind."""
    for kind, pattern in _ITEMS:
        if pattern.match(line):
            return kind
    return "short" if len(line) <= _SHORT_LINE and not re.search(r"[。！？；：]|^#", line) else ""
