"""Rows with the names of their columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.formats.blocks import Place
from indexer.formats.tables import Row, head_rows, is_figure, row_blocks


def rows(*lines: str, **more: bool) -> list[Row]:
    return [Row(tuple(line.split("|")), Place(row=i), **more) for i, line in enumerate(lines, start=1)]


CELLS = st.text("甲乙丙丁0123456789 \t\n", max_size=4)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=6))
def test_every_cell_comes_out_once_in_its_row_and_order(lines: list[list[str]]):
    table = [Row(tuple(line), Place(row=i)) for i, line in enumerate(lines)]
    found = {block.place.row: block.text for block in row_blocks(table)}
    for i, line in enumerate(lines):
        shown = [" ".join(cell.split()) for cell in line if cell.strip()]
        assert [cell for cell in found.get(i, "").split("\t") if cell] == shown


def test_columns_stay_in_line_with_their_head_when_empty_ones_are_dropped():
    table = rows("项目||金额", "渔船||12", "||7", "||")
    assert [block.text for block in row_blocks(table)] == ["项目\t金额", "渔船\t12", "\t7"]


def test_the_head_is_the_row_above_figures():
    assert head_rows(rows("项目|金额", "渔船|12", "渔港|7")) == [0]


def test_years_name_columns_though_they_are_figures():
    assert head_rows(rows("指标|2021|2022", "产量|13|17")) == [0]


def test_a_form_of_labels_and_values_has_no_head():
    assert head_rows(rows("姓名|陈某|职务|船长", "单位|渔业局|电话|未填")) == []


def test_a_table_of_figures_only_has_no_head():
    assert head_rows(rows("1|2", "3|4")) == []


def test_titles_and_units_may_stand_above_the_head():
    assert head_rows(
        rows("渔业统计表|||", "填报：渔业局|||单位：万元", "项目|一季|二季|合计", "渔船|1|2|3"), first_holds=True
    ) == [2]


def test_rows_that_the_file_marks_are_the_head_whatever_they_hold():
    table = rows("甲|乙", "丙|丁")
    marked = [Row(table[0].cells, table[0].place, is_marked=True), table[1]]
    assert head_rows(marked) == [0]
    assert head_rows(rows("甲|乙", "丙|丁", is_marked=True)) == []


def test_a_second_row_under_merged_names_belongs_to_the_head():
    table = [Row(("地区", "产量", ""), Place(), spans=True), *rows("|上半年|下半年", "北屿|10|20")]
    assert head_rows(table) == [0, 1]


def test_bold_type_sets_a_head_off_where_no_column_holds_figures():
    table = [Row(("任务", "单位"), Place(), is_strong=True), *rows("清理渔港|渔业局", "登记渔船|船管站")]
    assert head_rows(table) == [0]
    assert head_rows([Row(row.cells, row.place) for row in table]) == []


@pytest.mark.parametrize("text", ["12", "1,234.5", "-3%", "¥ 20", "—", "１２％"])
def test_figures(text: str):
    assert is_figure(text)


@pytest.mark.parametrize("text", ["", "2023年", "第3号", "甲", "3个"])
def test_words_with_digits_are_no_figures(text: str):
    assert not is_figure(text)
