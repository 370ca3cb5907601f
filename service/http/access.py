"""Who asks and what they may: API keys, browser tokens, and the pages that may use them.

A key comes as `Authorization: Bearer zw-…` or `api-key: zw-…`; a browser token comes the same way. Nothing else is read, so no
key ever stands in an address.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Generic, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import InputError, NotFoundError, ZhengwenError
from service.http import examples, logs, tokens
from service.http.errors import ForbiddenError, UnauthorizedError, error_response
from service.http.limits import RateLimiter, client_address
from service.http.tokens import TokenSigner
from service.records.keys import KeyStore, web_origin
from service.records.types import ApiKey, KeyScope
from service.settings import KeyRule, Network

MAX_USER = 128
REMEMBERED_SECONDS = 3.0

_SECRET_PREFIX = "zw-"
_MOST_REMEMBERED = 4096
_ASKING = frozenset({KeyScope.ASK, KeyScope.SEARCH})
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
# A key in a page would be everybody's, and a token opens neither.
_NEVER_FROM_PAGES = ("/api/tokens", "/api/admin/")

router = APIRouter()
logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Access:
    """What a request may do: `key_id` is empty without a key, `visible` are shell patterns of the doc_ids that it sees, `user`
    separates the end users of a key, `origin` is the page that a token was made for, empty without a token; `is_local` says
    that a program on this machine asks a service that only this machine reaches.
    """

    key_id: str
    scopes: frozenset[KeyScope]
    visible: tuple[str, ...] = ("*",)
    user: str = ""
    origin: str = ""
    is_local: bool = False

    def on_behalf_of(self, user: str | None) -> "Access":
        """The same for the end user that a body names, unless the token or the header of the request has named one.

        The header comes from the integrator's server, while a body may have been passed on from a browser.

        Raises:
            InputError: it is no name for a user.
        """
        if not user or self.user or self.origin:
            return self
        return replace(self, user=_checked_user(user))

    @property
    def sees_everything(self) -> bool:
        return "*" in self.visible

    def require(self, scope: KeyScope) -> None:
        """Raises ForbiddenError when that scope is not among these."""
        if scope not in self.scopes:
            whose = f"the key {self.key_id}" if self.key_id else "a request without a key"
            if self.origin:
                whose = "a browser token"
            raise ForbiddenError(f"this needs a key with the scope '{scope}', which {whose} does not have", scope)


def _checked_user(user: str) -> str:
    if len(user) > MAX_USER or not user.isprintable():
        raise InputError(f"a user is named by at most {MAX_USER} printable characters, not {user!r:.160}")
    return user


class Recent(Generic[T]):
    """What was looked up in the last seconds, by name; who asks for the same at once waits for one look-up."""

    def __init__(self, clock: Callable[[], float], most: int = _MOST_REMEMBERED) -> None:
        self._clock = clock
        self._most = most
        self._tasks: dict[str, tuple[float, asyncio.Task[T]]] = {}  # in the order of their beginning

    async def get(self, name: str, look_up: Callable[[], T]) -> T:
        """What `look_up` gave within `REMEMBERED_SECONDS`, counted from its beginning, or gives now, in a thread."""
        now = self._clock()
        began, task = self._tasks.get(name, (now, None))
        if task is None or now - began >= REMEMBERED_SECONDS or _has_failed(task):
            self._tasks.pop(name, None)
            while len(self._tasks) >= self._most:
                del self._tasks[next(iter(self._tasks))]
            task = asyncio.create_task(asyncio.to_thread(look_up))
            task.add_done_callback(_has_failed)  # looks at an error that everybody stopped waiting for
            self._tasks[name] = (now, task)
        return await asyncio.shield(task)


def _has_failed(task: asyncio.Task[T]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


class Gate:
    """Tells who asks, by the keys in a database and the tokens signed for them, and counts it; for one event loop."""

    def __init__(
        self,
        keys: KeyStore,
        signer: TokenSigner,
        limiter: RateLimiter,
        *,
        rule: KeyRule,
        on_loopback: bool,
        proxies: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_loopback` says that only this machine reaches the service, `proxies` whose word on addresses is believed; `clock`
        gives seconds. A key is remembered for `REMEMBERED_SECONDS`: that long after it was revoked it may still work.
        """
        self._store = keys
        self._signer = signer
        self._limiter = limiter
        self._rule = rule
        self._on_loopback = on_loopback
        self._proxies = proxies
        self._secrets: Recent[ApiKey | None] = Recent(clock)
        self._keys: Recent[ApiKey | None] = Recent(clock)
        self._origins: Recent[frozenset[str]] = Recent(clock)

    def announce(self) -> None:
        """Says in the log what an operator should know about keys; for the start, since it reads the database."""
        if self._rule is KeyRule.NEVER and not self._on_loopback:
            logger.warning("ZHENGWEN_REQUIRE_KEYS=never: whoever reaches this address may ask, without a key")
        needs_keys = self._rule is KeyRule.ALWAYS or (self._rule is KeyRule.AUTO and not self._on_loopback)
        if needs_keys and all(key.revoked is not None for key in self._store.list()):
            logger.warning(
                "an API key is needed to ask and there is none: "
                "make one with zhengwen keys create --name NAME --scope ask --scope search"
            )

    async def admit(self, connection: HTTPConnection) -> Access:
        """What the request may do; it counts against the rate of its key, of its address (a request without a key, or one that
        is turned away here), or of both (a browser token). Programs on this machine are not counted where they need no key.

        Raises:
            RateLimitedError: one of these is used up.
            and what `identify` raises.
        """
        address = client_address(connection, self._proxies)
        try:
            access = await self.identify(connection.headers)
        except ZhengwenError:
            connection.state.allowance = self._limiter.take(address=address)
            raise
        logs.note_key(access.key_id)
        if not access.is_local:
            is_server = bool(access.key_id) and not access.origin
            connection.state.allowance = self._limiter.take(access.key_id, "" if is_server else address)
        return access

    async def identify(self, headers: Headers) -> Access:
        """What a request with these headers may do.

        Where no key is needed a credential that looks like one of ours is still checked, any other passed over: OpenAI's clients
        always send one.

        Raises:
            UnauthorizedError: it lacks a key or token, or has one that is not valid.
            ForbiddenError: it has one that may not be used by the page that sends it.
            InputError: it names its user in a way that cannot be.
            RecordsError: the keys cannot be read.
        """
        credentials = _credentials(headers)
        if len(credentials) > 1:
            raise UnauthorizedError(
                "different keys were sent: send one, as 'Authorization: Bearer zw-…' or as 'api-key: zw-…'"
            )
        credential = next(iter(credentials), "")
        if credential.startswith(tokens.PREFIX):
            return await self._by_token(credential, headers)
        if credential.startswith(_SECRET_PREFIX):
            return await self._by_key(credential, headers)
        is_local = self._on_loopback and _comes_from_this_machine(headers, has_credential=bool(credential))
        if self._rule is KeyRule.NEVER or (self._rule is KeyRule.AUTO and is_local):
            scopes = _ASKING | {KeyScope.ADMIN} if is_local else _ASKING
            return Access("", scopes, user=_user(headers), is_local=is_local)
        if credential:
            raise _unknown_key()
        raise UnauthorizedError(
            "this needs an API key: send it as 'Authorization: Bearer zw-…' or as 'api-key: zw-…'", given=False
        )

    async def token(self, access: Access, origin: str, user: str | None) -> str:
        """A browser token for the pages of `origin`, one of those of the key that asks.

        Raises:
            InputError: it is not one of them, or `user` is no name for a user.
        """
        origins = await self.origins_of(access.key_id)
        if web_origin(origin) not in origins:
            known = ", ".join(origins) or "none: make a key with --origin"
            raise InputError(f"{origin!r:.200} is not among the origins of the key {access.key_id} ({known})")
        return self._signer.issue(access.key_id, access.on_behalf_of(user).user, web_origin(origin))

    async def origins(self) -> frozenset[str]:
        """The origins of all living keys with the scope `embed`; raises RecordsError."""
        return await self._origins.get("", self._live_origins)

    async def origins_of(self, key_id: str) -> tuple[str, ...]:
        """The origins whose pages may use tokens of a key and show ours in a frame; none when it does not live or is not for
        that. Raises RecordsError.
        """
        key = await self._living(key_id)
        return () if key is None or KeyScope.EMBED not in key.scopes else key.origins

    async def _by_key(self, secret: str, headers: Headers) -> Access:
        digest = hashlib.sha256(secret.encode()).hexdigest()  # so that no list of secrets stands in memory
        key = await self._secrets.get(digest, partial(self._store.find, secret))
        if key is None:
            raise _unknown_key()
        if key.origins:
            _require_origin(headers, key.origins)
        return Access(key.key_id, key.scopes, key.documents, _user(headers))

    async def _by_token(self, token: str, headers: Headers) -> Access:
        claims = self._signer.read(token)
        key = await self._living(claims.key_id)
        if key is None or KeyScope.EMBED not in key.scopes or claims.origin not in key.origins:
            raise UnauthorizedError("the key behind this browser token is unknown or was revoked")
        _require_origin(headers, (claims.origin,))
        return Access(claims.key_id, _ASKING, key.documents, claims.user, claims.origin)

    async def _living(self, key_id: str) -> ApiKey | None:
        return await self._keys.get(key_id, partial(self._look_up, key_id))

    def _look_up(self, key_id: str) -> ApiKey | None:
        try:
            key = self._store.get(key_id)
        except NotFoundError:
            return None
        return key if key.revoked is None else None

    def _live_origins(self) -> frozenset[str]:
        living = (key for key in self._store.list() if key.revoked is None and KeyScope.EMBED in key.scopes)
        return frozenset(origin for key in living for origin in key.origins)


def _unknown_key() -> UnauthorizedError:
    return UnauthorizedError("this API key is not valid here: it is unknown or was revoked")


def _credentials(headers: Headers) -> set[str]:
    """The different keys and tokens that were sent, empty ones and other ways of authorization passed over."""
    found = {value.strip(" ") for value in headers.getlist("api-key")}
    for value in headers.getlist("authorization"):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "bearer":
            found.add(rest.strip(" "))
    return found - {""}


def _user(headers: Headers) -> str:
    """The end user that `X-Zhengwen-User` names, in UTF-8; empty for none."""
    named = set(headers.getlist("x-zhengwen-user")) - {""}
    if len(named) > 1:
        raise InputError("X-Zhengwen-User names different users: send it once")
    try:
        return _checked_user("".join(named).encode("latin-1").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"X-Zhengwen-User is not in UTF-8 ({error.reason})") from error


def _is_own_page(origin: str, headers: Headers) -> bool:
    """Whether the page of that origin came from this service."""
    host = headers.get("host", "").lower()
    return bool(host) and origin.lower() in (f"http://{host}", f"https://{host}")


def _require_origin(headers: Headers, origins: Sequence[str]) -> None:
    """Raises ForbiddenError for the page of another origin. No origin at all is no page of another one: browsers name it."""
    for origin in headers.getlist("origin"):
        if origin not in origins and not _is_own_page(origin, headers):
            raise ForbiddenError(f"pages of {origin!r:.200} may not use this key or token")


def _comes_from_this_machine(headers: Headers, *, has_credential: bool) -> bool:
    """Whether nothing tells that a request to a loopback address began elsewhere: no trace of a proxy, and no page of another
    site. Such a page can send no credential of any kind without being allowed to first, which it is not.
    """
    is_of_page = any(not _is_own_page(origin, headers) for origin in headers.getlist("origin"))
    return not any(name in headers for name in _FORWARDED) and (has_credential or not is_of_page)


def _gate(request: Request) -> Gate:
    gate: Gate = request.state.gate
    return gate


GateDep = Annotated[Gate, Depends(_gate)]

# These two describe the keys in the OpenAPI document; the gate reads them.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key (zw-…) or a browser token.")
_HEADER = APIKeyHeader(
    name="api-key", auto_error=False, scheme_name="api-key", description="The same, for Azure's clients."
)


async def _access(
    request: Request,
    gate: GateDep,
    bearer: Annotated[object, Depends(_BEARER)],
    header: Annotated[object, Depends(_HEADER)],
) -> Access:
    return await gate.admit(request)


AccessDep = Annotated[Access, Depends(_access)]


def require(scope: KeyScope) -> Callable[[Access], Awaitable[Access]]:
    """A dependency that gives the access of the request, or the error of `Access.require`."""

    async def checked(access: AccessDep) -> Access:
        access.require(scope)
        return access

    return checked


class TokenRequest(BaseModel):
    """For whom a browser token is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"origin": "https://portal.example", "user": "张三-0042"}]}
    )

    origin: str = Field(description="The web origin of the page that will use it: one of the key's.")
    user: str | None = Field(None, description="The end user, whose conversations are then told from those of others.")


class BrowserToken(BaseModel):
    """A token for a browser, and for how many seconds it is valid."""

    token: str
    expires_in: int


@router.post(
    "/api/tokens",
    tags=["Access"],
    summary="A browser token, for a key with the scope embed",
    responses=examples.replies("/api/tokens", examples.TOKEN, (400, 401, 403, 413, 422, 429, 500, 503)),
)
async def make_token(
    body: TokenRequest, gate: GateDep, access: Annotated[Access, Depends(require(KeyScope.EMBED))]
) -> BrowserToken:
    return BrowserToken(token=await gate.token(access, body.origin, body.user), expires_in=tokens.SECONDS)


class Cors:
    """Lets pages of the origins of living `embed` keys read replies, without cookies; the gate is in the state of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        is_allowed = bool(origin) and await _is_allowed(scope, origin)
        is_preflight = scope["method"] == "OPTIONS" and bool(origin) and "access-control-request-method" in headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                given.add_vary_header("Origin")
                if is_allowed:
                    given["Access-Control-Allow-Origin"] = origin
                    given.update(_PREFLIGHT if is_preflight else _EXPOSED)
            await send(message)

        if not is_preflight:
            await self._app(scope, receive, send_with_headers)
        elif is_allowed:
            await Response(status_code=204)(scope, receive, send_with_headers)
        else:
            problem = f"pages of {origin!r:.200} may not ask here: make a key with the scope embed and this --origin"
            await error_response(scope["path"], 403, problem)(scope, receive, send_with_headers)


_PREFLIGHT = {
    # The star stands for every header but the first.
    "Access-Control-Allow-Headers": "Authorization, *",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = {"Access-Control-Expose-Headers": "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"}


async def _is_allowed(scope: Scope, origin: str) -> bool:
    if scope["path"].startswith(_NEVER_FROM_PAGES):
        return False
    gate: Gate = scope["state"]["gate"]
    try:
        return origin in await gate.origins()
    except ZhengwenError as error:
        logger.warning("no page of another origin is let in: %s", error)
        return False
