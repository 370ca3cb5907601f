"""The widget on the pages of a portal of another origin: it answers there, and nowhere else."""

import gzip
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, FrameLocator, Locator, Page, Route, expect

from service.answer import Answer
from service.http.tokens import TokenSigner
from service.pipeline import Pipeline
from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import ApiKey, KeyScope

PORTAL = Path(__file__).parents[2] / "examples" / "portal" / "portal.py"
PARK = "海洋公园什么时候建成？"
GRANTS = "种粮补贴款什么时候打入农户账户？"  # characters of two UTF-16 units stand before and in the span
HOSTILE = "枫桥镇把生活垃圾分为哪三类？"
NOWHERE = "火星基地的氧气由谁供应？"


@dataclass(frozen=True)
class Embedded:
    """A service that needs keys, with a portal that has one, and a stranger that has the same but is no origin of it."""

    service: str
    portal: str
    stranger: str
    key: ApiKey
    secret: bytes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running_portal(service: str, key_id: str, secret: str, port: int) -> Iterator[str]:
    command = [sys.executable, PORTAL, "--service", service, "--key-id", key_id, "--port", str(port)]
    environment = os.environ | {"PORTAL_KEY": secret}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", env=environment
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.terminate()


@contextmanager
def embedding(pipeline: Any, app_over: Callable[..., FastAPI], serving: Any, folder: Path) -> Iterator[Embedded]:
    address = f"sqlite:///{folder / 'records.db'}"
    portal_port, stranger_port = free_port(), free_port()
    with Database.open(address) as database, ExitStack() as stack:
        scopes = [KeyScope.ASK, KeyScope.SEARCH, KeyScope.EMBED]
        made = KeyStore(database).create("portal", scopes, origins=[f"http://127.0.0.1:{portal_port}"])
        app = app_over(lambda: pipeline, database=address, require_keys="always", rate_per_minute_address=0)
        service = stack.enter_context(serving(app))
        portal, stranger = (
            stack.enter_context(running_portal(service, made.key.key_id, made.secret, port))
            for port in (portal_port, stranger_port)
        )
        yield Embedded(service, portal, stranger, made.key, database.signing_secret())


@pytest.fixture(scope="module")
def embedded(
    browser: Browser,
    web_pipeline: Pipeline,
    app_over: Callable[..., FastAPI],
    web_serving: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Embedded]:
    with embedding(web_pipeline, app_over, web_serving, tmp_path_factory.mktemp("embedded")) as made:
        yield made


@dataclass
class Visitor:
    """A page and what its console complained of; `expected` says which complaints are no fault of ours."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    expected: str = r"Failed to load resource: the server responded with a status of 401"


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        made = Visitor(context.new_page())

        def note(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                made.complaints.append(message.text)

        made.page.on("console", note)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        yield made
    assert [text for text in made.complaints if not re.search(made.expected, text)] == []


def ask(chat: Page | FrameLocator, question: str) -> Locator:
    """Types and sends a question with keys; its entry once the answer is there."""
    entries = chat.locator("zhengwen-chat article")
    before = entries.count()
    box = chat.get_by_label("问题", exact=True)
    box.fill(question)
    box.press("Enter")
    entry = entries.nth(before)
    expect(entry).not_to_have_attribute("data-status", "busy", timeout=60_000)
    return entry


def expect_answer(entry: Locator, answer: Answer) -> None:
    expect(entry).to_have_attribute("data-status", answer.status.value)
    for sentence in answer.sentences:
        expect(entry).to_contain_text(sentence.text.replace("**", ""))
    markers = entry.locator("button.marker").evaluate_all("nodes => nodes.map(node => Number(node.dataset.marker))")
    assert markers == [marker for sentence in answer.sentences for marker in sentence.citations]


@pytest.mark.parametrize("question", [PARK, GRANTS])
def test_portal_shows_another_answer_or_source(
    visitor: Visitor, embedded: Embedded, web_pipeline: Pipeline, question: str
) -> None:
    answer = web_pipeline.ask(question)
    assert answer.citations, "the test proves nothing"
    page = visitor.page
    page.goto(embedded.portal)
    entry = ask(page, question)
    expect_answer(entry, answer)
    for citation in answer.citations:
        entry.locator(f'button.marker[data-marker="{citation.marker}"]').first.click()
        expect(page.locator(".source mark").first).to_be_in_viewport()
        marked = page.locator(".source mark").evaluate_all("nodes => nodes.map(node => node.textContent)")
        assert "\n".join(marked) == citation.quote
        expect(page.locator(".source")).to_contain_text(citation.title)
        page.keyboard.press("Escape")
        expect(page.locator(".source")).to_have_count(0)
        expect(entry.locator(f'button.marker[data-marker="{citation.marker}"]').first).to_be_focused()
    entry.locator("summary").click()
    for citation in answer.citations:
        expect(entry.locator(".sources")).to_contain_text(citation.title)
    assert page.evaluate("scrollY") == 0, "the page around was moved"


def test_refusal_has_a_source_or_no_reason(visitor: Visitor, embedded: Embedded, web_pipeline: Pipeline) -> None:
    answer = web_pipeline.ask(NOWHERE)
    visitor.page.goto(embedded.portal)
    entry = ask(visitor.page, NOWHERE)
    expect_answer(entry, answer)
    expect(entry).to_contain_text(answer.reason or "no reason")
    expect(entry.locator(".sources")).to_have_count(0)


def test_follow_up_is_asked_without_what_was_said(visitor: Visitor, embedded: Embedded) -> None:
    page = visitor.page
    page.goto(embedded.portal)
    ask(page, "东湾公园的投资是多少亿元？")
    expect(ask(page, "那西滩公园呢？")).to_contain_text("2.1")
    page.get_by_role("button", name="新对话").click()
    expect(page.locator("zhengwen-chat article")).to_have_count(0)
    page.get_by_role("button", name=PARK).click()
    expect(page.locator("zhengwen-chat article")).to_have_count(1)


def test_somebody_with_keys_alone_or_a_screen_reader_is_left_out(
    visitor: Visitor, embedded: Embedded, web_pipeline: Pipeline
) -> None:
    page = visitor.page
    page.goto(embedded.portal)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.shadowRoot?.activeElement?.tagName") == "TEXTAREA":
            break
    page.keyboard.type(PARK)
    page.keyboard.press("Enter")
    status = page.locator("zhengwen-chat [role=status]")
    expect(status).to_contain_text(web_pipeline.ask(PARK).sentences[0].text[:10].replace("**", ""), timeout=60_000)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("问题", exact=True)).to_have_value(PARK)
    page.keyboard.press("Shift+Enter")
    expect(page.get_by_label("问题", exact=True)).to_have_value(PARK + "\n")
    expect(page.locator("zhengwen-chat article")).to_have_count(1)


def test_text_of_a_document_runs_in_the_portal(visitor: Visitor, embedded: Embedded) -> None:
    page = visitor.page
    page.goto(embedded.portal)
    entry = ask(page, f"<img src=x onerror='window.planted=3'>{HOSTILE}")
    expect(entry).to_contain_text("<script>window.planted = 1</script>")
    entry.locator("summary").click()
    entry.locator("button.marker").first.click()
    expect(page.locator(".source")).to_contain_text("枫桥镇政府<script>")
    assert page.evaluate("window.planted") is None
    inside = "document.querySelector('zhengwen-chat').shadowRoot.querySelectorAll('img, script, b').length"
    assert page.evaluate(inside) == 0


# --- streams


class Held:
    """A pipeline whose answers do not end before they are let go."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.library, self.receipt = pipeline.library, pipeline.receipt
        self.let_go = threading.Event()
        self._pipeline = pipeline

    def within(self, scope: Any) -> "Held":
        return self

    def ask(self, text: str) -> Answer:
        return self._pipeline.ask(text)

    def stream(self, text: str, history: Any, scope: Any) -> Iterator[Any]:
        for event in self._pipeline.stream(text, history, scope):
            if isinstance(event, Answer):
                self.let_go.wait(60)
            yield event


def test_sentence_waits_for_the_answer_or_cannot_be_stopped(
    visitor: Visitor,
    web_pipeline: Pipeline,
    app_over: Callable[..., FastAPI],
    web_serving: Any,
    tmp_path: Path,
) -> None:
    held, page = Held(web_pipeline), visitor.page
    with embedding(held, app_over, web_serving, tmp_path) as embedded:
        try:
            page.goto(embedded.portal)
            page.get_by_role("button", name=PARK).click()
            entry = page.locator("zhengwen-chat article").first
            said = web_pipeline.ask(PARK).sentences[0].text.replace("**", "")
            expect(entry).to_contain_text(said, timeout=60_000)
            expect(entry).to_have_attribute("data-status", "busy")
            page.get_by_role("button", name="停止").click()
            expect(entry).to_have_attribute("data-status", "stopped")
            held.let_go.set()
            page.get_by_role("button", name="重试").click()
            expect(page.locator("zhengwen-chat article").nth(1)).to_have_attribute("data-status", "answered")
        finally:
            held.let_go.set()


# --- tokens


def old_token(embedded: Embedded) -> str:
    """One that ended a second ago."""
    return TokenSigner(embedded.secret, lambda: time.time() - 1801).issue(embedded.key.key_id, "u", embedded.portal)


def test_token_that_has_ended_ends_the_conversation(visitor: Visitor, embedded: Embedded) -> None:
    page, given = visitor.page, []

    def first_an_old_one(route: Route) -> None:
        given.append(route.request.method)
        if len(given) == 1:
            route.fulfill(json={"token": old_token(embedded), "expires_in": 1800})
        else:
            route.continue_()

    page.route("**/zhengwen-token", first_an_old_one)
    page.goto(embedded.portal)
    expect(ask(page, PARK)).to_have_attribute("data-status", "answered")
    expect(ask(page, NOWHERE)).to_have_attribute("data-status", "refused")
    assert given == ["POST", "POST"], "a token is fetched when it is needed, and only then"


def test_page_that_fetches_tokens_itself_is_not_asked_for_one(visitor: Visitor, embedded: Embedded) -> None:
    page = visitor.page
    page.goto(embedded.portal)
    page.evaluate(
        """old => {
            const chat = document.querySelector("zhengwen-chat");
            chat.removeAttribute("token-endpoint");
            chat.setAttribute("token", old);
            window.asked = 0;
            chat.addEventListener("zhengwen-token-needed", async event => {
                window.asked += 1;
                const reply = await fetch("/zhengwen-token", { method: "POST" });
                event.detail.provide((await reply.json()).token);
            });
        }""",
        old_token(embedded),
    )
    expect(ask(page, PARK)).to_have_attribute("data-status", "answered")
    assert page.evaluate("window.asked") == 1


def test_portal_that_gives_no_token_is_not_told_of(visitor: Visitor, embedded: Embedded) -> None:
    visitor.expected += "|status of 503"
    visitor.page.route("**/zhengwen-token", lambda route: route.fulfill(status=503))
    visitor.page.goto(embedded.portal)
    entry = ask(visitor.page, PARK)
    expect(entry).to_have_attribute("data-status", "failed")
    expect(entry).to_contain_text("没有取得访问令牌")


def test_key_reaches_a_browser_or_a_token_a_stranger(embedded: Embedded) -> None:
    with httpx.Client(base_url=embedded.portal) as client:
        for path in ("/", "/frame", "/portal.js", "/frame.js"):
            assert "zw-" not in client.get(path).text
        good = {"Origin": embedded.portal}
        assert client.post("/zhengwen-token", headers=good).status_code == 200
        for headers in ({}, {"Origin": "https://evil.example"}):
            assert client.post("/zhengwen-token", headers=headers).status_code == 403
        client.cookies.clear()
        assert client.post("/zhengwen-token", headers=good).status_code == 403
        client.cookies.set("visitor", "somebody.0123")
        assert client.post("/zhengwen-token", headers=good).status_code == 403


def test_page_of_another_origin_uses_the_key_of_the_portal(visitor: Visitor, embedded: Embedded) -> None:
    visitor.expected += "|CORS policy|ERR_FAILED|status of 50|status of 403"
    page = visitor.page
    page.goto(embedded.portal)
    token = page.evaluate(
        "fetch('/zhengwen-token', {method: 'POST'}).then(reply => reply.json()).then(row => row.token)"
    )
    page.goto(embedded.stranger)
    assert page.evaluate("customElements.get('zhengwen-chat')") is None, "it could load the widget"
    tried = page.evaluate(
        """([service, token]) => fetch(service + "/api/ask", {
            method: "POST",
            headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
            body: JSON.stringify({ question: "海洋公园什么时候建成？" }),
        }).then(reply => reply.status, () => "blocked")""",
        [embedded.service, token],
    )
    assert tried == "blocked"
    status = page.evaluate("fetch('/zhengwen-token', {method: 'POST'}).then(reply => reply.status)")
    assert status == 502, "the service gave a token for an origin that is not the key's"


# --- in a frame


def test_frame_shows_another_answer(visitor: Visitor, embedded: Embedded, web_pipeline: Pipeline) -> None:
    page = visitor.page
    page.goto(embedded.portal + "/frame")
    expect_answer(ask(page.frame_locator("#frame"), PARK), web_pipeline.ask(PARK))
    token = page.evaluate(
        "fetch('/zhengwen-token', {method: 'POST'}).then(reply => reply.json()).then(row => row.token)"
    )
    page.locator("#frame").evaluate("(frame, token) => { frame.src = frame.src + '&again=1#token=' + token; }", token)
    page.unroute_all()
    page.route("**/zhengwen-token", lambda route: route.fulfill(status=500))
    frame = page.frame_locator("#frame")
    expect(frame.locator("zhengwen-chat article")).to_have_count(0)
    expect_answer(ask(frame, PARK), web_pipeline.ask(PARK))
    inner = page.frames[1]
    assert "token" not in inner.url, "it stays where scripts and screenshots see it"


def test_page_of_another_origin_shows_the_frame(visitor: Visitor, embedded: Embedded) -> None:
    visitor.expected += "|frame-ancestors|status of 50|status of 403"
    visitor.page.goto(embedded.stranger + "/frame")
    expect(visitor.page.locator("#frame")).to_be_visible()
    visitor.page.wait_for_function("document.readyState === 'complete'")
    assert visitor.page.frames[1].url.startswith("chrome-error:")
    visitor.page.goto(f"{embedded.service}/embed/{embedded.key.key_id}")
    expect(visitor.page.locator("zhengwen-chat")).to_be_visible()


def test_frame_takes_a_token_from_somebody_else(visitor: Visitor, embedded: Embedded) -> None:
    page = visitor.page
    page.goto(f"{embedded.service}/embed/{embedded.key.key_id}")
    expect(page.locator("zhengwen-chat")).to_be_visible()
    page.evaluate("document.body.append(document.createElement('iframe'))")
    page.frames[1].evaluate("parent.postMessage({ type: 'zhengwen-token', token: 'planted' }, '*')")
    page.evaluate(
        "new Promise(done => { addEventListener('message', done, { once: true }); postMessage('end', '*'); })"
    )
    assert page.evaluate("document.querySelector('zhengwen-chat').token") == ""


# --- looks


def test_script_is_larger_than_the_document_says() -> None:
    built = Path(__file__).parents[2] / "service" / "web" / "dist" / "widget.js"
    assert len(gzip.compress(built.read_bytes())) < 16_000
    assert not re.search(rb"https?://(?!www\.w3\.org/)", built.read_bytes()), "it loads something from elsewhere"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (390, "dark")])
def test_widget_is_hard_to_use_for_somebody(
    browser: Browser, embedded: Embedded, assert_accessible: Callable[[Page], None], width: int, scheme: Any
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(embedded.portal)
        entry = ask(page, PARK)
        entry.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ask(page, NOWHERE)
        assert_accessible(page)
        entry.locator("button.marker").first.click()
        expect(page.locator(".source mark").first).to_be_visible()
        assert_accessible(page)
        box = page.locator("zhengwen-chat").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
