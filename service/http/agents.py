"""The desk of the Model Context Protocol over HTTP: agents ask as every other caller does."""

from starlette import types
from starlette.requests import Request

from indexer.document import Hit
from indexer.retrieval import Library
from indexer.scope import Scope
from service.answer import Answer
from service.http.desk import Asked, Desk
from service.records.types import Interface


class AgentDesk:
    """Answers for the key or token that came with the agent's request."""

    async def ask(self, request: Request | None, question: str, scope: Scope) -> Answer:
        answer, _ = await _desk(request).ask(Asked(question, Interface.MCP, scope))
        return answer

    async def search(self, request: Request | None, question: str, k: int, scope: Scope) -> list[Hit]:
        hits, _ = await _desk(request).search(question, k, scope, Interface.MCP)
        return hits

    async def library(self, request: Request | None) -> Library:
        return _desk(request).library()


class Admitted:
    """The transport behind the gate: who needs a key and has none is told so before the protocol begins."""

    def __init__(self, app: types.ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        request = Request(scope, receive)
        request.state.access = await request.state.core.gate.admit(request)
        await self._app(scope, receive, send)


def _desk(request: Request | None) -> Desk:
    assert request is not None, "what comes over HTTP has a request"
    return Desk(request.state.core, request, request.state.access)
