"""What a question is understood to ask for."""

import pytest

from indexer.errors import QuestionError
from service.question import MAX_CHARACTERS, Kind, Turn, understand, years


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("东湾公园的总投资是多少？", Kind.NUMBER),
        ("全市新增绿地 面积", Kind.NUMBER),
        ("要建成几座公园？", Kind.NUMBER),
        ("西滩公园哪年完工？", Kind.DATE),
        ("啥时候开工的", Kind.DATE),
        ("保障措施有哪些？", Kind.LIST),
        ("监测体系分几层", Kind.LIST),
        ("为什么要提前预警？", Kind.REASON),
        ("东湾和西滩的投资有什么区别？", Kind.COMPARISON),
        ("请概括物资储备的安排", Kind.SUMMARY),
        ("什么是雷达水位计", Kind.DEFINITION),
        ("这个公园叫什么名字？", Kind.NAME),
        ("仓库设在哪里？", Kind.PLACE),
        ("谁任总指挥？", Kind.ENTITY),
    ],
)
def test_kind_of_answer(text: str, kind: Kind):
    assert understand(text).kind is kind


@pytest.mark.parametrize(
    ("text", "fits", "fits_not"),
    [
        ("总投资多少钱？", "共计2.8亿元", "共计28家"),
        ("占地面积有多大？", "占地3万平方米", "投资3亿元"),
        ("有多少家企业？", "入驻企业12余家", "投资12亿元"),
        ("占全国的百分之几？", "占31%", "共31家"),
        ("来了多少人？", "接待120万人次", "接待120天"),
    ],
)
def test_a_figure_must_have_the_unit_that_is_asked_for(text: str, fits: str, fits_not: str):
    form = understand(text).form
    assert form is not None
    assert form.search(fits)
    assert not form.search(fits_not)


def test_digits_in_a_name_or_a_date_are_no_answer_to_how_many():
    form = understand("全省5G基站建了多少？").form
    assert form is not None
    assert not form.search("2023年底前实现5g全覆盖，互联网3.0加快发展")
    assert form.search("已建成5g基站4.7万个")


def test_a_name_is_a_quoted_term_that_the_question_does_not_hold():
    form = understand("东湾公园的中文别名叫什么？").form
    assert form is not None
    assert form.search("当地人称为“观潮台”")
    assert not form.search("又名“tidal park”")
    assert not form.search("即“东湾公园”")


def test_no_figure_is_wanted_where_none_is_asked_for():
    assert understand("谁任总指挥？").form is None


@pytest.mark.parametrize(
    ("text", "count"), [("分为哪六个方面？", 6), ("哪4大任务", 4), ("有哪些任务", None), ("哪年建成", None)]
)
def test_how_many_things_are_wanted(text: str, count: int | None):
    assert understand(text).count == count


def test_years_and_places_are_noticed_and_counts_are_no_years():
    question = understand("２０２３年苏州的数字经济规模有没有2000亿元？")
    assert question.years == {"2023"}
    assert question.places == {"苏州"}
    assert years("2000家企业、2021-2025年、产值2022.5亿元") == {"2021", "2025"}


def test_function_words_are_not_searched_for():
    tokens = understand("请问东湾公园的总投资到底是多少呢？").tokens
    assert "东湾" in tokens
    assert "投资" in tokens
    assert not {"请问", "到底", "的总", "多少", "呢"} & set(tokens)


def test_a_question_of_function_words_only_still_has_something_to_search_for():
    assert understand("那是什么？").tokens


@pytest.mark.parametrize(
    ("text", "says"), [("", "空"), (" \n\t", "空"), ("？！…", "词"), ("字" * (MAX_CHARACTERS + 1), "上限")]
)
def test_what_cannot_be_asked_is_refused_with_the_reason(text: str, says: str):
    with pytest.raises(QuestionError, match=says):
        understand(text)


HISTORY = (Turn("user", "东湾公园的总投资是多少？"), Turn("assistant", "2.8亿元。[1]"))


def test_a_follow_up_takes_over_the_question_before_it():
    question = understand("那西滩公园呢？", HISTORY)
    assert question.text == "那西滩公园呢？"
    assert "投资" in question.tokens
    assert "西滩" in question.tokens


def test_a_full_question_leaves_the_conversation_alone():
    assert "投资" not in understand("县级仓库储备了多少条编织袋？", HISTORY).tokens
