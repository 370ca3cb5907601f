"""Gold questions: what one holds, how a file of them is read, and what makes one unusable.

The format and how to write a good question: eval/gold/README.md.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

from eval import fields as read
from eval.measures import occurs, stands
from eval.sections import OwnText, sections_with
from indexer.document import Document
from indexer.errors import InputError
from service.question import Turn


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


class Part(Enum):
    """What the question is for: to look at and tune on, or to be asked before a release and never tuned on."""

    DEVELOPMENT = "development"
    RELEASE = "release"


@dataclass(frozen=True)
class GoldQuestion:
    """A question and what a right answer holds.

    `docs` are the documents that hold the answer, or come nearest to one; `answers` the required facts, each a tuple of
    accepted short forms; `evidence` spans of `docs`; `forbid` figures that only a wrong answer holds; `history` the
    conversation that it follows, oldest first; `note` says why it departs from the rules, empty when it does not; `place` the
    file and line it was read from.
    """

    id: str
    question: str
    type: QuestionType
    style: Style
    docs: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]
    forbid: tuple[str, ...] = ()
    part: Part = Part.DEVELOPMENT
    history: tuple[Turn, ...] = ()
    note: str = ""
    place: str = field(default="", compare=False)

    @property
    def is_answerable(self) -> bool:
        return self.type is not QuestionType.UNANSWERABLE

    def to_json(self) -> dict[str, Any]:
        """The line of a gold file that `parse` reads back; optional fields only where they say something."""
        row = asdict(self) | {"type": self.type.value, "style": self.style.value, "part": self.part.value}
        return {key: row[key] for key in _FIELDS if key not in _OPTIONAL or row[key] != _OPTIONAL[key]}


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
    faults.extend(_shared_sections(questions, documents))
    return faults


def _shared_sections(questions: Sequence[GoldQuestion], documents: Mapping[str, Document]) -> Iterator[Fault]:
    """A section that holds evidence of both parts: whoever tunes on one has seen the other."""
    first: dict[OwnText, GoldQuestion] = {}
    for question in questions:
        held = {
            own: None
            for name in question.docs
            if name in documents
            for span in question.evidence
            for own in sections_with(span, documents[name])
        }
        for own in held:
            other = first.setdefault(own, question)
            if other.part is not question.part:
                title = own.path[-1] if own.path else "the text above the first heading"
                message = (
                    f"its evidence for the {question.part.value} part stands in {title!r:.60} of {own.doc_id}, "
                    f"where {other.id} of the {other.part.value} part has its own"
                )
                yield Fault(question.place, question.id, message)


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
            message = f"the accepted form {form!r} does not occur in the evidence"
            yield fault(
                f"{message}: {question.note}" if question.note else f"{message} and no 'note' says why",
                is_warning=bool(question.note),
            )


_FIELDS = tuple(item.name for item in fields(GoldQuestion) if item.name != "place")
_OPTIONAL: dict[str, Any] = {"forbid": (), "part": Part.DEVELOPMENT.value, "history": (), "note": ""}


def _question(line: str, place: str) -> GoldQuestion:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place} is not JSON: {error}") from error
    return parse(row, place)


def parse(row: object, place: str) -> GoldQuestion:
    """The gold question of one object of a gold file.

    Raises:
        InputError: it is none; names the place and the field.
    """
    if not isinstance(row, dict):
        raise InputError(f"{place} must be an object, found {row!r:.60}")
    for key in _FIELDS:
        if key not in row and key not in _OPTIONAL:
            raise InputError(f"{place} lacks the field '{key}'")
    for key in row:
        if key not in _FIELDS:
            raise InputError(f"{place} has an unknown field '{key}': known are {', '.join(_FIELDS)}")
    answers = row["answers"]
    if not isinstance(answers, list) or not all(answers):
        raise read.wrong(place, "answers", "a list of facts, each a list of accepted forms", answers)
    return GoldQuestion(
        id=read.text(row["id"], "id", place),
        question=read.text(row["question"], "question", place),
        type=read.choice(QuestionType, row["type"], "type", place),
        style=read.choice(Style, row["style"], "style", place),
        docs=read.texts(row["docs"], "docs", place),
        answers=tuple(read.texts(forms, f"answers[{i}]", place) for i, forms in enumerate(answers)),
        evidence=read.texts(row["evidence"], "evidence", place),
        forbid=read.texts(row.get("forbid", []), "forbid", place),
        part=read.choice(Part, row.get("part", Part.DEVELOPMENT.value), "part", place),
        history=read.turns(row.get("history", []), "history", place),
        note=read.text(row["note"], "note", place) if "note" in row else "",
        place=place,
    )
