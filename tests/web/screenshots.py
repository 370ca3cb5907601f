"""Takes the pictures of docs/images: the main states of the chat page, over the shipped documents, in a real Chromium.

    python tests/web/screenshots.py [ADDRESS]

Needs a running service (`make run`) and the packages `playwright` and `pillow`; `CHROMIUM` names another browser than /usr/bin/chromium. Questions
that it asks are kept as a conversation there, which it deletes. Also prints what the first load weighs and how long it takes.
"""

import io
import os
import sys
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

IMAGES = Path(__file__).parents[2] / "docs" / "images"
FIGURE = "2021年全球计算设备算力总规模是多少？"
LIST = "八大标杆任务有哪些？"
NOWHERE = "火星基地的氧气由谁供应？"
COLOURS = 128  # enough for text and a few colours, and half of the bytes
LAPTOP, PHONE, WIDE = (1280, 800), (390, 844), (1720, 960)


def ask(page: Page, question: str) -> Locator:
    card = page.locator(".answer").nth(page.locator(".answer").count())
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(card).not_to_have_attribute("data-status", "busy", timeout=60_000)
    return card


def open_source(page: Page) -> None:
    page.locator(".answer .marker").first.click()
    expect(page.locator("mark.cited").first).to_be_in_viewport()


def pictures(browser: Browser, address: str) -> None:
    def opened(size: tuple[int, int], scheme: str = "light", path: str = "/") -> Page:
        width, height = size
        page = browser.new_page(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale="zh-CN",
            reduced_motion="reduce",
        )
        page.goto(path)
        return page

    def shoot(page: Page, name: str) -> None:
        page.evaluate("document.fonts.ready")
        taken = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
        few = taken.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
        few.save(IMAGES / f"{name}.png", optimize=True)
        print(f"{name}.png {(IMAGES / f'{name}.png').stat().st_size / 1000:.0f} kB")

    page = opened(LAPTOP)
    expect(page.locator(".example").first).to_be_visible(timeout=60_000)
    shoot(page, "welcome")
    ask(page, LIST)
    shoot(page, "answer")
    page.click("#new-chat")
    ask(page, FIGURE)
    open_source(page)
    shoot(page, "source")
    page.click("#source-close")
    ask(page, NOWHERE)
    shoot(page, "refusal")
    page.click("#filter")
    page.get_by_label("发文机关").select_option(index=1)
    shoot(page, "filters")
    page.click("#open-documents")
    expect(page.locator(".documents li").first).to_be_visible()
    shoot(page, "documents")
    page.locator(".documents a").nth(2).click()
    expect(page.locator(".document")).to_be_visible()
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    page.fill("#source-search", "元宇宙")
    expect(page.locator("mark.current")).to_be_in_viewport()
    shoot(page, "reader-wide")
    page.close()

    page = opened(LAPTOP, "dark")
    ask(page, FIGURE)
    open_source(page)
    shoot(page, "source-dark")
    page.close()

    page = opened(PHONE)
    ask(page, FIGURE)
    shoot(page, "phone-answer")
    open_source(page)
    shoot(page, "phone-source")
    page.close()


def first_load(browser: Browser, address: str) -> None:
    """What the first load weighs on the line, and after how long the field takes a question."""
    times = []
    for _ in range(5):
        page = browser.new_page(base_url=address)
        page.goto("/", wait_until="commit")
        page.wait_for_selector("#question:focus")
        times.append(page.evaluate("performance.now()"))
        files = page.evaluate(
            """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
                .filter(entry => !entry.name.includes('/api/') && !entry.name.endsWith('/version'))
                .map(entry => [new URL(entry.name).pathname, entry.transferSize])"""
        )
        page.close()
    weight = sum(size for _, size in files) / 1000
    print(
        f"first load {weight:.0f} kB on the line: {files}; takes a question after {sorted(times)[2]:.0f} ms (median of 5)"
    )


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    IMAGES.mkdir(exist_ok=True)
    before = {row["conversation_id"] for row in httpx.get(f"{address}/api/conversations").json()["items"]}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        pictures(browser, address)
        first_load(browser, address)
        browser.close()
    for row in httpx.get(f"{address}/api/conversations").json()["items"]:
        if row["conversation_id"] not in before:
            httpx.delete(f"{address}/api/conversations/{row['conversation_id']}")


if __name__ == "__main__":
    main()
