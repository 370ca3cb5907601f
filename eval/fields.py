"""Fields of JSON lines that people or programs wrote, as what they should be.

Every function raises InputError when the value is something else; it names the place (a file and line), the field and the
value seen.
"""

from enum import Enum
from typing import TypeVar

from indexer.errors import InputError
from service.question import Turn

_Choice = TypeVar("_Choice", bound=Enum)


def text(value: object, key: str, place: str) -> str:
    """A string that holds more than white space."""
    if not isinstance(value, str) or not value.strip():
        raise wrong(place, key, "a string that is not empty", value)
    return value


def texts(value: object, key: str, place: str) -> tuple[str, ...]:
    """A list of such strings; it may be empty."""
    if not isinstance(value, list):
        raise wrong(place, key, "a list of strings", value)
    return tuple(text(item, f"{key}[{i}]", place) for i, item in enumerate(value))


def choice(kind: type[_Choice], value: object, key: str, place: str) -> _Choice:
    """The member of `kind` with this value."""
    for member in kind:
        if member.value == value:
            return member
    raise wrong(place, key, "one of " + ", ".join(member.value for member in kind), value)


def turns(value: object, key: str, place: str) -> tuple[Turn, ...]:
    """A list of objects with `role` (user or assistant) and `content`, and nothing else."""
    if not isinstance(value, list):
        raise wrong(place, key, "a list of messages", value)
    found = []
    for i, item in enumerate(value):
        name = f"{key}[{i}]"
        if (
            not isinstance(item, dict)
            or item.keys() != {"role", "content"}
            or item["role"] not in ("user", "assistant")
        ):
            raise wrong(place, name, "an object with 'role' (user or assistant) and 'content'", item)
        found.append(Turn(item["role"], text(item["content"], f"{name}.content", place)))
    return tuple(found)


def wrong(place: str, key: str, expected: str, value: object) -> InputError:
    return InputError(f"{place} field '{key}' must be {expected}, found {value!r:.60}")
