"""Two sources that give different figures or dates for one thing: both are to be shown.

A false alarm is worse than a missed one, so whatever tells two values apart keeps them from contradicting each other: another
year, part of a year or place, a narrower thing (过夜游客 among 游客), a plan beside a result, a change beside a whole, a rounded or
vague figure that the other one fits.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import rjieba

from indexer.dates import not_after
from indexer.document import LEVELS, Document
from indexer.official import level_of
from indexer.retrieval import Library
from indexer.scope import published_date
from indexer.text import fold
from service.evidence import Evidence
from service.facts import Kind as Fact
from service.facts import Mention, agree, alike, mentions, readable, scene
from service.places import names_any, places
from service.question import Kind, Question, content_words, periods, years

# How many pieces of evidence are compared with the best, and how close to it they must come.
_COMPARED = 12
_SHARE_OF_BEST = 0.02
# Of the words around two figures this share must be the same, and this share of the question's words that stand around one
# must stand around the other, before they are taken to measure the same thing. Chosen so that none of the development
# questions without contradictory sources is told that sources differ.
_SAME_SCENE = 0.5
_SAME_ASKED = 0.75
_CLAUSES = re.compile(r"[;。!?\n|]")
_PLANNED = re.compile(r"计划|目标|力争|争取|预计|预期|规划|拟|将达")
# So many more are not so many: 新增助餐点74个 beside 助餐点179个. What it was raised to is a whole again.
_CHANGE = re.compile(r"(?:新增|净增|增加|增设|增派|新建|新设|新开|减少|净减|下降)(?![到至])")
# What stands between a thing and its figure, and what may stand before the thing without narrowing it down.
_FILLED = re.compile(r"(?:[为达到至有共约超过近逾了的计仅是]|完成|实现|突破)*$")
_WIDE = re.compile(r"^[全我本该各]|[年月底末度]$")
# How far two figures may lie apart when one is said to be about so much.
_ABOUT = Fraction(5, 100)


@dataclass(frozen=True)
class _Said:
    """A figure or date of a document, with the words around it, what stands before it in its sentence, and the years and parts of a
    year it is said of."""

    document: Document
    mention: Mention
    around: frozenset[str]
    lead: str
    years: frozenset[str]
    periods: frozenset[str]


def disagreeing(question: Question, evidence: Sequence[Evidence], library: Library) -> list[Evidence]:
    """The pieces of another document that give another value than the best piece for what is asked, one for each such document.

    `evidence` is that without a conflict, best first. Empty for questions that ask for no figure or date, and when the best
    piece is a list.
    """
    asks_value = question.kind is Kind.DATE or (question.form is not None and question.kind is not Kind.NAME)
    if not asks_value or not evidence or len(evidence[0].units) > 1:
        return []
    best = evidence[0]
    asked = frozenset(content_words(fold(question.resolved)))
    told = _said(question, best, library)
    found: dict[str, Evidence] = {}
    for piece in evidence[1:_COMPARED]:
        doc_id = piece.units[0].doc_id
        if piece.score < _SHARE_OF_BEST * best.score:
            break
        if doc_id == best.units[0].doc_id or doc_id in found or len(piece.units) > 1:
            continue
        others = _said(question, piece, library)
        if any(_contradict(one, other, asked) for one in told for other in others) and not _share_a_value(told, others):
            found[doc_id] = piece
    return list(found.values())


def source_names(documents: Sequence[Document]) -> str:
    """Issuer, or title where it is unknown, and date of each document, for people."""
    return "；".join(_source(document) for document in documents)


def precedence(documents: Sequence[Document]) -> str:
    """Which of several documents is of the higher level and which is newer, for people; empty where nothing tells them apart."""
    told = []
    levels = [LEVELS.index(level) if (level := level_of(d.metadata)) in LEVELS else None for d in documents]
    known = [level for level in levels if level is not None]
    if len(known) == len(documents) and len(set(known)) > 1:
        told.append(f"发布机关层级较高的是{_among(documents, levels, min(known))}")
    dates = [published_date(document) for document in documents]
    latest = max(dates)
    if all(dates) and any(not not_after(latest, date) for date in dates):
        told.append(f"发布较新的是{_among(documents, dates, latest)}")
    return f"其中{'，'.join(told)}。" if told else ""


def quoted_title(document: Document) -> str:
    """The title in 《》, titles within it in 〈〉."""
    title = document.title.strip()
    inner = title[1:-1] if title.startswith("《") and title.find("》") == len(title) - 1 else title
    return f"《{inner.replace('《', '〈').replace('》', '〉')}》"


def _among(documents: Sequence[Document], values: Sequence[object], wanted: object) -> str:
    chosen = [document for document, value in zip(documents, values, strict=True) if value == wanted]
    return "、".join(document.metadata.issuer or quoted_title(document) for document in chosen)


def _source(document: Document) -> str:
    metadata = document.metadata
    name = metadata.issuer or f"《{document.title}》"
    return f"{name}（{in_chinese(metadata.published)}）" if metadata.published else name


def in_chinese(date: str) -> str:
    """2024-04-18 as 2024年4月18日; what is no such date stays as it is."""
    parts = date.split("-")
    if not all(part.isdecimal() for part in parts) or len(parts) > 3:
        return date
    return "".join(f"{int(part)}{unit}" for part, unit in zip(parts, "年月日", strict=False))


def _said(question: Question, piece: Evidence, library: Library) -> list[_Said]:
    """The figures or dates of a piece that have the form asked for."""
    unit = piece.units[0]
    document = library.document(unit.doc_id)
    text = readable(fold(document.text[unit.start : unit.end]))
    kind = Fact.DATE if question.kind is Kind.DATE else Fact.FIGURE
    found = []
    for mention in mentions(text):
        fits = question.form is None or kind is Fact.DATE or question.form.search(mention.shown)
        if mention.kind is kind and not mention.indefinite and fits:
            surroundings = scene(text, mention)
            words = surroundings.near | surroundings.shared
            named = years("".join(word[1:] + "年" for word in words if word[0] == "#" and word[1:].isdecimal()))
            around = frozenset(word for word in words if word[0] != "#")
            lead = _CLAUSES.split(text[: mention.start])[-1]
            year = named or years(fold(document.metadata.period))
            found.append(_Said(document, mention, around, lead, year, periods(lead)))
    return found


def _places_of(document: Document) -> frozenset[str]:
    """Its region, or the places that its issuer and title name."""
    metadata = document.metadata
    region = fold(metadata.region)
    return frozenset({region}) if region else places(fold(f"{metadata.issuer} {document.title}"))


def _contradict(one: _Said, other: _Said, asked: frozenset[str]) -> bool:
    """Whether two values are of one thing, as far as the words around them tell, and differ."""
    if not alike(one.mention, other.mention) or _fit(one.mention, other.mention) or _fit(other.mention, one.mention):
        return False
    if bool(_PLANNED.search(one.lead)) != bool(_PLANNED.search(other.lead)):
        return False
    if one.mention.kind is Fact.FIGURE and (
        _is_change(one) != _is_change(other)
        or (one.years and other.years and not one.years & other.years)
        or one.periods != other.periods
        or _narrows(one.lead, other.lead)
    ):
        return False
    common = one.around & other.around
    fewest = min(len(one.around), len(other.around))
    here, there = asked & one.around, asked & other.around
    return (
        fewest > 0
        and len(common) >= _SAME_SCENE * fewest
        and bool(here | there)
        and len(here & there) >= _SAME_ASKED * len(here | there)
        and not _apart(one, other)
    )


def _is_change(said: _Said) -> bool:
    """Whether a figure tells how many more or fewer there are, by the words since the last comma."""
    return _CHANGE.search(said.lead.rpartition(",")[2]) is not None


def _fit(said: Mention, exact: Mention) -> bool:
    """Whether a value is the other one, perhaps rounded, or holds it: 46万余 and 超过40万 fit 46.2万."""
    if agree(said, exact):
        return True
    if not isinstance(said.value, Fraction) or not isinstance(exact.value, Fraction):
        return False
    number = re.search(r"\d+(?:\.(\d+))?", said.shown)
    if number is None or not said.value:
        return False
    step = said.value / Fraction(number.group()) / 10 ** len(number[1] or "")
    gap = exact.value - said.value
    return (
        abs(gap) <= step / 2
        or ("about" in said.qualifiers and abs(gap) <= _ABOUT * said.value)
        or (bool(said.qualifiers & {"above", "at least"}) and gap >= 0)
        or (bool(said.qualifiers & {"below", "at most", "nearly"}) and gap <= 0)
    )


def _apart(one: _Said, other: _Said) -> bool:
    """Whether two values are of two places, by what their sentences name, else by what their documents are of; a place that the
    other document names as well keeps nothing apart."""
    here, there = places(one.lead), places(other.lead)
    if here and there:
        return not names_any(here, " ".join(there)) and not names_any(there, " ".join(here))
    if not here and not there:
        here, there = _places_of(one.document), _places_of(other.document)
        if not here or not there:
            return False
    return not names_any(here, _everything(other.document)) and not names_any(there, _everything(one.document))


def _everything(document: Document) -> str:
    metadata = document.metadata
    return fold("\n".join((document.title, metadata.issuer, metadata.region, document.text)))


def _narrows(one: str, other: str) -> bool:
    """Whether what stands right before two figures is one thing, with a word before it in one place that is not in the other."""
    here, there = _FILLED.sub("", one), _FILLED.sub("", other)
    length = 0
    while length < min(len(here), len(there)) and here[-1 - length] == there[-1 - length]:
        length += 1
    # Before a verb stands who does it: 园区入驻企业.
    is_noun = length >= 2 and rjieba.tag(here[len(here) - length :])[0][1] != "v"
    return is_noun and _word_before(here[: len(here) - length]) != _word_before(there[: len(there) - length])


def _word_before(text: str) -> str:
    """The last word of a text when it describes what follows; verbs, times and 全县 do not."""
    words = rjieba.tag(re.split(r"[,、:(]", text)[-1])
    if not words or words[-1][1][0] in "dmpucrf" or words[-1][1] == "v" or _WIDE.search(words[-1][0]):
        return ""
    return words[-1][0]


def _share_a_value(told: Sequence[_Said], others: Sequence[_Said]) -> bool:
    return any(agree(one.mention, other.mention) for one in told for other in others)
