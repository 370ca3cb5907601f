"""Homophone typos."""

import random

import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st

from service.spelling import Vocabulary, corrections, vocabulary

PAIRS = [
    ("规模", 9),
    ("预算", 5),
    ("时延", 4),
    ("网络", 8),
    ("移动", 8),
    ("辟谣", 3),
    ("平台", 9),
    ("目标", 7),
    ("项目", 6),
    ("事业", 9),
    ("银行", 5),
    ("订阅", 2),
    ("发明专利", 3),
    ("是", 90),
    ("占", 9),
    ("县级", 9),
    ("激发", 9),
]


@pytest.fixture(scope="module")
def known() -> Vocabulary:
    return vocabulary(PAIRS)


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("数字经济规摸", ("规模",)),
        ("项目总予算", ("预算",)),
        ("占比目镖 移动网洛", ("目标", "网络")),
        ("联合劈谣平台", ("辟谣",)),
        ("目镖是目镖", ("目标",)),
        ("丹崖县的规摸", ("规模",)),
        ("2023年云汀市规摸", ("规模",)),
    ],
)
def test_a_homophone_is_corrected_also_where_it_breaks_the_segmentation(
    known: Vocabulary, question: str, meant: tuple[str, ...]
):
    assert tuple(corrections(rjieba.cut(question), known).values()) == meant


@pytest.mark.parametrize(
    "question",
    [
        "数字经济规模",  # stands in the corpus
        "失业保险金",  # sounds like 事业, but is a word of its own
        "定阅费用",  # 订阅 is too rare
        "是业单位",  # a function word is no part of a typo
        "VR GPU 2021",
        "饕餮",
        "丹崖县既做了节水",  # 既 stays a word by itself
        "奖金既发又审",
        "丹崖县积水",  # the last character of a name is no part of a typo
        "",
    ],
)
def test_what_may_be_meant_is_left_alone(known: Vocabulary, question: str):
    assert corrections(rjieba.cut(question), known) == {}


def test_the_more_frequent_of_two_homophones_is_meant():
    assert corrections(["规摸"], vocabulary([("归模", 3), ("规模", 30)])) == {"规摸": "规模"}


def test_a_reading_depends_on_the_word():
    assert corrections(["银航"], vocabulary([("银行", 5)])) == {"银航": "银行"}


def test_the_order_of_the_words_does_not_matter():
    shuffled = random.Random(3).sample(PAIRS, len(PAIRS))
    assert vocabulary(shuffled) == vocabulary(PAIRS)


@given(st.lists(st.sampled_from([word for word, _ in PAIRS]), max_size=8))
def test_words_of_the_corpus_are_never_corrected(words: list[str]):
    assert corrections(words, vocabulary(PAIRS)) == {}


@given(st.lists(st.text(st.sampled_from("规摸目镖网洛预算的是ab1 "), max_size=4), max_size=6))
def test_corrections_are_words_of_the_corpus(words: list[str]):
    assert set(corrections(words, vocabulary(PAIRS)).values()) <= {word for word, _ in PAIRS}
