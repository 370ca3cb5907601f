"""What time it is: for records, and for questions that are asked for today."""

from datetime import UTC, date, datetime


def today() -> str:
    """The day that it is here, as 2022-11-30."""
    return date.today().isoformat()


def utc_now() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)
