"""Which documents a scope admits, and what is said when it admits none."""

import datetime
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.document import Document, Metadata
from indexer.errors import QuestionError
from indexer.scope import EVERYTHING, Scope, published_date, require


def document(doc_id: str = "a.md", **metadata: str) -> Document:
    return Document(doc_id, doc_id, "正文。", "0" * 64, Metadata(**metadata))


PLAN = document("公开/规划.md", issuer="云江市经济和信息化局", region="云江", published="2023-05-16", kind="规划")
PAPER = document(
    "公开/白皮书.md", issuer="中国信息通信研究院、云江大学", region="全国", published="2022", kind="产业白皮书"
)
MEMO = document("内部/内参.md", issuer="枫桥智库", region="枫桥", published="2021-11", kind="内参")
NOTE = document("内部/便条.txt")
ALL = [PLAN, PAPER, MEMO, NOTE]
OUTSIDE = Scope(visible=("公开/*",))

DATES = st.dates(datetime.date(2020, 1, 1), datetime.date(2023, 12, 31)).flatmap(
    lambda day: st.sampled_from([f"{day:%Y}", f"{day:%Y-%m}", f"{day:%Y-%m-%d}"])
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(str.strip)


def admitted(**filters: object) -> list[str]:
    return [one.doc_id.rpartition("/")[2] for one in ALL if Scope(**filters).admits(one)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["规划.md", "白皮书.md", "内参.md", "便条.txt"]),
        ({"issuers": ("云江市经济和信息化局",)}, ["规划.md"]),
        ({"issuers": ("经信局",)}, ["规划.md"]),
        ({"issuers": ("云江市经信局",)}, ["规划.md"]),
        ({"issuers": ("信通院",)}, ["白皮书.md"]),
        ({"issuers": ("中国信息通信研究院",)}, ["白皮书.md"]),
        ({"issuers": ("云江",)}, ["规划.md", "白皮书.md"]),
        ({"issuers": ("楓橋智庫", "信通院")}, ["白皮书.md", "内参.md"]),
        ({"issuers": ("北江市经信局",)}, []),
        ({"regions": ("云江市",)}, ["规划.md"]),
        ({"regions": (" 云江 ", "全国")}, ["规划.md", "白皮书.md"]),
        ({"kinds": ("白皮书",)}, ["白皮书.md"]),
        ({"kinds": ("规划",), "issuers": ("信通院",)}, []),
        ({"documents": ("内部/*",)}, ["内参.md", "便条.txt"]),
        ({"documents": ("*.txt", "公开/规划.md")}, ["规划.md", "便条.txt"]),
        ({"published_from": "2022"}, ["规划.md", "白皮书.md"]),
        ({"published_from": "2022-07-01"}, ["规划.md", "白皮书.md"]),
        ({"published_to": "2022-06"}, ["白皮书.md", "内参.md"]),
        ({"published_from": "2021-11-30", "published_to": "2021-11-30"}, ["内参.md"]),
        ({"published_from": "2023-05-17"}, []),
        ({"visible": ("公开/*",)}, ["规划.md", "白皮书.md"]),
        ({"visible": ("公开/*",), "documents": ("内部/*",)}, []),
        ({"visible": ()}, []),
    ],
)
def test_scope_admits_other_documents(filters: dict[str, object], found: list[str]):
    assert admitted(**filters) == found


# --- values that nobody would think of


@pytest.mark.parametrize("value", ["", "  ", "\n", "\ud800", "局\udfff"])
@pytest.mark.parametrize("name", ["documents", "issuers", "regions", "kinds"])
def test_blank_or_broken_value_lets_everything_through(name: str, value: str):
    with pytest.raises(QuestionError, match="筛选条件"):
        Scope(**{name: ("云江", value)})


@pytest.mark.parametrize("value", ["\u200b", "<b></b>", "\u200b\u200b省", "**"])
@pytest.mark.parametrize("name", ["issuers", "regions", "kinds"])
def test_value_that_folds_away_is_contained_in_everything(name: str, value: str):
    assert admitted(**{name: (value,)}) == []


@settings(deadline=None)
@given(TEXT)
def test_some_text_as_a_pattern_breaks_the_search_or_misses_the_file_of_that_name(text: str):
    assert Scope(documents=(text,)).admits(document(text))
    assert Scope(visible=(text,)).shows(text)
    Scope(documents=(text,), visible=(text,)).admits(PLAN)


def test_name_with_brackets_is_read_as_a_pattern_only():
    brackets = document("通知[2024]1号.md")
    assert Scope(documents=("通知[2024]1号.md",)).admits(brackets)
    assert Scope(visible=("通知[2024]1号.md",)).admits(brackets)


def test_pattern_in_other_case_shows_a_hidden_document():
    assert not Scope(visible=("OPEN/*",)).shows("open/a.md")


def test_long_pattern_of_wildcards_takes_for_ever():
    assert not Scope(documents=("*a" * 100 + "b",)).admits(document("a" * 300))


# --- dates


def days(given: str) -> Iterator[datetime.date]:
    """All days of a year, month or day."""
    first = datetime.date.fromisoformat(given + "-01" * ((10 - len(given)) // 3))
    day = first
    while day.isoformat().startswith(given):
        yield day
        day += datetime.timedelta(days=1)


@settings(deadline=None)
@given(DATES, DATES, DATES)
def test_bounds_let_in_what_has_no_day_between_them_or_leave_out_what_has(published: str, one: str, other: str):
    start, end = sorted((one, other), key=lambda given: (min(days(given)), max(days(given))))
    own = set(days(published))
    between = Scope(published_from=start, published_to=end).admits(document(published=published))
    assert between == any(min(days(start)) <= day <= max(days(end)) for day in own)
    assert Scope(published_from=one).admits(document(published=published)) == (max(own) >= min(days(one)))
    assert Scope(published_to=one).admits(document(published=published)) == (min(own) <= max(days(one)))


@pytest.mark.parametrize(
    ("published", "date"),
    [
        ("2022", "2022"),
        ("2022-1-8", "2022-01-08"),
        ("2022年11月", "2022-11"),
        ("２０２２年１１月３０日", "2022-11-30"),
        ("2022/3", "2022-03"),
        ("2022.3.5", "2022-03-05"),
        ("2022-02-30", ""),
        ("20221", ""),
        ("去年", ""),
        ("", ""),
    ],
)
def test_date_of_a_document_is_read_as_another(published: str, date: str):
    assert published_date(document(published=published)) == date


@pytest.mark.parametrize(
    "bound", ["2022-13", "2022-02-30", "22", "2022-1", "2022-11-3", "昨天", "0000", "2022\n", "２０２２"]
)
def test_bound_that_is_no_date_is_taken(bound: str):
    for name in ("published_from", "published_to"):
        with pytest.raises(QuestionError, match=r"不是日期.*2022-11-30"):
            Scope(**{name: bound})


def test_bounds_the_wrong_way_round_are_taken():
    with pytest.raises(QuestionError, match="2023 晚于截止 2022-12"):
        Scope(published_from="2023", published_to="2022-12")
    Scope(published_from="2022", published_to="2022-01-01")
    Scope(published_from="2022-12-31", published_to="2022")


# --- what is said when nothing is admitted


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope(regions=("南岭",)), "没有地区与“南岭”相符的文件：可选的有云江、全国、枫桥。"),
        (Scope(issuers=("枫桥智库", "南岭县政府")), "没有发布机构与“南岭县政府”相符的文件：可选的有"),
        (Scope(documents=("x/*",)), "没有文件路径与“x/*”相符的文件：可选的有公开/白皮书.md、公开/规划.md、内部/"),
        (Scope(kinds=("规划",), regions=("枫桥",)), "符合“地区”条件的文件中，没有种类与“规划”相符的：可选的有内参。"),
        (
            Scope(published_from="2024"),
            "没有发布日期在2024到现在之间的：这些文件有日期的发布于 2021-11 到 2023-05-16。",
        ),
        (Scope(documents=("*.txt",), published_to="2020"), "这些文件都没有注明发布日期。"),
        (Scope(documents=("*.txt",), kinds=("通知",)), "没有种类与“通知”相符的文件"),
        (Scope(visible=()), "没有可以查阅的文件"),
        (Scope(visible=("公开/*",), regions=("枫桥",)), "没有地区与“枫桥”相符的文件：可选的有云江、全国。"),
        (Scope(visible=("公开/*",), published_to="2021"), "发布于 2022 到 2023-05-16。"),
    ],
)
def test_error_names_neither_the_filter_nor_the_values_there_are(scope: Scope, said: str):
    with pytest.raises(QuestionError) as error:
        require(scope, ALL)
    assert said in str(error.value)


def test_error_lists_hundreds_of_values_or_repeats_a_long_one():
    many = [document(f"{i:03}.md", region=f"地区{i:03}") for i in range(200)]
    with pytest.raises(QuestionError) as error:
        require(Scope(regions=("某" * 1000,)), many)
    assert "地区019 等 200 个。" in str(error.value)
    assert len(str(error.value)) < 300


VALUES = {
    "documents": st.sampled_from(["公开/*", "内部/*", "*.md", "公开/规划.md", "x"]),
    "issuers": st.sampled_from(["信通院", "云江", "枫桥智库", "县政府"]),
    "regions": st.sampled_from(["云江", "全国", "枫桥市", "南岭"]),
    "kinds": st.sampled_from(["规划", "白皮书", "内参", "通知"]),
}
SCOPES = st.builds(
    Scope,
    **{name: st.lists(values, max_size=2).map(tuple) for name, values in VALUES.items()},
    published_from=st.sampled_from(["", "2020", "2022", "2022-03"]),
    published_to=st.sampled_from(["", "2022-05-01", "2023", "2024"]),
    visible=st.sampled_from([("*",), ("公开/*",), ("内部/*", "x"), ()]),
)


@settings(deadline=None)
@given(SCOPES)
def test_scope_without_a_document_passes_or_one_with_documents_does_not(scope: Scope):
    matched = all(
        any(Scope(**{name: (value,)}, visible=scope.visible).admits(one) for one in ALL)
        for name in VALUES
        for value in getattr(scope, name)
    )
    if matched and any(scope.admits(one) for one in ALL):
        require(scope, ALL)
    else:
        with pytest.raises(QuestionError):
            require(scope, ALL)


@settings(deadline=None)
@given(SCOPES)
def test_error_changes_with_what_is_out_of_sight(scope: Scope):
    def told(documents: list[Document]) -> str:
        try:
            require(scope, documents)
        except QuestionError as error:
            return str(error)
        return ""

    assert told(ALL) == told([one for one in ALL if scope.shows(one.doc_id)])


def test_error_names_what_only_a_hidden_document_holds():
    for name, value in {"issuers": "枫桥智库", "regions": "枫桥", "kinds": "内参", "documents": MEMO.doc_id}.items():
        messages = []
        for asked in (value, "x" * len(value)):
            with pytest.raises(QuestionError) as error:
                require(Scope(**{name: (asked,)}, visible=OUTSIDE.visible), ALL)
            messages.append(re.sub("“.*?”", "", str(error.value)))
        assert messages[0] == messages[1], "whether it exists shows"


def test_scope_of_everything_is_narrowed():
    assert Scope() == EVERYTHING
    require(EVERYTHING, ALL)
    with pytest.raises(QuestionError):
        require(EVERYTHING, [])
