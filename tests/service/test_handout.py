"""Handouts say what the answer says, with its true sources, and mark what does not stand any longer."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.document import Document, Origin
from indexer.retrieval import Library
from service.answer import Answer, SavedAnswer
from service.handout import FAILED, Handout, chinese_date, handout, markdown, place_of, text
from service.markdown import escaped
from service.pipeline import Pipeline

RENT = "公寓的月租金是多少？"
SPLIT = "公寓管理处应当在多少个工作日以内答复申请人？"  # its sentence has two spans
GRANTS = "种粮补贴款什么时候打入农户账户？"
NOWHERE = "火星基地的氧气由谁供应？"


def saved(answer: Answer) -> SavedAnswer:
    return SavedAnswer.from_json(json.loads(json.dumps(answer.to_json())))


def made(answer: Answer, library: Library) -> Handout:
    return handout(answer.question, answer.understood, saved(answer), library, answer.receipt.index)


@pytest.mark.parametrize("question", [RENT, SPLIT, GRANTS])
def test_sentence_or_source_is_lost(pipeline: Pipeline, question: str) -> None:
    answer = pipeline.ask(question)
    assert answer.citations, "the test proves nothing"
    sheet = made(answer, pipeline.library)
    assert [said.text for said in sheet.statements] == [sentence.text for sentence in answer.sentences]
    assert all(said.holds for said in sheet.statements)
    quotes = {citation.marker: citation.quote for citation in answer.citations}
    for said, sentence in zip(sheet.statements, answer.sentences, strict=True):
        assert [sheet.notes[number - 1].quote for number in said.notes] == [quotes[m] for m in sentence.citations]
    for note, citation in zip(sheet.notes, answer.citations, strict=True):
        document = pipeline.library.document(citation.doc_id)
        assert (note.title, note.issuer) == (document.title, document.metadata.issuer)
        assert note.problem is None
        assert f"第{citation.origin.line_start}" in note.place
    assert "均已与原文核对一致" in sheet.about
    for written in (text(sheet), markdown(sheet).replace("\\", "")):
        for part in (question, *(s.text for s in answer.sentences), *(n.line for n in sheet.notes)):
            assert part in written
        assert FAILED not in written


def test_note_of_markdown_has_no_reference_or_no_text(pipeline: Pipeline) -> None:
    sheet = made(pipeline.ask(SPLIT), pipeline.library)
    written = markdown(sheet)
    numbers = [str(number) for number in range(1, len(sheet.notes) + 1)]
    assert len(numbers) > 1, "the test proves nothing"
    assert re.findall(r"^\[\^(\d+)\]: ", written, re.MULTILINE) == numbers
    assert sorted(set(re.findall(r"\[\^(\d+)\](?!:)", written))) == numbers


def test_numbers_of_notes_jump_when_markers_do(pipeline: Pipeline) -> None:
    """Numbers rise as one reads, whatever the markers were, and a note that is cited twice has one number."""
    answer = saved(pipeline.ask(SPLIT))
    markers = [citation.marker for citation in answer.citations]
    assert len(markers) > 1, "the test proves nothing"
    other = {marker: 90 - marker for marker in markers}
    sentences = tuple(replace(s, citations=tuple(other[m] for m in s.citations)) for s in answer.sentences)
    citations = tuple(replace(c, marker=other[c.marker]) for c in reversed(answer.citations))
    changed = replace(answer, sentences=(*sentences, sentences[0]), citations=citations)
    sheet = handout(SPLIT, None, changed, pipeline.library, "sha256:0")
    seen = [number for said in sheet.statements for number in said.notes]
    assert list(dict.fromkeys(seen)) == list(range(1, len(markers) + 1))
    assert sheet.statements[0].notes == sheet.statements[-1].notes
    assert [note.quote for note in sheet.notes] == [
        next(c.quote for c in citations if c.marker == m) for s in sentences for m in s.citations
    ]


def test_citation_that_nothing_refers_to_is_left_out(pipeline: Pipeline) -> None:
    answer = saved(pipeline.ask(SPLIT))
    first = replace(answer.sentences[0], citations=answer.sentences[0].citations[:1])
    sheet = handout(SPLIT, None, replace(answer, sentences=(first,)), pipeline.library, "sha256:0")
    assert {number for said in sheet.statements for number in said.notes} == set(range(1, len(answer.citations) + 1))


def with_document(library: Library, changed: Document) -> Library:
    documents = [changed if d.doc_id == changed.doc_id else d for d in library.documents.values()]
    return Library(documents, [])


def test_what_does_not_stand_any_longer_is_shown_as_if_it_did(pipeline: Pipeline) -> None:
    answer = pipeline.ask(RENT)
    citation = answer.citations[0]
    document = pipeline.library.document(citation.doc_id)
    moved = replace(document, text="按：" + document.text)
    touched = replace(document, sha256="0" * 64)
    others = Library([d for d in pipeline.library.documents.values() if d.doc_id != citation.doc_id], [])
    for library, problem, stands in (
        (with_document(pipeline.library, moved), "不再是这段文字", False),
        (with_document(pipeline.library, touched), "有改动", True),
        (others, "没有这份文件", False),
    ):
        sheet = made(answer, library)
        assert problem in (sheet.notes[0].problem or "")
        assert sheet.statements[0].holds is stands
        assert "未通过核对" in sheet.about
        for written in (text(sheet), markdown(sheet).replace("\\", "")):
            assert f"{FAILED}{sheet.notes[0].problem}" in written
            assert sheet.statements[0].text in written
            assert answer.citations[0].quote in written


def test_edited_answer_passes_for_the_service_s_own(pipeline: Pipeline) -> None:
    answer = saved(pipeline.ask(RENT))
    forged = replace(answer.sentences[0], text=answer.sentences[0].text.replace("三百二十", "三百九十"))
    assert forged != answer.sentences[0], "the test proves nothing"
    sheet = handout(RENT, None, replace(answer, sentences=(forged,)), pipeline.library, "sha256:0")
    assert not sheet.statements[0].holds
    said = handout(RENT, None, replace(answer, text=answer.text + "\n免费。"), pipeline.library, "sha256:0")
    assert "答复正文与逐句内容不一致" in said.about
    assert "免费" not in text(said)


def test_refusal_loses_its_words_or_claims_a_check(pipeline: Pipeline) -> None:
    answer = pipeline.ask(NOWHERE)
    sheet = made(answer, pipeline.library)
    assert "核对一致" not in sheet.about
    assert sheet.notes == ()
    for written in (text(sheet), markdown(sheet).replace("\\", "")):
        for line in answer.text.splitlines():
            assert line in written


def test_question_or_document_is_markup_in_markdown(pipeline: Pipeline) -> None:
    hostile = pipeline.ask("枫桥镇把生活垃圾分为哪三类？")
    assert "<script>" in json.dumps(hostile.to_json()), "the test proves nothing"
    sheet = replace(
        made(hostile, pipeline.library), question="<img src=x onerror=alert(1)> [点](http://x.example)\n# 题"
    )
    written = markdown(sheet)
    assert not re.search(r"(?<!\\)<", written)
    assert not re.search(r"(?<!\\)\[(?!\^\d+\])", written)
    assert written.count("\n# ") == 0, "one heading, at the beginning"


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        ("2022", "2022年"),
        ("2022-11", "2022年11月"),
        ("2022-01-08", "2022年1月8日"),
        ("", ""),
        ("二〇二二年", "二〇二二年"),
        ("2022-2023", "2022-2023"),
    ],
)
def test_date_is_read_as_another(date: str, shown: str) -> None:
    assert chinese_date(date) == shown


def test_place_is_counted_by_what_the_file_does_not_have() -> None:
    assert place_of(Origin("a.md", 7, 7)) == "第7行"
    assert place_of(Origin("a.md", 7, 9)) == "第7–9行"
    assert place_of(Origin("a.pdf", 0, 0, page=3)) == "第3页"


@given(st.text(st.sampled_from("甲\\`*_[]<>#|~&!-+=1.)\n "), max_size=20))
def test_plain_words_change_on_their_way_into_markdown(line: str) -> None:
    one_line = " ".join(line.split())
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped(one_line)) == one_line


def test_document_that_no_longer_holds_is_cited_like_one_that_does(pipeline: Pipeline) -> None:
    answer = pipeline.ask(RENT)
    document = pipeline.library.document(answer.citations[0].doc_id)
    repealed = replace(document, metadata=replace(document.metadata, repealed="2024-06-01"))
    library = with_document(pipeline.library, repealed)
    for as_of, shown in (("2024-07-01", "已废止（截至2024年7月1日）"), ("2024-05-01", ""), ("", "")):
        note = handout(RENT, None, saved(answer), library, "sha256:0", as_of).notes[0]
        assert ("已废止" in note.validity) is bool(shown)
        assert shown in note.line
