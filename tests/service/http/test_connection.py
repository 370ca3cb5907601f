"""Clients that send or read slowly, or not at all, are let go; those that do what clients do never notice."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import h11
import pytest
import uvicorn
from uvicorn.server import ServerState

from service.http.connection import Connection

GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSE = b"GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
PATIENCE = 0.5


class App:
    """`/quick` answers at once, without reading a body; `/wait` when it is released; `/endless` as long as somebody reads."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.begun = threading.Semaphore(0)
        self.hung_up = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.begun.release()
        if scope["path"] == "/wait":
            await asyncio.to_thread(self.release.wait)
        headers = [] if scope["path"] == "/endless" else [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/endless":
            await receive()
            gone = asyncio.ensure_future(receive())
            while not gone.done():
                await send({"type": "http.response.body", "body": b" " * 65536, "more_body": True})
                await asyncio.sleep(0)
            self.hung_up.set()
            return
        await send({"type": "http.response.body", "body": b"done"})


def test_connection_that_sends_nothing_stays_open(run_app: Any, connect: Any) -> None:
    with run_app(App(), client_seconds=PATIENCE) as port, connect(port) as client:
        assert client.read() == b""


def test_trickled_head_holds_a_connection(run_app: Any, connect: Any) -> None:
    with run_app(App(), client_seconds=PATIENCE) as port:
        with connect(port) as client:
            assert client.send(b"GET /quick HTTP/1.1\r\n").drip(b"A: b\r\n") == b""
        with connect(
            port
        ) as client:  # and the second head of a connection, which ends uvicorn's own time for keeping it
            assert client.send(GET).read(until=b"done").endswith(b"done")
            assert client.send(b"GET /quick HTTP/1.1\r\n").drip(b"A: b\r\n") == b""


def test_body_that_nobody_reads_holds_a_connection(run_app: Any, connect: Any) -> None:
    head = b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
    with run_app(App(), client_seconds=PATIENCE) as port, connect(port) as client:
        assert client.send(head).drip(b" ").endswith(b"done")


def test_client_that_does_not_read_keeps_the_work_going(run_app: Any, connect: Any) -> None:
    app = App()
    with run_app(app, client_seconds=PATIENCE) as port, connect(port) as client:
        client.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert app.hung_up.wait(60)


def test_request_at_work_is_cut_off_because_its_client_is_silent(run_app: Any, connect: Any) -> None:
    app = App()
    with run_app(app, client_seconds=PATIENCE) as port, connect(port) as patient, connect(port) as idle:
        patient.send(GET.replace(b"quick", b"wait"))
        assert app.begun.acquire(timeout=60)
        assert idle.read() == b"", "time passes for those who owe something"
        app.release.set()
        assert patient.read(until=b"done").endswith(b"done")


def test_idle_connections_keep_others_out(run_app: Any, connect: Any) -> None:
    with run_app(App(), max_connections=10) as port, ExitStack() as open_clients:
        heads = [b"", b"GET /quick HTTP/1.1\r\n", b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"]
        crowd = []
        for i in range(60):
            crowd.append(open_clients.enter_context(connect(port)).send(heads[i % 2]))
            with connect(port) as client:
                assert client.send(CLOSE).read().endswith(b"done")
        crowd += [open_clients.enter_context(connect(port)).send(heads[2]) for _ in range(60)]
        with connect(port) as client:
            assert client.send(CLOSE).read().endswith(b"done")
        assert sum(client.is_open() for client in crowd) <= 10
        assert crowd[-1].is_open(), "the ones that have been idle longest go first"


def test_connections_at_work_are_closed_for_others_or_exceed_the_limit(run_app: Any, connect: Any) -> None:
    app = App()
    with run_app(app, max_connections=3) as port, ExitStack() as open_clients:
        at_work = [open_clients.enter_context(connect(port)).send(CLOSE.replace(b"quick", b"wait")) for _ in range(3)]
        for _ in at_work:
            assert app.begun.acquire(timeout=60)
        with connect(port) as late:
            told = late.read()
        app.release.set()
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in told
        assert all(client.read().endswith(b"done") for client in at_work)


@pytest.mark.parametrize("broken", [b"zz\r\n", b"\x00\r\n\r\n", b"5\r\nabcdefgh\r\n"])
def test_broken_body_behind_a_response_is_a_bug_in_the_log(
    run_app: Any, connect: Any, caplog: pytest.LogCaptureFixture, broken: bytes
) -> None:
    head = b"POST /quick HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with run_app(App()) as port:
        with connect(port) as client:
            assert client.send(head).read(until=b"done").endswith(b"done")
            assert client.send(broken).read() == b""
        with connect(port) as client:
            assert client.send(CLOSE).read().endswith(b"done")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_pipelined_requests_are_mixed_up_or_lost(run_app: Any, connect: Any) -> None:
    with run_app(App()) as port, connect(port) as client:
        assert client.send(GET * 20 + CLOSE).read().count(b"done") == 21


def test_upgrade_is_taken_up_or_written_about(run_app: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    head = b"GET /quick HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n"
    with run_app(App()) as port, connect(port) as client:
        assert client.send(head).read(until=b"done").startswith(b"HTTP/1.1 200 ")
    assert "pgrade" not in caplog.text


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time passes by hand."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.run_until_complete(asyncio.sleep(0))


class Wire(asyncio.Transport):
    """A transport that writes nowhere and counts how often it was aborted."""

    aborted = 0
    unsent = 0

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        self.aborted += 1

    def close(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.aborted > 0

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


Made = tuple[Connection, Wire, Clock]


@pytest.fixture
def made() -> Iterator[Made]:
    """A connection with ten seconds' patience; nothing answers its requests."""

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    clock, wire = Clock(), Wire()
    config = uvicorn.Config(silent, log_config=None, lifespan="off", ws="none")
    config.load()
    connection = Connection(config, ServerState(), {}, clock, client_seconds=10, max_connections=10)
    connection.connection_made(wire)
    yield connection, wire, clock
    connection.connection_lost(None)
    for _ in range(5):
        clock.passes(0)
    clock.close()


def test_reader_that_goes_on_reading_is_cut_off(made: Made) -> None:
    connection, wire, clock = made
    connection.data_received(GET)
    for _ in range(20):
        connection.pause_writing()
        clock.passes(9)
        connection.resume_writing()
        clock.passes(9)
    assert wire.aborted == 0
    connection.pause_writing()
    clock.passes(11)
    assert wire.aborted == 1


def test_head_that_comes_in_time_is_cut_off_later(made: Made) -> None:
    connection, wire, clock = made
    for byte in (GET[i : i + 1] for i in range(len(GET))):
        clock.passes(9 / len(GET))
        connection.data_received(byte)
    clock.passes(1000)
    assert wire.aborted == 0, "now it is us who owe"


def test_rest_of_a_response_that_nobody_takes_is_kept_for_ever(made: Made) -> None:
    connection, wire, clock = made
    connection.data_received(GET)
    connection.conn.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
    connection.conn.send(h11.EndOfMessage())
    wire.unsent = 1
    connection.on_response_complete()
    clock.passes(11)
    assert wire.aborted == 1
