"""Dates as 2022, 2022-11 or 2022-11-30: read from Chinese text, compared, counted on."""

import calendar
import re
from datetime import date, timedelta

from indexer.numerals import number_of

_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_DIGIT = r"[〇零○Ｏ０-９\d一二三四五六七八九]"
_NUMERAL = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
WRITTEN = rf"(?:{_DIGIT}{{4}}\s*年\s*{_NUMERAL}\s*月\s*{_NUMERAL}\s*日|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}})"
"""A full date as texts write it: 2023年5月6日, 二〇二三年五月六日, 2023-05-06."""
_PARTS = re.compile(rf"({_DIGIT}{{4}})\s*[年\-/.]\s*({_NUMERAL})\s*[月\-/.]\s*({_NUMERAL})")
# As front matter has it: 2022, 2022-11, 2022-1-8, 2022年11月30日.
_PUBLISHED = re.compile(r"([0-9]{4})(?:[-/.年]([0-9]{1,2})(?:[-/.月]([0-9]{1,2}))?)?(?![0-9])")


def is_date(text: str) -> bool:
    """Whether it is 2022, 2022-11 or 2022-11-30, and on the calendar."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text + "-01" * ((10 - len(text)) // 3))
    except ValueError:
        return False
    return True


def not_after(one: str, other: str) -> bool:
    """Whether some day of `one` is not after some day of `other`: compared as exactly as both are given."""
    length = min(len(one), len(other))
    return one[:length] <= other[:length]


def read_date(written: str) -> str:
    """2023-05-06 of a match of `WRITTEN`; empty when it is on no calendar."""
    match = _PARTS.search(written)
    if match is None:
        return ""
    year, month, day = (number_of(part) for part in match.groups())
    found = f"{year:04d}-{month:02d}-{day:02d}"
    return found if is_date(found) else ""


def as_date(folded: str) -> str:
    """What folded front matter gives as a date, 2022, 2022-11 or 2022-11-30; empty when it gives none."""
    match = _PUBLISHED.match(folded)
    found = "-".join(part.zfill(2) for part in match.groups() if part) if match else ""
    return found if is_date(found) else ""


def days_after(day: str, days: int) -> str:
    """The day `days` after a full date."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def last_day_of(day: str, *, years: int = 0, months: int = 0) -> str:
    """The last day of a term of years and months that begins on a full date: 5 years from 2023-07-01 end on 2028-06-30."""
    first = date.fromisoformat(day)
    month = first.month - 1 + months
    year, month = first.year + years + month // 12, month % 12 + 1
    last = min(first.day, calendar.monthrange(year, month)[1])
    return (date(year, month, last) - timedelta(days=1)).isoformat()
