"""The baseline of the release gate: what later runs must reach, and the scores of the run that they are compared with.

A JSON file, to be edited by hand down to `questions`:

    alpha      chance of stopping a run that is no worse than the baseline
    guarded    measure → {"floor": the mean that a run must reach, null for none}; where lower is better, must not exceed
    gold, index, models, prompt, version
               of the run that it was written from
    questions  id → {measure: score}, one question a line, sorted by id
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eval.saved import SavedRun
from eval.score import MEASURES
from indexer.errors import InputError

ALPHA = 0.05
_DIGITS = 4


@dataclass(frozen=True)
class Guard:
    """`floor` is the worst mean allowed, None for any."""

    floor: float | None


GUARDED: Mapping[str, Guard] = {
    "right": Guard(None),
    "fact_recall": Guard(None),
    "no_forbidden": Guard(None),
    "citation_recall": Guard(None),
    "citation_precision_all": Guard(None),
    "quotes_stand": Guard(1.0),
    "sentences_supported": Guard(1.0),
    "answerable_refused": Guard(None),
    "unanswerable_refused": Guard(None),
    "evidence_recall@5": Guard(None),
    "mrr@10": Guard(None),
}
"""What a new baseline guards."""


@dataclass(frozen=True)
class Baseline:
    """See the module; `scores` are by question id, then by measure."""

    alpha: float
    guarded: Mapping[str, Guard]
    gold: str
    index: str
    models: Mapping[str, str]
    prompt: str
    version: str
    scores: Mapping[str, Mapping[str, float]]

    def of(self, measure: str) -> dict[str, float]:
        """The scores by question id of one measure."""
        return {key: scores[measure] for key, scores in self.scores.items() if measure in scores}


def baseline_of(run: SavedRun, guarded: Mapping[str, Guard] = GUARDED, alpha: float = ALPHA) -> Baseline:
    """A run as baseline for later ones."""
    scored = {measure: run_scores(run, measure) for measure in guarded}
    ids = [record.question.id for record in run.records]
    head = run.header
    return Baseline(
        alpha=alpha,
        guarded=dict(guarded),
        gold=head.gold,
        index=head.index,
        models=head.models,
        prompt=head.prompt,
        version=head.version,
        scores={key: {measure: of[key] for measure, of in scored.items() if key in of} for key in ids},
    )


def run_scores(run: SavedRun, measure: str) -> dict[str, float]:
    """The scores of a run by question id, rounded as a baseline holds them, so that equal scores are equal."""
    return {
        record.question.id: round(record.scores[measure], _DIGITS) for record in run.records if measure in record.scores
    }


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Raises InputError when the file cannot be written."""
    guards = {measure: {"floor": guard.floor} for measure, guard in baseline.guarded.items()}
    head = {key: getattr(baseline, key) for key in ("gold", "index", "models", "prompt", "version")}
    lines = [f'  "alpha": {baseline.alpha}', f'  "guarded": {_one_a_line(guards)}']
    lines += [f"  {_dump(key)}: {_dump(value)}" for key, value in head.items()]
    lines.append(f'  "questions": {_one_a_line(dict(sorted(baseline.scores.items())))}')
    try:
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"the baseline cannot be written: {error}") from error


def read_baseline(path: Path) -> Baseline:
    """The baseline of a file.

    Raises:
        InputError: it cannot be read, is none, or guards a measure that does not exist.
    """
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"there is no baseline {path}: write one with --write-baseline, or give --baseline") from error
    except (OSError, ValueError) as error:
        raise InputError(f"the baseline {path} cannot be read: {error}") from error
    try:
        floors = {measure: guard["floor"] for measure, guard in row["guarded"].items()}
        baseline = Baseline(
            alpha=float(row["alpha"]),
            guarded={measure: Guard(None if floor is None else float(floor)) for measure, floor in floors.items()},
            gold=row["gold"],
            index=row["index"],
            models=row["models"],
            prompt=row["prompt"],
            version=row["version"],
            scores={key: {name: float(score) for name, score in of.items()} for key, of in row["questions"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is no baseline ({type(error).__name__} {error}): see eval/baseline.py") from error
    unknown = [measure for measure in floors if measure not in MEASURES]
    if unknown or not floors:
        raise InputError(f"{path} guards {', '.join(unknown) or 'nothing'}: known measures are {', '.join(MEASURES)}")
    return baseline


def _one_a_line(rows: Mapping[str, object]) -> str:
    return "{\n" + ",\n".join(f"    {_dump(key)}: {_dump(row)}" for key, row in rows.items()) + "\n  }"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
