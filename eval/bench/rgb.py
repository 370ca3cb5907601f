"""RGB, the Retrieval-Augmented Generation Benchmark (Chen et al. 2023): answering from a handful of given documents."""

import math
import random
import re
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

from eval import fields
from eval.bench.files import Row, read_rows
from eval.bench.record import Benchmark, BenchPassage, BenchQuestion, Reply
from eval.measures import fact_recall, forbidden_figures
from indexer.errors import InputError

DOCUMENTS = 5
"""How many documents a question is asked over, as in the paper."""
NOISES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_INTEGRATION_NOISES = (0.0, 0.2, 0.4)
_COUNTERFACTUAL_NOISES = (0.0,)

_DISAGREEMENT = re.compile(
    r"不一致|不相符|不符|相互矛盾|自相矛盾|存在矛盾|有出入|说法不[一同]|事实性?错误|有误|冲突|factual errors?|disagree|contradict"
)


def read(path: Path, noises: Sequence[float] = (), *, seed: int = 0) -> Benchmark:
    """Every question of a file once for each share of noise, over documents of its own.

    A line holds `id`, `query`, `answer` (a fact or a list of required facts, each a form or a list of accepted forms),
    `positive`, `negative`, and its fields tell which test it belongs to:

        noise, rejection  zh.json       `positive` is a list of texts; at noise 1 there are none of them and a refusal is right
        integration       zh_int.json   `positive` is a list of lists, one for each fact; one text of each is always given
        counterfactual    zh_fact.json  has `positive_wrong` beside `fakeanswer`; these are given, never `positive`

    `noises` are shares of noise documents among `DOCUMENTS`; none means those of the paper. Where the paper draws documents
    at random, `seed` and the id decide.

    Raises:
        InputError: the file cannot be read, a line lacks something (names the line and the field), or a test has no such
            share of noise.
    """
    passages: dict[str, BenchPassage] = {}
    questions: list[BenchQuestion] = []
    for row in read_rows(path):
        query_id = row.name("id")
        for noise in noises or _noises(row):
            texts = _documents(row, noise, random.Random(f"{seed} {query_id}"))
            given = [passages.setdefault(text, BenchPassage(f"text-{len(passages)}", "", text)) for text in texts]
            questions.append(
                BenchQuestion(
                    query_id=query_id,
                    text=row.text("query"),
                    facts=_facts(row, "answer"),
                    fakes=tuple(chain.from_iterable(_facts(row, "fakeanswer"))) if _is_counterfactual(row) else (),
                    is_answerable=noise < 1,
                    documents=frozenset(passage.doc_id for passage in given),
                    group=_group(row, noise),
                )
            )
    return Benchmark(tuple(passages.values()), tuple(questions))


def score(reply: Reply, k: int) -> dict[str, float]:
    """The paper's measures of one reply, each under the condition it was asked in.

    accuracy          noise, integration, counterfactual: every required fact is stated; a refusal states none
    rejection         noise 1: a refusal
    error_detection   counterfactual: a refusal, or an answer that says that the sources disagree or are wrong
    error_correction  counterfactual, detected: the true answer is stated
    fake_avoided      counterfactual, not of the paper: the planted error is not repeated

    Figures are compared as `eval.measures.occurs` does: unlike in the paper's script, 70 is not found in 170.
    """
    question = reply.question
    if not question.is_answerable:
        return {f"rejection ({question.group})": float(reply.is_refusal)}
    right = float(fact_recall(question.facts, reply.said) == 1)
    scores = {"accuracy": right}
    if question.fakes:
        detected = reply.is_refusal or _DISAGREEMENT.search(reply.said) is not None
        scores["error_detection"] = float(detected)
        if detected:
            scores["error_correction"] = right
        scores["fake_avoided"] = float(reply.error is None and not forbidden_figures(question.fakes, reply.said))
    return {f"{name} ({question.group})": value for name, value in scores.items()}


def _is_counterfactual(row: Row) -> bool:
    return "positive_wrong" in row.values


def _is_integration(row: Row) -> bool:
    return any(isinstance(item, list) for item in row.items("positive"))


def _noises(row: Row) -> tuple[float, ...]:
    if _is_counterfactual(row):
        return _COUNTERFACTUAL_NOISES
    return _INTEGRATION_NOISES if _is_integration(row) else NOISES


def _group(row: Row, noise: float) -> str:
    test = "counterfactual, " if _is_counterfactual(row) else "integration, " if _is_integration(row) else ""
    return f"{test}noise {noise:g}"


def _documents(row: Row, noise: float, rng: random.Random) -> list[str]:
    negative = _texts(row.items("negative"), "negative", row)
    wanted = math.ceil(round(DOCUMENTS * noise, 6))  # 5 · 0.6 must not become 4
    if noise == 1 and (_is_counterfactual(row) or _is_integration(row)):
        raise InputError(f"{row.place} is asked over at least one positive document: give a --noise under 1")
    if _is_counterfactual(row):
        wrong = _texts(row.items("positive_wrong"), "positive_wrong", row)
        chosen = rng.sample(wrong, min(len(wrong), DOCUMENTS - wanted))
    elif _is_integration(row):
        parts = [
            rng.sample(texts, len(texts))
            for i, part in enumerate(row.items("positive"))
            if (texts := _texts(part, f"positive[{i}]", row))
        ]
        in_turn = [text for turn in zip_longest(*parts) for text in turn if text is not None]
        chosen = in_turn[: max(len(parts), DOCUMENTS - wanted)]
        wanted = max(0, DOCUMENTS - len(chosen))
    else:
        positive = _texts(row.items("positive"), "positive", row)
        # Too few of one kind are made up for by the other, except that at noise 1 nothing may answer.
        wanted = min(wanted, len(negative)) if noise == 1 else max(wanted, DOCUMENTS - len(positive))
        chosen = positive[: DOCUMENTS - min(wanted, len(negative))] if noise < 1 else []
    found = [*chosen, *negative[:wanted]]
    if not found:
        raise InputError(f"{row.place} fields 'positive' and 'negative' give no document at noise {noise:g}")
    return found


def _texts(value: object, key: str, row: Row) -> list[str]:
    """A list of strings, those that hold only white space left out: the files have some."""
    if isinstance(value, list):
        value = [item for item in value if not (isinstance(item, str) and not item.strip())]
    return list(fields.texts(value, key, row.place))


def _facts(row: Row, key: str) -> tuple[tuple[str, ...], ...]:
    value = row.values.get(key)
    items = value if isinstance(value, list) else [value]
    facts = tuple(
        fields.texts(item, f"{key}[{i}]", row.place)
        if isinstance(item, list)
        else (fields.text(item, f"{key}[{i}]", row.place),)
        for i, item in enumerate(items)
    )
    if not facts or not all(facts):
        raise fields.wrong(row.place, key, "a fact or a list of facts, each with a form", value)
    return facts
