"""How examples are made: windows, occurrences, near misses and cloze questions."""

import json
import lzma
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InputError
from training.data import Article, ReadingQuestion, read_lines, reading_questions
from training.examples import (
    PassagePool,
    best_occurrence,
    blank,
    cut,
    headline_clozes,
    near_misses,
    pieces,
    reading_example,
    recurring_clozes,
    window,
)
from training.split import is_held_back

PARK = (
    "云江市海洋公园位于东湾。公园占地46公顷，由云江城建集团施工。"
    "公园于2025年6月1日开放，门票全免。西滩灯塔建于1958年，高46米。"
    "灯塔对面是图书馆新馆，藏书120万册。新馆周一闭馆，周六开到22点。"
)


@given(st.text(alphabet="公园。！？；\n，,ab1", max_size=400))
def test_pieces_cover_the_text_without_gaps(text: str) -> None:
    spans = pieces(text)
    assert "".join(text[a:b] for a, b in spans) == text
    assert all(b - a <= 120 for a, b in spans)


@given(st.integers(0, len(PARK) - 2), st.integers(1, 30), st.integers(20, 120), st.integers(0, 99))
def test_window_holds_the_span_and_only_whole_pieces(start: int, length: int, size: int, seed: int) -> None:
    end = min(len(PARK), start + length)
    a, b = window(PARK, start, end, size, random.Random(seed))
    assert a <= start
    assert end <= b
    assert {a, b} <= {edge for span in pieces(PARK) for edge in span}


def test_passages_are_consecutive_and_keep_to_their_size() -> None:
    passages = cut(PARK * 5, 100)
    assert "".join(passages) == PARK * 5
    assert all(len(passage) <= 100 for passage in passages)


def test_the_occurrence_near_the_questions_words_is_taken() -> None:
    text = "公园占地46公顷。" + "市民可以步行前往。" * 10 + "西滩灯塔高46米。"
    area, height = text.index("46公顷"), text.index("46米")
    assert best_occurrence(text, "公园占地多少公顷？", ("46",)) == (area, area + 2)
    assert best_occurrence(text, "西滩灯塔高多少？", ("46",)) == (height, height + 2)
    assert best_occurrence(text, "公园", ("48",)) is None


def question(text: str, *answers: str) -> ReadingQuestion:
    return ReadingQuestion("1", "toy", "海洋公园", PARK * 4, text, answers)


@given(st.integers(0, 200))
def test_the_answer_stands_where_the_example_says_with_and_without_a_title(seed: int) -> None:
    example = reading_example(question("新馆藏书多少？", "120万册"), random.Random(seed))
    assert example is not None
    assert example.passage[example.start : example.end] == "120万册"
    assert len(example.passage) < 520


def test_a_promised_answer_that_does_not_stand_there_makes_no_example() -> None:
    assert reading_example(question("新馆藏书多少？", "130万册"), random.Random(1)) is None
    unanswered = reading_example(question("新馆谁设计？"), random.Random(1))
    assert unanswered is not None
    assert not unanswered.answered


def test_near_misses_rank_high_and_lack_the_answer() -> None:
    pool = PassagePool([*cut(PARK, 40), "灯塔多高，要看测绘。", "完全无关的一段话。"])
    (miss,) = near_misses([question("西滩灯塔高多少米？", "46米")], pool, random.Random(1))
    assert not miss.answered
    assert "46米" not in miss.passage
    assert "灯塔" in miss.passage


def test_a_blank_asks_for_the_kind_of_what_it_hides() -> None:
    text = "公园于2025年6月开放，占地46公顷，由城建集团施工。"
    rng = random.Random(1)
    assert "2025" not in blank(text, 3, 10, rng)
    assert re.search("时候|何时|哪天|哪年|时间", blank(text, 3, 10, rng))
    at = text.index("46")
    assert re.search("占地(多少|几|多大)公顷", blank(text, at, at + 2, rng))


def test_clozes_ask_for_what_their_passage_holds() -> None:
    news = [Article("海洋公园六月开放门票全免", PARK), Article("海洋公园占地46公顷", PARK * 3)]
    made = [
        *headline_clozes(news * 4, random.Random(2)),
        *recurring_clozes(
            [Article("", PARK + "记者看到，西滩灯塔高46米，由城建集团修缮。" + PARK[:60] * 4)] * 9, random.Random(3)
        ),
    ]
    answered = [example for example in made if example.answered]
    assert answered
    for example in answered:
        answer = example.passage[example.start : example.end]
        assert 2 <= len(answer) <= 24
        assert not answer.isspace()


def test_the_split_follows_the_context_and_holds_back_about_a_tenth() -> None:
    held = [is_held_back(f"第{i}段") for i in range(3000)]
    assert 0.07 < sum(held) / 3000 < 0.13
    assert is_held_back("第 7 段\n") == is_held_back("第7段")


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jsonl\.xz"):
        next(read_lines(tmp_path / "nowhere.jsonl.xz"))


def test_ambiguous_questions_are_left_out_and_impossible_ones_have_no_answer(tmp_path: Path) -> None:
    base = {"id": 1, "title": "", "context": PARK, "question": " 多高？ "}
    records = [
        {**base, "answers": ["46米", "46米", {"text": "46"}], "is_impossible": False},
        {**base, "answers": [], "is_impossible": True},
        {**base, "answers": ["46米"], "is_impossible": True, "ambiguous": True},
    ]
    path = tmp_path / "toy.jsonl.xz"
    with lzma.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(record) + "\n" for record in records)
    first, second = reading_questions(path)
    assert (first.question, first.answers, first.source) == ("多高？", ("46米", "46"), "toy")
    assert second.answers == ()
