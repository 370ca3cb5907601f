"""Every error as JSON, once: OpenAI's shape under /v1/, RFC 9457 problem details everywhere else."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from indexer.errors import InputError, ModelError, NotFoundError, QuestionError, StoredIndexError, ZhengwenError

# The nearest class in the error's ancestry decides.
_STATUS: Mapping[type[ZhengwenError], int] = {
    QuestionError: 422,
    InputError: 400,
    NotFoundError: 404,
    StoredIndexError: 503,
    ModelError: 503,
    ZhengwenError: 500,
}
_OPENAI_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_RETRY_AFTER_SECONDS = "5"


class NotReadyError(ZhengwenError):
    """The index and models are still loading, or could not be loaded."""


class UnknownModelError(NotFoundError):
    """A request names a model that this service does not have."""


def status_of(error: ZhengwenError) -> int:
    """HTTP status of a domain error."""
    if isinstance(error, NotReadyError):
        return 503
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def install(app: FastAPI) -> None:
    """Makes every expected error of the application go through this module."""

    @app.exception_handler(ZhengwenError)
    async def on_domain_error(request: Request, error: ZhengwenError) -> Response:
        code = "model_not_found" if isinstance(error, UnknownModelError) else None
        param = "model" if isinstance(error, UnknownModelError) else None
        return error_response(request.url.path, status_of(error), str(error), code=code, param=param)

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
    path: str, status: int, message: str, *, code: str | None = None, param: str | None = None
) -> JSONResponse:
    """The error in the shape that callers of `path` expect."""
    headers = {"Retry-After": _RETRY_AFTER_SECONDS} if status in (429, 503) else {}
    if path.startswith("/v1/"):
        body: dict[str, object] = {"error": openai_error(status, message, code=code, param=param)}
        return JSONResponse(body, status, headers)
    return JSONResponse(problem(path, status, message), status, headers, media_type="application/problem+json")


def problem(path: str, status: int, message: str) -> dict[str, object]:
    """Problem details of RFC 9457."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "instance": path,
    }


def openai_error(status: int, message: str, *, code: str | None = None, param: str | None = None) -> dict[str, object]:
    """The `error` object of OpenAI's interface."""
    kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"message": message, "type": kind, "param": param, "code": code}


def error_event(status: int, message: str) -> str:
    """An error as a server-sent event, for a failure after the first byte."""
    return f"data: {json.dumps({'error': openai_error(status, message)}, ensure_ascii=False)}\n\n"
