"""A judge model over the OpenAI-compatible interface: advice beside the scores, never part of them nor of a gate."""

import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from string import Template

import httpx

from eval.measures import without_markers
from eval.record import Record

_PROMPT = Template(Path(__file__).with_name("judge.txt").read_text(encoding="utf-8"))
_OBJECT = re.compile(r"\{[^{}]*\}")

logger = logging.getLogger(__name__)


class Verdict(Enum):
    """What the judge says of an answer; unscored when the call failed or the reply holds no verdict."""

    RIGHT = "right"
    WRONG = "wrong"
    UNSCORED = "unscored"


@dataclass(frozen=True)
class Judge:
    """The model `model` behind `url`, the address that `/chat/completions` comes after; `timeout` in seconds."""

    url: str
    model: str
    key: str | None = None
    timeout: float = 60.0

    def verdict(self, client: httpx.Client, record: Record) -> Verdict:
        """The verdict on an answer to an answerable question."""
        prompt = _PROMPT.substitute(
            question="\n".join([*(turn.content for turn in record.question.history), record.question.question]),
            facts="\n".join("- " + " 或 ".join(forms) for forms in record.question.answers),
            answer=without_markers(record.answered_text or ""),
        )
        body = {"model": self.model, "temperature": 0, "messages": [{"role": "user", "content": prompt}]}
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        try:
            address = self.url.rstrip("/") + "/chat/completions"
            reply = client.post(address, json=body, headers=headers, timeout=self.timeout)
            reply.raise_for_status()
            content = reply.json()["choices"][0]["message"]["content"]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError) as error:
            logger.warning("the judge gave no verdict on %s: %s: %s", record.question.id, type(error).__name__, error)
            return Verdict.UNSCORED
        return parse_verdict(content)


def parse_verdict(content: object) -> Verdict:
    """The verdict of a reply that holds exactly one JSON object, `{"right": true}` or `{"right": false}`."""
    found = _OBJECT.findall(content) if isinstance(content, str) else []
    try:
        (row,) = [json.loads(part) for part in found]
    except ValueError:
        return Verdict.UNSCORED
    return {True: Verdict.RIGHT, False: Verdict.WRONG}[row["right"]] if _is_verdict(row) else Verdict.UNSCORED


def judge_records(judge: Judge, records: Sequence[Record], on_record: Callable[[], None]) -> list[Record]:
    """The records with a verdict on every answer to an answerable question; an earlier verdict stands, unless unscored."""
    judged = []
    with httpx.Client() as client:
        for record in records:
            asks = record.question.is_answerable and record.answered_text is not None
            if asks and record.judge in (None, Verdict.UNSCORED.value):
                judged.append(replace(record, judge=judge.verdict(client, record).value))
            else:
                judged.append(record)
            on_record()
    return judged


def _is_verdict(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("right"), bool)
