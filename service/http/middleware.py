"""What happens to every request: an id, a record, strict headers, limits, and an answer even to a bug."""

import asyncio
import logging
import re
import uuid
from collections.abc import Sequence
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http import logs
from service.http.errors import error_response
from service.http.metrics import Metrics
from service.http.telemetry import Telemetry, end_request

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_000_000
# All bodies that are being read, together: many callers at once fill no memory either.
_MAX_HELD_BYTES = 64 * MAX_BODY_BYTES
_REQUEST_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
# The client hung up before there was a response; no such status is ever sent.
_HUNG_UP = 499


def content_policy(frame_ancestors: Sequence[str] = ()) -> str:
    """A Content-Security-Policy of our own files only; pages of the origins `frame_ancestors` may show ours in a frame.

    A response that sets this header itself keeps it. Raises ValueError for what is no origin, which could say more than one.
    """
    for origin in frame_ancestors:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin: it must read like https://portal.example or http://host:8080")
    ancestors = " ".join(frame_ancestors) or "'none'"
    return f"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}; object-src 'none'"


_HEADERS = {
    "Content-Security-Policy": content_policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Files of the page may be kept, and are asked for again with their tag; nothing else stays in anybody's cache.
_CACHE = {True: "no-cache", False: "no-store"}


class RequestId:
    """Echoes a well-formed `X-Request-Id` or makes one, and puts it on all records of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with logs.request(request_id):
            await self._app(scope, receive, send_with_id)


class Observed:
    """Counts, times, logs and traces every request, by the template of its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics, telemetry: Telemetry | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._telemetry is None:
            await self._observe(scope, receive, send)
        else:
            with self._telemetry.request(scope["method"], logs.request_id(), Headers(scope=scope)) as span:
                status = await self._observe(scope, receive, send)
                end_request(span, scope["method"], _route(scope), status)

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> int:
        """The status that was sent."""
        started = perf_counter()
        status = _HUNG_UP

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        finally:
            seconds = perf_counter() - started
            route = _route(scope)
            self._metrics.observe_request(scope["method"], route, status, seconds)
            row = {"method": scope["method"], "route": route, "status": status, "ms": round(1000 * seconds, 1)}
            logs.access.info("request", extra=row)
        return status


def _route(scope: Scope) -> str:
    """Template of the path, such as `/api/documents/{doc_id:path}`; the path itself stays out of what we keep."""
    # What is mounted, such as the static files, has no template; the path that it is mounted at moves into `root_path`.
    return scope.get("root_path", "") + getattr(scope.get("route"), "path", "") or "unmatched"


class SecurityHeaders:
    """Puts the strict headers on every response that does not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = scope["path"].startswith(("/static/", "/d/", "/a/")) or scope["path"] in ("/", "/admin")
                for name, value in (*_HEADERS.items(), ("Cache-Control", _CACHE[is_page])):
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class KnownHosts:
    """Answers 421 to a request for any other name than `hosts`, lower case and without a port; without names every one will do.

    The page of another site can make its own name point at our address (DNS rebinding), and would be of one origin with us.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host") if scope["type"] == "http" and self._hosts else None
        if host is None or _name(host) in self._hosts:  # browsers always send one
            await self._app(scope, receive, send)
            return
        message = "this service does not go by that name: set ZHENGWEN_HOSTS to the names that callers may use"
        await error_response(scope["path"], 421, message)(scope, receive, send)


def _name(host: str) -> str:
    """The name in a `Host` header, without the port; empty when there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class BodyLimit:
    """Reads the body before anybody works on it: 413 above `MAX_BODY_BYTES`, whether its length is declared or not; 408 when it
    is not there within `seconds`; 503 when too much is being read already; 400 when its end is open to dispute.
    """

    def __init__(self, app: ASGIApp, seconds: float = 20.0) -> None:
        self._app = app
        self._seconds = seconds
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []
        try:
            async with asyncio.timeout(self._seconds):
                problem = await self._read(Headers(scope=scope), receive, messages)
        except TimeoutError:
            problem = 408, f"the body did not arrive within {self._seconds:g} seconds: send it in one go"
        if problem is not None:
            await error_response(scope["path"], *problem)(scope, receive, send)
            return

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        if messages[-1]["type"] != "http.disconnect":
            await self._app(scope, replay, send)

    async def _read(self, headers: Headers, receive: Receive, messages: list[Message]) -> tuple[int, str] | None:
        """Puts the body into `messages`; status and message of what is wrong with it, if anything is."""
        declared = headers.get("content-length", "")
        if declared and "transfer-encoding" in headers:
            # Two servers in a row may disagree on where such a request ends.
            return 400, "the length of the body is declared twice: send Content-Length or Transfer-Encoding"
        size = int(declared) if declared.isdecimal() and declared.isascii() else 0
        received = 0
        try:
            while size <= MAX_BODY_BYTES and (not messages or messages[-1].get("more_body", False)):
                messages.append(await receive())
                piece = len(messages[-1].get("body", b""))
                received += piece
                self._held += piece
                if self._held > _MAX_HELD_BYTES:
                    return 503, "too many large bodies are being read at once: try again"
                size = max(size, received)
        finally:
            self._held -= received
        return (
            (413, f"the body is larger than {MAX_BODY_BYTES} bytes: send a shorter question")
            if size > MAX_BODY_BYTES
            else None
        )


class UnexpectedErrors:
    """Logs an exception that nothing expected and answers 500, inside of what every other response goes through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception:
            if scope["type"] != "http":
                raise
            logger.exception("unexpected error on %s %s", scope["method"], _route(scope))
            if not started:
                response = error_response(scope["path"], 500, "an unexpected error happened; the log has the details")
                await response(scope, receive, send)
            # A response that had begun stays without its end, at which the server closes the connection.
