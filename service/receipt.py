"""What made an answer, and enough of the answer to make it again and tell what changed."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Self

from indexer.errors import InputError
from indexer.scope import EVERYTHING, Scope
from service.conversation import Turn, turns
from service.fields import texts, typed

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("prompts", "indexer", "service")


@dataclass(frozen=True)
class Receipt:
    """What makes the answers of a pipeline: hashes of index, models and prompts, version and code of the program,
    settings.
    """

    index: str
    models: Mapping[str, str]
    prompt: str
    version: str
    code: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoredPassage:
    """A retrieved passage; a higher score is better."""

    passage_id: str
    score: float


@dataclass(frozen=True)
class AnswerReceipt:
    """The receipt of one answer.

    `question` and `history` are as asked, `passages` as retrieved, best first, `verdicts` one a sentence;
    `answer_sha256` is that of the answer object, see `answer_sha256`; `scope` is what could answer.
    """

    made_by: Receipt
    question: str
    history: tuple[Turn, ...]
    passages: tuple[ScoredPassage, ...]
    verdicts: tuple[str, ...]
    answer_sha256: str
    scope: Scope = EVERYTHING

    def to_json(self) -> dict[str, Any]:
        """One flat object: what made the answer, then what is the answer's own, `scope` only where it narrows."""
        row = asdict(self)
        scope = {name: value for name, value in row.pop("scope").items() if value != getattr(EVERYTHING, name)}
        return {**row.pop("made_by"), **row, **({"scope": scope} if scope else {})}

    @classmethod
    def from_json(cls, row: object) -> Self:
        """Raises InputError when `row` is not a receipt, naming the first field that is wrong."""
        where = "receipt"
        if not isinstance(row, dict):
            raise InputError(f"a receipt is a JSON object, not {type(row).__name__}")
        made_by = Receipt(
            index=typed(row, "index", str, where),
            models=texts(row, "models", where),
            prompt=typed(row, "prompt", str, where),
            version=typed(row, "version", str, where),
            code=typed(row, "code", str, where),
            settings=texts(row, "settings", where),
        )
        passages = []
        for i, passage in enumerate(typed(row, "passages", list, where)):
            place = f"{where}.passages[{i}]"
            passages.append(ScoredPassage(typed(passage, "passage_id", str, place), _score(passage, place)))
        verdicts = typed(row, "verdicts", list, where)
        if not all(isinstance(verdict, str) for verdict in verdicts):
            raise InputError(f"{where}.verdicts must be texts, found {verdicts!r:.60}")
        return cls(
            made_by,
            typed(row, "question", str, where),
            turns(row, where),
            tuple(passages),
            tuple(verdicts),
            typed(row, "answer_sha256", str, where),
            _scope(typed(row, "scope", dict, where)) if "scope" in row else EVERYTHING,
        )


def answer_sha256(answer: Mapping[str, Any]) -> str:
    """The hash of an answer object: of its JSON in UTF-8, keys sorted, no white space.

    Left out are the times, which differ from run to run, the id, which a batch gives, and this hash itself.
    """
    kept = {key: value for key, value in answer.items() if key not in ("id", "timings", "receipt")}
    receipt = {key: value for key, value in answer["receipt"].items() if key != "answer_sha256"}
    content = json.dumps({**kept, "receipt": receipt}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def code_sha256() -> str:
    """The hash of the program's own files that can change an answer, by their paths and contents."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*")):
            if path.suffix in (".py", ".txt", ".md"):
                digest.update(
                    f"{path.relative_to(_ROOT).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
                )
    return "sha256:" + digest.hexdigest()


def _scope(row: Mapping[str, object]) -> Scope:
    where = "receipt.scope"
    given: dict[str, Any] = {}
    for item in fields(Scope):
        if item.name not in row:
            continue
        kind = type(getattr(EVERYTHING, item.name))
        value = typed(row, item.name, str if kind is str else list, where)
        if not all(isinstance(part, str) for part in value):
            raise InputError(f"{where}.{item.name} must be texts, found {value!r:.60}")
        given[item.name] = kind(value)
    return Scope(**given)


def _score(row: object, where: str) -> float:
    score = row.get("score") if isinstance(row, dict) else None
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise InputError(f"{where}.score must be a number, found {score!r:.60}")
    return float(score)
