"""Canonical text and outline → passages: spans of a few hundred characters that cover the text and cross no chapter."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise

from langchain_text_splitters import RecursiveCharacterTextSplitter

from indexer.document import Document, Passage, Section
from indexer.lines import line_end, line_start
from indexer.outline import outline, section_path

# Paragraph, sentence, clause, list comma, then anywhere.
_SEPARATORS = ["\n", "。", "！", "？", "；", "，", "、", ""]


@dataclass(frozen=True)
class PassageSize:
    """Sizes in characters: no passage is longer than `maximum`; neighbours are merged while they stay under `target`."""

    target: int = 320
    maximum: int = 500


def cut(document: Document, size: PassageSize = PassageSize()) -> list[Passage]:
    """The passages of a document, in text order: a partition of its text, save the line ends between them."""
    text = document.text
    sections = outline(text, document.headings)
    spans: list[tuple[int, int]] = []
    for start, end in _regions(text, sections):
        first = bisect_left(sections, start, key=lambda section: section.start)
        last = bisect_left(sections, end, key=lambda section: section.start)
        spans.extend(_cut_region(text, start, end, sections[first:last], size))
    runs = _runs(text)
    passages = []
    for start, end in spans:
        start, end = _trim(text, start, end)
        if start < end:
            passages.append(
                Passage(
                    passage_id=f"{document.doc_id}#{start}-{end}",
                    doc_id=document.doc_id,
                    start=start,
                    end=end,
                    section=section_path(sections, start),
                    lead=_lead(text, start, runs),
                )
            )
    return passages


def index_text(document: Document, passage: Passage) -> str:
    """What the retrievers see of a passage: title and number of the document, section path, lead-in, then the passage itself."""
    number = document.metadata.number
    head = [document.title, *([number] if number else []), *passage.section]
    if passage.lead is not None:
        head.append(document.text[slice(*passage.lead)])
    return "\n".join([*head, document.text[passage.start : passage.end]])


def _regions(text: str, sections: list[Section]) -> list[tuple[int, int]]:
    """The text between hard boundaries."""
    cuts = [0, *(section.start for section in sections if section.hard and section.start), len(text)]
    return [(a, b) for a, b in pairwise(cuts) if a < b]


def _cut_region(text: str, start: int, end: int, sections: list[Section], size: PassageSize) -> list[tuple[int, int]]:
    """Leaf sections of a region, `sections` being those that begin in it: the short ones merged with their neighbours, the long
    ones split. An article that fits is whole."""
    if end - start <= size.maximum and any(section.start == start and section.clause for section in sections):
        return [(start, end)]
    starts = sorted({start, *(section.start for section in sections if start < section.start < end)})
    merged: list[tuple[int, int]] = []
    for a, b in zip(starts, [*starts[1:], end], strict=True):
        if merged and b - merged[-1][0] <= size.target:
            merged[-1] = (merged[-1][0], b)
        else:
            merged.append((a, b))
    pieces: list[tuple[int, int]] = []
    for a, b in merged:
        pieces.extend([(a, b)] if b - a <= size.maximum else _split(text, a, b, size))
    return pieces


def _split(text: str, start: int, end: int, size: PassageSize) -> list[tuple[int, int]]:
    # Equal parts read better than full ones and a crumb.
    parts = -(-(end - start) // size.maximum)
    limit = min(size.maximum, int((end - start) / parts * 1.15) + 1)
    splitter = RecursiveCharacterTextSplitter(
        separators=_SEPARATORS, keep_separator="end", chunk_size=limit, chunk_overlap=0, strip_whitespace=False
    )
    spans = []
    for chunk in splitter.split_text(text[start:end]):
        spans.append((start, start + len(chunk)))
        start += len(chunk)
    return spans


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _runs(text: str) -> list[tuple[int, str | None]]:
    """Where each run of lines of one kind begins, and their kind."""
    runs: list[tuple[int, str | None]] = []
    start = 0
    for line in text.split("\n"):
        kind = _row_kind(line)
        if not runs or runs[-1][1] != kind:
            runs.append((start, kind))
        start += len(line) + 1
    return runs


def _lead(text: str, start: int, runs: list[tuple[int, str | None]]) -> tuple[int, int] | None:
    """Span of the table head or of the list's lead-in, when the passage begins inside a table or list."""
    first, kind = runs[bisect_right(runs, start, key=lambda run: run[0]) - 1]
    if kind is None or (kind == "list" and first == 0):
        return None
    if kind == "list":
        first = line_start(text, first - 1)
    here = line_start(text, start)
    return None if first >= here else (first, min(line_end(text, first), first + 200))


def _row_kind(line: str) -> str | None:
    if line.startswith("|"):
        return "pipe"
    if "\t" in line:
        return "tab"
    return "list" if line.startswith(("- ", "* ", "• ", "● ")) else None
