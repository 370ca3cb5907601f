"""OpenAI's chat completions over the pipeline, plain and streamed, with the citations in every place that clients look.

Text markers for people; `annotations` for the official SDK; `context.citations` for Azure clients; `search_results` for
Perplexity clients; and `grounding`, our own, with the verdict of each sentence. Offsets are Unicode code points.
"""

import hashlib
import json
import logging
import time
from collections.abc import Generator
from typing import Any, Literal
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from indexer.document import Hit
from indexer.errors import QuestionError, ZhengwenError
from service.answer import Answer, Status, sentence_texts
from service.assembly import Checked
from service.http.errors import UnknownModelError, error_event, status_of
from service.http.events import KEEP_OPEN, EventStream
from service.http.state import PipelineDep
from service.pipeline import SHOWN, Event, Pipeline, Retrieved
from service.question import Turn

MODEL = "zhengwen"

router = APIRouter(prefix="/v1")
logger = logging.getLogger(__name__)


class TextPart(BaseModel):
    """A part of a message; only text parts are read."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The fields that matter here; sampling options and unknown fields are accepted and change nothing."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"model": MODEL, "messages": [{"role": "user", "content": "什么是灵境？"}]}]},
    )

    model: str
    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    stream: bool | None = False
    stream_options: StreamOptions | None = None


@router.get("/models", summary="The one model of this service")
def models(pipeline: PipelineDep) -> dict[str, Any]:
    return {"object": "list", "data": [_model()]}


@router.get("/models/{model}", summary="One model")
def model(model: str, pipeline: PipelineDep) -> dict[str, Any]:
    _require_model(model)
    return _model()


@router.post("/chat/completions", summary="An answer in OpenAI's form", response_model=None)
def chat_completions(body: ChatRequest, pipeline: PipelineDep) -> dict[str, Any] | EventStream:
    _require_model(body.model)
    question, history = _conversation(body.messages)
    created = int(time.time())
    if body.stream:
        # The first event is made here, so that a question that cannot be asked is still a plain 4xx.
        events = pipeline.stream(question, history)
        first = next(events)
        include_usage = body.stream_options is not None and body.stream_options.include_usage
        return EventStream(_stream(pipeline, first, events, body.messages, created, include_usage))
    answer = pipeline.ask(question, history)
    message = {
        "role": "assistant",
        "content": answer.text,
        "refusal": _refusal(answer),
        "annotations": _annotations(answer),
        "context": _context(answer),
    }
    return {
        **_envelope(pipeline, "chat.completion", _completion_id(question, created), created),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(body.messages, answer),
        "search_results": _search_results(pipeline, [(p.doc_id, p.start, p.end, p.text) for p in answer.passages]),
        "grounding": _grounding(answer),
    }


def _stream(
    pipeline: Pipeline,
    first: Event,
    events: Generator[Event, None, None],
    messages: list[ChatMessage],
    created: int,
    include_usage: bool,
) -> Generator[str, None, None]:
    """Retrieval context with the role, then the text sentence by sentence, then what grounds it, then `[DONE]`."""
    question = messages[-1].text
    envelope = _envelope(pipeline, "chat.completion.chunk", _completion_id(question, created), created)
    if include_usage:
        envelope["usage"] = None

    def chunk(delta: dict[str, Any], finish: str | None = None, **extra: Any) -> str:  # noqa: ANN401 - JSON
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _event({**envelope, "choices": [choice], **extra})

    try:
        hits: tuple[Hit, ...] = first.hits if isinstance(first, Retrieved) else ()
        shown = [
            (h.passage.doc_id, h.passage.start, h.passage.end, pipeline.library.text(h.passage)) for h in hits[:SHOWN]
        ]
        yield chunk({"role": "assistant", "content": ""}, search_results=_search_results(pipeline, shown))
        sent = 0
        while not isinstance(event := next(events), Answer):
            if isinstance(event, Checked):
                sent += len(event.text)
                yield chunk({"content": event.text})
            else:
                yield KEEP_OPEN
        answer = event
        if sent < len(answer.text):
            yield chunk({"content": answer.text[sent:]})
        last: dict[str, Any] = {"annotations": _annotations(answer), "context": _context(answer)}
        if answer.status is Status.REFUSED:
            last["refusal"] = _refusal(answer)
        yield chunk(last, "stop", grounding=_grounding(answer))
        if include_usage:
            yield _event({**envelope, "choices": [], "usage": _usage(messages, answer)})
    except ZhengwenError as error:
        yield error_event(status_of(error), str(error))
        return
    except Exception:
        logger.exception("a stream broke off")
        yield error_event(500, "an unexpected error happened; the log has the details")
        return
    finally:
        events.close()
    yield "data: [DONE]\n\n"


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _require_model(name: str) -> None:
    if name != MODEL:
        raise UnknownModelError(f"the model {name!r} does not exist here: use {MODEL!r}")


def _model() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": "zhengwen"}


def _conversation(messages: list[ChatMessage]) -> tuple[str, list[Turn]]:
    """The last user message, and what was said before it."""
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        raise QuestionError("messages 中没有 role 为 user 的消息：请把问题放在最后一条用户消息里。")
    turns = [Turn(m.role, m.text) for m in messages[:last] if m.role in ("user", "assistant")]
    return messages[last].text, turns


def _completion_id(question: str, created: int) -> str:
    return "chatcmpl-" + hashlib.sha256(f"{created}\0{time.perf_counter_ns()}\0{question}".encode()).hexdigest()[:24]


def _envelope(pipeline: Pipeline, kind: str, completion_id: str, created: int) -> dict[str, Any]:
    fingerprint = "fp_" + pipeline.receipt.index.removeprefix("sha256:")[:12]
    return {"id": completion_id, "object": kind, "created": created, "model": MODEL, "system_fingerprint": fingerprint}


def _usage(messages: list[ChatMessage], answer: Answer) -> dict[str, int]:
    """Characters, since no tokens are sampled."""
    prompt = sum(len(message.text) for message in messages)
    return {"prompt_tokens": prompt, "completion_tokens": len(answer.text), "total_tokens": prompt + len(answer.text)}


def _refusal(answer: Answer) -> str | None:
    return answer.reason if answer.status is Status.REFUSED else None


def document_url(doc_id: str, start: int, end: int) -> str:
    """Address of a span in the page's viewer, relative to the service."""
    return f"/d/{quote(doc_id)}#char={start},{end}"


def _annotations(answer: Answer) -> list[dict[str, Any]]:
    """One `url_citation` a marker; its indices span the sentence with its markers in the answer's text."""
    by_marker = {citation.marker: citation for citation in answer.citations}
    annotations = []
    cursor = len(answer.notice) + 1 if answer.notice else 0
    for sentence, shown in zip(answer.sentences, sentence_texts(answer.sentences), strict=True):
        for marker in sentence.citations:
            citation = by_marker[marker]
            annotations.append(
                {
                    "type": "url_citation",
                    "url_citation": {
                        "start_index": cursor,
                        "end_index": cursor + len(shown),
                        "title": citation.title,
                        "url": document_url(citation.doc_id, citation.start, citation.end),
                    },
                }
            )
        cursor += len(shown) + 1
    return annotations


def _context(answer: Answer) -> dict[str, Any]:
    return {
        "citations": [
            {
                "content": citation.quote,
                "title": citation.title,
                "url": document_url(citation.doc_id, citation.start, citation.end),
                "filepath": citation.origin.path,
                "chunk_id": f"{citation.doc_id}#{citation.start}-{citation.end}",
            }
            for citation in answer.citations
        ]
    }


def _search_results(pipeline: Pipeline, passages: list[tuple[str, int, int, str]]) -> list[dict[str, Any]]:
    results = []
    for doc_id, start, end, text in passages:
        document = pipeline.library.document(doc_id)
        url = document_url(doc_id, start, end)
        results.append(
            {"title": document.title, "url": url, "date": document.metadata.published or None, "snippet": text[:200]}
        )
    return results


def _grounding(answer: Answer) -> dict[str, Any]:
    row = answer.to_json()
    fields = ("id", "status", "reason", "notice", "dropped", "sentences", "citations", "receipt")
    return {key: row[key] for key in fields}
