"""Retrieval collections: BEIR (Thakur et al. 2021), and a corpus with queries that name what is relevant (STARD, Su et al. 2024)."""

import re
from pathlib import Path

from eval import fields
from eval.bench.files import read_rows
from eval.bench.measures import ranking_scores
from eval.bench.record import Benchmark, BenchPassage, BenchQuestion, Reply
from indexer.errors import InputError


def read_beir(folder: Path) -> Benchmark:
    """A folder in the layout of BEIR; only judged queries are asked.

        corpus.jsonl    {"_id", "title", "text"} a line; the title may be missing, both may be empty
        queries.jsonl   {"_id", "text"} a line
        qrels/test.tsv  query, document and relevance, tab-separated, under a line of heads; any one other file if it is alone

    The two may be xz-compressed (`.jsonl.xz`).

    Raises:
        InputError: a file is missing or cannot be read, or a line lacks something; names the line and the field.
    """
    relevant = _read_qrels(_qrels_file(folder))
    rows = read_rows(_file(folder, "corpus.jsonl"))
    passages = tuple(BenchPassage(row.name("_id"), row.optional("title"), row.optional("text")) for row in rows)
    queries = {row.name("_id"): row.text("text") for row in read_rows(_file(folder, "queries.jsonl"))}
    if missing := [query_id for query_id in relevant if query_id not in queries]:
        raise InputError(f"{folder} judges the query {missing[0]!r}, but queries.jsonl does not hold it")
    questions = tuple(BenchQuestion(query_id, queries[query_id], found) for query_id, found in relevant.items())
    return Benchmark(passages, questions)


def read_trec(queries: Path, corpus: Path) -> Benchmark:
    """Two files: queries {"id", "question" or "text", "gold": [pid]} and corpus {"pid", "text", "title"}, a line each.

    The title may be missing; a `pid` that is a name, as of an article of a law, then takes its place.

    Raises:
        InputError: a file cannot be read, or a line lacks something or names an unknown text; names the line and the field.
    """
    passages = []
    for row in read_rows(corpus):
        doc_id = row.name("pid", "_id", "id")
        title = row.optional("title") or ("" if doc_id.isascii() else doc_id)
        passages.append(BenchPassage(doc_id, title, row.text("text")))
    known = {passage.doc_id for passage in passages}
    questions = []
    for row in read_rows(queries):
        gold = row.items("gold")
        names = [str(item) if type(item) is int else fields.text(item, "gold", row.place) for item in gold]
        if not names or not known.issuperset(names):
            raise fields.wrong(row.place, "gold", "a list of at least one text of the corpus", gold)
        questions.append(BenchQuestion(row.name("id", "_id"), row.text("question", "text"), dict.fromkeys(names, 1)))
    return Benchmark(tuple(passages), tuple(questions))


def score(reply: Reply, k: int) -> dict[str, float]:
    """`ndcg@10`, `recall@k`, `mrr@10` and `map@20` (`eval.bench.measures.ranking_scores`)."""
    return ranking_scores(reply.question.relevant, reply.ranked, k)


def _file(folder: Path, name: str) -> Path:
    compressed = folder / f"{name}.xz"
    return compressed if compressed.exists() else folder / name


def _qrels_file(folder: Path) -> Path:
    files = sorted((folder / "qrels").glob("*.tsv"))
    chosen = [path for path in files if path.name == "test.tsv"] or files
    if len(chosen) != 1:
        names = ", ".join(path.name for path in files) or "none"
        raise InputError(f"{folder / 'qrels'} must hold test.tsv or one .tsv file alone, found {names}")
    return chosen[0]


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Relevance by document by query; a line of heads is passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    relevant: dict[str, dict[str, int]] = {}
    for number, line in enumerate(lines, start=1):
        cells = line.split("\t")
        if not line.strip() or (number == 1 and len(cells) == 3 and not _is_number(cells[2])):
            continue
        if len(cells) != 3 or not _is_number(cells[2]):
            raise InputError(f"{path}:{number} must be query, document and a whole number, found {line!r:.60}")
        relevant.setdefault(cells[0], {})[cells[1]] = int(cells[2])
    asked = {query: judged for query, judged in relevant.items() if any(value > 0 for value in judged.values())}
    if not asked:
        raise InputError(f"{path} judges nothing relevant: there is no question to ask")
    return asked


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*-?\d+\s*", cell) is not None
