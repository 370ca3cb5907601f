"""What requests share: the pipeline, loaded once in the background while the process already answers `/healthz`."""

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from indexer.errors import ZhengwenError
from service.http.errors import NotReadyError
from service.pipeline import Pipeline

logger = logging.getLogger(__name__)

_WARM_UP = "互联网3.0是什么？"


class ServiceState:
    """Holds the pipeline from the moment it is loaded and warm."""

    def __init__(self) -> None:
        self._pipeline: Pipeline | None = None
        self._problem = "the index and models are still loading: try again in a few seconds"

    @property
    def pipeline(self) -> Pipeline:
        """Raises NotReadyError, with the reason, before the pipeline is loaded or when it could not be."""
        if self._pipeline is None:
            raise NotReadyError(self._problem)
        return self._pipeline

    async def load(self, open_pipeline: Callable[[], Pipeline]) -> None:
        """Loads and warms the pipeline in a thread; a failure becomes the reason of every 503."""
        try:
            self._pipeline = await asyncio.to_thread(_warm, open_pipeline)
        except ZhengwenError as error:
            logger.error("cannot serve: %s", error)
            self._problem = str(error)
        except Exception:  # a bug, but whoever waits for /readyz has to learn of it
            logger.exception("cannot serve")
            self._problem = "the index and models could not be loaded; the log has the details"
        else:
            logger.info("ready index=%s", self._pipeline.receipt.index)


def _warm(open_pipeline: Callable[[], Pipeline]) -> Pipeline:
    pipeline = open_pipeline()
    pipeline.ask(_WARM_UP)
    return pipeline


def _state(request: Request) -> ServiceState:
    state: ServiceState = request.state.service
    return state


def _pipeline(request: Request) -> Pipeline:
    return _state(request).pipeline


StateDep = Annotated[ServiceState, Depends(_state)]
PipelineDep = Annotated[Pipeline, Depends(_pipeline)]
