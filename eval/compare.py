"""Two runs over the same questions: what differs between their scores, how surely, and which questions came out otherwise.

A difference is always second minus first, over the questions that both runs score by the measure: for one that applies to
answers only, such as `quotes_stand`, those that both runs answer. Its interval is the percentile bootstrap over the pairs,
its p the two-sided approximate randomisation test (`eval.statistics`), not corrected for the number of measures.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eval.record import Record
from eval.saved import Outcome, SavedRun, outcome
from eval.score import LOWER_IS_BETTER, MEASURES
from eval.statistics import Interval, bootstrap_interval, randomisation_test
from eval.summary import Header
from indexer.errors import InputError

_DIGITS = 4
_MUST_AGREE = {
    "gold": "other questions or other right answers: only questions that are the same word for word can be compared",
    "index": "other passages: the difference is then that of index and code together",
    "models": "other models: the difference is then that of models and code together",
}
"""Field of the header → why runs that differ in it are not compared unless forced."""


@dataclass(frozen=True)
class MeasureDifference:
    """How two runs differ by one measure; `first` and `second` are the means over the `questions` that both score."""

    measure: str
    questions: int
    first: float
    second: float
    difference: float
    interval: Interval
    p: float

    @property
    def is_better(self) -> bool:
        return self.difference < 0 if self.measure in LOWER_IS_BETTER else self.difference > 0


@dataclass(frozen=True)
class Change:
    """A question that came out otherwise."""

    first: Record
    second: Record

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        return outcome(self.first), outcome(self.second)


@dataclass(frozen=True)
class Comparison:
    """`differing` are the fields of the header that differ; `questions` those compared, `left_out` those of one run only.

    `changed` lists first what is no longer good, then what has become good, then the rest, each in gold order.
    """

    first: SavedRun
    second: SavedRun
    differing: tuple[str, ...]
    questions: int
    left_out: int
    measures: tuple[MeasureDifference, ...]
    changed: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "first": {"folder": str(self.first.folder), "header": asdict(self.first.header)},
            "second": {"folder": str(self.second.folder), "header": asdict(self.second.header)},
            "differing": self.differing,
            "questions": self.questions,
            "left_out": self.left_out,
            "measures": {item.measure: _measure_json(item) for item in self.measures},
            "changed": [_change_json(change) for change in self.changed],
        }


def compare(first: SavedRun, second: SavedRun, *, force: bool = False) -> Comparison:
    """The comparison of two runs.

    Raises:
        InputError: they have no question in common, or gold, index or models differ and `force` is False.
    """
    differing = tuple(
        name for name in asdict(first.header) if _field(first.header, name) != _field(second.header, name)
    )
    refused = [f"{name} ({why})" for name, why in _MUST_AGREE.items() if name in differing]
    if refused and not force:
        raise InputError(
            f"{first.folder} and {second.folder} differ in {'; '.join(refused)}. Run both on the same, or give --force"
        )
    of_second = second.by_id
    pairs = [
        (record, of_second[record.question.id])
        for record in first.records
        if record.question.id in of_second and record.question == of_second[record.question.id].question
    ]
    if not pairs:
        raise InputError(f"{first.folder} and {second.folder} have no question in common")
    changes = [Change(*pair) for pair in pairs if outcome(pair[0]) is not outcome(pair[1])]
    return Comparison(
        first=first,
        second=second,
        differing=differing,
        questions=len(pairs),
        left_out=len(first.records) + len(second.records) - 2 * len(pairs),
        measures=tuple(found for name in MEASURES if (found := _difference(name, pairs)) is not None),
        changed=tuple(sorted(changes, key=_urgency)),
    )


def paired_difference(
    measure: str, first: Mapping[str, float], second: Mapping[str, float]
) -> MeasureDifference | None:
    """The difference of two runs' scores by question id, over the ids that both hold; None when they share none."""
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return None
    before, after = (np.array([scores[key] for key in shared], dtype=np.float64) for scores in (first, second))
    return MeasureDifference(
        measure=measure,
        questions=len(shared),
        first=float(before.mean()),
        second=float(after.mean()),
        difference=float((after - before).mean()),
        interval=bootstrap_interval(after - before),
        p=randomisation_test(before, after),
    )


def _difference(measure: str, pairs: list[tuple[Record, Record]]) -> MeasureDifference | None:
    first, second = (
        {record.question.id: record.scores[measure] for record in side if measure in record.scores}
        for side in zip(*pairs, strict=True)
    )
    return paired_difference(measure, first, second)


def _urgency(change: Change) -> int:
    before, after = change.outcomes
    return 0 if before.is_good and not after.is_good else 1 if after.is_good and not before.is_good else 2


def _field(header: Header, name: str) -> object:
    value: object = getattr(header, name)
    return value


def _measure_json(item: MeasureDifference) -> dict[str, Any]:
    return {
        "questions": item.questions,
        "first": round(item.first, _DIGITS),
        "second": round(item.second, _DIGITS),
        "difference": round(item.difference, _DIGITS),
        "interval": {"low": round(item.interval.low, _DIGITS), "high": round(item.interval.high, _DIGITS)},
        "p": round(item.p, _DIGITS),
    }


def _change_json(change: Change) -> dict[str, Any]:
    question = change.first.question
    sides = {
        name: {"outcome": outcome(record).value, "answer": said(record)}
        for name, record in (("first", change.first), ("second", change.second))
    }
    return {"id": question.id, "part": question.part.value, "question": question.question, **sides}


def said(record: Record) -> str:
    """The text of an answer or a refusal; of a failure its error."""
    return record.error or "" if record.answer is None else str(record.answer["answer"])
