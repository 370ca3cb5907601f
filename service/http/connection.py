"""uvicorn's HTTP/1.1 connection with an end to its patience: it waits for ever for a head, and for a reader.

A connection that only waits for its client is idle, whatever it has sent so far. Idle ones are closed after `client_seconds`,
and when there are `max_connections`, the one that has been idle longest makes room for the next.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

logger = logging.getLogger(__name__)

_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Deadline:
    """Acts once, `seconds` after its first start, unless it is stopped before."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, act: Callable[[], None]) -> None:
        self._loop = loop
        self._seconds = seconds
        self._act = act
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Leaves a deadline that runs as it is."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._act)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Connection(H11Protocol):
    """One connection of a client.

    The body of a request that is read for the application is not timed here but there, where a 408 can be told.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        client_seconds: float,
        max_connections: int,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._max_connections = max_connections
        self._idle_since: float | None = None
        self._reading = _Deadline(self.loop, client_seconds, self._give_up)
        self._writing = _Deadline(self.loop, client_seconds, self._give_up)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._note_idleness()
        self._time_reading()
        if len(self.connections) > self._max_connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_idleness()
        self._time_reading()
        if not self.flow.write_paused:
            self._writing.stop()

    def on_response_complete(self) -> None:
        self._reading.stop()
        super().on_response_complete()
        self._note_idleness()
        if self.conn.their_state is not h11.IDLE:  # a connection that was just answered is kept alive for a while
            self._time_reading()
        if self.transport.get_write_buffer_size() > 0:
            self._writing.start()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._note_idleness()
        self._writing.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._note_idleness()
        self._writing.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        self._reading.stop()
        self._writing.stop()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Says so only where no response has begun; the end of the connection has to do then."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def _should_upgrade(self) -> bool:
        return False  # there is nothing here to upgrade to, and asking for it is no event worth a record

    def _note_idleness(self) -> None:
        is_idle = self.flow.write_paused or self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if not is_idle:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self.loop.time()

    def _time_reading(self) -> None:
        """Waits for the rest of a head, or of a body that nobody reads any more, but not for ever."""
        is_unread = self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE
        if self.conn.their_state is not h11.IDLE and not is_unread:
            self._reading.stop()
        else:
            self._reading.start()

    def _give_up(self) -> None:
        self._idle_since = None  # it is on its way out and makes no more room
        self.transport.abort()

    def _make_room(self) -> None:
        """Closes the connection that has been idle longest; when all are at work, turns this one away."""
        others = [other for other in self.connections if isinstance(other, Connection) and other is not self]
        idle = [(other._idle_since, other) for other in others if other._idle_since is not None]
        if idle:
            min(idle, key=lambda pair: pair[0])[1]._give_up()
        else:
            logger.warning("turned a connection away: all %d are at work", self._max_connections)
            self.transport.write(_FULL)
            self.transport.close()
