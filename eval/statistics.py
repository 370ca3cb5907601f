"""How sure a mean is, whether two runs differ, and whether confidence says when an answer is right.

Pure functions of one-dimensional float arrays; the same input gives the same result.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DRAWS = 2000
FLIPS = 10_000
LEVEL = 0.95
BINS = 10
_SEED = 20240229

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Bounds of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class RiskCoverage:
    """What share of the answers accepted is wrong, when those of least confidence are turned away.

    Entry i is for the i + 1 most confident: `coverage` ascends to 1, `risk` is the share of wrong answers among them.
    """

    coverage: Values
    risk: Values

    @property
    def area(self) -> float:
        """Mean risk over all coverages (AURC, Geifman et al. 2019); 0 is perfect."""
        return float(self.risk.mean())


def bootstrap_interval(values: Values, *, seed: int = _SEED) -> Interval:
    """95 % percentile bootstrap interval of the mean (Efron 1979), from `DRAWS` samples with replacement.

    Raises:
        ValueError: there is no value.
    """
    if not len(values):
        raise ValueError("an interval needs at least one value")
    rows = np.random.default_rng(seed).integers(0, len(values), (DRAWS, len(values)))
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values[rows].mean(axis=1), [tail, 100 - tail])
    return Interval(float(low), float(high))


def randomisation_test(first: Values, second: Values, *, seed: int = _SEED) -> float:
    """Two-sided p of the difference of two means over the same questions (approximate randomisation, Noreen 1989).

    The share of `FLIPS` random exchanges within pairs whose difference is at least as large as the one seen, the one seen
    counted among them, so that p is never 0.

    Raises:
        ValueError: the arrays differ in length or are empty.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"a paired test needs as many values on both sides, found {len(first)} and {len(second)}")
    differences = first - second
    signs = 1 - 2 * np.random.default_rng(seed).integers(0, 2, (FLIPS, len(differences)), dtype=np.int8)
    # What is equal in exact arithmetic must count as equal here.
    extreme = np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9
    return float((1 + np.count_nonzero(extreme)) / (1 + FLIPS))


def risk_coverage(confidence: Values, right: Values) -> RiskCoverage:
    """The risk–coverage curve (El-Yaniv & Wiener 2010) of `right`, 1 or 0, by `confidence`.

    Answers of equal confidence have no order: each carries the mean risk of its equals, which is the expectation over all
    orders.

    Raises:
        ValueError: the arrays differ in length or are empty.
    """
    if len(confidence) != len(right) or not len(right):
        raise ValueError(f"a curve needs a confidence for every answer, found {len(confidence)} and {len(right)}")
    _, group, size = np.unique(-confidence, return_inverse=True, return_counts=True)
    wrong = np.bincount(group, weights=1 - right) / size
    accepted = np.arange(1, len(right) + 1)
    return RiskCoverage(accepted / len(right), np.cumsum(np.repeat(wrong, size)) / accepted)


def expected_calibration_error(confidence: Values, right: Values) -> float:
    """Mean distance of confidence and share of right answers over `BINS` bins of equal width (ECE, Guo et al. 2017).

    `confidence` lies in 0..1; a bin counts by its size; 0 is perfect.

    Raises:
        ValueError: the arrays differ in length or are empty.
    """
    if len(confidence) != len(right) or not len(right):
        raise ValueError(f"calibration needs a confidence for every answer, found {len(confidence)} and {len(right)}")
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gap = np.bincount(bins, weights=confidence - right, minlength=BINS)
    return float(np.abs(gap).sum() / len(right))
