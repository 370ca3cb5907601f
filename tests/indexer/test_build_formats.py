"""Building from files of every format: only what changed is read again, one bad file is a line in the report."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer import build as build_module
from indexer import store
from indexer.build import Summary, build
from indexer.files import Limits, Reading, Source
from indexer.report import FileReport
from tests.indexer.formats import policy
from training.static import fit_static_embedder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("model") / "static"
    fit_static_embedder([policy.GRANT, policy.CHECK, policy.TITLE, "西滩区东湾区北屿县"], folder, dimensions=8)
    return str(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A PDF, a Word file, an archive, a text, and a scan that cannot be read."""
    files = policy.every_format()
    (tmp_path / "corpus").mkdir()
    for name in ("a.pdf", "c.docx", "l.zip", "j.txt"):
        (tmp_path / "corpus" / name).write_bytes(files[name])
    (tmp_path / "corpus" / "bad.pdf").write_bytes(files["a.pdf"][:300])
    return tmp_path / "corpus"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files that were really read."""
    seen: list[str] = []
    original = build_module.read_sources

    def spy(sources: Sequence[Source], *rest: object) -> list[tuple[Reading, ...]]:
        seen.extend(source.path for source in sources)
        return original(sources, *rest)

    monkeypatch.setattr(build_module, "read_sources", spy)
    return seen


def rows(summary: Summary) -> dict[str, FileReport]:
    return {row.path: row for row in summary.report.files}


def test_one_bad_file_is_a_line_in_the_report_and_the_rest_is_indexed(folder: Path, tmp_path: Path, model: str):
    summary = build(folder, tmp_path / "index", embedder=model)
    assert [(item.path, item.is_error) for item in summary.skipped] == [("bad.pdf", True), ("l.zip/照片.jpg", False)]
    stored = store.load(tmp_path / "index")
    assert [document.doc_id for document in stored.documents] == [
        *("a.pdf", "c.docx", "j.txt", "l.zip/附件/任务.csv", "l.zip/附件/办法.docx"),
    ]
    table = rows(summary)
    assert (table["a.pdf"].kind, table["a.pdf"].pages) == ("pdf", 2)
    assert sum(row.passages for row in table.values()) == len(stored.passages)
    assert table["l.zip/附件/办法.docx"].source == "l.zip"
    assert "print it to PDF again" in table["bad.pdf"].problem
    assert store.read_report(tmp_path / "index") == summary.report


def test_up_to_date_build_reads_no_file_and_tells_the_same(folder: Path, tmp_path: Path, model: str, read: list[str]):
    first = build(folder, tmp_path / "index", embedder=model)
    assert sorted(read) == ["a.pdf", "bad.pdf", "c.docx", "j.txt", "l.zip"]
    read.clear()
    second = build(folder, tmp_path / "index", embedder=model)
    assert (read, second.changed, second.read) == ([], False, 0)
    assert (second.report, second.skipped, second.manifest) == (first.report, first.skipped, first.manifest)


def test_only_what_changed_is_read_again(folder: Path, tmp_path: Path, model: str, read: list[str]):
    index = tmp_path / "index"
    build(folder, index, embedder=model)
    read.clear()
    (folder / "d.pptx").write_bytes(policy.slides_file())
    (folder / "a.pdf").rename(folder / "z.pdf")
    (folder / "c.docx").unlink()
    summary = build(folder, index, embedder=model)
    assert sorted(read) == ["d.pptx", "z.pdf"]
    assert summary.read == 2
    stored = store.load(index)
    assert [document.doc_id for document in stored.documents] == [
        *("d.pptx", "j.txt", "l.zip/附件/任务.csv", "l.zip/附件/办法.docx", "z.pdf"),
    ]
    assert {passage.doc_id for passage in stored.passages} == {document.doc_id for document in stored.documents}
    assert "a.pdf" not in rows(summary)
    anew = build(folder, tmp_path / "other", embedder=model)
    assert (anew.manifest, anew.report) == (summary.manifest, summary.report)


def test_a_paragraph_changed_in_one_file_embeds_only_its_own_passage(folder: Path, tmp_path: Path, model: str):
    index = tmp_path / "index"
    whole = build(folder, index, embedder=model)
    text = (folder / "j.txt").read_text(encoding="utf-8")
    (folder / "j.txt").write_text(text.replace("15个工作日", "20个工作日"), encoding="utf-8")
    summary = build(folder, index, embedder=model)
    assert (summary.read, summary.embedded) == (1, 1)
    assert summary.manifest.passages == whole.manifest.passages


def test_metadata_beside_a_file_is_read_when_it_changes_and_forgotten_when_it_goes(
    folder: Path, tmp_path: Path, model: str, read: list[str]
):
    index, sidecar = tmp_path / "index", folder / "a.pdf.meta.yaml"
    build(folder, index, embedder=model)
    for text, title in (("title: 甲办法", "甲办法"), ("title: 乙办法", "乙办法"), (None, policy.TITLE)):
        read.clear()
        if text is None:
            sidecar.unlink()
        else:
            sidecar.write_text(text, encoding="utf-8")
        assert build(folder, index, embedder=model).changed
        assert read == ["a.pdf"]
        assert store.load(index).documents[0].title == title
    assert "a.pdf.meta.yaml" not in rows(build(folder, index, embedder=model))


def test_metadata_of_a_file_that_is_not_there_is_reported(folder: Path, tmp_path: Path, model: str):
    (folder / "b.pdf.meta.yaml").write_text("title: 甲", encoding="utf-8")
    summary = build(folder, tmp_path / "index", embedder=model)
    assert "a file that is not there" in rows(summary)["b.pdf.meta.yaml"].problem
    assert rows(summary)["b.pdf.meta.yaml"].is_error


def test_what_failed_under_other_limits_is_read_again(folder: Path, tmp_path: Path, model: str, read: list[str]):
    index = tmp_path / "index"
    strict = build(folder, index, embedder=model, limits=Limits(pages=1))
    assert "split it" in rows(strict)["a.pdf"].problem
    read.clear()
    assert not build(folder, index, embedder=model, limits=Limits(pages=1)).changed
    assert read == []
    usual = build(folder, index, embedder=model)
    assert sorted(read) == ["a.pdf", "bad.pdf"]
    assert rows(usual)["a.pdf"].problem == ""
    assert rows(usual)["bad.pdf"].problem


def test_a_file_that_is_passed_over_comes_into_the_report_of_an_index_that_is_up_to_date(
    folder: Path, tmp_path: Path, model: str
):
    index = tmp_path / "index"
    build(folder, index, embedder=model)
    (folder / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    summary = build(folder, index, embedder=model)
    assert not summary.changed
    assert "save it as .docx" in rows(summary)["old.doc"].problem
    written = json.loads((index / "versions" / (index / "current").read_text().strip() / store.REPORT).read_text())
    assert "old.doc" in [row["path"] for row in written["files"]]
    assert store.load(index).manifest == summary.manifest


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", b'{"files": [{}], "limits": {}, "readers": {}}', None])
def test_a_report_that_is_damaged_or_gone_costs_only_time(
    folder: Path, tmp_path: Path, model: str, read: list[str], damage: bytes | None
):
    index = tmp_path / "index"
    first = build(folder, index, embedder=model)
    path = index / "versions" / (index / "current").read_text().strip() / store.REPORT
    path.unlink() if damage is None else path.write_bytes(damage)
    read.clear()
    summary = build(folder, index, embedder=model)
    assert len(read) == 5
    assert (summary.manifest, summary.report) == (first.manifest, first.report)


def test_another_version_of_a_reader_reads_its_files_again_and_no_text(
    folder: Path, tmp_path: Path, model: str, read: list[str], monkeypatch: pytest.MonkeyPatch
):
    index = tmp_path / "index"
    build(folder, index, embedder=model)
    read.clear()
    monkeypatch.setattr("indexer.report.readers", lambda: {"pypdfium2": "99"})
    build(folder, index, embedder=model)
    assert sorted(read) == ["a.pdf", "bad.pdf", "c.docx", "l.zip"]


def test_files_with_the_same_bytes_are_all_indexed_and_named(folder: Path, tmp_path: Path, model: str):
    (folder / "copy.pdf").write_bytes((folder / "a.pdf").read_bytes())
    summary = build(folder, tmp_path / "index", embedder=model)
    doubles = {row.path: row.double_of for row in summary.report.files if row.double_of}
    assert doubles == {"copy.pdf": "a.pdf", "l.zip/附件/办法.docx": "c.docx"}
    assert {"copy.pdf", "a.pdf"} <= {document.doc_id for document in store.load(tmp_path / "index").documents}
    (folder / "a.pdf").unlink()
    assert rows(build(folder, tmp_path / "index", embedder=model))["copy.pdf"].double_of == ""


def test_a_file_whose_name_is_no_text_is_reported(folder: Path, tmp_path: Path, model: str):
    name = os.fsdecode(b"\xd5\xcf.pdf")
    (folder / name).write_bytes(policy.pdf_file())
    summary = build(folder, tmp_path / "index", embedder=model)
    assert [row.problem for row in summary.report.files if "not valid UTF-8" in row.problem] != []
    assert "a.pdf" in {document.doc_id for document in store.load(tmp_path / "index").documents}


def test_interrupt_while_files_are_read_leaves_the_index_as_it_was(folder: Path, tmp_path: Path, model: str):
    index = tmp_path / "index"
    before = build(folder, index, embedder=model).manifest
    (folder / "d.pptx").write_bytes(policy.slides_file())

    def interrupt(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(folder, index, embedder=model, progress=interrupt)
    assert store.load(index).manifest == before
    assert build(folder, index, embedder=model).changed
