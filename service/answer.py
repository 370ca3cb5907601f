"""The answer and its parts, and their JSON, the same on the command line, over HTTP and in the evaluation."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Self, TypeVar

from indexer.document import Document, Hit, Origin
from indexer.errors import InputError

_T = TypeVar("_T")


class Status(Enum):
    ANSWERED = "answered"
    PARTIAL = "partial"
    REFUSED = "refused"


class Verdict(Enum):
    """What the check of a sentence against its cited spans found."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Citation:
    """A span of a document that carries a sentence; `quote` is the canonical text at `start:end`."""

    marker: int
    doc_id: str
    title: str
    start: int
    end: int
    quote: str
    section: tuple[str, ...]
    origin: Origin
    doc_sha256: str
    published: str
    validity: str = "unknown"

    @classmethod
    def of(cls, marker: int, document: Document, start: int, end: int, section: tuple[str, ...]) -> Self:
        return cls(
            marker=marker,
            doc_id=document.doc_id,
            title=document.title,
            start=start,
            end=end,
            quote=document.text[start:end],
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
class Receipt:
    """What made an answer: hashes of the index, the models and the prompts, and the program's version."""

    index: str
    models: Mapping[str, str]
    prompt: str
    version: str


@dataclass(frozen=True)
class Answer:
    """One answer; `text` carries the markers, `passages` are the ten best retrieved, best first."""

    question: str
    status: Status
    text: str
    reason: str | None
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[ShownPassage, ...]
    timings: Mapping[str, float]
    receipt: Receipt

    @property
    def id(self) -> str:
        """The same for the same question, answer, index and models."""
        content = json.dumps([self.question, self.text, asdict(self.receipt)], ensure_ascii=False, sort_keys=True)
        return "ans-" + hashlib.sha256(content.encode()).hexdigest()[:24]

    def to_json(self) -> dict[str, Any]:
        """The answer object of the documentation."""
        row = asdict(self)
        return {
            "id": self.id,
            "question": self.question,
            "status": self.status.value,
            "answer": self.text,
            "reason": self.reason,
            "sentences": [{**sentence, "verdict": sentence["verdict"].value} for sentence in row["sentences"]],
            "citations": row["citations"],
            "passages": row["passages"],
            "timings": row["timings"],
            "receipt": row["receipt"],
        }


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
    """The parts of a saved answer that can be checked again."""

    sentences: tuple[Sentence, ...]
    citations: tuple[SavedCitation, ...]

    @classmethod
    def from_json(cls, row: object) -> Self:
        """Raises InputError when `row` is not an answer object, naming the first field that is wrong."""
        if not isinstance(row, dict):
            raise InputError(f"an answer is a JSON object, not {type(row).__name__}")
        citations = []
        for i, item in enumerate(_list(row, "citations")):
            where = f"citations[{i}]"
            citations.append(
                SavedCitation(
                    marker=_typed(item, "marker", int, where),
                    doc_id=_typed(item, "doc_id", str, where),
                    start=_typed(item, "start", int, where),
                    end=_typed(item, "end", int, where),
                    quote=_typed(item, "quote", str, where),
                    doc_sha256=_typed(item, "doc_sha256", str, where),
                )
            )
        if len({citation.marker for citation in citations}) < len(citations):
            raise InputError(f"citations must each have their own marker, found {[c.marker for c in citations]!r:.60}")
        sentences = []
        for i, item in enumerate(_list(row, "sentences")):
            where = f"sentences[{i}]"
            markers = _typed(item, "citations", list, where)
            if not all(type(marker) is int for marker in markers):
                raise InputError(f"{where}.citations must be whole numbers, found {markers!r}")
            sentences.append(Sentence(_typed(item, "text", str, where), tuple(markers)))
        return cls(tuple(sentences), tuple(citations))


def _list(row: dict[str, Any], key: str) -> list[Any]:
    value = row.get(key)
    if not isinstance(value, list):
        raise InputError(f"'{key}' of a saved answer must be a list, found {type(value).__name__}")
    return value


def _typed(row: object, key: str, kind: type[_T], where: str) -> _T:
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{where}.{key} must be {kind.__name__}, found {value!r:.60}")
    return value
