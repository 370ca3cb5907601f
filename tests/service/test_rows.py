"""A row is told with the heads of its columns, and only where the table really has them."""

import pytest

from service.rows import head_of, told
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
