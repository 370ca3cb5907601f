from pathlib import Path
from typing import Any

import pytest

from eval.bench import rageval
from eval.bench.record import BenchQuestion, Reply
from eval.bench.run import ask_all, index_passages
from indexer.errors import InputError
from indexer.store import load
from service.pipeline import Pipeline

CORPUS = [
    {"doc_id": 5, "language": "zh", "company_name": "湖", "content": "换电站26座"},
    {"doc_id": 6, "language": "en", "company_name": "Lake", "content": "26 stations"},
]


def query(**changes: Any) -> dict[str, Any]:
    truth = {"doc_ids": [5], "references": ["换电站26座"], "keypoints": ["1. 有26座。"]}
    asked = {"query_id": 3, "query_type": "事实性问题", "content": "几座？"}
    changed = {key: changes.pop(key) for key in list(changes) if key in truth}
    return {"language": "zh", "query": asked | changes, "ground_truth": truth | changed}


def read(write_rows, *rows: dict[str, Any]):
    return rageval.read(write_rows("q.jsonl", *rows), write_rows("docs.jsonl", *CORPUS))


def test_a_field_is_not_understood(write_rows) -> None:
    english = query(doc_ids=[6]) | {"language": "en"}
    listed = query(query_id=4, references=[["换电站26座", 0.9]])
    benchmark = read(write_rows, query(), english, listed)
    assert [(p.doc_id, p.title) for p in benchmark.passages] == [("5", "湖")]
    first, second = benchmark.questions
    assert first == BenchQuestion("3", "几座？", {"5": 1}, (("1. 有26座。",),), evidence=("换电站26座",))
    assert (second.query_id, second.evidence) == ("4", ("换电站26座",))


def test_a_question_without_an_answer_is_scored_as_if_it_had_one(write_rows, answering, refusing) -> None:
    row = query(query_type="无关无解问", keypoints=["无法回答"], references=[])
    (question,) = read(write_rows, row).questions
    assert not question.is_answerable
    assert question.relevant == {}
    assert rageval.score(refusing(question), 10) == {"rejection": 1}
    assert rageval.score(answering(question, "26座"), 10) == {"rejection": 0}


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (query(content=None), "field 'content'"),
        (query(doc_ids=[9]), "field 'doc_ids' must be documents of the corpus"),
        (query(doc_ids=[6]), "field 'doc_ids' must be documents of the corpus"),  # of the other language
        (query(keypoints="有26座"), "field 'keypoints'"),
        (query(references=[3]), r"field 'references\[0\]'"),
        ({"query": {}}, "field 'ground_truth' must be an object"),
    ],
)
def test_a_bad_line_is_not_named(write_rows, row: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=rf"q\.jsonl:2 .*{complaint}"):
        read(write_rows, query(), row)


def test_a_file_of_another_language_gives_nothing_to_ask(write_rows) -> None:
    with pytest.raises(InputError, match=r"q\.jsonl field 'language' must be 'zh'"):
        read(write_rows, query() | {"language": "en"})


def test_the_measures_differ_from_the_sums_done_by_hand(world, answering, refusing) -> None:
    lake, river = world.texts["lake.md"], world.texts["river.md"]
    facts = (("1. 新建换电站26座",), ("2. 末班推迟到23点",))
    question = BenchQuestion("3", "几座？", {"lake.md": 1, "river.md": 1}, facts, evidence=(lake, river))
    scores = rageval.score(answering(question, "今年新建换电站26座。", "lake.md", "other", "river.md"), 2)
    assert scores == {
        "completeness": 0.5,
        "recall@2": 0.5,
        "reference_recall@2": 0.5,
        "reference_precision": 1,
        "refused": 0,
    }
    worst = dict.fromkeys(scores, 0.0) | {"refused": 1}
    assert rageval.score(Reply(question, error="boom"), 2) == rageval.score(refusing(question), 2) == worst


def test_a_set_cannot_be_asked(tmp_path: Path, write_rows, texts: dict[str, str]) -> None:
    rows = [{"doc_id": name, "content": text} for name, text in texts.items()]
    point = "东湾公园总投资2.8亿元"
    asked = query(
        content="东湾公园总投资是多少？",
        doc_ids=["city/park.md"],
        references=["2023年先行开工东湾公园，总投资2.8亿元，由云江城建集团负责施工。"],
        keypoints=[point],
    )
    benchmark = rageval.read(write_rows("q.jsonl", asked), write_rows("docs.jsonl", *rows))
    index_passages(benchmark.passages, tmp_path / "index", embedder="")
    stored = load(tmp_path / "index")
    (reply,) = ask_all(benchmark, stored, Pipeline.over(stored), answers=True)
    scores = rageval.score(reply, 5)
    assert (scores["completeness"], scores["recall@5"], scores["reference_recall@5"]) == (1, 1, 1)
    assert scores["reference_precision"] > 0
