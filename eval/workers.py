"""Processes that ask questions side by side, each with a pipeline of its own.

A question that takes too long, or takes its process down with it, is a failure of that question alone: the process is
killed, whatever it is doing, and another takes its place. Each process computes with one thread, so that no result depends
on how many there are.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from time import monotonic
from types import TracebackType
from typing import Self

import torch

from eval.gold import GoldQuestion
from eval.record import Cost, Record, ask, failure
from indexer.errors import ModelError, ZhengwenError
from service.answer import Receipt
from service.pipeline import Pipeline

OpenPipeline = Callable[[], Pipeline]
"""Opens a pipeline in a new process: a function of a module, or a `functools.partial` of one."""

_PROCESSES = get_context("spawn")
_GRACE = 5.0  # seconds for an idle process to clean up after itself


class Workers:
    """`jobs` processes that answer questions, for a `with` block; `timeout` in seconds is for one question.

    Raises:
        ZhengwenError: on entering, the one that `open_pipeline` raises.
        ModelError: a process ended before its pipeline was open.
    """

    def __init__(self, open_pipeline: OpenPipeline, *, jobs: int, timeout: float) -> None:
        self._open = open_pipeline
        self._jobs = jobs
        self._timeout = timeout
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        try:
            self._workers = [_Worker(self._open)]
            self.receipt = self._workers[0].receipt()
            self._workers += [_Worker(self._open) for _ in range(self._jobs - 1)]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def ask(self, questions: Sequence[GoldQuestion]) -> Iterator[Record]:
        """One record a question, in order, each as soon as it and all before it are known."""
        waiting = deque(range(len(questions)))
        done: dict[int, Record] = {}
        for due in range(len(questions)):
            while due not in done:
                for worker in self._workers:
                    if worker.task is None and waiting:
                        worker.give(waiting.popleft(), questions)
                done.update(self._finished(questions))
            yield done.pop(due)

    def _finished(self, questions: Sequence[GoldQuestion]) -> dict[int, Record]:
        """Waits until something happens: the records of questions that are answered, overdue or lost."""
        busy = [worker for worker in self._workers if worker.task is not None]
        deadlines = [worker.started + self._timeout for worker in busy if worker.started is not None]
        patience = max(0.0, min(deadlines) - monotonic()) if deadlines else None
        ready = wait([worker.connection for worker in busy], patience)
        found: dict[int, Record] = {}
        for worker in busy:
            task = worker.task
            assert task is not None
            if worker.connection in ready:
                record = worker.receive(questions[task])
                if record is None:
                    continue
                found[task] = record
            elif worker.started is not None and monotonic() - worker.started >= self._timeout:
                worker.end()
                cost = Cost(1000 * self._timeout, 0.0)
                found[task] = failure(questions[task], f"TimeoutError: no answer in {self._timeout:g} s", cost)
            if not worker.process.is_alive():
                self._workers[self._workers.index(worker)] = _Worker(self._open)
        return found

    def _end(self) -> None:
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process. `task` is the number of its question, `started` when that was handed over to an open pipeline."""

    def __init__(self, open_pipeline: OpenPipeline) -> None:
        self.connection, far_end = _PROCESSES.Pipe()
        self.process = _PROCESSES.Process(target=_work, args=(far_end, open_pipeline), daemon=True)
        self.process.start()
        far_end.close()
        self.is_open = False
        self.task: int | None = None
        self.started: float | None = None

    def give(self, task: int, questions: Sequence[GoldQuestion]) -> None:
        self.task = task
        self.started = monotonic() if self.is_open else None
        self.connection.send(questions[task])

    def receipt(self) -> Receipt:
        """What the first message says, once it comes: that the pipeline is open."""
        try:
            first = self.connection.recv()
        except EOFError:
            self.process.join()
            raise ModelError(
                f"a process ended with exit status {self.process.exitcode} before its pipeline was open: "
                "see above for the reason"
            ) from None
        if isinstance(first, ZhengwenError):
            raise first
        assert isinstance(first, Receipt)
        self.is_open = True
        self.started = monotonic()
        return first

    def receive(self, question: GoldQuestion) -> Record | None:
        """The record that has come; None when the pipeline has only just opened."""
        if not self.is_open:
            self.receipt()
            return None
        task_started, self.task, self.started = self.started, None, None
        try:
            record = self.connection.recv()
        except EOFError:
            self.end()
            assert task_started is not None
            cost = Cost(round(1000 * (monotonic() - task_started), 1), 0.0)
            return failure(question, f"ChildProcessError: exit status {self.process.exitcode}", cost)
        assert isinstance(record, Record)
        return record

    def end(self) -> None:
        """Ends the process: an idle one by hanging up, a busy one at once."""
        self.connection.close()
        if self.task is None and self.is_open:
            self.process.join(_GRACE)
        self.process.kill()
        self.process.join()


def _work(connection: Connection, open_pipeline: OpenPipeline) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one ends the others
    torch.set_num_threads(1)
    try:
        pipeline = open_pipeline()
    except ZhengwenError as error:
        connection.send(error)
        return
    connection.send(pipeline.receipt)
    while True:
        try:
            question = connection.recv()
        except EOFError:  # whoever asked is gone
            return
        connection.send(ask(pipeline, question))
