"""The chat page as its readers use it: asking, trusting, taking away; with a pointer, with keys alone, and on a phone."""

import json
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote as escaped

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect

from indexer.build import build
from service.assembly import Checked
from service.pipeline import Event, Pipeline
from service.records.database import Database
from service.records.keys import KeyStore
from service.records.types import KeyScope

# The author of this document tries to run scripts in the reader's browser.
HOSTILE = """\
---
title: "枫桥镇<b>垃圾</b>分类办法"
issuer: "<img src=x onerror='window.planted = 4'>枫桥镇政府"
published: "2022"
---

# 枫桥镇垃圾分类办法

## 分类标准

枫桥镇把生活垃圾分为厨余、可回收、有害三类，<script>window.planted = 1</script>由保洁员每天清运两次。

## 奖励规则

居民每交来一公斤废纸，积3分，<img src="x" onerror="window.planted = 2">积满500分换一张电影票。

| 物品<script>window.planted = 3</script> | 积分 |
| --- | --- |
| 旧电池 | 12 |
"""

# Characters outside the basic plane before, in and behind what is cited, and a path that needs escaping in an address.
GRANTS = """\
---
title: "二〇二四年种粮补贴通知"
issuer: "白鹭县农业局"
region: "白鹭县"
published: "2024-02-08"
kind: "通知"
---

# 二〇二四年种粮补贴通知

## 一、补贴标准

白鹭县二〇二四年种粮补贴总额6,935万元，比上年增加百分之三十，由两家银行发放到户。

## 二、发放时间

🌾夏收之后，补贴款于6月15日以前打入农户账户，🌾全县37个乡镇同时发放𠮷🌾，共计惠及农户4.2万户。

## 三、单列作物

| 作物 | 每亩补贴（元） | 面积（万亩） |
| --- | --- | --- |
| 水稻𠮷 | 145 | 21.6 |
| 小麦 | 98 | 13.4 |
| 大豆 | 210 | 5.7 |
"""

# Two offices that do not agree.
STATISTICS = """\
---
title: "松岭县二〇二三年统计公报"
issuer: "松岭县统计局"
region: "松岭县"
published: "2024-01-15"
---

# 松岭县二〇二三年统计公报

2023年松岭县接待游客46.2万人次，比上年增长一成。
"""
TOURISM = """\
---
title: "松岭县文旅工作总结"
issuer: "松岭县文旅局"
region: "松岭县"
published: "2024-03-02"
---

# 松岭县文旅工作总结

2023年松岭县接待游客51.8万人次，旅游市场平稳有序。
"""

_RULES = "\n\n".join(
    f"柳州路图书馆第{number}阅览室设座位{100 + number}个，读者应当保持安静，不得占座，离开时带走随身物品。"
    for number in range(1, 81)
)
LIBRARY = f"""\
---
title: "柳州路图书馆读者守则"
issuer: "柳州路图书馆"
published: "2021-09"
kind: "守则"
---

# 柳州路图书馆读者守则

## 一、保障措施

图书馆的保障措施包括：

- 每季度公布一次进度，防止虚报工程量。
- 抽查苗木成活率，成活率不得低于95%。
- 听取周边居民意见，并在15个工作日内答复。

## 二、阅览室

{_RULES}
"""

# Printed in lines of one width; the page numbers 3 and 4 fall into the middle of sentences, which so have two spans.
_HOUSING = (
    "为了解决新来职工的住处，松岭县住建局修建了一批公寓，凡是签订劳动合同满六个月、在县城没有住房的职工，都能够向"
    "所在单位提出申请，由单位统一送到县里。",
    "收到全部材料之后，公寓管理处应当在十八个工作日以内答复申请人，并且写明批准或者不批准的理由，由经办人签字以后"
    "当面交给申请人。逾期没有答复的，申请人可以向县住建局投诉。",
    "每套公寓的月租金是三百二十元，水费电费按照实际用量另外收取。连续两个季度不缴纳租金的住户，由管理处收回钥匙，"
    "两年之内不得再申请。",
    "公寓的门锁、水管和电灯由管理处负责修理，住户打电话报修以后，修理工应当在四十八小时以内上门。超过这个时间的，"
    "住户当月少付一成租金。",
)


def _paged(paragraphs: tuple[str, ...], width: int = 31) -> str:
    lines: list[str] = []
    for i, paragraph in enumerate(paragraphs):
        first, *others = textwrap.wrap(paragraph, width)
        lines += [first, *([str(i // 2 + 3)] if i % 2 else []), *others]
    return "\n".join(lines) + "\n"


DOCUMENTS = {
    "公寓.txt": _paged(_HOUSING),
    "hostile.md": HOSTILE,
    "通知/二〇二四 种粮&补贴.md": GRANTS,
    "统计公报.md": STATISTICS,
    "文旅总结.md": TOURISM,
    "图书馆.md": LIBRARY,
}

EMOJI = "种粮补贴款什么时候打入农户账户？"
MEASURES = "柳州路图书馆的保障措施有哪些？"  # several sentences
VISITORS = "2023年松岭县接待游客多少人次？"  # two sources that do not agree
SPLIT = "公寓管理处应当在多少个工作日以内答复申请人？"
RICE = "水稻每亩补贴多少元？"  # a row of a table, with a character outside the basic plane
NOWHERE = "火星基地的氧气由谁供应？"
LONG_MS = 60_000  # a machine that is busy, not a page that is slow


@pytest.fixture(scope="module")
def chat_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    for name, text in DOCUMENTS.items():
        path = folder / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def chat_pipeline(chat_index: Path) -> Pipeline:
    return Pipeline.open(chat_index)


@pytest.fixture(scope="module")
def site(chat_pipeline: Pipeline, app_over: Callable[..., FastAPI], web_serving: Any) -> Iterator[str]:
    """The address of the service over these documents, which needs no key."""
    with web_serving(app_over(lambda: chat_pipeline)) as address:
        yield address


@dataclass
class Pages:
    """Opens pages; what their consoles say against them is noted, breaches of the content policy above all."""

    browser: Browser
    opened: ExitStack
    problems: list[str] = field(default_factory=list)

    def open(self, address: str, path: str = "/", width: int = 1400, height: int = 900, **options: Any) -> Page:
        made = self.browser.new_context(
            base_url=address, viewport={"width": width, "height": height}, locale="zh-CN", **options
        )
        page = self.opened.enter_context(made).new_page()

        def note(message: ConsoleMessage) -> None:
            # The browser itself reports every 4xx of the interface; that is no fault of the page.
            is_reply = "Failed to load resource" in message.text and "/api/" in message.location["url"]
            if message.type in ("error", "warning") and not is_reply:
                self.problems.append(f"{message.text} {message.location}")

        def ours(url: str) -> None:
            if not url.startswith((address, f"blob:{address}")):
                self.problems.append(f"asked for {url}")

        page.on("console", note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: ours(request.url))
        page.goto(path)
        return page


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    with ExitStack() as opened:
        pages = Pages(browser, opened)
        yield pages
    assert pages.problems == []


@pytest.fixture
def page(pages: Pages, site: str) -> Page:
    """An empty chat on a laptop."""
    return pages.open(site)


def ask(page: Page, question: str) -> Locator:
    """Types and sends a question; the card of its answer once that is there."""
    cards = page.locator(".answer")
    before = cards.count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    card = cards.nth(before)
    expect(card).not_to_have_attribute("data-status", "busy", timeout=LONG_MS)
    return card


def expect_highlighted(page: Page, quote: str) -> None:
    """Waits until the marked text of the source is `quote`, line by line, and in sight."""
    marked = """quote => {
        const lines = new Map();
        for (const mark of document.querySelectorAll('#source-panel mark.cited')) {
            lines.set(mark.dataset.line, (lines.get(mark.dataset.line) ?? '') + mark.textContent);
        }
        return [...lines.values()].join('\\n') === quote;
    }"""
    page.wait_for_function(marked, arg=quote)
    expect(page.locator("#source-panel mark.cited").first).to_be_in_viewport()


# Ask


class PacedPipeline(Pipeline):
    """The real one, which waits after each sentence until it is let go on."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def stream(self, *arguments: Any, **options: Any) -> Generator[Event, None, None]:
        for event in super().stream(*arguments, **options):
            yield event
            if isinstance(event, Checked):
                self.may_go_on.wait(60)


@pytest.fixture
def paced(chat_index: Path) -> Iterator[PacedPipeline]:
    pipeline = PacedPipeline.open(chat_index)
    yield pipeline
    pipeline.may_go_on.set()


@pytest.fixture
def paced_site(paced: PacedPipeline, app_over: Callable[..., FastAPI], web_serving: Any) -> Iterator[str]:
    with web_serving(app_over(lambda: paced)) as address:
        yield address
        paced.may_go_on.set()


def test_sentences_are_shown_only_when_all_are_there(pages: Pages, paced: PacedPipeline, paced_site: str) -> None:
    page = pages.open(paced_site)
    paced.may_go_on.clear()
    page.fill("#question", MEASURES)
    page.press("#question", "Enter")
    card = page.locator(".answer")
    expect(card.locator(".sentence")).to_have_count(1, timeout=LONG_MS)
    expect(card).to_have_attribute("data-status", "busy")
    expect(card.locator(".busy")).to_contain_text("逐句核对")
    paced.may_go_on.set()
    expect(card).to_have_attribute("data-status", "answered", timeout=LONG_MS)
    assert card.locator(".sentence").count() > 1


def test_stopped_answer_goes_on_or_cannot_be_asked_again(pages: Pages, paced: PacedPipeline, paced_site: str) -> None:
    page = pages.open(paced_site)
    paced.may_go_on.clear()
    page.fill("#question", MEASURES)
    page.press("#question", "Enter")
    expect(page.locator(".sentence")).to_have_count(1, timeout=LONG_MS)
    page.keyboard.press("Escape")
    card = page.locator(".answer")
    expect(card).to_have_attribute("data-status", "stopped")
    expect(card).to_contain_text("只是一部分")
    paced.may_go_on.set()
    card.locator(".retry").click()
    expect(card).to_have_attribute("data-status", "answered", timeout=LONG_MS)
    expect(page.locator(".turn")).to_have_count(1)


_DYING = """
import sys, threading
from pathlib import Path
import uvicorn
from indexer.store import load
from service.assembly import Checked
from service.http.app import create_app
from service.pipeline import Pipeline
from service.records.database import Database
from service.settings import Settings

class Stuck(Pipeline):
    def stream(self, text, *arguments, **options):
        for event in super().stream(text, *arguments, **options):
            yield event
            if isinstance(event, Checked) and text.startswith("柳州路"):
                threading.Event().wait()

settings = Settings(database=f"sqlite:///{sys.argv[2]}/records.db")
pipeline = Stuck.over(load(Path(sys.argv[1])))
app = create_app(lambda: pipeline, settings, Database.open(settings.database))
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)
Server(uvicorn.Config(app, port=0, log_config=None)).run()
"""


def test_server_that_dies_in_an_answer_leaves_a_page_that_waits(pages: Pages, chat_index: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _DYING, str(chat_index), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = f"http://127.0.0.1:{int(process.stdout.readline())}"
        while httpx.get(address + "/readyz").status_code != 200:
            pass
        page = pages.open(address)
        page.fill("#question", MEASURES)
        page.press("#question", "Enter")
        expect(page.locator(".sentence")).to_have_count(1, timeout=LONG_MS)
    finally:
        process.kill()
        process.communicate()
    card = page.locator(".answer")
    expect(card).to_have_attribute("data-status", "error")
    expect(card).to_contain_text("请勿引用")
    assert card.locator("button.marker").count() == 0
    card.locator(".retry").click()
    expect(card).to_have_attribute("data-status", "error")
    expect(card).to_contain_text("连不上服务")
    pages.problems[:] = [text for text in pages.problems if "Failed to load resource" not in text]


def test_example_is_not_answered_or_not_there(page: Page) -> None:
    examples = page.locator(".example")
    expect(examples.first).to_be_visible(timeout=LONG_MS)
    asked = examples.first.inner_text()
    examples.first.click()
    expect(page.locator(".answer")).to_have_attribute("data-status", "answered", timeout=LONG_MS)
    expect(page.locator(".asked")).to_have_text(asked)


def test_question_the_service_rejects_shows_nothing(page: Page) -> None:
    card = ask(page, "？？！！")
    expect(card).to_have_attribute("data-status", "error")
    expect(card).to_contain_text("没有读出可以检索的词")
    card = ask(page, RICE)
    expect(card).to_contain_text("145")


def test_follow_up_does_not_tell_how_it_was_understood(page: Page) -> None:
    ask(page, RICE)
    ask(page, "那小麦呢？")
    understood = page.locator(".turn").nth(1).locator(".understood")
    expect(understood).to_contain_text("小麦补贴多少元")
    expect(page.locator(".answer").nth(1)).to_contain_text("98")


def test_filter_is_not_sent_or_not_taken_off(page: Page) -> None:
    page.click("#filter")
    page.get_by_label("发文机关").select_option("松岭县文旅局")
    page.get_by_label("发布不早于").fill("2024")
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".chip")).to_have_count(2)
    with page.expect_request("**/api/ask") as sent:
        card = ask(page, VISITORS)
    assert sent.value.post_data_json["filters"] == {"issuers": ["松岭县文旅局"], "published_from": "2024"}
    expect(card).to_contain_text("51.8万")
    expect(card).not_to_contain_text("46.2万")
    page.get_by_role("button", name=re.compile("去掉筛选：机关")).click()
    page.get_by_role("button", name=re.compile("去掉筛选：发布")).click()
    expect(page.locator(".chip")).to_have_count(0)
    with page.expect_request("**/api/ask") as sent:
        ask(page, VISITORS)
    assert "filters" not in sent.value.post_data_json


def test_conversation_is_lost_or_cannot_be_put_in_order(page: Page) -> None:
    ask(page, EMOJI)
    rows = page.locator(".conversation")
    own = rows.filter(has_text="种粮补贴款").first
    expect(own).to_be_visible()
    own.get_by_role("button", name="的操作").click()
    own.get_by_role("button", name="重命名").click()
    expect(page.get_by_label("对话名称")).to_be_focused()
    page.keyboard.type("夏收补贴")
    page.keyboard.press("Enter")
    renamed = rows.filter(has_text="夏收补贴")
    expect(renamed).to_have_count(1)

    page.fill("#conversation-search", "没有这样的对话")
    expect(rows).to_have_count(0)
    page.fill("#conversation-search", "夏收")
    expect(rows).to_have_count(1)

    renamed.get_by_role("button", name="的操作").click()
    with page.expect_download() as taken:
        renamed.get_by_role("button", name="导出 Markdown").click()
    assert taken.value.suggested_filename == "夏收补贴.md"
    assert "6月15日" in Path(taken.value.path()).read_text(encoding="utf-8")

    page.reload()
    expect(page.locator(".answer")).to_contain_text("6月15日")
    page.click("#new-chat")
    expect(page.locator(".answer")).to_have_count(0)
    renamed.get_by_role("button", name="夏收补贴", exact=True).click()
    expect(page.locator(".answer")).to_contain_text("6月15日")

    renamed.get_by_role("button", name="的操作").click()
    renamed.get_by_role("button", name="删除").click()
    renamed.get_by_role("button", name="确认删除").click()
    expect(rows.filter(has_text="夏收补贴")).to_have_count(0)
    expect(page.locator(".answer")).to_have_count(0)


def test_edited_question_leaves_what_it_replaces_in_the_conversation(page: Page, site: str) -> None:
    ask(page, RICE)
    ask(page, EMOJI)
    page.locator(".turn").first.get_by_role("button", name="修改这个问题").click()
    page.get_by_label("修改问题").fill("大豆每亩补贴多少元？")
    page.get_by_role("button", name="重新提问").click()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".answer")).to_contain_text("210", timeout=LONG_MS)
    page.wait_for_url("**/#c=conv-*")
    conversation = page.url.partition("#c=")[2]
    kept = httpx.get(f"{site}/api/conversations/{conversation}").json()
    assert [turn["question"] for turn in kept["turns"]] == ["大豆每亩补贴多少元？"]


# Trust


@pytest.mark.parametrize("question", [EMOJI, MEASURES, RICE, SPLIT, VISITORS])
def test_marker_opens_another_place_than_the_quote(page: Page, chat_pipeline: Pipeline, question: str) -> None:
    answer = chat_pipeline.ask(question)
    card = ask(page, question)
    assert answer.citations
    for citation in answer.citations:
        card.locator(f'.marker[data-marker="{citation.marker}"]').first.click()
        expect(page.locator("#source-title")).to_have_text(citation.title)
        expect_highlighted(page, citation.quote)


def test_unknown_document_shows_an_empty_page(page: Page) -> None:
    page.goto("/d/none.md#char=0,5")
    expect(page.locator("#source-panel")).to_contain_text("none.md")
    expect(page.locator("#source-title")).to_have_text("没能打开原文")
    page.goto("/d/hostile.md#char=90000,90005")
    expect(page.locator("#source-place")).to_contain_text("没有这个位置")


def test_source_does_not_tell_where_it_is_from(page: Page) -> None:
    card = ask(page, EMOJI)
    card.locator(".marker").first.hover()
    peek = page.locator("#peek")
    expect(peek).to_contain_text("🌾夏收之后")
    expect(peek).to_contain_text("二〇二四年种粮补贴通知")
    card.locator(".marker").first.click()
    expect(peek).to_have_count(0)
    place = page.locator("#source-place")
    for told in ("二、发放时间", "白鹭县农业局", "2024年2月8日", "行"):
        expect(place).to_contain_text(told)
    assert place.locator("[data-validity]").count() == 1
    expect(card.locator(".citation")).to_contain_text("白鹭县农业局")


def test_highlight_of_an_address_is_another_than_the_one_beside_an_answer(page: Page, chat_pipeline: Pipeline) -> None:
    citation = chat_pipeline.ask(RICE).citations[0]
    page.goto(f"/d/{escaped(citation.doc_id)}#char={citation.start},{citation.end}")
    expect_highlighted(page, citation.quote)
    assert citation.start_utf16 > citation.start


def test_checked_sentences_look_like_any_others(page: Page, chat_pipeline: Pipeline) -> None:
    card = ask(page, MEASURES)
    sentences = len(chat_pipeline.ask(MEASURES).sentences)
    expect(card.locator(".sentence .tick")).to_have_count(sentences)
    expect(card.locator(".verdict")).to_contain_text(f"{sentences} 句均已与原文核对")


def test_refusal_is_a_dead_end(page: Page, chat_pipeline: Pipeline) -> None:
    answer = chat_pipeline.ask(NOWHERE)
    card = ask(page, NOWHERE)
    expect(card).to_have_attribute("data-status", "refused")
    assert answer.reason
    expect(card).to_contain_text(answer.reason.rstrip("。"))
    expect(card).to_contain_text("可以这样试试")
    assert card.locator("button.marker").count() == 0
    card.locator(".nearest a").first.click()
    expect(page.locator("#source-panel mark.cited").first).to_be_in_viewport()


def test_refusal_within_a_filter_does_not_offer_to_take_it_off(page: Page) -> None:
    page.click("#filter")
    page.get_by_label("指定文件").select_option("hostile.md")
    page.keyboard.press("Escape")
    card = ask(page, VISITORS)
    expect(card).to_have_attribute("data-status", "refused")
    card.get_by_role("button", name="去掉筛选再问").click()
    expect(page.locator(".answer").nth(1)).to_contain_text("46.2万", timeout=LONG_MS)
    expect(page.locator(".chip")).to_have_count(0)


def test_sources_that_differ_are_mixed(page: Page) -> None:
    card = ask(page, VISITORS)
    expect(card.locator(".notice")).to_contain_text("不一致")
    sides = card.locator(".side")
    expect(sides).to_have_count(2)
    for issuer, date, figure in (("统计局", "2024年1月15日", "46.2万"), ("文旅局", "2024年3月2日", "51.8万")):
        side = sides.filter(has_text=figure)
        expect(side).to_have_count(1)
        expect(side).to_contain_text(issuer)
        expect(side).to_contain_text(date)
    boxes = [side.bounding_box() for side in sides.all()]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]


def _worded(route: Route) -> None:
    """What a service with a language model, and one that has turned against its readers, might send."""
    said = "**三百二十元**，<img src=x onerror='window.planted = 5'>[点这里](javascript:alert(1))`代码`。"
    answer = {
        "id": "ans-1",
        "question": "问",
        "understood": None,
        "status": "answered",
        "answer": said,
        "reason": None,
        "confidence": 0.9,
        "notice": None,
        "dropped": 2,
        "sentences": [{"text": said, "citations": [], "verdict": "supported"}],
        "citations": [],
        "passages": [],
        "timings": {},
        "receipt": {"index": "", "models": {"composer": "model"}, "version": ""},
    }
    body = f"event: answer\ndata: {json.dumps(answer)}\n\n"
    route.fulfill(status=200, content_type="text/event-stream", body=body)


def test_words_of_a_model_become_markup_or_what_was_dropped_is_not_told(page: Page) -> None:
    page.route("**/api/ask", _worded)
    card = ask(page, "问")
    expect(card.locator(".sentence strong")).to_have_text("三百二十元")
    expect(card.locator(".sentence code")).to_have_text("代码")
    assert card.locator(".sentence img, .sentence a").count() == 0
    expect(card.locator(".dropped")).to_contain_text("2 句")
    expect(card.locator(".sentence")).to_contain_text("<img src=x onerror")
    assert page.evaluate("window.planted") is None


@pytest.mark.parametrize(
    ("validity", "told", "origin", "place"),
    [
        ("in_force", "现行有效", {"page": 3}, "第3页"),
        ("not_yet", "尚未施行", {"slide": 4}, "第4张幻灯片"),
        ("repealed", "已废止", {"paragraph": 5}, "第5段"),
        ("amended", "已修订", {"sheet": "补贴", "row": 6}, "工作表“补贴” 第6行"),
        ("unknown", "效力未知", {"line_start": 7, "line_end": 9}, "第7–9行"),
    ],
)
def test_validity_or_place_is_told_in_words_of_programs(
    page: Page, chat_pipeline: Pipeline, validity: str, told: str, origin: dict[str, Any], place: str
) -> None:
    answer = json.loads(json.dumps(chat_pipeline.ask(EMOJI).to_json()))
    kinds = ("line_start", "line_end", "page", "slide", "paragraph", "sheet", "row")
    answer["citations"][0] |= {
        "validity": validity,
        "origin": {"path": "x"} | dict.fromkeys(kinds) | {"line_start": 0, "line_end": 0} | origin,
    }
    body = f"event: answer\ndata: {json.dumps(answer)}\n\n"
    page.route("**/api/ask", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    card = ask(page, EMOJI)
    expect(card.locator(".citation .where")).to_contain_text(place)
    expect(card.locator(f'.citation [data-validity="{validity}"]')).to_have_text(told)
    card.locator(".marker").first.click()
    expect(page.locator("#source-place")).to_contain_text(told)
    expect(page.locator("#source-place")).to_contain_text(place)


def test_text_of_a_document_or_question_runs(page: Page) -> None:
    page.goto("/d/hostile.md")
    source = page.locator("#source-panel")
    expect(source).to_contain_text("<script>window.planted = 1</script>")
    expect(page.locator("#source-title")).to_contain_text("<b>垃圾</b>")
    ask_box = page.locator("#source-search")
    ask_box.fill("<script>")
    expect(source.locator("mark.found, mark.current")).to_have_count(2)
    page.goto("/#documents")
    expect(page.locator(".documents")).to_contain_text("<img src=x onerror")
    page.goto("/")
    ask(page, "<img src=x onerror='window.planted = 6'>枫桥镇把生活垃圾分为哪三类？")
    expect(page.locator(".asked")).to_contain_text("<img src=x")
    card = ask(page, "居民每交来一公斤废纸积多少分？")
    card.locator(".marker").first.click()
    expect(source.locator("mark.cited").first).to_be_visible()
    ask_box.press("Escape")
    assert page.evaluate("window.planted") is None
    assert page.locator("#app img, #app script, #app b:not(.chip b)").count() == 0


# Use


def test_copied_answer_lacks_its_notes(pages: Pages, site: str) -> None:
    page = pages.open(site, permissions=["clipboard-read", "clipboard-write"])
    card = ask(page, EMOJI)
    card.locator(".copy").click()
    expect(page.locator("#toast")).to_contain_text("已复制")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(f"问：{EMOJI}\n答：🌾夏收之后")
    assert "[1] 《二〇二四年种粮补贴通知》，白鹭县农业局，" in text
    card.locator(".copy-citation").first.click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('《二〇二四年')")
    assert "原文：“🌾夏收之后" in page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize(("form", "begins"), [("docx", b"PK"), ("md", None)])
def test_answer_cannot_be_taken_away(page: Page, form: str, begins: bytes | None) -> None:
    card = ask(page, EMOJI)
    with page.expect_download() as taken:
        card.locator(f'[data-export="{form}"]').click()
    assert taken.value.suggested_filename.endswith(f".{form}")
    written = Path(taken.value.path()).read_bytes()
    assert written.startswith(begins) if begins else "6月15日" in written.decode()


def test_shared_answer_is_not_found_by_its_link(pages: Pages, page: Page, site: str) -> None:
    card = ask(page, EMOJI)
    card.locator(".share").click()
    link = card.locator(".shared-link input")
    expect(link).to_have_value(re.compile(f"^{site}/a/"))
    other = pages.open(site, link.input_value().removeprefix(site))
    expect(other.locator(".answer")).to_contain_text("6月15日")
    expect(other.locator(".shared-note")).to_contain_text("分享的回答")
    assert other.locator("#question").count() == 0
    other.locator(".marker").first.click()
    expect(other.locator("#source-panel mark.cited").first).to_be_in_viewport()
    other.go_back()
    other.get_by_role("button", name="继续提问").click()
    expect(other.locator("#question")).to_be_focused()


def test_verdict_of_a_reader_is_not_kept(page: Page, site: str) -> None:
    card = ask(page, MEASURES)
    card.get_by_role("button", name="没有帮助").click()
    card.get_by_label("不完整").check()
    card.get_by_label("补充说明（选填）").fill("缺少时间要求。")
    card.get_by_role("button", name="提交").click()
    expect(page.locator("#toast")).to_contain_text("感谢反馈")
    expect(card.get_by_role("button", name="没有帮助")).to_be_disabled()
    given = httpx.get(f"{site}/api/admin/feedback").json()["items"][0]
    assert (given["verdict"], given["reason"], given["comment"]) == ("down", "incomplete", "缺少时间要求。")


def test_print_shows_the_page_and_not_the_answer(page: Page) -> None:
    card = ask(page, EMOJI)
    page.emulate_media(media="print")
    for hidden in ("#composer", ".rail-box", ".after"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(card.locator(".citation .quote").first).to_be_visible()


def test_document_cannot_be_found_read_or_searched(page: Page) -> None:
    page.click("#open-documents")
    rows = page.locator(".documents li")
    expect(rows).to_have_count(len(DOCUMENTS))
    page.fill("#document-search", "柳州路 守则")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("2021年9月")
    rows.get_by_role("link").click()
    expect(page.locator(".facts")).to_contain_text("柳州路图书馆")
    page.locator("#outline").get_by_role("button", name="二、阅览室").click()
    expect(page.locator(".document").locator("h3, h4, h5").filter(has_text="二、阅览室")).to_be_in_viewport()
    page.fill("#source-search", "第77阅览室")
    expect(page.locator("mark.current")).to_be_in_viewport()
    page.fill("#source-search", "读者应当")
    expect(page.locator(".count")).to_have_text("1/80")
    page.press("#source-search", "Shift+Enter")
    expect(page.locator(".count")).to_have_text("80/80")
    expect(page.locator("mark.current")).to_be_in_viewport()
    page.go_back()
    expect(rows).to_have_count(len(DOCUMENTS))


def test_question_within_one_document_asks_all(page: Page) -> None:
    page.click("#open-documents")
    page.get_by_role("button", name="就此提问：松岭县文旅工作总结").click()
    expect(page.locator(".chip")).to_contain_text("松岭县文旅工作总结")
    expect(page.locator("#question")).to_be_focused()
    card = ask(page, VISITORS)
    expect(card).to_contain_text("51.8万")
    expect(card).not_to_contain_text("46.2万")


# Keys, phones, helpers, readers of screens


def _focused(page: Page) -> Locator:
    return page.locator(":focus")


def test_something_cannot_be_done_with_keys_alone(page: Page, chat_pipeline: Pipeline) -> None:
    quote = chat_pipeline.ask(EMOJI).citations[0].quote
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(EMOJI)
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_have_attribute("data-status", "answered", timeout=LONG_MS)
    page.keyboard.press("ArrowUp")
    expect(page.locator("#question")).to_have_value(EMOJI)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#question")).to_have_value("")
    for _ in range(60):  # backwards from the field to the marker
        page.keyboard.press("Shift+Tab")
        if _focused(page).get_attribute("data-marker") == "1" and _focused(page).evaluate("e => e.tagName") == "BUTTON":
            break
    expect(page.locator("#peek")).to_be_visible()
    page.keyboard.press("Enter")
    expect_highlighted(page, quote)
    expect(page.locator("#source-panel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#source-panel")).to_have_count(0)
    expect(page.locator(".marker").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#question")).to_have_value("")


def _overflows(page: Page) -> list[str]:
    """What sticks out to the right of the screen."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('.stage *, #source-panel *, .rail-box *')]
            .filter(node => !node.closest('.table, .rail-box[inert], .sr') && node.checkVisibility())
            .filter(node => node.getBoundingClientRect().right > innerWidth + 1)
            .map(node => node.tagName + '.' + node.className)"""
    )
    return found


def test_phone_cannot_show_or_reach_something(pages: Pages, site: str) -> None:
    page = pages.open(site, width=390, height=844, has_touch=True, is_mobile=True)
    expect(page.locator(".example").first).to_be_visible(timeout=LONG_MS)
    assert _overflows(page) == []
    card = ask(page, VISITORS)
    assert _overflows(page) == []
    card.locator(".marker").first.tap()
    expect(page.locator("#source-panel mark.cited").first).to_be_in_viewport()
    assert page.locator("#source-panel").bounding_box()["width"] == 390
    assert _overflows(page) == []
    page.locator("#source-close").tap()
    expect(page.locator("#source-panel")).to_have_count(0)
    page.locator("#menu").tap()
    expect(page.locator("#open-documents")).to_be_in_viewport()
    page.locator("#open-documents").tap()
    expect(page.locator(".documents li")).to_have_count(len(DOCUMENTS))
    assert _overflows(page) == []
    page.locator(".documents a").first.tap()
    expect(page.locator(".document")).to_be_visible()
    assert _overflows(page) == []
    page.go_back()
    page.go_back()
    page.locator("#filter").tap()
    expect(page.locator(".filters")).to_be_in_viewport()
    assert _overflows(page) == []


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (390, "light")])
def test_page_is_hard_to_use_for_somebody(
    pages: Pages, site: str, assert_accessible: Callable[[Page], None], width: int, scheme: str
) -> None:
    page = pages.open(site, width=width, color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator(".example").first).to_be_visible(timeout=LONG_MS)
    assert_accessible(page)
    page.click("#filter")
    assert_accessible(page)
    page.keyboard.press("Escape")
    card = ask(page, VISITORS)
    card.get_by_role("button", name="没有帮助").click()
    assert_accessible(page)
    card.locator(".marker").first.click()
    expect(page.locator("#source-panel mark.cited").first).to_be_visible()
    assert_accessible(page)
    page.click("#source-close")
    ask(page, NOWHERE)
    assert_accessible(page)
    page.goto("/#documents")
    expect(page.locator(".documents li")).to_have_count(len(DOCUMENTS))
    assert_accessible(page)
    page.locator(".documents a").first.click()
    expect(page.locator(".document")).to_be_visible()
    assert_accessible(page)


# Keys of the service


@pytest.fixture
def locked(
    chat_pipeline: Pipeline, app_over: Callable[..., FastAPI], web_serving: Any, tmp_path: Path
) -> Iterator[Any]:
    """A service that wants keys: its address and one of them."""
    database = f"sqlite:///{tmp_path}/records.db"
    app = app_over(lambda: chat_pipeline, database=database, require_keys="always")
    opened = Database.open(database)
    key = KeyStore(opened).create("page", scopes=[KeyScope.ASK, KeyScope.SEARCH])
    with web_serving(app) as address:
        yield address, key.secret
    opened.close()


def test_service_that_wants_a_key_cannot_be_used(
    pages: Pages, locked: tuple[str, str], assert_accessible: Callable[[Page], None]
) -> None:
    address, secret = locked
    page = pages.open(address)
    dialog = page.locator("#key-dialog")
    expect(dialog).to_be_visible()
    assert_accessible(page)
    dialog.get_by_label("访问密钥").fill("zw-" + "x" * 43)
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("无效")
    dialog.get_by_label("访问密钥").fill(secret)
    dialog.get_by_label("您的称呼").fill("张三")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    with page.expect_request("**/api/ask") as sent:
        expect(ask(page, EMOJI)).to_contain_text("6月15日")
    assert sent.value.headers["authorization"] == f"Bearer {secret}"
    assert "conversation_id" in sent.value.post_data_json
    page.reload()
    expect(page.locator(".answer")).to_contain_text("6月15日")
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_visitor_whose_conversations_are_not_kept_cannot_ask_on(
    pages: Pages, chat_pipeline: Pipeline, app_over: Callable[..., FastAPI], web_serving: Any
) -> None:
    app = app_over(lambda: chat_pipeline, require_keys="never", host="0.0.0.0")
    with web_serving(app) as address:
        page = pages.open(address)
        expect(page.locator(".rail")).to_contain_text("不保存对话")
        ask(page, RICE)
        with page.expect_request("**/api/ask") as sent:
            ask(page, "那小麦呢？")
        assert sent.value.post_data_json["history"][0] == {"role": "user", "content": RICE}
        expect(page.locator(".answer").nth(1)).to_contain_text("98")
        page.context.close()
