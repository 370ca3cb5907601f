"""The tables of the report: all measures, the questions by kind, and the differences to an earlier run."""

from collections.abc import Mapping

from eval.compare import Comparison, MeasureDifference, said
from eval.record import Record
from eval.report.markup import Markup, join, tag
from eval.report.plots import Whisker, bar_strip, scale_strip, whisker_strip
from eval.report.words import (
    ANSWERABLE,
    FIELDS,
    MEASURE_GROUPS,
    OUTCOMES,
    PARTS,
    STYLES,
    TYPES,
    measure_name,
    share,
)
from eval.saved import outcome
from eval.summary import Group, Summary

_SURELY = 0.05
_MINOR = "n minor"
"""Figures that a narrow page leaves out."""


def measures_table(summary: Summary) -> Markup:
    """A table of all measures: all questions, and beneath them those of each part where there are two."""
    shown = {"all": summary.overall, **(summary.by_part if len(summary.by_part) > 1 else {})}
    heads = [tag("th", "指标"), tag("th", "题数", class_=_MINOR), tag("th", scale_strip(), class_="plot")]
    heads += [tag("th", PARTS[name], class_="n" if name == "all" else _MINOR) for name in shown]
    rows = [tag("tr", *heads)]
    for heading, measures in MEASURE_GROUPS.items():
        present = [measure for measure in measures if measure in summary.overall.means]
        if present:
            rows.append(tag("tr", tag("th", heading, colspan=str(len(heads)), scope="rowgroup"), class_="heading"))
        rows += [_measure_row(measure, shown) for measure in present]
    legend = [tag("span", PARTS[name], class_=f"key {name}") for name in shown]
    table = tag("table", *rows, class_="measures")
    return join(
        [tag("p", *legend, class_="legend") if len(legend) > 1 else Markup(""), tag("div", table, class_="scroll")]
    )


def _measure_row(measure: str, shown: Mapping[str, Group]) -> Markup:
    overall = shown["all"]
    whiskers = [
        Whisker(name, PARTS[name], group.means[measure], group.intervals[measure])
        for name, group in shown.items()
        if measure in group.means
    ]
    cells = [
        tag(
            "td",
            share(group.means[measure]) if measure in group.means else "–",
            _bounds(group, measure),
            class_="n" if name == "all" else _MINOR,
        )
        for name, group in shown.items()
    ]
    return tag(
        "tr",
        tag("th", measure_name(measure), tag("code", measure), scope="row"),
        tag("td", str(overall.counts[measure]), class_=_MINOR),
        tag("td", whisker_strip(whiskers), class_="plot"),
        *cells,
    )


def _bounds(group: Group, measure: str) -> Markup | None:
    if measure not in group.intervals:
        return None
    interval = group.intervals[measure]
    return tag("small", f"{100 * interval.low:.1f}–{100 * interval.high:.1f}")


def groups_tables(summary: Summary) -> Markup:
    """How many questions of each kind came out well."""
    kinds: tuple[tuple[str, Mapping[str, Group], Mapping[str, str]], ...] = (
        ("题型", summary.by_type, TYPES),
        ("问法", summary.by_style, STYLES),
        ("文件", summary.by_document, {}),
        ("范围", summary.by_part, PARTS),
        ("文件中有没有答案", summary.by_answerable, ANSWERABLE),
    )
    cards = []
    for title, groups, names in kinds:
        ordered = [name for name in names if name in groups] or list(groups)
        rows = [
            tag(
                "tr",
                tag("th", names.get(name, name), scope="row"),
                tag("td", str(groups[name].questions), class_="n"),
                tag(
                    "td",
                    bar_strip(groups[name].means["right"], groups[name].intervals["right"], names.get(name, name)),
                    class_="plot",
                ),
                tag("td", share(groups[name].means["right"]), class_="n"),
            )
            for name in ordered
        ]
        head = tag(
            "tr",
            tag("th", title),
            tag("th", "题数", class_="n"),
            tag("th", scale_strip()),
            tag("th", "答对", class_="n"),
        )
        cards.append(tag("div", tag("table", head, *rows, class_="bars"), class_="card"))
    return join(cards)


def comparison_section(comparison: Comparison) -> Markup:
    """The differences to an earlier run and the questions that came out otherwise."""
    reach = max([0.01, *(max(abs(item.interval.low), abs(item.interval.high)) for item in comparison.measures)])
    shown = [item for item in comparison.measures if item.difference != 0 or item.interval.low != item.interval.high]
    heads = [tag("th", "指标"), tag("th", "题数", class_=_MINOR), tag("th", scale_strip(-reach, reach), class_="plot")]
    heads += [tag("th", name, class_="n" if name == "差" else _MINOR) for name in ("前次", "本次", "差", "p")]
    table = tag("table", tag("tr", *heads), *(_difference_row(item, reach) for item in shown), class_="measures")
    differing = "、".join(FIELDS[name] for name in comparison.differing) or "没有"
    same = len(comparison.measures) - len(shown)
    left_out = f"另有 {comparison.left_out} 题只见于其中一次，没有计入。" if comparison.left_out else ""
    note = f"比较两次都有的 {comparison.questions} 题。{left_out}两次运行不同之处：{differing}。"
    if same:
        note += f"其余 {same} 项指标完全相同，没有列出。"
    changes = [_change(changed.first, changed.second) for changed in comparison.changed]
    return tag(
        "section",
        tag("h2", "与前次比较"),
        tag("p", note),
        tag("div", table, class_="scroll") if shown else None,
        tag("h3", f"结果不同的 {len(changes)} 题") if changes else tag("p", "没有一题的结果不同。"),
        tag("div", *changes, class_="changes"),
        id="compare",
    )


def _difference_row(item: MeasureDifference, reach: float) -> Markup:
    surely = item.p <= _SURELY
    kind = "even" if not surely else "better" if item.is_better else "worse"
    name = measure_name(item.measure)
    return tag(
        "tr",
        tag("th", name, tag("code", item.measure), scope="row"),
        tag("td", str(item.questions), class_=_MINOR),
        tag("td", whisker_strip([Whisker(kind, name, item.difference, item.interval)], -reach, reach), class_="plot"),
        tag("td", share(item.first), class_=_MINOR),
        tag("td", share(item.second), class_=_MINOR),
        tag(
            "td",
            f"{100 * item.difference:+.1f}",
            tag("small", "变好" if kind == "better" else "变差") if surely else None,
            class_="n",
        ),
        tag("td", f"{item.p:.4f}", class_=_MINOR),
    )


def _change(before: Record, after: Record) -> Markup:
    question = after.question
    sides = [
        tag(
            "div",
            tag("h4", f"{when}：", _badge(record)),
            tag("p", said(record), class_="said"),
        )
        for when, record in (("前次", before), ("本次", after))
    ]
    return tag(
        "article",
        tag("p", tag("a", question.id, href=f"#q-{question.id}"), f" {question.question}", class_="asked"),
        tag("div", *sides, class_="sides"),
        class_="card",
    )


def _badge(record: Record) -> Markup:
    found = outcome(record)
    return tag("span", OUTCOMES[found], class_=f"badge {found.name}")
