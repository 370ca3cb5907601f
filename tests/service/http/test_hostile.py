"""Bytes that no client sends, on the sockets of a real server: each gets a 4xx, fast, and leaves nothing but that behind."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

HOST = b"Host: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n"
QUESTION = '{"question": "公寓的月租金是多少？"}'.encode()
ASKING = [b"/api/ask", b"/api/search", b"/v1/chat/completions", b"/api/citations/verify"]
CHUNKED = b"POST /api/ask HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

Talk = Callable[[bytes], bytes]


@pytest.fixture
def talk(server: Any, connect: Any) -> Iterator[Talk]:
    """Everything that the server sends for these bytes; afterwards nothing may stand in its log that it should not."""

    def exchange(request: bytes) -> bytes:
        with connect(server.port) as client:
            return client.send(request).read()

    before = len(server.log)
    yield exchange
    assert httpx2.get(server.url + "/healthz").status_code == 200
    log = "".join(server.log[before:])
    assert "Traceback" not in log
    assert " ERROR " not in log


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    return b"%s %s HTTP/1.1\r\n%s%s%s\r\n" % (method, path, HOST, CLOSE, b"".join(line + b"\r\n" for line in headers))


def post(path: bytes, body: bytes, *headers: bytes, kind: bytes = b"application/json") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return get(path, b"Content-Type: " + kind, length, *headers, method=b"POST") + body


def statuses(reply: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", reply)]


HOSTILE_NAMES = [
    b"../../etc/passwd",
    b"%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    b"..%2f..%2f..%2fetc%2fpasswd",
    b"%252e%252e%252fetc%252fpasswd",
    b"%2fetc%2fpasswd",
    b"//etc/passwd",
    b"..%5c..%5ccli.py",
    b"%c0%ae%c0%ae/cli.py",
    b"%00",
    b"app.js%00.md",
    b"%ff%fe",
    b"%ed%a0%80",
    b"%e2%80%ae",
    b"%0d%0aSet-Cookie:%20planted=1",
    b"%",
    b"%zz",
    b"app.js/x",
    b"a" * 9000,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=[repr(name)[2:30] for name in HOSTILE_NAMES])
def test_name_leads_out_of_the_folder_or_into_a_header(talk: Talk, name: bytes) -> None:
    page = talk(get(b"/")).partition(b"\r\n\r\n")[2]
    for folder in (b"/static/", b"/api/documents/", b"/v1/models/"):
        reply = talk(get(folder + name))
        assert statuses(reply) == [404]
        assert b"planted" not in reply.partition(b"\r\n\r\n")[0]
    reply = talk(get(b"/d/" + name))
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"planted" not in head
    assert (statuses(reply), body) == ([200], page) or statuses(reply) == [404]


@pytest.mark.parametrize(
    "target", [b"http://elsewhere.example/", b"//elsewhere.example/", b"*", b"/api/ask/", b"/v1/models/"]
)
def test_target_is_answered_by_a_redirect_to_elsewhere(talk: Talk, target: bytes) -> None:
    reply = talk(get(target))
    assert statuses(reply) == [404]
    assert b"\r\nlocation:" not in reply.lower()


DEEP = {
    "a megabyte of [": b"[" * 999_999,
    "objects": b'{"question":' * 80_000,
    "closed": b'{"question": ' + b"[" * 490_000 + b"]" * 490_000 + b"}",
    "one number": b'{"question": ' + b"7" * 990_000 + b"}",
}
ODD = {
    "many keys": b"{" + b",".join(b'"k%d":0' % i for i in range(70_000)) + b"}",
    "nested where nothing is": b'{"x": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a number that is none": b'{"question": NaN}',
    "nothing": b"",
    "not an object": b'"question"',
}


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize("body", [*DEEP, *ODD])
def test_json_that_hurts_reaches_more_than_the_parser(talk: Talk, path: bytes, body: str) -> None:
    expected = 400 if body in DEEP else 422
    assert statuses(talk(post(path, (DEEP | ODD)[body]))) == [expected]


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize(
    "kind",
    [b"text/plain", b"text/xml", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"\xff"],
)
def test_form_of_another_site_is_taken_for_json(talk: Talk, path: bytes, kind: bytes) -> None:
    assert statuses(talk(post(path, QUESTION, kind=kind))) == [422]


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"/api/ask", QUESTION, b"Content-Length: 3"),
        post(b"/api/ask", b"0\r\n\r\n", b"Transfer-Encoding: chunked"),
        post(b"/api/ask", b"", b"Transfer-Encoding: chunked, identity"),
        get(b"/api/ask", b"Transfer-Encoding: gzip, chunked", method=b"POST"),
        get(b"/api/ask", b"Content-Length: -1", method=b"POST"),
        get(b"/api/ask", b"Content-Length: " + b"9" * 5000, method=b"POST"),
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-1\r\nx\r\n",
        CHUNKED + b"5\r\nhello world\r\n",
        get(b"/healthz", b"Host: elsewhere.example"),
        b"GET /healthz HTTP/1.1\r\n\r\n",
        get(b"/healthz", b"Two words: x"),
        get(b"/healthz", b"X: \x00"),
        get(b"/a\x00b"),
        b"GET /healthz\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 400,
        b"\r\n\r\n\r\n\r\n" + b"\x00" * 20_000,
        b"GET /" + b"a" * 500_000,
    ],
    ids=range(18),
)  # fmt: skip
def test_request_with_two_meanings_or_none_is_served(talk: Talk, request_bytes: bytes) -> None:
    assert statuses(talk(request_bytes)) == [400]


def test_request_behind_a_body_of_disputed_length_is_served(talk: Talk) -> None:
    smuggled = post(b"/api/ask", b"0\r\n\r\n" + get(b"/version"), b"Transfer-Encoding: chunked")
    assert b'"models"' not in talk(smuggled)


@pytest.mark.parametrize(
    "host", [b"elsewhere.example", b"127.0.0.1.elsewhere.example:8000", b"127.0.0.1@elsewhere.example", b"[::", b""]
)
def test_name_that_another_site_points_at_us_reads_our_documents(talk: Talk, host: bytes) -> None:
    reply = talk(get(b"/api/documents").replace(b"127.0.0.1", host))
    assert statuses(reply) == [421]
    assert b"ZHENGWEN_HOSTS" in reply


@pytest.mark.parametrize("method", [b"FOO", b"TRACE", b"CONNECT", b"A" * 3000, b"get"])
def test_method_that_nothing_has_is_run(talk: Talk, method: bytes) -> None:
    assert statuses(talk(get(b"/api/ask", method=method))) == [405]


def test_pipelined_requests_get_each_others_answers(talk: Talk) -> None:
    keep = CLOSE, b""
    several = [post(b"/api/ask", QUESTION), get(b"/nothing"), get(b"/healthz"), post(b"/api/search", b"{")]
    reply = talk(b"".join(request.replace(*keep) for request in several) + get(b"/healthz"))
    assert statuses(reply) == [200, 404, 200, 400, 200]
    assert len(set(re.findall(rb"x-request-id: (\w+)", reply))) == 5
    assert statuses(talk(post(b"/api/ask", QUESTION).replace(*keep) + b"garbage\x00\r\n\r\n")) == [200, 400]


@pytest.mark.parametrize(
    "headers",
    [
        [b"X-Request-Id: one", b"X-Request-Id: two"],
        [b"X-Request-Id: a\r\n\tb"],
        [b"Accept: \xff", b"Accept-Encoding: \xff;q=\xff", b"Cookie: \xff=\xff", b"If-None-Match: \xff"],
        [b"X-Forwarded-For: " + b"1, " * 2000 + b"\xff", b"Forwarded: for=\xff", b"X-Forwarded-Host: \xff"],
        [b"Range: bytes=--1", b"If-Range: \xff"],
        [b"Expect: a-miracle"],
        [b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"],
        [b"X-%d: a" % i for i in range(3000)],
    ],
    ids=range(8),
)
def test_odd_headers_are_a_server_error_or_come_back(talk: Talk, headers: list[bytes]) -> None:
    for path in (b"/healthz", b"/static/app.js", b"/api/documents"):
        reply = talk(get(path, *headers))
        assert statuses(reply)[0] < 500
        assert b"\xff" not in reply.partition(b"\r\n\r\n")[0]
