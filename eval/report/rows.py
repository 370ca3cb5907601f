"""Every question of a run as the table of the report shows it: plain JSON that the page only ever puts in as text."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from eval.measures import citation_precision, citation_recall, forbidden_figures, occurs, without_markers
from eval.record import Record
from eval.report.markup import Markup
from eval.report.words import MEASURES, OUTCOMES, PARTS, STAGES, STYLES, TYPES, VERDICTS
from eval.saved import Outcome, outcome
from eval.score import LOWER_IS_BETTER


def embedded(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """JSON that can stand inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def row(record: Record, earlier: Record | None) -> dict[str, Any]:
    """What is shown of one question; `earlier` is the same question in the run compared with."""
    question, answer = record.question, record.answer or {}
    text = without_markers(record.answered_text or "")
    citations = answer.get("citations", [])
    quotes = [citation["quote"] for citation in citations]
    came_out = outcome(record)
    return {
        "id": question.id,
        "question": question.question,
        "history": [{"role": turn.role, "content": turn.content} for turn in question.history],
        "type": TYPES[question.type.value],
        "style": STYLES[question.style.value],
        "part": PARTS[question.part.value],
        "docs": question.docs,
        "outcome": came_out.name,
        "good": came_out.is_good,
        "answer": answer.get("answer", ""),
        "error": record.error,
        "reason": answer.get("reason"),
        "citations": [_citation(citation, question.evidence) for citation in citations],
        "facts": [{"forms": forms, "stated": any(occurs(form, text) for form in forms)} for forms in question.answers],
        "forbid": [{"figure": figure, "said": bool(forbidden_figures([figure], text))} for figure in question.forbid],
        "evidence": [{"text": span, "cited": citation_recall([span], quotes) > 0} for span in question.evidence],
        "note": question.note,
        "recall": record.scores.get("fact_recall"),
        "confidence": round(record.confidence, 3),
        "latency": record.cost.latency_ms,
        "judge": None if record.judge is None else VERDICTS[record.judge],
        "scores": _scores(record),
        "ranks": _ranks(record),
        "earlier": None if earlier is None else {"outcome": OUTCOMES[outcome(earlier)], "answer": _said(earlier)},
    }


def outcome_counts(records: Sequence[Record]) -> dict[Outcome, int]:
    """How many questions came out how, in the order of the outcomes."""
    found = [outcome(record) for record in records]
    return {kind: found.count(kind) for kind in Outcome}


def _citation(citation: Mapping[str, Any], evidence: Sequence[str]) -> dict[str, Any]:
    origin = citation["origin"]
    page = "" if origin["page"] is None else f"第 {origin['page']} 页，"
    return {
        "marker": citation["marker"],
        "title": citation["title"],
        "section": " › ".join(citation["section"]),
        "place": f"{origin['path']}，{page}第 {origin['line_start']}–{origin['line_end']} 行",
        "quote": citation["quote"],
        "about": citation_precision(evidence, [citation["quote"]]) > 0,
    }


def _scores(record: Record) -> list[tuple[str, str]]:
    """Name and value of the measures that are neither perfect nor said elsewhere in the row."""
    shown = {
        "exact_match",
        "character_f1",
        "citation_precision",
        "citation_recall",
        "quotes_stand",
        "sentences_supported",
    }
    return [
        (name, f"{record.scores[measure]:.2f}")
        for measure, name in MEASURES.items()
        if measure in shown and measure in record.scores and measure not in LOWER_IS_BETTER
    ]


def _ranks(record: Record) -> list[tuple[str, str]]:
    """Stage and the rank at which the first evidence stands."""
    return [
        (
            stage,
            f"第 {round(1 / record.scores[f'{prefix}mrr@10'])} 段"
            if record.scores[f"{prefix}mrr@10"]
            else "前 10 段中没有",
        )
        for prefix, stage in STAGES.items()
        if f"{prefix}mrr@10" in record.scores and record.error is None
    ]


def _said(record: Record) -> str:
    return record.error or "" if record.answer is None else str(record.answer["answer"])
