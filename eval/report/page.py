"""The report of a run: one HTML file without anything from outside, in Chinese.

Its content policy admits the style sheet and the script by their hashes and nothing else, so that neither an answer nor a
document can bring in a script, whatever it holds.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from string import Template

from eval.compare import Comparison
from eval.record import Record
from eval.report.charts import certainty_cards, latency_cards, retrieval_cards
from eval.report.markup import Markup, join, tag
from eval.report.rows import embedded, outcome_counts, row
from eval.report.tables import comparison_section, groups_tables, measures_table
from eval.report.words import FIELDS, OUTCOMES, PARTS, STYLES, TYPES, VERDICTS, share
from eval.saved import SavedRun
from eval.summary import Group, Summary, summarise
from indexer.errors import InputError

_FOLDER = Path(__file__).parent
_SHORT_HASH = 16


def write_report(path: Path, run: SavedRun, comparison: Comparison | None) -> None:
    """Writes the report of a run; `comparison`, if any, has an earlier run first and this one second.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        path.write_text(report_html(run, comparison), encoding="utf-8")
    except OSError as error:
        raise InputError(f"the report cannot be written to {path}: {error}") from error


def report_html(run: SavedRun, comparison: Comparison | None = None) -> str:
    """The report as HTML; the same run gives the same text."""
    summary = summarise(run.records, run.header)
    style, script = (_asset(name) for name in ("report.css", "report.js"))
    earlier = {} if comparison is None else {change.second.question.id: change.first for change in comparison.changed}
    return Template(_asset("report.html")).substitute(
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
        style=style,
        script=script,
        subtitle=_subtitle(summary),
        origin=_origin(summary),
        tiles=_tiles(summary),
        changes="" if comparison is None else comparison_section(comparison),
        compare_link="" if comparison is None else tag("a", "与前次比较", href="#compare"),
        measures=measures_table(summary),
        groups=groups_tables(summary),
        retrieval=retrieval_cards(summary.overall),
        certainty=certainty_cards(run.records, summary.overall),
        latency=latency_cards(run.records, summary),
        judge=_judge(summary),
        chips=_chips(run.records),
        types=_options(TYPES, summary.by_type),
        styles=_options(STYLES, summary.by_style),
        parts=_options(PARTS, summary.by_part),
        documents=join(tag("option", name) for name in summary.by_document),
        data=embedded([row(record, earlier.get(record.question.id)) for record in run.records]),
    )


def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _subtitle(summary: Summary) -> str:
    head = summary.header
    drawn = "" if head.sample is None else f"，抽样 {head.sample} 题"
    return f"版本 {head.version}，{PARTS[head.part]} {summary.overall.questions} 题{drawn}".replace("全部 ", "共 ")


def _origin(summary: Summary) -> Markup:
    """The header of the run: the hashes in short, and everything in full to unfold."""
    header = asdict(summary.header)
    short = [
        tag(
            "div", tag("dt", FIELDS[field]), tag("dd", tag("code", header[field].removeprefix("sha256:")[:_SHORT_HASH]))
        )
        for field in ("gold", "index", "prompt")
    ]
    models = [_pair(key, value.removeprefix("sha256:")[:_SHORT_HASH]) for key, value in header["models"].items()]
    short.append(tag("div", tag("dt", FIELDS["models"]), tag("dd", *models)))
    rows = []
    for field, name in FIELDS.items():
        value = header[field]
        pairs = value.items() if isinstance(value, dict) else [("", "无" if value is None else value)]
        rows.append(tag("tr", tag("th", name, scope="row"), tag("td", *(_pair(key, item) for key, item in pairs))))
    return join([tag("dl", *short), tag("details", tag("summary", "完整的哈希与设置"), tag("table", *rows))])


def _pair(key: str, value: object) -> Markup:
    return tag("span", f"{key} " if key else "", tag("code", "空" if value == "" else str(value)), class_="pair")


def _tiles(summary: Summary) -> Markup:
    group, cost = summary.overall, summary.cost
    tiles = [
        _tile(group, "right", "答对，或该拒而拒"),
        _tile(group, "all_facts", "有答案的题：必需事实齐全"),
        _tile(group, "unanswerable_refused", "无答案的题：拒答"),
        _tile(group, "answerable_refused", "有答案的题：误拒"),
        _tile(group, "evidence_recall@5", "依据在检索的前 5 段"),
        _tile(group, "citation_precision_all", "引文切题"),
        _tile(group, "quotes_stand", "引文确实见于原文"),
        _count_tile(
            f"{cost.latency_ms['p50']:.0f} 毫秒", "回答用时的中位数", f"九成不超过 {cost.latency_ms['p90']:.0f} 毫秒"
        ),
        _count_tile(str(group.failed), "没有得到回答的题", f"另有 {group.forbidden} 个回答含错误数字"),
    ]
    return join(tile for tile in tiles if tile is not None)


def _tile(group: Group, measure: str, label: str) -> Markup | None:
    if measure not in group.means:
        return None
    interval = group.intervals[measure]
    return _count_tile(
        share(group.means[measure]),
        label,
        f"{share(interval.low)} 至 {share(interval.high)}，{group.counts[measure]} 题",
    )


def _count_tile(value: str, label: str, note: str) -> Markup:
    return tag("li", tag("b", value), tag("span", label), tag("small", note))


def _judge(summary: Summary) -> Markup:
    if summary.judge is None:
        return Markup("")
    counts = "，".join(f"{VERDICTS[verdict]} {count} 题" for verdict, count in summary.judge.items())
    return tag("p", f"评判模型的意见（仅供参考，不计入任何指标）：{counts}。")


def _chips(records: Sequence[Record]) -> Markup:
    """A button for each outcome that there is."""
    chips = [tag("button", f"全部 {len(records)}", type="button", data_outcome="", aria_pressed="true")]
    for kind, count in outcome_counts(records).items():
        if count:
            chips.append(
                tag("button", f"{OUTCOMES[kind]} {count}", type="button", data_outcome=kind.name, aria_pressed="false")
            )
    return join(chips)


def _options(names: Mapping[str, str], present: Mapping[str, Group]) -> Markup:
    return join(tag("option", name) for key, name in names.items() if key in present)
