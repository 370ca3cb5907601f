"""Evidence → sentences with citations. The extractive composer quotes; it never words anything itself."""

import re
from dataclasses import dataclass
from typing import Protocol

from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.text import squeeze, without_markup
from service.answer import Citation, Sentence
from service.evidence import Reading
from service.question import Question
from service.units import Unit

# A reference mark of the document itself would read as one of ours.
_OWN_MARK = re.compile(r"\[(\d+)\]")
_LEADING = re.compile(r"^(?:#{1,6}\s+|[-*•●■▪◆√✓◇○]\s+)+")


@dataclass(frozen=True)
class Draft:
    """An answer before it is checked."""

    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]


class Composer(Protocol):
    """Question and reading to a draft; an empty draft when the evidence gives none."""

    @property
    def name(self) -> str: ...

    def compose(self, question: Question, reading: Reading) -> Draft: ...


@dataclass(frozen=True)
class Budget:
    """How much an answer may hold: characters, pieces of evidence, and how close to the best a further piece must come."""

    characters: int
    pieces: int
    share_of_best: float


_SHORT = Budget(characters=200, pieces=2, share_of_best=0.8)
_LONG = Budget(characters=600, pieces=4, share_of_best=0.7)
# What a piece gains for words of the question that no chosen piece holds yet: each side of a comparison gets its turn.
_NOVELTY = 0.3
_POOL = 60


class ExtractiveComposer:
    """The best evidence first, then what comes close to it; in text order where pieces follow one another."""

    name = "extractive-1"

    def __init__(self, library: Library) -> None:
        self._library = library

    def compose(self, question: Question, reading: Reading) -> Draft:
        chosen = _choose(reading, self._library, _LONG if question.wants_many else _SHORT)
        sentences: list[Sentence] = []
        citations: list[Citation] = []
        for unit in chosen:
            document = self._library.document(unit.doc_id)
            section = section_path(self._library.outline(unit.doc_id), unit.start)
            markers = []
            for start, end in document.unbroken(unit.start, unit.end):
                citations.append(Citation.of(len(citations) + 1, document, start, end, section))
                markers.append(len(citations))
            sentences.append(Sentence(display(document.text[unit.start : unit.end]), tuple(markers)))
        return Draft(tuple(sentences), tuple(citations))


def display(text: str) -> str:
    """A span as people read it: without markup, list marks and table bars; words and figures as they are."""
    text = _OWN_MARK.sub(r"［\1］", _LEADING.sub("", without_markup(text).strip()))
    if " | " in text or "\t" in text:
        cells = [cell.strip() for cell in re.split(r"[|\t]", text) if cell.strip()]
        # A bare number in front is the number of the row.
        text = "；".join(cells[1:] if len(cells) > 1 and cells[0].isdigit() else cells)
    return text.strip("| ")


def _choose(reading: Reading, library: Library, budget: Budget) -> list[Unit]:
    """Greedily the piece that is best by itself and by the words it adds, until the budget is used up."""
    total = sum(reading.weights.values()) or 1.0
    fitting = [piece for piece in reading.evidence[:_POOL] if piece.conflict is None]
    pool = [piece for piece in fitting if piece.score >= budget.share_of_best * fitting[0].score]
    chosen: list[Unit] = []
    seen: list[str] = []
    covered: set[str] = set()
    used = 0
    while pool and len(seen) < budget.pieces:
        best = max(
            pool,
            key=lambda piece: piece.score + _NOVELTY * sum(reading.weights[t] for t in piece.matched - covered) / total,
        )
        pool.remove(best)
        text = library.document(best.units[0].doc_id).text
        words = "".join(squeeze(text[unit.start : unit.end]) for unit in best.units)
        length = sum(unit.end - unit.start for unit in best.units)
        if any(words in other or other in words for other in seen):
            continue  # the same fact told twice
        if chosen and (used + length > budget.characters or (not best.matched - covered and len(best.units) > 1)):
            continue
        chosen.extend(unit for unit in best.units if unit not in chosen)
        seen.append(words)
        covered |= best.matched
        used += length
    return _in_reading_order(chosen)


def _in_reading_order(units: list[Unit]) -> list[Unit]:
    """Best first, but neighbours of one document stay in text order behind the best of them."""
    order = {doc_id: i for i, doc_id in enumerate(dict.fromkeys(unit.doc_id for unit in units))}
    return sorted(units, key=lambda unit: (order[unit.doc_id], unit.start))
