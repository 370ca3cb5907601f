"""Negations: one that is put in, left out or turned round is found, others are let be."""

import pytest

from service.polarity import turned


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("申请可以转让", "申请不可以转让"),
        ("出现人员伤亡", "没有出现人员伤亡"),
        ("逾期答复的", "逾期未答复的"),
        ("允许使用拖网", "严禁使用拖网"),
        ("水厂继续使用地下水", "水厂停止使用地下水"),
        ("办卡收任何费用", "办卡不收任何费用"),
        ("甲园不收门票", "甲园收门票"),
        ("甲园收门票", "甲园不收门票,乙园收门票"),
        ("乙园不收门票", "甲园不收门票,乙园收门票"),
        ("产量下降", "产量上升"),
        ("公园收费", "公园免费"),
    ],
)
def test_opposite_passes(sentence: str, source: str) -> None:
    assert turned(sentence, source) is not None


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("任何费用都不收", "办卡不收任何费用"),
        ("转让不被允许", "不被允许转让"),
        ("乙园收门票", "甲园不收门票,乙园收门票"),
        ("甲园不收门票", "甲园不收门票,乙园收门票"),
        ("以不共享为例外", "以共享为原则、不共享为例外"),
        ("以共享为原则", "以共享为原则、不共享为例外"),
        ("无人机不断增加", "无人机增加"),
        ("非常重要的未来产业", "重要的产业"),
        ("不少于三家", "三家以上"),
        ("产量上升", "产量上升,成本下降"),
        ("", "不得转让"),
    ],
)
def test_word_with_a_sign_like_a_negation_or_another_order_fails(sentence: str, source: str) -> None:
    assert turned(sentence, source) is None
