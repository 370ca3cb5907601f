"""Conversations that a user comes back to: kept, found, renamed, deleted and taken away as a file."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter
from starlette.responses import Response
from typing_extensions import TypedDict

from service.http import examples
from service.http.desk import DeskDep
from service.markdown import escaped
from service.records.conversations import MAX_TITLE, MAX_TURNS, ConversationStore
from service.records.pages import MAX_PAGE
from service.records.types import Conversation, ConversationSummary, KeyScope, Owner, Page

router = APIRouter(prefix="/api/conversations", tags=["Conversations"])

_MAX_SEARCH = 200
_UNTITLED = "对话"

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]
# A plus sign that was not escaped has become a space on the way, and a cursor has no space.
Cursor = Annotated[
    str,
    Query(max_length=200, description="That of the page before; empty: the first page."),
    AfterValidator(lambda cursor: cursor.replace(" ", "+")),
]


class TitleBody(BaseModel):
    """What a conversation is called."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "港区泊位改造"}]})

    title: str = Field(max_length=MAX_TITLE)


class NewConversation(TitleBody):
    """A conversation to begin; one without a title gets the beginning of its first question for one."""

    title: str = Field("", max_length=MAX_TITLE)


class TurnReply(TypedDict):
    """A question and the answer object that it got then."""

    question: str
    answer: dict[str, Any]
    created: datetime


class ConversationReply(TypedDict):
    """A conversation with its turns, oldest first."""

    summary: ConversationSummary
    turns: list[TurnReply]


_JSON = TypeAdapter(ConversationReply)


class Format(StrEnum):
    """Markdown, plain text, or JSON as `GET /api/conversations/{conversation_id}` gives it."""

    MD = "md"
    TXT = "txt"
    JSON = "json"


@dataclass(frozen=True)
class Shelf:
    """The conversations of one asker."""

    store: ConversationStore
    owner: Owner


async def _shelf(request: Request, desk: DeskDep) -> Shelf:
    desk.access.require(KeyScope.ASK)
    return Shelf(request.state.core.conversations, desk.conversation_owner())


ShelfDep = Annotated[Shelf, Depends(_shelf)]
_ONE = f"{router.prefix}/conv-0"
_KEEPING = (401, 403, 429, 500, 503)


@router.post(
    "",
    status_code=201,
    summary="Begin a conversation",
    responses=examples.replies(router.prefix, examples.CONVERSATION, (400, 413, 422, *_KEEPING), good=201),
)
def create_conversation(body: NewConversation, shelf: ShelfDep) -> ConversationSummary:
    return shelf.store.create(shelf.owner, body.title)


@router.get(
    "",
    summary="The asker's conversations, the latest first",
    responses=examples.replies(router.prefix, examples.CONVERSATIONS, (400, 422, *_KEEPING)),
)
def conversations(
    shelf: ShelfDep,
    search: Annotated[
        str, Query(max_length=_MAX_SEARCH, description="What has to stand in the title or in a question.")
    ] = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Page[ConversationSummary]:
    return shelf.store.list(shelf.owner, search=search, limit=limit, cursor=cursor)


@router.get(
    "/{conversation_id}",
    summary="One conversation with its turns",
    responses=examples.replies(_ONE, examples.KEPT_CONVERSATION, (404, 422, *_KEEPING)),
)
def conversation(conversation_id: str, shelf: ShelfDep) -> ConversationReply:
    return _reply(shelf.store.get(shelf.owner, conversation_id))


@router.patch(
    "/{conversation_id}",
    summary="Rename a conversation",
    responses=examples.replies(_ONE, examples.CONVERSATION, (400, 404, 413, 422, *_KEEPING)),
)
def rename_conversation(conversation_id: str, body: TitleBody, shelf: ShelfDep) -> ConversationSummary:
    return shelf.store.rename(shelf.owner, conversation_id, body.title)


@router.delete(
    "/{conversation_id}",
    status_code=204,
    summary="Delete a conversation for good",
    responses=examples.replies(_ONE, None, (404, 422, *_KEEPING), good=204),
)
def delete_conversation(conversation_id: str, shelf: ShelfDep) -> None:
    shelf.store.delete(shelf.owner, conversation_id)


@router.delete(
    "/{conversation_id}/turns/{number}",
    status_code=204,
    summary="Forget a turn and all after it, to ask something else in its place",
    responses=examples.replies(f"{_ONE}/turns/0", None, (404, 422, *_KEEPING), good=204),
)
def forget_turns(
    conversation_id: str,
    number: Annotated[int, Path(ge=0, le=MAX_TURNS, description="Turns are counted from 0.")],
    shelf: ShelfDep,
) -> None:
    shelf.store.forget(shelf.owner, conversation_id, number)


@router.get(
    "/{conversation_id}/export",
    summary="A conversation as a file",
    response_class=Response,
    responses=examples.replies(
        _ONE,
        examples.KEPT_CONVERSATION,
        (404, 422, *_KEEPING),
        shape=ConversationReply,
        texts={"text/markdown": examples.EXPORT, "text/plain": examples.EXPORT},
    ),
)
def export_conversation(
    conversation_id: str,
    shelf: ShelfDep,
    form: Annotated[Format, Query(alias="format", description="Markdown, plain text or JSON.")] = Format.MD,
) -> Response:
    found = shelf.store.get(shelf.owner, conversation_id)
    match form:
        case Format.MD:
            text, media = _markdown(found), "text/markdown"
        case Format.TXT:
            text, media = _text(found), "text/plain"
        case Format.JSON:
            text, media = _JSON.dump_json(_reply(found)).decode(), "application/json"
    name = quote(f"{found.summary.title or _UNTITLED}.{form}", safe="")
    headers = {"Content-Disposition": f"attachment; filename=\"conversation.{form}\"; filename*=UTF-8''{name}"}
    return Response(text, media_type=media, headers=headers)


def _reply(kept: Conversation) -> ConversationReply:
    return {
        "summary": kept.summary,
        "turns": [
            {"question": turn.question, "answer": json.loads(turn.answer_json), "created": turn.created}
            for turn in kept.turns
        ],
    }


def _text(kept: Conversation) -> str:
    parts = [kept.summary.title or _UNTITLED]
    for turn in kept.turns:
        answer = json.loads(turn.answer_json)
        parts += [f"问（{_when(turn.created)}）：{turn.question}", f"答：{answer['answer']}", *_sources(answer)]
    return "\n\n".join(parts) + "\n"


def _markdown(kept: Conversation) -> str:
    parts = [f"# {escaped(kept.summary.title or _UNTITLED)}"]
    for turn in kept.turns:
        answer = json.loads(turn.answer_json)
        parts += [f"## {escaped(' '.join(turn.question.split()))}", _when(turn.created)]
        parts += [escaped(line) for line in [*answer["answer"].splitlines(), *_sources(answer)]]
    return "\n\n".join(parts) + "\n"


def _sources(answer: dict[str, Any]) -> list[str]:
    """A line for each citation."""
    return [
        f"[{c['marker']}] {' › '.join([c['title'], *c['section']])}：“{' '.join(c['quote'].split())}”（{c['doc_id']}）"
        for c in answer["citations"]
    ]


def _when(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
