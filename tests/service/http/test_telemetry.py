"""Spans reach a collector over a real socket, with the stages and without the question; without a collector nothing fails."""

import http.server
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.testclient import TestClient

from indexer.errors import InputError
from service.http.metrics import Metrics
from service.http.middleware import Observed, RequestId, UnexpectedErrors
from service.http.telemetry import Telemetry
from service.pipeline import Pipeline

QUESTION = "公寓的月租金是多少？"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass
class Collector:
    """A collector that keeps what it gets; in the protocol buffers of a request, texts stand as they are."""

    url: str
    paths: list[str] = field(default_factory=list)
    received: bytes = b""


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            running.paths.append(self.path)
            running.received += self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        server.shutdown()
        thread.join()


def test_request_leaves_no_span_or_too_much_in_it(
    pipeline: Pipeline, collector: Collector, app_over: Callable[..., FastAPI]
) -> None:
    with TestClient(
        app_over(lambda: pipeline, telemetry_endpoint=collector.url + "/"), base_url="http://127.0.0.1:8000"
    ) as client:
        while client.get("/readyz").status_code != 200:
            pass
        assert client.post("/api/ask", json={"question": QUESTION}).status_code == 200
        client.get("/api/documents/planted.md?key=planted", headers={"X-Request-Id": "request-7"})
    assert set(collector.paths) == {"/v1/traces"}
    names = (b"POST /api/ask", b"GET /api/documents/{doc_id:path}", b"zhengwen.request_id", b"request-7", b"http.route")
    for name in names:
        assert name in collector.received
    assert b"planted" not in collector.received
    assert QUESTION.encode() not in collector.received


def test_stages_of_an_answer_are_no_children_of_its_request(pipeline: Pipeline, collector: Collector) -> None:
    telemetry = Telemetry.open(collector.url)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer = await run_in_threadpool(pipeline.ask, QUESTION)
        await run_in_threadpool(telemetry.observe_answer, answer)
        raise RuntimeError(f"cannot do {QUESTION}")

    client = TestClient(RequestId(Observed(UnexpectedErrors(app), Metrics(), telemetry)))
    assert client.get("/", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}).status_code == 500
    telemetry.close()
    # Each span holds its trace and its name; a request below the caller's span has the caller's trace, and so have its stages.
    spans = re.findall(re.escape(bytes.fromhex(TRACE)), collector.received)
    assert len(spans) == 4
    assert bytes.fromhex("00f067aa0ba902b7") in collector.received
    for stage in (b"retrieve", b"read", b"compose"):
        assert collector.received.count(b"\x2a" + bytes([len(stage)]) + stage) == 1, "field 5 of a span is its name"
    assert b"answered" in collector.received
    assert QUESTION.encode() not in collector.received
    assert b"cannot do" not in collector.received


def test_next_request_of_a_connection_is_a_child_of_the_last(collector: Collector, run_app: Any, connect: Any) -> None:
    telemetry = Telemetry.open(collector.url)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"done"})

    get = b"GET / HTTP/1.1\r\nHost: x\r\n%s\r\n"
    parent = b"traceparent: 00-" + TRACE.encode() + b"-00f067aa0ba902b7-01\r\n"
    with run_app(RequestId(Observed(app, Metrics(), telemetry))) as port, connect(port) as client:
        client.send(get % parent + get % b"Connection: close\r\n").read()
    telemetry.close()
    assert collector.received.count(bytes.fromhex(TRACE)) == 1


def test_collector_that_is_gone_fails_requests_or_says_nothing(
    free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = Telemetry.open(f"http://127.0.0.1:{free_port}")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    assert TestClient(RequestId(Observed(app, Metrics(), telemetry))).get("/").text == "done"
    with caplog.at_level(logging.WARNING):
        telemetry.close()
    assert "opentelemetry" in "".join(record.name for record in caplog.records)


@pytest.mark.parametrize("endpoint", ["collector:4318", "grpc://collector:4317", "http://", "on"])
def test_endpoint_that_is_none_is_found_out_later(
    endpoint: str, pipeline: Pipeline, app_over: Callable[..., FastAPI]
) -> None:
    with pytest.raises(InputError, match=re.escape(repr(endpoint))):
        app_over(lambda: pipeline, telemetry_endpoint=endpoint)


def test_missing_extra_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    with pytest.raises(InputError, match=re.escape("pip install 'zhengwen[telemetry]'")):
        Telemetry.open("http://127.0.0.1:4318")


def test_library_is_loaded_though_it_is_off(tmp_path: Path) -> None:
    program = (
        "import sys; from service.http.app import create_app; from service.settings import Settings;"
        "from service.records.database import Database;"
        f"create_app(lambda: None, Settings(), Database.open('sqlite:///{tmp_path}/records.db'));"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
