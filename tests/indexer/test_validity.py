"""Whether a document is in force on a day, by itself and by what the others say of it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.document import YES, Document, Metadata
from indexer.errors import QuestionError
from indexer.scope import Scope, require
from indexer.validity import IN_CHINESE, STATUSES, Register, Standing, Status


def document(doc_id: str, title: str = "海堤管护办法", **metadata: object) -> Document:
    return Document(doc_id, doc_id, "正文。", "0" * 64, Metadata(title=title, **metadata))  # type: ignore[arg-type]


def statuses(as_of: str, *documents: Document) -> list[str]:
    register = Register(documents)
    return [register.standing(one.doc_id, as_of).status.value for one in documents]


@pytest.mark.parametrize(
    ("metadata", "as_of", "status"),
    [
        ({"effective": "2023-07-01"}, "2023-06-30", "not_yet"),
        ({"effective": "2023-07-01"}, "2023-07-01", "in_force"),
        ({"effective": "2023-07-01"}, "2023", "in_force"),
        ({"effective": "2023-07-01", "expires": "2028-06-30"}, "2028-06-30", "in_force"),
        ({"effective": "2023-07-01", "expires": "2028-06-30"}, "2028-07-01", "repealed"),
        ({"effective": "2023-07-01", "repealed": "2024-01-01"}, "2023-12-31", "in_force"),
        ({"effective": "2023-07-01", "repealed": "2024-01-01"}, "2024-01-01", "repealed"),
        ({"effective": "2023-07-01", "repealed": YES}, "2024", "repealed"),
        ({"published": "2023-07-01"}, "2023-01", "not_yet"),
        ({"published": "2023-07-01"}, "2024", "unknown"),
        ({"published": "约2023年"}, "2024", "unknown"),
        ({"effective": "2023-07-01"}, "", "unknown"),
        ({}, "2024", "unknown"),
    ],
)
def test_own_dates_are_misjudged(metadata: dict[str, str], as_of: str, status: str) -> None:
    assert statuses(as_of, document("a.md", **metadata)) == [status]


def test_document_is_not_repealed_by_the_one_that_says_so() -> None:
    old = document("old.md", "北屿市海堤维护规定", number="屿政发〔2015〕8号", effective="2015-03-01")
    other = document("other.md", "北屿市海堤维护规定", number="屿政发〔2009〕1号", effective="2009-03-01")
    new = document("new.md", effective="2023-07-01", repeals=("《北屿市海堤维护规定》（屿政发〔2015〕8号）",))
    register = Register([old, other, new])
    assert register.standing("old.md", "2023-06-30") == Standing(Status.IN_FORCE, "2015-03-01")
    assert register.standing("old.md", "2023-07-01") == Standing(Status.REPEALED, "2023-07-01", "new.md")
    assert register.standing("other.md", "2024").by == "old.md", "the number tells the two apart"
    assert register.standing("new.md", "2024").status is Status.IN_FORCE


@pytest.mark.parametrize(
    "name",
    [
        "《北屿市海堤维护规定》",
        "屿政发〔2015〕8号",
        "《北屿市海堤维护规定》（屿政发[2015]第8号）",
        "《北屿市 海堤维护规定》",
    ],
)
def test_way_to_name_a_document_is_not_understood(name: str) -> None:
    old = document("old.md", "北屿市海堤维护规定", number="屿政发〔2015〕8号", effective="2015-03-01")
    new = document("new.md", effective="2023-07-01", repeals=(name,))
    assert statuses("2024", old, new) == ["repealed", "in_force"]


def test_rules_inside_the_notice_that_issues_them_are_not_found() -> None:
    notice = document("notice.md", "关于印发《北屿市海堤维护规定》的通知", effective="2015-03-01")
    new = document("new.md", effective="2023-07-01", repeals=("《北屿市海堤维护规定》",))
    assert statuses("2024", notice, new) == ["repealed", "in_force"]


def test_document_repeals_itself_its_successor_or_a_namesake_too_short_to_tell() -> None:
    first = document("a.md", "海堤管护办法", effective="2015-03-01")
    second = document("b.md", "海堤管护办法", effective="2023-07-01", repeals=("《海堤管护办法》",))
    short = document("c.md", "办法", effective="2010-01-01")
    actor = document("d.md", "渔港管理条例", effective="2020-01-01", repeals=("《办法》", "《海堤管护办法》"))
    assert statuses("2024", first, second, short, actor) == ["repealed", "in_force", "in_force", "in_force"]


def test_amendment_or_newer_text_is_not_told() -> None:
    old = document("old.md", effective="2015-03-01", issuer="北屿市人民政府")
    decision = document(
        "decision.md", "关于修改《海堤管护办法》的决定", effective="2018-01-01", amends=("《海堤管护办法》",)
    )
    new = document("new.md", "海堤管护办法（2021年修正）", effective="2021-05-01", issuer="北屿市人民政府")
    foreign = document("foreign.md", effective="2022-01-01", issuer="白鹭县人民政府")
    register = Register([old, decision, new, foreign])
    assert register.standing("old.md", "2017").status is Status.IN_FORCE
    assert register.standing("old.md", "2019") == Standing(Status.AMENDED, "2018-01-01", "decision.md")
    assert register.standing("old.md", "2024") == Standing(Status.AMENDED, "2021-05-01", "new.md")
    assert register.standing("new.md", "2024").status is Status.IN_FORCE
    assert register.standing("foreign.md", "2024").status is Status.IN_FORCE


@given(st.permutations(range(4)), st.dates(date(2010, 1, 1), date(2030, 1, 1)))
def test_order_of_the_documents_decides(order: list[int], day: date) -> None:
    documents = [
        document("a.md", "海堤维护规定", effective="2012-01-01"),
        document("b.md", "海堤维护规定", effective="2016-01-01"),
        document("c.md", "海堤管护办法", effective="2020-01-01", repeals=("《海堤维护规定》",)),
        document("d.md", "关于修改《海堤管护办法》的决定", effective="2025-01-01", amends=("《海堤管护办法》",)),
    ]
    there = Register([documents[i] for i in order])
    here = Register(documents)
    assert [here.standing(d.doc_id, str(day)) for d in documents] == [
        there.standing(d.doc_id, str(day)) for d in documents
    ]


def test_rule_is_of_no_year_or_of_years_after_its_end() -> None:
    old = document("old.md", "北屿市海堤维护规定", effective="2015-03-01")
    new = document("new.md", effective="2018-07-01", expires="2020-06-30", repeals=("《北屿市海堤维护规定》",))
    register = Register([old, new, document("report.md", published="2015")])
    assert register.years("old.md") == (2015, 2016, 2017, 2018)
    assert register.years("new.md") == (2018, 2019, 2020)
    assert register.years("report.md") == ()


def test_named_document_is_not_found_or_a_longer_title_loses() -> None:
    short = document("short.md", "北屿市海堤管护办法", region="北屿市", effective="2020")
    long = document("long.md", "北屿市海堤管护办法实施细则", effective="2021")
    register = Register([short, long])
    assert [d.doc_id for d in register.named_in("北屿市海堤管护办法实施细则第三条")] == ["long.md", "short.md"]
    assert [d.doc_id for d in register.named_in("海堤管护办法第三条")] == ["short.md"]
    assert register.named_in("第三条") == []


def test_filter_by_validity_lets_through_what_it_should_not() -> None:
    documents = [document("a.md", effective="2015-03-01"), document("b.md", "渔港管理条例", effective="2030-01-01")]
    for value in ("in_force", "现行有效", "not_yet"):
        require(Scope(as_of="2024", validity=(value,)), documents)
    with pytest.raises(QuestionError, match="这些文件尚未施行、现行有效"):
        require(Scope(as_of="2024", validity=("已废止",)), documents)
    with pytest.raises(QuestionError, match="不认识效力状态"):
        Scope(validity=("valid",))
    with pytest.raises(QuestionError, match="不是日期"):
        Scope(as_of="今天")


def test_status_has_no_name() -> None:
    assert set(STATUSES.values()) == set(Status) == set(IN_CHINESE)
