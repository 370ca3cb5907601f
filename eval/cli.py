"""`zhengwen eval …`, and with it the whole command line: the commands of the service and these."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from eval import gold as gold_sets
from indexer.corpus import read_all, scan
from indexer.errors import InputError
from service.cli import IndexOption, app, main
from service.settings import Settings

if TYPE_CHECKING:
    from eval.run import Group, Summary

__all__ = ["app", "main"]

DEFAULT_GOLD = Path(__file__).parent / "gold" / "digests-dev.jsonl"
_COLUMNS = {
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

eval_app = typer.Typer(no_args_is_help=True, help="Measure answers against gold questions.")
app.add_typer(eval_app, name="eval")
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

GoldOption = Annotated[
    list[Path] | None,
    typer.Option("--gold", help="File of gold questions; may be repeated.", show_default=DEFAULT_GOLD.name),
]


@eval_app.command()
def run(
    gold: GoldOption = None,
    index: IndexOption = None,
    out: Annotated[Path, typer.Option(help="Folder for answers.jsonl and summary.json.")] = Path("build/eval"),
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Ask every gold question once and print how the answers score."""
    from eval.run import Record, evaluate
    from service.pipeline import Pipeline

    questions = gold_sets.load(gold or [DEFAULT_GOLD])
    pipeline = Pipeline.open(index or Settings().index)
    faults = [
        fault for fault in gold_sets.check(questions.questions, pipeline.library.documents) if not fault.is_warning
    ]
    if faults:
        _errors.print(f"{len(faults)} faults in the gold questions spoil the scores: see 'zhengwen eval check'")
    with Progress(console=_errors, transient=True, disable=not _errors.is_terminal) as progress:
        task = progress.add_task("asking", total=len(questions.questions))

        def report(record: Record) -> None:
            progress.advance(task)

        summary = evaluate(pipeline, questions, out, report)
    if as_json:
        typer.echo(json.dumps(summary.to_json(), ensure_ascii=False, indent=2))
    else:
        _print_table(summary)
    if summary.overall.failed:
        _errors.print(f"{summary.overall.failed} questions failed: see 'error' in {out / 'answers.jsonl'}")
        raise typer.Exit(1)


@eval_app.command()
def check(
    gold: GoldOption = None,
    corpus: Annotated[Path | None, typer.Option(help="Folder of documents.", show_default="corpus")] = None,
) -> None:
    """Check gold questions against the documents they ask about."""
    questions = gold_sets.load(gold or [DEFAULT_GOLD]).questions
    documents, unreadable = read_all(scan(corpus or Settings().corpus))
    if unreadable:
        raise InputError(f"{unreadable[0].path} cannot be read: {unreadable[0].reason}")
    faults = gold_sets.check(questions, {document.doc_id: document for document in documents})
    for fault in faults:
        typer.echo(f"{'warning' if fault.is_warning else 'ERROR'} {fault.place} {fault.question_id}: {fault.message}")
    errors = sum(not fault.is_warning for fault in faults)
    typer.echo(f"{len(questions)} questions, {errors} errors, {len(faults) - errors} warnings")
    if errors:
        raise typer.Exit(1)


def _print_table(summary: "Summary") -> None:
    table = Table("", "n", "failed", "forbidden", *_COLUMNS, "length")
    _add_row(table, "all", summary.overall)
    for groups in (summary.by_type, summary.by_style, summary.by_document):
        table.add_section()
        for name, group in groups.items():
            _add_row(table, name, group)
    # Wide enough for every column when the output goes to a file.
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=176)
    console.print(table)
    typer.echo(f"index {summary.receipt.index}\ngold  sha256:{summary.gold_sha256}\nversion {summary.receipt.version}")


def _add_row(table: Table, name: str, group: "Group") -> None:
    means = [f"{group.means[measure]:.3f}" if measure in group.means else "" for measure in _COLUMNS.values()]
    table.add_row(
        name, str(group.questions), str(group.failed), str(group.forbidden), *means, f"{group.median_length:.0f}"
    )
