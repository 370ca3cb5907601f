"""The lexical leg: BM25 over words and character bigrams (bm25s)."""

import json
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt

# Robertson et al. 1994 in Lucene's form; measured on development questions, see docs/retrieval.md.
_K1 = 1.5
_B = 0.75


class LexicalIndex:
    """BM25 over token lists; rows are the positions of the passages it was built from."""

    def __init__(self, bm25: bm25s.BM25, size: int) -> None:
        self._bm25 = bm25
        self.size = size

    @classmethod
    def build(cls, tokens: Sequence[Sequence[str]]) -> "LexicalIndex":
        # Numbered in sorted order: left to itself bm25s numbers a set, whose order changes with every process.
        vocabulary = {token: i for i, token in enumerate(sorted({token for row in tokens for token in row}))}
        rows = [[vocabulary[token] for token in row] for row in tokens]
        bm25 = bm25s.BM25(k1=_K1, b=_B, method="lucene")
        bm25.index(bm25s.tokenization.Tokenized(ids=rows, vocab=vocabulary), show_progress=False)
        return cls(bm25, len(tokens))

    def search(
        self, tokens: Sequence[str], k: int, rows: npt.NDArray[np.bool_] | None = None
    ) -> list[tuple[int, float]]:
        """At most `k` (row, score), best first, only rows that share a token; ties in row order.

        `rows` is a mask `(size,)`: the best of the rows where it is true, with the scores that they have among all.
        """
        known = [token for token in tokens if token in self._bm25.vocab_dict]
        if not known:
            return []
        scores = self._bm25.get_scores(known, weight_mask=rows)
        order = np.argsort(-scores, kind="stable")[:k]
        return [(int(row), float(scores[row])) for row in order if scores[row] > 0]

    def frequency(self, token: str) -> int:
        """In how many rows the token stands."""
        column = self._bm25.vocab_dict.get(token)
        if column is None:
            return 0
        bounds = self._bm25.scores["indptr"]
        return int(bounds[column + 1] - bounds[column])

    def save(self, folder: Path) -> None:
        self._bm25.save(str(folder), allow_pickle=False)
        (folder / "size.json").write_text(json.dumps(self.size), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """Mapped into memory, its vocabulary aside: processes that load the same folder share it."""
        size = json.loads((folder / "size.json").read_text(encoding="utf-8"))
        return cls(bm25s.BM25.load(str(folder), allow_pickle=False, mmap=True), size)
