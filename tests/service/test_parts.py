"""Each part is opened once, the last few are kept, and a failure is told to all who wait and to nobody else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.parts import Parts

A, B, C = (frozenset(name) for name in "abc")


def test_part_is_opened_twice_when_many_ask_at_once() -> None:
    begun, release = threading.Event(), threading.Event()
    opened: list[frozenset[str]] = []

    def open_part(doc_ids: frozenset[str]) -> object:
        opened.append(doc_ids)
        begun.set()
        release.wait()
        return object()

    parts = Parts(open_part, 4)
    with ThreadPoolExecutor(16) as pool:
        asking = [pool.submit(parts.get, A) for _ in range(16)]
        begun.wait()
        release.set()
        assert len({id(asked.result()) for asked in asking}) == 1
    assert opened == [A]


def test_part_that_takes_long_to_open_keeps_others_waiting() -> None:
    begun, release = threading.Event(), threading.Event()

    def open_part(doc_ids: frozenset[str]) -> str:
        if doc_ids == A:
            begun.set()
            release.wait()
        return "".join(doc_ids)

    parts = Parts(open_part, 4)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(parts.get, A)
        begun.wait()
        assert parts.get(B) == "b"
        release.set()
        assert slow.result() == "a"


@given(st.lists(st.sampled_from([A, B, C, A | B, A | C, B | C]), max_size=40), st.integers(1, 4))
def test_other_parts_are_kept_than_those_asked_for_last(asked: list[frozenset[str]], size: int) -> None:
    opened: list[frozenset[str]] = []

    def open_part(doc_ids: frozenset[str]) -> frozenset[str]:
        opened.append(doc_ids)
        return doc_ids

    parts = Parts(open_part, size)
    kept: list[frozenset[str]] = []
    for doc_ids in asked:
        before = len(opened)
        assert parts.get(doc_ids) == doc_ids
        assert (len(opened) > before) == (doc_ids not in kept)
        kept = [*(other for other in kept if other != doc_ids), doc_ids][-size:]


def test_failure_is_kept_or_hidden_from_who_waits() -> None:
    begun, release = threading.Event(), threading.Event()
    tries: list[int] = []

    def open_part(doc_ids: frozenset[str]) -> str:
        tries.append(1)
        if len(tries) == 1:
            begun.set()
            release.wait()
            raise MemoryError("full")
        return "open"

    parts = Parts(open_part, 4)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(parts.get, A)
        begun.wait()
        waiting = pool.submit(parts.get, A)
        while not waiting.running():
            pass
        release.set()
        with pytest.raises(MemoryError):
            first.result()
    assert waiting.exception() is None or isinstance(waiting.exception(), MemoryError)
    assert parts.get(A) == "open"
