"""What time it is, for records."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)
