"""Workbooks made with openpyxl and XlsxWriter, and CSV files, read back."""

import contextlib
import csv
import datetime
import io
import zipfile

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import InputError
from indexer.formats.blocks import Block, BlockKind
from indexer.formats.sheets import parse_csv, parse_xlsx


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def sheet(*rows: list[object]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book


def rows_of(blocks: tuple[Block, ...]) -> list[str]:
    return [block.text for block in blocks if block.kind is BlockKind.ROW]


CELLS = st.one_of(st.none(), st.integers(0, 999), st.text("渔船港湾甲乙 丙,\n\"'=", max_size=5))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=6))
def test_every_cell_comes_out_once_with_its_sheet_and_row(table: list[list[object]]):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet("渔船")
        for i, row in enumerate(table):
            for j, value in enumerate(row):
                if value is not None:
                    page.write(i, j, value)
    cells = {
        i: [" ".join(str(v).split()) for v in row if v is not None and str(v).strip()] for i, row in enumerate(table, 1)
    }
    if not any(cells.values()):
        with pytest.raises(InputError, match="no text"):
            parse_xlsx(file.getvalue())
        return
    blocks = parse_xlsx(file.getvalue()).blocks
    assert (blocks[0].text, blocks[0].kind) == ("渔船", BlockKind.HEADING)
    assert {block.place.sheet for block in blocks} == {"渔船"}
    found = {block.place.row: [cell for cell in block.text.split("\t") if cell] for block in blocks[1:]}
    assert found == {i: row for i, row in cells.items() if row}


def test_values_are_read_as_the_cells_show_them():
    book = sheet(["项目", "金额", "占比", "日期", "是否"], ["渔船", 1234.5, 0.25, datetime.date(2023, 5, 6), True])
    for column, code in (("B", "#,##0.00"), ("C", "0%"), ("D", 'yyyy"年"m"月"d"日"')):
        book.active[f"{column}2"].number_format = code
    blocks = parse_xlsx(saved(book)).blocks
    assert rows_of(blocks) == ["项目\t金额\t占比\t日期\t是否", "渔船\t1,234.50\t25%\t2023年5月6日\tTRUE"]
    assert [block.is_head for block in blocks] == [False, True, False]


def test_titles_and_units_above_the_head():
    book = sheet(
        ["渔业统计表"], ["填报：渔业局", None, None, "单位：万元"], ["项目", "一季", "二季", "合计"], ["渔船", 1, 2, 3]
    )
    book.active.merge_cells("A1:D1")
    blocks = parse_xlsx(saved(book)).blocks
    assert [(block.text, block.kind, block.level, block.is_head) for block in blocks[1:]] == [
        ("渔业统计表", BlockKind.HEADING, 2, False),
        ("填报：渔业局\t单位：万元", BlockKind.ROW, 0, False),
        ("项目\t一季\t二季\t合计", BlockKind.ROW, 0, True),
        ("渔船\t1\t2\t3", BlockKind.ROW, 0, False),
    ]


def test_a_head_of_two_rows_with_merged_names():
    book = sheet(["地区", "产量", None], [None, "上半年", "下半年"], ["北屿", 1, 2])
    book.active.merge_cells("B1:C1")
    book.active.merge_cells("A1:A2")
    blocks = parse_xlsx(saved(book)).blocks
    assert rows_of(blocks) == ["地区\t产量", "\t上半年\t下半年", "北屿\t1\t2"]
    assert [block.is_head for block in blocks[1:]] == [True, True, False]


def test_empty_rows_and_columns_are_skipped_and_rows_keep_their_numbers():
    book = openpyxl.Workbook()
    for cell, value in (("B3", "项目"), ("D3", "金额"), ("B7", "渔船"), ("D7", 5)):
        book.active[cell] = value
    blocks = parse_xlsx(saved(book)).blocks
    assert [(block.text, block.place.row) for block in blocks[1:]] == [("项目\t金额", 3), ("渔船\t5", 7)]


def test_a_single_column_is_prose():
    blocks = parse_xlsx(saved(sheet(["第一段。"], ["第二段。"]))).blocks
    assert [block.kind for block in blocks[1:]] == [BlockKind.PARAGRAPH] * 2


def test_formulas_give_their_stored_results_and_are_told_when_they_have_none():
    parsed = parse_xlsx(saved(sheet(["项目", "金额"], ["合计", "=1+1"])))
    assert rows_of(parsed.blocks) == ["项目\t金额", "合计"]
    assert parsed.warnings == ("sheet 'Sheet': 1 formulas have no stored result: open the file in Excel and save it",)
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["项目", "金额"])
        page.write_formula(1, 1, "=1+1", book.add_format({"num_format": "0.0"}), 2)
    parsed = parse_xlsx(file.getvalue())
    assert rows_of(parsed.blocks) == ["项目\t金额", "\t2.0"]
    assert parsed.warnings == ("results of formulas may be missing or old: open the file in Excel and save it",)


def test_an_empty_text_is_a_result_of_a_formula():
    parsed = parse_xlsx(with_rows("<row><c><v>1</v></c><c t='str'><f>A1</f><v></v></c></row>"))
    assert not any("no stored result" in warning for warning in parsed.warnings)


def test_hidden_sheets_rows_and_columns_are_left_out_and_told():
    book = sheet(["项目", "内部", "金额"], ["渔船", "密", 1], ["渔港", "密", 2])
    book.active.title = "表"
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions["B"].hidden = True
    other = book.create_sheet("选项")
    other["A1"] = "不读"
    other.sheet_state = "hidden"
    parsed = parse_xlsx(saved(book))
    assert [block.text for block in parsed.blocks] == ["表", "项目\t金额", "渔船\t1"]
    assert parsed.warnings == (
        "sheet '表': 1 rows are hidden and left out",
        "sheet '表': 1 columns are hidden and left out",
        "sheet '选项' is hidden and left out: unhide it to have it read",
    )


def test_rows_hidden_by_a_filter_are_data_all_the_same():
    book = sheet(["项目", "金额"], ["渔船", 1], ["渔港", 2])
    book.active.auto_filter.ref = "A1:B3"
    book.active.auto_filter.add_filter_column(0, ["渔船"])
    book.active.row_dimensions[3].hidden = True
    parsed = parse_xlsx(saved(book))
    assert rows_of(parsed.blocks) == ["项目\t金额", "渔船\t1", "渔港\t2"]
    assert parsed.warnings == ("sheet 'Sheet': 1 rows are hidden by a filter and read all the same",)


def test_sheets_come_in_order_each_under_its_name():
    book = sheet(["甲", "乙"], ["丙", "1"])
    book.active.title = "第一"
    book.create_sheet("空")
    book.create_sheet("第二").append(["丁"])
    headings = [block.text for block in parse_xlsx(saved(book)).blocks if block.kind is BlockKind.HEADING]
    assert headings == ["第一", "第二"]


def test_rich_text_without_its_reading_aids():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.add_worksheet().write_row(0, 0, ["占位", 1])
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    strings = parts["xl/sharedStrings.xml"]
    rich = "<si><r><t>渔</t></r><r><t>船_x000D_</t></r><rPh><t>yuchuan</t></rPh></si>"
    parts["xl/sharedStrings.xml"] = strings.replace("<si><t>占位</t></si>".encode(), rich.encode())
    assert rows_of(parse_xlsx(packed(parts)).blocks) == ["渔船\t1"]


def packed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_rows(xml: str, doctype: str = "") -> bytes:
    file = saved(sheet(["甲"]))
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    content = f'<?xml version="1.0"?>{doctype}<worksheet xmlns="{main}"><sheetData>{xml}</sheetData></worksheet>'
    parts["xl/worksheets/sheet1.xml"] = content.encode()
    return packed(parts)


def test_rows_and_cells_without_references_follow_each_other():
    xml = "<row><c><v>1</v></c><c t='inlineStr'><is><t>甲</t></is></c></row><row r='5'><c r='C5'><v>2</v></c><c><v>3</v></c></row>"
    blocks = parse_xlsx(with_rows(xml)).blocks
    assert [(block.text, block.place.row) for block in blocks[1:]] == [("1\t甲", 1), ("\t\t2\t3", 5)]


def test_a_huge_sheet_is_cut_and_told():
    row = "".join(f"<c><v>{i}</v></c>" for i in range(1000))
    parsed = parse_xlsx(with_rows(f"<row>{row}</row>" * 220))
    assert len(rows_of(parsed.blocks)) == 200
    assert parsed.warnings == (
        "sheet 'Sheet': rows behind 200 are left out, since the file has too many cells: split it",
    )


def test_columns_beyond_any_sheet_take_no_memory():
    assert rows_of(
        parse_xlsx(with_rows("<row><c><v>1</v></c><c><v>2</v></c><c r='ZZZ1'><v>3</v></c></row>")).blocks
    ) == ["1\t2"]


def test_entities_in_a_streamed_sheet_are_refused():
    with pytest.raises(InputError, match="document type"):
        parse_xlsx(with_rows("<row><c><v>&a;</v></c></row>", '<!DOCTYPE x [<!ENTITY a "1">]>'))


def binary_workbook() -> bytes:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    listing = f'<Relationships><Relationship Id="r" Type="{kind}" Target="xl/workbook.bin"/></Relationships>'
    return packed({"_rels/.rels": listing.encode(), "xl/workbook.bin": b"\0"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (binary_workbook(), "xlsb"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "save it as .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (with_rows(""), "no text"),
        (with_rows("<row><c>"), "not well-formed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(data: bytes, words: str):
    with pytest.raises(InputError, match=words):
        parse_xlsx(data)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damaged_sheets_raise_nothing_but_input_errors(data: st.DataObject):
    xml = bytearray(
        b'<row r="1" hidden="0"><c r="A1" s="1" t="s"><v>0</v></c><c r="B1" t="n"><f>1</f><v>2</v></c></row>'
    )
    for _ in range(data.draw(st.integers(1, 4))):
        xml[data.draw(st.integers(0, len(xml) - 1))] = data.draw(st.integers(32, 126))
    with contextlib.suppress(InputError):
        parse_xlsx(with_rows(xml.decode()))


@given(
    st.lists(st.lists(st.text("渔船 ,;\t\"'\n|甲1", max_size=4), min_size=2, max_size=3), min_size=1, max_size=6),
    st.sampled_from(",\t;"),
)
def test_csv_records_come_back_with_the_lines_where_they_start(table: list[list[str]], delimiter: str):
    # A first record without anything to quote settles the delimiter.
    table = [["项目", "金额", "备注"], ["甲", "乙", "丙"], *table, *[["丁", "戊", "己"]] * len(table)]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    starts, line = [], 1
    for record in table:
        starts.append(line)
        writer.writerow(record)
        line += 1 + sum(cell.count("\n") for cell in record)
    blocks = parse_csv(file.getvalue().encode()).blocks
    found = {block.place.line: [cell for cell in block.text.split("\t") if cell] for block in blocks}
    expected = {
        start: [" ".join(cell.split()) for cell in record if cell.strip()]
        for start, record in zip(starts, table, strict=True)
    }
    assert found == {start: cells for start, cells in expected.items() if cells}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_every_encoding(encoding: str):
    blocks = parse_csv("项目,金额\r\n渔船补贴,12\r\n".encode(encoding)).blocks
    assert [(block.text, block.is_head) for block in blocks] == [("项目\t金额", True), ("渔船补贴\t12", False)]


def test_a_csv_file_that_names_its_delimiter():
    blocks = parse_csv("sep=|\n甲|乙\n1,5|2\n".encode()).blocks
    assert [(block.text, block.place.line) for block in blocks] == [("甲\t乙", 2), ("1,5\t2", 3)]


def test_an_open_quotation_mark_does_not_swallow_the_file():
    lines = ["项目,金额", '渔"船,"1', *(f"渔港{i},{i}" for i in range(20_000))]
    parsed = parse_csv("\n".join(lines).encode())
    assert len(parsed.blocks) == len(lines)
    assert parsed.warnings == ("a quotation mark is not closed: quotation marks are read as text",)


def test_a_huge_csv_file_is_cut_and_told():
    parsed = parse_csv(("a,b\n" * 110_000).encode())
    assert len(parsed.blocks) == 100_000
    assert parsed.warnings == ("lines from 100001 on are left out, since there are more than 200000 cells",)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\0\1\2"])
def test_a_csv_file_without_text_is_refused(data: bytes):
    with pytest.raises(InputError):
        parse_csv(data)
