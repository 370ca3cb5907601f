"""The pages that the service sends: which there are, and who may show them in a frame."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.pipeline import Pipeline
from service.records.keys import KeyStore
from service.records.types import KeyScope

ORIGINS = ("https://portal.example", "http://my_host:8080", "https://xn--fiq228c.example")


@pytest.fixture(scope="module")
def client(pipeline: Pipeline, app_over: Callable[..., FastAPI]) -> Iterator[TestClient]:
    with TestClient(app_over(lambda: pipeline, require_keys="always"), base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/d/city/park.md", "/a/shr-0", "/admin"])
def test_page_is_missing_or_can_be_framed(client: TestClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Cache-Control"] == "no-cache"


def test_frame_is_for_others_than_the_pages_of_its_key(client: TestClient) -> None:
    keys = KeyStore(client.app_state["database"])
    key = keys.create("portal", [KeyScope.EMBED], origins=ORIGINS).key
    reply = client.get(f"/embed/{key.key_id}")
    assert reply.status_code == 200
    policy = reply.headers["Content-Security-Policy"]
    assert f"frame-ancestors {' '.join(ORIGINS)};" in policy
    assert policy.startswith("default-src 'self';")
    assert reply.headers["Cache-Control"] == "no-store", "its policy goes with the key"
    none = keys.create("no page", [KeyScope.ASK], origins=ORIGINS).key
    nowhere = keys.create("no origin", [KeyScope.EMBED]).key
    revoked = keys.revoke(keys.create("old", [KeyScope.EMBED], origins=ORIGINS).key.key_id)
    for other in (none.key_id, nowhere.key_id, revoked.key_id, "key-0", "%00", "x" * 3000):
        assert client.get(f"/embed/{other}").status_code == 404, other
    assert "frame-ancestors 'none'" in client.get("/static/embed.html").headers["Content-Security-Policy"]
