"""The release gate: whether a run is good enough to release, judged against a baseline (`eval.baseline`).

A run is stopped when a guarded measure is under its floor, or significantly worse on the questions that both score: by the
one-sided paired approximate randomisation test, with the correction of Holm (1979) over all guarded measures. A failed question
has the worst score of every measure (`eval.score`), and a question that the run lacks stops it by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.baseline import Baseline, Guard, run_scores
from eval.compare import MeasureDifference, paired_difference
from eval.saved import SavedRun
from eval.score import LOWER_IS_BETTER

_EQUAL = 1e-9  # what differs by less is the same
_NAMED = 10


@dataclass(frozen=True)
class LostQuestion:
    """A question that a stopped measure is lost on; `before` is None where the baseline has no score."""

    id: str
    question: str
    before: float | None
    after: float


@dataclass(frozen=True)
class Check:
    """One guarded measure.

    `mean` is that of the run over its `questions`, None without any; `difference` is run against baseline, over the questions
    that both score, None when there are none; `p` is one-sided and corrected. `lost` lists questions only when the measure
    stops the run, worst first.
    """

    measure: str
    floor: float | None
    questions: int
    mean: float | None
    difference: MeasureDifference | None
    p: float | None
    is_worse: bool
    is_under_floor: bool
    lost: tuple[LostQuestion, ...]


@dataclass(frozen=True)
class Judgement:
    """Whether a run may pass; with `faults` it cannot be judged, and there are no checks."""

    faults: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def passes(self) -> bool:
        return not self.faults and not any(check.is_worse or check.is_under_floor for check in self.checks)


def judge(run: SavedRun, baseline: Baseline, *, allow_sample: bool = False) -> Judgement:
    """What the gate says of a run; `allow_sample` lets it hold only part of the baseline's questions."""
    faults = _faults(run, baseline, allow_sample)
    if faults:
        return Judgement(faults, ())
    differences = {
        measure: paired_difference(measure, baseline.of(measure), run_scores(run, measure))
        for measure in baseline.guarded
    }
    chances = {measure: _chance(found) for measure, found in differences.items() if found is not None}
    corrected = dict(zip(chances, holm(list(chances.values())), strict=True))
    return Judgement(
        (),
        tuple(
            _check(run, baseline, measure, guard, differences[measure], corrected.get(measure))
            for measure, guard in baseline.guarded.items()
        ),
    )


def holm(chances: Sequence[float]) -> list[float]:
    """p-values corrected for testing all of them, in the same order (Holm 1979)."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    corrected = [0.0] * len(chances)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = highest
    return corrected


def _check(
    run: SavedRun,
    baseline: Baseline,
    measure: str,
    guard: Guard,
    difference: MeasureDifference | None,
    p: float | None,
) -> Check:
    before, after = baseline.of(measure), run_scores(run, measure)
    texts = {record.question.id: record.question.question for record in run.records}
    mean = sum(after.values()) / len(after) if after else None
    is_worse = p is not None and p <= baseline.alpha
    # A measure that no longer applies to anything it applied to is as low as it can be.
    is_gone = mean is None and bool(before.keys() & texts.keys())
    is_under = guard.floor is not None and (is_gone if mean is None else _loss(measure, guard.floor, mean) > _EQUAL)
    lost = _lost(measure, before if is_worse else {}, after, texts) if is_worse or is_under else ()
    return Check(measure, guard.floor, len(after), mean, difference, p, is_worse, is_under, lost)


def _chance(found: MeasureDifference) -> float:
    """One-sided p: exchanging the runs mirrors the distribution, so that each of its tails is half of both."""
    is_worse = _loss(found.measure, found.first, found.second) > 0
    return found.p / 2 if is_worse else 1 - found.p / 2


def _faults(run: SavedRun, baseline: Baseline, allow_sample: bool) -> tuple[str, ...]:
    header = run.header
    if header.gold != baseline.gold:
        return (
            f"the gold questions ({header.gold:.19}…) are not those of the baseline ({baseline.gold:.19}…): run the "
            "baseline's, or write a new baseline with --write-baseline",
        )
    faults = []
    is_part = header.sample is not None or header.part != "all"
    if is_part and not allow_sample:
        faults.append(
            f"the run holds only part of the questions (part {header.part}, sample {header.sample}): run them all, or "
            "give --allow-sample"
        )
    asked = {record.question.id for record in run.records}
    missing = sorted(baseline.scores.keys() - asked)
    if missing and not is_part:
        faults.append(
            f"{len(missing)} questions of the baseline are not in the run, start it again with --restart: {_some(missing)}"
        )
    new = sorted(asked - baseline.scores.keys())
    if new:
        faults.append(f"{len(new)} questions of the run are not in the baseline, write it anew: {_some(new)}")
    return tuple(faults)


def _lost(
    measure: str, before: Mapping[str, float], after: Mapping[str, float], texts: Mapping[str, str]
) -> tuple[LostQuestion, ...]:
    """The questions that score worse than before, or than is possible where `before` does not say."""
    best = 0.0 if measure in LOWER_IS_BETTER else 1.0
    losses = {key: _loss(measure, before.get(key, best), score) for key, score in after.items()}
    worst_first = sorted((key for key in losses if losses[key] > _EQUAL), key=lambda key: (-losses[key], key))
    return tuple(LostQuestion(key, texts[key], before.get(key), after[key]) for key in worst_first)


def _loss(measure: str, before: float, after: float) -> float:
    return after - before if measure in LOWER_IS_BETTER else before - after


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
