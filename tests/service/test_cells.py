"""A figure of a table belongs to its row and its column: what mixes them up is caught, what tells them truly is not."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.cells import heads_of, sentences, spelled_out
from service.rows import told
from service.verify import contradiction

ROW = "居民小区二次供水改造 | 40 | 60 | 县级水务局"
OTHER = "老旧管网更新 | 30 | 200 | 市水务局"
HEAD = "项目类别 | 补助比例（%） | 单个项目上限（万元） | 受理单位"


@pytest.mark.parametrize(
    ("head", "row", "text"),
    [
        (
            HEAD,
            ROW,
            "居民小区二次供水改造的补助比例为40%。居民小区二次供水改造的单个项目上限为60万元。居民小区二次供水改造的受理单位为县级水务局。",
        ),
        ("年份 | 区 | 增加值（亿元）", "2022 | 梧港区 | 114.9", "年份2022的梧港区的增加值为114.9亿元。"),
        ("序号 | 项目 | 投资", "12 | 一期 | 8亿元", "一期的投资为8亿元。"),
        ("序号\t项目\t投资", "12\t一期", "一期"),
    ],
)
def test_cell_loses_its_row_its_column_or_its_unit(head: str, row: str, text: str) -> None:
    assert sentences(head, row) == text


@pytest.mark.parametrize(
    ("spans", "heads"),
    [
        ([ROW, HEAD], {(0, 0): (1, 0)}),
        ([f"| {ROW} |\n| {OTHER} |", f"| {HEAD} |"], {(0, 0): (1, 0), (0, 1): (1, 0)}),
        ([ROW, HEAD, "线路 | 开工 | 通车 | 站", "名称 | 年 | 月 | 日"], {(0, 0): (1, 0), (2, 0): (3, 0)}),
        (["项目\t投资\n一期\t8亿元\n二期\t9亿元"], {(0, 1): (0, 0), (0, 2): (0, 0)}),
        ([ROW, OTHER], {}),  # a row names no columns
        ([ROW], {}),
        (["|  | 40 | 60 | 县级水务局 |", HEAD], {}),  # its cells stand under other heads than they seem to
        (["补助比例为40%。", HEAD], {}),
    ],
)
def test_row_gets_the_head_of_another_table_or_another_row(
    spans: list[str], heads: dict[tuple[int, int], tuple[int, int]]
) -> None:
    assert heads_of(spans) == heads


def test_prose_beside_a_row_is_lost_or_the_head_stays() -> None:
    assert spelled_out(["第五条 补助标准如下表：", ROW, HEAD]) == ["第五条 补助标准如下表：", sentences(HEAD, ROW)]


RESERVOIR = [
    "青石坝水库 | 丹崖县 | 8600 | 5120 | 4730",
    "水库 | 所在地 | 总库容（万立方米） | 2022年末蓄水量（万立方米） | 2023年末蓄水量（万立方米）",
]


@pytest.mark.parametrize(
    ("spans", "sentence"),
    [
        ([ROW, HEAD], "居民小区二次供水改造的单个项目上限为40万元。"),
        ([ROW, HEAD], "居民小区二次供水改造的补助比例为60%。"),
        (RESERVOIR, "青石坝水库2023年末蓄水量为5120万立方米。"),
        (RESERVOIR, "青石坝水库总库容为4730万立方米。"),
        ([f"{ROW}\n{OTHER}", HEAD], "老旧管网更新的补助比例为40%。"),
    ],
)
def test_cell_stands_under_another_head(spans: list[str], sentence: str) -> None:
    assert contradiction(sentence, spans) is not None


@pytest.mark.parametrize(
    ("spans", "sentence"),
    [
        ([ROW, HEAD], "居民小区二次供水改造的补助比例为40%。"),
        ([ROW, HEAD], "居民小区二次供水改造的补助比例为百分之四十，单个项目上限为60万元。"),
        ([ROW, HEAD], "居民小区二次供水改造，补助比例（%）40，单个项目上限（万元）60。"),
        (RESERVOIR, "青石坝水库2023年末蓄水量为4730万立方米。"),
        (RESERVOIR, "2022年末，丹崖县青石坝水库蓄水5120万立方米。"),
        ([f"{ROW}\n{OTHER}", HEAD], "老旧管网更新补助30%，最高200万元。"),
    ],
)
def test_true_cell_is_dropped(spans: list[str], sentence: str) -> None:
    assert contradiction(sentence, spans) is None


# --- many tables

_NAMES = [
    "青石坝水库",
    "望湖水库",
    "松陂区",
    "梧港区",
    "老旧管网更新",
    "合同节水管理",
    "江都助餐点",
    "1号线",
    "2号线",
    "第二批项目",
]
_COLUMNS = [
    ("投资额", "万元"), ("补助上限", "万元"), ("拨付资金", "万元"), ("补助比例", "%"), ("完成率", "%"), ("覆盖率", "%"),
    ("新增站点", "个"), ("改造小区", "个"), ("管网长度", "公里"), ("惠及居民", "户"), ("助餐点数", ""), ("服务人次", "万人次"),
]  # fmt: skip


@dataclass(frozen=True)
class Table:
    """`heads` are (name, unit); `rows` a name and its figures."""

    heads: list[tuple[str, str]]
    rows: list[list[str]]

    @property
    def head(self) -> str:
        return " | ".join(["项目", *(f"{name}（{unit}）" if unit else name for name, unit in self.heads)])

    def spans(self, i: int, draw: random.Random) -> list[str]:
        """The spans of a row: with its head, between others, or behind prose."""
        rows = [" | ".join(row) for row in self.rows]
        return draw.choice([[rows[i], self.head], ["\n".join(rows), self.head], ["各项任务如下：", rows[i], self.head]])


def table(draw: random.Random) -> Table:
    heads = draw.sample(_COLUMNS, 3)
    if draw.random() < 0.4:
        year = draw.randint(2015, 2024)
        name, unit = draw.choice(_COLUMNS)
        heads = [(f"{year + step}年{name}", unit) for step in range(3)]
    figures = [str(n) if draw.random() < 0.6 else f"{n}.{draw.randint(1, 9)}" for n in draw.sample(range(11, 990), 9)]
    names = draw.sample(_NAMES, 3)
    return Table(heads, [[name, *figures[3 * i : 3 * i + 3]] for i, name in enumerate(names)])


def worded(draw: random.Random, name: str, head: tuple[str, str], figure: str) -> str:
    of, unit = head
    return draw.choice(
        [
            f"{name}的{of}为{figure}{unit}。",
            f"{name}{of}{figure}{unit}。",
            f"{of}方面，{name}达到{figure}{unit}。",
            f"{name}，{of}{figure}{unit}。",
            f"{name}，{of}（{unit}）{figure}。" if unit else f"{name}，{of}：{figure}。",
        ]
    )


def told_truly(draw: random.Random, count: int) -> Iterator[tuple[str, list[str]]]:
    for _ in range(count):
        made = table(draw)
        for i, (name, *figures) in enumerate(made.rows):
            spans = made.spans(i, draw)
            yield told(made.head, " | ".join(made.rows[i])), spans
            for head, figure in zip(made.heads, figures, strict=True):
                yield worded(draw, name, head, figure), spans
            one, other, _ = zip(made.heads, figures, strict=True)
            yield f"{name}的{one[0][0]}为{one[1]}{one[0][1]}，{other[0][0]}为{other[1]}{other[0][1]}。", spans


def told_wrongly(draw: random.Random, count: int) -> Iterator[tuple[str, list[str]]]:
    """A figure under the head of another column, or in the row of another name."""
    for _ in range(count):
        made = table(draw)
        for i, row in enumerate(made.rows):
            spans = made.spans(i, draw)
            for one, other in itertools.permutations(range(3), 2):
                yield worded(draw, row[0], made.heads[one], row[1 + other]), spans
                swapped = [row[0], *row[1:]]
                swapped[1 + one], swapped[1 + other] = swapped[1 + other], swapped[1 + one]
                yield told(made.head, " | ".join(swapped)), spans
            for other_row in made.rows:
                if other_row is not row:
                    yield (
                        worded(draw, row[0], made.heads[0], other_row[1]),
                        ["\n".join(map(" | ".join, made.rows)), made.head],
                    )


def test_figure_of_another_column_or_row_passes() -> None:
    cases = list(told_wrongly(random.Random(4), 60))
    passed = [(sentence, spans) for sentence, spans in cases if contradiction(sentence, spans) is None]
    print(f"{len(passed)} of {len(cases)} swapped cells pass")
    assert len(passed) <= 0.01 * len(cases), passed[:20]


def test_true_row_in_words_is_dropped() -> None:
    cases = list(told_truly(random.Random(5), 60))
    dropped = [(problem, sentence, spans) for sentence, spans in cases if (problem := contradiction(sentence, spans))]
    print(f"{len(dropped)} of {len(cases)} true rows dropped")
    assert len(dropped) <= 0.01 * len(cases), dropped[:20]


@given(
    st.lists(st.text(alphabet="|\t\n 　-*[1]（%）年甲", max_size=20), max_size=4),
    st.text(alphabet="|（%）1年甲 ", max_size=12),
)
@example(["　| | 　", "甲 | 乙 | 丙"], "甲")
def test_broken_table_breaks_the_check(spans: list[str], sentence: str) -> None:
    spelled_out(spans)
    contradiction(sentence, spans)
