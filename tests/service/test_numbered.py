"""Things told apart by numbers are read in every spelling, and what counts or dates is none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text import fold
from service.numbered import numbered


def names(text: str) -> list[str]:
    return [str(thing) for thing in sorted(numbered(fold(text)))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("轨道交通２号线", ["2号线"]),
        ("地铁一号线、12号线", ["1号线", "12号线"]),
        ("1、2号线", ["1号线", "2号线"]),
        ("2号至4号楼", ["4号楼"]),
        ("3-5号机组", ["3号机组", "4号机组", "5号机组"]),
        ("第三批", ["第三批"]),
        ("首批和第二批", ["第一批", "第二批"]),
        ("第一至三批", ["第一批", "第二批", "第三批"]),
        ("第一、第二和第三产业", ["第一产业", "第二产业", "第三产业"]),
        ("第十四届第三次会议", ["第十四届", "第三次"]),
        ("一期已完工，二期未动工", ["第一期", "第二期"]),
        ("市第二人民医院", ["第二人民医院"]),
    ],
)
def test_numbered_thing_is_missed(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "分三期建设",
        "举办培训班12期",
        "新学期",
        "十四五时期",
        "5月3号",
        "云水规〔2024〕6号文件",
        "第十五条第二款",
        "一批企业",
        "首次申领",
        "2024年第三季度",
    ],
)
def test_count_or_date_is_taken_for_a_numbered_thing(text: str) -> None:
    assert names(text) == []


@given(st.text(alphabet="第首一二十0129、和至-号线楼批期次产业 ", max_size=20))
def test_some_text_cannot_be_read(text: str) -> None:
    assert all(str(thing) for thing in numbered(text))
