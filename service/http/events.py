"""Server-sent events: what keeps a stream open, and the stream of the native interface."""

import json
import logging
from collections.abc import Generator
from typing import Any

from anyio import CancelScope
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from indexer.errors import ZhengwenError
from indexer.retrieval import Library
from service.answer import ShownPassage
from service.assembly import Checked
from service.http.errors import problem, status_of
from service.http.limits import PlacedStream
from service.pipeline import SHOWN, Event, Retrieved, Writing

# A comment, which every client passes over: proxies see that the stream lives, and we see when nobody listens any more.
KEEP_OPEN = ": writing\n\n"

logger = logging.getLogger(__name__)


class EventStream(StreamingResponse):
    """A response of server-sent events that ends their work however it ends, so that nobody works for nobody."""

    def __init__(self, events: PlacedStream) -> None:
        # The second keeps a proxy such as nginx from holding the events back until it has a bufferful.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self._events.aclose()


def native_events(
    path: str, first: Event, events: Generator[Event, None, None], library: Library
) -> Generator[str, None, None]:
    """`passages`, a `sentence` each as it is checked, then the `answer`; an `error` takes the place of what cannot come."""
    try:
        yield _named_event(first, library)
        for event in events:
            yield _named_event(event, library)
    except ZhengwenError as error:
        yield native_error_event(path, error)
    except Exception:
        logger.exception("a stream broke off")
        yield _event("error", problem(path, 500, "an unexpected error happened; the log has the details"))
    finally:
        events.close()


def native_error_event(path: str, error: ZhengwenError) -> str:
    """What ends a stream that has begun."""
    return _event("error", problem(path, status_of(error), str(error)))


def _named_event(event: Event, library: Library) -> str:
    match event:
        case Retrieved(hits=hits):
            shown = [ShownPassage.of(hit, library.text(hit.passage)).__dict__ for hit in hits[:SHOWN]]
            return _event("passages", {"passages": shown})
        case Writing():
            return KEEP_OPEN
        case Checked(sentence=sentence, text=text):
            return _event("sentence", {"text": text, "citations": sentence.citations})
        case answer:
            return _event("answer", answer.to_json())


def _event(name: str, body: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"
