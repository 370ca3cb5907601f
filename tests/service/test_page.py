"""The chat page in a real browser: ask, read, open the source at the cited characters; skipped without Chromium."""

import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote as escaped

import httpx2
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from service.pipeline import Pipeline

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RENT = "公寓的月租金是多少？"
SPLIT = "公寓管理处应当在多少个工作日以内答复申请人？"  # its sentence has two spans
EMOJI = "种粮补贴款什么时候打入农户账户？"  # characters of two UTF-16 units stand before and in the span
NOWHERE = "火星基地的氧气由谁供应？"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Any) -> Iterator[Page]:
    """An empty chat; afterwards its console must be free of errors, above all of breaches of the content policy."""
    messages: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # The browser itself reports every 4xx of the interface; that is no fault of the page.
        is_reply = message.text.startswith("Failed to load resource") and "/api/" in message.location["url"]
        if message.type in ("error", "warning") and not is_reply:
            messages.append(f"{message.text} {message.location}")

    with browser.new_context(base_url=server.url, viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(server.url) else messages.append(f"asked for {request.url}"),
        )
        page.goto("/")
        yield page
    assert messages == []


def ask(page: Page, question: str) -> Any:
    """Types and sends a question; the card of its answer once that is there."""
    cards = page.locator(".answer")
    before = cards.count()
    page.fill("#question", question)
    page.click("#send")
    card = cards.nth(before)
    expect(card).not_to_have_attribute("data-status", "busy", timeout=60_000)
    return card


def expect_highlighted(page: Page, quote: str) -> None:
    """Waits until the marked text of the source panel is `quote` and in sight; several lines are marked line by line."""
    marks = "[...document.querySelectorAll('#source-panel mark')].map(mark => mark.textContent)"
    page.wait_for_function(f"quote => {marks}.join('\\n') === quote", arg=quote)
    expect(page.locator("#source-panel mark").first).to_be_in_viewport()


@pytest.mark.parametrize("question", [RENT, SPLIT, EMOJI])
def test_marker_opens_another_place_than_the_quote(page: Page, pipeline: Pipeline, question: str) -> None:
    answer = pipeline.ask(question)
    card = ask(page, question)
    for citation in answer.citations:
        marker = card.locator(f'.marker[data-marker="{citation.marker}"]').first
        expect(marker).to_be_visible()
        marker.click()
        expect(page.locator("#source-panel")).to_be_visible()
        expect(page.locator("#source-panel")).to_contain_text(citation.title)
        expect_highlighted(page, citation.quote)


def test_answer_loses_a_sentence_or_a_marker(page: Page, pipeline: Pipeline) -> None:
    answer = pipeline.ask(SPLIT)
    card = ask(page, SPLIT)
    shown = card.inner_text()
    for sentence in answer.sentences:
        assert sentence.text.rstrip("。") in shown
    markers = card.locator(".marker").evaluate_all("nodes => nodes.map(node => Number(node.dataset.marker))")
    assert markers == [marker for sentence in answer.sentences for marker in sentence.citations]


def test_second_question_is_not_asked_in_the_same_chat(page: Page) -> None:
    expect(ask(page, RENT)).to_contain_text("三百二十元")
    expect(ask(page, "青石河全长多少公里？")).to_contain_text("86公里")
    assert page.locator(".answer").count() == 2
    expect(page.locator(".answer").first).to_contain_text("三百二十元")


def test_refusal_looks_like_an_answer_or_shows_no_reason(page: Page, pipeline: Pipeline) -> None:
    reason = pipeline.ask(NOWHERE).reason
    assert reason
    card = ask(page, NOWHERE)
    expect(card).to_have_attribute("data-status", "refused")
    expect(card).to_contain_text(reason)
    assert card.locator(".marker").count() == 0


def test_question_the_service_rejects_shows_nothing(page: Page) -> None:
    with page.expect_response("**/api/ask") as response:
        card = ask(page, "？？！！")
    assert response.value.status == 422
    expect(card).to_contain_text("没有读出可以检索的词")


def test_script_planted_in_a_document_or_question_runs(page: Page, server: Any) -> None:
    planted = "<img src=x onerror='window.planted=3'>枫桥镇把生活垃圾分为哪三类？"
    for question in (planted, "居民每交来一公斤废纸积多少分？"):
        ask(page, question)
    expect(page.locator("#messages")).to_contain_text("<img src=x onerror")
    documents = httpx2.get(server.url + "/api/documents").json()["documents"]
    for document in documents:
        page.goto(f"/d/{escaped(document['doc_id'])}#char=0,20")
        expect(page.locator("#source-panel mark").first).to_be_visible()
    page.goto("/d/hostile.md")
    expect(page.locator("#source-panel")).to_contain_text("<script>window.planted = 1</script>")
    expect(page.locator("#source-panel")).to_contain_text("枫桥镇<b>垃圾</b>分类办法")
    page.goto("/#documents")
    expect(page.locator("#source-panel")).to_contain_text("枫桥镇<b>垃圾</b>分类办法")
    assert page.evaluate("window.planted") is None
    assert page.locator("#app img, #app script, #app b").count() == 0


def test_address_of_a_citation_shows_another_place(page: Page, pipeline: Pipeline) -> None:
    for citation in pipeline.ask(EMOJI).citations:
        page.goto(f"/d/{escaped(citation.doc_id)}#char={citation.start},{citation.end}")
        expect_highlighted(page, citation.quote)


def test_unknown_document_shows_an_empty_panel(page: Page) -> None:
    page.goto("/d/none.md#char=0,5")
    expect(page.locator("#source-panel")).to_contain_text("none.md")
    assert page.locator("#source-panel mark").count() == 0
