"""Presentations made with python-pptx, read back."""

import contextlib
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.util import Inches

from indexer.errors import InputError
from indexer.formats.blocks import BlockKind
from indexer.formats.pptx import parse_pptx

_A = "http://schemas.openxmlformats.org/drawingml/2006/main"


def saved(deck) -> bytes:
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def box(shapes, left: float, top: float, width: float, height: float, text: str):
    shape = shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    shape.text_frame.text = text
    return shape


def blank(deck):
    return deck.slides.add_slide(deck.slide_layouts[6])


def texts(deck) -> list[str]:
    return [block.text for block in parse_pptx(saved(deck)).blocks]


def test_titles_are_headings_and_bullets_items_with_their_levels():
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "休渔\v安排"
    frame = slide.placeholders[1].text_frame
    frame.text = "时间"
    inner = frame.add_paragraph()
    inner.text, inner.level = "五月起", 1
    blocks = parse_pptx(saved(deck)).blocks
    assert [(block.text, block.kind, block.level) for block in blocks] == [
        ("休渔安排", BlockKind.HEADING, 1),
        ("• 时间", BlockKind.ITEM, 1),
        ("• 五月起", BlockKind.ITEM, 2),
    ]
    assert {block.place.slide for block in blocks} == {1}


def test_a_title_comes_first_wherever_it_stands():
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "题目"
    slide.shapes.title.top = Inches(6)
    box(slide.shapes, 1, 1, 2, 1, "正文")
    assert texts(deck) == ["题目", "正文"]


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(6)))
def test_boxes_in_a_grid_are_read_row_by_row_whatever_their_order_in_the_file(order: list[int]):
    deck = Presentation()
    slide = blank(deck)
    for i in order:
        # Hand-placed: a little out of line.
        box(slide.shapes, 1 + 3 * (i % 3), 1 + 2 * (i // 3) + 0.1 * (i % 3), 2, 1, f"格{i}")
    assert texts(deck) == [f"格{i}" for i in range(6)]


def test_stacked_boxes_beside_a_tall_one_are_read_as_a_column():
    deck = Presentation()
    slide = blank(deck)
    box(slide.shapes, 5, 1, 3, 5, "右栏")
    for i in range(3):
        box(slide.shapes, 1, 1 + 1.5 * i, 3, 1, f"左{i}")
    assert texts(deck) == ["左0", "左1", "左2", "右栏"]


def test_groups_are_read_as_one_and_in_their_own_order():
    deck = Presentation()
    slide = blank(deck)
    box(slide.shapes, 1, 5, 2, 1, "下")
    group = slide.shapes.add_group_shape()
    box(group.shapes, 3, 1, 1, 1, "组右")
    box(group.shapes, 1, 1, 1, 1, "组左")
    assert texts(deck) == ["组左", "组右", "下"]


def numbered(paragraph, kind: str, **attributes: str) -> None:
    properties = paragraph._p.get_or_add_pPr()
    for old in properties:
        properties.remove(old)
    etree.SubElement(properties, f"{{{_A}}}buAutoNum", type=kind, **attributes)


def test_automatic_numbers_are_counted_by_level_and_kind():
    deck = Presentation()
    frame = box(blank(deck).shapes, 1, 1, 5, 5, "甲").text_frame
    lines = [("乙", 0), ("子", 1), ("丑", 1), ("丙", 0), ("寅", 1)]
    numbered(frame.paragraphs[0], "ea1ChsPeriod")
    for text, level in lines:
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
        numbered(paragraph, "ea1ChsPeriod" if level == 0 else "arabicParenBoth", startAt="1")
    plain = frame.add_paragraph()
    plain.text = "完"
    assert texts(deck) == ["一. 甲", "二. 乙", "(1) 子", "(2) 丑", "三. 丙", "(1) 寅", "完"]


def test_a_bullet_that_the_layout_takes_away_makes_a_paragraph():
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.placeholders[1].text_frame.text = "副标题"
    (block,) = parse_pptx(saved(deck)).blocks
    assert (block.text, block.kind) == ("副标题", BlockKind.PARAGRAPH)


def test_tables_keep_merged_cells_once_and_mark_the_head():
    deck = Presentation()
    table = blank(deck).shapes.add_table(3, 3, Inches(1), Inches(1), Inches(6), Inches(2)).table
    for row in range(3):
        for column in range(3):
            table.cell(row, column).text = f"{row}{column}"
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    blocks = parse_pptx(saved(deck)).blocks
    assert [block.text for block in blocks] == ["00\t01 02", "10 20\t11\t12", "\t21\t22"]
    assert [block.is_head for block in blocks] == [True, False, False]


def test_charts_are_read_as_their_figures_look():
    deck = Presentation()
    data = CategoryChartData(number_format="0.0%")
    data.categories = ["一季", "二季"]
    data.add_series("产量", (0.125, 0.25))
    slide = blank(deck)
    chart = slide.shapes.add_chart(XL_CHART_TYPE.LINE, Inches(1), Inches(1), Inches(4), Inches(3), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "渔业产量"
    assert texts(deck) == ["渔业产量", "\t产量", "一季\t12.5%", "二季\t25.0%"]


def test_notes_follow_their_slide():
    deck = Presentation()
    slide = blank(deck)
    box(slide.shapes, 1, 1, 1, 1, "甲")
    slide.notes_slide.notes_text_frame.text = "备注一\n备注二"
    blocks = parse_pptx(saved(deck)).blocks
    assert [(block.text, block.kind) for block in blocks][1:] == [
        ("备注一", BlockKind.NOTE),
        ("备注二", BlockKind.NOTE),
    ]


def test_hidden_slides_are_left_out_and_told_and_keep_their_number():
    deck = Presentation()
    for i in range(3):
        box(blank(deck).shapes, 1, 1, 1, 1, f"第{i + 1}张")
    deck.slides[1]._element.set("show", "0")
    parsed = parse_pptx(saved(deck))
    assert [(block.text, block.place.slide) for block in parsed.blocks] == [("第1张", 1), ("第3张", 3)]
    assert parsed.warnings == ("hidden slides are left out (2): unhide them to have them read",)
    assert parsed.pages == 3


def test_hidden_shapes_and_furniture_of_slides_are_left_out():
    deck = Presentation()
    slide = blank(deck)
    box(slide.shapes, 1, 1, 1, 1, "显")
    box(slide.shapes, 1, 3, 1, 1, "隐")._element.nvSpPr.cNvPr.set("hidden", "1")
    number = box(slide.shapes, 1, 5, 1, 1, "7")
    placeholder = etree.SubElement(number._element.nvSpPr.find(qn("p:nvPr")), qn("p:ph"))
    placeholder.set("type", "sldNum")
    assert texts(deck) == ["显"]


def test_fields_for_dates_and_slide_numbers_are_no_text_and_others_are():
    deck = Presentation()
    paragraph = box(blank(deck).shapes, 1, 1, 1, 1, "甲").text_frame.paragraphs[0]._p
    for kind, text in (("slidenum", "3"), ("datetime1", "2020/1/1"), ("其他", "乙")):
        field = etree.SubElement(paragraph, f"{{{_A}}}fld", id="{0}", type=kind)
        etree.SubElement(field, f"{{{_A}}}t").text = text
    assert texts(deck) == ["甲乙"]


def test_slides_come_in_the_order_of_the_show_not_of_the_files():
    deck = Presentation()
    for i in range(3):
        box(blank(deck).shapes, 1, 1, 1, 1, f"第{i + 1}张")
    listing = deck.slides._sldIdLst
    listing.append(listing[0])
    assert texts(deck) == ["第2张", "第3张", "第1张"]


def test_title_and_author_come_from_the_properties_or_the_first_title():
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "休渔汇报"
    deck.core_properties.title, deck.core_properties.author = "PowerPoint 演示文稿", "渔业局"
    parsed = parse_pptx(saved(deck))
    assert (parsed.title, parsed.authors) == ("休渔汇报", ("渔业局",))


def test_a_deck_of_pictures_or_of_nothing_is_refused_with_what_to_do():
    deck = Presentation()
    slide = blank(deck)
    with pytest.raises(InputError, match="leave it out"):
        parse_pptx(saved(deck))
    slide.shapes._spTree.append(etree.Element(qn("p:pic")))
    with pytest.raises(InputError, match="OCR"):
        parse_pptx(saved(deck))


def test_other_files_are_refused():
    with pytest.raises(InputError, match="old binary kind"):
        parse_pptx(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "PowerPoint Document".encode("utf-16-le"))
    with pytest.raises(InputError, match="PDF by its content"):
        parse_pptx(b"%PDF-1.4")


def test_groups_in_groups_without_end_are_refused_and_not_a_crash():
    deck = Presentation()
    box(blank(deck).shapes, 1, 1, 1, 1, "甲")
    with zipfile.ZipFile(io.BytesIO(saved(deck))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    slide = parts["ppt/slides/slide1.xml"]
    start, end = slide.index(b"<p:sp>"), slide.index(b"</p:spTree>")
    parts["ppt/slides/slide1.xml"] = (
        slide[:start] + b"<p:grpSp>" * 5000 + slide[start:end] + b"</p:grpSp>" * 5000 + slide[end:]
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match="nested too deeply"):
        parse_pptx(file.getvalue())


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damaged_bytes_raise_nothing_but_input_errors(data: st.DataObject):
    file = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 20))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        parse_pptx(bytes(file))


def _sound() -> bytes:
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[1]).shapes.title.text = "甲"
    return saved(deck)


SOUND = _sound()
