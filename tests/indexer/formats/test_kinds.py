"""What a file is: by its content where that shows it, else by its name."""

import io
import zipfile

import pytest

from indexer.formats.kinds import Kind, is_plain_text, kind_of
from tests.indexer.formats import policy

FILES = policy.every_format()
KINDS = {
    name: Kind(kind)
    for name, kind in zip(
        FILES, ["pdf", "ofd", "docx", "pptx", "xlsx", "csv", "html", "mht", "eml", "txt", "md", "zip"], strict=True
    )
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_under_its_own_name_is_what_it_is_and_nobody_is_warned(name: str):
    assert kind_of(name, FILES[name]) == (KINDS[name], "", "")
    assert kind_of(name.upper(), FILES[name]).kind is KINDS[name]


@pytest.mark.parametrize("name", ["a.pdf", "b.ofd", "c.docx", "d.pptx", "e.xlsx", "g.html"])
@pytest.mark.parametrize("other", ["x.doc", "x.zip", "x.docx", "x.pdf", "x.dat", "x"])
def test_a_wrong_or_unknown_suffix_is_read_by_content_with_a_warning(name: str, other: str):
    found = kind_of(other, FILES[name])
    assert found.kind is KINDS[name]
    assert bool(found.warning) == (other[1:] != name[1:])


def test_a_mail_or_a_saved_page_that_is_named_as_a_word_file_is_known():
    assert kind_of("x.doc", FILES["i.eml"]).kind is Kind.MAIL
    assert kind_of("x.doc", FILES["h.mht"]).kind is Kind.SAVED_PAGE


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .docx"),
        ("x.wps", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .docx"),
        ("x.rar", b"Rar!\x1a\x07", "pack it as .zip"),
        ("x.jpg", b"\xff\xd8\xff", "not read"),
        ("x", b"#!/bin/sh\nmail from: me\nto: you\n", "format unknown is not read"),
        ("x.jar", policy.packed({"META-INF/MANIFEST.MF": b"x"}), "not read"),
        ("x.epub", policy.packed({"mimetype": b"application/epub+zip"}), "save it as .pdf"),
    ],
)
def test_a_format_that_is_not_read_comes_with_what_to_do(name: str, data: bytes, words: str):
    found = kind_of(name, data)
    assert found.kind is None
    assert words in found.reason


def test_text_that_speaks_of_pages_and_headers_stays_text():
    assert kind_of("a.txt", b"<!DOCTYPE html>\n<p>how to write a page</p>").kind is Kind.TEXT
    assert kind_of("a.md", b"From: me\nMIME-Version: 1.0\n\nhow to write a mail").kind is Kind.MARKDOWN
    assert is_plain_text("a.md")
    assert is_plain_text("A.TXT", "渔船".encode())
    assert not is_plain_text("a.txt", FILES["a.pdf"])
    assert not is_plain_text("a.pdf")


def test_an_office_file_that_was_cut_off_is_known_by_its_first_parts():
    for name in ("c.docx", "d.pptx", "e.xlsx", "b.ofd"):
        assert kind_of(name, FILES[name][: len(FILES[name]) // 2]).kind is KINDS[name]


def test_an_archive_with_an_office_file_in_it_is_no_office_file():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/办法.docx", FILES["c.docx"])
    assert kind_of("a.zip", file.getvalue()).kind is Kind.ARCHIVE
