"""A static embedder from co-occurrence: the same bytes every time, nearest to the words it has seen, and clear about too few."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from indexer.embedder import SentenceTransformerEmbedder
from indexer.errors import ModelError
from training.static import fit_static_embedder

LINES = [
    "海带苗在十月下海，次年五月收割，亩产干品一吨半左右，价钱是鲜品的四倍。",
    "灯塔由一对夫妻看守，夜里轮流值班，每隔两个小时记录一次风向和潮位。",
    "渔政站每天清早派两条船出海巡查，发现违规网具当场收缴并且登记。",
    "气象员在台风来之前三天发出预报，渔船陆续回港，缆绳加固两道。",
    "晒盐场的工人把卤水引进结晶池，晴天三日便能收一层白花花的粗盐。",
    "码头食堂中午供应三种套餐，价格从十二块钱到二十块钱，船员排队领取。",
    "海带养殖户把海带卖给加工厂，加工厂把海带切成丝，再卖给码头食堂。",
]


def saved_bytes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def fitted_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitted") / "model"
    fit_static_embedder(LINES, folder, dimensions=24)
    return folder


@pytest.fixture(scope="module")
def fitted(fitted_folder: Path) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(str(fitted_folder))


def test_fitted_model_is_the_same_bytes_twice(fitted_folder: Path, tmp_path: Path):
    fit_static_embedder(LINES, tmp_path / "again", dimensions=24)
    assert saved_bytes(tmp_path / "again") == saved_bytes(fitted_folder)


def test_fitted_model_is_the_same_bytes_in_another_process(fitted_folder: Path, tmp_path: Path):
    script = (
        "import sys, pathlib; from training.static import fit_static_embedder;"
        "fit_static_embedder(eval(sys.argv[2]), pathlib.Path(sys.argv[1]), dimensions=24)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "again"), repr(LINES)], env=environment, check=True)
    assert saved_bytes(tmp_path / "again") == saved_bytes(fitted_folder)


def test_fitted_model_is_a_sentence_transformer(fitted_folder: Path, fitted: SentenceTransformerEmbedder):
    model = SentenceTransformer(str(fitted_folder), device="cpu", local_files_only=True)
    np.testing.assert_allclose(model.encode(LINES[:1])[0], fitted.embed_passages(LINES[:1])[0], atol=1e-6)
    assert fitted.dimensions == 24


def test_fitted_model_holds_no_pickle_and_no_library_version(fitted_folder: Path):
    files = saved_bytes(fitted_folder)
    assert {Path(name).suffix for name in files} <= {".json", ".safetensors"}
    assert b"__version__" not in files["config_sentence_transformers.json"]


@pytest.mark.parametrize(
    ("question", "row"),
    [("夫妻看守的灯塔", 1), ("发现违规网具", 2), ("台风来之前的预报", 3), ("白花花的粗盐", 4), ("套餐价格", 5)],
)
def test_question_is_nearest_to_the_passage_with_its_words(
    question: str, row: int, fitted: SentenceTransformerEmbedder
):
    assert int(np.argmax(fitted.embed_passages(LINES) @ fitted.embed_question(question))) == row


def test_character_the_corpus_lacks_does_not_wipe_out_the_clause_around_it(fitted: SentenceTransformerEmbedder):
    np.testing.assert_allclose(fitted.embed_question("谁看守灯塔囧"), fitted.embed_question("谁看守灯塔"), atol=1e-6)
    assert np.any(fitted.embed_question("xyz灯塔"))


def test_text_without_a_known_piece_is_a_zero_vector(fitted: SentenceTransformerEmbedder):
    assert not np.any(fitted.embed_question("囧囧"))
    assert not np.any(fitted.embed_question("，。！"))


@pytest.mark.parametrize("character", list("[]^-\\&."))
def test_characters_special_to_regular_expressions_are_characters_like_others(character: str, tmp_path: Path):
    fit_static_embedder([*LINES, f"船号{character}甲"], tmp_path / "m", dimensions=8)
    assert np.any(SentenceTransformerEmbedder(str(tmp_path / "m")).embed_question("灯塔"))


def test_small_corpus_gets_fewer_dimensions_instead_of_an_error(tmp_path: Path):
    fit_static_embedder(LINES[:1], tmp_path / "m")
    embedder = SentenceTransformerEmbedder(str(tmp_path / "m"))
    assert 8 <= embedder.dimensions < 40
    assert np.isfinite(embedder.embed_passages(LINES)).all()


@pytest.mark.parametrize("texts", [[], [""], ["海带"], list("海带灯塔渔船码头食堂气象盐场缆绳套餐风向")])
def test_corpus_too_small_to_learn_from_says_so(texts: list[str], tmp_path: Path):
    with pytest.raises(ModelError, match=r"word pieces to learn from: .*--embedder"):
        fit_static_embedder(texts, tmp_path / "m")
