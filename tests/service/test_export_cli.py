"""`zhengwen export`: everything that was kept, row by row, and safe to open in a spreadsheet."""

import csv
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.answer import Status
from service.export_cli import write_csv, write_jsonl
from service.records.audit import AuditLog
from service.records.database import Database
from service.records.feedback import FeedbackStore
from service.records.types import (
    AuditEntry,
    Feedback,
    FeedbackReason,
    FeedbackVerdict,
    Interface,
    Owner,
    UnansweredQuestion,
)
from service.settings import AuditQuestions

Command = Callable[..., Any]
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
ENTRY = AuditEntry(
    at=NOON,
    request_id="r-1",
    key_id="key-1",
    user="office-7",
    interface=Interface.NATIVE,
    question="公寓的月租金是多少？",
    status=Status.ANSWERED,
    reason=None,
    doc_ids=("公开/住房.md", "公开/租金.md"),
    answer_id="ans-0123",
    fingerprint="sha256:0123",
    milliseconds=81.25,
)
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://evil.example","点")',
    "＝1+1",
    "\t=1",
    " =1",
    "\r=1",
    "\n=1",
]


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Database]:
    """Three questions of three days, the last two of them refused, and one piece of feedback."""
    address = f"sqlite:///{tmp_path}/state/zhengwen.db"
    monkeypatch.setenv("ZHENGWEN_DATABASE", address)
    with Database.open(address) as database:
        log = AuditLog(database, AuditQuestions.PLAIN, days=0)
        log.record(ENTRY)
        for days in (1, 2):
            log.record(
                replace(
                    ENTRY,
                    at=NOON + timedelta(days=days),
                    question="火星的氧气？",
                    status=Status.REFUSED,
                    reason="没有",
                    doc_ids=(),
                )
            )
        FeedbackStore(database, lambda: NOON).add(
            Owner("key-1"),
            answer_id="ans-0123",
            verdict=FeedbackVerdict.DOWN,
            reason=FeedbackReason.OUTDATED,
            comment="=旧数字",
            question="公寓的月租金是多少？",
            answer_json='{"answer": "一百元。"}',
        )
        yield database


def test_json_lines_lack_a_field_or_a_row(command: Command) -> None:
    finished = command("export", "audit", "--format", "jsonl")
    assert (finished.code, finished.err) == (0, "")
    rows = [json.loads(line) for line in finished.out.splitlines()]
    assert rows[0] == {
        "at": "2025-03-01T12:00:00+00:00",
        "request_id": "r-1",
        "key_id": "key-1",
        "user": "office-7",
        "interface": "native",
        "question": "公寓的月租金是多少？",
        "status": "answered",
        "reason": None,
        "doc_ids": ["公开/住房.md", "公开/租金.md"],
        "answer_id": "ans-0123",
        "fingerprint": "sha256:0123",
        "milliseconds": 81.25,
        "kept": "plain",
    }
    assert [row["status"] for row in rows] == ["answered", "refused", "refused"]
    [given] = [json.loads(line) for line in command("export", "feedback", "--format", "jsonl").out.splitlines()]
    assert given["answer"] == {"answer": "一百元。"}
    assert (given["verdict"], given["reason"], given["reviewed"]) == ("down", "outdated", False)
    [counted] = [json.loads(line) for line in command("export", "unanswered", "--format", "jsonl").out.splitlines()]
    assert (counted["question"], counted["count"], counted["reason"]) == ("火星的氧气？", 2, "没有")


def test_csv_lacks_a_field_or_a_row(command: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(command("export", "audit").out)))
    assert list(rows[0]) == [field.name for field in fields(AuditEntry)]
    assert len(rows) == 3
    assert rows[0]["doc_ids"] == "公开/住房.md\n公开/租金.md"
    assert rows[0]["at"] == "2025-03-01T12:00:00+00:00"
    assert (rows[0]["status"], rows[0]["reason"], rows[0]["milliseconds"]) == ("answered", "", "81.25")
    [given] = csv.DictReader(io.StringIO(command("export", "feedback").out))
    assert (given["comment"], given["verdict"], given["reviewed"]) == ("'=旧数字", "down", "False")
    [counted] = csv.DictReader(io.StringIO(command("export", "unanswered").out))
    assert (counted["question"], counted["count"]) == ("火星的氧气？", "2")


def test_export_begins_at_another_day(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(since: str) -> int:
        return len(command("export", "audit", "--format", "jsonl", "--since", since).out.splitlines())

    assert [rows(day) for day in ("2025-02-28", "2025-03-02", "2025-03-04")] == [3, 2, 0]
    assert rows("2025-03-01T12:00:00+00:00") == 3
    assert rows("2025-03-01T12:00:01+00:00") == 2
    assert rows("2025-03-01T20:00:01+08:00") == 2
    [counted] = command("export", "unanswered", "--format", "jsonl", "--since", "2025-03-03").out.splitlines()
    assert json.loads(counted)["count"] == 1
    assert command("export", "feedback", "--format", "jsonl", "--since", "2025-03-02").out == ""


@pytest.mark.parametrize("since", ["", "yesterday", "2025-13-01", "2025", "0001-01-01T00:00+14:00"])
def test_wrong_day_is_a_traceback(command: Command, since: str) -> None:
    finished = command("export", "audit", "--since", since)
    assert (finished.code, finished.out) == (2, "")
    assert "is no date: write 2025-03-01" in finished.err


def test_file_differs_from_what_is_printed_or_cannot_be_opened_in_excel(command: Command, tmp_path: Path) -> None:
    for form, mark in (("csv", b"\xef\xbb\xbf"), ("jsonl", b"")):
        printed = command("export", "audit", "--format", form).out
        out = tmp_path / f"审计.{form}"
        out.write_text("old", encoding="utf-8")
        finished = command("export", "audit", "--format", form, "--out", out)
        assert (finished.code, finished.out) == (0, "")
        assert out.read_bytes() == mark + printed.encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "审计.csv", "审计.jsonl"]


def test_half_an_export_takes_the_place_of_a_whole_one(tmp_path: Path, database: Database) -> None:
    log = AuditLog(database, AuditQuestions.PLAIN, days=0)
    log.record(replace(ENTRY, question="租金" * 50_000))
    out = tmp_path / "audit.csv"
    out.write_text("old", encoding="utf-8")

    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))

    done = subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", "export", "audit", "--out", out],
        capture_output=True,
        encoding="utf-8",
        preexec_fn=fill_the_disk,
        env=os.environ,
    )
    assert done.returncode == 2
    assert f"zhengwen: {out} cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.csv", "state"]


def test_reader_that_has_seen_enough_gets_a_complaint(database: Database, tmp_path: Path) -> None:
    log = AuditLog(database, AuditQuestions.PLAIN, days=0)
    log.record(replace(ENTRY, question="租金" * 200_000))
    with subprocess.Popen(
        [sys.executable, "-c", "from service.cli import main; main()", "export", "audit"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith('"at"')
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.parametrize("formula", FORMULAS)
def test_spreadsheet_runs_what_somebody_asked(formula: str) -> None:
    rows: list[AuditEntry | Feedback | UnansweredQuestion] = [
        replace(ENTRY, question=formula, user=formula, request_id=formula, doc_ids=(formula, "b.md")),
        UnansweredQuestion(formula, AuditQuestions.PLAIN, 1, NOON, NOON, formula),
    ]
    for row in rows:
        file = io.StringIO()
        write_csv(type(row), [row], file)
        cells = next(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
        assert cells["question"] == f"'{formula}"
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "＝")) for cell in cells.values())


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_text_breaks_out_of_its_cell_or_line(text: str) -> None:
    row = replace(ENTRY, question=text, user=text)
    file = io.StringIO()
    write_csv(AuditEntry, [row, row], file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert [cells["question"].removeprefix("'") for cells in rows] == [text.removeprefix("'")] * 2
    assert rows[0]["answer_id"] == "ans-0123"
    lines = io.StringIO()
    write_jsonl(AuditEntry, [row, row], lines)
    assert [json.loads(line)["question"] for line in lines.getvalue().rstrip("\n").split("\n")] == [text] * 2


@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_rows_are_collected_before_the_first_is_written(write: Callable[..., None]) -> None:
    file = io.StringIO()

    def rows() -> Iterator[AuditEntry]:
        for n in range(3):
            assert file.getvalue().count("r-1") == n
            yield ENTRY

    write(AuditEntry, rows(), file)
    assert file.getvalue().count("r-1") == 3


def test_half_a_surrogate_pair_in_an_answer_is_a_traceback(command: Command, database: Database) -> None:
    FeedbackStore(database, lambda: NOON).add(
        Owner("key-1"),
        answer_id="ans-1",
        verdict=FeedbackVerdict.UP,
        question="\ud800",
        answer_json='{"answer": "\\ud800"}',
    )
    finished = command("export", "feedback", "--format", "jsonl")
    assert finished.code == 0
    assert sorted(json.loads(line)["answer"]["answer"] for line in finished.out.splitlines()) == ["?", "一百元。"]
