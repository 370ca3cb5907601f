"""ir-measures as it is used here, against plain Python and against sums done by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.ranking import CUTOFFS, RANKING_MEASURES, held_spans, ranking_scores

LAKE = "湖畔新区今年新建换电站二十六座，年底前全部投入运营。"
FERRY = "跨江轮渡自三月起延长夜间班次，末班时间推迟到二十三点。"
SCHOOL = "山区教学点全部接通光纤，远程课堂覆盖十二个乡镇。"
IDS = [f"p{i}" for i in range(14)]


def plain(spans: int, held: dict[str, frozenset[int]], ranked: list[str]) -> dict[str, float]:
    """The measures once more, from their definitions and without the library."""
    scores = {}
    for k in CUTOFFS:
        reached = set().union(*(held.get(passage, frozenset()) for passage in ranked[:k]), set())
        scores[f"evidence_recall@{k}"] = len(reached) / spans
    gains = [len(held.get(passage, ())) for passage in ranked[:10]]
    ideal = sorted((len(of) for of in held.values()), reverse=True)[:10]

    def discounted(values: list[int]) -> float:
        return sum(value / math.log2(place + 2) for place, value in enumerate(values))

    scores["ndcg@10"] = discounted(gains) / discounted(ideal) if ideal else 0.0
    scores["mrr@10"] = next((1 / (place + 1) for place, gain in enumerate(gains) if gain), 0.0)
    return scores


@given(
    st.dictionaries(st.sampled_from(IDS), st.frozensets(st.integers(0, 3), min_size=1), max_size=8),
    st.permutations(IDS),
    st.integers(0, 14),
)
def test_the_library_is_called_wrongly(held: dict[str, frozenset[int]], order: list[str], found: int) -> None:
    ranked = order[:found]
    assert ranking_scores(4, held, ranked) == pytest.approx(plain(4, held, ranked))


def test_ndcg_differs_from_the_sum_done_by_hand() -> None:
    held = {"both": frozenset({0, 1}), "one": frozenset({1})}
    # Gains 0, 1, 2 down the list against 2, 1 at best.
    expected = (1 / math.log2(3) + 2 / math.log2(4)) / (2 + 1 / math.log2(3))
    scores = ranking_scores(2, held, ["none", "one", "both"])
    assert scores["ndcg@10"] == pytest.approx(expected)
    assert scores["mrr@10"] == 1 / 2
    assert [scores[f"evidence_recall@{k}"] for k in CUTOFFS] == [0, 1, 1, 1]


def test_order_is_lost_where_names_sort_the_other_way() -> None:
    held = {"z": frozenset({0})}
    assert ranking_scores(1, held, ["z", "a"])["mrr@10"] == 1
    assert ranking_scores(1, held, ["a", "z"])["mrr@10"] == 1 / 2


def test_evidence_that_no_passage_holds_is_left_out_of_the_mean() -> None:
    scores = ranking_scores(2, {"p": frozenset({0})}, ["p"])
    assert scores["evidence_recall@1"] == 1 / 2
    assert ranking_scores(2, {}, ["p"]) == dict.fromkeys(RANKING_MEASURES, 0.0)


def test_a_stage_that_finds_nothing_is_left_out_of_the_mean() -> None:
    assert ranking_scores(1, {"p": frozenset({0})}, []) == dict.fromkeys(RANKING_MEASURES, 0.0)


def test_ranks_beyond_the_cutoff_count() -> None:
    ranked = [*IDS[:10], "held"]
    assert ranking_scores(1, {"held": frozenset({0})}, ranked) == dict.fromkeys(RANKING_MEASURES, 0.0)


def test_a_question_without_evidence_is_perfect() -> None:
    with pytest.raises(ValueError, match="at least one span"):
        ranking_scores(0, {}, ["p"])


def test_a_passage_with_less_than_six_tenths_of_the_evidence_holds_it() -> None:
    evidence = "甲乙丙丁戊己庚辛壬癸子丑"  # 5 grams
    passages = {"enough": evidence[:10], "less": evidence[:9], "other": LAKE}
    assert held_spans([evidence], passages) == {"enough": frozenset({0})}


def test_spans_are_mixed_up_between_passages() -> None:
    passages = {"a": SCHOOL + FERRY, "b": LAKE, "c": "无关。"}
    assert held_spans([LAKE, FERRY, SCHOOL], passages) == {"a": frozenset({1, 2}), "b": frozenset({0})}
