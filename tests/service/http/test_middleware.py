"""Every response carries a request id and the strict headers; the body limit cannot be talked round."""

import re
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from service.http.middleware import MAX_BODY_BYTES, BodyLimit, RequestId, SecurityHeaders

PATHS = ["/", "/static/app.js", "/healthz", "/api/documents", "/nothing", "/v1/models", "/v1/nothing"]


@pytest.mark.parametrize("path", PATHS)
def test_response_without_the_strict_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PATHS)
def test_request_id_is_lost_or_not_made(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"X-Request-Id": "req-2024_07.A"}).headers["X-Request-Id"] == "req-2024_07.A"
    first, second = (client.get(path).headers["X-Request-Id"] for _ in range(2))
    assert first != second
    assert re.fullmatch(r"[0-9a-f]{32}", first)


@pytest.mark.parametrize(
    "hostile", [b"a b", b"<script>", b"a" * 129, b"", b"\xe4\xb8\xad", b"a;b", b"a\tb", b"../..", b"a%0d%0aSet-Cookie"]
)
def test_hostile_request_id_is_echoed(client: TestClient, hostile: bytes) -> None:
    given = client.get("/healthz", headers=[(b"X-Request-Id", hostile)]).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_page_names_a_script_or_style_from_elsewhere_or_inline(client: TestClient) -> None:
    page = client.get("/").text
    sources = re.findall(r"""(?:src|href)=["']([^"']*)""", page)
    assert sources
    assert all(source.startswith(("/", "#")) and not source.startswith("//") for source in sources)
    for source in sources:
        if source.startswith("/static/"):
            assert client.get(source).status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bon\w+=|\bstyle=|javascript:", page)
    assert "http://" not in page
    assert "https://" not in page


def _reply(app: Any, scope: dict[str, Any], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What an ASGI application sends for these messages."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    anyio.run(app, scope, receive, send)
    return sent


def _scope(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": "/api/ask", "headers": headers}


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message["body"]
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("length", [b"5", b"\xb2", b"many", b"-1", b"", None])
def test_declared_length_that_is_wrong_or_no_number_breaks_the_limit(length: bytes | None) -> None:
    headers = [] if length is None else [(b"content-length", length)]
    small = [{"type": "http.request", "body": b"he", "more_body": True}, {"type": "http.request", "body": b"llo"}]
    assert _reply(BodyLimit(_echo), _scope(headers), small)[-1]["body"] == b"hello"
    large = [{"type": "http.request", "body": b" " * MAX_BODY_BYTES, "more_body": True} for _ in range(5)]
    assert _reply(BodyLimit(_echo), _scope(headers), large)[0]["status"] == 413
    assert len(large) == 3, "it went on reading after the limit"


def test_body_that_says_it_is_too_long_is_read_anyway() -> None:
    headers = [(b"content-length", str(MAX_BODY_BYTES + 1).encode())]
    messages = [{"type": "http.request", "body": b"x"}]
    assert _reply(BodyLimit(_echo), _scope(headers), messages)[0]["status"] == 413
    assert messages, "the body was read"


def test_websocket_or_lifespan_is_treated_as_a_request() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        await send({"type": "websocket.close"})

    for layer in (BodyLimit, RequestId, SecurityHeaders):
        assert _reply(layer(app), {"type": "websocket", "path": "/"}, []) == [{"type": "websocket.close"}]
    assert seen == ["websocket"] * 3
