"""Every response carries a request id and the strict headers; the body limit cannot be talked round."""

import logging
import re
from typing import Any

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from service.http.metrics import Metrics
from service.http.middleware import (
    MAX_BODY_BYTES,
    BodyLimit,
    KnownHosts,
    Observed,
    RequestId,
    SecurityHeaders,
    UnexpectedErrors,
    content_policy,
)

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
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == ("no-cache" if path in ("/", "/static/app.js") else "no-store")
    assert "Server" not in headers


def test_page_for_portals_cannot_be_framed_or_everybody_may() -> None:
    async def framed(scope: Any, receive: Any, send: Any) -> None:
        policy = content_policy(["https://portal.example", "http://[::1]:8080"]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-security-policy", policy)]})
        await send({"type": "http.response.body", "body": b""})

    start = _reply(SecurityHeaders(framed), _scope([]), [])[0]
    policies = [value for name, value in start["headers"] if name == b"content-security-policy"]
    assert policies == [
        content_policy().replace("'none'; object", "https://portal.example http://[::1]:8080; object").encode()
    ]


@pytest.mark.parametrize(
    "origin",
    ["*", "", "portal.example", "https://a.example; script-src *", "https://a.example https://b.example", "https:", "null",
     "https://a.example\r\nX: y", "https://a.example/", "javascript:alert(1)", "'self'", "https://a.example\n"],
)  # fmt: skip
def test_origin_says_more_in_a_policy_than_who_may_frame(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        content_policy([origin])


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

    layers = [BodyLimit, RequestId, SecurityHeaders, UnexpectedErrors, lambda app: Observed(app, Metrics())]
    layers.append(lambda app: KnownHosts(app, ["here"]))
    for layer in layers:
        assert _reply(layer(app), {"type": "websocket", "path": "/"}, []) == [{"type": "websocket.close"}]
    assert seen == ["websocket"] * len(layers)


async def _trickle() -> dict[str, Any]:
    await anyio.sleep(0)
    return {"type": "http.request", "body": b"", "more_body": True}


async def _silence() -> dict[str, Any]:
    await anyio.sleep_forever()
    raise AssertionError


@pytest.mark.parametrize("receive", [_trickle, _silence])
def test_body_that_never_ends_is_waited_for(receive: Any) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    anyio.run(BodyLimit(_echo, seconds=0.05), _scope([]), receive, send)
    assert [message.get("status") for message in sent] == [408, None]


@pytest.mark.parametrize("before", [[], [{"type": "http.request", "body": b"{", "more_body": True}]])
def test_work_begins_for_a_client_that_hung_up_while_sending(before: list[dict[str, Any]]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody is there")

    assert _reply(BodyLimit(app), _scope([]), [*before, {"type": "http.disconnect"}]) == []


def test_many_large_bodies_at_once_fill_the_memory() -> None:
    """Each body waits just under its limit, so that all are held at once; afterwards there is room again."""
    limit = BodyLimit(_echo)
    statuses: list[int] = []

    async def run() -> None:
        full = anyio.Event()

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                full.set()

        async def upload() -> None:
            messages = [{"type": "http.request", "body": b" " * (MAX_BODY_BYTES - 1), "more_body": True}]

            async def receive() -> dict[str, Any]:
                if messages:
                    return messages.pop()
                await full.wait()
                return {"type": "http.request", "body": b""}

            await limit(_scope([]), receive, send)

        async with anyio.create_task_group() as uploads:
            for _ in range(70):
                uploads.start_soon(upload)

    anyio.run(run)
    assert statuses.count(503) == 70 - 64
    assert statuses.count(200) == 64
    body = b" " * MAX_BODY_BYTES
    assert _reply(limit, _scope([]), [{"type": "http.request", "body": body}])[1]["body"] == body


def test_body_with_two_lengths_is_read() -> None:
    headers = [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")]
    messages = [{"type": "http.request", "body": b"hello"}]
    assert _reply(BodyLimit(_echo), _scope(headers), messages)[0]["status"] == 400
    assert messages


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"here", 200),
        (b"HERE:8000", 200),
        (b"[::1]:8000", 200),
        (b"[::1]", 200),
        (None, 200),
        (b"there", 421),
        (b"here.there", 421),
        (b"here@there", 421),
        (b"", 421),
        (b"[::", 421),
        (b"here/there", 200),  # nothing that a browser sends; it is the name that counts
        (b"here, there", 421),
        (b"h\xe9re", 421),
    ],
)
def test_host_is_misread(host: bytes | None, status: int) -> None:
    scope = _scope([] if host is None else [(b"host", host)])
    assert (
        _reply(KnownHosts(_echo, ["here", "::1"]), scope, [{"type": "http.request", "body": b""}])[0]["status"]
        == status
    )
    assert _reply(KnownHosts(_echo), scope, [{"type": "http.request", "body": b""}])[0]["status"] == 200


def test_bug_behind_the_first_byte_ends_a_response_as_if_it_were_whole(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("the reason")

    sent = _reply(UnexpectedErrors(app), _scope([]), [])
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"], "the server closes the connection at a response without an end"
    assert "the reason" in caplog.text


def _counts(metrics: Metrics) -> dict[tuple[str, str, str], float]:
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if sample.name == "zhengwen_requests_total"
    }


def test_request_is_counted_or_logged_by_its_path(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    def counts() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if line.startswith("zhengwen_requests_total"))

    before = counts()
    with caplog.at_level(logging.INFO):
        client.get("/api/documents/planted-1.md?key=planted-2")
        client.request("PLANTED", "/planted-3", headers={"X-Request-Id": "request-7"})
        client.get("/static/planted-4.js")
        client.post("/v1/chat/completions", json={"model": "planted-5", "messages": [{"role": "user", "content": "x"}]})
    new = {name for name, value in counts().items() if value != before.get(name)}
    wanted = {
        ("GET", "/api/documents/{doc_id:path}"),
        ("other", "unmatched"),
        ("GET", "/static"),
        ("POST", "/v1/chat/completions"),
    }
    told = {(re.search('method="([^"]*)', name)[1], re.search('route="([^"]*)', name)[1]) for name in new}  # type: ignore[index]
    assert told - {("GET", "/metrics")} == wanted
    assert all('status="4xx"' in name for name in new if "/metrics" not in name)
    records = [record for record in caplog.records if record.name == "service.http.access"]
    assert [(record.route, record.status) for record in records[:4]] == [  # type: ignore[attr-defined]
        ("/api/documents/{doc_id:path}", 404),
        ("unmatched", 404),
        ("/static", 404),
        ("/v1/chat/completions", 404),
    ]
    ours = [
        record.getMessage() + str(record.__dict__) for record in caplog.records if record.name.startswith("service")
    ]
    assert "planted" not in "".join(ours)
    assert "planted" not in client.get("/metrics").text


def test_client_that_hangs_up_is_counted_as_answered() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    metrics = Metrics()
    assert _reply(Observed(app, metrics), _scope([]), []) == []
    assert _counts(metrics) == {("POST", "unmatched", "4xx"): 1}
