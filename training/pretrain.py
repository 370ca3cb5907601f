"""`python -m training.pretrain`: masked-language training of the encoder on the packed prose."""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from service.reader import MASK, SPECIAL_TOKENS, Ids, ReaderNetwork, ReaderShape
from training.config import Pretrain, Recipe
from training.optimise import StepLoss, train

_KEEP = 0.1


class MaskedLanguageModel(nn.Module):
    """The reader's encoder with a head that predicts masked tokens by the encoder's own token vectors."""

    def __init__(self, network: ReaderNetwork) -> None:
        super().__init__()
        width = network.shape.width
        self.network = network
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(network.shape.vocabulary))

    def forward(self, ids: Tensor, masked: Tensor) -> Tensor:
        """Logits `(masked tokens, vocabulary)` at the positions where `masked`, bool `(batch, tokens)`, holds."""
        hidden = self.network.hidden(ids, None, None, None)[masked]
        vectors = self.network.encoder.embeddings.tok_embeddings.weight
        return nn.functional.linear(self.head(hidden), vectors, self.bias)


def mask_spans(shape: tuple[int, int], share: float, mean: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """bool `shape`: in each row exactly `round(share * tokens)` positions, in runs of geometric length of that mean."""
    masked = np.zeros(shape, dtype=bool)
    wanted = round(share * shape[1])
    for row in masked:
        left = wanted
        while left > 0:
            start = int(rng.integers(shape[1]))
            run = row[start : start + min(left, int(rng.geometric(1 / mean)))]
            left -= int(np.count_nonzero(~run))
            run[:] = True
    return masked


def masked_batch(
    tokens: npt.NDArray[np.uint16], mask_id: int, config: Pretrain, step: int
) -> tuple[Ids, Ids, npt.NDArray[np.bool_]]:
    """Input ids, true ids and the predicted positions of a step, each `(rows, length)`; a function of seed and step."""
    count = len(tokens) // config.length
    epoch, offset = divmod(step * config.rows, count - count % config.rows)
    order = np.random.default_rng((config.seed, epoch)).permutation(count)[offset : offset + config.rows]
    rng = np.random.default_rng((config.seed, 1_000_000 + step))
    true = np.stack([tokens[i * config.length : (i + 1) * config.length] for i in order]).astype(np.int64)
    masked = mask_spans(true.shape, config.masked, config.span, rng) & (true >= len(SPECIAL_TOKENS))
    # A few stay as they are, so that the encoder also describes tokens it can see.
    hidden = masked & (rng.random(true.shape) >= _KEEP)
    return np.where(hidden, mask_id, true), true, masked


def masked_loss(
    model: MaskedLanguageModel, tokens: npt.NDArray[np.uint16], mask_id: int, config: Pretrain
) -> Callable[[int], StepLoss]:
    """The loss of a step: mean cross-entropy in nats over the masked tokens."""

    def loss_at(step: int) -> StepLoss:
        ids, true, masked = (torch.from_numpy(array) for array in masked_batch(tokens, mask_id, config, step))
        logits = model(ids, masked).float()
        target = true[masked]
        loss = nn.functional.cross_entropy(logits, target)
        right = (logits.argmax(dim=-1) == target).float().mean()
        return StepLoss(loss, ids.numel(), {"accuracy": float(right)})

    return loss_at


def pretrain(work: Path, shape: ReaderShape, config: Pretrain) -> None:
    """Trains on `work/tokens.npy` and writes the network to `work/pretrained.safetensors`; resumes by itself."""
    torch.manual_seed(config.seed)
    network = ReaderNetwork(shape)
    model = MaskedLanguageModel(network).bfloat16()
    tokens = np.load(work / "tokens.npy", mmap_mode="r")
    mask_id = Tokenizer.from_file(str(work / "tokenizer.json")).token_to_id(MASK)
    assert mask_id is not None
    train(model, config.schedule, masked_loss(model, tokens, mask_id, config), work / "pretrain.pt")
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()}, work / "pretrained.safetensors"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where `prepare` wrote")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    pretrain(arguments.work, Recipe().shape, Recipe().pretrain)


if __name__ == "__main__":
    main()
