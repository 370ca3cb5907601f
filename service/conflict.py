"""Does a candidate speak of another year, place or numbered thing than the one asked for?"""

import re
from dataclasses import dataclass

from service.candidates import Candidate
from service.numbered import numbered
from service.places import names_any, rivals
from service.question import Question, years

# What a thing is compared or connected with is not what the sentence is about.
_COMPARED = re.compile(r"(?:比|较|与|跟|同|于|换乘|衔接)\s*(?:第\s*)?[\d一二三四五六七八九十]+(?:号\w|[批期轮届])")
_STOP = re.compile(r"[。！？!?;；]")


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
    """The numbered things of the kind asked for that the units are about, by the nearest text that names one, when it is none of
    those asked for.

    A heading tells what stands below it, the title of a document not: about the third batch it still speaks of other things.
    """
    asked = question.numbered
    if not asked:
        return None
    setting = candidate.setting
    nearest = (candidate.folded, *_before_in_line(candidate), setting.path)
    for kind in sorted({thing.kind for thing in asked}):
        wanted = {thing for thing in asked if thing.kind == kind}
        for text in nearest:
            about = {thing for thing in numbered(_COMPARED.sub("", text)) if thing.kind == kind}
            if about and not wanted & numbered(text):
                return Conflict(*("、".join(map(str, sorted(group))) for group in (about, wanted)))
            if about:
                break
    return None


def _before_in_line(candidate: Candidate) -> list[str]:
    """What stands before a sentence in its paragraph, by sentences, the last first; of a row all of it."""
    line = candidate.setting.line
    start = line.find(candidate.folded)
    return [line] if candidate.is_row or start < 0 else list(reversed(_STOP.split(line[:start])))
