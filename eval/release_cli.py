"""`zhengwen eval compare`, `gate` and `report`: what is done with runs that are through."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from eval.compare import Comparison
    from eval.gate import Check, Judgement

BASELINE = Path(__file__).parent / "baseline.json"
_SHORT = 90  # characters of an answer in a table
_LISTED = 20
_ALERT = 0.05  # an uncorrected p from here on is worth a mark

RunArgument = Annotated[Path, typer.Argument(help="Folder of a run that is through.")]


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="Folder of the earlier run.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Folder of the later run.")],
    force: Annotated[bool, typer.Option("--force", help="Even with other gold questions, index or models.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The comparison as JSON.")] = False,
) -> None:
    """Compare two runs question by question: differences with intervals and p, and what came out otherwise."""
    from eval.compare import compare as compared
    from eval.saved import read_run

    comparison = compared(read_run(first), read_run(second), force=force)
    if as_json:
        typer.echo(json.dumps(comparison.to_json(), ensure_ascii=False, indent=2))
    else:
        _print_comparison(comparison)


def gate(
    run: RunArgument,
    baseline: Annotated[
        Path, typer.Option(help="File with the floors and the scores to reach.", show_default="eval/baseline.json")
    ] = BASELINE,
    allow_sample: Annotated[bool, typer.Option("--allow-sample", help="Judge a run of part of the questions.")] = False,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Make the run the baseline; what it guards and floors stay.")
    ] = False,
) -> None:
    """Say whether a run may be released: exit 1 when it is significantly worse than the baseline or under a floor."""
    from eval.baseline import baseline_of, read_baseline
    from eval.baseline import write_baseline as write
    from eval.gate import judge
    from eval.saved import read_run

    found = read_run(run)
    if not write_baseline:
        reference = read_baseline(baseline)
    elif baseline.exists():
        known = read_baseline(baseline)
        reference = baseline_of(found, known.guarded, known.alpha)
    else:
        reference = baseline_of(found)
    judgement = judge(found, reference, allow_sample=allow_sample and not write_baseline)
    _print_judgement(judgement)
    if not judgement.passes:
        raise typer.Exit(1)
    if write_baseline:
        write(baseline, reference)
        typer.echo(f"{baseline} holds {len(reference.scores)} questions now: read what changed before you commit it")


def report(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option(help="The HTML file.", show_default="DIR/report.html")] = None,
    compare: Annotated[Path | None, typer.Option(help="Folder of an earlier run to compare with.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Even with other gold questions, index or models.")] = False,
) -> None:
    """Write a run as one HTML file that opens from disk, in Chinese."""
    from eval.compare import compare as compared
    from eval.report.page import write_report
    from eval.saved import read_run

    found = read_run(run)
    earlier = None if compare is None else compared(read_run(compare), found, force=force)
    target = run / "report.html" if out is None else out
    write_report(target, found, earlier)
    typer.echo(str(target))


def _print_comparison(comparison: "Comparison") -> None:
    console = _console()
    typer.echo(f"A {comparison.first.folder}\nB {comparison.second.folder}")
    typer.echo(f"{comparison.questions} questions in both, {comparison.left_out} left out")
    typer.echo(f"the headers differ in: {', '.join(comparison.differing) or 'nothing'}")
    table = Table("measure", "n", "A", "B", "B - A", "95 % interval", "p")
    for item in comparison.measures:
        low, high = item.interval.low, item.interval.high
        cells = [f"{item.first:.3f}", f"{item.second:.3f}", f"{item.difference:+.3f}", f"{low:+.3f} … {high:+.3f}"]
        verdict = "" if item.p > _ALERT else " better" if item.is_better else " worse"
        table.add_row(item.measure, str(item.questions), *cells, f"{item.p:.4f}{verdict}")
    console.print(table)
    if not comparison.changed:
        typer.echo("no question came out otherwise")
        return
    changes = Table(
        "question", "A", "B", title=f"{len(comparison.changed)} questions came out otherwise", show_lines=True
    )
    for row in comparison.to_json()["changed"]:
        sides = [
            f"[bold]{side['outcome']}[/bold]\n{escape(_short(side['answer']))}"
            for side in (row["first"], row["second"])
        ]
        changes.add_row(f"{escape(row['id'])}\n{escape(row['question'])}", *sides)
    console.print(changes)


def _print_judgement(judgement: "Judgement") -> None:
    for fault in judgement.faults:
        typer.echo(f"STOPPED: {fault}")
    if judgement.faults:
        return
    table = Table("measure", "n", "baseline", "run", "difference", "p (Holm)", "floor", "")
    for check in judgement.checks:
        table.add_row(*_cells(check))
    _console().print(table)
    for check in judgement.checks:
        if check.is_worse or check.is_under_floor:
            typer.echo(f"STOPPED: {_reason(check)}; {len(check.lost)} questions lose by it:")
            for lost in check.lost[:_LISTED]:
                before = "" if lost.before is None else f"{lost.before:.2f} -> "
                typer.echo(f"    {lost.id}  {before}{lost.after:.2f}  {_short(lost.question)}")
            if len(check.lost) > _LISTED:
                typer.echo(f"    and {len(check.lost) - _LISTED} more: see 'zhengwen eval report'")
    if judgement.passes:
        typer.echo("PASSED: nothing guarded is significantly worse or under its floor")


def _cells(check: "Check") -> list[str]:
    item = check.difference
    return [
        check.measure,
        str(check.questions),
        "" if item is None else f"{item.first:.3f}",
        "" if check.mean is None else f"{check.mean:.3f}",
        "" if item is None else f"{item.difference:+.3f} ({item.interval.low:+.3f} … {item.interval.high:+.3f})",
        "" if check.p is None else f"{check.p:.4f}",
        "" if check.floor is None else f"{check.floor:.3f}",
        ", ".join(["worse"] * check.is_worse + ["under its floor"] * check.is_under_floor),
    ]


def _reason(check: "Check") -> str:
    reasons = []
    if check.is_worse and check.difference is not None:
        item = check.difference
        reasons.append(f"significantly worse, {item.first:.3f} -> {item.second:.3f} (p {check.p:.4f})")
    if check.is_under_floor:
        reached = "scored on no question" if check.mean is None else f"{check.mean:.3f}"
        reasons.append(f"{reached} where the floor is {check.floor:.3f}")
    return f"{check.measure} is {' and '.join(reasons)}"


def _console() -> Console:
    """As wide as the tables need when the output goes to a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=150)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"
