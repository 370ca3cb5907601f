"""The audit log keeps who asked what when, for as long and as openly as the settings say."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from service.answer import Answer, Status
from service.pipeline import Pipeline
from service.records import tables
from service.records.audit import AuditLog
from service.records.database import Database
from service.records.types import AuditEntry, Interface, Owner, UnansweredQuestion
from service.settings import AuditQuestions

Entry = Callable[..., AuditEntry]
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def log(database: Database) -> AuditLog:
    return AuditLog(database, AuditQuestions.PLAIN, days=0)


def test_entry_comes_back_otherwise_than_it_was_made(log: AuditLog, entry: Entry) -> None:
    entries = [
        entry(request_id=f"r-{n}", interface=interface, status=status, reason=reason, doc_ids=doc_ids)
        for n, (interface, status, reason, doc_ids) in enumerate(
            [
                (Interface.NATIVE, Status.ANSWERED, None, ("公开/住房.md", "公开/租金.md")),
                (Interface.OPENAI, Status.PARTIAL, "没有写明所问的日期", ("a, b; c.md",)),
                (Interface.DIFY, Status.REFUSED, "没有检索到与问题相关的段落", ()),
                (Interface.MCP, Status.ANSWERED, None, ('"a"\n.md',)),
            ]
        )
    ]
    for item in entries:
        log.record(item)
    assert list(log.since()) == entries


def test_answer_is_audited_as_something_else(log: AuditLog, pipeline: Pipeline) -> None:
    owner = Owner("key-1", "office-7")

    def audited(answer: Answer) -> AuditEntry:
        return AuditEntry.of(
            answer, at=NOON, request_id="r-1", owner=owner, interface=Interface.OPENAI, milliseconds=90.5
        )

    answer, refusal = pipeline.ask("公寓的月租金是多少？"), pipeline.ask("火星基地的氧气由谁供应？")
    for item in (answer, refusal):
        log.record(audited(item))
    assert answer.citations
    kept = [
        (e.question, e.status, e.reason, e.doc_ids, e.answer_id, e.fingerprint, e.milliseconds) for e in log.since()
    ]
    cited = tuple(sorted({citation.doc_id for citation in answer.citations}))
    assert [(*row[:3], tuple(sorted(row[3])), *row[4:]) for row in kept] == [
        (answer.question, Status.ANSWERED, None, cited, answer.id, pipeline.receipt.index, 90.5),
        (refusal.question, Status.REFUSED, refusal.reason, (), refusal.id, pipeline.receipt.index, 90.5),
    ]
    assert {(e.at, e.request_id, e.key_id, e.user, e.interface) for e in log.since()} == {
        (NOON, "r-1", "key-1", "office-7", Interface.OPENAI)
    }


@pytest.mark.parametrize("how", [AuditQuestions.HASHED, AuditQuestions.OMITTED])
def test_question_that_is_kept_out_can_be_read_or_worked_out(
    database: Database, entry: Entry, how: AuditQuestions
) -> None:
    log = AuditLog(database, how, days=0)
    question = "上海的月租金是多少？"
    log.record(entry(question=question, status=Status.REFUSED, reason="没有涉及上海", answer_id="ans-0123"))
    with database.reading() as connection:
        [row] = connection.execute(select(tables.audit)).all()
    everything = repr(tuple(row))
    plain_hash = hashlib.sha256(question.encode()).hexdigest()
    for telling in (question, "上海", "ans-0123", plain_hash):
        assert telling not in everything
    [kept] = log.since()
    assert kept.kept is how
    assert (kept.question == "") == (how is AuditQuestions.OMITTED)


def test_equal_questions_have_other_hashes_or_those_of_another_database(
    database: Database, entry: Entry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def hashes(of: Database, *questions: str) -> list[str]:
        log = AuditLog(of, AuditQuestions.HASHED, days=0)
        for question in questions:
            log.record(entry(question=question))
        return [item.question for item in log.since()]

    first, again, other = hashes(database, "租金？", "  租金？\n", "地铁？")
    assert first == again != other
    with Database.open(f"sqlite:///{tmp_path_factory.mktemp('other')}/zhengwen.db") as another:
        assert hashes(another, "租金？") != [first]


def test_time_of_another_zone_is_kept_as_it_reads(log: AuditLog, entry: Entry, database: Database) -> None:
    beijing = timezone(timedelta(hours=8))
    log.record(entry(at=NOON.astimezone(beijing)))
    [kept] = log.since()
    assert kept.at == NOON
    assert kept.at.utcoffset() == timedelta()
    with pytest.raises(StatementError, match="has no time zone"):
        log.record(entry(at=NOON.replace(tzinfo=None)))


def test_export_begins_at_another_time_or_is_not_in_order(log: AuditLog, entry: Entry) -> None:
    hours = [5, 1, 4, 2, 3]
    for hour in hours:
        log.record(entry(at=NOON + timedelta(hours=hour), request_id=f"r-{hour}"))
    assert [item.request_id for item in log.since()] == ["r-1", "r-2", "r-3", "r-4", "r-5"]
    assert [item.request_id for item in log.since(NOON + timedelta(hours=3))] == ["r-3", "r-4", "r-5"]


def test_entries_are_read_all_at_once_or_change_while_they_are_read(
    log: AuditLog, database: Database, entry: Entry
) -> None:
    log.record(entry(request_id="r-0"))
    with database.writing() as connection:  # each in a transaction of its own would take a while
        first_row = connection.execute(select(tables.audit)).one()._asdict()
        rows = [{**first_row, "entry": n + 1000, "request_id": f"r-{n}"} for n in range(1, 1200)]
        connection.execute(insert(tables.audit), rows)
    reading = log.since()
    first = next(reading)
    log.record(entry(request_id="late"))
    assert [first, *reading][-1].request_id == "r-1199"
    abandoned = log.since()
    next(abandoned)
    abandoned.close()  # type: ignore[attr-defined]
    log.record(entry(request_id="after"))


@settings(max_examples=15, deadline=None)
@given(
    asked=st.lists(
        st.tuples(
            st.sampled_from("甲乙丙"), st.sampled_from(Status), st.integers(0, 9), st.sampled_from(AuditQuestions)
        ),
        max_size=12,
    ),
    since=st.none() | st.integers(0, 9),
)
def test_refused_questions_are_counted_otherwise_than_by_hand(
    tmp_path_factory: pytest.TempPathFactory,
    asked: list[tuple[str, Status, int, AuditQuestions]],
    since: int | None,
) -> None:
    def at(hour: int) -> datetime:
        return NOON + timedelta(hours=hour)

    with Database.open(f"sqlite:///{tmp_path_factory.mktemp('log')}/zhengwen.db") as database:
        for n, (question, status, hour, how) in enumerate(asked):
            AuditLog(database, how, days=0).record(
                AuditEntry(
                    at(hour),
                    "r",
                    "k",
                    "u",
                    Interface.NATIVE,
                    question,
                    status,
                    f"原因{n}",
                    (),
                    "ans-1",
                    "sha256:0",
                    1.0,
                )
            )
        log = AuditLog(database, AuditQuestions.PLAIN, days=0)
        kept = [item for item in log.since(None if since is None else at(since)) if item.status is Status.REFUSED]
        expected = []
        for question, how in {(item.question, item.kept) for item in kept}:
            same = [item for item in kept if (item.question, item.kept) == (question, how)]
            expected.append(UnansweredQuestion(question, how, len(same), same[0].at, same[-1].at, same[-1].reason))
        counted = list(log.unanswered(None if since is None else at(since)))
        assert set(counted) == set(expected)
        assert len(counted) == len(expected)
        assert [(-row.count, -row.last.timestamp()) for row in counted] == sorted(
            (-row.count, -row.last.timestamp()) for row in expected
        )


def test_refused_questions_are_counted_otherwise_on_a_server(log: AuditLog, entry: Entry) -> None:
    for question, hour, reason in (("甲", 1, "早"), ("乙", 2, "无"), ("甲", 5, "晚"), ("甲", 3, "中")):
        log.record(entry(question=question, status=Status.REFUSED, at=NOON + timedelta(hours=hour), reason=reason))
    log.record(entry(question="甲"))
    first, second = log.unanswered()
    assert (first.question, first.count, first.reason) == ("甲", 3, "晚")
    assert (first.first, first.last) == (NOON + timedelta(hours=1), NOON + timedelta(hours=5))
    assert (second.question, second.count) == ("乙", 1)


def test_purge_takes_what_is_young_or_leaves_what_is_old(database: Database, entry: Entry) -> None:
    log = AuditLog(database, AuditQuestions.PLAIN, days=30)
    for days in (0, 29, 30, 31, 400):
        log.record(entry(at=NOON - timedelta(days=days), request_id=f"{days} days"))
    assert AuditLog(database, AuditQuestions.PLAIN, days=0).purge(NOON) == 0
    assert len(list(log.since())) == 5
    assert log.purge(NOON) == 2
    assert [item.request_id for item in log.since()] == ["30 days", "29 days", "0 days"]
    assert log.purge(NOON) == 0


def test_text_that_a_database_cannot_hold_is_a_traceback(database: Database, entry: Entry) -> None:
    for how in AuditQuestions:
        AuditLog(database, how, days=0).record(entry(question="租\0金\ud800", user="\0", doc_ids=("\ud800.md", "\0")))
    [kept, *_] = AuditLog(database, AuditQuestions.PLAIN, days=0).since()
    assert kept.question == "租\ufffd金\ufffd"
    assert kept.doc_ids == ("\ufffd.md", "\0")
