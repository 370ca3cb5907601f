"""The summary of a run as tables for a terminal."""

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table

from eval.summary import Failure, Group, Summary

_COLUMNS = {
    "right": "right",
    "recall@1": "evidence_recall@1",
    "recall@5": "evidence_recall@5",
    "mrr": "mrr@10",
    "facts": "fact_recall",
    "all facts": "all_facts",
    "cited": "citation_precision",
    "quotes": "quotes_stand",
    "refused": "answerable_refused",
    "refused n/a": "unanswerable_refused",
}
"""Head of a table's column → its measure; `n/a` are the unanswerable questions."""


def print_table(summary: Summary) -> None:
    """Prints the means of every group and stage, what they cost, and what was run on what."""
    table = Table("", "n", "failed", "forbidden", *_COLUMNS, "length")
    _add_row(table, "all", summary.overall)
    for groups in (
        summary.by_part,
        summary.by_answerable,
        summary.by_type,
        summary.by_style,
        summary.by_document,
    ):
        table.add_section()
        for name, group in groups.items():
            _add_row(table, name, group)
    # Wide enough for every column when the output goes to a file.
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=176)
    console.print(table)
    ranking = Table("stage", "recall@1", "recall@5", "recall@10", "ndcg@10", "mrr@10")
    for stage in ("lexical.", "dense.", "fused.", ""):
        names = [f"{stage}{name}" for name in ("evidence_recall@1", "evidence_recall@5", "evidence_recall@10")]
        names += [f"{stage}ndcg@10", f"{stage}mrr@10"]
        ranking.add_row(stage.rstrip(".") or "read", *(_mean(summary.overall, name) for name in names))
    console.print(ranking)
    header, cost = summary.header, summary.cost
    typer.echo(f"risk-coverage area {summary.overall.aurc:.3f}, calibration error {summary.overall.ece:.3f}")
    if summary.judge is not None:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in summary.judge.items())
        typer.echo(f"judge (advice only): {verdicts}")
    latency = ", ".join(f"{name} {value:.0f} ms" for name, value in cost.latency_ms.items())
    typer.echo(f"latency {latency}; peak memory {cost.peak_memory_mb:.0f} MB")
    typer.echo(f"index {header.index}\ngold  {header.gold}\nversion {header.version}")


def _add_row(table: Table, name: str, group: Group) -> None:
    means = [_mean(group, measure) for measure in _COLUMNS.values()]
    table.add_row(
        name, str(group.questions), str(group.failed), str(group.forbidden), *means, f"{group.median_length:.0f}"
    )


def _mean(group: Group, measure: str) -> str:
    return f"{group.means[measure]:.3f}" if measure in group.means else ""


def stop_on_failures(failures: Sequence[Failure], console: Console) -> None:
    """Names the questions that failed on `console` and ends the command with status 1; does nothing without any."""
    if failures:
        console.print(f"{len(failures)} questions failed:", markup=False)
        for failure in failures:
            console.print(f"  {failure.id}: {failure.error}", markup=False)
        raise typer.Exit(1)
