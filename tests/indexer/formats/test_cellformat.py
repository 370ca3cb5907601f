"""Number formats against what Excel shows, and against openpyxl's reading of dates."""

import datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import from_excel

from indexer.formats.cellformat import BUILT_IN, shown

ACCOUNTING = '_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ '


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (0.1234, "0.0%", "12.3%"),
        (0.30000000000000004, "General", "0.3"),
        (123456789012, "General", "123456789012"),
        (-12.5, "General", "-12.5"),
        (-5, "0.00;(0.00)", "(5.00)"),
        (12.5, "0.00;[Red]0.00", "12.50"),
        (0, "0;-0;;@", ""),
        (1234.5, ACCOUNTING, "1,234.50"),
        (-1234.5, ACCOUNTING, "-1,234.50"),
        (0, ACCOUNTING, "-"),
        (1234.5, "[$¥-804]#,##0.00", "¥1,234.50"),
        (1234567, '0.0,"千"', "1234.6千"),
        (1234, "#,##0万", "1,234万"),
        (13812345678, "000-0000-0000", "138-1234-5678"),
        (7, "000", "007"),
        (0.5, "#.##", ".5"),
        (5, "0.0#", "5.0"),
        (5, "0.##", "5."),
        (2.675, "0.00", "2.68"),
        (123456, "0.00E+00", "1.23E+05"),
        (9.999e5, "0.00E+00", "1.00E+06"),
        (0.000123, "0.0E-0", "1.2E-4"),
        (95, '[>=60]"合格";"不合格"', "合格"),
        (50, '[>=60]"合格";"不合格"', "不合格"),
        (123, "[DBNum2][$-804]General", "壹佰贰拾叁"),
        (12, '[DBNum1]General"年"', "十二年"),
        (3, "@", "3"),
        (0.5, "# ?/?", "0.5"),
        (3, '"第"0"号;"', "第3号;"),
        (1e300, "0", "1" + "0" * 300),
    ],
)
def test_numbers_are_shown_as_excel_shows_them(value: float, code: str, text: str):
    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (45052, 'yyyy"年"m"月"d"日"', "2023年5月6日"),
        (45052, BUILT_IN[31], "2023年5月6日"),
        (45052, BUILT_IN[14], "2023/5/6"),
        (45052, "yy-mm-dd", "23-05-06"),
        (45052, "d-mmm-yy", "6-May-23"),
        (45052, "aaaa", "星期六"),
        (45052, '[DBNum1][$-804]yyyy"年"m"月"d"日"', "二〇二三年五月六日"),
        (45052.75, "yyyy/m/d h:mm", "2023/5/6 18:00"),
        (45052.5, "上午/下午h时mm分", "下午12时00分"),
        (0.75, "h:mm AM/PM", "6:00 PM"),
        (0.0208333333, "mm:ss", "30:00"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (59, "m/d", "2/28"),
        (61, "m/d", "3/1"),
        (-1, "yyyy-mm-dd", "-1"),
        (1e9, "yyyy-mm-dd", "1000000000"),
    ],
)
def test_dates_and_times_are_shown_as_excel_shows_them(value: float, code: str, text: str):
    assert shown(value, code) == text


@given(st.integers(61, 2_900_000), st.booleans())
def test_days_are_those_that_openpyxl_counts(day: int, from_1904: bool):
    epoch = datetime.datetime(1904, 1, 1) if from_1904 else datetime.datetime(1899, 12, 30)
    assert shown(day, "yyyy-mm-dd", from_1904=from_1904) == from_excel(day, epoch).date().isoformat()


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=6), st.integers(0, 4), st.booleans())
def test_rounding_and_grouping_are_those_of_decimal(value: Decimal, places: int, grouped: bool):
    code = ("#,##0" if grouped else "0") + ("." + "0" * places if places else "")
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    expected = f"{rounded:,}" if grouped else str(rounded)
    assert shown(float(value), code) == (expected if rounded else expected.lstrip("-"))


@given(st.floats(allow_nan=False, allow_infinity=False), st.text('0#?.,%;E+-"\\[]ymdhsa@_*年AM/P', max_size=12))
def test_no_format_code_breaks(value: float, code: str):
    assert isinstance(shown(value, code), str)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_no_cell_can_hold_is_refused(value: float):
    with pytest.raises(ValueError, match="no number"):
        shown(value, "0.00")
