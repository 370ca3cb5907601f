"""Canonical text → outline: the tree of headings, as a list of sections in text order.

Headings are found by their markup (Markdown), their numbering (第一章, 一、, （一）, 1., （1）, PART 01, 表 1) or, in text that
lost both, by being short bare lines above prose, as slide titles and news headlines are. A law has its clauses for headings, down to
款, 项 and 目; an official document has those that run on in its lines (（一）加强领导。各部门……), its annexes and its signature besides.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from indexer.clauses import SIGNATURE, Tier, clauses
from indexer.document import Section
from indexer.official import Part, parts


class Rank(IntEnum):
    """How far up a heading stands by its form alone; a smaller rank is further out."""

    PART = 1  # 第一部分, 第一编, PART 01
    CHAPTER = 2  # 第一章, 一、
    ARTICLE = 3  # 第一节, （一）
    TITLE = 4  # a long bare line: a headline, a slide title
    ITEM = 5  # 1.
    SUBITEM = 6  # （1）
    TABLE = 7  # 表 1 …
    LABEL = 8  # a short bare line
    ROW = 9  # the number and name of a table row


_NUMERALS = "一二三四五六七八九十百零〇"
_MAX_HEADING = 60
_PATTERNS: tuple[tuple[re.Pattern[str], Rank], ...] = (
    (re.compile(rf"第[{_NUMERALS}\d]+(?:编|部分)(?=[\s　：:、]|$)|PART\s*\d+", re.IGNORECASE), Rank.PART),
    (re.compile(rf"第[{_NUMERALS}\d]+章(?=[\s　：:、]|$)|[{_NUMERALS}]{{1,3}}、"), Rank.CHAPTER),
    (re.compile(rf"第[{_NUMERALS}\d]+节(?=[\s　：:、]|$)|[（(][{_NUMERALS}]{{1,3}}[）)]"), Rank.ARTICLE),
    (re.compile(r"\d{1,2}[.．、](?!\d)"), Rank.ITEM),
    (re.compile(r"[（(]\d{1,2}[）)]"), Rank.SUBITEM),
    (re.compile(r"表\s*\d+(?=\s|[^\d\s])"), Rank.TABLE),
    (re.compile(r"\d{1,3}\s(?=[^\d\s])"), Rank.ROW),
)
_MARKDOWN = re.compile(r"(#{1,6})\s+(\S.*)")
# A numbered heading that is the first sentence of its line, and the text behind it.
_RUN_ON = re.compile(r"([^。；：:，]{3,40})。(?=\S)")
_TABLE_TITLE = re.compile(r"表\s*\d+\s*\S")
_DEEPEST = 7  # one below the deepest Markdown heading
_ENDS_PROSE = re.compile(r"[。！？；，、：:;!?,…]$")
_NOT_BARE = re.compile(r"[-*•●■▪◆√✓◇○|>]\s|[|—(（]|\*\*|https?:|(?:资料|数据)?来源|图\s*\d|注[:：]|——|\d+([.,]\d+)?%?$")


@dataclass(frozen=True)
class _Heading:
    start: int
    title: str
    rank: int
    hard: bool
    runs_on: bool = False
    clause: str = ""
    is_leaf: bool = False  # nothing stands under it


def outline(text: str, headings: Sequence[tuple[int, int]] = ()) -> list[Section]:
    """The sections of a canonical text, in text order, each with its path; empty when the text has no headings.

    `headings` are the lines that the file itself marks, as offset and level: each counts as a Markdown heading.

    A section reaches to the next heading that stands as far out as its own, so children lie inside their parents. The
    document's own title, a single Markdown heading above all others, is no section.
    """
    found = list(_headings(text, dict(headings)))
    ends = [len(text)] * len(found)
    paths: list[tuple[str, ...]] = []
    stack: list[int] = []
    for i, heading in enumerate(found):
        while stack and (found[stack[-1]].rank >= heading.rank or found[stack[-1]].is_leaf):
            ends[stack.pop()] = heading.start
        stack.append(i)
        paths.append(tuple(found[k].title for k in stack))
    return [
        Section(heading.title, path, len(path), heading.start, end, heading.hard, heading.runs_on, heading.clause)
        for heading, path, end in zip(found, paths, ends, strict=True)
    ]


def section_at(sections: Sequence[Section], offset: int) -> Section | None:
    """The innermost section that holds the character at `offset`; None when none does. `sections` are in text order."""
    for i in range(bisect_right(sections, offset, key=lambda section: section.start) - 1, -1, -1):
        if offset < sections[i].end:
            return sections[i]
    return None


def section_path(sections: Sequence[Section], offset: int) -> tuple[str, ...]:
    """Titles of the headings above the character at `offset`, outermost first."""
    section = section_at(sections, offset)
    return section.path if section is not None else ()


def _headings(text: str, levels: Mapping[int, int]) -> Iterator[_Heading]:
    lines = text.split("\n")
    marks = _marks(lines, levels)
    law = clauses(text, tuple(levels.items()))
    if law and len(marks) <= len(law):
        # What stands before the first chapter or article may be the document that issues the law.
        begin = law[0].start
        if issuing := [part for part in parts(text) if part.start < begin]:
            yield from _official_headings(text[:begin].rstrip("\n").split("\n"), issuing, annexed=True)
        for clause in law:
            hard, is_leaf = clause.tier <= Tier.ARTICLE, clause.title == SIGNATURE
            yield _Heading(clause.start, clause.title, clause.tier, hard, clause.runs_on, clause.address, is_leaf)
    elif len(marks) >= 3:
        yield from _markdown_headings(lines, marks)
    elif official := parts(text):
        yield from _official_headings(lines, official)
    else:
        yield from _plain_headings(lines, marks)


def _marks(lines: Sequence[str], levels: Mapping[int, int]) -> dict[int, tuple[int, str]]:
    """Level and title of each line that is marked as a heading, by its number."""
    found, start = {}, 0
    for i, line in enumerate(lines):
        if start in levels:
            found[i] = levels[start], line.strip()
        elif match := _MARKDOWN.match(line):
            found[i] = len(match.group(1)), match.group(2).strip()
        start += len(line) + 1
    return found


def _official_headings(lines: Sequence[str], official: Sequence[Part], *, annexed: bool = False) -> Iterator[_Heading]:
    """Headings by numbering, also where text runs on behind them, annexes and the signature; none in the head.

    `annexed` tells that another text follows, whose title is the last line, when that is behind the signature.
    """
    marks = {part.start: part for part in official if part.kind in ("annex", "signature")}
    body = next((part.start for part in official if part.kind == "body"), 0)
    signed = max((part.end for part in official if part.kind in ("signature", "date")), default=0)
    start = 0
    for i, line in enumerate(lines):
        part = marks.get(start)
        if part is not None and part.kind == "signature":
            yield _Heading(start, SIGNATURE, Rank.PART, True, runs_on=True, is_leaf=True)
        elif part is not None or (annexed and i == len(lines) - 1 and start > signed > 0 and len(line) <= _MAX_HEADING):
            yield _Heading(start, line.strip(), Rank.PART, True)
        elif start >= body and not line.startswith("第"):
            run_on = _RUN_ON.match(line)
            title = run_on.group(1) if run_on else line
            rank = _numbered(title)
            if rank is not None and rank != Rank.ROW:
                yield _Heading(start, title.strip(), rank, rank <= Rank.CHAPTER, runs_on=run_on is not None)
        start += len(line) + 1


def _markdown_headings(lines: list[str], marks: Mapping[int, tuple[int, str]]) -> Iterator[_Heading]:
    """Headings by their marks; where the marks of one kind of numbering disagree, the outermost holds for all."""
    found: list[tuple[int, str, int, Rank | None]] = []
    start = 0
    for i, line in enumerate(lines):
        if i in marks:
            level, title = marks[i]
            found.append((start, title, level, _numbered(title)))
        elif _TABLE_TITLE.match(line) and len(line) <= _MAX_HEADING:
            found.append((start, line, _DEEPEST, None))
        start += len(line) + 1
    level_of_kind: dict[Rank, int] = {}
    for _, _, level, kind in found:
        if kind is not None:
            level_of_kind[kind] = min(level, level_of_kind.get(kind, level))
    levels = [level if kind is None else level_of_kind[kind] for _, _, level, kind in found]
    # A single outermost heading is the title of the document, not a section of it.
    title_level = 1 if levels.count(1) == 1 and len(levels) > 1 else 0
    hard_level = min((level for level in levels if level > title_level), default=0)
    for (start, title, _, kind), level in zip(found, levels, strict=True):
        if level > title_level:
            yield _Heading(start, title, level, level == hard_level or (kind is not None and kind <= Rank.CHAPTER))


def _plain_headings(lines: list[str], marks: Mapping[int, tuple[int, str]]) -> Iterator[_Heading]:
    """Headings by their numbering, by one or two Markdown marks, or by standing bare above prose."""
    numbered = [_numbered(line) for line in lines]
    has_title = sum(level == 1 for level, _ in marks.values()) == 1
    # In a numbered document a bare line is a label inside a section; without numbers it is all the outline there is.
    is_numbered = sum(rank is not None and rank <= Rank.ITEM for rank in numbered) >= 4
    start = 0
    bare_rank = 0  # of the bare heading right above, 0 when the line above is none
    for i, line in enumerate(lines):
        rank, mark = numbered[i], marks.get(i)
        if mark is not None:
            level, title = mark
            if level > 1 or not has_title:
                kind = _numbered(title)
                outer = level if kind is None else kind
                yield _Heading(start, title, outer, outer <= Rank.CHAPTER)
            bare_rank = 0
        elif rank is not None:
            yield _Heading(start, line.strip(), rank, rank <= Rank.CHAPTER)
            bare_rank = 0
        elif _is_bare_heading(lines, i):
            following = lines[i + 1] if i + 1 < len(lines) else ""
            is_title = not is_numbered and (len(line) >= 14 or following.startswith("——"))
            bare_rank = bare_rank + 1 if bare_rank else (Rank.TITLE if is_title else Rank.LABEL)
            yield _Heading(start, line, bare_rank, False)
        else:
            bare_rank = 0
        start += len(line) + 1


def _numbered(line: str) -> Rank | None:
    """Rank of a heading by its numbering; None for prose that only begins with a number."""
    bare = line.replace("**", "").strip()
    if len(bare) > _MAX_HEADING or _ENDS_PROSE.search(bare) or bare.count("。") or "|" in bare or "\t" in line:
        return None
    return next((rank for pattern, rank in _PATTERNS if pattern.match(bare)), None)


def _is_bare_heading(lines: list[str], i: int) -> bool:
    """A short line without end punctuation that stands above something longer, or above another heading."""
    line = lines[i]
    if not 2 <= len(line) <= 40 or _ENDS_PROSE.search(line) or _NOT_BARE.match(line) or "\t" in line:
        return False
    if line.count(" ") >= 2 and max(len(cell) for cell in line.split()) <= 6:  # a table head
        return False
    following = next((other for other in lines[i + 1 : i + 4] if len(other) > 40 or _ENDS_PROSE.search(other)), None)
    return following is not None and len(following) > len(line)
