"""One run: every gold question asked once, a record each, and their summary.

DIR/answers.jsonl  one record a line, in gold order: the answer object under the gold id, with `type`, `style`, `docs`,
                   `scores` and `error`
DIR/summary.json   what was run on what, and the means; written last, so that it always belongs to answers.jsonl
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.gold import GoldQuestion, GoldSet
from eval.measures import (
    citation_precision,
    evidence_recall,
    fact_recall,
    forbidden_figures,
    mean,
    median_length,
    reciprocal_rank,
    stands,
    without_markers,
)
from indexer.document import Document
from indexer.errors import InputError
from service.answer import Answer, Receipt, Status
from service.pipeline import Pipeline

_CUTOFFS = (1, 3, 5, 10)
ANSWERABLE_MEASURES = (
    *(f"evidence_recall@{k}" for k in _CUTOFFS),
    "mrr@10",
    "all_facts",
    "fact_recall",
    "citation_precision",
    "quotes_stand",
    "answerable_refused",
)
UNANSWERABLE_MEASURES = ("quotes_stand", "unanswerable_refused")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """What came of one question: an answer, or the error that asking it raised; `scores` by name of the measure."""

    question: GoldQuestion
    answer: Answer | None
    error: str | None
    scores: Mapping[str, float]

    @property
    def answered_text(self) -> str | None:
        """The text of the answer; None for a refusal and for a failure."""
        return None if self.answer is None or self.answer.status is Status.REFUSED else self.answer.text


@dataclass(frozen=True)
class Group:
    """Counts and means of some records.

    `forbidden` counts answers that hold a forbidden figure; `median_length` is in characters, over the answers to answerable
    questions; a measure that applies to none of the records is not among `means`.
    """

    questions: int
    failed: int
    forbidden: int
    median_length: float
    means: Mapping[str, float]


@dataclass(frozen=True)
class Summary:
    """The result of a run. A question with two documents counts under both."""

    receipt: Receipt
    gold_sha256: str
    overall: Group
    by_type: Mapping[str, Group]
    by_style: Mapping[str, Group]
    by_document: Mapping[str, Group]

    def to_json(self) -> dict[str, Any]:
        """As in summary.json: the receipt's `index` is the index fingerprint."""
        return asdict(self)


def evaluate(
    pipeline: Pipeline, gold: GoldSet, out: Path, on_record: Callable[[Record], None] = lambda record: None
) -> Summary:
    """Asks the pipeline every gold question and writes the records and their summary into the folder `out`.

    Raises:
        InputError: the folder cannot be written.
    """
    records: list[Record] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "summary.json").unlink(missing_ok=True)
        with (out / "answers.jsonl").open("w", encoding="utf-8") as file:
            for record in run(pipeline.ask, gold.questions, pipeline.library.documents):
                file.write(json.dumps(_row(record), ensure_ascii=False) + "\n")
                file.flush()
                records.append(record)
                on_record(record)
        summary = summarise(records, gold.sha256, pipeline.receipt)
        text = json.dumps(summary.to_json(), ensure_ascii=False, indent=2) + "\n"
        (out / "summary.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"the results cannot be written to {out}: {error}") from error
    return summary


def run(
    ask: Callable[[str], Answer], questions: Iterable[GoldQuestion], documents: Mapping[str, Document]
) -> Iterator[Record]:
    """One record a question, in order; a question whose asking raises is a failure that scores 0, never a gap."""
    for question in questions:
        try:
            answer = ask(question.question)
        except Exception as error:
            logger.exception("question %s failed", question.id)
            names = ANSWERABLE_MEASURES if question.is_answerable else UNANSWERABLE_MEASURES
            yield Record(question, None, f"{type(error).__name__}: {error}", dict.fromkeys(names, 0.0))
        else:
            yield Record(question, answer, None, score(question, answer, documents))


def score(question: GoldQuestion, answer: Answer, documents: Mapping[str, Document]) -> dict[str, float]:
    """The measures that apply to an answer, by name.

    A refusal states no fact, and the measures of citations do not apply to it. `answerable_refused` and
    `unanswerable_refused` are 1 for a refusal, so that their means are the refusal rates. `quotes_stand` is the share of the
    quotes that stand in their document, 0 for an answer without any.
    """
    refused = answer.status is Status.REFUSED
    quotes = [citation.quote for citation in answer.citations]
    scores: dict[str, float] = {}
    if question.is_answerable:
        passages = [passage.text for passage in answer.passages]
        recall = 0.0 if refused else fact_recall(question.answers, without_markers(answer.text))
        for k in _CUTOFFS:
            scores[f"evidence_recall@{k}"] = evidence_recall(question.evidence, passages, k)
        scores["mrr@10"] = reciprocal_rank(question.evidence, passages, 10)
        scores["all_facts"] = float(recall == 1)
        scores["fact_recall"] = recall
        if not refused:
            scores["citation_precision"] = citation_precision(question.evidence, quotes)
        scores["answerable_refused"] = float(refused)
    else:
        scores["unanswerable_refused"] = float(refused)
    if not refused:
        scores["quotes_stand"] = mean(
            citation.doc_id in documents and stands(citation.quote, documents[citation.doc_id].text)
            for citation in answer.citations
        )
    return scores


def summarise(records: Sequence[Record], gold_sha256: str, receipt: Receipt) -> Summary:
    """Counts and means of a run, over all and by type, style and document."""
    return Summary(
        receipt=receipt,
        gold_sha256=gold_sha256,
        overall=_group(records),
        by_type=_groups(records, lambda question: [question.type.value]),
        by_style=_groups(records, lambda question: [question.style.value]),
        by_document=_groups(records, lambda question: question.docs),
    )


def _groups(records: Sequence[Record], keys: Callable[[GoldQuestion], Sequence[str]]) -> dict[str, Group]:
    members: dict[str, list[Record]] = {}
    for record in records:
        for key in keys(record.question):
            members.setdefault(key, []).append(record)
    return {key: _group(members[key]) for key in sorted(members)}


def _group(records: Sequence[Record]) -> Group:
    values: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.scores.items():
            values.setdefault(name, []).append(value)
    texts = [record.answered_text for record in records if record.question.is_answerable]
    return Group(
        questions=len(records),
        failed=sum(record.error is not None for record in records),
        forbidden=sum(
            bool(forbidden_figures(record.question.forbid, without_markers(record.answered_text or "")))
            for record in records
        ),
        median_length=median_length(text for text in texts if text is not None),
        means={
            name: round(mean(values[name]), 4)
            for name in dict.fromkeys((*ANSWERABLE_MEASURES, *UNANSWERABLE_MEASURES))
            if name in values
        },
    )


def _row(record: Record) -> dict[str, Any]:
    question = record.question
    blank = {"question": question.question, "status": "failed", "answer": "", "citations": [], "passages": []}
    return {
        **(blank if record.answer is None else record.answer.to_json()),
        "id": question.id,
        "type": question.type.value,
        "style": question.style.value,
        "docs": question.docs,
        "scores": record.scores,
        "error": record.error,
    }
