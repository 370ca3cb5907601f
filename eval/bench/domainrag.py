"""DomainRAG (Wang et al. 2024): questions on the pages of one university, each with the passages that answer it."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from eval import fields
from eval.bench.files import Row, read_rows
from eval.bench.measures import ranking_scores
from eval.bench.record import Benchmark, BenchPassage, BenchQuestion, Reply
from eval.measures import character_f1, citation_precision, fact_recall
from service.question import Turn

_REFERENCES = ("positive_reference", "positive_references", "references")


@dataclass(frozen=True)
class _Answers:
    """The required facts, each with its forms, and the whole answers, any of which is right."""

    facts: tuple[tuple[str, ...], ...]
    whole: tuple[str, ...]


def read(path: Path) -> Benchmark:
    """The questions of a file on all passages that it holds, the noisy ones among them.

    A record holds
        question              and `date`, in front of a question that is about one year
        answers or answer     a text; a list of texts, any of which is right; or a list of lists, any of which is right as
                              soon as all its texts are there
        positive_reference, positive_references or references
                              one passage or a list of them: `title`, and `contents` (words apart, as the benchmark writes
                              them: its own reader takes the spaces out, and so does this one), `text` or `content`
        noisy_reference       passages that do not answer; may be missing
        history_qa            earlier turns, `question` and `answers`; may be missing
        id                    may be missing

    Raises:
        InputError: the file cannot be read, or a record lacks something; names the line and the field.
    """
    passages: dict[tuple[str, str], BenchPassage] = {}

    def passage(row: Row) -> BenchPassage:
        text = row.text("contents").replace(" ", "") if "contents" in row.values else row.text("text", "content")
        key = (row.optional("title"), text)
        return passages.setdefault(key, BenchPassage(f"passage-{len(passages)}", *key))

    questions = []
    for number, row in enumerate(read_rows(path)):
        positive = [passage(item) for item in row.rows(*_REFERENCES)]
        if "noisy_reference" in row.values:
            for item in row.rows("noisy_reference"):
                passage(item)
        answers = _answers(row)
        date = row.optional("date")
        questions.append(
            BenchQuestion(
                query_id=row.name("id") if "id" in row.values else str(number),
                text=(f"{date}年" if date.isdigit() else date) + row.text("question"),
                relevant={found.doc_id: 1 for found in positive},
                facts=answers.facts,
                answers=answers.whole,
                evidence=tuple(found.text for found in positive),
                history=_history(row),
            )
        )
    return Benchmark(tuple(passages.values()), tuple(questions))


def score(reply: Reply, k: int) -> dict[str, float]:
    """The paper's EM and F1, and what retrieval and citations are worth.

    accuracy             the paper's EM: an accepted answer is in the answer, all its parts
    f1                   common characters of the direct answer and the best accepted one
    recall@k             share of the references among the first k passages
    reference_precision  share of the quotes that stand in a reference; 0 for an answer that cites nothing
    refused              a refusal; lower is better
    """
    question = reply.question
    recall = f"recall@{k}"
    return {
        "accuracy": float(fact_recall(question.facts, reply.said) == 1),
        "f1": character_f1([question.answers], reply.direct),
        recall: ranking_scores(question.relevant, reply.ranked, k)[recall],
        "reference_precision": citation_precision(question.evidence, reply.quotes),
        "refused": float(reply.is_refusal or reply.error is not None),
    }


def _answers(row: Row) -> _Answers:
    key = "answers" if "answers" in row.values else "answer"
    value = row.values.get(key)
    items = value if isinstance(value, list) else [value]
    choices = [
        fields.texts(item, f"{key}[{i}]", row.place)
        if isinstance(item, list)
        else (fields.text(item, f"{key}[{i}]", row.place),)
        for i, item in enumerate(items)
    ]
    if not choices or not all(choices):
        raise fields.wrong(row.place, key, "a text or a list of accepted answers", value)
    # "a and b, or c" is the same as "a or c, and b or c".
    facts = dict.fromkeys(tuple(dict.fromkeys(forms)) for forms in product(*choices))
    return _Answers(tuple(facts), tuple("".join(choice) for choice in choices))


def _history(row: Row) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    for earlier in row.rows("history_qa") if "history_qa" in row.values else []:
        turns += [Turn("user", earlier.text("question")), Turn("assistant", _answers(earlier).whole[0])]
    return tuple(turns)
