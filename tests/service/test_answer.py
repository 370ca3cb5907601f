"""The answer object is the same, in shape and in what it says, wherever it comes out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from indexer.scope import Scope
from service.answer import SavedAnswer
from service.pipeline import Pipeline

Json = dict[str, Any]
Ask = Callable[[str], Json]

QUESTIONS = [
    "公寓管理处应当在多少个工作日以内答复申请人？",  # a sentence with two spans
    "种粮补贴款什么时候打入农户账户？",  # a character of four bytes before the span
    "园林局的工作内容包括哪些？",  # several sentences
    "水稻、小麦、大豆每亩补贴分别多少？",  # table rows
    "火星基地的氧气由谁供应？",  # refused
]


@pytest.fixture(params=["command", "batch", "http", "grounding"])
def ask(
    request: pytest.FixtureRequest, index: Path, tmp_path: Path, command: Callable[..., Any], client: TestClient
) -> Ask:
    """One way to ask; each returns the answer object as decoded from what was printed, written or sent."""

    def by_command(question: str) -> Json:
        finished = command("ask", question, "--json", "--index", index)
        assert (finished.code, finished.err) == (0, "")
        return json.loads(finished.out)  # type: ignore[no-any-return]

    def by_batch(question: str) -> Json:
        (tmp_path / "in.jsonl").write_text(json.dumps({"id": "q-1", "question": question}), encoding="utf-8")
        finished = command("ask", "--batch", tmp_path / "in.jsonl", "--out", tmp_path / "out.jsonl", "--index", index)
        assert (finished.code, finished.out, finished.err) == (0, "", "")
        row = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
        assert row["id"] == "q-1"
        return row  # type: ignore[no-any-return]

    def by_http(question: str) -> Json:
        return client.post("/api/ask", json={"question": question}).json()  # type: ignore[no-any-return]

    def by_grounding(question: str) -> Json:
        """What OpenAI's form says of the answer, completed from the native form where it says nothing."""
        body = {"model": "zhengwen", "messages": [{"role": "user", "content": question}]}
        completion = client.post("/v1/chat/completions", json=body).json()
        return by_http(question) | completion["grounding"] | {"answer": completion["choices"][0]["message"]["content"]}

    ways: dict[str, Ask] = {"command": by_command, "batch": by_batch, "http": by_http, "grounding": by_grounding}
    return ways[request.param]


@pytest.mark.parametrize("question", QUESTIONS)
def test_answer_object_differs_from_the_documented_shape_or_between_the_ways_to_ask(
    ask: Ask, pipeline: Pipeline, check_answer: Callable[[Json], None], question: str
) -> None:
    row = ask(question)
    check_answer(row)
    # Whoever asks without a day asks for today, and the receipt says which day that was.
    direct = json.loads(json.dumps(pipeline.ask(question, scope=Scope(**row["receipt"]["scope"])).to_json()))
    for changing in ("timings", "id"):  # a batch gives its own ids
        row.pop(changing)
        direct.pop(changing)
    assert row == direct


@pytest.mark.parametrize("question", QUESTIONS)
def test_saved_answer_is_not_what_was_saved(pipeline: Pipeline, question: str) -> None:
    answer = pipeline.ask(question)
    saved = SavedAnswer.from_json(json.loads(json.dumps(answer.to_json())))
    assert saved.sentences == answer.sentences
    fields = ("marker", "doc_id", "start", "end", "quote", "doc_sha256")
    assert [[getattr(c, name) for name in fields] for c in saved.citations] == [
        [getattr(c, name) for name in fields] for c in answer.citations
    ]
