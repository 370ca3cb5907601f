"""The bundled evidence model: which candidate answers, and whether any does. Linear in the features, so it explains itself.

A candidate's share is the softmax of its score among all candidates of its question (a conditional logit). Whether the
question is answered at all is a logistic function of the best candidate's features, the highest scores and what the leading
candidates have in common.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file
from scipy.special import expit

from indexer.errors import ModelError
from service.features import NAMES, Matrix

TOP = 4
"""How many of the highest scores tell whether a question is answered."""

_FORMAT = "zhengwen-evidence-2"
_FILES = ("evidence.json", "model.safetensors")
_VECTORS = ("mean", "scale", "choose", "answer_mean", "answer_scale", "answer")
_CLIP = 5.0
_COLUMN = {name: column for column, name in enumerate(NAMES)}
_LEADING = 5
# What is asked for may stand in another piece than the best: the best and the worst of the leading pieces tell as well.
_SPREAD = (
    *("missing_rarest", "missing", "meaning_around_least", "meaning_gap", "around", "anywhere", "own_names"),
    *("year_around", "place_around"),
)
_SPREAD_COLUMNS = [_COLUMN[name] for name in _SPREAD]
ANSWER_NAMES: tuple[str, ...] = (
    *(f"best: {name}" for name in NAMES),
    *(f"score {i + 1}" for i in range(TOP)),
    *("form of the best", "form among three", "form among five", "share with form", "share without form"),
    *("number: form of the best", "number: form among three", "number: share without form"),
    *("best conflicts", "share in conflict", "all conflict", "entropy", "greatest share"),
    *(f"most {name}" for name in _SPREAD),
    *(f"least {name}" for name in _SPREAD),
)
"""What `answer_input` gives, in order; "form" is 1 where the form asked for stands, -1 where it is missing, 0 if none is asked for."""

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """`mean`, `scale` and `choose` are `(features,)`; `answer_mean`, `answer_scale` and `answer` are `(answer names,)`, with
    `bias` beside them."""

    mean: Vector
    scale: Vector
    choose: Vector
    answer_mean: Vector
    answer_scale: Vector
    answer: Vector
    bias: float


@dataclass(frozen=True)
class Judgement:
    """`shares` `(candidates,)` sum to 1 and say how likely each is the best answer; `answered` is the probability that the
    question is answered by the best of them; 0 without any candidate."""

    shares: Vector
    answered: float


class EvidenceModel:
    """`fingerprint` names the files it was loaded from."""

    def __init__(self, weights: Weights, threshold: float, fingerprint: str = "") -> None:
        self.weights = weights
        self.threshold = threshold
        self.fingerprint = fingerprint

    @classmethod
    def load(cls, folder: Path) -> "EvidenceModel":
        """What `save` wrote.

        Raises:
            ModelError: a file is missing, damaged or of other features.
        """
        try:
            data = [(folder / name).read_bytes() for name in _FILES]
            card = json.loads(data[0])
            arrays = {name: array.astype(np.float64) for name, array in load_file(folder / _FILES[1]).items()}
            vectors = [arrays[name] for name in _VECTORS]
            found = (card["format"], tuple(card["features"]))
            threshold = float(card["threshold"])
            mean, scale, choose, answer_mean, answer_scale, answer = vectors
            weights = Weights(mean, scale, choose, answer_mean, answer_scale, answer, float(arrays["bias"][0]))
        except Exception as error:  # JSON, safetensors and missing keys each raise their own kinds
            reason = str(error).strip().split("\n")[0]
            raise ModelError(f"the evidence model at {folder} cannot be loaded: {reason}") from error
        if found != (_FORMAT, NAMES):
            raise ModelError(
                f"the evidence model at {folder} is of another version ({found[0]}, {len(found[1])} features; "
                f"{len(NAMES)} are computed): train it anew with 'python -m training.evidence'"
            )
        sizes = [*3 * [len(NAMES)], *3 * [len(ANSWER_NAMES)]]
        if [vector.shape for vector in vectors] != [(size,) for size in sizes]:
            raise ModelError(
                f"the evidence model at {folder} cannot be loaded: its weights are not those of its {len(NAMES)} "
                "features: restore its files or train it anew with 'python -m training.evidence'"
            )
        digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in data))
        return cls(weights, threshold, "sha256:" + digest.hexdigest())

    def save(self, folder: Path) -> None:
        """Writes `evidence.json` and `model.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        card = {"format": _FORMAT, "threshold": self.threshold, "features": NAMES}
        (folder / _FILES[0]).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        arrays = {**asdict(self.weights), "bias": np.array([self.weights.bias])}
        save_file({name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()}, folder / _FILES[1])

    def judge(self, features: Matrix) -> Judgement:
        """`features` is `(candidates, features)`, its columns as `service.features.NAMES`."""
        if not len(features):
            return Judgement(np.zeros(0), 0.0)
        scaled = standardise(features, self.weights.mean, self.weights.scale)
        scores = scaled @ self.weights.choose
        row = standardise(answer_input(features, scores), self.weights.answer_mean, self.weights.answer_scale)
        logit = float(row @ self.weights.answer + self.weights.bias)
        return Judgement(softmax(scores), float(expit(logit)))


def standardise(features: Matrix | Vector, mean: Vector, scale: Vector) -> Vector:
    """Each column with mean 0 and deviation 1 over the training rows; outliers are clipped."""
    return np.clip((features.astype(np.float64) - mean) / scale, -_CLIP, _CLIP)


def answer_input(features: Matrix, scores: Vector) -> Vector:
    """What tells whether a question is answered, `(answer names,)`: the best candidate's features, the `TOP` highest scores (the
    last one repeats when there are fewer), and how the leading candidates agree.
    """
    order = np.argsort(-scores, kind="stable")
    highest = scores[order[:TOP]]
    best = features[order[0]]
    return np.concatenate(
        [
            best,
            highest,
            np.repeat(highest[-1:], TOP - len(highest)),
            _agreement(features.astype(np.float64), scores, order),
        ]
    )


def _agreement(features: Matrix | Vector, scores: Vector, order: npt.NDArray[np.intp]) -> Vector:
    """Of the leading candidates, those without a conflict first: whether they hold the form asked for, and how well they are
    covered at best and at worst; of all, how much of the probability speaks against an answer."""
    shares = softmax(scores)
    form, conflicts = features[:, _COLUMN["form"]], features[:, _COLUMN["conflict"]]
    fitting = order[conflicts[order] == 0]
    leading = (fitting if len(fitting) else order)[:_LEADING]
    asks_number = features[order[0], _COLUMN["kind_number"]]
    has_form, lacks_form = float(shares @ (form > 0)), float(shares @ (form < 0))
    best, among_three, among_all = form[leading[0]], form[leading[:3]].max(), form[leading].max()
    entropy = -float(shares @ np.log(shares + 1e-12))
    spread = features[leading][:, _SPREAD_COLUMNS]
    return np.concatenate(
        [
            [best, among_three, among_all, has_form, lacks_form],
            [asks_number * value for value in (best, among_three, lacks_form)],
            [conflicts[order[0]], float(shares @ conflicts), float(not len(fitting)), entropy, shares.max()],
            spread.max(axis=0),
            spread.min(axis=0),
        ]
    )


def softmax(scores: Vector) -> Vector:
    exponential = np.exp(scores - scores.max())
    return np.asarray(exponential / exponential.sum(), dtype=np.float64)
