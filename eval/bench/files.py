"""Benchmark files → rows: JSON lines, JSON arrays, or JSON objects one after another, plain or xz-compressed."""

import json
import lzma
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval import fields
from indexer.errors import InputError

_SPACE = re.compile(r"\s*")


@dataclass(frozen=True)
class Row:
    """A JSON object of a file; `place` is where it stands, for messages."""

    place: str
    values: Mapping[str, Any]

    def text(self, *keys: str) -> str:
        """The string in the first of these fields that is there.

        Raises:
            InputError: none is there, or it is no string or holds only white space.
        """
        key = self._first(keys)
        return fields.text(self.values.get(key), key, self.place)

    def string(self, *keys: str) -> str:
        """The same, but it may be empty.

        Raises:
            InputError: none is there, or it is no string.
        """
        key = self._first(keys)
        value = self.values.get(key)
        if not isinstance(value, str):
            raise fields.wrong(self.place, key, "a string", value)
        return value

    def name(self, *keys: str) -> str:
        """The same for an identifier, which may be a whole number, too."""
        key = self._first(keys)
        value = self.values.get(key)
        return str(value) if type(value) is int else fields.text(value, key, self.place)

    def optional(self, *keys: str) -> str:
        """The string in the first of these fields that holds one; empty when none does."""
        found = [self.values[key] for key in keys if isinstance(self.values.get(key), str)]
        return next((value for value in found if value.strip()), "")

    def items(self, *keys: str) -> list[Any]:
        """The list in the first of these fields that is there.

        Raises:
            InputError: none is there, or it is no list.
        """
        key = self._first(keys)
        value = self.values.get(key)
        if not isinstance(value, list):
            raise fields.wrong(self.place, key, "a list", value)
        return value

    def rows(self, *keys: str) -> list["Row"]:
        """The objects in such a list; one object that stands there by itself counts as a list of one.

        Raises:
            InputError: something else stands there.
        """
        key = self._first(keys)
        value = self.values.get(key)
        return [self._row(item, key) for item in ([value] if isinstance(value, dict) else self.items(key))]

    def row(self, key: str) -> "Row":
        """The object in a field.

        Raises:
            InputError: something else stands there, or nothing.
        """
        return self._row(self.values.get(key), key)

    def _row(self, value: object, key: str) -> "Row":
        if not isinstance(value, dict):
            raise fields.wrong(self.place, key, "an object", value)
        return Row(f"{self.place} '{key}'", value)

    def _first(self, keys: tuple[str, ...]) -> str:
        return next((key for key in keys if key in self.values), keys[0])


def read_rows(path: Path) -> list[Row]:
    """The objects of a file, in order; the items of an array count one by one.

    Raises:
        InputError: the file cannot be read, holds nothing, or something that is no JSON object; names the line.
    """
    text = _read(path)
    decoder = json.JSONDecoder(strict=False)
    rows: list[Row] = []
    line, position = 1, 0
    while (start := _end_of_space(text, position)) < len(text):
        line += text.count("\n", position, start)
        try:
            value, position = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{error.lineno} is not JSON: {error.msg} in column {error.colno}") from error
        items = value if isinstance(value, list) else [value]
        for i, item in enumerate(items):
            place = f"{path}:{line}" + (f" item {i}" if isinstance(value, list) else "")
            if not isinstance(item, dict):
                raise InputError(f"{place} must be an object, found {item!r:.60}")
            rows.append(Row(place, item))
        line += text.count("\n", start, position)
    if not rows:
        raise InputError(f"{path} holds no record: give a file with at least one JSON object")
    return rows


def _end_of_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match is not None
    return match.end()


def _read(path: Path) -> str:
    try:
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        return data.decode("utf-8-sig")
    except (OSError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
