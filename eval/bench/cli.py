"""`zhengwen eval bench`: a benchmark that lies somewhere on disk, asked and measured."""

import json
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from indexer.errors import InputError
from service.settings import Settings

if TYPE_CHECKING:
    from eval.bench.record import Benchmark, Reply, Score
    from eval.bench.run import Result

_errors = Console(stderr=True, highlight=False, soft_wrap=True)


class Format(Enum):
    """How the files of a benchmark are laid out."""

    SQUAD = "squad"
    BEIR = "beir"
    TREC = "trec"
    RGB = "rgb"
    DOMAINRAG = "domainrag"
    RAGEVAL = "rageval"


_WITH_CORPUS = (Format.TREC, Format.RAGEVAL)
_WITHOUT_ANSWERS = (Format.BEIR, Format.TREC)


def bench(
    layout: Annotated[
        Format, typer.Argument(metavar="FORMAT", help="Layout: squad, beir, trec, rgb, domainrag, rageval.")
    ],
    path: Annotated[Path, typer.Argument(help="File of questions; for beir the folder.")],
    corpus: Annotated[Path | None, typer.Option(help="File of texts, for trec and rageval.")] = None,
    k: Annotated[int, typer.Option(min=1, max=20, help="Cutoff of recall@k.")] = 10,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask only so many questions, drawn by the seed.")] = None,
    seed: Annotated[int, typer.Option(help="Decides what is drawn at random.")] = 0,
    noise: Annotated[
        list[float] | None,
        typer.Option(
            min=0, max=1, help="Share of noise documents, for rgb; may be repeated.", show_default="the paper's"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for answers, summary and index.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Ask the questions of an outside benchmark on its own texts and print the measures of its paper."""
    if (corpus is not None) != (layout in _WITH_CORPUS):
        needs = "needs" if layout in _WITH_CORPUS else "takes no"
        raise InputError(f"the format {layout.value} {needs} --corpus")
    if noise and layout is not Format.RGB:
        raise InputError(f"the format {layout.value} takes no --noise")
    from eval.bench.run import ask_all, index_passages, sampled, summarise, write
    from eval.table import stop_on_failures
    from indexer.store import load
    from service.pipeline import Pipeline

    whole, score = _read(layout, path, corpus, noise or [], seed)
    benchmark = sampled(whole, limit, seed)
    with (
        TemporaryDirectory() as scratch,
        Progress(console=_errors, transient=True, disable=not _errors.is_terminal) as progress,
    ):
        folder = Path(scratch) if out is None else out
        folder.mkdir(parents=True, exist_ok=True)
        task = progress.add_task("indexing", total=None)

        def indexed(stage: str, done: int, total: int) -> None:
            progress.update(task, description=f"indexing: {stage}", completed=done, total=total)

        index_passages(benchmark.passages, folder / "index", embedder=Settings().embedder, progress=indexed)
        stored = load(folder / "index")
        pipeline = Pipeline.over(stored)
        asking = progress.add_task("asking", total=len(benchmark.questions))

        def asked(reply: "Reply") -> None:
            progress.advance(asking)

        replies = ask_all(benchmark, stored, pipeline, answers=layout not in _WITHOUT_ANSWERS, on_reply=asked)
        result = summarise(benchmark, replies, score, k, pipeline.receipt)
        asked_how = {"format": layout.value, "k": k, "limit": limit, "seed": seed, "noise": noise}
        summary = {**asked_how, **result.to_json()}
        write(folder, replies, score, k, summary)
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False, indent=2))
    else:
        _print(result)
    stop_on_failures(result.failures, _errors)


def _read(
    layout: Format, path: Path, corpus: Path | None, noise: list[float], seed: int
) -> tuple["Benchmark", "Score"]:
    """The benchmark, and how its replies are scored."""
    from eval.bench import domainrag, rageval, ranking, rgb, squad

    match layout:
        case Format.SQUAD:
            return squad.read(path), squad.score
        case Format.BEIR:
            return ranking.read_beir(path), ranking.score
        case Format.RGB:
            return rgb.read(path, noise, seed=seed), rgb.score
        case Format.DOMAINRAG:
            return domainrag.read(path), domainrag.score
    assert corpus is not None
    if layout is Format.TREC:
        return ranking.read_trec(path, corpus), ranking.score
    return rageval.read(path, corpus), rageval.score


def _print(result: "Result") -> None:
    table = Table("measure", "mean", "95 % interval", "n")
    for figure in result.figures:
        interval = f"{figure.interval.low:.3f}–{figure.interval.high:.3f}"
        table.add_row(figure.measure, f"{figure.mean:.3f}", interval, str(figure.questions))
    Console(highlight=False).print(table)
    typer.echo(f"{result.questions} questions on {result.passages} passages, {len(result.failures)} failed")
    typer.echo(f"index {result.receipt.index}\nversion {result.receipt.version}")
