"""The judge against a real server on this machine that replies well, nonsense, or not at all."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from eval.judge import Judge, Verdict, judge_records, parse_verdict
from eval.summary import summarise


@dataclass
class FakeModel:
    """What the server replies, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    def says(self, content: str) -> None:
        self.body = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


@pytest.fixture
def model() -> Iterator[FakeModel]:
    fake = FakeModel()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fake.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))) | {"path": self.path})
            fake.keys.append(self.headers["Authorization"])
            self.send_response(fake.status)
            self.send_header("Content-Length", str(len(fake.body)))
            self.end_headers()
            self.wfile.write(fake.body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_port}/v1/"
        yield fake
        server.shutdown()
        thread.join()


def verdicts(model: FakeModel, records: list[Any], **options: Any) -> list[str | None]:
    judge = Judge(model.url, "small", **options)
    return [record.judge for record in judge_records(judge, records, lambda: None)]


def test_the_judge_sees_too_little_or_its_verdict_is_lost(model: FakeModel, world):
    records = world.records(world.quoting, [world.answerable(1)])
    model.says('理由略。{"right": true}')
    assert verdicts(model, records, key="sk-7") == ["right"]
    (asked,) = model.asked
    assert (asked["path"], asked["model"], asked["temperature"]) == ("/v1/chat/completions", "small", 0)
    for part in ("第1问", "26座", world.texts["lake.md"]):
        assert part in asked["messages"][0]["content"]
    assert "[1]" not in asked["messages"][0]["content"]
    assert model.keys == ["Bearer sk-7"]
    model.says('{"right": false}')
    assert verdicts(model, records) == ["wrong"]
    assert model.keys[1] is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": null}}]}']
)
def test_nonsense_is_taken_for_a_verdict(model: FakeModel, world, body: bytes):
    model.body = body
    assert verdicts(model, world.records(world.quoting, [world.answerable(1)])) == ["unscored"]


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_failed_call_ends_the_run_or_counts_as_wrong(model: FakeModel, world, status: int):
    model.says('{"right": true}')
    model.status = status
    assert verdicts(model, world.records(world.quoting, [world.answerable(1)])) == ["unscored"]


def test_nobody_listening_ends_the_run(world):
    records = world.records(world.quoting, [world.answerable(1)])
    for url in ("http://127.0.0.1:1/v1", "no address", "http://[::"):
        assert [r.judge for r in judge_records(Judge(url, "small"), records, lambda: None)] == ["unscored"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "对",
        "right",
        "{}",
        '{"right": 1}',
        '{"right": "true"}',
        '{"right": true} {"right": false}',
        "{right}",
        None,
        7,
    ],
)
def test_a_verdict_is_read_into_anything(content: object):
    assert parse_verdict(content) is Verdict.UNSCORED


def test_refusals_failures_and_verdicts_that_stand_are_judged_again(model: FakeModel, world):
    def say(question: str) -> Any:
        if question == "第2问":
            raise RuntimeError("坏了")
        return world.refusal(question) if question == "第1问" else world.quoting(question)

    model.says('{"right": true}')
    records = world.records(say, [world.answerable(i) for i in (1, 2, 3, 4)] + [world.unanswerable(1)])
    records[3] = replace(records[3], judge="wrong")
    records[2] = replace(records[2], judge="unscored")
    assert verdicts(model, records) == [None, None, "right", "wrong", None]
    assert len(model.asked) == 1


def test_a_verdict_changes_a_score(model: FakeModel, world):
    model.says('{"right": false}')
    records = world.records(world.quoting, world.questions())
    judged = judge_records(Judge(model.url, "small"), records, lambda: None)
    before, after = summarise(records, world.header), summarise(judged, world.header)
    assert before.judge is None
    assert after.judge == {"wrong": 15}
    assert replace(after, judge=None) == before
