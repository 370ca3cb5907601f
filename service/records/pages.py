"""Newest first, some at a time.

A page ends with a cursor that names its last row, so what is added meanwhile moves nothing: every row that stays as it is
comes exactly once.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_

from indexer.errors import InputError
from service.records.types import Page

MAX_PAGE = 200

_T = TypeVar("_T")


def page(
    connection: Connection,
    query: Select[Any],
    *,
    time: ColumnElement[datetime],
    name: ColumnElement[str],
    limit: int,
    cursor: str,
    make: Callable[[Row[Any]], _T],
) -> Page[_T]:
    """The `limit` rows of `query` behind `cursor`, newest first; `time` and then `name` order them.

    Raises:
        InputError: `limit` is not 1 to 200, or `cursor` is none that a page gave.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise InputError(f"a page has 1 to {MAX_PAGE} items, not {limit}")
    if cursor:
        at, last = _parsed(cursor)
        query = query.where(or_(time < at, and_(time == at, name < last)))
    query = query.order_by(time.desc(), name.desc()).limit(limit + 1)  # one more tells whether there is another page
    rows: Sequence[Row[Any]] = connection.execute(query).all()
    shown = rows[:limit]
    following = ""
    if len(rows) > limit:
        at, last = shown[-1]._mapping[time], shown[-1]._mapping[name]
        following = f"{at.isoformat()}~{last}"
    return Page(tuple(make(row) for row in shown), following)


def _parsed(cursor: str) -> tuple[datetime, str]:
    at, _, last = cursor.partition("~")
    try:
        if not last:
            raise ValueError
        return datetime.fromisoformat(at).astimezone(UTC), last
    except (ValueError, OverflowError):
        raise InputError(f"{cursor!r:.120} is no cursor: pass on the one that the page before gave, or none") from None
