"""The OpenAPI document: whole, with examples in Chinese, and true of what the service sends and takes."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import schemathesis
from starlette.testclient import TestClient

Json = dict[str, Any]

RENT = "公寓的月租金是多少？"
CHAT = {"model": "zhengwen", "messages": [{"role": "user", "content": RENT}]}
RETRIEVAL = {"knowledge_id": "zhengwen", "query": RENT, "retrieval_setting": {"top_k": 3, "score_threshold": 0}}
# What has nothing to say in Chinese.
_PLAIN = {
    "/healthz",
    "/readyz",
    "/version",
    "/v1/models",
    "/v1/models/{model}",
    "/api/tokens",
    "/api/feedback",
    "/api/admin/reload",
    "/api/admin/report/link",
    "/api/admin/versions",
    "/api/admin/rollback",
    "/api/admin/feedback/{feedback_id}",
}
# What needs a key with origins, or something that is there already.
_NEEDS_MORE = {
    "/api/answers/share",  # of an answer that this service gave
    "/api/tokens",
    "/api/admin/rollback",
    "/api/admin/feedback/{feedback_id}",
    "/api/conversations/{conversation_id}",
}


@pytest.fixture(scope="module")
def schema(client: TestClient) -> Json:
    return client.get("/openapi.json").json()


def operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def json_bodies(schema: Json) -> Iterator[tuple[str, Json]]:
    """(where, media type object) of every JSON body of a request or reply."""
    for path, method, operation in operations(schema):
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in bodies.items():
            for media, content in body.get("content", {}).items():
                if "json" in media:
                    yield f"{method} {path} {name}", content


def examples(schema: Json, content: Json) -> list[Any]:
    if "example" in content:
        return [content["example"]]
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    return schema["components"]["schemas"].get(name, {}).get("examples", [])


def strict(schema: Any) -> Any:
    """The same, where an object has no other fields than those described."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(value) for key, value in schema.items()}
    return found | {"additionalProperties": False} if "properties" in found and found.get("type") == "object" else found


def assert_fits(value: Any, shape: Json, schema: Json, *, more: bool = False) -> None:
    """`more` lets objects have fields that are not described."""
    described = {**shape, "components": schema["components"]}
    jsonschema.validate(value, described if more else strict(described))


def test_document_is_not_valid(schema: Json) -> None:
    schemathesis.openapi.from_dict(schema).validate()


def test_operation_has_no_name_or_shares_it(schema: Json) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in names), "generated clients are named after these"
    for path, method, operation in operations(schema):
        if path != "/metrics":
            assert operation["tags"], f"{method} {path}"
            assert operation["summary"]


def test_body_has_no_example(schema: Json) -> None:
    for where, content in json_bodies(schema):
        shown = examples(schema, content)
        assert shown, where
        if where.split(" ")[1] not in _PLAIN and ("request" in where or where.endswith(" 200")):
            assert re.search(r"[\u4e00-\u9fff]", json.dumps(shown, ensure_ascii=False)), where


def test_example_is_not_what_the_schema_says(schema: Json) -> None:
    for where, content in json_bodies(schema):
        for example in examples(schema, content):
            try:
                assert_fits(example, content["schema"], schema, more=where.endswith("request"))
            except jsonschema.ValidationError as error:
                raise AssertionError(f"{where}: {error.message}") from error


def test_example_of_a_request_is_refused(client: TestClient, schema: Json) -> None:
    for path, method, operation in operations(schema):
        if "requestBody" in operation and path not in _NEEDS_MORE:
            content = operation["requestBody"]["content"]["application/json"]
            for example in examples(schema, content):
                reply = client.request(method, path, json=example)
                assert reply.status_code in (200, 201), f"{method} {path}: {reply.text}"


@pytest.mark.parametrize(
    ("method", "path", "route", "body", "status"),
    [
        ("post", "/api/ask", "", {"question": RENT}, 200),
        ("post", "/api/ask", "", {"question": "火星基地的氧气由谁供应？"}, 200),
        ("post", "/api/ask", "", {"question": ""}, 422),
        ("post", "/api/search", "", {"question": RENT}, 200),
        ("get", "/api/documents", "", None, 200),
        ("get", "/api/documents/city/park.md", "/api/documents/{doc_id}", None, 200),
        ("get", "/api/documents/none.md", "/api/documents/{doc_id}", None, 404),
        ("post", "/v1/chat/completions", "", CHAT, 200),
        ("post", "/v1/chat/completions", "", CHAT | {"model": "x"}, 404),
        ("post", "/v1/chat/completions", "", CHAT | {"n": 2}, 400),
        ("post", "/v1/chat/completions", "", {}, 422),
        ("get", "/v1/models", "", None, 200),
        ("get", "/v1/models/zhengwen", "/v1/models/{model}", None, 200),
        ("post", "/retrieval", "", RETRIEVAL, 200),
        ("post", "/retrieval", "", RETRIEVAL | {"knowledge_id": "x"}, 404),
        ("post", "/api/conversations", "", {}, 201),
        ("post", "/api/conversations", "", {"title": "题" * 201}, 422),
        ("get", "/api/conversations", "", None, 200),
        ("get", "/api/conversations/conv-1", "/api/conversations/{conversation_id}", None, 404),
        ("delete", "/api/conversations/conv-1", "/api/conversations/{conversation_id}", None, 404),
        ("post", "/api/feedback", "", {"answer": {"id": "ans-1", "question": "？"}, "verdict": "up"}, 201),
        ("post", "/api/feedback", "", {"answer": {}, "verdict": "up"}, 400),
        ("get", "/api/admin/feedback", "", None, 200),
        ("get", "/api/admin/unanswered", "", None, 200),
        ("get", "/api/admin/unanswered?since=x", "/api/admin/unanswered", None, 400),
        ("get", "/api/admin/report", "", None, 404),
        ("post", "/api/admin/reload", "", None, 200),
        ("get", "/healthz", "", None, 200),
        ("get", "/readyz", "", None, 200),
        ("get", "/version", "", None, 200),
    ],
    ids=str,
)
def test_reply_is_not_what_the_schema_says(
    client: TestClient, schema: Json, method: str, path: str, route: str, body: Json | None, status: int
) -> None:
    reply = client.request(method, path, json=body)
    assert reply.status_code == status
    described = schema["paths"][route or path][method]["responses"][str(status)]["content"]
    media = reply.headers["Content-Type"].split(";")[0]
    assert_fits(reply.json(), described[media]["schema"], schema)


def test_verification_is_not_what_the_schema_says(client: TestClient, schema: Json) -> None:
    saved = client.post("/api/ask", json={"question": RENT}).json()
    shape = schema["paths"]["/api/citations/verify"]["post"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    for body in (saved, saved | {"answer": "别的"}):
        assert_fits(client.post("/api/citations/verify", json=body).json(), shape, schema)


def test_chunk_of_a_stream_has_fields_that_no_completion_has(client: TestClient, schema: Json) -> None:
    operation = schema["paths"]["/v1/chat/completions"]["post"]
    shown = operation["responses"]["200"]["content"]["text/event-stream"]["example"]
    real = client.post("/v1/chat/completions", json=CHAT | {"stream": True}).text

    def keys(stream: str) -> list[set[str]]:
        rows = [line.removeprefix("data: ") for line in stream.split("\n") if line.startswith("data: {")]
        found = [set(json.loads(row)) | set(json.loads(row)["choices"][0]["delta"]) for row in rows]
        return [own for own, _ in itertools.groupby(found)]  # an answer has as many chunks as sentences

    assert keys(shown) == keys(real)
    assert shown.endswith("data: [DONE]\n\n")
