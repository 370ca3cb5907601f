"""A folder of files → documents: what is read, what is passed over and why, and where a line of text came from."""

import hashlib
from pathlib import Path

import pytest

from indexer.corpus import read_all, scan
from indexer.document import Document, Metadata
from indexer.errors import InputError
from indexer.files import Limits
from indexer.reading import read_file

FRONT_MATTER = '---\ntitle: "海堤管护办法（摘编）"\nissuer: 北屿县水利局\npublished: 2023-05\n---\n'
BODY = "\n# 海堤管护办法\n\n## 一、巡查\n\n每天两次巡查海堤，发现裂缝当场报告。\n"


def read(data: str | bytes, path: str = "a.md", sidecar: str | None = None) -> Document:
    """The document of a file's contents; InputError for what is wrong with them."""
    raw = data.encode() if isinstance(data, str) else data
    (reading,) = read_file(path, raw, sidecar=None if sidecar is None else sidecar.encode())
    if reading.document is None:
        raise InputError(reading.problem)
    return reading.document


# --- scan ------------------------------------------------------------------------------------------------------------


def test_sources_come_in_path_order_with_forward_slashes(corpus_folder: Path):
    assert [s.path for s in scan(corpus_folder).sources] == [
        *("city/buses.txt", "city/park.md", "flood.txt", "harbour.txt", "library.txt", "notice.md"),
    ]


def test_hidden_files_and_files_about_the_corpus_are_no_documents(corpus_folder: Path):
    expected = scan(corpus_folder)
    (corpus_folder / ".git").mkdir()
    (corpus_folder / ".git" / "notes.md").write_text("不是文件", encoding="utf-8")
    (corpus_folder / ".draft.txt").write_text("不是文件", encoding="utf-8")
    (corpus_folder / "README.md").write_text("这个文件夹里是什么", encoding="utf-8")
    (corpus_folder / "manifest.toml").write_text("", encoding="utf-8")
    assert scan(corpus_folder) == expected


def test_formats_that_are_not_read_are_named_but_are_no_errors(corpus_folder: Path):
    (corpus_folder / "plan.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    (corpus_folder / "LICENSE").write_text("x", encoding="utf-8")
    skipped = scan(corpus_folder).skipped
    assert [(item.path, item.is_error) for item in skipped] == [("LICENSE", False), ("plan.doc", False)]
    assert "save it as .docx" in skipped[1].reason


def test_suffix_is_read_in_any_case(tmp_path: Path):
    (tmp_path / "A.TXT").write_text("渔船出海。", encoding="utf-8")
    assert [s.path for s in scan(tmp_path).sources] == ["A.TXT"]


def test_file_that_is_too_large_is_reported_and_the_rest_read(corpus_folder: Path):
    with (corpus_folder / "flood.txt").open("wb") as file:
        file.truncate(50_000_001)  # sparse: takes no room
    corpus = scan(corpus_folder, Limits(megabytes=50))
    assert len(corpus.sources) == 5
    assert [(item.path, item.is_error) for item in corpus.skipped] == [("flood.txt", True)]
    assert "50 MB" in corpus.skipped[0].reason


def test_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"no corpus folder at .*nowhere"):
        scan(tmp_path / "nowhere")


def test_file_instead_of_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_text("渔船出海。", encoding="utf-8")
    with pytest.raises(InputError, match="no corpus folder"):
        scan(tmp_path / "a.txt")


def test_empty_corpus_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="nothing to index"):
        scan(tmp_path)


# --- fingerprint -----------------------------------------------------------------------------------------------------


def test_fingerprint_is_the_same_in_another_folder_and_changes_with_content_and_name(
    corpus_folder: Path, tmp_path: Path, texts: dict[str, str]
):
    fingerprint = scan(corpus_folder).fingerprint
    copy = tmp_path / "elsewhere"
    for name, text in texts.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text, encoding="utf-8")
    assert scan(copy).fingerprint == fingerprint
    (copy / "flood.txt").rename(copy / "flood2.txt")
    assert scan(copy).fingerprint != fingerprint
    (copy / "flood2.txt").rename(copy / "flood.txt")
    (copy / "flood.txt").write_text(texts["flood.txt"] + "补充一句。\n", encoding="utf-8")
    assert scan(copy).fingerprint != fingerprint


# --- front matter ----------------------------------------------------------------------------------------------------


def test_front_matter_becomes_metadata_and_is_no_text():
    document = read(FRONT_MATTER + BODY)
    assert document.metadata == Metadata(title="海堤管护办法（摘编）", issuer="北屿县水利局", published="2023-05")
    assert document.text.startswith("# 海堤管护办法")


@pytest.mark.parametrize("front_matter", ["", FRONT_MATTER, FRONT_MATTER.replace("\n", "\r\n")])
def test_lines_are_counted_from_the_top_of_the_file(front_matter: str):
    whole = front_matter + BODY
    document = read(whole)
    start = document.text.index("每天两次")
    expected = 1 + whole.split("每天两次")[0].count("\n")
    assert document.origin(start, start + 4).line_start == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2023-05-16", "2023-05-16"),
        ("2023-13-45", "2023-13-45"),  # an impossible date is a ValueError in YAML's own loader
        ("2023", "2023"),
        ("2021_2023", "2021_2023"),
        ("007", "007"),
        ("no", "no"),
        ("12:30:45", "12:30:45"),
        ("", ""),
    ],
)
def test_values_stay_as_they_were_typed(value: str, expected: str):
    assert read(f"---\nperiod: {value}\n---\n{BODY}").metadata.period == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("周明远", ("周明远",)), ('["周明远", "何秋实"]', ("周明远", "何秋实")), ("", ()), ("[]", ())],
)
def test_authors_are_one_name_or_a_list(value: str, expected: tuple[str, ...]):
    assert read(f"---\nauthors: {value}\n---\n{BODY}").metadata.authors == expected


@pytest.mark.parametrize(
    ("front_matter", "message"),
    [
        ('title: "没有关上的引号', "not valid YAML"),
        ("title: 甲\n- 乙", "not valid YAML"),
        ("title: 甲\npublisher: 乙", "unknown keys publisher"),
        ("title: [甲, 乙]", "'title'"),
        ("authors: {name: 甲}", "'authors'"),
        ("authors: [[甲]]", "'authors'"),
    ],
)
def test_broken_front_matter_is_an_input_error_that_names_the_file(front_matter: str, message: str):
    with pytest.raises(InputError, match=message) as error:
        read(f"---\n{front_matter}\n---\n{BODY}", "plans/dike.md")
    assert "plans/dike.md" in str(error.value)


def test_text_that_begins_with_a_rule_has_no_front_matter():
    text = "---\n海堤每天巡查两次。\n---\n发现裂缝当场报告。\n"
    document = read(text, "a.txt")
    assert "海堤每天巡查两次。" in document.text
    assert document.metadata.issuer == ""


def test_rule_further_down_is_no_front_matter():
    assert "title: 甲" in read("正文在前。\n---\ntitle: 甲\n---\n", "a.md").text


# --- documents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "title"),
    [
        ("# 海堤管护办法\n\n正文。", "a.md", "海堤管护办法"),
        ("# 通报\n\n## 关于海堤巡查情况的通报\n\n正文。", "a.md", "关于海堤巡查情况的通报"),
        ("海堤管护工作方案\n\n正文只有一句话。", "b.txt", "海堤管护工作方案"),
        ("海堤每天巡查两次，发现裂缝当场报告。", "plans/dike.txt", "dike"),
        ("**海堤管护**工作  方案\n\n正文只有一句话。", "b.txt", "海堤管护工作 方案"),
    ],
)
def test_title_without_front_matter_comes_from_the_head_of_the_text_or_the_file_name(text: str, path: str, title: str):
    assert read(text, path).title == title


@pytest.mark.parametrize("text", ["", " \n\u3000\n", "---\ntitle: 甲\n---\n\n"])
def test_document_without_text_is_refused(text: str):
    with pytest.raises(InputError, match="holds no text"):
        read(text)


def test_encoding_and_checksum_of_the_original_are_kept():
    data = "海堤每天巡查两次，发现裂缝当场报告，不得拖延。".encode("gb18030")
    document = read(data, "a.txt")
    assert document.encoding == "gb18030"
    assert document.sha256 == hashlib.sha256(data).hexdigest()


def test_one_unreadable_file_does_not_keep_the_others_out(corpus_folder: Path, texts: dict[str, str]):
    (corpus_folder / "scan.txt").write_bytes(bytes(range(256)) * 4)
    (corpus_folder / "empty.md").write_text("\n", encoding="utf-8")
    (corpus_folder / "date.md").write_text('---\ntitle: "甲\n---\n正文。\n', encoding="utf-8")
    documents, skipped = read_all(scan(corpus_folder))
    assert {document.doc_id for document in documents} == set(texts)
    assert [item.path for item in skipped] == ["date.md", "empty.md", "scan.txt"]
    assert all(item.is_error for item in skipped)


def test_every_layout_of_the_small_corpus_keeps_all_its_text(corpus_folder: Path, texts: dict[str, str]):
    documents, _ = read_all(scan(corpus_folder))
    for document in documents:
        original = texts[document.path].split("---\n")[-1] if document.path == "city/park.md" else texts[document.path]
        assert "".join(document.text.split()) == "".join(original.split())
