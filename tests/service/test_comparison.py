"""A comparison is answered with both of its sides where there is evidence for them."""

import pytest

from indexer.document import Document
from indexer.retrieval import Library
from service.comparison import missing_sides, sides
from service.evidence import Evidence
from service.question import understand
from service.units import Unit

LINES = ("江都区新增助餐点26个。", "各区县都要新增助餐点。", "丹崖县新增助餐点14个。", "江都区和丹崖县新增40个。")
TEXT = "\n".join(LINES) + "\n"
LIBRARY = Library([Document("a", "a.md", TEXT, "0" * 64)], [])
ASKED = "江都区和丹崖县新增助餐点哪个多？"


def piece(line: str, score: float = 0.5) -> Evidence:
    start = TEXT.index(line)
    return Evidence((Unit("a", start, start + len(line)),), score, frozenset(), 1.0, True)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        (ASKED, ("都区", "丹崖")),
        ("工业用水和农业用水分别是多少？", ("工业用水", "农业")),
        ("2022年和2023年的产值分别是多少？", ("2022年", "2023")),
        ("苏州、无锡、常州三市的产值分别是多少？", ("苏州", "无锡", "常州")),
        ("轨道交通1号线和2号线各长多少公里？", ("1号线", "2号")),
        ("VR与AR有什么区别？", ("vr", "ar")),
        ("中国信科和中国信息通信研究院的数字各是多少？", ("信科", "中国信息")),
    ],
)
def test_side_of_a_comparison_is_missed_or_named_so_that_the_other_fits(question: str, names: tuple[str, ...]) -> None:
    assert sides(understand(question)) == names


@pytest.mark.parametrize(
    "question",
    ["江都区和丹崖县有助餐点吗？", "和平区的产值有什么不同？", "参与建设的企业分别是谁？", "补助比例分别是多少？"],
)
def test_what_compares_nothing_has_sides(question: str) -> None:
    assert sides(understand(question)) == ()


def test_other_side_is_left_out_or_comes_where_the_best_speaks_of_both() -> None:
    question = understand(ASKED)
    one, both_sides, other, both = map(piece, LINES)
    assert missing_sides(question, [one, both_sides, other], LIBRARY) == [other]
    assert missing_sides(question, [both, one, other], LIBRARY) == []
    assert missing_sides(question, [one, both_sides], LIBRARY) == []
    assert missing_sides(question, [], LIBRARY) == []
    assert missing_sides(understand("江都区新增助餐点多少个？"), [one, other], LIBRARY) == []


def test_side_far_behind_the_best_comes_all_the_same() -> None:
    one, other = piece(LINES[0], 0.9), piece(LINES[2], 0.001)
    assert missing_sides(understand(ASKED), [one, other], LIBRARY) == []
