"""The native interface under /api/, and what operators ask for."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from indexer.document import Document
from service.answer import SavedAnswer, ShownPassage
from service.http.events import EventStream, native_events
from service.http.state import PipelineDep, StateDep
from service.pipeline import Pipeline
from service.question import Turn
from service.verify import recheck

router = APIRouter()

_SAVED: JsonDict = {
    "answer": "园区年内改造泊位9个。[1]",
    "reason": None,
    "sentences": [{"text": "园区年内改造泊位9个。", "citations": [1], "verdict": "supported"}],
    "citations": [
        {
            "marker": 1,
            "doc_id": "港口.md",
            "start": 120,
            "end": 131,
            "quote": "园区年内改造泊位9个。",
            "doc_sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        }
    ],
    "receipt": {"models": {"embedder": "sha256:0123", "reader": "lexical-1", "composer": "extractive-1"}},
}


class Message(BaseModel):
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class AskRequest(BaseModel):
    """A question with the conversation before it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "钱学森给虚拟现实取的中文名字是什么？"}]})

    question: str = Field(description="The question, in Chinese.")
    history: list[Message] = Field(default_factory=list, max_length=50, description="Earlier messages, oldest first.")
    stream: bool = Field(False, description="Server-sent events: passages, each sentence as it is checked, the answer.")


class SearchRequest(BaseModel):
    """A question for passages only."""

    question: str
    k: int = Field(10, ge=1, le=100, description="How many passages at most.")


class SavedCitationBody(BaseModel):
    """A citation of a saved answer."""

    model_config = ConfigDict(strict=True)

    marker: int
    doc_id: str
    start: int = Field(description="Code points, half-open.")
    end: int
    quote: str
    doc_sha256: str


class SavedSentenceBody(BaseModel):
    """A sentence of a saved answer with the markers of its citations."""

    model_config = ConfigDict(strict=True)

    text: str
    citations: list[int]


class SavedReceiptBody(BaseModel):
    """What the check reads of a receipt: whether a language model worded the answer."""

    models: dict[str, str]


class SavedAnswerBody(BaseModel):
    """An answer object as it was given out; fields that the check does not read are passed over."""

    model_config = ConfigDict(strict=True, json_schema_extra={"examples": [_SAVED]})

    answer: str
    reason: str | None = None
    notice: str | None = None
    sentences: list[SavedSentenceBody] = Field(max_length=200)
    citations: list[SavedCitationBody] = Field(max_length=500)
    receipt: SavedReceiptBody

    @field_validator("citations")
    @classmethod
    def _have_markers_of_their_own(cls, citations: list[SavedCitationBody]) -> list[SavedCitationBody]:
        if len({citation.marker for citation in citations}) < len(citations):
            raise ValueError("each citation must have its own marker")
        return citations


@router.post("/api/ask", summary="One answer, whole or as a stream", response_model=None)
def ask(body: AskRequest, pipeline: PipelineDep) -> dict[str, Any] | EventStream:
    history = [Turn(message.role, message.content) for message in body.history]
    if body.stream:
        # The first event is made here, so that a question that cannot be asked is still a plain 4xx.
        events = pipeline.stream(body.question, history)
        return EventStream(native_events("/api/ask", next(events), events, pipeline.library))
    return pipeline.ask(body.question, history).to_json()


@router.post("/api/search", summary="Passages only")
def search(body: SearchRequest, pipeline: PipelineDep) -> dict[str, Any]:
    hits = pipeline.search(body.question, body.k)
    return {"passages": [ShownPassage.of(hit, pipeline.library.text(hit.passage)).__dict__ for hit in hits]}


@router.post("/api/citations/verify", summary="Whether a saved answer still holds")
def verify(body: SavedAnswerBody, pipeline: PipelineDep) -> dict[str, Any]:
    checks = recheck(SavedAnswer.from_json(body.model_dump()), pipeline.library)
    return {
        "holds": all(check.problem is None for check in checks),
        "checks": [{"marker": check.marker, "text": check.text, "problem": check.problem} for check in checks],
    }


@router.get("/api/documents", summary="The documents of the index")
def documents(pipeline: PipelineDep) -> dict[str, Any]:
    return {"documents": [_summary(document, pipeline) for document in pipeline.library.documents.values()]}


@router.get("/api/documents/{doc_id:path}", summary="Canonical text and outline of one document")
def document(doc_id: str, pipeline: PipelineDep) -> dict[str, Any]:
    found = pipeline.library.document(doc_id)
    outline = [
        {"title": s.title, "path": s.path, "depth": s.depth, "start": s.start, "end": s.end}
        for s in pipeline.library.outline(doc_id)
    ]
    return {**_summary(found, pipeline), "text": found.text, "outline": outline}


@router.get("/healthz", summary="The process is up")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="Index loaded and models warm; 503 otherwise")
def readyz(state: StateDep) -> dict[str, str]:
    return {"status": "ready", "index": state.pipeline.receipt.index}


@router.get("/version", summary="Program version and index fingerprint")
def version(pipeline: PipelineDep) -> dict[str, Any]:
    receipt = pipeline.receipt
    return {
        "version": receipt.version,
        "index": receipt.index,
        "models": dict(receipt.models),
        "prompt": receipt.prompt,
    }


def _summary(document: Document, pipeline: Pipeline) -> dict[str, Any]:
    metadata = document.metadata
    return {
        "doc_id": document.doc_id,
        "title": document.title,
        "source_title": metadata.source_title,
        "issuer": metadata.issuer,
        "authors": metadata.authors,
        "region": metadata.region,
        "published": metadata.published,
        "kind": metadata.kind,
        "period": metadata.period,
        "note": metadata.note,
        "sha256": document.sha256,
        "characters": len(document.text),
        "passages": len(pipeline.library.passages_of(document.doc_id)),
    }
