"""The native interface: answers, passages, documents with outline, version."""

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
        {"role": "user", "content": "东湾公园的投资是多少亿元？"},
        {"role": "assistant", "content": "总投资2.8亿元。"},
    ]
    alone = client.post("/api/ask", json={"question": "那西滩公园呢？"}).json()
    followed = client.post("/api/ask", json={"question": "那西滩公园呢？", "history": history}).json()
    assert followed["question"] == "那西滩公园呢？"
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
    fields = "doc_id title source_title issuer authors region published kind period note sha256 characters passages"
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
    assert body == receipt
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
