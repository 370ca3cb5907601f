"""What the properties of a file say of its authors and its day, without what programs put there on their own."""

import re
from datetime import date

_NOBODY = re.compile(
    r"(?:microsoft|微软|windows|wps|ms|office|word)?[\s_-]*(?:用户|中国|user|office user|office)?[\s_-]*\d*"
    r"|admin(?:istrator)?|author|作者|匿名.*|用户|未知|unknown|anonymous|pc|dell|hp|lenovo|asus|acer|think(?:pad|centre)?|雨林木风|番茄花园|深度技术"
    r"|[a-z0-9]{1,3}|\W*|user[-_\s\d]*|.*\\.*",
    re.IGNORECASE,
)
_FIRST_YEAR = 1990


def authors(text: str) -> tuple[str, ...]:
    """The names in a text, parted by semicolons or Chinese commas."""
    names = (name.strip() for name in re.split("[;；、]", text))
    return tuple(dict.fromkeys(name for name in names if len(name) <= 60 and not _NOBODY.fullmatch(name)))


def day(text: str) -> str:
    """The date that a text starts with (`20230516…`, `D:20230516…`, `2023-05-16…`) as YYYY-MM-DD; empty for none."""
    match = re.match(r"\s*(?:D:)?(\d{4})[-/.年]?(\d{2})[-/.月]?(\d{2})(?!\d{1}(?:\D|$))", text)
    if match is None:
        return ""
    try:
        found = date(*map(int, match.groups()))
    except ValueError:
        return ""
    return found.isoformat() if found.year >= _FIRST_YEAR else ""
