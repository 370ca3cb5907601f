"""Vector search: cosines as numpy has them, the same after loading."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.dense import DenseIndex
from indexer.embedder import Vectors


def unit_vectors(seed: int, rows: int, dimensions: int = 16) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 80))
def test_hits_are_the_greatest_dot_products(seed: int, rows: int, k: int):
    vectors, question = unit_vectors(seed, rows), unit_vectors(seed + 1, 1)[0]
    found = DenseIndex.build(vectors).search(question, k)
    witness = vectors @ question
    assert [row for row, _ in found] == list(np.argsort(-witness, kind="stable")[: min(k, rows)])
    assert [score for _, score in found] == pytest.approx(list(np.sort(witness)[::-1][:k]), abs=1e-6)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 80), st.data())
def test_hits_inside_a_mask_are_the_greatest_dot_products_in_it(seed: int, rows: int, k: int, data: st.DataObject):
    vectors, question = unit_vectors(seed, rows), unit_vectors(seed + 1, 1)[0]
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    found = DenseIndex.build(vectors).search(question, k, mask)
    witness = np.where(mask, vectors @ question, -np.inf)
    expected = list(np.argsort(-witness, kind="stable")[: min(k, int(mask.sum()))])
    assert [row for row, _ in found] == expected
    assert [score for _, score in found] == pytest.approx([witness[row] for row in expected], abs=1e-6)


def test_vector_finds_itself_with_cosine_one():
    vectors = unit_vectors(0, 30)
    index = DenseIndex.build(vectors)
    for row in range(30):
        (best, score), *_ = index.search(vectors[row], 3)
        assert best == row
        assert score == pytest.approx(1.0, abs=1e-6)


def test_zero_vector_finds_nothing():
    assert DenseIndex.build(unit_vectors(0, 5)).search(np.zeros(16, dtype=np.float32), 3) == []


def test_empty_index_finds_nothing():
    index = DenseIndex.build(np.zeros((0, 16), dtype=np.float32))
    assert index.size == 0
    assert index.search(unit_vectors(0, 1)[0], 3) == []


def test_size_dimensions_and_vectors_are_those_it_was_built_from():
    vectors = unit_vectors(3, 7)
    index = DenseIndex.build(vectors)
    assert (index.size, index.dimensions) == vectors.shape
    np.testing.assert_array_equal(index.vectors(), vectors)


def test_loaded_index_gives_equal_hits(tmp_path: Path):
    vectors = unit_vectors(1, 40)
    index = DenseIndex.build(vectors)
    index.save(tmp_path / "dense.faiss")
    loaded = DenseIndex.load(tmp_path / "dense.faiss")
    for question in unit_vectors(2, 10):
        assert loaded.search(question, 40) == index.search(question, 40)
    np.testing.assert_array_equal(loaded.vectors(), vectors)


def test_path_outside_ascii_can_be_written_and_read(tmp_path: Path):
    (tmp_path / "索引").mkdir()
    DenseIndex.build(unit_vectors(1, 4)).save(tmp_path / "索引" / "向量.faiss")
    assert DenseIndex.load(tmp_path / "索引" / "向量.faiss").size == 4


def test_saved_bytes_are_the_same_every_time(tmp_path: Path):
    for name in ("a", "b"):
        DenseIndex.build(unit_vectors(1, 40)).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
