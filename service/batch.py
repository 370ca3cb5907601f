"""Many questions from a file to a file of answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from indexer.errors import InputError, QuestionError
from indexer.scope import EVERYTHING, Scope, require
from service.conversation import Turn, turns
from service.pipeline import Pipeline


@dataclass(frozen=True)
class BatchQuestion:
    """One line of a batch; `history` is what was said before, oldest first."""

    id: str
    question: str
    history: tuple[Turn, ...] = ()


def read_questions(path: Path) -> list[BatchQuestion]:
    """The questions of a JSON-lines file, in order; other fields are passed over.

    Raises:
        InputError: the file cannot be read or a line is no question; names the line.
    """
    try:
        # str.splitlines also breaks at U+2028 and its like, which may stand in a JSON string.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    questions = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            json.dumps(row, ensure_ascii=False).encode()  # half a surrogate pair passes as JSON, but is no text
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}:{number} is not JSON: {error}") from error
        if (
            not isinstance(row, dict)
            or not isinstance(row.get("question"), str)
            or type(row.get("id")) not in (str, int)
        ):
            raise InputError(f'{path}:{number} must be an object with "id" and "question", found {line[:80]}')
        questions.append(BatchQuestion(str(row["id"]), row["question"], _history(row, f"{path}:{number} row")))
    if not questions:
        raise InputError(f"{path} holds no question")
    return questions


def _history(row: dict[str, Any], where: str) -> tuple[Turn, ...]:
    """The messages before a question; none where the row names none. Raises InputError when they are no messages."""
    history = turns(row, where) if "history" in row else ()
    for i, turn in enumerate(history):
        if turn.role not in ("user", "assistant"):
            raise InputError(f"{where}.history[{i}].role must be user or assistant, found {turn.role!r:.60}")
    return history


def answer_batch(
    pipeline: Pipeline,
    questions: Sequence[BatchQuestion],
    out: Path,
    on_answer: Callable[[], None],
    scope: Scope = EVERYTHING,
) -> None:
    """Writes one answer object a question, in order, each as soon as it is known.

    A question that cannot be asked gets an object with the status `refused` and the reason, so that no line is lost.

    Raises:
        QuestionError: the scope admits no document.
        InputError: the answers cannot be written.
    """
    require(scope, pipeline.library.documents.values())
    try:
        with out.open("w", encoding="utf-8") as file:
            for item in questions:
                file.write(json.dumps(_answer(pipeline, item, scope), ensure_ascii=False) + "\n")
                file.flush()
                on_answer()
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error}") from error


def _answer(pipeline: Pipeline, item: BatchQuestion, scope: Scope) -> dict[str, Any]:
    try:
        answer = pipeline.ask(item.question, item.history, scope)
    except QuestionError as error:
        answer = replace(pipeline.refuse(item.question, str(error)), scope=scope)
    return answer.to_json() | {"id": item.id}
