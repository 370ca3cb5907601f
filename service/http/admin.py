"""What operators do over HTTP: take up, list and go back to versions of the index, and read what people ask in vain and say."""

import asyncio
import json
import re
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse
from typing_extensions import TypedDict

from indexer import store
from indexer.errors import InputError, NotFoundError, StoredIndexError
from service.http import examples
from service.http.conversations import Cursor, Limit
from service.http.desk import DeskDep, Service
from service.http.errors import ConflictError, ForbiddenError, NotReadyError
from service.http.feedback import FeedbackDep
from service.http.state import Reloaded
from service.http.tokens import TICKET_SECONDS, TicketSigner
from service.records.types import Feedback, FeedbackReason, FeedbackVerdict, KeyScope, UnansweredQuestion
from service.settings import Settings

REPORT_PAGE = "/admin/report"

_MAX_UNANSWERED = 1000
# A style sheet or script that the page itself admits, in its head.
_ADMITTED = re.compile(r"'sha256-[A-Za-z0-9+/]{43}='")
_HEAD_CHARACTERS = 2000


async def _operator(desk: DeskDep) -> None:
    """Feedback, unanswered questions and the report quote any document, so nobody who sees only some may read them."""
    desk.access.require(KeyScope.ADMIN)
    if not desk.access.sees_everything:
        raise ForbiddenError("administration concerns all documents: it needs a key that was made without --documents")


router = APIRouter(prefix="/api/admin", tags=["Administration"], dependencies=[Depends(_operator)])


class ReloadedReply(TypedDict):
    """The fingerprint of the index that this worker serves now, and whether it is another one than before."""

    index: str
    changed: bool


class VersionRow(TypedDict):
    """A version of the index on disk; what a damaged one holds is unknown."""

    version: str
    current: bool
    damaged: bool
    built: str | None
    documents: int | None
    passages: int | None
    embedder: str | None
    fingerprint: str | None


class VersionsReply(TypedDict):
    """All versions, newest first; `served` is the fingerprint that this worker serves (empty: none), `problem` why it does not
    serve the current one, else null.
    """

    versions: list[VersionRow]
    served: str
    problem: str | None


class RollbackBody(BaseModel):
    """Where to go back to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": "9b1d0c6be2f4a7e3"}]})

    version: str = Field(
        "", max_length=100, description="A version; empty: the newest that is older than the current one."
    )


class RollbackReply(ReloadedReply):
    version: str


class UnansweredReply(TypedDict):
    """Questions that were refused, equal ones as one, the most frequent first."""

    items: list[UnansweredQuestion]


class FeedbackRow(TypedDict):
    """What somebody thought of an answer, with the answer object that they sent along."""

    feedback_id: str
    created: datetime
    key_id: str
    user: str
    verdict: FeedbackVerdict
    reason: FeedbackReason | None
    comment: str
    answer_id: str
    question: str
    answer: dict[str, Any]
    reviewed: bool


class FeedbackReply(TypedDict):
    """Newest first; `cursor` asks for those that follow and is empty when there are none."""

    items: list[FeedbackRow]
    cursor: str


class ReportLink(TypedDict):
    """Where the report can be read without a key, and for how many seconds."""

    url: str
    expires_in: int


class ReviewBody(BaseModel):
    """Whether somebody has looked at it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reviewed": True}]})

    reviewed: bool


async def _core(request: Request) -> Service:
    core: Service = request.state.core
    return core


async def _settings(request: Request) -> Settings:
    settings: Settings = request.state.settings
    return settings


CoreDep = Annotated[Service, Depends(_core)]
SettingsDep = Annotated[Settings, Depends(_settings)]
_READING = (401, 403, 429, 500, 503)
_CHANGING = (400, 413, 422, *_READING)


@router.post(
    "/reload",
    summary="Take up the current version of the index, in all workers",
    responses=examples.replies("/api/admin/reload", examples.RELOADED, (409, *_READING)),
)
async def reload_index(core: CoreDep) -> ReloadedReply:
    return _served(await core.state.reload_everywhere())


@router.get(
    "/versions",
    summary="The versions of the index on disk",
    responses=examples.replies("/api/admin/versions", examples.VERSIONS, _READING),
)
def index_versions(core: CoreDep, settings: SettingsDep) -> VersionsReply:
    try:
        served = core.state.pipeline.receipt.index
    except NotReadyError:
        served = ""
    versions = [_version(version) for version in store.versions(settings.index)]
    return {"versions": versions, "served": served, "problem": core.state.problem}


@router.post(
    "/rollback",
    summary="Serve another version of the index, in all workers",
    responses=examples.replies("/api/admin/rollback", examples.ROLLED_BACK, (*_CHANGING, 409)),
)
async def roll_back(body: RollbackBody, core: CoreDep, settings: SettingsDep) -> RollbackReply:
    try:
        version = await asyncio.to_thread(store.rollback, settings.index, body.version)
    except StoredIndexError as error:
        raise ConflictError(str(error)) from error
    reply = _served(await core.state.reload_everywhere(), f"version {version.name} is the current one now, but ")
    return {"version": version.name, **reply}


@router.get(
    "/unanswered",
    summary="What was asked in vain",
    responses=examples.replies("/api/admin/unanswered", examples.UNANSWERED, (400, 422, *_READING)),
)
def unanswered_questions(
    core: CoreDep,
    since: Annotated[
        str, Query(max_length=40, description="2025-03-01 or 2025-03-01T08:00+08:00; without a zone it is UTC.")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=_MAX_UNANSWERED, description="How many at most.")] = 100,
) -> UnansweredReply:
    return {"items": list(islice(core.audit.unanswered(_time(since)), limit))}


@router.get(
    "/feedback",
    summary="What people thought of answers",
    responses=examples.replies("/api/admin/feedback", examples.FEEDBACK, (400, 422, *_READING)),
)
def list_feedback(
    kept: FeedbackDep,
    reviewed: Annotated[bool | None, Query(description="Only what was looked at, or was not.")] = None,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> FeedbackReply:
    page = kept.list(reviewed=reviewed, limit=limit, cursor=cursor)
    return {"items": [_feedback(item) for item in page.items], "cursor": page.cursor}


@router.patch(
    "/feedback/{feedback_id}",
    summary="Mark feedback as looked at, or not",
    responses=examples.replies("/api/admin/feedback/fb-0", examples.JUDGEMENT, (*_CHANGING, 404)),
)
def review_feedback(feedback_id: str, body: ReviewBody, kept: FeedbackDep) -> FeedbackRow:
    return _feedback(kept.mark_reviewed(feedback_id, body.reviewed))


@router.post(
    "/report/link",
    summary="An address of the report that a frame can show, for a minute",
    responses=examples.replies("/api/admin/report/link", examples.REPORT_LINK, (404, *_READING)),
)
def link_to_report(request: Request, settings: SettingsDep) -> ReportLink:
    _read_report(settings)
    return {"url": f"{REPORT_PAGE}?ticket={_tickets(request).issue(REPORT_PAGE)}", "expires_in": TICKET_SECONDS}


def report_page(request: Request, ticket: str = "") -> HTMLResponse:
    """The report in a frame of our own page, which sends no key along.

    Raises:
        UnauthorizedError: the ticket is not one of `link_to_report`'s, or has expired.
        NotFoundError: there is no report.
    """
    _tickets(request).require(ticket, REPORT_PAGE)
    return _shown(_read_report(request.state.settings), "'self'")


@router.get(
    "/report",
    summary="The last evaluation report",
    response_class=HTMLResponse,
    responses=examples.replies("/api/admin/report", None, (404, *_READING), texts={"text/html": examples.REPORT}),
)
def evaluation_report(settings: SettingsDep) -> HTMLResponse:
    return _shown(_read_report(settings), "'none'")


def _tickets(request: Request) -> TicketSigner:
    return TicketSigner(request.state.database.signing_secret())


def _read_report(settings: Settings) -> str:
    if not settings.report:
        raise NotFoundError(
            "no evaluation report is named: write one with 'zhengwen eval report' and set ZHENGWEN_REPORT"
        )
    try:
        return Path(settings.report).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotFoundError(
            f"the evaluation report cannot be read ({error.strerror}): write one with 'zhengwen eval report' where "
            "ZHENGWEN_REPORT says"
        ) from error


def _shown(page: str, frame_ancestors: str) -> HTMLResponse:
    return HTMLResponse(page, headers={"Content-Security-Policy": _report_policy(page, frame_ancestors)})


def _served(reloaded: Reloaded, before: str = "") -> ReloadedReply:
    """Raises ConflictError when the index that is named now is not the one that is served."""
    if reloaded.problem is not None:
        serving = f"{reloaded.index} is still served" if reloaded.index else "nothing is served"
        raise ConflictError(f"{before}it cannot be served: {reloaded.problem}; {serving}")
    return {"index": reloaded.index, "changed": reloaded.changed}


def _version(version: store.Version) -> VersionRow:
    manifest = version.manifest
    return {
        "version": version.name,
        "current": version.is_current,
        "damaged": manifest is None,
        "built": None if manifest is None else manifest.built,
        "documents": None if manifest is None else manifest.documents,
        "passages": None if manifest is None else manifest.passages,
        "embedder": None if manifest is None else manifest.embedder.name,
        "fingerprint": None if manifest is None else manifest.fingerprint,
    }


def _time(since: str) -> datetime | None:
    """None for all times."""
    if not since:
        return None
    try:
        time = datetime.fromisoformat(since)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"since is {since!r}, which is no date: write 2025-03-01 or 2025-03-01T08:00+08:00") from None


def _feedback(given: Feedback) -> FeedbackRow:
    return {
        "feedback_id": given.feedback_id,
        "created": given.created,
        "key_id": given.key_id,
        "user": given.user,
        "verdict": given.verdict,
        "reason": given.reason,
        "comment": given.comment,
        "answer_id": given.answer_id,
        "question": given.question,
        "answer": json.loads(given.answer_json),
        "reviewed": given.reviewed,
    }


def _report_policy(page: str, frame_ancestors: str) -> str:
    """The style sheet and the script that the page has hashes of, and nothing else; an origin of its own, so that no script
    there reaches our interface.
    """
    admitted = " ".join(dict.fromkeys(_ADMITTED.findall(page[:_HEAD_CHARACTERS]))) or "'none'"
    return (
        f"default-src 'none'; style-src {admitted}; script-src {admitted}; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {frame_ancestors}; sandbox allow-scripts"
    )
