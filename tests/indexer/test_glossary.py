"""Names of one thing: shipped, and read off the texts."""

import pytest

from indexer.glossary import Glossary, learn, shipped
from indexer.text import fold

PAIR = Glossary((("xr", "扩展现实"),))


def test_a_name_brings_the_other_names_of_its_group():
    assert PAIR.others("扩展现实终端已经量产。") == ["xr"]
    assert PAIR.expand("新型ＸＲ终端").endswith("\n扩展现实")


def test_a_text_without_any_name_stays_as_it_is():
    assert PAIR.expand("水利工程") == "水利工程"


@pytest.mark.parametrize("text", ["XRD分析仪", "AXR公司", "xr2型"])
def test_an_acronym_inside_a_longer_word_is_no_name(text: str):
    assert PAIR.others(text) == []


def test_names_of_a_group_that_all_stand_in_the_text_add_nothing():
    assert PAIR.others("扩展现实（XR）") == []


def test_shipped_groups_are_folded_have_two_names_and_share_none():
    names = [name for group in shipped().groups for name in group]
    assert all(len(group) >= 2 for group in shipped().groups)
    assert all(name == fold(name) for name in names)
    assert sorted(names) == sorted(set(names))


def test_a_text_that_defines_an_acronym_teaches_it():
    texts = ["市里推广水质自动监测站（WQS），水质自动监测站每小时上报一次。", "各县都建水质自动监测站。"]
    assert learn(texts, Glossary(())).groups == (("wqs", "水质自动监测站"),)


def test_of_the_words_before_the_bracket_only_the_name_is_taken():
    texts = ["研究人员使用地下管网模型（UPM）推演内涝。地下管网模型精度很高。"]
    assert learn(texts, Glossary(())).groups == (("upm", "地下管网模型"),)


@pytest.mark.parametrize("text", ["PICO（中国）", "Alpha（超越）", "AR（企业级和消费级市场）"])
def test_a_remark_in_brackets_is_no_name(text: str):
    assert learn([text] * 3, Glossary(())).groups == ()


def test_what_the_base_knows_is_not_learned_again_and_learning_is_repeatable():
    texts = ["扩展现实（XR）与数字底座平台（DBP）。数字底座平台已上线。"]
    learned = learn(texts, PAIR)
    assert learned.groups == (("xr", "扩展现实"), ("dbp", "数字底座平台"))
    assert learn(texts, PAIR) == learned
