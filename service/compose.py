"""Evidence → sentences with citations. The extractive composer quotes; it never words anything itself."""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.text import squeeze
from service.answer import Citation, Sentence
from service.comparison import missing_sides
from service.disagreement import disagreeing, precedence, source_names
from service.evidence import Evidence, Reading
from service.excerpts import captioned, completed, rows_in_question
from service.question import Question
from service.rows import head_of, is_row_number, shown, told
from service.units import Unit

_LEADING = re.compile(r"^(?:#{1,6}\s+|[-*•●■▪◆√✓◇○]\s+)+")


@dataclass(frozen=True)
class Draft:
    """An answer, or the next part of one, before it is checked.

    `is_worded` tells that the sentences are a language model's words, not quotes; `dropped` how many sentences the composer
    itself has left out; `reason`, in Chinese, why it ends without an answer, or without the rest of it; `notice`, in Chinese,
    what has to be known before the first sentence is read; `is_disputed` that sources contradict each other in it.
    """

    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    is_worded: bool = False
    dropped: int = 0
    reason: str | None = None
    notice: str | None = None
    is_disputed: bool = False


class Composer(Protocol):
    """Question and reading to drafts, in order, each as soon as it is there; none when the evidence gives no answer.

    A marker means the same citation in all of them. Closing the generator ends the work.
    """

    @property
    def name(self) -> str: ...

    def compose(self, question: Question, reading: Reading) -> Generator[Draft, None, None]: ...


@dataclass(frozen=True)
class Budget:
    """How much an answer may hold: characters, pieces of evidence, and how close to the best a further piece must come."""

    characters: int
    pieces: int
    share_of_best: float


# Chosen on our own policy questions and one half of the development questions: docs/decisions/0010 has the figures.
_SHORT = Budget(characters=240, pieces=2, share_of_best=0.3)
_LONG = Budget(characters=600, pieces=6, share_of_best=0.1)


class ExtractiveComposer:
    """The best evidence first, as the direct answer, then what comes close to it, in text order."""

    name = "extractive-5"

    def __init__(self, library: Library) -> None:
        self._library = library

    def compose(self, question: Question, reading: Reading) -> Generator[Draft, None, None]:
        fitting = [piece for piece in reading.evidence if piece.conflict is None]
        # What is in force does not disagree with what is not any more.
        valid = [piece for piece in fitting if piece.units[0].doc_id not in reading.lapsed]
        rivals = disagreeing(question, valid if fitting[:1] == valid[:1] else fitting, self._library)
        due = [*rivals, *(piece for piece in missing_sides(question, fitting, self._library) if piece not in rivals)]
        pieces, due = (rows_in_question(question, some, self._library) for some in (fitting, due))
        budget = _LONG if question.wants_many else _SHORT
        chosen, left_out = completed(question, _choose(pieces, due, self._library, budget), self._library)
        sentences: list[Sentence] = []
        citations: list[Citation] = []
        for unit in captioned(chosen, self._library):
            document = self._library.document(unit.doc_id)
            section = section_path(self._library.outline(unit.doc_id), unit.start)
            markers = []
            is_whole = sum(1 for _ in document.unbroken(unit.start, unit.end)) == 1
            head = head_of(document.text, unit) if is_whole else None
            for part in (unit,) if head is None else (unit, head):
                for start, end in document.unbroken(part.start, part.end):
                    citations.append(Citation.of(len(citations) + 1, document, start, end, section))
                    markers.append(len(citations))
            words = document.text[unit.start : unit.end]
            row = None if head is None else told(document.text[head.start : head.end], words)
            sentences.append(Sentence(display(words) if row is None else row, tuple(markers)))
        differ = self._notice([*fitting[:1], *rivals]) if rivals else ""
        notice = differ + left_out or None
        yield Draft(tuple(sentences), tuple(citations), notice=notice, is_disputed=bool(rivals))

    def _notice(self, pieces: Sequence[Evidence]) -> str:
        """That sources differ, which, and which of them is of a higher level or newer."""
        documents = [self._library.document(piece.units[0].doc_id) for piece in pieces]
        return f"以下来源的说法不一致，请核对：{source_names(documents)}。{precedence(documents)}"


def display(text: str) -> str:
    """A span as people read it: without markup, list marks and table bars; words and figures as they are."""
    text = _LEADING.sub("", shown(text).strip())
    if " | " in text or "\t" in text:
        cells = [cell.strip() for cell in re.split(r"[|\t]", text) if cell.strip()]
        text = "；".join(cells[1:] if len(cells) > 1 and is_row_number(cells[0]) else cells)
    return text.strip("| ")


def _choose(fitting: Sequence[Evidence], due: Sequence[Evidence], library: Library, budget: Budget) -> list[Unit]:
    """The best piece, what is due beside it, then further ones as long as they come close to the best, say something new and the
    budget holds them."""
    best: tuple[Unit, ...] = ()
    others: list[Unit] = []
    seen: list[str] = []
    used = 0
    for piece in [*fitting[:1], *due, *(piece for piece in fitting[1:] if piece not in due)]:
        is_due = not seen or piece in due
        if not is_due and (len(seen) >= budget.pieces or piece.score < budget.share_of_best * fitting[0].score):
            break
        text = library.document(piece.units[0].doc_id).text
        words = "".join(squeeze(text[unit.start : unit.end]) for unit in piece.units)
        length = sum(unit.end - unit.start for unit in piece.units)
        told = any(words in other or other in words for other in seen)
        if told or (not is_due and used + length > budget.characters):
            continue
        if seen:
            others.extend(unit for unit in piece.units if unit not in (*best, *others))
        else:
            best = piece.units
        seen.append(words)
        used += length
    return _in_reading_order(best, others)


def _in_reading_order(best: Sequence[Unit], others: Sequence[Unit]) -> list[Unit]:
    """The best piece first, as the direct answer; then the others by document, the better one first, and in text order."""
    order = {doc_id: i for i, doc_id in enumerate(dict.fromkeys(unit.doc_id for unit in (*best, *others)))}
    return [*best, *sorted(others, key=lambda unit: (order[unit.doc_id], unit.start))]
