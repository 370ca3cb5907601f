"""Every bad request gets the right 4xx, in the shape that callers of its path expect, and never a traceback."""

import copy
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from starlette.testclient import TestClient

from indexer.errors import InputError, ModelError, NotFoundError, QuestionError, StoredIndexError, ZhengwenError
from service.http.errors import NotReadyError, UnknownModelError, status_of
from service.http.middleware import MAX_BODY_BYTES
from service.pipeline import Pipeline

JSON = {"Content-Type": "application/json"}
ASKING = ["/api/ask", "/api/search", "/v1/chat/completions"]
GOOD: dict[str, dict[str, Any]] = {
    "/api/ask": {"question": "公寓的月租金是多少？"},
    "/api/search": {"question": "公寓的月租金是多少？"},
    "/v1/chat/completions": {
        "model": "zhengwen",
        "messages": [{"role": "user", "content": "公寓的月租金是多少？"}],
    },
}


def assert_error(response: Any, path: str, status: int) -> str:
    """The message of an error response, after everything else in it has been checked."""
    assert response.status_code == status, response.text
    body = response.json()
    assert "Traceback" not in response.text
    assert response.headers["X-Request-Id"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    if path.startswith("/v1/"):
        assert response.headers["Content-Type"] == "application/json"
        assert body.keys() == {"error"}
        error = body["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        expected = {404: "not_found_error", 429: "rate_limit_error"}
        assert error["type"] == expected.get(status, "invalid_request_error" if status < 500 else "server_error")
        message = error["message"]
    else:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert body.keys() == {"type", "title", "status", "detail", "instance"}
        assert body["type"] == "about:blank"
        assert body["title"]
        assert (body["status"], body["instance"]) == (status, path)
        message = body["detail"]
    assert message
    assert isinstance(message, str)
    return message


@pytest.mark.parametrize("path", ASKING)
def test_good_request_fails(client: TestClient, path: str) -> None:
    assert client.post(path, json=GOOD[path]).status_code == 200


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize(
    "question", ["", "   \n\t　", "？！……", "元" * 100_000], ids=["empty", "blank", "marks", "huge"]
)
def test_question_that_cannot_be_asked_is_a_server_error(client: TestClient, path: str, question: str) -> None:
    body = json.loads(json.dumps(GOOD[path]).replace(json.dumps("公寓的月租金是多少？"), json.dumps(question)))
    message = assert_error(client.post(path, json=body), path, 422)
    assert "问题" in message or "检索" in message, "people read this message"
    assert len(message) < 200, "the question is echoed at length"


@pytest.mark.parametrize("path", ASKING)
def test_half_a_surrogate_pair_is_a_server_error(client: TestClient, path: str) -> None:
    content = json.dumps(GOOD[path]).replace(json.dumps("公寓的月租金是多少？"), r'"公寓\ud83d"')
    assert_error(client.post(path, content=content.encode(), headers=JSON), path, 422)


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{'question': 'x'}",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"question": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"1" * 10_000 + b"}",
    ],
    ids=["open", "quotes", "bytes", "deep-open", "deep", "long-number"],
)
def test_broken_json_is_a_server_error(client: TestClient, path: str, content: bytes) -> None:
    assert_error(client.post(path, content=content, headers=JSON), path, 400)


@pytest.mark.parametrize("path", ASKING)
@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b'"x"', b"{}", b'{"a":' * 500 + b"1" + b"}" * 500, b"question=x"]
)
def test_json_without_the_fields_is_a_server_error(client: TestClient, path: str, content: bytes) -> None:
    assert_error(client.post(path, content=content, headers=JSON | {"Content-Type": "text/plain"}), path, 422)


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("/api/ask", {"question": 5}),
        ("/api/ask", {"question": None}),
        ("/api/ask", {"question": ["x"]}),
        ("/api/ask", {"question": {"text": "x"}}),
        ("/api/ask", {"history": "x"}),
        ("/api/ask", {"history": [{"role": "system", "content": "x"}]}),
        ("/api/ask", {"history": [{"role": "user"}]}),
        ("/api/ask", {"history": [{"role": "user", "content": "x"}] * 51}),
        ("/api/search", {"k": 0}),
        ("/api/search", {"k": 101}),
        ("/api/search", {"k": -1}),
        ("/api/search", {"k": 1.5}),
        ("/api/search", {"k": "many"}),
        ("/api/search", {"k": 10**30}),
        ("/v1/chat/completions", {"model": 5}),
        ("/v1/chat/completions", {"model": None}),
        ("/v1/chat/completions", {"messages": []}),
        ("/v1/chat/completions", {"messages": "x"}),
        ("/v1/chat/completions", {"messages": [5]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": 5}]}),
        ("/v1/chat/completions", {"messages": [{"role": "robot", "content": "x"}]}),
        ("/v1/chat/completions", {"messages": [{"role": "system", "content": "x"}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user"}]}),
        ("/v1/chat/completions", {"stream": "maybe"}),
        ("/v1/chat/completions", {"stream_options": 5}),
    ],
)
def test_wrong_types_are_a_server_error(client: TestClient, path: str, changes: dict[str, Any]) -> None:
    assert_error(client.post(path, json=GOOD[path] | changes), path, 422)


def test_message_does_not_name_the_wrong_field(client: TestClient) -> None:
    path = "/v1/chat/completions"
    body = GOOD[path] | {"messages": [{"role": "robot", "content": "x"}]}
    response = client.post(path, json=body)
    assert "messages.0.role" in assert_error(response, path, 422)
    assert response.json()["error"]["param"] == "messages.0.role"
    assert "k" in assert_error(client.post("/api/search", json={"question": "x", "k": 0}), "/api/search", 422)


@pytest.mark.parametrize("path", ASKING)
def test_body_of_two_megabytes_is_accepted(client: TestClient, path: str) -> None:
    assert_error(client.post(path, content=b" " * 2_000_000, headers=JSON), path, 413)
    pieces = (b" " * 10_000 for _ in range(200))  # without Content-Length
    assert_error(client.post(path, content=pieces, headers=JSON), path, 413)


def test_largest_body_allowed_is_refused(client: TestClient) -> None:
    body = json.dumps(GOOD["/api/ask"]).encode()
    at_limit = body + b" " * (MAX_BODY_BYTES - len(body))
    assert client.post("/api/ask", content=at_limit, headers=JSON).status_code == 200
    assert_error(client.post("/api/ask", content=at_limit + b" ", headers=JSON), "/api/ask", 413)


@pytest.mark.parametrize("path", ["/nothing", "/api/nothing", "/v1/nothing", "/docs", "/api/documents/none.md"])
def test_unknown_path_or_document_is_found(client: TestClient, path: str) -> None:
    assert_error(client.get(path), path, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/ask"),
        ("PUT", "/api/ask"),
        ("DELETE", "/api/documents"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/models"),
        ("POST", "/"),
        ("POST", "/static/app.js"),
        ("POST", "/healthz"),
    ],
)
def test_wrong_method_is_not_told_what_is_allowed(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path)
    assert_error(response, path, 405)
    assert response.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/%2e%2e/cli.py",
        "/static/..%2fcli.py",
        "/static/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/static/..%5ccli.py",
        "/static/%00",
        "/static/app.js%00.css",
        "/static/" + "a" * 4000,
        "/static/",
        "/static",
        "/api/documents/..%2f..%2fetc%2fpasswd",
        "/api/documents/%2fetc%2fpasswd",
        "/api/documents/%00",
        "/api/documents/%ff%fe",
        "/api/documents/",
    ],
)
def test_path_traversal_reaches_a_file(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "root:" not in response.text
    assert "import" not in response.text


def test_page_address_serves_anything_but_the_page(client: TestClient) -> None:
    page = client.get("/").content
    for path in ("/d/none.md", "/d/%2e%2e/%2e%2e/etc/passwd", "/d/..%2f..%2fcli.py", "/d/%00"):
        assert client.get(path).content == page


def test_bug_reaches_the_caller_as_a_traceback_or_loses_its_id(
    pipeline: Pipeline,
    client_over: Callable[..., AbstractContextManager[TestClient]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def ask(*arguments: object) -> None:
        raise RuntimeError("secret detail")

    broken = copy.copy(pipeline)
    with client_over(lambda: broken) as client:
        monkeypatch.setattr(broken, "stream", ask)
        for path in ("/api/ask", "/v1/chat/completions"):
            response = client.post(path, json=GOOD[path], headers={"X-Request-Id": "trace-1"})
            assert "secret" not in assert_error(response, path, 500)
            assert response.headers["X-Request-Id"] == "trace-1"
    assert "secret detail" in caplog.text, "the log has to say what happened"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (QuestionError("x"), 422),
        (InputError("x"), 400),
        (NotFoundError("x"), 404),
        (UnknownModelError("x"), 404),
        (StoredIndexError("x"), 503),
        (ModelError("x"), 503),
        (NotReadyError("x"), 503),
        (ZhengwenError("x"), 500),
    ],
)
def test_domain_error_maps_to_another_status(error: ZhengwenError, status: int) -> None:
    assert status_of(error) == status
