"""The versions of an index as a service takes them up: the one that `current` names, once it has shown what it can do."""

import logging
from collections.abc import Callable
from pathlib import Path

from indexer import store
from indexer.errors import StoredIndexError, ZhengwenError
from service.canary import Canary, check, read_canaries
from service.language_model import LanguageModel
from service.pipeline import Pipeline
from service.rerank import Reranker, open_reranker
from service.settings import Settings

logger = logging.getLogger(__name__)


class Versions:
    """Opens pipelines over an index; calls must not overlap."""

    def __init__(
        self,
        settings: Settings,
        open_model: Callable[[], LanguageModel | None],
        open_reranker: Callable[[Settings], Reranker | None] = open_reranker,
    ) -> None:
        """`open_model` loads the language model of the settings, `open_reranker` their cross-encoder; each is called once, by
        the first `open`."""
        self._settings = settings
        self._open_model = open_model
        self._open_reranker = open_reranker
        self._model: LanguageModel | None = None
        self._reranker: Reranker | None = None
        self._are_models_open = False
        self._has_served = False

    def open(self) -> Pipeline:
        """The pipeline over the version that is named now, past its canaries.

        While nothing has been opened yet, an older version stands in for one that fails, and the log says so: who starts a
        service again at night had rather have the answers of yesterday than none.

        Raises:
            ZhengwenError: it cannot be served; the message says why.
        """
        if not self._are_models_open:
            self._model, self._reranker = self._open_model(), self._open_reranker(self._settings)
            self._are_models_open = True
        path = self._settings.canaries
        canaries = read_canaries(Path(path)) if path else ()
        try:
            pipeline = self._open("", canaries)
        except ZhengwenError as error:
            if self._has_served or (instead := self._open_older(error, canaries)) is None:
                raise
            pipeline = instead
        self._has_served = True
        return pipeline

    def _open(self, version: str, canaries: tuple[Canary, ...]) -> Pipeline:
        stored = store.load(self._settings.index, version)
        pipeline = Pipeline.over(stored, self._model, self._settings.of_answers, self._reranker)
        try:
            check(pipeline, canaries)
        except StoredIndexError as error:
            raise StoredIndexError(
                f"version {stored.folder.name} of the index at {self._settings.index} is not fit to be served: {error}; "
                f"correct the documents and build again, or go back with 'zhengwen index rollback'"
            ) from error
        return pipeline

    def _open_older(self, reason: ZhengwenError, canaries: tuple[Canary, ...]) -> Pipeline | None:
        try:
            versions = store.older(self._settings.index)
        except StoredIndexError:
            return None
        for version in versions:
            try:
                pipeline = self._open(version.name, canaries)
            except ZhengwenError as error:
                logger.error("nor can an older version be served: %s", error)
            else:
                logger.error("serving the older version %s, for the newest cannot be: %s", version.name, reason)
                return pipeline
        return None


class IndexWatch:
    """Notices that there is something new to load. Every process that serves an index has one."""

    def __init__(self, index: Path, follow: bool) -> None:
        """With `follow` a new version is something new, without it only a call of `tell` in some process."""
        self._index = index
        self._follow = follow

    def mark(self) -> str:
        """Another one than before when there is something to load."""
        return f"{_read(self._index / 'current') if self._follow else ''} {_touched(self._index / store.RELOAD)}"

    def tell(self) -> None:
        """Makes every process that watches the index load again.

        Raises:
            StoredIndexError: the folder of the index cannot be written.
        """
        try:
            (self._index / store.RELOAD).touch()
        except OSError as error:
            raise StoredIndexError(
                f"{self._index / store.RELOAD} cannot be touched ({error.strerror}), so other processes are not told: "
                "they take up a new version by themselves unless ZHENGWEN_WATCH_INDEX is off"
            ) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return str(error)


def _touched(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
