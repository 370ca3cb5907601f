"""Files of every format → documents: what stands where, what beats what, and that nothing kills the reader."""

import hashlib
import random
import re
import sys
import zipfile
from io import BytesIO

import docx
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.document import Document
from indexer.files import Limits, Reading
from indexer.reading import read_file
from tests.indexer.formats import policy
from tests.indexer.formats.paper import A4, Look, Paper, compose, ofd, pdf, prose

FILES = policy.every_format()


def read(name: str, data: bytes, sidecar: str = "", **limits: int) -> list[Reading]:
    return list(read_file(name, data, Limits(**limits), sidecar.encode() if sidecar else None))


def document(name: str, data: bytes, sidecar: str = "") -> Document:
    (reading,) = read(name, data, sidecar)
    assert reading.document is not None, reading.problem
    return reading.document


def where(document: Document, words: str) -> dict[str, object]:
    """The place of some words, without what the format does not have."""
    start = document.text.index(words)
    origin = vars(document.origin(start, start + len(words)))
    return {name: value for name, value in origin.items() if value is not None and name != "path"}


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "place"),
    [
        ("a.pdf", policy.GRANT, {"page": 2}),
        ("a.pdf", "浅凹绿地", {"page": 1}),
        ("b.ofd", policy.GRANT, {"page": 2}),
        ("c.docx", policy.GRANT, {"paragraph": 8}),
        ("c.docx", "西滩区\t9", {"paragraph": 20}),
        ("d.pptx", policy.GRANT, {"slide": 4}),
        ("e.xlsx", "西滩区\t9", {"sheet": "任务分解", "row": 4}),
        ("e.xlsx", policy.GRANT, {"sheet": "说明", "row": 3}),
        ("f.csv", "西滩区\t9", {"line_start": 3, "line_end": 3}),
        ("g.html", policy.GRANT, {"line_start": 11, "line_end": 11}),
        ("h.mht", policy.GRANT, {}),
        ("j.txt", policy.GRANT, {"line_start": 15, "line_end": 15}),
        ("k.md", policy.GRANT, {"line_start": 15, "line_end": 15}),
    ],
)
def test_words_have_the_place_where_they_stand(name: str, words: str, place: dict[str, object]):
    assert where(document(name, FILES[name]), words) == place


def test_lines_of_text_and_pages_are_those_of_the_file():
    for name, encoding in (("g.html", "gb18030"), ("j.txt", "utf-8"), ("k.md", "utf-8")):
        start = FILES[name].decode(encoding).split(policy.GRANT)[0].count("\n") + 1
        assert where(document(name, FILES[name]), policy.GRANT)["line_start"] == start


@pytest.mark.parametrize("form", [pdf, ofd])
def test_a_paragraph_that_runs_over_a_page_has_both_pages(form):
    sentences = [f"第{i}批雨水花园由园林部门在{i}月底以前验收，验收以后移交街道管护。" for i in range(1, 60)]
    papers = compose([("p", "".join(sentences))], Look())
    assert len(papers) == 2
    found = document("a.x", form(papers))
    pages = [{1 + (sentence not in "".join(run.text for run in papers[0].runs))} for sentence in sentences]
    # The sentence that the page cuts in two stands on both: its place is where it begins.
    assert [{where(found, s)["page"]} for s in sentences[:10]] == pages[:10] == [{1}] * 10
    assert [{where(found, s)["page"]} for s in sentences[-10:]] == pages[-10:] == [{2}] * 10


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("i.eml", "l.zip")])
def test_the_text_of_every_format_is_that_of_the_policy(name: str):
    squeezed = "".join(document(name, FILES[name]).text.split())
    wanted = [text for _, texts in policy.SECTIONS for text in texts] if name != "f.csv" else []
    wanted += [cell for row in policy.TABLE for cell in row] if name in ("c.docx", "e.xlsx", "f.csv", "k.md") else []
    assert [words for words in wanted if "".join(words.split()) not in squeezed] == []


@pytest.mark.parametrize("name", ["c.docx", "e.xlsx", "f.csv", "g.html"])
def test_no_mark_is_added_that_the_original_does_not_show(name: str):
    found = document(name, FILES[name])
    assert not set("#|*") & set(found.text)
    assert "西滩区\t9\t2026年9月\t218" in found.text.split("\n")
    shown = {found.text[at:].split("\n")[0] for at, _ in found.headings}
    assert (name == "f.csv") == (not shown)


# --- titles and metadata ---------------------------------------------------------------------------------------------


def test_what_a_sidecar_says_beats_the_file_and_its_text():
    sidecar = "title: 雨水花园（摘编）\nissuer: 云江市园林局\npublished: 2026-03\n"
    for name in ("a.pdf", "i.eml", "j.txt", "k.md"):
        found = read(name, FILES[name], sidecar)[0].document
        assert found is not None
        assert (found.title, found.metadata.issuer, found.metadata.published) == (
            "雨水花园（摘编）",
            "云江市园林局",
            "2026-03",
        )
    both = document("k.md", b"---\ntitle: A\nregion: B\n---\n" + FILES["k.md"], sidecar)
    assert (both.title, both.metadata.region) == ("雨水花园（摘编）", "B")


@pytest.mark.parametrize("sidecar", ["- 甲", "title: [", "publisher: 甲", "title: {a: b}"])
def test_a_broken_sidecar_is_named(sidecar: str):
    (reading,) = read("a.pdf", FILES["a.pdf"], sidecar)
    assert reading.is_error
    assert "a.pdf.meta.yaml" in reading.problem


def test_the_day_on_which_a_file_was_made_is_no_day_of_publication():
    made = pdf(compose([("p", policy.GRANT)], Look()), info={"CreationDate": "D:20240102030405", "Author": "何秋实"})
    found = document("a.pdf", made)
    assert (found.metadata.published, found.metadata.authors) == ("", ("何秋实",))


def test_a_table_gets_the_name_of_its_file_for_a_title():
    assert document("雨水花园任务.csv", FILES["f.csv"]).title == "雨水花园任务"


# --- files in files --------------------------------------------------------------------------------------------------


def test_files_in_an_archive_are_documents_with_its_path_before_theirs():
    found = read("l.zip", FILES["l.zip"])
    assert [(r.path, r.kind, r.is_error) for r in found] == [
        ("l.zip/附件/办法.docx", "docx", False),
        ("l.zip/附件/任务.csv", "csv", False),
        ("l.zip/照片.jpg", "", False),
    ]
    inside = found[0].document
    assert inside is not None
    with zipfile.ZipFile(BytesIO(FILES["l.zip"])) as archive:
        own = hashlib.sha256(archive.read("附件/办法.docx")).hexdigest()
    assert (inside.doc_id, inside.path, inside.sha256) == ("l.zip/附件/办法.docx", "l.zip/附件/办法.docx", own)


def test_a_sidecar_in_an_archive_speaks_of_the_file_next_to_it():
    (reading,) = read("a.zip", policy.packed({"甲/a.csv": FILES["f.csv"], "甲/a.csv.meta.yaml": "title: 甲".encode()}))
    assert reading.document is not None
    assert reading.document.title == "甲"


def test_files_of_one_name_in_a_mail_are_kept_apart():
    inner = FILES["i.eml"]
    archive = policy.packed({"x/i.eml": inner, "y.zip": FILES["l.zip"]})
    names = [reading.path for reading in read("a.zip", archive)]
    assert names == [
        "a.zip/x/i.eml",
        "a.zip/x/i.eml/办法.docx",
        *("a.zip/y.zip/附件/办法.docx", "a.zip/y.zip/附件/任务.csv", "a.zip/y.zip/照片.jpg"),
    ]
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as twice:
        twice.writestr("a.csv", FILES["f.csv"])
        with pytest.warns(UserWarning, match="Duplicate name"):
            twice.writestr("a.csv", FILES["f.csv"])
    assert [reading.path for reading in read("b.zip", file.getvalue())] == ["b.zip/a.csv", "b.zip/a (2).csv"]


def test_an_archive_without_documents_says_so_once():
    assert [r.path for r in read("a.zip", policy.packed({"a.pdf.meta.yaml": b"title: x"}))] == ["a.zip"]
    ((reading),) = read("a.zip", policy.packed({}))
    assert reading.is_error


# --- what is hostile, broken or too much -----------------------------------------------------------------------------


def scanned() -> bytes:
    return pdf([Paper(*A4, has_image=True)])


def with_doctype() -> bytes:
    bomb = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]>'
    document = docx.Document()
    file = BytesIO()
    document.save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    body = parts["word/document.xml"]
    at = body.index(b"<w:document")
    return policy.packed(parts | {"word/document.xml": body[:at] + bomb.encode() + body[at:]})


def deep_archive(levels: int) -> bytes:
    data = FILES["f.csv"]
    name = "a.csv"
    for _ in range(levels):
        data, name = policy.packed({name: data}), "a.zip"
    return data


def encrypted_word() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "EncryptedPackage".encode("utf-16-le") + bytes(512)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", scanned(), "scanned"),
        ("a.pdf", pdf(compose([("p", "甲")], Look()), encrypted=True), "encrypted"),
        ("a.pdf", FILES["a.pdf"][:400], "print it to PDF again"),
        ("a.pdf", b"", "damaged"),
        ("a.docx", encrypted_word(), "encrypted"),
        ("a.docx", with_doctype(), "document type"),
        ("a.docx", FILES["c.docx"][:3000], "save it again"),
        ("a.pptx", FILES["d.pptx"][:3000], "save it again"),
        ("a.xlsx", FILES["e.xlsx"][:3000], "save it again"),
        ("a.ofd", FILES["b.ofd"][:900], "save it again"),
        ("a.zip", policy.packed({"a.txt": bytes(20_000_000)}), "archive bombs"),
        ("a.zip", FILES["l.zip"][:900], "pack it again"),
        ("a.zip", deep_archive(5), "deep"),
        ("a.html", b"<html>" + b"<div>" * 100_000 + b"x", "nested"),
        ("a.eml", b"hello", "no mail"),
        ("a.csv", b"\x00\x01\x02", "NUL"),
        ("a.txt", b" \n", "no text"),
        ("a.xlsx", b"", "empty"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_says_what_to_do(name: str, data: bytes, words: str):
    readings = read(name, data)
    assert [reading.document for reading in readings] == [None]
    assert readings[0].is_error
    assert words in readings[0].problem
    assert re.search(r"[:;] \w", readings[0].problem), "it does not say what to do"


def test_a_file_above_a_limit_is_an_error_and_one_below_is_read():
    for name, limits in (
        ("a.pdf", {"pages": 1}),
        ("b.ofd", {"pages": 1}),
        ("d.pptx", {"pages": 4}),
    ):
        (reading,) = read(name, FILES[name], **limits)
        assert reading.is_error
        assert "split it" in reading.problem
        assert read(name, FILES[name], pages=limits["pages"] + 1)[0].document is not None
    inside = read("a.zip", policy.packed({"a.txt": "渔".encode() * 700_000, "b.csv": FILES["f.csv"]}), megabytes=2)
    assert [(reading.path, reading.is_error) for reading in inside] == [("a.zip/a.txt", True), ("a.zip/b.csv", False)]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(sorted(FILES)),
    st.sampled_from(["x.pdf", "x.docx", "x.zip", "x.eml", "x.html", "x.txt", ""]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    st.floats(0, 1),
)
def test_no_damage_raises_anything(name: str, other: str, flips: list[tuple[float, int]], cut: float):
    data = bytearray(FILES[name])
    for where_, byte in flips:
        data[int(where_ * (len(data) - 1))] = byte
    if cut > 0.5:
        data = data[: int(2 * (cut - 0.5) * len(data))]
    for reading in read(other or name, bytes(data)):
        assert (reading.document is None) == bool(reading.problem)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(name for name in FILES if zipfile.is_zipfile(BytesIO(FILES[name])))),
    st.integers(0, 40),
    st.one_of(st.binary(max_size=300), st.sampled_from([b"<", b"<a>" * 3000, b"<?xml version='1.0'?><a/>"])),
)
def test_no_damage_inside_an_office_file_raises_anything(name: str, index: int, content: bytes):
    with zipfile.ZipFile(BytesIO(FILES[name])) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    parts[list(parts)[index % len(parts)]] = content
    for reading in read(name, policy.packed(parts)):
        assert (reading.document is None) == bool(reading.problem)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.text("渔船 1,.|#-（一）、", max_size=8), min_size=1, max_size=4), min_size=1, max_size=6))
def test_cells_of_any_text_keep_their_row(table: list[list[str]]):
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("甲")
        for i, row in enumerate(table):
            for j, cell in enumerate(row):
                sheet.write_string(i, j, cell)
    for reading in read("a.xlsx", file.getvalue()):
        if reading.document is None:
            assert not any(cell.strip() for row in table for cell in row)
            continue
        found: dict[int, str] = {}
        offset = 0
        for line in reading.document.text.split("\n"):
            number = reading.document.places.at(offset).row
            assert number is not None
            found[number] = found.get(number, "") + line
            offset += len(line) + 1
        for number, row in enumerate(table, start=1):
            words = "".join("".join(row).split())
            assert words in "".join(found.get(number, "").split())


def test_reading_leaves_the_limit_on_recursion_alone():
    before = sys.getrecursionlimit()
    for name, data in FILES.items():
        read(name, data)
    assert sys.getrecursionlimit() == before


def test_prose_of_many_pages_keeps_its_page():
    rng = random.Random(7)
    blocks = [("p", f"{i}号段落：" + prose(rng, 3)) for i in range(60)]
    papers = compose(blocks, Look())
    found = document("a.pdf", pdf(papers))
    for i in range(10, 60):
        on = [n for n, paper in enumerate(papers, 1) if any(run.text.startswith(f"{i}号段落") for run in paper.runs)]
        assert [where(found, f"{i}号段落")["page"]] == on
