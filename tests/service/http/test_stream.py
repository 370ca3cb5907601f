"""Streams of a composer that writes: sentences go out as they are checked, and nobody writes for nobody."""

import itertools
import json
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from indexer.errors import ModelError
from indexer.store import Stored
from service.language_model import LanguageModel, Message, ScriptedModel
from service.pipeline import MODEL_UNAVAILABLE, SHOWN, Pipeline

RENT = "公寓的月租金是多少？"
PIECES = ("每套公寓的月租金为320元[1]。", "月租金是九百元[1]。", "水费和电费按实际用量另外收取[1]。", "\n")
NATIVE = ("/api/ask", {"question": RENT, "stream": True})
OPENAI = (
    "/v1/chat/completions",
    {"model": "zhengwen", "stream": True, "messages": [{"role": "user", "content": RENT}]},
)

Json = dict[str, Any]
ClientOver = Callable[..., AbstractContextManager[TestClient]]


class Slow:
    """Writes a sentence; once it `thinks` it goes on thinking until nobody listens, but not while the service warms up."""

    fingerprint = "slow"

    def __init__(self) -> None:
        self.thinks = False
        self.hung_up = threading.Event()

    def generate(self, messages: Sequence[Message], stop: Sequence[str] = ()) -> Generator[str, None, None]:
        try:
            yield PIECES[0] + "\n"
            yield "<think>"
            while self.thinks:
                yield "想"
        except GeneratorExit:
            self.hung_up.set()
            raise


def events_of(client: TestClient, path: str, body: Json) -> list[tuple[str, Any]]:
    """(name, decoded data) of every event of a stream; comments are passed over, as clients do."""
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["Cache-Control"] == "no-store"
    events = []
    for block in response.text.removesuffix("\n\n").split("\n\n"):
        if block.startswith(":"):
            continue
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = fields["data"]
        events.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return events


@pytest.fixture
def client_of(client_over: ClientOver, stored_index: Stored) -> Callable[[LanguageModel], Any]:
    return lambda model: client_over(lambda: Pipeline.over(stored_index, model))


def test_openai_stream_holds_the_sentences_back_or_shows_a_lie(client_of: Callable[..., Any]) -> None:
    with client_of(ScriptedModel(*PIECES)) as client:
        *rows, done = [data for _, data in events_of(client, *OPENAI)]
        plain = client.post(OPENAI[0], json=OPENAI[1] | {"stream": False}).json()
    assert done == "[DONE]"
    contents = [row["choices"][0]["delta"].get("content") for row in rows[1:-1]]
    assert len(contents) == 2
    assert "".join(contents) == plain["choices"][0]["message"]["content"]
    assert "九百" not in json.dumps(rows, ensure_ascii=False)
    assert rows[-1]["grounding"] == plain["grounding"]
    assert rows[-1]["grounding"]["dropped"] == 1


def test_annotation_is_shifted_by_the_notice(client_of: Callable[..., Any]) -> None:
    with client_of(ScriptedModel(error=ModelError("gone"))) as client:
        message = client.post(OPENAI[0], json=OPENAI[1] | {"stream": False}).json()["choices"][0]["message"]
        rows = [data for _, data in events_of(client, *OPENAI)]
    assert message["content"].startswith(MODEL_UNAVAILABLE + "\n")
    assert message["annotations"]
    for annotation in message["annotations"]:
        place = annotation["url_citation"]
        shown = message["content"][place["start_index"] : place["end_index"]]
        assert MODEL_UNAVAILABLE not in shown
        assert shown.endswith("]")
    assert rows[1]["choices"][0]["delta"]["content"].startswith(MODEL_UNAVAILABLE)
    assert rows[-2]["grounding"]["notice"] == MODEL_UNAVAILABLE


def test_native_stream_tells_something_else_than_the_answer(client_of: Callable[..., Any], pipeline: Pipeline) -> None:
    with client_of(ScriptedModel(*PIECES)) as client:
        (first, found), *sentences, (last, answer) = events_of(client, *NATIVE)
        plain = client.post("/api/ask", json={"question": RENT}).json()
    assert (first, last) == ("passages", "answer")
    # What retrieval found goes out before it is read; reading orders it anew for the answer.
    assert [passage["passage_id"] for passage in found["passages"]] == [
        hit.passage.passage_id for hit in pipeline.stages(RENT).fused[:SHOWN]
    ]
    assert all(passage.keys() == plain["passages"][0].keys() for passage in found["passages"])
    assert [name for name, _ in sentences] == ["sentence"] * 2
    assert "".join(data["text"] for _, data in sentences) == plain["answer"]
    assert [data["citations"] for _, data in sentences] == [s["citations"] for s in plain["sentences"]]
    assert {**answer, "timings": None} == {**plain, "timings": None}


def test_native_stream_of_quotes_or_of_a_refusal_has_another_form(client: TestClient) -> None:
    for question in (RENT, "火星基地的氧气由谁供应？"):
        (first, _), *sentences, (last, answer) = events_of(client, "/api/ask", {"question": question, "stream": True})
        assert (first, last) == ("passages", "answer")
        assert len(sentences) == len(answer["sentences"])


def test_question_that_cannot_be_asked_begins_a_stream(client: TestClient) -> None:
    for path, body in (NATIVE, OPENAI):
        empty = json.loads(json.dumps(body).replace(json.dumps(RENT), '""'))
        assert client.post(path, json=empty).status_code == 422


def test_bug_ends_the_native_stream_without_a_word(client_of: Callable[..., Any]) -> None:
    class Broken(ScriptedModel):
        is_broken = False

        def generate(self, messages: Sequence[Message], stop: Sequence[str] = ()) -> Generator[str, None, None]:
            yield PIECES[0] + "\n"
            if self.is_broken:
                raise RuntimeError("secret")

    model = Broken()
    with client_of(model) as client:
        model.is_broken = True
        (first, _), (second, _), (last, told) = events_of(client, *NATIVE)
    assert (first, second, last) == ("passages", "sentence", "error")
    assert told.keys() == {"type", "title", "status", "detail", "instance"}
    assert told["status"] == 500
    assert "secret" not in told["detail"]


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application over a real socket; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="on"))
    started = threading.Event()
    ports = []

    async def startup(sockets: Any = None) -> None:
        await uvicorn.Server.startup(server, sockets)
        ports.append(server.servers[0].sockets[0].getsockname()[1])
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    started.wait()
    url = f"http://127.0.0.1:{ports[0]}"
    while httpx2.get(url + "/readyz").status_code != 200:
        pass
    yield url
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize(("path", "body"), [NATIVE, OPENAI])
def test_model_writes_on_for_a_client_that_hung_up(
    stored_index: Stored, app_over: Callable[..., FastAPI], path: str, body: Json
) -> None:
    model = Slow()
    with served(app_over(lambda: Pipeline.over(stored_index, model))) as url:
        model.thinks = True
        with httpx2.stream("POST", url + path, json=body) as response:
            # The sentence comes though the reply goes on; then the client hangs up.
            assert any("320元" in line for line in itertools.islice(response.iter_lines(), 10_000))
            assert not model.hung_up.is_set()
        assert model.hung_up.wait(60)
