"""What one answer scores, also against the reference scorer where that lies beside the checkout."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from eval.gold import QuestionType, Style
from eval.record import to_line
from eval.score import LOWER_IS_BETTER, MEASURES, direct_answer, failed_scores
from eval.summary import summarise
from indexer.document import Document
from service.answer import Citation, Sentence, Verdict

REFERENCE = Path(__file__).parents[3] / "shared" / "tools" / "score_answers.py"


def scores(world, question, answer):
    (record,) = world.records(lambda text: answer, [question])
    assert record.error is None
    return record.scores


def test_an_answer_with_some_of_the_facts_is_right(world):
    found = scores(world, world.answerable(1, answers=(("26座",), ("23点",))), world.quoting("问"))
    assert (found["fact_recall"], found["all_facts"], found["right"]) == (0.5, 0, 0)


def test_the_number_of_a_marker_is_a_fact(world):
    assert scores(world, world.answerable(1, form="1"), world.quoting("问", said="没有数字"))["fact_recall"] == 0


def test_a_quote_that_its_document_does_not_hold_stands(world):
    answer = world.quoting("问")
    forged = Citation.of(2, Document("lake.md", "lake.md", "湖畔新区今年拆除换电站。", ""), 0, 12, ())
    stray = Citation.of(3, Document("sea.md", "sea.md", world.texts["lake.md"], ""), 0, 12, ())
    answer = replace(answer, citations=(*answer.citations, forged, stray))
    assert scores(world, world.answerable(1), answer)["quotes_stand"] == pytest.approx(1 / 3)


def test_a_sentence_without_support_counts_as_supported(world):
    sentences = (Sentence("一", (1,)), Sentence("二", (1,), Verdict.UNSUPPORTED))
    answer = replace(world.quoting("问"), sentences=sentences)
    assert scores(world, world.answerable(1), answer)["sentences_supported"] == 0.5


def test_the_direct_answer_is_more_than_the_first_sentence_or_said_in_a_refusal(world):
    answer = replace(world.quoting("问"), sentences=(Sentence("26座[1]。", (1,)), Sentence("年底前投运。", (1,))))
    assert direct_answer(answer) == "26座。"
    assert direct_answer(world.refusal("问")) == ""
    assert scores(world, world.answerable(1), answer)["exact_match"] == 1


def test_a_failure_leaves_a_mean_alone_or_improves_it(world):
    """A failure has every score that any answer to the same question has, and none is better."""
    for question in (world.answerable(1, forbid=("19座",)), world.unanswerable(1)):
        failed = failed_scores(question)
        for answer in (world.quoting("问"), world.refusal("问")):
            given = scores(world, question, answer)
            assert given.keys() <= failed.keys() <= set(MEASURES)
            for name, value in given.items():
                assert failed[name] >= value if name in LOWER_IS_BETTER else failed[name] <= value, name


def test_every_measure_is_scored_by_something(world):
    named = failed_scores(world.answerable(1, forbid=("19座",))).keys() | failed_scores(world.unanswerable(1)).keys()
    assert named == set(MEASURES)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference scorer is not part of the project")
def test_the_measures_differ_from_the_reference(world, tmp_path: Path):
    texts = world.texts
    questions = [
        world.answerable(1),
        world.answerable(2, "river.md", "23点", style=Style.NOISY),
        world.answerable(3, answers=(("26座",), ("年底前", "岁末")), type=QuestionType.LIST),
        world.answerable(4, "lake-2021.md", "19座"),
        world.answerable(5),
        world.unanswerable(1),
        world.unanswerable(2),
    ]
    # A passage long enough to hold the evidence and much else.
    broad = world.quoting("问")
    around = Citation.of(
        2, Document("all.md", "all.md", "".join(texts.values()), ""), 0, sum(map(len, texts.values())), ()
    )
    said = {
        "第1问": world.quoting("第1问"),
        "第2问": world.quoting("第2问", "lake.md"),
        "第3问": world.quoting("第3问", said="共26座。"),
        "第4问": replace(broad, question="第4问", citations=(*broad.citations, around)),
        "第5问": world.refusal("第5问"),
        "无1问": world.refusal("无1问"),
        "无2问": world.quoting("无2问"),
    }
    records = world.records(said.__getitem__, questions)
    (tmp_path / "gold.jsonl").write_text(
        "".join(json.dumps(question.to_json()) + "\n" for question in questions), encoding="utf-8"
    )
    (tmp_path / "answers.jsonl").write_text("".join(map(to_line, records)), encoding="utf-8")
    (tmp_path / "all.txt").write_text("\n".join(texts.values()), encoding="utf-8")
    command = [sys.executable, REFERENCE, tmp_path / "answers.jsonl", tmp_path / "gold.jsonl", "--json"]
    printed = subprocess.run(
        [*command, "--sources", tmp_path], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    theirs, ours = json.loads(printed), summarise(records, world.header).overall.means
    names = ("all_facts", "fact_recall", "citation_precision", "answerable_refused", "unanswerable_refused")
    assert {name: theirs[name] for name in names} == {name: ours[name] for name in names}
    assert 0 < ours["citation_precision"] < 1
