"""Canonical text → outline: the tree of headings, as a list of sections in text order.

Headings are found by their markup (Markdown), their numbering (第一章, 一、, （一）, 1., （1）, PART 01, 表 1) or, in text that
lost both, by being short bare lines above prose, as slide titles and news headlines are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from indexer.document import Section


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


def outline(text: str) -> list[Section]:
    """The sections of a canonical text, in text order, each with its path; empty when the text has no headings.

    A section reaches to the next heading that stands as far out as its own, so children lie inside their parents. The
    document's own title, a single Markdown heading above all others, is no section.
    """
    headings = list(_headings(text))
    sections: list[Section] = []
    stack: list[_Heading] = []
    for i, heading in enumerate(headings):
        while stack and stack[-1].rank >= heading.rank:
            stack.pop()
        stack.append(heading)
        end = next((later.start for later in headings[i + 1 :] if later.rank <= heading.rank), len(text))
        path = tuple(part.title for part in stack)
        sections.append(Section(heading.title, path, len(stack), heading.start, end, heading.hard))
    return sections


def section_path(sections: list[Section], offset: int) -> tuple[str, ...]:
    """Titles of the headings above the character at `offset`, outermost first."""
    path: tuple[str, ...] = ()
    for section in sections:
        if section.start > offset:
            break
        if offset < section.end:
            path = section.path
    return path


def _headings(text: str) -> Iterator[_Heading]:
    lines = text.split("\n")
    if sum(_MARKDOWN.match(line) is not None for line in lines) >= 3:
        yield from _markdown_headings(lines)
    else:
        yield from _plain_headings(lines)


def _markdown_headings(lines: list[str]) -> Iterator[_Heading]:
    """Headings by their marks; where the marks of one kind of numbering disagree, the outermost holds for all."""
    found: list[tuple[int, str, int, Rank | None]] = []
    start = 0
    for line in lines:
        match = _MARKDOWN.match(line)
        if match:
            title = match.group(2).strip()
            found.append((start, title, len(match.group(1)), _numbered(title)))
        elif (match := _TABLE_TITLE.match(line)) and len(line) <= _MAX_HEADING:
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


def _plain_headings(lines: list[str]) -> Iterator[_Heading]:
    """Headings by their numbering, by one or two Markdown marks, or by standing bare above prose."""
    numbered = [_numbered(line) for line in lines]
    marks = [_MARKDOWN.match(line) for line in lines]
    has_title = sum(mark is not None and len(mark.group(1)) == 1 for mark in marks) == 1
    # In a numbered document a bare line is a label inside a section; without numbers it is all the outline there is.
    is_numbered = sum(rank is not None and rank <= Rank.ITEM for rank in numbered) >= 4
    start = 0
    bare_rank = 0  # of the bare heading right above, 0 when the line above is none
    for i, line in enumerate(lines):
        rank, mark = numbered[i], marks[i]
        if mark is not None:
            level, title = len(mark.group(1)), mark.group(2).strip()
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
    if len(bare) > _MAX_HEADING or _ENDS_PROSE.search(bare) or bare.count("。") or "|" in bare:
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
