"""A cross-encoder orders the evidence: any CrossEncoder of sentence-transformers, such as BGE-reranker or Qwen3-Reranker.

The evidence model finds the candidates, says whether the question is answered at all, and how much the best pieces stand out
from the others: all that is calibrated on questions. A cross-encoder trained on millions of pairs knows better which piece
answers, so the order is its own.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer.document import Hit
from indexer.embedder import model_fingerprint
from indexer.errors import ModelError
from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.tokens import tokenize
from service.evidence import Evidence, Reader, Reading
from service.question import Question
from service.settings import Settings

LEADING = 40
"""How many pieces of evidence, the most probable ones, are ordered anew."""
_BATCH = 16
# Without a head that was trained to score, the library makes one up, another each time.
_HEADS = ("ForSequenceClassification", "ForCausalLM")
# Sums of floats differ in their last digits with the number of threads: what differs by no more is a tie.
_DIGITS = 3


class Reranker(Protocol):
    """Scores texts against a question; `fingerprint` tells which model, for the receipt."""

    @property
    def fingerprint(self) -> str: ...

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score a text, higher is better, on any scale.

        Raises:
            ModelError: the model gave something else.
        """
        ...


class CrossEncoderReranker:
    """A CrossEncoder folder or hub name, on the processor. One question is scored at a time: further callers wait."""

    def __init__(self, path_or_name: str) -> None:
        """Loads the model.

        Raises:
            ModelError: it cannot be loaded, or does not give one score a pair.
        """
        from sentence_transformers import CrossEncoder  # a slow import, only where a model is needed
        from torch.nn import Identity
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it would draw into logs and pipes too
        folder = Path(path_or_name)
        is_local = folder.is_dir()
        advice = (
            "give a CrossEncoder folder or the hub name of one, such as BAAI/bge-reranker-v2-m3, or leave out --reader "
            "and ZHENGWEN_READER"
        )
        if not is_local and (folder.is_absolute() or path_or_name.startswith(".")):
            raise ModelError(f"no reader at {path_or_name}: {advice}")
        try:
            self._model = CrossEncoder(path_or_name, device="cpu", local_files_only=is_local, activation_fn=Identity())
            labels, kinds = self._model.num_labels, self._model.config.architectures or []
        except Exception as error:  # the hub, torch and the tokenizer each raise their own kinds
            reason = str(error).strip().split("\n")[0]
            raise ModelError(f"the reader {path_or_name!r} cannot be loaded: {reason}; {advice}") from error
        if not any(kind.endswith(_HEADS) for kind in kinds):
            raise ModelError(
                f"the reader {path_or_name!r} was not trained to score pairs ({', '.join(kinds)}): {advice}"
            )
        if labels != 1:
            raise ModelError(f"the reader {path_or_name!r} gives {labels} scores a pair instead of one: {advice}")
        self._name = path_or_name
        self._in_use = threading.Lock()  # questions at once would only take each other's cores
        self.fingerprint = model_fingerprint(path_or_name)

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        pairs = [(question, text) for text in texts]
        with self._in_use:
            scores = np.asarray(self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False))
        if scores.shape != (len(texts),) or not np.isfinite(scores).all():
            raise ModelError(
                f"the reader {self._name!r} gave no finite score a text: leave out --reader and ZHENGWEN_READER"
            )
        return [float(score) for score in scores]


class OverlapReranker:
    """The fake: the share of the question's tokens that stand in the text; for tests."""

    fingerprint = "overlap"

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        asked = set(tokenize(question))
        return [len(asked.intersection(tokenize(text))) / max(1, len(asked)) for text in texts]


class RerankingReader:
    """What another reader finds, in the order of a reranker; whether the question is answered stays with the other.

    The leading evidence is sorted by its score, ties as they were; a passage stands where its best piece puts it (the MaxP of
    Dai and Callan 2019). Scores of rerankers have scales of their own, so the shares and scores that were there are handed out
    anew in that order: how far the second piece stays behind the first, which decides how much an answer quotes, is still
    calibrated, and a reranker that agrees leaves the answer as it is.
    """

    def __init__(self, reader: Reader, reranker: Reranker, library: Library) -> None:
        self.name = f"cross-encoder {reranker.fingerprint} over {reader.name}"
        self._reader = reader
        self._reranker = reranker
        self._library = library

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading:
        """Raises ModelError when the reranker gives no scores."""
        reading = self._reader.read(question, hits)
        leading = reading.evidence[:LEADING]
        if not leading:
            return reading
        scores = self._reranker.score(question.resolved, [self._words(piece) for piece in leading])
        ranked = [leading[i] for i in _order(scores)]
        shared = (replace(piece, score=was.score) for piece, was in zip(ranked, leading, strict=True))
        return replace(
            reading,
            evidence=(*shared, *reading.evidence[LEADING:]),
            hits=_by_best_piece(reading.hits, ranked),
        )

    def _words(self, piece: Evidence) -> str:
        """The title, the headings above and all units of a piece, a line each."""
        document = self._library.document(piece.units[0].doc_id)
        path = section_path(self._library.outline(document.doc_id), piece.units[0].start)
        return "\n".join((document.title, *path, *(document.text[unit.start : unit.end] for unit in piece.units)))


def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker of the settings; None when the evidence model reads alone.

    Raises:
        ModelError: it cannot be loaded.
    """
    return CrossEncoderReranker(settings.reader) if settings.reader else None


def _order(scores: Sequence[float]) -> list[int]:
    """The places by their scores, best first; equal ones as they stand."""
    return sorted(range(len(scores)), key=lambda i: -round(scores[i], _DIGITS))


def _by_best_piece(hits: Sequence[Hit], ranked: Sequence[Evidence]) -> tuple[Hit, ...]:
    """The hits by the first of the pieces that stands in them, those without one last, as they stood; scores stay by rank."""

    def rank(hit: Hit) -> int:
        return next((i for i, piece in enumerate(ranked) if piece.stands_in(hit.passage)), len(ranked))

    moved = sorted(hits, key=rank)
    return tuple(replace(hit, score=was.score) for hit, was in zip(moved, hits, strict=True))
