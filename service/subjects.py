"""Whose a statement is, where a text speaks of several of a kind: numbered things (1号线, 2号线), offices, places.

The subject is told by its name alone. A clause without one goes on about the one before it in its sentence.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.facts import Kind, Mention, mentions
from service.places import spans as places_in

_SENTENCES = re.compile(r"[^。!?\n]+")
_CLAUSES = re.compile(r"[^,;:]+")
# The last two characters of a name tell offices apart: 市水务局 and 水务局 are one.
_OFFICE = re.compile(
    r"[\u4e00-\u9fff]{2}(?:(?<![布格结当大全开变])局(?![部面势限])|厅(?!级)|委员会|委(?![托派任屈])|银行|集团|公司|法院|检察院)"
)
# 第三条 is a name, 三条 is a number of articles; 3号线 and 三期 are names without 第 too.
_NUMBERED = {
    Kind.ORDINAL: frozenset("号期批条章节款项轮届版"),
    Kind.FIGURE: frozenset("号期"),
}
# Clauses that speak of all of them, whomever they name (两期均 is 2期均 here), and those that do where they name nobody.
_OF_ALL = re.compile(r"均|全部|分别|各|一律|都(?!市)")
_OF_ALL_UNNAMED = re.compile(r"共|合计|总计|上述|所有|其他|其余")
# So much of what a clause says must stand in another for them to be compared, and less than so much of that in a clause
# about the right subject.
_LEAST_SHARE, _MOST_ELSEWHERE = 0.6, 0.7
_LEAST_PAIRS = 3
_FIGURE_WEIGHT = 4


@dataclass(frozen=True)
class _Clause:
    """What a clause says, as pairs of characters and marks of figures, and whom of each kind it is about."""

    says: frozenset[str]
    about: dict[str, frozenset[str]]


def swapped(sentence: str, source: str) -> str | None:
    """What a `readable` source says of one of a kind and the sentence of another that the source names too; None when
    there is nothing such.
    """
    theirs = [*_clauses(source)]
    known: dict[str, frozenset[str]] = {}
    for clause in theirs:
        for kind, names in clause.about.items():
            known[kind] = known.get(kind, frozenset()) | names
    kinds = [kind for kind, names in known.items() if len(names) > 1]
    for clause in _clauses(sentence) if kinds else ():
        for kind in kinds:
            own = clause.about.get(kind, frozenset())
            if own and own <= known[kind] and (other := _other_subject(clause, own, kind, theirs)):
                return f"{'、'.join(sorted(own))} for {other}"
    return None


def _other_subject(clause: _Clause, own: frozenset[str], kind: str, theirs: Sequence[_Clause]) -> str | None:
    whole = _weight(clause.says)
    best, best_of_own, subject = 0, 0, ""
    for other in theirs:
        weight = _weight(clause.says & other.says)
        about = other.about.get(kind, frozenset())
        if not about or about & own:
            best_of_own = max(best_of_own, weight)
        elif weight > best:
            best, subject = weight, "、".join(sorted(about))
    is_said = whole >= _LEAST_PAIRS and best >= _LEAST_SHARE * whole
    return subject if is_said and best_of_own < _MOST_ELSEWHERE * best else None


def _clauses(text: str) -> Iterator[_Clause]:
    for sentence in _SENTENCES.findall(text):
        about: dict[str, frozenset[str]] = {}
        for words in _CLAUSES.findall(sentence):
            if named := {} if _OF_ALL.search(words) else _names(words):
                about = named
            elif _OF_ALL.search(words) or _OF_ALL_UNNAMED.search(words):
                about = {}
            yield _Clause(_says(words), about)


def _names(clause: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for mention in mentions(clause):
        if _is_name(mention):
            found.setdefault(mention.unit, set()).add(f"{mention.value}{mention.unit}")
    for match in _OFFICE.finditer(clause):
        found.setdefault("office", set()).add(match.group())
    for place in places_in(clause):
        found.setdefault(place.level.value, set()).add(place.name)
    return {kind: frozenset(names) for kind, names in found.items()}


def _is_name(mention: Mention) -> bool:
    return mention.unit in _NUMBERED.get(mention.kind, ())


def _says(clause: str) -> frozenset[str]:
    """The pairs of characters outside names and figures, and the figures."""
    marks = {f"#{m.value} {m.unit}" for m in mentions(clause) if not _is_name(m)}
    gone = [(m.start, m.end) for m in mentions(clause)]
    gone += [match.span() for match in _OFFICE.finditer(clause)]
    gone += [(place.start, place.end) for place in places_in(clause)]
    for start, end in sorted(gone, reverse=True):
        clause = clause[:start] + " " * (end - start) + clause[end:]
    return frozenset(
        {clause[i : i + 2] for i in range(len(clause) - 1) if re.fullmatch(r"\w\w", clause[i : i + 2])} | marks
    )


def _weight(says: frozenset[str]) -> int:
    return sum(_FIGURE_WEIGHT if part.startswith("#") else 1 for part in says)
