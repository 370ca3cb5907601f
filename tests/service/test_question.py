"""What a question is understood to ask for."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import QuestionError
from service.figures import figures
from service.question import MAX_CHARACTERS, Kind, Turn, periods, search_tokens, understand, years

QUESTIONS = Path(__file__).parent.parent / "data" / "questions.jsonl"


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
        ("东湾公园是否免费？", Kind.YES_NO),
        ("预案里有没有提到无人机", Kind.YES_NO),
        ("公园夜里开放吗？", Kind.YES_NO),
        ("能不能告诉我公园多大？", Kind.NUMBER),
        ("能否介绍物资储备的安排", Kind.FACT),
        ("公园的目标是什么？", Kind.FACT),
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
        ("1号线有多少个站？", "设车站19座", "全长34公里"),
        ("有多少个区县？", "二十一个", "第二十一条"),
        ("办了几个班？", "共办班3期12个", "第三批"),
        ("有多少个项目？", "实施项目37项", "总投资37万元"),
        ("有多少个部门参加？", "十二家", "其中一部分"),
        ("要多少个小时？", "24小时内", "24个"),
        ("要几个月？", "共6个月", "共6家"),
        ("有多少座车站？", "19座", "19家"),
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
    assert years("2000家企业、2021-2025年、产值2022.5亿元") == {"2021", "2022", "2023", "2024", "2025"}


def test_most_questions_are_seen_for_what_they_ask():
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    right = Counter(row["kind"] for row in rows if understand(row["question"]).kind.value == row["kind"])
    asked = Counter(row["kind"] for row in rows)
    assert asked.keys() == {kind.value for kind in Kind}
    assert right.total() / asked.total() >= 0.95
    assert [kind for kind in asked if right[kind] / asked[kind] < 0.8] == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("二〇二一年的规划", {"2021"}),
        ("苏州 2020 数字经济规模", {"2020"}),
        ("2020 人工智能产业规模", {"2020"}),  # no 2020 persons
        ("2021 家电下乡", {"2021"}),  # no 2021 households
        ("2000多家企业、2000个人、2000平方米", set()),
        ("2021年至2023年", {"2021", "2022", "2023"}),
        ("1949-2019年", {"1949", "2019"}),
        ("十四五规划", set()),
    ],
)
def test_a_year_is_told_from_a_count(text: str, named: set[str]):
    assert understand(text).years == named


def test_parts_of_a_year_have_one_spelling():
    assert periods("第三季度、3季度、q3") == {"第三季度"}
    assert periods("上半年、五月、5月份") == {"上半年", "5月"}
    assert periods("三季度末的月球与第12月") == {"第三季度", "12月"}


def test_titles_and_organisations_are_noticed():
    question = understand("云江市园林局的《海洋公园方案》讲了什么？")
    assert question.titles == ("海洋公园方案",)
    assert question.organisations == ("云江市园林局",)


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ("苏州 2020 数字经济规模", "苏州2020年的数字经济规模是多少？"),
        ("西滩公园 完工时间", "西滩公园什么时候完工？"),
        ("防汛 牵头单位", "防汛由哪个单位牵头？"),
        ("仓库 地址", "仓库在哪里？"),
    ],
)
def test_keywords_ask_like_their_sentence(keywords: str, sentence: str):
    one, other = understand(keywords), understand(sentence)
    assert (one.kind, one.years, one.places) == (other.kind, other.years, other.places)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("三十家企业", "30"),
        ("百分之六十的学校", "60%"),
        ("二〇二一年的规划", "2021"),
        ("320元的房租", "三百"),
        ("占60%的学校", "六十"),
        ("2021年的规划", "二一"),
        ("2000家企业", "二千"),
    ],
)
def test_figures_are_searched_for_in_both_scripts(text: str, other: str):
    assert other in understand(text).tokens


def test_small_figures_and_names_are_not_respelled():
    tokens = understand("哪三个5G基站用了IPv6").tokens
    assert not {"3", "五", "六"} & set(tokens)


@given(st.integers(10, 9999))
def test_a_figure_and_its_other_spelling_are_one_figure(number: int):
    tokens = search_tokens(f"补贴{number}元")
    spelled = [token for token in tokens if token not in search_tokens(f"补贴{number}")]
    assert all(figures(token + "元") for token in spelled if token != "元")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("怎么申请补贴？", "申请"),
        ("聘请的专家有多少？", "聘请"),
        ("统一下达的指标", "下达"),
        ("酒吧整治的范围", "酒吧"),
        ("东西部协作有哪些项目？", "西部"),
        ("帮扶政策有哪些？", "帮扶"),
        ("地方政府的责任是什么？", "地方"),
        ("军人家属的优待", "家属"),
        ("2021年工作总结", "总结"),
        ("咨询公司有几家？", "咨询"),
    ],
)
def test_no_word_is_cut_as_filler(text: str, word: str):
    assert word in understand(text).tokens


@pytest.mark.parametrize(
    "polite", ["请问{}", "你好，我想了解一下{}", "麻烦您帮我查一下{}", "请您介绍一下{}", "{}，谢谢！"]
)
def test_politeness_leaves_the_search_as_it_was(polite: str):
    plain = "东湾公园的总投资"
    assert understand(polite.format(plain)).tokens == understand(plain).tokens


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
