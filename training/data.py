"""The raw data sets as typed records. What each file is, and its rights: the README beside the data."""

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.errors import InputError


@dataclass(frozen=True)
class Article:
    """A text of a prose set; `title` may be empty."""

    title: str
    text: str


@dataclass(frozen=True)
class ReadingQuestion:
    """A question on a context; `answers` are its accepted strings, none when the context does not answer."""

    question_id: str
    source: str
    title: str
    context: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class TextPair:
    """Two texts that belong together."""

    a: str
    b: str


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a `.jsonl.xz` file, in order.

    Raises:
        InputError: there is no such file; the message names it.
    """
    if not path.is_file():
        raise InputError(f"no data file {path}: give the folder that holds prose/, reading/, pairs/ as --data")
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def articles(data: Path, name: str) -> Iterator[Article]:
    """Articles of `prose/NAME`, in order."""
    for record in read_lines(data / "prose" / f"{name}.jsonl.xz"):
        yield Article(record["title"].strip(), record["text"].strip())


def reading_questions(path: Path) -> Iterator[ReadingQuestion]:
    """Questions of a reading file, in order; those that people call ambiguous are left out."""
    source = path.name.removesuffix(".jsonl.xz")
    for record in read_lines(path):
        if record.get("ambiguous"):
            continue
        answers = (
            () if record.get("is_impossible") else tuple(dict.fromkeys(a for a in map(_text, record["answers"]) if a))
        )
        if not answers and not record.get("is_impossible"):
            continue
        yield ReadingQuestion(
            str(record["id"]), source, record["title"], record["context"], record["question"].strip(), answers
        )


def _text(answer: str | dict[str, Any]) -> str:
    return (answer if isinstance(answer, str) else str(answer["text"])).strip()
