"""The page for maintainers: it does what it says, for administrators, and shows what others wrote as text."""

import base64
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from indexer.build import build
from service.http.app import create_app
from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import KeyScope
from service.settings import Settings
from service.versions import IndexWatch, Versions

TIDES = {"tides.md": "# 潮汐表\n\n十月的大潮在初三，码头停工两天。\n"}
MORE = TIDES | {"kelp.md": "# 海带\n\n海带苗在十月下海，次年五月收割。\n"}
WHEN = "海带什么时候收割？"
PLANTED = "<img src=x onerror='window.planted=1'><script>window.planted=2</script>"
SCRIPT = "document.body.dataset.ran = 'yes'; try { parent.document.title = 'taken'; } catch (error) { document.body.dataset.apart = 'yes'; }"


def add(folder: Path, texts: dict[str, str]) -> str:
    """The fingerprint of a version built from `texts`, which is the current one then."""
    corpus = folder / "corpus"
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    for name, text in texts.items():
        (corpus / name).write_text(text, encoding="utf-8")
    return build(corpus, folder / "index").manifest.fingerprint


def report() -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="script-src \'sha256-{digest}\'">'
        f"<title>报告</title><body><h1>政问评测报告</h1><script>{SCRIPT}</script><script>document.title = 'bad'</script>"
    )


@dataclass(frozen=True)
class Managed:
    """A service that needs keys, with two versions of its index of which the newer is current."""

    url: str
    old: str
    new: str
    folder: Path
    admin: str
    asker: str

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {key or self.admin}"}
        reply = httpx.request(method, self.url + path, json=body, headers=headers)
        reply.raise_for_status()
        return reply.json()


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    folder = tmp_path_factory.mktemp("managed")
    return folder, add(folder, TIDES), add(folder, MORE)


@pytest.fixture
def managed(
    browser: Browser, versions: tuple[Path, str, str], web_serving: Callable[..., Any], tmp_path: Path
) -> Iterator[Managed]:
    shutil.copytree(versions[0] / "index", tmp_path / "index")
    settings = Settings(
        index=tmp_path / "index",
        database=f"sqlite:///{tmp_path / 'records.db'}",
        report=str(tmp_path / "report.html"),
        require_keys="always",
        rate_per_minute_address=0,
    )
    database = Database.open(settings.database)
    keys = KeyStore(database)
    admin, asker = (keys.create("test", scopes).secret for scopes in (list(KeyScope), [KeyScope.ASK]))
    app: FastAPI = create_app(
        Versions(settings, lambda: None).open, settings, database, watch=IndexWatch(settings.index, False)
    )
    with web_serving(app) as url:
        yield Managed(url, versions[1], versions[2], tmp_path, admin, asker)


@dataclass
class Maintainer:
    """A page and what its console complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    expected: str = r"Failed to load resource: the server responded with a status of 4\d\d"


@pytest.fixture
def maintainer(browser: Browser) -> Iterator[Maintainer]:
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        made = Maintainer(context.new_page())

        def note(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                made.complaints.append(message.text)

        made.page.on("console", note)
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        yield made
    assert [text for text in made.complaints if not re.search(made.expected, text)] == []


def enter(page: Page, managed: Managed, tab: str = "") -> Page:
    page.goto(f"{managed.url}/admin#{tab}")
    page.get_by_label("管理密钥").fill(managed.admin)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation")).to_be_visible()
    return page


def test_somebody_else_gets_in(maintainer: Maintainer, managed: Managed) -> None:
    page = maintainer.page
    page.goto(managed.url + "/admin")
    field_ = page.get_by_label("管理密钥")
    for key, said in (("zw-" + "A" * 43, "无效"), (managed.asker, "没有管理权限")):
        field_.fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(said)
        expect(page.get_by_role("navigation")).to_have_count(0)
    field_.fill(managed.admin)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="索引版本")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="索引版本")).to_be_visible()
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_label("管理密钥")).to_be_visible()
    page.reload()
    expect(page.get_by_label("管理密钥")).to_be_visible()


def test_version_that_was_chosen_is_not_served(maintainer: Maintainer, managed: Managed) -> None:
    page = enter(maintainer.page, managed)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("正在服务")
    rows.nth(1).get_by_role("button", name="改用此版本").click()
    assert managed.call("GET", "/version")["index"] == managed.new, "it did not wait for a yes"
    rows.nth(1).get_by_role("button", name="确认改用").click()
    expect(rows.nth(1)).to_contain_text("正在服务")
    expect(rows.nth(0)).not_to_contain_text("正在服务")
    assert managed.call("GET", "/version")["index"] == managed.old
    page.get_by_role("button", name="重新载入").click()
    expect(page.get_by_role("status")).to_contain_text("没有变化")


def test_version_that_cannot_be_served_looks_as_if_it_were(maintainer: Maintainer, managed: Managed) -> None:
    page = enter(maintainer.page, managed)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    for version in (managed.folder / "index" / "versions").iterdir():
        if '"documents": 1' in (version / "manifest.json").read_text(encoding="utf-8"):
            (version / "passages.jsonl").write_text("", encoding="utf-8")
    rows.nth(1).get_by_role("button", name="改用此版本").click()
    rows.nth(1).get_by_role("button", name="确认改用").click()
    expect(page.get_by_role("status")).to_contain_text("不能启用")
    assert managed.call("GET", "/version")["index"] == managed.new
    expect(rows.nth(0)).to_contain_text("正在服务")


def test_question_or_feedback_of_somebody_runs_or_is_missing(maintainer: Maintainer, managed: Managed) -> None:
    question = f"火星基地的氧气由谁供应？{PLANTED}"
    for _ in range(2):
        managed.call("POST", "/api/ask", {"question": question}, managed.asker)
    answer = managed.call("POST", "/api/ask", {"question": WHEN}, managed.asker)
    answer["citations"][0]["title"] = PLANTED
    for body in (
        {"answer": answer, "verdict": "down", "reason": "incomplete", "comment": PLANTED},
        {"answer": {"id": "x", "question": PLANTED, "answer": 7, "citations": [None, {"title": 1}]}, "verdict": "up"},
    ):
        managed.call("POST", "/api/feedback", body, managed.asker)
    page = enter(maintainer.page, managed, "unanswered")
    row = page.locator("tbody tr").first
    expect(row).to_contain_text(question)
    expect(row).to_contain_text("2")
    page.get_by_role("link", name="用户反馈").click()
    items = page.locator(".feedback > li")
    expect(items).to_have_count(2)
    expect(items.nth(0)).to_contain_text(PLANTED)
    items.nth(1).locator("summary").click()
    expect(items.nth(1)).to_contain_text(answer["sentences"][0]["text"])
    expect(items.nth(1)).to_contain_text("不完整")
    assert page.evaluate("window.planted") is None
    assert page.locator("#app img, #app script").count() == 0


def test_feedback_that_was_dealt_with_stays_on_the_pile(maintainer: Maintainer, managed: Managed) -> None:
    for i in range(23):
        body = {"answer": {"id": "x", "question": f"第{i}问"}, "verdict": "down"}
        managed.call("POST", "/api/feedback", body, managed.asker)
    page = enter(maintainer.page, managed, "feedback")
    items = page.locator(".feedback > li")
    expect(items).to_have_count(20)
    page.get_by_role("button", name="显示更多").click()
    expect(items).to_have_count(23)
    items.nth(0).get_by_role("button", name="标为已处理").click()
    expect(items.nth(0).get_by_role("button", name="重新列为待处理")).to_be_visible()
    page.get_by_role("button", name="已处理", exact=True).click()
    expect(items).to_have_count(1)
    expect(items).to_contain_text("第22问")
    page.get_by_role("button", name="待处理", exact=True).click()
    expect(items).to_have_count(20)
    expect(page.locator(".feedback")).not_to_contain_text("第22问")


def test_report_is_not_shown_or_reaches_the_page_around_it(maintainer: Maintainer, managed: Managed) -> None:
    maintainer.expected += "|violates the following Content Security Policy|Blocked a frame|inline script"
    page = enter(maintainer.page, managed, "report")
    expect(page.locator(".empty")).to_contain_text("还没有报告")
    (managed.folder / "report.html").write_text(report(), encoding="utf-8")
    page.get_by_role("button", name="刷新").click()
    body = page.frame_locator("iframe").locator("body")
    expect(body).to_contain_text("政问评测报告")
    expect(body).to_have_attribute("data-ran", "yes")
    expect(body).to_have_attribute("data-apart", "yes")
    assert page.title() == "政问 · 管理"
    address = page.locator("iframe").get_attribute("src")
    assert address
    assert httpx.get(managed.url + address).status_code == 200
    for other in (
        address[:-1] + ("A" if address[-1] != "A" else "B"),
        "/admin/report",
        "/admin/report?ticket=9999999999.",
    ):
        assert httpx.get(managed.url + other).status_code == 401


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_page_is_hard_to_use_for_somebody(
    browser: Browser, managed: Managed, assert_accessible: Callable[[Page], None], width: int, scheme: Any
) -> None:
    managed.call("POST", "/api/ask", {"question": "火星基地的氧气由谁供应？"}, managed.asker)
    answer = managed.call("POST", "/api/ask", {"question": WHEN}, managed.asker)
    managed.call("POST", "/api/feedback", {"answer": answer, "verdict": "down", "comment": "长" * 300}, managed.asker)
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(managed.url + "/admin")
        expect(page.get_by_label("管理密钥")).to_be_focused()
        assert_accessible(page)
        enter(page, managed)
        for tab, there in (("索引版本", "tbody tr"), ("未答问题", "tbody tr"), ("用户反馈", ".feedback > li")):
            page.get_by_role("link", name=tab).click()
            expect(page.get_by_role("heading", name=tab)).to_be_visible()
            expect(page.locator(there).first).to_be_visible()
            assert_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
