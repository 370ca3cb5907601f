"""Does a candidate speak of another year, place or numbered thing than the one asked for?"""

from dataclasses import dataclass

from indexer.text import fold
from service.candidates import Candidate
from service.numbered import numbered
from service.places import names_any, rivals
from service.question import Question, years


@dataclass(frozen=True)
class Conflict:
    """The years, places or numbered things that a text speaks of, `said`, where the question asks for others, `asked`; in Chinese."""

    said: str
    asked: str


def conflict(question: Question, candidate: Candidate) -> Conflict | None:
    """The other year, place or numbered thing that a candidate is about instead of the one asked for; None when it fits or names
    none."""
    return _other_year(question, candidate) or _other_place(question, candidate) or _other_number(question, candidate)


def _other_year(question: Question, candidate: Candidate) -> Conflict | None:
    """The years that the units or their row name, when the question asks for one that they and their headings lack."""
    setting = candidate.setting
    named = years(candidate.folded) or (years(setting.line) if candidate.is_row else frozenset())
    if not question.years or not named or question.years & (named | years(setting.path) | years(setting.document)):
        return None
    return Conflict(*("、".join(f"{year}年" for year in sorted(group)) for group in (named, question.years)))


def _other_place(question: Question, candidate: Candidate) -> Conflict | None:
    """The places that the units are about, by the nearest that names one, when the question asks for another."""
    asked, setting = question.places, candidate.setting
    own = candidate.folded
    if not asked or names_any(asked, "\n".join((own, setting.line, setting.before, setting.path))):
        return None
    for text in (own, setting.line, setting.path, setting.document):
        if names_any(asked, text):
            return None
        if about := rivals(asked, text):
            return Conflict("、".join(sorted(about)), "、".join(sorted(asked)))
    return None


def _other_number(question: Question, candidate: Candidate) -> Conflict | None:
    """The numbered things of the kind asked for that the units are about, by the nearest that names one, when it is none of those
    asked for."""
    setting = candidate.setting
    asked = numbered(fold(question.resolved))
    around = "\n".join((candidate.folded, setting.line, setting.before, setting.path, setting.document))
    for kind in sorted({thing.kind for thing in asked}):
        wanted = {thing for thing in asked if thing.kind == kind}
        if wanted & numbered(around):
            continue
        # A document about the third of something still tells of other things what they are without a number.
        for text in (candidate.folded, setting.line, setting.path):
            if about := {thing for thing in numbered(text) if thing.kind == kind}:
                return Conflict(*("、".join(map(str, sorted(group))) for group in (about, wanted)))
    return None
