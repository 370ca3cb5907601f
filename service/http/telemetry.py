"""Traces for OpenTelemetry, an extra that is off until `telemetry_endpoint` names a collector.

One span a request with one below it for each stage of an answer. They carry what the metrics do, and the request's id:
no question, no path, no key.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from indexer.errors import InputError
from service.answer import Answer
from service.http.metrics import stage_seconds

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_NEEDED = "pip install 'zhengwen[telemetry]'"
# A collector that is down must not hold up the end of the process.
_TIMEOUT_SECONDS = 5


class Telemetry:
    """Sends spans to a collector, in the background; a collector that fails costs spans and nothing else."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("zhengwen")

    @classmethod
    def open(cls, endpoint: str) -> Self:
        """Sends over OTLP/HTTP to the collector at `endpoint`, the address that `/v1/traces` comes after.

        Raises:
            InputError: the extra is not installed, or the endpoint is no http address.
        """
        address = urlsplit(endpoint)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise InputError(
                f"telemetry_endpoint is {endpoint!r}: give a collector's address, such as http://127.0.0.1:4318"
            )
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import SERVICE_NAME, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise InputError(
                f"telemetry_endpoint is set but OpenTelemetry is not installed ({error}): run {_NEEDED}, or unset it"
            ) from error
        provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "zhengwen"}), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces", timeout=_TIMEOUT_SECONDS)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return cls(provider)

    @contextmanager
    def request(self, method: str, request_id: str, headers: Mapping[str, str]) -> Iterator["Span"]:
        """The span of a request, below the caller's if its `traceparent` names one; answers inside become its children."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        with self._tracer.start_as_current_span(
            method,
            TraceContextTextMapPropagator().extract(carrier),
            SpanKind.SERVER,
            {"http.request.method": method, "zhengwen.request_id": request_id},
            record_exception=False,  # its message may quote a question
            set_status_on_exception=False,
        ) as span:
            yield span

    def observe_answer(self, answer: Answer) -> None:
        """Adds the stages of an answer that has just been finished as spans, one after the other."""
        ended = time_ns()
        seconds = stage_seconds(answer.timings)
        started = ended - int(seconds.pop("total", 0.0) * 1e9)
        for stage, duration in seconds.items():
            span = self._tracer.start_span(stage, start_time=started)
            started += int(duration * 1e9)
            if stage == "compose":
                span.set_attribute("zhengwen.status", answer.status.value)
            span.end(started)

    def close(self) -> None:
        """Sends what is still waiting, for a few seconds at most."""
        self._provider.shutdown()


def end_request(span: "Span", method: str, route: str, status: int) -> None:
    """Names the span of a request that is over by the template of its path."""
    from opentelemetry.trace import StatusCode

    span.update_name(f"{method} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        span.set_status(StatusCode.ERROR)
