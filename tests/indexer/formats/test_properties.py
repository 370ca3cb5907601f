from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.formats.properties import authors, day


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("周明远; 何秋实", ("周明远", "何秋实")),
        ("云江市发展改革委、云江市财政局", ("云江市发展改革委", "云江市财政局")),
        ("周明远；周明远", ("周明远",)),
        ("Administrator", ()),
        ("Windows 用户", ()),
        ("微软用户", ()),
        ("USER-20190101", ()),
        (r"DESKTOP\lenovo", ()),
        ("雨林木风;周明远", ("周明远",)),
        ("", ()),
        ("John Smith", ("John Smith",)),
    ],
)
def test_names_are_kept_and_what_systems_write_is_not(text: str, names: tuple[str, ...]) -> None:
    assert authors(text) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D:20230516093000+08'00'", "2023-05-16"),
        ("20230516", "2023-05-16"),
        ("2023-05-16T09:30:00", "2023-05-16"),
        ("2023年05月16日", "2023-05-16"),
        ("D:20230231", ""),
        ("D:19700101000000Z", ""),
        ("16/05/2023", ""),
        ("", ""),
    ],
)
def test_days_are_those_that_exist(text: str, expected: str) -> None:
    assert day(text) == expected


@given(st.dates(min_value=date(1990, 1, 1)))
def test_every_day_comes_back(value: date) -> None:
    assert day(f"D:{value:%Y%m%d}120000Z") == value.isoformat()
