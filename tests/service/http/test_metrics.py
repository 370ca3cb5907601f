"""What Prometheus reads: the counts are right, in one process and in several, and their labels are few."""

import ast
import inspect
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from service.answer import Answer, Status
from service.generate import LACKS_ANSWER
from service.http.metrics import Metrics, refusal_code, shared_folder, stage_seconds
from service.pipeline import MODEL_BROKE_OFF, Pipeline
from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import KeyScope
from service.refusal import refusal_reason

QUESTIONS = ["公寓的月租金是多少？", "青石河全长多少公里？", "火星基地的氧气由谁供应？", "公寓的保安队长叫什么名字？"]

Samples = dict[tuple[str, str], float]


def samples(text: bytes) -> Samples:
    """(name, its only label or empty) → value, read by the library's own parser of what it writes."""
    return {
        (sample.name, ",".join(value for name, value in sorted(sample.labels.items()) if name != "le")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


@pytest.fixture(scope="module")
def answers(pipeline: Pipeline) -> list[Answer]:
    return [pipeline.ask(question) for question in QUESTIONS]


def test_answers_are_miscounted(answers: list[Answer]) -> None:
    metrics = Metrics()
    for answer in answers:
        metrics.observe_answer(answer)
    metrics.observe_answer(replace(answers[0], dropped=3))
    got = samples(metrics.render())
    statuses = Counter(answer.status.value for answer in [*answers, answers[0]])
    assert statuses.keys() >= {"answered", "refused"}
    for status in Status:
        assert got["zhengwen_answers_total", status.value] == statuses[status.value]
    sentences = sum(len(answer.sentences) for answer in answers) + len(answers[0].sentences)
    assert got["zhengwen_sentences_total", "supported"] == sentences
    assert got["zhengwen_sentences_total", "unsupported"] == 3
    refused = sum(value for (name, _), value in got.items() if name == "zhengwen_refusals_total")
    assert refused == statuses["refused"]
    for stage in ("retrieve", "read", "compose", "total"):
        assert got["zhengwen_stage_duration_seconds_count", stage] == len(answers) + 1
    total = sum(answer.timings["total_ms"] for answer in [*answers, answers[0]]) / 1000
    assert got["zhengwen_stage_duration_seconds_sum", "total"] == pytest.approx(total)
    parts = [got["zhengwen_stage_duration_seconds_sum", stage] for stage in ("retrieve", "read", "compose")]
    assert sum(parts) == pytest.approx(total)


def test_series_is_missing_until_its_first_event() -> None:
    got = samples(Metrics().render())
    assert got["zhengwen_answers_total", "partial"] == 0
    assert got["zhengwen_sentences_total", "unsupported"] == 0
    assert got["zhengwen_refusals_total", "off_topic"] == 0
    assert got["zhengwen_refusals_total", "other"] == 0


def test_timings_that_do_not_add_up_give_a_negative_time() -> None:
    assert stage_seconds({"retrieve_ms": 10.0, "read_ms": 20.0, "total_ms": 29.9})["compose"] == 0
    assert stage_seconds({}) == {}


def test_reason_that_we_make_has_no_code(answers: list[Answer]) -> None:
    made = [node for node in ast.walk(ast.parse(inspect.getsource(refusal_reason))) if isinstance(node, ast.Return)]
    texts = [
        part.value
        for node in made
        for part in [next((n for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value), None)]
        if part is not None
    ]
    assert len(texts) >= 5
    reasons = [*texts, MODEL_BROKE_OFF, LACKS_ANSWER, *(answer.reason for answer in answers if answer.reason)]
    unsupported = inspect.getsource(Pipeline._answer).partition("assembly.reason or ")[2].partition("\n")[0]
    codes = {reason: refusal_code(reason) for reason in [*reasons, ast.literal_eval(unsupported)]}
    assert "other" not in codes.values(), codes
    assert len(set(codes.values())) == len({refusal_code(text) for text in codes}) > 5


def test_callers_make_series_without_end() -> None:
    metrics = Metrics()
    for i in range(300):
        metrics.observe_request(f"M{i}", "unmatched", 200 + i, 0.1)
    requests = [key for key in samples(metrics.render()) if key[0] == "zhengwen_requests_total"]
    assert len(requests) == 3


def test_two_indexes_are_served_at_once() -> None:
    metrics = Metrics()
    for index in ("sha256:one", "sha256:one", "sha256:two"):
        metrics.set_index(index)
    got = samples(metrics.render())
    assert got["zhengwen_index_info", "sha256:one"] == 0
    assert got["zhengwen_index_info", "sha256:two"] == 1


def test_queue_is_read_once_and_for_all() -> None:
    metrics, depth = Metrics(), [7, 2]
    metrics.watch_queue(lambda: depth[0], lambda: depth[1])
    assert samples(metrics.render())["zhengwen_queue_waiting", ""] == 7
    depth[0] = 3
    got = samples(metrics.render())
    assert (got["zhengwen_queue_waiting", ""], got["zhengwen_queue_working", ""]) == (3, 2)


def test_applications_share_their_counts(answers: list[Answer]) -> None:
    one, other = Metrics(), Metrics()
    one.observe_answer(answers[0])
    assert samples(other.render())["zhengwen_answers_total", "answered"] == 0


def test_metrics_route_is_in_another_format_or_does_not_know_the_index(client: TestClient, pipeline: Pipeline) -> None:
    response = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    got = samples(response.content)
    assert got["zhengwen_index_info", pipeline.receipt.index] == 1
    assert got["process_resident_memory_bytes", ""] > 0
    again = samples(client.get("/metrics").content)
    counted = ("zhengwen_requests_total", "GET,/metrics,2xx")
    assert again[counted] == got.get(counted, 0) + 1
    assert again["zhengwen_request_duration_seconds_count", "/metrics"] >= 1


def test_metrics_are_for_everybody(pipeline: Pipeline, app_over: Callable[..., FastAPI], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}
    with TestClient(app_over(lambda: pipeline, database=url), base_url="http://127.0.0.1:8000") as client:
        keys = KeyStore(Database.open(url))
        ask, admin = (keys.create(scope.value, [scope]).secret for scope in (KeyScope.ASK, KeyScope.ADMIN))
        statuses = [
            client.get("/metrics", headers=elsewhere | headers).status_code
            for headers in ({}, {"api-key": ask}, {"api-key": admin}, {"Authorization": f"Bearer {admin}"})
        ]
    assert statuses == [401, 403, 200, 200]


# A process of its own, for the library decides when it is imported how it counts.
_WORKER = """
import sys
from service.http.metrics import Metrics
metrics = Metrics()
metrics.watch_queue(lambda: 5, lambda: 1)
metrics.set_index("sha256:" + sys.argv[1])
for _ in range(int(sys.argv[2])):
    metrics.observe_request("GET", "/metrics", 200, 0.25)
for line in iter(sys.stdin.readline, ""):
    if line == "index\\n":
        metrics.set_index("sha256:new")
    text = metrics.render()
    print(len(text), flush=True)
    sys.stdout.buffer.write(text)
    sys.stdout.flush()
"""


@contextmanager
def _worker(index: str, requests: int) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[bytes], Samples]]]:
    """A worker that has counted so many requests, and a way to ask it for what all of them counted."""
    command = [sys.executable, "-c", _WORKER, index, str(requests)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

        def ask(word: bytes = b"metrics") -> Samples:
            to, back = _pipes(process)
            to.write(word + b"\n")
            to.flush()
            return samples(back.read(int(back.readline())))

        yield process, ask
        _pipes(process)[0].close()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def test_each_worker_answers_for_itself_alone() -> None:
    with shared_folder(), ExitStack() as workers:
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        _, first = workers.enter_context(_worker("old", 3))
        doomed, second = workers.enter_context(_worker("old", 4))
        second()  # it has counted by now
        got = first()
        assert got["zhengwen_requests_total", "GET,/metrics,2xx"] == 7
        assert got["zhengwen_request_duration_seconds_sum", "/metrics"] == pytest.approx(7 * 0.25)
        assert got["zhengwen_queue_waiting", ""] == 10
        assert got["zhengwen_index_info", "sha256:old"] == 1
        got = first(b"index")
        assert (got["zhengwen_index_info", "sha256:old"], got["zhengwen_index_info", "sha256:new"]) == (1, 1)
        doomed.kill()
        doomed.wait()
        got = first()
        assert got["zhengwen_requests_total", "GET,/metrics,2xx"] == 7, "what a dead worker counted has happened"
        assert got["zhengwen_queue_waiting", ""] == 5, "but nothing waits for it any more"
        assert got["zhengwen_index_info", "sha256:old"] == 0
        assert [path for path in folder.iterdir() if "live" in path.name and str(doomed.pid) in path.name] == []
    assert not folder.exists()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_workers_count_on_into_the_files_of_the_last_run() -> None:
    for _ in range(2):
        with shared_folder(), _worker("old", 2) as (_, ask):
            assert ask()["zhengwen_requests_total", "GET,/metrics,2xx"] == 2
