import json
from pathlib import Path
from typing import Any

import pytest

from eval.gold import load
from eval.grow import candidates, read_feedback, write_candidates
from indexer.errors import InputError
from service.question import Turn

ANSWER = {
    "id": "ans-1",
    "answer": "新建26座[1][2]。",
    "citations": [
        {"marker": 1, "doc_id": "lake.md", "quote": "新建换电站26座"},
        {"marker": 2, "doc_id": "lake.md", "quote": "年底前投运"},
    ],
}
LINE: dict[str, Any] = {
    "question": "要建几座换电站？",
    "answer": ANSWER,
    "rating": "up",
    "comment": None,
    "history": [],
}


def feedback(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "feedback.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_candidate_cannot_be_read_as_gold_or_lacks_what_was_cited(tmp_path: Path):
    history = [{"role": "user", "content": "湖畔新区呢？"}, {"role": "assistant", "content": "在湖边。"}]
    rows = [LINE, {**LINE, "question": "哪天投运？", "rating": "down", "comment": "答非所问", "history": history}]
    out = tmp_path / "candidates.jsonl"
    write_candidates(out, candidates(read_feedback(feedback(tmp_path, *rows)), []))
    first, second = load([out]).questions
    assert (first.question, first.docs, first.answers) == ("要建几座换电站？", ("lake.md",), ())
    assert first.evidence == ("新建换电站26座", "年底前投运")
    assert first.note == "candidate: rated up"
    assert second.note == "candidate: rated down, 答非所问"
    assert second.history == (Turn("user", "湖畔新区呢？"), Turn("assistant", "在湖边。"))
    assert first.id != second.id


def test_a_question_that_is_asked_already_comes_back(tmp_path: Path, world):
    known = [world.answerable(1, question="要建几座 换电站")]
    rows = [LINE, {**LINE, "question": "谁出钱？"}, {**LINE, "question": "谁出钱", "rating": "down"}]
    assert [item.question for item in candidates(read_feedback(feedback(tmp_path, *rows)), known)] == ["谁出钱？"]


def test_the_same_words_after_another_conversation_are_dropped(tmp_path: Path):
    rows = [
        {**LINE, "question": "那深圳呢？", "history": [{"role": "user", "content": content}]}
        for content in ("上海投了多少？", "上海谁牵头？")
    ]
    assert len(candidates(read_feedback(feedback(tmp_path, *rows)), [])) == 2


def test_feedback_on_no_answer_is_lost(tmp_path: Path):
    row = {"question": "要建几座换电站？", "answer": None, "rating": "down"}
    (found,) = candidates(read_feedback(feedback(tmp_path, row)), [])
    assert (found.docs, found.evidence) == ((), ())


def test_a_file_is_overwritten(tmp_path: Path):
    out = tmp_path / "candidates.jsonl"
    out.write_text("手写的", encoding="utf-8")
    with pytest.raises(InputError, match="never overwritten"):
        write_candidates(out, [])
    assert out.read_text(encoding="utf-8") == "手写的"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"question": ""}, "'question'"),
        ({"rating": "好"}, "'rating'"),
        ({"answer": "文字"}, "'answer'"),
        ({"answer": {}}, "'answer'"),
        ({"answer": {"citations": [{"doc_id": "a.md"}]}}, "'quote'"),
        ({"comment": 3}, "'comment'"),
        ({"history": [{"role": "user"}]}, r"'history\[0\]'"),
    ],
)
def test_a_wrong_field_is_not_named(tmp_path: Path, change: dict[str, object], field: str):
    with pytest.raises(InputError, match=f":2 field {field}"):
        read_feedback(feedback(tmp_path, LINE, {**LINE, **change}))


def test_what_is_no_feedback_is_taken(tmp_path: Path):
    path = tmp_path / "feedback.jsonl"
    for content in ("{坏的", "[1]"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"feedback\.jsonl:1"):
            read_feedback(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_feedback(tmp_path / "absent.jsonl")
