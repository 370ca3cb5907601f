"""`zhengwen serve`: one process that answers, or several that share a port and the index in memory."""

import logging
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from indexer.errors import ZhengwenError
from service.http.metrics import shared_folder
from service.http.process import Bounded, configure_logs, exit_quietly_on_sigterm, server_options
from service.http.telemetry import Telemetry
from service.language_model import LanguageModel
from service.settings import Settings

if TYPE_CHECKING:
    from service.rerank import Reranker

# A worker that loads a large index can be silent for a while; uvicorn's five seconds would kill it, again and again.
_SILENT_SECONDS = 30

logger = logging.getLogger(__name__)


def serve(settings: Settings, model: LanguageModel | None, reranker: "Reranker | None") -> None:
    """Serves until it is told to stop. `model` and `reranker` are those of the settings; several workers load them anew.

    Raises:
        SystemExit: the address cannot be bound, or the workers cannot start.
        InputError: a setting asks for what cannot be.
    """
    exit_quietly_on_sigterm()
    configure_logs(settings)
    logger.info("政问 is loading and will answer at http://%s:%d/", settings.host, settings.port)
    if settings.workers == 1:
        app = Bounded(application(settings, lambda: model, lambda _: reranker))
        uvicorn.run(app, host=settings.host, port=settings.port, **server_options(settings))
        return
    if settings.telemetry_endpoint:
        Telemetry.open(
            settings.telemetry_endpoint
        ).close()  # what is wrong with it is told once, and not by every worker
    # Workers are started, not forked, for threads do not survive a fork: they get the settings, and load for themselves.
    config = uvicorn.Config(
        partial(_worker, settings),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        timeout_worker_healthcheck=_SILENT_SECONDS,
        **server_options(settings),
    )
    with shared_folder():
        supervisor = _Supervisor(config, sockets=[config.bind_socket()])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(STARTUP_FAILURE)


class _Supervisor(Multiprocess):
    """Lets nobody wait at a door that no worker opens any more, nor for a sign of life from a worker that is dead."""

    def init_processes(self) -> None:
        super().init_processes()
        self._hear_deaths()

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        self._hear_deaths()

    def _hear_deaths(self) -> None:
        """Leaves the worker's end of each pipe to the worker alone: the pipe ends with it, and with that every wait."""
        for process in self.processes:
            process.child_conn.close()

    def terminate_all(self) -> None:
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def _worker(settings: Settings) -> Bounded:
    configure_logs(settings)
    try:
        return Bounded(application(settings))
    except ZhengwenError as error:
        logger.error("cannot serve: %s", error)
        sys.exit(STARTUP_FAILURE)  # with any other status it would be started again, for ever


def application(
    settings: Settings,
    open_model: Callable[[], LanguageModel | None] | None = None,
    open_reranker: "Callable[[Settings], Reranker | None] | None" = None,
) -> FastAPI:
    """The application of one process; `open_model` and `open_reranker` load the models, by default those of the settings."""
    # Slow imports, which whoever only starts workers does without.
    from tqdm import tqdm  # type: ignore[import-untyped]

    from service.composers import open_model as model_of
    from service.http.app import create_app
    from service.records.database import Database
    from service.rerank import open_reranker as reranker_of
    from service.versions import IndexWatch, Versions

    # Progress bars, which nobody sees, would otherwise take a lock of the system that a stopped worker does not give back.
    tqdm.set_lock(threading.RLock())
    versions = Versions(settings, open_model or partial(model_of, settings), open_reranker or reranker_of)
    database = Database.open(settings.database)
    return create_app(versions.open, settings, database, watch=IndexWatch(settings.index, settings.watch_index))
