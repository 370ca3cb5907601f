"""Every reason for a refusal, reached with a reading made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.document import Hit, Passage
from indexer.text import fold
from service.conflict import Conflict
from service.evidence import Evidence, Reading
from service.features import looks_right, withholds_name
from service.question import understand
from service.refusal import refusal_reason
from service.units import Unit

ROOT = Path(__file__).parents[2]
UNIT = Unit("d", 0, 8)
OTHER_YEAR = Conflict("2022年", "2025年")


def piece(coverage: float = 1.0, has_kind: bool = True, conflict: Conflict | None = None) -> Evidence:
    return Evidence((UNIT,), 0.5, frozenset(), coverage, has_kind, conflict)


def reading(*evidence: Evidence, answered: float, threshold: float = 0.5) -> Reading:
    return Reading(evidence, (Hit(Passage("p", "d", 0, 8), 1.0),), {"渠系": 1.0}, answered, threshold)


RATE = "渠系完好率是多少？"


def test_nothing_found_is_answered() -> None:
    assert refusal_reason(understand(RATE), reading(answered=0.0)) == "没有检索到与问题相关的段落"


@pytest.mark.parametrize(("answered", "is_answered"), [(0.49, False), (0.5, True), (0.9, True)])
def test_threshold_lies_on_the_other_side(answered: float, is_answered: bool) -> None:
    assert (refusal_reason(understand(RATE), reading(piece(), answered=answered)) is None) is is_answered


def test_other_year_is_answered_however_sure_the_model_is() -> None:
    found = reading(piece(conflict=OTHER_YEAR), answered=1.0)
    assert refusal_reason(understand("2025年渠系完好率是多少？"), found) == "相关段落说的是2022年，没有涉及2025年"


def test_evidence_behind_a_conflict_is_not_answered_with() -> None:
    found = reading(piece(conflict=OTHER_YEAR), piece(), answered=0.9)
    assert refusal_reason(understand("2025年渠系完好率是多少？"), found) is None


def test_evidence_far_behind_five_conflicts_is_answered_with() -> None:
    found = reading(*[piece(conflict=OTHER_YEAR)] * 5, piece(), answered=0.9)
    assert refusal_reason(understand("2025年渠系完好率是多少？"), found) == "相关段落说的是2022年，没有涉及2025年"


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (RATE, "数字"),
        ("渠系改造什么时候开始？", "日期"),
        ("水务平台在哪里？", "地点"),
        ("水务平台由谁建设？", "名称"),
        ("水务平台叫什么名字？", "名称"),
        ("受益企业为什么出资？", "原因"),
        ("什么是渠系完好率？", "定义"),
        ("渠系改造有哪些任务？", "内容"),
    ],
)
def test_reason_does_not_say_what_is_missing(question: str, asked: str) -> None:
    understood = understand(question)
    lacking = reading(piece(has_kind=False), piece(has_kind=False), answered=0.1)
    assert refusal_reason(understood, lacking) == f"相关段落没有给出所问的{asked}"
    near = reading(piece(), answered=0.1)
    assert refusal_reason(understood, near) == f"相关段落谈到了这一主题，但没有写明所问的{asked}"


def test_text_about_something_else_counts_as_near() -> None:
    far = reading(piece(coverage=0.34), piece(coverage=0.1), answered=0.1)
    assert refusal_reason(understand(RATE), far) == "检索到的段落与所问事项关联不足"
    near = reading(piece(coverage=0.1), piece(coverage=0.35), answered=0.1)
    assert refusal_reason(understand(RATE), near) == "相关段落谈到了这一主题，但没有写明所问的数字"


@pytest.mark.parametrize(("coverage", "is_answered"), [(0.0, False), (0.099, False), (0.1, True), (1.0, True)])
def test_text_about_another_matter_is_answered_with_when_the_model_is_sure(coverage: float, is_answered: bool) -> None:
    found = reading(piece(coverage=coverage), piece(coverage=0.05), answered=1.0)
    assert refusal_reason(understand(RATE), found) == (None if is_answered else "检索到的段落与所问事项关联不足")


def test_one_of_five_pieces_about_the_matter_is_not_enough() -> None:
    pieces = [piece(coverage=0.0)] * 4
    assert refusal_reason(understand(RATE), reading(*pieces, piece(), answered=0.9)) is None
    sixth = reading(*pieces, piece(coverage=0.0), piece(), answered=0.9)
    assert refusal_reason(understand(RATE), sixth) == "检索到的段落与所问事项关联不足"


def test_year_of_a_text_about_another_matter_is_given_as_the_reason() -> None:
    found = reading(piece(coverage=0.05, has_kind=False, conflict=OTHER_YEAR), answered=0.9)
    assert refusal_reason(understand("2025年渠系完好率是多少？"), found) == "检索到的段落与所问事项关联不足"


def test_figure_of_another_year_counts_as_the_figure_asked_for() -> None:
    found = reading(piece(has_kind=False), piece(conflict=OTHER_YEAR), answered=0.1)
    assert refusal_reason(understand("2025年渠系完好率是多少？"), found) == "相关段落没有给出所问的数字"


# --- a figure that is asked for and not there ------------------------------------------------------------------------

WITHOUT = piece(has_kind=False)
WITH = piece()


@pytest.mark.parametrize(
    ("found", "is_answered"),
    [
        ((WITHOUT, WITHOUT), False),
        ((WITHOUT,), False),
        ((WITHOUT, WITHOUT, WITH), False),
        ((WITHOUT, WITH), True),
        ((WITH, WITHOUT), True),
    ],
)
def test_question_for_a_figure_is_answered_by_what_holds_none(found: tuple[Evidence, ...], is_answered: bool) -> None:
    reason = refusal_reason(understand(RATE), reading(*found, answered=1.0))
    assert reason == (None if is_answered else "相关段落没有给出所问的数字")


def test_figure_in_a_conflict_counts_as_one_of_the_best_or_pushes_one_aside() -> None:
    other_year, question = piece(conflict=OTHER_YEAR), understand("2025年渠系完好率是多少？")
    assert refusal_reason(question, reading(WITHOUT, other_year, WITHOUT, answered=1.0)) == "相关段落没有给出所问的数字"
    assert refusal_reason(question, reading(other_year, WITHOUT, WITH, answered=1.0)) is None


@pytest.mark.parametrize(
    "question",
    [
        "什么是渠系完好率？",
        "渠系改造有哪些任务？",
        "水务平台叫什么名字？",
    ],
)
def test_question_for_something_else_needs_a_figure(question: str) -> None:
    assert refusal_reason(understand(question), reading(WITHOUT, WITHOUT, answered=1.0)) is None


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("总投资多少？", "总投资2.8亿，由城建集团施工。"),
        ("总投资多少？", "总投资二点八亿元。"),
        ("管理处几天内答复？", "应当在十八个工作日以内答复。"),
        ("管理处多少天答复？", "应当在15日内答复。"),
        ("绿地占多少？占比是多少？", "绿地占三分之一。"),
        ("民营企业占比多少？", "民营企业占一半以上。"),
        ("有多少人参加？", "参加者4300余人。"),
        ("增长多少？同比增速是多少？", "比上年翻了1.5倍。"),
    ],
)
def test_figure_in_another_form_counts_as_none(question: str, text: str) -> None:
    assert looks_right(understand(question), fold(text))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("总投资多少？", "接待游客120万人次。"),
        ("总投资多少？", "参与企业2万家。"),
        ("管理处几天内答复？", "6月15日以前受理。"),
        ("民营企业占比多少？", "民营企业320家。"),
    ],
)
def test_figure_of_something_else_counts_as_the_one_asked_for(question: str, text: str) -> None:
    assert not looks_right(understand(question), fold(text))


def test_question_for_a_time_is_answered_by_what_names_none() -> None:
    question = understand("渠系改造什么时候开始？")
    assert refusal_reason(question, reading(WITHOUT, WITH, answered=1.0)) == "相关段落没有给出所问的日期"
    assert refusal_reason(question, reading(WITH, WITHOUT, answered=1.0)) is None


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("渠系改造什么时候开始？", "改造从2025-03-01开始"),
        ("灯塔哪一年建成？", "西滩灯塔 | 1958 | 46"),
        ("审批要多久？", "自受理之日起三十个工作日内办结"),
        ("免租期多长时间？", "前24个月全免"),
        ("什么时候停止收费？", "前三年不收，以后再定"),
        ("多久看望一次？", "每两周看望一次"),
    ],
)
def test_time_in_another_form_counts_as_none(question: str, text: str) -> None:
    assert looks_right(understand(question), fold(text))


@pytest.mark.parametrize("text", ["尽快开工", "长度为40公里", "一号工位年发射12次", "面积2045.5亩", "60周岁以上的老人"])
def test_figure_counts_as_a_time(text: str) -> None:
    assert not looks_right(understand("渠系改造什么时候开始？"), fold(text))


def test_somebody_without_a_name_is_taken_for_the_name_asked_for() -> None:
    question = understand("水务平台由哪家公司建设？")
    withheld, named = piece(has_kind=False), piece()
    assert refusal_reason(question, reading(withheld, named, answered=0.9)) == "相关段落没有给出所问的名称"
    assert refusal_reason(question, reading(named, withheld, answered=0.9)) is None


def test_name_that_is_withheld_is_given_when_the_question_is_what_it_is_called() -> None:
    question = understand("被追回补贴的餐饮公司叫什么？")
    withheld = replace(piece(has_kind=False), is_withheld=True)
    assert refusal_reason(question, reading(withheld, piece(), answered=0.9)) == "相关段落没有给出所问的名称"
    assert refusal_reason(question, reading(piece(), withheld, answered=0.9)) is None
    assert refusal_reason(question, reading(piece(has_kind=False), answered=0.9)) is None


@pytest.mark.parametrize(
    "text",
    [
        "平台由某公司承建",
        "某大型国企中标",
        "某家大型国企中标",
        "建设单位 | （名称缺失）",
        "公告隐去了单位名称",
        "中标企业名称未公开",
        "桥西街道某餐饮公司被追回补贴",
        "某知名互联网企业退出",
        "某某中学被要求整改",
        "某县某镇卫生学校停课",
    ],
)
def test_withheld_name_passes_for_a_name(text: str) -> None:
    assert withholds_name(understand("水务平台由哪家公司建设？"), fold(text))
    assert withholds_name(understand("建设水务平台的公司叫什么？"), fold(text))
    assert not withholds_name(understand("水务平台什么时候建设？"), fold(text))


@pytest.mark.parametrize(
    "text",
    [
        "平台由柳溪水务公司承建",
        "在某种程度上由公司决定",
        "公司名称变更为柳溪水务",
        "某个项目的公司是柳溪水务公司",
        "在某方面与柳溪水务公司合作",
        "某次会议后柳溪水务公司中标",
    ],
)
def test_name_is_taken_for_withheld(text: str) -> None:
    assert not withholds_name(understand("水务平台由哪家公司建设？"), fold(text))


def test_word_that_no_document_holds_is_not_named() -> None:
    known = reading(piece(), answered=0.2)
    strange = replace(known, unknown=("火星", "氧气"))
    assert refusal_reason(understand(RATE), strange) == "收录的文件中没有提到“火星”“氧气”"
    assert refusal_reason(understand(RATE), replace(strange, answered=0.9)) is None


def test_page_on_refusals_names_another_threshold_than_the_shipped_one() -> None:
    page = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    threshold = json.loads((ROOT / "models" / "evidence" / "evidence.json").read_text(encoding="utf-8"))["threshold"]
    assert f"at present {threshold:.3f}" in page
