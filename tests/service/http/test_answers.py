"""Answers as files and as links: what this service said, for those who may see it, and marked when it no longer holds."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import docx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from indexer.retrieval import Library
from service.handout import FAILED
from service.pipeline import Pipeline
from service.records.keys import KeyStore
from service.records.types import KeyScope, NewKey

RENT = "公寓的月租金是多少？"
HOSTILE = "枫桥镇把生活垃圾分为哪三类？"
NOWHERE = "火星基地的氧气由谁供应？"
EXPORT, SHARE = "/api/answers/export", "/api/answers/share"

Json = dict[str, Any]


def asked(client: TestClient, question: str, **options: Any) -> Json:
    reply = client.post("/api/ask", json={"question": question} | options.pop("body", {}), **options)
    assert reply.status_code == 200, reply.text
    answer: Json = reply.json()
    return answer


# --- files


@pytest.mark.parametrize("question", [RENT, NOWHERE])
def test_file_lacks_the_question_the_answer_or_its_sources(client: TestClient, question: str) -> None:
    answer = asked(client, question)
    for form, media in (
        ("md", "text/markdown; charset=utf-8"),
        ("txt", "text/plain; charset=utf-8"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ):
        reply = client.post(EXPORT, params={"format": form}, json=answer)
        assert reply.status_code == 200, reply.text
        assert reply.headers["Content-Type"] == media
        disposition = reply.headers["Content-Disposition"]
        assert disposition.startswith(f'attachment; filename="answer.{form}"')
        assert unquote(disposition.partition("UTF-8''")[2]) == f"{question}.{form}"
        if form == "docx":
            written = "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(reply.content)).paragraphs)
        else:
            written = reply.text.replace("\\", "")
            for citation in answer["citations"]:
                assert citation["title"] in written
                assert citation["quote"] in written
        for part in (question, *(sentence["text"] for sentence in answer["sentences"])):
            assert part in written
        assert FAILED not in written
    assert client.post(EXPORT, json=answer).headers["Content-Type"] == media, "Word is what people expect"
    assert client.post(EXPORT, params={"format": "pdf"}, json=answer).status_code == 422


def test_forged_answer_becomes_a_file_that_looks_genuine(client: TestClient) -> None:
    text = json.dumps(asked(client, RENT), ensure_ascii=False).replace("三百二十元", "三百九十元")
    for form in ("md", "txt"):
        reply = client.post(EXPORT, params={"format": form}, json=json.loads(text))
        assert reply.status_code == 200
        assert FAILED in reply.text
        assert "请勿直接引用" in reply.text
    answer = asked(client, RENT)
    answer["citations"][0] |= {"title": "国务院文件", "published": "2026-01", "section": ["伪造"]}
    reply = client.post(EXPORT, params={"format": "txt"}, json=answer)
    assert "国务院" not in reply.text
    assert "伪造" not in reply.text


# --- links


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


@pytest.mark.parametrize("question", [RENT, NOWHERE])
def test_link_opens_another_answer(client: TestClient, question: str, check_answer: Callable[[Json], None]) -> None:
    answer = asked(client, question)
    reply = client.post(SHARE, json=answer)
    assert reply.status_code == 201, reply.text
    link = reply.json()
    assert link["url"] == f"/a/{link['id']}"
    opened = client.get(f"/api/answers/{link['id']}").json()
    assert opened["answer"] | {"timings": 0} == answer | {"timings": 0}
    assert (opened["holds"], opened["id"], opened["expires"]) == (True, link["id"], link["expires"])
    assert client.post(SHARE, json=answer).json() == link, "one answer, one link"
    page = client.get(link["url"])
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")


def test_link_goes_by_the_public_address(pipeline: Pipeline, client_over: Callable[..., Any]) -> None:
    with client_over(lambda: pipeline, public_url="https://policy.example.gov.cn/", share_days=0) as client:
        link = client.post(SHARE, json=asked(client, RENT)).json()
        assert link["url"] == f"https://policy.example.gov.cn/a/{link['id']}"
        assert link["expires"] is None


def test_something_this_service_never_said_is_shared(client: TestClient) -> None:
    answer = asked(client, RENT)
    forged = json.loads(json.dumps(answer, ensure_ascii=False).replace("三百二十元", "三百九十元"))
    link = client.post(SHARE, json=forged)
    assert link.status_code == 201, "only the receipt is read"
    opened = client.get(f"/api/answers/{link.json()['id']}")
    assert "三百九十" not in opened.text
    for change in ({"question": "月租金是多少元？"}, {"answer_sha256": "sha256:0"}, {"scope": {"regions": ["云江"]}}):
        reply = client.post(SHARE, json=answer | {"receipt": answer["receipt"] | change})
        assert reply.status_code == 409, change
        assert "重新提问" in reply.json()["detail"]
    assert client.post(SHARE, json={"receipt": {"question": RENT}}).status_code == 422
    blank = answer["receipt"] | {"scope": {"regions": [" "]}}
    assert client.post(SHARE, json={"receipt": blank}).status_code == 422


def test_filtered_answer_cannot_be_shared(client: TestClient) -> None:
    answer = asked(client, "东湾公园的投资是多少亿元？", body={"filters": {"regions": ["云江"]}})
    reply = client.post(SHARE, json=answer)
    assert reply.status_code == 201
    opened = client.get(f"/api/answers/{reply.json()['id']}").json()
    assert opened["answer"]["receipt"]["scope"] == answer["receipt"]["scope"]
    assert opened["answer"]["receipt"]["scope"]["regions"] == ["云江"]


def test_what_was_said_before_is_shared_along(client: TestClient) -> None:
    secret = "周局长的体检结果"
    history = [{"role": "user", "content": secret}, {"role": "assistant", "content": "没有找到。"}]
    history += [
        {"role": "user", "content": "东湾公园的投资是多少亿元？"},
        {"role": "assistant", "content": "2.8亿元。"},
    ]
    answer = asked(client, "那西滩公园呢？", body={"history": history})
    assert answer["understood"], "the test proves nothing"
    link = client.post(SHARE, json=answer)
    assert link.status_code == 201, link.text
    opened = client.get(f"/api/answers/{link.json()['id']}")
    assert opened.json()["answer"]["understood"] == answer["understood"]
    assert secret not in opened.text


def test_link_shows_documents_that_the_opener_may_not_see(
    guarded: tuple[TestClient, Callable[..., NewKey]],
) -> None:
    """A refusal tells of the documents too: of what they do not hold."""
    client, new_key = guarded
    ask, search = KeyScope.ASK, KeyScope.SEARCH
    everything = bearer(new_key(ask).secret, "u-1")
    some = bearer(new_key(ask, documents=("housing.txt", "city/*")).secret, "u-2")
    same = bearer(new_key(search, documents=("housing.txt", "c*")).secret)
    less = bearer(new_key(ask, documents=("housing.txt",)).secret)
    for question in (RENT, NOWHERE):
        of_all = client.post(SHARE, json=asked(client, question, headers=everything), headers=everything).json()["id"]
        of_some = client.post(SHARE, json=asked(client, question, headers=some), headers=some).json()["id"]

        def status(share_id: str, headers: dict[str, str]) -> int:
            return client.get(f"/api/answers/{share_id}", headers=headers).status_code

        assert [status(of_all, who) for who in (everything, some, same, less)] == [200, 404, 404, 404]
        assert [status(of_some, who) for who in (everything, some, same, less)] == [200, 200, 200, 404]
        never = "shr-" + "0" * 32
        hidden, unknown = (client.get(f"/api/answers/{i}", headers=less).json()["detail"] for i in (of_all, never))
        assert hidden.replace(of_all, never) == unknown, "it tells that there is such an answer"
        assert status(of_all, {}) == 401
        assert status(of_all, bearer(new_key(KeyScope.EMBED).secret)) == 403


def test_answer_to_somebody_with_a_wider_view_is_shared(guarded: tuple[TestClient, Callable[..., NewKey]]) -> None:
    client, new_key = guarded
    everything = bearer(new_key(KeyScope.ASK).secret)
    less = bearer(new_key(KeyScope.ASK, documents=("city/*",)).secret)
    answer = asked(client, RENT, headers=everything)
    assert answer["status"] == "answered"
    assert client.post(SHARE, json=answer, headers=less).status_code == 409


def test_link_is_made_or_taken_back_by_nobody(guarded: tuple[TestClient, Callable[..., NewKey]]) -> None:
    client, new_key = guarded
    origin = "https://portal.example"
    page = new_key(KeyScope.ASK, KeyScope.EMBED, origins=(origin,)).secret
    tokens = [
        client.post("/api/tokens", json={"origin": origin} | user, headers=bearer(page)).json()["token"]
        for user in ({}, {"user": "u-1"}, {"user": "u-2"})
    ]
    visitor, first, second = (bearer(token, Origin=origin) for token in tokens)
    answer = asked(client, RENT, headers=first)
    assert client.post(SHARE, json=answer, headers=visitor).status_code == 403
    assert client.post(SHARE, json=answer, headers=bearer(new_key(KeyScope.SEARCH).secret)).status_code == 403
    share_id = client.post(SHARE, json=answer, headers=first).json()["id"]
    for headers, status in ((visitor, 403), (second, 404), (bearer(page), 404), (first, 204), (first, 404)):
        assert client.delete(f"/api/answers/{share_id}", headers=headers).status_code == status
    assert client.get(f"/api/answers/{share_id}", headers=first).status_code == 404


def test_shared_answer_that_no_longer_holds_does_not_say_so(
    pipeline: Pipeline, client_over: Callable[..., AbstractContextManager[TestClient]], tmp_path: Any
) -> None:
    database = f"sqlite:///{tmp_path / 'records.db'}"
    with client_over(lambda: pipeline, database=database) as client:
        answer = asked(client, RENT)
        share_id = client.post(SHARE, json=answer).json()["id"]

    class Later:
        receipt = pipeline.receipt
        library = Library([replace(d, text="按：" + d.text) for d in pipeline.library.documents.values()], [])

        def ask(self, text: str) -> Any:
            return pipeline.ask(text)

    with client_over(Later, database=database) as client:
        opened = client.get(f"/api/answers/{share_id}").json()
        assert opened["holds"] is False
        assert {check["marker"] for check in opened["checks"] if check["problem"]} >= {1}
        assert opened["answer"]["answer"] == answer["answer"]


def test_sharing_counts_as_another_question(client: TestClient) -> None:
    nobody_else_asks = "木星基地的氧气由谁供应？"
    answer = asked(client, nobody_else_asks)
    for _ in range(2):
        assert client.post(SHARE, json=answer).status_code == 201
    rows = client.get("/api/admin/unanswered", params={"limit": 1000}).json()["items"]
    assert [row["count"] for row in rows if row["question"] == nobody_else_asks] == [1]
