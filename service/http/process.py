"""What holds for every process that serves: its limits on connections, its log, and an end that lets streams finish."""

import ipaddress
import logging
import os
import resource
import signal
import sys
import threading
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, Literal, NoReturn, TypedDict
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http import logs
from service.http.connection import Connection
from service.settings import Settings

logger = logging.getLogger(__name__)

# What is left after `shutdown_seconds` for what cannot be stopped in between, such as a read from a silent model server.
_LAST_SECONDS = 5.0
_BACKLOG = 256
# Connections that are too many are closed a turn or two of the event loop after they were accepted; more come meanwhile.
_GOES = 3
# Files that a worker has open beside its connections: the index, the database, the way to a model server.
_OTHER_FILES = 64


class ServerOptions(TypedDict):
    """What `uvicorn.run` and `uvicorn.Config` are given beside the application, the address and the number of workers."""

    http: Any  # uvicorn wants a class and calls it; a class with options is as good
    ws: Literal["none"]
    backlog: int
    proxy_headers: bool
    server_header: bool
    access_log: bool
    log_config: None
    timeout_keep_alive: int
    timeout_graceful_shutdown: int
    reset_contextvars: bool


def server_options(settings: Settings) -> ServerOptions:
    """The options that hold for every worker; raises the number of files that this process and its workers may open.

    uvicorn's `limit_concurrency` is no part of them: it counts idle connections and turns away whoever comes next.
    """
    room = _make_room(settings)
    return {
        "http": partial(Connection, client_seconds=settings.client_seconds, max_connections=room.connections),
        "ws": "none",
        "backlog": room.backlog,
        "proxy_headers": False,  # whom to believe about addresses is for the rate limits to say
        "server_header": False,
        "access_log": False,
        "log_config": None,
        "timeout_keep_alive": settings.keep_alive_seconds,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
        "reset_contextvars": True,  # a pipelined request would begin with what the one before left
    }


@dataclass(frozen=True)
class _Room:
    """How many connections a worker holds, and how many may be accepted in one go, before any of them is counted."""

    connections: int
    backlog: int


def _make_room(settings: Settings) -> _Room:
    """Room for `max_connections`, or as much as this process may have files open: without one left it answers nobody."""
    room = _Room(settings.max_connections, _BACKLOG)
    wanted = room.connections + _GOES * room.backlog + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return room
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < wanted:
        backlog = min(_BACKLOG, soft // 10)
        room = _Room(max(1, soft - _GOES * backlog - _OTHER_FILES), backlog)
        logger.warning(
            "a worker holds %d connections, not the %d of max_connections, for it may open %d files and needs %d: "
            "raise the limit (ulimit -n)",
            *(room.connections, settings.max_connections, soft, wanted),
        )
    return room


def configure_logs(settings: Settings) -> None:
    """Logs as the settings say; every secret among them is kept out."""
    secrets = [value.get_secret_value() for value in dict(settings).values() if isinstance(value, SecretStr)]
    secrets += [urlsplit(address).password or "" for address in (settings.database, settings.composer_base_url)]
    logs.configure(settings.log_format, level=settings.log_level, log_questions=settings.log_questions, secrets=secrets)


def exit_quietly_on_sigterm() -> None:
    """Makes SIGTERM end this process with status 0; uvicorn takes the signal over while it serves, and hands it back."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)


def known_hosts(settings: Settings) -> tuple[str, ...]:
    """The names that the service goes by: those of the settings or, on a loopback address, that of this machine to itself."""
    names = tuple(name.strip().lower() for name in settings.hosts.split(",") if name.strip())
    if names or not is_loopback(settings.host):
        return names
    return ("localhost", "127.0.0.1", "::1", settings.host.lower())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Bounded:
    """An application whose process ends a few seconds after it was told to stop, even if work goes on that nothing stops.

    For processes that do nothing else than serve it.
    """

    def __init__(self, app: ASGIApp, seconds: float = _LAST_SECONDS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched_receive() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                end = threading.Timer(self._seconds, _give_up)
                end.daemon = True
                end.start()
            return message

        await self._app(scope, watched_receive if scope["type"] == "lifespan" else receive, send)


def _give_up() -> None:
    logger.error("work that does not stop was abandoned")
    os._exit(1)
