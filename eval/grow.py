"""What people said of answers → candidate gold questions, for a person to finish.

A line of feedback is `{"question", "answer": an answer object or null, "rating": "up" or "down", "comment": a string or null,
"history": [{"role", "content"}]}`; history and comment may be missing.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from eval import fields as read
from eval.gold import GoldQuestion, QuestionType, Style
from indexer.errors import InputError
from indexer.text import squeeze
from service.question import Turn


class Rating(Enum):
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Feedback:
    """One line of feedback; `docs` and `quotes` are those of the answer's citations, in order and without repeats."""

    question: str
    history: tuple[Turn, ...]
    rating: Rating
    comment: str
    docs: tuple[str, ...]
    quotes: tuple[str, ...]


def read_feedback(path: Path) -> list[Feedback]:
    """The feedback of a JSON-lines file, in order; blank lines are passed over.

    Raises:
        InputError: the file cannot be read, or a line is no feedback; names the line and the field.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return [_feedback(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def candidates(feedback: Sequence[Feedback], known: Sequence[GoldQuestion]) -> list[GoldQuestion]:
    """A candidate for each question that is asked here first, in order; spelling and punctuation make no other question.

    What the answer cited is the evidence, and there is no accepted form yet: `zhengwen eval check` refuses a candidate until
    somebody has read the document, and written the answers.
    """
    seen = {_key(question.question, question.history) for question in known}
    found = []
    for item in feedback:
        key = _key(item.question, item.history)
        if key in seen:
            continue
        seen.add(key)
        found.append(
            GoldQuestion(
                id="candidate-" + hashlib.sha256("\n".join(key).encode()).hexdigest()[:12],
                question=item.question,
                type=QuestionType.FACT,
                style=Style.PLAIN,
                docs=item.docs,
                answers=(),
                evidence=item.quotes,
                history=item.history,
                note=f"candidate: rated {item.rating.value}" + (f", {item.comment}" if item.comment else ""),
            )
        )
    return found


def write_candidates(path: Path, questions: Sequence[GoldQuestion]) -> None:
    """A new file of gold lines.

    Raises:
        InputError: the file exists or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(json.dumps(question.to_json(), ensure_ascii=False) + "\n" for question in questions)
    except FileExistsError as error:
        raise InputError(f"{path} exists and is never overwritten: give another --out") from error
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from error


def _key(question: str, history: Sequence[Turn]) -> tuple[str, ...]:
    return tuple(squeeze(text) for text in (*(turn.content for turn in history), question))


def _feedback(line: str, place: str) -> Feedback:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InputError(f"{place} must be an object, found {line:.60}")
    citations = _citations(row.get("answer"), place)
    comment = row.get("comment")
    return Feedback(
        question=read.text(row.get("question"), "question", place),
        history=read.turns(row.get("history") or [], "history", place),
        rating=read.choice(Rating, row.get("rating"), "rating", place),
        comment="" if not comment else read.text(comment, "comment", place),
        docs=tuple(dict.fromkeys(read.text(item.get("doc_id"), "doc_id", place) for item in citations)),
        quotes=tuple(dict.fromkeys(read.text(item.get("quote"), "quote", place) for item in citations)),
    )


def _citations(answer: object, place: str) -> list[dict[str, Any]]:
    if answer is None:
        return []
    found = answer.get("citations") if isinstance(answer, dict) else None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise read.wrong(place, "answer", "null or an answer object with its 'citations'", answer)
    return found
