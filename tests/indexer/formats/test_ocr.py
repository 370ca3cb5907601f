"""Scanned pages, read where the extra `ocr` is installed."""

import importlib.util
import io
import shutil

import pypdfium2
import pytest
from PIL import Image

from indexer.files import Limits
from indexer.reading import read_file
from tests.indexer.formats import policy
from tests.indexer.formats.paper import A4, Paper, pdf

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IS_INSTALLED = importlib.util.find_spec("rapidocr") is not None


@pytest.fixture(scope="module")
def scan() -> bytes:
    """The policy as Chromium prints it on two pages, then as images alone."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content(policy.page_file("utf-8").decode())
        page.add_style_tag(content="h2:nth-of-type(3){break-before:page} nav,footer,table{display:none}")
        printed = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "25mm"))
        browser.close()
    with pypdfium2.PdfDocument(printed) as document:
        images = [document[i].render(scale=2).to_pil().convert("L") for i in range(len(document))]
    file = io.BytesIO()
    first, *others = images
    first.save(file, "PDF", save_all=True, append_images=others, resolution=144)
    return file.getvalue()


def test_a_scan_is_read_though_nobody_asked_for_it(scan: bytes):
    (reading,) = read_file("a.pdf", scan)
    assert reading.is_error
    assert "run OCR" in reading.problem


@pytest.mark.skipif(IS_INSTALLED, reason="for machines without the extra")
def test_a_scan_without_the_extra_does_not_say_what_to_install():
    (reading,) = read_file("a.pdf", pdf([Paper(*A4, has_image=True)]), Limits(ocr=True))
    assert reading.is_error
    assert "zhengwen[ocr]" in reading.problem
    (other,) = read_file("b.pdf", policy.pdf_file(), Limits(ocr=True))
    assert other.document is not None


@pytest.mark.skipif(not IS_INSTALLED, reason="needs the extra ocr")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_scan_is_read_with_its_pages_and_a_warning(scan: bytes):
    beats: list[str] = []
    found = read_file("a.pdf", scan, Limits(ocr=True), wanted=lambda path: not beats.append(path))
    (reading,) = found
    document = reading.document
    assert document is not None
    assert beats == ["a.pdf"] * 3
    assert "OCR" in reading.warnings[0]
    lines = ["".join(line.split()) for line in document.text.split("\n")]
    assert policy.GRANT in lines
    assert policy.TITLE in lines
    start = document.text.index("260元")
    assert document.origin(start, start + 4).page == 2
    assert document.origin(0, 4).page == 1


@pytest.mark.skipif(not IS_INSTALLED, reason="needs the extra ocr")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_an_image_without_text_stays_a_scan():
    file = io.BytesIO()
    Image.new("L", (600, 800), 255).save(file, "PDF")
    (reading,) = read_file("a.pdf", file.getvalue(), Limits(ocr=True))
    assert reading.is_error
    assert "scanned" in reading.problem
