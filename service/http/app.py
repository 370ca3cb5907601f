"""The HTTP application: every interface over one desk, and the chat page."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse
from starlette.routing import Route, Router
from starlette.staticfiles import StaticFiles

from indexer.errors import NotFoundError, RecordsError
from service import mcp
from service.http import (
    access,
    admin,
    agents,
    answers,
    conversations,
    dify,
    errors,
    examples,
    feedback,
    metrics,
    native,
    openai,
)
from service.http.access import Cors, Gate, GateDep
from service.http.desk import Service
from service.http.limits import RateLimiter, RateLimitHeaders, WorkQueue
from service.http.links import Links
from service.http.metrics import Metrics
from service.http.middleware import (
    BodyLimit,
    KnownHosts,
    Observed,
    RequestId,
    SecurityHeaders,
    UnexpectedErrors,
    content_policy,
)
from service.http.process import is_loopback, known_hosts
from service.http.state import ServiceState
from service.http.telemetry import Telemetry
from service.http.tokens import TokenSigner
from service.pipeline import Pipeline
from service.records.audit import AuditLog
from service.records.clock import today, utc_now
from service.records.conversations import ConversationStore
from service.records.database import Database
from service.records.feedback import FeedbackStore
from service.records.keys import KeyStore
from service.records.shares import ShareStore
from service.settings import Settings, networks
from service.versions import IndexWatch

_WEB = Path(__file__).resolve().parent.parent / "web" / "dist"
_PURGE_SECONDS = 6 * 3600

logger = logging.getLogger(__name__)


class Lifespan(TypedDict):
    """What the lifespan hands to every request."""

    core: Service
    service: ServiceState
    gate: Gate
    database: Database
    links: Links
    metrics: Metrics
    telemetry: Telemetry | None
    settings: Settings


def create_app(
    open_pipeline: Callable[[], Pipeline],
    settings: Settings,
    database: Database,
    *,
    watch: IndexWatch | None = None,
    today: Callable[[], str] = today,
) -> FastAPI:
    """The application; `open_pipeline` is called in the background, when it starts and when `watch` sees something new. `today`
    tells the day that questions are asked for which name none.

    Raises:
        InputError: traces are wanted and cannot be made.
    """
    hosts = known_hosts(settings)
    links = Links(settings.public_url)
    counted = Metrics()
    telemetry = Telemetry.open(settings.telemetry_endpoint) if settings.telemetry_endpoint else None
    agent_server = mcp.create_server(agents.AgentDesk(), links)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Lifespan]:
        proxies = networks(settings.trusted_proxies)
        secret = await asyncio.to_thread(database.signing_secret)
        gate = Gate(
            KeyStore(database),
            TokenSigner(secret),
            RateLimiter(settings.rate_per_minute_key, settings.rate_per_minute_address),
            rule=settings.require_keys,
            on_loopback=is_loopback(settings.host),
            proxies=proxies,
        )
        await asyncio.to_thread(gate.announce)
        queue = WorkQueue(
            settings.work_at_once, settings.queue_length, settings.queue_seconds, settings.request_seconds
        )
        counted.watch_queue(lambda: queue.waiting, lambda: queue.at_work)
        audit = AuditLog(database, settings.audit_questions, settings.audit_days)
        conversing, given = ConversationStore(database), FeedbackStore(database)
        shared = ShareStore(database, settings.share_days)
        state = ServiceState(open_pipeline, watch, on_served=counted.set_index)
        purging = asyncio.create_task(_purge(audit, shared))
        async with agent_server.session_manager.run(), state.running():
            yield {
                "core": Service(state, gate, queue, counted, audit, conversing, given, shared, telemetry, today=today),
                "service": state,
                "gate": gate,
                "database": database,
                "links": links,
                "metrics": counted,
                "telemetry": telemetry,
                "settings": settings,
            }
        purging.cancel()
        await queue.aclose()
        if telemetry is not None:
            await asyncio.to_thread(telemetry.close)
        database.close()

    # The interactive API pages of FastAPI load scripts from elsewhere; offline and under our content policy they cannot.
    app = FastAPI(
        title="政问 Zhengwen",
        version=version("zhengwen"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,  # such a redirect leads wherever the caller's Host header says
    )
    app.add_middleware(UnexpectedErrors)  # the innermost
    app.add_middleware(BodyLimit, seconds=settings.client_seconds)
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(KnownHosts, hosts=hosts)
    app.add_middleware(Cors)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Observed, metrics=counted, telemetry=telemetry)
    app.add_middleware(RequestId)
    errors.install(app)
    for part in (native, answers, openai, dify, conversations, feedback, admin, access, metrics):
        app.include_router(part.router)
    transport = Router(mcp.routes(agent_server, hosts))
    app.router.routes.append(Route(mcp.PATH, agents.Admitted(transport)))
    app.openapi = partial(examples.openapi, app)  # type: ignore[method-assign]
    app.mount("/static", GZipMiddleware(StaticFiles(directory=_WEB)), name="static")

    @app.get("/", include_in_schema=False)
    @app.get("/d/{doc_id:path}", include_in_schema=False)
    @app.get("/a/{share_id}", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(_WEB / "index.html")

    @app.get("/admin", include_in_schema=False)
    def admin_page() -> FileResponse:
        return FileResponse(_WEB / "admin.html")

    @app.get("/embed/{key_id}", include_in_schema=False)
    async def embedded_page(key_id: str, gate: GateDep) -> FileResponse:
        origins = await gate.origins_of(key_id)
        if not origins:
            raise NotFoundError(f"there is no key {key_id!r:.100} with the scope embed and an origin")
        policy = {"Content-Security-Policy": content_policy(origins)}
        return FileResponse(_WEB / "embed.html", headers=policy)

    app.get(admin.REPORT_PAGE, include_in_schema=False)(admin.report_page)

    return app


async def _purge(audit: AuditLog, shared: ShareStore) -> None:
    """Removes what need not be kept any longer, now and every few hours."""
    while True:
        try:
            await asyncio.to_thread(audit.purge, utc_now())
            await asyncio.to_thread(shared.purge, utc_now())
        except RecordsError as error:
            logger.error("old records stay for now: %s", error)
        await asyncio.sleep(_PURGE_SECONDS)
