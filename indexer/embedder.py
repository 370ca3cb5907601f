"""Texts → vectors: any SentenceTransformer. The bundled one is static: a vector for each word or character, averaged."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from indexer.errors import ModelError
from indexer.text import fold

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Texts to unit vectors; `name` tells people which model, `fingerprint` changes whenever its vectors may."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """float32 `(len(texts), dimensions)`, each row of length 1 (or 0 for a text without a known piece)."""
        ...

    def embed_question(self, text: str) -> Vectors:
        """float32 `(dimensions,)`, of length 1 or 0."""
        ...


class SentenceTransformerEmbedder:
    """A SentenceTransformer folder or hub name, with the query and passage prompts of its own configuration."""

    def __init__(self, path_or_name: str) -> None:
        """Loads the model.

        Raises:
            ModelError: it cannot be loaded; the message says what was tried.
        """
        from sentence_transformers import SentenceTransformer  # a slow import, only where a model is needed

        folder = Path(path_or_name)
        is_local = folder.is_dir()
        if not is_local and (folder.is_absolute() or path_or_name.startswith(".")):
            raise ModelError(f"no embedder at {path_or_name}: give a SentenceTransformer folder or a model's hub name")
        try:
            self._model = SentenceTransformer(path_or_name, device="cpu", local_files_only=is_local)
        except Exception as error:  # the hub, torch and the tokenizer each raise their own kinds
            reason = str(error).strip().split("\n")[0]
            raise ModelError(f"the embedder {path_or_name!r} cannot be loaded: {reason}") from error
        self.name = folder.name if is_local else path_or_name
        self.fingerprint = model_fingerprint(path_or_name)
        dimensions = self._model.get_embedding_dimension()
        if not dimensions:
            raise ModelError(f"the embedder {path_or_name!r} does not say how many dimensions its vectors have")
        self.dimensions = int(dimensions)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._unit(self._model.encode_document([fold(text) for text in texts], show_progress_bar=False))

    def embed_question(self, text: str) -> Vectors:
        vector: Vectors = self._unit(self._model.encode_query([fold(text)], show_progress_bar=False))[0]
        return vector

    def _unit(self, vectors: npt.ArrayLike) -> Vectors:
        # No texts come back without a second axis.
        array = np.asarray(vectors, dtype=np.float32).reshape(-1, self.dimensions)
        norms = np.linalg.norm(array, axis=1, keepdims=True)
        return np.asarray(array / np.where(norms > 0, norms, 1), dtype=np.float32)


class HashEmbedder:
    """The fake: character bigrams hashed into a few dimensions, without any model; for tests."""

    name = "hash"
    fingerprint = "hash-1"

    def __init__(self, dimensions: int = 64) -> None:
        self.dimensions = dimensions

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return (
            np.stack([self.embed_question(text) for text in texts]) if texts else np.zeros((0, self.dimensions), "f4")
        )

    def embed_question(self, text: str) -> Vectors:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        folded = fold(text)
        for i in range(len(folded) - 1):
            digest = hashlib.blake2b(folded[i : i + 2].encode(), digest_size=4).digest()
            vector[int.from_bytes(digest, "big") % self.dimensions] += 1
        norm = float(np.linalg.norm(vector))
        return vector / norm if norm else vector


def model_fingerprint(path_or_name: str) -> str:
    """That of the folder, or the name of a model of the hub."""
    folder = Path(path_or_name)
    return folder_fingerprint(folder) if folder.is_dir() else f"hub:{path_or_name}"


def folder_fingerprint(folder: Path) -> str:
    """sha256 over names and bytes of the files of a model folder, its card aside."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "README.md"):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return "sha256:" + digest.hexdigest()
