"""Questions → hits, over an index in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from indexer.document import Document, Hit, Passage, Section
from indexer.embedder import Embedder
from indexer.errors import ModelError, NotFoundError
from indexer.fusion import Ranked, fuse
from indexer.outline import outline
from indexer.scope import EVERYTHING, Scope, require
from indexer.store import Stored
from indexer.validity import Register

# The bundled dense leg is weak: it may reorder candidates, not outvote the words. Measured: docs/retrieval.md.
_LEXICAL_WEIGHT = 1.0
_DENSE_WEIGHT = 0.3
_CANDIDATES = 100
# How many scopes are kept at hand: their rows, a byte a passage, and their libraries, an entry a passage.
_SCOPES, _LIBRARIES = 64, 8


@dataclass(frozen=True)
class Legs:
    """What each leg found and what came of fusing them, best first."""

    lexical: tuple[Hit, ...]
    dense: tuple[Hit, ...]
    fused: tuple[Hit, ...]


class Retriever(Protocol):
    """A question and its lexical tokens to at most `k` hits, best first; none when nothing shares a word or meaning.

    They are the best of the passages that `scope` admits. Raises QuestionError when it admits no document.
    """

    def retrieve(self, question: str, tokens: Sequence[str], k: int, scope: Scope = EVERYTHING) -> list[Hit]: ...

    def legs(self, question: str, tokens: Sequence[str], k: int, scope: Scope = EVERYTHING) -> Legs: ...


class Library:
    """The documents and passages of an index, by id."""

    def __init__(self, documents: Sequence[Document], passages: Sequence[Passage]) -> None:
        self.documents = {document.doc_id: document for document in documents}
        self.passages = {passage.passage_id: passage for passage in passages}
        self._parts = lru_cache(maxsize=_LIBRARIES)(self._part)
        self._outlines: dict[str, list[Section]] = {}
        self._by_document: dict[str, list[Passage]] = {}
        self._register: Register | None = None
        for passage in passages:
            self._by_document.setdefault(passage.doc_id, []).append(passage)

    def within(self, scope: Scope) -> "Library":
        """The documents that a scope admits, perhaps none, with their passages: what is outside is not found in it."""
        return self._parts(scope)

    def _part(self, scope: Scope) -> "Library":
        admitted = [document for document in self.documents.values() if scope.admits(document)]
        if len(admitted) == len(self.documents):
            return self
        part = Library(admitted, [passage for document in admitted for passage in self.passages_of(document.doc_id)])
        part._outlines = self._outlines
        return part

    @property
    def register(self) -> Register:
        """What these documents say of each other's validity; made on first use."""
        if self._register is None:
            self._register = Register(self.documents.values())
        return self._register

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
        document = self.document(doc_id)
        if doc_id not in self._outlines:
            self._outlines[doc_id] = outline(document.text, document.headings)
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
        self._rows = lru_cache(maxsize=_SCOPES)(self._find_rows)

    def retrieve(self, question: str, tokens: Sequence[str], k: int, scope: Scope = EVERYTHING) -> list[Hit]:
        return list(self.legs(question, tokens, k, scope).fused)

    def legs(self, question: str, tokens: Sequence[str], k: int, scope: Scope = EVERYTHING) -> Legs:
        """`retrieve` with what led there; each leg at most `k` hits."""
        rows = self._rows(scope.undated)
        lexical = self._stored.lexical.search(tokens, _CANDIDATES, rows)
        dense = self._stored.dense.search(self._embedder.embed_question(question), _CANDIDATES, rows)
        fused = fuse([(lexical, _LEXICAL_WEIGHT), (dense, _DENSE_WEIGHT)], k)
        return Legs(self._hits(lexical[:k]), self._hits(dense[:k]), self._hits(fused))

    def _find_rows(self, scope: Scope) -> npt.NDArray[np.bool_] | None:
        """Mask of the rows that a scope admits, None for all; raises QuestionError when it admits no document."""
        if scope == EVERYTHING:
            return None
        documents = self._stored.documents
        require(scope, documents)
        admitted = {document.doc_id for document in documents if scope.admits(document)}
        if scope.validity:
            shown = Register(document for document in documents if scope.shows(document.doc_id))
            statuses = shown.statuses(scope.as_of)
            admitted = {doc_id for doc_id in admitted if scope.admits_standing(statuses[doc_id])}
        if len(admitted) == len(self._stored.documents):
            return None
        return np.array([passage.doc_id in admitted for passage in self._stored.passages], dtype=np.bool_)

    def _hits(self, ranked: Ranked) -> tuple[Hit, ...]:
        return tuple(Hit(self._stored.passages[row], score) for row, score in ranked)
