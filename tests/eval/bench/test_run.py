import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from eval.bench.record import Benchmark, BenchPassage, BenchQuestion, Reply
from eval.bench.run import ask_all, index_passages, narrowed, sampled, summarise, write
from indexer.build import build
from indexer.store import Stored, load
from indexer.tokens import tokenize
from service.answer import Answer, Receipt
from service.pipeline import Pipeline
from service.question import Turn

RECEIPT = Receipt("sha256:index", {}, "sha256:prompt", "9.9")
PASSAGES = tuple(BenchPassage(f"d{i}", "", f"第{i}段") for i in range(6))
WHOLE = Benchmark(PASSAGES, tuple(BenchQuestion(f"q{i}", "问？") for i in range(50)))


def test_a_sample_changes_from_run_to_run_or_loses_the_collection() -> None:
    drawn = sampled(WHOLE, 10, 3)
    assert drawn == sampled(WHOLE, 10, 3) != sampled(WHOLE, 10, 4)
    assert drawn.passages == PASSAGES
    numbers = [int(question.query_id[1:]) for question in drawn.questions]
    assert len(numbers) == 10
    assert numbers == sorted(numbers)
    assert sampled(WHOLE, None, 3) == sampled(WHOLE, 50, 3) == WHOLE


def test_a_condition_is_drawn_without_the_others_or_keeps_documents_that_nobody_sees() -> None:
    pools = [frozenset({f"d{i}", f"d{i + 1}"}) for i in range(5)]
    questions = [
        BenchQuestion(f"q{i}", "问？", documents=pools[i], group=group) for i in range(5) for group in ("a", "b")
    ]
    drawn = sampled(Benchmark(PASSAGES, tuple(questions)), 2, 0)
    assert [question.group for question in drawn.questions] == ["a", "b"] * 2
    seen = frozenset().union(*(question.documents or frozenset() for question in drawn.questions))
    assert {passage.doc_id for passage in drawn.passages} == seen


def test_a_title_breaks_the_front_matter_or_a_text_starts_one(tmp_path: Path, texts: dict[str, str]) -> None:
    passages = [
        BenchPassage("a", '甲: "乙" #\n---\n丙', texts["flood.txt"]),
        BenchPassage("b", "", "---\ntitle: 假\n---\n" + texts["library.txt"]),
        BenchPassage("c", "空", ""),  # is not in the index, and breaks nothing
    ]
    index_passages(passages, tmp_path / "index", embedder="")
    documents = load(tmp_path / "index").documents
    assert [document.doc_id for document in documents] == ["0000/0000000.txt", "0000/0000001.txt"]
    assert documents[0].title == '甲: "乙" # --- 丙'
    assert "假" in documents[1].text


def test_an_embedder_of_another_benchmark_stays_or_the_same_one_is_built_twice(
    tmp_path: Path, texts: dict[str, str]
) -> None:
    def fingerprint(index: str, *names: str) -> str:
        passages = [BenchPassage(name, "", texts[name]) for name in names]
        index_passages(passages, tmp_path / index, embedder="")
        return load(tmp_path / index).manifest.fingerprint

    first = fingerprint("one", "flood.txt")
    version = (tmp_path / "one" / "current").read_text()
    assert fingerprint("one", "flood.txt") == first
    assert (tmp_path / "one" / "current").read_text() == version
    assert fingerprint("one", "library.txt") == fingerprint("fresh", "library.txt") != first


def test_a_narrowed_index_ranks_as_one_over_these_documents_does_not(
    tmp_path: Path, stored: Stored, corpus_folder: Path
) -> None:
    """The witness is an index that never held the others; words are counted alike where no names are learnt."""
    kept = {"flood.txt", "library.txt"}
    for path in corpus_folder.rglob("*"):
        if path.is_file() and path.relative_to(corpus_folder).as_posix() not in kept:
            path.unlink()
    build(corpus_folder, tmp_path / "index")
    alone = load(tmp_path / "index")
    few = narrowed(stored, kept)
    assert few.passages == alone.passages
    assert few.documents == alone.documents
    for words in ("借书卡多少册", "青石河水位计", "每天开门"):
        tokens = tokenize(words)
        assert dict(few.lexical.search(tokens, 9)) == pytest.approx(dict(alone.lexical.search(tokens, 9)))
        assert max((row for row, _ in few.dense.search(stored.dense.vectors()[0], 99)), default=0) < len(few.passages)
    rows = [row for row, passage in enumerate(stored.passages) if passage.doc_id in kept]
    assert np.array_equal(few.dense.vectors(), stored.dense.vectors()[rows])


class Crashing(Pipeline):
    """Breaks on questions about parks."""

    def ask(self, text: str, history: Sequence[Turn] = ()) -> Answer:
        if "公园" in text:
            raise ZeroDivisionError("inside")
        return super().ask(text, history)


def test_a_crash_ends_the_run_or_is_left_out(stored: Stored, caplog: pytest.LogCaptureFixture) -> None:
    questions = tuple(
        BenchQuestion(text[:2], text) for text in (" ", "问" * 9999, "几座公园？", "借书卡一次可以借几册？")
    )
    told: list[Reply] = []
    replies = ask_all(Benchmark((), questions), stored, Crashing.over(stored), answers=True, on_reply=told.append)
    assert replies == told
    assert [(reply.error or "").split(":")[0] for reply in replies] == ["QuestionError"] * 2 + ["ZeroDivisionError", ""]
    # What a user can do something about is said in one line; what nobody foresaw leaves its traceback.
    assert [record.exc_info is not None for record in caplog.records if record.name == "eval.bench.run"] == [True]
    result = summarise(Benchmark((), questions), replies, lambda reply, k: {"ok": float(not reply.error)}, 1, RECEIPT)
    assert [failure.id for failure in result.failures] == [" ", "问问", "几座"]
    assert result.figures[0].mean == 0.25


def test_an_interval_is_not_that_of_the_bootstrap() -> None:
    replies = [Reply(BenchQuestion(str(i), "问？")) for i in range(60)]
    values = np.array([i % 3 == 0 for i in range(60)], dtype=np.float64)
    (figure,) = summarise(
        WHOLE, replies, lambda reply, k: {"m": values[int(reply.question.query_id)]}, 1, RECEIPT
    ).figures
    witness = scipy.stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(0))
    assert figure.questions == 60
    assert figure.mean == pytest.approx(1 / 3, abs=1e-4)
    assert figure.interval.low == pytest.approx(witness.confidence_interval.low, abs=0.03)
    assert figure.interval.high == pytest.approx(witness.confidence_interval.high, abs=0.03)


def test_a_measure_counts_questions_that_it_does_not_apply_to() -> None:
    replies = [Reply(BenchQuestion(str(i), "问？", is_answerable=i < 3)) for i in range(9)]

    def score(reply: Reply, k: int) -> dict[str, float]:
        return {"all": 0.0} | ({"some": 1.0} if reply.question.is_answerable else {})

    figures = {figure.measure: figure for figure in summarise(WHOLE, replies, score, 1, RECEIPT).figures}
    assert (figures["all"].questions, figures["some"].questions, figures["some"].mean) == (9, 3, 1)


def test_what_is_written_is_not_what_was_said(tmp_path: Path, world) -> None:
    question = BenchQuestion("q", "几座？", group="noise 0")
    replies = [Reply(question, (), world.quoting("几座？")), replace(Reply(question), error="boom")]
    write(tmp_path, replies, lambda reply, k: {"k": float(k)}, 7, {"format": "rgb"})
    rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["error"] for row in rows] == [None, "boom"]
    assert rows[0]["answer"]["answer"].startswith(world.texts["lake.md"])
    assert rows[1]["answer"] is None
    assert rows[0]["scores"] == {"k": 7}
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8")) == {"format": "rgb"}
