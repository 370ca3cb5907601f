"""Gold questions: what one holds, how a file of them is read, and what makes one unusable.

The format and how to write a good question: eval/gold/README.md.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import TypeVar

from eval.measures import occurs, stands
from indexer.document import Document
from indexer.errors import InputError


class QuestionType(Enum):
    """What is asked for."""

    FACT = "fact"
    NUMBER = "number"
    DATE = "date"
    ENTITY = "entity"
    LIST = "list"
    DEFINITION = "definition"
    REASON = "reason"
    COMPARISON = "comparison"
    SUMMARY = "summary"
    UNANSWERABLE = "unanswerable"


class Style(Enum):
    """How it is asked."""

    PLAIN = "plain"
    KEYWORD = "keyword"
    PARAPHRASE = "paraphrase"
    COLLOQUIAL = "colloquial"
    NOISY = "noisy"


@dataclass(frozen=True)
class GoldQuestion:
    """A question and what a right answer holds.

    `docs` are the documents that hold the answer, or come nearest to one; `answers` the required facts, each a tuple of
    accepted short forms; `evidence` spans of `docs`; `forbid` figures that only a wrong answer holds; `place` the file and
    line it was read from.
    """

    id: str
    question: str
    type: QuestionType
    style: Style
    docs: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]
    forbid: tuple[str, ...] = ()
    place: str = field(default="", compare=False)

    @property
    def is_answerable(self) -> bool:
        return self.type is not QuestionType.UNANSWERABLE


@dataclass(frozen=True)
class GoldSet:
    """The questions of one or more files, in order, and the sha256 of the files' bytes one after another."""

    questions: tuple[GoldQuestion, ...]
    sha256: str


@dataclass(frozen=True)
class Fault:
    """What is wrong with a gold question; a warning when it may be meant so."""

    place: str
    question_id: str
    message: str
    is_warning: bool = False


def load(paths: Sequence[Path]) -> GoldSet:
    """The gold questions of JSON-lines files; blank lines are passed over.

    Raises:
        InputError: a file cannot be read or holds no question, or a line is no gold question; names file, line and field.
    """
    digest = hashlib.sha256()
    questions: list[GoldQuestion] = []
    for path in paths:
        try:
            data = path.read_bytes()
            text = data.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read: {error}") from error
        digest.update(data)
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if not lines:
            raise InputError(f"{path} holds no question")
        questions.extend(_question(line, f"{path}:{number}") for number, line in lines)
    return GoldSet(tuple(questions), digest.hexdigest())


def check(questions: Sequence[GoldQuestion], documents: Mapping[str, Document]) -> list[Fault]:
    """Everything wrong with gold questions over the documents they ask about, by id, in the order of the questions."""
    seen: dict[str, str] = {}
    faults: list[Fault] = []
    for question in questions:
        if question.id in seen:
            faults.append(Fault(question.place, question.id, f"the id is taken already, at {seen[question.id]}"))
        seen.setdefault(question.id, question.place)
        faults.extend(_faults(question, documents))
    return faults


def _faults(question: GoldQuestion, documents: Mapping[str, Document]) -> Iterator[Fault]:
    def fault(message: str, *, is_warning: bool = False) -> Fault:
        return Fault(question.place, question.id, message, is_warning)

    texts = [documents[name].text for name in question.docs if name in documents]
    for name in question.docs:
        if name not in documents:
            yield fault(f"there is no document {name!r}")
    if question.is_answerable:
        for key in ("docs", "answers", "evidence"):
            if not getattr(question, key):
                yield fault(f"it is answerable but '{key}' is empty")
    else:
        for key in ("answers", "evidence", "forbid"):
            if getattr(question, key):
                yield fault(f"it is unanswerable but '{key}' is not empty")
    for span in question.evidence:
        if texts and not any(stands(span, text) for text in texts):
            yield fault(f"the evidence {span!r:.60} does not occur in {', '.join(question.docs)}")
    for form in (form for forms in question.answers for form in forms):
        if occurs(form, question.question):
            yield fault(f"the question holds its own answer {form!r}")
        if question.evidence and not any(occurs(form, span) for span in question.evidence):
            yield fault(f"the accepted form {form!r} does not occur in the evidence", is_warning=True)


_FIELDS = tuple(item.name for item in fields(GoldQuestion) if item.name != "place")
_Choice = TypeVar("_Choice", bound=Enum)


def _question(line: str, place: str) -> GoldQuestion:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InputError(f"{place} must be an object, found {line:.60}")
    row = {"forbid": [], **row}
    for key in _FIELDS:
        if key not in row:
            raise InputError(f"{place} lacks the field '{key}'")
    for key in row:
        if key not in _FIELDS:
            raise InputError(f"{place} has an unknown field '{key}': known are {', '.join(_FIELDS)}")
    answers = row["answers"]
    if not isinstance(answers, list) or not all(answers):
        raise _wrong(place, "answers", "a list of facts, each a list of accepted forms", answers)
    return GoldQuestion(
        id=_text(row["id"], "id", place),
        question=_text(row["question"], "question", place),
        type=_choice(QuestionType, row["type"], "type", place),
        style=_choice(Style, row["style"], "style", place),
        docs=_texts(row["docs"], "docs", place),
        answers=tuple(_texts(forms, f"answers[{i}]", place) for i, forms in enumerate(answers)),
        evidence=_texts(row["evidence"], "evidence", place),
        forbid=_texts(row["forbid"], "forbid", place),
        place=place,
    )


def _text(value: object, key: str, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(place, key, "a string that is not empty", value)
    return value


def _texts(value: object, key: str, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(place, key, "a list of strings", value)
    return tuple(_text(item, f"{key}[{i}]", place) for i, item in enumerate(value))


def _choice(kind: type[_Choice], value: object, key: str, place: str) -> _Choice:
    for choice in kind:
        if choice.value == value:
            return choice
    raise _wrong(place, key, "one of " + ", ".join(choice.value for choice in kind), value)


def _wrong(place: str, key: str, expected: str, value: object) -> InputError:
    return InputError(f"{place} field '{key}' must be {expected}, found {value!r:.60}")
