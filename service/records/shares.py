"""Answers that can be opened again by a link."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select

from indexer.errors import NotFoundError
from service.records.checks import checked_answer
from service.records.clock import utc_now
from service.records.database import Database
from service.records.tables import shares
from service.records.types import Owner, SharedAnswer


class ShareStore:
    """The shared answers in a database; `days` says how long each can be opened, 0 for ever."""

    def __init__(self, database: Database, days: int, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._days = days
        self._clock = clock

    def share(
        self,
        owner: Owner,
        *,
        visible: tuple[str, ...],
        doc_ids: tuple[str, ...],
        answer_sha256: str,
        answer_json: str,
    ) -> SharedAnswer:
        """The answer under an id that nobody can guess; sharing it again gives the same one, as long as it can be opened.

        `visible` are the patterns of what its asker may see, `doc_ids` the documents that it quotes.

        Raises:
            InputError: `answer_json` is not a JSON object.
        """
        now = self._clock()
        row = {
            "share_id": "shr-" + secrets.token_hex(16),
            "created": now,
            "owner_key": owner.key_id,
            "owner_user": owner.user,
            "visible": visible,
            "doc_ids": doc_ids,
            "answer_sha256": answer_sha256,
            "answer_json": checked_answer(answer_json),
        }
        same = _is_of(owner) & (shares.c.answer_sha256 == answer_sha256) & (shares.c.visible == visible)
        with self._database.writing() as connection:
            self._remove_old(connection, now)
            found = connection.execute(select(shares).where(same).order_by(shares.c.created)).first()
            if found is None:
                connection.execute(insert(shares).values(row))
                found = connection.execute(select(shares).where(shares.c.share_id == row["share_id"])).one()
            return self._shared(found)

    def get(self, share_id: str) -> SharedAnswer:
        """Raises NotFoundError when there is none of that id, or it cannot be opened any longer."""
        with self._database.reading() as connection:
            row = connection.execute(select(shares).where(shares.c.share_id == share_id)).one_or_none()
            if row is None or (self._days and row.created < self._clock() - timedelta(days=self._days)):
                raise no_share(share_id)
            return self._shared(row)

    def delete(self, owner: Owner, share_id: str) -> None:
        """Removes it from the disk.

        Raises:
            NotFoundError: the owner has shared nothing under that id.
        """
        with self._database.writing() as connection:
            done = connection.execute(delete(shares).where((shares.c.share_id == share_id) & _is_of(owner)))
            if not done.rowcount:
                raise no_share(share_id)

    def purge(self, now: datetime) -> int:
        """Removes what cannot be opened any longer, from the disk too, and tells how many there were."""
        with self._database.writing() as connection:
            return self._remove_old(connection, now)

    def _remove_old(self, connection: Connection, now: datetime) -> int:
        if self._days == 0:
            return 0
        return connection.execute(delete(shares).where(shares.c.created < now - timedelta(days=self._days))).rowcount

    def _shared(self, row: Row[Any]) -> SharedAnswer:
        return SharedAnswer(
            share_id=row.share_id,
            created=row.created,
            expires=row.created + timedelta(days=self._days) if self._days else None,
            visible=row.visible,
            doc_ids=row.doc_ids,
            answer_json=row.answer_json,
        )


def no_share(share_id: str) -> NotFoundError:
    """The same for one that never was, was removed, or is not for the one who asks."""
    return NotFoundError(f"这个链接打不开：{share_id!r:.100} 不存在、已经过期，或者您没有查阅其中文件的权限。")


def _is_of(owner: Owner) -> ColumnElement[bool]:
    return (shares.c.owner_key == owner.key_id) & (shares.c.owner_user == owner.user)
