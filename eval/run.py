"""One run: every gold question asked once, a record each, and their summary, in one folder.

DIR/run.json       the header: what is run on what (`eval.summary.Header`), written before the first question
DIR/answers.jsonl  one record a line, in gold order (`eval.record`), each written as soon as it is known
DIR/summary.json   written last, from the records; two runs with one header differ in `cost` at most:

    header         as in run.json: index, gold, models, prompt, version, settings, code, part, sample, timeout_s
    overall        a group (`eval.summary.Group`): questions, failed, forbidden, median_length, aurc, ece, and by name of
                   the measure (`eval.score`) means, intervals {low, high} and counts
    by_part, by_answerable, by_type, by_style, by_document
                   name → group
    failures       [{id, error}], in gold order
    judge          verdict → count, null without a judge
    cost           latency_ms {p50, p90, p99} and peak_memory_mb

A run that was stopped goes on where it stopped when it is started again with the same header.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.gold import GoldQuestion, GoldSet, Part
from eval.record import Record, read_record, to_line
from eval.summary import Header, Summary, summarise
from eval.workers import OpenPipeline, Workers
from indexer.errors import InputError
from service.answer import Receipt
from service.settings import Settings

_PACKAGES = ("prompts", "indexer", "service", "eval")
# Where the files lie and where the service listens changes no answer; what the index holds is in its fingerprint.
_PLACES = {"corpus", "index", "host", "port"}


def select(gold: GoldSet, part: Part | None, sample: int | None) -> tuple[GoldQuestion, ...]:
    """The questions of a part (None for all), and of these a sample, in gold order.

    The sample is drawn by the hashes of the ids, so that it hardly changes when questions are added.

    Raises:
        InputError: nothing is left.
    """
    chosen = [question for question in gold.questions if part is None or question.part is part]
    if sample is not None:
        drawn = {
            question.id for question in sorted(chosen, key=lambda question: _sha256(question.id.encode()))[:sample]
        }
        chosen = [question for question in chosen if question.id in drawn]
    if not chosen:
        raise InputError(f"there is no gold question of the part {part.value if part else 'all'} to ask")
    return tuple(chosen)


def header(gold: GoldSet, receipt: Receipt, part: Part | None, sample: int | None, timeout: float) -> Header:
    """The header of a run with a pipeline that gave this receipt."""
    return Header(
        index=receipt.index,
        gold=f"sha256:{gold.sha256}",
        models=dict(receipt.models),
        prompt=receipt.prompt,
        version=receipt.version,
        settings=Settings().model_dump(mode="json", exclude=_PLACES),
        code={name: _code(Path(__file__).parents[1] / name) for name in _PACKAGES},
        part="all" if part is None else part.value,
        sample=sample,
        timeout_s=timeout,
    )


def evaluate(
    open_pipeline: OpenPipeline,
    gold: GoldSet,
    out: Path,
    *,
    part: Part | None = None,
    sample: int | None = None,
    jobs: int = 1,
    timeout: float = 60.0,
    restart: bool = False,
    on_record: Callable[[Record], None] = lambda record: None,
) -> Summary:
    """Asks what `out` has no record of yet, and writes records and summary there; `timeout` is seconds a question.

    Raises:
        InputError: the folder cannot be written, or holds a run with another header and `restart` is False.
        ZhengwenError: what `open_pipeline` raises.
    """
    questions = select(gold, part, sample)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with Workers(open_pipeline, jobs=jobs, timeout=timeout) as workers:
            head = header(gold, workers.receipt, part, sample, timeout)
            records = _begin(out, head, questions, restart)
            for record in records:
                on_record(record)
            with (out / "answers.jsonl").open("a", encoding="utf-8") as file:
                for record in workers.ask(questions[len(records) :]):
                    file.write(to_line(record))
                    file.flush()
                    records.append(record)
                    on_record(record)
        return write_summary(out, records, head)
    except OSError as error:
        raise InputError(f"the results cannot be written to {out}: {error}") from error


def write_summary(out: Path, records: Sequence[Record], head: Header) -> Summary:
    """The summary of the records, also as summary.json."""
    summary = summarise(records, head)
    (out / "summary.json").write_text(_pretty(summary.to_json()), encoding="utf-8")
    return summary


def _begin(out: Path, head: Header, questions: Sequence[GoldQuestion], restart: bool) -> list[Record]:
    """The records of an earlier start of this very run, in a folder that is ready for more."""
    answers, summary = out / "answers.jsonl", out / "summary.json"
    ours = json.loads(json.dumps(asdict(head)))
    found = None if restart else _read_header(out / "run.json")
    if found is None:
        if answers.exists() and not restart:
            raise InputError(f"{answers} stands there without a run.json: give --restart to replace it")
        summary.unlink(missing_ok=True)  # it must never stand beside the records of another run
        answers.unlink(missing_ok=True)
        (out / "run.json").write_text(_pretty(ours), encoding="utf-8")
        return []
    if found != ours:
        differing = ", ".join(key for key in ours if found.get(key) != ours[key])
        raise InputError(
            f"{out} holds a run with another header ({differing} differ): give another --out, or --restart to replace it"
        )
    records = _finished(answers, questions)
    summary.unlink(missing_ok=True)
    return records


def _read_header(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): give --restart to replace the run") from error
    return found if isinstance(found, dict) else {}


def _finished(answers: Path, questions: Sequence[GoldQuestion]) -> list[Record]:
    """The records written so far; half a last line, which a kill can leave, is cut off the file."""
    if not answers.exists():
        return []
    data = answers.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        answers.write_bytes(whole)
    lines = whole.decode().split("\n")[:-1]
    records = [read_record(line, f"{answers}:{number}") for number, line in enumerate(lines, start=1)]
    if [record.question for record in records] != list(questions[: len(records)]):
        raise InputError(f"{answers} does not hold the first questions of this run: give --restart to replace it")
    return records


def _code(package: Path) -> str:
    """sha256 over the paths and contents of everything in a package that can change a result."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        relative = path.relative_to(package).as_posix()
        if path.suffix in (".py", ".md", ".txt") and not relative.startswith(("gold/", "web/")):
            digest.update(f"{relative}\0{_sha256(path.read_bytes())}\n".encode())
    return "sha256:" + digest.hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _pretty(row: object) -> str:
    return json.dumps(row, ensure_ascii=False, indent=2) + "\n"
