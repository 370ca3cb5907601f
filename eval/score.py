"""What one answer scores, by the name of the measure. Everything lies between 0 and 1.

About retrieval, for answerable questions (`eval.ranking`): `evidence_recall@1`, `@3`, `@5`, `@10`, `ndcg@10`, `mrr@10` of
the hits as reading ranked them, and with `lexical.`, `dense.` or `fused.` in front those of the earlier stages.

About answers; a measure is scored only where it applies, and a failure scores its worst value in all of them:

    right                   every question      all facts and no forbidden figure; or a refusal where nothing answers
    all_facts, fact_recall  answerable          every required fact is stated; the share that is; a refusal states none
    exact_match             answerable          the direct answer, the first sentence, is an accepted form and nothing else
    character_f1            answerable          common characters of the direct answer and the best form, mean over the facts
    no_forbidden            with `forbid`       no figure of a wrong answer is stated
    citation_recall         answerable          share of the evidence that quotes are about; a refusal cites nothing
    citation_precision      answerable, answered  share of the quotes that are about the evidence
    citation_precision_all  answerable          the same with 0 for a refusal: refusing cannot raise it
    quotes_stand            answered            share of the quotes that stand in their document; 0 without any
    sentences_supported     answered            share of the sentences with the verdict supported; 0 without any
    answerable_refused      answerable          a refusal; lower is better
    unanswerable_refused    unanswerable        a refusal: the mean is the recall of refusals
    refusal_precision       refused             nothing answers the question: the mean is the precision of refusals
"""

from collections.abc import Mapping

from eval.gold import GoldQuestion
from eval.measures import (
    character_f1,
    citation_precision,
    citation_recall,
    exact_match,
    fact_recall,
    forbidden_figures,
    mean,
    stands,
    without_markers,
)
from eval.ranking import RANKING_MEASURES, held_spans, ranking_scores
from indexer.document import Document
from indexer.retrieval import Library
from service.answer import Answer, Status, Verdict
from service.pipeline import Stages

EARLIER_STAGES = ("lexical", "dense", "fused")
RETRIEVAL_MEASURES = (*RANKING_MEASURES, *(f"{stage}.{name}" for stage in EARLIER_STAGES for name in RANKING_MEASURES))
LOWER_IS_BETTER = frozenset({"answerable_refused"})

_ANSWERABLE = (
    "all_facts",
    "fact_recall",
    "exact_match",
    "character_f1",
    "citation_precision",
    "citation_precision_all",
    "citation_recall",
    "answerable_refused",
)
_ANSWERED = ("quotes_stand", "sentences_supported")
MEASURES = (
    "right",
    *_ANSWERABLE,
    "no_forbidden",
    *_ANSWERED,
    "unanswerable_refused",
    "refusal_precision",
    *RETRIEVAL_MEASURES,
)
"""Every measure, in the order in which they are shown."""


def score(question: GoldQuestion, answer: Answer, stages: Stages, library: Library) -> dict[str, float]:
    """The measures that apply to an answer and the hits that led to it."""
    scores = _answer_scores(question, answer, library.documents)
    if question.is_answerable:
        texts = {passage_id: library.text(passage) for passage_id, passage in library.passages.items()}
        held = held_spans(question.evidence, texts)
        for stage in ("read", *EARLIER_STAGES):
            ranked = [hit.passage.passage_id for hit in getattr(stages, stage)]
            for name, value in ranking_scores(len(question.evidence), held, ranked).items():
                scores[name if stage == "read" else f"{stage}.{name}"] = value
    return scores


def failed_scores(question: GoldQuestion) -> dict[str, float]:
    """The worst value of every measure that could have applied."""
    names = ["right", *_ANSWERED, "refusal_precision"]
    names += [*_ANSWERABLE, *RETRIEVAL_MEASURES] if question.is_answerable else ["unanswerable_refused"]
    names += ["no_forbidden"] if question.forbid else []
    return {name: float(name in LOWER_IS_BETTER) for name in names}


def direct_answer(answer: Answer) -> str:
    """The first sentence, markers aside; empty for a refusal."""
    if answer.status is Status.REFUSED or not answer.sentences:
        return ""
    return without_markers(answer.sentences[0].text)


def _answer_scores(question: GoldQuestion, answer: Answer, documents: Mapping[str, Document]) -> dict[str, float]:
    refused = answer.status is Status.REFUSED
    quotes = [citation.quote for citation in answer.citations]
    text = "" if refused else without_markers(answer.text)
    scores: dict[str, float] = {}
    if question.is_answerable:
        recall = fact_recall(question.answers, text)
        allowed = not forbidden_figures(question.forbid, text)
        precision = 0.0 if refused else citation_precision(question.evidence, quotes)
        scores["right"] = float(recall == 1 and allowed)
        scores["all_facts"] = float(recall == 1)
        scores["fact_recall"] = recall
        scores["exact_match"] = float(exact_match(question.answers, direct_answer(answer)))
        scores["character_f1"] = character_f1(question.answers, direct_answer(answer))
        scores["citation_precision_all"] = precision
        scores["citation_recall"] = 0.0 if refused else citation_recall(question.evidence, quotes)
        scores["answerable_refused"] = float(refused)
        if question.forbid:
            scores["no_forbidden"] = float(allowed)
        if not refused:
            scores["citation_precision"] = precision
    else:
        scores["right"] = scores["unanswerable_refused"] = float(refused)
    if refused:
        scores["refusal_precision"] = float(not question.is_answerable)
    else:
        scores["quotes_stand"] = mean(
            citation.doc_id in documents and stands(citation.quote, documents[citation.doc_id].text)
            for citation in answer.citations
        )
        scores["sentences_supported"] = mean(sentence.verdict is Verdict.SUPPORTED for sentence in answer.sentences)
    return scores
