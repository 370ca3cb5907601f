"""Feedback is kept whole, whoever sends it, and nothing that is sent keeps an administrator from reading it."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.http.feedback import MAX_ANSWER_BYTES
from service.pipeline import Pipeline
from service.records.feedback import MAX_COMMENT
from service.records.keys import KeyStore
from service.records.types import FeedbackReason, KeyScope

RENT = "公寓的月租金是多少？"
PLACE = "/api/feedback"
LIST = "/api/admin/feedback"
MINIMAL = {"id": "ans-1", "question": RENT}

Json = dict[str, Any]


@pytest.fixture
def client(pipeline: Pipeline, app_over: Callable[..., FastAPI]) -> Iterator[TestClient]:
    """With a database of its own."""
    app = app_over(lambda: pipeline)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield client


@pytest.fixture(scope="module")
def shared(pipeline: Pipeline, app_over: Callable[..., FastAPI]) -> Iterator[TestClient]:
    with TestClient(app_over(lambda: pipeline), base_url="http://127.0.0.1:8000") as client:
        yield client


def rows(client: TestClient, **options: Any) -> list[Json]:
    reply = client.get(LIST, params=options)
    assert reply.status_code == 200, reply.text
    items: list[Json] = reply.json()["items"]
    return items


def test_feedback_is_not_what_was_sent(client: TestClient) -> None:
    answer = client.post("/api/ask", json={"question": RENT}).json()
    before = datetime.now(UTC)
    body = {"answer": answer, "verdict": "down", "reason": "citation", "comment": " 引文不对 "}
    reply = client.post(PLACE, json=body, headers={"X-Zhengwen-User": "u-1"})
    assert reply.status_code == 201
    (row,) = rows(client)
    assert row["feedback_id"] == reply.json()["feedback_id"]
    assert row["answer"] == answer
    assert client.post("/api/citations/verify", json=row["answer"]).json()["holds"]
    assert (row["verdict"], row["reason"], row["comment"]) == ("down", "citation", "引文不对")
    assert (row["answer_id"], row["question"]) == (answer["id"], RENT)
    assert (row["key_id"], row["user"], row["reviewed"]) == ("", "u-1", False)
    assert before <= datetime.fromisoformat(row["created"]) <= datetime.now(UTC)


def test_second_feedback_replaces_the_first(client: TestClient) -> None:
    for verdict in ("up", "down"):
        assert client.post(PLACE, json={"answer": MINIMAL, "verdict": verdict}).status_code == 201
    assert [row["verdict"] for row in rows(client)] == ["down", "up"], "newest first"
    assert {row["reason"] for row in rows(client)} == {None}


def test_reviewed_feedback_stays_on_the_pile(client: TestClient) -> None:
    ids = [client.post(PLACE, json={"answer": MINIMAL, "verdict": "up"}).json()["feedback_id"] for _ in range(3)]
    reviewed = client.patch(f"{LIST}/{ids[1]}", json={"reviewed": True})
    assert reviewed.status_code == 200
    assert reviewed.json() == rows(client, reviewed=True)[0]
    assert [row["feedback_id"] for row in rows(client, reviewed=False)] == [ids[2], ids[0]]
    assert client.patch(f"{LIST}/{ids[1]}", json={"reviewed": False}).json()["reviewed"] is False
    assert len(rows(client, reviewed=False)) == 3
    assert client.patch(f"{LIST}/fb-0", json={"reviewed": True}).status_code == 404
    for body in ({}, {"reviewed": None}, {"reviewed": "vielleicht"}):
        assert client.patch(f"{LIST}/{ids[1]}", json=body).status_code == 422


def test_list_misses_feedback_or_shows_it_twice(client: TestClient) -> None:
    ids = [client.post(PLACE, json={"answer": MINIMAL, "verdict": "up"}).json()["feedback_id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"{LIST}?limit=2&cursor={cursor}").json()
        seen += [row["feedback_id"] for row in page["items"]]
        if not (cursor := page["cursor"]):
            break
    assert seen == ids[::-1]
    for options in ({"limit": 0}, {"limit": 201}, {"reviewed": "x"}):
        assert client.get(LIST, params=options).status_code == 422
    assert client.get(LIST, params={"cursor": "x"}).status_code == 400


def test_known_reason_is_refused_or_an_unknown_one_kept(shared: TestClient) -> None:
    for reason in FeedbackReason:
        body = {"answer": MINIMAL, "verdict": "down", "reason": reason.value}
        assert shared.post(PLACE, json=body).status_code == 201
    for change in ({"reason": "boring"}, {"verdict": "meh"}, {"verdict": None}, {"comment": "长" * (MAX_COMMENT + 1)}):
        assert shared.post(PLACE, json={"answer": MINIMAL, "verdict": "up"} | change).status_code == 422
    body = {"answer": MINIMAL, "verdict": "up", "comment": "长" * MAX_COMMENT}
    assert shared.post(PLACE, json=body).status_code == 201


def nested(levels: int) -> Json:
    value: Any = 1
    for i in range(levels):
        value = {"a": value} if i % 2 else [value]
    return MINIMAL | {"passages": value}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({}, 400),
        ({"id": "ans-1"}, 400),
        ({"id": 1, "question": RENT}, 400),
        ({"id": "a" * 101, "question": RENT}, 400),
        ({"id": "a", "question": "长" * 5001}, 400),
        ([], 422),
        ("x", 422),
        (None, 422),
        (nested(20), 400),
        (nested(200), 400),
        (MINIMAL | {"answer": "长" * (MAX_ANSWER_BYTES // 3)}, 413),
        (MINIMAL | {"answer": ["x"] * (MAX_ANSWER_BYTES // 4)}, 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_answer_is_kept_or_a_server_error(shared: TestClient, answer: Any, status: int) -> None:
    before = len(rows(shared, limit=200))
    reply = shared.post(PLACE, json={"answer": answer, "verdict": "up"})
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert len(reply.text) < 1000, "the answer is echoed"
    assert len(rows(shared, limit=200)) == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_number_that_json_does_not_have_is_kept(shared: TestClient, number: str) -> None:
    content = json.dumps({"answer": MINIMAL, "verdict": "up"}).replace('"ans-1"', f'"ans-1", "confidence": {number}')
    reply = shared.post(PLACE, content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    rows(shared)


TEXTS = st.text(st.characters(codec=None), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(TEXTS, VALUES, max_size=4), TEXTS)
def test_feedback_keeps_others_from_being_read(shared: TestClient, more: Json, comment: str) -> None:
    """Whatever was taken can be listed, as it was sent save for what no database holds."""
    body = {"answer": more | MINIMAL, "verdict": "up", "comment": comment}
    reply = shared.post(PLACE, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert reply.status_code in (201, 400, 422)
    (newest,) = rows(shared, limit=1)
    if reply.status_code == 201:
        assert newest["feedback_id"] == reply.json()["feedback_id"]
        sent = json.dumps(body["answer"], ensure_ascii=False)
        assert newest["answer"] == json.loads(re.sub("[\ud800-\udfff]", "\ufffd", sent))


def test_who_may_not_ask_gives_feedback_or_reads_it(pipeline: Pipeline, app_over: Callable[..., FastAPI]) -> None:
    with TestClient(app_over(lambda: pipeline, require_keys="always"), base_url="http://127.0.0.1:8000") as client:
        keys = KeyStore(client.app_state["database"])

        def bearer(*scopes: KeyScope, documents: tuple[str, ...] = ("*",)) -> dict[str, str]:
            return {"Authorization": f"Bearer {keys.create('test', scopes, documents=documents).secret}"}

        asker, operator = bearer(KeyScope.ASK), bearer(KeyScope.ADMIN)
        body = {"answer": MINIMAL, "verdict": "up"}
        given = client.post(PLACE, json=body, headers=asker)
        assert given.status_code == 201
        for headers in (bearer(KeyScope.SEARCH), operator, bearer(KeyScope.EMBED)):
            assert client.post(PLACE, json=body, headers=headers).status_code == 403
        one = f"{LIST}/{given.json()['feedback_id']}"
        for headers in (asker, bearer(KeyScope.EMBED, KeyScope.SEARCH), bearer(KeyScope.ADMIN, documents=("公开/*",))):
            assert client.get(LIST, headers=headers).status_code == 403
            assert client.patch(one, json={"reviewed": True}, headers=headers).status_code == 403
        (row,) = client.get(LIST, headers=operator).json()["items"]
        assert row["key_id"]
        assert row["reviewed"] is False
        assert client.patch(one, json={"reviewed": True}, headers=operator).status_code == 200
