"""Fusion: two lists whose scores mean different things."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.fusion import fuse

# Whole scores, so that scaling and shifting them in the tests is exact.
RANKED = st.dictionaries(st.integers(0, 30), st.integers(-50, 50), max_size=12).map(
    lambda scores: sorted(((row, float(score)) for row, score in scores.items()), key=lambda hit: -hit[1])
)


def test_weighted_sum_of_min_max_scores_by_hand():
    lexical = [(4, 12.0), (2, 9.0), (7, 6.0)]
    dense = [(2, 0.9), (5, 0.8), (7, 0.4)]
    fused = fuse([(lexical, 1.0), (dense, 0.3)], 10)
    assert [row for row, _ in fused] == [4, 2, 5, 7]
    assert [score for _, score in fused] == pytest.approx([1.0, 0.5 + 0.3, 0.3 * 0.8, 0.0])


def test_equal_scores_come_in_row_order():
    assert [row for row, _ in fuse([([(9, 1.0), (3, 1.0), (5, 1.0)], 1.0)], 3)] == [3, 5, 9]


def test_list_of_one_row_counts_in_full_instead_of_dividing_by_zero():
    assert fuse([([(3, 0.0)], 0.5)], 5) == [(3, 0.5)]


@pytest.mark.parametrize("lists", [[], [([], 1.0)], [([], 1.0), ([], 0.3)]])
def test_nothing_in_nothing_out(lists: list):
    assert fuse(lists, 5) == []


@given(RANKED, RANKED, st.sampled_from([0.25, 0.5, 2.0, 8.0]), st.integers(-9, 9))
def test_scale_and_offset_of_a_list_do_not_matter(one: list, other: list, scale: float, offset: int):
    moved = [(row, score * scale + offset) for row, score in other]
    expected, found = fuse([(one, 1.0), (other, 0.5)], 99), fuse([(one, 1.0), (moved, 0.5)], 99)
    assert dict(found) == pytest.approx(dict(expected))


@given(RANKED, RANKED, st.integers(0, 20))
def test_result_is_sorted_without_repeats_and_at_most_k(one: list, other: list, k: int):
    fused = fuse([(one, 1.0), (other, 0.3)], k)
    assert fused == sorted(fused, key=lambda hit: (-hit[1], hit[0]))
    assert len({row for row, _ in fused}) == len(fused) == min(k, len({row for row, _ in one + other}))


@given(RANKED, RANKED)
def test_order_of_the_lists_does_not_matter(one: list, other: list):
    assert dict(fuse([(one, 1.0), (other, 0.5)], 99)) == pytest.approx(dict(fuse([(other, 0.5), (one, 1.0)], 99)))


@given(RANKED, RANKED)
def test_list_of_weight_zero_only_appends_its_rows(one: list, other: list):
    assert {row: score for row, score in fuse([(one, 1.0), (other, 0.0)], 99) if score} == {
        row: score for row, score in fuse([(one, 1.0)], 99) if score
    }


@given(RANKED)
def test_one_list_alone_keeps_its_order(one: list):
    fused = dict(fuse([(one, 1.0)], 99))
    assert all(fused[a] >= fused[b] for (a, _), (b, _) in pairwise(one))


def test_heavier_list_wins_where_the_two_disagree():
    first, second = [(1, 1.0), (2, 0.0)], [(2, 1.0), (1, 0.0)]
    assert fuse([(first, 1.0), (second, 0.3)], 1)[0][0] == 1
    assert fuse([(first, 0.3), (second, 1.0)], 1)[0][0] == 2
