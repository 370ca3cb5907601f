"""Nobody asks without a key where one is needed, a key opens what it says and no more, and pages only what is theirs."""

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import openai
import pytest
from fastapi import Depends, FastAPI
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from indexer.errors import InputError, RecordsError
from service.http import access, errors
from service.http.access import MAX_USER, REMEMBERED_SECONDS, Access, AccessDep, Cors, Gate, Recent, require
from service.http.errors import UnauthorizedError
from service.http.limits import RateLimiter, RateLimitHeaders
from service.http.middleware import content_policy
from service.http.tokens import SECONDS, TokenSigner
from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import ApiKey, KeyScope, NewKey
from service.settings import KeyRule, networks

PORTAL = "https://portal.example"
OTHER = "https://other.example"
WRONG = "zw-" + "A" * 43
ASKING = [KeyScope.ASK, KeyScope.SEARCH]

Reply = Any  # a response of the test client
Given = list[tuple[str | bytes, str | bytes]]


class Counted(KeyStore):
    """The real store, which counts what it is asked and can be made slow or broken."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked = 0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def _note(self) -> None:
        self.asked += 1
        self.gate.wait()
        if self.error is not None:
            raise self.error

    def find(self, secret: str) -> ApiKey | None:
        self._note()
        return super().find(secret)

    def get(self, key_id: str) -> ApiKey:
        self._note()
        return super().get(key_id)

    def list(self) -> tuple[ApiKey, ...]:
        self._note()
        return super().list()


@dataclass
class World:
    """A database with keys, the time, and gates before them."""

    database: Database
    keys: Counted
    seconds: float = 0.0
    unix: float = 1_700_000_000.0
    limits: list[RateLimiter] = field(default_factory=list)

    def gate(
        self,
        rule: KeyRule = KeyRule.ALWAYS,
        *,
        on_loopback: bool = False,
        rates: tuple[int, int] = (0, 0),
        proxies: str = "",
    ) -> Gate:
        return Gate(
            self.keys,
            TokenSigner(self.database.signing_secret(), lambda: self.unix),
            RateLimiter(*rates, lambda: int(self.seconds * 10**9)),
            rule=rule,
            on_loopback=on_loopback,
            proxies=networks(proxies),
            clock=lambda: self.seconds,
        )

    def client(
        self, rule: KeyRule = KeyRule.ALWAYS, peer: str = "5.5.5.5", **options: Any
    ) -> AbstractContextManager[TestClient]:
        return _client(self.gate(rule, **options), peer)


@contextmanager
def _client(gate: Gate, peer: str) -> Iterator[TestClient]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"gate": gate}

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(Cors)
    errors.install(app)
    app.include_router(access.router)

    @app.get("/api/whoami")
    @app.get("/v1/whoami")
    @app.post("/api/whoami")
    def whoami(access: AccessDep) -> dict[str, Any]:
        return {
            "key_id": access.key_id,
            "scopes": sorted(access.scopes),
            "visible": access.visible,
            "user": access.user,
            "origin": access.origin,
            "is_local": access.is_local,
        }

    for scope in KeyScope:

        @app.post(f"/api/{scope}")
        @app.post(f"/v1/{scope}")
        def use(access: Annotated[Access, Depends(require(scope))]) -> None:
            return None

    @app.post("/api/admin/reload")
    def reload(access: Annotated[Access, Depends(require(KeyScope.ADMIN))]) -> None:
        return None

    @app.get("/v1/models")
    def models(access: Annotated[Access, Depends(require(KeyScope.ASK))]) -> dict[str, Any]:
        return {"object": "list", "data": []}

    @app.get("/healthz")
    def healthz() -> None:
        return None

    with TestClient(app, client=(peer, 4711)) as client:
        yield client


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Database.open(f"sqlite:///{tmp_path}/zhengwen.db") as database:
        yield World(database, Counted(database))


@pytest.fixture
def key(world: World) -> NewKey:
    return world.keys.create("portal", ASKING, documents=["公开/*", "通知/*"])


@pytest.fixture
def embed(world: World) -> NewKey:
    return world.keys.create("embed", [KeyScope.EMBED], origins=[PORTAL, "http://localhost:3000"], documents=["公开/*"])


def bearer(secret: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", **more}


def token_of(client: TestClient, key: NewKey, origin: str = PORTAL, **body: str) -> str:
    reply = client.post("/api/tokens", json={"origin": origin, **body}, headers=bearer(key.secret))
    assert reply.status_code == 200, reply.text
    assert reply.json()["expires_in"] == 1800
    return str(reply.json()["token"])


# Keys.


@pytest.mark.parametrize(
    "given",
    [
        [("Authorization", "Bearer {}")],
        [("authorization", "bearer {}")],
        [("AUTHORIZATION", "BEARER {}")],
        [("Authorization", "Bearer   {}  ")],
        [("api-key", "{}")],
        [("Api-Key", " {} ")],
        [("api-key", "{}"), ("Authorization", "Bearer {}")],
        [("Authorization", "Bearer {}"), ("Authorization", "Bearer {}")],
        # A proxy has its own password, and sends it on.
        [("Authorization", "Basic dXNlcjpwYXNzd29yZA=="), ("api-key", "{}")],
        [("Authorization", "Basic dXNlcjpwYXNzd29yZA=="), ("Authorization", "Bearer {}")],
        [("Authorization", "Bearer "), ("api-key", "{}")],
    ],
)
def test_key_is_not_read_where_clients_put_it(world: World, key: NewKey, given: list[tuple[str, str]]) -> None:
    with world.client() as client:
        headers = [(name.encode(), value.format(key.secret).encode()) for name, value in given]
        assert client.get("/api/whoami", headers=headers).json() == {
            "key_id": key.key.key_id,
            "scopes": ["ask", "search"],
            "visible": ["公开/*", "通知/*"],
            "user": "",
            "origin": "",
            "is_local": False,
        }


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("", []),
        ("", [("Authorization", "")]),
        ("", [("Authorization", "Bearer")]),
        ("", [("Authorization", "Bearer ")]),
        ("", [("Authorization", "{}")]),
        ("", [("Authorization", "Token {}")]),
        ("", [("Authorization", "Basic {}")]),
        ("", [("Authorization", "Bearer\t{}")]),
        ("", [("api-key", "")]),
        ("", [("x-api-key", "{}")]),
        ("", [("Cookie", "api-key={}; Authorization=Bearer {}")]),
        ("?api-key={}", []),
        ("?key={}&token={}", []),
        ("?access_token={}", []),
        ("?Authorization=Bearer%20{}", []),
    ],
)
def test_key_is_read_where_it_does_not_belong(
    world: World, key: NewKey, path: str, given: list[tuple[str, str]]
) -> None:
    with world.client() as client:
        headers = [(name, value.replace("{}", key.secret)) for name, value in given]
        reply = client.get("/api/whoami" + path.replace("{}", key.secret), headers=headers)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="zhengwen"'
    assert "Authorization: Bearer zw-" in reply.json()["detail"], "it does not say what to do"
    assert key.secret not in reply.text


def _altered(secret: str) -> list[str]:
    ends = [secret[:-1], secret + "A", secret[:-1] + ("B" if secret[-1] == "A" else "A"), secret[3:], "zw-"]
    inside = [secret.upper(), secret.lower(), secret.replace("zw-", "zw_"), secret[:9] + " " + secret[9:]]
    joined = [f"{secret},{secret}", f"{secret}, Bearer {secret}", f'"{secret}"', f"{secret};", f"{secret}="]
    return [*ends, *inside, *joined, WRONG, "sk-" + "A" * 48, "none", "zw-" + "A" * 10_000, "zwt-1.", "zwt-1.e30.e30"]


def test_key_that_is_nearly_right_opens_the_door(world: World, key: NewKey) -> None:
    gate = world.gate()
    with world.client() as client:
        for secret in _altered(key.secret):
            for headers in (bearer(secret), {"api-key": secret}):
                reply = client.get("/api/whoami", headers=headers)
                assert reply.status_code == 401, secret
                assert reply.headers["WWW-Authenticate"] == 'Bearer realm="zhengwen", error="invalid_token"'
        assert client.get("/api/whoami", headers=bearer(key.secret)).status_code == 200
    for raw in (
        "zw-政问政问".encode(),
        b"zw-" + b"\xff" * 43,
        key.secret.encode() + b"\xa0",
        b"\xe9",
        b"\0",
        b"zwt-1.\xe9.\xff",
    ):
        for header in ((b"authorization", b"Bearer " + raw), (b"api-key", raw)):
            with pytest.raises(UnauthorizedError):
                identify(gate, header)


def test_two_keys_at_once_are_a_choice_of_scopes(world: World, key: NewKey, embed: NewKey) -> None:
    both: list[Given] = [
        [("Authorization", f"Bearer {key.secret}"), ("Authorization", f"Bearer {embed.secret}")],
        [("Authorization", f"Bearer {key.secret}"), ("api-key", embed.secret)],
        [("api-key", key.secret), ("api-key", WRONG)],
    ]
    with world.client() as client:
        for given in both:
            assert client.get("/api/whoami", headers=given).status_code == 401


def test_revoked_key_is_told_from_an_unknown_one(world: World, key: NewKey) -> None:
    world.keys.revoke(key.key.key_id)
    with world.client() as client:
        for path in ("/api/whoami", "/v1/whoami"):
            revoked, unknown, malformed = (
                client.get(path, headers=bearer(secret)) for secret in (key.secret, WRONG, "zw-x")
            )
            assert revoked.status_code == 401
            assert revoked.content == unknown.content == malformed.content
            assert revoked.headers == unknown.headers == malformed.headers


def test_refusal_has_not_the_shape_that_its_callers_read(world: World, key: NewKey) -> None:
    with world.client() as client:
        error = client.get("/v1/whoami", headers=bearer(WRONG)).json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert (error["code"], error["type"], error["param"]) == ("invalid_api_key", "authentication_error", None)
        reply = client.get("/api/whoami", headers=bearer(WRONG))
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert (reply.json()["status"], reply.json()["title"]) == (401, "Unauthorized")
        error = client.post("/v1/admin", headers=bearer(key.secret)).json()["error"]
        assert (error["code"], error["type"]) == ("insufficient_permissions", "permission_error")


@pytest.mark.parametrize("is_azure", [False, True])
def test_official_client_cannot_send_a_key_or_tell_a_wrong_one(world: World, key: NewKey, is_azure: bool) -> None:
    def models(secret: str, transport: TestClient) -> list[Any]:
        options: dict[str, Any] = {"api_key": secret, "http_client": transport, "max_retries": 0}
        base = "http://testserver/v1"
        official: openai.OpenAI = (
            openai.AzureOpenAI(base_url=base, api_version="1", **options)
            if is_azure
            else openai.OpenAI(base_url=base, **options)
        )
        return official.models.list().data

    search_only = world.keys.create("search", [KeyScope.SEARCH])
    with world.client(rates=(1, 1)) as client:
        assert models(key.secret, client) == []
        with pytest.raises(openai.AuthenticationError) as wrong:
            models(WRONG, client)
        assert wrong.value.code == "invalid_api_key"
        with pytest.raises(openai.PermissionDeniedError):
            models(search_only.secret, client)
        with pytest.raises(openai.RateLimitError) as limited:
            models(key.secret, client)
        assert limited.value.response.headers["Retry-After"] == "60"


def test_scope_opens_more_than_its_own(world: World) -> None:
    with world.client() as client:
        for scope in KeyScope:
            one = world.keys.create("one", [scope])
            rest = world.keys.create("rest", set(KeyScope) - {scope})
            for path in (f"/api/{scope}", f"/v1/{scope}"):
                assert client.post(path, headers=bearer(one.secret)).status_code == 200
                reply = client.post(path, headers=bearer(rest.secret))
                assert reply.status_code == 403
                assert f"'{scope}'" in reply.text
                challenge = f'Bearer realm="zhengwen", error="insufficient_scope", scope="{scope}"'
                assert reply.headers["WWW-Authenticate"] == challenge
                assert client.post(path).status_code == 401


# Where no key is needed.


@pytest.mark.parametrize(
    ("rule", "on_loopback", "is_open"),
    [
        (KeyRule.AUTO, True, True),
        (KeyRule.AUTO, False, False),
        (KeyRule.ALWAYS, True, False),
        (KeyRule.ALWAYS, False, False),
        (KeyRule.NEVER, True, True),
        (KeyRule.NEVER, False, True),
    ],
)
def test_key_is_needed_on_loopback_or_not_needed_elsewhere(
    world: World, rule: KeyRule, on_loopback: bool, is_open: bool
) -> None:
    with world.client(rule, on_loopback=on_loopback) as client:
        for headers in ({}, bearer("sk-placeholder"), {"api-key": "none"}, {"Authorization": "Basic dTpw"}):
            assert client.post("/api/ask", headers=headers).status_code == (200 if is_open else 401)
            assert client.post("/api/search", headers=headers).status_code == (200 if is_open else 401)
        # A program on this machine may do what its user may; whoever else needs no key may ask, and no more.
        may_administer = 200 if is_open and on_loopback else 403 if is_open else 401
        assert client.post("/api/admin").status_code == may_administer
        assert client.post("/api/embed").status_code == (403 if is_open else 401)
        assert world.keys.asked == 0
        # What looks like a key of ours is meant as one.
        assert client.post("/api/ask", headers=bearer(WRONG)).status_code == 401
        limited = world.keys.create("limited", [KeyScope.SEARCH], documents=["公开/*"])
        assert client.post("/api/ask", headers=bearer(limited.secret)).status_code == 403
        assert client.get("/api/whoami", headers=bearer(limited.secret)).json()["visible"] == ["公开/*"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "1.1.1.1"},
        {"Forwarded": "for=1.1.1.1"},
        {"X-Real-IP": "1.1.1.1"},
        {"X-Forwarded-Host": "portal.example"},
        {"Via": "1.1 proxy"},
        {"X-Forwarded-For": "1.1.1.1", "Authorization": "Bearer sk-placeholder"},
        {"Origin": OTHER},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:81"},
    ],
)
def test_stranger_reaches_an_open_loopback_address_through_a_proxy_or_a_browser(
    world: World, headers: dict[str, str]
) -> None:
    with world.client(KeyRule.AUTO, on_loopback=True) as client:
        for path in ("/api/ask", "/api/admin/reload"):
            assert client.post(path, headers=headers).status_code == 401
    with world.client(KeyRule.NEVER, on_loopback=True) as client:
        assert client.post("/api/ask", headers=headers).status_code == 200
        assert client.post("/api/admin/reload", headers=headers).status_code == 403


def test_own_page_or_desktop_program_is_a_stranger_on_loopback(world: World) -> None:
    with world.client(KeyRule.AUTO, on_loopback=True) as client:
        assert client.post("/api/ask", headers={"Origin": "http://testserver"}).status_code == 200
        # A page in a browser cannot send this header: the browser asks first and is refused.
        assert client.post("/api/ask", headers=bearer("sk-x", Origin="app://obsidian")).status_code == 200
        for origin in ("null", "http://", "https://"):
            assert client.post("/api/ask", headers={"Origin": origin, "Host": ""}).status_code == 401


@pytest.mark.parametrize(
    ("rule", "on_loopback", "expected"),
    [
        (KeyRule.AUTO, False, ["zhengwen keys create --name NAME --scope ask --scope search"]),
        (KeyRule.ALWAYS, True, ["zhengwen keys create"]),
        (KeyRule.NEVER, False, ["ZHENGWEN_REQUIRE_KEYS=never"]),
        (KeyRule.NEVER, True, []),
        (KeyRule.AUTO, True, []),
    ],
)
def test_operator_is_not_told_that_nobody_or_everybody_may_ask(
    world: World, caplog: pytest.LogCaptureFixture, rule: KeyRule, on_loopback: bool, expected: list[str]
) -> None:
    gate = world.gate(rule, on_loopback=on_loopback)
    revoked = world.keys.create("old", ASKING)
    world.keys.revoke(revoked.key.key_id)
    gate.announce()
    assert len(caplog.records) == len(expected)
    for record, part in zip(caplog.records, expected, strict=True):
        assert record.levelno == logging.WARNING
        assert part in record.getMessage()
    caplog.clear()
    world.keys.create("new", ASKING)
    gate.announce()
    assert [record for record in caplog.records if "keys create" in record.getMessage()] == []


# The end user.


def identify(gate: Gate, *raw: tuple[bytes, bytes]) -> Access:
    """What the gate makes of headers as they stand on the wire; the test client would write other bytes."""
    return asyncio.run(gate.identify(Headers(raw=raw)))


def test_user_is_lost_mangled_or_believed_without_a_limit(world: World, key: NewKey) -> None:
    def user_of(*users: bytes) -> str:
        given = [(b"x-zhengwen-user", user) for user in users]
        return identify(world.gate(), (b"api-key", key.secret.encode()), *given).user

    for user in ("u-1", "张三", "👩", "a b", "x" * MAX_USER, "政" * MAX_USER):
        assert user_of(user.encode()) == user
    assert user_of(b"") == ""
    assert user_of(b"u", b"u") == "u"
    for users in (
        [b"x" * (MAX_USER + 1)],
        ["政".encode() * (MAX_USER + 1)],
        [b"\xff"],
        ["张三".encode("gb18030")],
        [b"a\tb"],
        [b"a\x7f"],
        [b"\xed\xa0\x80"],
        ["a\u2028b".encode()],
        ["a\u202eb".encode()],
        ["a\u200bb".encode()],
        [b"u", b"v"],
    ):
        with pytest.raises(InputError, match=r"(?i)user"):
            user_of(*users)


def test_user_of_the_body_beats_the_header_or_a_token() -> None:
    plain = Access("key", frozenset(ASKING))
    assert plain.on_behalf_of("body").user == "body"
    assert plain.on_behalf_of(None) == plain.on_behalf_of("") == plain
    assert Access("key", frozenset(), user="header").on_behalf_of("body").user == "header"
    assert Access("key", frozenset(), user="token", origin=PORTAL).on_behalf_of("body").user == "token"
    assert Access("key", frozenset(), user="", origin=PORTAL).on_behalf_of("body").user == ""
    for user in ("x" * 129, "a\nb", "\0", "\ud800", "\x1b[2J"):
        with pytest.raises(InputError):
            plain.on_behalf_of(user)
        assert Access("key", frozenset(), origin=PORTAL).on_behalf_of(user).user == "", "a token's user was looked at"


def test_error_about_a_user_puts_its_escapes_into_a_log(world: World, key: NewKey) -> None:
    with world.client() as client:
        reply = client.get(
            "/api/whoami", headers=[(b"api-key", key.secret.encode()), (b"x-zhengwen-user", b"a\x1b[2J")]
        )
    assert "\x1b" not in reply.json()["detail"]


# Look-ups.


def test_revocation_takes_longer_than_a_few_seconds(world: World, key: NewKey) -> None:
    assert REMEMBERED_SECONDS <= 5
    with world.client() as client:
        assert client.post("/api/ask", headers=bearer(key.secret)).status_code == 200
        world.keys.revoke(key.key.key_id)
        world.seconds = REMEMBERED_SECONDS
        assert client.post("/api/ask", headers=bearer(key.secret)).status_code == 401


def test_new_key_is_refused_longer_than_a_few_seconds(world: World) -> None:
    with world.client() as client:
        secrets = [WRONG]
        made = world.keys.create("new", ASKING)
        secrets.append(made.secret)
        assert [client.post("/api/ask", headers=bearer(s)).status_code for s in secrets] == [401, 200]
        world.seconds = REMEMBERED_SECONDS
        assert [client.post("/api/ask", headers=bearer(s)).status_code for s in secrets] == [401, 200]


def test_database_is_asked_for_every_request(world: World, key: NewKey) -> None:
    with world.client() as client:
        for i in range(100):
            world.seconds = 0.99 * REMEMBERED_SECONDS * (i // 50)
            assert client.post("/api/ask", headers=bearer(key.secret)).status_code == 200
            assert client.post("/api/ask", headers=bearer(WRONG)).status_code == 401
        assert world.keys.asked == 2
        world.seconds = REMEMBERED_SECONDS
        client.post("/api/ask", headers=bearer(key.secret))
        assert world.keys.asked == 3


def test_hundreds_of_requests_at_once_ask_the_database_as_often(world: World, key: NewKey) -> None:
    async def check() -> None:
        gate = world.gate()
        headers = Headers(bearer(key.secret))
        world.keys.gate.clear()
        asking = [asyncio.create_task(gate.identify(headers)) for _ in range(300)]
        while world.keys.asked == 0:
            await asyncio.sleep(0)
        for task in asking[1::2]:
            task.cancel()
        world.keys.gate.set()
        results = await asyncio.gather(*asking[::2])
        assert {access.key_id for access in results} == {key.key.key_id}
        assert world.keys.asked == 1
        with pytest.raises(asyncio.CancelledError):
            await asking[1]

    asyncio.run(check())


def test_one_that_hangs_up_takes_the_look_up_of_the_others_with_it(world: World, key: NewKey) -> None:
    async def check() -> None:
        gate = world.gate()
        world.keys.gate.clear()
        first, second = (asyncio.create_task(gate.identify(Headers(bearer(key.secret)))) for _ in range(2))
        while world.keys.asked == 0:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        world.keys.gate.set()
        assert (await second).key_id == key.key.key_id

    asyncio.run(check())


def test_failure_that_everybody_stopped_waiting_for_is_reported_as_a_bug(world: World, key: NewKey) -> None:
    unseen: list[dict[str, Any]] = []

    async def check() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: unseen.append(context))
        gate = world.gate()
        world.keys.error = RecordsError("the database is locked")
        world.keys.gate.clear()
        asking = asyncio.create_task(gate.identify(Headers(bearer(key.secret))))
        while world.keys.asked == 0:
            await asyncio.sleep(0)
        asking.cancel()
        (_, look_up) = next(iter(gate._secrets._tasks.values()))
        world.keys.gate.set()
        await asyncio.wait({asking, look_up})
        await asyncio.sleep(0)
        gate._secrets._tasks.clear()
        del look_up
        gc.collect()

    asyncio.run(check())
    assert unseen == []


def test_slow_look_up_is_remembered_from_its_end(world: World, key: NewKey) -> None:
    """A key revoked while the database was slow would work for that much longer."""

    async def check() -> None:
        gate = world.gate()
        world.keys.gate.clear()
        first = asyncio.create_task(gate.identify(Headers(bearer(key.secret))))
        while world.keys.asked == 0:
            await asyncio.sleep(0)
        world.seconds = 0.9 * REMEMBERED_SECONDS
        world.keys.gate.set()
        await first
        world.keys.revoke(key.key.key_id)
        world.seconds = REMEMBERED_SECONDS
        with pytest.raises(UnauthorizedError):
            await gate.identify(Headers(bearer(key.secret)))

    asyncio.run(check())


def test_broken_database_lets_everybody_in_or_is_remembered(world: World, key: NewKey) -> None:
    with world.client(KeyRule.AUTO, on_loopback=True) as client:
        world.keys.error = RecordsError("the database is locked")
        reply = client.post("/api/ask", headers=bearer(key.secret))
        assert reply.status_code == 503
        assert int(reply.headers["Retry-After"]) > 0
        assert "locked" in reply.json()["detail"]
        assert client.post("/api/ask").status_code == 200, "who needs no key needs no database"
        world.keys.error = None
        assert client.post("/api/ask", headers=bearer(key.secret)).status_code == 200


def test_look_ups_fill_memory() -> None:
    async def check() -> None:
        now = 0.0
        recent: Recent[int] = Recent(lambda: now, most=50)
        for i in range(300):
            assert await recent.get(f"name-{i}", lambda i=i: i) == i
            assert len(recent._tasks) <= 50
        asked = []
        for i in (299, 250):
            assert await recent.get(f"name-{i}", lambda i=i: asked.append(i) or i) == i
        assert asked == [], "the newest were forgotten"
        now = REMEMBERED_SECONDS
        await recent.get("name-270", lambda: -1)
        for i in range(400, 449):
            await recent.get(f"name-{i}", lambda: 0)
        assert await recent.get("name-270", lambda: -2) == -1, "what was looked up again counts as old"

    asyncio.run(check())


def test_secret_stands_in_memory_in_the_log_or_in_an_error(
    world: World, key: NewKey, embed: NewKey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gate = world.gate()
    gate.announce()
    with _client(gate, "5.5.5.5") as client:
        token = token_of(client, embed)
        replies = [client.post("/api/admin", headers=bearer(secret)).text for secret in (key.secret, token, WRONG)]
        replies.append(client.post("/api/ask", headers=bearer(token, Origin=OTHER)).text)
        replies.append(client.post("/api/tokens", json={"origin": OTHER}, headers=bearer(embed.secret)).text)
        world.keys.error = RecordsError("broken")
        world.seconds = 100.0
        replies.append(client.post("/api/ask", headers=bearer(key.secret)).text)
    everything = "\n".join([*replies, *map(repr, gate._secrets._tasks), *map(repr, gate._keys._tasks)])
    # The client of the test logs its own requests.
    everything += "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("service"))
    for secret in (key.secret, embed.secret, token, WRONG):
        assert secret[3:] not in everything


# Browser tokens.


def test_token_opens_more_than_asking_and_searching_what_its_key_sees(world: World, embed: NewKey) -> None:
    with world.client() as client:
        token = token_of(client, embed, user="张三")
        for headers in (bearer(token, Origin=PORTAL), {"api-key": token, "Origin": PORTAL}, bearer(token)):
            assert client.get("/api/whoami", headers=headers).json() == {
                "key_id": embed.key.key_id,
                "scopes": ["ask", "search"],
                "visible": ["公开/*"],
                "user": "张三",
                "origin": PORTAL,
                "is_local": False,
            }
        for scope, status in (("ask", 200), ("search", 200), ("admin", 403), ("embed", 403)):
            assert client.post(f"/api/{scope}", headers=bearer(token, Origin=PORTAL)).status_code == status
        body = {"origin": PORTAL}
        assert client.post("/api/tokens", json=body, headers=bearer(token, Origin=PORTAL)).status_code == 403
        # The key itself is for nothing else.
        assert client.post("/api/ask", headers=bearer(embed.secret)).status_code == 403


def test_token_of_a_key_with_every_scope_may_administer(world: World) -> None:
    mighty = world.keys.create("mighty", KeyScope, origins=[PORTAL])
    with world.client(KeyRule.NEVER, on_loopback=True) as client:
        token = token_of(client, mighty)
        for path in ("/api/admin", "/api/embed", "/api/admin/reload"):
            reply = client.post(path, headers=bearer(token, Origin=PORTAL))
            assert reply.status_code == 403
            assert "browser token" in reply.json()["detail"]


def test_browser_says_who_its_user_is(world: World, embed: NewKey) -> None:
    with world.client() as client:
        for named in ({}, {"user": "张三"}):
            headers = bearer(token_of(client, embed, **named), Origin=PORTAL)
            headers["X-Zhengwen-User"] = "root"
            assert client.get("/api/whoami", headers=headers).json()["user"] == named.get("user", "")


def test_token_works_on_a_page_of_another_origin(world: World, embed: NewKey) -> None:
    world.keys.create("other", [KeyScope.EMBED], origins=[OTHER])
    with world.client() as client:
        token = token_of(client, embed)
        for origin in (
            OTHER,
            "null",
            "http://portal.example",
            "https://portal.example:444",
            "https://portal.example.evil.example",
            "https://evil.example/https://portal.example",
            "HTTPS://PORTAL.EXAMPLE",
            "http://localhost:3000",  # an origin of the same key, but not of this token
            "",
        ):
            reply = client.post("/api/ask", headers=bearer(token, Origin=origin))
            assert reply.status_code == 403, origin
        twice = [("Origin", PORTAL), ("Origin", OTHER), ("Authorization", f"Bearer {token}")]
        assert client.post("/api/ask", headers=twice).status_code == 403
        # The page of ours that is shown in a frame of theirs.
        assert client.post("/api/ask", headers=bearer(token, Origin="http://testserver")).status_code == 200
        assert client.post("/api/ask", headers=bearer(token, Origin="null", Host="")).status_code == 403


def test_token_outlives_its_half_hour_or_its_key(world: World, embed: NewKey) -> None:
    with world.client() as client:
        token = token_of(client, embed)
        world.unix += SECONDS - 1
        assert client.post("/api/ask", headers=bearer(token, Origin=PORTAL)).status_code == 200
        world.unix += 1
        expired = client.post("/v1/ask", headers=bearer(token, Origin=PORTAL))
        assert expired.status_code == 401
        assert expired.json()["error"]["code"] == "token_expired"
        token = token_of(client, embed)
        assert client.post("/api/ask", headers=bearer(token, Origin=PORTAL)).status_code == 200
        world.keys.revoke(embed.key.key_id)
        world.seconds = REMEMBERED_SECONDS
        revoked = client.post("/api/ask", headers=bearer(token, Origin=PORTAL))
        assert revoked.status_code == 401
        assert 'error="invalid_token"' in revoked.headers["WWW-Authenticate"]
        reply = client.post("/api/tokens", json={"origin": PORTAL}, headers=bearer(embed.secret))
        assert reply.status_code == 401


def test_token_of_another_database_opens_this_one(world: World, embed: NewKey, tmp_path: Path) -> None:
    with Database.open(f"sqlite:///{tmp_path}/other.db") as database:
        other = World(database, Counted(database))
        theirs = other.keys.create("theirs", [KeyScope.EMBED], origins=[PORTAL])
        with other.client() as client:
            token = token_of(client, theirs)
        forged = TokenSigner(database.signing_secret(), lambda: world.unix).issue(embed.key.key_id, "", PORTAL)
    own = TokenSigner(world.database.signing_secret(), lambda: world.unix)
    no_embed = world.keys.create("no-embed", ASKING, origins=[PORTAL])
    with world.client() as client:
        for wrong in (
            token,
            forged,
            own.issue("key-unknown", "", PORTAL),
            own.issue(embed.key.key_id, "", OTHER),
            own.issue("", "", PORTAL),
            own.issue(no_embed.key.key_id, "", PORTAL),
        ):
            assert client.post("/api/ask", headers=bearer(wrong)).status_code == 401
    with world.client(KeyRule.AUTO, on_loopback=True) as client:
        assert client.post("/api/ask", headers=bearer(token)).status_code == 401


def test_token_of_one_worker_is_not_known_to_another(world: World, embed: NewKey) -> None:
    with world.client() as first, world.client() as second:
        assert second.post("/api/ask", headers=bearer(token_of(first, embed), Origin=PORTAL)).status_code == 200


def test_key_gets_tokens_for_pages_that_are_not_its_own(world: World, key: NewKey, embed: NewKey) -> None:
    world.keys.create("other", [KeyScope.EMBED], origins=[OTHER])
    none = world.keys.create("none", [KeyScope.EMBED])
    with world.client() as client:
        for origin in (
            OTHER,
            "*",
            "null",
            "",
            "https://portal.example/page",
            "https://user@portal.example",
            "javascript:1",
        ):
            reply = client.post("/api/tokens", json={"origin": origin}, headers=bearer(embed.secret))
            assert reply.status_code == 400, origin
        for origin in (PORTAL, "HTTPS://Portal.Example", "https://portal.example:443"):
            assert (
                client.post("/api/ask", headers=bearer(token_of(client, embed, origin), Origin=PORTAL)).status_code
                == 200
            )
        reply = client.post("/api/tokens", json={"origin": PORTAL}, headers=bearer(none.secret))
        assert reply.status_code == 400
        assert "--origin" in reply.json()["detail"]
        assert client.post("/api/tokens", json={"origin": PORTAL}, headers=bearer(key.secret)).status_code == 403
        assert client.post("/api/tokens", json={"origin": PORTAL}).status_code == 401
        for body in ({}, {"origin": 1}, {"origin": PORTAL, "user": 1}):
            assert client.post("/api/tokens", json=body, headers=bearer(embed.secret)).status_code == 422
        for user in ("x" * 129, "a\nb"):
            reply = client.post("/api/tokens", json={"origin": PORTAL, "user": user}, headers=bearer(embed.secret))
            assert reply.status_code == 400
    with world.client(KeyRule.NEVER, on_loopback=True) as client:
        assert client.post("/api/tokens", json={"origin": PORTAL}).status_code == 403, "without a key there is no token"


# Pages of other origins.


def test_key_is_used_by_pages_of_any_origin(world: World, key: NewKey) -> None:
    bound = world.keys.create("bound", ASKING, origins=[PORTAL])
    with world.client() as client:
        for origin, status in ((PORTAL, 200), (OTHER, 403), ("null", 403), ("http://testserver", 200)):
            assert client.post("/api/ask", headers=bearer(bound.secret, Origin=origin)).status_code == status
        assert client.post("/api/ask", headers=bearer(bound.secret)).status_code == 200
        assert client.post("/api/ask", headers=bearer(key.secret, Origin=OTHER)).status_code == 200


def cors(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.lower().startswith("access-control-")}


def preflight(client: TestClient, path: str, origin: str) -> Reply:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
    }
    return client.options(path, headers=headers)


def test_page_of_a_living_key_cannot_read_or_another_can(world: World, key: NewKey, embed: NewKey) -> None:
    world.keys.create("no-embed", ASKING, origins=["https://no-embed.example"])
    revoked = world.keys.create("revoked", [KeyScope.EMBED], origins=["https://revoked.example"])
    world.keys.revoke(revoked.key.key_id)
    with world.client() as client:
        for origin in (PORTAL, "http://localhost:3000"):
            allowed = preflight(client, "/api/ask", origin)
            assert allowed.status_code == 204
            assert allowed.headers["Access-Control-Allow-Origin"] == origin
            assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
            assert allowed.headers["Access-Control-Allow-Headers"] == "Authorization, *"
            token = token_of(client, embed, origin)
            # The page has to read what went wrong, too.
            for headers, status in ((bearer(token), 200), (bearer(WRONG), 401), ({}, 401)):
                reply = client.post("/v1/ask", headers={**headers, "Origin": origin})
                assert reply.status_code == status
                assert reply.headers["Access-Control-Allow-Origin"] == origin
                assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]
        for origin in (
            OTHER,
            "null",
            "*",
            "https://no-embed.example",
            "https://revoked.example",
            "https://portal.example.evil.example",
            "http://portal.example",
        ):
            refused = preflight(client, "/api/ask", origin)
            assert refused.status_code == 403
            assert cors(refused) == {}
            for headers in (bearer(key.secret), bearer(WRONG), {}):
                assert cors(client.post("/api/ask", headers={**headers, "Origin": origin})) == {}


def test_cache_gives_the_page_of_one_origin_what_another_may_read(world: World, embed: NewKey) -> None:
    with world.client() as client:
        for headers in ({}, {"Origin": PORTAL}, {"Origin": OTHER}):
            assert "Origin" in client.get("/healthz", headers=headers).headers["Vary"]
        assert "Origin" in preflight(client, "/api/ask", PORTAL).headers["Vary"]
        assert "Origin" in preflight(client, "/api/ask", OTHER).headers["Vary"]
        everything = [client.get("/healthz", headers={"Origin": PORTAL}), preflight(client, "/api/ask", PORTAL)]
        for reply in everything:
            assert reply.headers["Access-Control-Allow-Origin"] == PORTAL
            assert "Access-Control-Allow-Credentials" not in reply.headers


def test_page_that_holds_the_key_works(world: World, embed: NewKey) -> None:
    with world.client() as client:
        for path in ("/api/tokens", "/api/admin/reload"):
            assert preflight(client, path, PORTAL).status_code == 403
            assert cors(client.post(path, headers={"Origin": PORTAL})) == {}


def test_request_of_options_that_is_no_preflight_is_answered_as_one(world: World, embed: NewKey) -> None:
    with world.client() as client:
        assert client.options("/healthz", headers={"Origin": PORTAL}).status_code == 405
        assert client.options("/healthz", headers={"Access-Control-Request-Method": "POST"}).status_code == 405


def test_page_reads_for_ever_after_its_key_was_revoked_or_the_database_broke(
    world: World, embed: NewKey, caplog: pytest.LogCaptureFixture
) -> None:
    with world.client() as client:
        assert cors(client.get("/healthz", headers={"Origin": PORTAL}))
        world.keys.error = RecordsError("the database is locked")
        world.seconds = REMEMBERED_SECONDS
        reply = client.get("/healthz", headers={"Origin": PORTAL})
        assert reply.status_code == 200
        assert cors(reply) == {}
        assert "locked" in caplog.text
        world.keys.error = None
        assert cors(client.get("/healthz", headers={"Origin": PORTAL}))
        world.keys.revoke(embed.key.key_id)
        world.seconds = 2 * REMEMBERED_SECONDS
        assert cors(client.get("/healthz", headers={"Origin": PORTAL})) == {}


def test_origins_are_looked_up_for_requests_of_no_page(world: World, key: NewKey) -> None:
    with world.client() as client:
        client.get("/healthz")
        assert world.keys.asked == 0


def test_page_of_another_origin_shows_ours_in_a_frame(world: World, key: NewKey, embed: NewKey) -> None:
    gate = world.gate()

    def ancestors(key_id: str) -> str:
        policy = content_policy(asyncio.run(gate.origins_of(key_id)))
        return next(part for part in policy.split("; ") if part.startswith("frame-ancestors"))

    assert ancestors(embed.key.key_id) == f"frame-ancestors {PORTAL} http://localhost:3000"
    assert ancestors(key.key.key_id) == "frame-ancestors 'none'"
    assert ancestors("key-unknown") == "frame-ancestors 'none'"
    no_embed = world.keys.create("no-embed", ASKING, origins=[PORTAL])
    assert ancestors(no_embed.key.key_id) == "frame-ancestors 'none'"
    world.keys.revoke(embed.key.key_id)
    world.seconds = REMEMBERED_SECONDS
    assert ancestors(embed.key.key_id) == "frame-ancestors 'none'"


# Rates.


def statuses(count: int, ask: Callable[[], Reply]) -> list[int]:
    return [ask().status_code for _ in range(count)]


def test_guessing_keys_is_free_or_locks_out_those_who_have_one(world: World, key: NewKey) -> None:
    with world.client(rates=(600, 3)) as client:
        assert statuses(5, lambda: client.post("/api/ask", headers=bearer(WRONG))) == [401, 401, 401, 429, 429]
        assert statuses(2, lambda: client.post("/api/ask")) == [429, 429]
        refused = client.post("/v1/ask", headers=bearer(WRONG))
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert refused.headers["Retry-After"] == "20"
        assert statuses(9, lambda: client.post("/api/ask", headers=bearer(key.secret))) == [200] * 9
        world.seconds = 20.0
        assert statuses(2, lambda: client.post("/api/ask", headers=bearer(WRONG))) == [401, 429]


def test_key_is_limited_by_its_address_or_not_at_all(world: World, key: NewKey) -> None:
    with world.client(rates=(4, 2)) as client:
        replies = [client.post("/api/ask", headers=bearer(key.secret)) for _ in range(5)]
        assert [reply.status_code for reply in replies] == [200] * 4 + [429]
        assert replies[0].headers["RateLimit"] == '"key";r=3;t=15'
        assert replies[0].headers["RateLimit-Policy"] == '"key";q=4;w=60'
        assert replies[4].headers["RateLimit"] == '"key";r=0;t=60'
        assert client.post("/api/admin", headers=bearer(world.keys.create("b", ASKING).secret)).status_code == 403


def test_one_user_of_a_page_uses_up_the_rate_of_the_others(world: World, embed: NewKey) -> None:
    with world.client(rates=(100, 3), proxies="5.5.5.5") as client:
        token = token_of(client, embed)

        def ask(address: str) -> Reply:
            return client.post("/api/ask", headers=bearer(token, **{"Origin": PORTAL, "X-Forwarded-For": address}))

        assert statuses(5, lambda: ask("1.1.1.1")) == [200, 200, 200, 429, 429]
        assert statuses(5, lambda: ask("1.1.1.2")) == [200, 200, 200, 429, 429]
    with world.client(rates=(5, 3), proxies="5.5.5.5") as client:
        token = token_of(client, embed)
        assert statuses(5, lambda: ask("1.1.1.1")) == [200, 200, 200, 429, 429]
        assert statuses(3, lambda: ask("1.1.1.2")) == [200, 429, 429], "the key's own rate no longer counts"


def test_address_is_believed_from_anybody(world: World) -> None:
    with world.client(KeyRule.NEVER, rates=(0, 3), proxies="6.6.6.6") as client:
        addresses = iter(range(99))
        spoofed = lambda: client.post("/api/ask", headers={"X-Forwarded-For": f"1.1.1.{next(addresses)}"})  # noqa: E731
        assert statuses(5, spoofed) == [200, 200, 200, 429, 429]
    with world.client(KeyRule.NEVER, rates=(0, 3), proxies="5.0.0.0/8") as client:
        assert statuses(5, spoofed) == [200] * 5


def test_programs_on_this_machine_are_limited_or_proxied_ones_are_not(world: World) -> None:
    for rule in (KeyRule.AUTO, KeyRule.NEVER):
        with world.client(rule, peer="127.0.0.1", on_loopback=True, rates=(1, 1)) as client:
            replies = [client.post("/api/ask") for _ in range(20)]
            assert {reply.status_code for reply in replies} == {200}
            assert "RateLimit" not in replies[0].headers
    with world.client(KeyRule.NEVER, peer="127.0.0.1", on_loopback=True, rates=(1, 1)) as client:
        assert statuses(2, lambda: client.post("/api/ask", headers={"X-Forwarded-For": "1.1.1.1"})) == [200, 429]


def test_interface_description_names_no_way_to_send_a_key(world: World) -> None:
    with world.client() as client:
        described = client.get("/openapi.json").json()
    schemes = described["components"]["securitySchemes"]
    assert schemes["bearer"]["type"] == "http"
    assert schemes["bearer"]["scheme"] == "bearer"
    assert (schemes["api-key"]["in"], schemes["api-key"]["name"]) == ("header", "api-key")
    assert described["paths"]["/api/tokens"]["post"]["security"] == [{"bearer": []}, {"api-key": []}]
    assert "security" not in described["paths"]["/healthz"]["get"]
