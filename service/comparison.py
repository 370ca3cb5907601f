"""What a question compares or asks for one by one: 江都区 and 丹崖县 in 江都区和丹崖县哪个多."""

import re
from collections.abc import Sequence

from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.text import fold
from service.evidence import Evidence
from service.question import Kind, Question
from service.rows import head_of

_ASKS = re.compile(
    r"哪[个家边种座条项所](?:更|最|较)?[先高多少大小低长短早晚快慢强重远]|分别|各.{0,3}[有是自占多为几叫属]|谁[更先高多]"
)
_LINK = re.compile(
    r"以及|(?<![共饱温总])和(?![平谐解睦])|(?<!参)与(?![会否])|(?<=[^\s])跟|(?<![占对相同环百])比(?![例重较率如方])|、"
)
_EDGE = re.compile(r"[\s\"“”‘’()《》的在对把被让从由是]")
_CLAUSES = re.compile(r"[,;:。?!]")
_RUN = re.compile(r"[a-z\d.]+")
_LONGEST = 12
# How far down the evidence the other side of a comparison is looked for, and how close to the best it must come.
_COMPARED = 12
_SHARE_OF_BEST = 0.02


def sides(question: Question) -> tuple[str, ...]:
    """The things that a question joins and compares, or asks for one by one, each by the fewest characters beside the joint that
    name no other: 都区, 丹崖. Empty when it does not."""
    folded = fold(question.resolved)
    if question.kind is not Kind.COMPARISON and not _ASKS.search(folded):
        return ()
    for clause in _CLAUSES.split(folded):
        series = _series(_LINK.split(clause))
        names = [_name(series, i) for i in range(len(series))]
        if len(names) > 1 and all(names):
            return tuple(dict.fromkeys(names))
    return ()


def _series(parts: Sequence[str]) -> list[str]:
    """What stands between the joints of a clause, up to the first part that goes on with something else."""
    series = [_EDGE.split(parts[0].rstrip())[-1][-_LONGEST:]]
    for part in parts[1:]:
        series.append(_EDGE.split(part.lstrip())[0][:_LONGEST])
        if _EDGE.search(part):
            break
    return series


def _name(series: Sequence[str], i: int) -> str:
    """Of the first of a series the end, of the last the beginning, of one between them all; empty where that names nothing."""
    part, others = series[i], [other for j, other in enumerate(series) if j != i]
    if 0 < i < len(series) - 1:
        return part if len(part) > 1 else ""
    for length in range(2, len(part) + 1):
        at = len(part) - length if i == 0 else length
        # A number or a foreign word is not cut.
        at = next(((m.start() if i == 0 else m.end()) for m in _RUN.finditer(part) if m.start() < at < m.end()), at)
        name = part[at:] if i == 0 else part[:at]
        if not any(name in other for other in others):
            return name
    return ""


def missing_sides(question: Question, fitting: Sequence[Evidence], library: Library) -> list[Evidence]:
    """For each thing that the question compares and the best piece does not speak of, the best piece that does, if there is one.

    `fitting` is the evidence without a conflict, best first.
    """
    found: list[Evidence] = []
    for side in sides(question):
        near = [piece for piece in fitting[:_COMPARED] if piece.score >= _SHARE_OF_BEST * fitting[0].score]
        naming = [piece for piece in near if side in _about(piece, library)]
        if naming and fitting[0] not in naming and naming[0] not in found:
            found.append(naming[0])
    return found


def _about(piece: Evidence, library: Library) -> str:
    """What tells what a piece is about, folded: its words, the head of its table, its headings and the title."""
    first = piece.units[0]
    document = library.document(first.doc_id)
    head = head_of(document.text, first)
    words = [document.text[unit.start : unit.end] for unit in (*piece.units, *([head] if head else []))]
    path = section_path(library.outline(first.doc_id), first.start)
    return fold("\n".join((*words, *path, document.title)))
