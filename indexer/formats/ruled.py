"""Ruling lines of a page → the cells of its tables.

The rules that touch each other span a grid; two neighbouring squares of it without a rule between them are one cell. A side
that has no rule counts as closed where the other rules end, since many tables are open on the left and right, and a page
break opens them at the top or bottom. Tables with rules above and below only get their columns from the gaps in their text.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from indexer.formats.lines import Line, rows

_NEAR = 3.0  # points between rules that count as one, or as touching
_SHORTEST = 6.0
_OVERHANG = 10.0
_MAX_RULES = 1_000  # of one direction on a page; more are a drawing
_MAX_SQUARES = 40_000


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line, horizontal if `top` is `bottom`, vertical if `x0` is `x1`; points, downwards from the page's top."""

    x0: float
    x1: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Grid:
    """Where the squares of a table lie: `xs` and `ys` are its edges, `owner[row][column]` the first square of each cell.

    `is_open_above` and `is_open_below`: the table has no rule there, so a row may go on across the page break.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    owner: tuple[tuple[tuple[int, int], ...], ...]
    is_open_above: bool = False
    is_open_below: bool = False

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of the cell that holds a point; None outside the table."""
        column, row = bisect_right(self.xs, x) - 1, bisect_right(self.ys, y) - 1
        if not (0 <= column < len(self.xs) - 1 and 0 <= row < len(self.ys) - 1):
            return None
        return self.owner[row][column]

    @cached_property
    def right(self) -> dict[tuple[int, int], float]:
        """Right edge of each cell."""
        found: dict[tuple[int, int], float] = {}
        for squares in self.owner:
            for column, cell in enumerate(squares):
                found[cell] = max(found.get(cell, 0.0), self.xs[column + 1])
        return found


def grids(rules: Iterable[Rule]) -> list[Grid]:
    """The grids of at least two rows or columns that the rules span, the smallest first."""
    across, down = _straightened(rules)
    if not (across and down) or max(len(across), len(down)) > _MAX_RULES:
        return []
    found = []
    for part in _touching(across, down):
        grid = _grid(
            [across[i] for i in part if i < len(across)], [down[i - len(across)] for i in part if i >= len(across)]
        )
        if grid is not None:
            found.append(grid)
    return sorted(found, key=lambda grid: (grid.xs[-1] - grid.xs[0]) * (grid.ys[-1] - grid.ys[0]))


def _straightened(rules: Iterable[Rule]) -> tuple[list[Rule], list[Rule]]:
    """Horizontal and vertical rules, pieces of one rule put together and what is drawn as a thin box made one rule."""
    across: list[tuple[float, float, float]] = []
    down: list[tuple[float, float, float]] = []
    for rule in rules:
        if rule.bottom - rule.top <= rule.x1 - rule.x0:
            across.append(((rule.top + rule.bottom) / 2, rule.x0, rule.x1))
        else:
            down.append(((rule.x0 + rule.x1) / 2, rule.top, rule.bottom))
    return (
        [Rule(start, end, place, place) for place, start, end in _merged(across)],
        [Rule(place, place, start, end) for place, start, end in _merged(down)],
    )


def _merged(spans: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Spans (place, start, end): places within a hair are made equal, then spans at a place that touch are made one."""
    found: list[tuple[float, float, float]] = []
    group: list[tuple[float, float, float]] = []
    for span in [*sorted(spans), (float("inf"), 0.0, 0.0)]:
        if group and span[0] - group[0][0] > _NEAR:
            place = group[len(group) // 2][0]
            pieces = sorted((start, end) for _, start, end in group)
            start, end = pieces[0]
            for next_start, next_end in pieces[1:]:
                if next_start > end + _NEAR:
                    found.append((place, start, end))
                    start, end = next_start, next_end
                end = max(end, next_end)
            found.append((place, start, end))
            group = []
        group.append(span)
    return [span for span in found if span[2] - span[1] >= _SHORTEST]


def _touching(across: Sequence[Rule], down: Sequence[Rule]) -> list[list[int]]:
    """Groups of rules that touch, by index; the vertical ones count on from the horizontal ones."""
    parent = list(range(len(across) + len(down)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, h in enumerate(across):
        for j, v in enumerate(down, start=len(across)):
            if h.x0 - _NEAR <= v.x0 <= h.x1 + _NEAR and v.top - _NEAR <= h.top <= v.bottom + _NEAR:
                parent[root(i)] = root(j)
    groups: dict[int, list[int]] = {}
    for i in range(len(parent)):
        groups.setdefault(root(i), []).append(i)
    return [group for group in groups.values() if len(group) > 2]


def _grid(across: list[Rule], down: list[Rule]) -> Grid | None:
    if not (across and down):
        return None
    xs, ys = sorted({v.x0 for v in down}), sorted({h.top for h in across})
    left, right = min(h.x0 for h in across), max(h.x1 for h in across)
    top, bottom = min(v.top for v in down), max(v.bottom for v in down)
    is_open_above, is_open_below = top < ys[0] - _OVERHANG, bottom > ys[-1] + _OVERHANG
    xs = [left] * (left < xs[0] - _OVERHANG) + xs + [right] * (right > xs[-1] + _OVERHANG)
    ys = [top] * is_open_above + ys + [bottom] * is_open_below
    if len(xs) < 2 or len(ys) < 2 or len(xs) + len(ys) < 5 or len(xs) * len(ys) > _MAX_SQUARES:
        return None
    walls = {x: [v for v in down if v.x0 == x] for x in xs}
    floors = {y: [h for h in across if h.top == y] for y in ys}
    owner: list[list[tuple[int, int]]] = []
    for row in range(len(ys) - 1):
        middle = (ys[row] + ys[row + 1]) / 2
        owner.append([])
        for column in range(len(xs) - 1):
            centre = (xs[column] + xs[column + 1]) / 2
            cell = (row, column)
            if row and not any(h.x0 <= centre <= h.x1 for h in floors[ys[row]]):
                cell = owner[row - 1][column]
            elif column and not any(v.top <= middle <= v.bottom for v in walls[xs[column]]):
                cell = owner[row][column - 1]
            owner[row].append(cell)
    return Grid(tuple(xs), tuple(ys), tuple(map(tuple, owner)), is_open_above, is_open_below)


def implied_rules(rules: Iterable[Rule], pieces: Sequence[Line]) -> list[Rule]:
    """Rules that a table set with horizontal rules only does without: those between its columns and its rows.

    Such a table has at least three rules of equal length, the first two of which enclose its head.
    """
    across, down = _straightened(rules)
    if len(across) < 3 or len(across) > _MAX_RULES:
        return []
    same: dict[tuple[int, int], list[Rule]] = {}
    for rule in across:
        if not any(rule.x0 - _NEAR <= v.x0 <= rule.x1 + _NEAR and v.top <= rule.top <= v.bottom for v in down):
            same.setdefault((round(rule.x0 / _NEAR), round(rule.x1 / _NEAR)), []).append(rule)
    found: list[Rule] = []
    for group in same.values():
        if len(group) >= 3:
            found.extend(_implied(sorted(group, key=lambda rule: rule.top), pieces))
    return found


def _implied(group: list[Rule], pieces: Sequence[Line]) -> list[Rule]:
    first, last = group[0], group[-1]
    inside = [
        p for p in pieces if first.top < (p.top + p.bottom) / 2 < last.top and p.x1 > first.x0 and p.x0 < first.x1
    ]
    lines = rows(inside)
    if len(lines) < 2 or group[1].top - first.top > 5 * inside[0].size:
        return []
    # The names in the head may be set in the middle of their columns, so the rows below tell the columns.
    body = [piece for piece in inside if piece.y > group[1].top]
    gaps: list[float] = []
    end = first.x0
    for piece in sorted(body, key=lambda p: p.x0):
        if piece.x0 - end > 0.6 * piece.size and end > first.x0:
            gaps.append((end + piece.x0) / 2)
        end = max(end, piece.x1)
    head = [piece for piece in inside if piece.y <= group[1].top]
    if not gaps or len(head) < 2 or any(piece.x0 < gap < piece.x1 for piece in head for gap in gaps):
        return []
    xs = [first.x0, *gaps, first.x1]
    # A line that leaves the first column empty goes on with the row above it.
    starts = [line for line in lines if line[0].x0 < gaps[0]]
    ys = [
        (min(p.top for p in line) + max((p.bottom for p in inside if p.y < line[0].y - p.size / 2), default=first.top))
        / 2
        for line in starts[1:]
    ]
    return [
        *(Rule(x, x, first.top, last.top) for x in xs),
        *(Rule(first.x0, first.x1, y, y) for y in ys if all(abs(y - rule.top) > _NEAR for rule in group)),
    ]
