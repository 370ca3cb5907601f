import random
import re
import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from indexer.errors import InputError
from indexer.formats.blocks import BlockKind, Parsed
from indexer.formats.ofd import parse_ofd
from indexer.formats.pdf import parse_pdf
from tests.indexer.formats.paper import Look, Paper, at, compose, ofd, pdf, prose

SPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'
PAGE = "Doc_0/Pages/Page_0/Content.xml"


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def texts(parsed: Parsed) -> list[str]:
    return [squeezed(block.text) for block in parsed.blocks]


def article(seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    blocks = [("h1", "云江市数字经济促进办法")]
    for number in "一二":
        blocks.append(("h2", f"第{number}章 重点任务"))
        blocks.extend(("p", prose(rng, rng.choice((1, 2, 3, 6)))) for _ in range(6))
    return blocks


def page_of(objects: str, *, attributes: str = "") -> bytes:
    return f"<ofd:Page {SPACE} {attributes}><ofd:Content><ofd:Layer>{objects}</ofd:Layer></ofd:Content></ofd:Page>".encode()


def text_object(code: str, *, x: float = 20, y: float = 30, attributes: str = 'Size="5"') -> str:
    return f'<ofd:TextObject Boundary="{x} {y} 150 8" Font="1" {attributes}>{code}</ofd:TextObject>'


def one_page(objects: str) -> Parsed:
    return parse_ofd(ofd([Paper()], parts={PAGE: page_of(objects)}))


looks = st.builds(
    Look,
    size=st.sampled_from([9.0, 10.5, 12.0, 14.0]),
    pitch=st.sampled_from([1.25, 1.5, 2.0]),
    gap=st.sampled_from([0.0, 0.3]),
    left=st.sampled_from([50.0, 90.0]),
    columns=st.sampled_from([1, 1, 2]),
    justified=st.booleans(),
    foot=st.sampled_from(["", "{page}", "— {page} —"]),
)


@given(look=looks, seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_ofd_file_is_read_as_the_pdf_of_the_same_pages(look: Look, seed: int) -> None:
    blocks = article(seed)
    papers = compose(blocks, look)
    assume(look.columns == 1 or len(papers) > 1)  # a column of one line is told by other pages
    parsed = parse_ofd(ofd(papers))
    assert "".join(texts(parsed)) == squeezed("".join(text for _, text in blocks))
    twin = parse_pdf(pdf(papers))
    assert [(b.kind, squeezed(b.text), b.level, b.place, len(b.breaks)) for b in parsed.blocks] == [
        (b.kind, squeezed(b.text), b.level, b.place, len(b.breaks)) for b in twin.blocks
    ]


def test_blocks_are_whole_and_know_their_pages() -> None:
    blocks = [*article(1), *article(2)[1:]]
    papers = compose(blocks, Look(foot="— {page} —"))
    parsed = parse_ofd(ofd(papers))
    assert texts(parsed) == [squeezed(text) for _, text in blocks]
    assert parsed.pages == len(papers) > 1
    assert (parsed.blocks[0].place.page, parsed.blocks[-1].place.page) == (1, len(papers))
    assert [(b.kind, b.level) for b in parsed.blocks][:2] == [(BlockKind.HEADING, 1), (BlockKind.HEADING, 2)]


def test_the_outline_names_headings_that_look_like_the_text() -> None:
    blocks = [("p", "总则"), ("p", prose(random.Random(5), 5)), ("p", "附则"), ("p", prose(random.Random(6), 5))]
    parsed = parse_ofd(ofd(compose(blocks, Look()), outline=[("总则", 1), ("附则", 1)]))
    assert [(b.text, b.level) for b in parsed.blocks if b.kind is BlockKind.HEADING] == [("总则", 1), ("附则", 1)]


def test_a_ruled_table_is_read_by_rows() -> None:
    names = [("名称", "数量"), ("东湾公园", "18.2"), ("西滩公园", "15.3")]
    paper = Paper(runs=[at("下表列出各园面积。", 80, 90, 12)])
    for i, (name, number) in enumerate(names):
        paper.runs += [at(name, 86, 118 + 20 * i, 12), at(number, 206, 118 + 20 * i, 12)]
    paper.rules = [(80, 102 + 20 * i, 320, 102 + 20 * i) for i in range(4)] + [(x, 102, x, 162) for x in (80, 200, 320)]
    for parsed in (parse_ofd(ofd([paper])), parse_pdf(pdf([paper]))):
        assert [(b.kind, b.text, b.is_head) for b in parsed.blocks] == [
            (BlockKind.PARAGRAPH, "下表列出各园面积。", False),
            (BlockKind.ROW, "名称\t数量", True),
            (BlockKind.ROW, "东湾公园\t18.2", False),
            (BlockKind.ROW, "西滩公园\t15.3", False),
        ]


def test_distances_with_repetitions_several_codes_and_matrices_place_the_text() -> None:
    parsed = one_page(
        text_object('<ofd:TextCode X="0" Y="5" DeltaX="g 3 5 40 5">一二三四五六</ofd:TextCode>')
        + text_object('<ofd:TextCode X="0" Y="5">第二行</ofd:TextCode><ofd:TextCode X="15">接着写</ofd:TextCode>', y=45)
        + text_object(
            '<ofd:TextCode X="0" Y="1">放大五倍</ofd:TextCode>', y=70, attributes='Size="1" CTM="5 0 0 5 0 0"'
        )
    )
    # The wide step is a gap in the line; the enlarged text is set in the size of the others.
    assert [block.text for block in parsed.blocks] == ["一二三四 五六", "第二行接着写", "放大五倍"]


def test_text_is_ordered_by_its_place_not_by_its_place_in_the_file() -> None:
    codes = [
        text_object(f'<ofd:TextCode X="0" Y="5">第{n}段的文字。</ofd:TextCode>', y=y)
        for n, y in (("三", 90), ("一", 30), ("二", 60))
    ]
    assert [block.text for block in one_page("".join(codes)).blocks] == [
        "第一段的文字。",
        "第二段的文字。",
        "第三段的文字。",
    ]


def test_templates_are_part_of_the_page_and_hidden_and_turned_text_is_not() -> None:
    document = (
        f"<ofd:Document {SPACE}><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea>"
        '<ofd:TemplatePage ID="7" BaseLoc="Tpls/Tpl_0/Content.xml"/></ofd:CommonData>'
        '<ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>'
    )
    objects = (
        text_object('<ofd:TextCode X="0" Y="5">可见的文字</ofd:TextCode>', y=60)
        + text_object(
            '<ofd:TextCode X="0" Y="5">不可见的文字</ofd:TextCode>', y=80, attributes='Size="5" Visible="false"'
        )
        + text_object(
            '<ofd:TextCode X="0" Y="5">水印</ofd:TextCode>', y=99, attributes='Size="5" CTM="0.7 0.7 -0.7 0.7 0 0"'
        )
    )
    page = f'<ofd:Page {SPACE}><ofd:Template TemplateID="7"/><ofd:Content><ofd:Layer><ofd:PageBlock>{objects}</ofd:PageBlock></ofd:Layer></ofd:Content></ofd:Page>'
    template = page_of(text_object('<ofd:TextCode X="0" Y="5">模板的文字</ofd:TextCode>'))
    parts = {"Doc_0/Document.xml": document.encode(), PAGE: page.encode(), "Doc_0/Tpls/Tpl_0/Content.xml": template}
    assert [block.text for block in parse_ofd(ofd([Paper()], parts=parts)).blocks] == ["模板的文字", "可见的文字"]


@pytest.mark.parametrize(
    ("info", "title", "authors", "published"),
    [
        ({"Title": "云江市报告", "Author": "周明远；何秋实", "CreationDate": "2023-05-16"}, "云江市报告", ("周明远", "何秋实"), "2023-05-16"),
        ({"Title": "通知.docx", "Author": "admin", "CreationDate": "2023-02-30T08:00:00"}, "", (), ""),
        ({}, "", (), ""),
    ],
)  # fmt: skip
def test_properties_are_taken_over_unless_a_program_made_them_up(
    info: dict[str, str], title: str, authors: tuple[str, ...], published: str
) -> None:
    parsed = parse_ofd(ofd(compose(article(3), Look()), info=info))
    assert (parsed.title, parsed.authors, parsed.published) == (title, authors, published)


def test_pages_without_text_are_told() -> None:
    papers = [*compose([("p", prose(random.Random(12), 9))], Look()), Paper(), Paper(has_image=True)]
    assert parse_ofd(ofd(papers)).warnings == (
        "page(s) 3 hold an image without text: run OCR to have them read",
        "page(s) 2 are empty",
    )


BOMB = f"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><ofd:Page {SPACE}>&b;</ofd:Page>"
EXTERNAL = f"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><ofd:Page {SPACE}>&a;</ofd:Page>"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({PAGE: BOMB.encode()}, "declares a document type"),
        ({PAGE: EXTERNAL.encode("utf-16")}, "declares a document type"),
        ({PAGE: b"<ofd:Page"}, "not well-formed XML"),
        ({PAGE: page_of(" " * 40_000_000)}, "has 40 MB unpacked: split the file"),
        ({PAGE: page_of(" " * 3_000_000)}, "has 3 MB unpacked: split the file"),
        ({"OFD.xml": f"<ofd:OFD {SPACE}/>".encode()}, "has no pages"),
        ({"Doc_0/Document.xml": f"<ofd:Document {SPACE}/>".encode()}, "has no pages"),
        ({"Encryptions.xml": b"<x/>"}, "encrypted: save it without a password"),
        ({PAGE: page_of("")}, "has no text on its 1 pages"),
        ({PAGE: page_of('<ofd:ImageObject Boundary="0 0 9 9"/>')}, "scanned: 1 of its 1 pages hold an image .* run OCR first"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error_that_says_what_to_do(parts: dict[str, bytes], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_ofd(ofd([Paper(runs=[at("文字", 80, 80, 12)])], parts=parts))


def test_a_part_that_lacks_is_an_error() -> None:
    out = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(ofd([Paper(runs=[at("文字", 80, 80, 12)])]))) as whole,
        zipfile.ZipFile(out, "w") as rest,
    ):
        for name in whole.namelist():
            if name != PAGE:
                rest.writestr(name, whole.read(name))
    with pytest.raises(InputError, match=r"lacks its part 'Doc_0/Pages/Page_0/Content\.xml'"):
        parse_ofd(out.getvalue())


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"PK\x03\x04" + bytes(99)])
def test_a_damaged_file_is_an_error_that_says_what_to_do(data: bytes) -> None:
    with pytest.raises(InputError, match=r"damaged or no OFD .*save it again"):
        parse_ofd(data)


def test_another_zip_file_is_no_ofd() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "text")
    with pytest.raises(InputError, match=r"lacks OFD\.xml"):
        parse_ofd(out.getvalue())


def test_deeply_nested_blocks_are_read_without_recursion() -> None:
    depth = 20_000
    objects = (
        "<ofd:PageBlock>" * depth
        + text_object('<ofd:TextCode X="0" Y="5">深处的文字</ofd:TextCode>')
        + "</ofd:PageBlock>" * depth
    )
    assert [block.text for block in one_page(objects).blocks] == ["深处的文字"]


def test_numbers_that_are_none_and_repetitions_without_end_do_no_harm() -> None:
    odd = text_object(
        '<ofd:TextCode X="nan" Y="5" DeltaX="g 999999999 5">一二三</ofd:TextCode>', attributes='Size="5" CTM="1 x"'
    )
    assert [block.text for block in one_page(odd).blocks] == ["一二三"]
    assert "文字" in one_page(text_object('<ofd:TextCode X="1e999" Y="5">文字</ofd:TextCode>')).blocks[0].text


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_never_end_in_anything_but_blocks_or_an_input_error(data: st.DataObject) -> None:
    content = bytearray(ofd(compose(article(4), Look())))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InputError):
        assert parse_ofd(bytes(content)).blocks
