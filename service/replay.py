"""Asks a saved question again and tells whether the same answer comes out, or which part has changed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from itertools import zip_longest
from typing import Any, Self

from indexer.errors import InputError, QuestionError
from service.answer import SavedAnswer, sentence_texts
from service.fields import typed
from service.pipeline import Pipeline
from service.receipt import AnswerReceipt, answer_sha256

# Fields of an answer object that are compared part by part, or differ from run to run.
_COMPARED = frozenset({"id", "timings", "receipt", "passages", "sentences", "answer"})


@dataclass(frozen=True)
class Saved:
    """What a file says of an answer: its receipt and, unless the file holds nothing else, the answer; `row` is as
    read.
    """

    receipt: AnswerReceipt
    answer: SavedAnswer | None
    row: Mapping[str, Any]

    @classmethod
    def from_json(cls, row: object) -> Self:
        """Of an answer object, or of a receipt alone.

        Raises:
            InputError: it is neither; names the first field that is wrong.
        """
        if not isinstance(row, dict):
            raise InputError(f"an answer or a receipt is a JSON object, not {type(row).__name__}")
        if "receipt" in row:
            return cls(AnswerReceipt.from_json(typed(row, "receipt", dict, "answer")), SavedAnswer.from_json(row), row)
        return cls(AnswerReceipt.from_json(row), None, row)


def replay(saved: Saved, pipeline: Pipeline) -> list[str]:
    """What has changed since an answer was saved, one line each, from cause to effect; nothing when the same bytes
    come out.
    """
    then = saved.receipt
    changes = []
    if saved.answer is not None and answer_sha256(saved.row) != then.answer_sha256:
        changes.append("saved answer: it was edited, for its bytes do not give the hash in its receipt")
    try:
        answer = pipeline.ask(then.question, then.history, then.scope)
    except QuestionError as error:
        answer = replace(pipeline.refuse(then.question, str(error)), scope=then.scope)
    row = json.loads(json.dumps(answer.to_json()))  # with the types that a file gives
    now = AnswerReceipt.from_json(row["receipt"])
    changes.extend(_builds(then, now))
    changes.extend(_passages(then, now))
    if saved.answer is not None:
        changes.extend(_texts(saved.answer, sentence_texts(answer.sentences) or [answer.text]))
        fields = (
            key for key in saved.row.keys() | row.keys() if key not in _COMPARED and saved.row.get(key) != row.get(key)
        )
        changes.extend(f"{key}: it is another" for key in sorted(fields))
    if then.verdicts != now.verdicts:
        changes.append(f"verdicts: {_list(then.verdicts)} → {_list(now.verdicts)}")
    if not changes and now.answer_sha256 != then.answer_sha256:
        changes.append(
            f"answer: {then.answer_sha256} → {now.answer_sha256}, though nothing that its receipt names has changed"
        )
    return changes


def _builds(then: AnswerReceipt, now: AnswerReceipt) -> Iterator[str]:
    """Differences of what made the answers."""
    one, other = then.made_by, now.made_by
    for name in ("version", "code", "index", "prompt"):
        if getattr(one, name) != getattr(other, name):
            yield f"{name}: {getattr(one, name)} → {getattr(other, name)}"
    for name, values, others in (("model", one.models, other.models), ("setting", one.settings, other.settings)):
        for key in sorted(values.keys() | others.keys()):
            if values.get(key) != others.get(key):
                yield f"{name} {key}: {values.get(key, 'none')} → {others.get(key, 'none')}"


def _passages(then: AnswerReceipt, now: AnswerReceipt) -> Iterator[str]:
    """Ranks at which another passage stands, or the same with another score."""
    for rank, (one, other) in enumerate(zip_longest(then.passages, now.passages), start=1):
        if one != other:
            names = [f"{passage.passage_id} ({passage.score})" if passage else "none" for passage in (one, other)]
            yield f"passage {rank}: {' → '.join(names)}"


def _texts(then: SavedAnswer, now: list[str]) -> Iterator[str]:
    """The sentences that went (-) and came (+); of an answer without sentences its whole text."""
    saved = sentence_texts(then.sentences) or [then.text]
    for line in list(unified_diff(saved, now, lineterm="", n=0))[2:]:
        if not line.startswith("@@"):
            yield f"sentence {line[0]} {line[1:]}"


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "none"
