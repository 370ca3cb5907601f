"""`zhengwen export …`: the records as CSV or JSON lines, row by row as they are read."""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import Progress

from indexer.errors import InputError
from service.records.types import AuditEntry, Feedback, UnansweredQuestion
from service.settings import Settings

# What makes spreadsheets take a cell for a formula, in full width too, after any white space; they drop the apostrophe.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

Record = AuditEntry | UnansweredQuestion | Feedback


class What(StrEnum):
    """Which records: every question, the refused ones counted, or what people thought of answers."""

    AUDIT = "audit"
    UNANSWERED = "unanswered"
    FEEDBACK = "feedback"


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"


_KINDS: dict[What, type[Record]] = {
    What.AUDIT: AuditEntry,
    What.UNANSWERED: UnansweredQuestion,
    What.FEEDBACK: Feedback,
}


def export(
    what: Annotated[What, typer.Argument(help="Which records.", show_default=False)],
    since: Annotated[
        str | None, typer.Option(help="Only from this day or time on, in the time zone of this machine: 2025-03-01.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.CSV,
    out: Annotated[Path | None, typer.Option(help="File to write; in its place only once it is whole.")] = None,
) -> None:
    """Write the audit log, the questions that were refused, or the feedback."""
    from service.records.audit import AuditLog
    from service.records.database import Database
    from service.records.feedback import FeedbackStore

    begin = None if since is None else _parsed(since)
    settings = Settings()
    with (
        Database.open(settings.database) as database,
        Progress(console=_errors, transient=True, disable=out is None or not _errors.is_terminal) as progress,
    ):
        log = AuditLog(database, settings.audit_questions, settings.audit_days)
        match what:
            case What.AUDIT:
                records: Iterator[Record] = log.since(begin)
            case What.UNANSWERED:
                records = log.unanswered(begin)
            case What.FEEDBACK:
                records = FeedbackStore(database).since(begin)
        write = {Format.CSV: write_csv, Format.JSONL: write_jsonl}[form]
        followed = progress.track(records, description=f"exporting {what}")
        if out is None:
            write(_KINDS[what], followed, sys.stdout)
            return
        with _whole(out, form) as file:
            write(_KINDS[what], followed, file)


def write_jsonl(kind: type[Record], records: Iterable[Record], file: TextIO) -> None:
    """One object a line; times in ISO 8601, answers as objects."""
    for record in records:
        row = asdict(record)
        if "answer_json" in row:
            row["answer"] = json.loads(row.pop("answer_json"))
        line = json.dumps(row, ensure_ascii=False, default=_plain)
        file.write(line.encode("utf-8", "replace").decode() + "\n")  # half a surrogate pair passes as JSON


def write_csv(kind: type[Record], records: Iterable[Record], file: TextIO) -> None:
    """A head line and one line a record, all cells quoted; several values in a cell stand on lines of their own.

    No cell begins as a formula does: an apostrophe goes in front of one that would, since spreadsheets would run it.
    Feedback comes without the answer object, which is no use in a cell.
    """
    names = [field.name for field in fields(kind) if field.name != "answer_json"]
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for record in records:
        writer.writerow([_cell(getattr(record, name)) for name in names])


def _cell(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = "\n".join(value) if isinstance(value, tuple) else value if isinstance(value, str) else _plain(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _plain(value: object) -> str:
    """A time or a member of an enumeration as text."""
    return value.isoformat() if isinstance(value, datetime) else str(value.value if isinstance(value, Enum) else value)


@contextmanager
def _whole(out: Path, form: Format) -> Iterator[TextIO]:
    """A file that takes the place of `out` when the block ends well, and is gone when it does not."""
    pending = out.with_name(out.name + ".part")
    # Excel reads CSV as UTF-8 only behind a byte order mark.
    encoding = "utf-8-sig" if form is Format.CSV else "utf-8"
    try:
        with pending.open("w", encoding=encoding, newline="") as file:
            yield file
        pending.replace(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        pending.unlink(missing_ok=True)


def _parsed(since: str) -> datetime:
    try:
        return datetime.fromisoformat(since).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"--since {since!r:.60} is no date: write 2025-03-01 or 2025-03-01T08:00") from None
