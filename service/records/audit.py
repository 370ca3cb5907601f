"""The audit log: one row a question that was answered or refused."""

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from service.answer import Status
from service.records.database import Database
from service.records.tables import audit
from service.records.types import AuditEntry, Interface, UnansweredQuestion
from service.settings import AuditQuestions

_PURPOSE = b"question in the audit log\n"


class AuditLog:
    """The audit log in a database.

    `questions` says how questions are kept, `days` how long entries are, 0 for ever; what was written under another setting
    stays as it was written. Where a question is not kept as it is, neither is what could give it away: the reason of a
    refusal, which names what was asked for, and the id of the answer, which anybody can work out who guesses the question.
    """

    def __init__(self, database: Database, questions: AuditQuestions, days: int) -> None:
        self._database = database
        self._questions = questions
        self._days = days

    def record(self, entry: AuditEntry) -> int:
        """Keeps the entry, its question as the setting says; it is on the disk when its number comes back, for `amend`."""
        with self._database.writing() as connection:
            number: int = connection.execute(
                insert(audit).values(self._row(entry)).returning(audit.c.entry)
            ).scalar_one()
        return number

    def amend(self, number: int, entry: AuditEntry) -> None:
        """Puts the entry in the place of the one that was recorded under `number`."""
        with self._database.writing() as connection:
            row = self._row(entry)
            if not connection.execute(update(audit).where(audit.c.entry == number).values(row)).rowcount:
                connection.execute(insert(audit).values(row))  # somebody removed it meanwhile

    def since(self, time: datetime | None = None) -> Iterator[AuditEntry]:
        """All entries from `time` on, oldest first, read as they are asked for."""
        query = select(audit).order_by(audit.c.at, audit.c.entry)
        if time is not None:
            query = query.where(audit.c.at >= time)
        return self._database.stream(query, _entry)

    def unanswered(self, time: datetime | None = None) -> Iterator[UnansweredQuestion]:
        """Questions that were refused from `time` on, equal ones as one, the most frequent first, then the latest.

        Questions that were kept out of the log are one row without text; hashed ones can be counted, not read.
        """
        latest_first = [audit.c.at.desc(), audit.c.entry.desc()]
        refused = select(
            audit.c.question,
            audit.c.kept,
            audit.c.reason,
            audit.c.at.label("last"),
            func.min(audit.c.at).over(partition_by=audit.c.question).label("first"),
            func.count().over(partition_by=audit.c.question).label("count"),
            func.row_number().over(partition_by=audit.c.question, order_by=latest_first).label("age"),
        ).where(audit.c.status == Status.REFUSED.value)
        if time is not None:
            refused = refused.where(audit.c.at >= time)
        each = refused.subquery()
        query = select(each).where(each.c.age == 1).order_by(each.c.count.desc(), each.c.last.desc(), each.c.question)
        return self._database.stream(query, _unanswered)

    def purge(self, now: datetime) -> int:
        """Removes entries that are older than the setting allows, from the disk too, and tells how many."""
        if self._days == 0:
            return 0
        with self._database.writing() as connection:
            return connection.execute(delete(audit).where(audit.c.at < now - timedelta(days=self._days))).rowcount

    def _row(self, entry: AuditEntry) -> dict[str, Any]:
        plain = self._questions is AuditQuestions.PLAIN
        return {
            "at": entry.at,
            "request_id": entry.request_id,
            "owner_key": entry.key_id,
            "owner_user": entry.user,
            "interface": entry.interface.value,
            "question": self._kept(entry.question),
            "kept": self._questions.value,
            "status": entry.status.value,
            "reason": entry.reason if plain else None,
            "doc_ids": entry.doc_ids,
            "answer_id": entry.answer_id if plain else "",
            "fingerprint": entry.fingerprint,
            "milliseconds": entry.milliseconds,
        }

    def _kept(self, question: str) -> str:
        question = " ".join(question.split())
        match self._questions:
            case AuditQuestions.PLAIN:
                return question
            case AuditQuestions.HASHED:
                # Keyed, for there are few enough likely questions to try them all against a plain hash.
                message = _PURPOSE + question.encode("utf-8", "replace")
                return hmac.digest(self._database.signing_secret(), message, "sha256").hex()
            case AuditQuestions.OMITTED:
                return ""


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        request_id=row.request_id,
        key_id=row.owner_key,
        user=row.owner_user,
        interface=Interface(row.interface),
        question=row.question,
        status=Status(row.status),
        reason=row.reason,
        doc_ids=row.doc_ids,
        answer_id=row.answer_id,
        fingerprint=row.fingerprint,
        milliseconds=row.milliseconds,
        kept=AuditQuestions(row.kept),
    )


def _unanswered(row: Row[Any]) -> UnansweredQuestion:
    return UnansweredQuestion(
        row.question, AuditQuestions(row.kept), row._mapping["count"], row.first, row.last, row.reason
    )
