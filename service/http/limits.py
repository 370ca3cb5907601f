"""How much a caller may ask, and how much is answered at once: rates, the queue for the pipeline, and time-outs.

All of it belongs to one event loop; several workers count each for themselves.
"""

import asyncio
import logging
import math
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, TypeVar

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import ZhengwenError
from service.http.errors import HungUpError, OverloadedError, RateLimitedError, TimedOutError
from service.settings import Network

T = TypeVar("T")
Address = IPv4Address | IPv6Address

MOST_BUCKETS = 16_384
_MINUTE = 60 * 10**9  # nanoseconds
_PASSES_REMEMBERED = 32
_GUESSED_PASS_SECONDS = 1.0

logger = logging.getLogger(__name__)


def client_address(connection: HTTPConnection, proxies: Sequence[Network]) -> str:
    """The address that a request comes from, `unknown` when the server does not know it.

    `X-Forwarded-For` is read from its end as long as the one who wrote the entry is one of `proxies`, for anybody can send
    the header and each proxy adds the address that it sees to the end.
    """
    peer = connection.client.host if connection.client else "unknown"
    hops = [hop.strip() for line in connection.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    address = _parsed_address(peer)
    while address is not None and hops and any(address in proxy for proxy in proxies):
        before = _parsed_address(hops.pop())
        if before is None:
            break
        address = before
    return peer if address is None else str(address)


def _parsed_address(text: str) -> Address | None:
    """The address in `1.2.3.4`, `1.2.3.4:56`, `2001:db8::1` or `[2001:db8::1]:56`; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address


def _neighbourhood(address: str) -> str:
    """What is limited together: an IPv4 address, or the network of 2**64 IPv6 addresses that one subscriber gets."""
    parsed = _parsed_address(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed), 64), strict=False))
    return address


@dataclass(frozen=True)
class Allowance:
    """What is left of a rate: `remaining` requests now, all `per_minute` again in `reset_seconds` (rounded up)."""

    name: str
    per_minute: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.per_minute};w=60',
            "RateLimit": f'"{self.name}";r={self.remaining};t={self.reset_seconds}',
        }


class RateLimiter:
    """A token bucket for each key and for each address: a minute's requests may come at once, then one by one."""

    def __init__(
        self,
        per_minute_key: int,
        per_minute_address: int,
        clock: Callable[[], int] = time.monotonic_ns,
        most: int = MOST_BUCKETS,
    ) -> None:
        """A rate of 0 is no limit; `clock` gives nanoseconds; at most `most` keys and as many addresses are remembered."""
        self._keys = _Buckets("key", per_minute_key, clock, most)
        self._addresses = _Buckets("address", per_minute_address, clock, most)

    def take(self, key_id: str = "", address: str = "") -> Allowance | None:
        """Counts a request against its key, its address or both, an empty one not; the tighter of what is left of them, None
        when nothing limits it.

        Raises:
            RateLimitedError: one of them is used up; the request counts against neither.
        """
        counted = [
            (buckets, who)
            for buckets, who in ((self._keys, key_id), (self._addresses, _neighbourhood(address)))
            if who and buckets.per_minute
        ]
        for buckets, who in counted:
            buckets.require(who)
        return min((buckets.take(who) for buckets, who in counted), key=lambda left: left.remaining, default=None)


class _Buckets:
    """Buckets of one size, each kept as the moment when it is full again; one that is not kept is full.

    This is the generic cell rate algorithm (ITU-T I.371), in whole nanoseconds so that a caller who waits as long as it is
    told is never early by a rounding.
    """

    def __init__(self, name: str, per_minute: int, clock: Callable[[], int], most: int) -> None:
        self.per_minute = per_minute
        self._name = name
        self._clock = clock
        self._most = most
        self._interval = _MINUTE // per_minute if per_minute else 0
        self._full_at: dict[str, int] = {}

    def require(self, who: str) -> None:
        """Raises RateLimitedError unless there is a request left for `who`."""
        now = self._clock()
        missing = max(self._full_at.get(who, now), now) - now
        early = missing + self._interval - self.per_minute * self._interval
        if early > 0:
            seconds = _seconds(early)
            left = Allowance(self._name, self.per_minute, 0, _seconds(missing))
            raise RateLimitedError(
                f"this {self._name} may ask {self.per_minute} times a minute and has: ask again in {seconds} seconds",
                seconds,
                left.headers,
            )

    def take(self, who: str) -> Allowance:
        now = self._clock()
        if who not in self._full_at and len(self._full_at) >= self._most:
            self._forget(now)
        full_at = self._full_at[who] = max(self._full_at.get(who, now), now) + self._interval
        remaining = (self.per_minute * self._interval - (full_at - now)) // self._interval
        return Allowance(self._name, self.per_minute, remaining, _seconds(full_at - now))

    def _forget(self, now: int) -> None:
        """Forgets the full buckets, which changes nothing, and keeps of the others the emptier half of what there is room for."""
        used = ((who, full_at) for who, full_at in self._full_at.items() if full_at > now)
        self._full_at = dict(nlargest(self._most // 2, used, key=lambda bucket: bucket[1]))


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // 10**9)


class RateLimitHeaders:
    """Tells what is left of a rate, when a request was counted: its `allowance` stands in the state of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_allowance(message: Message) -> None:
            if message["type"] == "http.response.start":
                allowance: Allowance | None = scope.get("state", {}).get("allowance")
                if allowance is not None:
                    MutableHeaders(scope=message).update(allowance.headers)
            await send(message)

        await self._app(scope, receive, send_with_allowance if scope["type"] == "http" else send)


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """What `work` gives, unless the client hangs up first: then `work` is cancelled. The body must have been read.

    Raises:
        HungUpError: the client hung up.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HungUpError("the client hung up")
        return working.result()
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class WorkQueue:
    """Places for a bounded number of pipeline passes at once, and a bounded queue before them.

    Owners (keys) take turns: whoever has fewest waiting is never kept out by whoever has most, neither from the queue nor
    from the places.
    """

    def __init__(
        self,
        at_once: int,
        length: int,
        queue_seconds: float,
        request_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """At most `at_once` passes (0: the number of cores) are at work and `length` wait, for `queue_seconds` at most; waiting and work together may
        take `request_seconds`. `clock` gives seconds, for how long passes and waits take.
        """
        self._at_once = at_once or os.cpu_count() or 1
        self._length = length
        self._queue_seconds = queue_seconds
        self._request_seconds = request_seconds
        self._clock = clock
        self._at_work = 0
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}  # by owner, the next one's first; no line is empty
        self._passes: deque[float] = deque(maxlen=_PASSES_REMEMBERED)
        self._endings: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(self._at_once, "pass")

    @property
    def at_work(self) -> int:
        """How many places are taken."""
        return self._at_work

    @property
    def waiting(self) -> int:
        """How many requests wait for a place."""
        return sum(map(len, self._lines.values()))

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator["Place"]:
        """A place at work for one request of `owner`, as soon as it is its turn; given back at the end of the block, or of the
        stream that `Place.stream` made in it.

        Raises:
            OverloadedError: the queue is full, or it was too long a wait.
        """
        asked = self._clock()
        await self._enter(owner)
        began = self._clock()

        def ended() -> None:
            self._passes.append(self._clock() - began)
            self._pass_on()

        place = Place(self._threads, self._request_seconds - (began - asked), self._endings, ended)
        try:
            yield place
        except BaseException:
            place.leave()
            raise
        if not place.is_streaming:
            place.leave()

    async def aclose(self) -> None:
        """Waits for passes that were broken off to end, and ends the threads."""
        while self._endings:
            await asyncio.wait(self._endings)
        self._threads.shutdown(wait=False)

    async def _enter(self, owner: str) -> None:
        if self._at_work < self._at_once:  # then nobody waits
            self._at_work += 1
            return
        if self.waiting >= self._length:
            self._make_room(owner)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(owner, deque()).append(turn)
        try:
            await asyncio.wait({turn}, timeout=min(self._queue_seconds, self._request_seconds))
        except asyncio.CancelledError:
            if not turn.done():
                self._drop(owner, turn)
            elif turn.exception() is None:
                self._pass_on()
            raise
        if not turn.done():
            self._drop(owner, turn)
            raise self._overloaded()
        turn.result()

    def _make_room(self, owner: str) -> None:
        """Sends the newest request of the owner with most waiting away, if that is not this one; else raises OverloadedError."""
        greediest = max(self._lines, key=lambda name: len(self._lines[name]), default=owner)
        if len(self._lines.get(greediest, ())) <= len(self._lines.get(owner, ())) + 1:
            raise self._overloaded()
        turn = self._lines[greediest][-1]
        self._drop(greediest, turn)
        turn.set_exception(self._overloaded())

    def _drop(self, owner: str, turn: asyncio.Future[None]) -> None:
        self._lines[owner].remove(turn)
        if not self._lines[owner]:
            del self._lines[owner]

    def _pass_on(self) -> None:
        """Gives a place that was left to the next owner's oldest request, and puts that owner last."""
        if not self._lines:
            self._at_work -= 1
            return
        owner = next(iter(self._lines))
        line = self._lines.pop(owner)
        line.popleft().set_result(None)
        if line:
            self._lines[owner] = line

    def _overloaded(self) -> OverloadedError:
        """Says when as many passes will have ended as are waiting now, at the pace of the last ones."""
        mean = sum(self._passes) / len(self._passes) if self._passes else _GUESSED_PASS_SECONDS
        seconds = max(1, math.ceil(mean * (self.waiting + 1) / self._at_once))
        return OverloadedError(
            f"more questions than can be answered are waiting: ask again in {seconds} seconds", seconds
        )


class Place:
    """A place at work: what one request does in a thread, one step at a time and until its time is up.

    A thread cannot be stopped in the middle of a step. Past the time, or when nobody waits any more, the caller is told at
    once, but the place is given back only when the step has ended and the generators are closed.
    """

    def __init__(
        self, threads: ThreadPoolExecutor, seconds: float, endings: set[asyncio.Task[None]], ended: Callable[[], None]
    ) -> None:
        """Use `WorkQueue.place`. `ended` is called once, when the place is free; tasks that lead there are kept in `endings`."""
        loop = asyncio.get_running_loop()
        self.is_streaming = False
        self._threads = threads
        self._endings = endings
        self._ended = ended
        self._step: asyncio.Future[Any] | None = None
        self._open: list[Generator[Any, None, None]] = []
        self._expired: asyncio.Future[None] = loop.create_future()
        self._left = False
        self._timer = loop.call_later(seconds, self._expire)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, called in a thread.

        Raises:
            TimedOutError: the time of the request was up before.
        """
        if self._left and not self._expired.done():
            raise RuntimeError("the place was given back")
        if not self._left:
            loop = asyncio.get_running_loop()
            step: asyncio.Future[T] = loop.run_in_executor(self._threads, copy_context().run, work)
            self._step = step
            either: set[asyncio.Future[Any]] = {step, self._expired}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if step.done():
                self._step = None
                return step.result()
        raise TimedOutError(
            "the question took too long and was broken off: ask for less, or again when less is going on"
        )

    async def next(self, events: Generator[T, None, None]) -> T | None:
        """The next of `events`, None after the last; what is left of them is closed with the place."""
        if events not in self._open:
            self._open.append(events)
        event: T | None = await self.run(partial(next, events, None))
        if event is None:
            self._open.remove(events)
        return event

    async def last(self, events: Generator[T, None, None]) -> T:
        """The last of `events`, of which there is at least one: between any two of them the work can be broken off."""
        last = None
        while (event := await self.next(events)) is not None:
            last = event
        if last is None:
            raise ValueError("there were no events")
        return last

    def stream(self, texts: Generator[str, None, None], broken: Callable[[ZhengwenError], str]) -> "PlacedStream":
        """The texts for a response; from now on the place is given back when they end or are closed.

        When the time is up `broken` words the last text.
        """
        self.is_streaming = True
        return PlacedStream(self, texts, broken)

    def leave(self) -> None:
        """Gives the place back; more than once does no harm."""
        if self._left:
            return
        self._left = True
        self._timer.cancel()
        if self._step is None and not self._open:
            self._ended()
            return
        ending = asyncio.get_running_loop().create_task(self._end())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    def _expire(self) -> None:
        self._expired.set_result(None)
        self.leave()

    async def _end(self) -> None:
        try:
            if (step := self._step) is not None:
                await asyncio.wait({step})
                if self._step is step and (error := step.exception()):  # else somebody was still there to hear of it
                    is_bug = not isinstance(error, ZhengwenError)
                    logger.warning("work that was broken off failed: %s", error, exc_info=error if is_bug else None)
            for events in reversed(self._open):
                await asyncio.get_running_loop().run_in_executor(self._threads, events.close)
        except Exception:  # whatever a generator does when it is closed, the place has to be free again
            logger.exception("work that was broken off could not be closed")
        finally:
            self._ended()


class PlacedStream:
    """An asynchronous iterator over the texts of a generator, with a place at work until it ends or is closed.

    Other than an asynchronous generator it gives the place back even if nobody ever asked for its first text.
    """

    def __init__(self, place: Place, texts: Generator[str, None, None], broken: Callable[[ZhengwenError], str]) -> None:
        self._place = place
        self._texts = texts
        self._broken = broken
        self._is_over = False

    def __aiter__(self) -> "PlacedStream":
        return self

    async def __anext__(self) -> str:
        if self._is_over:
            raise StopAsyncIteration
        try:
            text = await self._place.next(self._texts)
        except TimedOutError as error:
            await self.aclose()
            return self._broken(error)
        except BaseException:
            await self.aclose()
            raise
        if text is None:
            await self.aclose()
            raise StopAsyncIteration
        return text

    async def aclose(self) -> None:
        """Ends the work, at its next step, and gives the place back."""
        self._is_over = True
        self._place.leave()
