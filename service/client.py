"""A client of the service for Python programs: this one file and httpx, so it can be copied into any project.

    with Client("https://policy.example.gov.cn", key="zw-…") as client:
        answer = client.ask("新能源汽车补贴的申请条件是什么？")
        print(answer.text, answer.citations)

Offsets are Unicode code points, as Python counts. A field that a newer service adds is passed over.

ClientError
├── UnreachableError    no reply: the service is down, or took longer than `timeout`
├── StatusError         a reply with an error status
│   └── BusyError       429 or 503: ask again after `retry_after` seconds
└── ProtocolError       a reply that is no reply of this service, or a stream that was cut off
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx

Status = Literal["answered", "partial", "refused"]
_CONNECT_SECONDS = 5.0
_SHOWN_CHARACTERS = 200


class ClientError(Exception):
    """Base of every error of this client; the message says what happened."""


class UnreachableError(ClientError):
    """No reply came."""


class StatusError(ClientError):
    """The service answered with an error status; `request_id` finds the request in its log."""

    def __init__(self, status: int, detail: str, request_id: str, retry_after: float | None = None) -> None:
        super().__init__(f"{status}: {detail}" + (f" (request {request_id})" if request_id else ""))
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.retry_after = retry_after


class BusyError(StatusError):
    """The service is busy, loading, or was asked too often; `retry_after` are seconds, None when it does not say."""


class ProtocolError(ClientError):
    """What came is not what this service sends."""


@dataclass(frozen=True)
class Turn:
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True)
class Filters:
    """Which documents may answer; an empty field lets everything through.

    `documents` are doc_ids or shell patterns over them; the bounds are 2022, 2022-11 or 2022-11-30, inclusive. `validity` are
    statuses (in_force, not_yet, repealed, amended, unknown) on the day `as_of`, for the service today when it is empty.
    """

    documents: Sequence[str] = ()
    issuers: Sequence[str] = ()
    regions: Sequence[str] = ()
    kinds: Sequence[str] = ()
    published_from: str = ""
    published_to: str = ""
    as_of: str = ""
    validity: Sequence[str] = ()


@dataclass(frozen=True)
class Origin:
    """A place in the original file, counted from 1, both ends inclusive; None is what the format does not have."""

    path: str
    line_start: int | None
    line_end: int | None
    page: int | None = None
    slide: int | None = None
    paragraph: int | None = None
    sheet: str | None = None
    row: int | None = None


@dataclass(frozen=True)
class Reference:
    """A clause that a quote refers to: its address and where it stands."""

    label: str
    doc_id: str
    start: int
    end: int


@dataclass(frozen=True)
class RelativeDate:
    """Words of a quote such as 去年, and the year, month or day that they mean."""

    text: str
    date: str


@dataclass(frozen=True)
class Citation:
    """A span of a document that carries a sentence: `quote` is its text from `start` to `end`."""

    marker: int
    doc_id: str
    title: str
    start: int
    end: int
    quote: str
    section: tuple[str, ...]
    origin: Origin
    doc_sha256: str
    published: str
    validity: str
    refers_to: tuple[Reference, ...]
    relative_dates: tuple[RelativeDate, ...]


@dataclass(frozen=True)
class Sentence:
    """A checked sentence, without its markers in the text."""

    text: str
    citations: tuple[int, ...]
    verdict: str


@dataclass(frozen=True)
class Passage:
    """A retrieved passage; a higher score is better."""

    passage_id: str
    doc_id: str
    start: int
    end: int
    score: float
    text: str


@dataclass(frozen=True)
class Answer:
    """An answer; `text` is for people and carries the markers, `passages` are the best found, best first.

    `row` is the whole answer object, to be kept and verified later.
    """

    id: str
    question: str
    understood: str | None
    status: Status
    text: str
    reason: str | None
    confidence: float
    notice: str | None
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    row: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Passages:
    """The first event of a stream: what was found, before it is read."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Piece:
    """An event of a stream: a checked sentence with its markers; the texts, joined, are how the answer begins."""

    text: str
    citations: tuple[int, ...]


Event = Passages | Piece | Answer


@dataclass(frozen=True)
class DocumentSummary:
    """What is known of a document; empty means unknown."""

    doc_id: str
    title: str
    source_title: str
    issuer: str
    authors: tuple[str, ...]
    region: str
    published: str
    kind: str
    period: str
    note: str
    number: str
    signed: str
    effective: str
    expires: str
    repealed: str
    level: str
    subject: str
    repeals: tuple[str, ...]
    amends: tuple[str, ...]
    validity: str
    sha256: str
    characters: int
    passages: int


@dataclass(frozen=True)
class Section:
    """A heading and all that stands under it: the text from `start` to `end`."""

    title: str
    path: tuple[str, ...]
    depth: int
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A document with its text and the outline of it."""

    summary: DocumentSummary
    text: str
    outline: tuple[Section, ...]


@dataclass(frozen=True)
class Check:
    """The check of a citation, or of a sentence, which has no marker; `problem` is None when it holds."""

    marker: int | None
    text: str
    problem: str | None


@dataclass(frozen=True)
class Verification:
    holds: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class ConversationSummary:
    """A kept conversation as a list shows it; `turns` counts them. Times are in UTC."""

    conversation_id: str
    title: str
    created: datetime
    updated: datetime
    turns: int


@dataclass(frozen=True)
class Conversations:
    """Some of them, the latest first; `cursor` asks for those that follow and is empty when there are none."""

    items: tuple[ConversationSummary, ...]
    cursor: str


@dataclass(frozen=True)
class SavedTurn:
    """A question and the answer that it got then."""

    question: str
    answer: Answer
    created: datetime


@dataclass(frozen=True)
class Conversation:
    """A kept conversation with its turns, oldest first."""

    summary: ConversationSummary
    turns: tuple[SavedTurn, ...]


class Client:
    """Asks one service; safe to share between threads, to be closed or used with `with`."""

    def __init__(
        self, base_url: str = "http://127.0.0.1:8000", key: str = "", *, user: str = "", timeout: float = 60.0
    ) -> None:
        """`user` is an opaque name of your end user, which separates what the service keeps of them; `timeout` is in seconds,
        for the next bytes of a reply.

        Raises:
            ValueError: the key or the user holds what no header may hold.
        """
        for name, value in (("key", key), ("user", user)):
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"the {name} holds characters that cannot be sent: only printable ASCII can")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if user:
            headers["X-Zhengwen-User"] = user
        limits = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
        self._http = httpx.Client(base_url=base_url.rstrip("/"), headers=headers, timeout=limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        filters: Filters | None = None,
        *,
        conversation_id: str = "",
    ) -> Answer:
        """The answer to a question, with what was said before it, oldest first, or in the kept conversation that it is then
        added to. A refusal is an answer, no error.
        """
        with _understood():
            return _answer(self._json("POST", "/api/ask", _question(question, history, filters, conversation_id)))

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        filters: Filters | None = None,
        *,
        conversation_id: str = "",
    ) -> Generator[Event, None, None]:
        """The passages found, each sentence as it is checked, then the answer; closing it ends the work of the service."""
        body = _question(question, history, filters, conversation_id) | {"stream": True}
        with self._send("POST", "/api/ask", body) as response, _understood():
            request_id = response.headers.get("X-Request-Id", "")
            for name, data in _events(response):
                if name == "passages":
                    yield Passages(_passages(data["passages"]))
                elif name == "sentence":
                    yield Piece(data["text"], tuple(data["citations"]))
                elif name == "error":
                    raise _status_error(data["status"], str(data["detail"]), request_id, None)
                elif name == "answer":
                    yield _answer(data)
                    return
        raise ProtocolError("the stream was cut off before the answer: ask again")

    def search(self, question: str, k: int = 10, filters: Filters | None = None) -> tuple[Passage, ...]:
        """At most `k` passages, best first; `k` is 1 to 100."""
        body = {"question": question, "k": k} | _narrowed(filters)
        with _understood():
            return _passages(self._json("POST", "/api/search", body)["passages"])

    def documents(self) -> tuple[DocumentSummary, ...]:
        with _understood():
            return tuple(_summary(row) for row in self._json("GET", "/api/documents")["documents"])

    def document(self, doc_id: str) -> Document:
        """Raises StatusError with 404 for a document that there is not."""
        with _understood():
            row = self._json("GET", f"/api/documents/{quote(doc_id)}")
            outline = tuple(
                Section(s["title"], tuple(s["path"]), s["depth"], s["start"], s["end"]) for s in row["outline"]
            )
            return Document(_summary(row), row["text"], outline)

    def verify(self, answer: Answer | Mapping[str, Any]) -> Verification:
        """Whether a saved answer, as `Answer` or as its `row`, still holds against the documents of today."""
        row = answer.row if isinstance(answer, Answer) else answer
        with _understood():
            reply = self._json("POST", "/api/citations/verify", dict(row))
            checks = tuple(Check(check["marker"], check["text"], check["problem"]) for check in reply["checks"])
            return Verification(reply["holds"], checks)

    def feedback(
        self, answer: Answer, verdict: Literal["up", "down"], reason: str | None = None, comment: str = ""
    ) -> None:
        """Tells the service what somebody thought of an answer.

        `reason` is wrong, incomplete, citation, outdated, unclear, refused or other; `comment` has at most 2,000 characters.
        """
        body = {"answer": dict(answer.row), "verdict": verdict, "reason": reason, "comment": comment}
        with self._send("POST", "/api/feedback", body):
            pass

    def export_answer(self, answer: Answer, form: Literal["docx", "md", "txt"] = "docx") -> bytes:
        """The answer as a file with numbered notes, in which what no longer holds is marked."""
        path = "/api/answers/export"
        with self._send("POST", path, dict(answer.row), options={"format": form}) as response, _understood():
            return response.read()

    def share(self, answer: Answer) -> str:
        """The address by which others open the answer, relative unless the service knows its own.

        Raises StatusError (409) when the service gives another answer now.
        """
        with _understood():
            url: str = self._json("POST", "/api/answers/share", dict(answer.row))["url"]
            return url

    def begin_conversation(self, title: str = "") -> ConversationSummary:
        """A conversation for `ask` and `stream`; without a title it gets the beginning of its first question for one."""
        with _understood():
            return _conversation(self._json("POST", "/api/conversations", {"title": title}))

    def conversations(self, search: str = "", *, limit: int = 20, cursor: str = "") -> Conversations:
        """At most `limit` (1 to 200) conversations of this user, the latest first; `search` has to stand in the title or in a
        question.
        """
        with _understood():
            options: dict[str, str | int] = {"search": search, "limit": limit, "cursor": cursor}
            page = self._json("GET", "/api/conversations", options=options)
            return Conversations(tuple(_conversation(row) for row in page["items"]), page["cursor"])

    def conversation(self, conversation_id: str) -> Conversation:
        """Raises StatusError with 404 for a conversation that this user does not have."""
        with _understood():
            row = self._json("GET", _place(conversation_id))
            turns = tuple(
                SavedTurn(turn["question"], _answer(turn["answer"]), datetime.fromisoformat(turn["created"]))
                for turn in row["turns"]
            )
            return Conversation(_conversation(row["summary"]), turns)

    def rename_conversation(self, conversation_id: str, title: str) -> ConversationSummary:
        with _understood():
            return _conversation(self._json("PATCH", _place(conversation_id), {"title": title}))

    def delete_conversation(self, conversation_id: str) -> None:
        with self._send("DELETE", _place(conversation_id)):
            pass

    def export_conversation(self, conversation_id: str, form: Literal["md", "txt", "json"] = "md") -> str:
        """The conversation as the text of a file."""
        with (
            self._send("GET", f"{_place(conversation_id)}/export", options={"format": form}) as response,
            _understood(),
        ):
            return response.read().decode("utf-8")

    def _json(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        options: Mapping[str, str | int] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        with self._send(method, path, body, options=options) as response:
            return json.loads(response.read())

    @contextmanager
    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        options: Mapping[str, str | int] | None = None,
    ) -> Iterator[httpx.Response]:
        """A good response, not read yet."""
        try:
            with self._http.stream(method, path, json=body, params=options) as response:
                if not response.is_success:
                    response.read()
                    raise _error_of(response)
                yield response
        except httpx.RequestError as error:
            raise UnreachableError(f"{self._http.base_url} did not answer: {type(error).__name__}: {error}") from error


def _question(question: str, history: Sequence[Turn], filters: Filters | None, conversation_id: str) -> dict[str, Any]:
    before: dict[str, Any] = {"conversation_id": conversation_id} if conversation_id else {}
    return {"question": question, "history": [asdict(turn) for turn in history]} | before | _narrowed(filters)


def _place(conversation_id: str) -> str:
    return f"/api/conversations/{quote(conversation_id, safe='')}"


def _conversation(row: Mapping[str, Any]) -> ConversationSummary:
    created, updated = (datetime.fromisoformat(row[name]) for name in ("created", "updated"))
    return ConversationSummary(row["conversation_id"], row["title"], created, updated, row["turns"])


def _narrowed(filters: Filters | None) -> dict[str, Any]:
    return {} if filters is None else {"filters": asdict(filters)}


@contextmanager
def _understood() -> Iterator[None]:
    """Makes a ProtocolError of a reply that is not JSON or lacks what it must have."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProtocolError(
            f"the reply is none of this service ({type(error).__name__}: {error}): check the address"
        ) from error


def _error_of(response: httpx.Response) -> StatusError:
    request_id = response.headers.get("X-Request-Id", "")
    try:
        detail = str(response.json()["detail"])
    except (ValueError, LookupError, TypeError):
        detail = response.text[:_SHOWN_CHARACTERS]  # of a proxy in between
    return _status_error(response.status_code, detail, request_id, response.headers.get("Retry-After"))


def _status_error(status: int, detail: str, request_id: str, retry_after: str | None) -> StatusError:
    seconds = float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
    kind = BusyError if status in (429, 503) else StatusError
    return kind(status, detail, request_id, seconds)


def _events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """(name, decoded data) of each server-sent event; comments are passed over."""
    name, data = "", ""
    for line in _lines(response):
        if not line:
            if data:
                yield name, json.loads(data)
            name, data = "", ""
            continue
        key, _, value = line.partition(":")
        if key == "event":
            name = value.removeprefix(" ")
        elif key == "data":
            data += value


def _lines(response: httpx.Response) -> Iterator[str]:
    """Lines that end in a line feed; other separators of Unicode may stand in a text."""
    rest = b""
    for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode("utf-8").rstrip("\r")


def _answer(row: Mapping[str, Any]) -> Answer:
    return Answer(
        id=row["id"],
        question=row["question"],
        understood=row["understood"],
        status=row["status"],
        text=row["answer"],
        reason=row["reason"],
        confidence=row["confidence"],
        notice=row["notice"],
        sentences=tuple(Sentence(s["text"], tuple(s["citations"]), s["verdict"]) for s in row["sentences"]),
        citations=tuple(_citation(citation) for citation in row["citations"]),
        passages=_passages(row["passages"]),
        row=row,
    )


def _citation(row: Mapping[str, Any]) -> Citation:
    origin = row["origin"]
    return Citation(
        marker=row["marker"],
        doc_id=row["doc_id"],
        title=row["title"],
        start=row["start"],
        end=row["end"],
        quote=row["quote"],
        section=tuple(row["section"]),
        origin=Origin(**{name: origin.get(name) for name in Origin.__dataclass_fields__}),
        doc_sha256=row["doc_sha256"],
        published=row["published"],
        validity=row["validity"],
        refers_to=tuple(
            Reference(item["label"], item["doc_id"], item["start"], item["end"]) for item in row.get("refers_to", ())
        ),
        relative_dates=tuple(RelativeDate(item["text"], item["date"]) for item in row.get("relative_dates", ())),
    )


def _passages(rows: Sequence[Mapping[str, Any]]) -> tuple[Passage, ...]:
    return tuple(
        Passage(row["passage_id"], row["doc_id"], row["start"], row["end"], row["score"], row["text"]) for row in rows
    )


def _summary(row: Mapping[str, Any]) -> DocumentSummary:
    known = {name: row[name] for name in DocumentSummary.__dataclass_fields__}
    return DocumentSummary(**known | {name: tuple(row[name]) for name in ("authors", "repeals", "amends")})
