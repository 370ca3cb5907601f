"""The answer and its parts, and their JSON, the same on the command line, over HTTP and in the evaluation."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Literal, Self

from typing_extensions import TypedDict

from indexer.document import Document, Hit, Origin
from indexer.errors import InputError
from indexer.scope import EVERYTHING, Scope
from service.conversation import Turn
from service.fields import texts, typed
from service.receipt import AnswerReceipt, ScoredPassage, answer_sha256
from service.receipt import Receipt as Receipt
from service.utf16 import utf16_length

# How the names of composers begin that quote and word nothing.
_EXTRACTIVE = "extractive"


class Status(Enum):
    ANSWERED = "answered"
    PARTIAL = "partial"
    REFUSED = "refused"


class Verdict(Enum):
    """What the check of a sentence against its cited spans found."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Reference:
    """A clause that a quote refers to: its address, with the title where it is of another document, and where it stands."""

    label: str
    doc_id: str
    start: int
    end: int


@dataclass(frozen=True)
class RelativeDate:
    """Words of a quote such as 去年, and the year, month or day that they mean by the publication date of the document."""

    text: str
    date: str


@dataclass(frozen=True)
class Citation:
    """A span of a document that carries a sentence; `quote` is the canonical text at `start:end`.

    `start_utf16` and `end_utf16` are the same span in UTF-16 code units, as JavaScript counts. `validity` is the status of the
    document on the day of the question: in_force, not_yet, repealed, amended or unknown.
    """

    marker: int
    doc_id: str
    title: str
    start: int
    end: int
    start_utf16: int
    end_utf16: int
    quote: str
    section: tuple[str, ...]
    origin: Origin
    doc_sha256: str
    published: str
    validity: str = "unknown"
    refers_to: tuple[Reference, ...] = ()
    relative_dates: tuple[RelativeDate, ...] = ()

    @classmethod
    def of(cls, marker: int, document: Document, start: int, end: int, section: tuple[str, ...]) -> Self:
        quote = document.text[start:end]
        start_utf16 = utf16_length(document.text[:start])
        return cls(
            marker=marker,
            doc_id=document.doc_id,
            title=document.title,
            start=start,
            end=end,
            start_utf16=start_utf16,
            end_utf16=start_utf16 + utf16_length(quote),
            quote=quote,
            section=section,
            origin=document.origin(start, end),
            doc_sha256=document.sha256,
            published=document.metadata.published,
        )


@dataclass(frozen=True)
class Sentence:
    """A sentence of an answer with the markers of its citations."""

    text: str
    citations: tuple[int, ...]
    verdict: Verdict = Verdict.SUPPORTED


@dataclass(frozen=True)
class ShownPassage:
    """A retrieved passage as shown to people."""

    passage_id: str
    doc_id: str
    start: int
    end: int
    score: float
    text: str

    @classmethod
    def of(cls, hit: Hit, text: str) -> Self:
        p = hit.passage
        return cls(p.passage_id, p.doc_id, p.start, p.end, round(hit.score, 6), text)


@dataclass(frozen=True)
class Answer:
    """One answer; `text` carries the markers, `passages` are the ten best retrieved, best first.

    `understood` is the question as it was understood, None where that is how it was asked; `notice` is what people have to know
    before they read, and stands above the sentences in `text`; `dropped` counts the sentences that failed the check and are not
    shown; `receipt` is that of the pipeline, `history` what was said before, `scope` what could answer; `confidence` is the
    calibrated probability, 0 to 1, that the documents answer the question.
    """

    question: str
    status: Status
    text: str
    reason: str | None
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[ShownPassage, ...]
    timings: Mapping[str, float]
    receipt: Receipt
    notice: str | None = None
    dropped: int = 0
    history: tuple[Turn, ...] = ()
    scope: Scope = EVERYTHING
    confidence: float = 0.0
    understood: str | None = None

    @property
    def id(self) -> str:
        """The same for the same question, answer, index and models."""
        content = json.dumps([self.question, self.text, asdict(self.receipt)], ensure_ascii=False, sort_keys=True)
        return "ans-" + hashlib.sha256(content.encode()).hexdigest()[:24]

    def to_json(self) -> dict[str, Any]:
        """The answer object of the documentation."""
        row = asdict(self)
        receipt = AnswerReceipt(
            self.receipt,
            self.question,
            self.history,
            tuple(ScoredPassage(passage.passage_id, passage.score) for passage in self.passages),
            tuple(sentence.verdict.value for sentence in self.sentences),
            answer_sha256="",
            scope=self.scope,
        ).to_json()
        answer = {
            "id": self.id,
            "question": self.question,
            "understood": self.understood,
            "status": self.status.value,
            "answer": self.text,
            "reason": self.reason,
            "confidence": self.confidence,
            "notice": self.notice,
            "dropped": self.dropped,
            "sentences": [{**sentence, "verdict": sentence["verdict"].value} for sentence in row["sentences"]],
            "citations": row["citations"],
            "passages": row["passages"],
            "timings": row["timings"],
            "receipt": receipt,
        }
        return answer | {"receipt": receipt | {"answer_sha256": answer_sha256(answer)}}


class AnswerObject(TypedDict):
    """The shape of `Answer.to_json` in JSON, for the schemas of the interfaces; the records in it stand as JSON objects."""

    id: str
    question: str
    understood: str | None
    status: Literal["answered", "partial", "refused"]
    answer: str
    reason: str | None
    confidence: float
    notice: str | None
    dropped: int
    sentences: list[Sentence]
    citations: list[Citation]
    passages: list[ShownPassage]
    timings: dict[str, float]
    receipt: dict[str, Any]


def sentence_texts(sentences: Sequence[Sentence]) -> list[str]:
    """Each sentence with its markers behind it, as it stands in the answer."""
    return [sentence.text + "".join(f"[{marker}]" for marker in sentence.citations) for sentence in sentences]


@dataclass(frozen=True)
class SavedCitation:
    """What a saved answer says of one citation."""

    marker: int
    doc_id: str
    start: int
    end: int
    quote: str
    doc_sha256: str


@dataclass(frozen=True)
class SavedAnswer:
    """The parts of a saved answer that can be checked again; `is_worded` tells that a language model worded it."""

    text: str
    reason: str | None
    notice: str | None
    sentences: tuple[Sentence, ...]
    citations: tuple[SavedCitation, ...]
    is_worded: bool

    @classmethod
    def from_json(cls, row: object) -> Self:
        """Raises InputError when `row` is not an answer object, naming the first field that is wrong."""
        if not isinstance(row, dict):
            raise InputError(f"an answer is a JSON object, not {type(row).__name__}")
        citations = []
        for i, item in enumerate(typed(row, "citations", list, "answer")):
            where = f"citations[{i}]"
            citations.append(
                SavedCitation(
                    marker=typed(item, "marker", int, where),
                    doc_id=typed(item, "doc_id", str, where),
                    start=typed(item, "start", int, where),
                    end=typed(item, "end", int, where),
                    quote=typed(item, "quote", str, where),
                    doc_sha256=typed(item, "doc_sha256", str, where),
                )
            )
        if len({citation.marker for citation in citations}) < len(citations):
            raise InputError(f"citations must each have their own marker, found {[c.marker for c in citations]!r:.60}")
        sentences = []
        for i, item in enumerate(typed(row, "sentences", list, "answer")):
            where = f"sentences[{i}]"
            markers = typed(item, "citations", list, where)
            if not all(type(marker) is int for marker in markers):
                raise InputError(f"{where}.citations must be whole numbers, found {markers!r}")
            sentences.append(Sentence(typed(item, "text", str, where), tuple(markers)))
        models = texts(typed(row, "receipt", dict, "answer"), "models", "receipt")
        return cls(
            typed(row, "answer", str, "answer"),
            None if row.get("reason") is None else typed(row, "reason", str, "answer"),
            None if row.get("notice") is None else typed(row, "notice", str, "answer"),
            tuple(sentences),
            tuple(citations),
            is_worded=not models.get("composer", _EXTRACTIVE).startswith(_EXTRACTIVE),
        )
