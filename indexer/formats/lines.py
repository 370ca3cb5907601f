"""Glyphs of a page → lines of text in the order of reading.

Lengths are points, `y` grows downwards from the top of the page as it is displayed. A line is first cut wherever a gap might
part two columns; the cuts that no column bears out are joined again.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, pairwise
from statistics import median
from typing import NamedTuple

WIDE_SPACE = "\u2003"  # stands for a gap of more than two sizes of type
_CUT = 0.9  # a gap this wide, in sizes of type, may part columns
_SAME_BASELINE = 0.3
_RAISED_SIZE = 0.87  # raised and lowered signs are at most this large, against the line they belong to
_MAX_GUTTERS = 3
_WIDEST_GUTTER = 6  # sizes of type; a form of two columns leaves more
_FEW_LINES = 5
_SAME_GUTTER = 5.0  # points
_MAX_KNOWN = 6
_MAX_FRAMES = 100
_MAX_PIECES = 2000  # more pieces of text than this on a page are a drawing, not columns
_OPENERS = "（《「『【〔〈“‘([{"
_CLOSERS = "。，、；：！？）》」』】〕〉”’…—,.;:!?)]}%％"
_BULLETS = "•●■▪◆◇○□◦▶►➢➤✓✔√❖·-–—*"
_MARKER = re.compile(
    rf"(?:[{re.escape(_BULLETS)}]|第[一二三四五六七八九十百零〇\d]+[编章节条]|[一二三四五六七八九十]{{1,3}}、|[（(][一二三四五六七八九十\d]{{1,3}}[）)]"
    r"|\d{1,2}(?:\.\d{1,2}){1,3}(?!\d)|\d{1,2}[.．、）)](?!\d)|[①-⑳]|[a-zA-Z][.)](?=\s))\s*"
)


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character where it stands: its advance from `x0` to `x1` on the baseline `y`; `spaced` when white space is before it."""

    char: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Characters on one baseline.

    `first_word` is how wide the first part is that a line end cannot cut; `hang` is where the text behind a leading number or
    bullet starts (`x0` without one).
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    first_word: float
    hang: float

    @property
    def top(self) -> float:
        return self.y - 0.88 * self.size

    @property
    def bottom(self) -> float:
        return self.y + 0.12 * self.size


@cache
def is_wide(char: str) -> bool:
    """Whether a character takes a full square, as Chinese characters and their punctuation do."""
    return unicodedata.east_asian_width(char) in "WF" or char in "—…"


def is_bullet(text: str) -> bool:
    """Whether a line starts with a bullet that is set off from its text."""
    return len(text) > 1 and text[0] in _BULLETS and not text[1].isdigit() and text[1] != text[0]


def starts_item(text: str) -> bool:
    """Whether a line starts with a number or bullet as headings, articles and list items do."""
    return _MARKER.match(text) is not None


def marker_kind(text: str) -> str:
    """The form of the number or bullet that a line starts with, such as `（一）` for `（三）`; empty without one."""
    match = _MARKER.match(text)
    return (
        ""
        if match is None
        else re.sub(r"[一二三四五六七八九十百零〇]+", "一", re.sub(r"\d+", "1", match.group().strip()))
    )


def without_marker(text: str) -> str:
    """The text behind the number or bullet that it starts with."""
    return _MARKER.sub("", text, count=1) if starts_item(text) else text


def pieces(glyphs: Iterable[Glyph]) -> list[Line]:
    """The runs of `glyphs` (in the order of the file) that share a baseline without a gap that might part columns."""
    found: list[Line] = []
    seen: set[tuple[str, int, int]] = set()
    run: list[Glyph] = []
    base: Glyph | None = None  # the largest type of the run, whose baseline the others are held against
    for glyph in glyphs:
        if base is not None and _is_double(run[-1], glyph):
            continue
        if base is None or not _follows(run[-1], glyph, base):
            _keep(found, seen, run)
            run, base = [glyph], glyph
            continue
        run.append(glyph)
        base = glyph if glyph.size > base.size else base
    _keep(found, seen, run)
    return found


def _is_double(before: Glyph, glyph: Glyph) -> bool:
    """The same character drawn again a hair beside the first, as some programs draw bold type."""
    near = 0.2 * glyph.size
    # Characters that one glyph stands for, as in the ligature of ff, are in the very same place.
    is_near = 0.0 < abs(glyph.x0 - before.x0) + abs(glyph.y - before.y) < near
    return is_near and glyph.char == before.char


def _follows(before: Glyph, glyph: Glyph, base: Glyph) -> bool:
    larger, smaller = max(glyph.size, base.size), min(glyph.size, base.size)
    shift = abs(glyph.y - base.y)
    level = shift <= _SAME_BASELINE * smaller or (smaller <= _RAISED_SIZE * larger and shift <= 0.6 * larger)
    gap = glyph.x0 - before.x1
    return level and -0.7 * larger <= gap <= (_CUT + 0.4 * glyph.spaced) * base.size


def _keep(found: list[Line], seen: set[tuple[str, int, int]], run: list[Glyph]) -> None:
    if not run:
        return
    line = _line(run)
    place = (line.text, round(line.x0 / line.size * 3), round(line.y / line.size * 3))
    if place not in seen:  # a whole run drawn twice
        seen.add(place)
        found.append(line)


def _line(run: Sequence[Glyph]) -> Line:
    size = _main_size(run)
    y = next(glyph.y for glyph in run if glyph.size == size)
    parts = [run[0].char]
    for before, glyph in pairwise(run):
        parts.append(_space(before, glyph, size))
        parts.append(glyph.char)
    text = "".join(parts)
    marker = _MARKER.match(text)
    hang = run[0].x0
    if marker is not None:
        length = len(re.sub(r"\s", "", marker.group()))
        hang = run[length].x0 if length < len(run) else run[-1].x1
    bold = sum(glyph.bold for glyph in run) >= 0.9 * len(run)
    return Line(text, run[0].x0, run[-1].x1, y, size, bold, _first_word(run), hang)


def _main_size(run: Sequence[Glyph]) -> float:
    """The size of most of the characters; the larger one of two that are as frequent."""
    count: dict[float, int] = {}
    for glyph in run:
        count[glyph.size] = count.get(glyph.size, 0) + 1
    return max(count, key=lambda size: (count[size], size))


def _space(before: Glyph, glyph: Glyph, size: float) -> str:
    gap = (glyph.x0 - before.x1) / size
    if is_wide(before.char) and is_wide(glyph.char):
        return " " if gap > 0.8 or (glyph.spaced and gap > 0.2) else ""
    if is_wide(before.char) or is_wide(glyph.char):
        return " " if gap > 0.6 or (glyph.spaced and gap > 0.2) else ""
    if abs(glyph.y - before.y) > 0.15 * size:
        return " "  # a raised footnote number must not become part of a figure
    return " " if gap > 0.3 or (glyph.spaced and gap > 0.08) else ""


def _first_word(run: Sequence[Glyph]) -> float:
    """Width of what stands before the first place where a line may end."""
    end = 0
    while end < len(run) - 1 and run[end].char in _OPENERS:
        end += 1
    while end < len(run) - 1:
        before, after = run[end], run[end + 1]
        # Quotation marks around Latin words bind what is before them too.
        is_quoted = after.char in "“‘" and end + 2 < len(run) and not is_wide(run[end + 2].char)
        bound = is_quoted or after.char in _CLOSERS or not (is_wide(before.char) or is_wide(after.char))
        if not bound or (after.spaced and after.x0 - before.x1 > 0.08 * after.size):
            break
        end += 1
    return run[end].x1 - run[0].x0


def joined(parts: Sequence[Line]) -> Line:
    """One line of the pieces on a baseline, from left to right."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    main = max(parts, key=lambda part: len(part.text))
    text = first.text
    for before, part in pairwise(parts):
        gap = (part.x0 - before.x1) / main.size
        text += (WIDE_SPACE if gap > 2 else "" if gap < 0.3 and is_wide(before.text[-1]) else " ") + part.text
    marker = _MARKER.fullmatch(first.text)
    hang = parts[1].x0 if marker is not None else first.hang
    bold = all(part.bold for part in parts)
    x1 = max(part.x1 for part in parts)
    return Line(text, first.x0, x1, main.y, main.size, bold, first.first_word, hang)


def rows(parts: Sequence[Line]) -> list[list[Line]]:
    """Pieces by baseline, from the top of the page down, each row from left to right."""
    found: list[list[Line]] = []
    for part in sorted(parts, key=lambda part: part.y):
        if found and _is_level(found[-1], part):
            found[-1].append(part)
        else:
            found.append([part])
    return [sorted(row, key=lambda part: part.x0) for row in found]


def _is_level(row: list[Line], part: Line) -> bool:
    base = max(row, key=lambda other: other.size)
    larger, smaller = max(base.size, part.size), min(base.size, part.size)
    shift = abs(part.y - base.y)
    if shift <= _SAME_BASELINE * smaller:
        return True
    # A raised mark touches the line it belongs to.
    touches = any(
        -0.3 * larger <= gap <= 0.3 * larger for other in row for gap in (part.x0 - other.x1, other.x0 - part.x1)
    )
    return smaller <= _RAISED_SIZE * larger and shift <= 0.6 * larger and touches


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the page that is read as one, such as a table; `key` says which."""

    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    key: int


@dataclass(frozen=True, slots=True)
class Zone:
    """What is read from top to bottom between two edges: a column, or the width of the page."""

    items: tuple[Line | Box, ...]
    left: float
    right: float
    is_column: bool


class _Frame(NamedTuple):
    is_column: bool
    left: float
    right: float


def zones(pages: Sequence[Sequence[Line | Box]]) -> list[list[Zone]]:
    """The columns and full-width parts of each page in the order of reading; pieces on one baseline are joined.

    A vertical gap parts columns if lines on both sides of it fill their columns as running text does, or stand on baselines
    of their own, or if it parts columns on another page. What reaches across the gap ends the columns above it.
    """
    places = [gutter for items in pages for gutter in _gutters(list(items), 0)]
    near = Counter(round(gutter / _SAME_GUTTER) for gutter in places)
    known = [step * _SAME_GUTTER for step, _ in near.most_common(_MAX_KNOWN)]
    return _framed([[_zone(*part) for part in _parts(list(items), known, False, 0)] for items in pages])


def _gutters(items: list[Line | Box], depth: int) -> list[float]:
    """The gaps that part columns on a page by themselves."""
    gutter = _gutter(items, ())
    if gutter is None or depth == _MAX_GUTTERS:
        return []
    left, right = [item for item in items if item.x1 <= gutter], [item for item in items if item.x0 >= gutter]
    return [gutter, *_gutters(left, depth + 1), *_gutters(right, depth + 1)]


def _parts(
    items: list[Line | Box], known: Sequence[float], is_column: bool, depth: int
) -> list[tuple[list[Line | Box], bool]]:
    gutter = _gutter(items, known) if depth < _MAX_GUTTERS else None
    if gutter is None:
        return [(items, is_column)] if items else []
    bands: list[list[Line | Box]] = [[]]
    centre = (min(item.x0 for item in items) + max(item.x1 for item in items)) / 2
    ordered = sorted(items, key=lambda item: item.top)
    for item in ordered:
        if item.x0 < gutter < item.x1 or _stands_alone(item, ordered, centre):
            bands.extend(([item], []))
        else:
            bands[-1].append(item)
    found: list[tuple[list[Line | Box], bool]] = []
    for band in bands:
        left = [item for item in band if item.x1 <= gutter]
        right = [item for item in band if item.x0 >= gutter]
        if left and right and _overlap(left, right):
            found.extend(_parts(left, known, True, depth + 1))
            found.extend(_parts(right, known, True, depth + 1))
        elif band and found and not found[-1][1]:
            found[-1] = ([*found[-1][0], *band], False)
        elif band:
            found.append((band, bool(band) and not any(item.x0 < gutter < item.x1 for item in band)))
    return found


def _stands_alone(item: Line | Box, items: list[Line | Box], centre: float) -> bool:
    """A title in the middle of the page with nothing beside it."""
    if abs((item.x0 + item.x1) / 2 - centre) > item.size:
        return False
    near = 0.5 * item.size
    if max(sum(abs(o.x0 - item.x0) <= near for o in items), sum(abs(o.x1 - item.x1) <= near for o in items)) > 2:
        return False  # a line of a column
    top, bottom = item.top - 0.7 * item.size, item.bottom + 0.7 * item.size
    beside = (other for other in items if other is not item and other.bottom > top and other.top < bottom)
    return all(other.x0 < item.x1 and other.x1 > item.x0 for other in beside)


def _overlap(left: list[Line | Box], right: list[Line | Box]) -> bool:
    top = max(min(item.top for item in side) for side in (left, right))
    bottom = min(max(item.bottom for item in side) for side in (left, right))
    return bottom > top


def _gutter(items: list[Line | Box], known: Sequence[float]) -> float | None:
    """Where a vertical gap parts two columns of running text; None without one. `known` are gaps of other pages."""
    if not 2 <= len(items) <= _MAX_PIECES:
        return None
    gaps = _gaps(items)
    # The place that most of the gaps share.
    edges = sorted([(left.x1, 1) for left, _ in gaps] + [(right.x0, -1) for _, right in gaps])
    open_gaps = most = 0
    gutter = 0.0
    for (place, step), (following, _) in pairwise(edges):
        open_gaps += step
        if open_gaps > most:
            most, gutter = open_gaps, (place + following) / 2
    beside = [(left, right) for left, right in gaps if left.x1 <= gutter <= right.x0]
    across = [item for item in items if item.x0 < gutter < item.x1]
    if _are_together(beside, across) and (_are_staggered(beside) or _are_filled(beside)):
        return gutter
    for place in known:
        n_beside = sum(left.x1 <= place <= right.x0 for left, right in gaps)
        n_across = sum(item.x0 < place < item.x1 for item in items)
        if n_beside > 2 * n_across:
            return place
    return None


def _are_together(beside: Sequence[tuple[Line | Box, Line | Box]], across: Sequence[Line | Box]) -> bool:
    """Whether the gaps follow each other and leave a clear strip, unlike wide gaps in lines of justified text."""
    kinds = sorted([(left.top, True) for left, _ in beside] + [(item.top, False) for item in across])
    n_runs = sum(is_pair for is_pair, _ in groupby(is_pair for _, is_pair in kinds))
    if len(beside) < max(3, 2.5 * n_runs):
        return False
    return min(right.x0 for _, right in beside) - max(left.x1 for left, _ in beside) > _CUT * beside[0][0].size


def _are_staggered(beside: Sequence[tuple[Line | Box, Line | Box]]) -> bool:
    """Whether lines on the two sides of a gap mostly stand on baselines of their own, unlike cells of a row."""
    off = sum(abs(left.bottom - right.bottom) > 0.15 * left.size for left, right in beside)
    is_aligned = all(_are_aligned([pair[i] for pair in beside]) for i in (0, 1))
    return len(beside) >= 6 and off >= 0.4 * len(beside) and is_aligned


def _are_filled(beside: Sequence[tuple[Line | Box, Line | Box]]) -> bool:
    left_side, right_side = (list({id(pair[i]): pair[i] for pair in beside}.values()) for i in (0, 1))
    # Where a column in between is empty, the next one but one is beside.
    near_left, near_right = median(item.x0 for item in left_side), median(item.x1 for item in right_side)
    left_side = [item for item in left_side if item.x1 > near_left]
    right_side = [item for item in right_side if item.x0 < near_right]
    if not (_fill(left_side) and _fill(right_side)):
        return False
    gap = min(item.x0 for item in right_side) - max(item.x1 for item in left_side)
    return gap < _WIDEST_GUTTER * left_side[0].size


def _gaps(items: list[Line | Box]) -> list[tuple[Line | Box, Line | Box]]:
    """Each item with the one that is next on its right, if a gap parts them."""
    by_left = sorted(items, key=lambda item: item.x0)
    lefts = [item.x0 for item in by_left]
    found: list[tuple[Line | Box, Line | Box]] = []
    for item in by_left:
        for other in by_left[bisect_left(lefts, item.x1) :]:
            # Between widely set lines of one column stand those of the other.
            shared = min(item.bottom, other.bottom) - max(item.top, other.top) + min(item.size, other.size)
            if shared > 0.4 * min(item.bottom - item.top, other.bottom - other.top):
                if other.x0 - item.x1 >= 0.8 * min(item.size, other.size):
                    found.append((item, other))
                break
    return found


def _fill(side: list[Line | Box]) -> bool:
    """Whether many lines reach from edge to edge, as running text does and the cells of a table do not."""
    lines = [item for item in side if isinstance(item, Line)]
    if len(lines) < 3:
        return len(lines) < len(side)
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    size = median(line.size for line in lines)
    ragged = max(2.2 * size, 0.12 * (right - left))
    full = sum(line.x1 >= right - ragged and line.x0 <= left + 2.5 * size for line in lines)
    return right - left >= 7 * size and full >= 0.45 * len(lines) and _are_aligned(lines)


def _are_aligned(side: Sequence[Line | Box]) -> bool:
    """Whether many lines start in the same place, as the words on the right of a gap in justified text do not."""
    near = 0.3 * side[0].size
    return max(sum(abs(item.x0 - other.x0) <= near for item in side) for other in side) >= 0.45 * len(side)


def _zone(items: list[Line | Box], is_column: bool) -> Zone:
    lines = [joined(row) for row in rows([item for item in items if isinstance(item, Line)])]
    boxes = [item for item in items if isinstance(item, Box)]
    merged: list[Line | Box] = [*lines, *boxes]
    ordered = sorted(merged, key=lambda item: (item.top, item.x0))
    left, right = _edges(lines or boxes)
    return Zone(tuple(ordered), left, right, is_column)


def _edges(items: Sequence[Line | Box]) -> tuple[float, float]:
    """Left edge that at least two lines share, and right edge; a single line far beyond the others does not count."""
    lefts = sorted(item.x0 for item in items)
    rights = sorted((item.x1 for item in items), reverse=True)
    size = items[0].size
    left = next((a for a, b in pairwise(lefts) if b - a <= 0.5 * size), lefts[0])
    right = rights[1] if len(rights) > 5 and rights[0] - rights[1] > 4 * size else rights[0]
    return left, right


def _framed(pages: Sequence[Sequence[Zone]]) -> list[list[Zone]]:
    """The zones of all pages, those of few or short lines with the edges of the zones that they look like."""
    large = Counter(
        _Frame(zone.is_column, round(zone.left, 1), round(zone.right, 1))
        for page in pages
        for zone in page
        if len(zone.items) >= _FEW_LINES
    )
    frames = large.most_common(_MAX_FRAMES)
    return [[_widened(zone, frames) for zone in page] for page in pages]


def _widened(zone: Zone, frames: Sequence[tuple[_Frame, int]]) -> Zone:
    size = zone.items[0].size
    alike = [(f, n) for f, n in frames if f.is_column == zone.is_column and f.right >= zone.right - size]
    near = [(frame, n) for frame, n in alike if abs(frame.left - zone.left) <= 3 * size]
    if len(zone.items) >= _FEW_LINES:
        lefts = _shared([(frame.left, n) for frame, n in near], 0.5 * size)
        rights = _shared([(frame.right, n) for frame, n in near if frame.right <= zone.right + 3 * size], 0.7 * size)
        used = [left for left in lefts if any(abs(item.x0 - left) <= 0.5 * size for item in zone.items)]
        return replace(zone, left=min([zone.left, *used]), right=max([zone.right, *rights]))
    alike = [(frame, n) for frame, n in near or alike if frame.left <= zone.left + size]
    if not alike:
        return zone
    best = min((frame for frame, _ in alike), key=lambda frame: frame.right)
    return replace(zone, left=min(best.left, zone.left), right=max(best.right, zone.right))


def _shared(places: Iterable[tuple[float, int]], near: float) -> list[float]:
    """The places that come at least twice, of places with how often they come."""
    ordered = sorted(places)
    return [a for a, n in ordered if n > 1] + [a for (a, _), (b, _) in pairwise(ordered) if b - a <= near]
