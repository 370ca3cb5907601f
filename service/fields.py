"""Fields of JSON that a file or a request gave: of the right type, or an error that names the field."""

from typing import Any, TypeVar

from indexer.errors import InputError

_T = TypeVar("_T")


def typed(row: object, key: str, kind: type[_T], where: str) -> _T:
    """`row[key]`.

    Raises:
        InputError: `row` is no object, or the field is missing or of another type (true and false are no numbers).
    """
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{where}.{key} must be {kind.__name__}, found {value!r:.60}")
    return value


def texts(row: object, key: str, where: str) -> dict[str, str]:
    """`row[key]`, an object whose values are texts; raises like `typed`."""
    values: dict[Any, Any] = typed(row, key, dict, where)
    return {name: typed(values, name, str, f"{where}.{key}") for name in values}
