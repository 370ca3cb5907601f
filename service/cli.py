"""The command line: parse, call, print. Results go to stdout, progress and complaints to stderr."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from indexer.build import Summary, build
from indexer.errors import InputError, ZhengwenError
from indexer.retrieval import Library
from indexer.scope import Scope
from indexer.store import Manifest
from indexer.validity import IN_CHINESE, STATUSES
from indexer.validity import Status as Validity
from service.answer import Answer, SavedAnswer, Status
from service.conversation import Turn
from service.export_cli import export
from service.handout import Format, handout, markdown, text
from service.inspect_cli import inspect
from service.keys_cli import keys_app
from service.records.clock import today
from service.report_table import has_more_than_text, table
from service.settings import ComposerKind, Settings
from service.word import word

if TYPE_CHECKING:  # it takes seconds to import, and most commands do without it
    from service.pipeline import Pipeline

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="政问: cited, checked answers from policy documents."
)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)

DocumentOption = Annotated[
    list[str] | None, typer.Option("--document", help="Only this document or shell pattern; may be repeated.")
]
IssuerOption = Annotated[list[str] | None, typer.Option("--issuer", help="Only from this issuer; may be repeated.")]
RegionOption = Annotated[list[str] | None, typer.Option("--region", help="Only for this region; may be repeated.")]
KindOption = Annotated[list[str] | None, typer.Option("--kind", help="Only of this kind; may be repeated.")]
FromOption = Annotated[str, typer.Option("--from", help="Published in 2022, 2022-11 or on 2022-11-30, or later.")]
ToOption = Annotated[str, typer.Option("--to", help="Published then or earlier.")]
AsOfOption = Annotated[
    str, typer.Option("--as-of", help="The day that validity is judged on: 2022-11-30.", show_default="today")
]
ValidityOption = Annotated[
    list[str] | None,
    typer.Option("--validity", help="Only what is in_force, not_yet, repealed, amended or unknown; may be repeated."),
]

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index.", show_default="build/index")]

ComposerOption = Annotated[
    ComposerKind | None, typer.Option(help="Who words the answers.", show_default=ComposerKind.EXTRACTIVE.value)
]
ComposerModelOption = Annotated[
    str | None, typer.Option(help="Folder or hub name of the language model; for a server its name there.")
]
ComposerBaseUrlOption = Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible server.")]
ReaderOption = Annotated[
    str | None, typer.Option(help="CrossEncoder folder or hub name that orders the evidence.", show_default="none")
]


index_app = typer.Typer(help="Build or update the index; list its versions, or go back to an older one.")
app.add_typer(index_app, name="index")
app.add_typer(keys_app, name="keys")
app.command()(export)
app.command()(inspect)


@index_app.callback(invoke_without_command=True)
def index(
    context: typer.Context,
    corpus: Annotated[Path | None, typer.Option(help="Folder of documents.", show_default="corpus")] = None,
    index: IndexOption = None,
    embedder: Annotated[str | None, typer.Option(help="SentenceTransformer folder or hub name.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build everything anew.")] = False,
) -> None:
    """Build or update the index and print a summary."""
    if context.invoked_subcommand is not None:
        if corpus is not None or embedder is not None or rebuild:
            raise InputError(f"'zhengwen index {context.invoked_subcommand}' builds nothing: leave out all but --index")
        context.obj = index
        return
    settings = Settings()
    target = index or settings.index
    with Progress(console=_errors, transient=True, disable=not _errors.is_terminal) as progress:
        task = progress.add_task("index", total=None)

        def report(stage: str, done: int, total: int) -> None:
            progress.update(task, description=stage, completed=done, total=total)

        summary = build(
            corpus or settings.corpus,
            target,
            embedder=settings.embedder if embedder is None else embedder,
            rebuild=rebuild,
            keep=settings.keep_versions,
            limits=settings.file_limits,
            progress=report,
        )
    _print_summary(summary, target)
    if any(item.is_error for item in summary.skipped):
        raise typer.Exit(1)


@index_app.command("versions")
def index_versions(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    index: IndexOption = None,
) -> None:
    """List the versions of the index that are kept, newest first; * marks the one that is served."""
    from indexer.store import versions

    for version in versions(index or context.obj or Settings().index):
        manifest = version.manifest
        if as_json:
            row = {"version": version.name, "current": version.is_current, "damaged": manifest is None}
            if manifest is not None:
                row |= {
                    "built": manifest.built,
                    "documents": manifest.documents,
                    "passages": manifest.passages,
                    "embedder": manifest.embedder.name,
                    "fingerprint": manifest.fingerprint,
                }
            print(json.dumps(row, ensure_ascii=False))
        else:
            mark = "*" if version.is_current else " "
            print(f"{mark} {version.name}  {_described(manifest)}")


@index_app.command("rollback")
def index_rollback(
    context: typer.Context,
    version: Annotated[
        str, typer.Argument(help="Which one; by default the newest that is older than the present one.")
    ] = "",
    index: IndexOption = None,
) -> None:
    """Serve another version of the index again; a running service takes it up by itself."""
    from indexer.store import rollback

    target = index or context.obj or Settings().index
    served = rollback(target, version)
    print(f"index {target} is version {served.name} now: {_described(served.manifest)}")


@app.command()
def search(
    question: str,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    documents: DocumentOption = None,
    issuers: IssuerOption = None,
    regions: RegionOption = None,
    kinds: KindOption = None,
    published_from: FromOption = "",
    published_to: ToOption = "",
    as_of: AsOfOption = "",
    validity: ValidityOption = None,
    reader: ReaderOption = None,
    index: IndexOption = None,
) -> None:
    """Print the best passages for a question."""
    from service.answer import ShownPassage
    from service.pipeline import Pipeline
    from service.rerank import open_reranker

    settings = _settings(None, None, None, reader=reader)
    scope = _scope(documents, issuers, regions, kinds, published_from, published_to, as_of, validity)
    pipeline = Pipeline.open(index or settings.index, reranker=open_reranker(settings))
    for rank, hit in enumerate(pipeline.search(question, k, scope), start=1):
        shown = ShownPassage.of(hit, pipeline.library.text(hit.passage))
        if as_json:
            print(json.dumps(shown.__dict__, ensure_ascii=False))
        else:
            document = pipeline.library.document(shown.doc_id)
            origin = document.origin(shown.start, shown.end)
            print(f"{rank}. [{shown.score:.3f}] {document.title} › {' › '.join(hit.passage.section)}")
            print(f"   {origin}")
            print("   " + shown.text.replace("\n", "\n   ") + "\n")


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question.", show_default=False)] = None,
    after: Annotated[
        list[str] | None,
        typer.Option("--after", help="A question asked before it, oldest first; may be repeated.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer object as JSON.")] = False,
    batch: Annotated[Path | None, typer.Option(help='Questions, one {"id", "question", "history"} a line.')] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the answer goes; those of a batch one a line.", show_default=False)
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="A file with numbered notes.", show_default=False)
    ] = None,
    documents: DocumentOption = None,
    issuers: IssuerOption = None,
    regions: RegionOption = None,
    kinds: KindOption = None,
    published_from: FromOption = "",
    published_to: ToOption = "",
    as_of: AsOfOption = "",
    validity: ValidityOption = None,
    composer: ComposerOption = None,
    composer_model: ComposerModelOption = None,
    composer_base_url: ComposerBaseUrlOption = None,
    reader: ReaderOption = None,
    index: IndexOption = None,
) -> None:
    """Answer one question, or a batch of them."""
    from service.batch import answer_batch, read_questions
    from service.composers import open_model
    from service.pipeline import Pipeline
    from service.rerank import open_reranker

    settings = _settings(composer, composer_model, composer_base_url, reader=reader)
    target = index or settings.index
    scope = _scope(documents, issuers, regions, kinds, published_from, published_to, as_of, validity)
    if form is not None and (as_json or batch is not None):
        raise InputError("--format goes with a QUESTION, and without --json")
    if form is Format.DOCX and out is None:
        raise InputError("--format docx needs --out FILE.docx")
    if (question is None) == (batch is None):
        raise InputError("give either a QUESTION or --batch IN.jsonl --out OUT.jsonl")
    if after and question is None:
        raise InputError('--after goes with a QUESTION; a line of a batch has its own "history"')
    if question is not None:
        pipeline = Pipeline.open(target, open_model(settings), settings.of_answers, open_reranker(settings))
        answer = pipeline.ask(question, _conversation(pipeline, after or (), scope), scope)
        if form is not None:
            _write(_file(answer, form, pipeline.library), out)
        else:
            shown = json.dumps(answer.to_json(), ensure_ascii=False, indent=2) if as_json else _readable(answer)
            _write((shown + "\n").encode(), out)
        return
    if batch is None or out is None:
        raise InputError("--batch needs --out OUT.jsonl")
    questions = read_questions(batch)
    pipeline = Pipeline.open(target, open_model(settings), settings.of_answers, open_reranker(settings))
    with Progress(console=_errors, transient=True, disable=not _errors.is_terminal) as progress:
        task = progress.add_task("answering", total=len(questions))
        answer_batch(pipeline, questions, out, lambda: progress.advance(task), scope)


@app.command()
def verify(answer: Path, index: IndexOption = None) -> None:
    """Re-check every citation and sentence of a saved answer against the index."""
    from indexer.store import load
    from service.verify import recheck

    saved = SavedAnswer.from_json(_read_json(answer))
    stored = load(index or Settings().index)
    checks = recheck(saved, Library(stored.documents, stored.passages))
    for check in checks:
        label = check.kind if check.marker is None else f"[{check.marker}]"
        print(
            f"{'ok  ' if check.problem is None else 'FAIL'} {label} {check.text[:60]}"
            + (f": {check.problem}" if check.problem else "")
        )
    failed = sum(check.problem is not None for check in checks)
    print(f"{len(checks) - failed} of {len(checks)} checks hold")
    if failed:
        raise typer.Exit(1)


@app.command()
def replay(
    receipt: Annotated[Path, typer.Argument(help="A saved answer, or its receipt alone.")],
    composer: ComposerOption = None,
    composer_model: ComposerModelOption = None,
    composer_base_url: ComposerBaseUrlOption = None,
    reader: ReaderOption = None,
    index: IndexOption = None,
) -> None:
    """Ask a saved question again: the same bytes, or what has changed."""
    from service.composers import open_model
    from service.pipeline import Pipeline
    from service.replay import Saved
    from service.replay import replay as ask_again
    from service.rerank import open_reranker

    saved = Saved.from_json(_read_json(receipt))
    settings = _settings(composer, composer_model, composer_base_url, reader=reader)
    folder = index or settings.index
    pipeline = Pipeline.open(folder, open_model(settings), settings.of_answers, open_reranker(settings))
    changes = ask_again(saved, pipeline)
    print("\n".join(changes) or "same bytes")
    if changes:
        raise typer.Exit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, show_default="8000")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes that serve.", show_default="1")] = None,
    composer: ComposerOption = None,
    composer_model: ComposerModelOption = None,
    composer_base_url: ComposerBaseUrlOption = None,
    reader: ReaderOption = None,
    index: IndexOption = None,
) -> None:
    """Serve the chat page and the HTTP interface."""
    from indexer.store import check_any
    from service.composers import open_model
    from service.http.server import serve as run
    from service.rerank import open_reranker

    settings = _settings(
        composer,
        composer_model,
        composer_base_url,
        reader=reader,
        host=host or None,
        port=port,
        workers=workers,
        index=index,
    )
    # What cannot be served ends here, before anything is.
    check_any(settings.index)
    if settings.canaries:
        from service.canary import read_canaries

        read_canaries(Path(settings.canaries))
    model, reranker = open_model(settings), open_reranker(settings)
    run(settings, model, reranker)


@app.command()
def mcp(
    composer: ComposerOption = None,
    composer_model: ComposerModelOption = None,
    composer_base_url: ComposerBaseUrlOption = None,
    reader: ReaderOption = None,
    index: IndexOption = None,
) -> None:
    """Serve agents over the Model Context Protocol on standard input and output."""
    from service.composers import open_model
    from service.http.links import Links
    from service.mcp import PipelineDesk, create_server
    from service.pipeline import Pipeline
    from service.rerank import open_reranker

    settings = _settings(composer, composer_model, composer_base_url, reader=reader)
    folder = index or settings.index
    pipeline = Pipeline.open(folder, open_model(settings), settings.of_answers, open_reranker(settings))
    create_server(PipelineDesk(lambda _: pipeline, today), Links(settings.public_url)).run("stdio")


def _settings(composer: ComposerKind | None, model: str | None, base_url: str | None, **others: object) -> Settings:
    """The settings, where an option that was given beats the environment."""
    given = {"composer": composer, "composer_model": model, "composer_base_url": base_url} | others
    return Settings().model_copy(update={name: value for name, value in given.items() if value is not None})


def _scope(
    documents: list[str] | None,
    issuers: list[str] | None,
    regions: list[str] | None,
    kinds: list[str] | None,
    published_from: str,
    published_to: str,
    as_of: str,
    validity: list[str] | None,
) -> Scope:
    """The scope of the filters that were given; raises QuestionError when one is blank or no date."""
    return Scope(
        documents=tuple(documents or ()),
        issuers=tuple(issuers or ()),
        regions=tuple(regions or ()),
        kinds=tuple(kinds or ()),
        published_from=published_from,
        published_to=published_to,
        as_of=as_of or today(),
        validity=tuple(validity or ()),
    )


def _conversation(pipeline: "Pipeline", questions: Sequence[str], scope: Scope) -> list[Turn]:
    """The questions, each with the answer that it gets: a follow-up may lean on either."""
    history: list[Turn] = []
    for question in questions:
        answer = pipeline.ask(question, history, scope)
        history += [Turn("user", question), Turn("assistant", answer.text)]
    return history


def _file(answer: Answer, form: Format, library: Library) -> bytes:
    saved = SavedAnswer.from_json(json.loads(json.dumps(answer.to_json())))
    given = handout(answer.question, answer.understood, saved, library, answer.receipt.index, answer.scope.as_of)
    match form:
        case Format.DOCX:
            return word(given)
        case Format.MD:
            return markdown(given).encode()
        case Format.TXT:
            return text(given).encode()


def _write(data: bytes, out: Path | None) -> None:
    """To the file, or else to stdout."""
    if out is not None:
        out.write_bytes(data)
    else:
        print(data.decode(), end="")


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from error


def main() -> NoReturn:
    """Entry point: exit status 0 on success, 1 when a check or a file failed, 2 on wrong usage or input."""
    try:
        app()
    except ZhengwenError as error:
        _fail(str(error))
    except ValidationError as error:
        _fail("; ".join(f"ZHENGWEN_{e['loc'][0]!s}".upper() + f"={e['input']}: {e['msg']}" for e in error.errors()))
    except UnicodeEncodeError as error:
        _fail(f"{error.object[error.start : error.end]!r} is not valid text, or cannot be shown as {error.encoding}")
    except OSError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _errors.print("zhengwen: stopped")
        sys.exit(130)
    finally:
        _flush()
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    _errors.print(f"zhengwen: {message}", markup=False)
    sys.exit(2)


def _flush() -> None:
    """Writes out what was printed: a full disk or a closed pipe shows here, not in the interpreter's last breath."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter, which flushes once more
        if isinstance(error, BrokenPipeError):
            sys.exit(1)  # whoever read the results has seen enough
        _fail(f"the results cannot be written: {error}")


def _described(manifest: Manifest | None) -> str:
    if manifest is None:
        return "damaged"
    built = datetime.fromisoformat(manifest.built).astimezone().isoformat(" ", "seconds")
    return f"built {built}, {manifest.documents} documents, {manifest.passages} passages, embedder {manifest.embedder.name}"


def _print_summary(summary: Summary, target: Path) -> None:
    manifest = summary.manifest
    state = "built" if summary.changed else "is up to date"
    print(
        f"index {target} {state}: {manifest.documents} documents, {manifest.passages} passages, {summary.embedded} newly embedded"
    )
    print(
        f"embedder {manifest.embedder.name} ({manifest.embedder.dimensions} dimensions), fingerprint {manifest.fingerprint}"
    )
    if has_more_than_text(summary.report):
        # As wide as it needs to be where nobody looks at it on a screen.
        Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table(summary.report))
        failed = sum(item.is_error for item in summary.skipped)
        if failed:
            _errors.print(f"NOT INDEXED: {failed} files, for the reasons in the table", markup=False)
        return
    for item in summary.skipped:
        _errors.print(f"{'NOT INDEXED' if item.is_error else 'passed over'} {item.path}: {item.reason}", markup=False)


def _readable(answer: Answer) -> str:
    lines = [answer.text] if answer.understood is None else [f"理解为：{answer.understood}", answer.text]
    if answer.status is not Status.REFUSED:
        lines.append("")
        for citation in answer.citations:
            path = " › ".join((citation.title, *citation.section))
            place = f"{citation.origin}, 字符 {citation.start}–{citation.end}"
            status = STATUSES[citation.validity]
            known = "" if status is Validity.UNKNOWN else f", {IN_CHINESE[status]}"
            lines.append(f"[{citation.marker}] {path} ({place}{known})")
            lines.append(f"    「{citation.quote}」")
            if citation.relative_dates:
                lines.append(f"    时间：{'，'.join(f'{one.text}指{one.date}' for one in citation.relative_dates)}")
            if citation.refers_to:
                lines.append(f"    参见：{'；'.join(reference.label for reference in citation.refers_to)}")
    return "\n".join(lines)
