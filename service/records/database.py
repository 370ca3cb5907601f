"""The database behind the records: opened, brought to the newest schema, and its failures told in words.

SQLite is run so that nothing acknowledged is lost: a write-ahead log that is flushed to the disk at every commit. What
cannot be done raises RecordsError, which says what is wrong and what to do; a driver's own error never leaves this module.
"""

import importlib.util
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Row,
    Select,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy import exc as sql_errors

from indexer.errors import RecordsError
from service.records import tables

SCHEMAS = ("0001", "0002", "0003")
"""The schemas that this program knows, the newest last: the files under `migrations/versions`."""

# A name of our own, so that another program's database is never taken for one of ours.
_VERSION_TABLE = "zhengwen_schema"
_LOCK_OF_MIGRATION = 0x7A68656E67  # any number that every worker agrees on
_SECONDS_BETWEEN_TRIES = 0.02
_ROWS_AT_ONCE = 500
_WRITERS_ON_SERVER = 10  # at once in this process, out of the pool's 15 connections

_FORMS = "write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
_FREE_SPACE = "free some space; what was acknowledged is safe, and writing goes on without a restart"
_RESTORE = "put it out of the way and restore a backup, or start with an empty database by naming another file"
_WRITABLE = "let the user of this service write to the file and its folder"
_WAIT = "another process holds it: wait for a backup or a migration, end a shell that was left open"
_GRANT = "let the user of this service read and write the tables"

# By primary result code, https://www.sqlite.org/rescode.html
_SQLITE = {
    1: ("does not have the tables that this program expects", _RESTORE),
    3: ("may not be opened", _WRITABLE),
    5: ("is locked", _WAIT),
    6: ("is locked", _WAIT),
    8: ("is read-only", _WRITABLE),
    10: ("cannot be read or written", f"check the disk, and if it is full {_FREE_SPACE}"),
    11: ("is damaged", _RESTORE),
    13: ("has no space left", _FREE_SPACE),
    14: ("cannot be opened", _WRITABLE),
    26: ("is no SQLite database", _RESTORE),
}
# By the beginning of the SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest one counts.
_POSTGRES = {
    "08": ("lost the connection", "check that the server runs; writing goes on when it is back"),
    "25006": ("is read-only", "name the primary server, not a standby"),
    "28": ("refuses the user", "check name and password in the address"),
    "3D000": ("does not exist", "create it, or correct its name in the address"),
    "42501": ("may not be used", _GRANT),
    "42P01": ("does not have the tables that this program expects", "restore a backup, or name an empty database"),
    "53": ("has run out of space, memory or connections", _FREE_SPACE),
    "55P03": ("is locked", _WAIT),
    "57": ("is shutting down", "wait until the server is back; writing goes on by itself"),
}
_REFUSED = ("does not do what it was asked", "look into the log of the server")
_UNREACHABLE = ("cannot be reached", "check that the server runs, and host, port, name and password in the address")

_T = TypeVar("_T")


class Database:
    """An open database with the newest schema, safe to use from many threads."""

    def __init__(self, engine: Engine, place: str, lock_seconds: float) -> None:
        """Use `open`."""
        self._engine = engine
        is_file = engine.dialect.name == "sqlite"
        # A reader sees one state: SQLite has nothing else, PostgreSQL has to be told. An SQLite writer that began as a reader
        # could not wait for another writer.
        self._reader = engine if is_file else engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._place = place
        self._lock_seconds = lock_seconds
        # SQLite has one writer at a time and lets the others try again at longer and longer intervals, so that under load
        # some wait for seconds: the threads of one process rather take turns.
        self._turns = threading.Semaphore(1 if is_file else _WRITERS_ON_SERVER)
        self._signing_secret = b""

    @classmethod
    def open(cls, url: str, *, lock_seconds: float = 10.0) -> Self:
        """The database at `url`, made if it is missing and migrated if it is older.

        Several processes may open it at once: one migrates, the others wait. A lock of another process is waited for
        `lock_seconds`, here and at every later call.

        Raises:
            RecordsError: no such kind of database; it cannot be reached, read or written; it belongs to another program, or
                to a newer version of this one.
        """
        address = _parsed(url)
        is_file = address.get_backend_name() == "sqlite"
        if is_file:
            place = str(address.database)
            _make_file(Path(place))
            engine = create_engine(address, connect_args={"timeout": lock_seconds}, pool_timeout=lock_seconds)
            event.listen(engine, "connect", _configure_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            place = f"{address.database} on {address.host or 'this machine'}"
            arguments = {
                "connect_timeout": max(2, round(lock_seconds)),
                "options": f"{' '.join(address.normalized_query.get('options', ()))} -c lock_timeout={round(lock_seconds * 1000)}",
            }
            # A server may have been restarted since a connection was last used.
            engine = create_engine(address, connect_args=arguments, pool_timeout=lock_seconds, pool_pre_ping=True)
        database = cls(engine, place, lock_seconds)
        try:
            schema = database._schema()  # first of all, so that nothing of another program's is changed
            if is_file:
                database._use_write_ahead_log()
            if schema != SCHEMAS[-1]:
                database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections; a later call would open new ones."""
        self._engine.dispose()

    def signing_secret(self) -> bytes:
        """32 random bytes, made once with the database and the same for all who open it.

        Whoever signs with it puts a purpose of its own in front of what is signed, so that one signature is of no use as
        another.
        """
        if not self._signing_secret:
            query = select(tables.secrets.c.value).where(tables.secrets.c.name == "signing")
            with self.reading() as connection:
                found = connection.execute(query).scalar_one_or_none()
            if found is None:
                raise RecordsError(f"the database {self._place} has lost its signing secret: restore a backup")
            self._signing_secret = bytes(found)
        return self._signing_secret

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and never waits for a writer."""
        with self._explained(), self._reader.begin() as connection:
            yield connection

    def stream(self, query: Select[Any], make: Callable[[Row[Any]], _T]) -> Iterator[_T]:
        """What `make` makes of each row, read as it is asked for; all rows are of the moment when the first one was."""
        options = {"yield_per": _ROWS_AT_ONCE}
        with self.reading() as connection, connection.execute(query, execution_options=options) as rows:
            for row in rows:
                yield make(row)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk, whole, when the block ends, and never was when the block raises."""
        with self._turn(), self._explained(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._lock_seconds):
            raise RecordsError(f"the database {self._place} is busy: others have been writing for too long; try again")
        try:
            yield
        finally:
            self._turns.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sql_errors.DBAPIError as error:
            raise _explanation(self._place, error.orig) from error
        except sql_errors.TimeoutError as error:
            raise RecordsError(
                f"the database {self._place} is busy: all connections are in use; try again, or ask fewer questions at once"
            ) from error
        except (ValueError, TypeError) as error:  # a column holds what no version of this program writes
            raise RecordsError(f"the database {self._place} holds a damaged row ({error}): {_RESTORE}") from error

    def _use_write_ahead_log(self) -> None:
        """SQLite waits for other processes by itself, save when the journal changes, and several may start at once."""
        deadline = time.monotonic() + self._lock_seconds
        with self._explained(), self._engine.connect() as connection:
            driver = cast(sqlite3.Connection, connection.connection.driver_connection)
            while True:
                try:
                    mode = driver.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                    break
                except sqlite3.Error as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                        raise _explanation(self._place, error) from error
                time.sleep(_SECONDS_BETWEEN_TRIES)
        if mode != "wal":
            raise RecordsError(
                f"the database {self._place} cannot keep a write-ahead log (its journal is '{mode}'): keep it on a local disk, "
                "not on a network share"
            )

    def _migrate(self) -> None:
        # Alembic takes as long to import as the rest of the program takes to start, and is seldom needed.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_OF_MIGRATION})"))
            config.attributes.update(connection=connection, version_table=_VERSION_TABLE)
            command.upgrade(config, SCHEMAS[-1])

    def _schema(self) -> str:
        """The schema that the database has, empty for an empty one; raises RecordsError when it is not ours or too new."""
        with self.reading() as connection:
            names = inspect(connection).get_table_names()
            if _VERSION_TABLE not in names:
                if names:
                    raise RecordsError(
                        f"the database {self._place} belongs to another program, it has the table '{min(names)}': "
                        "name a database, or on PostgreSQL a schema, that is empty"
                    )
                return ""
            version = connection.execute(select(column("version_num")).select_from(table(_VERSION_TABLE))).scalar()
        if version not in SCHEMAS:
            raise RecordsError(
                f"the database {self._place} was written by a newer version of this program (its schema is {version!r}, "
                f"this version knows those up to {SCHEMAS[-1]!r}): install that version again, or name another database"
            )
        return str(version)


def _parsed(url: str) -> URL:
    """The address; it may hold a password, so no message repeats it."""
    try:
        address = make_url(url)
    except (sql_errors.ArgumentError, ValueError):
        raise RecordsError(f"the address of the database cannot be read: {_FORMS}") from None
    backend = address.get_backend_name()
    if address.drivername in ("sqlite", "sqlite+pysqlite"):
        if (address.database or ":memory:") == ":memory:" or str(address.database).startswith("file:"):
            raise RecordsError(f"a database in memory keeps nothing: {_FORMS}")
        return address
    if address.drivername not in ("postgresql", "postgresql+psycopg"):
        raise RecordsError(f"a database of the kind '{address.drivername}' cannot be used: {_FORMS}")
    if importlib.util.find_spec("psycopg") is None:
        raise RecordsError(f"{backend} needs a driver: run pip install 'zhengwen[postgres]'")
    return address.set(drivername="postgresql+psycopg")


def _make_file(path: Path) -> None:
    """Makes an empty file that only this user can read, for it will hold questions and the signing secret.

    An existing file is not opened here: closing it would take away the locks that SQLite holds on it in this process.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, stat.S_IRUSR | stat.S_IWUSR))
        is_folder = path.is_dir()
    except OSError as error:
        raise RecordsError(f"the database {path} cannot be made ({error.strerror}): {_WRITABLE}") from error
    if is_folder:
        raise RecordsError(f"the database {path} is a folder: name a file in it")
    # SQLite would open the file all the same, and fail only at the first question.
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
        raise RecordsError(f"the database {path} is read-only: {_WRITABLE}")


def _configure_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # transactions begin below; the driver's own would not cover a migration
    for pragma in ("foreign_keys=ON", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _explanation(place: str, cause: BaseException | None) -> RecordsError:
    """What the driver's error means; only its own words are repeated, never the statement, which has questions in it."""
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        what, remedy = _SQLITE.get(code & 0xFF, _SQLITE[10])  # the rest of it is detail
    else:
        state = getattr(cause, "sqlstate", None) or ""
        known = [begin for begin in _POSTGRES if state.startswith(begin)]
        what, remedy = _POSTGRES[max(known, key=len)] if known else _REFUSED if state else _UNREACHABLE
    said = " ".join(str(cause).split())
    return RecordsError(f"the database {place} {what} ({said}): {remedy}")
