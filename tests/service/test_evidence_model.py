"""The evidence model: files that hold what was saved or are refused, and a judgement as the formulas have it."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load_file, save_file

from indexer.errors import ModelError
from models import EVIDENCE
from service.evidence_model import ANSWER_NAMES, TOP, EvidenceModel, Vector, Weights, answer_input, softmax, standardise
from service.features import NAMES, Matrix

SIZE = len(NAMES)


def model(seed: int = 0) -> EvidenceModel:
    random = np.random.default_rng(seed)

    def standardisation(size: int) -> tuple[Vector, Vector]:
        return exactly(random.normal(size=size)), exactly(random.uniform(0.5, 2, size))

    def exactly(vector: Vector) -> Vector:
        """Numbers that the files hold exactly."""
        return vector.astype(np.float32).astype(np.float64)

    choose, answer = exactly(random.normal(size=SIZE) / 4), exactly(random.normal(size=len(ANSWER_NAMES)) / 8)
    weights = Weights(*standardisation(SIZE), choose, *standardisation(len(ANSWER_NAMES)), answer, 0.25)
    return EvidenceModel(weights, 0.375)


def features(count: int, seed: int = 1) -> Matrix:
    return np.random.default_rng(seed).normal(size=(count, SIZE)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model().save(tmp_path / "evidence")
    return tmp_path / "evidence"


# --- files -----------------------------------------------------------------------------------------------------------


def test_saved_model_judges_otherwise_than_the_one_in_memory(folder: Path) -> None:
    loaded = EvidenceModel.load(folder)
    assert loaded.threshold == model().threshold
    for count in (1, 2, 9):
        before, after = model().judge(features(count)), loaded.judge(features(count))
        np.testing.assert_array_equal(before.shares, after.shares)
        assert before.answered == after.answered


def test_fingerprint_stays_when_a_number_changes(folder: Path, tmp_path: Path) -> None:
    first = EvidenceModel.load(folder).fingerprint
    assert first.startswith("sha256:")
    model().save(tmp_path / "same")
    assert EvidenceModel.load(tmp_path / "same").fingerprint == first
    model(seed=5).save(tmp_path / "other")
    assert EvidenceModel.load(tmp_path / "other").fingerprint != first
    EvidenceModel(model().weights, 0.5).save(tmp_path / "stricter")
    assert EvidenceModel.load(tmp_path / "stricter").fingerprint != first


def test_files_are_pickles(folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}


@pytest.mark.parametrize("name", ["evidence.json", "model.safetensors"])
@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"{}"),
        lambda path: path.write_bytes(path.read_bytes()[:-40]),
        lambda path: path.write_bytes(b"\xff" + path.read_bytes()[1:]),
    ],
)
def test_missing_or_damaged_file_is_a_traceback(folder: Path, name: str, damage: Callable[[Path], object]) -> None:
    damage(folder / name)
    with pytest.raises(ModelError, match=f"the evidence model at {folder} cannot be loaded: ."):
        EvidenceModel.load(folder)


def test_folder_that_is_not_there_is_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        EvidenceModel.load(tmp_path / "none")


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card | {"features": card["features"][:-1]},
        lambda card: card | {"features": card["features"][::-1]},
        lambda card: card | {"features": [*card["features"], "luck"]},
        lambda card: card | {"format": "zhengwen-evidence-0"},
    ],
)
def test_model_of_other_features_weighs_the_wrong_columns(
    folder: Path, change: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    card = folder / "evidence.json"
    card.write_text(json.dumps(change(json.loads(card.read_text(encoding="utf-8")))), encoding="utf-8")
    with pytest.raises(ModelError, match=rf"of another version .*{SIZE} are computed.*training\.evidence"):
        EvidenceModel.load(folder)


VECTORS = ("mean", "scale", "choose", "answer_mean", "answer_scale", "answer")


@pytest.mark.parametrize("name", VECTORS)
def test_weights_of_another_length_are_found_out_by_the_first_question(tmp_path: Path, name: str) -> None:
    whole = model().weights
    EvidenceModel(replace(whole, **{name: asdict(whole)[name][:-1]}), 0.5).save(tmp_path)
    with pytest.raises(ModelError, match="its weights are not those"):
        EvidenceModel.load(tmp_path)


@pytest.mark.parametrize("name", [*VECTORS, "bias"])
def test_file_of_a_model_without_one_of_the_weights_is_a_traceback(folder: Path, name: str) -> None:
    file = folder / "model.safetensors"
    save_file({key: array for key, array in load_file(file).items() if key != name}, file)
    with pytest.raises(ModelError, match=f"cannot be loaded: '{name}'"):
        EvidenceModel.load(folder)


def test_bundled_model_does_not_load() -> None:
    bundled = EvidenceModel.load(EVIDENCE)
    assert 0 < bundled.threshold < 1
    assert (bundled.weights.scale > 0).all()
    assert (bundled.weights.answer_scale > 0).all()
    judged = bundled.judge(features(7))
    assert judged.shares.sum() == pytest.approx(1)
    assert 0 < judged.answered < 1


# --- the judgement ---------------------------------------------------------------------------------------------------


def agreement(rows: Matrix, scores: Vector) -> list[float]:
    """What the leading candidates have in common, by name and one after the other."""
    column = {name: [float(row[i]) for row in rows] for i, name in enumerate(NAMES)}
    share = list(scipy.special.softmax(scores))
    order = sorted(range(len(rows)), key=lambda i: -scores[i])
    leading = ([i for i in order if column["conflict"][i] == 0] or order)[:5]
    form = [column["form"][i] for i in leading]
    lacks = sum(p for p, f in zip(share, column["form"], strict=True) if f < 0)
    found = {
        "form of the best": form[0],
        "form among three": max(form[:3]),
        "form among five": max(form),
        "share with form": sum(p for p, f in zip(share, column["form"], strict=True) if f > 0),
        "share without form": lacks,
        "best conflicts": column["conflict"][order[0]],
        "share in conflict": sum(p * c for p, c in zip(share, column["conflict"], strict=True)),
        "all conflict": float(all(column["conflict"])),
        "entropy": scipy.stats.entropy(share),
        "greatest share": max(share),
    }
    asks = column["kind_number"][order[0]]
    found |= {
        "number: form of the best": asks * form[0],
        "number: form among three": asks * max(form[:3]),
        "number: share without form": asks * lacks,
    }
    for name in ANSWER_NAMES[SIZE + TOP :]:
        word, _, feature = name.partition(" ")
        if word in ("most", "least"):
            found[name] = (max if word == "most" else min)(column[feature][i] for i in leading)
    return [found[name] for name in ANSWER_NAMES[SIZE + TOP :]]


@pytest.mark.parametrize("count", [1, 2, TOP - 1, TOP, TOP + 1, 40])
def test_judgement_is_another_than_the_formula_gives(count: int) -> None:
    weights, given_features = model().weights, features(count)
    scaled = np.clip((given_features.astype(np.float64) - weights.mean) / weights.scale, -5, 5)
    scores = scaled @ weights.choose
    highest = sorted(scores, reverse=True)[:TOP]
    highest += [highest[-1]] * (TOP - len(highest))
    row = np.concatenate([given_features[int(scores.argmax())], highest, agreement(given_features, scores)])
    logit = np.clip((row - weights.answer_mean) / weights.answer_scale, -5, 5) @ weights.answer + weights.bias
    judged = model().judge(given_features)
    np.testing.assert_allclose(judged.shares, scipy.special.softmax(scores))
    assert judged.answered == pytest.approx(scipy.special.expit(logit))


def test_no_candidate_is_an_answer() -> None:
    judged = model().judge(np.zeros((0, SIZE), dtype=np.float32))
    assert (judged.shares.shape, judged.answered) == ((0,), 0.0)


@given(st.integers(1, 12), st.integers(0, 5), st.randoms(use_true_random=False))
def test_order_of_the_candidates_changes_the_judgement(count: int, seed: int, random: Random) -> None:
    rows = features(count, seed)
    order = random.sample(range(count), count)
    straight, shuffled = model().judge(rows), model().judge(rows[order])
    np.testing.assert_allclose(shuffled.shares, straight.shares[order])
    assert shuffled.answered == pytest.approx(straight.answered)
    assert straight.shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("far", [1e3, -1e3])
def test_sure_judgement_overflows(far: float) -> None:
    weights = model().weights
    sure = EvidenceModel(replace(weights, choose=weights.choose * 1e3, answer=weights.answer * 0, bias=far), 0.5)
    judged = sure.judge(features(5))
    assert judged.shares.sum() == pytest.approx(1)
    assert judged.answered == pytest.approx(1.0 if far > 0 else 0.0)


SCORES = arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6))


@given(SCORES)
def test_softmax_differs_from_that_of_scipy(scores: Vector) -> None:
    np.testing.assert_allclose(softmax(scores), scipy.special.softmax(scores), atol=1e-12)


def test_standardised_columns_have_another_mean_or_deviation() -> None:
    rows = features(500) * 3 + 7
    mean, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scaled = standardise(rows, mean, scale)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-2)
    outlier = np.full((1, SIZE), 1e6, dtype=np.float32)
    assert (np.abs(standardise(np.concatenate([outlier, -outlier]), mean, scale)) == 5).all()


def test_best_candidate_or_highest_scores_are_those_of_another() -> None:
    rows = np.arange(6 * SIZE, dtype=np.float32).reshape(6, SIZE)
    scores = np.array([1.0, 5.0, 3.0, 5.0, 2.0, 4.0])
    np.testing.assert_array_equal(answer_input(rows, scores)[: SIZE + TOP], [*rows[1], 5, 5, 4, 3])
    np.testing.assert_array_equal(answer_input(rows[:2], scores[:2])[: SIZE + TOP], [*rows[1], 5, 1, 1, 1])


# --- how the leading candidates agree --------------------------------------------------------------------------------


def told(scores: list[float], **columns: list[float]) -> dict[str, float]:
    """What is told of candidates with these scores whose other features are 0, by name."""
    rows = np.zeros((len(scores), SIZE), dtype=np.float32)
    for name, values in columns.items():
        rows[:, NAMES.index(name)] = values
    return dict(zip(ANSWER_NAMES, answer_input(rows, np.array(scores)), strict=True))


def test_names_of_the_answer_input_repeat_or_do_not_fit_it() -> None:
    assert len(set(ANSWER_NAMES)) == len(ANSWER_NAMES)
    assert len(answer_input(features(3), np.array([1.0, 2.0, 3.0]))) == len(ANSWER_NAMES)


def test_candidate_in_a_conflict_leads() -> None:
    found = told([3, 2, 1], form=[1, -1, -1], conflict=[1, 0, 0], missing=[0, 4, 2])
    assert (found["form of the best"], found["form among five"]) == (-1, -1)
    assert (found["best conflicts"], found["all conflict"]) == (1, 0)
    assert (found["most missing"], found["least missing"]) == (4, 2)
    assert found["share in conflict"] == pytest.approx(scipy.special.softmax([3, 2, 1])[0])


def test_candidates_that_all_conflict_tell_nothing() -> None:
    found = told([2, 1], form=[1, -1], conflict=[1, 1])
    assert (found["all conflict"], found["form of the best"], found["share in conflict"]) == (1, 1, pytest.approx(1))


def test_form_far_behind_counts_or_one_close_behind_does_not() -> None:
    scores = [9.0, 8, 7, 6, 5, 4]
    for place, expected in enumerate([(1, 1, 1), (-1, 1, 1), (-1, 1, 1), (-1, -1, 1), (-1, -1, 1), (-1, -1, -1)]):
        found = told(scores, form=[1.0 if i == place else -1.0 for i in range(6)])
        assert (found["form of the best"], found["form among three"], found["form among five"]) == expected
        assert found["share with form"] + found["share without form"] == pytest.approx(1)


def test_missing_figure_counts_where_no_figure_is_asked_for() -> None:
    lacking: dict[str, list[float]] = {"form": [-1, -1]}
    number, other = told([2, 1], kind_number=[1, 1], **lacking), told([2, 1], **lacking)
    for name, expected in (("form of the best", -1), ("form among three", -1), ("share without form", 1)):
        assert number[f"number: {name}"] == pytest.approx(expected)
        assert other[f"number: {name}"] == 0
        assert number[name] == other[name] == pytest.approx(expected)


def test_even_shares_look_as_sure_as_one_great_one() -> None:
    even, sure = told([1, 1, 1, 1]), told([9, 1, 1, 1])
    assert (even["entropy"], even["greatest share"]) == (pytest.approx(np.log(4)), pytest.approx(0.25))
    assert sure["entropy"] < 0.05
    assert sure["greatest share"] > 0.99
