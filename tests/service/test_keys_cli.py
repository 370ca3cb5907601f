"""`zhengwen keys`: the secret on stdout and nowhere else, and no traceback for any state of the database."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import KeyScope

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/zhengwen.db"
    monkeypatch.setenv("ZHENGWEN_DATABASE", address)
    return address


def test_made_key_does_not_open_what_was_asked_for(command: Command, address: str) -> None:
    options = ["--scope", "ask", "--scope", "embed", "--origin", "https://Portal.example:443"]
    finished = command("keys", "create", "--name", "门户", *options, "--documents", "公开/*", "--documents", "年报.md")
    assert finished.code == 0
    secret = finished.out.strip()
    assert finished.out == f"{secret}\n", "KEY=$(zhengwen keys create …) takes all of stdout"
    assert secret not in finished.err
    with Database.open(address) as database:
        key = KeyStore(database).find(secret)
    assert key is not None
    assert key.key_id in finished.err
    assert (key.name, key.scopes, key.origins, key.documents) == (
        "门户",
        {KeyScope.ASK, KeyScope.EMBED},
        ("https://portal.example",),
        ("公开/*", "年报.md"),
    )


def test_list_leaves_out_a_key_or_shows_a_secret(command: Command) -> None:
    assert command("keys", "list") == command("keys", "list", "--json")
    secrets = [command("keys", "create", "--name", name, "--scope", "ask").out.strip() for name in ("甲", "乙")]
    rows = [json.loads(line) for line in command("keys", "list", "--json").out.splitlines()]
    assert [row["name"] for row in rows] == ["甲", "乙"]
    assert all(row.keys() == {"key_id", "name", "scopes", "origins", "documents", "created", "revoked"} for row in rows)
    assert rows[0]["scopes"] == ["ask"]
    assert rows[0]["documents"] == ["*"]
    assert rows[0]["revoked"] is None
    revoked = command("keys", "revoke", rows[0]["key_id"])
    assert (revoked.code, revoked.out) == (0, f"{rows[0]['key_id']} (甲) is revoked\n")
    shown = command("keys", "list").out
    assert re.search(rf"^{rows[0]['key_id']}  甲  ask  made .* UTC  revoked ", shown, re.MULTILINE)
    assert re.search(rf"^{rows[1]['key_id']}  乙  ask  made .* UTC  live$", shown, re.MULTILINE)
    assert json.loads(command("keys", "list", "--json").out.splitlines()[0])["revoked"]
    for secret in secrets:
        assert secret not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "--name", "x"], "Missing option '--scope'"),
        (["create", "--scope", "ask"], "Missing option '--name'"),
        (["create", "--name", "x", "--scope", "fly"], "'fly' is not one of"),
        (["create", "--name", "", "--scope", "ask"], "1 to 100 printable characters"),
        (["create", "--name", "x", "--scope", "embed"], "with --origin"),
        (["create", "--name", "x", "--scope", "ask", "--origin", "portal.example"], "no web origin"),
        (["create", "--name", "x", "--scope", "ask", "--documents", " "], "no pattern of doc_ids"),
        (["revoke", "key-0"], "there is no key 'key-0'"),
    ],
)
def test_wrong_use_ends_otherwise_than_with_status_2(command: Command, arguments: list[str], said: str) -> None:
    finished = command("keys", *arguments)
    assert (finished.code, finished.out) == (2, "")
    assert said in " ".join(re.sub(r"[│╭╰─╮╯]", " ", finished.err).split())
    assert command("keys", "list").out == ""


def test_database_that_cannot_be_used_ends_in_a_traceback(command: Command, tmp_path: Path) -> None:
    (tmp_path / "zhengwen.db").write_bytes(b"notes" * 1000)
    for arguments in (["list"], ["create", "--name", "x", "--scope", "ask"], ["revoke", "key-0"]):
        finished = command("keys", *arguments)
        assert (finished.code, finished.out) == (2, "")
        assert f"zhengwen: the database {tmp_path}/zhengwen.db is no SQLite database" in finished.err


def test_every_command_waits_until_the_database_library_is_loaded() -> None:
    program = (
        "import sys, service.cli; print([name for name in ('sqlalchemy', 'alembic', 'psycopg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"
