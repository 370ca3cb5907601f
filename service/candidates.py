"""Hits → candidates: every sentence, list item, table row and heading with its children that could answer, and its setting.

A heading or a lead-in is no answer by itself: it answers together with what it introduces. What tells its reader how to answer
questions is no answer at all.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from indexer.document import Document, Hit, Passage
from indexer.glossary import Glossary
from indexer.lines import is_row, line_end, line_start
from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.text import fold
from indexer.tokens import tokenize
from service.instructions import is_planted
from service.rows import head_of, unit_of_all, with_units
from service.units import Listing, Unit, begins_table, children, listings, split_units

# A list longer than this is no answer that anybody reads.
_MAX_ITEMS = 30
LIST_CHARACTERS = 1200
_LEAD_IN_CHARACTERS = 400
# What numbers a heading, in front and, in a table of contents, behind.
_NUMBERING = re.compile(
    r"^[\W\d]*(?:part)?[\W\d]*(?:[一二三四五六七八九十]{1,3}、|第[一二三四五六七八九十\d]+[章节部分编]+)?\W*|[\W\d]+$",
    re.IGNORECASE,
)
# A short line of words and nothing else names something and says nothing of it.
_NAME_ALONE = re.compile(r"[^\d\t|,，。;；:：!！?？]{1,20}")
_OPENING_CHARACTERS = 200
# The pieces of so many passages are kept; those of one take some 50 kB.
_PASSAGES_KEPT = 1024


@dataclass(frozen=True)
class Setting:
    """What stands around units: tokens of neighbours, own heading, headings above and the document's description of itself;
    and the folded texts of their line, what comes right before, the headings and that description."""

    near: frozenset[str]
    heading: frozenset[str]
    above: frozenset[str]
    title: frozenset[str]
    line: str
    before: str
    path: str
    document: str


@dataclass(frozen=True)
class Candidate:
    """Units that answer together, in text order, with their words, folded too, and the tokens to find them by; `in_full` is folded
    as well, with the units of measure that a row leaves to the head of its table.

    `hit` is the score of the hit they stand in as a share of the best one's; `is_list` tells a heading or lead-in with all
    its items from a single piece; `is_row` that they are a row of a table.
    """

    units: tuple[Unit, ...]
    text: str
    folded: str
    in_full: str
    own: frozenset[str]
    setting: Setting
    hit: float
    is_list: bool
    is_row: bool


class Candidates:
    """Reads the candidates off hits; `glossary` is that of the index the hits come from."""

    def __init__(self, library: Library, glossary: Glossary) -> None:
        self._library = library
        self._glossary = glossary
        self._tokens = lru_cache(maxsize=65536)(self._tokenize)
        self._pieces = lru_cache(maxsize=_PASSAGES_KEPT)(self._read)

    def _tokenize(self, text: str) -> frozenset[str]:
        """Tokens of a text and of the other names of what it speaks of."""
        return frozenset(tokenize(self._glossary.expand(text)))

    def of(self, hits: Sequence[Hit], *, with_lists: bool) -> list[Candidate]:
        """The candidates of hits that come best first, in the order of the hits and, within one, of the text; lists last."""
        best = max((hit.score for hit in hits), default=0.0) or 1.0
        found: dict[Unit, Candidate] = {}
        lists: dict[Listing, Candidate] = {}
        for hit in hits:
            share = hit.score / best
            for piece in self._pieces(hit.passage):
                if piece.units[0] not in found:  # a sentence can reach into the next passage
                    found[piece.units[0]] = replace(piece, hit=share)
            if with_lists:
                for listing in self._lists_around(hit.passage):
                    if listing not in lists:  # the best hit that it stands around counts
                        lists[listing] = self._list(listing, share)
        return [*found.values(), *lists.values()]

    def _read(self, passage: Passage) -> tuple[Candidate, ...]:
        """The candidates of a passage that are no lists, in text order, as if it were the best hit."""
        return tuple(self._pieces_of(passage))

    def _pieces_of(self, passage: Passage) -> Iterator[Candidate]:
        document = self._library.document(passage.doc_id)
        text = document.text
        sections = self._library.outline(passage.doc_id)
        # 第八条 heads a line that goes on with its text: the line is no heading.
        alone = [section for section in sections if not section.runs_on]
        headings = {_bare(section.title) for section in alone} - {""}
        heads = {section.start for section in alone}
        paths = {section.start: section.path for section in sections}
        title, described = self._title_tokens(document), self._description(document)
        units = [
            unit
            for unit in split_units(text, passage.doc_id, passage.start, passage.end)
            if line_start(text, unit.start) in heads or not is_planted(text[unit.start : unit.end])
        ]
        introduced = {listing.lead.end: listing.items for listing in self._listed(passage)}
        sets = self._each(text, units)
        lead = self._tokens(text[slice(*passage.lead)]) if passage.lead is not None else frozenset()
        path = passage.section
        for i, unit in enumerate(units):
            here = line_start(text, unit.start)
            line = text[here : line_end(text, here)]
            path = paths.get(here, path)
            if here in heads or line.lstrip("# ") == document.title or line.startswith("# "):
                continue
            if _bare(line) in headings or (_NAME_ALONE.fullmatch(line) and not is_row(line)):
                continue  # a line of a table of contents, a label on a slide
            if begins_table(text, here):
                lead = sets[i]  # the head of a table answers through its rows
                continue
            # A row of a table speaks for itself; a sentence goes on with what was said right before it.
            row = is_row(line)
            before = "" if row else text[units[max(0, i - 2)].start : here]
            items = introduced.get(unit.end, ()) if text[unit.end - 1] in "：:" else ()
            setting = Setting(
                near=_union(sets[max(0, i - 2) : i] + sets[i + 1 : i + 2]) | _union(self._each(text, items)),
                heading=self._tokens(path[-1]) | lead if path else lead,
                above=self._tokens("\n".join(path[:-1])),
                title=title,
                line=fold(line),
                before=fold(before),
                path=fold("\n".join(path)),
                document=described,
            )
            together = (unit, *_within(items, _LEAD_IN_CHARACTERS))
            words = "".join(text[u.start : u.end] for u in together)
            folded = fold(words)
            yield Candidate(
                together, words, folded, _in_full(text, together), sets[i], setting, 1.0, is_list=False, is_row=row
            )

    def _listed(self, passage: Passage) -> list[Listing]:
        """Lead-ins with the items that they introduce."""
        text = self._library.document(passage.doc_id).text
        return without_planted(text, listings(text, passage.doc_id, passage.start, passage.end))

    def _lists_around(self, passage: Passage) -> Iterator[Listing]:
        """Headings with their children and lead-ins with their items, as far as they are short enough to answer with."""
        text = self._library.document(passage.doc_id).text
        sections = self._library.outline(passage.doc_id)
        below = children(text, passage.doc_id, sections, passage.start, passage.end)
        for listing in [*without_planted(text, below), *self._listed(passage)]:
            length = sum(item.end - item.start for item in listing.items)
            if 2 <= len(listing.items) <= _MAX_ITEMS and length <= LIST_CHARACTERS:
                yield listing

    def _list(self, listing: Listing, share: float) -> Candidate:
        document = self._library.document(listing.lead.doc_id)
        text, lead = document.text, listing.lead
        path = section_path(self._library.outline(lead.doc_id), lead.start)
        setting = Setting(
            near=_union(self._each(text, listing.items)),
            heading=self._tokens(path[-1]) if path else frozenset(),
            above=self._tokens("\n".join(path[:-1])),
            title=self._title_tokens(document),
            line="",
            before="",
            path=fold("\n".join(path)),
            document=self._description(document),
        )
        units = (lead, *listing.items)
        words = "".join(text[u.start : u.end] for u in units)
        own = self._tokens(text[lead.start : lead.end])
        return Candidate(
            units, words, fold(words), _in_full(text, units), own, setting, share, is_list=True, is_row=False
        )

    def _each(self, text: str, units: Iterable[Unit]) -> list[frozenset[str]]:
        return [self._tokens(text[unit.start : unit.end]) for unit in units]

    def _description(self, document: Document) -> str:
        """What a document says of itself: title, number, issuer, region and dates; a rule is also of the years in which it was in force."""
        m = document.metadata
        said = (document.title, m.source_title, m.number, m.issuer, m.region, m.published, m.period)
        return fold("\n".join((*said, *self._years(document))))

    def _title_tokens(self, document: Document) -> frozenset[str]:
        m = document.metadata
        return self._tokens(
            "\n".join((_name(document), m.number, m.issuer, *m.authors, m.kind, *self._years(document)))
        )

    def _years(self, document: Document) -> list[str]:
        """The years in which a rule was in force: it answers questions about each of them."""
        return [f"{year}年" for year in self._library.register.years(document.doc_id)]


def _in_full(text: str, units: Sequence[Unit]) -> str:
    """The folded words of units, those of rows with the units of measure that their tables give elsewhere."""
    told = []
    for unit in units:
        words = text[unit.start : unit.end]
        head = head_of(text, unit) if is_row(text[line_start(text, unit.start) : unit.end]) else None
        told.append(words if head is None else with_units(text[head.start : head.end], words, unit_of_all(text, head)))
    return fold("".join(told))


def without_planted(text: str, found: Sequence[Listing]) -> list[Listing]:
    """The lists that no planted line leads, without their planted items."""
    return [
        Listing(listing.lead, tuple(item for item in listing.items if not _is_planted(text, item)))
        for listing in found
        if not _is_planted(text, listing.lead)
    ]


def _is_planted(text: str, line: Unit) -> bool:
    pieces = split_units(text, line.doc_id, line.start, line.end)
    return any(is_planted(text[piece.start : piece.end]) for piece in pieces)


def _bare(line: str) -> str:
    """A heading without what numbers it."""
    return _NUMBERING.sub("", line)


def _within(items: Sequence[Unit], characters: int) -> tuple[Unit, ...]:
    """The first items that fit."""
    kept: list[Unit] = []
    for item in items:
        characters -= item.end - item.start
        if characters < 0:
            break
        kept.append(item)
    return tuple(kept)


def _name(document: Document) -> str:
    """The title of a document; its first sentence where the name of the file stands in for a title."""
    if document.title != Path(document.path).stem:
        return document.title
    return re.split(r"[。！？!?\n]", document.text[:_OPENING_CHARACTERS], maxsplit=1)[0]


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
