"""OpenAI's chat completions over the pipeline, plain and streamed."""

import hashlib
import json
import logging
import time
from collections.abc import Generator
from typing import Any, Literal, NotRequired

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from indexer.errors import QuestionError, ZhengwenError
from service.answer import Answer, Status
from service.assembly import Checked
from service.http import citing, examples
from service.http.citing import Annotation, Context, Grounding, SearchResult
from service.http.desk import Asked, DeskDep
from service.http.errors import UnknownModelError, UnsupportedOptionError, error_event, status_of
from service.http.events import KEEP_OPEN, EventStream
from service.http.filters import Filters, scope_of
from service.http.links import Links, LinksDep
from service.pipeline import Event, Pipeline, Retrieved
from service.question import Turn
from service.records.types import Interface

MODEL = "zhengwen"
# The model is this interface: when it first came out, in Unix seconds.
_CREATED = 1_793_491_200

router = APIRouter(prefix="/v1", tags=["OpenAI"])
logger = logging.getLogger(__name__)


class TextPart(BaseModel):
    """A part of a message; only text parts are read."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """A message; those of the roles user and assistant are read, and no system message can change what is supported."""

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

    include_usage: bool | None = False


class ResponseFormat(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str


class ChatRequest(BaseModel):
    """The fields that matter here; sampling options and unknown fields are accepted and change nothing.

    Options that ask for a reply of another kind are refused, lest a client take this one for it.
    """

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [examples.CHAT]})

    model: str = Field(description="The one there is.", json_schema_extra={"enum": [MODEL]})
    messages: list[ChatMessage] = Field(
        min_length=1, max_length=200, description="The last user message is the question; earlier ones complete it."
    )
    stream: bool | None = Field(False, description="Server-sent events instead of one reply.")
    stream_options: StreamOptions | None = None
    user: str | None = Field(None, description="Whom the question is asked for: told apart in what is kept.")
    filters: Filters | None = Field(None, description="Our own, sent through the SDK's extra_body.")
    n: int | None = Field(None, description="Not more than 1.")
    tool_choice: str | dict[str, Any] | None = Field(None, description="Tools are never called: auto or none.")
    function_call: str | dict[str, Any] | None = Field(None, description="As tool_choice, of old.")
    response_format: ResponseFormat | None = Field(None, description="Text only.")
    logprobs: bool | None = Field(None, description="No tokens are sampled: false.")
    top_logprobs: int | None = Field(None, description="0.")
    modalities: list[str] | None = Field(None, description="Text only.")


class Message(TypedDict):
    role: Literal["assistant"]
    content: str
    refusal: str | None
    annotations: list[Annotation]
    context: Context


class Choice(TypedDict):
    index: int
    message: Message
    finish_reason: Literal["stop"]
    logprobs: None


class Usage(TypedDict):
    """Characters, since no tokens are sampled."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(TypedDict):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: Usage
    citations: list[str]
    search_results: list[SearchResult]
    grounding: Grounding


class Delta(TypedDict):
    role: NotRequired[Literal["assistant"]]
    content: NotRequired[str]
    refusal: NotRequired[str | None]
    annotations: NotRequired[list[Annotation]]
    context: NotRequired[Context]


class ChunkChoice(TypedDict):
    index: int
    delta: Delta
    finish_reason: Literal["stop"] | None
    logprobs: None


class Chunk(TypedDict):
    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChunkChoice]
    usage: NotRequired[Usage | None]
    citations: NotRequired[list[str]]
    search_results: NotRequired[list[SearchResult]]
    grounding: NotRequired[Grounding]


class Model(TypedDict):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(TypedDict):
    object: Literal["list"]
    data: list[Model]


@router.get(
    "/models",
    summary="The one model of this service",
    responses=examples.replies("/v1/models", examples.MODELS, examples.READING),
)
def models(desk: DeskDep) -> Models:
    desk.library()  # who may not ask, or asks too early, learns it here
    return {"object": "list", "data": [_model()]}


@router.get(
    "/models/{model}",
    summary="One model",
    responses=examples.replies("/v1/models/gpt", examples.MODEL, (*examples.READING, 404, 422)),
)
def model(model: str, desk: DeskDep) -> Model:
    desk.library()
    _require_model(model)
    return _model()


@router.post(
    "/chat/completions",
    summary="An answer in OpenAI's form",
    response_model=None,
    responses=examples.replies(
        "/v1/chat/completions",
        examples.COMPLETION,
        (*examples.ASKING, 404),
        shape=Completion,
        stream=examples.CHUNKS,
    ),
)
async def chat_completions(body: ChatRequest, desk: DeskDep, links: LinksDep) -> Completion | EventStream:
    _require_model(body.model)
    _require_text(body)
    question, history = _conversation(body.messages)
    desk = desk.on_behalf_of(body.user)
    asked = Asked(question, Interface.OPENAI, scope_of(body.filters), history)
    created = int(time.time())
    if body.stream:
        return await desk.stream(
            asked,
            lambda pipeline, first, events: _stream(pipeline, links, body, first, events, created),
            lambda error: error_event(status_of(error), str(error)),
        )
    answer, pipeline = await desk.ask(asked)
    message: Message = {
        "role": "assistant",
        "content": answer.text,
        "refusal": _refusal(answer),
        "annotations": citing.annotations(answer, links),
        "context": citing.context(answer, links),
    }
    return {
        "id": _completion_id(question, created),
        "object": "chat.completion",
        "created": created,
        "model": MODEL,
        "system_fingerprint": _fingerprint(pipeline),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": _usage(body.messages, answer),
        "citations": citing.citation_urls(answer, links),
        "search_results": citing.search_results(answer, pipeline.library, links),
        "grounding": citing.grounding(answer),
    }


def _stream(
    pipeline: Pipeline,
    links: Links,
    body: ChatRequest,
    first: Event,
    events: Generator[Event, None, None],
    created: int,
) -> Generator[str, None, None]:
    """Retrieval context with the role, then the text sentence by sentence, then what grounds it, then `[DONE]`."""
    envelope: Chunk = {
        "id": _completion_id(body.messages[-1].text, created),
        "object": "chat.completion.chunk",
        "created": created,
        "model": MODEL,
        "system_fingerprint": _fingerprint(pipeline),
        "choices": [],
    }
    include_usage = body.stream_options is not None and body.stream_options.include_usage
    if include_usage:
        envelope["usage"] = None

    def chunk(delta: Delta, finish: Literal["stop"] | None = None) -> Chunk:
        return {**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]}

    try:
        hits = first.hits if isinstance(first, Retrieved) else ()
        found = citing.first_results(hits, pipeline.library, links)
        yield _event({**chunk({"role": "assistant", "content": ""}), "search_results": found})
        sent = 0
        while not isinstance(event := next(events), Answer):
            if isinstance(event, Checked):
                sent += len(event.text)
                yield _event(chunk({"content": event.text}))
            else:
                yield KEEP_OPEN
        answer = event
        if sent < len(answer.text):
            yield _event(chunk({"content": answer.text[sent:]}))
        last: Delta = {"annotations": citing.annotations(answer, links), "context": citing.context(answer, links)}
        if answer.status is Status.REFUSED:
            last["refusal"] = _refusal(answer)
        yield _event(
            {
                **chunk(last, "stop"),
                "citations": citing.citation_urls(answer, links),
                "search_results": citing.search_results(answer, pipeline.library, links),
                "grounding": citing.grounding(answer),
            }
        )
        if include_usage:
            yield _event({**envelope, "usage": _usage(body.messages, answer)})
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


def _event(chunk: Chunk) -> str:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


def _require_model(name: str) -> None:
    if name != MODEL:
        raise UnknownModelError(f"the model {name!r} does not exist here: use {MODEL!r}")


def _require_text(body: ChatRequest) -> None:
    """Raises UnsupportedOptionError for what a client could not tell from an answer that was made without it."""
    kind = "text" if body.response_format is None else body.response_format.type
    modalities = body.modalities or ["text"]
    no_tokens = "no tokens are sampled here, so they have no probabilities: leave it out"
    refused = (
        ("n", body.n not in (None, 1), f"a question has one answer here, not {body.n!s:.20}: leave n out"),
        ("tool_choice", body.tool_choice not in (None, "auto", "none"), "no tool is ever called here: use none"),
        (
            "function_call",
            body.function_call not in (None, "auto", "none"),
            "no function is ever called here: use none",
        ),
        ("response_format", kind != "text", f"answers are text here, not {kind!r:.40}: leave it out"),
        ("logprobs", bool(body.logprobs), no_tokens),
        ("top_logprobs", bool(body.top_logprobs), no_tokens),
        ("modalities", set(modalities) != {"text"}, f"answers are text here, not {modalities!r:.80}: leave it out"),
    )
    for param, is_refused, why in refused:
        if is_refused:
            raise UnsupportedOptionError(f"{param}: {why}", param)


def _model() -> Model:
    return {"id": MODEL, "object": "model", "created": _CREATED, "owned_by": "zhengwen"}


def _conversation(messages: list[ChatMessage]) -> tuple[str, list[Turn]]:
    """The last user message, and what was said before it."""
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        raise QuestionError("messages 中没有 role 为 user 的消息：请把问题放在最后一条用户消息里。")
    turns = [Turn(m.role, m.text) for m in messages[:last] if m.role in ("user", "assistant")]
    return messages[last].text, turns


def _completion_id(question: str, created: int) -> str:
    return "chatcmpl-" + hashlib.sha256(f"{created}\0{time.perf_counter_ns()}\0{question}".encode()).hexdigest()[:24]


def _fingerprint(pipeline: Pipeline) -> str:
    return "fp_" + pipeline.receipt.index.removeprefix("sha256:")[:12]


def _usage(messages: list[ChatMessage], answer: Answer) -> Usage:
    prompt = sum(len(message.text) for message in messages)
    return {"prompt_tokens": prompt, "completion_tokens": len(answer.text), "total_tokens": prompt + len(answer.text)}


def _refusal(answer: Answer) -> str | None:
    return answer.reason if answer.status is Status.REFUSED else None
