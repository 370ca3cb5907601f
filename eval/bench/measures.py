"""Measures of the papers that `eval.measures` does not have. Pure functions; all lie between 0 and 1."""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import ir_measures
from ir_measures import AP, RR, Measure, Qrel, R, ScoredDoc, nDCG

from eval.measures import COVERED, mean, occurs, overlap
from indexer.text import fold, squeeze

DEPTH = 20
"""How many passages reading ranks; there is nothing to measure beyond."""

# What CMRC 2018 leaves out of a comparison: Chinese punctuation and the ASCII marks that its texts use.
_PUNCTUATION = frozenset("，。、；：？！·～－“”’《》「」『』（）-:_*^/\\~`+=")
_SEGMENT = re.compile(r"[\u4e00-\u9fa5]|[^\W\u4e00-\u9fa5]+(?:[.,'][^\W\u4e00-\u9fa5]+)*|[^\w\s]")
_NUMBERING = re.compile(r"^\s*\d{1,2}\s*[.、．)）]\s*(?!\d)")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*(?:万亿|[%万亿])?")


def segments(text: str) -> list[str]:
    """The units that CMRC 2018 counts: each Chinese character, each word or figure of another script, each other mark.

    Lower case, the punctuation of CMRC 2018 left out. Cui et al. 2019 cut Latin text as the Penn treebank does, here it is
    cut at white space and marks: they differ in English contractions.
    """
    return _SEGMENT.findall(_without_punctuation(text))


def cmrc_em(answers: Sequence[str], said: str) -> bool:
    """Whether an answer is one of the accepted ones, case and the punctuation of CMRC 2018 aside (Cui et al. 2019)."""
    words = _without_punctuation(said)
    return bool(words) and any(words == _without_punctuation(answer) for answer in answers)


def cmrc_f1(answers: Sequence[str], said: str) -> float:
    """Best F1 over the accepted answers of the longest run of segments that both have (Cui et al. 2019).

    Not the bag of characters of SQuAD: what stands apart in one of them counts only by its longest piece.
    """
    words = segments(said)
    return max((_run_f1(segments(answer), words) for answer in answers), default=0.0)


def ranking_scores(relevant: Mapping[str, int], ranked: Sequence[str], k: int) -> dict[str, float]:
    """`ndcg@10`, `recall@k`, `mrr@10` and `map@20` of the documents of one query, best first, by ir-measures.

    Average precision is that of the `DEPTH` best: there are no more.
    """
    names: dict[Measure, str] = {
        nDCG @ 10: "ndcg@10",
        R @ k: f"recall@{k}",
        RR @ 10: "mrr@10",
        AP @ DEPTH: f"map@{DEPTH}",
    }
    qrels = [Qrel("q", doc_id, relevance) for doc_id, relevance in relevant.items()]
    run = [ScoredDoc("q", doc_id, -rank) for rank, doc_id in enumerate(ranked)]
    scores = dict.fromkeys(names.values(), 0.0)
    scores.update((names[found.measure], float(found.value)) for found in ir_measures.iter_calc(names, qrels, run))
    return scores


def reference_recall(references: Sequence[str], passages: Sequence[str]) -> float:
    """Share of the references that one of the passages holds (RAGEval's recall, Zhu et al. 2024)."""
    return mean(any(overlap(span, text) >= COVERED for text in passages) for span in references)


def states(point: str, said: str, question: str) -> bool:
    """Whether an answer makes a key point, without a judge model to say so.

    What the question says already proves nothing: of the rest of the point, the answer must hold every figure and `COVERED`
    of the character bigrams. A stand-in for RAGEval's judged completeness (Zhu et al. 2024), stricter on wording.
    """
    point = _NUMBERING.sub("", point)
    figures = [figure for figure in _FIGURE.findall(fold(point)) if not occurs(figure, question)]
    if not all(occurs(figure, said) for figure in figures):
        return False
    known, words = squeeze(question), squeeze(said)
    bigrams = _bigrams(squeeze(point))
    new = [gram for gram in bigrams if gram not in known] or bigrams
    return bool(new) and mean(gram in words for gram in new) >= COVERED


def _run_f1(sought: list[str], said: list[str]) -> float:
    matcher = SequenceMatcher(None, sought, said, autojunk=False)
    common = matcher.find_longest_match().size
    return 2 * common / (len(sought) + len(said)) if common else 0.0


def _without_punctuation(text: str) -> str:
    return "".join(char for char in text.lower().strip() if char not in _PUNCTUATION)


def _bigrams(text: str) -> list[str]:
    return sorted({text[i : i + 2] for i in range(max(1, len(text) - 1))}) if text else []
