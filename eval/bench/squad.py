"""Reading comprehension: SQuAD (Rajpurkar et al. 2016, 2018), CMRC 2018 (Cui et al. 2019), DRCD and what is written alike."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from eval import fields
from eval.bench.files import Row, read_rows
from eval.bench.measures import cmrc_em, cmrc_f1, ranking_scores
from eval.bench.record import Benchmark, BenchPassage, BenchQuestion, Reply
from eval.measures import occurs


@dataclass(frozen=True)
class _Item:
    title: str
    context: str
    question: BenchQuestion


def read(path: Path) -> Benchmark:
    """The questions of a file on all of its contexts; contexts that are alike, title and text, are one passage.

    Three forms, told apart by their fields:

        SQuAD, DRCD   {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text"}],
                      "is_impossible"}]}]}]}
        CMRC 2018     [{"title", "context_text", "qas": [{"query_id", "query_text", "answers": [text]}]}]
        flat          {"id", "title", "context", "question", "answers": [text], "is_impossible"} a line

    `title` and `is_impossible` may be missing; a question without answers is one that cannot be answered. When there are
    such questions, each belongs to the group `hasans` or `noans`.

    Raises:
        InputError: the file cannot be read, or a record lacks something; names the line and the field.
    """
    passages: dict[tuple[str, str], BenchPassage] = {}
    questions: list[BenchQuestion] = []
    for item in _items(read_rows(path)):
        key = (item.title, item.context)
        passage = passages.setdefault(key, BenchPassage(f"context-{len(passages)}", *key))
        questions.append(replace(item.question, relevant={passage.doc_id: 1}, evidence=(item.context,)))
    if not all(question.is_answerable for question in questions):
        questions = [replace(q, group="hasans" if q.is_answerable else "noans") for q in questions]
    return Benchmark(tuple(passages.values()), tuple(questions))


def score(reply: Reply, k: int) -> dict[str, float]:
    """EM and F1 of the direct answer as CMRC 2018 counts them, and whether retrieval finds the context.

    em, f1          every question; where nothing answers, 1 for a refusal and else 0 (SQuAD 2.0)
    hasans_*, noans_em  the same of the answerable and the other questions, when there are both
    contains        answerable: an accepted answer stands anywhere in the answer
    refused         answerable: a refusal; lower is better
    recall@k        answerable: the context is among the first k
    """
    question = reply.question
    if not question.is_answerable:
        right = float(reply.is_refusal)
        return {"em": right, "f1": right, "noans_em": right}
    em, f1 = float(cmrc_em(question.answers, reply.direct)), cmrc_f1(question.answers, reply.direct)
    scores = {"em": em, "f1": f1}
    if question.group:
        scores |= {"hasans_em": em, "hasans_f1": f1}
    scores["contains"] = float(any(occurs(answer, reply.said) for answer in question.answers))
    scores["refused"] = float(reply.is_refusal or reply.error is not None)
    recall = f"recall@{k}"
    return scores | {recall: ranking_scores(question.relevant, reply.ranked, k)[recall]}


def _items(rows: list[Row]) -> Iterator[_Item]:
    for row in rows:
        if "data" in row.values:
            for article in row.rows("data"):
                for paragraph in article.rows("paragraphs"):
                    yield from _questions(paragraph, article.optional("title"), paragraph.text("context"))
        elif "qas" in row.values:
            yield from _questions(row, row.optional("title"), row.text("context_text", "context"))
        else:
            yield _Item(row.optional("title"), row.text("context"), _question(row))


def _questions(paragraph: Row, title: str, context: str) -> Iterator[_Item]:
    for row in paragraph.rows("qas"):
        yield _Item(title, context, _question(row))


def _question(row: Row) -> BenchQuestion:
    answers = [] if "answers" not in row.values and _is_impossible(row) else row.items("answers")
    forms = tuple(
        fields.text(item.get("text") if isinstance(item, dict) else item, f"answers[{i}]", row.place)
        for i, item in enumerate(answers)
    )
    is_answerable = bool(forms) and not _is_impossible(row)
    return BenchQuestion(
        query_id=row.name("id", "query_id"),
        text=row.string("question", "query_text"),  # CMRC 2018 has an empty one: asking it fails, and counts
        answers=forms if is_answerable else (),
        is_answerable=is_answerable,
    )


def _is_impossible(row: Row) -> bool:
    value = row.values.get("is_impossible", False)
    if value not in (True, False, "true", "false"):  # CAIL writes them as strings
        raise fields.wrong(row.place, "is_impossible", "true or false", value)
    return value in (True, "true")
