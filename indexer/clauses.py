"""The clauses of a law or official rule: 编, 分编, 章, 节, 条, 款, 项, 目.

An article is a line that begins with its number, 第十二条 or 第十二条之一, and stands in the order of the others; a line that
begins with a reference to one (第十二条第二款规定的……) does not. Within an article every line is a 款, save the items （一） and
sub-items 1. that belong to the 款 above them. Where an article has a single 款, its items stand right under it, as they are cited.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

from indexer.dates import WRITTEN
from indexer.lines import is_row
from indexer.numerals import NUMERAL, in_chinese, number_of

# A text with fewer articles than this is no law, unless these begin with 第一条.
_FEWEST = 3


class Tier(IntEnum):
    """How far out a clause stands; a smaller tier is further out."""

    BOOK = 1  # 第一编, 附件
    SUBBOOK = 2  # 第一分编
    CHAPTER = 3  # 第一章
    SECTION = 4  # 第一节
    ARTICLE = 5  # 第一条
    PARAGRAPH = 6  # 款: a paragraph of an article
    ITEM = 7  # （一）
    SUBITEM = 8  # 1.


@dataclass(frozen=True)
class Clause:
    """A clause that begins at `start`, the first character of a line; `address` is 第八条, 第二款, 第（三）项 or 第1目, else empty.

    `runs_on` tells that the line goes on with text, so that it is more than a heading.
    """

    start: int
    title: str
    tier: Tier
    address: str
    runs_on: bool


@dataclass(frozen=True)
class Anomaly:
    """An article number that is out of order: `kind` is `missing` (before it numbers are left out), `repeated` or `backwards`."""

    start: int
    number: str
    kind: str


@dataclass(frozen=True)
class _Line:
    start: int
    text: str
    bare: str  # without markup and white space at its ends
    is_within: bool  # cut off from the line before it, for an article may begin here


@dataclass(frozen=True)
class _Around:
    """The lines of the first and the last article, and for each short line where the same comes last."""

    first: int
    last: int
    lines: Mapping[str, int]


@dataclass(frozen=True)
class _Article:
    line: int
    number: tuple[int, int]  # 第十二条之一 is (12, 1)
    label: str
    rest: str
    is_within: bool


_BOOK = re.compile(rf"第\s*{NUMERAL}\s*(编|分编|章|节)(?=[\s　：:]|$|[^\s、，。；的规所和至])")
_TIERS = {"编": Tier.BOOK, "分编": Tier.SUBBOOK, "章": Tier.CHAPTER, "节": Tier.SECTION}
ARTICLE = re.compile(rf"第\s*(?P<number>{NUMERAL})\s*条(?:\s*之\s*(?P<sub>[一二三四五六七八九十\d]+))?")
# What goes on so is spoken of, not begun: 第十二条第二款规定的, 第十二条至第十五条, 第十二条的规定, 第十二条、第十三条.
_REFERRED = re.compile(
    rf"\s*(?:(?:第\s*{NUMERAL}|前)\s*[款项目条]|第\s*[（(]{NUMERAL}[）)]\s*[项目]|[的至和与及或、，,；;。）)》”]|规定|所[称列指述]|中(?!华|国|央|小|等|外|医|西)"
    r"|(?:修改|改)为|第[一二三四五六七八九十]+[款项])"
)
_ITEM = re.compile(r"[（(]\s*([一二三四五六七八九十百]{1,4})\s*[）)]")
_SUBITEM = re.compile(r"[（(]\s*(\d{1,2})\s*[）)]|(\d{1,2})\s*[.．、](?!\d)|([①-⑳])")
_ANNEX = re.compile(r"(?:附件|附表|附录|附图|附)\s*(?:[一二三四五六七八九十\d]{1,3})?\s*(?:[：:]|$|\s)")
_CAPTION = re.compile(r"[【\[〔](?P<name>[^】\]〕]{1,40})[】\]〕]|[（(](?P<round>[^）)]{1,20})[）)](?=\s*\S)")
_MARKS = re.compile(r"^(?:#{1,6}\s+|[\s　]+)+|\*\*|^>\s*")
_PROSE_END = re.compile(r"[。；;：:，,！!？?]$")
SIGNATURE = "落款"
"""The title of the section that a signature and what stands under it are."""
_CLOSING = re.compile(rf"抄送[：:].*|.{{0,40}}{WRITTEN}\s*(?:印发)?")
_LONGEST_NAME = 45
_MARKDOWN = re.compile(r"(#{1,6})\s+\S")
_SPACE = re.compile(r"\s+")
_ENUMERATED = re.compile(r"[一二三四五六七八九十]{1,3}、")
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
# Behind the end of a sentence and before a number that is set off.
_WITHIN = re.compile(rf"[。；：][\s　]*(?=第{NUMERAL}条(?:之[一二三四五六七八九十]+)?[\s　])")
_LONGEST_HEADING, _LONGEST_CAPTION = 60, 30


def clauses(text: str, headings: Sequence[tuple[int, int]] = ()) -> list[Clause]:
    """The clauses of a canonical text in text order; empty unless it has enough articles to be a law.

    Lines that the file marks as headings, as Markdown does or at the offsets of `headings` with their levels, are chapters where
    their words do not say what they are; the only one of the outermost level is the title.
    """
    lines, articles = _read(text)
    is_law = len(articles) >= _FEWEST or [article.number for article in articles] == [(1, 0), (2, 0)]
    if not is_law:
        return []
    levels = dict(headings)
    marked = {i: level for i, line in enumerate(lines) if (level := levels.get(line.start) or _level(line.text))}
    outermost = [level for level in marked.values() if level == 1]
    shown = {i: level for i, level in marked.items() if level > 1 or len(outermost) > 1}
    chapter = min(shown.values(), default=0)
    tiers = {i: Tier.CHAPTER if level == chapter else Tier.SECTION for i, level in shown.items()}
    return list(_clauses(lines, {article.line: article for article in articles}, tiers))


def _level(line: str) -> int:
    """The level of a Markdown heading; 0 for another line."""
    match = _MARKDOWN.match(line)
    return len(match.group(1)) if match else 0


def anomalies(text: str) -> list[Anomaly]:
    """Where the numbers of the articles of a text do not count up one by one."""
    lines, accepted = _read(text)
    found: list[Anomaly] = []
    for before, article in zip([None, *accepted], accepted, strict=False):
        last = before.number if before else (0, 0)
        if not _follows(last, article.number) and article.number != (1, 0):
            kind = "missing" if article.number > last else "repeated" if article.number == last else "backwards"
            found.append(Anomaly(lines[article.line].start, article.label, kind))
    return found


def _read(text: str) -> tuple[list[_Line], list[_Article]]:
    """The lines of a text, cut where an article begins within one, and the articles that they begin."""
    lines: list[_Line] = []
    start = 0
    for row in text.split("\n"):
        cuts = [0, *(match.end() for match in _WITHIN.finditer(row)), len(row)]
        for a, b in pairwise(cuts):
            lines.append(_Line(start + a, row[a:b], _MARKS.sub("", row[a:b]).strip(), a > 0))
        start += len(row) + 1
    whole: list[_Line] = []
    begun = {article.line for article in _articles(lines)}
    for i, line in enumerate(lines):
        if line.is_within and i not in begun:
            whole[-1] = replace(whole[-1], text=whole[-1].text + line.text, bare=f"{whole[-1].bare} {line.bare}")
        else:
            whole.append(line)
    return whole, _articles(whole)


def _articles(lines: Sequence[_Line]) -> list[_Article]:
    """What begins an article, in order."""
    candidates: list[tuple[_Article, bool]] = []
    for i, line in enumerate(lines):
        match = ARTICLE.match(line.bare)
        if match is None:
            continue
        rest = line.bare[match.end() :]
        sub = match["sub"]
        number = (number_of(match["number"]), number_of(sub) if sub else 0)
        label = f"第{in_chinese(number[0]) if number[0] else '零'}条" + (f"之{in_chinese(number[1])}" if sub else "")
        is_set_off = not rest or rest[0].isspace() or rest[0] in "【[〔：:"
        if is_set_off or not _REFERRED.match(rest):
            candidates.append((_Article(i, number, label, rest, line.is_within), is_set_off))
    kept: list[_Article] = []
    for k, (article, is_set_off) in enumerate(candidates):
        last = kept[-1].number if kept else (0, 0)
        coming = [later.number for later, _ in candidates[k + 1 : k + 40]]
        # Within a line only the very next one begins: anything else is spoken of.
        if _follows(last, article.number) if article.is_within else _fits(last, article.number, is_set_off, coming):
            kept.append(article)
    return kept


def _fits(last: tuple[int, int], number: tuple[int, int], is_set_off: bool, coming: Sequence[tuple[int, int]]) -> bool:
    """Whether an article of this number may stand here: the next one, the first of another text, or one after a gap."""
    if _follows(last, number):
        # The same number soon after, itself followed by its next: this one was a reference.
        return is_set_off or number not in coming[:2]
    if number == (1, 0):
        return is_set_off or (2, 0) in coming[:5]
    if not is_set_off:
        return False
    next_one = (last[0] + 1, 0)
    if number > last:
        return next_one not in coming  # what is missing here does not come later
    # Lower than the last: another text begins in the middle, or a number was typed twice.
    return number == last or (next_one not in coming and (number[0] + 1, 0) in coming[:2])


def _follows(last: tuple[int, int], number: tuple[int, int]) -> bool:
    return number in ((last[0] + 1, 0), (last[0], last[1] + 1), (last[0] + 1, 1)) and number != (0, 1)


def _clauses(lines: Sequence[_Line], articles: Mapping[int, _Article], marked: Mapping[int, Tier]) -> Iterator[Clause]:
    around = _Around(
        min(articles),
        max(articles),
        {_SPACE.sub("", line.bare): i for i, line in enumerate(lines) if len(line.bare) <= _LONGEST_HEADING},
    )
    body: list[int] = []  # lines of the article that is open
    open_article: _Article | None = None
    closed = False
    for i, line in enumerate(lines):
        outer = None if i in articles else _outer(lines, i, around)
        if outer is None and i in marked and i not in articles:
            outer = marked[i], line.bare
        if i not in articles and outer is None:
            if open_article is not None:
                body.append(i)
            continue
        if open_article is not None:
            yield from _inner(lines, open_article, body)
            open_article, body = None, []
        if outer is not None:
            if outer[1] != SIGNATURE or not closed:
                yield Clause(line.start, outer[1], outer[0], "", outer[1] == SIGNATURE)
            closed = closed or outer[1] == SIGNATURE
            continue
        article = articles[i]
        title, has_text = _title(article, lines[i + 1].bare if i + 1 < len(lines) else "")
        yield Clause(line.start, title, Tier.ARTICLE, article.label, has_text)
        open_article, body = article, [i] if has_text else []
    if open_article is not None:
        yield from _inner(lines, open_article, body)


def _outer(lines: Sequence[_Line], i: int, around: _Around) -> tuple[Tier, str] | None:
    """Tier and title of a heading outside the articles; None for any other line, and for one of the table of contents."""
    line = lines[i].bare
    if not line or len(line) > _LONGEST_HEADING:
        return None
    if i > around.first and _ANNEX.match(line):
        return Tier.BOOK, line
    if i > around.last and _closes(lines, i):
        return Tier.BOOK, SIGNATURE
    if _PROSE_END.search(line):
        return None
    match = _BOOK.match(line)
    if match is not None:
        is_listed = i < around.first and around.lines[_SPACE.sub("", line)] > i
        return None if is_listed else (_TIERS[match[1]], line)
    return (Tier.CHAPTER, line) if i > around.last and _ENUMERATED.match(line) else None


def _closes(lines: Sequence[_Line], i: int) -> bool:
    """Whether a line behind the last article belongs to the signature, the date under it or the imprint."""
    if _CLOSING.fullmatch(lines[i].bare):
        return True
    names = [line.bare for line in lines[i : i + 4]]
    dated = next((k for k, name in enumerate(names) if re.fullmatch(WRITTEN, name)), 0)
    return dated > 0 and not any(_PROSE_END.search(name) or len(name) > _LONGEST_NAME for name in names[:dated])


def _title(article: _Article, following: str) -> tuple[str, bool]:
    """The title of an article with its caption, if it has one, and whether its line goes on with text."""
    rest = article.rest.strip().lstrip("：:").strip()
    caption = _CAPTION.match(rest)
    if caption is not None and caption["name"]:
        name = caption["name"].strip()
        return f"{article.label} {name}", bool(rest[caption.end() :].strip())
    if rest and len(rest) <= _LONGEST_CAPTION and not _PROSE_END.search(rest) and following and _is_text(following):
        return f"{article.label} {rest}", False
    return article.label, bool(rest)


def _is_text(line: str) -> bool:
    return ARTICLE.match(line) is None and _PROSE_END.search(line) is not None and not _ITEM.match(line)


def _inner(lines: Sequence[_Line], article: _Article, body: Sequence[int]) -> Iterator[Clause]:
    """The 款, 项 and 目 of an article."""
    kinds = [_kind(lines[i], is_first=i == article.line) for i in body]
    several = sum(kind is Tier.PARAGRAPH for kind in kinds) > 1
    paragraphs = 0
    for line, kind in zip((lines[i] for i in body), kinds, strict=True):
        address = ""
        if kind is Tier.PARAGRAPH:
            paragraphs += 1
            address = f"第{in_chinese(paragraphs)}款" if several else ""
        elif kind is Tier.ITEM and (match := _ITEM.match(line.bare)):
            address = f"第（{match[1]}）项"
        elif kind is Tier.SUBITEM and (match := _SUBITEM.match(line.bare)):
            number = match[1] or match[2] or str(_CIRCLED.index(match[3]) + 1)
            address = f"第{int(number)}目"
        if kind is not None and address:
            yield Clause(line.start, address, kind, address, True)


def _kind(line: _Line, *, is_first: bool) -> Tier | None:
    """What a line within an article is; None for a row of a table and the like."""
    if is_first:
        return Tier.PARAGRAPH
    if not line.bare or is_row(line.text):
        return None
    if _ITEM.match(line.bare):
        return Tier.ITEM
    return Tier.SUBITEM if _SUBITEM.match(line.bare) else Tier.PARAGRAPH
