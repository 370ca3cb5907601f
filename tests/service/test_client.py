"""The client for Python programs, against a real server and against what is none."""

import ast
import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from indexer.errors import ModelError
from indexer.store import Stored
from service import client as module
from service.client import (
    Answer,
    BusyError,
    Client,
    Filters,
    Passages,
    Piece,
    ProtocolError,
    StatusError,
    Turn,
    UnreachableError,
)
from service.language_model import ScriptedModel
from service.pipeline import Pipeline

RENT = "公寓的月租金是多少？"
LIST = "园林局的工作内容包括哪些？"
NOWHERE = "火星基地的氧气由谁供应？"
GRANTS = "通知/二〇二四 种粮&补贴.md"

Serving = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def client(server: Any) -> Iterator[Client]:
    with Client(server.url + "/") as client:
        yield client


def test_client_needs_more_than_this_file_and_httpx(tmp_path: Path) -> None:
    source = Path(module.__file__).read_text(encoding="utf-8")
    names = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names - sys.stdlib_module_names == {"httpx"}
    (tmp_path / "zhengwen_client.py").write_text(source, encoding="utf-8")
    program = (
        "import zhengwen_client, sys; print(*{'service', 'indexer', 'prompts', 'torch', 'pydantic'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.strip() == ""


def test_answer_of_the_client_is_another_one(client: Client, pipeline: Pipeline) -> None:
    for question in (RENT, LIST, "大豆每亩补贴多少元？"):
        answer, direct = client.ask(question), pipeline.ask(question)
        assert (answer.text, answer.status, answer.confidence) == (direct.text, "answered", direct.confidence)
        assert [s.text for s in answer.sentences] == [s.text for s in direct.sentences]
        for citation, expected in zip(answer.citations, direct.citations, strict=True):
            assert (citation.doc_id, citation.start, citation.end) == (expected.doc_id, expected.start, expected.end)
            assert citation.origin.line_start == expected.origin.line_start
            assert citation.section == expected.section
            assert client.document(citation.doc_id).text[citation.start : citation.end] == citation.quote
        assert [p.passage_id for p in answer.passages] == [p.passage_id for p in direct.passages]


def test_what_the_client_gives_can_be_changed(client: Client) -> None:
    with pytest.raises(FrozenInstanceError):
        client.ask(RENT).text = "x"  # type: ignore[misc]


def test_refusal_is_raised(client: Client) -> None:
    answer = client.ask(NOWHERE)
    assert answer.status == "refused"
    assert answer.reason
    assert answer.citations == ()


def test_conversation_is_left_out(client: Client) -> None:
    history = [Turn("user", "西滩公园的投资是多少亿元？"), Turn("assistant", "总投资2.1亿元。")]
    alone, followed = client.ask("面积呢？"), client.ask("面积呢？", history)
    assert followed.passages != alone.passages
    assert followed.passages[0].doc_id == "city/park.md"


def test_filters_are_left_out(client: Client) -> None:
    only = Filters(documents=[GRANTS], published_from="2024", published_to="2024-02-08")
    assert {passage.doc_id for passage in client.search(RENT, filters=only)} == {GRANTS}
    assert {passage.doc_id for passage in client.ask(RENT, filters=only).passages} == {GRANTS}
    (first, *_) = client.stream(RENT, filters=only)
    assert isinstance(first, Passages)
    assert {passage.doc_id for passage in first.passages} == {GRANTS}
    with pytest.raises(StatusError, match="火星") as raised:
        client.search(RENT, filters=Filters(issuers=["火星农业局"]))
    assert raised.value.status == 422


def test_stream_tells_something_else_than_the_answer(client: Client) -> None:
    for question in (RENT, LIST, NOWHERE):
        first, *pieces, last = client.stream(question)
        answer = client.ask(question)
        assert isinstance(first, Passages)
        assert isinstance(last, Answer)
        assert (last.id, last.text, last.citations) == (answer.id, answer.text, answer.citations)
        assert all(isinstance(piece, Piece) for piece in pieces)
        assert [piece.citations for piece in pieces] == [sentence.citations for sentence in answer.sentences]
        if pieces:
            assert "".join(piece.text for piece in pieces) == answer.text


def test_stream_that_is_left_keeps_its_connection(client: Client) -> None:
    for _ in range(120):  # more than a pool of connections holds
        stream = client.stream(RENT)
        next(stream)
        stream.close()
    assert client.ask(RENT).status == "answered"


def test_search_gives_another_number_of_passages(client: Client, pipeline: Pipeline) -> None:
    for k in (1, 3):
        passages = client.search(RENT, k)
        assert [p.passage_id for p in passages] == [hit.passage.passage_id for hit in pipeline.search(RENT, k)]


def test_document_is_missing_or_misses_a_part(client: Client, originals: dict[str, str]) -> None:
    summaries = client.documents()
    assert [summary.doc_id for summary in summaries] == sorted(originals)
    for summary in summaries:
        document = client.document(summary.doc_id)
        assert document.summary == summary
        assert len(document.text) == summary.characters
    park = client.document("city/park.md")
    assert park.summary.authors == ("周明远", "何秋实")
    assert ("一、总体目标", "（一）近期安排") in [section.path for section in park.outline]


def test_kept_answer_cannot_be_verified(client: Client) -> None:
    answer = client.ask(RENT)
    kept = json.loads(json.dumps(dict(answer.row), ensure_ascii=False))
    for saved in (answer, kept):
        verification = client.verify(saved)
        assert verification.holds
        assert {check.problem for check in verification.checks} == {None}
    kept["sentences"][0]["text"] = kept["sentences"][0]["text"].replace("三百", "九百")
    verification = client.verify(kept)
    assert not verification.holds
    assert any(check.problem for check in verification.checks)


def test_error_hides_its_status_or_the_request(client: Client) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: client.ask(""),
        lambda: client.search("？"),
        lambda: next(client.stream("")),
        lambda: client.search(RENT, k=0),
        lambda: client.verify({}),
    ]
    for call in calls:
        with pytest.raises(StatusError) as raised:
            call()
        assert raised.value.status == 422
        assert len(raised.value.request_id) == 32
        assert raised.value.request_id in str(raised.value)
        assert raised.value.detail in str(raised.value)
    with pytest.raises(StatusError, match=r"none\.md") as raised:
        client.document("none.md")
    assert raised.value.status == 404
    with pytest.raises(StatusError) as raised:
        client.document("../cli.py")
    assert raised.value.status == 404


def test_service_that_is_loading_is_not_told_from_a_broken_one(
    serving: Serving, app_over: Callable[..., FastAPI]
) -> None:
    def never() -> Pipeline:
        raise ModelError("the embedder is gone")

    with serving(app_over(never)) as url, Client(url) as client, pytest.raises(BusyError) as raised:
        client.ask(RENT)
    assert raised.value.status == 503
    assert raised.value.retry_after
    assert raised.value.retry_after > 0


def test_stream_that_broke_off_ends_like_a_whole_one(
    serving: Serving, stored_index: Stored, app_over: Callable[..., FastAPI]
) -> None:
    class Broken(ScriptedModel):
        is_broken = False

        def generate(self, *arguments: Any) -> Iterator[str]:  # type: ignore[override]
            yield "每套公寓的月租金为320元[1]。\n"
            if self.is_broken:
                raise RuntimeError("secret")

    model = Broken()
    with serving(app_over(lambda: Pipeline.over(stored_index, model))) as url, Client(url) as client:
        while httpx.get(url + "/readyz").status_code != 200:
            pass
        model.is_broken = True
        stream = client.stream(RENT)
        assert isinstance(next(stream), Passages)
        assert isinstance(next(stream), Piece)
        with pytest.raises(StatusError, match="unexpected error") as raised:
            next(stream)
    assert raised.value.status == 500
    assert raised.value.request_id


@contextmanager
def answering(content: bytes, kind: str, *, status: int = 200, promised: int = 0) -> Iterator[tuple[str, list[Any]]]:
    """The address of a server that always sends this, and what it was sent; `promised` bytes more never come."""
    seen: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(
                (self.path, dict(self.headers), json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            )
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content) + promised))
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", seen
        running.shutdown()
        thread.join()


ANSWER_EVENT = "event: answer\ndata: "


@pytest.mark.parametrize(
    "content",
    [b"<html>Login</html>", b"", b"[]", b"null", b'{"answer": 5}', b"\xff\xfe", b'{"id": "x"}'],
)
def test_reply_of_something_else_is_a_traceback(content: bytes) -> None:
    with answering(content, "application/json") as (url, _), Client(url) as client:
        with pytest.raises(ProtocolError):
            client.ask(RENT)
        with pytest.raises(ProtocolError):
            client.search(RENT)
        with pytest.raises(ProtocolError):
            list(client.stream(RENT))


@pytest.mark.parametrize(
    "content",
    [
        b"event: passages\ndata: {\n\n",
        b"event: passages\ndata: 5\n\n",
        b'event: passages\ndata: {"passages": []}\n\n',
        ANSWER_EVENT.encode() + b"{}\n\n",
        b"event: error\ndata: 5\n\n",
        b": writing\n\n",
    ],
)
def test_stream_of_something_else_or_without_an_end_is_an_answer(content: bytes) -> None:
    with (
        answering(content, "text/event-stream") as (url, _),
        Client(url) as client,
        pytest.raises(ProtocolError),
    ):
        list(client.stream(RENT))


def test_separator_of_lines_inside_a_text_ends_an_event() -> None:
    piece = json.dumps({"text": "甲\u2028乙\x85丙\r丁", "citations": [1]}, ensure_ascii=False)
    content = f": writing\r\n\r\nevent:sentence\r\nid: 5\r\ndata:{piece}\r\n\r\n".encode()
    with answering(content, "text/event-stream") as (url, _), Client(url) as client:
        assert next(client.stream(RENT)) == Piece("甲\u2028乙\x85丙\r丁", (1,))


def test_reply_that_is_cut_off_is_a_traceback() -> None:
    with answering(b'{"id": ', "application/json", promised=100) as (url, _), Client(url) as client:
        with pytest.raises(UnreachableError):
            client.ask(RENT)
        with pytest.raises(UnreachableError):
            list(client.stream(RENT))


def test_error_page_of_a_proxy_is_a_traceback() -> None:
    page = b"<html>502 Bad Gateway</html>" * 100
    with (
        answering(page, "text/html", status=502) as (url, _),
        Client(url) as client,
        pytest.raises(StatusError, match="Bad Gateway") as raised,
    ):
        client.ask(RENT)
    assert (raised.value.status, raised.value.request_id, raised.value.retry_after) == (502, "", None)
    assert len(str(raised.value)) < 300


def test_service_that_is_down_or_silent_is_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout=0.2) as client, pytest.raises(UnreachableError, match="ReadTimeout"):
            client.ask(RENT)
    with Client(url) as client:
        with pytest.raises(UnreachableError, match="ConnectError"):
            client.ask(RENT)
        with pytest.raises(UnreachableError, match="ConnectError"):
            next(client.stream(RENT))


def test_key_or_user_is_not_sent() -> None:
    with answering(b'{"passages": []}', "application/json") as (url, seen):
        with Client(url, "zw-1", user="u-7") as client:
            assert client.search(RENT) == ()
        with Client(url) as client:
            client.search(RENT)
    assert seen[0][1]["Authorization"] == "Bearer zw-1"
    assert seen[0][1]["X-Zhengwen-User"] == "u-7"
    assert not {"Authorization", "X-Zhengwen-User"} & seen[1][1].keys()


@pytest.mark.parametrize(("key", "user"), [("密钥", ""), ("", "张三"), ("a\nb", ""), ("", "a\r\nX: y")])
def test_key_that_cannot_be_sent_is_shown(key: str, user: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as raised:
        Client(key=key, user=user)
    assert (key or user) not in str(raised.value)


def test_feedback_does_not_say_on_what(client: Client) -> None:
    answer = client.ask(RENT)
    with answering(b"{}", "application/json") as (url, seen), Client(url) as elsewhere:
        elsewhere.feedback(answer, "down", "citation", "引文不对")
    ((path, _, body),) = seen
    assert path == "/api/feedback"
    assert body == {"answer": dict(answer.row), "verdict": "down", "reason": "citation", "comment": "引文不对"}


def test_feedback_of_the_client_is_refused_by_the_service(client: Client) -> None:
    answer = client.ask(RENT)
    client.feedback(answer, "down", "outdated", "已经涨价")
    (row,) = httpx.get(str(client._http.base_url) + "/api/admin/feedback", params={"limit": 1}).json()["items"]
    assert (row["verdict"], row["reason"], row["comment"]) == ("down", "outdated", "已经涨价")
    assert row["answer"] == dict(answer.row)
    with pytest.raises(StatusError) as raised:
        client.feedback(answer, "down", "boring")
    assert raised.value.status == 422


def test_answer_is_taken_away_or_shared_as_another(client: Client) -> None:
    answer = client.ask(RENT)
    assert client.export_answer(answer)[:2] == b"PK"
    for form in ("md", "txt"):
        assert answer.sentences[0].text in client.export_answer(answer, form).decode()
    link = client.share(answer)
    shared = httpx.get(str(client._http.base_url) + link.replace("/a/", "/api/answers/")).json()
    assert shared["answer"]["answer"] == answer.text
    other = replace(answer, row=dict(answer.row) | {"receipt": dict(answer.row["receipt"]) | {"answer_sha256": "x"}})
    with pytest.raises(StatusError) as raised:
        client.share(other)
    assert raised.value.status == 409


def test_conversation_of_the_client_is_another_one(server: Any) -> None:
    with Client(server.url, user="u-client") as client, Client(server.url, user="u-other") as other:
        begun = client.begin_conversation("公寓 事宜")
        assert (begun.title, begun.turns) == ("公寓 事宜", 0)
        assert begun.created.tzinfo is not None
        asked = client.ask("东湾公园的投资是多少亿元？", conversation_id=begun.conversation_id)
        *_, followed = client.stream("那西滩公园呢？", conversation_id=begun.conversation_id)
        assert isinstance(followed, Answer)
        assert "2.1" in followed.text
        kept = client.conversation(begun.conversation_id)
        assert [turn.answer for turn in kept.turns] == [asked, followed]
        assert [turn.question for turn in kept.turns] == [asked.question, followed.question]
        assert kept.summary.turns == 2
        assert client.rename_conversation(begun.conversation_id, "公园").title == "公园"
        second = client.begin_conversation()
        page = client.conversations(limit=1)
        assert [row.conversation_id for row in page.items] == [second.conversation_id]
        rest = client.conversations(limit=1, cursor=page.cursor)
        assert [row.title for row in rest.items] == ["公园"]
        assert rest.cursor == ""
        assert [row.title for row in client.conversations("西滩").items] == ["公园"]
        assert client.export_conversation(begun.conversation_id).startswith("# 公园\n")
        assert json.loads(client.export_conversation(begun.conversation_id, "json"))["summary"]["title"] == "公园"
        assert other.conversations().items == ()
        client.delete_conversation(begun.conversation_id)
        for gone in (client, other):
            with pytest.raises(StatusError) as raised:
                gone.conversation(begun.conversation_id)
            assert raised.value.status == 404
        with pytest.raises(StatusError) as raised:
            client.ask(RENT, [Turn("user", RENT)], conversation_id=second.conversation_id)
        assert raised.value.status == 422
