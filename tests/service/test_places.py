"""Place names in questions and texts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.places import names_any, places, rivals, spans


def test_provinces_cities_districts_and_countries_are_found():
    assert places("河南省郑州市与朝阳区、韩国合作") == {"河南", "郑州", "朝阳区", "韩国"}


def test_the_longer_name_wins():
    assert places("海南与海口") == {"海南", "海口"}
    assert places("黑龙江") == {"黑龙江"}


def test_a_text_without_a_place_names_none():
    assert places("数据要素市场") == frozenset()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("请问云港市的数字经济规模", {"云港"}),
        ("那云港市呢", {"云港"}),
        ("临江新区与江宁开发区的企业", {"临江新区", "江宁开发区"}),
        ("松岭县、白鹭县农业局", {"松岭县", "白鹭县"}),
        ("海城市与青禾市的枫桥镇", {"海城", "青禾", "枫桥镇"}),
        ("广西壮族自治区南宁市", {"广西", "南宁"}),
    ],
)
def test_an_unlisted_place_counts_by_its_suffix(text: str, names: set[str]):
    assert places(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("2023年云汀市工业用水量", {"云汀"}),
        ("2023年丹崖县和白鹭县", {"丹崖县", "白鹭县"}),
        ("15日云港市", {"云港"}),
        ("第3批丹崖县企业", {"丹崖县"}),
        ("12家云汀市企业", {"云汀"}),
        ("年家桥镇", {"年家桥镇"}),
        ("2023日照市", {"日照"}),
    ],
)
def test_what_a_figure_counts_is_taken_into_the_name_or_a_name_loses_its_first_character(text: str, names: set[str]):
    assert places(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "推动城市更新、老旧小区改造",
        "我市与本省各县",
        "全市各园区和社区",
        "上市公司与超市",
        "智慧城市中心城区",
        "示范区、工业区、核心区",
        "特色小镇与乡镇",
        "国家级新区",
        "粤港澳大湾区",
        "青石县级仓库",
        "云港市场",
        "县域区域市区城区",
    ],
)
def test_common_words_that_end_like_a_place_are_none(text: str):
    assert places(text) == frozenset()


def test_a_span_is_the_place_as_it_is_written():
    text = "请看苏州市与临江新区"
    assert [text[span.start : span.end] for span in spans(text)] == ["苏州市", "临江新区"]


@pytest.mark.parametrize(
    ("wanted", "text", "is_named"),
    [("松岭县", "松岭的仓库", True), ("云港", "云港市的仓库", True), ("松岭县", "白鹭县的仓库", False)],
)
def test_a_name_is_known_with_and_without_its_suffix(wanted: str, text: str, is_named: bool):
    assert names_any({wanted}, text) is is_named


@pytest.mark.parametrize(
    ("wanted", "text", "others"),
    [
        ("苏州", "上海的规模", {"上海"}),
        ("云港", "青禾市的规模", {"青禾"}),
        ("松岭县", "白鹭县的规模", {"白鹭县"}),
        ("苏州", "姑苏区的规模", set()),  # may lie in it
        ("临江新区", "南京的规模", set()),  # may hold it
        ("苏州", "苏州的规模", set()),
    ],
)
def test_a_place_inside_or_around_the_one_asked_for_is_no_other_place(wanted: str, text: str, others: set[str]):
    assert rivals({wanted}, text) == others


@given(st.text(st.sampled_from("云港苏州临江新区市县省镇全我各城小园的和 a1，"), max_size=25))
def test_spans_stand_in_order_and_apart(text: str):
    found = spans(text)
    assert all(0 <= span.start < span.end <= len(text) for span in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
