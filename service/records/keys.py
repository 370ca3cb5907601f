"""API keys: made, listed, revoked and found by their secret.

A secret is 256 random bits, so the database keeps its plain SHA-256: slow, salted hashes protect passwords, which people
choose and others can guess, and would only make every request slower here. A key is looked up by that hash. How long the
look-up takes tells nothing of use, for whoever sends a secret cannot steer its hash.
"""

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, insert, select, update

from indexer.errors import InputError, NotFoundError
from service.records.clock import utc_now
from service.records.database import Database
from service.records.tables import api_keys
from service.records.types import ApiKey, KeyScope, NewKey

MAX_NAME = 100

_SECRET = re.compile(r"zw-[A-Za-z0-9_-]{43}")
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_COLUMNS = [column for column in api_keys.c if column.name != "secret_sha256"]


class KeyStore:
    """The API keys in a database."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        name: str,
        scopes: Iterable[KeyScope],
        origins: Iterable[str] = (),
        documents: Iterable[str] = ("*",),
    ) -> NewKey:
        """A new key and its secret, `zw-` and 43 characters, which is kept nowhere.

        `origins` are the web origins that may use browser tokens of the key, `documents` shell patterns of the doc_ids that
        it sees. Names need not differ: a key and its successor may share one.

        Raises:
            InputError: no scope or document, or a name, an origin or a pattern that cannot be used.
        """
        secret = "zw-" + secrets.token_urlsafe(32)
        key = ApiKey(
            key_id="key-" + secrets.token_hex(8),
            name=_checked_name(name),
            scopes=frozenset(scopes),
            origins=tuple(dict.fromkeys(web_origin(origin) for origin in origins)),
            documents=tuple(dict.fromkeys(_checked_pattern(pattern) for pattern in documents)),
            created=self._clock(),
        )
        if not key.scopes:
            raise InputError(f"a key without a scope opens nothing: give at least one of {', '.join(KeyScope)}")
        if not key.documents:
            raise InputError("a key without documents sees nothing: give at least one pattern, or * for all")
        row = {
            "key_id": key.key_id,
            "name": key.name,
            "secret_sha256": _sha256(secret),
            "scopes": tuple(sorted(key.scopes)),
            "origins": key.origins,
            "documents": key.documents,
            "created": key.created,
        }
        with self._database.writing() as connection:
            connection.execute(insert(api_keys).values(row))
        return NewKey(secret, key)

    def list(self) -> tuple[ApiKey, ...]:
        """All keys, revoked ones too, oldest first."""
        query = select(*_COLUMNS).order_by(api_keys.c.created, api_keys.c.key_id)
        with self._database.reading() as connection:
            return tuple(_key(row) for row in connection.execute(query))

    def revoke(self, key_id: str) -> ApiKey:
        """The key, which opens nothing from now on; one that was revoked before stays revoked since then.

        Raises:
            NotFoundError: there is no such key.
        """
        change = update(api_keys).where(api_keys.c.key_id == key_id, api_keys.c.revoked.is_(None))
        with self._database.writing() as connection:
            connection.execute(change.values(revoked=self._clock()))
            row = connection.execute(select(*_COLUMNS).where(api_keys.c.key_id == key_id)).one_or_none()
            return _found(row, key_id)

    def find(self, secret: str) -> ApiKey | None:
        """The living key that has this secret; None for anything else, a revoked key included."""
        if not _SECRET.fullmatch(secret):
            return None
        query = select(*_COLUMNS).where(api_keys.c.secret_sha256 == _sha256(secret), api_keys.c.revoked.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else _key(row)

    def get(self, key_id: str) -> ApiKey:
        """The key of that id, revoked or not.

        Raises:
            NotFoundError: there is no such key.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(*_COLUMNS).where(api_keys.c.key_id == key_id)).one_or_none()
            return _found(row, key_id)


def web_origin(origin: str) -> str:
    """`origin` as browsers send it: lower case, a Chinese host in Punycode, without the port that goes without saying.

    Raises:
        InputError: it is not scheme://host or scheme://host:port with http or https.
    """
    wrong = InputError(f"{origin!r:.200} is no web origin: write https://host or https://host:port, without a path")
    try:
        parts = urlsplit(origin)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    # What is left over shows when the parts are put together again: a path, a query, a user, white space.
    if scheme not in _DEFAULT_PORTS or origin.lower() != f"{scheme}://{parts.netloc}".lower() or "@" in parts.netloc:
        raise wrong
    if port == 0 or parts.netloc.endswith(":"):
        raise wrong
    if ":" in host:
        try:
            host = f"[{ipaddress.IPv6Address(host).compressed}]"
        except ValueError:
            raise wrong from None
    else:
        try:
            host = host.encode("idna").decode("ascii").lower()
        except UnicodeError:
            raise wrong from None
        if not _HOST.fullmatch(host):
            raise wrong
    return f"{scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}")


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _found(row: Row[Any] | None, key_id: str) -> ApiKey:
    if row is None:
        raise NotFoundError(f"there is no key {key_id!r:.100}: zhengwen keys list shows those that exist")
    return _key(row)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        scopes=frozenset(KeyScope(scope) for scope in row.scopes),
        origins=row.origins,
        documents=row.documents,
        created=row.created,
        revoked=row.revoked,
    )


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InputError(f"a key needs a name of 1 to {MAX_NAME} printable characters, not {name!r:.120}")
    return name


def _checked_pattern(pattern: str) -> str:
    if not pattern.strip() or not pattern.isprintable():
        raise InputError(f"{pattern!r:.120} is no pattern of doc_ids: write one such as 公开/*")
    return pattern
