"""Questions on one policy in every format: the citation stands on the right page, slide, paragraph, sheet and row."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.build import build
from indexer.scope import Scope
from service.answer import Answer, Status
from service.pipeline import Pipeline
from tests.indexer.formats import policy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TRADITIONAL = "雲江市雨水花園的蓄水深度為二十釐米，雨停之後兩天以內應當排空，由園林部門負責養護。"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    (folder / "corpus").mkdir()
    for name, data in policy.every_format().items():
        (folder / "corpus" / name).write_bytes(data)
    (folder / "corpus" / "traditional.txt").write_text(TRADITIONAL, encoding="big5")
    if CHROMIUM is not None:
        (folder / "corpus" / "printed.pdf").write_bytes(printed())
    build(folder / "corpus", folder / "index")
    return folder


def printed() -> bytes:
    """The web page as Chromium prints it, each section on a page of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content(policy.page_file("utf-8").decode())
        page.add_style_tag(content="h2,table{break-before:page} nav,footer{display:none} td{border:1px solid}")
        data = page.pdf(format="A4")
        browser.close()
    return data


@pytest.fixture(scope="module")
def ask(folder: Path) -> Callable[[str, str], Answer]:
    pipeline = Pipeline.open(folder / "index")
    return lambda question, name: pipeline.ask(question, scope=Scope(documents=(name,)))


def places(answer: Answer, words: str) -> list[dict[str, object]]:
    """Where the citations stand that hold some words, without what the format does not have."""
    origins = [vars(citation.origin) for citation in answer.citations if words in citation.quote]
    return [{k: v for k, v in origin.items() if v is not None and k != "path"} for origin in origins]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.pdf", {"page": 2}),
        ("b.ofd", {"page": 2}),
        ("c.docx", {"paragraph": 8}),
        ("d.pptx", {"slide": 4}),
        ("e.xlsx", {"sheet": "说明", "row": 3}),
        ("g.html", {"line_start": 11, "line_end": 11}),
        ("h.mht", {}),
        ("i.eml/办法.docx", {"paragraph": 8}),
        ("j.txt", {"line_start": 15, "line_end": 15}),
        ("k.md", {"line_start": 15, "line_end": 15}),
        ("l.zip/附件/办法.docx", {"paragraph": 8}),
    ],
)
def test_a_citation_stands_elsewhere_than_its_words(ask, name: str, place: dict[str, object]):
    answer = ask(policy.QUESTION, name)
    assert answer.status is not Status.REFUSED, answer.text
    assert policy.ANSWER in answer.text
    assert places(answer, policy.ANSWER) == [place]
    assert {citation.origin.path for citation in answer.citations} == {name}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("c.docx", {"paragraph": 20}),
        ("e.xlsx", {"sheet": "任务分解", "row": 4}),
        ("f.csv", {"line_start": 3, "line_end": 3}),
        ("k.md", {"line_start": 26, "line_end": 26}),
        ("l.zip/附件/任务.csv", {"line_start": 3, "line_end": 3}),
    ],
)
def test_a_row_of_a_table_is_cited_from_another_row(ask, name: str, place: dict[str, object]):
    answer = ask(policy.TABLE_QUESTION, name)
    assert answer.status is not Status.REFUSED, answer.text
    assert policy.TABLE_ANSWER in answer.text
    assert places(answer, policy.TABLE_ANSWER) == [place]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_citation_of_a_printed_page_names_another_page(ask):
    assert places(ask(policy.QUESTION, "printed.pdf"), policy.ANSWER) == [{"page": 4}]
    assert places(ask(policy.TABLE_QUESTION, "printed.pdf"), policy.TABLE_ANSWER) == [{"page": 6}]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("雨水花园的蓄水深度是多少？", "traditional.txt"),
        ("雨水花園的蓄水深度是多少？", "j.txt"),
    ],
)
def test_traditional_and_simplified_characters_do_not_find_each_other(ask, question: str, name: str):
    answer = ask(question, name)
    assert answer.status is not Status.REFUSED, answer.text
    assert any("二十" in citation.quote for citation in answer.citations)


def test_the_command_prints_no_table_or_ends_well_with_a_file_that_cannot_be_read(command, tmp_path: Path):
    (tmp_path / "corpus").mkdir()
    for name in ("a.pdf", "f.csv"):
        (tmp_path / "corpus" / name).write_bytes(policy.every_format()[name])
    (tmp_path / "corpus" / "b[red].pdf").write_bytes(b"%PDF-1.7")
    finished = command("index", "--corpus", tmp_path / "corpus", "--index", tmp_path / "index")
    assert finished.code == 1
    lines = finished.out.split("\n")
    assert next(line for line in lines if line.startswith("a.pdf")).split()[1:3] == ["pdf", "2"]
    assert "NOT INDEXED" in next(line for line in lines if line.startswith("b[red].pdf"))
    assert "1 files" in finished.err
    (tmp_path / "corpus" / "b[red].pdf").unlink()
    assert command("index", "--corpus", tmp_path / "corpus", "--index", tmp_path / "index").code == 0


def test_a_table_is_printed_of_text_alone(command, tmp_path: Path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "j.txt").write_bytes(policy.text_file())
    finished = command("index", "--corpus", tmp_path / "corpus", "--index", tmp_path / "index")
    assert (finished.code, finished.err) == (0, "")
    assert len(finished.out.strip().split("\n")) == 2
