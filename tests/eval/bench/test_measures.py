"""The measures against second implementations written here from the definitions, and against sums done by hand."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.bench.measures import cmrc_em, cmrc_f1, ranking_scores, reference_recall, segments, states

LEFT_OUT = "，。、；：？！·～－“”’《》「」『』（）-:_*^/\\~`+="
MIXED = st.text("北京天气GDPa1290 ，。（）-_.%", max_size=14)


def witness_segments(text: str) -> list[str]:
    """Character by character, with a word growing until something ends it."""
    kept = [char for char in text.lower() if char not in LEFT_OUT]
    found, word = [], ""
    for place, char in enumerate(kept):
        following = kept[place + 1] if place + 1 < len(kept) else " "
        latin = char.isalnum() and not "\u4e00" <= char <= "\u9fa5"
        joins = char in ".," and word and following.isalnum() and not "\u4e00" <= following <= "\u9fa5"
        if latin or joins:
            word += char
            continue
        found += [word] if word else []
        word = ""
        found += [] if char.isspace() else [char]
    return found + ([word] if word else [])


def witness_f1(answer: str, said: str) -> float:
    """By the table of common endings, not by a library."""
    a, b = witness_segments(answer), witness_segments(said)
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else 0
    run = max(max(row) for row in table)
    if not run:
        return 0.0
    precision, recall = run / len(b), run / len(a)
    return 2 * precision * recall / (precision + recall)


@given(MIXED, MIXED)
def test_f1_is_not_that_of_the_definition(answer: str, said: str) -> None:
    assert segments(said) == witness_segments(said)
    assert cmrc_f1([answer], said) == pytest.approx(witness_f1(answer, said))


@given(MIXED, MIXED)
def test_exact_match_is_not_that_of_the_definition(answer: str, said: str) -> None:
    def stripped(text: str) -> str:
        return re.sub(f"[{re.escape(LEFT_OUT)}]", "", text.lower().strip())

    assert cmrc_em([answer], said) == (stripped(answer) == stripped(said) != "")


def test_latin_words_and_figures_count_by_the_letter() -> None:
    assert segments("2023年GDP增长5.2%，约1,260亿") == [
        "2023",
        "年",
        "gdp",
        "增",
        "长",
        "5.2",
        "%",
        "约",
        "1,260",
        "亿",
    ]


def test_f1_counts_scattered_characters() -> None:
    # 上海 and 世博 are in both, but only one run of two counts: 2·2 / (4 + 6).
    assert cmrc_f1(["上海世博"], "世博在上海办") == pytest.approx(0.4)
    assert cmrc_f1(["无关", "上海世博"], "世博在上海办") == pytest.approx(0.4)  # the best answer
    assert cmrc_f1(["上海"], "") == 0
    assert cmrc_f1([], "上海") == 0


def test_exact_match_is_spoilt_by_marks_or_case_or_given_for_nothing() -> None:
    assert cmrc_em(["无关", "《GDP报告》"], "gdp报告。")
    assert not cmrc_em(["GDP报告"], "GDP报告书")
    assert not cmrc_em(["。"], "")


IDS = [f"d{i}" for i in range(25)]


@given(
    st.dictionaries(st.sampled_from(IDS), st.integers(1, 3), min_size=1, max_size=8),
    st.permutations(IDS),
    st.integers(0, 20),
    st.integers(1, 20),
)
def test_the_library_is_called_wrongly(relevant: dict[str, int], order: list[str], depth: int, k: int) -> None:
    ranked = order[:depth]
    gains = [relevant.get(doc, 0) for doc in ranked]
    ideal = sorted(relevant.values(), reverse=True)[:10]
    hits = [place for place, gain in enumerate(gains, start=1) if gain]
    assert ranking_scores(relevant, ranked, k) == pytest.approx(
        {
            "ndcg@10": sum(g / math.log2(i + 2) for i, g in enumerate(gains[:10]))
            / sum(g / math.log2(i + 2) for i, g in enumerate(ideal)),
            f"recall@{k}": sum(place <= k for place in hits) / len(relevant),
            "mrr@10": 1 / hits[0] if hits and hits[0] <= 10 else 0,
            "map@20": sum(n / place for n, place in enumerate(hits, start=1)) / len(relevant),
        }
    )


def test_a_reference_cut_in_two_counts_as_found() -> None:
    reference = "公司于2017年3月成功募集了5亿元资金，支持了扩张。"
    halves = [reference[:12], reference[12:]]
    assert reference_recall([reference, "另一句话没有人检索得到。"], ["前文。" + reference]) == 1 / 2
    assert reference_recall([reference], halves) == 0


QUESTION = "绿源公司2017年的排放量是多少？"


@pytest.mark.parametrize(
    ("point", "said", "made"),
    [
        ("1. 绿源公司2017年的排放量为10,000吨。", "公司的排放量为10000吨", True),  # the year is in the question
        ("1. 绿源公司2017年的排放量为10,000吨。", "公司的排放量为12,000吨", False),
        ("排放量为0.5万吨", "排放量为0.5万吨", True),
        ("2017年的排放量", "绿源公司2017年的排放量", True),  # says no more than the question
        ("2017年的排放量", "", False),
        ("公司建设了废水处理系统", "同年建设废水处理系统一座", True),
        ("公司建设了废水处理系统", "绿源公司2017年的排放量下降", False),
    ],
)
def test_a_key_point_is_judged_by_the_words_of_the_question(point: str, said: str, made: bool) -> None:
    assert states(point, said, QUESTION) == made
