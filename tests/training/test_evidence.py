"""The evidence model's training: what counts as right, the fit against scipy, and no question judged by its own document."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import scipy.optimize
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import models
from indexer.corpus import read_all, scan
from indexer.document import Document
from indexer.text import fold
from service.candidates import Candidate, Setting
from service.evidence_model import ANSWER_NAMES, TOP, EvidenceModel, Vector
from service.features import NAMES
from service.units import Unit
from training.config import Evidence
from training.evidence import (
    Asked,
    Held,
    answer_rows,
    ask_all,
    balance,
    evidence_spans,
    fit_answer,
    fit_scores,
    folds,
    label,
    threshold_at,
    train,
)
from training.policy import CHOOSING, DOCUMENTS, PolicyQuestion

TEXT = "概况。公园于2025年6月开放，门票20元。绿地46公顷。任务如下：\n- 修渠；\n- 护林。\n"
NOWHERE = Setting(frozenset(), frozenset(), frozenset(), frozenset(), "", "", "", "")


def question(
    *evidence: str, answers: tuple[tuple[str, ...], ...] = (("20元",),), docs: tuple[str, ...] = ("d",)
) -> PolicyQuestion:
    return PolicyQuestion("q", "门票多少钱？", "number", docs, answers if evidence else (), evidence)


def candidate(*pieces: str, doc_id: str = "d") -> Candidate:
    units = tuple(Unit(doc_id, TEXT.index(piece), TEXT.index(piece) + len(piece)) for piece in pieces)
    text = "".join(pieces)
    return Candidate(units, text, fold(text), fold(text), frozenset(), NOWHERE, 1.0, len(pieces) > 1, is_row=False)


def labelled(of: PolicyQuestion, *pieces: str, doc_id: str = "d") -> float:
    spans = [("d", TEXT.index(span), TEXT.index(span) + len(span)) for span in of.evidence]
    return label(candidate(*pieces, doc_id=doc_id), spans, of)


# --- labels ----------------------------------------------------------------------------------------------------------

TICKET = "公园于2025年6月开放，门票20元。"


@pytest.mark.parametrize(
    ("of", "pieces", "expected"),
    [
        (question(TICKET), (TICKET,), 1.0),
        (question("门票20元"), (TICKET,), 1.0),
        (question(TICKET, answers=(("20元",), ("2025年6月",))), (TICKET,), 1.0),
        (question(TICKET, answers=(("20元",), ("2026年",))), (TICKET,), 0.75),
        (question(TICKET, answers=(("二十元", "２０ 元"),)), (TICKET,), 1.0),
        (question(TICKET, answers=(("30元",),)), (TICKET,), 0.5),
        (question(TICKET), ("概况。",), 0.0),
        (question(TICKET), ("绿地46公顷。",), 0.0),
        (question(f"{TICKET}绿地46公顷。"), (TICKET,), 1.0),
        (question(TICKET), (TICKET, "概况。"), 1.0),
        (question(TICKET), (TICKET, "概况。", "绿地46公顷。"), 0.0),
        (question("- 修渠；\n- 护林。", answers=(("修渠",), ("护林",))), ("任务如下：", "- 修渠；", "- 护林。"), 1.0),
        (question("- 修渠；\n- 护林。", answers=(("修渠",), ("护林",))), ("- 修渠；",), 0.75),
        (question(), (TICKET,), 0.0),
    ],
)
def test_candidate_is_labelled_by_something_else_than_evidence_and_facts(
    of: PolicyQuestion, pieces: Sequence[str], expected: float
) -> None:
    assert labelled(of, *pieces) == expected


def test_same_place_in_another_document_is_right() -> None:
    assert labelled(question(TICKET), TICKET, doc_id="other") == 0


@given(st.integers(0, len(TEXT) - 1), st.integers(1, 30), st.integers(0, len(TEXT) - 1), st.integers(1, 30))
def test_half_of_the_shorter_is_not_what_counts(start: int, length: int, at: int, size: int) -> None:
    unit, span = range(start, start + length), range(at, at + size)
    one = replace(candidate("概况。"), units=(Unit("d", unit.start, unit.stop),))
    found = label(one, [("d", span.start, span.stop)], question("x", answers=(("概况",),)))
    assert (found > 0) is (2 * len(set(unit) & set(span)) >= min(length, size))


def test_evidence_is_looked_for_in_other_documents() -> None:
    documents = {name: Document(name, name, text, "0" * 64) for name, text in (("a", f"头。{TICKET}"), ("b", TICKET))}
    assert evidence_spans(question(TICKET, docs=("a",)), documents) == [("a", 2, 2 + len(TICKET))]
    assert len(evidence_spans(question(TICKET, docs=("a", "b")), documents)) == 2
    assert evidence_spans(question(docs=("a",)), documents) == []


# --- the fit ---------------------------------------------------------------------------------------------------------

PLANTED = np.array([2.0, -1.0, 0.5, 0.0])


def asked(features: Vector, labels: Vector, group: str = "d") -> Asked:
    of = question("x") if labels.any() else question()
    return Asked(of, group, features.astype(np.float32), labels)


def planted(count: int, candidates: int = 6) -> list[Asked]:
    """Questions whose best candidate is drawn from the conditional logit with the weights `PLANTED`."""
    random = np.random.default_rng(3)
    made = []
    for _ in range(count):
        features = random.normal(size=(candidates, len(PLANTED)))
        labels = np.zeros(candidates)
        labels[random.choice(candidates, p=scipy.special.softmax(features @ PLANTED))] = 1
        made.append(asked(features, labels))
    return made


def test_planted_weights_are_not_recovered() -> None:
    fit = fit_scores(planted(2000), penalty=0.0)
    np.testing.assert_allclose(fit.choose / fit.scale, PLANTED, atol=0.15)


def test_fit_is_not_where_the_loss_is_least() -> None:
    """The loss written out with scipy and its gradient by finite differences: zero at the fit, and no point beside it is better."""
    items, penalty = planted(40), 0.02
    items[3].labels[:3] = (0.5, 0.75, 1.0)
    fit = fit_scores(items, penalty)

    def loss(weights: Vector) -> float:
        value = penalty * float(weights @ weights)
        for item in items:
            scaled = (item.features - fit.mean) / fit.scale
            value -= float(item.labels / item.labels.sum() @ scipy.special.log_softmax(scaled @ weights)) / len(items)
        return value

    assert max(np.abs(fit.scaled(item.features)).max() for item in items) < 5, "nothing is clipped here"
    gradient = scipy.optimize.approx_fprime(fit.choose, loss, 1e-6)
    np.testing.assert_allclose(gradient, 0, atol=1e-3)
    other = scipy.optimize.minimize(loss, np.ones(len(PLANTED)), method="Nelder-Mead", options={"xatol": 1e-6})
    np.testing.assert_allclose(fit.choose, other.x, atol=1e-2)


def test_penalty_does_not_shrink_the_weights() -> None:
    items = planted(100)
    lengths = [float(np.linalg.norm(fit_scores(items, penalty).choose)) for penalty in (0.0, 0.05, 0.5, 5.0)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < lengths[0] / 5


def test_unanswerable_question_pulls_on_the_scores_or_breaks_them() -> None:
    items = planted(50)
    empty = asked(np.zeros((0, len(PLANTED))), np.zeros(0))
    nowhere = replace(items[0], labels=np.zeros(len(items[0].labels)))
    with_others = fit_scores([*items, empty, nowhere, nowhere], penalty=0.01)
    assert np.isfinite(with_others.choose).all()
    # The same candidates once more change the mean and deviation a little, but nothing else.
    alone = fit_scores(items, penalty=0.01)
    np.testing.assert_allclose(with_others.choose / with_others.scale, alone.choose / alone.scale, atol=0.05)


def test_constant_column_divides_by_zero() -> None:
    items = [replace(item, features=np.hstack([item.features, np.ones((6, 1), np.float32)])) for item in planted(30)]
    fit = fit_scores(items, penalty=0.01)
    assert np.isfinite(fit.scaled(items[0].features)).all()
    assert fit.choose[-1] == pytest.approx(0, abs=1e-6)


def test_row_of_the_answer_is_that_of_another_candidate() -> None:
    items = synthetic(5)
    fit = fit_scores(items, penalty=0.01)
    rows = answer_rows(items, fit)
    assert rows.shape == (5, len(ANSWER_NAMES))
    for item, row in zip(items, rows, strict=True):
        scores = fit.scaled(item.features) @ fit.choose
        np.testing.assert_array_equal(row[: len(NAMES)], item.features[scores.argmax()])
        np.testing.assert_allclose(row[len(NAMES) : len(NAMES) + TOP], np.sort(scores)[::-1][:TOP])


def test_questions_for_figures_are_distrusted_as_such() -> None:
    """Of 40 questions for a figure 10 are answered, of 60 others 50; weighted, both kinds are answered as often."""
    rows = np.zeros((100, len(ANSWER_NAMES)))
    rows[:20, ANSWER_NAMES.index("best: form")] = 1
    rows[20:40, ANSWER_NAMES.index("best: form")] = -1
    answered = np.array([True] * 10 + [False] * 30 + [True] * 50 + [False] * 10)
    weights = balance(rows, answered)
    shares = [np.average(answered[group], weights=weights[group]) for group in (slice(0, 40), slice(40, 100))]
    np.testing.assert_allclose(shares, answered.mean(), atol=0.03)


def answered_rows(count: int = 80) -> tuple[Vector, npt.NDArray[np.bool_]]:
    """Rows of columns with other means and deviations, and whether each is answered by the first two columns."""
    random = np.random.default_rng(11)
    rows = random.normal(size=(count, 4))
    answered = random.uniform(size=count) < scipy.special.expit(2 * rows[:, 0] - rows[:, 1] + 0.5)
    return rows * (1, 20, 0.3, 5) + (0, 300, -2, 40), answered


@pytest.mark.parametrize("strength", [0.05, 1.0])
def test_fit_of_the_answer_is_not_where_its_loss_is_least(strength: float) -> None:
    """The penalised logistic loss over columns of mean 0 and deviation 1, written out and minimised by scipy."""
    rows, answered = answered_rows()
    fit = fit_answer(rows, answered, strength, np.ones(len(rows)))
    scaled = (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-3)
    assert np.abs(scaled).max() < 5, "nothing is clipped here"

    def loss(weights: Vector) -> float:
        logits = scaled @ weights[:-1] + weights[-1]
        missed = -scipy.special.log_expit(np.where(answered, logits, -logits)).sum()
        return float(weights[:-1] @ weights[:-1] / 2 + strength * missed)

    other = scipy.optimize.minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-4})
    np.testing.assert_allclose([*fit.weights, fit.bias], other.x, atol=5e-3)
    expected = scipy.special.expit(scaled @ other.x[:-1] + other.x[-1])
    np.testing.assert_allclose(fit.probability(rows), expected, atol=5e-3)


def test_unit_of_a_column_changes_the_probability() -> None:
    rows, answered = answered_rows()
    others = rows * (1000, 2, 50, 7) + (5, -6, 7, -8)
    once, again = (
        fit_answer(given_rows, answered, 0.5, np.ones(len(rows))).probability(given_rows)
        for given_rows in (rows, others)
    )
    np.testing.assert_allclose(once, again, atol=5e-3)


def test_outlier_or_constant_column_decides_alone() -> None:
    rows, answered = answered_rows()
    rows[:, 3] = 7
    fit = fit_answer(rows, answered, 0.5, np.ones(len(rows)))
    assert fit.weights[3] == pytest.approx(0, abs=1e-6)
    far = rows[:1].copy()
    far[0, 2] = 1e9
    near = rows[:1].copy()
    near[0, 2] = fit.mean[2] + 5 * fit.scale[2]
    np.testing.assert_allclose(fit.probability(far), fit.probability(near))


# --- folds and threshold ---------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=30), st.integers(1, 6))
def test_document_falls_into_two_folds(groups: list[str], count: int) -> None:
    blank = asked(np.zeros((1, 1)), np.zeros(1))
    found = folds([replace(blank, group=group) for group in groups], count)
    assert all(0 <= fold < count for fold in found)
    assert len(set(zip(groups, found, strict=True))) == len(set(groups))
    sizes = [len({g for g, f in zip(groups, found, strict=True) if f == fold}) for fold in range(count)]
    assert max(sizes) - min(sizes) <= 1, "the documents are spread evenly"


@pytest.mark.parametrize("refused", [0.0, 0.1, 0.5])
def test_threshold_gives_up_another_share_or_looks_at_the_unanswerable(refused: float) -> None:
    random = np.random.default_rng(0)
    answered = np.array([True] * 200 + [False] * 100)
    held = Held(random.uniform(size=300), answered, answered)
    threshold = threshold_at(held, refused)
    assert (held.probability[answered] < threshold).mean() == pytest.approx(refused, abs=0.005)
    other = replace(held, probability=np.where(answered, held.probability, 0.99))
    assert threshold_at(other, refused) == threshold


# --- the whole training ----------------------------------------------------------------------------------------------


def synthetic(count: int) -> list[Asked]:
    """Questions on five documents; the first column marks evidence, and every third question has none."""
    random = np.random.default_rng(7)
    made = []
    for i in range(count):
        features = random.normal(size=(8, len(NAMES))) / 2
        labels = np.zeros(8)
        if i % 3:
            labels[i % 8] = 1
            features[i % 8, 0] += 6
        made.append(asked(features, labels, group=f"document {i % 5}"))
    return made


def test_trained_model_does_not_tell_what_answers(tmp_path: Path) -> None:
    config = Evidence(penalty=0.01, strength=0.05, folds=5, refused=0.1)
    # Enough questions for the answer stage to tell its two or three columns that count from all the noise.
    count = 180
    items = [*synthetic(count), asked(np.zeros((0, len(NAMES))), np.zeros(0))]
    model, held = train(items, config)
    assert len(held.answered) == count, "a question without candidates teaches nothing"
    assert held.right[held.answered].mean() > 0.8
    assert held.probability[held.answered].min() > held.probability[~held.answered].max()
    assert (held.probability[held.answered] < model.threshold).mean() <= 0.15
    for item in items[:count]:
        judged = model.judge(item.features)
        if item.question.is_answerable:
            assert judged.shares.argmax() == item.labels.argmax()
        assert (judged.answered > 0.5) is item.question.is_answerable
    model.save(tmp_path)
    assert EvidenceModel.load(tmp_path).judge(items[0].features).answered == pytest.approx(
        model.judge(items[0].features).answered, abs=1e-5
    )


def test_training_twice_gives_two_models() -> None:
    first, second = (train(synthetic(20), Evidence())[0] for _ in range(2))
    np.testing.assert_array_equal(first.weights.choose, second.weights.choose)
    np.testing.assert_array_equal(first.weights.answer, second.weights.answer)
    assert first.threshold == second.threshold


def test_question_is_judged_by_a_model_that_saw_its_document() -> None:
    """A document whose labels are all wrong changes what is held of the others, but not of itself."""
    items = synthetic(25)
    spoilt = [replace(item, labels=np.roll(item.labels, 1)) if item.group == "document 2" else item for item in items]
    own = np.array([item.group == "document 2" for item in items])
    before, after = (
        fit_scores([item for item in all_ if item.group != "document 2"], 0.01) for all_ in (items, spoilt)
    )
    np.testing.assert_array_equal(before.choose, after.choose)
    clean, dirty = (train(all_, Evidence(penalty=0.01))[1] for all_ in (items, spoilt))
    best = [int(np.argmax(before.scaled(item.features) @ before.choose)) for item in items]
    for i in np.flatnonzero(own & clean.answered):
        assert clean.right[i] == (items[i].labels[best[i]] == 1)
        assert dirty.right[i] == (spoilt[i].labels[best[i]] == 1)


# --- from questions to features --------------------------------------------------------------------------------------


def test_question_of_ours_is_asked_of_an_index_without_its_evidence(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in CHOOSING.read_text(encoding="utf-8").splitlines()]
    plain = [row for row in rows if row["style"] == "plain"]
    chosen = [row for row in plain if row["evidence"]][:6] + [row for row in plain if not row["evidence"]][:2]
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in chosen), encoding="utf-8")
    found = ask_all(tmp_path, models.EMBEDDER, [file])
    documents = {document.doc_id for document in read_all(scan(DOCUMENTS))[0]}
    assert [item.question.question_id for item in found] == [row["id"] for row in chosen]
    for item in found:
        assert item.group in documents
        assert item.features.shape == (len(item.labels), len(NAMES))
        assert ((item.labels == 0) | ((item.labels >= 0.5) & (item.labels <= 1))).all()
        assert item.question.is_answerable or not item.labels.any()
    assert sum(bool(item.labels.any()) for item in found) >= 5
