"""Real sockets: raw bytes in both directions, and any application behind the connections that the service uses."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn

from service.http.connection import Connection
from service.http.process import server_options
from service.settings import Settings

# A server that hangs fails the test, and only then.
HANGS_SECONDS = 60


class Client:
    """One TCP connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=HANGS_SECONDS)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *problem: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Client":
        self.socket.sendall(data)
        return self

    def read(self, until: bytes = b"") -> bytes:
        """What comes, up to `until` or, without it, to the end of the connection; a reset is an end too."""
        came = b""
        try:
            while not (until and until in came) and (piece := self.socket.recv(65536)):
                came += piece
        except ConnectionResetError:
            pass
        return came

    def drip(self, data: bytes) -> bytes:
        """What came while `data` went out again and again, a little at a time, until the server had enough."""
        came = b""
        self.socket.settimeout(0.02)
        for _ in range(50 * HANGS_SECONDS):
            try:
                self.socket.sendall(data)
                while piece := self.socket.recv(65536):
                    came += piece
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                pass
            return came
        raise TimeoutError("the server still listens")

    def is_open(self) -> bool:
        """Whether the server has not closed it, without waiting."""
        self.socket.setblocking(False)
        try:
            while self.socket.recv(65536):
                pass
        except BlockingIOError:
            return True
        except ConnectionResetError:
            pass
        return False


@pytest.fixture(scope="session")
def connect() -> Callable[[int], Client]:
    return Client


@contextmanager
def _run(app: Any, **limits: float) -> Iterator[int]:
    """The port of an ASGI application on a real server; `limits` are those of Connection."""
    given = {"client_seconds": HANGS_SECONDS, "max_connections": 100} | limits
    options = server_options(Settings()) | {"http": partial(Connection, **given)}
    server = uvicorn.Server(uvicorn.Config(app, port=0, **options))
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
    try:
        yield ports[0]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def run_app() -> Callable[..., Any]:
    """`with run_app(app, client_seconds=…, max_connections=…) as port`."""
    return _run


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
