"""How well evidence is chosen, and how well an answered question is told from an unanswered one.

Our policy questions are judged by models that have not seen the question's document, the development gold questions by the
model that ships. Both stand beside what needs no training: the words that question and candidate share, and the rank.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from indexer.embedder import SentenceTransformerEmbedder
from indexer.retrieval import HybridRetriever, Library
from indexer.text import fold
from models import EMBEDDER, EVIDENCE
from service.candidates import Candidates
from service.evidence import READ, token_weights
from service.evidence_model import ANSWER_NAMES, EvidenceModel, Vector, softmax
from service.features import NAMES, Features
from service.spelling import vocabulary_of
from training.config import Evidence
from training.evidence import Asked, Beside, ask_all, fit_scores, folds, label, train
from training.measure_retrieval import Query, asked_of, folder_collection, gold_lines, place_of
from training.measures import (
    auc_figure,
    calibration_error,
    mean_figure,
    refused_figure,
    risk_area_figure,
    risk_curve,
)
from training.plot import Line, line_chart
from training.policy import CHOOSING, READING, PolicyQuestion
from training.results import Cell, Row, Section, Table, weights

log = logging.getLogger("training.measure_evidence")

MODEL, WITH_SHARE, OVERLAP, SETTING, RANK = (
    "evidence model",
    "evidence model, times the best candidate's share",
    "shared words, by rarity",
    "shared words with neighbours and headings",
    "rank of the passage alone",
)
POLICY, GOLD = "our policy questions", "development gold questions"
CHOICE, ANSWERED, CALIBRATION = "Best candidate", "Answered or not", "Calibration"
CHOICE_HEAD = ("is evidence", "states all facts", "states all facts − shared words'")
ANSWERED_HEAD = (
    "AUC",
    "AUC, questions for a figure",
    "unanswerable refused at 5 % of answerable refused",
    "area under risk–coverage",
)
_GIVEN_UP = 0.05
_LISTED = 12
_BINS = 5
_DRAWN_FROM = 0.02


@dataclass(frozen=True)
class Judged:
    """One question under one method: how sure the method is, the label (0..1) of the candidate that it puts first, and that
    candidate's share of the probability of all, 1 for methods without one."""

    answerable: bool
    asks_figure: bool
    confidence: float
    label: float
    share: float = 1.0

    @property
    def found(self) -> bool:
        """Whether the first candidate is evidence; never for a question without an answer."""
        return self.label > 0

    @property
    def complete(self) -> bool:
        """Whether the first candidate is evidence and states every fact."""
        return self.label == 1


def by_column(asked: Sequence[Asked], column: str) -> list[Judged]:
    """The candidate with the highest value of a feature, the first of equals; the value is the confidence."""
    place = NAMES.index(column)
    return [
        _judged(item, int(np.argmax(item.features[:, place])), float(item.features[:, place].max()))
        if len(item.features)
        else _judged(item, None, 0.0)
        for item in asked
    ]


def by_model(asked: Sequence[Asked], model: EvidenceModel) -> list[Judged]:
    """What a model says of questions that it was not fitted on."""
    judged = []
    for item in asked:
        verdict = model.judge(item.features)
        judged.append(_judged(item, _first(verdict.shares), verdict.answered, verdict.shares.max(initial=0.0)))
    return judged


def with_share(judged: Sequence[Judged]) -> list[Judged]:
    """The confidence that the first candidate is right: that there is an answer, times its share."""
    return [replace(item, confidence=item.confidence * item.share) for item in judged]


def out_of_document(asked: Sequence[Asked], config: Evidence) -> list[Judged]:
    """What models that have not seen the question's document say, folds and probabilities as `training.evidence` makes them."""
    usable = [item for item in asked if len(item.features)]
    _, held = train(asked, config)
    fold_of = folds(usable, config.folds)
    shares: dict[int, Vector] = {}
    for number in range(config.folds):
        fit = fit_scores([item for item, f in zip(usable, fold_of, strict=True) if f != number], config.penalty)
        for item, f in zip(usable, fold_of, strict=True):
            if f == number:
                shares[id(item)] = softmax(fit.scaled(item.features) @ fit.choose)
    probability = {id(item): float(p) for item, p in zip(usable, held.probability, strict=True)}
    judged = []
    for item in asked:
        own = shares.get(id(item), np.zeros(0))
        judged.append(_judged(item, _first(own), probability.get(id(item), 0.0), own.max(initial=0.0)))
    return judged


def _first(shares: Vector) -> int | None:
    return int(np.argmax(shares)) if len(shares) else None


def _judged(item: Asked, first: int | None, confidence: float, share: float = 1.0) -> Judged:
    asks_figure = len(item.features) > 0 and bool(item.features[0, NAMES.index("kind_number")])
    label = 0.0 if first is None else float(item.labels[first])
    return Judged(item.question.is_answerable, asks_figure, confidence, label, float(share))


def ask_gold(corpus: Path, index: Path, gold: Path, beside: Beside | None = None) -> list[Asked]:
    """The development questions of a gold file, understood and found as the service does."""
    stored = folder_collection(corpus, index).stored
    embedder = SentenceTransformerEmbedder(str(EMBEDDER))
    library = Library(stored.documents, stored.passages)
    retriever, candidates = HybridRetriever(stored, embedder), Candidates(library, stored.glossary)
    features = Features(embedder)
    vocabulary = vocabulary_of(fold(document.text) for document in stored.documents)
    asked = []
    for line in gold_lines(gold):
        if line.part != "development":
            continue
        understood = asked_of(Query(line.question, frozenset(), line.history), vocabulary)
        hits = retriever.retrieve(understood.resolved, understood.tokens, READ)
        found = candidates.of(hits, with_lists=understood.wants_many)
        spans = [
            (name, *place)
            for name in line.docs
            for span in line.evidence
            if (place := place_of(span, library.documents[name].text)) is not None
        ]
        question = PolicyQuestion(line.question_id, line.question, line.kind, line.docs, line.answers, line.evidence)
        labels = np.array([label(candidate, spans, question) for candidate in found])
        matrix = features.of(understood, token_weights(understood, stored.lexical), found)
        if beside is not None:
            matrix = np.concatenate([matrix, beside(library, understood, hits, found)], axis=1)
        asked.append(Asked(question, line.docs[0] if line.docs else "", matrix, labels))
    return asked


def choice_rows(name: str, methods: dict[str, list[Judged]], asked: Sequence[Asked]) -> list[Row]:
    """Answerable questions alone: whether the best candidate is evidence, and whether it states every fact."""
    base = [float(item.complete) for item in methods[OVERLAP] if item.answerable]
    rows = []
    for method, judged in methods.items():
        answerable = [item for item in judged if item.answerable]
        right = [float(item.complete) for item in answerable]
        gain: Cell = "–"
        if method != OVERLAP:
            gain = mean_figure([ours - theirs for ours, theirs in zip(right, base, strict=True)])
        evidence = mean_figure([float(item.found) for item in answerable])
        rows.append(Row(f"{name}: {method}", (evidence, mean_figure(right), gain)))
    best = [item.labels.max(initial=0.0) for item in asked if item.question.is_answerable]
    ceiling = (mean_figure([float(top > 0) for top in best]), mean_figure([float(top == 1) for top in best]), "–")
    return [*rows, Row(f"{name}: the best there is among the candidates", ceiling)]


def answered_rows(name: str, methods: dict[str, list[Judged]]) -> list[Row]:
    """Answerable questions against near misses by the confidence of each method."""
    rows = []
    for method, judged in methods.items():
        figures = [item for item in judged if item.asks_figure]
        scores, truth = [item.confidence for item in judged], [item.answerable for item in judged]
        cells = (
            auc_figure(scores, truth),
            auc_figure([item.confidence for item in figures], [item.answerable for item in figures]),
            refused_figure(scores, truth, _GIVEN_UP),
            risk_area_figure(scores, [item.found for item in judged]),
        )
        rows.append(Row(f"{name}: {method}", cells))
    return rows


def calibration_rows(name: str, judged: Sequence[Judged]) -> list[Row]:
    """The questions in five parts of equal size by probability: the mean probability and the share that has an answer."""
    ordered = sorted(judged, key=lambda item: item.confidence)
    rows = []
    for part in np.array_split(np.arange(len(ordered)), _BINS):
        chosen = [ordered[i] for i in part]
        probability = float(np.mean([item.confidence for item in chosen]))
        share = mean_figure([float(item.answerable) for item in chosen])
        rows.append(Row(f"{name}: {len(chosen)} questions", (f"{probability:.3f}", share)))
    return rows


def _quality(judged: Sequence[Judged]) -> str:
    p = np.array([item.confidence for item in judged])
    y = np.array([item.answerable for item in judged], dtype=np.float64)
    error = calibration_error(p.tolist(), [item.answerable for item in judged])
    return (
        f"Brier score {((p - y) ** 2).mean():.3f} (a constant: {y.mean() * (1 - y.mean()):.3f}), expected calibration error "
        f"{error:.3f}"
    )


def weight_table(title: str, names: Sequence[str], weights: Sequence[float]) -> Table:
    """The largest weights, by size."""
    largest = sorted(zip(names, weights, strict=True), key=lambda pair: -abs(pair[1]))[:_LISTED]
    return Table(title, ("weight",), tuple(Row(f"`{name}`", (f"{weight:+.2f}",)) for name, weight in largest))


def _methods(asked: Sequence[Asked], model: list[Judged]) -> dict[str, list[Judged]]:
    return {
        MODEL: model,
        SETTING: by_column(asked, "credit"),
        OVERLAP: by_column(asked, "own"),
        RANK: by_column(asked, "hit"),
    }


def evidence_section(work: Path, root: Path, plot: Path, config: Evidence) -> Section:
    """Both sets; writes the risk–coverage curves to `plot`."""
    marks = {"embedder": weights(EMBEDDER), "evidence": weights(EVIDENCE)}
    model = EvidenceModel.load(EVIDENCE)
    policy = ask_all(work, EMBEDDER, (READING, CHOOSING))
    log.info("%d policy questions asked", len(policy))
    gold = ask_gold(root / "corpus", work / "corpus-index", root / "eval" / "gold" / "digests.jsonl")
    log.info("%d gold questions asked", len(gold))
    sets = {
        POLICY: (policy, _methods(policy, out_of_document(policy, config))),
        GOLD: (gold, _methods(gold, by_model(gold, model))),
    }
    # The rank has one confidence for all questions.
    ranked = {
        name: {MODEL: methods[MODEL], WITH_SHARE: with_share(methods[MODEL])}
        | {method: methods[method] for method in (SETTING, OVERLAP)}
        for name, (_, methods) in sets.items()
    }
    lines = [
        Line(method, _without_start(risk_curve([item.confidence for item in theirs], [item.found for item in theirs])))
        for method, theirs in ranked[POLICY].items()
        if method != SETTING
    ]
    plot.parent.mkdir(parents=True, exist_ok=True)
    plot.write_text(
        line_chart("Risk and coverage on our policy questions", "questions answered", "wrong among them", lines),
        encoding="utf-8",
    )
    ours, theirs = sets[POLICY][1][MODEL], sets[GOLD][1][MODEL]
    refused = [item.confidence < model.threshold for item in theirs]
    shipped = (
        f"At the shipped threshold of {model.threshold:.3f} the development gold questions give: "
        f"{_share(refused, [not item.answerable for item in theirs])} of the unanswerable refused, "
        f"{_share(refused, [item.answerable for item in theirs])} of the answerable."
    )
    text = (
        f"{len(policy)} questions of our own on policy documents of our own ({sum(item.answerable for item in ours)} "
        f"answerable), judged by models that have not seen the question's document (folds over documents), and {len(gold)} "
        f"development gold questions ({sum(item.answerable for item in theirs)} answerable) on `corpus/`, judged by the model "
        "that ships. The unanswerable ones are near misses: the documents speak of the matter, but lack what is asked for. "
        f"All candidates come from the first {READ} hits of the fusion; a question without any counts as wrong."
    )
    tables = (
        Table(
            CHOICE,
            CHOICE_HEAD,
            tuple(row for name, (asked, methods) in sets.items() for row in choice_rows(name, methods, asked)),
        ),
        Table(
            ANSWERED,
            ANSWERED_HEAD,
            tuple(row for name, methods in ranked.items() for row in answered_rows(name, methods)),
            f"Without training the confidence is the best candidate's share of the question's words. A low area is good: "
            f"answers count as wrong when their best candidate is no evidence, as it never is for a near miss. {shipped}\n\n"
            "![Risk and coverage](../docs/risk-coverage.svg)",
        ),
        Table(
            CALIBRATION,
            ("mean probability", "share answerable"),
            (*calibration_rows(POLICY, ours), *calibration_rows(GOLD, theirs)),
            f"The probability of being answered. {POLICY.capitalize()}: {_quality(ours)}. "
            f"{GOLD.capitalize()}: {_quality(theirs)}.",
        ),
        weight_table("Largest weights in choosing a candidate", NAMES, model.weights.choose.tolist()),
        weight_table(
            "Largest weights in telling whether a question is answered",
            ANSWER_NAMES,
            model.weights.answer.tolist(),
        ),
    )
    return Section("Evidence", text, tables, marks)


def _without_start(curve: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """The curve from where it rests on more than a handful of questions."""
    return tuple(point for point in curve if point[0] >= _DRAWN_FROM)


def _share(refused: Sequence[bool], among: Sequence[bool]) -> str:
    return str(mean_figure([float(value) for value, counts in zip(refused, among, strict=True) if counts]))
