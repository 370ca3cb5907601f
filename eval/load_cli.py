"""`zhengwen eval load`: how a running service bears many users."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from indexer.errors import InputError

_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def load(
    url: Annotated[str, typer.Argument(help="Address of the service.")] = "http://127.0.0.1:8000",
    gold: Annotated[Path, typer.Option(help="Questions to ask.")] = Path(__file__).parent / "gold" / "digests.jsonl",
    users: Annotated[list[int] | None, typer.Option(min=1, max=1000, help="Users at once; may be repeated.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long each number of users asks.")] = 20.0,
    total: Annotated[int | None, typer.Option(min=1, help="Stop after so many questions instead.")] = None,
    key: Annotated[str, typer.Option(envvar="ZHENGWEN_LOAD_KEY", help="API key.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Ask a running service as so many users at once and print what they met."""
    from eval import gold as gold_sets
    from eval.load import Load, put_load

    questions = [item.question for item in gold_sets.load([gold]).questions]
    if not url.startswith(("http://", "https://")):
        raise InputError(f"{url!r} is no address: give one such as http://127.0.0.1:8000")
    table = Table("users", "answered", "a second", "p50 ms", "p95 ms", "p99 ms", "slowest", "turned away", "failed")
    loads: list[Load] = []
    with Progress(console=_errors, transient=True, disable=not _errors.is_terminal) as progress:
        for count in users or [1, 8, 32, 128]:
            task = progress.add_task(f"{count} users", total=total)
            loads.append(
                put_load(
                    url,
                    questions,
                    count,
                    seconds=None if total is not None else seconds,
                    total=total,
                    key=key,
                    on_reply=lambda reply, task=task: progress.advance(task),  # type: ignore[misc]
                )
            )
            progress.remove_task(task)
    for met in loads:
        if as_json:
            typer.echo(json.dumps(asdict(met)))
        row = (met.answered, met.per_second, met.p50, met.p95, met.p99, met.slowest, met.turned_away, met.failed)
        table.add_row(str(met.users), *map(str, row))
    if not as_json:
        Console().print(table)
    if any(met.failed for met in loads):
        raise typer.Exit(1)
