"""What becomes of an answer: a file to hand on, or a link by which others open it."""

import asyncio
import json
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from typing_extensions import TypedDict

from service.answer import AnswerObject, SavedAnswer
from service.handout import Format, handout, markdown, text
from service.http import examples
from service.http.desk import DeskDep
from service.http.errors import ConflictError
from service.http.filters import Filters, scope_of
from service.http.links import LinksDep
from service.http.native import Message, SavedAnswerBody, SavedReceiptBody, check_rows
from service.http.shapes import CheckRow
from service.question import Turn
from service.records.shares import ShareStore, no_share
from service.records.types import KeyScope
from service.verify import recheck
from service.word import MEDIA_TYPE, word

router = APIRouter(prefix="/api/answers", tags=["Answers"])

_NAME_CHARACTERS = 40
_MAX_HISTORY = 50
_ONE = "/api/answers/shr-0"
_OPENING = (401, 403, 404, 429, 500, 503)


class AnsweredFrom(Filters):
    """The scope in a receipt; what the asker could see is not read."""

    model_config = ConfigDict(extra="ignore")


class ExportReceipt(SavedReceiptBody):
    """What is read of a receipt: besides the models, the day that validity was judged on."""

    scope: AnsweredFrom = Field(default_factory=AnsweredFrom)


class ExportBody(SavedAnswerBody):
    """An answer object as it was given out; fields that are not read are passed over."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TO_EXPORT]})

    question: str = Field("", max_length=5000)
    understood: str | None = Field(None, max_length=5000)
    receipt: ExportReceipt


class SharedReceipt(BaseModel):
    """What is read of a receipt: enough to ask again, and to tell whether the same comes out."""

    question: str
    answer_sha256: str = Field(max_length=100)
    history: list[Message] = Field(default_factory=list, max_length=_MAX_HISTORY)
    scope: AnsweredFrom = Field(default_factory=AnsweredFrom)


class ShareBody(BaseModel):
    """An answer object as it was given out, of which the receipt is read."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TO_SHARE]})

    receipt: SharedReceipt


class ShareReply(TypedDict):
    """`url` is the address of the page that shows it; `expires` is when it stops doing so, null for never."""

    id: str
    url: str
    expires: datetime | None


class SharedReply(TypedDict):
    """An answer as it was, and whether it still holds."""

    id: str
    created: datetime
    expires: datetime | None
    answer: AnswerObject
    holds: bool
    checks: list[CheckRow]


async def _shares(request: Request) -> ShareStore:
    store: ShareStore = request.state.core.shares
    return store


SharesDep = Annotated[ShareStore, Depends(_shares)]


@router.post(
    "/export",
    summary="An answer as a file with numbered notes, checked anew",
    response_class=Response,
    responses=examples.replies(
        "/api/answers/export",
        None,
        examples.ASKING,
        texts={"text/markdown": examples.HANDOUT, "text/plain": examples.HANDOUT},
        files=(MEDIA_TYPE,),
    ),
)
def export_answer(
    body: ExportBody,
    desk: DeskDep,
    form: Annotated[Format, Query(alias="format", description="Word, Markdown or plain text.")] = Format.DOCX,
) -> Response:
    answer = SavedAnswer.from_json(body.model_dump())
    as_of = scope_of(body.receipt.scope).as_of
    made = handout(body.question, body.understood, answer, desk.library(), desk.index, as_of)
    match form:
        case Format.DOCX:
            content, media = word(made), MEDIA_TYPE
        case Format.MD:
            content, media = markdown(made).encode(), "text/markdown"
        case Format.TXT:
            content, media = text(made).encode(), "text/plain"
    name = quote(f"{made.title[:_NAME_CHARACTERS]}.{form}", safe="")
    headers = {"Content-Disposition": f"attachment; filename=\"answer.{form}\"; filename*=UTF-8''{name}"}
    return Response(content, media_type=media, headers=headers)


@router.post(
    "/share",
    status_code=201,
    summary="A link to an answer of this service",
    responses=examples.replies("/api/answers/share", examples.SHARE, (*examples.ASKING, 409), good=201),
)
async def share_answer(body: ShareBody, desk: DeskDep, store: SharesDep, links: LinksDep) -> ShareReply:
    """Asks again and shares what comes out if it is the same: so nothing is shared that this service did not say."""
    owner = desk.conversation_owner()
    receipt = body.receipt
    history = [Turn(message.role, message.content) for message in receipt.history]
    answer = await desk.again(receipt.question, history, scope_of(receipt.scope))
    row = answer.to_json()
    if row["receipt"]["answer_sha256"] != receipt.answer_sha256:
        raise ConflictError(
            "这条回答不能分享：再问一遍，得到的回答和它不一样，可能是文件或程序在这之后有了更新。请重新提问，再分享新的回答。"
        )
    row["receipt"]["history"] = []  # what else was said is nobody else's business
    quoted = [*(citation.doc_id for citation in answer.citations), *(passage.doc_id for passage in answer.passages)]
    shared = await asyncio.to_thread(
        store.share,
        owner,
        visible=answer.scope.visible,
        doc_ids=tuple(dict.fromkeys(quoted)),
        answer_sha256=receipt.answer_sha256,
        answer_json=json.dumps(row, ensure_ascii=False),
    )
    return {"id": shared.share_id, "url": links.to_shared(shared.share_id), "expires": shared.expires}


@router.get(
    "/{share_id}",
    summary="A shared answer, and whether it still holds",
    responses=examples.replies(_ONE, examples.SHARED, (*_OPENING, 422)),
)
def shared_answer(share_id: str, desk: DeskDep, store: SharesDep) -> SharedReply:
    library = desk.library()
    shared = store.get(share_id)
    if not desk.sees_all_of(shared.visible, shared.doc_ids):
        raise no_share(share_id)
    answer = json.loads(shared.answer_json)
    checks = recheck(SavedAnswer.from_json(answer), library)
    return {
        "id": shared.share_id,
        "created": shared.created,
        "expires": shared.expires,
        "answer": answer,
        "holds": all(check.problem is None for check in checks),
        "checks": check_rows(checks),
    }


@router.delete(
    "/{share_id}",
    status_code=204,
    summary="Take a link back",
    responses=examples.replies(_ONE, None, (*_OPENING, 422), good=204),
)
def unshare_answer(share_id: str, desk: DeskDep, store: SharesDep) -> None:
    desk.access.require(KeyScope.ASK)
    store.delete(desk.conversation_owner(), share_id)
