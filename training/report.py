"""`python -m training.report`: measures the models of `models/` and writes `training/RESULTS.md`."""

import argparse
import logging
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from indexer.dense import DenseIndex
from indexer.embedder import SentenceTransformerEmbedder, fit_static_embedder
from indexer.lexical import LexicalIndex
from indexer.tokens import tokenize
from service.reader import PassageReading, SpanReader
from training.config import Recipe
from training.data import ReadingQuestion, reading_questions
from training.examples import Example, PassagePool, cut, near_misses, pieces, read_examples, reading_example
from training.measures import Figure, auc_figure, character_f1, exact_match, mean_figure
from training.prepare import all_questions, passage_pool
from training.split import is_held_back

log = logging.getLogger("training.report")

_DEPTHS = (1, 5, 10)
_CANDIDATES = 20


@dataclass(frozen=True)
class Retrieval:
    """Questions over a pool of passages; `right[i]` are the rows that answer question i."""

    name: str
    questions: tuple[str, ...]
    right: tuple[frozenset[int], ...]
    passages: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One line of a table: what was measured, and its figures."""

    label: str
    figures: tuple[str, ...]


def retrieval_set(name: str, questions: Sequence[ReadingQuestion], passages: Sequence[str], size: int) -> Retrieval:
    """At most `size` questions, drawn at random, whose own context gave a passage with an answer to the pool."""
    rows: dict[str, int] = {}
    for passage in passages:
        rows.setdefault(passage, len(rows))
    asked: list[str] = []
    right: list[frozenset[int]] = []
    order = list(questions)
    random.Random(11).shuffle(order)
    for question in order:
        own = [p for p in {*cut(question.context), question.context} if p in rows]
        found = frozenset(rows[p] for p in own if any(answer in p for answer in question.answers))
        if found and len(asked) < size:
            asked.append(question.question)
            right.append(found)
    return Retrieval(name, tuple(asked), tuple(right), tuple(rows))


def recall(ranking: Sequence[int], right: frozenset[int], k: int) -> float:
    """1 when one of the first `k` rows answers."""
    return float(not right.isdisjoint(ranking[:k]))


def recall_row(label: str, rankings: Sequence[Sequence[int]], task: Retrieval) -> Row:
    figures = [
        mean_figure([recall(ranking, right, k) for ranking, right in zip(rankings, task.right, strict=True)])
        for k in _DEPTHS
    ]
    return Row(label, tuple(map(str, figures)))


def bm25_candidates(task: Retrieval) -> list[list[tuple[int, float]]]:
    """The best passages of each question with their scores, best first."""
    index = LexicalIndex.build([tokenize(passage) for passage in task.passages])
    return [index.search(tokenize(question), _CANDIDATES) for question in task.questions]


def reader_odds(
    reader: SpanReader, task: Retrieval, candidates: Sequence[Sequence[tuple[int, float]]]
) -> list[list[float]]:
    """The calibrated log-odds that each candidate answers."""
    odds = []
    for question, found in zip(task.questions, candidates, strict=True):
        readings = reader.read(question, [task.passages[row] for row, _ in found])
        probabilities = np.clip([reading.answerable for reading in readings], 1e-9, 1 - 1e-9)
        odds.append([float(value) for value in np.log(probabilities / (1 - probabilities))])
    return odds


def reranked(
    candidates: Sequence[Sequence[tuple[int, float]]], odds: Sequence[Sequence[float]], weight: float
) -> list[list[int]]:
    """Rows by log-odds plus `weight` times the BM25 score's share of the best."""
    rankings = []
    for found, values in zip(candidates, odds, strict=True):
        top = found[0][1] if found else 1.0
        scored = [(value + weight * score / top, row) for (row, score), value in zip(found, values, strict=True)]
        rankings.append([row for _, row in sorted(scored, key=lambda pair: -pair[0])])
    return rankings


def best_weight(
    task: Retrieval, candidates: Sequence[Sequence[tuple[int, float]]], odds: Sequence[Sequence[float]]
) -> float:
    """The weight with the best mean reciprocal rank on `task`."""

    def quality(weight: float) -> float:
        total = 0.0
        for ranking, right in zip(reranked(candidates, odds, weight), task.right, strict=True):
            total += next((1 / (i + 1) for i, row in enumerate(ranking) if row in right), 0.0)
        return total

    return max((0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0), key=quality)


def retrieval_rows(reader: SpanReader, tasks: Sequence[Retrieval]) -> tuple[dict[str, list[Row]], float]:
    """Rows of each task, BM25 against BM25 with the reader; the weight is fitted on half of the first task."""
    rows: dict[str, list[Row]] = {}
    weight = 0.0
    for number, task in enumerate(tasks):
        candidates = bm25_candidates(task)
        odds = reader_odds(reader, task, candidates)
        measured = list(range(len(task.questions)))
        if number == 0:
            weight = best_weight(*_part(task, candidates, odds, measured[::2]))
            measured = measured[1::2]
        part, found, values = _part(task, candidates, odds, measured)
        rows[f"{task.name} ({len(part.questions)} questions, {len(part.passages)} passages)"] = [
            recall_row("BM25 alone", [[row for row, _ in hits] for hits in found], part),
            recall_row("BM25, reader alone orders the best 20", reranked(found, values, 0.0), part),
            recall_row(f"BM25 + reader (weight {weight:g})", reranked(found, values, weight), part),
        ]
        log.info("%s done", task.name)
    return rows, weight


def _part(
    task: Retrieval,
    candidates: Sequence[Sequence[tuple[int, float]]],
    odds: Sequence[Sequence[float]],
    rows: Sequence[int],
) -> tuple[Retrieval, list[Sequence[tuple[int, float]]], list[Sequence[float]]]:
    chosen = Retrieval(
        task.name, tuple(task.questions[i] for i in rows), tuple(task.right[i] for i in rows), task.passages
    )
    return chosen, [candidates[i] for i in rows], [odds[i] for i in rows]


def dense_rows(folders: Sequence[tuple[str, Path]], task: Retrieval) -> list[Row]:
    """Recall of each embedder alone."""
    rows = []
    for label, folder in folders:
        embedder = SentenceTransformerEmbedder(str(folder))
        index = DenseIndex.build(embedder.embed_passages(task.passages))
        rankings = [[row for row, _ in index.search(embedder.embed_question(q), _CANDIDATES)] for q in task.questions]
        rows.append(recall_row(label, rankings, task))
    return rows


def overlap(question: str, passage: str) -> float:
    """The baseline of the reader's answerability: the share of the question's tokens that stand in the passage."""
    asked = set(tokenize(question))
    return len(asked & set(tokenize(passage))) / max(1, len(asked))


def sentence_by_overlap(example: Example) -> tuple[int, int]:
    """The baseline of the reader's evidence: the sentence with the most of the question's tokens, the first of equals."""
    asked = set(tokenize(example.question))
    return max(pieces(example.passage), key=lambda span: len(asked & set(tokenize(example.passage[slice(*span)]))))


def sentence_by_reader(example: Example, reading: PassageReading) -> tuple[int, int]:
    """The sentence in which the answer most probably begins."""
    return max(pieces(example.passage), key=lambda span: reading.evidence(*span))


def reading_rows(
    reader: SpanReader, examples: Sequence[Example], answers: dict[tuple[str, str], tuple[str, ...]]
) -> list[Row]:
    """One row a source: exact match, F1, choice of the sentence, answerability, each beside its baseline."""
    readings = [reader.read(example.question, [example.passage])[0] for example in examples]
    rows = []
    sources = sorted({example.source.split("+")[0] for example in examples})
    for source in sources:
        chosen = [(e, r) for e, r in zip(examples, readings, strict=True) if e.source.split("+")[0] == source]
        answered = [(e, r) for e, r in chosen if e.answered]
        predicted = [e.passage[r.start : r.end] for e, r in answered]
        own = [e.passage[e.start : e.end] for e, _ in answered]
        gold = [answers.get((e.question, text), (text,)) for (e, _), text in zip(answered, own, strict=True)]
        figures: list[Figure | str] = [
            mean_figure([exact_match(p, a) for p, a in zip(predicted, gold, strict=True)]),
            mean_figure([character_f1(p, a) for p, a in zip(predicted, gold, strict=True)]),
            mean_figure([_holds(sentence_by_reader(e, r), e) for e, r in answered]),
            mean_figure([_holds(sentence_by_overlap(e), e) for e, _ in answered]),
        ]
        for kind in ("+bm25", ""):
            others = [(e, r) for e, r in chosen if not e.answered and e.source == source + kind]
            if len(others) < 30:
                figures.extend(("–", "–"))
                continue
            both = [*answered, *others]
            truth = [e.answered for e, _ in both]
            figures.append(auc_figure([r.answerable for _, r in both], truth))
            figures.append(auc_figure([overlap(e.question, e.passage) for e, _ in both], truth))
        rows.append(Row(f"{source} ({len(answered)} answered)", tuple(map(str, figures))))
        log.info("%s done", source)
    return rows


def _holds(span: tuple[int, int], example: Example) -> float:
    return float(span[0] <= example.start < span[1])


def calibration_row(reader: SpanReader, examples: Sequence[Example]) -> Row:
    """Brier score and expected calibration error (ten bins) of the answerability."""
    p = np.array([reader.read(e.question, [e.passage])[0].answerable for e in examples])
    y = np.array([e.answered for e in examples], dtype=np.float64)
    bins = np.minimum((p * 10).astype(int), 9)
    error = sum(abs(float((p[bins == b] - y[bins == b]).sum())) for b in range(10)) / len(p)
    base = y.mean() * (1 - y.mean())
    return Row(
        f"held-back pairs that the temperature was not fitted on ({len(p)})",
        (str(mean_figure([float(value) for value in (p - y) ** 2])), f"{base:.3f}", f"{error:.3f}"),
    )


def cost_rows(folder: Path, examples: Sequence[Example]) -> list[Row]:
    """Time and memory of reading ten passages of 400 to 500 characters."""
    began = time.monotonic()
    reader = SpanReader.load(folder)
    loaded = time.monotonic() - began
    long = [e for e in examples if 400 <= len(e.passage) <= 500][:10]
    rows = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        reader.read(long[0].question, [e.passage for e in long])
        times = []
        for example in long:
            began = time.monotonic()
            reader.read(example.question, [e.passage for e in long])
            times.append(time.monotonic() - began)
        median = float(np.median(times))
        figures = (f"{median * 1000:.0f}", f"{min(times) * 1000:.0f}", f"{len(long) / median:.0f}", f"{loaded:.2f}")
        rows.append(Row(f"{threads} thread{'s' if threads > 1 else ''}", figures))
    return rows


def embedder_cost_row(label: str, folder: Path, passages: Sequence[str]) -> Row:
    """Passages a second, dimensions, megabytes."""
    embedder = SentenceTransformerEmbedder(str(folder))
    embedder.embed_passages(passages[:50])
    began = time.monotonic()
    embedder.embed_passages(passages)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    figures = (f"{len(passages) / (time.monotonic() - began):.0f}", str(embedder.dimensions), f"{size / 1e6:.1f}")
    return Row(label, figures)


def held_back_retrieval(data: Path, size: int) -> Retrieval:
    """Held-back questions over the passages of all held-back contexts, with news and statutes among them.

    Court records are left out: their questions do not say which record they ask about.
    """
    questions = [q for q in all_questions(data) if is_held_back(q.context) and q.source != "cail2019_dev"]
    pool = passage_pool(data, questions, Recipe().prepare)
    return retrieval_set("Held-back reading questions", questions, pool.passages, size)


def webqa_retrieval(data: Path, size: int) -> Retrieval:
    """WebQA's questions over its pooled snippets."""
    questions = list(reading_questions(data / "benchmarks" / "webqa.jsonl.xz"))
    return retrieval_set("WebQA", questions, [question.context for question in questions], size)


def cail_examples(data: Path, size: int) -> list[Example]:
    """Questions of CAIL's test part on parts of their records."""
    questions = list(reading_questions(data / "benchmarks" / "cail2019_test.jsonl.xz"))
    rng = random.Random(13)
    made = [example for question in questions if (example := reading_example(question, rng)) is not None]
    return rng.sample(made, min(size, len(made)))


def webqa_examples(data: Path, size: int) -> list[Example]:
    """WebQA's questions on their own snippets and, unanswered, on those that BM25 ranks best without the answer."""
    questions = list(reading_questions(data / "benchmarks" / "webqa.jsonl.xz"))
    rng = random.Random(17)
    chosen = rng.sample(questions, min(size, len(questions)))
    pool = PassagePool([question.context for question in questions])
    made = [example for question in chosen if (example := reading_example(question, rng)) is not None]
    return [*made, *near_misses(chosen, pool, rng)]


def report(data: Path, work: Path, models: Path, size: int) -> str:
    """The text of RESULTS.md; at most `size` questions a retrieval task and reading benchmark."""
    reader = SpanReader.load(models / "reader")
    held_back = read_examples(work / "held-back.jsonl.xz")
    cost = cost_rows(models / "reader", held_back)
    log.info("cost done")
    answers = {
        (question.question, answer): question.answers
        for question in [
            *all_questions(data),
            *reading_questions(data / "benchmarks" / "webqa.jsonl.xz"),
            *reading_questions(data / "benchmarks" / "cail2019_test.jsonl.xz"),
        ]
        for answer in question.answers
    }
    measured = held_back[1::2]  # the temperature was fitted on the others
    reading = reading_rows(reader, [*measured, *webqa_examples(data, size), *cail_examples(data, size)], answers)
    calibration = calibration_row(reader, measured)
    tasks = [held_back_retrieval(data, size), webqa_retrieval(data, size)]
    retrieval, weight = retrieval_rows(reader, tasks)
    parts = [
        "# Results",
        "Made by `python -m training.report`; nothing here is written by hand. In brackets: 95 % bootstrap intervals over "
        "questions. Held-back: a tenth of each reading set, chosen by context, on which nothing was trained. WebQA and "
        "cail2019_test are benchmarks and took no part in training.",
        f"Reader `{reader.fingerprint}`.",
        "## Reading",
        "Passages are cut to 140–480 characters around the answer. *Sentence*: the chosen sentence holds the answer's first "
        "character. *AUC*: answered against unanswered pairs of the same source, where unanswered are passages that BM25 "
        "ranks high but that lack the answer (*near misses*), or questions that people wrote to have no answer there. "
        "*Overlap* is what needs no model: the sentence, or passage, with the most of the question's words and bigrams.",
        table(
            (
                "source",
                "exact match",
                "F1",
                "sentence: reader",
                "sentence: overlap",
                "AUC near misses: reader",
                "AUC near misses: overlap",
                "AUC unanswerable: reader",
                "AUC unanswerable: overlap",
            ),
            reading,
        ),
        "## Calibration of the answerability",
        table(("pairs", "Brier score", "of a constant", "expected calibration error"), [calibration]),
        "## Retrieval: BM25 against BM25 with the reader",
        f"The reader reads BM25's best {_CANDIDATES} and orders them by its log-odds plus {weight:g} × the share of the best "
        "BM25 score; that weight was chosen on every second held-back question, the others are measured.",
    ]
    for name, rows in retrieval.items():
        parts.extend([f"### {name}", table(("", *(f"recall@{k}" for k in _DEPTHS)), rows)])
    parts.append("## Dense retrieval alone")
    costs = []
    for task in tasks:
        fitted = work / f"fitted-{task.name.split()[0].lower()}"
        if not fitted.is_dir():
            fit_static_embedder(task.passages, fitted)
        folders = [("fitted on these passages (`indexer.embedder`)", fitted)]
        if (models / "embedder").is_dir():
            folders.append(("trained (`models/embedder`)", models / "embedder"))
        parts.extend([f"### {task.name}", table(("", *(f"recall@{k}" for k in _DEPTHS)), dense_rows(folders, task))])
        costs = [embedder_cost_row(label, folder, task.passages[:2000]) for label, folder in folders]
        log.info("dense %s done", task.name)
    parts.extend(
        [
            "## Cost",
            "Reading ten passages of 400–500 characters (milliseconds), on the machine that trained, which others used at "
            "the same time:",
            table(("", "median ms", "least ms", "passages/s", "load s"), cost),
            "Embedding (WebQA's snippets, both threads):",
            table(("", "passages/s", "dimensions", "MB on disk"), costs),
            f"Peak resident memory of the reader in a process of its own: {reader_memory(models / 'reader')} MB.",
        ]
    )
    return "\n\n".join(parts) + "\n"


def reader_memory(folder: Path) -> int:
    """Megabytes of a process that loads the reader and reads ten passages."""
    code = (
        "import sys; from pathlib import Path; from service.reader import SpanReader;"
        "SpanReader.load(Path(sys.argv[1])).read('问' * 20, ['文' * 480] * 10);"
        "status = Path('/proc/self/status').read_text();"  # the usage that `resource` gives counts the parent's too
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)"
    )
    return int(subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, check=True).stdout)


def table(head: Sequence[str], rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines.extend("| " + " | ".join([row.label, *row.figures]) + " |" for row in rows)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds reading/ and benchmarks/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where `prepare` wrote")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--out", type=Path, default=Path("training/RESULTS.md"))
    parser.add_argument("--questions", type=int, default=500, help="at most so many of each benchmark")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    arguments.out.write_text(
        report(arguments.data, arguments.work, arguments.models, arguments.questions), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
