"""What requests share: the pipeline, loaded in the background while the process already answers, replaced in one step.

A request keeps the pipeline that it began with; the old one is gone when the last of them has ended.
"""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from indexer.errors import StoredIndexError, ZhengwenError
from service.http.errors import NotReadyError
from service.pipeline import Pipeline
from service.versions import IndexWatch

logger = logging.getLogger(__name__)

_WARM_UP = "互联网3.0是什么？"
_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Reloaded:
    """What came of loading: the fingerprint that is served now, empty for none, whether it is a new one, and what failed."""

    index: str
    changed: bool
    problem: str | None


class ServiceState:
    """Holds the pipeline that answers."""

    def __init__(
        self,
        open_pipeline: Callable[[], Pipeline],
        watch: IndexWatch | None = None,
        poll_seconds: float = _POLL_SECONDS,
        on_served: Callable[[str], None] = lambda index: None,
    ) -> None:
        """`open_pipeline` is called in a thread, never twice at once: when the service starts and when `watch` sees news;
        `on_served` then gets the fingerprint of the index that answers.
        """
        self._open_pipeline = open_pipeline
        self._watch = watch
        self._poll_seconds = poll_seconds
        self._on_served = on_served
        self._loading = asyncio.Lock()
        self._seen = ""
        self._pipeline: Pipeline | None = None
        self._problem: str | None = "the index and models are still loading: try again in a few seconds"

    @property
    def pipeline(self) -> Pipeline:
        """The one that answers now: ask once a request, for the next request may get another.

        Raises NotReadyError, with the reason, before there is one or when it could not be loaded.
        """
        if self._pipeline is None:
            raise NotReadyError(self._problem or "")
        return self._pipeline

    @property
    def problem(self) -> str | None:
        """Why the last load failed; None when it did not."""
        return self._problem

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loads, and loads again whenever the watch sees news, until the block ends."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            async with self._loading:  # a load at work cannot be stopped, only waited for
                pass

    async def reload(self) -> Reloaded:
        """Loads what is named now beside the pipeline that answers, warms it and puts it in that one's place.

        When that fails the old one stays, and the problem is in the log and in what comes back. A caller that is cancelled
        does not stop it.
        """
        return await asyncio.shield(asyncio.create_task(self._reload()))

    async def reload_everywhere(self) -> Reloaded:
        """`reload`, and the same in every other process that watches this index, within seconds."""
        if self._watch is not None:
            try:
                await asyncio.to_thread(self._watch.tell)
            except StoredIndexError as error:
                logger.warning("%s", error)
        return await self.reload()

    async def _run(self) -> None:
        await self.reload()
        while self._watch is not None:
            await asyncio.sleep(self._poll_seconds)
            if await asyncio.to_thread(self._watch.mark) != self._seen:
                await asyncio.shield(asyncio.create_task(self._reload(only_news=True)))

    async def _reload(self, *, only_news: bool = False) -> Reloaded:
        async with self._loading:
            before = "" if self._pipeline is None else self._pipeline.receipt.index
            if self._watch is not None:
                seen = await asyncio.to_thread(self._watch.mark)
                if only_news and seen == self._seen:  # somebody else has loaded it meanwhile
                    return Reloaded(before, False, self._problem)
                self._seen = seen
            try:
                self._pipeline = await asyncio.to_thread(_warm, self._open_pipeline)
            except ZhengwenError as error:
                self._problem = str(error)
                logger.error("cannot serve: %s", error)
            except Exception:  # a bug, but whoever waits for /readyz has to learn of it
                self._problem = "the index and models could not be loaded; the log has the details"
                logger.exception("cannot serve")
            else:
                self._problem = None
                self._on_served(self._pipeline.receipt.index)
                logger.info("ready index=%s worker=%d", self._pipeline.receipt.index, os.getpid())
            if self._problem is not None and before:
                logger.error("still serving index=%s worker=%d", before, os.getpid())
            now = "" if self._pipeline is None else self._pipeline.receipt.index
            if before:
                # The old pipeline is large and in cycles, which Python would leave lying about for hours.
                await asyncio.to_thread(gc.collect)
            return Reloaded(now, now != before, self._problem)


def _warm(open_pipeline: Callable[[], Pipeline]) -> Pipeline:
    pipeline = open_pipeline()
    pipeline.ask(_WARM_UP)
    return pipeline


async def _state(request: Request) -> ServiceState:
    state: ServiceState = request.state.service
    return state


async def _pipeline(request: Request) -> Pipeline:
    return (await _state(request)).pipeline


StateDep = Annotated[ServiceState, Depends(_state)]
PipelineDep = Annotated[Pipeline, Depends(_pipeline)]
