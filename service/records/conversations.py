"""Conversations that end users come back to. Every call names the owner and reaches nothing of anybody else."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, func, insert, or_, select, update

from indexer.errors import InputError, NotFoundError
from service.records.checks import checked_answer
from service.records.clock import utc_now
from service.records.database import Database
from service.records.pages import page
from service.records.tables import conversations, turns
from service.records.types import Conversation, ConversationSummary, Owner, Page, SavedTurn

MAX_TITLE = 200
MAX_TURNS = 500
"""Turns of one conversation; with its passages an answer takes tens of kilobytes."""

_TITLE_FROM_QUESTION = 40


class ConversationStore:
    """The conversations in a database."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def create(self, owner: Owner, title: str = "") -> ConversationSummary:
        """A new conversation; one without a title gets the beginning of its first question for one.

        Raises:
            InputError: the title is too long.
        """
        now = self._clock()
        row = {
            "conversation_id": "conv-" + secrets.token_hex(12),
            "owner_key": owner.key_id,
            "owner_user": owner.user,
            "title": _checked_title(title),
            "created": now,
            "updated": now,
        }
        with self._database.writing() as connection:
            connection.execute(insert(conversations).values(row))
            return self._summary(connection, owner, str(row["conversation_id"]))

    def list(self, owner: Owner, *, search: str = "", limit: int = 20, cursor: str = "") -> Page[ConversationSummary]:
        """The owner's conversations, the latest first; `search` has to stand in the title or in a question.

        Raises:
            InputError: `limit` is not 1 to 200, or `cursor` is none that a page gave.
        """
        query = _summaries(owner)
        if search.strip():
            asked = exists().where(
                turns.c.conversation_id == conversations.c.conversation_id,
                turns.c.question.icontains(search.strip(), autoescape=True),
            )
            query = query.where(or_(conversations.c.title.icontains(search.strip(), autoescape=True), asked))
        with self._database.reading() as connection:
            return page(
                connection,
                query,
                time=conversations.c.updated,
                name=conversations.c.conversation_id,
                limit=limit,
                cursor=cursor,
                make=_summary_of,
            )

    def get(self, owner: Owner, conversation_id: str, last: int = MAX_TURNS) -> Conversation:
        """The conversation with the last of its turns.

        Raises:
            NotFoundError: the owner has no such conversation.
        """
        query = select(turns).where(turns.c.conversation_id == conversation_id).order_by(turns.c.number.desc())
        with self._database.reading() as connection:
            summary = self._summary(connection, owner, conversation_id)
            rows = connection.execute(query.limit(last)).all()
            saved = tuple(SavedTurn(row.question, row.answer_json, row.created) for row in reversed(rows))
            return Conversation(summary, saved)

    def rename(self, owner: Owner, conversation_id: str, title: str) -> ConversationSummary:
        """The conversation under its new title.

        Raises:
            InputError: the title is empty or too long.
            NotFoundError: the owner has no such conversation.
        """
        title = _checked_title(title)
        if not title:
            raise InputError("a conversation cannot be renamed to nothing: give a title")
        with self._database.writing() as connection:
            self._touch(connection, owner, conversation_id, title=title)
            return self._summary(connection, owner, conversation_id)

    def delete(self, owner: Owner, conversation_id: str) -> None:
        """Removes the conversation and its turns from the disk.

        Raises:
            NotFoundError: the owner has no such conversation.
        """
        with self._database.writing() as connection:
            done = connection.execute(delete(conversations).where(_is_of(owner, conversation_id)))
            if not done.rowcount:
                raise _no_conversation(conversation_id)

    def forget(self, owner: Owner, conversation_id: str, number: int) -> None:
        """Removes the turn with that number, counted from 0, and all after it, as if they had not been asked.

        Raises:
            NotFoundError: the owner has no such conversation.
        """
        with self._database.writing() as connection:
            self._touch(connection, owner, conversation_id)
            forgotten = (turns.c.conversation_id == conversation_id) & (turns.c.number >= number)
            connection.execute(delete(turns).where(forgotten))

    def append(self, owner: Owner, conversation_id: str, question: str, answer_json: str) -> SavedTurn:
        """Adds a turn at the end; `answer_json` is the JSON of the answer object.

        Raises:
            InputError: `answer_json` is not a JSON object, or the conversation has 500 turns.
            NotFoundError: the owner has no such conversation.
        """
        turn = {"question": question, "answer_json": checked_answer(answer_json)}
        with self._database.writing() as connection:
            # Touched first: on PostgreSQL that makes a second writer wait, so that two turns never get one number.
            now = self._touch(connection, owner, conversation_id)
            summary = self._summary(connection, owner, conversation_id)
            require_room(summary)
            if not summary.title:
                begin = " ".join(question.split())[:_TITLE_FROM_QUESTION]
                connection.execute(update(conversations).where(_is_of(owner, conversation_id)).values(title=begin))
            row = {"conversation_id": conversation_id, "number": summary.turns, "created": now, **turn}
            connection.execute(insert(turns).values(row))
        return SavedTurn(question, answer_json, now)

    def _touch(self, connection: Connection, owner: Owner, conversation_id: str, **changes: str) -> datetime:
        now = self._clock()
        change = update(conversations).where(_is_of(owner, conversation_id)).values(updated=now, **changes)
        if not connection.execute(change).rowcount:
            raise _no_conversation(conversation_id)
        return now

    def _summary(self, connection: Connection, owner: Owner, conversation_id: str) -> ConversationSummary:
        query = _summaries(owner).where(conversations.c.conversation_id == conversation_id)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise _no_conversation(conversation_id)
        return _summary_of(row)


def require_room(conversation: ConversationSummary) -> None:
    """Raises InputError when the conversation takes no more turns."""
    if conversation.turns >= MAX_TURNS:
        raise InputError(f"the conversation has {MAX_TURNS} turns already: begin a new one")


def _is_of(owner: Owner, conversation_id: str) -> ColumnElement[bool]:
    return (
        (conversations.c.conversation_id == conversation_id)
        & (conversations.c.owner_key == owner.key_id)
        & (conversations.c.owner_user == owner.user)
    )


def _summaries(owner: Owner) -> Select[Any]:
    counted = (
        select(func.count())
        .select_from(turns)
        .where(turns.c.conversation_id == conversations.c.conversation_id)
        .scalar_subquery()
    )
    return select(conversations, counted.label("turns")).where(
        conversations.c.owner_key == owner.key_id, conversations.c.owner_user == owner.user
    )


def _summary_of(row: Row[Any]) -> ConversationSummary:
    return ConversationSummary(row.conversation_id, row.title, row.created, row.updated, row.turns)


def _no_conversation(conversation_id: str) -> NotFoundError:
    return NotFoundError(f"there is no conversation {conversation_id!r:.100}: it was deleted, or never was")


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if len(title) > MAX_TITLE:
        raise InputError(f"a title has at most {MAX_TITLE} characters, not {len(title)}")
    return title
