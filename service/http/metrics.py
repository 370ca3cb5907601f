"""What Prometheus reads at `GET /metrics`: counts and durations, never a question, a path or an id.

With several workers each counts into files of a folder that all share, and whichever is asked answers for all of them;
`shared_folder` makes that folder before they start.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fastapi import APIRouter, Depends, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.responses import Response

from service.answer import Answer, Status, Verdict
from service.http.access import require
from service.records.types import KeyScope

# The library reads this variable when it is imported, so it has to stand in a worker's environment from the beginning.
_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_STAGES = ("retrieve", "read", "compose", "total")
_OTHER = "other"

# How the reason of a refusal begins → its code. Reasons are made in refusal.py, pipeline.py and generate.py.
_REASONS: Mapping[str, str] = {
    "没有检索到与问题相关的段落": "nothing_found",
    "检索到的段落与所问事项关联不足": "off_topic",
    "收录的文件中没有提到": "unknown_words",
    "没有这一条文": "no_such_article",
    "相关段落说的是": "other_subject",
    "相关段落没有给出所问的": "no_such_fact",
    "相关段落谈到了这一主题": "not_stated",
    "找到的段落没有一句能够支持回答": "unsupported",
    "语言模型认为找到的资料不足以回答": "model_declined",
    "语言模型中途中断": "model_broke_off",
}

router = APIRouter()


def refusal_code(reason: str) -> str:
    """The code of a refusal's reason, one of a dozen; `other` for a reason that has none yet."""
    return next((code for beginning, code in _REASONS.items() if reason.startswith(beginning)), _OTHER)


def stage_seconds(timings: Mapping[str, float]) -> dict[str, float]:
    """Stage → seconds, in the order of the pass, from an answer's `timings`; what no stage claims of `total` is `compose`."""
    seconds = {name.removesuffix("_ms"): milliseconds / 1000 for name, milliseconds in timings.items()}
    total = seconds.pop("total", None)
    if total is None:
        return seconds
    return seconds | {"compose": max(0.0, total - sum(seconds.values())), "total": total}


class Metrics:
    """The measures of one application, or of all workers that share a folder."""

    def __init__(self) -> None:
        self._folder = os.environ.get(_FOLDER_VARIABLE)
        self._registry = registry = CollectorRegistry()
        if not self._folder:
            ProcessCollector(registry=registry)
        self._stages = Histogram(
            "zhengwen_stage_duration_seconds",
            "Time of each stage of a question.",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._answers = Counter("zhengwen_answers", "Questions answered, by status.", ["status"], registry=registry)
        self._sentences = Counter(
            "zhengwen_sentences", "Sentences checked; unsupported ones are not shown.", ["verdict"], registry=registry
        )
        self._refusals = Counter("zhengwen_refusals", "Refusals, by reason.", ["reason"], registry=registry)
        self._index = Gauge(
            "zhengwen_index_info",
            "1 for the index that is served, 0 for one that was.",
            ["fingerprint"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._requests = Counter(
            "zhengwen_requests", "Requests, by class of status.", ["method", "route", "status"], registry=registry
        )
        self._durations = Histogram(
            "zhengwen_request_duration_seconds",
            "Time from a request's head to the end of its response.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._waiting = self._gauge("zhengwen_queue_waiting", "Questions that wait for their turn.")
        self._working = self._gauge("zhengwen_queue_working", "Questions at work.")
        self._queue: tuple[Callable[[], int], Callable[[], int]] | None = None
        self._fingerprint: str | None = None
        # A series that begins at 0 shows its first event as an increase.
        for stage in _STAGES:
            self._stages.labels(stage)
        for status in Status:
            self._answers.labels(status.value)
        for verdict in Verdict:
            self._sentences.labels(verdict.value)
        for code in (*_REASONS.values(), _OTHER):
            self._refusals.labels(code)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry, multiprocess_mode="livesum")

    def observe_answer(self, answer: Answer) -> None:
        """Counts an answer, its sentences, its refusal and the time of its stages."""
        for stage, seconds in stage_seconds(answer.timings).items():
            self._stages.labels(stage).observe(seconds)
        self._answers.labels(answer.status.value).inc()
        for sentence in answer.sentences:
            self._sentences.labels(sentence.verdict.value).inc()
        self._sentences.labels(Verdict.UNSUPPORTED.value).inc(answer.dropped)
        if answer.status is Status.REFUSED:
            self._refusals.labels(refusal_code(answer.reason or "")).inc()

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request; `route` is the template of its path, and any method that HTTP does not know is `other`."""
        self._requests.labels(method if method in _METHODS else _OTHER, route, f"{status // 100}xx").inc()
        self._durations.labels(route).observe(seconds)
        self._sample()

    def set_index(self, fingerprint: str) -> None:
        """Says which index is served from now on."""
        if self._fingerprint not in (None, fingerprint):
            self._index.labels(self._fingerprint).set(0)
        self._fingerprint = fingerprint
        self._index.labels(fingerprint).set(1)

    def watch_queue(self, waiting: Callable[[], int], working: Callable[[], int]) -> None:
        """Takes the depth of the queue from these functions, after each request and when somebody looks."""
        self._queue = waiting, working

    def _sample(self) -> None:
        if self._queue is not None:
            waiting, working = self._queue
            self._waiting.set(waiting())
            self._working.set(working())

    def render(self) -> bytes:
        """Everything in Prometheus's text format."""
        self._sample()
        if not self._folder:
            return generate_latest(self._registry)
        _forget_the_dead(Path(self._folder))
        shared = CollectorRegistry()
        MultiProcessCollector(shared, self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def _forget_the_dead(folder: Path) -> None:
    """Drops what workers that are gone said of themselves; what they counted stays."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


@contextmanager
def shared_folder() -> Iterator[None]:
    """A fresh folder for the counts of all workers that are started inside."""
    with tempfile.TemporaryDirectory(prefix="zhengwen-metrics-") as folder:
        os.environ[_FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER_VARIABLE]


@router.get(
    "/metrics",
    summary="Counts and durations for Prometheus",
    response_class=Response,
    dependencies=[Depends(require(KeyScope.ADMIN))],
)
async def read_metrics(request: Request) -> Response:
    metrics: Metrics = request.state.metrics
    return Response(metrics.render(), media_type=CONTENT_TYPE_LATEST)
