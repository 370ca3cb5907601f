"""Rates are exact, the queue is bounded and fair, and no place at work is ever lost, however a request ends."""

import asyncio
import contextvars
import gc
import itertools
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from fractions import Fraction
from ipaddress import ip_address
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient

from indexer.errors import QuestionError, ZhengwenError
from service.http import errors
from service.http.errors import HungUpError, OverloadedError, RateLimitedError, TimedOutError
from service.http.limits import Place, RateLimiter, RateLimitHeaders, WorkQueue, client_address, while_connected
from service.settings import Settings, networks

SECOND = 10**9
LONG = 10_000.0
AT_ONCE = 0.000_001


class Clock:
    """Time that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def allows(limiter: RateLimiter, key: str = "", address: str = "") -> bool:
    try:
        limiter.take(key, address)
    except RateLimitedError:
        return False
    return True


# Addresses.


def connection(peer: str | None, *forwarded: str) -> HTTPConnection:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    return HTTPConnection({"type": "http", "client": None if peer is None else (peer, 4711), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("9.9.9.9", [], "9.9.9.9"),
        ("9.9.9.9", ["1.1.1.1"], "9.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        # Whoever is in front of our proxies may write what they like; the last entry is our proxy's.
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["127.0.0.1, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["1.1.1.1, 10.0.0.2"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.2", " 10.0.0.3 "], "1.1.1.1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", ["1.1.1.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["1.1.1.1,"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1:4711"], "1.1.1.1"),
        ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["::ffff:1.1.1.1"], "1.1.1.1"),
        ("::ffff:10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("fd00::5", ["1.1.1.1"], "1.1.1.1"),
        ("fd01::5", ["1.1.1.1"], "fd01::5"),
        ("10.0.0.1", ["\xb2.1.1.1"], "10.0.0.1"),
        ("10.0.0.1", ["[::1"], "::1"),
        ("10.0.0.1", ["<script>"], "10.0.0.1"),
        ("testclient", ["1.1.1.1"], "testclient"),
        (None, ["1.1.1.1"], "unknown"),
    ],
)
def test_address_is_the_one_that_a_caller_claims(peer: str | None, forwarded: list[str], expected: str) -> None:
    assert client_address(connection(peer, *forwarded), networks("10.0.0.0/8, fd00::/64")) == expected


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=3), st.booleans())
def test_header_of_somebody_unknown_changes_the_address_or_breaks_it(lines: list[str], is_trusted: bool) -> None:
    proxies = networks("9.9.9.9" if is_trusted else "8.8.8.8")
    address = client_address(connection("9.9.9.9", *lines), proxies)
    if is_trusted:
        ip_address(address)
    else:
        assert address == "9.9.9.9"


@pytest.mark.parametrize("value", ["nonsense", "10.0.0.1/8", "10.0.0.0/8;", "*", "10.0.0.0/8 10.1.0.0/8"])
def test_list_of_proxies_with_an_error_is_taken_for_none(value: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=value)
    assert Settings(trusted_proxies=" 10.0.0.1 ,fd00::/8,").trusted_proxies


# Rates.


@given(
    st.sampled_from([1, 2, 3, 7, 60, 600, 7919, 1_000_000]),
    st.lists(st.integers(0, 70 * SECOND) | st.integers(0, SECOND // 10), max_size=60),
)
def test_rate_is_no_token_bucket(per_minute: int, pauses: list[int]) -> None:
    clock = Clock()
    limiter = RateLimiter(per_minute, 0, clock)
    # The bucket of the textbook: full at first, filled drop by drop, a whole one taken for each request.
    level, interval = Fraction(per_minute), 60 * SECOND // per_minute
    for pause in pauses:
        clock.now += pause
        level = min(Fraction(per_minute), level + Fraction(pause, interval))
        try:
            left = limiter.take("key")
            assert level >= 1
            level -= 1
            assert left is not None
            assert left.remaining == int(level)
            assert left.reset_seconds == -(-(per_minute - level) * interval // SECOND)
        except RateLimitedError:
            assert level < 1


@given(st.sampled_from([1, 7, 59, 61, 600, 7919]), st.integers(0, 10 * SECOND))
def test_caller_that_waits_as_told_comes_too_early_or_a_second_late(per_minute: int, start: int) -> None:
    clock = Clock()
    clock.now = start
    limiter = RateLimiter(per_minute, 0, clock)
    for _ in range(per_minute):
        limiter.take("key")
    with pytest.raises(RateLimitedError) as error:
        limiter.take("key")
    seconds = int(error.value.headers["Retry-After"])
    assert seconds >= 1
    clock.now += (seconds - 1) * SECOND
    assert not allows(limiter, "key") or seconds == 1
    clock.now = start + seconds * SECOND
    assert allows(limiter, "key")


def test_requests_that_were_refused_count() -> None:
    clock = Clock()
    limiter = RateLimiter(60, 0, clock)
    assert sum(allows(limiter, "key") for _ in range(1000)) == 60
    clock.now = SECOND
    assert sum(allows(limiter, "key") for _ in range(1000)) == 1


def test_one_caller_uses_up_the_rate_of_another() -> None:
    limiter = RateLimiter(5, 5, Clock())
    assert sum(allows(limiter, "a") for _ in range(9)) == 5
    assert sum(allows(limiter, "b") for _ in range(9)) == 5
    assert sum(allows(limiter, "", "1.1.1.1") for _ in range(9)) == 5
    assert sum(allows(limiter, "", "a") for _ in range(9)) == 5, "a key and an address of one name share a bucket"


def test_request_that_one_rate_refuses_counts_against_the_other() -> None:
    limiter = RateLimiter(6, 2, Clock())
    assert [allows(limiter, "key", "1.1.1.1") for _ in range(4)] == [True, True, False, False]
    assert sum(allows(limiter, "key", f"1.1.1.{i}") for i in range(2, 9)) == 4
    assert allows(limiter, "", "1.1.1.9")
    assert allows(limiter, "", "1.1.1.9")
    assert not allows(limiter, "", "1.1.1.9")


def test_rate_of_zero_lets_nothing_through_or_is_told() -> None:
    limiter = RateLimiter(0, 0, Clock())
    assert all(limiter.take("key", "1.1.1.1") is None for _ in range(1000))
    assert all(limiter.take() is None for _ in range(1000))


def test_subscriber_gets_a_rate_for_each_of_its_ipv6_addresses() -> None:
    limiter = RateLimiter(0, 10, Clock())
    assert sum(allows(limiter, "", f"2001:db8:0:1::{i:x}") for i in range(50)) == 10
    assert sum(allows(limiter, "", f"2001:db8:0:2::{i:x}") for i in range(50)) == 10
    assert sum(allows(limiter, "", f"1.1.1.{i}") for i in range(50)) == 50
    assert sum(allows(limiter, "", address) for address in ["2.2.2.2", "::ffff:2.2.2.2"] * 20) == 20


def test_flood_of_addresses_fills_memory_or_frees_the_greedy() -> None:
    clock = Clock()
    limiter = RateLimiter(0, 10, clock, most=100)
    gc.collect()
    while allows(limiter, "", "greedy"):
        pass
    for i in range(10_000):
        clock.now += 10_000
        assert allows(limiter, "", f"address-{i}")
        assert len(limiter._addresses._full_at) <= 100
    assert not allows(limiter, "", "greedy")


def test_full_bucket_is_kept_for_ever() -> None:
    clock = Clock()
    limiter = RateLimiter(0, 10, clock, most=100)
    for i in range(1000):
        clock.now += 60 * SECOND
        assert allows(limiter, "", f"address-{i}")
    kept = len(limiter._addresses._full_at)
    for i in range(100 - kept):
        assert allows(limiter, "", f"other-{i}")
    assert allows(limiter, "", "last")
    assert len(limiter._addresses._full_at) <= 100 - kept + 2, "buckets that had long been full were kept"


def test_reply_does_not_tell_what_is_left() -> None:
    clock = Clock()
    limiter = RateLimiter(3, 2, clock)
    app = FastAPI()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"one": 1}

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(RateLimitHeaders)
    errors.install(app)

    @app.get("/free")
    def free() -> None:
        return None

    @app.get("/counted")
    def counted(request: Request) -> Response:
        request.state.allowance = limiter.take("key", "1.1.1.1")
        return StreamingResponse(iter(["a", "b"]))

    with TestClient(app) as client:
        assert "RateLimit" not in client.get("/free").headers
        headers = client.get("/counted").headers
        assert headers["RateLimit-Policy"] == '"address";q=2;w=60'
        assert headers["RateLimit"] == '"address";r=1;t=30'
        client.get("/counted")
        refused = client.get("/counted")
        assert refused.status_code == 429
        assert refused.headers["RateLimit"] == '"address";r=0;t=60'
        assert refused.headers["Retry-After"] == "30"
        assert refused.json()["status"] == 429
        assert "RateLimit" not in client.get("/free").headers


# The queue. Threads wait for events, never for time; a wait that must not end is given `LONG`, one that must `AT_ONCE`.


def make_queue(
    at_once: int = 1, length: int = 64, queue_seconds: float = LONG, request_seconds: float = LONG
) -> WorkQueue:
    return WorkQueue(at_once, length, queue_seconds, request_seconds)


def run(check: Callable[[], Any], *, generation: int = 1) -> None:
    """Runs an asynchronous check; a task or future whose error nobody looked at fails it."""
    unseen: list[dict[str, Any]] = []

    async def checked() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: unseen.append(context))
        await check()
        gc.collect(generation)

    asyncio.run(checked())
    assert not unseen


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def settled() -> None:
    """Lets everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Held:
    """A request that has its place until it is let go."""

    def __init__(self, queue: WorkQueue, owner: str, log: list[str] | None = None) -> None:
        self._go = asyncio.Event()
        self.is_in = asyncio.Event()
        self.task = asyncio.create_task(self._hold(queue, owner, log))

    async def _hold(self, queue: WorkQueue, owner: str, log: list[str] | None) -> None:
        async with queue.place(owner):
            if log is not None:
                log.append(owner)
            self.is_in.set()
            await self._go.wait()

    async def let_go(self) -> None:
        self._go.set()
        await self.task


class Counting:
    """A generator of texts that tells when it works and when it is closed."""

    def __init__(self, *texts: str, hold_at: int | None = None) -> None:
        self.texts = texts
        self.hold_at = hold_at
        self.reached = threading.Event()
        self.go = threading.Event()
        self.closed = False

    def __call__(self) -> Generator[str, None, None]:
        try:
            for i, text in enumerate(self.texts):
                if i == self.hold_at:
                    self.reached.set()
                    self.go.wait()
                yield text
        finally:
            self.closed = True


def test_more_passes_are_at_work_than_allowed() -> None:
    async def check() -> None:
        queue = make_queue(3, 500)
        lock = threading.Lock()
        together: list[int] = []
        inside = 0

        def work() -> None:
            nonlocal inside
            with lock:
                inside += 1
                together.append(inside)
            for _ in range(200):  # gives the other threads a chance
                threading.get_ident()
            with lock:
                inside -= 1

        async def ask(i: int) -> None:
            async with queue.place(f"key-{i % 7}") as place:
                assert queue.at_work <= 3
                await place.run(work)

        await asyncio.gather(*(ask(i) for i in range(400)))
        assert len(together) == 400
        assert max(together) <= 3
        assert (queue.at_work, queue.waiting) == (0, 0)
        await queue.aclose()

    run(check)


def test_pass_leaves_a_place_for_work_unused() -> None:
    async def check() -> None:
        queue = make_queue(4)
        barrier = threading.Barrier(4)

        async def ask() -> None:
            async with queue.place("") as place:
                await place.run(lambda: barrier.wait())  # passes only if all four are there

        await asyncio.gather(*(ask() for _ in range(8)))
        await queue.aclose()

    run(check)


def test_backlog_grows_past_its_bound() -> None:
    async def check() -> None:
        queue = make_queue(2, 5)
        held = [Held(queue, "key") for _ in range(7)]
        await settled()
        assert (queue.at_work, queue.waiting) == (2, 5)
        for _ in range(300):
            with pytest.raises(OverloadedError):
                async with queue.place("key"):
                    pytest.fail("there is no place")
        assert (queue.at_work, queue.waiting) == (2, 5)
        for one in held:
            await one.let_go()
        assert (queue.at_work, queue.waiting) == (0, 0)

    run(check)


def test_queue_of_no_length_lets_somebody_wait_or_refuses_work() -> None:
    async def check() -> None:
        queue = make_queue(1, 0)
        one = Held(queue, "a")
        await settled()
        with pytest.raises(OverloadedError):
            async with queue.place("b"):
                pass
        await one.let_go()
        await Held(queue, "b").let_go()

    run(check)


def test_retry_after_does_not_follow_the_pace_of_the_last_passes() -> None:
    async def check() -> None:
        now = 0.0
        queue = WorkQueue(2, 3, LONG, LONG, lambda: now)

        async def refused() -> int:
            held = [Held(queue, "key") for _ in range(5)]
            await settled()
            with pytest.raises(OverloadedError) as error:
                async with queue.place("key"):
                    pass
            for one in held:
                await one.let_go()
            return int(error.value.headers["Retry-After"])

        assert await refused() == 2, "four passes of a guessed second, two at once"
        for _ in range(100):
            async with queue.place("key"):
                now += 12.0
        assert await refused() == 24, "four passes of twelve seconds, two at once"
        for _ in range(100):
            async with queue.place("key"):
                now += 0.01
        assert await refused() == 1

    run(check)


def test_greedy_key_is_served_before_those_who_came_later_but_asked_less() -> None:
    async def check() -> None:
        queue = make_queue()
        order: list[str] = []
        held = [Held(queue, owner, order) for owner in "GGGGGGABBC"]
        for _ in held:
            await settled()
            await next(one for one in held if one.is_in.is_set() and not one.task.done()).let_go()
        assert "".join(order) == "G" + "GABC" + "GB" + "GGG"

    run(check)


def test_greedy_key_fills_the_queue_and_keeps_others_out() -> None:
    async def check() -> None:
        queue = make_queue(1, 8)
        order: list[str] = []
        greedy = [Held(queue, "G", order) for _ in range(9)]
        await settled()
        others = [Held(queue, owner, order) for owner in "ABAB"]
        await settled()
        assert queue.waiting == 8
        dropped = [one for one in greedy if one.task.done()]
        assert dropped == greedy[-4:], "its newest make room"
        assert all(isinstance(one.task.exception(), OverloadedError) for one in dropped)
        # G has four waiting, A and B two each. A third of A's makes it three and three.
        third = Held(queue, "A", order)
        await settled()
        assert not third.task.done()
        # B has two: with a third it would have more than the one that made room for it.
        for owner in "AB":
            one_more = Held(queue, owner, order)
            await settled()
            assert isinstance(one_more.task.exception(), OverloadedError)
        assert queue.waiting == 8
        for one in (*greedy, *others, third):
            one._go.set()
        await asyncio.gather(*(one.task for one in greedy), return_exceptions=True)
        await asyncio.gather(*(one.task for one in (*others, third)))
        assert sorted(order) == list("AAABBGGGG")

    run(check)


def test_client_that_hangs_up_keeps_its_place_in_the_queue() -> None:
    async def check() -> None:
        queue = make_queue(1, 64)
        first, *others = (Held(queue, f"key-{i % 3}") for i in range(40))
        await settled()
        for one in others[::2]:
            one.task.cancel()
        await settled()
        assert queue.waiting == 39 - 20
        for one in (first, *others[1::2]):
            one._go.set()
        await asyncio.gather(*(one.task for one in (first, *others[1::2])))
        assert (queue.at_work, queue.waiting) == (0, 0)

    run(check)


def test_place_is_lost_with_a_client_that_hangs_up_just_when_its_turn_comes() -> None:
    async def check() -> None:
        queue = make_queue(1, 64)
        first, second, third = (Held(queue, "key") for _ in range(3))
        await settled()
        first._go.set()
        await until(lambda: queue.waiting == 1)  # the second has its turn but has not woken up to it
        assert not second.is_in.is_set()
        second.task.cancel()
        await third.is_in.wait()
        assert not second.is_in.is_set()
        await third.let_go()
        assert (queue.at_work, queue.waiting) == (0, 0)

    run(check)


def test_question_waits_longer_than_allowed() -> None:
    async def check() -> None:
        queue = make_queue(1, 64, queue_seconds=AT_ONCE)
        first = Held(queue, "a")
        await first.is_in.wait()
        for _ in range(3):
            with pytest.raises(OverloadedError) as error:
                async with queue.place("b"):
                    pass
            assert errors.status_of(error.value) == 503
        assert queue.waiting == 0
        await first.let_go()
        await Held(queue, "b").let_go()

    run(check)


def test_waiting_does_not_count_against_the_time_of_a_request() -> None:
    async def check() -> None:
        now, left = 0.0, 60.0
        queue = WorkQueue(1, 64, LONG, 60.0, lambda: now)
        first = Held(queue, "a")
        await first.is_in.wait()

        async def ask() -> None:
            async with queue.place("b") as place:
                assert place._timer.when() <= asyncio.get_running_loop().time() + left

        second = asyncio.create_task(ask())
        await settled()
        now, left = 45.0, 60.0 - 45.0
        await first.let_go()
        await second

    run(check)


def test_work_that_takes_too_long_is_waited_for_or_gives_its_place_away_early() -> None:
    async def check() -> None:
        queue = make_queue()
        started, go = threading.Event(), threading.Event()

        def work() -> None:
            started.set()
            go.wait()
            raise QuestionError("nobody hears this")

        async def ask() -> None:
            async with queue.place("a") as place:
                step = asyncio.create_task(place.run(work))
                await asyncio.to_thread(started.wait)
                place._expire()
                await step

        with pytest.raises(TimedOutError) as error:
            await ask()
        assert errors.status_of(error.value) == 504
        assert queue.at_work == 1, "a thread is at work that has no place"
        second = Held(queue, "b")
        await settled()
        assert not second.is_in.is_set()
        go.set()
        await second.is_in.wait()
        await second.let_go()
        await queue.aclose()
        assert queue.at_work == 0

    run(check)


def test_pass_whose_time_is_up_goes_on_to_its_end() -> None:
    async def check() -> None:
        queue = make_queue()
        events = Counting("a", "b", "c", hold_at=1)

        async def ask() -> None:
            async with queue.place("a") as place:
                asyncio.get_running_loop().call_soon(lambda: expire_when_reached(place))
                await place.last(events())

        def expire_when_reached(place: Place) -> None:
            if events.reached.is_set():
                place._expire()
            else:
                asyncio.get_running_loop().call_soon(lambda: expire_when_reached(place))

        with pytest.raises(TimedOutError):
            await ask()
        assert not events.closed, "the thread is still in it"
        events.go.set()
        await queue.aclose()
        assert events.closed
        assert queue.at_work == 0

    run(check)


def test_request_is_timed_out_before_its_time_or_later_than_it() -> None:
    async def check() -> None:
        queue = make_queue(request_seconds=AT_ONCE)
        async with queue.place("a") as place:
            await place._expired
            for _ in range(2):
                with pytest.raises(TimedOutError):
                    await place.run(lambda: pytest.fail("there is no time for that"))
        assert queue.at_work == 0
        queue = make_queue()
        async with queue.place("a") as place:
            assert await place.run(lambda: 7) == 7
        with pytest.raises(RuntimeError):
            await place.run(lambda: 7)

    run(check)


def test_result_that_comes_with_the_end_of_the_time_is_lost_or_told_as_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def check() -> None:
        queue = make_queue()
        async with queue.place("a") as place:
            step = asyncio.create_task(place.run(lambda: 7))
            await until(lambda: place._step is not None and place._step.done())
            place._expire()
            assert await step == 7

        def fails() -> None:
            raise QuestionError("empty")

        async with queue.place("a") as place:
            failing = asyncio.create_task(place.run(fails))
            await until(lambda: place._step is not None and place._step.done())
            place._expire()
            with pytest.raises(QuestionError):
                await failing
        await queue.aclose()
        assert queue.at_work == 0

    run(check)
    assert not caplog.records, "it was told twice"


def test_hang_up_while_at_work_ends_nothing() -> None:
    async def check() -> None:
        queue = make_queue()
        events = Counting("a", "b", "c", hold_at=1)

        async def ask() -> None:
            async with queue.place("a") as place:
                await place.last(events())

        asking = asyncio.create_task(ask())
        await asyncio.to_thread(events.reached.wait)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert queue.at_work == 1
        events.go.set()
        await queue.aclose()
        assert events.closed
        assert queue.at_work == 0

    run(check)


@pytest.mark.parametrize("error", [QuestionError("empty"), RuntimeError("a bug"), KeyboardInterrupt()])
def test_error_of_the_work_is_lost_or_keeps_the_place(error: BaseException) -> None:
    async def check() -> None:
        queue = make_queue()

        def events() -> Iterator[str]:
            yield "a"
            raise error

        if not isinstance(error, KeyboardInterrupt):  # in a thread it would end there
            with pytest.raises(type(error)):
                async with queue.place("a") as place:
                    await place.last(events())  # type: ignore[arg-type]
        with pytest.raises(type(error)):
            async with queue.place("a"):
                raise error
        await queue.aclose()
        assert queue.at_work == 0

    run(check)


def test_last_event_is_not_the_last() -> None:
    async def check() -> None:
        queue = make_queue()
        events = Counting(*"abc")
        async with queue.place("a") as place:
            assert await place.last(events()) == "c"
            with pytest.raises(ValueError, match="no events"):
                await place.last(Counting()())
        assert events.closed
        assert queue.at_work == 0, "a pass that has ended gives its place back at once"

    run(check)


def test_generator_that_cannot_be_closed_keeps_the_place(caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> None:
        queue = make_queue()

        def stubborn() -> Generator[str, None, None]:
            try:
                yield "a"
                yield "b"
            finally:
                raise RuntimeError("will not end")

        async with queue.place("a") as place:
            await place.next(stubborn())
        await queue.aclose()
        assert queue.at_work == 0

    run(check)
    assert "will not end" in caplog.text


def test_thread_does_not_know_the_request_it_works_for() -> None:
    async def check() -> None:
        request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id")
        queue = make_queue(2)

        def events() -> Generator[str, None, None]:
            yield request_id.get()
            yield request_id.get()

        async def ask(name: str) -> None:
            request_id.set(name)
            async with queue.place("a") as place:
                assert await place.run(request_id.get) == name
                assert await place.last(events()) == name

        await asyncio.gather(*(asyncio.create_task(ask(str(i))) for i in range(20)))

    run(check)


# Streams.


def broken(error: ZhengwenError) -> str:
    return f"error {errors.status_of(error)}"


def test_stream_loses_texts_or_gives_its_place_back_before_its_end() -> None:
    async def check() -> None:
        queue = make_queue()
        texts = Counting(*"abc")
        async with queue.place("a") as place:
            stream = place.stream(texts(), broken)
        seen = []
        async for text in stream:
            assert queue.at_work == 1
            seen.append(text)
        assert seen == list("abc")
        assert queue.at_work == 0
        assert [text async for text in stream] == []

    run(check)


def test_error_after_the_stream_was_made_keeps_the_place() -> None:
    async def check() -> None:
        queue = make_queue()

        async def ask() -> None:
            async with queue.place("a") as place:
                place.stream(Counting("a")(), broken)
                raise QuestionError("later")

        with pytest.raises(QuestionError):
            await ask()
        assert queue.at_work == 0

    run(check)


def test_stream_that_is_closed_goes_on() -> None:
    async def check() -> None:
        queue = make_queue()
        events, texts = Counting(*"abc"), Counting(*"xyz")
        async with queue.place("a") as place:
            assert await place.next(running := events()) == "a"
            stream = place.stream(texts(), broken)
        assert await anext(stream) == "x"
        await stream.aclose()
        await stream.aclose()
        await queue.aclose()
        assert queue.at_work == 0
        assert texts.closed
        assert events.closed
        assert running.gi_frame is None
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    run(check)


def test_stream_that_nobody_reads_keeps_its_place_for_ever() -> None:
    async def check() -> None:
        queue = make_queue()
        async with queue.place("a") as place:
            stream = place.stream(Counting("a")(), broken)
        await stream.aclose()
        assert queue.at_work == 0

        queue = make_queue(request_seconds=AT_ONCE)
        texts = Counting("a", "b")
        async with queue.place("a") as place:
            place._timer.cancel()
            stream = place.stream(texts(), broken)
            assert await anext(stream) == "a"
        place._expire()  # the client has stopped reading, so nobody asks for the next text
        await queue.aclose()
        assert texts.closed
        assert queue.at_work == 0
        assert [text async for text in stream] == ["error 504"]

    run(check)


def test_stream_whose_time_is_up_ends_without_a_word_or_waits_for_its_thread() -> None:
    async def check() -> None:
        queue = make_queue()
        texts = Counting("a", "b", "c", hold_at=1)
        async with queue.place("a") as place:
            stream = place.stream(texts(), broken)
        assert await anext(stream) == "a"
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.to_thread(texts.reached.wait)
        place._expire()
        assert await waiting == "error 504"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert queue.at_work == 1
        texts.go.set()
        await queue.aclose()
        assert texts.closed
        assert queue.at_work == 0

    run(check)


def test_stream_that_is_cancelled_keeps_its_place() -> None:
    async def check() -> None:
        queue = make_queue()
        texts = Counting("a", "b", hold_at=0)
        async with queue.place("a") as place:
            stream = place.stream(texts(), broken)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.to_thread(texts.reached.wait)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        texts.go.set()
        await queue.aclose()
        assert texts.closed
        assert queue.at_work == 0

    run(check)


@given(st.integers(1, 3), st.integers(0, 5), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=60))
def test_place_is_lost_or_made_up_in_some_order_of_events(
    at_once: int, length: int, moves: list[tuple[int, int]]
) -> None:
    async def check() -> None:
        queue = make_queue(at_once, length)
        names = itertools.cycle("abacab")
        held: list[Held] = []
        for kind, which in moves:
            chosen = held[which % len(held)] if held else None
            if kind <= 2 or chosen is None:
                held.append(Held(queue, next(names)))
            elif kind == 3:
                chosen._go.set()
            elif kind == 4:
                chosen.task.cancel()
            else:
                await settled()
            assert queue.at_work <= at_once
            assert queue.waiting <= length
            assert queue.waiting == 0 or queue.at_work == at_once, "somebody waits beside a free place"
        await settled()
        ended = Counter(one.task.done() for one in held)
        assert ended[False] == queue.at_work + queue.waiting
        for one in held:
            one._go.set()
        results = await asyncio.gather(*(one.task for one in held), return_exceptions=True)
        assert all(result is None or isinstance(result, OverloadedError | asyncio.CancelledError) for result in results)
        assert (queue.at_work, queue.waiting) == (0, 0)

    run(check, generation=0)


# Clients that hang up.


class Client:
    """The receiving side of a connection whose client hangs up when told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


def test_work_goes_on_for_a_client_that_hung_up_while_waiting() -> None:
    async def check() -> None:
        queue, client = make_queue(), Client()
        first = Held(queue, "a")
        await first.is_in.wait()

        async def ask() -> None:
            async with queue.place("b"):
                pytest.fail("nobody wants this any more")

        asking = asyncio.create_task(while_connected(client.receive, ask()))
        await until(lambda: queue.waiting == 1)
        client.gone.set()
        with pytest.raises(HungUpError):
            await asking
        assert queue.waiting == 0
        await first.let_go()

    run(check)


def test_watching_the_client_changes_what_comes_back() -> None:
    async def check() -> None:
        async def fine() -> int:
            await asyncio.sleep(0)
            return 7

        async def fails() -> int:
            await asyncio.sleep(0)
            raise QuestionError("empty")

        assert await while_connected(Client().receive, fine()) == 7
        with pytest.raises(QuestionError, match="empty"):
            await while_connected(Client().receive, fails())
        hung = asyncio.create_task(while_connected(Client().receive, asyncio.Event().wait()))
        await settled()
        hung.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hung
        assert asyncio.all_tasks() == {asyncio.current_task()}, "somebody still watches or works"

    run(check)


def test_hang_up_is_a_failure_of_the_service() -> None:
    response = errors.error_response("/api/ask", errors.status_of(HungUpError("gone")), "gone")
    assert response.status_code == 499


def make_app(queue: WorkQueue, events: Callable[[], Generator[str, None, None]]) -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.get("/v1/ask")
    async def ask(request: Request) -> str:
        async def work() -> str:
            async with queue.place("a") as place:
                return await place.last(events())

        return await while_connected(request.receive, work())

    @app.get("/stream")
    async def stream() -> Response:
        async with queue.place("a") as place:
            return StreamingResponse(place.stream(events(), broken))

    @app.get("/free")
    async def free() -> Response:
        return PlainTextResponse("free")

    return app


def test_client_that_hangs_up_on_a_real_server_leaves_its_question_in_the_queue() -> None:
    async def check() -> None:
        queue = make_queue()
        events = Counting("a", "b", hold_at=0)
        config = uvicorn.Config(make_app(queue, events), port=0, log_config=None, lifespan="off", http="h11")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]

        async def get(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return reader, writer

        async def hang_up(writer: asyncio.StreamWriter) -> None:
            writer.close()
            await writer.wait_closed()

        _, first = await get("/v1/ask")
        await until(lambda: queue.at_work == 1)
        waiting = [await get(path) for path in ("/v1/ask", "/stream", "/v1/ask")]
        await until(lambda: queue.waiting == 3)
        await hang_up(waiting[0][1])
        await hang_up(waiting[2][1])
        await until(lambda: queue.waiting == 1)
        reader, writer = await get("/free")
        assert (await reader.read()).endswith(b"free"), "the loop is blocked"
        await hang_up(writer)

        await hang_up(first)
        events.go.set()  # only now does the first one's thread notice that nobody listens
        streamed = await waiting[1][0].read()
        assert b"a" in streamed
        assert b"b" in streamed
        await hang_up(waiting[1][1])
        await until(lambda: queue.at_work == 0)
        server.should_exit = True
        await serving
        await queue.aclose()

    run(check)


def test_error_of_the_queue_has_no_shape_for_openai() -> None:
    queue = make_queue(1, 0)
    queue._at_work = 1
    with TestClient(make_app(queue, Counting("a"))) as client:
        for path in ("/v1/ask", "/stream"):
            refused = client.get(path)
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
        assert client.get("/v1/ask").json()["error"]["code"] == "overloaded"
        queue._at_work = 0
        assert client.get("/v1/ask").json() == "a"
        assert client.get("/stream").text == "a"
        queue._request_seconds = 0.0
        late = client.get("/v1/ask")
        assert late.status_code == 504
        assert late.json()["error"]["type"] == "server_error"
        assert late.headers["X-Should-Retry"] == "false"
        assert client.get("/stream").text.endswith("error 504")
    assert queue.at_work == 0
