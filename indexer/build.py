"""Corpus folder → index on disk, doing again only what changed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer import store
from indexer.corpus import Corpus, Skipped, read_all, scan
from indexer.dense import DenseIndex
from indexer.embedder import Embedder, SentenceTransformerEmbedder, Vectors, model_fingerprint
from indexer.errors import InputError, StoredIndexError
from indexer.glossary import learn, shipped
from indexer.lexical import LexicalIndex
from indexer.passages import cut, index_text
from indexer.tokens import tokenize

_BATCH = 256

Progress = Callable[[str, int, int], None]
"""Called with the stage, how many are done and how many there are."""


@dataclass(frozen=True)
class Summary:
    """What a build did. `changed` is False when the index was up to date and nothing was written."""

    manifest: store.Manifest
    changed: bool
    embedded: int
    skipped: tuple[Skipped, ...]


def build(
    corpus_folder: Path,
    index: Path,
    *,
    embedder: str = "",
    rebuild: bool = False,
    keep: int = store.KEPT_VERSIONS,
    progress: Progress = lambda stage, done, total: None,
) -> Summary:
    """Brings the index at `index` up to date with the corpus.

    `embedder` is a SentenceTransformer folder or hub name; empty means the bundled one. Unchanged passages keep their vectors
    while the embedder is the same; `rebuild` takes nothing over. `keep` is how many versions stay on disk.

    Raises:
        InputError: the corpus holds nothing that can be indexed.
        ModelError: the embedder cannot be loaded.
        StoredIndexError: the folder `index` holds something that is not an index, or cannot be written.
    """
    corpus = scan(corpus_folder)
    previous = store.read_manifest_or_none(index)
    if previous is not None and not rebuild and _is_current(previous, corpus, embedder) and _loads(index):
        # A file that could not be read is not in the index, yet is part of the corpus fingerprint: report it every time.
        unreadable = read_all(corpus)[1] if previous.documents != len(corpus.sources) else []
        return Summary(previous, False, 0, (*corpus.skipped, *unreadable))
    documents, unreadable = read_all(corpus)
    if not documents:
        reasons = "; ".join(f"{item.path}: {item.reason}" for item in unreadable[:3])
        raise InputError(f"none of the {len(corpus.sources)} files in {corpus_folder} can be indexed: {reasons}")
    passages = [passage for document in documents for passage in cut(document)]
    by_id = {document.doc_id: document for document in documents}
    texts = [index_text(by_id[passage.doc_id], passage) for passage in passages]
    progress("read", len(documents), len(documents))

    writer = store.Writer(index, keep)
    try:
        old = None if rebuild else _load_or_none(index)
        model = SentenceTransformerEmbedder(store.embedder_place(embedder))
        record = store.EmbedderRecord(model.name, model.fingerprint, model.dimensions, embedder)
        vectors, embedded = _vectors(model, texts, _known_vectors(old, record), progress)
        names = learn((document.text for document in documents), shipped())
        lexical = LexicalIndex.build([tokenize(names.expand(text)) for text in texts])
        manifest = writer.commit(
            corpus=corpus.fingerprint,
            documents=documents,
            passages=passages,
            glossary=names,
            lexical=lexical,
            dense=DenseIndex.build(vectors),
            embedder=record,
        )
    except BaseException:
        writer.abandon()
        raise
    return Summary(manifest, True, embedded, (*corpus.skipped, *unreadable))


def _is_current(previous: store.Manifest, corpus: Corpus, embedder: str) -> bool:
    return (
        previous.recipe == store.recipe()
        and previous.corpus == corpus.fingerprint
        and previous.embedder.location == embedder
        and previous.embedder.fingerprint == model_fingerprint(store.embedder_place(embedder))
    )


def _loads(index: Path) -> bool:
    return _load_or_none(index) is not None


def _load_or_none(index: Path) -> store.Stored | None:
    try:
        return store.load(index)
    except StoredIndexError:
        return None


def _known_vectors(old: store.Stored | None, record: store.EmbedderRecord) -> dict[bytes, Vectors]:
    """Vectors of the previous index by the text they stand for, when the same model made them."""
    if old is None or old.manifest.embedder.fingerprint != record.fingerprint:
        return {}
    by_id = {document.doc_id: document for document in old.documents}
    vectors = old.dense.vectors()
    return {_key(index_text(by_id[p.doc_id], p)): vectors[row] for row, p in enumerate(old.passages)}


def _vectors(
    model: Embedder, texts: Sequence[str], known: dict[bytes, Vectors], progress: Progress
) -> tuple[Vectors, int]:
    keys = [_key(text) for text in texts]
    missing = [row for row, key in enumerate(keys) if key not in known]
    vectors = np.zeros((len(texts), model.dimensions), dtype=np.float32)
    for row, key in enumerate(keys):
        if (vector := known.get(key)) is not None:
            vectors[row] = vector
    for start in range(0, len(missing), _BATCH):
        rows = missing[start : start + _BATCH]
        vectors[rows] = model.embed_passages([texts[row] for row in rows])
        progress("embed", start + len(rows), len(missing))
    return vectors, len(missing)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
