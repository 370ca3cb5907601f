from pathlib import Path

import pytest

from eval.bench import domainrag
from eval.bench.record import BenchQuestion, Reply
from eval.bench.run import ask_all, index_passages
from indexer.errors import InputError
from indexer.store import load
from service.pipeline import Pipeline
from service.question import Turn

LAKE = {"title": "湖", "contents": "湖畔 新区 新建 换电站 26 座 。"}
RIVER = {"title": "江", "text": "跨江轮渡 末班 23点。"}
ROW = {"question": "几座？", "answers": [["26座"], ["二十六座"]], "positive_reference": [LAKE]}


@pytest.mark.parametrize(
    ("answers", "facts", "whole"),
    [
        ([["26座"], ["二十六座"]], (("26座", "二十六座"),), ("26座", "二十六座")),
        ([["汉语", "英语"]], (("汉语",), ("英语",)), ("汉语英语",)),
        ([["甲", "乙"], ["丙"]], (("甲", "丙"), ("乙", "丙")), ("甲乙", "丙")),  # both of the first, or the second
        (["甲", "乙"], (("甲", "乙"),), ("甲", "乙")),
        ("甲", (("甲",),), ("甲",)),
    ],
)
def test_a_way_to_write_answers_asks_for_something_else(write_rows, answers, facts, whole) -> None:
    (question,) = domainrag.read(write_rows("a.jsonl", ROW | {"answers": answers})).questions
    assert (question.facts, question.answers) == (facts, whole)


def test_a_field_is_not_understood(write_rows) -> None:
    history = [{"question": "哪个区？", "answers": ["湖畔新区"]}]
    row = ROW | {"date": "2023", "noisy_reference": [RIVER], "history_qa": history}
    single = {"id": "x", "question": "末班？", "answer": "23点", "positive_references": RIVER}
    benchmark = domainrag.read(write_rows("a.jsonl", row, single))
    assert [passage.text for passage in benchmark.passages] == ["湖畔新区新建换电站26座。", "跨江轮渡 末班 23点。"]
    first, second = benchmark.questions
    assert (first.query_id, first.text, first.relevant) == ("0", "2023年几座？", {"passage-0": 1})
    assert first.history == (Turn("user", "哪个区？"), Turn("assistant", "湖畔新区"))
    assert (second.query_id, second.relevant, second.history) == ("x", {"passage-1": 1}, ())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"question": None}, "field 'question'"),
        ({"answers": []}, "field 'answers'"),
        ({"answers": [[]]}, "field 'answers'"),
        ({"positive_reference": ["湖"]}, "field 'positive_reference'"),
        ({"positive_reference": [{"title": "湖"}]}, "'positive_reference' field 'text'"),
    ],
)
def test_a_bad_record_is_not_named(write_rows, change: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=rf"a\.jsonl:2 {complaint}"):
        domainrag.read(write_rows("a.jsonl", ROW, ROW | change))


def test_the_measures_differ_from_the_sums_done_by_hand(world, answering, refusing) -> None:
    question = BenchQuestion(
        "0", "几座？", {"lake.md": 1}, (("26座",), ("湖畔",)), ("26座", "新建26座"), (world.texts["lake.md"],)
    )
    scores = domainrag.score(answering(question, "湖畔新建26座。", "river.md", "lake.md"), 1)
    # 新建26座 and 湖畔新建26座 have 5 characters in common.
    assert scores == pytest.approx(
        {"accuracy": 1, "f1": 2 * 5 / 12, "recall@1": 0, "reference_precision": 1, "refused": 0}
    )
    assert domainrag.score(answering(question, "26座", doc="river.md"), 1)["reference_precision"] == 0
    assert domainrag.score(answering(question, "26座"), 1)["accuracy"] == 0
    worst = {"accuracy": 0, "f1": 0, "recall@1": 0, "reference_precision": 0, "refused": 1}
    assert domainrag.score(Reply(question, error="boom"), 1) == domainrag.score(refusing(question), 1) == worst


def test_what_was_said_before_is_forgotten(tmp_path: Path, write_rows, texts: dict[str, str]) -> None:
    park, library = ({"title": name, "text": texts[name]} for name in ("city/park.md", "library.txt"))
    history = [{"question": "东湾公园什么时候开工？", "answers": ["2023年"], "positive_reference": park}]
    row = {"question": "它的总投资是多少？", "answers": ["2.8亿元"], "history_qa": history}
    path = write_rows("a.jsonl", row | {"positive_reference": park, "noisy_reference": [library]})
    benchmark = domainrag.read(path)
    index_passages(benchmark.passages, tmp_path / "index", embedder="")
    stored = load(tmp_path / "index")
    (reply,) = ask_all(benchmark, stored, Pipeline.over(stored), answers=True)
    scores = domainrag.score(reply, 1)
    assert (scores["accuracy"], scores["recall@1"]) == (1, 1)
