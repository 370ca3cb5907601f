import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eval.gold import GoldQuestion, GoldSet, QuestionType, Style
from eval.run import ANSWERABLE_MEASURES, UNANSWERABLE_MEASURES, Record, evaluate, run, score, summarise
from indexer.document import Document
from indexer.errors import InputError, QuestionError
from service.answer import Answer, Citation, Receipt, Sentence, ShownPassage, Status

DOCUMENTS = {
    name: Document(name, name, text, "0" * 64)
    for name, text in {
        "lake.md": "湖畔新区今年新建换电站26座，年底前全部投入运营。",
        "river.md": "跨江轮渡自三月起延长夜间班次，末班推迟到23点。",
    }.items()
}
RECEIPT = Receipt("sha256:index", {"embedder": "none"}, "sha256:prompt", "9.9")


def answerable(number: int, doc: str = "lake.md", form: str = "26座", **changes: Any) -> GoldQuestion:
    evidence = DOCUMENTS[doc].text
    kwargs: dict[str, Any] = {
        "id": f"a-{number}",
        "question": f"第{number}问",
        "type": QuestionType.NUMBER,
        "style": Style.PLAIN,
        "docs": (doc,),
        "answers": ((form,),),
        "evidence": (evidence,),
    }
    return GoldQuestion(**{**kwargs, **changes})


def unanswerable(number: int) -> GoldQuestion:
    return GoldQuestion(f"u-{number}", f"无{number}问", QuestionType.UNANSWERABLE, Style.NOISY, ("river.md",), (), ())


GOLD = GoldSet(tuple([answerable(i) for i in range(15)] + [unanswerable(i) for i in range(5)]), "f" * 64)


def passages(*names: str) -> tuple[ShownPassage, ...]:
    return tuple(ShownPassage(f"{n}#0", n, 0, len(DOCUMENTS[n].text), 1.0, DOCUMENTS[n].text) for n in names)


def refusal(question: str, shown: Sequence[ShownPassage] = ()) -> Answer:
    return Answer(question, Status.REFUSED, "没有找到26座。", "没有找到", (), (), tuple(shown), {}, RECEIPT)


def quoting(question: str, doc: str = "lake.md", *others: str, said: str = "") -> Answer:
    """An answer that repeats the first passage and cites it."""
    document = DOCUMENTS[doc]
    citation = Citation.of(1, document, 0, len(document.text), ())
    text = said or document.text
    sentences = (Sentence(text, (1,)),)
    return Answer(
        question, Status.ANSWERED, text + "[1]", None, sentences, (citation,), passages(doc, *others), {}, RECEIPT
    )


@dataclass
class FakePipeline:
    """The part of a pipeline that a run uses."""

    ask: Callable[[str], Answer]
    receipt: Receipt = RECEIPT
    library: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(documents=DOCUMENTS))


def crashing_every_tenth() -> Callable[[str], Answer]:
    asked: list[str] = []

    def ask(question: str) -> Answer:
        asked.append(question)
        if len(asked) % 10 == 0:
            raise RuntimeError("坏了")
        return quoting(question)

    return ask


def test_a_pipeline_that_always_refuses_is_right_only_on_the_unanswerable() -> None:
    records = list(run(lambda question: refusal(question, passages("lake.md")), GOLD.questions, DOCUMENTS))
    means = summarise(records, GOLD.sha256, RECEIPT).overall.means
    assert means["all_facts"] == means["fact_recall"] == 0  # though its text names the figure
    assert means["answerable_refused"] == means["unanswerable_refused"] == 1
    assert means["evidence_recall@1"] == means["mrr@10"] == 1
    assert "citation_precision" not in means
    assert "quotes_stand" not in means


def test_a_pipeline_that_quotes_the_first_passage_is_right_where_that_holds_the_answer() -> None:
    questions = [answerable(1), answerable(2, "river.md", "23点"), unanswerable(1)]
    records = list(run(lambda question: quoting(question, "lake.md", "river.md"), questions, DOCUMENTS))
    group = summarise(records, GOLD.sha256, RECEIPT).overall
    assert group.means == {
        "evidence_recall@1": 0.5,
        "evidence_recall@3": 1,
        "evidence_recall@5": 1,
        "evidence_recall@10": 1,
        "mrr@10": 0.75,
        "all_facts": 0.5,
        "fact_recall": 0.5,
        "citation_precision": 0.5,
        "quotes_stand": 1,
        "answerable_refused": 0,
        "unanswerable_refused": 0,
    }
    assert group.median_length == len(DOCUMENTS["lake.md"].text)


def test_a_crash_counts_zero_in_every_mean_and_loses_no_question(caplog: pytest.LogCaptureFixture) -> None:
    records = list(run(crashing_every_tenth(), GOLD.questions, DOCUMENTS))
    assert [record.error for record in records].count("RuntimeError: 坏了") == 2
    assert [record.question.id for record in records if record.error] == ["a-9", "u-4"]
    assert set(records[9].scores) == set(ANSWERABLE_MEASURES)
    assert set(records[19].scores) == set(UNANSWERABLE_MEASURES)
    group = summarise(records, GOLD.sha256, RECEIPT).overall
    assert (group.questions, group.failed) == (20, 2)
    for name in ("all_facts", "fact_recall", "mrr@10", "evidence_recall@1", "citation_precision"):
        assert group.means[name] == pytest.approx(14 / 15, abs=1e-4), name
    assert group.means["quotes_stand"] == pytest.approx(18 / 20)
    assert "a-9" in caplog.text


def test_a_crash_on_an_unanswerable_question_is_no_refusal() -> None:
    def ask(question: str) -> Answer:
        if question == "无0问":
            raise QuestionError("读不懂")
        return refusal(question)

    records = run(ask, [unanswerable(0), unanswerable(1)], DOCUMENTS)
    assert summarise(list(records), "", RECEIPT).overall.means["unanswerable_refused"] == 0.5


def test_an_interrupt_is_no_failure_of_a_question() -> None:
    def ask(question: str) -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(ask, GOLD.questions, DOCUMENTS))


def test_an_answer_with_some_of_the_facts_is_not_right() -> None:
    scores = score(answerable(1, answers=(("26座",), ("23点",))), quoting("问"), DOCUMENTS)
    assert (scores["fact_recall"], scores["all_facts"]) == (0.5, 0)


def test_the_length_is_that_of_answers_to_answerable_questions() -> None:
    questions = [answerable(1), answerable(2), unanswerable(1), unanswerable(2), unanswerable(3)]
    answers = iter(
        [quoting("问"), refusal("问"), quoting("问", said="短"), quoting("问", said="短"), quoting("问", said="短")]
    )
    records = list(run(lambda question: next(answers), questions, DOCUMENTS))
    assert summarise(records, "", RECEIPT).overall.median_length == len(DOCUMENTS["lake.md"].text)


def test_the_number_of_a_marker_is_no_fact() -> None:
    question = answerable(1, form="1")
    assert score(question, quoting("问", said="没有数字"), DOCUMENTS)["fact_recall"] == 0


def test_a_quote_that_its_document_does_not_hold_is_counted() -> None:
    answer = quoting("问")
    forged = Citation.of(2, Document("lake.md", "lake.md", "湖畔新区今年拆除换电站。", ""), 0, 12, ())
    stray = Citation.of(3, Document("sea.md", "sea.md", DOCUMENTS["lake.md"].text, ""), 0, 12, ())
    answer = Answer(**{**answer.__dict__, "citations": (*answer.citations, forged, stray)})
    assert score(answerable(1), answer, DOCUMENTS)["quotes_stand"] == pytest.approx(1 / 3)


def test_forbidden_figures_count_answers_and_not_refusals() -> None:
    question = answerable(1, forbid=("26座", "23点"))
    records = [
        Record(question, quoting("问"), None, {}),
        Record(question, refusal("问"), None, {}),
        Record(question, None, "RuntimeError: 坏了", {}),
        Record(answerable(2), quoting("问"), None, {}),
    ]
    assert summarise(records, "", RECEIPT).overall.forbidden == 1


def test_groups_split_by_type_style_and_document() -> None:
    both = answerable(3, type=QuestionType.COMPARISON, style=Style.KEYWORD, docs=("lake.md", "river.md"))
    questions = [answerable(1), both, unanswerable(1)]
    summary = summarise(list(run(quoting, questions, DOCUMENTS)), "", RECEIPT)
    assert {name: group.questions for name, group in summary.by_type.items()} == {
        "comparison": 1,
        "number": 1,
        "unanswerable": 1,
    }
    assert {name: group.questions for name, group in summary.by_style.items()} == {"keyword": 1, "noisy": 1, "plain": 1}
    assert {name: group.questions for name, group in summary.by_document.items()} == {"lake.md": 2, "river.md": 2}
    assert "all_facts" not in summary.by_type["unanswerable"].means


def test_a_run_writes_a_line_a_question_and_the_summary(tmp_path: Path) -> None:
    seen: list[Record] = []
    summary = evaluate(FakePipeline(crashing_every_tenth()), GOLD, tmp_path / "out", seen.append)  # type: ignore[arg-type]
    rows = [json.loads(line) for line in (tmp_path / "out" / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [question.id for question in GOLD.questions]
    assert len(seen) == 20
    assert rows[0]["scores"]["all_facts"] == 1
    assert rows[0]["citations"][0]["quote"] == DOCUMENTS["lake.md"].text
    assert (rows[9]["status"], rows[9]["error"]) == ("failed", "RuntimeError: 坏了")
    stored = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(summary.to_json()))
    assert (stored["receipt"]["index"], stored["receipt"]["version"]) == ("sha256:index", "9.9")
    assert stored["gold_sha256"] == GOLD.sha256


def test_a_run_that_is_stopped_leaves_no_summary_of_an_earlier_one(tmp_path: Path) -> None:
    evaluate(FakePipeline(quoting), GOLD, tmp_path)  # type: ignore[arg-type]

    def stop(question: str) -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(FakePipeline(stop), GOLD, tmp_path)  # type: ignore[arg-type]
    assert not (tmp_path / "summary.json").exists()


def test_a_folder_that_cannot_be_written_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        evaluate(FakePipeline(quoting), GOLD, tmp_path / "file" / "out")  # type: ignore[arg-type]
