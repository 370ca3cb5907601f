"""What operators do over HTTP: it happens, says so when it does not, and is for nobody else."""

import base64
import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from indexer import store
from indexer.build import build
from service.answer import Status
from service.http.app import create_app
from service.http.tokens import TicketSigner
from service.language_model import LanguageModel
from service.pipeline import Pipeline
from service.records.audit import AuditLog
from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import AuditEntry, Interface, KeyScope
from service.settings import AuditQuestions, Settings
from service.versions import IndexWatch, Versions

TIDES = {"tides.md": "# 潮汐表\n\n十月的大潮在初三，码头停工两天。\n"}
MORE = TIDES | {"kelp.md": "# 海带\n\n海带苗在十月下海，次年五月收割。\n"}
WHEN = "海带什么时候收割？"
LOCAL = "http://127.0.0.1:8000"

Json = dict[str, Any]
ClientOver = Callable[..., AbstractContextManager[TestClient]]


def add(index: Path, texts: dict[str, str]) -> str:
    """The fingerprint of a version built from `texts`, which is the current one then."""
    corpus = index.parent / "corpus"
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    for name, text in texts.items():
        (corpus / name).write_text(text, encoding="utf-8")
    return build(corpus, index).manifest.fingerprint


def no_model() -> LanguageModel | None:
    return None


@contextmanager
def over(index: Path, **more: Any) -> Iterator[TestClient]:
    """A client of a service that serves what is named at `index` and looks for news only when it is told to."""
    settings = Settings(
        index=index, database=f"sqlite:///{index.parent / 'state' / 'records.db'}", watch_index=False, **more
    )
    app = create_app(
        Versions(settings, no_model).open, settings, Database.open(settings.database), watch=IndexWatch(index, False)
    )
    with TestClient(app, base_url=LOCAL) as client:
        while "still loading" in client.get("/readyz").text:
            pass
        yield client


@dataclass
class Index:
    """An index with two versions, of which the newer is current."""

    folder: Path
    old: str
    new: str

    def names(self) -> dict[str, str]:
        """Fingerprint → name of a version."""
        return {v.manifest.fingerprint: v.name for v in store.versions(self.folder) if v.manifest is not None}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("built") / "index"
    return Index(folder, add(folder, TIDES), add(folder, MORE))


@pytest.fixture
def two(built: Index, tmp_path: Path) -> Index:
    """An index of one's own with two versions."""
    shutil.copytree(built.folder, tmp_path / "index")
    return Index(tmp_path / "index", built.old, built.new)


def damage(index: Path, fingerprint: str) -> None:
    for version in store.versions(index):
        if version.manifest is not None and version.manifest.fingerprint == fingerprint:
            (index / "versions" / version.name / "passages.jsonl").write_text("", encoding="utf-8")


# --- versions


def test_versions_are_listed_as_others(two: Index) -> None:
    with over(two.folder) as client:
        body = client.get("/api/admin/versions").json()
        assert (body["served"], body["problem"]) == (two.new, None)
        newest, oldest = body["versions"]
        assert [newest["fingerprint"], oldest["fingerprint"]] == [two.new, two.old]
        assert [newest["current"], oldest["current"]] == [True, False]
        assert (newest["documents"], oldest["documents"]) == (2, 1)
        assert newest["version"] == two.names()[two.new]
        assert datetime.fromisoformat(newest["built"]) > datetime.fromisoformat(oldest["built"])
        for version in store.versions(two.folder):
            if version.name == oldest["version"]:
                (two.folder / "versions" / version.name / "manifest.json").unlink()
        rows = client.get("/api/admin/versions").json()["versions"]
        (damaged,) = [row for row in rows if row["damaged"]]
        assert damaged["version"] == oldest["version"]
        assert damaged["fingerprint"] is damaged["built"] is damaged["documents"] is None


def test_new_version_is_not_taken_up(two: Index) -> None:
    store.rollback(two.folder)
    with over(two.folder) as client:
        assert client.post("/api/ask", json={"question": WHEN}).json()["status"] == "refused"
        assert client.post("/api/admin/reload").json() == {"index": two.old, "changed": False}
        store.rollback(two.folder, two.names()[two.new])
        assert client.get("/version").json()["index"] == two.old, "the test proves nothing"
        assert client.post("/api/admin/reload").json() == {"index": two.new, "changed": True}
        assert client.post("/api/ask", json={"question": WHEN}).json()["status"] == "answered"


def test_reload_that_failed_looks_like_one_that_did_not(two: Index) -> None:
    store.rollback(two.folder)
    with over(two.folder) as client:
        store.rollback(two.folder, two.names()[two.new])
        damage(two.folder, two.new)
        reply = client.post("/api/admin/reload")
        assert reply.status_code == 409
        assert "damaged" in reply.json()["detail"]
        assert two.old in reply.json()["detail"], "it does not say what is served"
        assert client.get("/version").json()["index"] == two.old
        body = client.get("/api/admin/versions").json()
        assert body["served"] == two.old
        assert "damaged" in body["problem"]
        assert client.post("/api/ask", json={"question": "大潮在哪天？"}).json()["status"] == "answered"


def test_service_without_an_index_says_nothing_of_its_versions(two: Index) -> None:
    damage(two.folder, two.new)
    damage(two.folder, two.old)
    with over(two.folder) as client:
        body = client.get("/api/admin/versions").json()
        assert body["served"] == ""
        assert "damaged" in body["problem"]
        reply = client.post("/api/admin/reload")
        assert reply.status_code == 409
        assert "nothing is served" in reply.json()["detail"]


def test_rollback_serves_the_version_that_was_there_before(two: Index) -> None:
    with over(two.folder) as client:
        assert client.post("/api/ask", json={"question": WHEN}).json()["status"] == "answered"
        reply = client.post("/api/admin/rollback", json={})
        assert reply.json() == {"version": two.names()[two.old], "index": two.old, "changed": True}
        assert client.post("/api/ask", json={"question": WHEN}).json()["status"] == "refused"
        assert [v.is_current for v in store.versions(two.folder)] == [False, True]
        back = client.post("/api/admin/rollback", json={"version": two.names()[two.new]})
        assert back.json()["index"] == two.new
        assert client.post("/api/ask", json={"question": WHEN}).json()["status"] == "answered"


@pytest.mark.parametrize("version", ["nothing", "../versions", "..", "/etc", "\0", "current", "0123456789abcdef"])
def test_rollback_to_nothing_changes_something(two: Index, version: str) -> None:
    with over(two.folder) as client:
        reply = client.post("/api/admin/rollback", json={"version": version})
        assert reply.status_code == 409
        assert two.names()[two.old] in reply.json()["detail"], "it does not say what there is"
        assert client.get("/version").json()["index"] == two.new
        assert client.post("/api/admin/rollback", json={"version": "x" * 101}).status_code == 422
        assert store.versions(two.folder)[0].is_current


def test_rollback_to_what_cannot_be_served_is_done_or_not_told(two: Index) -> None:
    with over(two.folder) as client:
        damage(two.folder, two.old)
        for body in ({}, {"version": two.names()[two.old]}, {"version": two.names()[two.new]}):
            reply = client.post("/api/admin/rollback", json=body)
            assert reply.status_code == 409
            assert reply.json()["detail"]
        assert store.versions(two.folder)[0].is_current
        assert client.post("/api/ask", json={"question": WHEN}).json()["status"] == "answered"


def test_rollback_that_fails_its_canary_does_not_say_what_is_named_now(two: Index, tmp_path: Path) -> None:
    canaries = tmp_path / "canaries.jsonl"
    canaries.write_text(f'{{"question": "{WHEN}", "status": "answered"}}\n', encoding="utf-8")
    with over(two.folder, canaries=str(canaries)) as client:
        reply = client.post("/api/admin/rollback", json={})
        assert reply.status_code == 409
        detail = reply.json()["detail"]
        assert detail.startswith(f"version {two.names()[two.old]} is the current one now, but")
        assert WHEN in detail
        assert f"{two.new} is still served" in detail
        assert client.post("/api/ask", json={"question": WHEN}).json()["status"] == "answered"


def test_reason_why_an_index_is_not_served_is_told_to_everybody(two: Index, tmp_path: Path) -> None:
    """It names documents and questions."""
    canaries = tmp_path / "canaries.jsonl"
    canaries.write_text(f'{{"question": "{WHEN}", "status": "answered"}}\n', encoding="utf-8")
    with over(two.folder, canaries=str(canaries), require_keys="always") as client:
        keys = KeyStore(client.app_state["database"])
        operator, portal, some = (
            {"Authorization": f"Bearer {keys.create('test', scopes, documents=documents).secret}"}
            for scopes, documents in (
                ([KeyScope.ADMIN], ("*",)),
                ([KeyScope.ASK, KeyScope.SEARCH], ("*",)),
                ([KeyScope.ADMIN], ("tides.md",)),
            )
        )
        assert client.post("/api/admin/rollback", json={}, headers=operator).status_code == 409
        for headers in ({}, portal, some, {"Authorization": "Bearer zw-wrong"}):
            told = client.get("/version", headers=headers)
            assert told.status_code == 200
            assert "administrators" in told.json()["problem"]
            assert "海带" not in told.text
        assert WHEN in client.get("/version", headers=operator).json()["problem"]


def test_request_fails_while_the_index_changes(two: Index) -> None:
    with over(two.folder, work_at_once=2) as client:
        statuses: list[int] = []
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                statuses.append(client.post("/api/ask", json={"question": "大潮在哪天？"}).status_code)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for fingerprint in (two.old, two.new) * 3:
            reply = client.post("/api/admin/rollback", json={"version": two.names()[fingerprint]})
            assert reply.json()["index"] == fingerprint
        done.set()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200}


# --- unanswered questions


def entry(question: str, status: Status, at: datetime) -> AuditEntry:
    return AuditEntry(at, "r", "key-1", "u-1", Interface.NATIVE, question, status, "没有", (), "ans-1", "sha256:0", 1.0)


def test_unanswered_questions_are_others(pipeline: Pipeline, client_over: ClientOver) -> None:
    now = datetime.now(UTC)
    with client_over(lambda: pipeline) as client:
        log = AuditLog(client.app_state["database"], AuditQuestions.PLAIN, 0)
        for question, status, days in (
            ("甲", Status.REFUSED, 9),
            ("乙", Status.REFUSED, 2),
            ("乙", Status.REFUSED, 1),
            ("丙", Status.ANSWERED, 1),
            ("丁", Status.PARTIAL, 1),
        ):
            log.record(entry(question, status, now - timedelta(days=days)))
        client.post("/api/ask", json={"question": "火星基地的氧气由谁供应？"})

        def asked(**options: Any) -> list[tuple[str, int]]:
            reply = client.get("/api/admin/unanswered", params=options)
            assert reply.status_code == 200, reply.text
            return [(row["question"], row["count"]) for row in reply.json()["items"]]

        assert asked() == [("乙", 2), ("火星基地的氧气由谁供应？", 1), ("甲", 1)]
        assert asked(limit=1) == [("乙", 2)]
        since = now - timedelta(days=1, hours=1)
        assert asked(since=since.isoformat()) == [("火星基地的氧气由谁供应？", 1), ("乙", 1)]
        east = (since.replace(tzinfo=None) + timedelta(hours=8)).isoformat() + "+08:00"
        assert asked(since=east) == asked(since=since.isoformat())
        assert asked(since=since.replace(tzinfo=None).isoformat()) == asked(since=since.isoformat())
        assert asked(since=f"{now - timedelta(days=5):%Y-%m-%d}") == [("乙", 2), ("火星基地的氧气由谁供应？", 1)]
        assert asked(since="9999-12-31") == []
        row = client.get("/api/admin/unanswered").json()["items"][1]
        assert row["reason"]
        assert row["kept"] == "plain"
        for wrong in ("gestern", "2025-13-01", "0001-01-01T00:00+14:00", "\ud800x"):
            reply = client.get("/api/admin/unanswered", params={"since": wrong.encode("utf-8", "replace")})
            assert reply.status_code == 400, wrong
            assert "2025-03-01" in reply.json()["detail"]
        for limit in (0, 1001, "x"):
            assert client.get("/api/admin/unanswered", params={"limit": limit}).status_code == 422


# --- the report


def csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def page(script: str, style: str = "p { color: red }", planted: str = "") -> str:
    return (
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        f"'{csp_hash(style)}'; script-src '{csp_hash(script)}'\"><style>{style}</style><p>报告{planted}</p>"
        f"<script>{script}</script>"
    )


def test_report_is_another_or_brings_in_what_it_likes(
    pipeline: Pipeline, client_over: ClientOver, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    script = "document.title = '报告'"
    # A document that is quoted there may hold what looks like leave for a script.
    planted = "'sha256-" + "A" * 43 + "='" + " " * 3000
    path.write_text(page(script, planted=" " * 2000 + planted), encoding="utf-8")
    with client_over(lambda: pipeline, report=str(path)) as client:
        reply = client.get("/api/admin/report")
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        assert reply.text == path.read_text(encoding="utf-8")
        policy = dict(part.strip().split(" ", 1) for part in reply.headers["Content-Security-Policy"].split(";"))
        hashes = f"'{csp_hash('p { color: red }')}' '{csp_hash(script)}'"
        assert policy == {
            "default-src": "'none'",
            "style-src": hashes,
            "script-src": hashes,
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "sandbox": "allow-scripts",
        }
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        path.write_text("<script>alert(1)</script>", encoding="utf-8")
        assert "script-src 'none'" in client.get("/api/admin/report").headers["Content-Security-Policy"]
        path.write_bytes(b"\xff\xfe broken")
        assert client.get("/api/admin/report").status_code == 200
        path.unlink()
        gone = client.get("/api/admin/report")
        assert gone.status_code == 404
        assert str(tmp_path) not in gone.text
        path.mkdir()
        assert client.get("/api/admin/report").status_code == 404
    with client_over(lambda: pipeline) as client:
        missing = client.get("/api/admin/report")
        assert missing.status_code == 404
        assert "ZHENGWEN_REPORT" in missing.json()["detail"]


def test_report_is_read_by_an_address_for_something_else_or_for_ever(
    pipeline: Pipeline, client_over: ClientOver, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    with client_over(lambda: pipeline, report=str(path)) as client:
        assert client.post("/api/admin/report/link").status_code == 404
        path.write_text(page("document.title = '报告'"), encoding="utf-8")
        link = client.post("/api/admin/report/link").json()
        shown = client.get(link["url"])
        assert shown.text == path.read_text(encoding="utf-8")
        policy = shown.headers["Content-Security-Policy"]
        plain = client.get("/api/admin/report").headers["Content-Security-Policy"]
        assert policy.replace("frame-ancestors 'self'", "frame-ancestors 'none'") == plain
        assert policy != plain
        secret = client.app_state["database"].signing_secret()
        old = TicketSigner(secret, lambda: time.time() - link["expires_in"] - 1).issue("/admin/report")
        other = TicketSigner(secret).issue("/admin/other")
        for ticket in ("", old, other, "9999999999.", "x", ".", link["url"].rpartition("=")[2] + "A"):
            assert client.get("/admin/report", params={"ticket": ticket}).status_code == 401, ticket
        path.unlink()
        assert client.get(link["url"]).status_code == 404


# --- nobody else's

EVERYTHING = [
    ("POST", "/api/admin/reload", None),
    ("GET", "/api/admin/versions", None),
    ("POST", "/api/admin/rollback", {}),
    ("GET", "/api/admin/unanswered", None),
    ("GET", "/api/admin/report", None),
    ("POST", "/api/admin/report/link", None),
    ("GET", "/api/admin/feedback", None),
    ("PATCH", "/api/admin/feedback/fb-1", {"reviewed": True}),
]


def test_somebody_else_administers(two: Index) -> None:
    with over(two.folder, require_keys="always", rate_per_minute_address=0) as client:
        routes = {(m.upper(), p) for p, methods in client.get("/openapi.json").json()["paths"].items() for m in methods}
        listed = {(method, path.replace("fb-1", "{feedback_id}")) for method, path, _ in EVERYTHING}
        assert {route for route in routes if "/admin" in route[1]} == listed
        keys = KeyStore(client.app_state["database"])

        def secret(*scopes: KeyScope, **options: Any) -> str:
            return keys.create("test", scopes, **options).secret

        origin = "https://portal.example"
        page_key = secret(*KeyScope, origins=(origin,))
        token = client.post("/api/tokens", json={"origin": origin, "user": "u"}, headers={"api-key": page_key}).json()[
            "token"
        ]
        for headers, status in (
            ({}, 401),
            ({"api-key": "zw-" + "A" * 43}, 401),
            ({"api-key": secret(KeyScope.ASK, KeyScope.SEARCH, KeyScope.EMBED)}, 403),
            ({"api-key": secret(KeyScope.ADMIN, documents=("tides.md",))}, 403),
            ({"api-key": token, "Origin": origin}, 403),
            ({"api-key": page_key, "Origin": "https://evil.example"}, 403),
        ):
            for method, path, body in EVERYTHING:
                reply = client.request(method, path, json=body, headers=headers)
                assert reply.status_code == status, (path, headers)
                assert reply.headers["Content-Type"] == "application/problem+json"
        assert store.versions(two.folder)[0].is_current
        operator = {"api-key": secret(KeyScope.ADMIN)}
        statuses = [client.request(m, path, json=body, headers=operator).status_code for m, path, body in EVERYTHING]
        assert statuses == [200, 200, 200, 200, 404, 404, 200, 404]
