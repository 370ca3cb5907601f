"""How well the span reader reads: the reading sets' held-back parts, CAIL's test part and WebQA.

The span reader is measured as an alternative to the evidence model. What it adds to the whole service is measured
elsewhere and only printed here: see `reader_gain`.
"""

import json
import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from indexer.errors import InputError
from indexer.tokens import tokenize
from service.reader import PassageReading, SpanReader
from training.data import reading_questions
from training.examples import Example, PassagePool, near_misses, pieces, read_examples, reading_example
from training.measures import Figure, auc_figure, calibration_error, character_f1, exact_match, mean_figure
from training.prepare import all_questions
from training.results import Cell, Row, Section, Table, weights

log = logging.getLogger("training.measure_reading")

GAIN_FILE = "reader-gain.json"
_HEAD = (
    "exact match",
    "F1",
    "sentence: reader",
    "sentence: overlap",
    "AUC near misses: reader",
    "AUC near misses: overlap",
    "AUC unanswerable: reader",
    "AUC unanswerable: overlap",
)
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


def reading_rows(
    examples: Sequence[Example],
    readings: Sequence[PassageReading],
    answers: Mapping[tuple[str, str], tuple[str, ...]],
) -> list[Row]:
    """One row a source: exact match, F1, choice of the sentence, answerability, each beside its baseline.

    `answers` gives all accepted strings of a (question, answer); the example's own is taken without an entry.
    """
    rows = []
    for source in sorted({example.source.split("+")[0] for example in examples}):
        chosen = [(e, r) for e, r in zip(examples, readings, strict=True) if e.source.split("+")[0] == source]
        answered = [(e, r) for e, r in chosen if e.answered]
        predicted = [e.passage[r.start : r.end] for e, r in answered]
        own = [e.passage[e.start : e.end] for e, _ in answered]
        gold = [answers.get((e.question, text), (text,)) for (e, _), text in zip(answered, own, strict=True)]
        cells: list[Cell] = [
            mean_figure([exact_match(p, a) for p, a in zip(predicted, gold, strict=True)]),
            mean_figure([character_f1(p, a) for p, a in zip(predicted, gold, strict=True)]),
            mean_figure([_holds(sentence_by_reader(e, r), e) for e, r in answered]),
            mean_figure([_holds(sentence_by_overlap(e), e) for e, _ in answered]),
        ]
        for kind in ("+bm25", ""):
            others = [(e, r) for e, r in chosen if not e.answered and e.source == source + kind]
            if len(others) < _FEWEST:
                cells.extend(("–", "–"))
                continue
            both = [*answered, *others]
            truth = [e.answered for e, _ in both]
            cells.append(auc_figure([r.answerable for _, r in both], truth))
            cells.append(auc_figure([overlap(e.question, e.passage) for e, _ in both], truth))
        rows.append(Row(f"{source} ({len(answered)} answered)", tuple(cells)))
    return rows


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


# ---------------------------------------------------------------------------------------------------------------------
# What the span reader adds to the evidence model is measured apart from this report, on models that are fitted with and
# without its scores. Whoever measures it writes GAIN_FILE into the working folder; nothing else of this module changes:
#
#   {"note": "what was measured, and on what",
#    "rows": [{"label": "our policy questions: best candidate states all facts",
#              "without": {"value": 0.7, "low": 0.66, "high": 0.74, "n": 600}, "with": {…}, "difference": {…}}]}
# ---------------------------------------------------------------------------------------------------------------------
def reader_gain(path: Path) -> Table | None:
    """The table of what the span reader adds to the evidence model; None while nobody has written the file.

    Raises:
        InputError: the file is not of the form above; names it.
    """
    if not path.is_file():
        return None
    columns = ("without", "with", "difference")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(Row(item["label"], tuple(Figure(**item[column]) for column in columns)) for item in found["rows"])
        note = str(found["note"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not as `training.measure_reading` describes it ({error!r}): write it anew"
        ) from error
    head = ("evidence model alone", "with the span reader", "difference")
    return Table("What the span reader adds to the evidence model", head, rows, note)


def reading_section(data: Path, work: Path, folder: Path | None, size: int) -> Section:
    """The span reader at `folder`, on at most `size` questions of each benchmark; a note in its place without one."""
    gain = reader_gain(work / GAIN_FILE)
    added = () if gain is None else (gain,)
    title = "Reading with the span reader"
    if folder is None:
        return Section(title, "Not measured in this run: no span reader was given (`--reader`).", added, {})
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
        "wrote to have no answer there. *Overlap* is what needs no model: the sentence, or passage, with the most of the "
        "question's words and bigrams."
    )
    calibration = calibration_row(held_back, readings[: len(held_back)])
    tables = (
        Table("Spans, sentences and answerability", _HEAD, tuple(reading_rows(examples, readings, answers))),
        Table("Its calibration", ("Brier score", "of a constant", "expected calibration error"), (calibration,)),
    )
    return Section(title, text, (*tables, *added), {"span reader": weights(folder)})
