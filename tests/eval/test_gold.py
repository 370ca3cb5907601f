import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.gold import GoldQuestion, Part, QuestionType, Style, check, load
from eval.measures import stands
from indexer.corpus import read_all, scan
from indexer.document import Document
from indexer.errors import InputError
from service.question import Turn

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "eval" / "gold" / "digests.jsonl"

TEXT = "湖畔新区今年新建换电站26座，年底前\n全部投入运营。跨江轮渡的末班推迟到23点。"
DOCUMENTS = {"lake.md": Document("lake.md", "lake.md", TEXT, "0" * 64)}
ROW: dict[str, Any] = {
    "id": "t-1",
    "question": "湖畔新区今年要建多少座换电站？",
    "type": "number",
    "style": "plain",
    "docs": ["lake.md"],
    "answers": [["26座"]],
    "evidence": ["新建换电站26座，年底前全部投入运营"],
}
QUESTION = GoldQuestion(
    id="t-1",
    question=ROW["question"],
    type=QuestionType.NUMBER,
    style=Style.PLAIN,
    docs=("lake.md",),
    answers=(("26座",),),
    evidence=("新建换电站26座，年底前全部投入运营",),
)


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def messages(*questions: GoldQuestion) -> list[str]:
    return [fault.message for fault in check(questions, DOCUMENTS)]


def test_load_reads_every_field(tmp_path: Path) -> None:
    path = write(tmp_path / "gold.jsonl", ROW, {**ROW, "id": "t-2", "forbid": ["23座"]})
    gold = load([path])
    assert gold.questions == (QUESTION, replace(QUESTION, id="t-2", forbid=("23座",)))
    assert [question.place for question in gold.questions] == [f"{path}:1", f"{path}:2"]


def test_optional_fields_are_read_and_written_back(tmp_path: Path) -> None:
    row = {
        **ROW,
        "forbid": ["23座"],
        "part": "release",
        "history": [{"role": "user", "content": "湖畔新区"}, {"role": "assistant", "content": "在湖边。"}],
        "note": "源文写作廿六",
    }
    (question,) = load([write(tmp_path / "gold.jsonl", row)]).questions
    assert question.part is Part.RELEASE
    assert question.history == (Turn("user", "湖畔新区"), Turn("assistant", "在湖边。"))
    assert json.loads(json.dumps(question.to_json())) == row
    assert json.loads(json.dumps(QUESTION.to_json())) == ROW  # nothing is added that the file did not say


def test_several_files_are_read_in_order_and_hashed_together(tmp_path: Path) -> None:
    first, second = write(tmp_path / "b.jsonl", ROW), write(tmp_path / "a.jsonl", {**ROW, "id": "t-2"})
    gold = load([first, second])
    assert [question.id for question in gold.questions] == ["t-1", "t-2"]
    assert gold.sha256 == hashlib.sha256(first.read_bytes() + second.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "'id'"),
        ({"id": 7}, "'id'"),
        ({"question": "  "}, "'question'"),
        ({"type": "riddle"}, "'type'"),
        ({"style": None}, "'style'"),
        ({"docs": "lake.md"}, "'docs'"),
        ({"docs": [1]}, "'docs[0]'"),
        ({"answers": ["26座"]}, "'answers[0]'"),
        ({"answers": [["26座"], []]}, "'answers'"),
        ({"answers": [["26座", ""]]}, "'answers[0][1]'"),
        ({"evidence": ["新建", 3]}, "'evidence[1]'"),
        ({"forbid": [26]}, "'forbid[0]'"),
        ({"note": ""}, "'note'"),
        ({"part": "test"}, "'part'"),
        ({"history": "上一问"}, "'history'"),
        ({"history": [{"role": "system", "content": "话"}]}, "'history[0]'"),
        ({"history": [{"role": "user", "content": "话", "time": 1}]}, "'history[0]'"),
        ({"history": [{"role": "user", "content": ""}]}, "'history[0].content'"),
        ({"remark": "旁注"}, "'remark'"),
    ],
)
def test_a_wrong_field_is_named_with_file_and_line(tmp_path: Path, change: dict[str, object], field: str) -> None:
    path = write(tmp_path / "gold.jsonl", ROW, {**ROW, **change})
    with pytest.raises(InputError) as caught:
        load([path])
    assert f"{path}:2" in str(caught.value)
    assert field in str(caught.value)


@pytest.mark.parametrize("missing", sorted(ROW))
def test_a_missing_field_is_named(tmp_path: Path, missing: str) -> None:
    path = write(tmp_path / "gold.jsonl", {key: value for key, value in ROW.items() if key != missing})
    with pytest.raises(InputError, match=f":1 lacks the field '{missing}'"):
        load([path])


@pytest.mark.parametrize("content", ["{坏的", "[1, 2]", "\n\n", ""])
def test_what_is_no_gold_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"gold\.jsonl"):
        load([path])


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe")
    for name in ("absent.jsonl", "latin.jsonl"):
        with pytest.raises(InputError, match=f"{name} cannot be read"):
            load([tmp_path / name])


def test_a_good_question_has_no_fault() -> None:
    assert messages(QUESTION) == []


def test_evidence_that_does_not_occur_is_found() -> None:
    assert messages(replace(QUESTION, evidence=("拆除换电站26座",))) == [
        "the evidence '拆除换电站26座' does not occur in lake.md"
    ]


def test_evidence_may_differ_in_white_space_only() -> None:
    assert messages(replace(QUESTION, evidence=("新建换电站 26 座",))) == []
    assert messages(replace(QUESTION, evidence=("新建换电站26座、年底前",))) != []


def test_evidence_of_another_document_is_found() -> None:
    other = Document("hill.md", "hill.md", "山区教学点全部接通光纤。", "0" * 64)
    question = replace(QUESTION, docs=("hill.md",))
    assert len(check([question], {**DOCUMENTS, "hill.md": other})) == 1
    assert check([replace(question, docs=("hill.md", "lake.md"))], {**DOCUMENTS, "hill.md": other}) == []


def test_a_form_outside_the_evidence_is_an_error_unless_a_note_says_why() -> None:
    question = replace(QUESTION, answers=(("26座", "廿六座"),))
    (bare,) = check([question], DOCUMENTS)
    assert not bare.is_warning
    assert "廿六座" in bare.message
    (excused,) = check([replace(question, note="老式写法")], DOCUMENTS)
    assert excused.is_warning
    assert "老式写法" in excused.message


def test_a_figure_inside_a_longer_one_of_the_evidence_is_no_form() -> None:
    assert len(check([replace(QUESTION, answers=(("6座",),))], DOCUMENTS)) == 1


SECTIONED = "# 湖畔\n\n## 一、电站\n新建换电站26座，年底前投运。\n充电桩另建三百根。\n\n## 二、轮渡\n末班推迟到23点，三月起执行。\n"
SECTIONS = {"lake.md": Document("lake.md", "lake.md", SECTIONED, "0" * 64)}


def evidence_of(question_id: str, part: Part, *evidence: str) -> GoldQuestion:
    return replace(QUESTION, id=question_id, part=part, evidence=evidence, answers=(("2",),), note="只看位置")


def test_evidence_of_both_parts_in_one_section_is_found() -> None:
    questions = [
        evidence_of("t-1", Part.DEVELOPMENT, "新建换电站26座"),
        evidence_of("t-2", Part.RELEASE, "末班推迟到23点"),
        evidence_of("t-3", Part.RELEASE, "充电桩另建三百根"),
        evidence_of("t-4", Part.DEVELOPMENT, "年底前 投运"),
    ]
    faults = [fault for fault in check(questions, SECTIONS) if not fault.is_warning]
    assert [fault.question_id for fault in faults] == ["t-3"]
    assert "一、电站" in faults[0].message
    assert "t-1" in faults[0].message


def test_evidence_across_two_sections_belongs_to_both() -> None:
    questions = [
        evidence_of("t-1", Part.DEVELOPMENT, "充电桩另建三百根。## 二、轮渡末班推迟"),
        evidence_of("t-2", Part.RELEASE, "三月起执行"),
    ]
    assert "t-2" in {fault.question_id for fault in check(questions, SECTIONS) if not fault.is_warning}


def test_a_taken_id_is_found_with_the_place_of_the_first() -> None:
    first, second = replace(QUESTION, place="a.jsonl:3"), replace(QUESTION, place="b.jsonl:9")
    faults = check([first, second, replace(QUESTION, place="c.jsonl:1")], DOCUMENTS)
    assert [(fault.place, fault.question_id) for fault in faults] == [("b.jsonl:9", "t-1"), ("c.jsonl:1", "t-1")]
    assert all("a.jsonl:3" in fault.message for fault in faults)


def test_an_unknown_document_is_found() -> None:
    assert messages(replace(QUESTION, docs=("lake.md", "sea.md"))) == ["there is no document 'sea.md'"]


def test_a_question_that_holds_its_answer_is_found() -> None:
    assert messages(replace(QUESTION, question="湖畔新区要建的是２６座换电站吗？")) == [
        "the question holds its own answer '26座'"
    ]


@pytest.mark.parametrize("key", ["docs", "answers", "evidence"])
def test_an_answerable_question_without_a_part_is_found(key: str) -> None:
    assert f"it is answerable but '{key}' is empty" in messages(replace(QUESTION, **{key: ()}))


def test_an_unanswerable_question_with_an_answer_is_found() -> None:
    bare = replace(QUESTION, type=QuestionType.UNANSWERABLE, answers=(), evidence=())
    assert messages(bare) == []
    assert messages(replace(bare, docs=())) == []
    assert messages(replace(bare, evidence=QUESTION.evidence)) == ["it is unanswerable but 'evidence' is not empty"]
    assert messages(replace(bare, answers=QUESTION.answers))[0] == "it is unanswerable but 'answers' is not empty"
    assert messages(replace(bare, forbid=("23座",))) == ["it is unanswerable but 'forbid' is not empty"]


@pytest.fixture(scope="module")
def shipped_documents() -> dict[str, Document]:
    documents, unreadable = read_all(scan(ROOT / "corpus"))
    assert unreadable == []
    return {document.doc_id: document for document in documents}


def test_the_shipped_questions_fit_the_shipped_corpus(shipped_documents: dict[str, Document]) -> None:
    faults = check(load([SHIPPED]).questions, shipped_documents)
    assert [fault for fault in faults if not fault.is_warning] == []


def test_the_shipped_questions_are_of_every_kind_about_every_document(shipped_documents: dict[str, Document]) -> None:
    questions = load([SHIPPED]).questions
    assert {question.type for question in questions} == set(QuestionType)
    assert {question.style for question in questions} == set(Style)
    assert Counter(question.is_answerable for question in questions) == {True: 256, False: 64}
    for answerable in (True, False):
        asked = {doc for question in questions if question.is_answerable is answerable for doc in question.docs}
        assert asked == set(shipped_documents)


def test_every_top_section_of_the_shipped_corpus_is_asked_about(shipped_documents: dict[str, Document]) -> None:
    evidence = [span for question in load([SHIPPED]).questions for span in question.evidence]
    for document in shipped_documents.values():
        for section in document.text.split("\n## ")[1:]:
            assert any(stands(span, section) for span in evidence), f"{document.doc_id}: {section.splitlines()[0]}"
