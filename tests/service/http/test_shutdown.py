"""A server that is told to stop finishes what it has begun, takes nothing new, and does not take for ever."""

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import httpx2
import pytest

ASK = {"question": "公寓的月租金是多少？", "stream": True}

Start = Callable[..., subprocess.Popen[str]]


class Running:
    """A server in a process of its own; `log` is what it has written so far, `readers` counts the workers that are ready."""

    def __init__(self, process: subprocess.Popen[str], port: int, workers: int) -> None:
        self.process = process
        self.port = port
        self.log: list[str] = []
        self._ready = threading.Semaphore(0)
        threading.Thread(target=self._read, args=(process.stderr,), daemon=True).start()
        for _ in range(workers):
            assert self._ready.acquire(timeout=120), "".join(self.log)
        assert "cannot serve" not in "".join(self.log), "".join(self.log)

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.log.append(line)
            if "ready index=" in line or "cannot serve" in line:
                self._ready.release()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def refuses(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60):
                return False
        except ConnectionRefusedError:
            return True


@pytest.fixture
def serving(index: Path, start: Start, free_port: int, model_server: Any) -> Callable[..., Any]:
    """`with serving(workers, ZHENGWEN_…=…)`: a server whose answers are worded by the model server."""

    @contextmanager
    def run(workers: int = 1, **settings: str) -> Iterator[Running]:
        environment = {
            "ZHENGWEN_COMPOSER": "server",
            "ZHENGWEN_COMPOSER_MODEL": "m",
            "ZHENGWEN_COMPOSER_BASE_URL": model_server.url,
            "ZHENGWEN_WORKERS": str(workers),
        } | settings
        with start("serve", "--port", free_port, "--index", index, **environment) as process:
            try:
                yield Running(process, free_port, workers)
            finally:
                process.kill()
                model_server.released.set()

    return run


def hangs(model_server: Any) -> Callable[[Any], None]:
    """A reply of the model that stops after its first sentence until it is released."""

    def reply(out: Any) -> None:
        def say(piece: str, finish: str | None = None) -> None:
            row = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": finish}]}
            out.write(f"data: {json.dumps(row, ensure_ascii=False)}\n\n".encode())
            out.flush()

        say("每套公寓的月租金为320元[1]。\n")
        model_server.released.wait()
        say("水费和电费按实际用量另外收取[1]。\n", "stop")
        out.write(b"data: [DONE]\n\n")

    return reply


@pytest.mark.parametrize("workers", [1, 2])
def test_stream_is_cut_off_by_a_stop_or_idle_connections_hold_it_up(
    serving: Any, model_server: Any, connect: Any, workers: int
) -> None:
    with serving(workers) as server, httpx2.Client(timeout=120) as client, ExitStack() as connections:
        idle = [connections.enter_context(connect(server.port)) for _ in range(3)]
        idle[1].send(b"GET / HTTP/1.1\r\n")
        idle[2].send(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").read(until=b"}")
        model_server.says(*[hangs(model_server)] * 3)
        with client.stream("POST", server.url + "/api/ask", json=ASK) as response:
            lines = response.iter_lines()
            assert any("320元" in line for line in lines)
            server.process.send_signal(signal.SIGTERM)
            while not server.refuses():
                pass
            assert server.process.poll() is None, "it left while a stream was open"
            model_server.released.set()
            rest = "\n".join(lines)
        assert "event: answer" in rest
        assert "另外收取" in rest
        assert [connection.read() for connection in idle] == [b""] * 3
        assert server.process.wait(120) == 0
        assert not [line for line in server.log if "Traceback" in line or " ERROR " in line]


def test_work_that_does_not_stop_keeps_the_server_for_ever(serving: Any, model_server: Any) -> None:
    with serving(ZHENGWEN_SHUTDOWN_SECONDS="1", ZHENGWEN_COMPOSER_TIMEOUT="3600") as server, httpx2.Client() as client:
        model_server.says(*[hangs(model_server)] * 3)
        with client.stream("POST", server.url + "/api/ask", json=ASK, timeout=120) as response:
            assert any("320元" in line for line in response.iter_lines())
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(120) == 1
        assert any("abandoned" in line for line in server.log)


def test_stop_before_it_is_ready_is_a_failure(index: Path, start: Start, free_port: int) -> None:
    with start("serve", "--port", free_port, "--index", index) as process:
        assert "loading" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in rest


def test_wrong_setting_starts_workers_again_and_again(index: Path, start: Start, free_port: int) -> None:
    environment = {"ZHENGWEN_TELEMETRY_ENDPOINT": "nowhere", "ZHENGWEN_WORKERS": "2"}
    with start("serve", "--port", free_port, "--index", index, **environment) as process:
        log = process.stderr.read()
    assert process.returncode == 2
    assert "telemetry_endpoint" in log.splitlines()[-1]
    assert "Traceback" not in log
