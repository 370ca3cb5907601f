"""What people thought of answers, for those who look after the documents."""

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from indexer.errors import InputError, NotFoundError
from service.records.checks import checked_answer
from service.records.clock import utc_now
from service.records.database import Database
from service.records.pages import page
from service.records.tables import feedback
from service.records.types import Feedback, FeedbackReason, FeedbackVerdict, Owner, Page

MAX_COMMENT = 2000


class FeedbackStore:
    """The feedback in a database."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        owner: Owner,
        *,
        answer_id: str,
        verdict: FeedbackVerdict,
        reason: FeedbackReason | None = None,
        comment: str = "",
        question: str,
        answer_json: str,
    ) -> Feedback:
        """Keeps what somebody said; saying something again adds to it and replaces nothing.

        Raises:
            InputError: the comment is longer than 2,000 characters, or `answer_json` is not a JSON object.
        """
        if len(comment) > MAX_COMMENT:
            raise InputError(f"a comment has at most {MAX_COMMENT:,} characters, not {len(comment):,}")
        given = Feedback(
            feedback_id="fb-" + secrets.token_hex(8),
            created=self._clock(),
            key_id=owner.key_id,
            user=owner.user,
            verdict=verdict,
            reason=reason,
            comment=comment.strip(),
            answer_id=answer_id,
            question=question,
            answer_json=checked_answer(answer_json),
            reviewed=False,
        )
        row = {
            "feedback_id": given.feedback_id,
            "created": given.created,
            "owner_key": given.key_id,
            "owner_user": given.user,
            "verdict": given.verdict.value,
            "reason": None if given.reason is None else given.reason.value,
            "comment": given.comment,
            "answer_id": given.answer_id,
            "question": given.question,
            "answer_json": given.answer_json,
            "reviewed": given.reviewed,
        }
        with self._database.writing() as connection:
            connection.execute(insert(feedback).values(row))
        return given

    def list(self, *, reviewed: bool | None = None, limit: int = 20, cursor: str = "") -> Page[Feedback]:
        """Feedback of all owners, newest first; `reviewed` asks for only that which was, or was not, looked at.

        Raises:
            InputError: `limit` is not 1 to 200, or `cursor` is none that a page gave.
        """
        query = select(feedback)
        if reviewed is not None:
            query = query.where(feedback.c.reviewed.is_(reviewed))
        with self._database.reading() as connection:
            return page(
                connection,
                query,
                time=feedback.c.created,
                name=feedback.c.feedback_id,
                limit=limit,
                cursor=cursor,
                make=_feedback,
            )

    def since(self, time: datetime | None = None) -> Iterator[Feedback]:
        """All feedback from `time` on, oldest first, read as it is asked for."""
        query = select(feedback).order_by(feedback.c.created, feedback.c.feedback_id)
        if time is not None:
            query = query.where(feedback.c.created >= time)
        return self._database.stream(query, _feedback)

    def mark_reviewed(self, feedback_id: str, reviewed: bool = True) -> Feedback:
        """The feedback, which somebody has looked at, or has to look at again.

        Raises:
            NotFoundError: there is no such feedback.
        """
        chosen = feedback.c.feedback_id == feedback_id
        with self._database.writing() as connection:
            connection.execute(update(feedback).where(chosen).values(reviewed=reviewed))
            row = connection.execute(select(feedback).where(chosen)).one_or_none()
            if row is None:
                raise NotFoundError(f"there is no feedback {feedback_id!r:.100}: list it to see what there is")
            return _feedback(row)


def _feedback(row: Row[Any]) -> Feedback:
    return Feedback(
        feedback_id=row.feedback_id,
        created=row.created,
        key_id=row.owner_key,
        user=row.owner_user,
        verdict=FeedbackVerdict(row.verdict),
        reason=None if row.reason is None else FeedbackReason(row.reason),
        comment=row.comment,
        answer_id=row.answer_id,
        question=row.question,
        answer_json=row.answer_json,
        reviewed=row.reviewed,
    )
