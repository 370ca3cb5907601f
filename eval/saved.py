"""A finished run as it lies in its folder, and how each of its questions came out."""

import json
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from eval.record import Record, read_records
from eval.summary import Header
from indexer.errors import InputError


class Outcome(Enum):
    """What came of a question; every record is exactly one of them."""

    RIGHT = "right"
    REFUSED_RIGHTLY = "refused rightly"
    WRONG = "wrong"
    REFUSED_WRONGLY = "refused wrongly"
    ANSWERED_WRONGLY = "answered though nothing answers it"
    FAILED = "failed"

    @property
    def is_good(self) -> bool:
        return self in (Outcome.RIGHT, Outcome.REFUSED_RIGHTLY)


@dataclass(frozen=True)
class SavedRun:
    """A run that is through; `records` in gold order, no question id twice."""

    folder: Path
    header: Header
    records: tuple[Record, ...]

    @property
    def by_id(self) -> dict[str, Record]:
        return {record.question.id: record for record in self.records}


def outcome(record: Record) -> Outcome:
    """How the question of a record came out."""
    if record.error is not None:
        return Outcome.FAILED
    refused = record.answered_text is None
    if not record.question.is_answerable:
        return Outcome.REFUSED_RIGHTLY if refused else Outcome.ANSWERED_WRONGLY
    if refused:
        return Outcome.REFUSED_WRONGLY
    return Outcome.RIGHT if record.scores["right"] == 1 else Outcome.WRONG


def read_run(folder: Path) -> SavedRun:
    """The run of a folder that `eval.run` wrote.

    Raises:
        InputError: the folder holds no run, one that is not through, or files that do not belong together.
    """
    head = _read_object(folder / "run.json", f"{folder} holds no run")
    summary = _read_object(folder / "summary.json", f"the run in {folder} is not through: start it again to finish it")
    try:
        header = Header(**head)
        counted = int(summary["overall"]["questions"])
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"{folder} holds a run of another version ({error}): run 'zhengwen eval run' again with --restart"
        ) from error
    records = tuple(read_records(folder / "answers.jsonl"))
    ids = {record.question.id for record in records}
    if summary["header"] != json.loads(json.dumps(asdict(header))) or counted != len(records):
        raise InputError(
            f"{folder} mixes two runs: summary.json counts {counted} questions and answers.jsonl holds {len(records)}, "
            "or their headers differ; run 'zhengwen eval run' again with --restart"
        )
    if len(ids) != len(records):
        raise InputError(f"{folder} holds a question id twice: see 'zhengwen eval check'")
    return SavedRun(folder, header, records)


def _read_object(path: Path, otherwise: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{otherwise} ({path.name} is missing)") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} must be an object, found {found!r:.60}")
    return found
