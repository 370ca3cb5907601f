"""What came of one gold question: a line of answers.jsonl.

A line is the answer object of the documentation under the id of the gold question, with more beside it:

    gold        the gold question, as in its file
    scores      by name of the measure, see `eval.score`
    confidence  0..1; 1 for a failure, so that failing is the worst of errors
    stages      ids of the ten best passages of each stage, best first
    error       what asking raised, null when it did not; the answer object is then blank, with the status `failed`
    judge       the verdict of the judge model, null when none was asked, see `eval.judge`
    cost        `latency_ms` of the answer; `peak_memory_mb` of the process that gave it
"""

import json
import logging
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Self

from eval.gold import GoldQuestion, parse
from eval.score import EARLIER_STAGES, failed_scores, score
from indexer.errors import InputError
from service.answer import Status
from service.pipeline import Pipeline

_SHOWN = 10
_MAXRSS_PER_MB = 1_000_000 if sys.platform == "darwin" else 1_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cost:
    """What a question cost: milliseconds until its answer, and the most megabytes its process has held so far."""

    latency_ms: float
    peak_memory_mb: float


@dataclass(frozen=True)
class Record:
    """See the module; `answer` is the answer object as JSON has it, None for a failure."""

    question: GoldQuestion
    answer: Mapping[str, Any] | None
    scores: Mapping[str, float]
    confidence: float
    stages: Mapping[str, tuple[str, ...]]
    error: str | None
    cost: Cost
    judge: str | None = None

    @property
    def answered_text(self) -> str | None:
        """The text of the answer; None for a refusal and for a failure."""
        if self.answer is None or self.answer["status"] == Status.REFUSED.value:
            return None
        return str(self.answer["answer"])

    def to_json(self) -> dict[str, Any]:
        blank = {"question": self.question.question, "status": "failed", "answer": "", "citations": [], "passages": []}
        return {
            **(blank if self.answer is None else self.answer),
            "id": self.question.id,
            "gold": self.question.to_json(),
            "scores": self.scores,
            "confidence": self.confidence,
            "stages": self.stages,
            "error": self.error,
            "judge": self.judge,
            "cost": asdict(self.cost),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any], place: str) -> Self:
        """Raises InputError when `row` is no record; names the place."""
        try:
            return cls(
                question=parse(row["gold"], place),
                answer=None if row["error"] is not None else {key: row[key] for key in row if key not in _BESIDE},
                scores={name: float(value) for name, value in row["scores"].items()},
                confidence=float(row["confidence"]),
                stages={stage: tuple(ids) for stage, ids in row["stages"].items()},
                error=row["error"],
                cost=Cost(**row["cost"]),
                judge=row["judge"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{place} is no record of a run: {type(error).__name__} {error}") from error


_BESIDE = ("gold", "scores", "confidence", "stages", "error", "judge", "cost")


def ask(pipeline: Pipeline, question: GoldQuestion) -> Record:
    """The record of asking a question once; whatever asking raises makes it a failure, never a gap."""
    started = perf_counter()
    try:
        answer = pipeline.ask(question.question, question.history)
        latency = _milliseconds(started)
        stages = pipeline.stages(question.question, question.history)
        scores = score(question, answer, stages, pipeline.library)
    except Exception as error:
        logger.exception("question %s failed", question.id)
        return failure(question, f"{type(error).__name__}: {error}", Cost(_milliseconds(started), _peak_memory()))
    best = {
        stage: tuple(hit.passage.passage_id for hit in getattr(stages, stage)[:_SHOWN])
        for stage in (*EARLIER_STAGES, "read")
    }
    cost = Cost(latency, _peak_memory())
    return Record(question, answer.to_json(), scores, answer.confidence, best, None, cost)


def failure(question: GoldQuestion, error: str, cost: Cost) -> Record:
    """The record of a question that got no answer."""
    return Record(question, None, failed_scores(question), 1.0, {}, error, cost)


def read_records(path: Path) -> list[Record]:
    """The records of an answers.jsonl, in order.

    Raises:
        InputError: the file cannot be read, or a line is no record; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return [read_record(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line]


def read_record(line: str, place: str) -> Record:
    """Raises InputError when the line is no record; names the place."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place} is not JSON: {error}") from error
    return Record.from_json(row, place)


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Puts these records in the place of the file, all at once."""
    unfinished = path.with_suffix(".writing")
    unfinished.write_text("".join(to_line(record) for record in records), encoding="utf-8")
    unfinished.replace(path)


def to_line(record: Record) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False) + "\n"


def _milliseconds(started: float) -> float:
    return round(1000 * (perf_counter() - started), 1)


def _peak_memory() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MAXRSS_PER_MB, 1)
