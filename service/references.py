"""Clauses by their addresses: the ones that a question asks for, and the ones that a quoted passage refers to."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from indexer.addresses import ADDRESS, LOWER, Address, article_at, articles_around, find, label_of
from indexer.document import Document, Hit, Section
from indexer.numerals import number_of
from indexer.outline import section_at
from indexer.retrieval import Library
from indexer.scope import Scope
from indexer.text import fold, squeeze
from service.answer import Citation, Reference
from service.disagreement import quoted_title
from service.evidence import Evidence, Reading
from service.question import Question
from service.units import Unit, split_units

# How many documents a question without the name of one may mean, and how much of a clause is quoted.
_DOCUMENTS = 3
_LONGEST = 600
_MOST_REFERENCES = 8
_TITLE_BEFORE = re.compile(r"《(?P<title>[^《》]{2,80})》\s*(?:[（(][^）)]{0,40}[）)])?\s*$")
# A law named without 《》: 刑法第二百八十条 is not an article of the document at hand, 本法第八条 and 依照第八条 are.
_LAW = r"(?:法|条例|规定|规则|细则|解释|章程|准则|决定|通知|意见)(?:（[^）]{1,10}）)?\s*$"
_OTHER_LAW = re.compile(_LAW)
_OWN = re.compile(r"[本该此][^，。；、《》]{0,8}?" + _LAW)
_BESIDE = re.compile(rf"前\s*(?P<count>[两二三四五])?\s*(?P<kind>[条款项])|本条\s*(?P<lower>(?=第)){LOWER.pattern}")
_RANGE = re.compile(r"\s*(?:至|到|—|-|～)\s*$")


@dataclass(frozen=True)
class Asked:
    """The clauses that a question asks for by their addresses: where they stand, in order of preference, and what neither the
    documents that it names, nor, where it names none, those that were found hold, in Chinese."""

    clauses: tuple[tuple[str, Section], ...]
    missing: str | None


def asked_clauses(question: Question, hits: Sequence[Hit], library: Library, scope: Scope) -> Asked | None:
    """The clauses that a question names: in the documents whose titles it names, else in those that the best hits are of.

    None when it names no clause.
    """
    text = fold(question.resolved)
    addresses = [Address.of(match) for match in ADDRESS.finditer(text)]
    if not addresses:
        return None
    named = [one for one in library.register.named_in(squeeze(question.resolved)) if _admitted(one, library, scope)]
    documents = named or _in_order(hits, library)
    found: list[tuple[str, Section]] = []
    missing: str | None = None
    for address in addresses:
        places = []
        for document in documents:
            section = find(library.outline(document.doc_id), address)
            if section is not None:
                places.append((document.doc_id, section))
        if not places and named:
            missing = f"没有这一条文：{quoted_title(named[0])}没有{address}"
        elif not places and _could_hold(hits, library) and not _speak_of(hits, address, library):
            missing = f"没有这一条文：检索到的文件都没有{address}"
        found.extend(places[: 1 if named else _DOCUMENTS])
    return Asked(tuple(dict.fromkeys(found)), None if found else missing)


def _admitted(document: Document, library: Library, scope: Scope) -> bool:
    status = library.register.standing(document.doc_id, scope.as_of).status
    return scope.admits(document) and scope.admits_standing(status)


def _could_hold(hits: Sequence[Hit], library: Library) -> bool:
    """Whether the best hit is of a document with articles; the numbered points of others are called 第二条 as well."""
    return bool(hits) and any("条" in section.clause for section in library.outline(hits[0].passage.doc_id))


def _speak_of(hits: Sequence[Hit], address: Address, library: Library) -> bool:
    """Whether a passage names a clause at this address, as of another law."""
    return any(
        Address.of(match) == address for hit in hits for match in ADDRESS.finditer(fold(library.text(hit.passage)))
    )


def _in_order(hits: Sequence[Hit], library: Library) -> list[Document]:
    return [library.document(doc_id) for doc_id in dict.fromkeys(hit.passage.doc_id for hit in hits)]


def with_clauses(hits: Sequence[Hit], asked: Asked, library: Library) -> list[Hit]:
    """The hits with the passages of the clauses on top, as high as the best."""
    best = max((hit.score for hit in hits), default=1.0)
    top = [
        Hit(passage, best)
        for doc_id, section in asked.clauses
        for passage in library.passages_of(doc_id)
        if passage.start < section.end and passage.end > section.start
    ]
    first = list(dict.fromkeys(top))
    known = {hit.passage for hit in first}
    return [*first, *(hit for hit in hits if hit.passage not in known)]


def clauses_first(reading: Reading, question: Question, asked: Asked, library: Library) -> Reading:
    """The reading with the clauses asked for as its best evidence, and their passages as its best hits."""
    if not asked.clauses:
        return reading
    best = max((piece.score for piece in reading.evidence), default=1.0)
    pieces = [_piece(question, reading, doc_id, section, best, library) for doc_id, section in asked.clauses]
    # Without the name of a document the best one is meant; of the others not even the same clause says what was asked.
    lead = pieces[:1] if asked.clauses[0][0] != asked.clauses[-1][0] else pieces
    quoted = {unit for piece in lead for unit in piece.units}
    rest = [piece for piece in reading.evidence if not quoted.intersection(piece.units)]

    def is_asked(hit: Hit) -> bool:
        return any(
            hit.passage.doc_id == doc_id and hit.passage.start < section.end and hit.passage.end > section.start
            for doc_id, section in asked.clauses
        )

    top = max((hit.score for hit in reading.hits), default=0.0)
    hits = sorted(reading.hits, key=lambda hit: not is_asked(hit))
    return replace(
        reading,
        evidence=(*lead, *(replace(piece, score=piece.score * _BEHIND) for piece in rest)),
        hits=tuple(replace(hit, score=top) if is_asked(hit) else hit for hit in hits),
        answered=max(reading.answered, reading.threshold),
    )


# A clause asked for by its address is the answer; other evidence has to be as good several times over to be quoted beside it.
_BEHIND = 0.05


def _piece(
    question: Question, reading: Reading, doc_id: str, section: Section, score: float, library: Library
) -> Evidence:
    text = library.document(doc_id).text
    units: list[Unit] = []
    for unit in split_units(text, doc_id, section.start, section.end):
        if units and unit.end - units[0].start > _LONGEST:
            break
        if unit.start >= section.start and unit.end <= section.end:
            units.append(unit)
    folded = fold(text[section.start : section.end])
    has_kind = question.form is None or question.form.search(folded) is not None
    return Evidence(tuple(units), score, frozenset(reading.weights), 1.0, has_kind)


def references(citation: Citation, library: Library) -> tuple[Reference, ...]:
    """The clauses that a quote refers to, in the order of the quote; of what cannot be found none."""
    document = library.document(citation.doc_id)
    found: dict[tuple[str, int, int], Reference] = {}
    for doc_id, section in _referred(citation, document, library):
        sections = library.outline(doc_id)
        holds = doc_id == citation.doc_id and section.start <= citation.start and citation.end <= section.end
        if holds:
            continue
        label = label_of(sections, section)
        if doc_id != citation.doc_id:
            label = f"{quoted_title(library.document(doc_id))}{label}"
        end = section.start + len(library.document(doc_id).text[section.start : section.end].rstrip())
        found.setdefault((doc_id, section.start, end), Reference(label, doc_id, section.start, end))
    return tuple(found.values())[:_MOST_REFERENCES]


def _referred(citation: Citation, document: Document, library: Library) -> Iterator[tuple[str, Section]]:
    quote, sections = citation.quote, library.outline(document.doc_id)
    other: Document | None = document
    last: tuple[Address, int] | None = None
    for match in re.finditer(rf"(?P<whole>{ADDRESS.pattern})", quote):
        before = quote[: match.start()]
        own_number = match.start() == 0 and any(s.start == citation.start and s.clause for s in sections)
        if own_number:
            continue
        if title := _TITLE_BEFORE.search(before):
            named = library.register.named(f"《{title['title']}》")
            other = named[0] if named else None
        elif _OTHER_LAW.search(before) and not _OWN.search(before):
            other = None
        elif not re.search(r"[、和与及或至到]\s*$", before):
            other = document
        if other is None:
            last = None
            continue
        address = Address.of(match)
        outline = library.outline(other.doc_id)
        if last is not None and _RANGE.search(quote[last[1] : match.start()]):
            yield from ((other.doc_id, s) for s in _between(outline, last[0], address))
        section = find(outline, address, citation.start if other is document else 0)
        if section is not None:
            yield other.doc_id, section
        last = address, match.end()
    yield from ((document.doc_id, section) for section in _beside(citation, sections))


def _between(sections: Sequence[Section], first: Address, last: Address) -> Iterator[Section]:
    """The articles between the ends of a range."""
    if first.article is None or last.article is None:
        return
    for number in range(first.article[0] + 1, min(last.article[0], first.article[0] + _MOST_REFERENCES)):
        section = find(sections, Address((number, 0)))
        if section is not None:
            yield section


def _beside(citation: Citation, sections: Sequence[Section]) -> Iterator[Section]:
    """What 前条, 前款, 前两款, 前项 and 本条第一款 mean where the quote stands; 第二款 alone counts from the article as well."""
    for match in _BESIDE.finditer(citation.quote):
        offset = citation.start + match.start()
        if match["kind"] is None:
            section = find(sections, Address.of(match), offset)
            if section is not None:
                yield section
            continue
        count = number_of(match["count"]) if match["count"] else 1
        siblings, at = _siblings(sections, offset, match["kind"])
        yield from siblings[max(0, at - count) : at]


def _siblings(sections: Sequence[Section], offset: int, kind: str) -> tuple[list[Section], int]:
    """The clauses of a kind around the one that holds `offset`, and its place among them."""
    article = article_at(sections, offset)
    if article is None:
        return [], 0
    if kind == "条":
        same = articles_around(sections, offset)
        return same, same.index(article)
    inside = [s for s in sections if article.start <= s.start < article.end]
    same = [s for s in inside if s.clause.endswith(kind)]
    here = section_at(sections, offset)
    if kind == "项" and here is not None:
        above = next((s for s in reversed(inside) if s.clause.endswith("款") and s.start <= offset), article)
        same = [s for s in same if above.start <= s.start < above.end]
    at = next((i for i, s in enumerate(same) if s.start <= offset < s.end), None)
    return ([], 0) if at is None else (same, at)
