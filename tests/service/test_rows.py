"""A row is told with the heads of its columns, and only where the table really has them."""

import pytest

from service.rows import caption_of, head_of, needs_caption, rows_asked_for, told, unit_of_all, with_units
from service.units import Unit, split_units
from service.verify import unsupported

TABLE = """# 公报

| 年份 | 区 | 增加值（亿元） | 企业数 |
| --- | --- | --- | --- |
| 2022 | 松陂区 | 97.4 |  |
| 2022 | 梧港区 | 114.9 | 102 |

以上均为快报数。"""


def row_of(text: str, words: str) -> Unit:
    return next(unit for unit in split_units(text, "a.md", 0, len(text)) if words in text[unit.start : unit.end])


def headed(text: str, words: str) -> str | None:
    row = row_of(text, words)
    head = head_of(text, row)
    return None if head is None else told(text[head.start : head.end], text[row.start : row.end])


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        (TABLE, "梧港区", "年份：2022；区：梧港区；增加值（亿元）114.9；企业数：102"),
        (TABLE, "松陂区", "年份：2022；区：松陂区；增加值（亿元）97.4"),
        ("| 项目 | 投资 |\n|---|---|\n| 一期 | **8亿元**[3] |", "一期", "一期，投资：8亿元［3］"),
        ("| 序号 | 项目 | 投资 |\n|---|---|---|\n| 12 | 一期 |  |", "一期", "一期"),
        ("| 序号 | 项目 | 投资 |\n|---|---|---|\n| 12 | 一期 | 8 |", "一期", "一期，投资：8"),
        ("项目\t投资\n一期\t8亿元\n二期\t9亿元", "二期", "二期，投资：9亿元"),
    ],
)
def test_cell_stands_without_its_head_or_under_another(text: str, words: str, sentence: str) -> None:
    assert headed(text, words) == sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TABLE, "年份"),  # the head itself
        (TABLE, "快报数"),
        ("| 一期 | 8亿元 |\n| 二期 | 9亿元 |", "二期"),  # no rule, no head
        ("一期\t8亿元\n二期\t9亿元", "二期"),  # the first row is a row
        ("| 项目 | 投资 |\n|---|---|\n|  | 8亿元 |", "8亿元"),  # what is quoted would not show the empty cell
        ("| 项目 | 投资 |\n|---|---|\n| 一期 | 8亿元 | 2025年 |", "一期"),
    ],
)
def test_head_is_made_up(text: str, words: str) -> None:
    assert headed(text, words) is None


def test_row_with_a_cell_of_another_row_or_head_passes_the_check() -> None:
    head, row = "年份 | 区 | 增加值（亿元） | 企业数", "2022 | 梧港区 | 114.9 | 102"
    assert unsupported(told(head, row), [row, head]) is None
    assert unsupported("年份：2022；区：梧港区；增加值（亿元）97.4；企业数：102", [row, head])
    assert unsupported("年份：2022；区：梧港区；增加值（亿元）102；企业数：114.9", [row, head])
    assert unsupported("年份：2022；区：梧港区；减少值（亿元）114.9；企业数：102", [row, head])
    assert unsupported(told(head, row), [head, row])
    assert unsupported(told(head, row), [row])


@pytest.mark.parametrize(
    ("above", "unit"),
    [
        ("任务分解如下（单位：个）：", "个"),
        ("单位：万元", "万元"),
        ("## 表1 投资（计量单位: 亿元）", "亿元"),
        ("责任单位：水务局", ""),
        ("单位：万元、个", ""),
        ("单位：松岭县水务管理局", ""),
        ("任务分解如下：", ""),
    ],
)
def test_unit_of_a_caption_is_missed_or_made_up(above: str, unit: str) -> None:
    for text in (f"{above}\n| 县 | 数 |\n|---|---|\n| 甲 | 3 |\n", f"{above}\n县\t数\n甲\t3\n"):
        head = head_of(text, row_of(text, "甲"))
        assert head is not None
        assert unit_of_all(text, head) == unit
        caption = caption_of(text, head)
        assert (caption is None) == (unit == "")
        assert caption is None or text[caption.start : caption.end] == above


def test_table_that_begins_a_document_has_a_caption() -> None:
    text = "| 县 | 数 |\n|---|---|\n| 甲 | 3 |\n"
    assert caption_of(text, Unit("a.md", 0, 9)) is None


def test_unit_of_the_table_is_given_to_a_year_a_number_of_a_row_or_a_figure_with_its_own() -> None:
    head, row = "序号 | 县 | 年份 | 数 | 资金（万元） | 备注", "1 | 甲 | 2022 | 3 | 8 | 5台"
    assert with_units(head, row, "个") == "序号1 县甲 年份2022 数3个 资金（万元）8万元 备注5台"
    assert needs_caption(head, row)
    assert not needs_caption("县 | 资金（万元）", "甲 | 8")


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("2022年梧港区多少？", ["2022 | 梧港区"]),
        ("2022年多少？", ["2022 | 梧港区", "2022 | 松陂区"]),
        ("梧港多少？", ["2022 | 梧港区", "2023 | 梧港区"]),
        ("全市多少？", ["2022 | 梧港区", "2022 | 松陂区", "2023 | 梧港区", "合计 | 全市"]),
    ],
)
def test_rows_asked_for_are_others_than_those_named(question: str, rows: list[str]) -> None:
    assert rows_asked_for(question, ["2022 | 梧港区", "2022 | 松陂区", "2023 | 梧港区", "合计 | 全市"]) == rows
