"""Does a candidate speak of another year or place than the one asked for?"""

from dataclasses import dataclass

from service.candidates import Candidate
from service.places import names_any, rivals
from service.question import Question, years


@dataclass(frozen=True)
class Conflict:
    """The years or places that a text speaks of, `said`, where the question asks for others, `asked`; in Chinese."""

    said: str
    asked: str


def conflict(question: Question, candidate: Candidate) -> Conflict | None:
    """The other year or place that a candidate is about instead of the one asked for; None when it fits or names none."""
    return _other_year(question, candidate) or _other_place(question, candidate)


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
