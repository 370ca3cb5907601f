"""Kept conversations: what was asked and answered is there, for the one who asked and for nobody else."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.answer import Answer
from service.markdown import escaped
from service.pipeline import Pipeline
from service.records.conversations import MAX_TURNS, ConversationStore
from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import KeyScope, NewKey, Owner

RENT = "公寓的月租金是多少？"
NOWHERE = "火星基地的氧气由谁供应？"
RIVER = "青石河全长多少公里？"
PLACE = "/api/conversations"

Json = dict[str, Any]


@pytest.fixture
def talk(client: TestClient) -> Callable[..., str]:
    """`talk(*questions, **headers)`: the id of a new conversation in which these were asked."""

    def begin(*questions: str, title: str = "", user: str = "u-1") -> str:
        headers = {"X-Zhengwen-User": user}
        conversation_id: str = client.post(PLACE, json={"title": title}, headers=headers).json()["conversation_id"]
        for question in questions:
            body = {"question": question, "conversation_id": conversation_id}
            assert client.post("/api/ask", json=body, headers=headers).status_code == 200
        return conversation_id

    return begin


def kept(client: TestClient, conversation_id: str, user: str = "u-1") -> Json:
    reply = client.get(f"{PLACE}/{conversation_id}", headers={"X-Zhengwen-User": user})
    assert reply.status_code == 200, reply.text
    body: Json = reply.json()
    return body


def last_event(text: str) -> tuple[str, Json]:
    """Name and data of the last event of a stream."""
    name, data = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)[-1]
    return name, json.loads(data)


def test_answer_is_not_kept_as_it_was_given(
    client: TestClient, talk: Callable[..., str], check_answer: Callable[[Json], None]
) -> None:
    conversation_id = talk()
    headers = {"X-Zhengwen-User": "u-1"}
    body = {"question": RENT, "conversation_id": conversation_id}
    plain = client.post("/api/ask", json=body, headers=headers).json()
    stream = client.post("/api/ask", json=body | {"question": NOWHERE, "stream": True}, headers=headers)
    name, streamed = last_event(stream.text)
    assert name == "answer"
    found = kept(client, conversation_id)
    assert [turn["question"] for turn in found["turns"]] == [RENT, NOWHERE]
    assert [turn["answer"] for turn in found["turns"]] == [plain, streamed]
    for turn in found["turns"]:
        check_answer(turn["answer"])
        assert client.post("/api/citations/verify", json=turn["answer"]).json()["holds"]
    assert found["summary"]["title"] == RENT
    assert found["summary"]["turns"] == 2
    assert found["summary"]["created"] < found["turns"][0]["created"] < found["summary"]["updated"]


def test_follow_up_is_asked_without_what_is_kept(client: TestClient, talk: Callable[..., str]) -> None:
    """The same as with the history in the request, in a stream too."""
    first, headers = "东湾公园的投资是多少亿元？", {"X-Zhengwen-User": "u-1"}
    said = client.post("/api/ask", json={"question": first}).json()["answer"]
    history = [{"role": "user", "content": first}, {"role": "assistant", "content": said}]
    expected = client.post("/api/ask", json={"question": "那西滩公园呢？", "history": history}).json()
    assert "2.1" in expected["answer"], "the test proves nothing"
    for stream in (False, True):
        body = {"question": "那西滩公园呢？", "conversation_id": talk(first), "stream": stream}
        reply = client.post("/api/ask", json=body, headers=headers)
        row = last_event(reply.text)[1] if stream else reply.json()
        assert row["receipt"]["history"] == history
        for name in row.keys() - {"timings"}:
            assert row[name] == expected[name], name


def test_history_is_sent_beside_a_conversation(client: TestClient, talk: Callable[..., str]) -> None:
    body = {"question": RENT, "conversation_id": talk(), "history": [{"role": "user", "content": "面积呢？"}]}
    for stream in (False, True):
        reply = client.post("/api/ask", json=body | {"stream": stream}, headers={"X-Zhengwen-User": "u-1"})
        assert reply.status_code == 422
        assert "conversation_id" in reply.json()["detail"]
    reply = client.post("/api/ask", json=body | {"history": []}, headers={"X-Zhengwen-User": "u-1"})
    assert reply.status_code == 200, "an empty one is none"


@pytest.mark.parametrize("stream", [False, True])
def test_question_that_failed_is_kept(client: TestClient, talk: Callable[..., str], stream: bool) -> None:
    conversation_id = talk(RENT)
    for body, status in (({"question": ""}, 422), ({"question": RENT, "filters": {"regions": ["火星"]}}, 422)):
        body |= {"conversation_id": conversation_id, "stream": stream}
        assert client.post("/api/ask", json=body, headers={"X-Zhengwen-User": "u-1"}).status_code == status
    assert kept(client, conversation_id)["summary"]["turns"] == 1


@pytest.mark.parametrize("stream", [False, True])
def test_unknown_conversation_is_begun(client: TestClient, stream: bool) -> None:
    body = {"question": RENT, "conversation_id": "conv-0123456789abcdef01234567", "stream": stream}
    reply = client.post("/api/ask", json=body)
    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert "conv-0123456789abcdef01234567" in reply.json()["detail"]


def test_conversation_that_was_deleted_is_still_there(client: TestClient, talk: Callable[..., str]) -> None:
    conversation_id, headers = talk(RENT), {"X-Zhengwen-User": "u-1"}
    deleted = client.delete(f"{PLACE}/{conversation_id}", headers=headers)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method, path, body in every_way_to(conversation_id):
        assert client.request(method, path, json=body, headers=headers).status_code == 404, path
    assert conversation_id not in client.get(PLACE, headers=headers).text


def test_conversation_that_is_renamed_keeps_its_name(client: TestClient, talk: Callable[..., str]) -> None:
    conversation_id, headers = talk(RENT), {"X-Zhengwen-User": "u-1"}
    renamed = client.patch(f"{PLACE}/{conversation_id}", json={"title": " 公寓\n事宜 "}, headers=headers)
    assert renamed.json()["title"] == kept(client, conversation_id)["summary"]["title"] == "公寓 事宜"
    for title, status in (("", 400), (" ", 400), ("题" * 201, 422), (None, 422)):
        reply = client.patch(f"{PLACE}/{conversation_id}", json={"title": title}, headers=headers)
        assert reply.status_code == status
        assert reply.json()["detail"]


def test_turn_that_is_asked_otherwise_stays(client: TestClient, talk: Callable[..., str]) -> None:
    conversation_id, headers = talk(RENT, RIVER, RENT), {"X-Zhengwen-User": "u-1"}
    forgotten = client.delete(f"{PLACE}/{conversation_id}/turns/1", headers=headers)
    assert (forgotten.status_code, forgotten.content) == (204, b"")
    assert [turn["question"] for turn in kept(client, conversation_id)["turns"]] == [RENT]
    body = {"question": RIVER, "conversation_id": conversation_id}
    assert client.post("/api/ask", json=body, headers=headers).status_code == 200
    assert [turn["question"] for turn in kept(client, conversation_id)["turns"]] == [RENT, RIVER]
    assert client.delete(f"{PLACE}/{conversation_id}/turns/2", headers=headers).status_code == 204
    assert kept(client, conversation_id)["summary"]["turns"] == 2
    for number in ("-1", "x", "501"):
        assert client.delete(f"{PLACE}/{conversation_id}/turns/{number}", headers=headers).status_code == 422


def test_list_misses_a_conversation_or_shows_it_twice(client: TestClient, talk: Callable[..., str]) -> None:
    made = [talk(title=f"第{i}次", user="u-list") for i in range(5)]
    headers = {"X-Zhengwen-User": "u-list"}
    seen: list[str] = []
    cursor = ""
    while True:
        # By hand and without escapes, as people put addresses together.
        page = client.get(f"{PLACE}?limit=2&cursor={cursor}", headers=headers).json()
        seen += [row["conversation_id"] for row in page["items"]]
        if not (cursor := page["cursor"]):
            break
    assert seen == made[::-1]
    for options in ({"limit": 0}, {"limit": 201}, {"cursor": "x" * 201}):
        assert client.get(PLACE, params=options, headers=headers).status_code == 422
    assert client.get(PLACE, params={"cursor": "昨天"}, headers=headers).status_code == 400


def test_search_finds_what_does_not_match(client: TestClient, talk: Callable[..., str]) -> None:
    by_title, by_question = talk(title="图书馆", user="u-search"), talk(RENT, title="其他", user="u-search")
    headers = {"X-Zhengwen-User": "u-search"}
    for wanted, found in (("图书", [by_title]), ("月租金", [by_question]), ("%", []), ("", [by_question, by_title])):
        rows = client.get(PLACE, params={"search": wanted}, headers=headers).json()["items"]
        assert [row["conversation_id"] for row in rows] == found, wanted
    assert client.get(PLACE, params={"search": "题" * 201}, headers=headers).status_code == 422


def test_full_conversation_costs_a_pass_or_takes_a_turn(
    pipeline: Pipeline, client_over: Callable[..., AbstractContextManager[TestClient]], database: Database
) -> None:
    store, owner = ConversationStore(database), Owner("")
    conversation_id = store.create(owner).conversation_id
    for _ in range(MAX_TURNS):
        store.append(owner, conversation_id, "问", '{"answer": "答"}')
    asked: list[str] = []

    class Counted:
        library, receipt = pipeline.library, pipeline.receipt

        def within(self, scope: Any) -> "Counted":
            return self

        def ask(self, text: str) -> Answer:
            return pipeline.ask(text)

        def stream(self, text: str, history: Any, scope: Any) -> Iterator[Any]:
            asked.append(text)
            yield from pipeline.stream(text, history, scope)

    with client_over(Counted, database=database_url(database)) as client:
        for stream in (False, True):
            body = {"question": RENT, "conversation_id": conversation_id, "stream": stream}
            reply = client.post("/api/ask", json=body)
            assert reply.status_code == 400
            assert str(MAX_TURNS) in reply.json()["detail"]
        assert asked == []
        assert client.post("/api/ask", json={"question": RENT}).status_code == 200
        assert asked == [RENT], "the test proves nothing"
        assert kept(client, conversation_id, "")["summary"]["turns"] == MAX_TURNS


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with Database.open(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}") as database:
        yield database


def database_url(database: Database) -> str:
    return f"sqlite:///{database._place}"


# --- nobody else's


def every_way_to(conversation_id: str) -> list[tuple[str, str, Json | None]]:
    one = f"{PLACE}/{conversation_id}"
    return [
        ("GET", one, None),
        ("GET", f"{one}/export", None),
        ("GET", f"{one}/export?format=json", None),
        ("PATCH", one, {"title": "别人的"}),
        ("POST", "/api/ask", {"question": RENT, "conversation_id": conversation_id}),
        ("POST", "/api/ask", {"question": RENT, "conversation_id": conversation_id, "stream": True}),
        ("DELETE", f"{one}/turns/0", None),
        ("DELETE", one, None),
    ]


@pytest.fixture(scope="module")
def guarded(pipeline: Pipeline, app_over: Callable[..., FastAPI]) -> Iterator[tuple[TestClient, Callable[..., NewKey]]]:
    """A client of a service that needs keys, and what makes them."""
    app = app_over(lambda: pipeline, require_keys="always", rate_per_minute_address=0)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        while client.get("/readyz").status_code != 200:
            pass
        database = client.app_state["database"]
        yield client, lambda *scopes, **options: KeyStore(database).create("test", scopes, **options)


def bearer(secret: str, user: str = "", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} | ({"X-Zhengwen-User": user} if user else {}) | more


def test_conversation_of_somebody_else_is_read_changed_or_told_of(
    guarded: tuple[TestClient, Callable[..., NewKey]],
) -> None:
    client, new_key = guarded
    portal, other = new_key(KeyScope.ASK).secret, new_key(KeyScope.ASK).secret
    page = new_key(KeyScope.ASK, KeyScope.EMBED, origins=("https://portal.example",)).secret

    def token(user: str) -> str:
        body = {"origin": "https://portal.example", "user": user}
        reply = client.post("/api/tokens", json=body, headers=bearer(page))
        secret: str = reply.json()["token"]
        return secret

    people = [
        bearer(portal),
        bearer(portal, "u-1"),
        bearer(portal, "u-2"),
        bearer(other),
        bearer(other, "u-1"),
        bearer(token("u-1"), Origin="https://portal.example"),
        bearer(token("u-2"), Origin="https://portal.example"),
    ]
    ids = []
    for headers in people:
        conversation_id = client.post(PLACE, json={}, headers=headers).json()["conversation_id"]
        body = {"question": RENT, "conversation_id": conversation_id}
        assert client.post("/api/ask", json=body, headers=headers).status_code == 200
        ids.append(conversation_id)
    never = "conv-0123456789abcdef01234567"
    for i, headers in enumerate(people):
        rows = client.get(PLACE, headers=headers).json()["items"]
        assert [row["conversation_id"] for row in rows] == [ids[i]]
        for conversation_id in {*ids} - {ids[i]}:
            for (method, path, body), (_, unknown, nothing) in zip(
                every_way_to(conversation_id), every_way_to(never), strict=True
            ):
                reply = client.request(method, path, json=body, headers=headers)
                told = client.request(method, unknown, json=nothing, headers=headers)
                assert reply.status_code == told.status_code == 404, path
                assert reply.json()["detail"].replace(conversation_id, never) == told.json()["detail"]
    for i, headers in enumerate(people):
        found = client.get(f"{PLACE}/{ids[i]}", headers=headers).json()
        assert (found["summary"]["title"], found["summary"]["turns"]) == (RENT, 1)


def test_visitors_without_a_name_share_their_conversations(
    guarded: tuple[TestClient, Callable[..., NewKey]], pipeline: Pipeline, client_over: Callable[..., Any]
) -> None:
    """A browser token without a user may be that of any visitor; so may a request to a service that needs no key."""
    client, new_key = guarded
    origin = "https://portal.example"
    page = new_key(KeyScope.ASK, KeyScope.EMBED, origins=(origin,)).secret
    token = client.post("/api/tokens", json={"origin": origin}, headers=bearer(page)).json()["token"]
    with client_over(lambda: pipeline, require_keys="never", host="0.0.0.0") as public:
        for visited, headers in ((client, bearer(token, Origin=origin)), (public, {})):
            assert visited.post("/api/ask", json={"question": RENT}, headers=headers).status_code == 200
            for method, path, body in (
                ("GET", PLACE, None),
                ("POST", PLACE, {}),
                *every_way_to("conv-0123456789abcdef01234567"),
            ):
                reply = visited.request(method, path, json=body, headers=headers)
                assert reply.status_code == 403, path
                assert "user" in reply.json()["detail"]
        named = {"X-Zhengwen-User": "u-1"}
        assert public.post(PLACE, json={}, headers=named).status_code == 201


def test_key_that_may_not_ask_keeps_conversations(guarded: tuple[TestClient, Callable[..., NewKey]]) -> None:
    client, new_key = guarded
    for scopes in ((KeyScope.SEARCH,), (KeyScope.ADMIN,), (KeyScope.EMBED,)):
        headers = bearer(new_key(*scopes).secret)
        for method, path, body in (
            ("GET", PLACE, None),
            ("POST", PLACE, {}),
            *every_way_to("conv-0123456789abcdef01234567"),
        ):
            reply = client.request(method, path, json=body, headers=headers)
            assert reply.status_code == 403, path
            assert "'ask'" in reply.json()["detail"]


# --- taken away


def test_file_lacks_a_question_an_answer_or_a_source(client: TestClient, talk: Callable[..., str]) -> None:
    conversation_id = talk(RENT, NOWHERE, title="公寓 & 火星")
    turns = kept(client, conversation_id)["turns"]
    headers = {"X-Zhengwen-User": "u-1"}
    for form, media in (("md", "text/markdown"), ("txt", "text/plain"), ("json", "application/json")):
        reply = client.get(f"{PLACE}/{conversation_id}/export", params={"format": form}, headers=headers)
        assert reply.headers["Content-Type"].startswith(media)
        disposition = reply.headers["Content-Disposition"]
        assert disposition.startswith(f'attachment; filename="conversation.{form}"')
        assert unquote(disposition.partition("UTF-8''")[2]) == f"公寓 & 火星.{form}"
        shown = reply.text.replace("\\", "")
        for turn in turns:
            assert turn["question"] in shown
            for line in turn["answer"]["answer"].split("\n"):
                assert json.dumps(line, ensure_ascii=False)[1:-1] in shown
            for citation in turn["answer"]["citations"]:
                assert citation["title"] in shown
                assert citation["doc_id"] in shown
    assert reply.json() == kept(client, conversation_id)
    assert client.get(f"{PLACE}/{conversation_id}/export", headers=headers).text.startswith("# 公寓 \\& 火星\n")
    refused = client.get(f"{PLACE}/{conversation_id}/export", params={"format": "pdf"}, headers=headers)
    assert refused.status_code == 422


def test_name_of_a_file_is_a_header_of_its_own(client: TestClient, talk: Callable[..., str]) -> None:
    for title in ('"; filename=evil.exe', "a/../b", "题\u202egnp.exe", "%0d%0aX: 1", "; x=1"):
        reply = client.get(f"{PLACE}/{talk(title=title)}/export", headers={"X-Zhengwen-User": "u-1"})
        disposition = reply.headers["Content-Disposition"]
        assert re.fullmatch(r"attachment; filename=\"conversation\.md\"; filename\*=UTF-8''[\w.~%-]+", disposition)
        assert unquote(disposition.partition("UTF-8''")[2]) == f"{title}.md"


PLANTED = (
    "<img src=x onerror=alert(1)> [点这里](http://evil.example) ![](http://evil.example/x.png) `代码` **粗** &lt; # 题"
)


def test_text_of_a_document_is_markup_in_a_file() -> None:
    lines = [PLANTED, "# 标题", "- 一项", "+ 一项", "1. 第一", "2) 第二", "===", "---", "| 甲 | 乙 |", "> 引", "~~~"]
    written = [escaped(line) for line in lines]
    for line, shown in zip(lines, written, strict=True):
        assert re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", shown) == line, "a character is lost"
        assert not re.search(r"(?<!\\)[<\[\]`*_#|~&!>]", shown)
        assert not re.match(r"[-+=#>]|\d+[.)]", shown)


@settings(max_examples=200)
@given(st.text(st.sampled_from("甲\\`*_[]<>#|~&!-+=1.) "), max_size=12))
def test_escaped_line_says_something_else(line: str) -> None:
    """What Markdown takes off again, a backslash before ASCII punctuation, gives the line back."""
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped(line)) == line.strip()


def test_id_or_title_that_is_none_is_a_server_error(client: TestClient) -> None:
    for path in (f"{PLACE}/%00", f"{PLACE}/%ff", f"{PLACE}/{'x' * 5000}", f"{PLACE}/..%2f..%2fetc"):
        for method in ("GET", "DELETE"):
            assert client.request(method, path).status_code in (404, 405)
    for title, status in (("\ud800", 422), ("甲\x00乙", 201)):
        reply = client.post(PLACE, content=json.dumps({"title": title}), headers={"Content-Type": "application/json"})
        assert reply.status_code == status
    assert reply.json()["title"] == "甲\ufffd乙"
