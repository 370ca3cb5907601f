"""Units and listings of canonical text."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from indexer.outline import outline
from service.units import children, listings, split_units

TEXT = (
    "## 一、工作安排\n"
    "本县三年内完成三件事：\n"
    "- 修复旧渠40公里；\n"
    "- 新建泵站6座；\n"
    "- 培训护渠员120人。\n"
    "| 乡镇 | 渠长（公里） |\n"
    "| --- | --- |\n"
    "| 柳河 | 18.5 |\n"
    "资金由县财政安排。不足部分向上级申请。\n"
)


def words(text: str) -> list[str]:
    return [text[unit.start : unit.end] for unit in split_units(text, "d", 0, len(text))]


def test_sentences_items_and_rows_are_units_and_the_rule_of_a_table_is_none():
    assert words(TEXT) == [
        "## 一、工作安排",
        "本县三年内完成三件事：",
        "- 修复旧渠40公里；",
        "- 新建泵站6座；",
        "- 培训护渠员120人。",
        "乡镇 | 渠长（公里）",
        "柳河 | 18.5",
        "资金由县财政安排。",
        "不足部分向上级申请。",
    ]


def test_a_sentence_that_a_passage_cuts_comes_whole():
    start = TEXT.index("财政安排")
    found = [TEXT[unit.start : unit.end] for unit in split_units(TEXT, "d", start, start + 3)]
    assert found == ["资金由县财政安排。"]


def test_a_short_enumeration_stays_whole_and_a_long_one_is_cut_at_its_semicolons():
    short = "三项任务：一是清淤；二是加固；三是绿化。"
    long = "；".join(f"第{i}项任务由第{i}工程队负责并在当年十月底以前完成全部验收工作" for i in range(8)) + "。"
    assert words(short) == [short]
    assert len(words(long)) == 8


@given(st.text(alphabet="水利工程。；！\n| -（一）、，1 ", max_size=80))
def test_units_hold_every_word_once_and_in_order(text: str):
    units = split_units(text, "d", 0, len(text))
    assert all(a.end <= b.start for a, b in itertools.pairwise(units))
    covered = "".join(text[unit.start : unit.end] for unit in units)
    assert re.sub(r"\W", "", covered) == re.sub(r"\W", "", text)


def test_a_list_comes_with_the_line_that_introduces_it():
    found = listings(TEXT, "d", 0, len(TEXT))
    lead, items = next((x.lead, x.items) for x in found if "修复" in TEXT[x.items[0].start : x.items[0].end])
    assert TEXT[lead.start : lead.end] == "本县三年内完成三件事："
    assert [TEXT[item.start : item.end] for item in items] == [
        "- 修复旧渠40公里；",
        "- 新建泵站6座；",
        "- 培训护渠员120人。",
    ]


def test_a_list_that_goes_on_behind_the_passage_is_not_cut():
    end = TEXT.index("- 新建")
    items = next(x.items for x in listings(TEXT, "d", 0, end) if "修复" in TEXT[x.items[0].start : x.items[0].end])
    assert len(items) == 3


def test_items_of_two_kinds_are_two_lists():
    text = "办法如下：\n1.清淤\n2.加固\n（1）夯土\n（2）衬砌\n"
    found = [[text[u.start : u.end] for u in x.items] for x in listings(text, "d", 0, len(text))]
    assert found == [["1.清淤", "2.加固"], ["（1）夯土", "（2）衬砌"]]


def test_a_heading_comes_with_the_headings_right_below_it():
    text = "# 方案\n## 一、目标\n### （一）近期\n先修渠。\n### （二）远期\n再修库。\n## 二、保障\n落实资金。\n"
    start = text.index("先修渠")
    found = children(text, "d", outline(text), start, start + 3)
    assert [(text[x.lead.start : x.lead.end], len(x.items)) for x in found] == [("## 一、目标", 2)]


def lists(text: str, start: int = 0, end: int | None = None) -> list[tuple[str, ...]]:
    found = listings(text, "d", start, len(text) if end is None else end)
    return [tuple(text[u.start : u.end] for u in (x.lead, *x.items)) for x in found]


MATERIALS = "第八条 提交以下材料：\n1. 申请表；\n2. 方案；\n水利局收到后，可以先行查看。\n3. 票据；\n4. 承诺书。\n第九条 水利局应当评审。\n"
WHOLE = ("第八条 提交以下材料：", "1. 申请表；", "2. 方案；", "3. 票据；", "4. 承诺书。")


def test_paragraph_between_items_cuts_the_list_or_leads_the_rest():
    assert lists(MATERIALS) == [WHOLE]
    single = "内容：\n（一）数量；\n（二）水量，按差额计算；\n计算时应当扣除影响。\n（三）资金。\n"
    assert lists(single) == [("内容：", "（一）数量；", "（二）水量，按差额计算；", "（三）资金。")]


def test_interrupted_list_is_cut_at_the_ends_of_a_passage():
    for part in ("2. 方案；", "水利局收到后，可以先行查看。", "3. 票据；", "第八条 提交以下材料："):
        start = MATERIALS.index(part)
        assert lists(MATERIALS, start, start + len(part)) == [WHOLE], part
    start = MATERIALS.index("第九条")
    assert lists(MATERIALS, start, len(MATERIALS)) == []


def test_list_that_a_passage_only_leads_to_is_cut_or_a_later_one_is_led_by_it():
    text = "1. 旧项；\n段一。\n办法如下：\n" + "".join(f"- 第{i}件\n" for i in range(6)) + "另见：\n- 甲\n- 乙\n"
    end = text.index("- 第0件")
    assert [(found[0], len(found)) for found in lists(text, 0, end)] == [("办法如下：", 7)]


def test_headings_with_their_text_or_two_lists_are_taken_for_one():
    assert lists("方案\n（一）合理布局\n依托现有设施。\n（二）加强资金\n安排资金。\n") == []
    twice = "甲：\n1. 一；\n2. 二。\n乙方应当提交。\n1. 三；\n2. 四。\n"
    assert lists(twice) == [("甲：", "1. 一；", "2. 二。"), ("乙方应当提交。", "1. 三；", "2. 四。")]
    led = "甲：\n1. 一；\n2. 二。\n乙方应当提交：\n3. 三；\n4. 四。\n"
    assert [found[0] for found in lists(led)] == ["甲：", "乙方应当提交："]
    assert len(lists("甲：\n1. 一；\n2. 二。\n段一。\n段二。\n段三。\n3. 三；\n4. 四。\n")) == 2


def test_paragraphs_that_count_in_words_are_no_list():
    for marks in (("一是", "二是", "三是"), ("第一，", "第二，", "第三，"), ("首先，", "其次，", "最后，")):
        items = tuple(f"{mark}修渠{i}公里。当年完工。" for i, mark in enumerate(marks))
        assert lists("做法有三个方面：\n" + "\n".join(items) + "\n") == [("做法有三个方面：", *items)]


@given(st.text(alphabet="1.2、（一）是；。：#水|\n", max_size=60), st.integers(0, 30), st.integers(1, 30))
def test_items_overlap_or_leave_the_order_of_the_text(text: str, start: int, length: int):
    for found in listings(text, "d", min(start, len(text)), min(start + length, len(text))):
        units = (found.lead, *found.items)
        assert all(a.end <= b.start for a, b in itertools.pairwise(units))
