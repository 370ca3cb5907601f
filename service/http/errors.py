"""Every error as JSON, once: OpenAI's shape under /v1/, Dify's and JSON-RPC's for their routes, RFC 9457 problem details
everywhere else.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from indexer.errors import (
    InputError,
    ModelError,
    NotFoundError,
    QuestionError,
    RecordsError,
    StoredIndexError,
    ZhengwenError,
)

_OPENAI_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_PHRASES: Mapping[int, str] = {499: "Client Closed Request"}  # has no name in the standard, but in everybody's logs
_RETRY_AFTER_SECONDS = "5"
DIFY_PATH = "/retrieval"
# Of Dify's own codes; for every other error the status serves as one.
_DIFY_MALFORMED, _DIFY_FORBIDDEN, _DIFY_UNKNOWN = 1001, 1002, 2001
MALFORMED_AUTHORIZATION = "malformed_authorization"
AGENTS_PATH = "/mcp"  # as in service/mcp.py, which takes long to import
# Of JSON-RPC 2.0: what is wrong with a request, and with the server.
_RPC_INVALID, _RPC_INTERNAL = -32600, -32603


class NotReadyError(ZhengwenError):
    """The index and models are still loading, or could not be loaded."""


class UnknownModelError(NotFoundError):
    """A request names a model that this service does not have."""


class UnsupportedOptionError(InputError):
    """A request sets the option `param` to what this service cannot do and what a reply without it would hide."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


class TooLargeError(InputError):
    """A part of a request is larger than what is kept of it."""


class ConflictError(ZhengwenError):
    """What is asked for cannot be done as things stand."""


class TurnedAwayError(ZhengwenError):
    """A request is turned away before its work, or its work is broken off; `headers` go with the reply, `code` goes into
    OpenAI's error object.
    """

    def __init__(self, message: str, headers: Mapping[str, str] | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.headers: Mapping[str, str] = headers or {}
        self.code = code


class UnauthorizedError(TurnedAwayError):
    """A request lacks a key or token, or has (`given`) one that is not valid."""

    def __init__(self, message: str, *, given: bool = True, code: str = "invalid_api_key") -> None:
        challenge = 'Bearer realm="zhengwen"' + (', error="invalid_token"' if given else "")
        super().__init__(message, {"WWW-Authenticate": challenge}, code)


class ForbiddenError(TurnedAwayError):
    """A key or token is valid, but not for this: it lacks `scope`, or may not be used from where it is."""

    def __init__(self, message: str, scope: str = "") -> None:
        challenge = f'Bearer realm="zhengwen", error="insufficient_scope", scope="{scope}"'
        super().__init__(message, {"WWW-Authenticate": challenge} if scope else {}, "insufficient_permissions")


class RateLimitedError(TurnedAwayError):
    """A key or an address asks too often; after `seconds` it may ask again."""

    def __init__(self, message: str, seconds: int, headers: Mapping[str, str]) -> None:
        super().__init__(message, {**headers, "Retry-After": str(seconds)}, "rate_limit_exceeded")


class OverloadedError(TurnedAwayError):
    """There is more work than can be done; in `seconds` there may be room."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message, {"Retry-After": str(seconds)}, "overloaded")


class TimedOutError(TurnedAwayError):
    """The work of a request took too long and was broken off."""

    def __init__(self, message: str) -> None:
        # What took too long once will again; OpenAI's clients, which repeat a 504 unasked, read this header.
        super().__init__(message, {"X-Should-Retry": "false"}, "timeout")


class HungUpError(TurnedAwayError):
    """The client hung up, so the work was broken off; nobody reads the reply."""


# The nearest class in the error's ancestry decides.
_STATUS: Mapping[type[ZhengwenError], int] = {
    QuestionError: 422,
    InputError: 400,
    NotFoundError: 404,
    StoredIndexError: 503,
    RecordsError: 503,
    ModelError: 503,
    ZhengwenError: 500,
    NotReadyError: 503,
    TooLargeError: 413,
    ConflictError: 409,
    UnauthorizedError: 401,
    ForbiddenError: 403,
    RateLimitedError: 429,
    HungUpError: 499,
    OverloadedError: 503,
    TimedOutError: 504,
}


def status_of(error: ZhengwenError) -> int:
    """HTTP status of a domain error."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def install(app: FastAPI) -> None:
    """Makes every expected error of the application go through this module."""

    @app.exception_handler(ZhengwenError)
    async def on_domain_error(request: Request, error: ZhengwenError) -> Response:
        path, status = request.url.path, status_of(error)
        if isinstance(error, TurnedAwayError):
            return error_response(path, status, str(error), code=error.code, headers=error.headers)
        if isinstance(error, UnsupportedOptionError):
            return error_response(path, status, str(error), code="unsupported_value", param=error.param)
        code = "model_not_found" if isinstance(error, UnknownModelError) else None
        param = "model" if isinstance(error, UnknownModelError) else None
        return error_response(path, status, str(error), code=code, param=param)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        if first["type"] == "json_invalid":
            return error_response(request.url.path, 400, f"the body is not valid JSON: {first['ctx']['error']}")
        message = f"{where}: {first['msg']}" if where else str(first["msg"])
        if not where and "json" not in request.headers.get("content-type", ""):
            message = "the body must be a JSON object: send it with 'Content-Type: application/json'"
        return error_response(request.url.path, 422, message, param=where or None)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        response = error_response(request.url.path, error.status_code, str(error.detail))
        response.headers.update(error.headers or {})
        return response


def error_response(
    path: str,
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The error in the shape that callers of `path` expect."""
    headers = ({"Retry-After": _RETRY_AFTER_SECONDS} if status in (429, 503) else {}) | dict(headers or {})
    if path.startswith("/v1/"):
        body: dict[str, object] = {"error": openai_error(status, message, code=code, param=param)}
        return JSONResponse(body, status, headers)
    if path == DIFY_PATH:
        # Dify takes a 403 for a key that is refused, and nothing else.
        return JSONResponse(dify_error(status, message, code), 403 if status == 401 else status, headers)
    if path == AGENTS_PATH:
        return JSONResponse(rpc_error(status, message), status, headers)
    return JSONResponse(problem(path, status, message), status, headers, media_type="application/problem+json")


def problem(path: str, status: int, message: str) -> dict[str, object]:
    """Problem details of RFC 9457."""
    return {
        "type": "about:blank",
        "title": _PHRASES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "instance": path,
    }


def dify_error(status: int, message: str, code: str | None = None) -> dict[str, object]:
    """The error object of Dify's external knowledge interface."""
    known = {401: _DIFY_FORBIDDEN, 403: _DIFY_FORBIDDEN, 404: _DIFY_UNKNOWN}
    error_code = _DIFY_MALFORMED if code == MALFORMED_AUTHORIZATION else known.get(status, status)
    return {"error_code": error_code, "error_msg": message}


def rpc_error(status: int, message: str) -> dict[str, object]:
    """A JSON-RPC error for a message that was turned away before it was read, from which agents learn why."""
    code = _RPC_INTERNAL if status >= 500 else _RPC_INVALID
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}


def openai_error(status: int, message: str, *, code: str | None = None, param: str | None = None) -> dict[str, object]:
    """The `error` object of OpenAI's interface."""
    kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"message": message, "type": kind, "param": param, "code": code}


def error_event(status: int, message: str) -> str:
    """An error as a server-sent event, for a failure after the first byte."""
    return f"data: {json.dumps({'error': openai_error(status, message)}, ensure_ascii=False)}\n\n"
