"""What only a real server shows: bytes on a socket, sizes, broken connections, Ctrl-C while it runs."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest

QUESTION = "公寓的月租金是多少？"


def exchange(server: Any, request: bytes) -> bytes:
    """All bytes that the server sends for these bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request)
        reply = b""
        while piece := connection.recv(65536):
            reply += piece
        return reply


def get(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "path",
    [
        b"/static/../cli.py",
        b"/static/../../../../../../../../etc/passwd",
        b"/static/..%2f..%2fcli.py",
        b"/static/%2e%2e/cli.py",
        b"/static//etc/passwd",
        b"/static/%00",
        b"/api/documents/../../etc/passwd",
        b"/api/documents/..%2f..%2f..%2fetc%2fpasswd",
    ],
)
def test_raw_path_traversal_reaches_a_file(server: Any, path: bytes) -> None:
    head, _, body = exchange(server, get(path)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in head
    assert b"root:" not in body
    assert b"import" not in body


def test_page_is_not_served(server: Any) -> None:
    head, _, body = exchange(server, get(b"/")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Security-Policy: default-src 'self'".lower() in head.lower()
    assert re.search(rb"\r\nx-request-id: [0-9a-f]{32}(\r|$)", head.lower())
    assert b"<!doctype html>" in body


@pytest.mark.parametrize("path", ["/api/ask", "/v1/chat/completions"])
def test_body_of_two_megabytes_gets_no_answer_over_a_socket(server: Any, path: str) -> None:
    body = b'{"question": "' + "元".encode() * 700_000 + b'"}'
    for content in (body, (body[i : i + 10_000] for i in range(0, len(body), 10_000))):
        response = httpx2.post(server.url + path, content=content)
        assert response.status_code == 413
        assert ("error" in response.json()) == path.startswith("/v1/")
        assert response.headers["X-Request-Id"]
    assert httpx2.get(server.url + "/healthz").status_code == 200


def test_caller_that_hangs_up_leaves_a_traceback_in_the_log(server: Any) -> None:
    head = b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    for sent in (head, head + b'{"question": "', b"POST /api", b"\x16\x03\x01\x02\x00", b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(sent)
    stream = {"model": "zhengwen", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    with httpx2.stream("POST", server.url + "/v1/chat/completions", json=stream) as response:
        next(response.iter_bytes())  # and hang up in the middle of the stream
    assert httpx2.post(server.url + "/api/ask", json={"question": QUESTION}).status_code == 200
    assert "Traceback" not in "".join(server.log)


def test_concurrent_callers_get_each_others_answers(server: Any) -> None:
    questions = [QUESTION, "青石河全长多少公里？", "种粮补贴总额是多少？", "火星基地的氧气由谁供应？"] * 4

    def ask(question: str) -> tuple[str, str]:
        row = httpx2.post(server.url + "/api/ask", json={"question": question}).json()
        return row["question"], row["id"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, questions))
    assert [question for question, _ in answers] == questions
    assert len(set(answers)) == 4, "one question got two answers"


def test_sdk_cannot_talk_to_the_server(server: Any) -> None:
    with openai.OpenAI(base_url=server.url + "/v1", api_key="unused", max_retries=0) as sdk:
        messages: list[Any] = [{"role": "user", "content": QUESTION}]
        plain = sdk.chat.completions.create(model="zhengwen", messages=messages)
        stream = sdk.chat.completions.create(model="zhengwen", messages=messages, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "三百二十元" in text
    assert text == plain.choices[0].message.content


def test_stream_arrives_without_its_end(server: Any) -> None:
    body = {"model": "zhengwen", "messages": [{"role": "user", "content": QUESTION}], "stream": True}
    with httpx2.stream("POST", server.url + "/v1/chat/completions", json=body) as response:
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all(json.loads(line.removeprefix("data: "))["id"] for line in lines[:-1])


def test_question_is_written_to_the_log(server: Any) -> None:
    for path, body in (
        ("/api/ask", {"question": "陈秘书家的月租金是多少？"}),
        (
            "/v1/chat/completions",
            {"model": "zhengwen", "messages": [{"role": "user", "content": "陈秘书家的月租金？"}]},
        ),
        ("/api/ask", {"question": "陈秘书" * 1000}),
        ("/api/ask", {"question": ["陈秘书"]}),
    ):
        httpx2.post(server.url + path, json=body)
    assert httpx2.get(server.url + "/healthz").status_code == 200
    assert "陈秘书" not in "".join(server.log)
