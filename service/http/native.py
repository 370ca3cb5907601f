"""The native interface under /api/, and what operators ask for."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from indexer.document import Document
from service.answer import ShownPassage
from service.http.state import PipelineDep, StateDep
from service.pipeline import Pipeline
from service.question import Turn

router = APIRouter()


class Message(BaseModel):
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class AskRequest(BaseModel):
    """A question with the conversation before it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "钱学森给虚拟现实取的中文名字是什么？"}]})

    question: str = Field(description="The question, in Chinese.")
    history: list[Message] = Field(default_factory=list, max_length=50, description="Earlier messages, oldest first.")


class SearchRequest(BaseModel):
    """A question for passages only."""

    question: str
    k: int = Field(10, ge=1, le=100, description="How many passages at most.")


@router.post("/api/ask", summary="One answer")
def ask(body: AskRequest, pipeline: PipelineDep) -> dict[str, Any]:
    history = [Turn(message.role, message.content) for message in body.history]
    return pipeline.ask(body.question, history).to_json()


@router.post("/api/search", summary="Passages only")
def search(body: SearchRequest, pipeline: PipelineDep) -> dict[str, Any]:
    hits = pipeline.search(body.question, body.k)
    return {"passages": [ShownPassage.of(hit, pipeline.library.text(hit.passage)).__dict__ for hit in hits]}


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
