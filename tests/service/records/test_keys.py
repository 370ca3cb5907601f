"""Keys open what they were made for until they are revoked, and no secret is kept."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from indexer.errors import InputError, NotFoundError
from service.records import tables
from service.records.database import Database
from service.records.keys import KeyStore, web_origin
from service.records.types import ApiKey, KeyScope

Clock = Callable[[], datetime]


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, clock)


def test_key_comes_back_otherwise_than_it_was_made(keys: KeyStore) -> None:
    new = keys.create(" 门户网站 ", [KeyScope.SEARCH, KeyScope.ASK], ["https://portal.example"], ["公开/*", "年报.md"])
    expected = ApiKey(
        key_id=new.key.key_id,
        name="门户网站",
        scopes=frozenset({KeyScope.ASK, KeyScope.SEARCH}),
        origins=("https://portal.example",),
        documents=("公开/*", "年报.md"),
        created=new.key.created,
        revoked=None,
    )
    assert new.key == expected
    assert keys.find(new.secret) == expected
    assert keys.get(new.key.key_id) == expected
    assert keys.list() == (expected,)
    assert new.key.created.utcoffset() is not None


def test_secret_is_short_kept_or_shown_by_accident(keys: KeyStore, database: Database) -> None:
    made = [keys.create("portal", [KeyScope.ASK]) for _ in range(20)]
    assert len({new.secret for new in made}) == 20
    for new in made:
        assert re.fullmatch(r"zw-[A-Za-z0-9_-]{43}", new.secret)
        assert new.secret not in f"{new!r} {new} {new.key!r}"
    with database.reading() as connection:
        rows = connection.execute(select(tables.api_keys)).all()
    assert {row.secret_sha256 for row in rows} == {hashlib.sha256(new.secret.encode()).digest() for new in made}
    everything = repr([tuple(row) for row in rows])
    assert not any(new.secret in everything for new in made)


def test_key_sees_nothing_or_something_else_by_default(keys: KeyStore) -> None:
    assert keys.create("portal", [KeyScope.ASK]).key.documents == ("*",)


def test_revoked_key_opens_something_or_is_forgotten(keys: KeyStore) -> None:
    first, second = (keys.create("portal", [KeyScope.ASK]) for _ in range(2))
    revoked = keys.revoke(first.key.key_id)
    assert revoked.revoked is not None
    assert keys.find(first.secret) is None
    assert keys.find(second.secret) == second.key
    assert keys.get(first.key.key_id) == revoked
    assert keys.revoke(first.key.key_id) == revoked, "a key is revoked from the first time on"
    assert keys.list() == (revoked, second.key)


def test_unknown_key_is_revoked_in_silence(keys: KeyStore) -> None:
    for call in (keys.get, keys.revoke):
        with pytest.raises(NotFoundError, match="there is no key 'key-0'"):
            call("key-0")


def test_something_else_than_the_secret_opens_a_key(keys: KeyStore) -> None:
    new = keys.create("portal", [KeyScope.ASK])
    digest = hashlib.sha256(new.secret.encode())
    wrong = ["", "zw-", new.key.key_id, digest.hexdigest(), new.secret[:-1], new.secret + "A", f" {new.secret}"]
    wrong += [
        new.secret + "\n",
        new.secret.upper(),
        "zw-" + "\ud800" * 43,
        "zw-" + "政" * 43,
        "zw-" + "A" * 10_000,
        "\0",
    ]
    last = "A" if new.secret[-1] != "A" else "B"
    assert [keys.find(secret) for secret in [*wrong, new.secret[:-1] + last]] == [None] * (len(wrong) + 1)


def test_name_that_cannot_be_shown_is_taken(keys: KeyStore) -> None:
    for name in ["", "  ", "a\nb", "a\x1b[31m", "字" * 101, "a\ud800"]:
        with pytest.raises(InputError, match="1 to 100 printable characters"):
            keys.create(name, [KeyScope.ASK])
    assert keys.list() == ()


def test_key_that_opens_nothing_is_made(keys: KeyStore) -> None:
    with pytest.raises(InputError, match="at least one of ask, search, admin, embed"):
        keys.create("portal", [])
    with pytest.raises(InputError, match="at least one pattern"):
        keys.create("portal", [KeyScope.ASK], documents=[])
    for pattern in ("", " ", "a\nb"):
        with pytest.raises(InputError, match="no pattern of doc_ids"):
            keys.create("portal", [KeyScope.ASK], documents=[pattern])


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://portal.example", "https://portal.example"),
        ("HTTPS://Portal.Example", "https://portal.example"),
        ("https://portal.example:443", "https://portal.example"),
        ("http://portal.example:80", "http://portal.example"),
        ("http://portal.example:443", "http://portal.example:443"),
        ("https://portal.example:8443", "https://portal.example:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://政务.example", "https://xn--zfr164b.example"),
    ],
)
def test_origin_is_not_what_a_browser_sends(given: str, sent: str) -> None:
    assert web_origin(given) == sent


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "portal.example",
        "//portal.example",
        "https://",
        "https://portal.example/",
        "https://portal.example/chat",
        "https://portal.example?x=1",
        "https://portal.example#x",
        "https://*.portal.example",
        "https://user@portal.example",
        "https://user:word@portal.example",
        "https://portal.example:",
        "https://portal.example:0",
        "https://portal.example:99999",
        "https://portal.example:八",
        "https://portal example",
        "https://portal.example\n",
        " https://portal.example",
        "https://portal..example",
        "https://-portal.example",
        "https://portal.example; script-src *",
        "https://portal.example,https://other.example",
        "https://[::1",
        "https://[1.2.3.4]",
        "https://\ud800.example",
        "https://" + "a" * 64,
        "ftp://portal.example",
        "javascript:alert(1)",
        "file:///etc/hosts",
    ],
)
def test_text_that_is_no_origin_is_taken(origin: str) -> None:
    with pytest.raises(InputError, match="write https://host or https://host:port"):
        web_origin(origin)


def test_key_with_a_wrong_origin_is_made_without_it(keys: KeyStore) -> None:
    with pytest.raises(InputError, match=r"'portal\.example' is no web origin"):
        keys.create("portal", [KeyScope.EMBED], ["https://portal.example", "portal.example"])
    assert keys.list() == ()


@given(st.one_of(st.text(), st.text().map("https://{}".format), st.from_regex(r"https?://[ -~]{0,20}", fullmatch=True)))
def test_origin_can_say_more_than_scheme_host_and_port(text: str) -> None:
    try:
        origin = web_origin(text)
    except InputError:
        return
    parts = urlsplit(origin)
    assert re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]*)?", origin)
    assert (parts.path, parts.query, parts.fragment, parts.username) == ("", "", "", None)
    assert web_origin(origin) == origin


def test_origins_and_documents_are_kept_twice(keys: KeyStore) -> None:
    origins = ["https://a.example", "HTTPS://A.example:443", "https://b.example"]
    key = keys.create("portal", [KeyScope.EMBED], origins, ["甲/*", "甲/*"]).key
    assert key.origins == ("https://a.example", "https://b.example")
    assert key.documents == ("甲/*",)
