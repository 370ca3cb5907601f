"""Charts whose data python-pptx does not lay out: categories of several levels, gaps and scatter plots."""

import io
import zipfile

import pytest

from indexer.formats.blocks import Block, Place
from indexer.formats.diagrams import drawn_blocks
from indexer.formats.package import Package, parse_xml

_C = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def points(**values: str) -> str:
    return "".join(f'<c:pt idx="{name[1:]}"><c:v>{value}</c:v></c:pt>' for name, value in values.items())


def read(series: str, title: str = "") -> list[Block]:
    listing = '<Relationships><Relationship Id="{}" Type="x/{}" Target="{}"/></Relationships>'
    chart = f'<c:chartSpace xmlns:c="{_C}" xmlns:a="{_A}"><c:chart>{title}<c:plotArea>{series}</c:plotArea></c:chart></c:chartSpace>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("_rels/.rels", listing.format("r", "officeDocument", "p.xml"))
        archive.writestr("p.xml", "<p/>")
        archive.writestr("_rels/p.xml.rels", listing.format("c", "chart", "chart.xml"))
        archive.writestr("chart.xml", chart)
    drawing = parse_xml(f'<d><c:chart xmlns:c="{_C}" xmlns:r="{_R}" r:id="c"/></d>'.encode(), "drawing")
    return drawn_blocks(Package(file.getvalue(), ".pptx"), "p.xml", drawing, Place(slide=2))


def ser(name: str, categories: str, values: str, code: str = "General") -> str:
    cache = f"<c:numRef><c:numCache><c:formatCode>{code}</c:formatCode>{values}</c:numCache></c:numRef>"
    return f"<c:ser><c:tx><c:strRef><c:strCache>{points(p0=name)}</c:strCache></c:strRef></c:tx>{categories}<c:val>{cache}</c:val></c:ser>"


def cat(inside: str) -> str:
    return f"<c:cat>{inside}</c:cat>"


def test_series_share_their_categories_and_gaps_stay_empty():
    names = cat(points(p0="一季", p1="二季"))
    blocks = read(ser("产量", names, points(p1="2")) + ser("增速", names, points(p0="0.5"), "0%"))
    assert [block.text for block in blocks] == ["\t产量\t增速", "一季\t\t50%", "二季\t2"]
    assert [block.is_head for block in blocks] == [True, False, False]
    assert {block.place.slide for block in blocks} == {2}


def test_categories_of_two_levels_are_read_from_the_outer_to_the_inner():
    inner, outer = (f"<c:lvl>{level}</c:lvl>" for level in (points(p0="一季", p1="二季"), points(p0="2023年")))
    blocks = read(
        ser(
            "产量",
            cat(f"<c:multiLvlStrRef><c:multiLvlStrCache>{inner}{outer}</c:multiLvlStrCache></c:multiLvlStrRef>"),
            points(p0="1", p1="2"),
        )
    )
    assert [block.text for block in blocks] == ["\t产量", "2023年 一季\t1", "二季\t2"]


def test_a_title_of_several_paragraphs_is_one_line():
    title = f"<c:title><c:tx><c:rich>{'<a:p><a:r><a:t>渔业</a:t></a:r></a:p>' * 2}</c:rich></c:tx></c:title>"
    assert read(ser("产量", "", points(p0="1")), title)[0].text == "渔业渔业"


@pytest.mark.parametrize("value", ["1e999", "NaN", "—", ""])
def test_values_that_are_no_numbers_stand_as_they_are(value: str):
    assert read(ser("产量", cat(points(p0="一季")), points(p0=value)))[1].text == f"一季\t{value}".strip()
