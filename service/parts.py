"""What is dear to open and asked for again: opened once, whoever else waits for it, and the last few kept."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Parts(Generic[T]):
    """What `open_part` makes of a set of documents; the `size` sets that were asked for last are kept."""

    def __init__(self, open_part: Callable[[frozenset[str]], T], size: int) -> None:
        self._open_part = open_part
        self._size = size
        self._lock = Lock()
        self._opened: dict[frozenset[str], Future[T]] = {}

    def get(self, doc_ids: frozenset[str]) -> T:
        """Raises what `open_part` does; the next call then tries again."""
        with self._lock:
            found = self._opened.pop(doc_ids, None)
            opening: Future[T] = found or Future()
            self._opened[doc_ids] = opening  # behind the others, of which the first goes first
            if len(self._opened) > self._size:
                del self._opened[next(iter(self._opened))]
        if found is None:
            try:
                opening.set_result(self._open_part(doc_ids))
            except BaseException as error:
                with self._lock:
                    self._opened.pop(doc_ids, None)
                opening.set_exception(error)
        return opening.result()
