"""Reads many files in processes that can be killed, so many at once as there are cores."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from indexer.files import USUAL, Limits, Reading, Source

_MAX_DEATHS = 5  # of workers, over one archive


def read_apart(
    sources: Sequence[Source],
    limits: Limits = USUAL,
    progress: Callable[[int], None] = lambda done: None,
) -> list[tuple[Reading, ...]]:
    """What each of the files holds, in their order; see `indexer.reading.read_file`.

    A file that takes too long or too much memory, or whose reader crashes, comes with that as its problem. `progress` is
    called with the number of files that are done.
    """
    n_workers = min(
        len(sources), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if not n_workers:
        return []
    workers = [Worker(limits) for _ in range(n_workers)]
    idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    for worker in workers:
        idle.put(worker)

    def read(source: Source) -> tuple[Reading, ...]:
        worker = idle.get()
        try:
            return worker.read(source)
        finally:
            idle.put(worker)

    threads = ThreadPoolExecutor(n_workers)
    try:
        waiting: set[Future[tuple[Reading, ...]]]
        futures = [threads.submit(read, source) for source in sources]
        waiting = set(futures)
        while waiting:
            _, waiting = wait(waiting, timeout=0.2, return_when=FIRST_EXCEPTION)
            progress(sum(future.done() for future in futures))
        return [future.result() for future in futures]
    finally:
        for worker in workers:
            worker.kill()
        threads.shutdown(cancel_futures=True)
        for worker in workers:
            worker.close()


class Worker:
    """A process that reads one file at a time, started when there is something to read and again when it has died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def read(self, source: Source) -> tuple[Reading, ...]:
        """What a file holds; never raises for what is in it."""
        found: dict[str, Reading] = {}
        for _ in range(_MAX_DEATHS):
            if self._read_on(source, found):
                return tuple(found.values())
        problem = f"what follows in it is left out, since {_MAX_DEATHS} files in it could not be read: unpack it"
        _add(found, Reading(source.path, "", problem=problem, is_error=True))
        return tuple(found.values())

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return None if self._process is None else self._process.pid

    def kill(self) -> None:
        """Ends the process, whatever it is doing, and starts no other; a thread that waits for it goes on."""
        with self._lock:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Clears up after `kill`, when no thread waits any more."""
        with self._lock:
            self._end()

    def _read_on(self, source: Source, found: dict[str, Reading]) -> bool:
        """Adds to `found` what is not in it yet, and the problem at which the process ended if it did; whether that is all."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        task = {
            "path": source.path,
            "file": str(source.file.resolve()),
            "sha256": source.sha256,
            "sidecar": str(source.sidecar.resolve()) if source.sidecar else "",
            "done": list(found),
            "limits": asdict(self._limits),
        }
        current = source.path
        watch = _Watch(process, self._limits.seconds)
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
            while line := process.stdout.readline():
                watch.rest()
                answer: dict[str, Any] = json.loads(line.decode("utf-8", "surrogatepass"))
                if "at" in answer:
                    current = answer["at"]
                elif "reading" in answer:
                    _add(found, _believable(Reading.from_json(answer["reading"]), source))
                    current = source.path
                else:
                    if not answer["stays"]:
                        with self._lock:
                            self._end()
                    return bool(answer["done"])
        except (BrokenPipeError, ValueError, KeyError, TypeError, AttributeError):
            pass  # it died while it was spoken to or in the middle of a line, or says what no worker of ours would
        finally:
            watch.end()
        process.kill()
        status = process.wait()
        with self._lock:
            self._end()
        _add(found, Reading(current, "", problem=self._reason(status, watch.has_killed), is_error=True))
        return current == source.path

    def _reason(self, status: int, is_late: bool) -> str:
        """Why a process ended, and what to do."""
        if is_late or -status == signal.SIGALRM:
            return f"it takes longer than {self._limits.seconds:g} seconds: split it, or allow more"
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        memory = f"more than {self._limits.memory_megabytes} MB of memory"
        return f"its reader crashed ({how}), perhaps for want of {memory}: open it and save it again"

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the worker was closed")
            if self._process is None or self._process.poll() is not None:
                self._end()
                root = str(Path(__file__).resolve().parents[1])
                paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "indexer.worker"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
                    start_new_session=True,  # Ctrl-C on the terminal is for this process alone, which then ends its workers
                )
            return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):  # what was not sent is lost with who was to read it
                        stream.close()
            self._process = None


def _believable(reading: Reading, source: Source) -> Reading:
    """The reading, unless it is of another file than was asked for: raises ValueError then."""
    document = reading.document
    is_inside = reading.path == source.path or reading.path.startswith(f"{source.path}/")
    if not is_inside or (document is not None and {document.path, document.doc_id} != {reading.path}):
        raise ValueError(f"asked for {source.path}, told of {reading.path}")
    return reading


def _add(found: dict[str, Reading], reading: Reading) -> None:
    """Puts a reading under its path; the problem of a mail whose text was read goes beside it."""
    path = reading.path if reading.path not in found else f"{reading.path}/…"
    found[path] = replace(reading, path=path)


class _Watch:
    """Kills a process that says nothing for so many seconds."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.has_killed = False
        self._process = process
        self._seconds = seconds
        self._timer = self._timed()

    def rest(self) -> None:
        """It has said something: counts anew."""
        self.end()
        self._timer = self._timed()

    def end(self) -> None:
        self._timer.cancel()

    def _timed(self) -> threading.Timer:
        timer = threading.Timer(self._seconds, self._kill)
        timer.daemon = True
        timer.start()
        return timer

    def _kill(self) -> None:
        self.has_killed = True
        self._process.kill()
