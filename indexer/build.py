"""Corpus folder → index on disk, doing again only what changed."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer import store
from indexer.corpus import Corpus, Skipped, read_sources, scan
from indexer.dense import DenseIndex
from indexer.document import Document, Passage
from indexer.embedder import Embedder, SentenceTransformerEmbedder, Vectors, model_fingerprint
from indexer.errors import InputError, StoredIndexError
from indexer.files import USUAL, Limits, Reading
from indexer.glossary import learn, shipped
from indexer.lexical import LexicalIndex
from indexer.passages import cut, index_text
from indexer.report import FileReport, Report, report_on, with_doubles
from indexer.tokens import tokenize

_BATCH = 256

Progress = Callable[[str, int, int], None]
"""Called with the stage, how many are done and how many there are."""


@dataclass(frozen=True)
class Summary:
    """What a build did. `changed` is False when the index was up to date and nothing was written.

    `read` and `embedded` count the files and passages that were not taken over from the last build; `skipped` are the files
    that are not in the index; `report` tells of every file.
    """

    manifest: store.Manifest
    changed: bool
    read: int
    embedded: int
    skipped: tuple[Skipped, ...]
    report: Report


def build(
    corpus_folder: Path,
    index: Path,
    *,
    embedder: str = "",
    rebuild: bool = False,
    keep: int = store.KEPT_VERSIONS,
    limits: Limits = USUAL,
    progress: Progress = lambda stage, done, total: None,
) -> Summary:
    """Brings the index at `index` up to date with the corpus.

    `embedder` is a SentenceTransformer folder or hub name; empty means the bundled one. Unchanged files are not read again, and
    unchanged passages keep their vectors while the embedder is the same; `rebuild` takes nothing over. `keep` is how many
    versions stay on disk, `limits` what reading one file may cost.

    Raises:
        InputError: the corpus holds nothing that can be indexed.
        ModelError: the embedder cannot be loaded.
        StoredIndexError: the folder `index` holds something that is not an index, or cannot be written.
    """
    corpus = scan(corpus_folder, limits)
    store.read_manifest_or_none(index)  # refuses a folder of other files before anything is read
    old = None if rebuild else _load_or_none(index)
    known = store.read_report(index) if old is not None else None
    taken = {} if old is None or known is None else _taken_over(old, known, corpus, limits)
    if old is not None and len(taken) == len(corpus.sources) and _is_current(old.manifest, corpus, embedder):
        assert known is not None
        report = _report(corpus, taken, limits, {row.path: row.passages for row in known.files})
        if report != known:
            store.renew_report(index, report)
        return Summary(old.manifest, False, 0, 0, _skipped(report), report)
    missing = [source for source in corpus.sources if source.path not in taken]
    n_taken = len(corpus.sources) - len(missing)
    progress("read", n_taken, len(corpus.sources))
    fresh = read_sources(missing, limits, lambda done: progress("read", n_taken + done, len(corpus.sources)))
    readings = taken | {source.path: found for source, found in zip(missing, fresh, strict=True)}
    documents = sorted(
        (reading.document for found in readings.values() for reading in found if reading.document is not None),
        key=lambda document: document.path,
    )
    if not documents:
        failed = [reading for source in corpus.sources for reading in readings[source.path]]
        reasons = "; ".join(f"{item.path}: {item.problem}" for item in failed[:3])
        raise InputError(f"none of the {len(corpus.sources)} files in {corpus_folder} can be indexed: {reasons}")
    passages = _passages(documents, old)
    by_id = {document.doc_id: document for document in documents}
    texts = [index_text(by_id[passage.doc_id], passage) for passage in passages]
    report = _report(corpus, readings, limits, Counter(passage.doc_id for passage in passages))

    writer = store.Writer(index, keep)
    try:
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
            report=report,
        )
    except BaseException:
        writer.abandon()
        raise
    return Summary(manifest, True, len(missing), embedded, _skipped(report), report)


def _taken_over(old: store.Stored, known: Report, corpus: Corpus, limits: Limits) -> dict[str, tuple[Reading, ...]]:
    """What the last build read of the files that are as they were, by path."""
    documents = {document.path: document for document in old.documents}
    rows = known.by_source()
    taken = {}
    for source in corpus.sources:
        of_it = rows.get(source.path, [])
        is_whole = all(bool(row.problem) != (row.path in documents) for row in of_it)
        if of_it and is_whole and all(known.holds(row, source, limits) for row in of_it):
            taken[source.path] = tuple(
                Reading(row.path, row.kind, documents.get(row.path), row.problem, row.is_error, row.pages, row.warnings)
                for row in of_it
            )
    return taken


def _passages(documents: Sequence[Document], old: store.Stored | None) -> list[Passage]:
    """The passages of all documents in order; those of documents that were taken over are as they were."""
    known: dict[str, list[Passage]] = {}
    for passage in old.passages if old is not None else ():
        known.setdefault(passage.doc_id, []).append(passage)
    taken = {id(document) for document in old.documents} if old is not None else set()
    return [
        passage
        for document in documents
        for passage in (known.get(document.doc_id, []) if id(document) in taken else cut(document))
    ]


def _report(
    corpus: Corpus, readings: Mapping[str, tuple[Reading, ...]], limits: Limits, passages: Mapping[str, int]
) -> Report:
    rows = [row for source in corpus.sources for row in report_on(source, readings[source.path], passages)]
    rows += [FileReport(i.path, i.path, problem=i.reason, is_error=i.is_error) for i in corpus.skipped]
    return Report(limits, tuple(with_doubles(sorted(rows, key=lambda row: row.path))))


def _skipped(report: Report) -> tuple[Skipped, ...]:
    return tuple(Skipped(row.path, row.problem, row.is_error) for row in report.files if row.problem)


def _is_current(previous: store.Manifest, corpus: Corpus, embedder: str) -> bool:
    return (
        previous.corpus == corpus.fingerprint
        and previous.embedder.location == embedder
        and previous.embedder.fingerprint == model_fingerprint(store.embedder_place(embedder))
    )


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
