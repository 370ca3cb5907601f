"""The questions the models learn from: every one stands on its document, and no document is on both sides."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from indexer.corpus import read_all, scan
from indexer.document import Document
from training.policy import (
    CHOOSING,
    DOCUMENTS,
    READING,
    PolicyPool,
    PolicyQuestion,
    answer_span,
    policy_examples,
    policy_questions,
)

KINDS = {"fact", "number", "date", "entity", "list", "definition", "reason", "comparison", "summary", "unanswerable"}
STYLES = {"plain", "keyword", "paraphrase", "colloquial", "noisy"}
FILES = [READING, CHOOSING]


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    read, unreadable = read_all(scan(DOCUMENTS))
    assert unreadable == []
    return {document.doc_id: document for document in read}


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def questions(request: pytest.FixtureRequest) -> list[PolicyQuestion]:
    return list(policy_questions(request.param))


# --- the questions ---------------------------------------------------------------------------------------------------


def test_question_is_empty_or_asked_twice(questions: list[PolicyQuestion]) -> None:
    assert len(questions) > 100
    assert all(question.question.strip() for question in questions)
    ids = Counter(question.question_id for question in questions)
    asked = Counter((question.question, question.docs) for question in questions)
    assert [key for key, count in [*ids.items(), *asked.items()] if count > 1] == []


def test_id_stands_for_two_questions_of_both_files() -> None:
    ids = [{question.question_id for question in policy_questions(path)} for path in FILES]
    assert ids[0] & ids[1] == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_kind_or_style_is_misspelt(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {row["type"] for row in rows} <= KINDS
    assert {row["style"] for row in rows} <= STYLES


def test_question_asks_about_a_document_that_is_not_there(
    questions: list[PolicyQuestion], documents: dict[str, Document]
) -> None:
    assert [q.question_id for q in questions if not q.docs or not set(q.docs) <= documents.keys()] == []


def test_evidence_does_not_stand_in_the_canonical_text(
    questions: list[PolicyQuestion], documents: dict[str, Document]
) -> None:
    missing = [
        (question.question_id, span)
        for question in questions
        for span in question.evidence
        if not any(span in documents[name].text for name in question.docs)
    ]
    assert missing == []


def test_unanswerable_question_has_an_answer_or_another_has_none(questions: list[PolicyQuestion]) -> None:
    wrong = [
        question.question_id
        for question in questions
        if not (question.is_answerable == bool(question.answers) == (question.kind != "unanswerable"))
    ]
    assert wrong == []
    assert {question.is_answerable for question in questions} == {True, False}


def test_fact_has_no_form_that_stands_in_its_evidence(questions: list[PolicyQuestion]) -> None:
    missing = [
        (question.question_id, forms)
        for question in questions
        for forms in question.answers
        if not any(form in span for form in forms for span in question.evidence)
    ]
    assert missing == []


def test_answer_span_of_a_question_is_not_in_its_evidence(
    questions: list[PolicyQuestion], documents: dict[str, Document]
) -> None:
    for question in questions:
        found = answer_span(documents[question.docs[0]].text, question)
        assert (found is not None) is question.is_answerable, question.question_id
        if found is not None:
            said = documents[question.docs[0]].text[slice(*found)]
            assert any(said in span for span in question.evidence), question.question_id


def test_document_is_asked_about_in_both_files_or_in_none(documents: dict[str, Document]) -> None:
    reading, choosing = ({name for q in policy_questions(path) for name in q.docs} for path in FILES)
    assert reading & choosing == set()
    assert reading | choosing == documents.keys()


# --- answer spans ----------------------------------------------------------------------------------------------------

TEXT = "概况。公园于2025年6月开放，门票20元。绿地46公顷，比2025年6月前多20元。"


def asked(kind: str, answers: tuple[tuple[str, ...], ...], *evidence: str) -> PolicyQuestion:
    return PolicyQuestion("q", "?", kind, ("d",), answers, evidence)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (asked("date", (("2025年6月",),), "公园于2025年6月开放，门票20元。"), "2025年6月"),
        (asked("number", (("门票20元", "20元"),), "公园于2025年6月开放，门票20元。"), "20元"),
        (asked("reason", (("20元",),), "公园于2025年6月开放，门票20元。"), "公园于2025年6月开放，门票20元。"),
        (asked("list", (("20元",),), "公园于2025年6月开放，门票20元。"), "公园于2025年6月开放，门票20元。"),
        (asked("number", (("二十元",),), "门票20元"), "门票20元"),
        (asked("number", (("20元",),), "门票30元"), None),
        (asked("unanswerable", ()), None),
    ],
)
def test_span_is_not_the_shortest_form_or_the_whole(question: PolicyQuestion, expected: str | None) -> None:
    found = answer_span(TEXT, question)
    assert (None if found is None else TEXT[slice(*found)]) == expected


def test_short_answer_is_found_outside_the_evidence() -> None:
    question = asked("number", (("20元",),), "绿地46公顷，比2025年6月前多20元。")
    found = answer_span(TEXT, question)
    assert found == (TEXT.rindex("20元"), TEXT.rindex("20元") + 3)


# --- examples for the reader -----------------------------------------------------------------------------------------


def test_example_of_a_near_miss_holds_the_answer(documents: dict[str, Document]) -> None:
    questions = [
        question for question in policy_questions(CHOOSING) if question.docs == ("c-lanning-compute-report.md",)
    ]
    pool = PolicyPool([documents["c-lanning-compute-report.md"]])
    for question in questions[:6]:
        made = list(pool.examples(question, random.Random(0)))
        for example in made:
            assert example.question == question.question
            if example.start < 0:
                assert answer_span(example.passage, question) is None
            else:
                said = example.passage[example.start : example.end]
                assert any(said in span for span in question.evidence)
        assert any(example.start >= 0 for example in made) is question.is_answerable
        assert 1 <= sum(example.start < 0 for example in made) <= 3


def test_same_seed_gives_other_examples() -> None:
    first = policy_examples(CHOOSING, seed=1)
    assert first == policy_examples(CHOOSING, seed=1)
    assert first != policy_examples(CHOOSING, seed=2)
