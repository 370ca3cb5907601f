"""A benchmark asked: its passages indexed as the service indexes documents, its questions put to the same pipeline."""

import json
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

from eval.bench.record import Benchmark, BenchPassage, BenchQuestion, Found, Reply, Score
from eval.statistics import Interval, bootstrap_interval
from eval.summary import Failure
from indexer import store
from indexer.build import Progress, build
from indexer.corpus import scan
from indexer.dense import DenseIndex
from indexer.errors import ZhengwenError
from indexer.lexical import LexicalIndex
from indexer.passages import index_text
from indexer.tokens import tokenize
from service.answer import Receipt
from service.pipeline import Pipeline

_DIGITS = 4

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Figure:
    """The mean of one measure over the questions that it applies to, with its 95 % bootstrap interval."""

    measure: str
    mean: float
    interval: Interval
    questions: int


@dataclass(frozen=True)
class Result:
    """What a benchmark gave: `questions` asked on `passages`, figures in the order of the format, failures, and the receipt."""

    questions: int
    passages: int
    figures: tuple[Figure, ...]
    failures: tuple[Failure, ...]
    receipt: Receipt

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def sampled(benchmark: Benchmark, limit: int | None, seed: int) -> Benchmark:
    """The benchmark with at most `limit` questions, drawn by `seed` and kept in order; None keeps all.

    A question that is asked under several conditions counts once and keeps them all. The collection stays whole, for finding
    is harder in a large one, unless every question has documents of its own.
    """
    ids = list(dict.fromkeys(question.query_id for question in benchmark.questions))
    if limit is not None and limit < len(ids):
        ids = random.Random(seed).sample(ids, limit)
    drawn = set(ids)
    questions = tuple(question for question in benchmark.questions if question.query_id in drawn)
    pools = [question.documents for question in questions]
    needed: set[str] = set()
    for pool in pools:
        if pool is None:
            return Benchmark(benchmark.passages, questions)
        needed |= pool
    return Benchmark(tuple(passage for passage in benchmark.passages if passage.doc_id in needed), questions)


def index_passages(
    passages: Sequence[BenchPassage],
    index: Path,
    *,
    embedder: str,
    progress: Progress = lambda stage, done, total: None,
) -> None:
    """Indexes every passage as a text file with its title as front matter; an index of the very same ones stays.

    Raises:
        InputError: no passage holds any text.
        ModelError: the embedder cannot be loaded.
        StoredIndexError: `index` holds something else.
    """
    with TemporaryDirectory() as folder:
        corpus = Path(folder)
        for number, passage in enumerate(passages):
            path = corpus / _path(number)
            path.parent.mkdir(exist_ok=True)
            title = yaml.safe_dump({"title": " ".join(passage.title.split())}, allow_unicode=True, width=float("inf"))
            path.write_text(f"---\n{title}---\n{passage.text}\n", encoding="utf-8")
        previous = store.read_manifest_or_none(index)
        # Nothing of an index of another benchmark is taken over.
        is_other = previous is not None and previous.corpus != scan(corpus).fingerprint
        build(corpus, index, embedder=embedder, rebuild=is_other, progress=progress)


def ask_all(
    benchmark: Benchmark,
    stored: store.Stored,
    pipeline: Pipeline,
    *,
    answers: bool,
    on_reply: Callable[[Reply], None] = lambda reply: None,
) -> list[Reply]:
    """One reply a question, in order; `answers` is False where only retrieval is measured.

    `pipeline` is the one over `stored`, the index of the benchmark's passages (`index_passages`). A question with documents of
    its own is asked over an index of these alone. Whatever asking raises makes a reply a failure, never a gap.
    """
    names = {_path(number): passage.doc_id for number, passage in enumerate(benchmark.passages)}
    replies = []
    for question in benchmark.questions:
        try:
            pool = question.documents
            over = pipeline if pool is None else Pipeline.over(narrowed(stored, {n for n in names if names[n] in pool}))
            reply = _ask(over, question, names, answers=answers)
        except ZhengwenError as error:
            reply = Reply(question, error=f"{type(error).__name__}: {error}")
        except Exception as error:
            logger.exception("question %s failed", question.query_id)
            reply = Reply(question, error=f"{type(error).__name__}: {error}")
        replies.append(reply)
        on_reply(reply)
    return replies


def narrowed(stored: store.Stored, doc_ids: set[str]) -> store.Stored:
    """The index as it would be over these documents alone, with the same embedder and glossary."""
    documents = tuple(document for document in stored.documents if document.doc_id in doc_ids)
    by_id = {document.doc_id: document for document in documents}
    rows = [row for row, passage in enumerate(stored.passages) if passage.doc_id in doc_ids]
    passages = tuple(stored.passages[row] for row in rows)
    texts = [stored.glossary.expand(index_text(by_id[passage.doc_id], passage)) for passage in passages]
    return replace(
        stored,
        documents=documents,
        passages=passages,
        lexical=LexicalIndex.build([tokenize(text) for text in texts]),
        dense=DenseIndex.build(stored.dense.vectors()[rows]),
    )


def summarise(benchmark: Benchmark, replies: Sequence[Reply], score: Score, k: int, receipt: Receipt) -> Result:
    """The result of replies, measures in the order in which they first apply."""
    values: dict[str, list[float]] = {}
    for reply in replies:
        for name, value in score(reply, k).items():
            values.setdefault(name, []).append(value)
    return Result(
        questions=len(replies),
        passages=len(benchmark.passages),
        figures=tuple(_figure(name, np.array(found, dtype=np.float64)) for name, found in values.items()),
        failures=tuple(Failure(r.question.query_id, r.error) for r in replies if r.error is not None),
        receipt=receipt,
    )


def write(out: Path, replies: Sequence[Reply], score: Score, k: int, summary: dict[str, Any]) -> None:
    """answers.jsonl, a line a reply in order, and summary.json."""
    with (out / "answers.jsonl").open("w", encoding="utf-8") as file:
        for reply in replies:
            row = {
                "query_id": reply.question.query_id,
                "group": reply.question.group,
                "question": reply.question.text,
                "ranked": reply.ranked,
                "answer": None if reply.answer is None else reply.answer.to_json(),
                "scores": score(reply, k),
                "error": reply.error,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _path(number: int) -> str:
    return f"{number // 1000:04d}/{number:07d}.txt"


def _ask(pipeline: Pipeline, question: BenchQuestion, names: dict[str, str], *, answers: bool) -> Reply:
    hits = pipeline.stages(question.text, question.history).read if question.relevant else ()
    found = tuple(Found(names[hit.passage.doc_id], pipeline.library.text(hit.passage)) for hit in hits)
    return Reply(question, found, pipeline.ask(question.text, question.history) if answers else None)


def _figure(measure: str, values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Figure:
    found = bootstrap_interval(values)
    interval = Interval(round(found.low, _DIGITS), round(found.high, _DIGITS))
    return Figure(measure, round(float(values.mean()), _DIGITS), interval, len(values))
