"""`python -m training.embedder`: a static embedding, fitted by co-occurrence on prose, then trained on pairs."""

import argparse
import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from training.config import Embed, Recipe
from training.data import TextPair, articles
from training.pairs import embedding_pairs
from training.static import fit_static_embedder

log = logging.getLogger("training.embedder")


def contrastive_loss(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of each row finding its partner among the others, both ways; rows of length 1."""
    similar = a @ b.T / temperature
    target = torch.arange(len(a))
    return (nn.functional.cross_entropy(similar, target) + nn.functional.cross_entropy(similar.T, target)) / 2


def _mean_vectors(table: Tensor, rows: Sequence[Sequence[int]]) -> Tensor:
    """`(rows, dimensions)`, of length 1: the mean of each row's vectors."""
    lengths = np.array([0, *(len(row) for row in rows[:-1])])
    flat = np.fromiter((i for row in rows for i in row), dtype=np.int64)
    means = nn.functional.embedding_bag(
        torch.from_numpy(flat), table, torch.from_numpy(np.cumsum(lengths)), mode="mean"
    )
    return nn.functional.normalize(means, dim=-1)


def train_table(weights: Tensor, rows: Mapping[str, Sequence[tuple[list[int], list[int]]]], config: Embed) -> Tensor:
    """The table `(pieces, dimensions)` after training on token rows of pairs, each batch from one source."""
    table = nn.Parameter(weights.clone())
    optimizer = torch.optim.Adam([table], lr=config.rate)
    rng = random.Random(config.seed)
    # Large sources are seen more often, but not in proportion.
    names = sorted(rows)
    shares = [len(rows[name]) ** 0.7 for name in names]
    total = 0.0
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = config.rate * (1 - step / config.steps)
        source = rows[rng.choices(names, shares)[0]]
        chosen = rng.sample(source, min(config.rows, len(source)))
        a, b = (_mean_vectors(table, [pair[side] for pair in chosen]) for side in (0, 1))
        loss = contrastive_loss(a, b, config.temperature)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += float(loss.detach())
        if (step + 1) % 100 == 0:
            log.info("step %d/%d loss %.3f", step + 1, config.steps, total / 100)
            total = 0.0
    return table.detach()


def train_embedder(data: Path, work: Path, folder: Path, config: Embed) -> None:
    """Writes a SentenceTransformer to `folder`; the co-occurrence model it starts from stays in `work`."""
    fitted = work / "embedder-fitted"
    if not fitted.is_dir():
        texts: list[str] = []
        for name in ("xwlb", "crud_rag", "laws", "lctt"):
            sample = [article.text for article in articles(data, name)]
            random.Random(config.seed).shuffle(sample)
            texts.extend(_first(sample, config.fit_characters // 4))
        log.info("fitting on %d texts", len(texts))
        fit_static_embedder(texts, fitted, dimensions=config.dimensions, vocabulary=config.vocabulary)
    trained_copy(fitted, folder, embedding_pairs(data, work, config.seed), config)
    log.info("wrote %s", folder)


def trained_copy(fitted: Path, folder: Path, pairs: Mapping[str, Sequence[TextPair]], config: Embed) -> None:
    """Saves at `folder` the static model of `fitted`, trained on the pairs of each source."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    model = SentenceTransformer(str(fitted), device="cpu")
    static = model[0]
    assert isinstance(static, StaticEmbedding)
    rows = {name: _encode(static.tokenizer, made) for name, made in pairs.items()}
    log.info("pairs: %s", {name: len(made) for name, made in rows.items()})
    trained = train_table(static.embedding.weight.detach(), rows, config)
    with torch.no_grad():
        static.embedding.weight.copy_(trained)
    model.save(str(folder), create_model_card=False)


def _first(texts: Sequence[str], characters: int) -> list[str]:
    chosen: list[str] = []
    total = 0
    for text in texts:
        if total >= characters:
            break
        chosen.append(text[:5000])
        total += len(chosen[-1])
    return chosen


def _encode(tokenizer: Tokenizer, pairs: Sequence[TextPair]) -> list[tuple[list[int], list[int]]]:
    sides = [
        [
            encoding.ids
            for encoding in tokenizer.encode_batch([getattr(pair, side) for pair in pairs], add_special_tokens=False)
        ]
        for side in ("a", "b")
    ]
    return [(a, b) for a, b in zip(*sides, strict=True) if a and b]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds prose/, reading/ and pairs/")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where `prepare` wrote")
    parser.add_argument("--out", type=Path, default=Path("models/embedder"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    train_embedder(arguments.data, arguments.work, arguments.out, Recipe().embed)


if __name__ == "__main__":
    main()
