"""Retrieval over a built index: the right passage first, the same every time, and only with the embedder that made it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.dense import DenseIndex
from indexer.embedder import HashEmbedder, SentenceTransformerEmbedder
from indexer.errors import ModelError, NotFoundError, QuestionError
from indexer.fusion import fuse
from indexer.lexical import LexicalIndex
from indexer.outline import outline
from indexer.retrieval import HybridRetriever, Library
from indexer.scope import EVERYTHING, Scope
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


# --- inside a scope

SCOPES = st.builds(
    Scope,
    documents=st.lists(st.sampled_from(["*city/*", "*.md", "*/flood.txt", "*/[hl]*.txt"]), max_size=2).map(tuple),
    visible=st.sampled_from([("*",), ("*.md", "copy/*"), ("city/*", "copy/1*")]),
)


class Crowd:
    """The small index, its passages crowded out by 40 copies of each: far more than there are candidates; short to print."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored


@pytest.fixture(scope="module")
def crowd(stored: Stored) -> Crowd:
    documents, passages = list(stored.documents), list(stored.passages)
    rows = list(range(len(passages)))
    for copy in range(40):
        for row, passage in enumerate(stored.passages):
            doc_id = f"copy/{copy}/{passage.doc_id}"
            passages.append(replace(passage, doc_id=doc_id, passage_id=f"{doc_id}#{passage.start}-{passage.end}"))
            rows.append(row)
        documents += [replace(one, doc_id=f"copy/{copy}/{one.doc_id}") for one in stored.documents]
    library = Library(documents, passages)
    lexical = LexicalIndex.build([tokenize(library.text(passage)) for passage in passages])
    vectors = stored.dense.vectors()[rows]
    vectors += np.random.default_rng(0).normal(scale=0.01, size=vectors.shape).astype(np.float32)  # no two are equal
    dense = DenseIndex.build(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return Crowd(replace(stored, documents=tuple(documents), passages=tuple(passages), lexical=lexical, dense=dense))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)
@given(st.sampled_from([question for question, _, _ in QUESTIONS]), SCOPES, st.integers(1, 120))
def test_hits_inside_a_scope_are_not_the_best_ones_in_it(
    crowd: Crowd, embedder: SentenceTransformerEmbedder, question: str, scope: Scope, k: int
):
    crowded = crowd.stored
    admitted = {one.doc_id for one in crowded.documents if scope.admits(one)}
    tokens, size = tokenize(question), len(crowded.passages)
    # Each leg over every row, without a mask; what lies outside is left out afterwards.
    legs = [crowded.lexical.search(tokens, size), crowded.dense.search(embedder.embed_question(question), size)]
    inside = [[hit for hit in leg if crowded.passages[hit[0]].doc_id in admitted] for leg in legs]
    got = HybridRetriever(crowded, embedder).legs(question, tokens, k, scope)
    for leg, expected in ((got.lexical, inside[0]), (got.dense, inside[1])):
        assert [hit.score for hit in leg] == pytest.approx([score for _, score in expected[: min(k, 100)]], abs=1e-6)
        assert {hit.passage.doc_id for hit in leg} <= admitted
    expected = fuse([(inside[0][:100], 1.0), (inside[1][:100], 0.3)], k)
    assert [hit.score for hit in got.fused] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert {hit.passage.doc_id for hit in got.fused} <= admitted


def test_scope_that_is_crowded_out_finds_nothing(crowd: Crowd, embedder: SentenceTransformerEmbedder):
    scope = Scope(documents=("flood.txt",))
    hits = HybridRetriever(crowd.stored, embedder).retrieve("图书馆借几册书", tokenize("图书馆借几册书"), 3, scope)
    assert [hit.passage.doc_id for hit in hits] == ["flood.txt"] * 3


@pytest.mark.parametrize("scope", [EVERYTHING, Scope(documents=("*",)), Scope(visible=("*.md", "*.txt"))])
def test_scope_that_admits_everything_changes_a_score(retriever: HybridRetriever, scope: Scope):
    for question, _, _ in QUESTIONS:
        assert retriever.legs(question, tokenize(question), 10, scope) == retriever.legs(
            question, tokenize(question), 10
        )


def test_scopes_asked_before_change_what_is_found(retriever: HybridRetriever):
    question, tokens = QUESTIONS[0][0], tokenize(QUESTIONS[0][0])
    scopes = [Scope(documents=(name,)) for name in ("city/*", "flood.txt", "harbour.txt", "*.md")]
    first = [retriever.retrieve(question, tokens, 5, scope) for scope in scopes]
    for i in range(200):  # more than are remembered
        retriever.retrieve(question, tokens, 1, Scope(documents=("city/*",), published_to=str(2023 + i)))
    assert [retriever.retrieve(question, tokens, 5, scope) for scope in scopes] == first
    assert len({tuple(hit.passage.doc_id for hit in hits) for hits in first}) > 1


def test_scope_without_a_document_searches_everything(retriever: HybridRetriever):
    for scope in (Scope(documents=("none",)), Scope(visible=()), Scope(visible=("city/*",), documents=("flood.txt",))):
        with pytest.raises(QuestionError):
            retriever.retrieve("水位", tokenize("水位"), 3, scope)


def test_library_within_a_scope_holds_another_document_or_lacks_one(stored: Stored):
    library = Library(stored.documents, stored.passages)
    assert library.within(EVERYTHING) is library
    library.outline("flood.txt")  # what is known of a document outside must not be told inside
    inside = library.within(Scope(visible=("city/*", "notice.md")))
    assert list(inside.documents) == ["city/buses.txt", "city/park.md", "notice.md"]
    assert list(inside.passages.values()) == [p for p in stored.passages if p.doc_id in inside.documents]
    outside = next(passage for passage in stored.passages if passage.doc_id == "flood.txt")
    for look in (
        lambda: inside.document("flood.txt"),
        lambda: inside.outline("flood.txt"),
        lambda: inside.text(outside),
    ):
        with pytest.raises(NotFoundError) as error:
            look()
        assert str(error.value) == "the index holds no document 'flood.txt'", "as for one that is nowhere"
    assert inside.passages_of("flood.txt") == []
    assert inside.outline("notice.md") == library.outline("notice.md")
    assert not library.within(Scope(visible=())).documents
