"""Which rows of a table and which items of a list an answer quotes: the rows that the question names, and all items that fit."""

from collections.abc import Sequence
from dataclasses import replace

from indexer.lines import is_row, line_start
from indexer.retrieval import Library
from service.candidates import LIST_CHARACTERS, without_planted
from service.enumeration import announced
from service.evidence import Evidence
from service.question import Question
from service.rows import caption_of, head_of, needs_caption, rows_asked_for
from service.units import Unit, listings

# So many of the best pieces are looked through for rows of one table.
_BEST = 12


def rows_in_question(question: Question, pieces: Sequence[Evidence], library: Library) -> list[Evidence]:
    """The pieces, best first, without the rows of a table of which the question names others.

    Rows that are pieces of their own count as far as they are among the best; the best piece of all stays.
    """
    tables: dict[Unit, list[tuple[Evidence, str]]] = {}
    for piece in pieces[:_BEST]:
        text = library.document(piece.units[0].doc_id).text
        head = head_of(text, piece.units[0]) if len(piece.units) == 1 else None
        if head is not None:
            tables.setdefault(head, []).append((piece, text[piece.units[0].start : piece.units[0].end]))
    others: list[Evidence] = []
    for rows in tables.values():
        asked_for = rows_asked_for(question.resolved, [words for _, words in rows])
        others += [piece for piece, words in rows if words not in asked_for]
    return [_narrowed(question, piece, library) for i, piece in enumerate(pieces) if i == 0 or piece not in others]


def _narrowed(question: Question, piece: Evidence, library: Library) -> Evidence:
    """A table with what leads it, without its head, which its rows are told with, and with only the rows that the question names."""
    text = library.document(piece.units[0].doc_id).text
    lead, *rows = piece.units
    words = [text[line_start(text, unit.start) : unit.end] for unit in rows]
    if len(rows) < 2 or not all(map(is_row, words)):
        return piece
    head = head_of(text, rows[1])
    if head is not None and _overlap(head, rows[0]):
        rows, words = rows[1:], words[1:]
    asked_for = rows_asked_for(question.resolved, words)
    return replace(piece, units=(lead, *(unit for unit, own in zip(rows, words, strict=True) if own in asked_for)))


def completed(question: Question, chosen: Sequence[Unit], library: Library) -> tuple[list[Unit], str]:
    """The units with the items of each list that is begun among them, where the question wants many things and the list is short
    enough; and, in Chinese, how many items are left out of a list; empty where none is."""
    units, left_out = list(chosen), ""
    for lead in chosen:
        text = library.document(lead.doc_id).text
        if text[lead.end - 1] not in "：:":
            continue
        found = without_planted(text, listings(text, lead.doc_id, lead.start, lead.end))
        items = next((each.items for each in found if each.lead.end == lead.end), ())
        shown = [item for item in items if any(_overlap(item, unit) for unit in units)]
        if not shown or is_row(text[items[0].start : items[0].end]):
            continue
        if question.wants_many and sum(item.end - item.start for item in items) <= LIST_CHARACTERS:
            rest = [unit for unit in units if not any(_overlap(item, unit) for item in items)]
            at = rest.index(lead) + 1
            units, shown = [*rest[:at], *items, *rest[at:]], list(items)
        count = max(len(items), announced(text[lead.start : lead.end]) or 0)
        if len(shown) < count:
            left_out = f"原文此处列有{count}项，以下只引用其中{len(shown)}项，其余请看原文。"
    return units, left_out


def captioned(chosen: Sequence[Unit], library: Library) -> list[Unit]:
    """The units with the caption of a table, where that alone gives the unit of a figure, above the first of its rows."""
    units: list[Unit] = []
    for unit in chosen:
        text = library.document(unit.doc_id).text
        head = head_of(text, unit)
        if head is not None and needs_caption(text[head.start : head.end], text[unit.start : unit.end]):
            caption = caption_of(text, head)
            is_shown = caption is None or any(_overlap(caption, other) for other in (*chosen, *units))
            units += [caption] if caption is not None and not is_shown else []
        units.append(unit)
    return units


def _overlap(one: Unit, other: Unit) -> bool:
    return one.doc_id == other.doc_id and one.start < other.end and other.start < one.end
