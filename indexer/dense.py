"""The dense leg: exact inner-product search with FAISS over unit vectors."""

from pathlib import Path

import faiss
import numpy as np

from indexer.embedder import Vectors


class DenseIndex:
    """Cosine search; rows are the positions of the passages it was built from."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: Vectors) -> "DenseIndex":
        """`vectors` is float32 `(n, dimensions)`, rows of length 1."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        return int(self._index.d)

    def vectors(self) -> Vectors:
        """All vectors, `(size, dimensions)`."""
        return np.asarray(self._index.reconstruct_n(0, self.size), dtype=np.float32)

    def search(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """At most `k` (row, cosine), best first; none for a zero vector."""
        if not self.size or not np.any(vector):
            return []
        scores, rows = self._index.search(vector[None, :], min(k, self.size))
        return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]

    def save(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> "DenseIndex":
        return cls(faiss.read_index(str(path)))
