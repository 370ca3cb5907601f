import json
from pathlib import Path

import pytest

from eval.bench import squad
from eval.bench.record import BenchQuestion, Reply
from eval.bench.run import ask_all, index_passages, sampled, summarise
from indexer.errors import InputError
from indexer.store import load
from service.pipeline import Pipeline

SHARED = Path(__file__).parents[4] / "shared" / "data" / "reading" / "cmrc2018_trial.jsonl.xz"
LAKE = "湖畔新区今年新建换电站26座，年底前全部投入运营。"
FLAT = [
    {"id": "1", "title": "湖", "context": LAKE, "question": "几座？", "answers": ["26座"], "is_impossible": False},
    {"id": "2", "title": "湖", "context": LAKE, "question": "谁建？", "answers": [], "is_impossible": True},
]
PARAGRAPH = {
    "context": LAKE,
    "qas": [
        {"id": "1", "question": "几座？", "answers": [{"text": "26座", "answer_start": 9}]},
        {"id": "2", "question": "谁建？", "is_impossible": True},
    ],
}
CMRC = {
    "title": "湖",
    "context_id": "T",
    "context_text": LAKE,
    "qas": [
        {"query_id": "1", "query_text": "几座？", "answers": ["26座"]},
        {"query_id": "2", "query_text": "谁建？", "answers": []},
    ],
}


def test_the_three_forms_are_read_differently(write_rows) -> None:
    flat = squad.read(write_rows("flat.jsonl", *FLAT))
    official = squad.read(write_rows("dev.json", {"data": [{"title": "湖", "paragraphs": [PARAGRAPH]}]}))
    cmrc = squad.read(write_rows("cmrc.json", [CMRC]))
    assert flat == official == cmrc
    assert [passage.text for passage in flat.passages] == [LAKE]
    assert [question.group for question in flat.questions] == ["hasans", "noans"]
    assert [question.answers for question in flat.questions] == [("26座",), ()]
    assert all(question.relevant == {"context-0": 1} for question in flat.questions)


def test_contexts_that_differ_in_the_title_are_taken_for_one(write_rows) -> None:
    read = squad.read(write_rows("a.jsonl", FLAT[0], FLAT[0] | {"title": "海"}))
    assert len(read.passages) == 2
    assert [question.group for question in read.questions] == ["", ""]  # nothing to split


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"context": 3}, "field 'context' must be a string"),
        ({"question": None}, "field 'question' must be a string"),
        ({"answers": "26座"}, "field 'answers' must be a list"),
        ({"answers": [{"form": "26座"}]}, r"field 'answers\[0\]' must be a string"),
        ({"is_impossible": "no"}, "field 'is_impossible' must be true or false"),
    ],
)
def test_a_record_that_lacks_something_is_asked(write_rows, change: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=rf"a\.jsonl:2 {complaint}"):
        squad.read(write_rows("a.jsonl", FLAT[0], FLAT[0] | change))


def test_the_measures_differ_from_the_sums_done_by_hand(answering, refusing) -> None:
    question = BenchQuestion("1", "几座？", {"d": 1}, answers=("换电站26座",), group="hasans")
    # Said: 12 segments, the figure being one; the answer's 5 stand in it in a row.
    reply = answering(question, "湖畔新区新建换电站26座。", "x", "d")
    expected = 2 * 5 / (5 + 11)
    assert squad.score(reply, 1) == pytest.approx(
        {"em": 0, "f1": expected, "hasans_em": 0, "hasans_f1": expected, "contains": 1, "refused": 0, "recall@1": 0}
    )
    assert squad.score(answering(question, "换电站26座。", "d"), 1)["em"] == 1
    refused = squad.score(refusing(question, "d"), 3)
    assert (refused["f1"], refused["contains"], refused["refused"], refused["recall@3"]) == (0, 0, 1, 1)


def test_an_answer_to_what_has_none_is_right(answering, refusing) -> None:
    question = BenchQuestion("2", "谁建？", is_answerable=False, group="noans")
    assert squad.score(refusing(question), 10) == {"em": 1, "f1": 1, "noans_em": 1}
    assert squad.score(answering(question, "公司。"), 10) == {"em": 0, "f1": 0, "noans_em": 0}
    assert squad.score(Reply(question, error="boom"), 10) == {"em": 0, "f1": 0, "noans_em": 0}


def test_a_crash_is_left_out_or_scores_more_than_nothing() -> None:
    question = BenchQuestion("1", "几座？", {"d": 1}, answers=("26座",))
    worst = {"em": 0, "f1": 0, "contains": 0, "refused": 1, "recall@10": 0}
    assert squad.score(Reply(question, error="boom"), 10) == worst


def test_a_reading_set_cannot_be_asked(tmp_path: Path, write_rows, texts: dict[str, str]) -> None:
    rows = [
        {"id": "1", "context": texts["city/park.md"], "question": "东湾公园的总投资是多少？", "answers": ["2.8亿元"]},
        {"id": "2", "context": texts["library.txt"], "question": "", "answers": ["无"]},  # nothing to ask
        {"id": "3", "context": texts["library.txt"], "question": "借书卡一次可以借几册？", "answers": ["十二册"]},
    ]
    benchmark = squad.read(write_rows("a.jsonl", *rows))
    index_passages(benchmark.passages, tmp_path / "index", embedder="")
    stored = load(tmp_path / "index")
    pipeline = Pipeline.over(stored)
    replies = ask_all(benchmark, stored, pipeline, answers=True)
    result = summarise(benchmark, replies, squad.score, 1, pipeline.receipt)
    means = {figure.measure: figure.mean for figure in result.figures}
    assert (result.questions, result.passages) == (3, 2)
    assert [failure.id for failure in result.failures] == ["2"]
    assert means["recall@1"] == means["contains"] == pytest.approx(2 / 3, abs=1e-4)  # the failure counts
    assert {figure.questions for figure in result.figures} == {3}


@pytest.mark.skipif(not SHARED.exists(), reason="the reading sets are not on this machine")
def test_a_real_reading_set_is_answered_by_chance(tmp_path: Path, write_rows) -> None:
    rows = squad.read_rows(SHARED)[:60]
    benchmark = sampled(squad.read(write_rows("a.jsonl", *(dict(row.values) for row in rows))), 20, 0)
    index_passages(benchmark.passages, tmp_path / "index", embedder="")
    stored = load(tmp_path / "index")
    replies = ask_all(benchmark, stored, Pipeline.over(stored), answers=True)
    scores = [squad.score(reply, 5) for reply in replies]
    assert len(scores) == 20
    assert sum(score["recall@5"] for score in scores) >= 15
    assert sum(score["contains"] for score in scores) >= 8
    assert json.loads(json.dumps(scores)) == scores
