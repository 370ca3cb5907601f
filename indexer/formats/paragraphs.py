"""Lines in the order of reading → paragraphs, headings, list items and notes.

Where a block ends is told by how its lines stand: indents, gaps, the size and weight of type, and whether the first word of
the next line would still have fitted. Chinese text has neither spaces nor hyphens at its line ends, so these signs are all
there is.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from indexer.formats.blocks import Block, BlockKind, Place
from indexer.formats.lines import WIDE_SPACE, Line, is_bullet, is_wide, marker_kind, starts_item

_ENDS = re.compile(r"[。！？；：…!?;:.][”’）》」』】)\"']*$")
_NO_HEADING = re.compile(r".*[。；，、;,][”’）》」』】)\"']*|[\W\d_]*")
_NOTE_MARK = re.compile(r"(?:\[?\d{1,2}\]?|[①-⑳]|[*†‡※]+|注\s*\d*\s*[:：]|[〔(（]\d{1,2}[〕)）])\s*(?=[^\d\s.、])")
_CONTENTS = re.compile(rf"(?:(?:[.…·．]\s?){{3,}}|{WIDE_SPACE})\s*[\divxlc]{{1,5}}$", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:://|www\.|@)\S*$")
_LATIN_END = re.compile(r"[A-Za-z-]+$")
_LATIN_START = re.compile(r"[A-Za-z-]+")
_HYPHENS = "-‐\u00ad"
_CONTEXT = 80  # characters of a line that tell how it goes on
_SAME_SIZE = 0.06
_AT_EDGE = 0.3
_LARGER = 1.12
_NOTE_SIZE = 0.93
_MAX_HEADING = 80
_MAX_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Placed:
    """A line with the edges of its column.

    `page` is 1-based; `column` counts the columns of the document; `entry` is the number of the entry of the document's
    outline that names the line, 0 for none. `is_cut`: something was left out right before the line.
    """

    line: Line
    left: float
    right: float
    page: int
    column: int
    entry: int = 0
    is_cut: bool = False
    is_note: bool = False

    @property
    def indent(self) -> float:
        """From the column's edge, in sizes of type."""
        return (self.line.x0 - self.left) / self.line.size

    @property
    def room(self) -> float:
        """From the line's end to the column's edge, in sizes of type."""
        return (self.right - self.line.x1) / self.line.size

    @property
    def is_centred(self) -> bool:
        return self.indent > 2.5 and abs(self.indent - self.room) < 1.5

    @property
    def is_in_middle(self) -> bool:
        """Whether a line may be centred, if it leaves little room or none on its sides."""
        return self.is_centred or abs(self.indent - self.room) < 0.6

    @property
    def is_finished(self) -> bool:
        return is_finished(self.line.text)


@dataclass(frozen=True)
class Setting:
    """How most of the text of a document is set: `size` in points, the rest in sizes of type.

    `pitch` is from line to line, `widest_pitch` is the most that it is inside a paragraph; `first_indent` is that of the first
    lines of paragraphs, 0 where they have none.
    """

    size: float
    is_bold: bool
    pitch: float
    widest_pitch: float
    first_indent: float
    is_justified: bool
    words: frozenset[str]

    def is_display(self, line: Line) -> bool:
        """Whether a line is set larger or bolder than the text, as headings are."""
        return line.size >= _LARGER * self.size or (line.bold and not self.is_bold and line.size >= 0.94 * self.size)


@dataclass(frozen=True)
class Draft:
    """A block with how it is set, from which the levels of headings and items follow."""

    block: Block
    size: float
    is_bold: bool
    indent: float = 0.0
    entry: int = 0


def is_finished(text: str) -> bool:
    """Whether a text ends as sentences do."""
    return _ENDS.search(text) is not None


def body_size(texts: Iterable[tuple[float, int]]) -> float:
    """The size of type that most characters are set in, of texts as (size, number of characters)."""
    sizes: Counter[float] = Counter()
    for size, n_chars in texts:
        sizes[round(size, 1)] += n_chars
    return max(sizes, key=lambda value: (sizes[value], value)) if sizes else 10.0


def setting(lines: Sequence[Placed]) -> Setting:
    """The setting of most of the text."""
    size = body_size((placed.line.size, len(placed.line.text)) for placed in lines)
    bold: Counter[bool] = Counter()
    for placed in lines:
        if _is_size(placed.line, size):
            bold[placed.line.bold] += len(placed.line.text)
    pitch, widest = _pitches(lines)
    full = [placed.room for placed in lines if placed.room < 2 and _is_size(placed.line, size)]
    is_justified = len(full) >= 20 and sum(room < _AT_EDGE for room in full) > 0.9 * len(full)
    indents = Counter(round(2 * placed.indent) for placed in lines if _is_size(placed.line, size))
    first = max((step for step in indents if 2 < step < 10), key=lambda step: indents[step], default=0)
    is_usual = indents[first] > 0.06 * len(lines) and indents[0] > 0.15 * len(lines)
    words = frozenset(word for placed in lines for word in re.findall(r"[A-Za-z]+(?:-[A-Za-z]+)*", placed.line.text))
    return Setting(size, bold[True] > bold[False], pitch, widest, first / 2 if is_usual else 0.0, is_justified, words)


def _pitches(lines: Sequence[Placed]) -> tuple[float, float]:
    """From line to line, in sizes of type: the usual distance inside paragraphs, and the widest."""
    steps = [
        (b.line.y - a.line.y) / a.line.size
        for a, b in pairwise(lines)
        if a.column == b.column and _is_same_size(a.line, b.line)
    ]
    count = Counter(round(20 * step) for step in steps if 0.8 < step < 2.7)
    near = {step: count[step - 1] + count[step] + count[step + 1] for step in list(count)}
    # Gaps between paragraphs may be as frequent as distances inside them, but they are larger.
    usual = min((step for step in near if near[step] >= 0.4 * max(near.values())), default=32)
    pitch = median([step for step in steps if abs(20 * step - usual) <= 2.5] or [usual / 20])
    gaps = [step for step in near if step > 23 * pitch and near[step] >= max(3, 0.03 * len(steps))]
    return pitch, min((min(gaps) - 1) / 20 if gaps else 1.35 * pitch, 1.35 * pitch)


def drafts(lines: Iterable[Placed], style: Setting) -> list[Draft]:
    """The blocks of lines without a table between them; notes come behind the block that they interrupt."""
    found: list[Draft] = []
    block: list[Placed] = []
    notes: list[Placed] = []

    def close() -> None:
        if block:
            found.append(_draft(block, style))
        note: list[Placed] = []
        for placed in notes:
            if note and (_NOTE_MARK.match(placed.line.text) or placed.page != note[-1].page):
                found.append(_note(note, style))
                note = []
            note.append(placed)
        if note:
            found.append(_note(note, style))
        block.clear()
        notes.clear()

    is_cut = False
    for placed in _with_edges_inside(list(lines), style) if style.first_indent else lines:
        if placed.is_note:
            notes.append(placed)
            is_cut = True
            continue
        if not (block and _continues(block, placed, style)):
            close()
        block.append(replace(placed, is_cut=placed.is_cut or is_cut))
        is_cut = False
    close()
    return found


def notes_at_bottom(lines: Sequence[Placed], size: float) -> int:
    """How many lines at the end of a column are footnotes: smaller than the text of `size`, the first one with a mark."""
    first = 0
    for count, placed in enumerate(reversed(lines), start=1):
        if placed.line.size > _NOTE_SIZE * size:
            break
        if _NOTE_MARK.match(placed.line.text):
            first = count
    return first


def with_insets(lines: Sequence[Placed]) -> list[Placed]:
    """The lines of a column, those of lists, quotations and boxes with the edges of their own that they share."""
    found: list[Placed] = []
    for is_inset, run in groupby(lines, key=lambda placed: placed.indent > 1.2 and placed.room > 1.2):
        group = list(run)
        left, right = min(p.line.x0 for p in group), max(p.line.x1 for p in group)
        size = group[0].line.size
        n_full = sum(p.line.x1 > right - 1.7 * size for p in group)
        if is_inset and len(group) >= 4 and 2 * n_full >= len(group) and right - left > 12 * size:
            group = [replace(placed, left=left, right=right) for placed in group]
        found.extend(group)
    return found


def _with_edges_inside(lines: Sequence[Placed], style: Setting) -> list[Placed]:
    """The lines, lists and quotations that stand in as far as first lines of paragraphs do with that place for their edge.

    Unlike first lines, theirs mostly go on in the same place.
    """
    found: list[Placed] = []
    for is_inside, run in groupby(lines, key=lambda placed: abs(placed.indent - style.first_indent) <= 0.5):
        group = list(run)
        n_open = sum(p.room < 1.7 and not p.is_finished and not starts_item(p.line.text) for p in group[:-1])
        if is_inside and n_open >= max(2, 0.4 * (len(group) - 1)):
            group = [replace(placed, left=placed.line.x0) for placed in group]
        found.extend(group)
    return found


def _continues(block: Sequence[Placed], b: Placed, style: Setting) -> bool:
    """Whether a line goes on with the block above it."""
    a = block[-1]
    if a.entry or b.entry:
        return a.entry == b.entry
    if not _is_same_size(a.line, b.line) or b.page > a.page + 1 or is_bullet(b.line.text):
        return False
    is_display = style.is_display(a.line)
    if a.column != b.column and a.is_finished and not (style.first_indent or style.is_justified):
        return False  # nothing tells whether the paragraph ends with the page, but most of these do
    if a.column == b.column:
        step = (b.line.y - a.line.y) / a.line.size
        if not 0.4 * style.pitch < step < style.widest_pitch or (step > 1.12 * style.pitch and a.is_finished):
            return False
    if is_display and style.is_display(b.line) and a.column == b.column and b.is_in_middle:
        return (a.is_centred or _is_full(a, b, style)) and not starts_item(b.line.text)  # a title goes on in the middle
    if a.is_centred or b.is_centred:
        return False
    if not _is_full(a, b, style) or _CONTENTS.search(a.line.text[-_CONTEXT:]):
        return False
    # Where paragraphs are not indented, （二） may follow （一） on a full line without a full stop.
    is_next = style.first_indent == 0 and marker_kind(b.line.text) == marker_kind(block[0].line.text)
    is_open = not a.is_finished and b.indent < 0.6 and not is_next
    if (is_display != style.is_display(b.line) or starts_item(b.line.text)) and not is_open:
        return False
    # A quotation of which a page break leaves two lines over has lost its own edge there.
    goes_down = len(block) > 1 and a.column != b.column and abs(a.line.x0 - b.line.x0) <= 0.6 * a.line.size
    return goes_down or any(abs(b.indent - indent) <= 0.6 for indent in _indents(block, style))


def _is_full(a: Placed, b: Placed, style: Setting) -> bool:
    """Whether the first word of the next line would not have fitted on the line; with some doubt if no sentence ends there."""
    if a.line.text[-1] in "，、":
        return a.room < 8
    if style.is_justified and a.is_finished:
        return a.room < _AT_EDGE
    return a.room <= b.line.first_word / a.line.size + (0.25 if a.is_finished else 1.6)


def _indents(block: Sequence[Placed], style: Setting) -> list[float]:
    """Where the next line of a block may start."""
    a = block[-1]
    if len(block) > 1:
        return [a.indent]
    found = [0.0] if a.indent <= 5 else []
    if starts_item(a.line.text):
        found.append((a.line.hang - a.left) / a.line.size)
    if not a.is_finished and a.indent <= 5 and abs(a.indent - style.first_indent) > 0.6:
        found.append(a.indent)
    return found


def _draft(block: Sequence[Placed], style: Setting) -> Draft:
    text, breaks = joined_text(block, style.words)
    turns = _turns(block, style.words)
    text = text.replace(WIDE_SPACE, " ")
    first = block[0]
    place = Place(page=first.page)
    is_display = all(style.is_display(placed.line) for placed in block)
    kind = BlockKind.PARAGRAPH
    if first.entry or (is_display and len(text) <= _MAX_HEADING and not _NO_HEADING.fullmatch(text)):
        kind = BlockKind.HEADING
    elif is_bullet(text) or _hangs(block):
        kind = BlockKind.ITEM
    is_bold = all(placed.line.bold for placed in block)
    return Draft(
        Block(text, kind, place, breaks=breaks, turns=turns), first.line.size, is_bold, first.indent, first.entry
    )


def _hangs(block: Sequence[Placed]) -> bool:
    """Whether a number stands out to the left of the lines that follow it, as lists are set."""
    first = block[0]
    hang = (first.line.hang - first.left) / first.line.size
    if not starts_item(first.line.text) or len(block) < 2 or hang - first.indent < 0.8:
        return False
    return block[1].indent > 0.6 and abs(block[1].indent - hang) <= 0.6


def _note(block: Sequence[Placed], style: Setting) -> Draft:
    text, breaks = joined_text(block, style.words)
    note = Block(text, BlockKind.NOTE, Place(page=block[0].page), breaks=breaks, turns=_turns(block, style.words))
    return Draft(note, block[0].line.size, False)


def _turns(block: Sequence[Placed], words: frozenset[str]) -> tuple[tuple[int, int], ...]:
    """Where in the joined text of a block another page begins, and which."""
    starts = [i for i in range(1, len(block)) if block[i].page != block[i - 1].page]
    return tuple((len(joined_text(block[: i + 1], words)[0]) - len(block[i].line.text), block[i].page) for i in starts)


def joined_text(block: Sequence[Placed], words: frozenset[str]) -> tuple[str, tuple[int, ...]]:
    """The lines as one text, and the offsets in it where something was left out between two of them."""
    parts = [block[0].line.text]
    breaks = []
    offset = len(parts[0])
    for placed in block[1:]:
        joint = seam(parts[-1], placed.line.text, words)
        if joint is None:
            parts[-1] = parts[-1][:-1]
            offset -= 1
        parts.append((joint or "") + placed.line.text)
        offset += len(parts[-1])
        if placed.is_cut:
            breaks.append(offset - len(placed.line.text))
    return "".join(parts), tuple(breaks)


def seam(before: str, after: str, words: frozenset[str]) -> str | None:
    """What goes between two lines: a space between Latin words, nothing where Chinese is involved; None to take a hyphen off.

    A hyphen goes unless the document has the word with it elsewhere, or the word holds another one. In Chinese text, which
    nobody hyphenates, it goes only if the document has the word without it.
    """
    before, after = before[-_CONTEXT:], after[:_CONTEXT]
    if not before or not after:
        return ""
    left, right = before[-1], after[0]
    is_chinese = any(map(is_wide, before))
    if left in _HYPHENS and before[-2:-1].isalpha() and right.islower():
        head, tail = _LATIN_END.search(before[:-1]), _LATIN_START.match(after)
        halves = (head.group() if head else "", tail.group() if tail else "")
        is_compound = is_chinese or "-" in "".join(halves) or "-".join(halves) in words
        return "" if is_compound and "".join(halves) not in words else None
    if is_wide(left) or is_wide(right) or left in _HYPHENS or left == "/" or _ADDRESS.search(before):
        return ""
    # Chinese text has no spaces, so digits on both sides are one figure.
    return "" if is_chinese and left.isdigit() and right.isdigit() else " "


def with_levels(found: Sequence[Draft], outline: Sequence[int]) -> list[Block]:
    """The blocks with the levels of headings and items; `outline[entry - 1]` is the level that the outline gives.

    Other headings are ranked by size, then by weight: those set as an entry of the outline take its level, larger ones stand
    above all entries.
    """
    headings = [draft for draft in found if draft.block.kind is BlockKind.HEADING]
    named: dict[tuple[float, bool], Counter[int]] = {}
    for draft in headings:
        if draft.entry:
            named.setdefault(_face(draft), Counter())[outline[draft.entry - 1]] += 1
    largest = max((size for size, _ in named), default=0.0)
    faces = sorted({_face(draft) for draft in headings if not draft.entry}, key=lambda face: (-face[0], not face[1]))
    above = [face for face in faces if face not in named and face[0] > largest]
    beside = [face for face in faces if face not in named and face[0] <= largest]
    deepest = max(outline, default=0) if named else 0
    levels = {face: rank for rank, face in enumerate(above, start=1)}
    levels |= {face: len(above) + count.most_common(1)[0][0] for face, count in named.items()}
    levels |= {face: len(above) + deepest + rank for rank, face in enumerate(beside, start=1)}
    blocks: list[Block] = []
    indents: list[float] = []
    for draft in found:
        level = 0
        if draft.block.kind is BlockKind.HEADING:
            level = len(above) + outline[draft.entry - 1] if draft.entry else levels[_face(draft)]
        if draft.block.kind is BlockKind.ITEM:
            while indents and indents[-1] > draft.indent - 0.6:
                indents.pop()
            indents.append(draft.indent)
            level = len(indents)
        elif draft.block.kind is not BlockKind.NOTE:
            indents.clear()
        blocks.append(replace(draft.block, level=min(level, _MAX_LEVEL)))
    return blocks


def _face(draft: Draft) -> tuple[float, bool]:
    return round(draft.size), draft.is_bold


def _is_same_size(a: Line, b: Line) -> bool:
    return _is_size(a, b.size)


def _is_size(line: Line, size: float) -> bool:
    return abs(line.size - size) <= _SAME_SIZE * max(line.size, size)
