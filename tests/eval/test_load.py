"""What the load test says is what users met."""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from eval.cli import app
from eval.load import Reply, percentile, put_load, summarise


@dataclass
class Service:
    """A service that answers with these statuses in turn, then with 200; `asked` are the questions it got."""

    url: str
    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0


@pytest.fixture
def service() -> Iterator[Service]:
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                running.at_once += 1
                running.most_at_once = max(running.most_at_once, running.at_once)
                running.asked.append(body["question"])
                running.keys.add(self.headers.get("Authorization"))
                status = running.statuses.pop(0) if running.statuses else 200
            if status == 0:
                self.close_connection = True
            else:
                self.send_response(status)
                self.send_header("Content-Length", "2")
                if status in (429, 503):
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(b"{}")
            with lock:
                running.at_once -= 1

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Service(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        server.shutdown()
        thread.join()


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=60),
    st.sampled_from([0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0]),
)
def test_percentile_is_another_than_that_of_numpy(values: list[float], share: float) -> None:
    assert percentile(values, share) == np.quantile(values, share, method="inverted_cdf")


def test_slow_failures_count_as_answers() -> None:
    replies = [
        Reply(200, 10.0),
        Reply(200, 30.0),
        Reply(503, 9000.0),
        Reply(500, 9000.0),
        Reply(0, 9000.0),
        Reply(429, 1.0),
    ]
    load = summarise(3, 2.0, replies)
    assert (load.answered, load.per_second, load.turned_away, load.failed) == (2, 1.0, 2, 2)
    assert (load.p50, load.p95, load.slowest) == (10.0, 30.0, 30.0)
    assert summarise(1, 1.0, []).p99 == 0.0


def test_questions_are_lost_or_asked_twice(service: Service) -> None:
    questions = [f"第{number}个问题" for number in range(7)]
    load = put_load(service.url, questions, 4, total=21, key="zw-secret")
    assert sorted(service.asked) == sorted(questions * 3)
    assert (load.answered, load.users, load.failed) == (21, 4, 0)
    assert 1 <= service.most_at_once <= 4
    assert service.keys == {"Bearer zw-secret"}


def test_broken_connection_or_bug_ends_the_load_test(service: Service) -> None:
    service.statuses = [500, 503, 0, 429, 200]
    load = put_load(service.url, ["问题"], 1, total=8)
    assert (load.answered, load.turned_away, load.failed) == (4, 2, 2)


def test_command_succeeds_though_requests_failed(service: Service) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["eval", "load", service.url, "--users", "2", "--total", "5", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["answered"] == 5
    service.statuses = [500]
    assert runner.invoke(app, ["eval", "load", service.url, "--users", "1", "--total", "2"]).exit_code == 1
