"""What people think of answers: taken from everybody who may ask, read and reviewed by administrators."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from indexer.errors import InputError
from service.fields import typed
from service.http import examples
from service.http.desk import DeskDep
from service.http.errors import TooLargeError
from service.records.feedback import MAX_COMMENT, FeedbackStore
from service.records.types import FeedbackReason, FeedbackVerdict, KeyScope

MAX_ANSWER_BYTES = 300_000
# An answer object is five levels deep. Whoever reads feedback has to be able to write it out again.
_LEVELS = 12
_MAX_ID, _MAX_QUESTION = 100, 5000

router = APIRouter(prefix="/api/feedback", tags=["Feedback"])


class FeedbackBody(BaseModel):
    """A verdict on an answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.JUDGED]})

    answer: dict[str, Any] = Field(description="The answer object as it was given out; `id` and `question` are needed.")
    verdict: FeedbackVerdict
    reason: FeedbackReason | None = Field(None, description="Why.")
    comment: str = Field("", max_length=MAX_COMMENT, description="The same in the user's own words.")


class FeedbackReceived(TypedDict):
    feedback_id: str


async def feedback_store(request: Request) -> FeedbackStore:
    """A dependency: where feedback is kept."""
    store: FeedbackStore = request.state.core.feedback
    return store


FeedbackDep = Annotated[FeedbackStore, Depends(feedback_store)]


@router.post(
    "",
    status_code=201,
    summary="Say what an answer was worth",
    responses=examples.replies(
        router.prefix, examples.FEEDBACK_RECEIVED, (400, 401, 403, 413, 422, 429, 500, 503), good=201
    ),
)
def give_feedback(body: FeedbackBody, desk: DeskDep, store: FeedbackDep) -> FeedbackReceived:
    desk.access.require(KeyScope.ASK)
    given = store.add(
        desk.owner,
        answer_id=_text(body.answer, "id", _MAX_ID),
        question=_text(body.answer, "question", _MAX_QUESTION),
        verdict=body.verdict,
        reason=body.reason,
        comment=body.comment,
        answer_json=_checked(body.answer),
    )
    return {"feedback_id": given.feedback_id}


def _text(answer: dict[str, Any], name: str, most: int) -> str:
    text = typed(answer, name, str, "answer")
    if len(text) > most:
        raise InputError(
            f"answer.{name} has {len(text)} characters, more than the {most} of any answer: send it as it came"
        )
    return text


def _checked(answer: dict[str, Any]) -> str:
    """The answer as it is kept.

    Raises:
        InputError: no answer object looks like that.
        TooLargeError: nor is one so large.
    """
    if _is_deeper(answer, _LEVELS):
        raise InputError(f"the answer is nested over {_LEVELS} levels deep: send the answer object as it came")
    try:
        text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise InputError(f"the answer holds a number that JSON does not have ({error}): send it as it came") from error
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_ANSWER_BYTES:
        raise TooLargeError(f"the answer has {size} bytes, more than the {MAX_ANSWER_BYTES} that are kept")
    return text


def _is_deeper(value: object, levels: int) -> bool:
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return bool(inside) and (levels == 0 or any(_is_deeper(item, levels - 1) for item in inside))
