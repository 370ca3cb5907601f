"""The bundled evidence model: which candidate answers, and whether any does. Linear in the features, so it explains itself.

A candidate's share is the softmax of its score among all candidates of its question (a conditional logit). Whether the
question is answered at all is a logistic function of the best candidate's features and of the highest scores.
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

_FORMAT = "zhengwen-evidence-1"
_FILES = ("evidence.json", "model.safetensors")
_VECTORS = ("mean", "scale", "choose", "answer_mean", "answer_scale", "answer")
_CLIP = 5.0

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """`mean`, `scale` and `choose` are `(features,)`; `answer_mean`, `answer_scale` and `answer` are `(features + TOP,)`, with
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
        sizes = [*3 * [len(NAMES)], *3 * [len(NAMES) + TOP]]
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
    """The best candidate's features and the `TOP` highest scores; the last one repeats when there are fewer."""
    order = np.argsort(-scores, kind="stable")
    highest = scores[order[:TOP]]
    return np.concatenate([features[order[0]], highest, np.repeat(highest[-1:], TOP - len(highest))])


def softmax(scores: Vector) -> Vector:
    exponential = np.exp(scores - scores.max())
    return np.asarray(exponential / exponential.sum(), dtype=np.float64)
