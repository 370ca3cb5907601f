"""BM25: the scores of the formula, the same after loading, the same in every process."""

import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from indexer.lexical import LexicalIndex
from indexer.tokens import tokenize

TEXTS = [
    "海带苗在十月下海，次年五月收割，亩产干品一吨半左右。",
    "灯塔由一对夫妻看守，夜里轮流值班，每隔两个小时记录一次风向。",
    "加工成海带丝和海带酱之后，价钱是鲜品的四倍以上，海带丝卖得最好。",
    "渔政站每天清早派两条船出海巡查，发现违规网具当场收缴。",
    "气象员在台风来之前三天发出预报，渔船陆续回港，缆绳加固两道。",
    "码头食堂中午供应海带排骨汤，价格十二块钱，船员排队领取。",
]
ROWS = [tokenize(text) for text in TEXTS]
QUESTIONS = ["海带亩产多少", "谁看守灯塔", "渔船什么时候回港", "海带丝价钱", "巡查发现什么", "码头食堂价格"]

TOKENS = st.lists(st.lists(st.sampled_from("甲乙丙丁戊己庚"), max_size=12), min_size=1, max_size=12).filter(any)


def lucene_bm25(rows: list[list[str]], query: list[str], k1: float = 1.5, b: float = 0.75) -> list[float]:
    """BM25 as Lucene has it, written out from the formula: idf · tf / (tf + k1 · (1 - b + b · length / mean length))."""
    mean = sum(map(len, rows)) / len(rows)
    scores = []
    for row in rows:
        counts = Counter(row)
        score = 0.0
        for token in query:
            frequency = sum(token in other for other in rows)
            idf = math.log(1 + (len(rows) - frequency + 0.5) / (frequency + 0.5))
            score += idf * counts[token] / (counts[token] + k1 * (1 - b + b * len(row) / mean)) if frequency else 0
        scores.append(score)
    return scores


def assert_scores(rows: list[list[str]], query: list[str]) -> None:
    expected = lucene_bm25(rows, query)
    found = LexicalIndex.build(rows).search(query, len(rows))
    assert {row for row, _ in found} == {row for row, score in enumerate(expected) if score > 0}
    for row, score in found:
        assert score == pytest.approx(expected[row], rel=1e-4)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_are_those_of_the_formula(question: str):
    assert_scores(ROWS, tokenize(question))


@given(TOKENS, st.lists(st.sampled_from("甲乙丙丁戊己庚辛"), max_size=6))
def test_scores_are_those_of_the_formula_for_any_rows_and_question(rows: list[list[str]], query: list[str]):
    assert_scores(rows, query)


@pytest.mark.parametrize("question", QUESTIONS)
def test_best_row_is_that_of_another_implementation(question: str):
    tokens = tokenize(question)
    witness = BM25Okapi(ROWS, k1=1.5, b=0.75).get_scores(tokens)
    assert LexicalIndex.build(ROWS).search(tokens, 1)[0][0] == int(np.argmax(witness))


def test_rank_of_rows_for_rare_tokens_is_that_of_another_implementation():
    # Okapi's idf can be negative for common tokens, Lucene's cannot: with tokens of one frequency the orders must agree.
    rows = [["甲"] * i + ["乙"] * (12 - i) + [f"丙{i}"] * 3 for i in range(1, 6)] + [["丁"] * 10] * 12
    witness = BM25Okapi(rows, k1=1.5, b=0.75).get_scores(["甲"])
    assert [row for row, _ in LexicalIndex.build(rows).search(["甲"], 5)] == list(np.argsort(-witness)[:5])


def test_unknown_tokens_find_nothing():
    assert LexicalIndex.build(ROWS).search(["航天飞机"], 5) == []
    assert LexicalIndex.build(ROWS).search([], 5) == []


def test_unknown_tokens_do_not_change_the_scores():
    index = LexicalIndex.build(ROWS)
    assert index.search(["航天飞机", "海带"], 5) == index.search(["海带"], 5)


def test_at_most_k_hits_and_only_rows_that_share_a_token():
    index = LexicalIndex.build(ROWS)
    assert len(index.search(["海带"], 2)) == 2
    assert {row for row, _ in index.search(["海带"], 99)} == {0, 2, 5}
    assert index.search(["海带"], 0) == []


def test_equal_scores_come_in_row_order():
    rows = [["海带"] * (1 + i * 7 % 5) + ["灯塔"] for i in range(400)]
    found = LexicalIndex.build(rows).search(["海带"], 400)
    assert len({score for _, score in found}) == 5
    assert found == sorted(found, key=lambda hit: (-hit[1], hit[0]))


def test_rows_without_tokens_are_rows_all_the_same():
    index = LexicalIndex.build([[], ["海带"], []])
    assert index.size == 3
    assert [row for row, _ in index.search(["海带"], 3)] == [1]


@settings(deadline=None)
@given(TOKENS, st.lists(st.sampled_from("甲乙丙丁戊己庚辛"), max_size=6), st.integers(0, 12), st.data())
def test_best_rows_inside_a_mask_are_the_best_of_all_that_lie_in_it(
    rows: list[list[str]], query: list[str], k: int, data: st.DataObject
):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    index = LexicalIndex.build(rows)
    everything = index.search(query, len(rows))
    assert index.search(query, k, mask) == [(row, score) for row, score in everything if mask[row]][:k]
    assert index.search(query, len(rows)) == everything, "the mask has stayed behind"


def test_frequency_is_the_number_of_rows_with_the_token(tmp_path: Path):
    index = LexicalIndex.build(ROWS)
    index.save(tmp_path)
    for one in (index, LexicalIndex.load(tmp_path)):
        for token in {token for row in ROWS for token in row}:
            assert one.frequency(token) == sum(token in row for row in ROWS)
        assert one.frequency("航天飞机") == 0


def test_loaded_index_gives_equal_hits(tmp_path: Path):
    index = LexicalIndex.build(ROWS)
    index.save(tmp_path)
    loaded = LexicalIndex.load(tmp_path)
    assert loaded.size == index.size
    for question in QUESTIONS:
        assert loaded.search(tokenize(question), 6) == index.search(tokenize(question), 6)


def test_saved_files_hold_no_pickle(tmp_path: Path):
    LexicalIndex.build(ROWS).save(tmp_path)
    arrays = list(tmp_path.glob("*.npy"))
    assert arrays
    for path in arrays:
        np.load(path, allow_pickle=False)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json"}


def test_same_bytes_in_every_process(tmp_path: Path):
    script = "import sys, pathlib; from indexer.lexical import LexicalIndex; LexicalIndex.build(eval(sys.argv[2])).save(pathlib.Path(sys.argv[1]))"
    files = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", script, str(folder), repr(ROWS)], env=environment, check=True)
        files.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert files[0] == files[1]
