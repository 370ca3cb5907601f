"""The log: one line a record on stderr, which nothing that a caller sends can break, forge or fill with a question.

Every record made while a request is answered, in whatever thread, carries the request's id.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.settings import LogFormat, LogLevel

access = logging.getLogger("service.http.access")

# What a record of the access log says beyond its message.
_ACCESS_FIELDS = ("method", "route", "status", "ms")
# Libraries that log what they send and receive, headers and all.
_TALKATIVE = ("httpcore", "httpx", "httpx2", "urllib3", "asyncio", "opentelemetry", "mcp", "python_multipart")
_SECRET = re.compile(r"(\b(?:bearer|basic)\s+)[^\s'\"]+|\bzw[a-z]?-[\w.~-]{8,}", re.IGNORECASE)
_HIDDEN = "***"
# Control characters, those that turn the direction of writing or are invisible, separators of lines, half surrogate pairs.
_UNSAFE = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
# So many characters of a question in a row give away what was asked.
_TELLING = 4
# A question is shorter, and a conversation may be as long as a body.
_MOST_CHARACTERS = 2000
_MOST_TEXTS = 20


@dataclass
class RequestFacts:
    """What is known of the request at work; filled in while it is answered."""

    request_id: str
    key_id: str = ""
    questions: list[str] = field(default_factory=list)
    telling: set[str] = field(default_factory=set)
    """The pieces of the questions that no record shows."""


_current: ContextVar[RequestFacts | None] = ContextVar("request", default=None)


@contextmanager
def request(request_id: str) -> Iterator[RequestFacts]:
    """Puts `request_id` on every record made inside, in threads and tasks started there too."""
    facts = RequestFacts(request_id)
    token = _current.set(facts)
    try:
        yield facts
    finally:
        _current.reset(token)


def request_id() -> str:
    """The id of the request at work; empty outside of one."""
    facts = _current.get()
    return "" if facts is None else facts.request_id


def note_key(key_id: str) -> None:
    """Puts the id of the caller's key on the records of the request at work."""
    if facts := _current.get():
        facts.key_id = key_id


def note_question(*texts: str) -> None:
    """Keeps these texts out of the records of the request at work or, where `log_questions` is set, puts them there.

    That goes for the first 2,000 characters of the first 20.
    """
    if facts := _current.get():
        noted = [text[:_MOST_CHARACTERS] for text in texts[:_MOST_TEXTS] if text.strip()]
        facts.questions += noted
        for text in noted:
            pieces = (text[i : i + _TELLING] for i in range(len(text) - _TELLING + 1))
            facts.telling.update(piece for piece in pieces if not piece.isascii())


def configure(
    form: LogFormat = LogFormat.TEXT,
    *,
    level: LogLevel = LogLevel.INFO,
    log_questions: bool = False,
    secrets: Sequence[str] = (),
) -> None:
    """Makes this process log to stderr, the only place it does; `secrets` are never shown, wherever they turn up."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = _JsonFormatter if form is LogFormat.JSON else _TextFormatter
    handler.setFormatter(formatter(log_questions, [secret for secret in secrets if secret]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.value)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # it would print the record as it came, beside the log
    threading.excepthook = _log_of_thread
    sys.unraisablehook = _log_unraisable


def _log_of_thread(failure: threading.ExceptHookArgs) -> None:
    error = failure.exc_value or failure.exc_type()
    logging.getLogger(__name__).error("a thread died", exc_info=error)


def _log_unraisable(failure: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs exists for type checkers only
    logging.getLogger(__name__).error("an error that nobody could be told", exc_info=failure.exc_value)


class _Formatter(logging.Formatter):
    """What both forms share: the message and the traceback without secrets, and without the question."""

    def __init__(self, log_questions: bool, secrets: Sequence[str]) -> None:
        super().__init__()
        self._log_questions = log_questions
        self._secrets = sorted(secrets, key=len, reverse=True)

    def _shown(self, text: str, facts: RequestFacts | None) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        text = _SECRET.sub(lambda found: (found[1] or "") + _HIDDEN, text)
        if facts is not None and not self._log_questions:
            for question in facts.questions:
                text = text.replace(question, _HIDDEN)
            text = _without(text, facts.telling)
        return text

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        facts = _current.get()
        row: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._shown(record.getMessage(), facts),
        }
        if facts is not None:
            row["request_id"] = self._shown(facts.request_id, None)
            row |= {name: getattr(record, name) for name in _ACCESS_FIELDS if hasattr(record, name)}
            if facts.key_id:
                row["key_id"] = facts.key_id
            if self._log_questions and facts.questions and record.name == access.name:
                row["questions"] = [self._shown(question, None) for question in facts.questions]
        if record.exc_info and record.exc_info[1] is not None:
            row["traceback"] = self._shown(self.formatException(record.exc_info), facts)
        return row


class _JsonFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # What is left after JSON's own escapes could still act on a terminal.
        return _escaped(json.dumps(self._fields(record), ensure_ascii=False, default=str))


class _TextFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        row = self._fields(record)
        traceback = row.pop("traceback", "")
        head = " ".join(str(row.pop(name)) for name in ("ts", "level", "logger", "message"))
        line = " ".join([head, *(f"{name}={value}" for name, value in row.items())])
        # No line of a traceback can be taken for the beginning of a record.
        return "\n".join([_escaped(line), *("    | " + _escaped(below) for below in traceback.splitlines())])


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _without(text: str, pieces: Set[str]) -> str:
    """The text with `***` for every stretch of it that consists of such pieces, of `_TELLING` characters each."""
    covered = bytearray(len(text))
    for i in range(len(text) - _TELLING + 1 if pieces else 0):
        if text[i : i + _TELLING] in pieces:
            covered[i : i + _TELLING] = b"\1" * _TELLING
    shown = []
    for i, char in enumerate(text):
        if not covered[i]:
            shown.append(char)
        elif i == 0 or not covered[i - 1]:
            shown.append(_HIDDEN)
    return "".join(shown)
