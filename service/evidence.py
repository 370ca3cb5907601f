"""Hits → evidence: which sentences, list items, table rows and headings with their children answer the question.

The lexical reader credits a piece of text with each word of the question that stands in it, by how rare the word is, and
with a part of that credit for words that only its heading, its neighbours or its document's title supply. A heading or a
lead-in is no answer by itself: it answers together with what it introduces. A trained reader takes this one's place behind
the same protocol.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from indexer.document import Document, Hit, Passage, Section
from indexer.retrieval import Library
from indexer.text import fold
from indexer.tokens import tokenize
from service.question import Kind, Question

_SENTENCE_END = re.compile(r"[。！？!?；;…]+[”’」』）)\"*]*")
_ITEMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("bullet", re.compile(r"[-*•●■▪◆√✓◇○]\s+|[√✓]|——")),
    ("number", re.compile(r"\*{0,2}\d{1,2}[.、．](?!\d)")),
    ("bracket", re.compile(r"[（(]\d{1,2}[)）]|[①-⑳]")),
    ("chinese", re.compile(r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[)）]")),
    ("row", re.compile(r"\||.*\t")),
    ("heading", re.compile(r"#{1,6}\s")),
)
_LONG_ROW = 160
_SHORT_LINE = 60
_MAX_ITEMS = 30

# Credit for a word of the question by where it stands.
_NEAR = 0.45
_HEADING = 0.6
_ABOVE = 0.4
_RETRIEVAL = 0.25
_KIND = 0.1


@dataclass(frozen=True)
class Unit:
    """The smallest piece that can be quoted: `text[start:end]` of a document."""

    doc_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Evidence:
    """Units that answer together, in text order, with a score; higher is better.

    Most evidence is one unit; a list is its heading or lead-in followed by its items. `matched` are the question's tokens
    that stand in the units themselves, `coverage` the share of the question's weight found in or around them, `has_kind`
    whether the kind of answer asked for stands in them.
    """

    units: tuple[Unit, ...]
    score: float
    matched: frozenset[str]
    coverage: float
    has_kind: bool


@dataclass(frozen=True)
class Reading:
    """All evidence found, best first; the hits, best first; and the weight of each of the question's tokens."""

    evidence: tuple[Evidence, ...]
    hits: tuple[Hit, ...]
    weights: dict[str, float]


class Reader(Protocol):
    """Question and hits to evidence; the same input gives the same reading."""

    @property
    def name(self) -> str: ...

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading: ...


def split_units(text: str, doc_id: str, start: int, end: int) -> list[Unit]:
    """The sentences, list items and table rows that `text[start:end]` touches, whole, in order."""
    units: list[Unit] = []
    line_start = text.rfind("\n", 0, start) + 1
    while line_start < end:
        line_end = text.find("\n", line_start)
        line_end = len(text) if line_end < 0 else line_end
        units.extend(
            unit for unit in _split_line(text, doc_id, line_start, line_end) if unit.start < end and unit.end > start
        )
        line_start = line_end + 1
    return units


def _split_line(text: str, doc_id: str, start: int, end: int) -> Iterator[Unit]:
    line = text[start:end]
    if re.fullmatch(r"[|\s:-]*", line):  # the rule under a table head
        return
    is_row = line.startswith("|") or "\t" in line
    stops = [] if is_row and len(line) <= _LONG_ROW else [start + match.end() for match in _SENTENCE_END.finditer(line)]
    for stop in [*(stop for stop in stops if stop < end), end]:
        a, b = start, stop
        while a < b and text[a] in " \t|　":
            a += 1
        while b > a and text[b - 1] in " \t|　":
            b -= 1
        if re.search(r"\w", text[a:b]):
            yield Unit(doc_id, a, b)
        start = stop


# What an answer of a kind looks like in folded text.
_LOOKS_LIKE: dict[Kind, re.Pattern[str]] = {
    Kind.DATE: re.compile(r"\d{2,4}年|\d{1,2}月|\d{1,2}日|[一二三四五六七八九〇零十]{2,4}年"),
    Kind.NAME: re.compile(r"[“”《》\"'「」]|名为|取名|命名|称[为作之]|叫"),
    Kind.REASON: re.compile(
        r"因为|由于|因此|所以|导致|使得|为了|原因|在于|从而|缺乏|不足|受限|受到|难以|旨在|降低|避免|有待|但"
    ),
    Kind.DEFINITION: re.compile(
        r"是指|指的?是|是一[种个门项款类]|是.{0,12}的|定义|称为|即|由.{1,20}(?:组成|构成)|意[思为]"
    ),
    Kind.PLACE: re.compile(r"[省市区县州镇村园港湾]|位于|坐落|落户|设在|设立"),
}


class LexicalReader:
    """See the module; `document_frequency` gives in how many of `passages` passages a token stands."""

    name = "lexical-1"

    def __init__(self, library: Library, document_frequency: Callable[[str], int], passages: int) -> None:
        self._library = library
        self._frequency = document_frequency
        self._passages = max(1, passages)

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading:
        weights = {token: self._idf(token) for token in question.tokens}
        scorer = _Scorer(question, weights)
        best_hit = max((hit.score for hit in hits), default=0.0) or 1.0
        found: list[Evidence] = []
        for hit in hits:
            bonus = _RETRIEVAL * hit.score / best_hit
            found.extend(self._read_passage(scorer, hit.passage, bonus))
        if question.wants_many:
            found.extend(self._read_lists(scorer, hits))
        found.sort(key=lambda item: (-item.score, item.units[0].doc_id, item.units[0].start))
        return Reading(tuple(found), tuple(hits), weights)

    def _idf(self, token: str) -> float:
        n = self._frequency(token)
        # A token that no passage holds is mostly two halves of words: it says little about what is missing.
        return 1.0 if n == 0 else math.log(1 + (self._passages - n + 0.5) / (n + 0.5))

    def _read_passage(self, scorer: "_Scorer", passage: Passage, bonus: float) -> Iterator[Evidence]:
        document = self._library.document(passage.doc_id)
        text = document.text
        sections = self._library.outline(passage.doc_id)
        heading_starts = {section.start for section in sections}
        title = _title_tokens(document)
        units = split_units(text, passage.doc_id, passage.start, passage.end)
        sets = [_tokens(text[unit.start : unit.end]) for unit in units]
        lead = _tokens(text[slice(*passage.lead)]) if passage.lead is not None else frozenset()
        path = passage.section
        for i, unit in enumerate(units):
            line_start = text.rfind("\n", 0, unit.start) + 1
            if line_start in heading_starts:
                path = next(section.path for section in sections if section.start == line_start)
                continue
            near = frozenset().union(*(sets[j] for j in range(max(0, i - 2), min(len(units), i + 2)) if j != i))
            heading = _tokens(path[-1]) | lead if path else lead
            above = _tokens("\n".join(path[:-1]))
            yield scorer.score(
                (unit,), text, sets[i], near=near, heading=heading, above=above, title=title, bonus=bonus
            )

    def _read_lists(self, scorer: "_Scorer", hits: Sequence[Hit]) -> Iterator[Evidence]:
        """Headings with their children and lead-ins with their items, around the hits."""
        seen: set[tuple[str, int]] = set()
        best_hit = max((hit.score for hit in hits), default=0.0) or 1.0
        for hit in hits:
            bonus = _RETRIEVAL * hit.score / best_hit
            document = self._library.document(hit.passage.doc_id)
            sections = self._library.outline(document.doc_id)
            for lead, items in [
                *_children(document, sections, hit.passage),
                *_listed(document, hit.passage),
            ]:
                if (document.doc_id, lead.start) in seen or not 2 <= len(items) <= _MAX_ITEMS:
                    continue
                seen.add((document.doc_id, lead.start))
                yield self._score_list(scorer, document, sections, lead, items, bonus)

    def _score_list(
        self,
        scorer: "_Scorer",
        document: Document,
        sections: list[Section],
        lead: Unit,
        items: list[Unit],
        bonus: float,
    ) -> Evidence:
        text = document.text
        path = next((s.path for s in reversed(sections) if s.start <= lead.start < s.end), ())
        own = _tokens(text[lead.start : lead.end])
        below = frozenset().union(*(_tokens(text[item.start : item.end]) for item in items))
        expected = scorer.question.count
        agrees = 0.0 if expected is None else (0.2 if expected == len(items) else -0.1)
        return scorer.score(
            (lead, *items),
            text,
            own,
            near=below,
            heading=_tokens(path[-1]) if path else frozenset(),
            above=_tokens("\n".join(path[:-1])),
            title=_title_tokens(document),
            bonus=bonus + agrees + (0.05 if scorer.question.kind is Kind.LIST else 0.0),
        )


@dataclass(frozen=True)
class _Scorer:
    question: Question
    weights: dict[str, float]

    def score(
        self,
        units: tuple[Unit, ...],
        text: str,
        own: frozenset[str],
        *,
        near: frozenset[str],
        heading: frozenset[str],
        above: frozenset[str],
        title: frozenset[str],
        bonus: float,
    ) -> Evidence:
        total = sum(self.weights.values()) or 1.0
        credit = found = 0.0
        matched = set()
        for token, weight in self.weights.items():
            share = 1.0 if token in own else _HEADING if token in heading else _NEAR if token in near else 0.0
            share = max(share, _ABOVE if token in above else 0.0)
            if token in title:
                # The question names the document: every piece of it has this word, whether it repeats it or not.
                share = _HEADING
            elif token in own:
                matched.add(token)
            credit += share * weight
            found += weight if share else 0.0
        words = "".join(text[unit.start : unit.end] for unit in units)
        folded = fold(words)
        looks = self.question.measure or _LOOKS_LIKE.get(self.question.kind)
        has_kind = looks is None or looks.search(folded) is not None
        value = credit / total + bonus + (_KIND if has_kind else -_KIND)
        if len(words) < 12 and not re.search(r"\d", words):
            value -= 0.15
        return Evidence(units, value, frozenset(matched), found / total, has_kind)


def _children(document: Document, sections: list[Section], passage: Passage) -> Iterator[tuple[Unit, list[Unit]]]:
    """The headings around a passage, each with the headings right below it."""
    text = document.text
    for i, section in enumerate(sections):
        if section.start >= passage.end or section.end <= passage.start:
            continue
        below = [s for s in sections[i + 1 :] if s.start < section.end and s.depth == section.depth + 1]
        yield _line(text, document.doc_id, section.start), [_line(text, document.doc_id, s.start) for s in below]


def _listed(document: Document, passage: Passage) -> Iterator[tuple[Unit, list[Unit]]]:
    """Runs of items or short lines, each with the line before it."""
    text = document.text
    start = text.rfind("\n", 0, passage.start) + 1
    lines: list[tuple[int, int]] = []
    while start < min(passage.end + 400, len(text)):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        lines.append((start, end))
        start = end + 1
    kinds = [_item_kind(text[a:b]) for a, b in lines]
    i = 1
    while i < len(lines):
        j = i
        while j < len(lines) and kinds[i] and kinds[j] == kinds[i]:
            j += 1
        if j - i >= 2:
            yield (
                _line(text, document.doc_id, lines[i - 1][0]),
                [_line(text, document.doc_id, a) for a, b in lines[i:j] if not re.fullmatch(r"[|\s:-]*", text[a:b])],
            )
        i = max(j, i + 1)


def _item_kind(line: str) -> str:
    """What makes a line an item of a list; empty when nothing does. Items of one list are of one kind."""
    for kind, pattern in _ITEMS:
        if pattern.match(line):
            return kind
    return "short" if len(line) <= _SHORT_LINE and not re.search(r"[。！？；]", line) else ""


def _line(text: str, doc_id: str, start: int) -> Unit:
    end = text.find("\n", start)
    return Unit(doc_id, start, len(text) if end < 0 else end)


def _title_tokens(document: Document) -> frozenset[str]:
    metadata = document.metadata
    return _tokens("\n".join((document.title, metadata.issuer, metadata.kind)))


@lru_cache(maxsize=65536)
def _tokens(text: str) -> frozenset[str]:
    return frozenset(tokenize(text))
