"""`zhengwen inspect`: what it shows is what would be indexed, and a hostile file stays text."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.indexer.formats import policy
from tests.indexer.formats.paper import Look, compose, pdf

Command = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def made(name: str, data: bytes) -> Path:
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return made


@pytest.mark.parametrize("name", policy.every_format())
def test_a_file_is_shown_without_its_text_or_places(command: Command, file, name: str):
    finished = command("inspect", file(name, policy.every_format()[name]))
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.startswith(f"{name}")
    wanted = policy.TABLE[2][0] if name == "f.csv" else policy.GRANT
    line = next(line for line in finished.out.split("\n") if wanted in line)
    assert "│" in line
    if name not in ("h.mht",):
        assert re.search(r"第\d+(?:页|张|段|行) │", line)


def test_outline_metadata_and_warnings_are_not_shown(command: Command, file):
    path = file("a.txt", policy.pdf_file())
    path.with_name("a.txt.meta.yaml").write_text("issuer: 云江市园林局", encoding="utf-8")
    out = command("inspect", path).out
    assert "warning: it is pdf by its content" in out
    assert "issuer: 云江市园林局" in out
    assert out.index("Outline") < out.index("三、资金补助") < out.index("Text and passages")


def test_a_file_that_cannot_be_read_looks_well(command: Command, file, tmp_path: Path):
    finished = command("inspect", file("a.pdf", b"%PDF-1.7"))
    assert finished.code == 1
    assert "NOT INDEXED" in finished.out
    for path in (tmp_path / "nowhere.pdf", tmp_path, file("a.jpg", b"\xff\xd8")):
        finished = command("inspect", path)
        assert finished.code == 2
        assert finished.err.startswith("zhengwen: ")


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_lacks_something_or_runs_what_a_document_holds(command: Command, file, tmp_path: Path):
    planted = '<script>alert(1)</script><img src=x onerror="alert(1)">'
    path = file("甲<b>.docx", policy.packed({}))
    path.unlink()
    path = file("<b>.pdf", pdf(compose([("h1", policy.TITLE), ("p", policy.GRANT + planted)], Look())))
    out = tmp_path / "page.html"
    finished = command("inspect", path, "--html", out)
    assert (finished.code, finished.out) == (0, "")
    seen = Seen()
    seen.feed(out.read_text(encoding="utf-8"))
    assert not {"script", "img", "b", "a", "iframe"} & set(seen.tags)
    squeezed = "".join(seen.text.split())
    assert "<script>alert(1)</script>" in squeezed
    assert policy.GRANT in squeezed
    assert "第1页" in squeezed
    assert "<b>.pdf" in squeezed
