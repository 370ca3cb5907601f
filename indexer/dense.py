"""The dense leg: exact inner-product search with FAISS over unit vectors."""

from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

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

    def search(self, vector: Vectors, k: int, rows: npt.NDArray[np.bool_] | None = None) -> list[tuple[int, float]]:
        """At most `k` (row, cosine), best first; none for a zero vector.

        `rows` is a mask `(size,)`: the best of the rows where it is true.
        """
        if not self.size or not np.any(vector):
            return []
        inside = None
        if rows is not None:
            bits = np.packbits(rows, bitorder="little")
            inside = faiss.SearchParameters()
            inside.sel = faiss.IDSelectorBitmap(bits.size, faiss.swig_ptr(bits))
        scores, found = self._index.search(vector[None, :], min(k, self.size), params=inside)
        return [(int(row), float(score)) for row, score in zip(found[0], scores[0], strict=True) if row >= 0]

    def save(self, path: Path) -> None:
        try:
            faiss.write_index(self._index, str(path))
        except RuntimeError as error:  # a full disk, in FAISS's words
            raise OSError(f"{path.name}: {error}") from error

    @classmethod
    def load(cls, path: Path) -> "DenseIndex":
        """Mapped into memory: processes that load the same file share it."""
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except RuntimeError as error:
            raise OSError(f"{path.name}: {error}") from error
