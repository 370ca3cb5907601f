"""The records that the service keeps, as the rest of the program sees them: frozen, and without a database behind them.

All times are aware and in UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Self, TypeVar

from indexer.errors import InputError
from service.answer import Answer, Status
from service.settings import AuditQuestions

MAX_USER = 128

_T = TypeVar("_T")


class KeyScope(StrEnum):
    """What a key may be used for; `embed` is to exchange it for browser tokens."""

    ASK = "ask"
    SEARCH = "search"
    ADMIN = "admin"
    EMBED = "embed"


@dataclass(frozen=True)
class ApiKey:
    """A key without its secret. `origins` are web origins as browsers send them; `documents` are shell patterns of the
    doc_ids that it may see, at least one; `revoked` is None while it lives.
    """

    key_id: str
    name: str
    scopes: frozenset[KeyScope]
    origins: tuple[str, ...]
    documents: tuple[str, ...]
    created: datetime
    revoked: datetime | None = None


@dataclass(frozen=True)
class NewKey:
    """A key that was just made, with the secret that nobody can show again."""

    secret: str = field(repr=False)
    key: ApiKey


@dataclass(frozen=True)
class Owner:
    """Whose a record is: a key (empty on an open loopback address) and one of its end users (opaque, may be empty).

    Raises:
        InputError: the user is too long, or holds what a database would not tell from another user.
    """

    key_id: str
    user: str = ""

    def __post_init__(self) -> None:
        if len(self.user) > MAX_USER or not (self.key_id + self.user).isprintable():
            raise InputError(f"a user has at most {MAX_USER} printable characters, not {self.user!r:.160}")


@dataclass(frozen=True)
class Page(Generic[_T]):
    """Some of many, in order; `cursor` asks for those that follow and is empty when there are none."""

    items: tuple[_T, ...]
    cursor: str


@dataclass(frozen=True)
class SavedTurn:
    """A question of a conversation and the JSON of the answer object that it got."""

    question: str
    answer_json: str
    created: datetime


@dataclass(frozen=True)
class SharedAnswer:
    """An answer that can be opened by whoever has its id and sees what its asker saw.

    `visible` are the shell patterns of the doc_ids that the asker saw, `doc_ids` the documents that it quotes; `expires` is None
    when it can be opened for ever.
    """

    share_id: str
    created: datetime
    expires: datetime | None
    visible: tuple[str, ...]
    doc_ids: tuple[str, ...]
    answer_json: str


@dataclass(frozen=True)
class ConversationSummary:
    """A conversation as a list shows it; `turns` counts them, `updated` is when the last one came or it was renamed."""

    conversation_id: str
    title: str
    created: datetime
    updated: datetime
    turns: int


@dataclass(frozen=True)
class Conversation:
    """A conversation with its turns, oldest first."""

    summary: ConversationSummary
    turns: tuple[SavedTurn, ...]


class FeedbackVerdict(StrEnum):
    UP = "up"
    DOWN = "down"


class FeedbackReason(StrEnum):
    """Why: the answer says something wrong, leaves something out, cites what does not carry it, rests on a document that no
    longer holds, cannot be understood, or refuses though the documents know; or something else.
    """

    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    CITATION = "citation"
    OUTDATED = "outdated"
    UNCLEAR = "unclear"
    REFUSED = "refused"
    OTHER = "other"


@dataclass(frozen=True)
class Feedback:
    """What somebody thought of an answer; `reason` is None when none was given, `comment` is in their own words."""

    feedback_id: str
    created: datetime
    key_id: str
    user: str
    verdict: FeedbackVerdict
    reason: FeedbackReason | None
    comment: str
    answer_id: str
    question: str
    answer_json: str
    reviewed: bool


class Interface(StrEnum):
    """Where a question came in."""

    NATIVE = "native"
    OPENAI = "openai"
    DIFY = "dify"
    MCP = "mcp"


@dataclass(frozen=True)
class AuditEntry:
    """Who asked what when, and what came of it.

    `question` is as `kept` says: the text, its keyed hash, or empty; unless it is the text, `reason` is None and `answer_id`
    empty in an entry that was read back. `doc_ids` are the cited documents, each once, as they
    come in the answer; `fingerprint` is that of the index.
    """

    at: datetime
    request_id: str
    key_id: str
    user: str
    interface: Interface
    question: str
    status: Status
    reason: str | None
    doc_ids: tuple[str, ...]
    answer_id: str
    fingerprint: str
    milliseconds: float
    kept: AuditQuestions = AuditQuestions.PLAIN

    @classmethod
    def of(
        cls, answer: Answer, *, at: datetime, request_id: str, owner: Owner, interface: Interface, milliseconds: float
    ) -> Self:
        """The entry of an answer that was given at `at`, after `milliseconds` of waiting and work."""
        return cls(
            at=at,
            request_id=request_id,
            key_id=owner.key_id,
            user=owner.user,
            interface=interface,
            question=answer.question,
            status=answer.status,
            reason=answer.reason,
            doc_ids=tuple(dict.fromkeys(citation.doc_id for citation in answer.citations)),
            answer_id=answer.id,
            fingerprint=answer.receipt.index,
            milliseconds=milliseconds,
        )


@dataclass(frozen=True)
class UnansweredQuestion:
    """A question that was refused `count` times, with the reason of the last time."""

    question: str
    kept: AuditQuestions
    count: int
    first: datetime
    last: datetime
    reason: str | None
