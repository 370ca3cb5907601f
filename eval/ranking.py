"""How well each stage of retrieval ranks what holds the evidence, computed by ir-measures.

A passage is relevant to a span of evidence when it holds it as `eval.measures.overlap` has it. Every question is asked
against all passages of the index, so that evidence which a stage misses, or which no passage holds, counts against it.
"""

from collections.abc import Iterator, Mapping, Sequence

import ir_measures
from ir_measures import RR, Measure, Qrel, ScoredDoc, Success, nDCG

from eval.measures import COVERED, overlap

CUTOFFS = (1, 3, 5, 10)
_SPAN_MEASURES: dict[Measure, str] = {Success @ k: f"evidence_recall@{k}" for k in CUTOFFS}
_QUESTION_MEASURES: dict[Measure, str] = {nDCG @ 10: "ndcg@10", RR @ 10: "mrr@10"}
RANKING_MEASURES = (*_SPAN_MEASURES.values(), *_QUESTION_MEASURES.values())


def held_spans(evidence: Sequence[str], passages: Mapping[str, str]) -> dict[str, frozenset[int]]:
    """For each passage that holds any of the evidence, by id, which spans of it; `passages` are texts by id."""
    held = {
        passage_id: frozenset(i for i, span in enumerate(evidence) if overlap(span, text) >= COVERED)
        for passage_id, text in passages.items()
    }
    return {passage_id: spans for passage_id, spans in held.items() if spans}


def ranking_scores(spans: int, held: Mapping[str, frozenset[int]], ranked: Sequence[str]) -> dict[str, float]:
    """`RANKING_MEASURES` of passage ids, best first, for a question with this many spans of evidence.

    `evidence_recall@k` is the share of the spans that one of the first k passages holds: each span is a TREC query of its
    own, scored by Success@k. nDCG and MRR are of the whole question; the gain of a passage is how many spans it holds.
    """
    if not spans:
        raise ValueError("ranking_scores needs at least one span of evidence")
    qrels = [Qrel("question", passage_id, len(of)) for passage_id, of in held.items()]
    qrels += [Qrel(str(i), passage_id, 1) for passage_id, of in held.items() for i in sorted(of)]
    queries = sorted({qrel.query_id for qrel in qrels})
    run = [ScoredDoc(query, passage_id, -rank) for query in queries for rank, passage_id in enumerate(ranked)]
    totals = dict.fromkeys(RANKING_MEASURES, 0.0)
    for name, value in _values(qrels, run):
        totals[name] += value / spans if name in _SPAN_MEASURES.values() else value
    return totals


def _values(qrels: list[Qrel], run: list[ScoredDoc]) -> Iterator[tuple[str, float]]:
    """(name, value) for every query that anything is relevant to; one without a run scores 0."""
    if not qrels:
        return
    for found in ir_measures.iter_calc([*_SPAN_MEASURES, *_QUESTION_MEASURES], qrels, run):
        of_question = found.query_id == "question"
        names = _QUESTION_MEASURES if of_question else _SPAN_MEASURES
        if found.measure in names:
            yield names[found.measure], float(found.value)
