"""The native interface: answers, passages, documents with outline, version."""

import json
import os
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from indexer.retrieval import Library
from service.pipeline import Pipeline

QUESTION = "公寓的月租金是多少？"


def test_same_question_gets_another_answer_over_http(client: TestClient, pipeline: Pipeline) -> None:
    over_http = [client.post("/api/ask", json={"question": QUESTION}).json() for _ in range(2)]
    for row in over_http:
        row.pop("timings")
    direct = pipeline.ask(QUESTION).to_json()
    assert over_http[0] == over_http[1]
    assert over_http[0]["id"] == direct["id"]
    assert over_http[0]["answer"] == direct["answer"]


def test_follow_up_is_asked_without_its_conversation(client: TestClient) -> None:
    history = [
        {"role": "user", "content": "西滩公园的投资是多少亿元？"},
        {"role": "assistant", "content": "总投资2.1亿元。"},
    ]
    alone = client.post("/api/ask", json={"question": "面积呢？"}).json()
    followed = client.post("/api/ask", json={"question": "面积呢？", "history": history}).json()
    assert followed["question"] == "面积呢？"
    assert followed["id"] != alone["id"]
    shown = {passage["doc_id"] for passage in followed["passages"]}
    assert "city/park.md" in shown


def test_search_gives_other_passages_than_the_pipeline_or_more_than_asked_for(
    client: TestClient, pipeline: Pipeline, library: Library
) -> None:
    for k in (1, 3, 100):
        passages = client.post("/api/search", json={"question": QUESTION, "k": k}).json()["passages"]
        hits = pipeline.search(QUESTION, k)
        assert [p["passage_id"] for p in passages] == [hit.passage.passage_id for hit in hits]
        assert 1 <= len(passages) <= k
        for passage in passages:
            text = library.document(passage["doc_id"]).text
            assert text[passage["start"] : passage["end"]] == passage["text"]


def test_document_is_missing_from_the_list_or_described_wrongly(
    client: TestClient, library: Library, originals: dict[str, str]
) -> None:
    rows = client.get("/api/documents").json()["documents"]
    assert [row["doc_id"] for row in rows] == sorted(originals)
    fields = (
        "doc_id title source_title issuer authors region published kind period note number signed effective expires repealed "
        "level subject repeals amends validity sha256 characters passages"
    )
    for row in rows:
        document = library.document(row["doc_id"])
        assert row.keys() == set(fields.split())
        assert row["title"] == document.title
        assert row["characters"] == len(document.text)
        assert row["passages"] > 0
    park = next(row for row in rows if row["doc_id"] == "city/park.md")
    assert (park["issuer"], park["region"], park["published"]) == ("云江市园林局", "云江", "2023-05-16")
    assert park["authors"] == ["周明远", "何秋实"]


def test_document_cannot_be_fetched_by_its_id(client: TestClient, library: Library, originals: dict[str, str]) -> None:
    for doc_id in originals:
        body = client.get(f"/api/documents/{quote(doc_id)}").json()
        assert body["doc_id"] == doc_id
        assert body["text"] == library.document(doc_id).text


def test_outline_does_not_fit_the_text(client: TestClient, originals: dict[str, str]) -> None:
    sections = 0
    for doc_id in originals:
        body = client.get(f"/api/documents/{quote(doc_id)}").json()
        for section in body["outline"]:
            assert section.keys() == {"title", "path", "depth", "start", "end"}
            assert 0 <= section["start"] < section["end"] <= len(body["text"])
            assert section["title"] in body["text"][section["start"] :].split("\n")[0]
            assert section["path"][-1] == section["title"]
            assert len(section["path"]) == section["depth"]
        sections += len(body["outline"])
    assert sections >= 10
    park = client.get("/api/documents/city/park.md").json()
    assert ["一、总体目标", "（一）近期安排"] in [section["path"] for section in park["outline"]]


def test_version_tells_another_index_than_the_answers(client: TestClient, pipeline: Pipeline) -> None:
    body = client.get("/version").json()
    receipt = client.post("/api/ask", json={"question": QUESTION}).json()["receipt"]
    made_by = {key: receipt[key] for key in ("version", "index", "models", "prompt")}
    assert body == made_by | {"worker": os.getpid(), "problem": None}
    assert body["index"] == pipeline.receipt.index == client.get("/readyz").json()["index"]


def test_schema_of_the_interface_cannot_be_had(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    assert {"/api/ask", "/api/search", "/v1/chat/completions", "/healthz"} <= schema["paths"].keys()


@pytest.mark.parametrize("extra", [{"unknown": 1}, {"history": []}, {"temperature": 0}])
def test_unknown_or_empty_field_changes_the_answer(
    client: TestClient, extra: dict[str, Any], check_answer: Callable[[dict[str, Any]], None]
) -> None:
    plain = client.post("/api/ask", json={"question": QUESTION}).json()
    row = client.post("/api/ask", json={"question": QUESTION} | extra).json()
    check_answer(row)
    assert row["id"] == plain["id"]


# --- checking a saved answer


def test_saved_answer_that_holds_is_said_not_to(client: TestClient, pipeline: Pipeline) -> None:
    for question in (QUESTION, "园林局的工作内容包括哪些？", "火星基地的氧气由谁供应？"):
        saved = client.post("/api/ask", json={"question": question}).json()
        reply = client.post("/api/citations/verify", json=saved)
        assert reply.status_code == 200
        body = reply.json()
        assert body["holds"] is True
        assert [check["marker"] for check in body["checks"] if check["marker"]] == [
            c["marker"] for c in saved["citations"]
        ]
        assert len(body["checks"]) == len(saved["citations"]) + len(saved["sentences"])
        assert all(check.keys() == {"marker", "text", "problem"} for check in body["checks"])


@pytest.mark.parametrize("part", ["answer", "sentences", "citations"])
def test_edited_saved_answer_is_said_to_hold(client: TestClient, part: str) -> None:
    saved = client.post("/api/ask", json={"question": QUESTION}).json()
    changed = saved | {part: json.loads(json.dumps(saved[part], ensure_ascii=False).replace("三百二十", "三百一十"))}
    assert changed != saved
    body = client.post("/api/citations/verify", json=changed).json()
    assert body["holds"] is False
    assert any(check["problem"] for check in body["checks"])


@pytest.mark.parametrize(
    "change",
    [
        {"answer": None},
        {"sentences": {}},
        {"sentences": [{"text": 5, "citations": []}]},
        {"sentences": [{"text": "x", "citations": [True]}]},
        {"citations": [{}]},
        {"receipt": None},
        {"receipt": {}},
        {"receipt": {"models": {"composer": 1}}},
        {"notice": 3},
    ],
)
def test_body_that_is_no_saved_answer_is_a_server_error(client: TestClient, change: dict[str, Any]) -> None:
    saved = client.post("/api/ask", json={"question": QUESTION}).json()
    for body in (saved | change, {}, saved | {"citations": saved["citations"] * 2}):
        reply = client.post("/api/citations/verify", json=body)
        assert reply.status_code == 422
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.json()["detail"]


def test_example_of_the_interface_is_not_in_chinese_or_not_accepted(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    example = schema["components"]["schemas"]["SavedAnswerBody"]["examples"][0]
    assert re.search(r"[\u4e00-\u9fff]", example["answer"])
    assert client.post("/api/citations/verify", json=example).status_code == 200
