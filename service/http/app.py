"""The HTTP application: routes over one pipeline, and the chat page."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from service.http import errors, native, openai
from service.http.middleware import BodyLimit, RequestId, SecurityHeaders, UnexpectedErrors
from service.http.state import ServiceState
from service.pipeline import Pipeline

_WEB = Path(__file__).resolve().parent.parent / "web"


class Lifespan(TypedDict):
    """What the lifespan hands to every request."""

    service: ServiceState


def create_app(open_pipeline: Callable[[], Pipeline]) -> FastAPI:
    """The application; `open_pipeline` is called once, in the background, when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Lifespan]:
        state = ServiceState()
        loading = asyncio.create_task(state.load(open_pipeline))
        yield {"service": state}
        await loading

    # The interactive API pages of FastAPI load scripts from elsewhere; offline and under our content policy they cannot.
    app = FastAPI(title="政问 Zhengwen", version=version("zhengwen"), lifespan=lifespan, docs_url=None, redoc_url=None)
    for middleware in (UnexpectedErrors, BodyLimit, SecurityHeaders, RequestId):  # innermost first
        app.add_middleware(middleware)
    errors.install(app)
    app.include_router(native.router)
    app.include_router(openai.router)
    app.mount("/static", StaticFiles(directory=_WEB), name="static")

    @app.get("/", include_in_schema=False)
    @app.get("/d/{doc_id:path}", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(_WEB / "index.html")

    return app
