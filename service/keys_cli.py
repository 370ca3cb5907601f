"""`zhengwen keys …`: API keys made, listed and revoked."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from indexer.errors import InputError
from service.records.types import ApiKey, KeyScope
from service.settings import Settings

keys_app = typer.Typer(no_args_is_help=True, help="Make, list and revoke API keys.")
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


@keys_app.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.", show_default=False)],
    scope: Annotated[list[KeyScope], typer.Option(help="What it opens; may be repeated.", show_default=False)],
    origin: Annotated[
        list[str] | None, typer.Option(help="Web origin that may use its browser tokens; may be repeated.")
    ] = None,
    documents: Annotated[
        list[str] | None, typer.Option(help="Pattern of the documents it sees; may be repeated.", show_default="*")
    ] = None,
) -> None:
    """Make a key and print its secret, which is shown this once."""
    from service.records.database import Database
    from service.records.keys import KeyStore

    if KeyScope.EMBED in scope and not origin:
        raise InputError("the scope embed is for browser tokens: give the web origins that may use them with --origin")
    with Database.open(Settings().database) as database:
        new = KeyStore(database).create(name, scope, origin or (), documents or ("*",))
    typer.echo(new.secret)
    _errors.print(
        f"{new.key.key_id} is made; only a hash of the secret is kept, so put it where it is needed now", markup=False
    )


@keys_app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Print all keys, oldest first, without their secrets."""
    from service.records.database import Database
    from service.records.keys import KeyStore

    with Database.open(Settings().database) as database:
        keys = KeyStore(database).list()
    for key in keys:
        typer.echo(json.dumps(_row(key), ensure_ascii=False) if as_json else _readable(key))


@keys_app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="Id of the key, as the list shows it.")]) -> None:
    """Make a key open nothing from now on."""
    from service.records.database import Database
    from service.records.keys import KeyStore

    with Database.open(Settings().database) as database:
        key = KeyStore(database).revoke(key_id)
    typer.echo(f"{key.key_id} ({key.name}) is revoked")


def _row(key: ApiKey) -> dict[str, object]:
    return asdict(key) | {
        "scopes": sorted(key.scopes),
        "created": key.created.isoformat(),
        "revoked": None if key.revoked is None else key.revoked.isoformat(),
    }


def _readable(key: ApiKey) -> str:
    state = "live" if key.revoked is None else f"revoked {key.revoked:%Y-%m-%d %H:%M}"
    parts = [key.key_id, key.name, "+".join(sorted(key.scopes)), f"made {key.created:%Y-%m-%d %H:%M} UTC", state]
    parts += [*key.origins, *(() if key.documents == ("*",) else key.documents)]
    return "  ".join(parts)
