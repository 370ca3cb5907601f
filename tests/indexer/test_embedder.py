"""Embedders: unit vectors, prompts, fingerprints; the bundled model and models from elsewhere."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

import models
from indexer.embedder import (
    Embedder,
    HashEmbedder,
    SentenceTransformerEmbedder,
    folder_fingerprint,
    model_fingerprint,
)
from indexer.errors import ModelError
from indexer.store import Stored

LINES = [
    "海带苗在十月下海，次年五月收割，亩产干品一吨半左右，价钱是鲜品的四倍。",
    "灯塔由一对夫妻看守，夜里轮流值班，每隔两个小时记录一次风向和潮位。",
    "渔政站每天清早派两条船出海巡查，发现违规网具当场收缴并且登记。",
    "气象员在台风来之前三天发出预报，渔船陆续回港，缆绳加固两道。",
    "晒盐场的工人把卤水引进结晶池，晴天三日便能收一层白花花的粗盐。",
    "码头食堂中午供应三种套餐，价格从十二块钱到二十块钱，船员排队领取。",
    "海带养殖户把海带卖给加工厂，加工厂把海带切成丝，再卖给码头食堂。",
]


@pytest.fixture(scope="module")
def bundled_folder() -> Path:
    return models.EMBEDDER


@pytest.fixture(scope="module")
def bundled(bundled_folder: Path) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(str(bundled_folder))


# --- what every embedder promises ------------------------------------------------------------------------------------


@pytest.fixture(params=["bundled", "transformer", "hash"])
def any_embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "hash":
        return HashEmbedder()
    return SentenceTransformerEmbedder(str(request.getfixturevalue(f"{request.param}_folder")))


def test_vectors_are_float32_rows_of_length_one(any_embedder: Embedder):
    vectors = any_embedder.embed_passages(LINES)
    assert vectors.shape == (len(LINES), any_embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(LINES)), abs=1e-5)
    question = any_embedder.embed_question("谁看守灯塔？")
    assert question.shape == (any_embedder.dimensions,)
    assert question.dtype == np.float32
    assert np.linalg.norm(question) == pytest.approx(1, abs=1e-5)


def test_no_texts_give_no_rows_of_the_right_width(any_embedder: Embedder):
    assert any_embedder.embed_passages([]).shape == (0, any_embedder.dimensions)


def test_same_texts_give_the_same_vectors(any_embedder: Embedder):
    np.testing.assert_array_equal(any_embedder.embed_passages(LINES), any_embedder.embed_passages(LINES))
    np.testing.assert_array_equal(any_embedder.embed_question("海带"), any_embedder.embed_question("海带"))


def test_vector_of_a_text_does_not_depend_on_its_neighbours(any_embedder: Embedder):
    together = any_embedder.embed_passages(LINES)
    for row, line in enumerate(LINES):
        np.testing.assert_allclose(any_embedder.embed_passages([line])[0], together[row], atol=1e-5)


def test_spellings_of_the_same_words_give_the_same_vector(any_embedder: Embedder):
    one, other = any_embedder.embed_passages(["海带１２块钱，漁船", "海 带 12 块钱，**渔船**"])
    np.testing.assert_allclose(one, other, atol=1e-6)


# --- the bundled model -----------------------------------------------------------------------------------------------


def test_bundled_model_is_a_sentence_transformer(bundled: SentenceTransformerEmbedder):
    model = SentenceTransformer(str(models.EMBEDDER), device="cpu", local_files_only=True)
    np.testing.assert_allclose(model.encode(LINES[:1])[0], bundled.embed_passages(LINES[:1])[0], atol=1e-6)
    assert bundled.dimensions == model.get_embedding_dimension()


@pytest.mark.parametrize(
    ("question", "row"),
    [("夫妻看守的灯塔", 1), ("发现违规网具", 2), ("台风来之前的预报", 3), ("套餐价格", 5)],
)
def test_question_is_nearest_to_the_passage_with_its_words(
    question: str, row: int, bundled: SentenceTransformerEmbedder
):
    assert int(np.argmax(bundled.embed_passages(LINES) @ bundled.embed_question(question))) == row


def test_words_of_like_meaning_are_on_average_nearer_than_others(bundled: SentenceTransformerEmbedder):
    words = bundled.embed_passages(["增长", "学校", "成立", "苏州", "医院", "原因"])
    like = bundled.embed_passages(["提高", "教育", "建立", "江苏", "医疗机构", "因为"])
    nearness = words @ like.T
    others = nearness[~np.eye(len(words), dtype=bool)]
    assert np.diag(nearness).mean() > others.mean() + others.std() / 2


def test_character_the_model_lacks_does_not_wipe_out_the_clause_around_it(bundled: SentenceTransformerEmbedder):
    np.testing.assert_allclose(
        bundled.embed_question("谁看守灯塔\U0002a6d6"), bundled.embed_question("谁看守灯塔"), atol=1e-6
    )


def test_text_without_a_known_piece_is_a_zero_vector(bundled: SentenceTransformerEmbedder):
    assert not np.any(bundled.embed_question("\U0002a6d6"))
    assert not np.any(bundled.embed_question("，。！"))


# --- models from elsewhere -------------------------------------------------------------------------------------------


def test_prompts_of_the_model_are_used_for_questions_and_passages(transformer_folder: Path):
    embedder = SentenceTransformerEmbedder(str(transformer_folder))
    raw = SentenceTransformer(str(transformer_folder), device="cpu", local_files_only=True)
    text = "海带的亩产"
    assert not np.allclose(embedder.embed_question(text), embedder.embed_passages([text])[0], atol=1e-4)
    for found, prompted in [
        (embedder.embed_question(text), f"query: {text}"),
        (embedder.embed_passages([text])[0], f"passage: {text}"),
    ]:
        expected = raw.encode([prompted], prompt="")[0]
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize("location", ["/nowhere/model", "./nowhere", "../nowhere/model"])
def test_missing_folder_is_named_before_any_hub_is_asked(location: str):
    with pytest.raises(ModelError, match=f"no embedder at {location}"):
        SentenceTransformerEmbedder(location)


def test_name_that_no_hub_can_be_asked_for_is_a_model_error():
    with pytest.raises(ModelError, match="'nobody/no-such-model' cannot be loaded"):
        SentenceTransformerEmbedder("nobody/no-such-model")


def test_folder_that_holds_no_model_is_a_model_error(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("不是模型", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceTransformerEmbedder(str(tmp_path))


# --- fingerprints ----------------------------------------------------------------------------------------------------


def test_fingerprint_follows_names_and_bytes_and_not_the_place(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "w.bin").write_bytes(b"1")
    same = folder_fingerprint(tmp_path / "a")
    assert folder_fingerprint(tmp_path / "b") == same
    (tmp_path / "b" / "sub" / "w.bin").write_bytes(b"2")
    assert folder_fingerprint(tmp_path / "b") != same
    (tmp_path / "a" / "sub" / "w.bin").rename(tmp_path / "a" / "sub" / "v.bin")
    assert folder_fingerprint(tmp_path / "a") != same


def test_fingerprint_is_known_without_loading_the_model(bundled: SentenceTransformerEmbedder):
    assert model_fingerprint(str(models.EMBEDDER)) == bundled.fingerprint == folder_fingerprint(models.EMBEDDER)
    assert model_fingerprint("someone/model") == "hub:someone/model"


def test_embedder_of_the_built_index_is_the_one_in_its_manifest(stored: Stored, embedder: SentenceTransformerEmbedder):
    record = stored.manifest.embedder
    assert (record.fingerprint, record.dimensions) == (embedder.fingerprint, embedder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(stored.dense.vectors(), axis=1), 1, atol=1e-5)


def test_hash_embedder_brings_texts_with_common_bigrams_together():
    embedder = HashEmbedder(dimensions=1024)
    question = embedder.embed_question("谁看守灯塔")
    assert int(np.argmax(embedder.embed_passages(LINES) @ question)) == 1
    assert not np.any(embedder.embed_question(""))
