"""`zhengwen eval …`, and with it the whole command line: the commands of the service and these."""

import json
import os
from dataclasses import asdict
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from eval import gold as gold_sets
from eval.bench.cli import bench
from eval.load_cli import load
from eval.release_cli import compare, gate, report
from indexer.corpus import read_all, scan
from indexer.document import Document
from indexer.errors import InputError
from service.cli import IndexOption, ReaderOption, app, main
from service.settings import Settings

if TYPE_CHECKING:
    from service.pipeline import Pipeline

__all__ = ["app", "main"]

DEFAULT_GOLD = Path(__file__).parent / "gold" / "digests.jsonl"
eval_app = typer.Typer(no_args_is_help=True, help="Measure answers against gold questions.")
app.add_typer(eval_app, name="eval")
for command in (compare, gate, report, bench, load):
    eval_app.command()(command)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

GoldOption = Annotated[
    list[Path] | None,
    typer.Option("--gold", help="File of gold questions; may be repeated.", show_default=DEFAULT_GOLD.name),
]


CorpusOption = Annotated[Path | None, typer.Option(help="Folder of documents.", show_default="corpus")]


class PartOption(Enum):
    """Which questions to ask."""

    DEVELOPMENT = "development"
    RELEASE = "release"
    ALL = "all"


@eval_app.command()
def run(
    gold: GoldOption = None,
    index: IndexOption = None,
    corpus: Annotated[Path | None, typer.Option(help="Documents to index in OUT/index and ask about.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the answers and their summary.")] = Path("build/eval"),
    jobs: Annotated[int, typer.Option(min=1, help="How many processes ask.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds until a question has failed.")] = 60.0,
    part: Annotated[PartOption, typer.Option(help="Which questions to ask.")] = PartOption.ALL,
    sample: Annotated[int | None, typer.Option(min=1, help="Ask only so many of them.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Replace another run in OUT.")] = False,
    judge_url: Annotated[str | None, typer.Option(help="OpenAI-compatible address of a judge model.")] = None,
    judge_model: Annotated[str, typer.Option(help="Name of the judge model.")] = "",
    reader: ReaderOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Ask every gold question once and print how the answers score; goes on where an earlier start was stopped."""
    from eval.record import Record, write_records
    from eval.run import evaluate, select, write_summary
    from eval.table import print_table, stop_on_failures
    from indexer.build import build
    from indexer.store import load

    if index is not None and corpus is not None:
        raise InputError("give either --index or --corpus")
    if (judge_url is None) != (not judge_model):
        raise InputError("--judge-url and --judge-model go together")
    questions = gold_sets.load(gold or [DEFAULT_GOLD])
    chosen = None if part is PartOption.ALL else gold_sets.Part(part.value)
    asked = select(questions, chosen, sample)
    settings = Settings()
    if reader is not None:
        settings = settings.model_copy(update={"reader": reader})
    folder = index or settings.index
    if corpus is not None:
        folder = out / "index"
        build(corpus, folder, embedder=settings.embedder)
    documents = {document.doc_id: document for document in load(folder).documents}
    faults = [fault for fault in gold_sets.check(questions.questions, documents) if not fault.is_warning]
    if faults:
        _errors.print(f"{len(faults)} faults in the gold questions spoil the scores: see 'zhengwen eval check'")
    with Progress(console=_errors, transient=True, disable=not _errors.is_terminal) as progress:
        task = progress.add_task("asking", total=len(asked))
        records: list[Record] = []

        def report(record: Record) -> None:
            records.append(record)
            progress.advance(task)

        summary = evaluate(
            partial(_open, folder, settings),
            questions,
            out,
            part=chosen,
            sample=sample,
            jobs=jobs,
            timeout=timeout,
            restart=restart,
            on_record=report,
        )
        if judge_url is not None:
            from eval.judge import Judge, judge_records

            judging = progress.add_task("judging", total=len(records))
            judge = Judge(judge_url, judge_model, os.environ.get("ZHENGWEN_JUDGE_KEY"))
            records = judge_records(judge, records, lambda: progress.advance(judging))
            write_records(out / "answers.jsonl", records)
            summary = write_summary(out, records, summary.header)
    if as_json:
        typer.echo(json.dumps(summary.to_json(), ensure_ascii=False, indent=2))
    else:
        print_table(summary)
    stop_on_failures(summary.failures, _errors)


@eval_app.command()
def check(
    gold: GoldOption = None,
    corpus: CorpusOption = None,
) -> None:
    """Check gold questions against the documents they ask about."""
    questions = gold_sets.load(gold or [DEFAULT_GOLD]).questions
    faults = gold_sets.check(questions, {document.doc_id: document for document in _documents(corpus)})
    for fault in faults:
        typer.echo(f"{'warning' if fault.is_warning else 'ERROR'} {fault.place} {fault.question_id}: {fault.message}")
    errors = sum(not fault.is_warning for fault in faults)
    typer.echo(f"{len(questions)} questions, {errors} errors, {len(faults) - errors} warnings")
    if errors:
        raise typer.Exit(1)


@eval_app.command()
def coverage(
    gold: GoldOption = None,
    corpus: CorpusOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a document.")] = False,
) -> None:
    """List the sections that no gold question asks about."""
    from eval.coverage import coverage as covered

    for found in covered(gold_sets.load(gold or [DEFAULT_GOLD]).questions, _documents(corpus)):
        if as_json:
            row = {**asdict(found), "share": round(found.share, 4)}
            typer.echo(json.dumps(row, ensure_ascii=False))
            continue
        asked = found.sections - len(found.missing)
        typer.echo(f"{found.doc_id}: {asked} of {found.sections} sections asked about ({found.share:.0%})")
        for own in found.missing:
            path = " › ".join(own.path) or "(above the first heading)"
            typer.echo(f"    {path} ({own.characters} characters at {own.start})")


@eval_app.command()
def grow(
    feedback: Annotated[Path, typer.Argument(help="What people said of answers, one JSON object a line.")],
    out: Annotated[Path, typer.Option(help="New file for the candidates; never overwritten.")],
    gold: GoldOption = None,
) -> None:
    """Turn feedback into candidate gold questions for somebody to finish."""
    from eval.grow import candidates, read_feedback, write_candidates

    lines = read_feedback(feedback)
    found = candidates(lines, gold_sets.load(gold or [DEFAULT_GOLD]).questions)
    write_candidates(out, found)
    typer.echo(f"{len(found)} candidates from {len(lines)} lines of feedback, the others are asked already: {out}")


def _open(folder: Path, settings: Settings) -> "Pipeline":
    """The pipeline that a process asks, with its own copy of the models."""
    from service.pipeline import Pipeline
    from service.rerank import open_reranker

    return Pipeline.open(folder, reranker=open_reranker(settings))


def _documents(corpus: Path | None) -> list[Document]:
    documents, unreadable = read_all(scan(corpus or Settings().corpus))
    if unreadable:
        raise InputError(f"{unreadable[0].path} cannot be read: {unreadable[0].reason}")
    return documents
