"""Questions that a new version of the index must get right before it is served."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.document import Hit
from indexer.errors import InputError, QuestionError, StoredIndexError, ZhengwenError
from service.answer import Status
from service.fields import typed
from service.pipeline import Pipeline

# Passages that are looked for by their own heading, spread over the index; of those that can be, most must be found.
_PROBES = 5
_FOUND_AMONG = 3
_PROBE_CHARACTERS = 100
_SHOWN = 3


@dataclass(frozen=True)
class Canary:
    """A question, how its answer must end, and a document that the answer must cite; empty when any will do."""

    question: str
    status: Status
    doc_id: str = ""


def read_canaries(path: Path) -> tuple[Canary, ...]:
    """The canaries of a file, one JSON object a line; empty lines are passed over.

    Raises:
        InputError: the file cannot be read or a line is no canary, naming it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the canaries in {path} cannot be read: {error}") from error
    canaries = tuple(_canary(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip())
    if not canaries:
        raise InputError(f"{path} holds no canary: give one a line, or leave the setting empty")
    return canaries


def check(pipeline: Pipeline, canaries: Sequence[Canary]) -> None:
    """Asks the canaries, and looks for some passages by their own headings.

    Raises:
        StoredIndexError: what went wrong, the first few if much did.
    """
    try:
        failed = [*_lost(pipeline), *filter(None, (_failure(pipeline, canary) for canary in canaries))]
    except ZhengwenError:
        raise
    except Exception as error:  # whatever breaks on these documents would break on those who ask
        raise StoredIndexError(f"asking it ends in {type(error).__name__}: {error}") from error
    if failed:
        more = f", and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        raise StoredIndexError("; ".join(failed[:_SHOWN]) + more)


def _canary(line: str, where: str) -> Canary:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}") from error
    question, status = typed(row, "question", str, where), typed(row, "status", str, where)
    doc_id = typed(row, "doc_id", str, where) if "doc_id" in row else ""
    if unknown := row.keys() - {"question", "status", "doc_id"}:
        raise InputError(f"{where} has the unknown field {min(unknown)!r}: a canary has question, status and doc_id")
    if status not in (known := [kind.value for kind in Status]):
        raise InputError(f"{where}.status is {status!r}: it must be one of {', '.join(known)}")
    if doc_id and status == Status.REFUSED.value:
        raise InputError(f"{where} wants a refusal that cites {doc_id!r}: a refusal cites nothing, leave doc_id out")
    return Canary(question, Status(status), doc_id)


def _failure(pipeline: Pipeline, canary: Canary) -> str | None:
    """What is wrong with the answer to a canary."""
    try:
        answer = pipeline.ask(canary.question)
    except QuestionError as error:
        return f"the canary {canary.question!r} cannot be asked: {error}"
    if answer.status is not canary.status:
        reason = f" ({answer.reason})" if answer.reason else ""
        return f"the canary {canary.question!r} is {answer.status.value}{reason}, not {canary.status.value}"
    cited = sorted({citation.doc_id for citation in answer.citations})
    if canary.doc_id and canary.doc_id not in cited:
        return f"the answer to the canary {canary.question!r} cites {', '.join(cited)}, not {canary.doc_id}"
    return None


def _lost(pipeline: Pipeline) -> list[str]:
    """Passages whose heading does not stand over what a search for it and their document's title finds, when they are the most.

    It need not be the passage itself: documents come in many editions, and headings stand in tables of contents.
    """
    library = pipeline.library
    passages = list(library.passages.values())
    rows = sorted({round(i * (len(passages) - 1) / (_PROBES - 1)) for i in range(_PROBES)}) if passages else []
    asked, lost = 0, []
    for passage in (passages[row] for row in rows):
        title = library.document(passage.doc_id).title
        heading = passage.section[-1] if passage.section else title

        def shows(hit: Hit, heading: str = heading) -> bool:
            above = (library.document(hit.passage.doc_id).title, *hit.passage.section)
            return heading in above or heading in library.text(hit.passage)

        try:
            hits = pipeline.search(" ".join((title, *passage.section))[-_PROBE_CHARACTERS:], _FOUND_AMONG)
        except QuestionError:  # a title without a word, such as 2023-05
            continue
        asked += 1
        if not any(map(shows, hits)):
            lost.append(f"the passage {passage.passage_id} is not found by its heading {heading!r}")
    return lost if 2 * len(lost) > asked else []
