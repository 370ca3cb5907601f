"""`/healthz` answers at once; `/readyz` only when the pipeline is loaded, with the reason until then."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from indexer.errors import ModelError
from indexer.store import load
from service.pipeline import Pipeline

ClientOver = Callable[..., AbstractContextManager[TestClient]]
NEEDS_PIPELINE = ["/readyz", "/version", "/api/documents", "/api/documents/notice.md", "/v1/models"]


def _assert_unavailable(client: TestClient, path: str, reason: str) -> None:
    response = client.get(path)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    body = response.json()
    message = body["error"]["message"] if path.startswith("/v1/") else body["detail"]
    assert reason in message


def test_service_is_ready_before_its_pipeline_or_dead_until_then(pipeline: Pipeline, client_over: ClientOver) -> None:
    gate = threading.Event()

    def open_slowly() -> Pipeline:
        gate.wait()
        return pipeline

    with client_over(open_slowly, ready=False) as client:
        try:
            assert client.get("/healthz").json() == {"status": "ok"}
            assert client.get("/").status_code == 200
            for path in NEEDS_PIPELINE:
                _assert_unavailable(client, path, "loading")
            for path, body in (
                ("/api/ask", {"question": "公寓的月租金是多少？"}),
                ("/v1/chat/completions", {"model": "zhengwen", "messages": [{"role": "user", "content": "公寓？"}]}),
            ):
                assert client.post(path, json=body).status_code == 503
        finally:
            gate.set()
        while client.get("/readyz").status_code != 200:
            pass
        assert client.get("/readyz").json() == {"status": "ready", "index": pipeline.receipt.index}
        for path in NEEDS_PIPELINE:
            assert client.get(path).status_code == 200


def _fail_to_load(error: Exception, client_over: ClientOver) -> str:
    """What `/readyz` says once loading has ended with `error`."""

    def open_broken() -> Pipeline:
        raise error

    with client_over(open_broken, ready=False) as client:
        while "still loading" in (detail := client.get("/readyz").json()["detail"]):
            pass
        for path in NEEDS_PIPELINE:
            _assert_unavailable(client, path, detail)
        assert client.get("/healthz").status_code == 200
    return str(detail)


def test_reason_why_it_cannot_be_loaded_is_not_told(client_over: ClientOver) -> None:
    assert _fail_to_load(ModelError("the embedder 'x' cannot be loaded"), client_over) == (
        "the embedder 'x' cannot be loaded"
    )


def test_bug_while_loading_looks_like_loading_for_ever(
    client_over: ClientOver, caplog: pytest.LogCaptureFixture
) -> None:
    detail = _fail_to_load(RuntimeError("secret detail"), client_over)
    assert "could not be loaded" in detail
    assert "secret" not in detail
    assert "secret detail" in caplog.text


def test_missing_index_is_not_told(tmp_path: Path, client_over: ClientOver) -> None:
    with client_over(lambda: Pipeline.over(load(tmp_path / "none")), ready=False) as client:
        while "still loading" in (detail := client.get("/readyz").json()["detail"]):
            pass
        assert "zhengwen index" in detail, "it does not say what to do"


def test_pipeline_is_loaded_once_a_request(pipeline: Pipeline, client_over: ClientOver) -> None:
    loads = []

    def open_counted() -> Pipeline:
        loads.append(1)
        return pipeline

    with client_over(open_counted) as client:
        for _ in range(3):
            assert client.post("/api/ask", json={"question": "公寓的月租金是多少？"}).status_code == 200
    assert len(loads) == 1
