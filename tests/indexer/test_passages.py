"""Passages: a partition of the canonical text that respects chapters, sizes and table heads."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.corpus import read_all, scan
from indexer.document import Document, Metadata, Passage
from indexer.outline import outline
from indexer.passages import PassageSize, cut, index_text

SENTENCE = "县水务站在青石河沿线布设雷达水位计三十二台，数据每五分钟回传一次，值班员昼夜轮换。"


def document(text: str, title: str = "防汛预案") -> Document:
    return Document("flood.txt", "flood.txt", text, "0" * 64, Metadata(title=title))


def texts_of(text: str) -> list[str]:
    return [text[passage.start : passage.end] for passage in cut(document(text))]


def assert_partition(text: str, passages: list[Passage]) -> None:
    """The passages cover every character that is not white space, in order and without overlap."""
    end = 0
    for passage in passages:
        assert end <= passage.start < passage.end <= len(text)
        assert not text[end : passage.start].strip()
        assert text[passage.start : passage.end].strip() == text[passage.start : passage.end]
        end = passage.end
    assert not text[end:].strip()


# --- properties ------------------------------------------------------------------------------------------------------

ROWS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "第一部分 总体",
                    "第三章 监测",
                    "一、形势",
                    "（二）河道",
                    "3.上游",
                    "表 1 一览",
                    "# 预案",
                    "## 一、形势",
                    "### （一）河道",
                ),
                *(
                    "海带养殖",
                    "线路\t起点\t终点",
                    "7路\t火车站\t北山",
                    "| 村 | 户数 |",
                    "| 甲村 | 86 |",
                    "- 检查堤坝有没有渗水。",
                    "● 清淤",
                ),
                *(SENTENCE, SENTENCE * 5, SENTENCE * 14, "无" * 700, SENTENCE[:-1] + "；"),
            ]
        ),
        st.text("渔船出海。，、；a1 |-", min_size=1, max_size=80).map(str.strip).filter(bool),
    ),
    max_size=30,
)
SIZES = st.tuples(st.integers(20, 600), st.integers(0, 300)).map(lambda pair: PassageSize(pair[0], pair[0] + pair[1]))


@given(ROWS, SIZES)
def test_passages_partition_the_text(rows: list[str], size: PassageSize):
    text = "\n".join(rows)
    assert_partition(text, cut(document(text), size))


@given(ROWS, SIZES)
def test_no_passage_is_longer_than_the_maximum(rows: list[str], size: PassageSize):
    text = "\n".join(rows)
    assert all(passage.end - passage.start <= size.maximum for passage in cut(document(text), size))


@given(ROWS, SIZES)
def test_no_passage_crosses_a_hard_boundary(rows: list[str], size: PassageSize):
    text = "\n".join(rows)
    boundaries = [section.start for section in outline(text) if section.hard]
    for passage in cut(document(text), size):
        assert not any(passage.start < boundary < passage.end for boundary in boundaries)


@given(ROWS, SIZES)
def test_identifiers_round_trip_to_the_span(rows: list[str], size: PassageSize):
    text = "\n".join(rows)
    passages = cut(document(text), size)
    assert len({passage.passage_id for passage in passages}) == len(passages)
    for passage in passages:
        doc_id, span = passage.passage_id.rsplit("#", 1)
        assert (doc_id, *map(int, span.split("-"))) == (passage.doc_id, passage.start, passage.end)


@given(ROWS, SIZES)
def test_section_and_lead_belong_to_the_passage(rows: list[str], size: PassageSize):
    text = "\n".join(rows)
    sections = outline(text)
    for passage in cut(document(text), size):
        around = [section.path for section in sections if section.start <= passage.start < section.end]
        assert passage.section == (around[-1] if around else ())
        if passage.lead is not None:
            start, end = passage.lead
            assert 0 <= start < end <= passage.start
            assert "\n" not in text[start:end]


@given(ROWS)
def test_index_text_ends_with_the_passage_itself(rows: list[str]):
    text = "\n".join(rows)
    for passage in cut(document(text)):
        assert index_text(document(text), passage).endswith("\n" + text[passage.start : passage.end])


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_short_neighbours_are_merged_while_they_stay_under_the_target():
    text = "\n".join(["一、形势", "（一）河道", SENTENCE, "（二）水库", SENTENCE, "（三）海堤", SENTENCE * 7])
    short, long = texts_of(text)
    assert short == "\n".join(["一、形势", "（一）河道", SENTENCE, "（二）水库", SENTENCE])
    assert long == "（三）海堤\n" + SENTENCE * 7


def test_long_text_is_cut_into_like_parts_instead_of_full_ones_and_a_crumb():
    lengths = [len(part) for part in texts_of(SENTENCE * 13)]
    assert len(lengths) == 2
    assert min(lengths) > 0.6 * max(lengths)


def test_long_paragraph_is_cut_between_sentences():
    assert all(part.endswith("。") for part in texts_of(SENTENCE * 30))


def test_long_sentence_is_cut_between_clauses():
    assert all(part.endswith("，") for part in texts_of("值班员每天两次查看水位，" * 80))


def test_default_sizes_hold_for_a_long_text():
    lengths = [len(part) for part in texts_of("\n".join([SENTENCE * 4] * 40))]
    assert max(lengths) <= PassageSize().maximum
    assert sum(lengths) / len(lengths) > 0.5 * PassageSize().target


def test_empty_document_has_no_passages():
    assert cut(document("")) == []


# --- leads -----------------------------------------------------------------------------------------------------------


def passages_with(text: str, words: str, size: PassageSize) -> list[Passage]:
    found = [p for p in cut(document(text), size) if words in text[p.start : p.end]]
    assert found
    return found


@pytest.mark.parametrize(
    ("head", "row"),
    [("线路\t起点\t终点", "{}路\t火车站\t北山植物园"), ("| 线路 | 起点 | 终点 |", "| {}路 | 火车站 | 北山植物园 |")],
)
def test_rows_cut_off_from_their_table_carry_its_head(head: str, row: str):
    text = "\n".join([SENTENCE, head, *(row.format(i) for i in range(1, 60)), SENTENCE])
    size = PassageSize(100, 150)
    later = passages_with(text, row.format(50), size)[0]
    assert later.lead is not None
    assert text[slice(*later.lead)] == head
    assert head in index_text(document(text), later)
    first = passages_with(text, head, size)[0]
    assert first.lead is None


def test_items_cut_off_from_their_list_carry_the_sentence_above_it():
    lead_in = "值班员每天要做的事情有："
    text = "\n".join([SENTENCE, lead_in, *(f"- 第{i}件是查看{i}号水位计并且登记。" for i in range(1, 40))])
    later = passages_with(text, "第30件", PassageSize(100, 150))[0]
    assert later.lead is not None
    assert text[slice(*later.lead)] == lead_in


def test_list_at_the_top_of_a_text_has_no_lead():
    text = "\n".join(f"- 第{i}件是查看{i}号水位计并且登记。" for i in range(1, 40))
    assert {passage.lead for passage in cut(document(text), PassageSize(100, 150))} == {None}


def test_prose_has_no_lead():
    assert {passage.lead for passage in cut(document(SENTENCE * 40))} == {None}


def test_very_long_lead_is_cut_short():
    text = "\n".join(["甲" * 900 + "：", *(f"- 第{i}件事情。" for i in range(60))])
    leads = [p.lead for p in cut(document(text), PassageSize(100, 150)) if p.lead is not None]
    assert leads
    assert all(end - start <= 200 for start, end in leads)


# --- with real layouts -----------------------------------------------------------------------------------------------


def test_small_corpus_is_partitioned_and_its_passages_find_their_lines(corpus_folder, texts: dict[str, str]):
    documents, _ = read_all(scan(corpus_folder))
    for doc in documents:
        passages = cut(doc)
        assert_partition(doc.text, passages)
        original = texts[doc.path].split("\n")
        for passage in passages:
            origin = doc.origin(passage.start, passage.end)
            there = "".join("".join(original[origin.line_start - 1 : origin.line_end]).split())
            assert "".join(doc.text[passage.start : passage.end].split()) in there
        for one, other in pairwise(passages):
            assert doc.origin(one.start, one.end).line_end <= doc.origin(other.start, other.end).line_start


def test_index_text_is_title_section_lead_and_passage():
    text = "\n".join(["一、公交", "线路\t起点", *(f"{i}路\t火车站" for i in range(1, 60))])
    doc = document(text, title="出行指南")
    later = cut(doc, PassageSize(60, 80))[-1]
    assert index_text(doc, later).split("\n")[:3] == ["出行指南", "一、公交", "线路\t起点"]
    numbered = replace(doc, metadata=replace(doc.metadata, number="屿政发〔2023〕12号"))
    assert index_text(numbered, later).split("\n")[:2] == ["出行指南", "屿政发〔2023〕12号"]
