"""Load on a running service: many users who ask one question after the other, for a while, and what each of them met.

Closed loop: a user asks again when the answer is there. A user who is told to come again (429, 503) waits as long as
`Retry-After` says, so the load stays that of so many people, not of a machine gun.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx

_GRACE_SECONDS = 90.0
_TURNED_AWAY = (429, 503)


@dataclass(frozen=True)
class Reply:
    """One request: the status (0 when there was no response at all) and how many milliseconds it took."""

    status: int
    milliseconds: float


@dataclass(frozen=True)
class Load:
    """What `users` met in `seconds`: questions answered a second, percentiles of the answered ones in milliseconds, and how
    many replies of each kind there were; `turned_away` are 429 and 503, `failed` every other status and no response."""

    users: int
    seconds: float
    answered: int
    per_second: float
    p50: float
    p95: float
    p99: float
    slowest: float
    turned_away: int
    failed: int


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed; 0 of none. (Nearest rank.)"""
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 1000) // 1000)
    return ordered[max(0, rank - 1)] if ordered else 0.0


def summarise(users: int, seconds: float, replies: Sequence[Reply]) -> Load:
    answered = [reply.milliseconds for reply in replies if reply.status == 200]
    kinds = Counter("turned away" if reply.status in _TURNED_AWAY else reply.status for reply in replies)
    return Load(
        users=users,
        seconds=round(seconds, 1),
        answered=len(answered),
        per_second=round(len(answered) / seconds, 1) if seconds else 0.0,
        p50=round(percentile(answered, 0.50), 1),
        p95=round(percentile(answered, 0.95), 1),
        p99=round(percentile(answered, 0.99), 1),
        slowest=round(max(answered, default=0.0), 1),
        turned_away=kinds["turned away"],
        failed=len(replies) - len(answered) - kinds["turned away"],
    )


def put_load(
    url: str,
    questions: Sequence[str],
    users: int,
    *,
    seconds: float | None = None,
    total: int | None = None,
    key: str = "",
    on_reply: Callable[[Reply], None] = lambda reply: None,
) -> Load:
    """Asks for `seconds`, or `total` questions, whichever ends first; what is under way then is waited for."""
    return asyncio.run(_put_load(url, questions, users, seconds, total, key, on_reply))


async def _put_load(
    url: str,
    questions: Sequence[str],
    users: int,
    seconds: float | None,
    total: int | None,
    key: str,
    on_reply: Callable[[Reply], None],
) -> Load:
    started = time.perf_counter()
    end = None if seconds is None else started + seconds
    numbered: Iterator[int] = itertools.count() if total is None else iter(range(total))
    replies: list[Reply] = []
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=_GRACE_SECONDS, headers=headers) as client:

        async def user() -> None:
            for number in numbered:
                if end is not None and time.perf_counter() >= end:
                    return
                reply, wait = await _ask(client, questions[number % len(questions)])
                replies.append(reply)
                on_reply(reply)
                if wait:
                    await asyncio.sleep(wait if end is None else max(0.0, min(wait, end - time.perf_counter())))

        await asyncio.gather(*(user() for _ in range(users)))
    return summarise(users, time.perf_counter() - started, replies)


async def _ask(client: httpx.AsyncClient, question: str) -> tuple[Reply, float]:
    """The reply, and for how many seconds its user stays away."""
    began = time.perf_counter()
    wait = 0.0
    try:
        response = await client.post("/api/ask", json={"question": question})
        status = response.status_code
        if status in _TURNED_AWAY:
            wait = float(response.headers.get("Retry-After", "1"))
    except httpx.HTTPError:
        status = 0
    return Reply(status, 1000 * (time.perf_counter() - began)), wait
