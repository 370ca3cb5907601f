"""What every serving process is given: names, secrets to keep, and no more connections than it may have files open."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from service.http.process import is_loopback, known_hosts
from service.settings import Settings


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("LOCALHOST", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.7", False), ("localhost.example", False), ("", False)],
)  # fmt: skip
def test_address_for_everybody_is_taken_for_our_own(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert bool(known_hosts(Settings(host=host))) is loopback


def test_names_of_the_settings_are_not_the_only_ones() -> None:
    assert known_hosts(Settings(hosts=" Policy.example, ::1 ,")) == ("policy.example", "::1")
    assert "localhost" in known_hosts(Settings(host="127.0.0.2"))
    assert "127.0.0.2" in known_hosts(Settings(host="127.0.0.2"))


# What `zhengwen serve` does, with an application that loads at once, and fewer files than it wants.
_SERVER = """
import resource, sys, uvicorn
resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))
from service.http.process import configure_logs, exit_quietly_on_sigterm, server_options
from service.settings import Settings

async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})

exit_quietly_on_sigterm()
configure_logs(Settings())
uvicorn.run(app, port=int(sys.argv[1]), lifespan="off", **server_options(Settings(port=int(sys.argv[1]))))
"""


def test_idle_connections_use_up_the_files_that_may_be_open(free_port: int, connect: Callable[..., Any]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(free_port)], stderr=subprocess.PIPE, text=True
    ) as process, ExitStack() as crowd:  # fmt: skip
        assert process.stderr is not None
        log = []
        while "running on" not in (line := process.stderr.readline()):
            log.append(line)
        for _ in range(400):
            crowd.enter_context(connect(free_port))
        with connect(free_port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.read().endswith(b"done")
        process.terminate()
        log += process.stderr.readlines()
    assert process.returncode == 0
    assert "ulimit" in "".join(log), "it says that it holds fewer than it should"
    assert "Too many open files" not in "".join(log)
