"""Follow-ups put so that they stand alone."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.conversation import Turn, resolve

QUESTIONS = Path(__file__).parent.parent / "data" / "questions.jsonl"

PARK = ("东湾公园的总投资是多少？", "2.8亿元。[1]")
MAKER = ("哪家公司开发了数字人主播？", "星河公司开发了数字人主播。[1]")
LAW = ("《数据安全条例》是谁制定的？", "市人大常委会制定。[1]")
CITY = ("苏州2020年的数字经济规模是多少？", "9827亿元。[1]")
LIST = ("保障措施有哪些？", "- 核对工程量，防止虚报。[1]\n- 抽查苗木成活率，不得低于95%。[2]\n- 听取周边居民意见。[3]")


def talk(*messages: str) -> tuple[Turn, ...]:
    """User and assistant in turn."""
    return tuple(Turn(("user", "assistant")[i % 2], message) for i, message in enumerate(messages))


@pytest.mark.parametrize(
    ("before", "text", "resolved"),
    [
        (CITY, "那深圳呢？", "深圳2020年的数字经济规模是多少？"),
        (CITY, "那2021年呢？", "苏州2021年的数字经济规模是多少？"),
        (CITY, "2021呢", "苏州2021年的数字经济规模是多少？"),
        (CITY, "换成云港市呢", "云港市2020年的数字经济规模是多少？"),
        (CITY, "深圳2021年呢？", "深圳2021年的数字经济规模是多少？"),
        (("苏州 2020 数字经济规模", ""), "深圳", "深圳 2020 数字经济规模"),
        (("数字经济规模是多少？", ""), "2021年呢？", "2021年数字经济规模是多少？"),
        (("今年的高温补贴是多少？", ""), "去年呢？", "去年的高温补贴是多少？"),
        (("上半年粮食产量是多少？", ""), "下半年呢", "下半年粮食产量是多少？"),
        (("云港市的贷款额度是多少？", ""), "临江新区呢？", "临江新区的贷款额度是多少？"),
        (("星河公司的利润是多少？", ""), "青山公司呢？", "青山公司的利润是多少？"),
        (LAW, "那《网络安全办法》呢？", "《网络安全办法》是谁制定的？"),
        (("第一个阶段的任务是什么？", ""), "第二个阶段呢？", "第二个阶段的任务是什么？"),
    ],
)
def test_what_is_named_replaces_its_like_and_nothing_else(before: tuple[str, str], text: str, resolved: str):
    assert resolve(text, talk(*before)) == resolved


@pytest.mark.parametrize(
    ("before", "text", "resolved"),
    [
        (PARK, "那西滩公园呢？", "西滩公园的总投资是多少？"),
        (("县级仓库储备了多少条编织袋？", ""), "救生衣呢？", "县级仓库储备了多少条救生衣？"),
        (("县级仓库储备了多少条编织袋？", ""), "乡镇仓库呢？", "乡镇仓库储备了多少条编织袋？"),
        (("一等奖奖金多少？", ""), "二等奖呢？", "二等奖奖金多少？"),
        (("元宇宙的定义是什么？", ""), "那虚拟人呢？", "虚拟人的定义是什么？"),
        (("产假能休几天？", ""), "陪产假呢？", "陪产假能休几天？"),
    ],
)
def test_a_thing_without_a_kind_replaces_what_ends_like_it_or_is_asked_about(
    before: tuple[str, str], text: str, resolved: str
):
    assert resolve(text, talk(*before)) == resolved


@pytest.mark.parametrize(
    ("before", "text", "resolved"),
    [
        (PARK, "它的面积是多少？", "东湾公园的面积是多少？"),
        (PARK, "那它什么时候开工的？", "东湾公园什么时候开工的？"),
        (MAKER, "它成立于哪一年？", "星河公司成立于哪一年？"),
        (MAKER, "该公司总部在哪里？", "星河公司总部在哪里？"),
        (("防汛工作由哪个部门牵头？", "由县应急局牵头。[1]"), "这个部门的电话是多少？", "县应急局的电话是多少？"),
        (("谁任总指挥？", "县长任总指挥。"), "他有几名副手？", "县长有几名副手？"),
        (LAW, "该条例的处罚标准是什么？", "《数据安全条例》的处罚标准是什么？"),
        (("云港市的贷款额度是多少？", ""), "该市的房价收入比是多少？", "云港市的房价收入比是多少？"),
        (("什么是海绵城市？", "会吸水的城市。"), "它有什么好处？", "海绵城市有什么好处？"),
        (("虚拟现实和增强现实有什么区别？", ""), "后者的应用场景有哪些？", "增强现实的应用场景有哪些？"),
        (("虚拟现实和增强现实有什么区别？", ""), "前者呢？", "虚拟现实呢？"),
    ],
)
def test_a_word_that_points_gives_way_to_what_it_points_at(before: tuple[str, str], text: str, resolved: str):
    assert resolve(text, talk(*before)) == resolved


@pytest.mark.parametrize(
    ("before", "text", "resolved"),
    [
        (PARK, "面积呢？", "东湾公园的面积是多少？"),
        (PARK, "什么时候建成？", "东湾公园什么时候建成？"),
        (PARK, "由谁施工？", "东湾公园由谁施工？"),
        (LAW, "什么时候发布的？", "《数据安全条例》什么时候发布的？"),
        (("什么是海绵城市？", ""), "有哪些措施？", "海绵城市有哪些措施？"),
        (("医保新规从什么时候开始执行？", ""), "适用范围呢？", "医保新规的适用范围是什么？"),
    ],
)
def test_another_side_of_the_thing_spoken_of(before: tuple[str, str], text: str, resolved: str):
    assert resolve(text, talk(*before)) == resolved


RAIL = ("轨道交通2号线全长多少公里？", "41.6公里。[1]")
WATER = ("2023年末石坝水库蓄水量是多少？", "4730万立方米。[1]")
RATE = ("老旧管网更新的补助比例是多少？", "30%。[1]")


@pytest.mark.parametrize(
    ("before", "text", "resolved"),
    [
        (RAIL, "它什么时候建成？", "轨道交通2号线什么时候建成？"),
        (("石坝水库总库容多大？", ""), "它在哪里？", "石坝水库在哪里？"),
        (RATE, "上限是多少？", "老旧管网更新的上限是多少？"),
        (RATE, "下限呢？", "老旧管网更新的下限是多少？"),
        (("轨道交通1号线设多少站？", ""), "投资呢？", "轨道交通1号线的投资是多少？"),
        (("2号线途经哪些区？", ""), "全长呢？", "2号线的全长是多少？"),
        (("丹崖县试点发了多少钱？", ""), "什么时候开始？", "丹崖县试点什么时候开始？"),
        (("污水管网改造怎么申请？", ""), "条件呢？", "污水管网改造的条件是什么？"),
    ],
)
def test_a_measure_or_a_bare_verb_is_taken_for_the_thing(before: tuple[str, str], text: str, resolved: str):
    assert resolve(text, talk(*before)) == resolved


@pytest.mark.parametrize(
    ("before", "text", "resolved"),
    [
        (WATER, "为什么减少？", "2023年末石坝水库蓄水量为什么减少？"),
        (WATER, "为什么比2022年少了？", "2023年末石坝水库蓄水量为什么比2022年少了？"),
        (WATER, "那怎么突然下降这么多呢", "2023年末石坝水库蓄水量怎么突然下降这么多呢？"),
        (RATE, "为何上调？", "老旧管网更新的补助比例为何上调？"),
        (RATE, "为什么丹崖县少了？", "为什么丹崖县少了？"),
        (RATE, "为什么要限制养犬？", "为什么要限制养犬？"),
        (RATE, "怎么减少污水排放？", "怎么减少污水排放？"),
    ],
)
def test_a_change_of_nothing_named_is_searched_for_alone(before: tuple[str, str], text: str, resolved: str):
    assert resolve(text, talk(*before)) == resolved


@pytest.mark.parametrize("text", ["还有呢？", "那其他的呢", "还有吗", "详细说说", "能再具体一点吗？", "还有别的吗"])
def test_asking_for_more_asks_the_last_question_again(text: str):
    assert resolve(text, talk(*LIST)) == LIST[0]


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("为什么？", "保障措施的原因是什么？"),
        ("理由是什么？", "保障措施的理由是什么？"),
        ("依据呢", "保障措施的依据是什么？"),
    ],
)
def test_asking_why_asks_for_the_reason_of_what_was_asked(text: str, resolved: str):
    assert resolve(text, talk(*LIST)) == resolved


@pytest.mark.parametrize(
    ("before", "text", "resolved"),
    [
        (LIST, "第二个呢？", "抽查苗木成活率的具体内容是什么？"),
        (LIST, "最后一条由谁负责？", "听取周边居民意见由谁负责？"),
        (("哪几个城市试点？", "青禾市、沙洲县和白鹭县。[1]"), "第三个什么时候开始？", "白鹭县什么时候开始？"),
    ],
)
def test_a_number_picks_the_item_of_the_answer(before: tuple[str, str], text: str, resolved: str):
    assert resolve(text, talk(*before)) == resolved


def test_a_number_beyond_the_list_does_not_pick_another_item():
    assert resolve("第九个呢？", talk(*LIST)) == "保障措施有哪些？ 第九个呢？"


def test_two_things_of_a_kind_are_not_guessed_between():
    assert resolve("那深圳呢？", talk("苏州和杭州哪个更高？", "苏州。")) == "苏州和杭州哪个更高？ 那深圳呢？"


def test_follow_ups_of_follow_ups_lean_on_what_was_understood():
    history = talk(*CITY, "那深圳呢？", "没有。", "谢谢", "不客气。")
    assert resolve("2021年呢？", history) == "深圳2021年的数字经济规模是多少？"


def test_the_newest_topic_counts():
    assert resolve("面积呢？", talk(*CITY, *PARK)) == "东湾公园的面积是多少？"


@pytest.mark.parametrize(
    "text",
    [
        "养犬管理及其处罚有哪些规定？",
        "欧盟通过的法案里，其罚款上限是多少？",
        "应该由谁报告食品安全事故？",
        "因此受损的农户该找谁赔偿？",
        "其他城市的落户条件有哪些？",
        "那县级仓库储备了多少条编织袋？",
        "这几年的粮食产量是多少？",
        "总部搬迁该由哪个部门审批？",
        "第一家无人药店开在哪儿？",
    ],
)
def test_a_question_that_only_looks_as_if_it_leaned_is_not_altered(text: str):
    assert resolve(text, talk(*CITY, *PARK)) == text


def test_full_questions_are_not_altered_by_any_conversation():
    asked = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    full = [text for text in asked if not any(word in text for word in ("这", "那", "该", "他们"))]
    assert len(full) > 150
    for before in (PARK, LIST, MAKER):
        assert [text for text in full if resolve(text, talk(*before)) != text] == []


MESSAGES = st.one_of(
    st.sampled_from(
        [*CITY, *LIST, "那深圳呢？", "它呢", "第二个呢？", "谢谢", "该公司的目标是什么？", "", "的", "[1]", "为什么"]
    ),
    st.text(st.sampled_from("那它其该这第二个呢的公司目标年2021苏州？?《》“” \n、和"), max_size=20),
    st.text(max_size=20),
)


@given(MESSAGES)
def test_without_a_history_nothing_changes(text: str):
    assert resolve(text, ()) == text


@given(MESSAGES, st.lists(st.builds(Turn, st.sampled_from(["user", "assistant", "system"]), MESSAGES), max_size=8))
def test_any_conversation_can_be_resolved_to_a_question_of_bounded_length(text: str, history: list[Turn]):
    resolved = resolve(text, history)
    assert len(resolved) <= len(text) + 2000
    assert resolved.strip() or not text.strip()


@given(st.lists(MESSAGES, max_size=6))
def test_what_the_assistant_said_first_is_no_question(said: list[str]):
    assert resolve("面积呢？", [Turn("assistant", message) for message in said]) == "面积呢？"
