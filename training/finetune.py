"""`python -m training.finetune --stage cloze|reading|again|export`: span and answerability heads on examples, then calibration."""

import argparse
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from tokenizers import Tokenizer
from torch import Tensor, nn

from service.reader import (
    Calibration,
    EncodedPair,
    Ids,
    PairBatch,
    PairEncoder,
    ReaderNetwork,
    ReaderShape,
    SpanReader,
    save_reader,
)
from training.config import Finetune, Recipe
from training.examples import Example, read_examples
from training.optimise import StepLoss, train

log = logging.getLogger("training.finetune")

_CHUNK = 400  # examples that are sorted by length together, so that batches pad little and still mix sources


@dataclass(frozen=True)
class TokenExample:
    """An example in tokens: `asked` and `read` rows of ids, `first` and `last` answer token of `read`, -1 for none."""

    asked: Ids
    read: Ids
    offsets: Ids
    first: int
    last: int

    @property
    def size(self) -> int:
        return len(self.asked) + len(self.read) + 3


def tokenise(examples: Sequence[Example], tokenizer: Tokenizer, shape: ReaderShape) -> list[TokenExample]:
    """Examples in tokens, in order; an answer that is cut off by the size of the network makes the example unanswered."""
    questions = tokenizer.encode_batch([example.question for example in examples], add_special_tokens=False)
    passages = tokenizer.encode_batch([example.passage for example in examples], add_special_tokens=False)
    rows = []
    for example, question, passage in zip(examples, questions, passages, strict=True):
        asked = np.asarray(question.ids[: shape.max_question_tokens], dtype=np.int64)
        room = shape.max_tokens - len(asked) - 3
        offsets = np.asarray(passage.offsets[:room], dtype=np.int64).reshape(-1, 2)
        inside = np.flatnonzero((offsets[:, 0] < example.end) & (offsets[:, 1] > example.start))
        first, last = (int(inside[0]), int(inside[-1])) if example.answered and len(inside) else (-1, -1)
        rows.append(TokenExample(asked, np.asarray(passage.ids[:room], dtype=np.int64), offsets, first, last))
    return rows


def plan_batches(sizes: Sequence[int], tokens: int, steps: int, seed: int) -> list[list[int]]:
    """For each step the examples of its batch: of like length, at most `tokens` padded tokens, each example once a pass."""
    batches: list[list[int]] = []
    passes = 0
    while len(batches) < steps:
        rng = random.Random(f"{seed} {passes}")
        order = list(range(len(sizes)))
        rng.shuffle(order)
        made: list[list[int]] = []
        for at in range(0, len(order), _CHUNK):
            batch: list[int] = []
            for i in sorted(order[at : at + _CHUNK], key=lambda i: sizes[i]):
                if batch and sizes[i] * (len(batch) + 1) > tokens:
                    made.append(batch)
                    batch = []
                batch.append(i)
            made.append(batch)
        rng.shuffle(made)
        batches.extend(made)
        passes += 1
    return batches[:steps]


def reading_loss(
    network: ReaderNetwork, pairs: Sequence[EncodedPair], answers: Sequence[tuple[int, int]], answerable_weight: float
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of the answers' first and last token, over answered pairs, and of answerability, over all.

    `answers` are token indexes within the passage, (-1, -1) for none.
    """
    output = network(PairBatch.of(pairs))
    answered = torch.tensor([first >= 0 for first, _ in answers])
    begins = torch.tensor([pair.passage[0] for pair in pairs])
    places = torch.tensor(answers) + begins[:, None]
    null = nn.functional.binary_cross_entropy_with_logits(output.answerable, answered.float())
    loss = answerable_weight * null
    figures = {"null": float(null.detach())}
    if bool(answered.any()):
        start = nn.functional.cross_entropy(output.start[answered], places[answered, 0])
        end = nn.functional.cross_entropy(output.end[answered], places[answered, 1])
        loss = loss + (start + end) / 2
        figures["span"] = float((start + end).detach()) / 2
    return loss, figures


def example_loss(
    network: ReaderNetwork, encoder: PairEncoder, rows: Sequence[TokenExample], config: Finetune
) -> Callable[[int], StepLoss]:
    """The loss of a step, on its planned batch."""
    batches = plan_batches([row.size for row in rows], config.tokens, config.schedule.steps, config.seed)

    def loss_at(step: int) -> StepLoss:
        chosen = [rows[i] for i in batches[step]]
        pairs = [encoder.join(row.asked, row.read, row.offsets) for row in chosen]
        answers = [(row.first, row.last) for row in chosen]
        loss, figures = reading_loss(network, pairs, answers, config.answerable_weight)
        return StepLoss(loss, sum(row.size for row in chosen), figures)

    return loss_at


def fit_calibration(logits: Sequence[float], answered: Sequence[bool]) -> Calibration:
    """Temperature and bias with the least cross-entropy on held-back pairs."""
    x = np.asarray(logits, dtype=np.float64)
    y = np.asarray(answered, dtype=np.float64)

    def cross_entropy(parameters: np.ndarray) -> float:
        z = x * np.exp(-parameters[0]) + parameters[1]
        return float(np.mean(np.logaddexp(0, z) - y * z))

    found = minimize(cross_entropy, np.zeros(2), method="Nelder-Mead").x
    return Calibration(temperature=float(np.exp(found[0])), bias=float(found[1]))


def finetune(work: Path, shape: ReaderShape, config: Finetune, examples: Path, begin: Path, end: Path) -> None:
    """Trains the network of `begin` on `examples` and writes it to `end`; resumes by itself."""
    torch.manual_seed(config.seed)
    network = ReaderNetwork(shape).bfloat16()
    network.load_state_dict(load_file(begin))
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    encoder = PairEncoder(tokenizer, np.load(work / "rarity.npy"), shape)
    rows = tokenise(read_examples(examples), tokenizer, shape)
    log.info("%d examples, %d tokens, from %s", len(rows), sum(row.size for row in rows), begin.name)
    train(network, config.schedule, example_loss(network, encoder, rows, config), end.with_suffix(".pt"))
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, end)


def export(work: Path, shape: ReaderShape, weights: Path, folder: Path) -> Calibration:
    """Calibrates on every second held-back example and writes the folder that the service loads."""
    network = ReaderNetwork(shape).bfloat16()
    network.load_state_dict(load_file(weights))
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    rarity: Ids = np.load(work / "rarity.npy")
    encoder = PairEncoder(tokenizer, rarity, shape)
    held_back = read_examples(work / "held-back.jsonl.xz")[::2]
    reader = SpanReader(network, encoder, Calibration(), "reader")
    pairs = [encoder.join(row.asked, row.read, row.offsets) for row in tokenise(held_back, tokenizer, shape)]
    logits = [answerable for _, _, answerable in reader.logits(pairs)]
    calibration = fit_calibration(logits, [example.answered for example in held_back])
    save_reader(folder, network, tokenizer, rarity, calibration)
    log.info("wrote %s with %s", folder, calibration)
    return calibration


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where `prepare` wrote")
    parser.add_argument("--stage", choices=("cloze", "reading", "again", "export"), required=True)
    parser.add_argument("--out", type=Path, default=Path("models/reader"), help="folder of the finished reader")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    work, recipe = arguments.work, Recipe()
    pretrained, clozed, read, reread = (
        work / f"{name}.safetensors" for name in ("pretrained", "clozed", "read", "reread")
    )
    if arguments.stage == "cloze":
        finetune(work, recipe.shape, recipe.cloze, work / "cloze.jsonl.xz", pretrained, clozed)
    elif arguments.stage == "reading":
        finetune(work, recipe.shape, recipe.finetune, work / "reading.jsonl.xz", clozed, read)
    elif arguments.stage == "again":
        finetune(work, recipe.shape, recipe.again, work / "reading.jsonl.xz", read, reread)
    else:
        export(work, recipe.shape, reread, arguments.out)


if __name__ == "__main__":
    main()
