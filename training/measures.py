"""Measures and their intervals; each figure is a mean over questions, or the area under a ROC curve."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from indexer.text import squeeze

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
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    rng = np.random.default_rng(_SEED)
    samples = []
    for _ in range(_RESAMPLES // 4):
        chosen = rng.integers(len(x), size=len(x))
        if 0 < y[chosen].sum() < len(x):
            samples.append(auc(x[chosen], y[chosen]))
    return _figure(auc(x, y), samples, len(x))


def auc(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    """Mann and Whitney's U over the number of pairs."""
    ranks = rankdata(scores)
    ours, theirs = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - ours * (ours + 1) / 2) / (ours * theirs))


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
