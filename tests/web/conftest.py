"""A real Chromium, and real services for it to look at: over the small corpus, with a document whose author plants scripts."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.types import ASGIApp

from indexer.build import build
from service.pipeline import Pipeline

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).parents[2] / "service" / "web" / "node_modules" / "axe-core" / "axe.min.js"

# The author of this document tries to run a script in the reader's browser.
HOSTILE = """\
---
title: "枫桥镇<b>垃圾</b>分类办法<img src=x onerror='window.planted=5'>"
issuer: "枫桥镇政府<script>window.planted=6</script>"
published: "2022"
---

# 枫桥镇垃圾分类办法

## 分类标准

枫桥镇把生活垃圾分为厨余、可回收、有害三类，<script>window.planted = 1</script>由保洁员每天清运两次。

## 奖励规则

居民每交来一公斤废纸，积3分，<img src="x" onerror="window.planted = 2">积满500分换一张电影票。
"""

# Characters of two UTF-16 units stand before and in the span that answers.
GRANTS = """\
# 二〇二四年种粮补贴通知

## 发放时间

🌾夏收之后，补贴款于6月15日以前打入农户账户，🌾全县37个乡镇同时发放🌾，共计惠及农户4.2万户。
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Skips the test without Chromium. Not for the whole run: Playwright keeps an event loop of its own in the thread of the
    tests, in which nothing else that runs one can work."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def web_corpus(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> Path:
    """The folder of the documents; to read, never to write."""
    folder = tmp_path_factory.mktemp("web") / "corpus"
    for name, text in (texts | {"hostile.md": HOSTILE, "通知/补贴&种粮.md": GRANTS}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def web_index(web_corpus: Path) -> Path:
    """Their index; to read, never to write."""
    build(web_corpus, web_corpus.parent / "index")
    return web_corpus.parent / "index"


@pytest.fixture(scope="session")
def web_pipeline(web_index: Path) -> Pipeline:
    return Pipeline.open(web_index)


@contextmanager
def _serving(app: ASGIApp) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            while httpx.get(url + "/readyz").status_code != 200:
                pass
            yield url
        finally:  # else a test that fails would leave the thread, and the run would never end
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def web_serving() -> Callable[..., AbstractContextManager[str]]:
    """`web_serving(app)`: the address of an application on a real socket, ready to answer."""
    return _serving


@pytest.fixture(scope="session")
def assert_accessible() -> Callable[[Page], None]:
    """Asserts that axe-core finds nothing serious on a page; skips the test where axe-core is not installed."""

    def check(page: Page) -> None:
        if not AXE.exists():
            pytest.skip("axe-core is not installed: run npm ci in service/web")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
        serious = [row for row in found if row["impact"] in ("serious", "critical")]
        assert serious == [], "\n".join(
            f"{row['id']}: {row['help']}: {[node['html'] for node in row['nodes']]}" for row in serious
        )

    return check
