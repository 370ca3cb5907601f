"""Features: the columns that are promised, the numbers that can be counted by hand, and no text that breaks them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.embedder import HashEmbedder, Vectors
from indexer.errors import QuestionError
from indexer.text import fold
from indexer.tokens import tokenize
from service.candidates import Candidate, Setting
from service.features import NAMES, Features, has_form, looks_right
from service.question import Kind, understand
from service.units import Unit

FEATURES = Features(HashEmbedder(256))


class Recorded(HashEmbedder):
    """Keeps the batches of passages that it was asked for."""

    def __init__(self) -> None:
        super().__init__(256)
        self.batches: list[list[str]] = []

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        return super().embed_passages(texts)


def tokens(*texts: str) -> frozenset[str]:
    return frozenset(token for text in texts for token in tokenize(text))


def candidate(
    text: str,
    *,
    near: str = "",
    heading: str = "",
    above: str = "",
    title: str = "",
    line: str = "",
    before: str = "",
    document: str = "",
    hit: float = 1.0,
    units: int = 1,
    is_list: bool = False,
    is_row: bool = False,
) -> Candidate:
    path = fold("\n".join(part for part in (above, heading) if part))
    words = (tokens(near), tokens(heading), tokens(above), tokens(title))
    setting = Setting(*words, fold(line), fold(before), path, fold(document))
    pieces = tuple(Unit("d", i, i + 1) for i in range(units))
    return Candidate(pieces, text, fold(text), fold(text), tokens(text), setting, hit, is_list, is_row)


def rows(question: str, *candidates: Candidate, weights: Mapping[str, float] | None = None) -> list[dict[str, float]]:
    """A row for each candidate, by the names of its columns; every token weighs 1 unless told."""
    asked = understand(question)
    if weights is None:
        weights = dict.fromkeys(asked.tokens, 1.0)
    found = FEATURES.of(asked, weights, candidates)
    return [dict(zip(NAMES, map(float, row), strict=True)) for row in found]


RATE = "渠系完好率是多少？"
PIECES = (
    candidate("2022年渠系完好率为61%。", heading="目标任务", title="渠系改造方案", hit=1.0),
    candidate("到2025年达到85%。", near="渠系完好率为61%", heading="目标任务", hit=0.5),
    candidate("县财政安排1.5亿元。", heading="财政资金", above="资金安排", hit=0.25),
    candidate("苏州 | 31%", heading="地区 节水率", is_row=True, hit=0.25),
)


# --- the matrix ------------------------------------------------------------------------------------------------------


def test_column_is_missing_or_has_no_number() -> None:
    found = FEATURES.of(understand(RATE), dict.fromkeys(understand(RATE).tokens, 1.0), PIECES)
    assert found.shape == (len(PIECES), len(NAMES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert len(set(NAMES)) == len(NAMES)


def test_no_candidates_give_another_shape() -> None:
    assert FEATURES.of(understand(RATE), {}, ()).shape == (0, len(NAMES))


def test_numbers_depend_on_what_was_asked_before() -> None:
    first, other = rows(RATE, *PIECES), rows("县财政安排多少资金？", *PIECES)
    assert first == rows(RATE, *PIECES)
    assert first != other
    asked = understand(RATE)
    fresh = Features(HashEmbedder(256)).of(asked, dict.fromkeys(asked.tokens, 1.0), PIECES)
    np.testing.assert_array_equal(fresh, np.array([list(row.values()) for row in first], dtype=np.float32))


def test_each_candidate_costs_a_call_of_the_embedder_or_a_text_is_embedded_twice() -> None:
    asked = understand(RATE)
    weights = dict.fromkeys(asked.tokens, 1.0)
    embedder = Recorded()
    features = Features(embedder)
    first = features.of(asked, weights, PIECES)
    assert len(embedder.batches) <= 2, "the candidates together and the question"
    np.testing.assert_array_equal(features.of(asked, weights, PIECES), first)
    texts = [text for batch in embedder.batches for text in batch]
    assert len(texts) == len(set(texts))
    assert {piece.text for piece in PIECES} <= set(texts)


def test_vectors_come_back_as_those_of_other_texts() -> None:
    features, embedder = Features(HashEmbedder(256)), HashEmbedder(256)
    for texts in (["渠系", "水表"], ["水表", "灌溉", "渠系", "水表"], ["渠系"]):
        np.testing.assert_array_equal(features.vectors(texts), embedder.embed_passages(texts))


def test_numbers_change_or_are_lost_when_too_many_texts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(RATE, *PIECES)
    monkeypatch.setattr("service.features._REMEMBERED", 3)
    asked = understand(RATE)
    features = Features(HashEmbedder(256))
    for _ in range(2):
        found = features.of(asked, dict.fromkeys(asked.tokens, 1.0), PIECES)
        np.testing.assert_array_equal(found, np.array([list(row.values()) for row in before], dtype=np.float32))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[1::5])
def test_numbers_depend_on_the_order_of_the_candidates(order: Sequence[int]) -> None:
    straight, shuffled = rows(RATE, *PIECES), rows(RATE, *(PIECES[i] for i in order))
    for place, i in enumerate(order):
        for name in NAMES:
            if not name.endswith("_rank"):  # of equals the first ranks first
                assert shuffled[place][name] == pytest.approx(straight[i][name], abs=1e-6), name


def test_weight_of_the_index_counts_for_nothing() -> None:
    (rare,) = rows(RATE, PIECES[2], weights={"渠系": 5.0, "资金": 1.0})
    (common,) = rows(RATE, PIECES[2], weights={"渠系": 1.0, "资金": 1.0})
    assert rare["missing_here_rarest"] == 5.0
    assert rare["around"] == pytest.approx(1 / 6)
    assert common["around"] == pytest.approx(1 / 2)


def test_scale_of_the_weights_changes_a_share() -> None:
    asked = understand(RATE)
    once, tenfold = (rows(RATE, *PIECES, weights=dict.fromkeys(asked.tokens, weight)) for weight in (1.0, 10.0))
    for name in ("credit", "own", "own_names", "own_near", "own_heading", "anywhere", "around", "headings", "title"):
        assert [row[name] for row in once] == pytest.approx([row[name] for row in tenfold], abs=1e-6), name


# --- counted by hand -------------------------------------------------------------------------------------------------


def test_share_of_words_is_counted_otherwise() -> None:
    weights = {"甲乙": 4.0, "丙丁": 3.0, "戊己": 2.0, "庚辛": 1.0}
    piece = candidate("甲乙。", near="丙丁", heading="戊己")
    (row,) = rows(RATE, piece, weights=weights)
    counted = {
        "own": 4 / 10,
        "own_near": 7 / 10,
        "own_heading": 6 / 10,
        "around": 9 / 10,
        "headings": 2 / 10,
        "anywhere": 9 / 10,
        "title": 0,
        "missing_here_rarest": 3,
        "missing_rarest": 1,
        "missing_here": 3,
        "missing": 1,
        "found_rarest": 4,
        "question_rarest": 4,
        "question_tokens": 4,
    }
    assert {name: row[name] for name in counted} == pytest.approx(counted)


def test_words_of_the_title_tell_pieces_of_one_document_apart() -> None:
    weights = {"甲乙": 4.0, "丙丁": 3.0}
    (row,) = rows(RATE, candidate("甲乙丙丁。", title="甲乙"), weights=weights)
    assert (row["title"], row["own"], row["own_names"]) == pytest.approx((4 / 7, 1, 1))
    (bare,) = rows(RATE, candidate("丙丁。", title="甲乙"), weights=weights)
    assert bare["own_names"] == 1
    assert bare["credit"] == pytest.approx(row["credit"]), "a word of the title counts whether it is repeated or not"


def test_credit_ranks_what_stands_farther_away_before_what_stands_nearer() -> None:
    weights = {"甲乙": 1.0}
    found = rows(
        RATE,
        *(candidate("甲乙。"), candidate("子。", heading="甲乙"), candidate("子。", near="甲乙")),
        *(candidate("子。", above="甲乙"), candidate("子。")),
        weights=weights,
    )
    credit = [row["credit"] for row in found]
    assert credit[0] == 1
    assert credit[-1] == 0
    assert credit == sorted(credit, reverse=True)
    assert len(set(credit)) == 5
    assert [row["credit_rank"] for row in found] == [0, 1, 2, 3, 4]
    assert [row["credit_behind"] for row in found] == pytest.approx([value - 1 for value in credit])


def test_sentence_that_goes_on_with_the_one_before_gets_no_more_from_it() -> None:
    plain, going_on = rows(
        RATE, candidate("子丑。", near="甲乙"), candidate("其子丑。", near="甲乙"), weights={"甲乙": 1}
    )
    assert going_on["credit"] > plain["credit"]
    assert (plain["anaphora"], going_on["anaphora"]) == (0, 1)


def test_like_words_are_compared_otherwise_than_by_the_cosine_of_their_vectors() -> None:
    embedder = HashEmbedder(256)
    (row,) = rows("渠系完好率？", candidate("渠系很长。", line="渠系很长。"))
    question, passage = embedder.embed_question("渠系完好率？"), embedder.embed_passages(["渠系很长。"])[0]
    assert row["cosine"] == pytest.approx(float(question @ passage), abs=1e-6)
    (same,) = rows("渠系完好率？", candidate("渠系完好率。"))
    assert same["meaning"] == pytest.approx(1, abs=1e-6)
    assert same["meaning_least"] == pytest.approx(1, abs=1e-6)
    assert same["meaning_gap"] == pytest.approx(0, abs=1e-6)
    assert same["meaning"] > row["meaning"] > 0
    (around,) = rows("渠系完好率？", candidate("为61%。", before="渠系完好率。"))
    assert around["meaning_around"] == pytest.approx(1, abs=1e-6)
    assert around["meaning"] < 1


def test_run_of_characters_is_not_the_longest_that_both_have() -> None:
    (row,) = rows("西滩灯塔公园绿地", candidate("东湾、灯塔-公园的绿地。"))
    assert row["shared_run"] == len("灯塔公园")
    assert row["shared_run_share"] == pytest.approx(4 / 8)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("figures", "2022年为61%，2025年为85%。", 4),
        ("new_figures", "2022年为61%，2025年为85%。", 3),
        ("dates", "2022年5月1日至6月。", 4),
        ("quoted", "称为“渠长制”。", 1),
        ("quoted", "称为渠长制。", 0),
        ("sentences", "先清淤。再加固；后绿化！", 3),
        ("length", "渠系完好。", math.log1p(5)),
        ("form", "完好率为61%。", 1),
        ("form", "完好率提高了。", -1),
        ("lead_in", "任务如下：", 1),
        ("lead_in", "任务如下。", 0),
        ("year_here", "2022年为61%。", 1),
        ("year_here", "2025年为85%。", 0),
        ("other_years", "2022年、2023年、2024年。", 2),
        ("place_here", "苏州节水31%。", 1),
        ("other_places", "成都、武汉和苏州。", 2),
        ("conflict", "成都节水27%。", 1),
        ("conflict", "苏州节水31%。", 0),
        ("looks_like_date", "5月开工。", 1),
        ("looks_like_reason", "因为缺水。", 1),
        ("looks_like_definition", "是指渠道完好的比例。", 1),
        ("looks_like_place", "位于柳河。", 1),
    ],
)
def test_mark_of_a_text_is_overlooked(name: str, text: str, value: float) -> None:
    (row,) = rows("2022年苏州的节水率是多少？", candidate(text))
    assert row[name] == pytest.approx(value)


def test_year_or_place_around_is_overlooked() -> None:
    around = (
        candidate("节水31%。", document="苏州公报 2022-02"),
        candidate("节水31%。", heading="苏州2022年"),
        candidate("节水31%。", before="2022年苏州推广喷灌。"),
    )
    for row in rows("2022年苏州的节水率是多少？", *around):
        assert (row["year_around"], row["place_around"], row["year_here"], row["place_here"]) == (1, 1, 0, 0)


def test_kind_of_the_question_is_another_or_none() -> None:
    for question, kind in ((RATE, Kind.NUMBER), ("为什么改造渠系？", Kind.REASON), ("渠系改造方案", Kind.FACT)):
        (row,) = rows(question, PIECES[0])
        assert {name for name in NAMES if name.startswith("kind_") and row[name]} == {f"kind_{kind.value}"}


def test_list_of_as_many_items_as_asked_for_does_not_stand_out() -> None:
    lists = (candidate("任务：一二三", units=4, is_list=True), candidate("任务：一二", units=3, is_list=True))
    fits, lacks = rows("渠系改造分哪三步？", *lists)
    assert (fits["count_fits"], lacks["count_fits"]) == (1, -1)
    assert (fits["list"], fits["units"], fits["asks_many"]) == (1, 4, 1)
    assert rows("渠系改造有哪些任务？", lists[0])[0]["count_fits"] == 0


def test_row_or_share_of_the_hit_is_lost() -> None:
    found = rows(RATE, *PIECES)
    assert [row["row"] for row in found] == [0, 0, 0, 1]
    assert [row["hit"] for row in found] == [1, 0.5, 0.25, 0.25]


# --- what looks right ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("渠系完好率是多少？", "达到85%", True),
        ("渠系完好率是多少？", "有所提高", False),
        ("渠系改造什么时候开始？", "5月开工", True),
        ("渠系改造什么时候开始？", "尽快开工", False),
        ("渠系改造有哪些任务？", "尽快开工", None),
    ],
)
def test_text_of_the_right_form_looks_wrong(question: str, text: str, expected: bool | None) -> None:
    assert looks_right(understand(question), fold(text)) is expected


@pytest.mark.parametrize(
    ("question", "expected"), [("望湖水库哪一年建成？", False), ("望湖水库蓄水多少万立方米？", True)]
)
def test_years_of_a_tables_head_say_when_something_happened(question: str, expected: bool) -> None:
    row = candidate("望湖水库 | 980 | 45", is_row=True)
    row = replace(row, in_full=fold("望湖水库 2022年末蓄水量980万立方米 2023年末蓄水量45万立方米"))
    assert has_form(understand(question), row) is expected


# --- any text --------------------------------------------------------------------------------------------------------

TEXTS = st.one_of(st.text(max_size=30), st.text(alphabet="渠系2025年1苏州%，。：|（）- \n🌾*<b>", max_size=30))


@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS, TEXTS, st.booleans()), min_size=1, max_size=4), st.floats(0, 1))
def test_some_text_breaks_the_features_or_gives_no_number(
    question: str, texts: list[tuple[str, str, str, bool]], hit: float
) -> None:
    try:
        asked = understand(question)
    except QuestionError:  # nothing in it to ask for
        return
    pieces = [
        candidate(text, near=around, heading=around, title=title, line=around, before=title, hit=hit, is_row=is_row)
        for text, around, title, is_row in texts
    ]
    found = FEATURES.of(asked, dict.fromkeys(asked.tokens, 1.5), pieces)
    assert found.shape == (len(pieces), len(NAMES))
    assert np.isfinite(found).all()
    column = {name: found[:, i] for i, name in enumerate(NAMES)}
    for name in ("credit", "own", "own_near", "own_heading", "anywhere", "around", "headings", "title", "own_names"):
        assert ((column[name] >= 0) & (column[name] <= 1 + 1e-6)).all(), name
    for name in ("meaning", "meaning_around", "meaning_least", "shared_run_share"):
        assert ((column[name] >= 0) & (column[name] <= 1 + 1e-6)).all(), name
    assert (column["meaning_around"] >= column["meaning"] - 1e-6).all(), "more words come no farther"
    assert (column["missing"] <= column["missing_here"]).all()
    for name in (name for name in NAMES if name.endswith("_behind")):
        assert column[name].max() == 0
    for name in (name for name in NAMES if name.endswith("_rank")):
        assert sorted(column[name]) == list(range(len(pieces)))
