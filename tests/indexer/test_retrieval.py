"""Retrieval over a built index: the right passage first, the same every time, and only with the embedder that made it."""

import pytest

from indexer.embedder import HashEmbedder, SentenceTransformerEmbedder
from indexer.errors import ModelError, NotFoundError
from indexer.outline import outline
from indexer.retrieval import HybridRetriever, Library
from indexer.store import Stored, load
from indexer.tokens import tokenize

QUESTIONS = [
    ("云江市海洋公园总投资多少亿元？", "city/park.md", "2.8"),
    ("青石河沿线布设了多少台雷达水位计？", "flood.txt", "32台"),
    ("图书馆一次能借几册书？", "library.txt", "十二册"),
    ("北屿港去年的集装箱吞吐量是多少？", "harbour.txt", "318万标箱"),
    ("16路公交的末班车是几点？", "city/buses.txt", "21:30"),
    ("科普讲座由谁主讲？", "notice.md", "柳如风"),
]


@pytest.fixture(scope="module")
def retriever(stored: Stored, embedder: SentenceTransformerEmbedder) -> HybridRetriever:
    return HybridRetriever(stored, embedder)


@pytest.fixture(scope="module")
def library(stored: Stored) -> Library:
    return Library(stored.documents, stored.passages)


@pytest.mark.parametrize(("question", "doc_id", "words"), QUESTIONS)
def test_passage_that_answers_comes_first(
    retriever: HybridRetriever, library: Library, question: str, doc_id: str, words: str
):
    best = retriever.retrieve(question, tokenize(question), 5)[0].passage
    assert best.doc_id == doc_id
    assert words in library.text(best)


@pytest.mark.parametrize("question", [question for question, _, _ in QUESTIONS])
def test_hits_are_sorted_distinct_and_at_most_k(retriever: HybridRetriever, stored: Stored, question: str):
    for k in (0, 1, 3, 1000):
        hits = retriever.retrieve(question, tokenize(question), k)
        assert len(hits) == min(k, len(stored.passages))
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert len({hit.passage.passage_id for hit in hits}) == len(hits)


def test_same_question_gives_the_same_hits_also_from_an_index_loaded_again(retriever: HybridRetriever, stored: Stored):
    again = load(stored.folder.parent.parent)
    other = HybridRetriever(again, SentenceTransformerEmbedder(again.embedder_location))
    for question, _, _ in QUESTIONS:
        hits = retriever.retrieve(question, tokenize(question), 10)
        assert retriever.retrieve(question, tokenize(question), 10) == hits
        assert other.retrieve(question, tokenize(question), 10) == hits


def test_first_hits_do_not_depend_on_how_many_are_asked_for(retriever: HybridRetriever):
    question = QUESTIONS[1][0]
    many = retriever.retrieve(question, tokenize(question), 10)
    assert retriever.retrieve(question, tokenize(question), 3) == many[:3]


def test_words_lead_where_words_and_vectors_disagree(retriever: HybridRetriever, stored: Stored):
    # A question that is all about one passage, with the tokens of another.
    hits = retriever.retrieve("图书馆一次能借几册书", tokenize("青石河雷达水位计三十二台"), 1)
    assert hits[0].passage.doc_id == "flood.txt"


def test_without_any_shared_word_the_vectors_still_find_something(retriever: HybridRetriever):
    assert retriever.retrieve("图书馆一次能借几册书", [], 3)


def test_text_without_a_word_finds_something(retriever: HybridRetriever):
    assert retriever.retrieve("☃☃", tokenize("☃☃"), 3) == []


@pytest.mark.parametrize("dimensions", [8, 256])
def test_embedder_that_did_not_make_the_index_is_refused_with_both_sizes(stored: Stored, dimensions: int):
    with pytest.raises(ModelError, match=rf"embedder .*hash \({dimensions} dimensions\).*rebuild"):
        HybridRetriever(stored, HashEmbedder(dimensions))


def test_library_knows_documents_passages_and_outlines(library: Library, stored: Stored):
    for document in stored.documents:
        assert library.document(document.doc_id) == document
        assert library.outline(document.doc_id) == outline(document.text)
        passages = library.passages_of(document.doc_id)
        assert passages == [p for p in stored.passages if p.doc_id == document.doc_id]
        assert [p.start for p in passages] == sorted(p.start for p in passages)
        for passage in passages:
            assert library.passages[passage.passage_id] is passage
            assert library.text(passage) == document.text[passage.start : passage.end]


def test_document_that_is_not_there_is_named(library: Library):
    with pytest.raises(NotFoundError, match=r"'nowhere\.md'"):
        library.document("nowhere.md")
    assert library.passages_of("nowhere.md") == []
