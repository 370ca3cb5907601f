"""Feedback is kept as it was given, and whoever looks after the documents can work it off."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from indexer.errors import InputError, NotFoundError
from service.records.database import Database
from service.records.feedback import FeedbackStore
from service.records.types import Feedback, FeedbackReason, FeedbackVerdict, Owner

Clock = Callable[[], datetime]
OWNER = Owner("key-1", "office-7")
ANSWER = '{"answer": "每月一百元。[1]"}'


@pytest.fixture
def store(database: Database, clock: Clock) -> FeedbackStore:
    return FeedbackStore(database, clock)


def add(store: FeedbackStore, comment: str = "", owner: Owner = OWNER) -> Feedback:
    return store.add(
        owner, answer_id="ans-1", verdict=FeedbackVerdict.UP, comment=comment, question="租金？", answer_json=ANSWER
    )


def test_feedback_comes_back_otherwise_than_it_was_given(store: FeedbackStore) -> None:
    for reason in [None, *FeedbackReason]:
        given = store.add(
            OWNER,
            answer_id="ans-0123",
            verdict=FeedbackVerdict.DOWN,
            reason=reason,
            comment=" 数字是去年的。\n请更正。 ",
            question="月租金是多少？",
            answer_json=ANSWER,
        )
        assert given == Feedback(
            feedback_id=given.feedback_id,
            created=given.created,
            key_id="key-1",
            user="office-7",
            verdict=FeedbackVerdict.DOWN,
            reason=reason,
            comment="数字是去年的。\n请更正。",
            answer_id="ans-0123",
            question="月租金是多少？",
            answer_json=ANSWER,
            reviewed=False,
        )
        assert store.list(limit=1).items == (given,)
    assert len(store.list().items) == 8


def test_second_opinion_takes_the_place_of_the_first(store: FeedbackStore) -> None:
    first, second = add(store, "好"), add(store, "不好")
    assert store.list().items == (second, first)
    assert first.feedback_id != second.feedback_id


def test_comment_has_no_end(store: FeedbackStore) -> None:
    add(store, "字" * 2000)
    with pytest.raises(InputError, match="at most 2,000 characters, not 2,001"):
        add(store, "字" * 2001)
    assert len(store.list().items) == 1


def test_reviewed_feedback_stays_on_the_pile(store: FeedbackStore) -> None:
    first, second, third = (add(store, name, Owner(name)) for name in ("a", "b", "c"))
    done = store.mark_reviewed(second.feedback_id)
    assert done.reviewed
    assert store.list(reviewed=False).items == (third, first)
    assert store.list(reviewed=True).items == (done,)
    assert store.list().items == (third, done, first)
    assert store.mark_reviewed(second.feedback_id, reviewed=False) == second
    assert store.list(reviewed=True).items == ()


def test_unknown_feedback_is_reviewed_in_silence(store: FeedbackStore) -> None:
    with pytest.raises(NotFoundError, match="there is no feedback 'fb-0'"):
        store.mark_reviewed("fb-0")


def test_pages_leave_out_or_repeat_feedback(store: FeedbackStore) -> None:
    given = [add(store, f"{n}") for n in range(7)]
    seen: list[Feedback] = []
    cursor = ""
    while not seen or cursor:
        page = store.list(limit=3, cursor=cursor)
        seen += page.items
        cursor = page.cursor
    assert seen == given[::-1]


def test_export_begins_at_another_time_or_is_not_in_order(store: FeedbackStore) -> None:
    given = [add(store, f"{n}") for n in range(5)]
    assert list(store.since()) == given
    assert list(store.since(given[2].created)) == given[2:]
    assert list(store.since(datetime(2030, 1, 1, tzinfo=UTC))) == []


def test_answer_that_is_no_object_is_kept(store: FeedbackStore) -> None:
    with pytest.raises(InputError, match="send the answer object as it came"):
        store.add(OWNER, answer_id="ans-1", verdict=FeedbackVerdict.UP, question="租金？", answer_json="无")
    assert store.list().items == ()
