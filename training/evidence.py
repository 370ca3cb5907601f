"""`python -m training.evidence`: the evidence model, from our own questions on our own policy documents.

The questions are asked of an index of those documents; every candidate becomes a row of features, and its label says how
much of the evidence and of the facts it holds. First the scores are fitted (a conditional logit: the candidates of a
question compete), then the probability that a question is answered, on scores that a model without that question's document
gave. Out-of-document predictions also choose the threshold.
"""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from indexer.build import build
from indexer.document import Document, Hit
from indexer.embedder import SentenceTransformerEmbedder
from indexer.retrieval import HybridRetriever, Library
from indexer.store import load
from indexer.text import squeeze
from service.candidates import Candidate, Candidates
from service.evidence import READ, token_weights
from service.evidence_model import ANSWER_NAMES, EvidenceModel, Vector, Weights, answer_input, softmax, standardise
from service.features import NAMES, Features, Matrix
from service.question import Question, understand
from training.config import Evidence, Recipe
from training.policy import CHOOSING, DOCUMENTS, READING, PolicyQuestion, policy_questions

log = logging.getLogger("training.evidence")


Beside = Callable[[Library, Question, Sequence[Hit], Sequence[Candidate]], Matrix]
"""Further columns for the features of a question's candidates, `(candidates, columns)`."""


@dataclass(frozen=True)
class Asked:
    """A question's candidates: their features and labels, `(candidates,)` in 0..1; `group` is the document it was written on.

    The features are those of `service.features`; further columns stand behind them.
    """

    question: PolicyQuestion
    group: str
    features: Matrix
    labels: Vector


@dataclass(frozen=True)
class Fit:
    """The linear model of the scores, over standardised features."""

    mean: Vector
    scale: Vector
    choose: Vector

    def scaled(self, features: Matrix) -> Vector:
        return standardise(features, self.mean, self.scale)


def label(candidate: Candidate, spans: Sequence[tuple[str, int, int]], question: PolicyQuestion) -> float:
    """0 when less than half of the units are evidence, else 0.5 to 1 by the share of the facts they state."""
    right = [
        any(
            doc_id == unit.doc_id
            and 2 * (min(end, unit.end) - max(start, unit.start)) >= min(end - start, unit.end - unit.start)
            for doc_id, start, end in spans
        )
        for unit in candidate.units
    ]
    if 2 * sum(right) < len(right):
        return 0.0
    words = squeeze(candidate.text)
    facts = [any(squeeze(form) in words for form in forms) for forms in question.answers]
    return 0.5 + 0.5 * sum(facts) / len(facts)


def evidence_spans(question: PolicyQuestion, documents: dict[str, Document]) -> list[tuple[str, int, int]]:
    """Where the evidence stands, as (document, start, end)."""
    found = []
    for name in question.docs:
        text = documents[name].text
        for span in question.evidence:
            at = text.find(span)
            if at >= 0:
                found.append((name, at, at + len(span)))
    return found


def ask_all(work: Path, embedder: Path, files: Sequence[Path], beside: Beside | None = None) -> list[Asked]:
    """Every question of the files, asked of an index of all the documents that lies in `work`."""
    index = work / "policy-index"
    build(DOCUMENTS, index, embedder=str(embedder))
    stored = load(index)
    model = SentenceTransformerEmbedder(str(embedder))
    library = Library(stored.documents, stored.passages)
    retriever = HybridRetriever(stored, model)
    candidates, features = Candidates(library, stored.glossary), Features(model)
    asked = []
    for question in (question for file in files for question in policy_questions(file)):
        understood = understand(question.question)
        hits = retriever.retrieve(understood.resolved, understood.tokens, READ)
        found = candidates.of(hits, with_lists=understood.wants_many)
        weights = token_weights(understood, stored.lexical)
        spans = evidence_spans(question, library.documents)
        labels = np.array([label(candidate, spans, question) for candidate in found])
        matrix = features.of(understood, weights, found)
        if beside is not None:
            matrix = np.concatenate([matrix, beside(library, understood, hits, found)], axis=1)
        asked.append(Asked(question, question.docs[0], matrix, labels))
        if len(asked) % 100 == 0:
            log.info("%d questions", len(asked))
    return asked


def fit_scores(asked: Sequence[Asked], penalty: float) -> Fit:
    """The conditional logit, by L-BFGS: for each answerable question the cross-entropy of the shares of its candidates
    against their labels; `penalty` is on the sum of their squared weights."""
    rows = np.concatenate([item.features for item in asked if len(item.features)]).astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    useful = [item for item in asked if item.labels.any()]
    matrices = [standardise(item.features, mean, scale) for item in useful]
    targets = [item.labels / item.labels.sum() for item in useful]

    def loss(weights: Vector) -> tuple[float, Vector]:
        value, gradient = penalty * float(weights @ weights), 2 * penalty * weights
        for matrix, target in zip(matrices, targets, strict=True):
            shares = softmax(matrix @ weights)
            value -= float(target @ np.log(shares + 1e-12)) / len(useful)
            gradient = gradient + matrix.T @ (shares - target) / len(useful)
        return value, gradient

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return Fit(mean, scale, found.x)


def answer_rows(asked: Sequence[Asked], fit: Fit) -> Vector:
    """`(questions, answer names)`: what tells whether each is answered."""
    return np.stack([answer_input(item.features, fit.scaled(item.features) @ fit.choose) for item in asked])


@dataclass(frozen=True)
class AnswerFit:
    """The logistic regression of being answered, over rows of `answer_rows` standardised by their own `mean` and `scale`."""

    mean: Vector
    scale: Vector
    weights: Vector
    bias: float

    def probability(self, rows: Vector) -> Vector:
        """`(questions,)`."""
        return np.asarray(expit(standardise(rows, self.mean, self.scale) @ self.weights + self.bias), dtype=np.float64)


def balance(rows: Vector, answered: npt.NDArray[np.bool_]) -> Vector:
    """`(questions,)`: weights under which questions that ask for a figure, date or name are answered as often as all others.

    Near misses ask for figures far more often than answerable questions do; unweighted, the model would distrust every
    question for a figure.
    """
    asks = rows[:, ANSWER_NAMES.index("best: form")] != 0
    overall = answered.mean()
    weights = np.ones(len(rows))
    for group in (asks, ~asks):
        share = (answered[group].sum() + 2 * overall) / (group.sum() + 2)
        weights[group & answered] = overall / share
        weights[group & ~answered] = (1 - overall) / (1 - share)
    return weights


def fit_answer(rows: Vector, answered: npt.NDArray[np.bool_], strength: float, weights: Vector) -> AnswerFit:
    """`weights` says how much each question counts."""
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    model = LogisticRegression(C=strength, max_iter=2000)
    model.fit(standardise(rows, mean, scale), answered, sample_weight=weights)
    return AnswerFit(mean, scale, model.coef_[0], float(model.intercept_[0]))


def folds(asked: Sequence[Asked], count: int) -> list[int]:
    """The fold of each question: all questions of a document share one."""
    groups = sorted({item.group for item in asked})
    return [groups.index(item.group) % count for item in asked]


@dataclass(frozen=True)
class Held:
    """Predictions for questions whose documents the model has not seen: probability of being answered, whether the best
    candidate is evidence and states every fact."""

    probability: Vector
    answered: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]


def threshold_at(held: Held, refused: float) -> float:
    """The probability under which the share `refused` of the answerable questions falls."""
    return float(np.quantile(held.probability[held.answered], refused))


def train(asked: Sequence[Asked], config: Evidence) -> tuple[EvidenceModel, Held]:
    """The model on all questions, and what models without a question's document say of it."""
    usable = [item for item in asked if len(item.features)]
    answered = np.array([item.question.is_answerable for item in usable])
    fold = np.array(folds(usable, config.folds))
    rows = np.zeros((len(usable), len(ANSWER_NAMES) + usable[0].features.shape[1] - len(NAMES)))
    right = np.zeros(len(usable), dtype=bool)
    for number in range(config.folds):
        fit = fit_scores([item for item, f in zip(usable, fold, strict=True) if f != number], config.penalty)
        for i in np.flatnonzero(fold == number):
            rows[i] = answer_rows([usable[i]], fit)[0]
            scores = fit.scaled(usable[i].features) @ fit.choose
            right[i] = usable[i].labels[int(np.argmax(scores))] == 1
    probability = np.zeros(len(usable))
    for number in range(config.folds):
        seen, known = rows[fold != number], answered[fold != number]
        model = fit_answer(seen, known, config.strength, balance(seen, known))
        probability[fold == number] = model.probability(rows[fold == number])
    held = Held(probability, answered, right)
    fit, answer = (
        fit_scores(usable, config.penalty),
        fit_answer(rows, answered, config.strength, balance(rows, answered)),
    )
    weights = Weights(fit.mean, fit.scale, fit.choose, answer.mean, answer.scale, answer.weights, answer.bias)
    return EvidenceModel(weights, threshold_at(held, config.refused)), held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="working folder of the recipe")
    parser.add_argument("--embedder", type=Path, default=Path("models/embedder"))
    parser.add_argument("--out", type=Path, default=Path("models/evidence"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asked = ask_all(arguments.work, arguments.embedder, (READING, CHOOSING))
    model, held = train(asked, Recipe().evidence)
    model.save(arguments.out)
    log.info(
        "%d questions; best candidate right %.3f of the answerable; AUC of answered %.3f; threshold %.3f refuses %.3f of the others",
        len(held.answered),
        held.right[held.answered].mean(),
        roc_auc_score(held.answered, held.probability),
        model.threshold,
        (held.probability[~held.answered] < model.threshold).mean(),
    )


if __name__ == "__main__":
    main()
