import random

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pdfplumber.table import edges_to_intersections, intersections_to_cells

from indexer.formats.lines import Glyph, pieces
from indexer.formats.ruled import Grid, Rule, grids, implied_rules
from tests.indexer.formats.paper import advance

Cell = tuple[int, int]


def partition(rng: random.Random, n_rows: int, n_columns: int) -> list[list[Cell]]:
    """For each square of a grid the first square of its cell; some cells span rows or columns."""
    owner: list[list[Cell | None]] = [[None] * n_columns for _ in range(n_rows)]
    for row in range(n_rows):
        for column in range(n_columns):
            if owner[row][column] is not None:
                continue
            height, width = rng.choice([(1, 1), (1, 1), (1, 1), (2, 1), (1, 2), (2, 2), (1, 3)])
            squares = [(r, c) for r in range(row, row + height) for c in range(column, column + width)]
            if any(r >= n_rows or c >= n_columns or owner[r][c] is not None for r, c in squares):
                squares = [(row, column)]
            for r, c in squares:
                owner[r][c] = (row, column)
    return [[cell for cell in line if cell is not None] for line in owner]


def walls(owner: list[list[Cell]], xs: list[float], ys: list[float], rng: random.Random | None = None) -> list[Rule]:
    """The rules around the cells, piece by piece, each a hair out of its place if `rng` is given."""
    n_rows, n_columns = len(owner), len(owner[0])

    def hair() -> float:
        return rng.uniform(-0.6, 0.6) if rng else 0.0

    found = []
    for row in range(n_rows + 1):
        for column in range(n_columns):
            if row in (0, n_rows) or owner[row - 1][column] != owner[row][column]:
                y = ys[row] + hair()
                found.append(Rule(xs[column] + hair(), xs[column + 1] + hair(), y, y))
    for column in range(n_columns + 1):
        for row in range(n_rows):
            if column in (0, n_columns) or owner[row][column - 1] != owner[row][column]:
                x = xs[column] + hair()
                found.append(Rule(x, x, ys[row] + hair(), ys[row + 1] + hair()))
    return found


def places(rng: random.Random, count: int) -> list[float]:
    found = [70.0]
    for _ in range(count):
        found.append(found[-1] + rng.uniform(14, 90))
    return found


@given(seed=st.integers(0, 2**32 - 1), n_rows=st.integers(2, 7), n_columns=st.integers(2, 6))
@settings(max_examples=150, deadline=None)
def test_cells_of_any_merging_are_found_from_pieces_of_rules(seed: int, n_rows: int, n_columns: int) -> None:
    rng = random.Random(seed)
    owner = partition(rng, n_rows, n_columns)
    assume(len({cell for line in owner for cell in line}) > 1)
    xs, ys = places(rng, n_columns), places(rng, n_rows)
    rules = walls(owner, xs, ys, rng)
    rng.shuffle(rules)
    found = grids(rules)
    assert len(found) == 1
    for row in range(n_rows):
        for column in range(n_columns):
            first = owner[row][column]
            centres = [((xs[c] + xs[c + 1]) / 2, (ys[r] + ys[r + 1]) / 2) for r, c in (first, (row, column))]
            assert found[0].cell_at(*centres[0]) == found[0].cell_at(*centres[1])
    cells = {cell for line in owner for cell in line}
    assert len({found[0].cell_at((xs[c] + xs[c + 1]) / 2, (ys[r] + ys[r + 1]) / 2) for r, c in cells}) == len(cells)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_there_are_as_many_cells_as_pdfplumber_finds(seed: int) -> None:
    rng = random.Random(seed)
    owner = partition(rng, 4, 4)
    rules = walls(owner, places(rng, 4), places(rng, 4))
    edges = [
        {
            "orientation": "h" if rule.top == rule.bottom else "v",
            "x0": rule.x0,
            "x1": rule.x1,
            "top": rule.top,
            "bottom": rule.bottom,
        }
        for rule in joined_walls(rules)
    ]
    witness = intersections_to_cells(edges_to_intersections(edges))
    (grid,) = grids(rules)
    assert len({cell for line in grid.owner for cell in line}) == len(witness)


def joined_walls(rules: list[Rule]) -> list[Rule]:
    """Pieces of rules that continue each other as one."""
    found: list[Rule] = []
    for rule in sorted(rules, key=lambda r: (r.top == r.bottom, r.top if r.top == r.bottom else r.x0, r.x0, r.top)):
        last = found[-1] if found else None
        if last and last.top == last.bottom == rule.top == rule.bottom and last.x1 == rule.x0:
            found[-1] = Rule(last.x0, rule.x1, rule.top, rule.bottom)
        elif last and last.x0 == last.x1 == rule.x0 == rule.x1 and last.bottom == rule.top:
            found[-1] = Rule(rule.x0, rule.x1, last.top, rule.bottom)
        else:
            found.append(rule)
    return found


def simple(xs: tuple[float, ...], ys: tuple[float, ...]) -> list[Rule]:
    return [Rule(xs[0], xs[-1], y, y) for y in ys] + [Rule(x, x, ys[0], ys[-1]) for x in xs]


def test_open_sides_are_closed_and_open_ends_are_told() -> None:
    inner = [Rule(50, 350, y, y) for y in (100, 120, 140)] + [Rule(x, x, 100, 170) for x in (150, 250)]
    (grid,) = grids(inner)
    assert (grid.xs, grid.ys) == ((50, 150, 250, 350), (100, 120, 140, 170))
    assert (grid.is_open_above, grid.is_open_below) == (False, True)
    assert grid.cell_at(60, 110) == (0, 0)
    assert grid.cell_at(60, 90) is None


def test_two_tables_and_a_frame_are_kept_apart() -> None:
    rules = [
        *simple((50, 100, 150), (100, 120, 140)),
        *simple((50, 90, 150), (300, 320, 340)),
        *simple((20, 580), (20, 800)),
    ]
    assert [len(grid.xs) * len(grid.ys) for grid in grids(rules)] == [9, 9]


def test_a_drawing_of_thousands_of_lines_is_no_table() -> None:
    rng = random.Random(1)
    drawing = [Rule(x, x, 10, 800) for x in (rng.uniform(0, 6e4) for _ in range(3000))] + [
        Rule(0, 600, y, y) for y in range(10, 800, 9)
    ]
    assert grids(drawing) == []


def words(rows: list[list[tuple[str, float]]], y: float = 112) -> list[Glyph]:
    found = []
    for i, row in enumerate(rows):
        for text, x in row:
            for char in text:
                found.append(Glyph(char, x, x + 10 * advance(char), y + 20 * i, 10))
                x += 10 * advance(char)
    return found


THREE_RULES = [Rule(50, 350, y, y) for y in (100, 118, 178)]


def test_columns_between_three_rules_come_from_the_gaps_and_a_second_line_joins_its_row() -> None:
    rows = [
        [("城市", 60), ("说明", 180)],
        [("广州", 60), ("第一行的说明", 150)],
        [("接着写的说明", 150)],
        [("深圳", 60), ("另一个说明", 150)],
    ]
    found = grids([*THREE_RULES, *implied_rules(THREE_RULES, pieces(words(rows)))])
    assert len(found) == 1
    assert found[0].cell_at(160, 130) == found[0].cell_at(160, 148)
    assert len({found[0].cell_at(70, y) for y in (108, 130, 170)}) == 3


def test_text_between_rules_that_runs_across_is_no_table() -> None:
    rows = [[("这是一整行连续的文字没有分栏", 60)], [("另一行", 60), ("文字", 200)], [("第三行", 60), ("文字", 200)]]
    assert implied_rules(THREE_RULES, pieces(words(rows))) == []


def test_a_grid_knows_where_its_cells_end() -> None:
    (grid,) = grids(
        [rule for rule in simple((50, 100, 150), (100, 120, 140)) if rule.x0 != 100] + [Rule(100, 100, 120, 140)]
    )
    assert isinstance(grid, Grid)
    assert grid.right == {(0, 0): 150, (1, 0): 100, (1, 1): 150}
