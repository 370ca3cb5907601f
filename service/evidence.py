"""Hits → evidence: which sentences, list items, table rows and headings with their children answer the question.

The lexical reader credits a piece of text with each word of the question that stands in it, by how rare the word is, and
with a part of that credit for words that only its heading, its neighbours or its document's title supply. A heading or a
lead-in is no answer by itself: it answers together with what it introduces. A trained reader takes this one's place behind
the same protocol.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from indexer.document import Document, Hit, Passage
from indexer.glossary import Glossary
from indexer.lexical import LexicalIndex
from indexer.lines import is_row, line_end, line_start
from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.text import fold
from indexer.tokens import tokenize
from service.places import places
from service.question import Kind, Question, years
from service.units import Listing, Unit, begins_table, children, listings, split_units

# A list longer than this is no answer that anybody reads.
_MAX_ITEMS = 30
_LIST_CHARACTERS = 1200
_LEAD_IN_CHARACTERS = 400

# Credit for a word of the question by where it stands.
_NEAR = 0.45
_NEAR_ANAPHORA = 0.6
_HEADING = 0.6
_ABOVE = 0.4
_RETRIEVAL = 0.4
_KIND = 0.1
# What a list gains for having as many items as the question asks for, or for being a list at all; what a scrap loses.
_COUNT_FITS, _COUNT_DIFFERS = 0.2, -0.1
_LIST_FOR_LIST = 0.05
_SCRAP, _SCRAP_CHARACTERS = 0.15, 12


@dataclass(frozen=True)
class Conflict:
    """The years or places that a text speaks of, `said`, where the question asks for others, `asked`; in Chinese."""

    said: str
    asked: str


@dataclass(frozen=True)
class Evidence:
    """Units that answer together, in text order, with a score; higher is better.

    Most evidence is one unit; a list is its heading or lead-in followed by its items. `matched` are the question's tokens
    that stand in the units themselves, `coverage` the share of the question's weight found in or around them, `has_kind`
    whether the kind of answer asked for stands in them, `conflict` the other year or place that they speak of instead of the one
    asked for.
    """

    units: tuple[Unit, ...]
    score: float
    matched: frozenset[str]
    coverage: float
    has_kind: bool
    conflict: "Conflict | None" = None


@dataclass(frozen=True)
class Reading:
    """All evidence found, best first; the hits, best first; and the weight of each of the question's tokens."""

    evidence: tuple[Evidence, ...]
    hits: tuple[Hit, ...]
    weights: Mapping[str, float]


class Reader(Protocol):
    """Question and hits to evidence; the same input gives the same reading."""

    @property
    def name(self) -> str: ...

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading: ...


# A sentence that begins like this goes on with what was said right before.
_ANAPHORA = re.compile(r"理由|原因|因为|由于|这|其|该|它|此|对此|因此|为此|同时|并且|而且|另外|还")

# What an answer of a kind looks like in folded text.
_LOOKS_LIKE: dict[Kind, re.Pattern[str]] = {
    Kind.DATE: re.compile(r"\d{2,4}年|\d{1,2}月|\d{1,2}日|[一二三四五六七八九〇零十]{2,4}年"),
    Kind.REASON: re.compile(
        r"因为|由于|因此|所以|导致|使得|为了|原因|在于|从而|缺乏|不足|受限|受到|难以|旨在|降低|避免|有待|但"
    ),
    Kind.DEFINITION: re.compile(
        r"是指|指的?是|是一[种个门项款类]|是.{0,12}的|定义|称为|即|由.{1,20}(?:组成|构成)|意[思为]"
    ),
    Kind.PLACE: re.compile(r"[省市区县州镇村园港湾]|位于|坐落|落户|设在|设立"),
}


class LexicalReader:
    """See the module; `glossary` and `lexical` are those of the index the hits come from."""

    name = "lexical-1"

    def __init__(self, library: Library, glossary: Glossary, lexical: LexicalIndex) -> None:
        self._library = library
        self._glossary = glossary
        self._lexical = lexical
        self._tokens = lru_cache(maxsize=65536)(self._tokenize)

    def _tokenize(self, text: str) -> frozenset[str]:
        """Tokens of a text and of the other names of what it speaks of."""
        return frozenset(tokenize(self._glossary.expand(text)))

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading:
        weights = {token: self._idf(token) for token in question.tokens}
        scorer = _Scorer(question, weights)
        best_hit = max((hit.score for hit in hits), default=0.0) or 1.0
        found: list[Evidence] = []
        lists: dict[Listing, Evidence] = {}
        for hit in hits:
            bonus = _RETRIEVAL * hit.score / best_hit
            passage = hit.passage
            text = self._library.document(passage.doc_id).text
            listed = listings(text, passage.doc_id, passage.start, passage.end)
            found.extend(self._read_passage(scorer, passage, listed, bonus))
            if question.wants_many:
                for listing in self._lists_around(passage, listed):
                    if listing not in lists:  # the best hit that it stands around counts
                        lists[listing] = self._score_list(scorer, listing, bonus)
        found.extend(lists.values())
        found.sort(key=lambda item: (-item.score, item.units[0].doc_id, item.units[0].start))
        return Reading(tuple(found), tuple(hits), weights)

    def _idf(self, token: str) -> float:
        n = self._lexical.frequency(token)
        # A token that no passage holds is mostly two halves of words: it says little about what is missing.
        return 1.0 if n == 0 else math.log(1 + (self._lexical.size - n + 0.5) / (n + 0.5))

    def _read_passage(
        self, scorer: "_Scorer", passage: Passage, listed: Sequence[Listing], bonus: float
    ) -> Iterator[Evidence]:
        document = self._library.document(passage.doc_id)
        text = document.text
        paths = {section.start: section.path for section in self._library.outline(passage.doc_id)}
        title, setting = self._title_tokens(document), _setting(document)
        units = split_units(text, passage.doc_id, passage.start, passage.end)
        introduced = {listing.lead.end: listing.items for listing in listed}
        sets = self._each(text, units)
        lead = self._tokens(text[slice(*passage.lead)]) if passage.lead is not None else frozenset()
        path = passage.section
        for i, unit in enumerate(units):
            here = line_start(text, unit.start)
            line = text[here : line_end(text, here)]
            path = paths.get(here, path)
            if here in paths or line.lstrip("# ") == document.title or line.startswith("# "):
                continue
            if begins_table(text, here):
                lead = sets[i]  # the head of a table answers through its rows
                continue
            # A row of a table speaks for itself; a sentence goes on with what was said right before it.
            before = "" if is_row(line) else text[units[max(0, i - 2)].start : here]
            items = introduced.get(unit.end, ()) if text[unit.end - 1] in "：:" else ()
            yield scorer.score(
                (unit, *_within(items, _LEAD_IN_CHARACTERS)),
                text,
                sets[i],
                near=_union(sets[max(0, i - 2) : i] + sets[i + 1 : i + 2]) | _union(self._each(text, items)),
                heading=self._tokens(path[-1]) | lead if path else lead,
                above=self._tokens("\n".join(path[:-1])),
                title=title,
                scene=_Scene(fold(line), fold(before), fold("\n".join(path)), setting),
                bonus=bonus,
            )

    def _lists_around(self, passage: Passage, listed: Sequence[Listing]) -> Iterator[Listing]:
        """Headings with their children and lead-ins with their items, as far as they are short enough to answer with."""
        text = self._library.document(passage.doc_id).text
        sections = self._library.outline(passage.doc_id)
        for listing in [*children(text, passage.doc_id, sections, passage.start, passage.end), *listed]:
            length = sum(item.end - item.start for item in listing.items)
            if 2 <= len(listing.items) <= _MAX_ITEMS and length <= _LIST_CHARACTERS:
                yield listing

    def _score_list(self, scorer: "_Scorer", listing: Listing, bonus: float) -> Evidence:
        document = self._library.document(listing.lead.doc_id)
        text, lead = document.text, listing.lead
        path = section_path(self._library.outline(lead.doc_id), lead.start)
        expected = scorer.question.count
        agrees = 0.0 if expected is None else (_COUNT_FITS if expected == len(listing.items) else _COUNT_DIFFERS)
        return scorer.score(
            (lead, *listing.items),
            text,
            self._tokens(text[lead.start : lead.end]),
            near=_union(self._each(text, listing.items)),
            heading=self._tokens(path[-1]) if path else frozenset(),
            above=self._tokens("\n".join(path[:-1])),
            title=self._title_tokens(document),
            scene=_Scene("", "", fold("\n".join(path)), _setting(document)),
            bonus=bonus + agrees + (_LIST_FOR_LIST if scorer.question.kind is Kind.LIST else 0.0),
        )

    def _each(self, text: str, units: Iterable[Unit]) -> list[frozenset[str]]:
        return [self._tokens(text[unit.start : unit.end]) for unit in units]

    def _title_tokens(self, document: Document) -> frozenset[str]:
        m = document.metadata
        return self._tokens("\n".join((document.title, m.issuer, *m.authors, m.kind)))


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
        scene: "_Scene",
        bonus: float,
    ) -> Evidence:
        words = "".join(text[unit.start : unit.end] for unit in units)
        near_share = _NEAR_ANAPHORA if _ANAPHORA.match(words) else _NEAR
        total = sum(self.weights.values()) or 1.0
        credit = found = 0.0
        matched = set()
        for token, weight in self.weights.items():
            share = 1.0 if token in own else _HEADING if token in heading else near_share if token in near else 0.0
            share = max(share, _ABOVE if token in above else 0.0)
            if token in title:
                # The question names the document: every piece of it has this word, whether it repeats it or not.
                share = _HEADING
            elif token in own:
                matched.add(token)
            credit += share * weight
            found += weight if share else 0.0
        folded = fold(words)
        looks = self.question.form or _LOOKS_LIKE.get(self.question.kind)
        has_kind = looks is None or looks.search(folded) is not None
        value = credit / total + bonus + (_KIND if has_kind else -_KIND)
        if len(words) < _SCRAP_CHARACTERS and not re.search(r"\d", words):
            value -= _SCRAP
        conflict = self._other_year(folded, scene) or self._other_place(folded, scene)
        return Evidence(units, value, frozenset(matched), found / total, has_kind, conflict)

    def _other_year(self, own: str, scene: "_Scene") -> Conflict | None:
        """The years that the units or their row name, when the question asks for one that they and their headings lack."""
        named = years(own) or (years(scene.line) if is_row(scene.line) else frozenset())
        if (
            not self.question.years
            or not named
            or self.question.years & (named | years(scene.path) | years(scene.document))
        ):
            return None
        return Conflict(*("、".join(f"{year}年" for year in sorted(group)) for group in (named, self.question.years)))

    def _other_place(self, own: str, scene: "_Scene") -> Conflict | None:
        """The places that the units are about, by the nearest that names one, when the question asks for another."""
        asked = self.question.places
        if not asked or asked & places("\n".join((own, scene.line, scene.before, scene.path))):
            return None
        about = next((p for text in (own, scene.line, scene.path, scene.document) if (p := places(text))), frozenset())
        return Conflict("、".join(sorted(about)), "、".join(sorted(asked))) if about and not asked & about else None


@dataclass(frozen=True)
class _Scene:
    """The folded texts that tell what units are about: their line, what stands right before, headings, document."""

    line: str
    before: str
    path: str
    document: str


def _within(items: Sequence[Unit], characters: int) -> tuple[Unit, ...]:
    """The first items that fit."""
    kept: list[Unit] = []
    for item in items:
        characters -= item.end - item.start
        if characters < 0:
            break
        kept.append(item)
    return tuple(kept)


def _setting(document: Document) -> str:
    """What a document says of itself: title, issuer, region and dates."""
    m = document.metadata
    return fold("\n".join((document.title, m.source_title, m.issuer, m.region, m.published, m.period)))


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
