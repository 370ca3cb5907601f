import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eval.measures import (
    character_f1,
    citation_precision,
    citation_recall,
    exact_match,
    fact_recall,
    forbidden_figures,
    mean,
    median_length,
    occurs,
    overlap,
    stands,
    without_markers,
)

LAKE = "湖畔新区今年新建换电站二十六座，年底前全部投入运营。"
FERRY = "跨江轮渡自三月起延长夜间班次，末班时间推迟到二十三点。"
SCHOOL = "山区教学点全部接通光纤，远程课堂覆盖十二个乡镇。"
words = st.text(alphabet="湖畔新区今年建换电站跨江轮渡学校光纤乡镇", min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("135", "共有1350家"),
        ("135", "编号2135的泵站"),
        ("3.5", "增长13.5%"),
        ("3.5", "增长3.55%"),
        ("13", "增长13.5%"),
        ("5", "增长3.5%"),
        ("350", "登记1,350户"),
        ("35", "登记1,350户"),
        ("30%", "降低30个工时"),
        ("30%", "降低130%"),
        ("5", "拨款5万元"),
        ("5万", "拨款5万亿元"),
        ("2022", "从2021年到20 22号楼"),
        ("2122", "2021、22两年"),
        ("C++", "用C#编写"),
        ("", "空的形式"),
        ("——", "只有——标点"),
    ],
)
def test_a_form_does_not_match_inside_something_else(form: str, text: str) -> None:
    assert not occurs(form, text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("135", "共有135家"),
        ("135家", "共有 135 家"),
        ("3.5", "增长3.5。"),
        ("3.5%", "增长３．５％"),
        ("30%", "降低 30 % 的工时"),
        ("30", "降低30%"),
        ("1350户", "登记1,350户"),
        ("1,350户", "登记1350户"),
        ("5万", "拨款5万元"),
        ("2022", "2021、2022两年"),
        ("2022", "首批（2022），其余另定"),
        ("换电站", "换 电\n站"),
        ("换电站", "換電站"),
        ("湖畔、新区", "“湖畔”新区"),
        ("c++", "用Ｃ＋＋编写"),
        ("可读+可写", "“可读＋可写”"),
        ("甲-乙-丙", "甲—乙—丙走廊"),
    ],
)
def test_a_form_matches_whatever_the_spelling(form: str, text: str) -> None:
    assert occurs(form, text)


@given(st.integers(0, 99999), st.integers(0, 99999), words, words)
def test_a_whole_number_occurs_exactly_when_it_is_the_number(sought: int, told: int, before: str, after: str) -> None:
    assume(after[0] not in "万亿")
    assert occurs(str(sought), f"{before}{told}{after}") == (sought == told)


@given(words, words, words)
def test_a_form_is_found_between_any_words(before: str, form: str, after: str) -> None:
    assert occurs(form, before + form + after)


def test_fact_recall_takes_one_form_of_each_fact() -> None:
    facts = [["26座", "二十六座"], ["年底前"], ["夜间班次"]]
    assert fact_recall(facts, LAKE) == pytest.approx(2 / 3)
    assert fact_recall(facts, LAKE + FERRY) == 1
    assert fact_recall(facts, "") == 0


def test_measures_of_nothing_are_refused_instead_of_perfect() -> None:
    with pytest.raises(ValueError, match="at least one fact"):
        fact_recall([], LAKE)
    with pytest.raises(ValueError, match="at least one fact"):
        character_f1([], LAKE)
    with pytest.raises(ValueError, match="at least one span"):
        citation_recall([], [LAKE])


def test_forbidden_figures_are_found_whole() -> None:
    assert forbidden_figures(["18%", "7亿元", "9家"], "比重为18%，共19家") == ["18%"]


@given(words, words, words)
def test_overlap_is_whole_when_the_part_stands_in_the_whole(before: str, part: str, after: str) -> None:
    assert overlap(part, before + part + after) == 1


def test_overlap_counts_grams_of_eight() -> None:
    # Twelve characters have five grams; nine of them in front have the first two.
    assert overlap("甲乙丙丁戊己庚辛壬癸子丑", "前甲乙丙丁戊己庚辛壬后") == pytest.approx(2 / 5)
    assert overlap("甲乙丙", "前甲乙丙后") == 1
    assert overlap("甲乙丙", "前甲乙后") == 0
    assert overlap("", LAKE) == 0


def test_citation_precision_accepts_a_clause_and_its_paragraph_but_nothing_beside() -> None:
    assert citation_precision([LAKE], [LAKE[:14], FERRY + LAKE, SCHOOL]) == pytest.approx(2 / 3)
    assert citation_precision([LAKE], []) == 0


def test_citation_recall_counts_the_spans_that_any_quote_is_about() -> None:
    assert citation_recall([LAKE, FERRY, SCHOOL], [FERRY, LAKE[:14], FERRY]) == pytest.approx(2 / 3)
    assert citation_recall([LAKE], []) == 0


def test_a_quote_with_little_of_the_evidence_is_beside_it() -> None:
    evidence = "甲乙丙丁戊己庚辛壬癸子丑"  # 5 grams
    assert citation_precision([evidence], ["前后左右中间上下远近" + evidence[:9]]) == 1  # holds 2 of them
    assert citation_precision([evidence], ["前后左右中间上下远近" + evidence[:8]]) == 0  # holds 1


def test_an_exact_match_is_a_form_and_nothing_else() -> None:
    facts = [["26座", "二十六座"], ["年底前"]]
    assert exact_match(facts, "２６ 座。")
    assert exact_match(facts, "年底前")
    assert not exact_match(facts, "共26座")
    assert not exact_match(facts, "126座")
    assert not exact_match(facts, "")


def test_character_f1_counts_repeats_and_takes_the_best_form_of_each_fact() -> None:
    # Two of three characters said, two of four sought: 2·2 / (3 + 4).
    assert character_f1([["甲乙丙丁"]], "甲乙戊") == pytest.approx(4 / 7)
    assert character_f1([["甲甲"]], "甲") == pytest.approx(2 / 3)
    assert character_f1([["戊", "甲乙"], ["己"]], "甲、乙") == pytest.approx((1 + 0) / 2)
    assert character_f1([["甲"]], "") == 0


@given(words, words)
def test_character_f1_is_symmetric_and_whole_for_the_form_itself(first: str, second: str) -> None:
    assert character_f1([[first]], second) == pytest.approx(character_f1([[second]], first))
    assert character_f1([[first]], first) == 1


def test_a_quote_stands_only_character_for_character() -> None:
    document = "第一段。\n湖畔新区\n今年新建换电站。"
    assert stands("湖畔新区今年 新建", document)
    assert not stands("湖畔新区，今年新建", document)
    assert not stands(" \n", document)


def test_markers_are_no_figures_and_no_length() -> None:
    assert without_markers("增至26座[1][12]。") == "增至26座。"
    assert median_length(["四个字吗[1]", "两字", "六个字的答案[10]"]) == 4
    assert median_length([]) == 0


@given(st.lists(st.floats(0, 1), min_size=1))
def test_mean_is_the_mean(values: list[float]) -> None:
    assert mean(values) == pytest.approx(statistics.mean(values))


def test_mean_of_nothing_is_zero() -> None:
    assert mean([]) == 0
