"""Examples come from the documents that the asker may see, and are nobody's questions."""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.testclient import TestClient

from service.pipeline import Pipeline
from service.records.keys import KeyStore
from service.records.types import KeyScope


def test_example_tells_of_a_document_that_the_asker_may_not_see(
    pipeline: Pipeline, app_over: Callable[..., FastAPI]
) -> None:
    app = app_over(lambda: pipeline, require_keys="always")
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        while client.get("/readyz").status_code != 200:
            pass
        keys = KeyStore(client.app_state["database"])
        seen = keys.create("some", [KeyScope.ASK], documents=["city/*"]).secret
        everything = keys.create("all", [KeyScope.ASK]).secret
        searching = keys.create("search", [KeyScope.SEARCH]).secret

        def examples(secret: str) -> list[dict[str, str]]:
            rows: list[dict[str, str]] = client.get("/api/examples", headers={"api-key": secret}).json()["examples"]
            return rows

        assert {row["doc_id"].split("/")[0] for row in examples(seen)} <= {"city"}
        assert len({row["doc_id"] for row in examples(everything)}) > 1
        assert client.get("/api/examples", headers={"api-key": searching}).status_code == 403
        assert client.get("/api/examples").status_code == 401


def test_example_is_counted_as_a_question_of_somebody(client: TestClient) -> None:
    def answers() -> list[str]:
        return [line for line in client.get("/metrics").text.splitlines() if line.startswith("zhengwen_answers_total")]

    before = answers()
    assert client.get("/api/examples").json()["examples"]
    assert answers() == before


def test_files_of_the_page_are_sent_as_large_as_they_are_or_a_stream_is_held_back(client: TestClient) -> None:
    packed = client.get("/static/app.js", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/static/app.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.text == plain.text
    again = client.get("/static/app.js", headers={"If-None-Match": packed.headers["ETag"], "Accept-Encoding": "gzip"})
    assert (again.status_code, again.content) == (304, b"")
    body = {"question": "青石河全长多少公里？", "stream": True}
    stream = client.post("/api/ask", json=body, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in stream.headers
