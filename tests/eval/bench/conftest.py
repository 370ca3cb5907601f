"""Files and replies to be read and scored, written and built in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.bench.record import BenchQuestion, Found, Reply

WriteRows = Callable[..., Path]


@pytest.fixture
def write_rows(tmp_path: Path) -> WriteRows:
    """Writes objects as JSON lines to a new file of this name."""

    def write(name: str, *rows: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def answering(world) -> Callable[..., Reply]:
    """The reply to a question that says this text, quoting a document, and found these documents."""

    def reply(question: BenchQuestion, said: str, *found: str, doc: str = "lake.md") -> Reply:
        hits = tuple(Found(doc_id, world.texts.get(doc_id, "")) for doc_id in found)
        return Reply(question, hits, world.quoting(question.text, doc, said))

    return reply


@pytest.fixture
def refusing(world) -> Callable[..., Reply]:
    """The refusal of a question, in words that happen to hold the right figure."""

    def reply(question: BenchQuestion, *found: str) -> Reply:
        return Reply(question, tuple(Found(doc_id, "") for doc_id in found), world.refusal(question.text))

    return reply
