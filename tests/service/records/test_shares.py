"""Shared answers: opened by their id as long as they may be, and taken back by who shared them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer.errors import InputError, NotFoundError
from service.records.database import Database
from service.records.shares import ShareStore
from service.records.types import Owner, SharedAnswer

ONE, OTHER = Owner("key-1", "u-1"), Owner("key-1", "u-2")
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    address = (
        f"sqlite:///{tmp_path / 'records.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_address")
    )
    with Database.open(address) as database:
        yield database


def share(
    store: ShareStore, owner: Owner = ONE, sha256: str = "sha256:1", visible: tuple[str, ...] = ("*",)
) -> SharedAnswer:
    return store.share(
        owner, visible=visible, doc_ids=("a.md", "b.md"), answer_sha256=sha256, answer_json='{"a": "答"}'
    )


def test_answer_is_opened_as_another(database: Database, clock: Clock) -> None:
    store = ShareStore(database, 30, clock)
    shared = share(store)
    assert shared == SharedAnswer(
        shared.share_id, NOW, NOW + timedelta(days=30), ("*",), ("a.md", "b.md"), '{"a": "答"}'
    )
    assert store.get(shared.share_id) == shared
    assert len(shared.share_id) >= 4 + 32, "it could be guessed"


def test_answer_shared_twice_has_two_links_or_strangers_one(database: Database, clock: Clock) -> None:
    store = ShareStore(database, 30, clock)
    first = share(store)
    clock.now += timedelta(days=1)
    assert share(store) == first
    others = [share(store, OTHER), share(store, sha256="sha256:2"), share(store, visible=("公开/*",))]
    assert len({first.share_id, *(other.share_id for other in others)}) == 4


def test_link_outlives_its_days(database: Database, clock: Clock) -> None:
    store, for_ever = ShareStore(database, 30, clock), ShareStore(database, 0, clock)
    shared = share(store)
    clock.now += timedelta(days=30)
    assert store.get(shared.share_id) == shared
    assert store.purge(clock.now) == 0
    clock.now += timedelta(seconds=1)
    with pytest.raises(NotFoundError):
        store.get(shared.share_id)
    assert for_ever.get(shared.share_id).expires is None
    assert for_ever.purge(clock.now) == 0
    assert share(store).share_id != shared.share_id, "an old link is given out again"
    assert store.purge(clock.now) == 0, "the old one was left on the disk"


def test_link_is_taken_back_by_somebody_else(database: Database) -> None:
    store = ShareStore(database, 30)
    shared = share(store)
    for owner in (OTHER, Owner("key-2", "u-1"), Owner("")):
        with pytest.raises(NotFoundError):
            store.delete(owner, shared.share_id)
    store.delete(ONE, shared.share_id)
    for call in (lambda: store.get(shared.share_id), lambda: store.delete(ONE, shared.share_id)):
        with pytest.raises(NotFoundError):
            call()


def test_what_is_no_answer_is_kept(database: Database) -> None:
    with pytest.raises(InputError):
        ShareStore(database, 30).share(ONE, visible=("*",), doc_ids=(), answer_sha256="x", answer_json="[]")
