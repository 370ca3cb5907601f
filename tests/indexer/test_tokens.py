"""Lexical tokens: what a question and a passage must share to find each other."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.tokens import tokenize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("，。 ——", []),
        ("渔业", ["渔业"]),
        ("船", ["船"]),
        ("GPT-4", ["gpt-4", "gpt", "4"]),
        ("4.76", ["4.76"]),
        ("30%", ["30%"]),
        ("C++", ["c++"]),
        ("5G网络", ["5g", "5", "g", "网络"]),
    ],
)
def test_tokens_of_words_figures_and_mixtures(text: str, expected: list[str]):
    assert tokenize(text) == expected


def test_bigrams_find_a_name_that_no_dictionary_holds():
    assert {"鳅洄", "洄屿"} <= set(tokenize("鳅洄屿的灯塔"))


def test_long_words_are_tokens_beside_their_bigrams():
    tokens = tokenize("中华人民共和国")
    assert "中华人民共和国" in tokens
    assert "共和国" in tokens
    assert {"中华", "华人", "人民"} <= set(tokens)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＩ渔业２０２３年", "AI 渔业 2023 年"),
        ("漁業發展", "渔业发展"),
        ("2O23年", "2023年"),
        ("**重点**", "重点"),
        ("互\n联网", "互联网"),
    ],
)
def test_spellings_of_the_same_words_give_the_same_tokens(one: str, other: str):
    assert tokenize(one) == tokenize(other)


@given(st.text("渔业船港口ab12.%-+/ ，。\n", max_size=60))
def test_every_chinese_character_and_digit_is_in_some_token(text: str):
    joined = "".join(tokenize(text))
    assert {c for c in text if c in "渔业船港口12ab"} <= set(joined)


@given(st.text("渔业船港口局长ab12", min_size=2, max_size=30))
def test_tokens_repeat_with_the_text(text: str):
    once, twice = tokenize(text), tokenize(f"{text}。{text}")
    assert sorted(twice) == sorted(once + once)


def test_same_tokens_in_every_process():
    text = "鳅洄屿海洋牧场2O23年投放人工鱼礁六千方，GPT-4也读得懂。"
    script = f"from indexer.tokens import tokenize; print(tokenize({text!r}))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
            encoding="utf-8",
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{tokenize(text)}\n"}
