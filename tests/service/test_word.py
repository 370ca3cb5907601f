"""Word files: python-docx and our own reader see in them what the handout says."""

import io
import json
import zipfile
from dataclasses import replace

import docx
import pytest
from lxml import etree

from indexer.formats.docx import parse_docx
from service.answer import Answer, SavedAnswer
from service.handout import FAILED, Handout, Note, Statement, handout
from service.pipeline import Pipeline
from service.word import word

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SPLIT = "公寓管理处应当在多少个工作日以内答复申请人？"


def made(answer: Answer, pipeline: Pipeline) -> Handout:
    saved = SavedAnswer.from_json(json.loads(json.dumps(answer.to_json())))
    return handout(answer.question, answer.understood, saved, pipeline.library, answer.receipt.index)


def footnotes(data: bytes) -> dict[int, str]:
    """Number → text of the footnotes, separators left out."""
    root = etree.fromstring(zipfile.ZipFile(io.BytesIO(data)).read("word/footnotes.xml"))
    texts = {int(note.get(f"{W}id")): "".join(note.itertext(f"{W}t")) for note in root}
    return {number: text for number, text in texts.items() if number > 0}


def references(data: bytes) -> list[int]:
    root = etree.fromstring(zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml"))
    return [int(found.get(f"{W}id")) for found in root.iter(f"{W}footnoteReference")]


def test_file_says_something_else_than_the_handout(pipeline: Pipeline) -> None:
    sheet = made(pipeline.ask(SPLIT), pipeline)
    assert len(sheet.notes) > 1, "the test proves nothing"
    data = word(sheet)
    opened = docx.Document(io.BytesIO(data))
    paragraphs = [paragraph.text for paragraph in opened.paragraphs]
    assert paragraphs[0] == SPLIT
    assert opened.paragraphs[0].style.name == "Title"
    assert opened.core_properties.title == SPLIT
    for said in sheet.statements:
        assert any(paragraph.startswith(said.text) for paragraph in paragraphs)
    assert paragraphs[-1] == sheet.about
    assert {number: text.strip() for number, text in footnotes(data).items()} == {
        number: note.line for number, note in enumerate(sheet.notes, start=1)
    }
    assert references(data) == list(range(1, len(sheet.notes) + 1))
    read = [block.text for block in parse_docx(data).blocks]
    assert [note.line for note in sheet.notes] == [text.strip() for text in read if "原文：" in text]


def test_same_handout_gives_other_bytes(pipeline: Pipeline) -> None:
    assert word(made(pipeline.ask(SPLIT), pipeline)) == word(made(pipeline.ask(SPLIT), pipeline))


NOTE = Note("标题", "", "", (), "", "", "引文", None)


def sheet_of(*statements: Statement, notes: int = 1, question: str = "问") -> Handout:
    return Handout(question, None, None, statements, (NOTE,) * notes, "说明")


def test_note_that_is_cited_twice_stands_twice() -> None:
    data = word(sheet_of(Statement("甲", (1, 2), True), Statement("乙", (1,), True), notes=2))
    assert references(data) == [1, 2]
    assert len(footnotes(data)) == 2
    body = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml").decode()
    assert body.count("NOTEREF _Note1 ") == 1
    assert body.count('w:name="_Note1"') == 1


def test_sentence_that_failed_looks_like_one_that_holds() -> None:
    paragraphs = docx.Document(io.BytesIO(word(sheet_of(Statement("甲", (1,), False))))).paragraphs
    assert FAILED in paragraphs[1].text


@pytest.mark.parametrize("planted", ["<w:p/>&amp;]]>", "\0\x0b\ufffe\ud800", "🌾\U0010ffff", "甲\n乙", "  空格  "])
def test_text_breaks_the_file(planted: str) -> None:
    sheet = sheet_of(Statement(planted, (1,), True), question=planted)
    data = word(replace(sheet, notice=planted, understood=planted, notes=(replace(NOTE, quote=planted),)))
    shown = docx.Document(io.BytesIO(data)).paragraphs[3].text
    assert shown == "".join("\ufffd" if char in "\0\x0b\ufffe\ud800" else char for char in planted)
    assert len(footnotes(data)) == 1
