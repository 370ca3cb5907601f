"""Articles, paragraphs and items: which lines begin one, which only speak of one, and how each is addressed."""

import json
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.addresses import ADDRESS, Address, articles_around, find, label_of
from indexer.clauses import Tier, anomalies, clauses
from indexer.document import Document
from indexer.numerals import in_chinese, number_of
from indexer.outline import outline
from indexer.passages import PassageSize, cut

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "clauses.jsonl").read_text(encoding="utf-8").splitlines()
]
STATUTES = Path(__file__).parents[3] / "shared" / "data" / "prose" / "laws.jsonl.xz"
LAW = """第一条 船员每年培训两天。
培训不收费。
第二条 下列船舶免检：
（一）木船；
（二）舢板。
第三条 依照第一条规定处理。"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_document_of_the_splitter_set_is_split_otherwise(case: dict) -> None:
    sections = outline(case["text"])
    found = [[list(s.path), case["text"][s.start : s.start + 8].split("\n")[0]] for s in sections]
    assert found == case["sections"]


@given(st.integers(1, 9999))
def test_numeral_is_another_number_when_read_back(number: int) -> None:
    assert number_of(in_chinese(number)) == number
    assert number_of(str(number)) == number


@pytest.mark.parametrize(("numeral", "number"), [("二〇二三", 2023), ("一百零五", 105), ("十", 10), ("１２", 12)])
def test_numeral_is_misread(numeral: str, number: int) -> None:
    assert number_of(numeral) == number


@given(
    st.lists(st.sampled_from(["海堤每年巡查。", "（一）闸门；", "第二条规定的船舶除外。", "1.木船。"]), max_size=4),
    st.integers(3, 30),
)
def test_article_is_lost_or_made_up(extra: list[str], count: int) -> None:
    text = "\n".join("\n".join([f"第{in_chinese(n)}条 巡查记录保存{n}年。", *extra]) for n in range(1, count + 1))
    labels = [clause.address for clause in clauses(text) if clause.tier is Tier.ARTICLE]
    assert labels == [f"第{in_chinese(n)}条" for n in range(1, count + 1)]
    assert not anomalies(text)


def test_number_that_is_left_out_is_not_told() -> None:
    text = "第一条 甲。\n第二条 乙。\n第四条 丁。\n第五条 戊。"
    assert [(a.number, a.kind, a.start) for a in anomalies(text)] == [("第四条", "missing", text.index("第四条"))]


def test_page_that_quotes_an_article_becomes_a_law() -> None:
    assert clauses("据报道，新规已公布。\n第五条 渔船应当申报。\n记者另从港务局获悉，申报可在线办理。") == []


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        ("第一条", "第一条 船员"),
        ("第一条第一款", "第一条 船员"),
        ("第一条第二款", "培训不收费"),
        ("第二条第（二）项", "（二）舢板"),
        ("第2条第1款第2项", "（二）舢板"),
        ("第一条第三款", None),
        ("第二条第九项", None),
        ("第九条", None),
    ],
)
def test_address_leads_elsewhere(asked: str, begins: str | None) -> None:
    match = ADDRESS.search(asked)
    assert match is not None
    sections = outline(LAW)
    section = find(sections, Address.of(match))
    if begins is None:
        assert section is None
    else:
        assert section is not None
        assert LAW[section.start :].startswith(begins)


def test_label_is_no_address_of_its_clause() -> None:
    sections = outline(LAW)
    for section in sections:
        match = ADDRESS.fullmatch(label_of(sections, section))
        assert match is not None
        assert find(sections, Address.of(match)) in (section, *(s for s in sections if s.start == section.start))


def test_article_of_the_other_text_in_the_file_is_meant() -> None:
    text = next(case["text"] for case in CASES if case["name"] == "two texts in one file")
    sections = outline(text)
    near = text.index("乙村")
    section = find(sections, Address((3, 0)), near)
    assert section is not None
    assert "水渠不得占用" in text[section.start : section.end]
    assert len(articles_around(sections, near)) == 3


def test_article_that_fits_is_cut_or_shares_its_passage() -> None:
    passages = cut(Document("a.txt", "a.txt", LAW, "0" * 64), PassageSize(target=20, maximum=100))
    assert [LAW[p.start : p.end].split("\n")[0][:3] for p in passages] == ["第一条", "第二条", "第三条"]


@pytest.mark.skipif(not STATUTES.exists(), reason="the statutes are not on this machine")
def test_article_of_a_real_statute_is_lost() -> None:
    """Every line that begins with 第X条 and white space is an article, or listed in docs/structure.md."""
    missing = lost = articles = 0
    with lzma.open(STATUTES, "rt", encoding="utf-8") as file:
        for i, line in enumerate(file):
            if i % 10:
                continue
            text = "\n".join(row.strip() for row in json.loads(line)["text"].split("\n") if row.strip())
            found = {clause.start for clause in clauses(text) if clause.tier is Tier.ARTICLE}
            articles += len(found)
            missing += len(anomalies(text))
            start = 0
            for row in text.split("\n") if found else []:
                head = ADDRESS.match(row)
                lost += head is not None and start not in found and row[head.end() :][:1].isspace()
                start += len(row) + 1
    assert articles > 10_000
    assert missing <= 10
    assert lost <= 2
