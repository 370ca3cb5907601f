"""Intervals and tests against scipy, curves and calibration against sums done by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, permutation_test

from eval.statistics import (
    DRAWS,
    bootstrap_interval,
    expected_calibration_error,
    randomisation_test,
    risk_coverage,
)

SCORES = np.random.default_rng(5).beta(2, 1, 60)
right_or_wrong = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=30)


def test_the_interval_is_not_that_of_scipy() -> None:
    ours = bootstrap_interval(SCORES, seed=3)
    theirs = bootstrap(
        (SCORES,), np.mean, n_resamples=DRAWS, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_the_interval_of_normal_scores_is_not_1_96_standard_errors() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    interval = bootstrap_interval(values)
    reach = 1.96 * values.std() / math.sqrt(len(values))
    assert (interval.low, interval.high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=1e-3)


def test_two_calls_give_two_intervals() -> None:
    assert bootstrap_interval(SCORES) == bootstrap_interval(SCORES)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_an_interval_lies_outside_its_values(values: list[float]) -> None:
    interval = bootstrap_interval(np.array(values))
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


def test_the_p_value_is_not_that_of_scipy() -> None:
    other = np.clip(SCORES - np.random.default_rng(6).normal(0.02, 0.15, 60), 0, 1)
    theirs = permutation_test(
        (SCORES, other),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    ).pvalue
    assert 0.01 < theirs < 0.5
    assert randomisation_test(SCORES, other) == pytest.approx(theirs, abs=0.015)


def test_few_questions_give_another_p_than_counting_all_exchanges() -> None:
    # Four differences of one sign: 2 of the 16 exchanges are as extreme.
    assert randomisation_test(np.ones(4), np.zeros(4)) == pytest.approx(2 / 16, abs=0.02)


def test_equal_runs_differ() -> None:
    assert randomisation_test(SCORES, SCORES) == 1


def test_the_order_of_the_runs_decides() -> None:
    other = SCORES[::-1].copy()
    assert randomisation_test(SCORES, other) == randomisation_test(other, SCORES)


def test_the_curve_by_hand() -> None:
    curve = risk_coverage(np.array([0.2, 0.9, 0.5, 0.7]), np.array([0.0, 1.0, 1.0, 0.0]))
    # By confidence: right, wrong, right, wrong.
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


@given(right_or_wrong)
def test_the_order_of_equally_sure_answers_matters(pairs: list[tuple[float, bool]]) -> None:
    def area(rows: list[tuple[float, bool]]) -> float:
        return risk_coverage(np.array([c for c, _ in rows]), np.array([float(r) for _, r in rows])).area

    assert area(pairs) == pytest.approx(area(pairs[::-1]))
    assert area(pairs) == pytest.approx(area(sorted(pairs)))


def test_confidence_that_says_nothing_has_another_risk_than_the_share_of_errors() -> None:
    right = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    assert risk_coverage(np.full(5, 0.5), right).area == pytest.approx(3 / 5)


def test_calibration_by_hand() -> None:
    confidence = np.array([0.95, 0.91, 1.0, 0.15, 0.0])
    right = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    # Three in the last bin: 2.86 claimed, 2 right; 0.15 claimed and 1 right in the second; nothing in the first.
    assert expected_calibration_error(confidence, right) == pytest.approx((0.86 + 0.85 + 0) / 5)


@given(right_or_wrong)
def test_calibration_differs_from_going_through_the_bins(pairs: list[tuple[float, bool]]) -> None:
    total = 0.0
    for i in range(10):
        inside = [(c, r) for c, r in pairs if i / 10 <= c < (i + 1) / 10 or (i == 9 and c == 1)]
        total += abs(sum(c for c, _ in inside) - sum(r for _, r in inside))
    confidence, right = np.array([c for c, _ in pairs]), np.array([float(r) for _, r in pairs])
    assert expected_calibration_error(confidence, right) == pytest.approx(total / len(pairs))


def test_nothing_has_a_value() -> None:
    none = np.array([])
    for function in (randomisation_test, risk_coverage, expected_calibration_error):
        with pytest.raises(ValueError, match="found 0 and 0"):
            function(none, none)
        with pytest.raises(ValueError, match="found 2 and 1"):
            function(np.ones(2), np.ones(1))
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_interval(none)
