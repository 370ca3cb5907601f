"""Measures and their intervals; each figure is a mean over questions, or the area under a ROC curve."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from indexer.text import squeeze

Labels = TypeVar("Labels", npt.NDArray[np.bool_], npt.NDArray[np.float64])

_RESAMPLES = 1000
_SEED = 7


@dataclass(frozen=True)
class Figure:
    """A measured value with its 95 % bootstrap interval over `n` questions."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_figure(values: Sequence[float]) -> Figure:
    """Mean of one value a question."""
    array = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(_SEED)
    means = [array[rng.integers(len(array), size=len(array))].mean() for _ in range(_RESAMPLES)]
    return _figure(float(array.mean()), means, len(array))


def auc_figure(scores: Sequence[float], positive: Sequence[bool]) -> Figure:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counted half."""
    return _resampled(auc, np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool))


def auc_gain_figure(scores: Sequence[float], others: Sequence[float], positive: Sequence[bool]) -> Figure:
    """How much greater the area is by `others` than by `scores`, of the same questions."""
    both = np.stack([np.asarray(scores, dtype=np.float64), np.asarray(others, dtype=np.float64)], axis=1)
    return _resampled(lambda x, y: auc(x[:, 1], y) - auc(x[:, 0], y), both, np.asarray(positive, dtype=bool))


def auc(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    """Mann and Whitney's U over the number of pairs."""
    ranks = rankdata(scores)
    ours, theirs = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - ours * (ours + 1) / 2) / (ours * theirs))


def refused_figure(scores: Sequence[float], answerable: Sequence[bool], given_up: float) -> Figure:
    """Share of the unanswerable questions under the score that the share `given_up` of the answerable ones stays under.

    Each resample finds that score anew.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(answerable, dtype=bool)

    def refused(x: npt.NDArray[np.float64], y: npt.NDArray[np.bool_]) -> float:
        return float((x[~y] < np.quantile(x[y], given_up)).mean())

    return _resampled(refused, x, y)


def risk_curve(scores: Sequence[float], right: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """(coverage, risk) when the best scored questions alone are answered: one point for every distinct score, coverage rising.

    Coverage is the share of all questions that is answered, risk the share of those whose answer is wrong (El-Yaniv and
    Wiener 2010); an answer may be right in part, `right` is 0..1.
    """
    x, wrong = np.asarray(scores, dtype=np.float64), 1 - np.asarray(right, dtype=np.float64)
    order = np.argsort(-x, kind="stable")
    risk = np.cumsum(wrong[order]) / np.arange(1, len(x) + 1)
    last = np.append(x[order][1:] != x[order][:-1], True)  # questions of one score are answered or refused together
    return tuple((float(i + 1) / len(x), float(risk[i])) for i in np.flatnonzero(last))


def risk_area_figure(scores: Sequence[float], right: Sequence[float]) -> Figure:
    """Area under the risk–coverage curve, as a mean of the risk over the number of answered questions; lower is better."""
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)

    def area(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
        points = np.array([(0.0, 0.0), *risk_curve(x.tolist(), y.tolist())])
        return float(np.diff(points[:, 0]) @ points[1:, 1])

    return _resampled(area, x, y, needs_both=False)


def ndcg(ranking: Sequence[int], right: frozenset[int], k: int) -> float:
    """Normalised discounted cumulative gain of the first `k` rows, gain 1 for right ones (Järvelin and Kekäläinen 2002)."""
    ideal = sum(1 / math.log2(i + 2) for i in range(min(k, len(right))))
    return sum(1 / math.log2(i + 2) for i, row in enumerate(ranking[:k]) if row in right) / ideal


def recall(ranking: Sequence[int], right: frozenset[int], k: int) -> float:
    """Share of the right rows among the first `k`."""
    return len(right.intersection(ranking[:k])) / len(right)


def calibration_error(probabilities: Sequence[float], truth: Sequence[bool], bins: int = 10) -> float:
    """Mean distance of probability and share of truth over bins of equal width, weighed by their size (Guo et al. 2017)."""
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    place = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs(float((p[place == b] - y[place == b]).sum())) for b in range(bins)) / len(p))


def exact_match(predicted: str, answers: Sequence[str]) -> float:
    """1 when the prediction equals an answer but for width, case, white space and punctuation."""
    return float(any(squeeze(predicted) == squeeze(answer) for answer in answers))


def character_f1(predicted: str, answers: Sequence[str]) -> float:
    """The best F1 over characters, as bags, against any answer."""
    return max((_bag_f1(squeeze(predicted), squeeze(answer)) for answer in answers), default=0.0)


def _bag_f1(a: str, b: str) -> float:
    shared = sum((Counter(a) & Counter(b)).values())
    return 2 * shared / (len(a) + len(b)) if shared else 0.0


def _figure(value: float, samples: Sequence[float], n: int) -> Figure:
    low, high = np.percentile(samples, [2.5, 97.5])
    return Figure(value, float(low), float(high), n)


def _resampled(
    statistic: Callable[[npt.NDArray[np.float64], Labels], float],
    x: npt.NDArray[np.float64],
    y: Labels,
    *,
    needs_both: bool = True,
) -> Figure:
    """A statistic of questions with its interval; where it needs both kinds, resamples that lack one are left out."""
    rng = np.random.default_rng(_SEED)
    samples = []
    for _ in range(_RESAMPLES // 4):
        chosen = rng.integers(len(x), size=len(x))
        if not needs_both or 0 < y[chosen].sum() < len(x):
            samples.append(statistic(x[chosen], y[chosen]))
    return _figure(statistic(x, y), samples, len(x))
