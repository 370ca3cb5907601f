"""Filters reach the answer through every route, and one that cannot be used never ends in an answer from everything."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from starlette.testclient import TestClient

from indexer.scope import EVERYTHING, Scope
from service.http.filters import Filters, scope_of
from service.pipeline import Pipeline

Json = dict[str, Any]

QUESTION = "总投资多少亿元？"
PARK = {
    "issuers": ["园林局"],
    "regions": ["云江市"],
    "kinds": ["方案"],
    "as_of": "2024-06",
    "validity": ["unknown", "现行有效"],
    "published_from": "2023",
    "published_to": "2023",
}
SCOPE = Scope(
    (), ("园林局",), ("云江市",), ("方案",), "2023", "2023", as_of="2024-06", validity=("unknown", "现行有效")
)


def chat(question: str, **more: object) -> Json:
    return {"model": "zhengwen", "messages": [{"role": "user", "content": question}], **more}


ROUTES: dict[str, Callable[[object], Json]] = {
    "/api/ask": lambda filters: {"question": QUESTION, "filters": filters},
    "/api/search": lambda filters: {"question": QUESTION, "filters": filters},
    "/v1/chat/completions": lambda filters: chat(QUESTION, filters=filters),
}


def events(text: str) -> list[Json]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_filter_is_passed_over(client: TestClient, pipeline: Pipeline) -> None:
    answer = pipeline.ask(QUESTION, scope=SCOPE)
    assert {passage.doc_id for passage in answer.passages} == {"city/park.md"}
    row = client.post("/api/ask", json={"question": QUESTION, "filters": PARK}).json()
    assert (row["id"], row["receipt"]["answer_sha256"]) == (answer.id, answer.to_json()["receipt"]["answer_sha256"])
    found = client.post("/api/search", json={"question": QUESTION, "k": 50, "filters": PARK}).json()["passages"]
    assert {passage["doc_id"] for passage in found} == {"city/park.md"}
    reply = client.post("/v1/chat/completions", json=chat(QUESTION, filters=PARK)).json()
    assert reply["grounding"]["receipt"]["answer_sha256"] == row["receipt"]["answer_sha256"]
    assert reply["choices"][0]["message"]["content"] == answer.text


def test_extra_body_of_the_official_client_is_passed_over(client: TestClient, pipeline: Pipeline) -> None:
    sdk = openai.OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="unused", http_client=client, max_retries=0)
    ask = sdk.chat.completions.create
    reply = ask(model="zhengwen", messages=[{"role": "user", "content": QUESTION}], extra_body={"filters": PARK})
    assert reply.choices[0].message.content == pipeline.ask(QUESTION, scope=SCOPE).text
    with pytest.raises(openai.UnprocessableEntityError, match="可选的有云江"):
        ask(
            model="zhengwen",
            messages=[{"role": "user", "content": QUESTION}],
            extra_body={"filters": {"regions": ["南岭"]}},
        )


def test_stream_answers_from_everything(client: TestClient, pipeline: Pipeline) -> None:
    answer = pipeline.ask(QUESTION, scope=SCOPE)
    passages, *_, last = events(
        client.post("/api/ask", json={"question": QUESTION, "filters": PARK, "stream": True}).text
    )
    assert {passage["doc_id"] for passage in passages["passages"]} == {"city/park.md"}
    assert last["answer"] == answer.text
    first, *chunks = events(client.post("/v1/chat/completions", json=chat(QUESTION, filters=PARK, stream=True)).text)
    assert len(first["search_results"]) == len(answer.passages)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == answer.text


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("filters", [None, {}, {"regions": [], "published_from": ""}])
def test_no_filter_at_all_narrows_or_fails(client: TestClient, path: str, filters: object) -> None:
    body = ROUTES[path](filters)
    without = {key: value for key, value in body.items() if key != "filters"}
    one, other = (client.post(path, json=sent).json() for sent in (body, without))
    assert one.get("answer") == other.get("answer")
    assert one.get("passages") == other.get("passages")
    assert one.get("choices") == other.get("choices")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"regions": ["南岭"]}, "没有地区与“南岭”相符的文件：可选的有云江、白鹭县。"),
        ({"issuers": ["南岭县政府"]}, "没有发布机构与“南岭县政府”相符的文件：可选的有"),
        ({"documents": ["nowhere/*"]}, "没有文件路径与“nowhere/*”相符的文件"),
        ({"kinds": ["方案"], "regions": ["白鹭县"]}, "没有种类与“方案”相符的"),
        ({"published_from": "2022-13"}, "2022-13"),
        ({"published_from": "明年"}, "明年"),
        ({"published_to": "2022-02-30"}, "不是日期"),
        ({"as_of": "2022-02-30"}, "不是日期"),
        ({"validity": ["valid"]}, "不认识效力状态"),
        ({"published_from": "2023", "published_to": "2022"}, "晚于截止"),
        ({"regions": [" "]}, "空的"),
        ({"regions": [""]}, "filters.regions"),
        ({"regions": "云江"}, "filters.regions"),
        ({"regions": [1]}, "filters.regions"),
        ({"regions": ["x"] * 101}, "filters.regions"),
        ({"documents": ["x" * 301]}, "filters.documents"),
        ({"published_from": 2022}, "filters.published_from"),
        ({"region": ["云江"]}, "filters.region"),
        ({"visible": ["*"]}, "filters.visible"),
        (["云江"], "filters"),
        ("云江", "filters"),
    ],
)
def test_filter_that_cannot_be_used_is_answered_or_not_named(
    client: TestClient, path: str, filters: object, said: str
) -> None:
    for body in (ROUTES[path](filters), ROUTES[path](filters) | {"stream": True}):
        reply = client.post(path, json=body)
        assert reply.status_code == 422, reply.text
        row = reply.json()
        assert said in (row["error"]["message"] if path.startswith("/v1/") else row["detail"])


@pytest.mark.parametrize("path", ROUTES)
def test_half_a_character_in_a_filter_ends_in_a_bug(client: TestClient, path: str) -> None:
    body = json.dumps(ROUTES[path]({"regions": ["\ud83d"]}))
    reply = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422


def test_asker_widens_what_may_be_seen() -> None:
    assert scope_of(None) == scope_of(Filters()) == EVERYTHING
    assert scope_of(Filters(documents=("*",))) == Scope(documents=("*",))
    assert "visible" not in Filters.model_fields


def test_interface_does_not_describe_the_filters(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name in ("AskRequest", "SearchRequest", "ChatRequest"):
        assert "Filters" in json.dumps(schemas[name]["properties"]["filters"])
    assert schemas["Filters"]["additionalProperties"] is False
    assert schemas["Filters"]["properties"].keys() == {
        "documents",
        "issuers",
        "regions",
        "kinds",
        "published_from",
        "as_of",
        "validity",
        "published_to",
    }
