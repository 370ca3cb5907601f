"""The native interface under /api/, and what operators ask for."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from indexer.document import Document
from indexer.errors import QuestionError, ZhengwenError
from indexer.retrieval import Library
from service.answer import AnswerObject, SavedAnswer, ShownPassage
from service.http import examples
from service.http.access import Gate, GateDep
from service.http.desk import Asked, DeskDep
from service.http.events import EventStream, native_error_event, native_events
from service.http.filters import Filters, scope_of
from service.http.shapes import (
    CheckRow,
    DocumentReply,
    DocumentsReply,
    DocumentSummary,
    ExamplesReply,
    MetadataSource,
    SearchReply,
    SectionRow,
    VerifyReply,
    VersionReply,
)
from service.http.state import StateDep
from service.question import Turn
from service.records.types import Interface, KeyScope
from service.verify import Check, recheck

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

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ASKED]})

    question: str = Field(description="The question, in Chinese.")
    history: list[Message] = Field(default_factory=list, max_length=50, description="Earlier messages, oldest first.")
    conversation_id: str = Field(
        "", max_length=100, description="A kept conversation, instead of `history`; the answer is added to it."
    )
    filters: Filters | None = Field(None, description="Which documents may answer; left out: all.")
    stream: bool = Field(False, description="Server-sent events: passages, each sentence as it is checked, the answer.")


class SearchRequest(BaseModel):
    """A question for passages only."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SEARCHED]})

    question: str
    k: int = Field(10, ge=1, le=100, description="How many passages at most.")
    filters: Filters | None = Field(None, description="Which documents to search; left out: all.")


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


@router.post(
    "/api/ask",
    tags=["Native"],
    summary="One answer, whole or as a stream",
    response_model=None,
    responses=examples.replies(
        "/api/ask", examples.ANSWER, examples.ASKING, shape=AnswerObject, stream=examples.EVENTS
    ),
)
async def ask(body: AskRequest, desk: DeskDep) -> dict[str, Any] | EventStream:
    if body.history and body.conversation_id:
        raise QuestionError("history 和 conversation_id 只能有一个：续问已保存的对话时，请不要再附上前文。")
    history = [Turn(message.role, message.content) for message in body.history]
    asked = Asked(body.question, Interface.NATIVE, scope_of(body.filters), history, body.conversation_id)
    if body.stream:
        return await desk.stream(
            asked,
            lambda pipeline, first, events: native_events("/api/ask", first, events, pipeline.library),
            partial(native_error_event, "/api/ask"),
        )
    answer, _ = await desk.ask(asked)
    return answer.to_json()


@router.post(
    "/api/search",
    tags=["Native"],
    summary="Passages only",
    responses=examples.replies("/api/search", examples.SEARCH, examples.ASKING),
)
async def search(body: SearchRequest, desk: DeskDep) -> SearchReply:
    scope = scope_of(body.filters)
    hits, library = await desk.search(body.question, body.k, scope, Interface.NATIVE)
    return {"passages": [ShownPassage.of(hit, library.text(hit.passage)) for hit in hits]}


@router.get(
    "/api/examples",
    tags=["Native"],
    summary="Questions that the documents answer",
    responses=examples.replies("/api/examples", examples.EXAMPLES, (*examples.READING, 422, 504)),
)
async def example_questions(desk: DeskDep) -> ExamplesReply:
    drawn = await desk.examples()
    return {"examples": [{"question": example.question, "doc_id": example.doc_id} for example in drawn]}


@router.post(
    "/api/citations/verify",
    tags=["Native"],
    summary="Whether a saved answer still holds",
    responses=examples.replies("/api/citations/verify", examples.VERIFICATION, examples.ASKING),
)
def verify(body: SavedAnswerBody, desk: DeskDep) -> VerifyReply:
    checks = recheck(SavedAnswer.from_json(body.model_dump()), desk.library())
    return {"holds": all(check.problem is None for check in checks), "checks": check_rows(checks)}


@router.get(
    "/api/documents",
    tags=["Native"],
    summary="The documents of the index",
    responses=examples.replies("/api/documents", examples.DOCUMENTS, examples.READING),
)
def documents(desk: DeskDep) -> DocumentsReply:
    library = desk.library()
    return {"documents": [_summary(document, library, desk.today()) for document in library.documents.values()]}


@router.get(
    "/api/documents/{doc_id:path}",
    tags=["Native"],
    summary="Canonical text and outline of one document",
    responses=examples.replies("/api/documents/none.md", examples.DOCUMENT, (*examples.READING, 404, 422)),
)
def document(doc_id: str, desk: DeskDep) -> DocumentReply:
    library = desk.library()
    found = library.document(doc_id)
    outline: list[SectionRow] = [
        {"title": s.title, "path": s.path, "depth": s.depth, "start": s.start, "end": s.end}
        for s in library.outline(doc_id)
    ]
    sources: list[MetadataSource] = [
        {"field": source.field, "start": source.start, "end": source.end} for source in found.metadata.sources
    ]
    return {**_summary(found, library, desk.today()), "sources": sources, "text": found.text, "outline": outline}


@router.get(
    "/healthz",
    tags=["Operation"],
    summary="The process is up",
    responses=examples.replies("/healthz", examples.HEALTHY),
)
async def healthz() -> dict[str, str]:
    # Neither this nor readyz waits for a thread, which questions may have taken all of.
    return {"status": "ok"}


@router.get(
    "/readyz",
    tags=["Operation"],
    summary="Index loaded and models warm; 503 otherwise",
    responses=examples.replies("/readyz", examples.READY, (503,)),
)
async def readyz(state: StateDep) -> dict[str, str]:
    return {"status": "ready", "index": state.pipeline.receipt.index}


@router.get(
    "/version",
    tags=["Operation"],
    summary="Program version, index fingerprint, and which worker says so",
    responses=examples.replies("/version", examples.VERSION, (503,)),
)
async def version(request: Request, gate: GateDep, state: StateDep) -> VersionReply:
    receipt = state.pipeline.receipt
    problem = state.problem
    if problem is not None and not await _is_operator(gate, request):
        problem = "the newest version of the index could not be loaded: administrators see why"
    return {
        "version": receipt.version,
        "index": receipt.index,
        "models": dict(receipt.models),
        "prompt": receipt.prompt,
        "worker": os.getpid(),
        "problem": problem,
    }


async def _is_operator(gate: Gate, request: Request) -> bool:
    """Why an index cannot be served names its files and its documents, hidden ones too."""
    try:
        access = await gate.identify(request.headers)
    except ZhengwenError:
        return False
    return access.sees_everything and KeyScope.ADMIN in access.scopes


def check_rows(checks: Sequence[Check]) -> list[CheckRow]:
    return [{"marker": check.marker, "text": check.text, "problem": check.problem} for check in checks]


def _summary(document: Document, library: Library, today: str) -> DocumentSummary:
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
        "number": metadata.number,
        "signed": metadata.signed,
        "effective": metadata.effective,
        "expires": metadata.expires,
        "repealed": metadata.repealed,
        "level": metadata.level,
        "subject": metadata.subject,
        "repeals": metadata.repeals,
        "amends": metadata.amends,
        "validity": library.register.standing(document.doc_id, today).status.value,
        "sha256": document.sha256,
        "characters": len(document.text),
        "passages": len(library.passages_of(document.doc_id)),
    }
