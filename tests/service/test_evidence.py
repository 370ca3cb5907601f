"""From a question to the evidence that answers it, with the bundled model and with weights made by hand, on a known corpus."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.build import build
from indexer.document import Hit, Passage
from indexer.embedder import SentenceTransformerEmbedder
from indexer.errors import QuestionError
from indexer.retrieval import HybridRetriever, Library
from indexer.store import Stored, load
from models import EVIDENCE
from service.conflict import Conflict
from service.evidence import Evidence, EvidenceReader, Reading, token_weights, unknown_words
from service.evidence_model import ANSWER_NAMES, EvidenceModel, Weights
from service.features import NAMES
from service.question import understand

PLANS = {
    "canal.md": """\
---
title: "柳河县渠系改造方案"
issuer: "柳河县水利局"
region: "柳河"
published: "2023-02"
---

# 柳河县渠系改造方案

## 一、目标任务

2022年全县渠系完好率为61%。到2025年，渠系完好率达到85%，新增灌溉面积3.2万亩。

改造分三步推进：

- 先修干渠，长度为40公里；
- 再修支渠，长度为115公里；
- 最后安装计量闸门680台。

## 二、资金安排

### （一）财政资金

县财政安排1.5亿元。

### （二）社会资本

受益企业出资6000万元，因为它们的用水得到保障。

## 三、各地经验

| 地区 | 做法 | 节水率 |
| --- | --- | --- |
| 苏州 | 推广喷灌 | 31% |
| 成都 | 推广滴灌 | 27% |
""",
    "news.md": """\
---
title: "水利简讯"
published: "2023-06-01"
---

# 水利简讯

## 郑州建成智慧水务平台

郑州市智慧水务平台接入水表92万只，由三家公司共同建设。

## 扩展现实培训

县水利局用扩展现实（XR）培训巡渠员，扩展现实设备共45套。
""",
}


@dataclass(frozen=True)
class Plans:
    """The index of `PLANS` and what reads it with any model."""

    stored: Stored
    library: Library
    retriever: HybridRetriever
    embedder: SentenceTransformerEmbedder

    def reader(self, model: EvidenceModel) -> EvidenceReader:
        return EvidenceReader(self.library, self.stored.glossary, self.stored.lexical, self.embedder, model)

    def read(self, question: str, model: EvidenceModel) -> Reading:
        asked = understand(question)
        return self.reader(model).read(asked, self.retriever.retrieve(asked.resolved, asked.tokens, 20))

    def words(self, piece: Evidence) -> str:
        text = self.library.document(piece.units[0].doc_id).text
        return "".join(text[unit.start : unit.end] for unit in piece.units)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Plans:
    folder = tmp_path_factory.mktemp("plans")
    (folder / "corpus").mkdir()
    for name, text in PLANS.items():
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    index: Path = folder / "index"
    build(folder / "corpus", index)
    stored = load(index)
    embedder = SentenceTransformerEmbedder(stored.embedder_location)
    library = Library(stored.documents, stored.passages)
    return Plans(stored, library, HybridRetriever(stored, embedder), embedder)


@pytest.fixture(scope="module")
def bundled() -> EvidenceModel:
    return EvidenceModel.load(EVIDENCE)


def weighing(bias: float = 0.0, threshold: float = 0.5, **weights: float) -> EvidenceModel:
    """A model that weighs a few features by hand; whether anything answers is the bias alone."""
    choose = np.array([weights.get(name, 0.0) for name in NAMES])
    size, nothing = len(NAMES), np.zeros(len(ANSWER_NAMES))
    return EvidenceModel(
        Weights(np.zeros(size), np.ones(size), choose, nothing, np.ones(len(ANSWER_NAMES)), nothing, bias), threshold
    )


def reordered(hits: Sequence[Hit], evidence: Sequence[Evidence]) -> list[tuple[Passage, float]]:
    """Hits with their share of the best score and the best share of evidence of which a character stands in them."""
    best = max(hit.score for hit in hits)

    def shares(passage: Passage) -> list[float]:
        inside = range(passage.start, passage.end)
        return [
            piece.score
            for piece in evidence
            for unit in piece.units
            if unit.doc_id == passage.doc_id and set(inside) & set(range(unit.start, unit.end))
        ]

    scored = [(hit.passage, round(hit.score / best + max(shares(hit.passage), default=0), 6)) for hit in hits]
    return sorted(scored, key=lambda pair: pair[1], reverse=True)


# --- with the bundled model ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("2025年渠系完好率要达到多少？", "85%"),
        ("县财政安排了多少资金？", "1.5亿元"),
        ("受益企业为什么出资？", "用水得到保障"),
        ("郑州智慧水务平台接入多少只水表？", "92万只"),
        ("成都的节水率是多少？", "27%"),
        ("苏州的节水率是多少？", "31%"),
        ("XR设备有几套？", "45套"),
        ("新增灌溉面积是多少？", "3.2万亩"),
    ],
)
def test_plain_fact_is_not_the_best_evidence(plans: Plans, bundled: EvidenceModel, question: str, fact: str) -> None:
    best = plans.read(question, bundled).evidence[0]
    assert fact in plans.words(best)
    assert (best.has_kind, best.conflict) == (True, None)


def test_list_question_gets_the_lead_in_without_its_items(plans: Plans, bundled: EvidenceModel) -> None:
    best = plans.read("渠系改造分哪三步推进？", bundled).evidence[0]
    assert plans.words(best) == (
        "改造分三步推进：- 先修干渠，长度为40公里；- 再修支渠，长度为115公里；- 最后安装计量闸门680台。"
    )


def test_headings_below_a_heading_are_no_evidence(plans: Plans, bundled: EvidenceModel) -> None:
    found = plans.read("资金安排包括哪些方面？", bundled).evidence
    assert "## 二、资金安排### （一）财政资金### （二）社会资本" in [plans.words(piece) for piece in found]


@pytest.mark.parametrize(
    ("question", "conflicts"),
    [
        ("2030年渠系完好率是多少？", {Conflict("2022年", "2030年"), Conflict("2025年", "2030年")}),
        ("武汉的节水率是多少？", {Conflict("成都", "武汉"), Conflict("苏州", "武汉")}),
    ],
)
def test_other_year_or_place_fits(
    plans: Plans, bundled: EvidenceModel, question: str, conflicts: set[Conflict]
) -> None:
    assert plans.read(question, bundled).evidence[0].conflict in conflicts


# --- with weights made by hand ---------------------------------------------------------------------------------------


def test_evidence_is_in_another_order_than_that_of_its_scores(plans: Plans) -> None:
    reading = plans.read("渠系完好率达到多少？", weighing(length=1.0))
    lengths = [len(plans.words(piece)) for piece in reading.evidence]
    assert lengths == sorted(lengths, reverse=True)
    # The feature is the logarithm of the length and one.
    total = sum(length + 1 for length in lengths)
    assert [piece.score for piece in reading.evidence] == pytest.approx([(n + 1) / total for n in lengths], rel=1e-4)


def test_evidence_of_one_score_changes_places_with_the_hits(plans: Plans) -> None:
    pieces = plans.read("渠系改造有哪些任务？", weighing()).evidence
    places = [(piece.units[0].doc_id, piece.units[0].start) for piece in pieces]
    assert places == sorted(places)
    assert len({round(piece.score, 9) for piece in pieces}) == 1


def test_reading_does_not_say_how_sure_the_model_is(plans: Plans) -> None:
    reading = plans.read("渠系完好率是多少？", weighing(bias=2.0, threshold=0.25))
    assert reading.answered == pytest.approx(1 / (1 + math.exp(-2)))
    assert reading.threshold == 0.25


def test_words_of_the_title_or_of_the_surroundings_count_as_the_piece_own(plans: Plans) -> None:
    reading = plans.read("柳河县渠系完好率", weighing())
    best = next(piece for piece in reading.evidence if "61%" in plans.words(piece))
    assert {"完好", "好率"} <= best.matched
    assert not {"柳河", "渠系"} & best.matched, "the title has them, whether the piece repeats them or not"
    assert best.coverage == pytest.approx(1)
    far = next(piece for piece in reading.evidence if "培训巡渠员" in plans.words(piece))
    assert far.coverage < 0.5


def test_piece_without_the_kind_asked_for_has_it(plans: Plans) -> None:
    reading = plans.read("受益企业为什么出资？", weighing())
    kinds = {plans.words(piece): piece.has_kind for piece in reading.evidence}
    assert kinds["受益企业出资6000万元，因为它们的用水得到保障。"] is True
    assert kinds["县财政安排1.5亿元。"] is False


def test_evidence_does_not_bring_its_passage_forward(plans: Plans) -> None:
    asked = understand("渠系改造方案的目标任务")
    hits = plans.retriever.retrieve(asked.resolved, asked.tokens, 20)
    model = weighing(looks_like_reason=50.0)
    reading = plans.reader(model).read(asked, hits)
    reason = reading.evidence[0]
    assert "用水得到保障" in plans.words(reason)
    unit = reason.units[0]

    def holds(hit: Hit) -> bool:
        passage = hit.passage
        return passage.doc_id == unit.doc_id and passage.start <= unit.start and unit.end <= passage.end

    assert not holds(hits[0])
    assert holds(reading.hits[0])
    assert reading.hits[0].score > 1


def test_hits_are_reordered_otherwise_than_by_both_shares(plans: Plans, bundled: EvidenceModel) -> None:
    for question in ("2025年渠系完好率要达到多少？", "成都的节水率是多少？", "XR设备有几套？"):
        asked = understand(question)
        hits = plans.retriever.retrieve(asked.resolved, asked.tokens, 20)
        for model in (bundled, weighing(), weighing(length=3.0)):
            reading = plans.reader(model).read(asked, hits)
            assert [(hit.passage, hit.score) for hit in reading.hits] == reordered(hits, reading.evidence)


def test_nothing_found_is_answered(plans: Plans, bundled: EvidenceModel) -> None:
    reading = plans.reader(bundled).read(understand("渠系完好率"), [])
    assert (reading.evidence, reading.hits, reading.answered) == ((), (), 0.0)


def test_name_of_the_reader_stays_when_the_model_changes(plans: Plans, bundled: EvidenceModel) -> None:
    assert plans.reader(bundled).name == f"evidence {bundled.fingerprint}"


# --- the weight of a word --------------------------------------------------------------------------------------------


def test_weight_of_a_word_is_not_its_inverse_document_frequency(plans: Plans) -> None:
    lexical = plans.stored.lexical
    asked = understand("渠系完好率 量子")
    weights = token_weights(asked, lexical)
    assert set(weights) == set(asked.tokens)
    n, size = lexical.frequency("渠系"), len(plans.stored.passages)
    assert 0 < n < size
    # The word of a passage that does not exist would weigh most.
    greatest = math.log(1 + (size + 0.5) / 0.5)
    assert weights["渠系"] == pytest.approx(math.log(1 + (size - n + 0.5) / (n + 0.5)) / greatest)
    assert all(0 < weight < 1 for weight in weights.values())
    assert lexical.frequency("量子") == 0
    assert {weights[token] for token in asked.tokens if not lexical.frequency(token)} == {0.2}
    rare = min((token for token in asked.tokens if lexical.frequency(token)), key=lexical.frequency)
    assert weights[rare] == max(weights[token] for token in asked.tokens if lexical.frequency(token))


# --- any question ----------------------------------------------------------------------------------------------------

PIECES = (
    "渠系",
    "完好率",
    "2030年",
    "武汉",
    "节水",
    "多少",
    "哪些",
    "为什么",
    "和",
    "？",
    "XR",
    "三步",
    "，",
    "42%",
    "囧",
)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8))
def test_some_question_breaks_reading_or_is_read_otherwise_the_second_time(
    plans: Plans, bundled: EvidenceModel, parts: Sequence[str]
) -> None:
    try:
        asked = understand("".join(parts))
    except QuestionError:  # nothing in it to search for
        return
    hits = plans.retriever.retrieve(asked.resolved, asked.tokens, 20)
    reading = plans.reader(bundled).read(asked, hits)
    assert reading == plans.reader(bundled).read(asked, hits)
    assert [(hit.passage, hit.score) for hit in reading.hits] == (reordered(hits, reading.evidence) if hits else [])
    scores = [piece.score for piece in reading.evidence]
    assert scores == sorted(scores, reverse=True)
    if scores:
        assert sum(scores) == pytest.approx(1)
    assert 0 <= reading.answered <= 1
    for piece in reading.evidence:
        assert piece.matched <= set(asked.tokens)
        assert 0 <= piece.coverage <= 1 + 1e-9


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("火星基地的氧气由谁供应？", ("火星", "基地", "氧气", "供应")),
        ("东湾公园总投资是多少？", ()),
        ("东湾公园的KPI是什么？", ("kpi",)),
        ("请教一下，火星上氧气一共得花几块钱，大概多长时间便宜？", ("火星", "氧气")),
        ("咖啡馆总共何年何月打算有无区别？", ("咖啡馆",)),
    ],
)
def test_word_of_no_document_passes_for_known(stored_index: Stored, question: str, unknown: tuple[str, ...]) -> None:
    assert unknown_words(understand(question), stored_index.lexical) == unknown
