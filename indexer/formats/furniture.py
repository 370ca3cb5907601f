"""Running heads, running feet and page numbers: found by their place on the page and by coming back, never by one alone."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from indexer.formats.lines import Line, rows

_ZONE = 0.2  # share of the page's height, at its top and at its bottom
_DEPTH = 4  # rows from the edge of the page
_SAME_PLACE = 4.0  # points
_DASHES = r"[-—–－·•~～\s]*"
_PAGE_NUMBER = re.compile(
    rf"{_DASHES}(?P<bare>\d{{1,4}}){_DASHES}"
    r"|第?\s*(?P<of>\d{1,4})\s*页?\s*[/／]\s*(?:共\s*)?\d{1,4}\s*页?"
    r"|第\s*(?P<chinese>\d{1,4})\s*页\s*[,，]?\s*(?:共\s*\d{1,4}\s*页)?|共\s*\d{1,4}\s*页\s*[,，]?\s*第\s*(?P<last>\d{1,4})\s*页"
    r"|[Pp](?:age|\.)\s*(?P<english>\d{1,4})(?:\s*(?:of|/)\s*\d{1,4})?"
)
_ROMAN = re.compile(rf"{_DASHES}([ivxlc]{{1,7}}|[IVXLC]{{1,7}}){_DASHES}")


@dataclass(frozen=True)
class _Row:
    page: int  # index among the pages
    parts: tuple[Line, ...]
    text: str
    place: float  # of the baseline: from the page's top, or from its bottom as a negative number
    gap: float  # to the row further inside; the page's height without one
    size: float

    @property
    def key(self) -> str:
        return re.sub(r"\d+", "0", re.sub(r"\s", "", self.text))

    @property
    def number(self) -> int | None:
        match = _PAGE_NUMBER.fullmatch(self.text.strip())
        return None if match is None else int(next(filter(None, match.groups())))


def furniture(pages: Sequence[Sequence[Line]], heights: Sequence[float], body_size: float) -> list[frozenset[Line]]:
    """For each page, the pieces that are running heads, running feet or page numbers.

    A row is one when nothing but others of them stands between it and the edge of the page, and either it is a page number
    that counts on from page to page (or says that it is one), or it comes back in the same place, digits aside, on most of
    the pages that have a row there, in type hardly larger than the text's, and is set off from the text.
    """
    found: list[set[Line]] = [set() for _ in pages]
    for at_top in (True, False):
        outer = [_outer_rows(i, page, heights[i], at_top=at_top) for i, page in enumerate(pages)]
        pitch = min(_usual_gap(pages), 2 * body_size)
        for _ in range(_DEPTH):
            candidates = [row_list[0] for row_list in outer if row_list]
            taken = _numbers(candidates, len(pages)) | _repeated(candidates, body_size, pitch)
            if not taken:
                break
            for i in taken:
                row = candidates[i]
                found[row.page].update(row.parts)
                outer[row.page].pop(0)
    return [frozenset(lines) for lines in found]


def _outer_rows(index: int, page: Sequence[Line], height: float, *, at_top: bool) -> list[_Row]:
    """The rows next to the edge of a page, the outermost first."""
    by_height = rows(page)
    if not at_top:
        by_height.reverse()
    found = []
    for i, row in enumerate(by_height[:_DEPTH]):
        y = max(row, key=lambda part: len(part.text)).y
        place = y if at_top else y - height
        if abs(place) > _ZONE * height:
            break
        gap = abs(by_height[i + 1][0].y - y) if i + 1 < len(by_height) else height
        text = " ".join(part.text for part in row)
        found.append(_Row(index, tuple(row), text, place, gap, max(part.size for part in row)))
    return found


def _usual_gap(pages: Sequence[Sequence[Line]]) -> float:
    gaps = [b[0].y - a[0].y for page in pages[:50] for by_height in [rows(page)] for a, b in pairwise(by_height)]
    return median(gaps) if gaps else 0.0


def _numbers(candidates: Sequence[_Row], n_pages: int) -> set[int]:
    """Indices of the rows that are page numbers."""
    found = set()
    numbered = [(i, row, row.number) for i, row in enumerate(candidates)]
    steps = Counter(number - row.page for _, row, number in numbered if number is not None)
    for i, row, number in numbered:
        if number is None:
            continue
        says_so = not re.fullmatch(r"\s*\d+\s*", row.text)
        if steps[number - row.page] > 1 or says_so or (n_pages == 1 and number == 1):
            found.add(i)
    roman = [i for i, row in enumerate(candidates) if _ROMAN.fullmatch(row.text.strip())]
    return found | (set(roman) if len(roman) > 1 else set())


def _repeated(candidates: Sequence[_Row], body_size: float, pitch: float) -> set[int]:
    """Indices of the rows that come back in their place on most of the pages that have a row there."""
    found = set()
    for there in _by_place(candidates):
        count = Counter(candidates[i].key for i in there)
        returning = sum(n for n in count.values() if n > 1)
        if returning < 0.6 * len(there):
            continue
        is_set_off = median(candidates[i].gap for i in there) > 1.25 * pitch
        for i in there:
            row = candidates[i]
            is_small = row.size < 0.93 * body_size
            if row.number is None and count[row.key] > 1 and row.size <= 1.2 * body_size and (is_small or is_set_off):
                found.add(i)
    return found


def _by_place(candidates: Sequence[_Row]) -> list[list[int]]:
    """Indices of the rows, in groups of those that stand in one place."""
    groups: list[list[int]] = []
    for i in sorted(range(len(candidates)), key=lambda i: candidates[i].place):
        if groups and candidates[i].place - candidates[groups[-1][-1]].place <= _SAME_PLACE:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups
