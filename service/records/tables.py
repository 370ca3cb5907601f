"""The tables as they are after the last migration."""

import json
import re
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

_NO_TEXT = re.compile("[\ud800-\udfff\0]")


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC; SQLite has no time zones, so there it is kept without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: records are kept in UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CleanText(TypeDecorator[str]):
    """Text with U+FFFD where it holds what a database cannot: half a surrogate pair, or NUL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _clean(value)


class Texts(TypeDecorator[tuple[str, ...]]):
    """Several texts in order, as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else _clean(json.dumps(value, ensure_ascii=False))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


def _clean(text: str) -> str:
    return _NO_TEXT.sub("\ufffd", text)


metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", CleanText, primary_key=True),
    Column("name", CleanText, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    Column("scopes", Texts, nullable=False),
    Column("origins", Texts, nullable=False),
    Column("documents", Texts, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("revoked", UtcTime),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", CleanText, primary_key=True),
    Column("owner_key", CleanText, nullable=False),
    Column("owner_user", CleanText, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("created", UtcTime, nullable=False),
    Column("updated", UtcTime, nullable=False),
    Index("conversations_of_owner", "owner_key", "owner_user", "updated", "conversation_id"),
)

turns = Table(
    "turns",
    metadata,
    Column(
        "conversation_id",
        CleanText,
        ForeignKey("conversations.conversation_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("question", CleanText, nullable=False),
    Column("answer_json", CleanText, nullable=False),
    Column("created", UtcTime, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("feedback_id", CleanText, primary_key=True),
    Column("created", UtcTime, nullable=False),
    Column("owner_key", CleanText, nullable=False),
    Column("owner_user", CleanText, nullable=False),
    Column("verdict", CleanText, nullable=False),
    Column("reason", CleanText),
    Column("comment", CleanText, nullable=False),
    Column("answer_id", CleanText, nullable=False),
    Column("question", CleanText, nullable=False),
    Column("answer_json", CleanText, nullable=False),
    Column("reviewed", Boolean, nullable=False),
    Index("feedback_by_time", "created", "feedback_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("entry", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("request_id", CleanText, nullable=False),
    Column("owner_key", CleanText, nullable=False),
    Column("owner_user", CleanText, nullable=False),
    Column("interface", CleanText, nullable=False),
    Column("question", CleanText, nullable=False),
    Column("kept", CleanText, nullable=False),
    Column("status", CleanText, nullable=False),
    Column("reason", CleanText),
    Column("doc_ids", Texts, nullable=False),
    Column("answer_id", CleanText, nullable=False),
    Column("fingerprint", CleanText, nullable=False),
    Column("milliseconds", Float, nullable=False),
    Index("audit_by_time", "at"),
)

shares = Table(
    "shares",
    metadata,
    Column("share_id", CleanText, primary_key=True),
    Column("created", UtcTime, nullable=False),
    Column("owner_key", CleanText, nullable=False),
    Column("owner_user", CleanText, nullable=False),
    Column("visible", Texts, nullable=False),
    Column("doc_ids", Texts, nullable=False),
    Column("answer_sha256", CleanText, nullable=False),
    Column("answer_json", CleanText, nullable=False),
    Index("shares_of_owner", "owner_key", "owner_user", "answer_sha256"),
    Index("shares_by_time", "created"),
)
