"""How well the passages that answer are found: plain BM25 against the bundled embedder, the fusion and the reading.

Every set of questions is asked of its own index, made as the service makes one: of files where there are files, else of one
document for each text.
"""

import hashlib
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.build import build
from indexer.dense import DenseIndex
from indexer.document import Document, Metadata, Passage
from indexer.embedder import Embedder, SentenceTransformerEmbedder
from indexer.glossary import Glossary
from indexer.lexical import LexicalIndex
from indexer.passages import index_text
from indexer.retrieval import HybridRetriever, Library
from indexer.store import EmbedderRecord, Manifest, Stored, load
from indexer.text import fold
from indexer.tokens import tokenize
from models import EMBEDDER, EVIDENCE
from service.evidence import READ, EvidenceReader
from service.evidence_model import EvidenceModel
from service.question import Question, Turn, understand
from service.spelling import Vocabulary, corrected, vocabulary_of
from training.data import read_lines
from training.measures import mean_figure, ndcg, recall
from training.policy import CHOOSING, DOCUMENTS
from training.results import Cell, Row, Section, Table, weights
from training.static import fit_static_embedder

log = logging.getLogger("training.measure_retrieval")

_DEPTHS = (1, 5, 10)
HEAD = (*(f"recall@{k}" for k in _DEPTHS), "nDCG@10", "recall@10 − BM25's")
BM25, FITTED, BUNDLED = "BM25", "dense: fitted on these passages", "dense: `models/embedder`"
LEXICAL, FUSED = "the service's lexical leg", "fusion, as the service weighs it"
FITTED_FUSED, READ_ORDER = "fusion with the fitted embedder in its place", "fusion + evidence reading"


@dataclass(frozen=True)
class Query:
    """`right` are the rows of the passages that answer, at least one; `history` is the conversation before."""

    text: str
    right: frozenset[int]
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True)
class Collection:
    """An index in memory and the index text of each of its passages, in row order."""

    stored: Stored
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """Questions over a collection."""

    name: str
    collection: Collection
    queries: tuple[Query, ...]


@dataclass(frozen=True)
class GoldLine:
    """What measuring needs of a line of a gold file; `part` is development or release."""

    question: str
    part: str
    docs: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]
    history: tuple[Turn, ...]
    kind: str
    question_id: str


def gold_lines(path: Path) -> list[GoldLine]:
    """The questions of a gold file, in order."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        GoldLine(
            row["question"],
            row.get("part", "development"),
            tuple(row["docs"]),
            tuple(map(tuple, row["answers"])),
            tuple(row["evidence"]),
            tuple(Turn(turn["role"], turn["content"]) for turn in row.get("history", ())),
            row["type"],
            row["id"],
        )
        for row in rows
    ]


def place_of(span: str, text: str) -> tuple[int, int] | None:
    """Where a span stands in a text, white space aside."""
    found = re.search(r"\s*".join(re.escape(char) for char in span if not char.isspace()), text)
    return None if found is None else found.span()


def right_rows(line: GoldLine, stored: Stored) -> frozenset[int]:
    """For every span of evidence the row of the passage that holds most of it, the first of equals.

    Raises:
        NotFoundError: the index lacks a document that the question names.
    """
    library = Library(stored.documents, stored.passages)
    rows = set()
    for name in line.docs:
        for span in line.evidence:
            place = place_of(span, library.document(name).text)
            if place is None:
                continue
            shared = {
                row: min(place[1], passage.end) - max(place[0], passage.start)
                for row, passage in enumerate(stored.passages)
                if passage.doc_id == name
            }
            rows.add(max(shared, key=lambda row: shared[row]))
    return frozenset(rows)


def folder_collection(folder: Path, index: Path) -> Collection:
    """The index of a folder of documents, brought up to date at `index`."""
    build(folder, index)
    stored = load(index)
    documents = {document.doc_id: document for document in stored.documents}
    return Collection(stored, tuple(index_text(documents[passage.doc_id], passage) for passage in stored.passages))


def text_collection(texts: Sequence[tuple[str, str]], embedder: Embedder) -> Collection:
    """An index in memory of (title, text), each a document of one passage; without a glossary."""
    documents = tuple(
        Document(str(i), f"{i}.txt", text, "", Metadata(title=title)) for i, (title, text) in enumerate(texts)
    )
    passages = tuple(Passage(f"{d.doc_id}#0-{len(d.text)}", d.doc_id, 0, len(d.text)) for d in documents)
    heads = tuple(f"{title}\n{text}" if title else text for title, text in texts)
    record = EmbedderRecord(embedder.name, embedder.fingerprint, embedder.dimensions, "")
    manifest = Manifest(1, "", "", record, len(documents), len(passages), {})
    lexical = LexicalIndex.build([tokenize(text) for text in heads])
    dense = DenseIndex.build(embedder.embed_passages(heads))
    return Collection(Stored(manifest, Path(), documents, passages, Glossary(()), lexical, dense), heads)


def stard(data: Path, embedder: Embedder, limit: int | None) -> Task:
    """STARD: lay questions over statute articles, indexed as name and text; `limit` takes the first questions only."""
    articles = list(read_lines(data / "benchmarks" / "stard_corpus.jsonl.xz"))
    rows = {article["pid"]: row for row, article in enumerate(articles)}
    asked = [
        Query(record["question"], frozenset(rows[name] for name in record["gold"]))
        for record in read_lines(data / "benchmarks" / "stard_queries.jsonl.xz")
    ]
    collection = text_collection([(article["pid"], article["text"]) for article in articles], embedder)
    return Task("STARD", collection, tuple(asked[:limit]))


def webqa(data: Path, embedder: Embedder, limit: int | None) -> Task:
    """WebQA: search questions over all of its snippets; the question's own snippet is right."""
    records = list(read_lines(data / "benchmarks" / "webqa.jsonl.xz"))
    rows = {text: row for row, text in enumerate(dict.fromkeys(record["context"] for record in records))}
    asked = [Query(record["question"], frozenset((rows[record["context"]],))) for record in records]
    return Task("WebQA", text_collection([("", text) for text in rows], embedder), tuple(asked[:limit]))


def written(name: str, lines: Sequence[GoldLine], collection: Collection) -> Task:
    """Questions with quoted evidence over the documents that they quote; those without an answer are left out."""
    asked = [(line, right_rows(line, collection.stored)) for line in lines if line.evidence]
    return Task(name, collection, tuple(Query(line.question, right, line.history) for line, right in asked if right))


def tasks(data: Path, work: Path, root: Path, embedder: Embedder, limit: int | None) -> list[Task]:
    """All sets, the benchmarks first; `limit` takes the first questions of each benchmark only."""
    gold = gold_lines(root / "eval" / "gold" / "digests.jsonl")
    corpus = folder_collection(root / "corpus", work / "corpus-index")
    policy = folder_collection(DOCUMENTS, work / "policy-index")
    return [
        stard(data, embedder, limit),
        webqa(data, embedder, limit),
        *(
            written(f"Gold questions, {part} part", [line for line in gold if line.part == part], corpus)
            for part in ("development", "release")
        ),
        written("Policy questions (`choosing.jsonl`)", gold_lines(CHOOSING), policy),
    ]


def fitted_embedder(texts: Sequence[str], work: Path) -> SentenceTransformerEmbedder:
    """A static embedder of these texts alone, fitted once and kept in `work`."""
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
    folder = work / f"fitted-{digest}"
    if not folder.is_dir():
        fit_static_embedder(texts, folder)
    return SentenceTransformerEmbedder(str(folder))


def asked_of(query: Query, vocabulary: Vocabulary) -> Question:
    """The question as the service understands it, with what its typing errors likely stand for."""
    return corrected(understand(query.text, query.history), vocabulary)


def rankings(task: Task, work: Path, embedder: Embedder, model: EvidenceModel) -> dict[str, list[list[int]]]:
    """For each way of finding, by its label, the rows that each question got, best first."""
    stored, texts = task.collection.stored, task.collection.texts
    found: dict[str, list[list[int]]] = {}
    plain = LexicalIndex.build([tokenize(text) for text in texts])
    found[BM25] = [[row for row, _ in plain.search(tokenize(query.text), READ)] for query in task.queries]
    fitted = fitted_embedder(texts, work)
    fitted_index = DenseIndex.build(fitted.embed_passages(texts))
    for label, encoder, index in (
        (FITTED, fitted, fitted_index),
        (BUNDLED, embedder, stored.dense),
    ):
        found[label] = [
            [row for row, _ in index.search(encoder.embed_question(query.text), READ)] for query in task.queries
        ]
    log.info("%s: legs done", task.name)
    library = Library(stored.documents, stored.passages)
    retriever = HybridRetriever(stored, embedder)
    record = EmbedderRecord(fitted.name, fitted.fingerprint, fitted.dimensions, "")
    other = replace(stored, dense=fitted_index, manifest=replace(stored.manifest, embedder=record))
    fitted_retriever = HybridRetriever(other, fitted)
    reader = EvidenceReader(library, stored.glossary, stored.lexical, embedder, model)
    vocabulary = vocabulary_of(fold(document.text) for document in stored.documents)
    rows = {passage.passage_id: row for row, passage in enumerate(stored.passages)}
    for number, query in enumerate(task.queries, start=1):
        question = asked_of(query, vocabulary)
        legs = retriever.legs(question.resolved, question.tokens, READ)
        reading = reader.read(question, legs.fused)
        for label, hits in (
            (LEXICAL, legs.lexical),
            (FITTED_FUSED, fitted_retriever.retrieve(question.resolved, question.tokens, READ)),
            (FUSED, legs.fused),
            (READ_ORDER, reading.hits),
        ):
            found.setdefault(label, []).append([rows[hit.passage.passage_id] for hit in hits])
        if number % 250 == 0:
            log.info("%s: %d of %d questions", task.name, number, len(task.queries))
    return found


def retrieval_table(task: Task, found: dict[str, list[list[int]]]) -> Table:
    """One row a way of finding; the last column is the paired difference from the first row."""
    right = [query.right for query in task.queries]
    base = [recall(ranking, rows, 10) for ranking, rows in zip(found[BM25], right, strict=True)]
    lines = []
    for label, ranked in found.items():
        pairs = list(zip(ranked, right, strict=True))
        cells: list[Cell] = [mean_figure([recall(ranking, rows, k) for ranking, rows in pairs]) for k in _DEPTHS]
        cells.append(mean_figure([ndcg(ranking, rows, 10) for ranking, rows in pairs]))
        if label == BM25:
            cells.append("–")
        else:
            cells.append(mean_figure([recall(r, rows, 10) - b for (r, rows), b in zip(pairs, base, strict=True)]))
        lines.append(Row(label, tuple(cells)))
    size = f"{len(task.queries):,} questions, {len(task.collection.texts):,} passages"
    return Table(f"{task.name} ({size})", HEAD, tuple(lines))


def retrieval_section(data: Path, work: Path, root: Path, limit: int | None) -> Section:
    """All sets; `work` keeps indexes and fitted embedders, `root` holds corpus/ and eval/gold/."""
    marks = {"embedder": weights(EMBEDDER), "evidence": weights(EVIDENCE)}
    embedder, model = SentenceTransformerEmbedder(str(EMBEDDER)), EvidenceModel.load(EVIDENCE)
    tables = []
    for task in tasks(data, work, root, embedder, limit):
        tables.append(retrieval_table(task, rankings(task, work, embedder, model)))
        log.info("%s done", task.name)
    text = (
        "Recall is the share of the passages that answer among the first k: gold articles on STARD (index text: name and "
        "text), the question's own snippet on WebQA (all snippets are the pool), on our own questions the passages that hold "
        "the quoted evidence. *BM25* is words and bigrams of the bare question; the last column is the paired difference "
        "from it. The service's lexical leg is BM25 too, without function words and with other names and corrected "
        "spelling; its dense leg is the row of `models/embedder`. The fitted embedder has seen the very passages and no "
        "training pairs. *Fusion + evidence reading* is the order in which the service shows its passages: those of the fusion, "
        f"{READ} of them, moved by the evidence that they hold. On our policy questions that row flatters, for the evidence "
        "model was fitted on them."
    )
    return Section("Retrieval", text, tuple(tables), marks)
