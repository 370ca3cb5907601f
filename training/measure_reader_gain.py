"""What the span reader adds to the evidence model: the same fits with and without its scores as further features.

The reader learned from half of our policy questions (`reading.jsonl`), so that the other half alone fits and measures here.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from indexer.document import Hit
from indexer.passages import index_text
from indexer.retrieval import Library
from models import EMBEDDER
from service.candidates import Candidate
from service.features import NAMES, Matrix
from service.question import Question
from service.reader import PassageReading, SpanReader
from training.config import Evidence
from training.evidence import Asked, ask_all, train
from training.measure_evidence import GOLD, POLICY, Judged, ask_gold, by_model, out_of_document
from training.measures import auc_figure, auc_gain_figure, mean_figure
from training.policy import CHOOSING
from training.results import Row, Section, Table, weights

TITLE = "What the span reader adds to the evidence model"
PASSAGES = 10
"""How many of a question's passages the span reader reads, the best ones."""
_LEAST = 1e-4


class ReaderColumns:
    """Further columns of candidates from a span reader; `seconds` are those it took for each question."""

    def __init__(self, reader: SpanReader) -> None:
        self._reader = reader
        self.seconds: list[float] = []

    def __call__(
        self, library: Library, question: Question, hits: Sequence[Hit], candidates: Sequence[Candidate]
    ) -> Matrix:
        """`(candidates, 4)`: the probability that the answer begins in the candidate, its logarithm, the probability that its
        passage answers, and whether its passage was read; of several passages that it stands in, those of the best."""
        began = time.perf_counter()
        read = hits[:PASSAGES]
        texts = [index_text(library.document(hit.passage.doc_id), hit.passage) for hit in read]
        readings = self._reader.read(question.resolved, texts)
        rows = np.zeros((len(candidates), 4), dtype=np.float32)
        for i, candidate in enumerate(candidates):
            found = [
                (_begins_in(candidate, hit, text, reading), reading.answerable)
                for hit, text, reading in zip(read, texts, readings, strict=True)
                if any(_shares(hit, unit.doc_id, unit.start, unit.end) for unit in candidate.units)
            ]
            begins, answers = max(found, default=(0.0, 0.0))
            rows[i] = begins, np.log(begins + _LEAST), answers, bool(found)
        self.seconds.append(time.perf_counter() - began)
        return rows


def _shares(hit: Hit, doc_id: str, start: int, end: int) -> bool:
    return hit.passage.doc_id == doc_id and start < hit.passage.end and end > hit.passage.start


def _begins_in(candidate: Candidate, hit: Hit, text: str, reading: PassageReading) -> float:
    """The passage stands at the end of its index text."""
    passage = hit.passage
    body = len(text) - (passage.end - passage.start) - passage.start
    return sum(
        reading.evidence(max(unit.start, passage.start) + body, unit.end + body)
        for unit in candidate.units
        if _shares(hit, unit.doc_id, unit.start, unit.end)
    )


def gain_rows(name: str, alone: Sequence[Judged], together: Sequence[Judged]) -> list[Row]:
    """The evidence model alone, with the reader, and the paired difference."""
    rows = []
    for what, asks in (("best candidate is evidence", "found"), ("best candidate states all facts", "complete")):
        one, other = (
            [float(getattr(item, asks)) for item in judged if item.answerable] for judged in (alone, together)
        )
        difference = mean_figure([b - a for a, b in zip(one, other, strict=True)])
        rows.append(Row(f"{name}: {what}", (mean_figure(one), mean_figure(other), difference)))
    truth = [item.answerable for item in alone]
    one, other = ([item.confidence for item in judged] for judged in (alone, together))
    areas = auc_figure(one, truth), auc_figure(other, truth), auc_gain_figure(one, other, truth)
    return [*rows, Row(f"{name}: AUC of answered", areas)]


def without_columns(asked: Sequence[Asked]) -> list[Asked]:
    """The questions with the features of the service alone."""
    return [replace(item, features=item.features[:, : len(NAMES)]) for item in asked]


def gain_section(work: Path, root: Path, folder: Path | None, config: Evidence) -> Section:
    """Both sets of questions with the span reader at `folder`; a note in its place without one."""
    if folder is None:
        return Section(TITLE, "Not measured in this run: no span reader was given (`--reader`).", (), {})
    columns = ReaderColumns(SpanReader.load(folder))
    policy = ask_all(work, EMBEDDER, (CHOOSING,), columns)
    gold = ask_gold(root / "corpus", work / "corpus-index", root / "eval" / "gold" / "digests.jsonl", columns)
    rows = []
    judged = [
        (out_of_document(asked, config), by_model(other, train(asked, config)[0]))
        for asked, other in ((without_columns(policy), without_columns(gold)), (policy, gold))
    ]
    for name, alone, together in zip((POLICY, GOLD), *judged, strict=True):
        rows.extend(gain_rows(name, alone, together))
    text = (
        f"The evidence model fitted twice on the {len(policy)} questions of `choosing.jsonl`, which the span reader has not "
        f"seen, without and with four further features from its readings of the first {PASSAGES} passages. {POLICY.capitalize()}: "
        f"by models that have not seen the question's document; {len(gold)} {GOLD}: by a model of all of them. Reading takes "
        f"{1000 * float(np.median(columns.seconds)):.0f} ms a question, the median, on cores that other work used at the same "
        "time. The model that ships is fitted on more questions; compare within this table."
    )
    head = ("evidence model alone", "with the span reader", "difference")
    return Section(TITLE, text, (Table("With and without", head, tuple(rows)),), {"span reader": weights(folder)})
