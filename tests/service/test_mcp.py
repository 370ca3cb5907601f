"""The Model Context Protocol server, through the SDK's own client over a real subprocess and over real HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, MCPError, StdioServerParameters
from starlette.applications import Starlette
from starlette.requests import Request

from indexer.document import Hit
from indexer.errors import ModelError
from indexer.retrieval import Library
from indexer.scope import Scope
from service.answer import Answer
from service.http.links import Links
from service.mcp import PATH, Desk, PipelineDesk, create_server, routes
from service.pipeline import Pipeline

RENT = "公寓的月租金是多少？"
NOWHERE = "火星基地的氧气由谁供应？"
GRANTS = "通知/二〇二四 种粮&补贴.md"
BASE = "https://policy.example.gov.cn"

Json = dict[str, Any]


class Agent:
    """A connected client, called from outside of its event loop."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self._portal = portal
        self._client = client

    def call(self, tool: str, **arguments: object) -> Any:
        return self._portal.call(self._client.call_tool, tool, arguments)

    def tools(self) -> dict[str, Any]:
        return {tool.name: tool for tool in self._portal.call(self._client.list_tools).tools}

    def read(self, uri: str) -> str:
        (content,) = self._portal.call(self._client.read_resource, uri).contents
        return content.text

    def told(self, tool: str, **arguments: object) -> str:
        """What the agent reads of a call that fails."""
        result = self.call(tool, **arguments)
        assert result.is_error
        return "".join(block.text for block in result.content)

    def found(self, tool: str, **arguments: object) -> Json:
        """The structured result of a call, which fits the schema that was announced."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        jsonschema.validate(result.structured_content, self.tools()[tool].output_schema)
        return result.structured_content


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


def http_app(desk: Desk, hosts: tuple[str, ...] = ()) -> Starlette:
    server = create_server(desk, Links(BASE))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    return Starlette(routes=routes(server, hosts), lifespan=lifespan)


def command_line(index: Path) -> StdioServerParameters:
    program = "from service.cli import main; main()"
    variables = {**os.environ, "HF_HUB_OFFLINE": "1", "ZHENGWEN_PUBLIC_URL": BASE}
    return StdioServerParameters(
        command=sys.executable, args=["-c", program, "mcp", "--index", str(index)], env=variables
    )


@pytest.fixture(scope="module", params=["stdio", "http"])
def agent(
    request: pytest.FixtureRequest,
    portal: BlockingPortal,
    index: Path,
    pipeline: Pipeline,
    serving: Callable[..., AbstractContextManager[str]],
) -> Iterator[Agent]:
    if request.param == "stdio":
        with portal.wrap_async_context_manager(Client(command_line(index))) as client:
            yield Agent(portal, client)
        return
    with (
        serving(http_app(PipelineDesk(lambda _: pipeline), ("127.0.0.1",))) as url,
        portal.wrap_async_context_manager(Client(url + PATH)) as client,
    ):
        yield Agent(portal, client)


def test_agent_cannot_tell_what_the_tools_are_for(agent: Agent) -> None:
    tools = agent.tools()
    assert tools.keys() == {"search", "ask", "read_document"}
    for tool in tools.values():
        assert "政策文件" in tool.description
        assert tool.title
        assert tool.annotations.read_only_hint
        for name, argument in tool.input_schema["properties"].items():
            assert any("\u4e00" <= char <= "\u9fff" for char in argument["description"]), name
    assert tools["ask"].input_schema["required"] == tools["search"].input_schema["required"] == ["question"]


def test_agent_gets_another_answer_than_people(
    agent: Agent, pipeline: Pipeline, check_answer: Callable[[Json], None]
) -> None:
    row = agent.found("ask", question=RENT)
    check_answer(row)
    direct = json.loads(json.dumps(pipeline.ask(RENT).to_json()))
    # The receipt holds the hash of the program's files, which one process may have read before an edit.
    for name in row.keys() - {"id", "timings", "receipt"}:
        assert row[name] == direct[name], name


def test_agent_reads_an_answer_without_its_sources(agent: Agent, pipeline: Pipeline) -> None:
    (block,) = agent.call("ask", question=RENT).content
    answer = pipeline.ask(RENT)
    assert block.text.startswith(answer.text + "\n")
    for citation in answer.citations:
        assert f"[{citation.marker}] {citation.title}" in block.text
        assert f"{BASE}/d/housing.txt#char={citation.start},{citation.end}" in block.text


def test_refusal_is_an_error_or_has_sources(agent: Agent) -> None:
    result = agent.call("ask", question=NOWHERE)
    assert not result.is_error
    assert result.structured_content["status"] == "refused"
    assert "出处" not in result.content[0].text


def test_search_finds_other_passages_than_the_pipeline(agent: Agent, pipeline: Pipeline, library: Library) -> None:
    for k in (1, 4):
        rows = agent.found("search", question=RENT, k=k)["passages"]
        assert [(row["doc_id"], row["start"]) for row in rows] == [
            (hit.passage.doc_id, hit.passage.start) for hit in pipeline.search(RENT, k)
        ]
        for row in rows:
            document = library.document(row["doc_id"])
            assert document.text[row["start"] : row["end"]] == row["text"]
            assert row["title"] == document.title
            assert row["url"].startswith(f"{BASE}/d/")


@pytest.mark.parametrize("tool", ["ask", "search"])
def test_filter_lets_through_what_it_is_to_keep_out(agent: Agent, tool: str) -> None:
    question = "总投资是多少？"
    for filters in (
        {"documents": [GRANTS]},
        {"documents": ["通知/*"]},
        {"issuers": ["白鹭县农业局"]},
        {"regions": ["白鹭"]},
        {"published_from": "2024-02", "published_to": "2024-02-10"},
    ):
        passages = agent.found(tool, question=question, **filters)["passages"]
        assert {passage["doc_id"] for passage in passages} == {GRANTS}, filters
    assert {p["doc_id"] for p in agent.found(tool, question=question)["passages"]} != {GRANTS}


def test_document_is_not_read_to_its_end(agent: Agent, library: Library) -> None:
    for doc_id in (GRANTS, "city/park.md"):
        text, start = "", 0
        while start is not None:
            part = agent.found("read_document", doc_id=doc_id, start=start, length=100)
            assert bool(part["outline"]) == (start == 0)
            assert part["characters"] == len(library.document(doc_id).text)
            text += part["text"]
            start = part["next_start"]
        assert text == library.document(doc_id).text
    headings = agent.found("read_document", doc_id="city/park.md")["outline"]
    assert all(text[heading["start"] :].lstrip("# ").startswith(heading["title"]) for heading in headings)


def test_whole_document_cannot_be_had_as_a_resource(agent: Agent, library: Library) -> None:
    for doc_id, path in (
        ("city/park.md", "city/park.md"),
        (
            GRANTS,
            "%E9%80%9A%E7%9F%A5/%E4%BA%8C%E3%80%87%E4%BA%8C%E5%9B%9B%20%E7%A7%8D%E7%B2%AE%26%E8%A1%A5%E8%B4%B4.md",
        ),
    ):
        assert agent.read(f"zhengwen://documents/{path}") == library.document(doc_id).text


@pytest.mark.parametrize("path", ["none.md", "..%2F..%2Fetc%2Fpasswd", "../../etc/passwd", "/etc/passwd", "%00"])
def test_resource_that_is_none_is_a_crash_or_a_file(agent: Agent, path: str) -> None:
    with pytest.raises(MCPError) as raised:
        agent.read(f"zhengwen://documents/{path}")
    assert raised.value.error.code == -32602, "an unknown resource, no internal error"
    assert "root:" not in raised.value.error.message


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("ask", {"question": ""}, "问题是空的"),
        ("ask", {"question": "？！"}, "检索"),
        ("ask", {"question": "元" * 100_000}, "问题"),
        ("ask", {}, "question"),
        ("ask", {"question": ["元"]}, "question"),
        ("ask", {"question": RENT, "published_from": "昨天"}, "日期"),
        ("ask", {"question": RENT, "issuers": ["火星农业局"]}, "白鹭县农业局"),
        ("search", {"question": RENT, "k": 0}, "k"),
        ("search", {"question": RENT, "documents": ["x"] * 101}, "documents"),
        ("read_document", {"doc_id": "none.md"}, "none.md"),
        ("read_document", {"doc_id": "../cli.py"}, "cli.py"),
        ("read_document", {"doc_id": "city/park.md", "start": 10_000_000}, "start"),
        ("read_document", {"doc_id": "city/park.md", "length": 0}, "length"),
        ("nothing", {}, "nothing"),
    ],
    ids=str,
)
def test_agent_is_not_told_what_it_did_wrong(agent: Agent, tool: str, arguments: Json, told: str) -> None:
    message = agent.told(tool, **arguments)
    assert told in message
    assert "Traceback" not in message
    assert len(message) < 1000, "the argument is echoed at length"
    assert not agent.call("ask", question=RENT).is_error, "the server is still there"


class _Broken:
    """A desk that breaks, once expectedly and once not."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def ask(self, request: Request | None, question: str, scope: Scope) -> Answer:
        raise self._error

    async def search(self, request: Request | None, question: str, k: int, scope: Scope) -> list[Hit]:
        raise self._error

    async def library(self, request: Request | None) -> Library:
        raise self._error


@pytest.mark.parametrize(
    ("error", "told"), [(ModelError("the reader is gone"), "the reader is gone"), (RuntimeError("secret"), "ask")]
)
def test_bug_is_told_to_the_agent_or_ends_the_server(
    portal: BlockingPortal,
    serving: Callable[..., AbstractContextManager[str]],
    error: Exception,
    told: str,
) -> None:
    with (
        serving(http_app(_Broken(error))) as url,
        portal.wrap_async_context_manager(Client(url + PATH)) as client,
    ):
        agent = Agent(portal, client)
        for _ in range(2):
            message = agent.told("ask", question=RENT)
            assert told in message
            assert "secret" not in message
        with pytest.raises(MCPError) as raised:
            agent.read("zhengwen://documents/city/park.md")
        assert "secret" not in raised.value.error.message


def test_desk_does_not_learn_who_asks(
    portal: BlockingPortal, pipeline: Pipeline, serving: Callable[..., AbstractContextManager[str]]
) -> None:
    seen: list[str | None] = []

    def pipeline_of(request: Request | None) -> Pipeline:
        seen.append(None if request is None else request.headers.get("authorization"))
        return pipeline

    with serving(http_app(PipelineDesk(pipeline_of))) as url:
        called = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        called["params"] = {"name": "ask", "arguments": {"question": RENT}}
        headers = {"Accept": "application/json, text/event-stream", "Authorization": "Bearer zw-1"}
        reply = httpx.post(url + PATH, json=called, headers=headers)
    assert reply.status_code == 200
    assert reply.json()["result"]["structuredContent"]["status"] == "answered"
    assert set(seen) == {"Bearer zw-1"}


def test_page_of_another_site_can_ask(pipeline: Pipeline, serving: Callable[..., AbstractContextManager[str]]) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    with serving(http_app(PipelineDesk(lambda _: pipeline), ("127.0.0.1",))) as url:
        assert httpx.post(url + PATH, json=body, headers=accept).status_code == 200
        assert httpx.post(url + PATH, json=body, headers=accept | {"Origin": url}).status_code == 200
        assert httpx.post(url + PATH, json=body, headers=accept | {"Origin": "http://evil.example"}).status_code == 403
        assert httpx.post(url + PATH, json=body, headers=accept | {"Host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 500_000, b"[]", b"null", b'{"jsonrpc": "2.0"}', b"\xff"])
def test_body_that_is_no_message_is_a_server_error(
    pipeline: Pipeline, serving: Callable[..., AbstractContextManager[str]], content: bytes
) -> None:
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    with serving(http_app(PipelineDesk(lambda _: pipeline))) as url:
        reply = httpx.post(url + PATH, content=content, headers=headers)
    assert 400 <= reply.status_code < 500
    assert "Traceback" not in reply.text


def test_command_without_an_index_leaves_the_agent_waiting(start: Callable[..., Any], tmp_path: Path) -> None:
    with start("mcp", "--index", tmp_path / "none") as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert out == ""
    assert "zhengwen index" in err


def test_command_prints_what_is_no_message(index: Path) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": RENT}}},
    ]
    command = command_line(index)
    with subprocess.Popen(
        [command.command, *command.args],
        env=command.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in asked:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        replies = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert process.stdout.read() == ""
    assert {reply["id"] for reply in replies} == {1, 2}
    assert process.returncode == 0
