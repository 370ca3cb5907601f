"""Lines of a text file → canonical text, with a map back to the lines.

Text taken from PDFs breaks every printed line, keeps page numbers and running heads in the middle of sentences and flattens
tables cell by cell. The repair only ever removes white space, page furniture and footnote marks and joins lines; every other
character stays as it is. What kind of file it is (marked wraps, plain wraps, whole paragraphs) is measured over the whole
file, never guessed from one line.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum
from statistics import median, quantiles

from indexer.document import LineMap

TERMINAL = "。！？；…!?;"
_CLOSERS = "”’）》」』】)\"'*"
_PAGE_MARK = re.compile(
    r"第\s*\d{1,4}\s*页(?:\s*[,，/]?\s*共\s*\d{1,4}\s*页)?|[Pp]age\s*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?|[-—–－]\s*\d{1,4}\s*[-—–－]"
)
_BARE_NUMBER = re.compile(r"\d{1,4}")
_ROW_NUMBER = re.compile(r"\d{1,3}")
_LIST_ITEM = re.compile(r"(?!\*\*)[-*•●■▪◆√✓◇○]\s*\S|——\S")
_NUMBERED = re.compile(
    r"第[一二三四五六七八九十百零〇\d]+(?:编|部分|章|节|条)|[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[）)]"
    r"|\d{1,2}(?:[、.．](?!\d))|[（(]\d{1,2}[）)]|[①-⑳]|PART\s*\d|附件|附录|[图表]\s*\d"
)
_MARKDOWN_HEADING = re.compile(r"#{1,6}\s")
_FOOTNOTE = re.compile(r"(?:资料来源|数据来源|来源|注)\s*[:：]")


class Style(Enum):
    """How a file shows where a paragraph ends."""

    MARKDOWN = "a blank line or markup"
    MARKED = "a trailing space"
    WRAPPED = "a line shorter than the others"
    WHOLE = "the end of the line"


@dataclass(frozen=True)
class Layout:
    """Canonical text with its way back to the original; see `indexer.document.Document`."""

    text: str
    line_map: LineMap
    breaks: tuple[int, ...]
    style: Style


@dataclass(frozen=True)
class _Line:
    number: int  # 1-based in the original
    text: str  # without white space at its ends
    leads: bool  # white space before it: in marked files the top of a page
    trails: bool  # white space after it: in marked files the end of a paragraph
    gap: int  # blank lines before it
    indent: bool  # starts with full-width spaces, as a typed paragraph does
    after_furniture: bool = False


def repair(text: str, *, markdown: bool, first_line: int = 1) -> Layout:
    """The canonical text of `text` (line ends are `\\n`), one paragraph a line and no empty lines.

    `first_line` is the number of the first line of `text` in its file.
    """
    lines = _read(text, first_line)
    style = Style.MARKDOWN if markdown else _style(lines)
    if style is not Style.MARKDOWN:
        lines = _without_furniture(lines, style)
    joined = _joined_titles(lines) if style is Style.WHOLE else frozenset()
    width, usual_gap = _width(lines), _usual_gap(lines)
    words = frozenset(re.findall(r"[A-Za-z0-9]+", text))
    parts: list[str] = []
    starts: list[int] = []
    numbers: list[int] = []
    breaks: list[int] = []
    offset = 0
    for i, line in enumerate(lines):
        if i:
            glue = "\n"
            if i in joined or _continues(lines[i - 1], line, lines[i + 1 : i + 3], style, width, usual_gap):
                glue = _glue(lines[i - 1].text, line.text, words)
            elif style is Style.MARKED and _ROW_NUMBER.fullmatch(lines[i - 1].text) and _is_bare(line.text):
                glue = " "  # the number and the name of a table row, two cells of one line
            if line.after_furniture and glue != "\n":
                breaks.append(offset + len(glue))
            parts.append(glue)
            offset += len(glue)
        starts.append(offset)
        numbers.append(line.number)
        parts.append(line.text)
        offset += len(line.text)
    return Layout("".join(parts), LineMap(tuple(starts), tuple(numbers)), tuple(breaks), style)


def _read(text: str, first_line: int) -> list[_Line]:
    lines: list[_Line] = []
    gap = 0
    for number, raw in enumerate(text.split("\n"), start=first_line):
        stripped = raw.strip()
        if not stripped:
            # A line of spaces right under a line of text ends that line's paragraph: PDF tools break after a footnote mark.
            if raw and lines and not gap:
                lines[-1] = replace(lines[-1], trails=True)
            gap += 1
            continue
        leads, trails = raw[0].isspace(), raw[-1].isspace()
        lines.append(_Line(number, stripped, leads, trails, gap, raw.startswith("\u3000\u3000")))
        gap = 0
    return lines


def _finished(text: str) -> bool:
    return text.rstrip(_CLOSERS).endswith(tuple(TERMINAL + "：:"))


def _width(lines: list[_Line]) -> int:
    """Width in characters of a full printed line."""
    lengths = [len(line.text) for line in lines]
    return int(quantiles(lengths, n=10)[8]) if len(lengths) > 1 else max(lengths, default=0)


def _usual_gap(lines: list[_Line]) -> float:
    """Blank lines between two lines of text, as most have it."""
    return median(line.gap for line in lines[1:]) if len(lines) > 1 else 0


def _style(lines: list[_Line]) -> Style:
    finished = [line.trails for line in lines if _finished(line.text)]
    open_ended = [line.trails for line in lines if not _finished(line.text)]
    if len(finished) >= 5 and open_ended:
        # Paragraph ends carry the space, the line ends inside a paragraph do not.
        share_finished, share_open = sum(finished) / len(finished), sum(open_ended) / len(open_ended)
        if share_finished >= 0.6 and share_open <= 0.5:
            return Style.MARKED
    width = _width(lines)
    full = sum(0.8 * width <= len(line.text) <= 1.25 * width for line in lines)
    cut = sum(0.8 * width <= len(line.text) <= 1.25 * width and not _finished(line.text) for line in lines)
    if len(lines) >= 8 and 12 <= width <= 60 and full >= 0.4 * len(lines) and cut >= 0.25 * len(lines):
        return Style.WRAPPED
    return Style.WHOLE


def _without_furniture(lines: list[_Line], style: Style) -> list[_Line]:
    """The lines without page numbers, running heads, repeated table heads and footnote marks."""
    width, usual_gap = _width(lines), _usual_gap(lines)
    drop = {i for i in range(len(lines)) if _is_page_number(lines, i, usual_gap)}
    if style is Style.WRAPPED:
        drop |= _numbers_inside_sentences(lines, width)
    drop |= _running_heads(lines, drop, style, width)
    marks = {i for i in range(1, len(lines)) if not {i - 1, i} & drop and _is_footnote_mark(lines, i, style)}
    kept: list[_Line] = []
    removed = False
    for i, line in enumerate(lines):
        if i in marks:
            kept[-1] = replace(kept[-1], trails=kept[-1].trails or line.trails)
        if i in drop or i in marks:
            removed = True
            continue
        kept.append(replace(line, after_furniture=removed))
        removed = False
    return kept


def _is_page_number(lines: list[_Line], i: int, usual_gap: float) -> bool:
    """A number set off by more white space than paragraphs are, or one that says it is a page."""
    line = lines[i]
    if _PAGE_MARK.fullmatch(line.text):
        return True
    if not _BARE_NUMBER.fullmatch(line.text):
        return False
    gap_after = lines[i + 1].gap if i + 1 < len(lines) else usual_gap + 2
    return line.gap >= usual_gap + 2 and gap_after >= usual_gap + 2


def _numbers_inside_sentences(lines: list[_Line], width: int) -> set[int]:
    """Bare numbers that cut a full, unfinished line from its continuation, where they count upwards as pages do."""
    found = [
        i
        for i in range(1, len(lines) - 1)
        if _BARE_NUMBER.fullmatch(lines[i].text)
        and len(lines[i - 1].text) >= 0.8 * width
        and not _finished(lines[i - 1].text)
        and len(lines[i + 1].text) >= 0.5 * width
    ]
    values = [int(lines[i].text) for i in found]
    return set(found) if values == sorted(set(values)) else set()


def _running_heads(lines: list[_Line], page_numbers: set[int], style: Style, width: int) -> set[int]:
    """Lines that come back on most pages next to the page number, at page tops, or in the middle of sentences."""
    where: dict[str, list[int]] = {}
    for i, line in enumerate(lines):
        if i not in page_numbers and len(line.text) <= 80 and not _BARE_NUMBER.fullmatch(line.text):
            where.setdefault(re.sub(r"\d+", "0", line.text), []).append(i)
    repeated = [places for places in where.values() if len(places) >= 2]
    drop: set[int] = set()
    for _ in range(3):  # a head of up to three lines, from the page number outwards
        furniture = page_numbers | drop
        for places in repeated:
            if 2 * len(places) > len(page_numbers) and all({i - 1, i + 1} & furniture for i in places):
                drop.update(places)
    for places in repeated:
        if len({lines[i].text for i in places}) > 1:
            continue
        tops = [i for i in places if lines[i].leads and style is Style.MARKED]
        if len(places) / 2 < len(tops) < len(places):  # a table head, repeated wherever a page cuts its table
            drop.update(tops)
        cutting = [i for i in places if 0 < i < len(lines) - 1 and _cuts_sentence(lines[i - 1 : i + 2], width)]
        if len(places) >= 3 and 2 * len(cutting) > len(places):
            drop.update(places)
    return drop


def _cuts_sentence(around: list[_Line], width: int) -> bool:
    """Whether the middle one of three lines stands in a sentence of the other two."""
    before, line, after = around
    # A line that ends a sentence is the last one of a paragraph: 建设。 may well come back.
    is_cut = len(before.text) >= 0.8 * width and not _finished(before.text) and not _finished(line.text)
    return is_cut and not _NUMBERED.match(after.text)


def _is_footnote_mark(lines: list[_Line], i: int, style: Style) -> bool:
    """A number on a line of its own glued under a line of text, as superscripts come out; not the note itself."""
    line = lines[i]
    if not re.fullmatch(r"\d{1,2}|[①-⑳]", line.text) or line.gap or line.leads or lines[i - 1].trails:
        return False
    following = lines[i + 1] if i + 1 < len(lines) else None
    if following is None or following.gap or line.trails:
        return line.trails and style is Style.MARKED
    return following.text[0] in "。，、；：）,.;:)"


def _continues(before: _Line, line: _Line, following: list[_Line], style: Style, width: int, usual_gap: float) -> bool:
    """Whether `line` goes on with the paragraph of `before`."""
    if style is Style.MARKDOWN:
        return _continues_markdown(before, line)
    if (
        _MARKDOWN_HEADING.match(line.text)
        or _MARKDOWN_HEADING.match(before.text)
        or _is_table_row(before.text, line.text)
    ):
        return False
    if _BARE_NUMBER.fullmatch(before.text) and _FOOTNOTE.match(line.text):
        return True
    if before.text.count("《") > before.text.count("》") and line.text.count("》") > line.text.count("《"):
        return True
    if style is Style.MARKED:
        if line.after_furniture and len(before.text) >= 0.6 * width and _starts_narrow_column(line, following, width):
            return False
        return not before.trails
    if line.indent or _LIST_ITEM.match(line.text) or _NUMBERED.match(line.text):
        return False
    if style is Style.WRAPPED:
        is_end = _finished(before.text) and (len(before.text) < width - 1 or line.gap > usual_gap)
        return len(before.text) >= 0.85 * width and not is_end
    # Whole paragraphs: only a page break cuts one, in the middle of a sentence.
    if before.text.endswith(("，", "、")):
        return len(line.text) >= 8
    is_prose = (len(before.text) >= 25 and "。" in before.text) or (len(before.text) >= 40 and "，" in before.text)
    return is_prose and not _finished(before.text) and before.text[-1] not in "）》】)*" and len(line.text) >= 8


def _continues_markdown(before: _Line, line: _Line) -> bool:
    if line.gap or _is_markup(line.text) or _NUMBERED.match(line.text):
        return False
    if _LIST_ITEM.match(before.text):
        return line.leads
    is_heading = _NUMBERED.match(before.text) and _is_label(before.text)
    return not (_is_markup(before.text) or is_heading)


def _is_label(text: str) -> bool:
    return len(text) <= 30 and not re.search(r"[，。；：]", text)


def _starts_narrow_column(line: _Line, following: list[_Line], width: int) -> bool:
    """A table cell cut by a page goes on at the top of its own column, which may be a narrow one."""
    column = [line, *following]
    narrow = next((i for i, other in enumerate(column) if other.trails), len(column) - 1)
    return all(len(other.text) <= 0.3 * width for other in column[: narrow + 1])


def _is_markup(text: str) -> bool:
    return bool(
        _MARKDOWN_HEADING.match(text) or _LIST_ITEM.match(text) or text.startswith("|") or re.match(r"\d+\.\s|>", text)
    ) or (re.fullmatch(r"[-=*_]{3,}|表\s*\d+.*", text) is not None)


def _is_table_row(before: str, text: str) -> bool:
    return "\t" in before or "\t" in text


def _joined_titles(lines: list[_Line]) -> frozenset[int]:
    """Second lines of two-line titles: exactly two short bare lines set off by blank lines, as slides wrap their titles."""
    found = []
    for i in range(1, len(lines)):
        first, second = lines[i - 1], lines[i]
        alone = first.gap > 0 and second.gap == 0 and (i + 1 == len(lines) or lines[i + 1].gap > 0)
        if alone and all(_is_bare(line.text) and len(line.text) <= 14 for line in (first, second)):
            found.append(i)
    return frozenset(found)


def _is_bare(text: str) -> bool:
    return not (
        _finished(text)
        or _LIST_ITEM.match(text)
        or _NUMBERED.match(text)
        or "\t" in text
        or text.startswith(("#", "|", "《"))
    )


def _glue(before: str, after: str, words: frozenset[str]) -> str:
    """What goes between two joined lines: a space between Latin words, nothing where Chinese is involved."""
    left, right = before[-1], after[0]
    if not (left.isascii() and right.isascii() and left.isalnum() and right.isalnum()):
        return " " if left.isascii() and right.isascii() and (left in ",;:." and right.isalpha()) else ""
    if left.isdigit() and right.isdigit():
        return ""
    head = re.search(r"[A-Za-z0-9]+$", before)
    tail = re.match(r"[A-Za-z0-9]+", after)
    assert head is not None
    assert tail is not None
    # A word cut in two stands whole somewhere else in the text.
    return "" if head.group() + tail.group() in words else " "
