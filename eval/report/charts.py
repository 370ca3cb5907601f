"""The charts of the report: retrieval by stage, confidence, and time."""

from collections.abc import Sequence

import numpy as np

from eval.ranking import CUTOFFS
from eval.record import Record
from eval.report.markup import Markup, join, tag
from eval.report.plots import Axis, Series, histogram, line_chart, share_axis
from eval.report.words import STAGES, share
from eval.statistics import BINS, risk_coverage
from eval.summary import Group, Summary, is_right

_STAGE_KINDS = ("s1", "s2", "s3", "s4")


def retrieval_cards(overall: Group) -> Markup:
    """Recall by depth for each stage, and the ranking measures beside it."""
    present = {prefix: stage for prefix, stage in STAGES.items() if f"{prefix}mrr@10" in overall.means}
    if not present:
        return tag("p", "这次运行没有检索得分。")
    places = {k: float(i) for i, k in enumerate(CUTOFFS)}
    lines, legend, rows = [], [], []
    for kind, (prefix, stage) in zip(_STAGE_KINDS, present.items(), strict=False):
        values = {k: overall.means[f"{prefix}evidence_recall@{k}"] for k in CUTOFFS}
        lines.append(
            Series(kind, stage, tuple((places[k], value, f"前 {k} 段 {share(value)}") for k, value in values.items()))
        )
        legend.append(tag("span", stage, class_=f"key {kind}"))
        cells = [share(value) for value in values.values()]
        cells += [f"{overall.means[f'{prefix}{name}']:.3f}" for name in ("ndcg@10", "mrr@10")]
        rows.append(tag("tr", tag("th", stage, scope="row"), *(tag("td", cell, class_="n") for cell in cells)))
    depth = Axis("看前几段", 0.0, float(len(CUTOFFS) - 1), tuple((place, str(k)) for k, place in places.items()))
    heads = ["阶段", *(f"前 {k} 段" for k in CUTOFFS), "nDCG", "MRR"]
    head = tag("tr", *(tag("th", name, class_="n" if i else None) for i, name in enumerate(heads)))
    chart = line_chart("各阶段的依据召回率", depth, share_axis("依据召回率"), lines)
    return join(
        [
            tag("div", chart, tag("p", *legend, class_="legend"), class_="card"),
            tag("div", tag("div", tag("table", head, *rows, class_="stages"), class_="scroll"), class_="card wide"),
        ]
    )


def certainty_cards(records: Sequence[Record], overall: Group) -> Markup:
    """The risk–coverage curve and how far confidence can be taken at its word."""
    sure = np.array([record.confidence for record in records], dtype=np.float64)
    right = np.array([is_right(record) for record in records], dtype=np.float64)
    curve = risk_coverage(sure, right)
    points = tuple((float(x), float(y), "") for x, y in zip(curve.coverage, curve.risk, strict=True))
    wrong = 1 - float(right.mean())
    flat = Series("reference", "不分把握", ((0.0, wrong, ""), (1.0, wrong, "")))
    risk = line_chart(
        "风险与覆盖", share_axis("接受多少题的回答"), share_axis("其中有误"), [Series("s1", "风险", points)], flat
    )
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    dots = tuple(
        (
            float(sure[bins == i].mean()),
            float(right[bins == i].mean()),
            f"把握 {sure[bins == i].mean():.2f}，答对 {share(float(right[bins == i].mean()))}，{np.count_nonzero(bins == i)} 题",
        )
        for i in sorted(set(bins.tolist()))
    )
    ideal = Series("reference", "完全相符", ((0.0, 0.0, ""), (1.0, 1.0, "")))
    trust = line_chart(
        "把握与实际", share_axis("回答所报的把握"), share_axis("实际答对"), [Series("s1", "把握", dots)], ideal
    )
    return join(
        [
            _figure(
                risk,
                "风险与覆盖",
                f"只接受把握最大的一部分回答时，其中有误的比例；虚线是不分把握。曲线下面积（AURC）{overall.aurc:.3f}，越低越好。",
            ),
            _figure(
                trust,
                "把握与实际",
                f"每点是把握相近的一组题；落在虚线上，说明所报把握可信。校准误差（ECE）{overall.ece:.3f}，越低越好。",
            ),
        ]
    )


def latency_cards(records: Sequence[Record], summary: Summary) -> Markup:
    values = [record.cost.latency_ms for record in records]
    marks = [(f"{name.removeprefix('p')}% {value:.0f}", value) for name, value in summary.cost.latency_ms.items()]
    chart = histogram("回答用时", "毫秒", values, marks)
    facts = [
        (f"{name.removeprefix('p')}% 的题不超过", f"{value:.1f} 毫秒")
        for name, value in summary.cost.latency_ms.items()
    ]
    facts += [("最长", f"{max(values):.1f} 毫秒"), ("内存最多用到", f"{summary.cost.peak_memory_mb:.0f} MB")]
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value, class_="n")) for name, value in facts]
    note = tag("figcaption", "只有用时和内存每次运行会不同。")
    return join(
        [
            _figure(chart, "回答用时", "每题一次；红线是百分位数。"),
            tag("div", tag("h3", "百分位数与内存"), tag("table", *rows), note, class_="card"),
        ]
    )


def _figure(chart: Markup, title: str, note: str) -> Markup:
    return tag("figure", tag("h3", title), chart, tag("figcaption", note), class_="card")
