from pathlib import Path

import pytest

from eval.bench import ranking
from eval.bench.record import BenchQuestion, Found, Reply
from eval.bench.run import ask_all, index_passages, summarise
from indexer.errors import InputError
from indexer.store import load
from service.pipeline import Pipeline

CORPUS = [{"_id": "d1", "title": "湖", "text": "换电站26座"}, {"_id": "d2", "text": ""}]
QUERIES = [{"_id": "q1", "text": "几座？"}, {"_id": "q2", "text": "没有人判过"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"


@pytest.fixture
def beir(tmp_path: Path, write_rows) -> Path:
    write_rows("beir/corpus.jsonl", *CORPUS)
    write_rows("beir/queries.jsonl", *QUERIES)
    (tmp_path / "beir" / "qrels").mkdir()
    (tmp_path / "beir" / "qrels" / "test.tsv").write_text(QRELS, encoding="utf-8")
    return tmp_path / "beir"


def test_a_beir_folder_is_read_wrongly(beir: Path) -> None:
    (beir / "qrels" / "train.tsv").write_text("q2\td2\t1\n", encoding="utf-8")  # not asked beside test.tsv
    benchmark = ranking.read_beir(beir)
    assert [(p.doc_id, p.title, p.text) for p in benchmark.passages] == [("d1", "湖", "换电站26座"), ("d2", "", "")]
    assert benchmark.questions == (BenchQuestion("q1", "几座？", {"d1": 2, "d2": 0}),)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("qrels/test.tsv", "q1\td1\n", r"test\.tsv:1 must be query, document"),
        ("qrels/test.tsv", QRELS + "q1\td1\tyes\n", r"test\.tsv:4 must be query, document"),
        ("qrels/test.tsv", "q9\td1\t1\n", "judges the query 'q9'"),
        ("qrels/test.tsv", "q1\td1\t0\n", "judges nothing relevant"),
        ("corpus.jsonl", '{"title": "湖"}\n', r"corpus\.jsonl:1 field '_id'"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}\n', r"queries\.jsonl:1 field 'text'"),
    ],
)
def test_a_bad_line_of_a_beir_folder_is_not_named(beir: Path, name: str, text: str, complaint: str) -> None:
    (beir / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        ranking.read_beir(beir)


def test_one_of_several_judgements_is_chosen_silently(beir: Path) -> None:
    (beir / "qrels" / "test.tsv").rename(beir / "qrels" / "dev.tsv")
    assert len(ranking.read_beir(beir).questions) == 1
    (beir / "qrels" / "train.tsv").write_text(QRELS, encoding="utf-8")
    with pytest.raises(InputError, match=r"found dev\.tsv, train\.tsv"):
        ranking.read_beir(beir)


def test_the_name_of_an_article_is_lost_or_a_number_becomes_a_title(write_rows) -> None:
    corpus = write_rows("c.jsonl", {"pid": "民法典第一条", "text": "一"}, {"pid": 7, "text": "二"})
    queries = write_rows("q.jsonl", {"id": 0, "question": "问？", "gold": ["民法典第一条", 7]})
    benchmark = ranking.read_trec(queries, corpus)
    assert [passage.title for passage in benchmark.passages] == ["民法典第一条", ""]
    assert benchmark.questions == (BenchQuestion("0", "问？", {"民法典第一条": 1, "7": 1}),)


@pytest.mark.parametrize("gold", [[], ["d9"], "d1"])
def test_a_query_whose_answer_is_not_in_the_corpus_is_asked(write_rows, gold: object) -> None:
    corpus = write_rows("c.jsonl", {"pid": "d1", "text": "一"})
    queries = write_rows("q.jsonl", {"id": "q1", "question": "问？", "gold": gold})
    with pytest.raises(InputError, match=r"q\.jsonl:1 field 'gold' must be"):
        ranking.read_trec(queries, corpus)


def test_two_passages_of_one_document_take_two_ranks() -> None:
    found = (Found("x", "一"), Found("x", "二"), Found("d", "三"))
    reply = Reply(BenchQuestion("q", "问？", {"d": 1, "e": 1}), found)
    scores = ranking.score(reply, 2)
    assert (scores["recall@2"], scores["mrr@10"], scores["map@20"]) == (0.5, 0.5, 0.25)


def test_a_collection_cannot_be_searched(tmp_path: Path, write_rows, texts: dict[str, str]) -> None:
    corpus = write_rows("c.jsonl", *({"pid": name, "text": text} for name, text in texts.items()))
    rows = [
        {"id": 1, "question": "借书卡一次可以借几册？", "gold": ["library.txt"]},
        {"id": 2, "question": "青石河沿线布设多少台雷达水位计？", "gold": ["flood.txt", "notice.md"]},
    ]
    benchmark = ranking.read_trec(write_rows("q.jsonl", *rows), corpus)
    index_passages(benchmark.passages, tmp_path / "index", embedder="")
    stored = load(tmp_path / "index")
    pipeline = Pipeline.over(stored)
    replies = ask_all(benchmark, stored, pipeline, answers=False)
    assert all(reply.answer is None and reply.error is None for reply in replies)
    assert [reply.ranked[0] for reply in replies] == ["library.txt", "flood.txt"]
    result = summarise(benchmark, replies, ranking.score, 1, pipeline.receipt)
    assert {figure.measure: figure.mean for figure in result.figures}["recall@1"] == 0.75
