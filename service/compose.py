"""Evidence → sentences with citations. The extractive composer quotes; it never words anything itself."""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from indexer.lines import is_row, line_start
from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.text import fold, squeeze
from service.answer import Citation, Sentence
from service.candidates import LIST_CHARACTERS
from service.comparison import sides
from service.disagreement import disagreeing, precedence, source_names
from service.enumeration import announced
from service.evidence import Evidence, Reading
from service.question import Question
from service.rows import head_of, is_row_number, rows_asked_for, shown, told
from service.units import Unit, listings

# How far down the evidence the other side of a comparison is looked for, and how close to the best it must come.
_COMPARED = 12
_SHARE_OF_BEST = 0.02
_LEADING = re.compile(r"^(?:#{1,6}\s+|[-*•●■▪◆√✓◇○]\s+)+")


@dataclass(frozen=True)
class Draft:
    """An answer, or the next part of one, before it is checked.

    `is_worded` tells that the sentences are a language model's words, not quotes; `dropped` how many sentences the composer
    itself has left out; `reason`, in Chinese, why it ends without an answer, or without the rest of it; `notice`, in Chinese,
    what has to be known before the first sentence is read.
    """

    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    is_worded: bool = False
    dropped: int = 0
    reason: str | None = None
    notice: str | None = None


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
_SHORT = Budget(characters=240, pieces=2, share_of_best=0.4)
_LONG = Budget(characters=600, pieces=6, share_of_best=0.1)


class ExtractiveComposer:
    """The best evidence first, as the direct answer, then what comes close to it, in text order."""

    name = "extractive-4"

    def __init__(self, library: Library) -> None:
        self._library = library

    def compose(self, question: Question, reading: Reading) -> Generator[Draft, None, None]:
        fitting = [piece for piece in reading.evidence if piece.conflict is None]
        # What is in force does not disagree with what is not any more.
        valid = [piece for piece in fitting if piece.units[0].doc_id not in reading.lapsed]
        rivals = disagreeing(question, valid if fitting[:1] == valid[:1] else fitting, self._library)
        due = [*rivals, *(piece for piece in _missing_sides(question, fitting, self._library) if piece not in rivals)]
        pieces = [self._narrowed(question, piece) for piece in self._rows_asked_for(question, fitting)]
        due = [self._narrowed(question, piece) for piece in due]
        chosen = _choose(pieces, due, self._library, _LONG if question.wants_many else _SHORT)
        chosen, left_out = self._completed(question, chosen)
        sentences: list[Sentence] = []
        citations: list[Citation] = []
        for unit in chosen:
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
        yield Draft(tuple(sentences), tuple(citations), notice=differ + left_out or None)

    def _rows_asked_for(self, question: Question, fitting: Sequence[Evidence]) -> list[Evidence]:
        """The pieces without the rows, behind the best piece, of a table of which the question names other rows among the best."""
        tables: dict[Unit, list[tuple[Evidence, str]]] = {}
        for piece in fitting[:_COMPARED]:
            text = self._library.document(piece.units[0].doc_id).text
            head = head_of(text, piece.units[0]) if len(piece.units) == 1 else None
            if head is not None:
                tables.setdefault(head, []).append((piece, text[piece.units[0].start : piece.units[0].end]))
        others = []
        for rows in tables.values():
            kept = rows_asked_for(question.resolved, [words for _, words in rows])
            others += [piece for piece, words in rows if words not in kept]
        return [piece for i, piece in enumerate(fitting) if i == 0 or piece not in others]

    def _narrowed(self, question: Question, piece: Evidence) -> Evidence:
        """A table with its lead-in, without its head, which its rows are told with, and with only the rows that the question
        names."""
        text = self._library.document(piece.units[0].doc_id).text
        lead, *rows = piece.units
        lines = [text[line_start(text, unit.start) : unit.end] for unit in rows]
        if len(rows) < 2 or not all(map(is_row, lines)):
            return piece
        if (head := head_of(text, rows[1])) is not None and _overlap(head, rows[0]):
            rows, lines = rows[1:], lines[1:]
        kept = rows_asked_for(question.resolved, lines)
        return replace(piece, units=(lead, *(unit for unit, line in zip(rows, lines, strict=True) if line in kept)))

    def _completed(self, question: Question, chosen: Sequence[Unit]) -> tuple[list[Unit], str]:
        """The units with the items that a lead-in among them leads and that are not there yet, where many things are asked for;
        and, in Chinese, what is still left out of its list."""
        units, left_out = list(chosen), ""
        for lead in chosen:
            text = self._library.document(lead.doc_id).text
            if text[lead.end - 1 : lead.end] not in ("：", ":"):
                continue
            led = listings(text, lead.doc_id, lead.start, lead.end)
            items = next((each.items for each in led if each.lead.end == lead.end), ())
            shown = [item for item in items if any(_overlap(item, unit) for unit in units)]
            if not shown or is_row(text[items[0].start : items[0].end]):
                continue
            if question.wants_many and sum(item.end - item.start for item in items) <= LIST_CHARACTERS:
                rest = [unit for unit in units if not any(_overlap(item, unit) for item in items)]
                at = rest.index(lead) + 1
                units, shown = [*rest[:at], *items, *rest[at:]], list(items)
            told = text[lead.start : lead.end]
            count = max(len(items), announced(told) or 0)
            if len(shown) < count:
                left_out = f"原文此处列有{count}项，以下只引用其中{len(shown)}项，其余请看原文。"
        return units, left_out

    def _notice(self, pieces: Sequence[Evidence]) -> str:
        """That sources differ, which, and which of them is of a higher level or newer."""
        documents = [self._library.document(piece.units[0].doc_id) for piece in pieces]
        return f"以下来源的说法不一致，请核对：{source_names(documents)}。{precedence(documents)}"


def _missing_sides(question: Question, fitting: Sequence[Evidence], library: Library) -> list[Evidence]:
    """For each thing that the question compares and the best piece does not name, the best one that does, if there is one."""
    found: list[Evidence] = []
    for side in sides(question):
        near = [piece for piece in fitting[:_COMPARED] if piece.score >= _SHARE_OF_BEST * fitting[0].score]
        naming = [piece for piece in near if side in _said(piece, library)]
        if naming and fitting[0] not in naming and naming[0] not in found:
            found.append(naming[0])
    return found


def _said(piece: Evidence, library: Library) -> str:
    """What tells what a piece is about, folded: its words, the head of its table, its headings and the title."""
    first = piece.units[0]
    document = library.document(first.doc_id)
    head = head_of(document.text, first)
    parts = [document.text[unit.start : unit.end] for unit in (*piece.units, *([head] if head else []))]
    path = section_path(library.outline(first.doc_id), first.start)
    return fold("\n".join((*parts, *path, document.title)))


def _overlap(one: Unit, other: Unit) -> bool:
    return one.doc_id == other.doc_id and one.start < other.end and other.start < one.end


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
