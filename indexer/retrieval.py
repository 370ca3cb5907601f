"""Questions → hits, over an index in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from indexer.document import Document, Hit, Passage, Section
from indexer.embedder import Embedder
from indexer.errors import ModelError, NotFoundError
from indexer.fusion import Ranked, fuse
from indexer.outline import outline
from indexer.store import Stored

# The bundled dense leg is weak: it may reorder candidates, not outvote the words. Measured: docs/retrieval.md.
_LEXICAL_WEIGHT = 1.0
_DENSE_WEIGHT = 0.3
_CANDIDATES = 100


@dataclass(frozen=True)
class Legs:
    """What each leg found and what came of fusing them, best first."""

    lexical: tuple[Hit, ...]
    dense: tuple[Hit, ...]
    fused: tuple[Hit, ...]


class Retriever(Protocol):
    """A question and its lexical tokens to at most `k` hits, best first; none when nothing shares a word or meaning."""

    def retrieve(self, question: str, tokens: Sequence[str], k: int) -> list[Hit]: ...

    def legs(self, question: str, tokens: Sequence[str], k: int) -> Legs: ...


class Library:
    """The documents and passages of an index, by id."""

    def __init__(self, documents: Sequence[Document], passages: Sequence[Passage]) -> None:
        self.documents = {document.doc_id: document for document in documents}
        self.passages = {passage.passage_id: passage for passage in passages}
        self._outlines: dict[str, list[Section]] = {}
        self._by_document: dict[str, list[Passage]] = {}
        for passage in passages:
            self._by_document.setdefault(passage.doc_id, []).append(passage)

    def document(self, doc_id: str) -> Document:
        try:
            return self.documents[doc_id]
        except KeyError:
            raise NotFoundError(f"the index holds no document {doc_id!r}") from None

    def passages_of(self, doc_id: str) -> list[Passage]:
        """The passages of one document, in text order."""
        return self._by_document.get(doc_id, [])

    def outline(self, doc_id: str) -> list[Section]:
        """The sections of a document, in text order; found on first use."""
        if doc_id not in self._outlines:
            self._outlines[doc_id] = outline(self.document(doc_id).text)
        return self._outlines[doc_id]

    def text(self, passage: Passage) -> str:
        return self.document(passage.doc_id).text[passage.start : passage.end]


class HybridRetriever:
    """BM25 and dense candidates, fused with the lexical leg in the lead."""

    def __init__(self, stored: Stored, embedder: Embedder) -> None:
        """Raises ModelError when the embedder is not the one that made the vectors."""
        record = stored.manifest.embedder
        if embedder.fingerprint != record.fingerprint or embedder.dimensions != record.dimensions:
            raise ModelError(
                f"the index was built with the embedder {record.name} ({record.dimensions} dimensions), but "
                f"{embedder.name} ({embedder.dimensions} dimensions) was loaded: rebuild the index or load that embedder"
            )
        self._stored = stored
        self._embedder = embedder

    def retrieve(self, question: str, tokens: Sequence[str], k: int) -> list[Hit]:
        return list(self.legs(question, tokens, k).fused)

    def legs(self, question: str, tokens: Sequence[str], k: int) -> Legs:
        """`retrieve` with what led there; each leg at most `k` hits."""
        lexical = self._stored.lexical.search(tokens, _CANDIDATES)
        dense = self._stored.dense.search(self._embedder.embed_question(question), _CANDIDATES)
        fused = fuse([(lexical, _LEXICAL_WEIGHT), (dense, _DENSE_WEIGHT)], k)
        return Legs(self._hits(lexical[:k]), self._hits(dense[:k]), self._hits(fused))

    def _hits(self, ranked: Ranked) -> tuple[Hit, ...]:
        return tuple(Hit(self._stored.passages[row], score) for row, score in ranked)
