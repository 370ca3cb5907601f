"""A sentence that shares little with what it cites is not carried by it, however right its figures are."""

import pytest

from service.entailment import MIN_ENTAILED, entailed_share
from service.verify import unfounded

RENT = "每套公寓的月租金是三百二十元，水费电费按照实际用量另外收取。"
FLOOD = "县水务站在青石河沿线布设雷达水位计32台、雨量站57处，数据每5分钟回传一次。"
FAITHFUL = [
    ("公寓每套月租金为320元。", RENT),
    ("水费和电费按实际用量另外收取。", RENT),
    ("青石河沿线由县水务站布设了57处雨量站。", FLOOD),
    ("雷达水位计有32台，每5分钟回传一次数据。", FLOOD),
]
STRANGE = [
    ("公寓的住户可以免费停车。", RENT),
    ("水费由县财政补贴。", RENT),
    ("青石河的鱼类资源丰富。", FLOOD),
    ("水务站计划扩建并招聘值班员。", FLOOD),
]


@pytest.mark.parametrize(("sentence", "span"), FAITHFUL)
def test_faithful_rewording_is_dropped(sentence: str, span: str) -> None:
    assert unfounded(sentence, [span]) is None
    assert entailed_share(sentence, span) > MIN_ENTAILED


@pytest.mark.parametrize(("sentence", "span"), STRANGE)
def test_claim_that_the_source_does_not_make_gets_through(sentence: str, span: str) -> None:
    assert unfounded(sentence, [span]) is not None
    assert entailed_share(sentence, span) < MIN_ENTAILED


def test_altered_figure_gets_through() -> None:
    assert unfounded("公寓每套月租金为330元。", [RENT]) is not None


def test_sentence_that_cites_nothing_gets_through() -> None:
    assert unfounded("公寓每套月租金为320元。", []) is not None


def test_other_spelling_of_a_figure_counts_against_a_sentence() -> None:
    assert entailed_share("320元", RENT) == entailed_share("三百二十元", RENT) == 1.0
