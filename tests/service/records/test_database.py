"""The database is opened, migrated and shared without losing anything, and says what is wrong when it cannot be used."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select, text

from indexer.errors import NotFoundError, RecordsError, ZhengwenError
from service.records import database as database_module
from service.records import tables
from service.records.audit import AuditLog
from service.records.conversations import ConversationStore
from service.records.database import SCHEMAS, Database
from service.records.feedback import FeedbackStore
from service.records.keys import KeyStore
from service.records.types import AuditEntry, FeedbackVerdict, KeyScope, Owner
from service.settings import AuditQuestions, Settings

OWNER = Owner("key-1", "office-7")
ROOT = Path(__file__).parents[3]
MIGRATIONS = Path(database_module.__file__).parent / "migrations"
Entry = Callable[..., AuditEntry]


def file_of(address: str) -> Path:
    return Path(address.removeprefix("sqlite:///"))


def log_of(database: Database) -> AuditLog:
    return AuditLog(database, AuditQuestions.PLAIN, days=0)


def request_ids(database: Database) -> list[str]:
    return [entry.request_id for entry in log_of(database).since()]


def start_writer(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, Path(__file__).with_name("writer.py"), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def finish(writer: subprocess.Popen[str]) -> list[str]:
    """Lets a writer begin and returns the lines that it prints."""
    out, _ = writer.communicate("\n")
    assert writer.returncode == 0
    return out.splitlines()


# --- opening


def test_folder_of_the_default_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZHENGWEN_DATABASE", raising=False)
    with Database.open(Settings().database) as database:
        KeyStore(database).create("portal", [KeyScope.ASK])
    assert (tmp_path / "build" / "state" / "zhengwen.db").exists()


def test_other_users_can_read_questions_and_the_signing_secret(sqlite_address: str, entry: Entry) -> None:
    with Database.open(sqlite_address) as database:
        log_of(database).record(entry())
        files = list(file_of(sqlite_address).parent.iterdir())
        assert len(files) == 3, "the log and its index are files of their own"
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_commit_is_acknowledged_before_it_is_on_the_disk(sqlite_address: str) -> None:
    with Database.open(sqlite_address) as database, database.reading() as first, database.writing() as second:
        for connection in (first, second):
            found = [
                connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert found == ["wal", 2, 1]


def test_secret_differs_after_a_restart_or_is_that_of_another_database(address: str, tmp_path: Path) -> None:
    with Database.open(address) as database:
        secret = database.signing_secret()
        assert len(secret) == 32
        assert database.signing_secret() == secret
    with Database.open(address) as database:
        assert database.signing_secret() == secret
    with Database.open(f"sqlite:///{tmp_path}/other.db") as database:
        assert database.signing_secret() != secret


def test_lost_secret_is_replaced_in_silence(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(tables.secrets.delete())
    with pytest.raises(RecordsError, match="signing secret: restore a backup"):
        database.signing_secret()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "cannot be read"),
        ("zhengwen.db", "cannot be read"),
        ("postgresql://u:hidden@host:port/name", "cannot be read"),
        ("mysql+pymysql://u:hidden@host/name", "'mysql\\+pymysql' cannot be used"),
        ("postgresql+asyncpg://u:hidden@host/name", "'postgresql\\+asyncpg' cannot be used"),
        ("sqlite+aiosqlite:///x.db", "'sqlite\\+aiosqlite' cannot be used"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "in memory"),
        ("postgresql://u:hidden@127.0.0.1:1/name?password=hidden", "name on 127.0.0.1 cannot be reached"),
    ],
)
def test_address_that_cannot_be_used_is_a_traceback_or_tells_the_password(address: str, said: str) -> None:
    with pytest.raises(RecordsError, match=said) as caught:
        Database.open(address)
    assert "hidden" not in str(caught.value)


@given(st.text(max_size=40))
def test_no_text_is_an_address_that_ends_in_a_traceback(address: str) -> None:
    with pytest.raises(RecordsError):
        Database.open("nosuch" + address)


def test_missing_driver_does_not_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # what Python takes for a module that cannot be imported
    with pytest.raises(RecordsError, match=r"pip install 'zhengwen\[postgres\]'"):
        Database.open("postgresql://127.0.0.1:1/name")


# --- migrations


def migrate(address: str, schema: str) -> None:
    """Brings a database to a schema that need not be the newest."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if address.startswith("sqlite"):
        file_of(address).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address)
    with engine.begin() as connection:
        config.attributes.update(connection=connection, version_table="zhengwen_schema")
        command.upgrade(config, schema)
    engine.dispose()


def test_a_migration_is_unknown_to_the_program() -> None:
    newest_first = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert [script.revision for script in newest_first] == list(reversed(SCHEMAS))


def test_migrated_tables_are_not_those_of_the_program(database: Database, address: str) -> None:
    engine = create_engine(address)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "zhengwen_schema"})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_database_of_the_first_version_loses_its_keys_or_cannot_be_used(address: str, entry: Entry) -> None:
    migrate(address, "0001")
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO api_keys VALUES ('key-1', '门户', :hash, '[\"ask\"]', '[]', '[\"*\"]', :at, NULL)"),
            {"hash": b"\1" * 32, "at": "2025-03-01 00:00:00.000000"},
        )
        secret = bytes(connection.execute(text("SELECT value FROM secrets")).scalar_one())
    engine.dispose()
    with Database.open(address) as database:
        assert [(key.key_id, key.name) for key in KeyStore(database).list()] == [("key-1", "门户")]
        assert database.signing_secret() == secret
        log_of(database).record(entry())
        assert request_ids(database) == ["r-1"]


@pytest.mark.parametrize("version", ["9999", "0001x", ""])
def test_newer_database_is_opened_all_the_same(address: str, version: str) -> None:
    Database.open(address).close()
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("UPDATE zhengwen_schema SET version_num = :version"), {"version": version})
    engine.dispose()
    with pytest.raises(RecordsError, match=r"newer version .* install that version again"):
        Database.open(address)


def test_database_of_another_program_is_taken_over(address: str, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE photos (name VARCHAR(9))"))
    engine.dispose()
    before = file_of(address).read_bytes() if address.startswith("sqlite") else None
    with pytest.raises(RecordsError, match="another program, it has the table 'photos'"):
        Database.open(address)
    assert before is None or file_of(address).read_bytes() == before


def test_schema_of_a_shared_server_cannot_be_named(postgres_address: str) -> None:
    engine = create_engine(postgres_address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE photos (name VARCHAR(9))"))
        connection.execute(text("CREATE SCHEMA ours"))
    engine.dispose()
    with Database.open(postgres_address + "&options=-csearch_path%3Dours") as database:
        assert KeyStore(database).list() == ()


def test_migration_that_breaks_off_leaves_half_a_schema(sqlite_address: str) -> None:
    lines = finish(start_writer(sqlite_address, "w", 1, 20_000))
    assert len(lines) == 1
    assert lines[0].startswith(f"FAILED the database {file_of(sqlite_address)} ")
    with closing(sqlite3.connect(file_of(sqlite_address))) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == []
    with Database.open(sqlite_address) as database:
        assert len(database.signing_secret()) == 32


# --- several at once


def test_workers_that_start_together_migrate_twice_or_lose_entries(address: str) -> None:
    writers = [start_writer(address, f"w{n}", 5) for n in range(3)]
    printed = [finish(writer) for writer in writers]
    assert len({lines[0] for lines in printed}) == 1, "each has a secret of its own"
    acknowledged = [line for lines in printed for line in lines[1:]]
    assert len(acknowledged) == 15
    with Database.open(address) as database:
        assert sorted(request_ids(database)) == sorted(acknowledged)


def test_two_processes_that_write_at_once_lose_entries(address: str, entry: Entry) -> None:
    with Database.open(address) as database:
        log = log_of(database)
        other = start_writer(address, "other", 40)
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdout.readline()
        other.stdin.write("\n")
        other.stdin.flush()
        own = []
        while other.poll() is None and len(own) < 200:
            log.record(entry(request_id=f"own-{len(own)}"))
            own.append(f"own-{len(own)}")
        acknowledged = [*own, *other.communicate()[0].splitlines()]
        assert other.returncode == 0
        assert len(acknowledged) == len(own) + 40
        assert sorted(request_ids(database)) == sorted(acknowledged)


def test_threads_that_write_at_once_fail_or_lose_entries(database: Database, entry: Entry) -> None:
    log = log_of(database)
    failed: list[ZhengwenError] = []

    def work(name: int) -> None:
        try:
            for n in range(10):
                log.record(entry(request_id=f"{name}-{n}"))
        except ZhengwenError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(set(request_ids(database))) == 200


def test_reader_sees_two_states(database: Database, entry: Entry) -> None:
    log_of(database).record(entry())
    counted = select(func.count()).select_from(tables.audit)
    with database.reading() as connection:
        assert connection.execute(counted).scalar() == 1
        log_of(database).record(entry())
        assert connection.execute(counted).scalar() == 1
    with database.reading() as connection:
        assert connection.execute(counted).scalar() == 2


def test_reader_waits_for_a_writer_or_sees_what_is_not_committed(database: Database, entry: Entry) -> None:
    log_of(database).record(entry(request_id="kept"))

    def break_off() -> None:
        with database.writing() as connection:
            connection.execute(tables.audit.delete())
            assert request_ids(database) == ["kept"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert request_ids(database) == ["kept"]


# --- killed, full, locked, read-only, damaged


def test_killed_writer_loses_what_it_was_told_is_kept(address: str) -> None:
    acknowledged: list[str] = []
    for name in ("first", "second"):
        writer = start_writer(address, name, 100_000)
        assert writer.stdin is not None
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.stdin.write("\n")
        writer.stdin.flush()
        lines = [writer.stdout.readline() for _ in range(60)]
        writer.kill()
        whole = [line.strip() for line in [*lines, *writer.stdout] if line.endswith("\n")]
        writer.stdin.close()
        writer.stdout.close()
        assert writer.wait() == -9
        acknowledged += whole
    with Database.open(address) as database:
        kept = request_ids(database)
        assert set(acknowledged) <= set(kept)
        assert len(kept) <= len(acknowledged) + 2, "each may have died between the commit and the print"
        assert len(set(kept)) == len(kept)
    if address.startswith("sqlite"):
        with closing(sqlite3.connect(file_of(address))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_full_disk_is_a_traceback_or_loses_what_was_kept_before_it(sqlite_address: str) -> None:
    Database.open(sqlite_address).close()
    limit = file_of(sqlite_address).stat().st_size + 150_000
    _, *lines = finish(start_writer(sqlite_address, "w", 100_000, limit))
    acknowledged = [line for line in lines if not line.startswith("FULL ")]
    assert len(acknowledged) > 5
    assert acknowledged[-1] == "w-after", "writing does not go on once there is room"
    complaint = lines[-2]
    assert "cannot be read or written (disk I/O error)" in complaint or "has no space left" in complaint
    assert "full" in complaint or "free some space" in complaint
    assert "公寓" not in complaint
    with Database.open(sqlite_address) as database:
        assert request_ids(database) == acknowledged


def test_database_without_room_is_a_traceback(sqlite_address: str, entry: Entry) -> None:
    with Database.open(sqlite_address) as database:
        with database.reading() as connection:
            connection.execute(text("PRAGMA max_page_count=1"))  # this connection is the pool's only one
        long = entry(question="租金" * 100_000)
        with pytest.raises(RecordsError, match=r"has no space left \(database or disk is full\): free some space"):
            log_of(database).record(long)


def test_lock_of_another_process_is_a_traceback_or_waited_for_without_end(sqlite_address: str, entry: Entry) -> None:
    with (
        Database.open(sqlite_address, lock_seconds=0.05) as database,
        closing(sqlite3.connect(file_of(sqlite_address), isolation_level=None)) as other,
    ):
        log_of(database).record(entry(request_id="before"))
        other.execute("BEGIN EXCLUSIVE")
        assert request_ids(database) == ["before"], "reading needs no lock"
        with pytest.raises(RecordsError, match=r"is locked \(database is locked\): another process holds it"):
            log_of(database).record(entry())
        other.execute("COMMIT")
        log_of(database).record(entry(request_id="after"))
        assert request_ids(database) == ["before", "after"]


def test_second_writer_begins_before_the_first_is_done(sqlite_address: str) -> None:
    with (
        Database.open(sqlite_address) as first,
        Database.open(sqlite_address, lock_seconds=0.05) as second,
        first.writing(),
        pytest.raises(RecordsError, match="is locked"),
        second.writing() as connection,
    ):
        connection.execute(text("SELECT 1"))


def test_lock_of_another_client_of_the_server_is_waited_for_without_end(postgres_address: str, entry: Entry) -> None:
    engine = create_engine(postgres_address)
    with Database.open(postgres_address, lock_seconds=0.05) as database:
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE audit"))
            with pytest.raises(RecordsError, match="is locked"):
                log_of(database).record(entry())
        log_of(database).record(entry())
    engine.dispose()


def test_new_file_that_is_locked_is_a_traceback(sqlite_address: str) -> None:
    file_of(sqlite_address).parent.mkdir()
    with closing(sqlite3.connect(file_of(sqlite_address), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RecordsError, match="is locked"):
            Database.open(sqlite_address, lock_seconds=0.05)
    Database.open(sqlite_address).close()


def test_worker_fails_that_starts_while_another_makes_the_file(
    sqlite_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_of(sqlite_address).parent.mkdir()
    with closing(sqlite3.connect(file_of(sqlite_address), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # a lock that SQLite does not wait for when the journal is to change
        monkeypatch.setattr(database_module.time, "sleep", lambda seconds: other.execute("COMMIT"))
        Database.open(sqlite_address).close()
        assert not other.in_transaction


def test_writer_that_never_gets_a_turn_waits_without_end(sqlite_address: str, entry: Entry) -> None:
    failed: list[ZhengwenError] = []

    def write(database: Database) -> None:
        try:
            log_of(database).record(entry())
        except RecordsError as error:
            failed.append(error)

    with Database.open(sqlite_address, lock_seconds=0.05) as database, database.writing():
        thread = threading.Thread(target=write, args=(database,))
        thread.start()
        thread.join()
    assert "is busy" in str(failed[0])


def test_reader_that_gets_no_connection_waits_without_end(address: str) -> None:
    with Database.open(address, lock_seconds=0.05) as database, ExitStack() as readers:
        for _ in range(15):
            readers.enter_context(database.reading())
        with pytest.raises(RecordsError, match="all connections are in use"):
            readers.enter_context(database.reading())


def test_connection_that_the_server_closed_fails_the_next_question(postgres_address: str, entry: Entry) -> None:
    with Database.open(postgres_address) as database:
        log_of(database).record(entry(request_id="before"))
        engine = create_engine(postgres_address)
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        engine.dispose()
        log_of(database).record(entry(request_id="after"))
        assert request_ids(database) == ["before", "after"]


def test_server_that_closes_a_connection_in_use_is_a_traceback(postgres_address: str) -> None:
    with Database.open(postgres_address) as database:
        with pytest.raises(RecordsError, match="is shutting down"), database.reading() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert KeyStore(database).list() == ()


def test_standby_server_or_missing_database_is_a_traceback(postgres_address: str, entry: Entry) -> None:
    with Database.open(postgres_address + "&options=-cdefault_transaction_read_only%3Doff") as database:
        log_of(database).record(entry())
    with (
        Database.open(postgres_address + "&options=-cdefault_transaction_read_only%3Don") as database,
        pytest.raises(RecordsError, match=r"is read-only .*: name the primary server"),
    ):
        log_of(database).record(entry())
    with pytest.raises(RecordsError, match=r"nosuch on this machine (does not exist|cannot be reached)"):
        Database.open(postgres_address.replace("/tested", "/nosuch"))


@contextmanager
def without_privileges() -> Iterator[None]:
    """Permissions do not bind root, so root is somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.parametrize("case", ["no file yet", "folder", "file", "no way in"])
def test_read_only_place_is_a_traceback_or_opens_and_fails_later(case: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="zw-ro-"))  # pytest's own folder is closed to other users
    path = folder / "state" / "zhengwen.db"
    try:
        path.parent.mkdir()
        if case != "no file yet":
            Database.open(f"sqlite:///{path}").close()
            path.chmod(0o444 if case == "file" else 0o666)
        folder.chmod(0o755)
        path.parent.chmod({"file": 0o777, "no way in": 0o600}.get(case, 0o555))
        with without_privileges(), pytest.raises(RecordsError) as caught:
            Database.open(f"sqlite:///{path}")
        assert str(path) in str(caught.value)
        assert "let the user of this service write to the file and its folder" in str(caught.value)
        path.parent.chmod(0o700)
        path.chmod(0o600) if path.exists() else None
        Database.open(f"sqlite:///{path}").close()
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", [".", "state.txt/zhengwen.db", "a" * 300])
def test_place_that_can_hold_no_file_is_a_traceback(name: str, tmp_path: Path) -> None:
    (tmp_path / "state.txt").write_text("")
    with pytest.raises(RecordsError, match=r"cannot be made|is a folder"):
        Database.open(f"sqlite:///{tmp_path}/{name}")


def test_file_that_is_no_database_is_a_traceback_or_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("会议纪要" * 2000, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(RecordsError, match=r"notes.db is no SQLite database .* restore a backup"):
        Database.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_missing_table_is_a_traceback(database: Database, entry: Entry) -> None:
    with database.writing() as connection:
        connection.execute(text("DROP TABLE audit"))
    with pytest.raises(RecordsError, match="does not have the tables that this program expects"):
        log_of(database).record(entry())


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database file with something in every table."""
    path = tmp_path_factory.mktemp("filled") / "zhengwen.db"
    with Database.open(f"sqlite:///{path}") as database:
        keys = KeyStore(database)
        keys.revoke(keys.create("portal", KeyScope, ["https://portal.example"], ["公开/*"]).key.key_id)
        conversations = ConversationStore(database)
        conversation = conversations.create(OWNER, "租金")
        for n in range(3):
            conversations.append(OWNER, conversation.conversation_id, f"问题{n}", '{"answer": "一百元。"}')
        FeedbackStore(database).add(
            OWNER, answer_id="ans-1", verdict=FeedbackVerdict.DOWN, question="问题", answer_json='{"answer": "无"}'
        )
    return path.read_bytes()


def read_everything(database: Database) -> None:
    conversations = ConversationStore(database)
    for key in KeyStore(database).list():
        KeyStore(database).get(key.key_id)
    for summary in conversations.list(OWNER, search="问题").items:
        conversations.get(OWNER, summary.conversation_id)
    list(FeedbackStore(database).since())
    list(log_of(database).since())
    list(log_of(database).unanswered())
    database.signing_secret()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, 2**31), st.binary(min_size=1, max_size=40)), min_size=1, max_size=12),
    kept=st.floats(0.3, 1),
)
def test_damaged_file_is_a_traceback(
    filled: bytes, tmp_path: Path, places: list[tuple[int, bytes]], kept: float
) -> None:
    data = bytearray(filled)
    for place, garbage in places:
        place %= len(data) - len(garbage)
        data[place : place + len(garbage)] = garbage
    path = tmp_path / "damaged.db"
    for old in tmp_path.iterdir():
        old.unlink()
    path.write_bytes(data[: int(len(data) * kept)])
    with suppress(RecordsError, NotFoundError), Database.open(f"sqlite:///{path}") as database:
        read_everything(database)
        KeyStore(database).create("portal", [KeyScope.ASK])


def test_wrong_value_in_a_row_is_a_traceback(database: Database) -> None:
    KeyStore(database).create("portal", [KeyScope.ASK])
    with database.writing() as connection:
        connection.execute(text("UPDATE api_keys SET scopes = '[\"fly\"]'"))
    with pytest.raises(RecordsError, match="damaged row"):
        KeyStore(database).list()


def test_deleted_text_stays_on_the_disk(sqlite_address: str) -> None:
    with Database.open(sqlite_address) as database:
        conversations = ConversationStore(database)
        conversation = conversations.create(OWNER)
        conversations.append(OWNER, conversation.conversation_id, "绝密的租金问题", '{"answer": "绝密的回答"}')
    assert "绝密".encode() in file_of(sqlite_address).read_bytes()
    with Database.open(sqlite_address) as database:
        ConversationStore(database).delete(OWNER, conversation.conversation_id)
    assert [path.name for path in file_of(sqlite_address).parent.iterdir()] == ["zhengwen.db"]
    assert "绝密".encode() not in file_of(sqlite_address).read_bytes()
