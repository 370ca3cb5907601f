"""The harness can fail: pipelines that are bad in a known way get the scores they deserve, worked out by hand.

Twenty questions: fifteen that lake.md answers (26座, never 19座) and five that nothing answers, unless said otherwise.
"""

import math

import pytest

from service.answer import Answer


def test_a_pipeline_that_always_refuses(world):
    group = world.summary(world.refusal, world.questions()).overall
    means = group.means
    assert means["right"] == 5 / 20
    assert means["all_facts"] == means["fact_recall"] == means["character_f1"] == 0  # though its text names the figure
    assert means["answerable_refused"] == means["unanswerable_refused"] == 1
    assert means["refusal_precision"] == 5 / 20
    assert means["citation_precision_all"] == means["citation_recall"] == 0
    assert means["no_forbidden"] == 1
    for of_answers in ("citation_precision", "quotes_stand", "sentences_supported"):
        assert of_answers not in means
    assert means["evidence_recall@1"] == means["mrr@10"] == means["ndcg@10"] == 1
    assert (group.aurc, group.ece) == (1, 0)  # it is never right, and never claims to be


def test_a_pipeline_that_quotes_the_first_passage(world):
    questions = [world.answerable(1), world.answerable(2, "river.md", "23点"), world.unanswerable(1)]
    group = world.summary(world.quoting, questions, "lake.md", "river.md").overall
    expected = {
        "right": 1 / 3,
        "all_facts": 1 / 2,
        "fact_recall": 1 / 2,
        "exact_match": 0,
        # 23 characters said, 3 sought: all three of 26座 in common, of 23点 only the 2.
        "character_f1": (6 / 26 + 2 / 26) / 2,
        "citation_precision": 1 / 2,
        "citation_precision_all": 1 / 2,
        "citation_recall": 1 / 2,
        "answerable_refused": 0,
        "quotes_stand": 1,
        "sentences_supported": 1,
        "unanswerable_refused": 0,
    }
    ranking = {
        "evidence_recall@1": 1 / 2,
        "evidence_recall@3": 1,
        "evidence_recall@5": 1,
        "evidence_recall@10": 1,
        "ndcg@10": (1 + 1 / math.log2(3)) / 2,
        "mrr@10": 3 / 4,
    }
    # The lexical leg of the fake has the order turned round, which here is as good; the dense one finds nothing.
    staged = {f"{stage}.{name}": value for stage in ("lexical", "fused") for name, value in ranking.items()}
    nothing = {f"dense.{name}": 0 for name in ranking}
    assert group.means == pytest.approx({**expected, **ranking, **staged, **nothing}, abs=5e-5)
    assert group.aurc == group.ece == pytest.approx(2 / 3, abs=5e-5)  # all equally sure, two of three wrong
    assert group.median_length == len(world.texts["lake.md"])


def test_a_pipeline_that_answers_with_another_years_figure(world):
    group = world.summary(lambda question: world.quoting(question, "lake-2021.md"), world.questions()).overall
    assert group.forbidden == 15
    for name in ("right", "all_facts", "no_forbidden", "citation_precision", "citation_recall", "unanswerable_refused"):
        assert group.means[name] == 0, name
    assert group.means["quotes_stand"] == 1  # the quotes are real, which must not save it


def test_a_pipeline_that_states_both_years_is_not_right(world):
    both = "今年26座，2021年19座。"
    means = world.summary(lambda question: world.quoting(question, said=both), world.questions()).overall.means
    assert (means["all_facts"], means["no_forbidden"], means["right"]) == (1, 0, 0)


def test_a_pipeline_that_cites_the_wrong_document(world):
    def say(question: str) -> Answer:
        return world.quoting(question, "river.md", said=world.texts["lake.md"])

    means = world.summary(say, world.questions()).overall.means
    assert means["all_facts"] == 1
    assert means["citation_precision"] == means["citation_precision_all"] == means["citation_recall"] == 0


def test_a_pipeline_that_crashes_on_every_tenth_question(world, caplog: pytest.LogCaptureFixture):
    asked: list[str] = []

    def say(question: str) -> Answer:
        asked.append(question)
        if len(asked) % 10 == 0:
            raise RuntimeError("坏了")
        return world.quoting(question)

    summary = world.summary(say, world.questions())
    group = summary.overall
    assert (group.questions, group.failed) == (20, 2)
    assert [(failure.id, failure.error) for failure in summary.failures] == [
        ("a-9", "RuntimeError: 坏了"),
        ("u-4", "RuntimeError: 坏了"),
    ]
    assert "a-9" in caplog.text
    for name in (
        "all_facts",
        "no_forbidden",
        "citation_precision",
        "citation_precision_all",
        "mrr@10",
        "fused.ndcg@10",
    ):
        assert group.means[name] == pytest.approx(14 / 15, abs=5e-5), name
        assert group.counts[name] == 15, name
    assert group.means["right"] == 14 / 20
    assert group.means["quotes_stand"] == group.means["sentences_supported"] == 18 / 20
    assert group.means["answerable_refused"] == pytest.approx(1 / 15, abs=5e-5)  # no answer is no better than a refusal
    assert group.means["refusal_precision"] == 0
    assert group.aurc == pytest.approx(6 / 20)  # a crash counts as an error made with all confidence
    assert group.forbidden == 0


def test_a_crash_on_an_unanswerable_question_is_no_refusal(world):
    def say(question: str) -> Answer:
        if question == "无0问":
            raise RuntimeError("坏了")
        return world.refusal(question)

    means = world.summary(say, [world.unanswerable(0), world.unanswerable(1)]).overall.means
    assert means["unanswerable_refused"] == means["right"] == means["refusal_precision"] == 1 / 2


def test_an_interrupt_is_no_failure_of_a_question(world):
    def say(question: str) -> Answer:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.summary(say, world.questions())
