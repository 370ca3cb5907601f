"""Whether a document is in force on a date: by its own dates and by what the other documents of the library say of it.

A document says that others are repealed or amended by their titles, their numbers or both; it holds from the day when it takes
effect itself. A newer text with the very same title has amended the older one. What nothing tells stays unknown.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from indexer.dates import as_date, not_after
from indexer.document import YES, Document
from indexer.text import fold, squeeze

# For how many years a rule without an end is taken to answer questions that name a year.
_LONGEST_LIFE = 60
# Titles shorter than this (管理办法) name no document by themselves.
_SHORTEST_TITLE = 5
_NUMBER = re.compile(r"[（(](?P<number>[^（）()]*号)[）)]$")
_INNER = re.compile(r"[《〈]([^《》〈〉]+)[》〉]")
_VERSION = re.compile(r"[（(][^）)]*(?:修正|修订|年版|年|[0-9]{4}-[0-9]{2}-[0-9]{2})[^）)]*[）)]$")


class Status(Enum):
    """What a document is on a date."""

    IN_FORCE = "in_force"
    NOT_YET = "not_yet"
    REPEALED = "repealed"
    AMENDED = "amended"
    UNKNOWN = "unknown"


IN_CHINESE: Mapping[Status, str] = {
    Status.IN_FORCE: "现行有效",
    Status.NOT_YET: "尚未施行",
    Status.REPEALED: "已废止",
    Status.AMENDED: "已修订",
    Status.UNKNOWN: "未知",
}


STATUSES: Mapping[str, Status] = {
    **{status.value: status for status in Status},
    **{words: status for status, words in IN_CHINESE.items()},
}
"""What people and programs call them."""


@dataclass(frozen=True)
class Standing:
    """The status of a document on a date, `since` when it has it (empty where unknown) and the doc_id of the document that says
    so, empty for its own text."""

    status: Status
    since: str = ""
    by: str = ""


@dataclass(frozen=True)
class _Act:
    """What a document does to another one, from a date on, which is empty when it does not say."""

    status: Status
    since: str
    by: str


class Register:
    """What is known of the validity of documents; one for each set of documents that belong together."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents = {document.doc_id: document for document in documents}
        self._by_name: dict[str, list[Document]] = {}
        for document in self._documents.values():
            for name in _names(document):
                self._by_name.setdefault(name, []).append(document)
        self._acts = _acts(self._documents.values(), self._by_name)

    def named(self, name: str) -> list[Document]:
        """The documents that 《title》, 《title》（number） or a number names, the latest first."""
        return sorted(_named(name, self._by_name), key=_begins, reverse=True)

    def named_in(self, squeezed: str) -> list[Document]:
        """The documents whose titles stand in a squeezed text, the longest titles first."""
        found: dict[str, tuple[int, Document]] = {}
        for name, documents in self._by_name.items():
            if not name.startswith("《"):
                continue
            for document in documents:
                region = squeeze(document.metadata.region)
                short = name[1:-1].removeprefix(region) if region else name[1:-1]
                length = max(
                    (len(t) for t in (name[1:-1], short) if len(t) >= _SHORTEST_TITLE and t in squeezed), default=0
                )
                if length > found.get(document.doc_id, (0, document))[0]:
                    found[document.doc_id] = (length, document)
        order = sorted(found.values(), key=lambda item: (item[0], _begins(item[1])), reverse=True)
        return [document for _, document in order]

    def standing(self, doc_id: str, as_of: str) -> Standing:
        """What a document is on a date, 2022, 2022-11 or 2022-11-30; unknown for an empty one."""
        if not as_of:
            return Standing(Status.UNKNOWN)
        document = self._documents[doc_id]
        m = document.metadata
        published, effective, expires = (
            as_date(fold(day)) for day in (m.published or m.signed, m.effective, m.expires)
        )
        first = effective or published
        if first and not not_after(first, as_of):
            return Standing(Status.NOT_YET, first)
        repealed = as_date(fold(m.repealed))
        if m.repealed == YES or (repealed and not_after(repealed, as_of)):
            return Standing(Status.REPEALED, repealed)
        acts = [act for act in self._acts.get(doc_id, ()) if not act.since or not_after(act.since, as_of)]
        for status in (Status.REPEALED, Status.AMENDED):
            if done := [act for act in acts if act.status is status]:
                latest = max(done, key=lambda act: (act.since, act.by))
                return Standing(status, latest.since, latest.by)
            if status is Status.REPEALED and expires and not not_after(as_of, expires):
                return Standing(Status.REPEALED, expires)
        return Standing(Status.IN_FORCE, effective) if effective else Standing(Status.UNKNOWN)

    def years(self, doc_id: str) -> tuple[int, ...]:
        """The years in which a document was in force for some day, as far as they are known; none when its first day is not."""
        m = self._documents[doc_id].metadata
        first = as_date(fold(m.effective))
        if not first:
            return ()
        ends = [as_date(fold(m.repealed)), as_date(fold(m.expires))]
        ends += [act.since for act in self._acts.get(doc_id, ()) if act.status is Status.REPEALED]
        last = min((int(day[:4]) for day in ends if day), default=int(first[:4]) + _LONGEST_LIFE)
        return tuple(range(int(first[:4]), last + 1))

    def statuses(self, as_of: str) -> dict[str, Status]:
        """The status of every document by doc_id."""
        return {doc_id: self.standing(doc_id, as_of).status for doc_id in self._documents}


def _acts(documents: Iterable[Document], by_name: Mapping[str, Sequence[Document]]) -> dict[str, list[_Act]]:
    """What other documents do to each, by doc_id."""
    acts: dict[str, list[_Act]] = {}
    for actor in documents:
        m = actor.metadata
        since = _begins(actor)
        for names, status in ((m.repeals, Status.REPEALED), (m.amends, Status.AMENDED)):
            for name in names:
                for target in _named(name, by_name):
                    # Nothing can repeal what comes after it, or the text that repeals its older namesake.
                    if target is not actor and _precedes(target, since):
                        acts.setdefault(target.doc_id, []).append(_Act(status, since, actor.doc_id))
    for name, same in by_name.items():
        if name.startswith("《"):
            _add_newer(same, acts)
    return acts


def _add_newer(same: Sequence[Document], acts: dict[str, list[_Act]]) -> None:
    """Of documents with one title, the later ones have amended the earlier ones."""
    for older in same:
        for newer in same:
            one, other = _begins(older), _begins(newer)
            known = any(act.by == newer.doc_id for act in acts.get(older.doc_id, ()))
            if (
                one
                and other
                and one != other
                and not not_after(other, one)
                and not known
                and _same_issuer(older, newer)
            ):
                acts.setdefault(older.doc_id, []).append(_Act(Status.AMENDED, other, newer.doc_id))


def _same_issuer(one: Document, other: Document) -> bool:
    here, there = squeeze(one.metadata.issuer), squeeze(other.metadata.issuer)
    return not here or not there or here in there or there in here


def _begins(document: Document) -> str:
    m = document.metadata
    return next(filter(None, (as_date(fold(day)) for day in (m.effective, m.published, m.signed))), "")


def _precedes(target: Document, since: str) -> bool:
    begins = _begins(target)
    return not since or not begins or (not_after(begins, since) and begins != since)


def _names(document: Document) -> set[str]:
    """The names that others may give a document: its titles in 《》, also the one of the text that it issues, and its number."""
    names = set()
    for title in (document.metadata.title, document.metadata.source_title):
        bare = _VERSION.sub("", title.strip().removeprefix("《").removesuffix("》"))
        for name in (bare, *_issued(bare)):
            if len(squeeze(name)) >= _SHORTEST_TITLE:
                names.add(f"《{squeeze(name)}》")
    if document.metadata.number:
        names.add(_number_key(document.metadata.number))
    return names


def _issued(title: str) -> list[str]:
    """The title within the title of a notice that does nothing but issue a text."""
    return _INNER.findall(title)[:1] if re.search(r"关于(?:印发|发布|公布|下发)", title) else []


def _named(name: str, by_name: Mapping[str, Sequence[Document]]) -> Sequence[Document]:
    """The documents of a name; where a number is given that some document has, that one alone."""
    match = _NUMBER.search(name)
    number = match["number"] if match else "" if name.startswith("《") else name
    if number and (found := by_name.get(_number_key(number))):
        return found
    if not name.startswith("《"):
        return ()
    title = squeeze(_VERSION.sub("", (name[: match.start()] if match else name).removeprefix("《").removesuffix("》")))
    found = by_name.get(f"《{title}》", ())
    # A number that is none of theirs tells another document of the same title.
    return [one for one in found if not (number and one.metadata.number)]


def _number_key(number: str) -> str:
    return "#" + re.sub(r"第(?=\d)", "", squeeze(number))
