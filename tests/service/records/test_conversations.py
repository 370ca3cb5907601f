"""Conversations come back as they were, newest first, and only to their owner."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import insert

from indexer.errors import InputError, NotFoundError
from service.records import tables
from service.records.conversations import MAX_TURNS, ConversationStore
from service.records.database import Database
from service.records.types import ConversationSummary, Owner

Clock = Callable[[], datetime]
OWNER = Owner("key-1", "office-7")
ANSWER = json.dumps({"answer": "每月一百元。[1]", "citations": []}, ensure_ascii=False)


@pytest.fixture
def store(database: Database, clock: Clock) -> ConversationStore:
    return ConversationStore(database, clock)


def titles(store: ConversationStore, owner: Owner = OWNER, **options: str) -> list[str]:
    return [summary.title for summary in store.list(owner, **options).items]  # type: ignore[arg-type]


def test_conversation_comes_back_otherwise_than_it_was_held(store: ConversationStore) -> None:
    made = store.create(OWNER, "  住房\n租金 ")
    assert made == ConversationSummary(made.conversation_id, "住房 租金", made.created, made.created, 0)
    first = store.append(OWNER, made.conversation_id, "月租金是多少？", ANSWER)
    second = store.append(OWNER, made.conversation_id, "那上海呢？", ANSWER)
    found = store.get(OWNER, made.conversation_id)
    assert found.turns == (first, second)
    assert [(turn.question, turn.answer_json) for turn in found.turns] == [
        ("月租金是多少？", ANSWER),
        ("那上海呢？", ANSWER),
    ]
    assert made.created < first.created < second.created == found.summary.updated
    assert found.summary.turns == 2
    assert store.list(OWNER).items == (found.summary,)


def test_conversation_without_a_title_has_none_after_its_first_question(store: ConversationStore) -> None:
    made = store.create(OWNER)
    assert made.title == ""
    store.append(OWNER, made.conversation_id, "月租金\n" + "是多少" * 30, ANSWER)
    store.append(OWNER, made.conversation_id, "那上海呢？", ANSWER)
    assert store.get(OWNER, made.conversation_id).summary.title == ("月租金 " + "是多少" * 30)[:40]


def test_renaming_does_not_last_or_changes_the_turns(store: ConversationStore) -> None:
    made = store.create(OWNER, "旧名")
    turn = store.append(OWNER, made.conversation_id, "月租金是多少？", ANSWER)
    renamed = store.rename(OWNER, made.conversation_id, "新名")
    assert (renamed.title, renamed.turns) == ("新名", 1)
    assert renamed.updated > made.updated
    assert store.get(OWNER, made.conversation_id).turns == (turn,)
    assert titles(store) == ["新名"]


def test_forgotten_turn_is_found_or_takes_others_along(store: ConversationStore) -> None:
    made, other = store.create(OWNER), store.create(OWNER)
    first = store.append(OWNER, made.conversation_id, "一", ANSWER)
    store.append(OWNER, made.conversation_id, "二", ANSWER)
    store.append(OWNER, made.conversation_id, "三", ANSWER)
    untouched = store.append(OWNER, other.conversation_id, "四", ANSWER)
    with pytest.raises(NotFoundError):
        store.forget(Owner("key-1", "office-8"), made.conversation_id, 0)
    store.forget(OWNER, made.conversation_id, 1)
    assert store.get(OWNER, made.conversation_id).turns == (first,)
    again = store.append(OWNER, made.conversation_id, "五", ANSWER)
    assert store.get(OWNER, made.conversation_id).turns == (first, again)
    assert store.get(OWNER, other.conversation_id).turns == (untouched,)


def test_deleted_conversation_is_found(store: ConversationStore) -> None:
    kept, gone = store.create(OWNER, "留"), store.create(OWNER, "去")
    store.append(OWNER, gone.conversation_id, "月租金是多少？", ANSWER)
    store.delete(OWNER, gone.conversation_id)
    assert store.list(OWNER).items == (kept,)
    for call in (store.get, store.delete):
        with pytest.raises(NotFoundError, match="it was deleted, or never was"):
            call(OWNER, gone.conversation_id)


OTHERS = [Owner("key-2", "office-7"), Owner("key-1", "office-8"), Owner("key-1"), Owner(""), Owner("", "office-7")]


@pytest.mark.parametrize(
    "other", [*OTHERS, Owner("key-1", "OFFICE-7"), Owner("key-1", "office-7 "), Owner("key-1", "%")]
)
def test_conversation_of_one_owner_is_reached_by_another(store: ConversationStore, other: Owner) -> None:
    made = store.create(OWNER, "我的")
    store.append(OWNER, made.conversation_id, "月租金是多少？", ANSWER)
    before = store.get(OWNER, made.conversation_id)
    theirs = store.create(other, "他们的")
    for call in (
        lambda: store.get(other, made.conversation_id),
        lambda: store.rename(other, made.conversation_id, "抢"),
        lambda: store.delete(other, made.conversation_id),
        lambda: store.append(other, made.conversation_id, "抢？", ANSWER),
    ):
        with pytest.raises(NotFoundError) as caught:
            call()
        with pytest.raises(NotFoundError) as unknown:
            store.get(other, "conv-0")
        assert str(caught.value) == str(unknown.value).replace("conv-0", made.conversation_id), (
            "it tells that it exists"
        )
    assert store.list(other).items == (theirs,)
    for search in ("我的", "租金", "%", "_"):
        assert store.list(other, search=search).items == ()
    assert store.get(OWNER, made.conversation_id) == before


@pytest.mark.parametrize("user", ["a\0", "a\ud800", "a\n", "a" * 129])
def test_users_that_a_database_takes_for_one_are_owners(user: str) -> None:
    with pytest.raises(InputError, match="at most 128 printable characters"):
        Owner("key-1", user)


def test_search_looks_elsewhere_or_takes_signs_for_patterns(store: ConversationStore) -> None:
    for title, question in (("住房 100%", "租金？"), ("交通_地铁", "Subway fare?"), ("环保", "100倍的罚款？")):
        made = store.create(OWNER, title)
        store.append(OWNER, made.conversation_id, question, ANSWER)
    assert titles(store, search="租金") == ["住房 100%"]
    assert titles(store, search=" 环保 ") == ["环保"]
    assert titles(store, search="100") == ["环保", "住房 100%"]
    assert titles(store, search="subway FARE") == ["交通_地铁"]
    assert titles(store, search="%") == ["住房 100%"]
    assert titles(store, search="_") == ["交通_地铁"]
    assert titles(store, search="/") == []
    assert titles(store, search="每月一百元") == [], "answers are not searched"
    assert len(titles(store, search=" ")) == 3


def test_pages_leave_out_or_repeat_a_conversation(database: Database) -> None:
    # Seven are of one moment, so that the time alone does not tell where a page ended.
    moments = iter([datetime(2025, 3, 1, tzinfo=UTC)] * 7 + [datetime(2025, 3, 2 + n, tzinfo=UTC) for n in range(20)])
    store = ConversationStore(database, lambda: next(moments))
    made = [store.create(OWNER, f"{n}") for n in range(12)]
    store.create(Owner("key-2"), "他人")
    expected = sorted(made, key=lambda summary: (summary.updated, summary.conversation_id), reverse=True)
    for limit in (1, 3, 12, 200):
        seen: list[ConversationSummary] = []
        cursor = ""
        while True:
            page = store.list(OWNER, limit=limit, cursor=cursor)
            assert len(page.items) <= limit
            seen += page.items
            cursor = page.cursor
            if not cursor:
                break
        assert seen == expected
    first = store.list(OWNER, limit=5)
    store.create(OWNER, "新来")
    store.rename(OWNER, expected[0].conversation_id, "改名")
    second = store.list(OWNER, limit=200, cursor=first.cursor)
    assert [*first.items, *second.items] == expected, "what is added meanwhile moves the rest"


def test_wrong_cursor_is_a_traceback(store: ConversationStore) -> None:
    begin = "0001-01-01T00:00+14:00"  # before the first moment that there is in UTC
    for cursor in ["x", "~", "2025-03-01", "2025-03-01~", "~conv-1", f"{begin}~conv-1", "\0", "\ud800~a"]:
        with pytest.raises(InputError, match="is no cursor"):
            store.list(OWNER, cursor=cursor)


def test_page_without_bounds_is_a_traceback(store: ConversationStore) -> None:
    for limit in [0, -1, 201, 2**70]:
        with pytest.raises(InputError, match="1 to 200 items"):
            store.list(OWNER, limit=limit)


def test_text_that_a_database_cannot_hold_is_a_traceback(store: ConversationStore) -> None:
    made = store.create(OWNER, "题\0目\ud800")
    store.append(OWNER, made.conversation_id, "问\0题\udfff😀", '{"answer": "\\u0000\\ud800", "more": "\ud800"}')
    found = store.get(OWNER, made.conversation_id)
    assert found.summary.title == "题\ufffd目\ufffd"
    assert found.turns[0].question == "问\ufffd题\ufffd😀"
    assert json.loads(found.turns[0].answer_json) == {"answer": "\0\ud800", "more": "\ufffd"}
    assert store.list(OWNER, search="\0题\ud800").items == (found.summary,)
    with pytest.raises(NotFoundError):
        store.get(OWNER, "\0\ud800")


def test_answer_that_is_no_object_is_kept(store: ConversationStore) -> None:
    made = store.create(OWNER)
    for answer in ["", "无", "[]", "1", "null", "{", "[" * 100_000]:
        with pytest.raises(InputError, match="as it came"):
            store.append(OWNER, made.conversation_id, "租金？", answer)
    assert store.get(OWNER, made.conversation_id).turns == ()


def test_title_is_longer_than_a_list_can_show_or_taken_away(store: ConversationStore) -> None:
    made = store.create(OWNER, "字" * 200)
    with pytest.raises(InputError, match="at most 200 characters"):
        store.create(OWNER, "字" * 201)
    with pytest.raises(InputError, match="at most 200 characters"):
        store.rename(OWNER, made.conversation_id, "字" * 201)
    with pytest.raises(InputError, match="give a title"):
        store.rename(OWNER, made.conversation_id, " \n")
    assert store.list(OWNER).items == (made,)


def test_conversation_grows_without_end(database: Database, store: ConversationStore) -> None:
    made = store.create(OWNER, "长谈")
    turn = {"conversation_id": made.conversation_id, "question": "租金？", "answer_json": "{}", "created": made.created}
    with database.writing() as connection:  # each in a transaction of its own would take a while
        connection.execute(insert(tables.turns), [{"number": n, **turn} for n in range(MAX_TURNS - 1)])
    store.append(OWNER, made.conversation_id, "租金？", "{}")
    before = store.get(OWNER, made.conversation_id)
    with pytest.raises(InputError, match="begin a new one"):
        store.append(OWNER, made.conversation_id, "租金？", "{}")
    assert store.get(OWNER, made.conversation_id) == before, "a refused turn changes nothing"


class Conversations(RuleBasedStateMachine):
    """The store against lists in memory, with owners who try each other's ids all the time."""

    owners = (Owner("key-1", "甲"), Owner("key-1", "乙"), Owner("key-2", "甲"))

    @initialize()
    def open(self) -> None:
        self.folder = TemporaryDirectory()
        self.database = Database.open(f"sqlite:///{Path(self.folder.name)}/zhengwen.db")
        self.now = datetime(2025, 3, 1, tzinfo=UTC)
        self.store = ConversationStore(self.database, lambda: self.now)
        self.held: dict[str, tuple[Owner, str, list[str], datetime]] = {}

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(owner=st.sampled_from(owners), title=st.text("住房a%_", max_size=5), minutes=st.integers(0, 2))
    def create(self, owner: Owner, title: str, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.held[self.store.create(owner, title).conversation_id] = (owner, title, [], self.now)

    @rule(data=st.data(), owner=st.sampled_from(owners), what=st.sampled_from(["append", "rename", "delete"]))
    def change(self, data: st.DataObject, owner: Owner, what: str) -> None:
        if not self.held:
            return
        name = data.draw(st.sampled_from(sorted(self.held)))
        text = data.draw(st.text("住房a%_", min_size=1, max_size=5))
        self.now += timedelta(minutes=1)
        actual, title, questions, _ = self.held[name]
        calls: dict[str, Callable[[], object]] = {
            "append": lambda: self.store.append(owner, name, text, "{}"),
            "rename": lambda: self.store.rename(owner, name, text),
            "delete": lambda: self.store.delete(owner, name),
        }
        if owner != actual:
            with pytest.raises(NotFoundError):
                calls[what]()
            return
        calls[what]()
        if what == "delete":
            del self.held[name]
        else:
            asked = [*questions, text] if what == "append" else questions
            self.held[name] = (owner, text if what == "rename" else title or text, asked, self.now)

    @invariant()
    def each_owner_sees_its_own(self) -> None:
        if not hasattr(self, "held"):
            return
        for owner in self.owners:
            own = [(at, name) for name, (actual, _, _, at) in self.held.items() if actual == owner]
            newest_first = [name for _, name in sorted(own, reverse=True)]
            assert [item.conversation_id for item in self.store.list(owner).items] == newest_first
            for name in self.held:
                if name not in newest_first:
                    with pytest.raises(NotFoundError):
                        self.store.get(owner, name)
                    continue
                found = self.store.get(owner, name)
                _, title, questions, at = self.held[name]
                assert (found.summary.title, found.summary.updated, found.summary.turns) == (title, at, len(questions))
                assert [turn.question for turn in found.turns] == questions


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
