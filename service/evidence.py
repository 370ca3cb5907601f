"""Hits → evidence: which sentences, list items, table rows and headings with their children answer the question, and whether any does."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import rjieba

from indexer.document import Hit, Passage
from indexer.embedder import Embedder
from indexer.glossary import Glossary
from indexer.lexical import LexicalIndex
from indexer.retrieval import Library
from indexer.text import fold
from service.candidates import Candidate, Candidates
from service.conflict import Conflict, conflict
from service.evidence_model import EvidenceModel
from service.features import Features, has_form, withholds_name
from service.question import Question, content_words
from service.units import Unit

_UNKNOWN = 0.2
# Share of the question's weighted words that the best evidence and its surroundings must hold to be about the question at
# all: the model has only seen questions near to its documents.
_ABOUT = 0.1
# What documents hold or lack are things and deeds: no pronoun, adverb, measure or adjective; nor do words that only ask.
_NO_THING = re.compile(r"[rdmcftpuyeoqa]")
_ASKING = re.compile(
    r"一共|总共|[总合共]计有?|[几哪].*|[有是]?多[久长远大高少重宽].*|何.?何.|意思|回事|请教|劳驾|打算|要花|各是|概括|简述|列举|算不算|够不够|有无"
    r"|有没有|区别|差别|差异|起来|大家|说一说|能拿|能给"
)
LEADING = 5
READ = 20
"""How many hits a question's evidence is read from, here and where the evidence model is trained."""
# What the best evidence in a passage weighs against retrieval; measured on development questions, see docs/retrieval.md.
_EVIDENCE = 1.0


@dataclass(frozen=True)
class Evidence:
    """Units that answer together, in text order, with a score; higher is better.

    Most evidence is one unit; a list is its heading or lead-in followed by its items. The score is the share of the candidates'
    probability. `matched` are the question's tokens that stand in the units themselves, `coverage` the share of the question's
    weight found in or around them, `has_kind` whether the kind of answer asked for stands in them, `conflict` the other year,
    place or numbered thing that they speak of instead of the one asked for, `is_withheld` whether they speak of what is to be
    named without its name.
    """

    units: tuple[Unit, ...]
    score: float
    matched: frozenset[str]
    coverage: float
    has_kind: bool
    conflict: Conflict | None = None
    is_withheld: bool = False

    def stands_in(self, passage: Passage) -> bool:
        """Whether any of its units stands in the passage, or reaches into it."""
        return any(
            unit.doc_id == passage.doc_id and unit.start < passage.end and unit.end > passage.start
            for unit in self.units
        )


@dataclass(frozen=True)
class Reading:
    """All evidence found, best first; the hits, best first; the weight of each of the question's tokens; the probability
    that the question is answered, and the one under which it is to be refused. `lapsed` are the documents among them that are
    not, or not yet, in force, `unknown` the question's words that stand in no document of the index."""

    evidence: tuple[Evidence, ...]
    hits: tuple[Hit, ...]
    weights: Mapping[str, float]
    answered: float
    threshold: float
    lapsed: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


class Reader(Protocol):
    """Question and hits to evidence; the same input gives the same reading."""

    @property
    def name(self) -> str: ...

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading: ...


class EvidenceReader:
    """Weighs every candidate by its features; `glossary` and `lexical` are those of the index the hits come from, `embedder`
    the one that the model was trained with."""

    def __init__(
        self, library: Library, glossary: Glossary, lexical: LexicalIndex, embedder: Embedder, model: EvidenceModel
    ) -> None:
        self.name = f"evidence {model.fingerprint}"
        self._candidates = Candidates(library, glossary)
        self._lexical = lexical
        self._features = Features(embedder)
        self._model = model

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading:
        weights = token_weights(question, self._lexical)
        candidates = self._candidates.of(hits, with_lists=question.wants_many)
        judgement = self._model.judge(self._features.of(question, weights, candidates))
        found = [
            _evidence(question, weights, candidate, float(share))
            for candidate, share in zip(candidates, judgement.shares, strict=True)
        ]
        found.sort(key=lambda item: (-item.score, item.units[0].doc_id, item.units[0].start))
        answered = judgement.answered if is_about(found) else 0.0
        unknown = unknown_words(question, self._lexical)
        return Reading(tuple(found), _reordered(hits, found), weights, answered, self._model.threshold, unknown=unknown)


def is_about(evidence: Sequence[Evidence]) -> bool:
    """Whether evidence, best first, shares enough words with its question to be about it at all."""
    return max((item.coverage for item in evidence[:LEADING]), default=0.0) >= _ABOUT


def _reordered(hits: Sequence[Hit], found: Sequence[Evidence]) -> tuple[Hit, ...]:
    """The hits by their share of the best hit's score and the share of the best evidence that stands in them."""
    best = max((hit.score for hit in hits), default=0.0) or 1.0

    def held(passage: Passage) -> float:
        return max((item.score for item in found if item.stands_in(passage)), default=0.0)

    scored = [replace(hit, score=round(hit.score / best + _EVIDENCE * held(hit.passage), 6)) for hit in hits]
    return tuple(sorted(scored, key=lambda hit: -hit.score))


def unknown_words(question: Question, lexical: LexicalIndex) -> tuple[str, ...]:
    """The things a question names, as it was meant, that stand nowhere in the index, nor any two characters of theirs."""

    def is_unknown(word: str) -> bool:
        pairs = [word[i : i + 2] for i in range(len(word) - 1)] if not word.isascii() else []
        return not any(lexical.frequency(token) for token in (word, *pairs))

    words = (word for word in content_words(fold(question.meant)) if len(word) > 1)
    return tuple(word for word in words if (word.isascii() or _is_thing(word)) and is_unknown(word))


def _is_thing(word: str) -> bool:
    return rjieba.has_word(word) and not _NO_THING.match(rjieba.tag(word)[0][1]) and not _ASKING.fullmatch(word)


def token_weights(question: Question, lexical: LexicalIndex) -> dict[str, float]:
    """How much each token of the question says: its inverse document frequency as BM25 has it, as a share of the greatest
    that the size of the index allows."""
    greatest = math.log(1 + (lexical.size + 0.5) / 0.5)

    def weight(token: str) -> float:
        n = lexical.frequency(token)
        # A token that no passage holds is mostly two halves of words: it says little about what is missing.
        return _UNKNOWN if n == 0 else math.log(1 + (lexical.size - n + 0.5) / (n + 0.5)) / greatest

    return {token: weight(token) for token in question.tokens}


def _evidence(question: Question, weights: Mapping[str, float], candidate: Candidate, share: float) -> Evidence:
    setting = candidate.setting
    everywhere = candidate.own | setting.near | setting.heading | setting.above | setting.title
    total = sum(weights.values()) or 1.0
    is_withheld = withholds_name(question, candidate.folded)
    return Evidence(
        candidate.units,
        share,
        frozenset(token for token in weights if token in candidate.own and token not in setting.title),
        sum(weight for token, weight in weights.items() if token in everywhere) / total,
        has_form(question, candidate) is not False and not is_withheld,
        conflict(question, candidate),
        is_withheld,
    )
