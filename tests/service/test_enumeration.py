"""How many things a text enumerates: neither one too many nor one too few, and nothing where nothing is enumerated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.enumeration import announced, sizes

THINGS = st.lists(st.sampled_from(("修渠", "护林", "清淤", "补路", "架桥", "种草")), min_size=2, max_size=9)
CHINESE = "一二三四五六七八九"


@given(THINGS, st.sampled_from(("", "。", "等。")))
def test_things_between_commas_are_miscounted(things: list[str], end: str) -> None:
    assert len(things) in sizes("任务是" + "、".join(things) + end)


@given(THINGS, st.sampled_from("和及与"))
def test_last_thing_behind_an_and_is_left_out(things: list[str], conjunction: str) -> None:
    assert len(things) + 1 in sizes("、".join(things) + conjunction + "巡河。")


@given(
    THINGS,
    st.sampled_from(("{n}.{thing}\n", "{n}．{thing} ", "（{n}）{thing}；", "{c}、{thing}\n", "（{c}）{thing}\n")),
)
def test_numbers_in_front_are_miscounted(things: list[str], form: str) -> None:
    text = "".join(form.format(n=i + 1, c=CHINESE[i], thing=thing) for i, thing in enumerate(things))
    assert len(things) in sizes(text)


@given(THINGS, st.sampled_from(("{c}是{thing}，", "第{c}，{thing}。", "第{c}步{thing}。")))
def test_ordinals_within_a_sentence_are_miscounted(things: list[str], form: str) -> None:
    text = "，" + "".join(form.format(c=CHINESE[i], thing=thing) for i, thing in enumerate(things))
    assert len(things) in sizes(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("首先勘察，其次立项，最后招标。", 3),
        ("县里出资金；乡里出土地；村里出人工。", 3),
        ("入选的有《渔歌》《春耕图》《北山行》。", 3),
        ("口号是“早”和“稳”。", 2),
        ("完成清淤，新建泵站、水闸。", 2),
        ("修渠、护林；清淤、补路、架桥。", 3),
    ],
)
def test_other_ways_of_enumerating_are_not_seen(text: str, size: int) -> None:
    assert size in sizes(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "全县修渠40公里。",
        "第三季度完成投资2亿元。",
        "完成投资 1.5亿元，同比增长 2.5%。",
        "水稻 | 1.5 | 2.3 | 3.1",
        "县里出资金；乡里出土地。",
        "《渔歌》获奖。",
        "首先感谢各位。",
        "他在第一小学读书。",
        "共十一个乡镇。",
    ],
)
def test_something_is_enumerated_where_nothing_is(text: str) -> None:
    assert sizes(text) == frozenset()


def test_numbers_out_of_turn_go_on_with_the_count() -> None:
    assert sizes("1.修渠\n2.护林\n4.清淤\n") == {2}
    assert sizes("2.护林\n3.清淤\n") == frozenset()


def test_list_that_can_be_read_in_two_ways_is_read_in_one() -> None:
    assert sizes("修渠、护林和清淤。") == {2, 3}


@given(st.text(max_size=80))
def test_arbitrary_text_breaks_counting(text: str) -> None:
    assert all(size >= 2 for size in sizes(text))


@pytest.mark.parametrize(
    ("lead", "count"),
    [
        ("主要做法有四个方面：", 4),
        ("本县三年内完成三件事：", 3),
        ("有下列六种情形之一的：", 6),
        ("应当符合以下12项要求:", 12),
        ("应当在十个工作日内提交：", None),
        ("有五件以上的应当登记：", None),
        ("应当提交以下材料：", None),
        ("有两条渠的村，应当提交：", None),
        ("做法有四个方面。", None),
    ],
)
def test_lead_in_announces_another_number_of_items(lead: str, count: int | None) -> None:
    assert announced(lead) == count
