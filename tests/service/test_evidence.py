"""From a question to the evidence chosen, or to the reason why there is none, on a corpus whose every fact is known."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.build import build
from service.answer import Answer, Status
from service.pipeline import Pipeline

PLANS = {
    "canal.md": """\
---
title: "柳河县渠系改造方案"
issuer: "柳河县水利局"
region: "柳河"
published: "2023-02"
---

# 柳河县渠系改造方案

## 一、目标任务

2022年全县渠系完好率为61%。到2025年，渠系完好率达到85%，新增灌溉面积3.2万亩。

改造分三步推进：

- 先修干渠，长度为40公里；
- 再修支渠，长度为115公里；
- 最后安装计量闸门680台。

## 二、资金安排

### （一）财政资金

县财政安排1.5亿元。

### （二）社会资本

受益企业出资6000万元，因为它们的用水得到保障。

## 三、各地经验

| 地区 | 做法 | 节水率 |
| --- | --- | --- |
| 苏州 | 推广喷灌 | 31% |
| 成都 | 推广滴灌 | 27% |
""",
    "news.md": """\
---
title: "水利简讯"
published: "2023-06-01"
---

# 水利简讯

## 郑州建成智慧水务平台

郑州市智慧水务平台接入水表92万只，由三家公司共同建设。

## 扩展现实培训

县水利局用扩展现实（XR）培训巡渠员，扩展现实设备共45套。
""",
}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("plans")
    for name, text in PLANS.items():
        (folder / "corpus" / name).parent.mkdir(exist_ok=True)
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    index: Path = folder / "index"
    build(folder / "corpus", index)
    return Pipeline.open(index)


def quotes(answer: Answer) -> list[str]:
    return [citation.quote for citation in answer.citations]


@pytest.mark.parametrize(
    ("question", "facts"),
    [
        ("2025年渠系完好率要达到多少？", ["85%"]),
        ("县财政安排了多少资金？", ["1.5亿元"]),
        ("受益企业为什么出资？", ["用水得到保障"]),
        ("郑州智慧水务平台接入多少只水表？", ["92万只"]),
        ("成都的节水率是多少？", ["27%"]),
        ("XR设备有几套？", ["45套"]),
    ],
)
def test_a_plain_fact_is_answered_from_its_sentence(plans: Pipeline, question: str, facts: Sequence[str]):
    answer = plans.ask(question)
    assert answer.status is Status.ANSWERED
    assert all(fact in answer.text for fact in facts)


def test_a_list_question_gets_the_lead_in_and_every_item_in_order(plans: Pipeline):
    found = quotes(plans.ask("渠系改造分哪三步推进？"))
    start = found.index("改造分三步推进：")
    assert found[start + 1 : start + 4] == [
        "- 先修干渠，长度为40公里；",
        "- 再修支渠，长度为115公里；",
        "- 最后安装计量闸门680台。",
    ]


def test_the_headings_below_a_heading_answer_what_it_consists_of(plans: Pipeline):
    answer = plans.ask("资金安排包括哪些方面？")
    assert "（一）财政资金" in answer.text
    assert "（二）社会资本" in answer.text


def test_a_row_of_another_place_is_no_answer(plans: Pipeline):
    answer = plans.ask("苏州的节水率是多少？")
    assert "31%" in answer.text
    assert "27%" not in answer.text


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("2030年渠系完好率是多少？", "2030年"),
        ("武汉的节水率是多少？", "武汉"),
        ("郑州智慧水务平台总投资多少钱？", "数字"),
        ("量子纠缠望远镜的焦比", "关联不足"),
    ],
)
def test_what_the_documents_do_not_hold_is_refused_and_the_reason_says_why(plans: Pipeline, question: str, reason: str):
    answer = plans.ask(question)
    assert answer.status is Status.REFUSED
    assert answer.reason is not None
    assert reason in answer.reason
    assert answer.reason in answer.text
    assert not answer.citations


def test_a_heading_alone_is_no_answer(plans: Pipeline):
    assert "## 一、目标任务" not in quotes(plans.ask("新增灌溉面积是多少？"))
