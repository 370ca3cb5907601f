"""How well the span reader reads: the reading sets' held-back parts, CAIL's test part and WebQA.

What it adds to the evidence model: `training.measure_reader_gain`.
"""

import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from indexer.tokens import tokenize
from service.reader import PassageReading, SpanReader
from training.data import reading_questions
from training.examples import Example, PassagePool, near_misses, pieces, read_examples, reading_example
from training.measures import (
    auc_figure,
    calibration_error,
    character_f1,
    exact_match,
    mean_figure,
    risk_area_figure,
)
from training.prepare import all_questions
from training.results import Cell, Row, Section, Table, weights

log = logging.getLogger("training.measure_reading")

SPANS, ANSWERED = "Spans", "Sentences and answerability"
SPANS_HEAD = ("exact match", "F1", "F1 with unanswerable", "area under risk–coverage")
ANSWERED_HEAD = (
    "sentence: reader",
    "sentence: overlap",
    "AUC near misses: reader",
    "AUC near misses: overlap",
    "AUC unanswerable: reader",
    "AUC unanswerable: overlap",
)
_SURE = 0.5
"""A passage that answers with a lower probability than this is taken not to answer."""
_FEWEST = 30
"""Fewer unanswered pairs of a kind than this give no area under the curve."""


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


Read = tuple[Example, PassageReading]


def by_source(examples: Sequence[Example], readings: Sequence[PassageReading]) -> dict[str, list[Read]]:
    """The pairs of each source, near misses among them, in the order of the names."""
    names = [example.source.split("+")[0] for example in examples]
    pairs = list(zip(examples, readings, strict=True))
    return {name: [pair for own, pair in zip(names, pairs, strict=True) if own == name] for name in sorted(set(names))}


def span_row(source: str, pairs: Sequence[Read], answers: Mapping[tuple[str, str], tuple[str, ...]]) -> Row:
    """Exact match and F1 of the answered pairs; of all pairs F1, where a reader that is not sure gives no answer, and the area
    under the risk–coverage curve, risk being 1 - F1.

    `answers` gives all accepted strings of a (question, answer); the example's own is taken without an entry.
    """
    answered = [pair for pair in pairs if pair[0].answered]
    matches, overlaps = [], {}
    for example, reading in answered:
        own = example.passage[example.start : example.end]
        accepted = answers.get((example.question, own), (own,))
        predicted = example.passage[reading.start : reading.end]
        matches.append(exact_match(predicted, accepted))
        overlaps[id(example)] = character_f1(predicted, accepted)
    sure = [reading.answerable >= _SURE for _, reading in pairs]
    right = [overlaps.get(id(example), 0.0) for example, _ in pairs]
    decided = [
        value if is_sure else float(not example.answered)
        for (example, _), value, is_sure in zip(pairs, right, sure, strict=True)
    ]
    cells = (
        mean_figure(matches),
        mean_figure(list(overlaps.values())),
        mean_figure(decided),
        risk_area_figure([reading.answerable * reading.score for _, reading in pairs], right),
    )
    return Row(f"{source} ({len(answered)} of {len(pairs)} pairs answered)", cells)


def answered_row(source: str, pairs: Sequence[Read]) -> Row:
    """Choice of the sentence and answerability, each beside its baseline."""
    answered = [pair for pair in pairs if pair[0].answered]
    cells: list[Cell] = [
        mean_figure([_holds(sentence_by_reader(e, r), e) for e, r in answered]),
        mean_figure([_holds(sentence_by_overlap(e), e) for e, _ in answered]),
    ]
    for kind in ("+bm25", ""):
        others = [pair for pair in pairs if not pair[0].answered and pair[0].source == source + kind]
        if len(others) < _FEWEST:
            cells.extend(("–", "–"))
            continue
        both = [*answered, *others]
        truth = [e.answered for e, _ in both]
        cells.append(auc_figure([r.answerable for _, r in both], truth))
        cells.append(auc_figure([overlap(e.question, e.passage) for e, _ in both], truth))
    return Row(source, tuple(cells))


def _holds(span: tuple[int, int], example: Example) -> float:
    return float(span[0] <= example.start < span[1])


def calibration_row(examples: Sequence[Example], readings: Sequence[PassageReading]) -> Row:
    """Brier score, that of a constant, and expected calibration error of the answerability."""
    p = np.array([reading.answerable for reading in readings])
    y = np.array([example.answered for example in examples], dtype=np.float64)
    error = calibration_error(p.tolist(), [example.answered for example in examples])
    return Row(
        f"held-back pairs that the temperature was not fitted on ({len(p)})",
        (mean_figure([float(value) for value in (p - y) ** 2]), f"{y.mean() * (1 - y.mean()):.3f}", f"{error:.3f}"),
    )


def cail_examples(data: Path, size: int) -> list[Example]:
    """Questions of CAIL's test part on parts of their records."""
    rng = random.Random(13)
    questions = reading_questions(data / "benchmarks" / "cail2019_test.jsonl.xz")
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


def reading_section(data: Path, work: Path, folder: Path | None, size: int) -> Section:
    """The span reader at `folder`, on at most `size` questions of each benchmark; a note in its place without one."""
    title = "Reading with the span reader"
    if folder is None:
        return Section(title, "Not measured in this run: no span reader was given (`--reader`).", (), {})
    reader = SpanReader.load(folder)
    held_back = read_examples(work / "held-back.jsonl.xz")[1::2]  # the temperature was fitted on the others
    examples = [*held_back, *webqa_examples(data, size), *cail_examples(data, size)]
    readings = []
    for number, example in enumerate(examples, start=1):
        readings.append(reader.read(example.question, [example.passage])[0])
        if number % 500 == 0:
            log.info("%d of %d passages", number, len(examples))
    benchmarks = [data / "benchmarks" / f"{name}.jsonl.xz" for name in ("webqa", "cail2019_test")]
    questions = [*all_questions(data), *(question for path in benchmarks for question in reading_questions(path))]
    answers = {(question.question, answer): question.answers for question in questions for answer in question.answers}
    text = (
        "Held-back: a tenth of each reading set, chosen by context, on which nothing was trained; WebQA and cail2019_test are "
        "benchmarks and took no part in training. Passages are cut to 140–480 characters around the answer. *Sentence*: the "
        "chosen sentence holds the answer's first character. *AUC*: answered against unanswered pairs of the same source, "
        "where unanswered are passages that BM25 ranks high but that lack the answer (*near misses*), or questions that people "
        "wrote to have no answer there. *F1 with unanswerable* and the area under the risk–coverage curve are over all pairs: a "
        "reader that refuses right where there is no answer gets 1, and an answer where there is none is wrong. *Overlap* is "
        "what needs no model: the sentence, or passage, with the most of the question's words and bigrams."
    )
    calibration = calibration_row(held_back, readings[: len(held_back)])
    found = by_source(examples, readings)
    tables = (
        Table(SPANS, SPANS_HEAD, tuple(span_row(name, pairs, answers) for name, pairs in found.items())),
        Table(ANSWERED, ANSWERED_HEAD, tuple(answered_row(name, pairs) for name, pairs in found.items())),
        Table("Its calibration", ("Brier score", "of a constant", "expected calibration error"), (calibration,)),
    )
    return Section(title, text, tables, {"span reader": weights(folder)})
