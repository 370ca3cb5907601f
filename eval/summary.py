"""The records of a run in counts and means; the schema is that of summary.json in `eval.run`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eval.gold import GoldQuestion
from eval.measures import median_length
from eval.record import Record
from eval.score import MEASURES
from eval.statistics import Interval, bootstrap_interval, expected_calibration_error, risk_coverage

_DIGITS = 4
_PERCENTILES = (50, 90, 99)


@dataclass(frozen=True)
class Group:
    """Counts and means of some records.

    `forbidden` counts answers that hold a forbidden figure; `median_length` is in characters, over the answers to answerable
    questions; a measure that applies to none of the records is not among `means`, `intervals` (95 % bootstrap) and `counts`
    (of how many questions the mean is). `aurc` and `ece` judge the confidence over all records, 0 is perfect: right is an
    answer with all facts and no forbidden figure, so that a refusal should come with little confidence.
    """

    questions: int
    failed: int
    forbidden: int
    median_length: float
    means: Mapping[str, float]
    intervals: Mapping[str, Interval]
    counts: Mapping[str, int]
    aurc: float
    ece: float


@dataclass(frozen=True)
class Failure:
    """A question without an answer, and why."""

    id: str
    error: str


@dataclass(frozen=True)
class Costs:
    """Latency percentiles in milliseconds by `p50`, `p90`, `p99`; the most megabytes that one process held."""

    latency_ms: Mapping[str, float]
    peak_memory_mb: float


@dataclass(frozen=True)
class Header:
    """What was run on what; two runs with the same header differ in their costs at most.

    `index` is the index fingerprint; `gold` the sha256 of the gold files; `code` a sha256 for each package that makes or
    scores answers; `settings` are those that can change an answer; `part` is `development`, `release` or `all`; `sample` how
    many questions were drawn, None for every one.
    """

    index: str
    gold: str
    models: Mapping[str, str]
    prompt: str
    version: str
    settings: Mapping[str, Any]
    code: Mapping[str, str]
    part: str
    sample: int | None
    timeout_s: float


@dataclass(frozen=True)
class Summary:
    """The result of a run. A question with two documents counts under both; `judge` counts verdicts, None without a judge."""

    header: Header
    overall: Group
    by_part: Mapping[str, Group]
    by_answerable: Mapping[str, Group]
    by_type: Mapping[str, Group]
    by_style: Mapping[str, Group]
    by_document: Mapping[str, Group]
    failures: tuple[Failure, ...]
    judge: Mapping[str, int] | None
    cost: Costs

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def summarise(records: Sequence[Record], header: Header) -> Summary:
    """The summary of records in gold order.

    Raises:
        ValueError: there is no record.
    """
    return Summary(
        header=header,
        overall=_group(records),
        by_part=_groups(records, lambda question: [question.part.value]),
        by_answerable=_groups(records, lambda question: ["answerable" if question.is_answerable else "unanswerable"]),
        by_type=_groups(records, lambda question: [question.type.value]),
        by_style=_groups(records, lambda question: [question.style.value]),
        by_document=_groups(records, lambda question: question.docs),
        failures=tuple(Failure(r.question.id, r.error) for r in records if r.error is not None),
        judge=_verdicts(records),
        cost=_costs(records),
    )


def is_right(record: Record) -> bool:
    """Whether an answer was given and is right; never for a refusal, nor where nothing answers the question."""
    return record.question.is_answerable and record.scores["right"] == 1


def _groups(records: Sequence[Record], keys: Callable[[GoldQuestion], Sequence[str]]) -> dict[str, Group]:
    members: dict[str, list[Record]] = {}
    for record in records:
        for key in dict.fromkeys(keys(record.question)):
            members.setdefault(key, []).append(record)
    return {key: _group(members[key]) for key in sorted(members)}


def _group(records: Sequence[Record]) -> Group:
    values = {
        name: np.array([record.scores[name] for record in records if name in record.scores], dtype=np.float64)
        for name in MEASURES
    }
    values = {name: scores for name, scores in values.items() if len(scores)}
    texts = [record.answered_text for record in records if record.question.is_answerable]
    sure = np.array([record.confidence for record in records], dtype=np.float64)
    right = np.array([is_right(record) for record in records], dtype=np.float64)
    return Group(
        questions=len(records),
        failed=sum(record.error is not None for record in records),
        forbidden=sum(record.error is None and record.scores.get("no_forbidden") == 0 for record in records),
        median_length=median_length(text for text in texts if text is not None),
        means={name: _rounded(scores.mean()) for name, scores in values.items()},
        intervals={name: _interval(scores) for name, scores in values.items()},
        counts={name: len(scores) for name, scores in values.items()},
        aurc=_rounded(risk_coverage(sure, right).area),
        ece=_rounded(expected_calibration_error(sure, right)),
    )


def _interval(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Interval:
    found = bootstrap_interval(scores)
    return Interval(_rounded(found.low), _rounded(found.high))


def _verdicts(records: Sequence[Record]) -> dict[str, int] | None:
    verdicts = [record.judge for record in records if record.judge is not None]
    return {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))} if verdicts else None


def _costs(records: Sequence[Record]) -> Costs:
    found = np.percentile([record.cost.latency_ms for record in records], _PERCENTILES)
    latency = {f"p{share}": round(float(value), 1) for share, value in zip(_PERCENTILES, found, strict=True)}
    return Costs(latency, max(record.cost.peak_memory_mb for record in records))


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
