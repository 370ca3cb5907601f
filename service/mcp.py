"""A Model Context Protocol server: the questions, the search and the documents of the service as tools for agents."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any, Protocol

from anyio.to_thread import run_sync
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field
from starlette.requests import Request
from starlette.routing import BaseRoute

from indexer.document import Hit
from indexer.errors import InputError, NotFoundError, ZhengwenError
from indexer.retrieval import Library
from indexer.scope import Scope
from service.answer import Answer, AnswerObject
from service.http.links import Links
from service.pipeline import Pipeline

PATH = "/mcp"
# Characters of a document that one call reads, unless more are asked for.
_PART, _LONGEST_PART = 6000, 20_000
_READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_INSTRUCTIONS = (
    "政问只根据已收录的政策文件作答。要直接的答案用 ask：每句话都已对照原文核验并注明出处，文件里没有的会说明没有，"
    "请不要替它补充。要自己判断原文用 search 找段落，再用 read_document 读上下文。引用时请保留出处链接。"
)

_MOST_VALUES = 100

Question = Annotated[str, Field(description="用中文写的一个完整问题，例如“新能源汽车补贴的申请条件是什么？”。")]
Documents = Annotated[
    tuple[str, ...],
    Field(max_length=_MOST_VALUES, description="只在这些文件中查找：doc_id，或带 * 的写法，如“通知/*”。不填则不限。"),
]
Issuers = Annotated[
    tuple[str, ...],
    Field(max_length=_MOST_VALUES, description="只查这些机构发布的文件，可写全称、简称或其中一部分。"),
]
Regions = Annotated[tuple[str, ...], Field(max_length=_MOST_VALUES, description="只查这些地区的文件，如“北京”。")]
Kinds = Annotated[tuple[str, ...], Field(max_length=_MOST_VALUES, description="只查这些种类的文件，如“白皮书”。")]
From = Annotated[str, Field(description="发布日期不早于：2022、2022-11 或 2022-11-30。")]
To = Annotated[str, Field(description="发布日期不晚于：2022、2022-11 或 2022-11-30。")]

AsOf = Annotated[str, Field(description="按哪一天判断文件效力，如 2022-11-30。不填则为今天。")]
Validity = Annotated[
    tuple[str, ...],
    Field(max_length=_MOST_VALUES, description="只查这些效力状态的文件：现行有效、尚未施行、已废止、已修订、未知。"),
]


class Desk(Protocol):
    """Where the questions of `request` are answered; there is none for what comes over stdio.

    Every method raises a ZhengwenError where it cannot, QuestionError for a question that cannot be asked.
    """

    async def ask(self, request: Request | None, question: str, scope: Scope) -> Answer: ...

    async def search(self, request: Request | None, question: str, k: int, scope: Scope) -> list[Hit]:
        """At most `k` hits, best first."""

    async def library(self, request: Request | None) -> Library:
        """The documents that may be seen."""


class PipelineDesk:
    """A desk for one user on this machine."""

    def __init__(
        self, pipeline_of: Callable[[Request | None], Pipeline], today: Callable[[], str] = lambda: ""
    ) -> None:
        """`today` tells the day that questions are asked for which name none."""
        self._pipeline_of = pipeline_of
        self._today = today

    async def ask(self, request: Request | None, question: str, scope: Scope) -> Answer:
        return await run_sync(partial(self._pipeline_of(request).ask, question, scope=self._dated(scope)))

    async def search(self, request: Request | None, question: str, k: int, scope: Scope) -> list[Hit]:
        return await run_sync(partial(self._pipeline_of(request).search, question, k, self._dated(scope)))

    async def library(self, request: Request | None) -> Library:
        return self._pipeline_of(request).library

    def _dated(self, scope: Scope) -> Scope:
        return replace(scope, as_of=scope.as_of or self._today())


@dataclass(frozen=True)
class FoundPassage:
    """A passage and where it stands; `start` and `end` are code points of the document, a higher score is better."""

    doc_id: str
    title: str
    issuer: str
    published: str
    section: tuple[str, ...]
    start: int
    end: int
    score: float
    text: str
    url: str


@dataclass(frozen=True)
class Found:
    """Passages, best first."""

    passages: tuple[FoundPassage, ...]


@dataclass(frozen=True)
class Heading:
    title: str
    depth: int
    start: int


@dataclass(frozen=True)
class DocumentPart:
    """The code points `start` to `end` of a document; the rest begins at `next_start`, which is null at its end.

    The outline comes with the first part.
    """

    doc_id: str
    title: str
    issuer: str
    published: str
    characters: int
    start: int
    end: int
    next_start: int | None
    text: str
    outline: tuple[Heading, ...]
    url: str


def create_server(desk: Desk, links: Links) -> MCPServer[Any]:
    """The server, for `run("stdio")` or `routes`."""
    server: MCPServer[Any] = MCPServer(
        "zhengwen",
        title="政问",
        instructions=_INSTRUCTIONS,
        version=version("zhengwen"),
        log_level="WARNING",
    )

    @server.tool(title="检索原文", annotations=_READ_ONLY)
    async def search(
        question: Question,
        ctx: Context[Any, Request],
        k: Annotated[int, Field(ge=1, le=50, description="最多返回多少段。")] = 5,
        documents: Documents = (),
        issuers: Issuers = (),
        regions: Regions = (),
        kinds: Kinds = (),
        published_from: From = "",
        published_to: To = "",
        as_of: AsOf = "",
        validity: Validity = (),
    ) -> Found:
        """在政策文件中检索与问题最相关的原文段落，最相关的在前，附文件、章节和链接。只找原文，不作回答。"""
        with _told():
            scope = Scope(
                documents, issuers, regions, kinds, published_from, published_to, as_of=as_of, validity=validity
            )
            hits = await desk.search(_request(ctx), question, k, scope)
            library = await desk.library(_request(ctx))
            return Found(tuple(_found(hit, library, links) for hit in hits))

    @server.tool(title="提问", annotations=_READ_ONLY)
    async def ask(
        question: Question,
        ctx: Context[Any, Request],
        documents: Documents = (),
        issuers: Issuers = (),
        regions: Regions = (),
        kinds: Kinds = (),
        published_from: From = "",
        published_to: To = "",
        as_of: AsOf = "",
        validity: Validity = (),
    ) -> Annotated[CallToolResult, AnswerObject]:
        """根据政策文件回答一个问题。每句话都引自或核对过原文，用 [1] 标出处；文件里没有答案时说明没有及其原因。"""
        with _told():
            scope = Scope(
                documents, issuers, regions, kinds, published_from, published_to, as_of=as_of, validity=validity
            )
            answer = await desk.ask(_request(ctx), question, scope)
        text = TextContent(type="text", text=_readable(answer, links))
        return CallToolResult(content=[text], structured_content=answer.to_json())

    @server.tool(title="阅读文件", annotations=_READ_ONLY)
    async def read_document(
        doc_id: Annotated[str, Field(description="文件的 doc_id，来自 search 或 ask 的结果。")],
        ctx: Context[Any, Request],
        start: Annotated[int, Field(ge=0, description="从第几个字符读起，0 为开头。")] = 0,
        length: Annotated[int, Field(ge=1, le=_LONGEST_PART, description="最多读多少个字符。")] = _PART,
    ) -> DocumentPart:
        """读一份政策文件的原文，一次一段：next_start 不为空时，以它作 start 接着读。从头读时附目录。"""
        with _told():
            return _part(await desk.library(_request(ctx)), doc_id, start, length, links)

    @server.resource(
        "zhengwen://documents/{+doc_id}", title="政策文件", description="一份政策文件的全文。", mime_type="text/plain"
    )
    async def document(doc_id: str, ctx: Context[Any, Request]) -> str:
        try:
            return (await desk.library(_request(ctx))).document(doc_id).text
        except NotFoundError as error:
            raise ResourceNotFoundError(str(error)) from error
        except ZhengwenError as error:
            raise ResourceError(str(error)) from error

    return server


def routes(server: MCPServer[Any], hosts: Sequence[str] = ()) -> list[BaseRoute]:
    """The streamable HTTP transport at `PATH`; works while `server.session_manager.run()` is entered.

    No session is kept, so that any worker may take any request. When there are `hosts`, the names that the service goes by,
    pages of other origins are turned away.
    """
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=bool(hosts),
        allowed_hosts=[pattern for host in hosts for pattern in (host, f"{host}:*")],
        allowed_origins=[
            f"{scheme}://{host}{port}" for scheme in ("http", "https") for host in hosts for port in ("", ":*")
        ],
    )
    app = server.streamable_http_app(
        streamable_http_path=PATH, stateless_http=True, json_response=True, transport_security=security
    )
    return list(app.routes)


@contextmanager
def _told() -> Iterator[None]:
    """Makes an expected error one that the agent reads."""
    try:
        yield
    except ZhengwenError as error:
        raise ToolError(str(error)) from error


def _request(ctx: Context[Any, Request]) -> Request | None:
    return ctx.request_context.request


def _found(hit: Hit, library: Library, links: Links) -> FoundPassage:
    passage = hit.passage
    document = library.document(passage.doc_id)
    return FoundPassage(
        doc_id=document.doc_id,
        title=document.title,
        issuer=document.metadata.issuer,
        published=document.metadata.published,
        section=passage.section,
        start=passage.start,
        end=passage.end,
        score=round(hit.score, 6),
        text=library.text(passage),
        url=links.to(document.doc_id, passage.start, passage.end),
    )


def _readable(answer: Answer, links: Links) -> str:
    sources = [
        f"[{c.marker}] {' › '.join((c.title, *c.section))} {links.to(c.doc_id, c.start, c.end)}"
        for c in answer.citations
    ]
    return "\n".join([answer.text, *(["", "出处：", *sources] if sources else [])])


def _part(library: Library, doc_id: str, start: int, length: int, links: Links) -> DocumentPart:
    document = library.document(doc_id)
    characters = len(document.text)
    if start > characters:
        raise InputError(f"“{document.title}”只有 {characters} 个字符，没有第 {start} 个：请用较小的 start。")
    end = min(start + length, characters)
    outline = () if start else tuple(Heading(s.title, s.depth, s.start) for s in library.outline(doc_id))
    return DocumentPart(
        doc_id=doc_id,
        title=document.title,
        issuer=document.metadata.issuer,
        published=document.metadata.published,
        characters=characters,
        start=start,
        end=end,
        next_start=end if end < characters else None,
        text=document.text[start:end],
        outline=outline,
        url=links.to(doc_id, start, end),
    )
