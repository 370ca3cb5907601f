"""Measures against outside witnesses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from training.measures import auc_figure, character_f1, exact_match, mean_figure
from training.report import Retrieval, Row, recall_row, reranked, table


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=4, max_size=30))
def test_auc_is_scikit_learns(rows: list[tuple[int, bool]]) -> None:
    scores, truth = [float(score) for score, _ in rows], [positive for _, positive in rows]
    if len(set(truth)) == 2:
        assert auc_figure(scores, truth).value == pytest.approx(roc_auc_score(truth, scores))


def test_the_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(3).random(400)
    figure = mean_figure(values.tolist())
    half = 1.96 * values.std() / 20
    assert figure.low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert figure.high == pytest.approx(values.mean() + half, abs=0.2 * half)


def test_answers_are_compared_without_width_space_and_punctuation() -> None:
    assert exact_match("“２.８ 亿元”。", ["2.8亿元"]) == 1
    assert exact_match("28亿元", ["2.8亿元"]) == 0
    assert character_f1("城建集团", ["云江城建集团"]) == pytest.approx(0.8)
    assert character_f1("", ["云江"]) == 0


def test_recall_counts_questions_with_a_right_passage_among_the_first() -> None:
    task = Retrieval("toy", ("a", "b"), (frozenset({2}), frozenset({0, 9})), ("p",) * 10)
    row = recall_row("BM25", [[2, 1], [5, 4, 3, 9, 1]], task)
    assert [figure.split()[0] for figure in row.figures] == ["0.500", "1.000", "1.000"]


def test_the_reader_moves_a_passage_up_and_a_heavy_weight_keeps_the_order() -> None:
    candidates, odds = [[(7, 10.0), (8, 9.0)]], [[-2.0, 3.0]]
    assert reranked(candidates, odds, 0.0) == [[8, 7]]
    assert reranked(candidates, odds, 100.0) == [[7, 8]]
    assert reranked([[]], [[]], 1.0) == [[]]


def test_table_is_markdown() -> None:
    assert table(("a", "b"), [Row("x", ("1",))]) == "| a | b |\n|---|---|\n| x | 1 |"
