"""Measures against outside witnesses."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import Qrel, R, ScoredDoc, nDCG
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score

from training.measures import (
    auc_figure,
    auc_gain_figure,
    calibration_error,
    character_f1,
    exact_match,
    mean_figure,
    ndcg,
    recall,
    refused_figure,
    risk_area_figure,
    risk_curve,
)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=4, max_size=30))
def test_auc_is_scikit_learns(rows: list[tuple[int, bool]]) -> None:
    scores, truth = [float(score) for score, _ in rows], [positive for _, positive in rows]
    if len(set(truth)) == 2:
        assert auc_figure(scores, truth).value == pytest.approx(roc_auc_score(truth, scores))


def test_the_gain_of_a_better_score_is_paired() -> None:
    rng = np.random.default_rng(4)
    truth = rng.random(200) < 0.5
    one = truth + rng.normal(0, 1.0, 200)
    other = one + 0.5 * truth
    gain = auc_gain_figure(one.tolist(), other.tolist(), truth.tolist())
    assert gain.value == pytest.approx(roc_auc_score(truth, other) - roc_auc_score(truth, one))
    assert gain.low > 0, "that of single areas would reach below"
    assert auc_gain_figure(one.tolist(), one.tolist(), truth.tolist()).high == 0


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


@given(st.permutations(range(12)), st.sets(st.integers(0, 11), min_size=1, max_size=12), st.integers(0, 12))
def test_recall_and_ndcg_are_those_of_ir_measures(order: list[int], right: set[int], length: int) -> None:
    ranking = order[:length]
    qrels = [Qrel("q", str(row), 1) for row in right]
    run = [ScoredDoc("q", str(row), -rank) for rank, row in enumerate(ranking)]
    expected = ir_measures.calc_aggregate([R @ 5, nDCG @ 10], qrels, run)
    assert recall(ranking, frozenset(right), 5) == pytest.approx(expected[R @ 5])
    assert ndcg(ranking, frozenset(right), 10) == pytest.approx(expected[nDCG @ 10])


def test_the_share_refused_is_taken_at_the_score_that_few_answerable_questions_stay_under() -> None:
    answerable = [i / 100 for i in range(100)]
    unanswerable = [0.01, 0.02, 0.5, 0.9]
    scores, truth = [*answerable, *unanswerable], [True] * 100 + [False] * 4
    assert refused_figure(scores, truth, 0.05).value == 0.5
    assert refused_figure(scores, truth, 0.6).value == 0.75


def test_risk_is_the_share_of_wrong_answers_among_the_surest_questions() -> None:
    curve = risk_curve([0.9, 0.8, 0.8, 0.1], [True, False, True, False])
    assert curve == ((0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5))


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=25))
def test_the_risk_of_answering_everything_is_the_share_of_wrong_answers(rows: list[tuple[int, bool]]) -> None:
    right = [good for _, good in rows]
    curve = risk_curve([float(score) for score, _ in rows], right)
    assert curve[-1] == (1.0, pytest.approx(1 - np.mean(right)))
    assert [across for across, _ in curve] == sorted({across for across, _ in curve})


def test_an_answer_that_is_right_in_part_is_wrong_for_the_rest() -> None:
    assert risk_curve([0.9, 0.5], [0.75, 0.25]) == ((0.5, 0.25), (1.0, 0.5))
    assert risk_area_figure([0.9, 0.5], [0.75, 0.25]).value == pytest.approx(0.375)


def test_the_area_under_the_risk_is_lowest_when_the_wrong_answers_come_last() -> None:
    right = [True] * 30 + [False] * 10
    good = risk_area_figure([1 - i / 40 for i in range(40)], right)
    bad = risk_area_figure([i / 40 for i in range(40)], right)
    same = risk_area_figure([0.5] * 40, right)
    assert good.low <= good.value <= good.high
    assert good.value < same.value < bad.value
    assert same.value == pytest.approx(0.25)


def test_the_calibration_error_is_that_of_scikit_learns_curve() -> None:
    rng = np.random.default_rng(5)
    p = rng.random(300)
    y = rng.random(300) < p**2
    share, mean = calibration_curve(y, p, n_bins=10)
    size = np.histogram(p, bins=10, range=(0, 1))[0]
    expected = float((np.abs(share - mean) * size[size > 0]).sum() / 300)
    assert calibration_error(p.tolist(), y.tolist()) == pytest.approx(expected)
    assert calibration_error([1.0, 1.0], [True, True]) == 0
