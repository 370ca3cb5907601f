"""Dify's external knowledge interface, as Dify itself calls it and as its documentation has it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from indexer.document import Document
from indexer.errors import ModelError
from indexer.retrieval import Library
from indexer.scope import published_date
from service.http.dify import Condition, _earlier, _same, _span, _test
from service.http.errors import dify_error
from service.pipeline import Pipeline

QUESTION = "总投资是多少？"
GRANTS = "通知/二〇二四 种粮&补贴.md"
PARK = "city/park.md"

Json = dict[str, Any]


def body(question: str = QUESTION, knowledge: str = "zhengwen", **setting: Any) -> Json:
    return {
        "knowledge_id": knowledge,
        "query": question,
        "retrieval_setting": {"top_k": 10, "score_threshold": 0.0} | setting,
        "metadata_condition": None,  # as Dify sends it
    }


def records(client: TestClient, row: Json) -> list[Json]:
    reply = client.post("/retrieval", json=row, headers={"Authorization": "Bearer any"})
    assert reply.status_code == 200, reply.text
    assert reply.json().keys() == {"records"}
    return reply.json()["records"]


def where(*conditions: Json, operator: str | None = "and") -> Json:
    return {"metadata_condition": {"logical_operator": operator, "conditions": list(conditions)}}


def condition(name: Any, operator: str, value: Any = None) -> Json:
    row = {"name": name, "comparison_operator": operator}
    return row if value is None else row | {"value": value}


def found(client: TestClient, *conditions: Json, operator: str | None = "and", **options: Any) -> set[str]:
    """The documents that passages come from."""
    row = body(top_k=100, **options) | where(*conditions, operator=operator)
    return {record["metadata"]["doc_id"] for record in records(client, row)}


def assert_error(reply: Any, status: int, code: int) -> str:
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/json"
    row = reply.json()
    assert row.keys() == {"error_code", "error_msg"}
    assert row["error_code"] == code
    assert row["error_msg"]
    return row["error_msg"]


def test_records_are_other_passages_than_the_search_finds(
    client: TestClient, pipeline: Pipeline, library: Library
) -> None:
    for k in (1, 3, 10):
        rows = records(client, body(top_k=k))
        hits = pipeline.search(QUESTION, k)
        assert len(rows) == len(hits) <= k
        for row, hit in zip(rows, hits, strict=True):
            passage = hit.passage
            document = library.document(passage.doc_id)
            assert row.keys() == {"content", "score", "title", "metadata"}
            assert (row["content"], row["title"]) == (library.text(passage), document.title)
            metadata = row["metadata"]
            assert metadata["passage_id"] == passage.passage_id
            assert document.text[metadata["start"] : metadata["end"]] == row["content"]
            assert metadata["url"].endswith(f"#char={passage.start},{passage.end}")
            assert all(isinstance(value, str | int) for value in metadata.values())


@given(st.sampled_from(["总投资是多少？", "公寓的月租金是多少？", "火星基地的氧气由谁供应？", "补贴", "海洋"]))
def test_score_is_outside_its_range_or_rises_with_the_rank(client: TestClient, question: str) -> None:
    scores = [record["score"] for record in records(client, body(question, top_k=100))]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len(set(scores)) > 1


def test_threshold_lets_through_what_is_below_it(client: TestClient) -> None:
    everything = records(client, body())
    assert records(client, body(score_threshold=None)) == everything
    for threshold in (0.0, 0.3, everything[2]["score"], 1.0):
        assert records(client, body(score_threshold=threshold)) == [
            record for record in everything if record["score"] >= threshold
        ]


def test_folder_gives_passages_of_another_one(client: TestClient, library: Library) -> None:
    for folder in ("city", "/city/", "通知"):
        ids = {record["metadata"]["doc_id"] for record in records(client, body(knowledge=folder, top_k=100))}
        assert ids
        assert all(doc_id.startswith(folder.strip("/") + "/") for doc_id in ids)
    inside = found(client, condition("title", "not empty"), knowledge="city")
    assert inside
    assert inside <= {doc_id for doc_id in library.documents if doc_id.startswith("city/")}


@pytest.mark.parametrize("knowledge", ["none", "", "/", "cit", "city/park.md", "*", "[c]ity", "..", "城" * 5000])
def test_knowledge_that_there_is_not_is_everything_or_nothing(client: TestClient, knowledge: str) -> None:
    message = assert_error(client.post("/retrieval", json=body(knowledge=knowledge)), 404, 2001)
    assert "zhengwen" in message
    assert len(message) < 300


# --- conditions on metadata


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("issuer", "is", "云江市园林局", {PARK}),
        ("issuer", "contains", "园林", {PARK}),
        ("issuer", "start with", "云江", {PARK}),
        ("issuer", "end with", "农业局", {GRANTS}),
        ("issuer", "in", ["云江市园林局", "白鹭县农业局"], {PARK, GRANTS}),
        ("authors", "contains", "何秋实", {PARK}),
        (["kind", "issuer"], "contains", "园林", {PARK}),
        ("doc_id", "start with", "city/", {PARK, "city/buses.txt"}),
        ("published", "before", "2024", {PARK, "hostile.md"}),
        ("published", "after", "2023-05", {GRANTS}),
        ("published", ">", 2023, {GRANTS}),
        ("published", "≥", "2023", {PARK, GRANTS}),
        ("published", "≤", "2022", {"hostile.md"}),
        ("published", "<", "2023-05-16", {"hostile.md"}),
        ("published", "=", 2024, {GRANTS}),
        ("region", "is", "不存在的地方", set()),
    ],
    ids=str,
)
def test_condition_lets_through_another_document(
    client: TestClient, name: Any, operator: str, value: Any, expected: set[str]
) -> None:
    assert found(client, condition(name, operator, value)) == expected


@pytest.mark.parametrize(
    ("operator", "opposite", "value"),
    [
        ("contains", "not contains", "园林"),
        ("is", "is not", "云江市园林局"),
        ("in", "not in", ["云江市园林局", "白鹭县农业局"]),
        ("not empty", "empty", None),
    ],
)
@pytest.mark.parametrize("name", ["issuer", ["kind", "issuer"]], ids=str)
def test_condition_and_its_opposite_share_a_document(
    library: Library, name: Any, operator: str, opposite: str, value: Any
) -> None:
    passes = _test(Condition(name=name, comparison_operator=operator, value=value))
    fails = _test(Condition(name=name, comparison_operator=opposite, value=value))
    answers = {passes(document) for document in library.documents.values()}
    assert answers == {True, False}, "the condition tells nothing apart"
    assert all(passes(document) is not fails(document) for document in library.documents.values())


def test_conditions_are_joined_the_other_way(client: TestClient) -> None:
    one, other = condition("issuer", "contains", "园林"), condition("region", "contains", "白鹭")
    assert found(client, one, other, operator="or") == {PARK, GRANTS}
    for operator in ("and", None):
        assert found(client, one, other, operator=operator) == set()
        assert found(client, one, condition("published", "after", "2022"), operator=operator) == {PARK}
    assert found(client) == found(client, condition("title", "not empty")), "no condition lets everything through"


days = st.dates().map(str)
dates = st.builds(lambda day, length: day[:length], days, st.sampled_from([4, 7, 10]))


@given(dates, dates)
def test_dates_of_different_exactness_are_in_two_orders(one: str, other: str) -> None:
    assert _earlier(one, other) + _earlier(other, one) <= 1
    if _same(one, other) or _same(other, one):
        assert not _earlier(one, other)
        assert not _earlier(other, one)
    assert _same(one, one)
    assert not _earlier(one, one)
    if len(one) == len(other):
        assert _earlier(one, other) == (one < other)


@given(st.text())
def test_text_that_is_no_date_is_one(text: str) -> None:
    span = _span(text)
    assert (span is None) or (len(text) in (4, 7, 10) and text[:4].isdecimal() and text.isascii())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (condition("颜色", "is", "红"), "issuer"),
        (condition([], "is", "红"), "issuer"),
        (condition(["issuer", "colour"], "is", "红"), "colour"),
        (condition("issuer", "regex", ".*"), "not contains"),
        (condition("issuer", "is"), "value"),
        (condition("issuer", "contains", ""), "value"),
        (condition("issuer", "before", "2022"), "published"),
        (condition("published", "before", "昨天"), "2022-11-30"),
        (condition("published", "="), "2022-11-30"),
    ],
    ids=str,
)
def test_condition_that_cannot_be_understood_is_passed_over(client: TestClient, row: Json, told: str) -> None:
    reply = client.post("/retrieval", json=body() | where(row))
    assert told in assert_error(reply, 422, 422)


# --- errors


def test_dify_cannot_register_the_service(client: TestClient) -> None:
    # It posts without a body, and takes 403, 404 and 502 for a wrong address or key.
    reply = client.post("/retrieval", headers={"Authorization": "Bearer any"})
    assert_error(reply, 422, 422)


@pytest.mark.parametrize("header", ["zw-1", "Basic eDp5", "Bearer", "Bearer ", "bearer\tzw-1", ""])
def test_malformed_authorization_is_told_as_something_else(client: TestClient, header: str) -> None:
    reply = client.post("/retrieval", json=body(), headers={"Authorization": header})
    assert "Bearer" in assert_error(reply, 403, 1001)


def test_refused_key_is_told_as_something_else() -> None:
    assert dify_error(401, "x")["error_code"] == dify_error(403, "x")["error_code"] == 1002


@pytest.mark.parametrize(
    "change",
    [
        {"query": ""},
        {"query": "？"},
        {"query": "元" * 5000},
        {"query": None},
        {"knowledge_id": None},
        {"retrieval_setting": None},
        {"retrieval_setting": {"top_k": 0}},
        {"retrieval_setting": {"top_k": 101}},
        {"retrieval_setting": {"top_k": 3, "score_threshold": 1.5}},
        {"metadata_condition": {"conditions": [{"name": "title"}]}},
        {"metadata_condition": {"logical_operator": "xor", "conditions": []}},
    ],
    ids=str,
)
def test_bad_request_has_another_shape_or_is_a_bug(client: TestClient, change: Json) -> None:
    assert_error(client.post("/retrieval", json=body() | change), 422, 422)


def test_other_failure_has_another_shape(
    client: TestClient, client_over: Callable[..., AbstractContextManager[TestClient]]
) -> None:
    assert_error(client.post("/retrieval", content=b"{", headers={"Content-Type": "application/json"}), 400, 400)
    assert_error(client.post("/retrieval", content=b"x" * 2_000_000), 413, 413)
    assert_error(client.get("/retrieval"), 405, 405)

    def never() -> Pipeline:
        raise ModelError("the embedder is gone")

    with client_over(never, ready=False) as loading:
        reply = loading.post("/retrieval", json=body())
        assert_error(reply, 503, 503)
        assert int(reply.headers["Retry-After"]) > 0


def test_corpus_no_longer_shows_what_the_conditions_are_for(library: Library) -> None:
    def dated(document: Document) -> bool:
        return bool(published_date(document))

    assert {d.doc_id for d in library.documents.values() if dated(d)} == {PARK, GRANTS, "hostile.md"}
