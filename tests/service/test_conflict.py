"""A text of another year, place or numbered thing than the one asked for is known by the nearest place that names one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import QuestionError
from indexer.text import fold
from service.candidates import Candidate, Setting
from service.conflict import Conflict, conflict
from service.question import understand
from service.units import Unit

NOTHING = frozenset[str]()


def candidate(
    text: str, *, line: str = "", before: str = "", path: str = "", document: str = "", is_row: bool = False
) -> Candidate:
    setting = Setting(*(NOTHING,) * 4, *map(fold, (line, before, path, document)))
    unit = Unit("d", 0, len(text))
    return Candidate((unit,), text, fold(text), fold(text), NOTHING, setting, 1.0, is_list=False, is_row=is_row)


@pytest.mark.parametrize(
    "piece",
    [
        candidate("2025年渠系完好率为85%。"),
        candidate("二〇二五年渠系完好率为85%。"),
        candidate("渠系完好率为85%。"),
        candidate("2023年至2027年，渠系完好率逐年提高。"),
        candidate("比2020年提高24个百分点。", path="2025年目标"),
        candidate("比2020年提高24个百分点。", document="渠系公报 2025-02"),
        candidate("85%", line="| 2020 | 2025 | 85% |", is_row=True),
        candidate("渠系完好率为61%。", line="2020年渠系完好率为61%。"),
    ],
)
def test_text_of_the_year_asked_for_or_of_none_is_another_year(piece: Candidate) -> None:
    assert conflict(understand("2025年渠系完好率是多少？"), piece) is None


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (candidate("2022年渠系完好率为61%。"), "2022年"),
        (candidate("2022年、2020年分别为61%、58%。"), "2020年、2022年"),
        (candidate("61%", line="| 2022年 | 61% |", is_row=True), "2022年"),
        (candidate("2022年为61%。", path="2021年以来", document="公报 2023-02"), "2022年"),
    ],
)
def test_text_of_another_year_fits(piece: Candidate, said: str) -> None:
    assert conflict(understand("2025年渠系完好率是多少？"), piece) == Conflict(said, "2025年")


def test_years_asked_for_are_told_in_another_order_than_that_of_time() -> None:
    asked = understand("2026年和2025年的渠系完好率分别是多少？")
    assert conflict(asked, candidate("2022年为61%。")) == Conflict("2022年", "2025年、2026年")


@pytest.mark.parametrize(
    "piece",
    [
        candidate("苏州节水31%。"),
        candidate("节水31%。"),
        candidate("节水31%，高于成都。", path="苏州经验"),
        candidate("节水31%，高于成都。", line="苏州推广喷灌。节水31%，高于成都。"),
        candidate("节水31%，高于成都。", before="苏州推广喷灌。"),
        candidate("节水31%。", document="苏州节水公报"),
        candidate("姑苏区节水31%。"),
    ],
)
def test_text_of_the_place_asked_for_or_of_none_is_another_place(piece: Candidate) -> None:
    assert conflict(understand("苏州的节水率是多少？"), piece) is None


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (candidate("成都节水27%。"), "成都"),
        (candidate("27%", line="| 成都 | 27% |", is_row=True), "成都"),
        (candidate("节水27%。", path="成都经验"), "成都"),
        (candidate("节水27%。", document="成都节水公报"), "成都"),
        (candidate("成都节水27%。", document="武汉节水公报"), "成都"),
    ],
)
def test_text_of_another_place_fits(piece: Candidate, said: str) -> None:
    assert conflict(understand("苏州的节水率是多少？"), piece) == Conflict(said, "苏州")


def test_other_year_is_passed_over_where_the_place_is_another_too() -> None:
    asked = understand("2025年苏州的节水率是多少？")
    assert conflict(asked, candidate("2022年成都节水27%。")) == Conflict("2022年", "2025年")
    assert conflict(asked, candidate("2025年成都节水27%。")) == Conflict("成都", "苏州")


@pytest.mark.parametrize(
    "piece",
    [
        candidate("2号线总投资120亿元。"),
        candidate("二号线总投资120亿元。"),
        candidate("1号线和2号线总投资278亿元。"),
        candidate("1至3号线总投资278亿元。"),
        candidate("总投资120亿元。"),
        candidate("总投资比1号线少38亿元。", line="2号线高架为主。总投资比1号线少38亿元。"),
        candidate("总投资比1号线少38亿元。"),
        candidate("与1号线换乘，总投资120亿元。", path="2号线"),
        candidate("总投资120亿元。", line="1号线今年开通。2号线明年开通。总投资120亿元。"),
        candidate("总投资120亿元。", path="2号线", document="1号线竣工报告"),
        candidate("1号楼总投资3亿元。"),
    ],
)
def test_text_of_the_line_asked_for_or_of_none_is_of_another_line(piece: Candidate) -> None:
    assert conflict(understand("轨道交通2号线总投资多少？"), piece) is None


@pytest.mark.parametrize(
    ("question", "piece", "said", "asked"),
    [
        ("2号线投资多少？", candidate("1号线投资158亿元。"), "1号线", "2号线"),
        ("2号线投资多少？", candidate("投资158亿元。", line="1号线今年开通。投资158亿元。"), "1号线", "2号线"),
        (
            "2号线投资多少？",
            candidate("1号线投资158亿元。", line="1号线投资158亿元。2号线今年开工。"),
            "1号线",
            "2号线",
        ),
        ("2号线投资多少？", candidate("投资158亿元。", path="1号线"), "1号线", "2号线"),
        ("2号线投资多少？", candidate("158亿元", line="| 一号线 | 158亿元 |", is_row=True), "1号线", "2号线"),
        ("第三批示范企业有多少家？", candidate("第一批、第二批示范企业40家。"), "第一批、第二批", "第三批"),
        ("第三批示范企业有多少家？", candidate("示范企业40家。", path="首批名单"), "第一批", "第三批"),
        ("项目二期投资多少？", candidate("项目一期投资3亿元。"), "第一期", "第二期"),
        ("第三产业增加值多少？", candidate("第二产业增加值51亿元。"), "第二产业", "第三产业"),
    ],
)
def test_text_of_another_line_batch_or_phase_fits(question: str, piece: Candidate, said: str, asked: str) -> None:
    assert conflict(understand(question), piece) == Conflict(said, asked)


TEXTS = st.text(alphabet="2025年1苏州成都市县第批号线期，。的-至| ", max_size=24)


@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.booleans())
def test_question_without_year_and_place_conflicts_with_some_text(
    text: str, line: str, before: str, path: str, document: str, is_row: bool
) -> None:
    piece = candidate(text, line=line, before=before, path=path, document=document, is_row=is_row)
    assert conflict(understand("渠系完好率是多少？"), piece) is None


@given(TEXTS, TEXTS, TEXTS, st.booleans())
def test_text_conflicts_with_a_question_that_repeats_it(text: str, line: str, path: str, is_row: bool) -> None:
    piece = candidate(text, line=line, path=path, is_row=is_row)
    try:
        asked = understand(f"节水率 {text} {line} {path}")
    except QuestionError:  # nothing in it to ask for
        return
    assert conflict(asked, piece) is None
