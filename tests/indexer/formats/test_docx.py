"""Word files written by hand and by python-docx, read back."""

import contextlib
import io
import zipfile
from xml.sax.saxutils import escape

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import InputError
from indexer.formats.blocks import Block, BlockKind
from indexer.formats.docx import parse_docx

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NAMESPACES = (
    f'xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_CORE = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"


def part(name: str, content: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:{name} {_NAMESPACES}>{content}</w:{name}>'


def relations(*targets: tuple[str, str]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{i}" Type="{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{listed}</Relationships>'
    )


def packed(parts: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def word(body: str, **others: str) -> bytes:
    """A Word file with `body` and other parts (styles, numbering, footnotes, endnotes) by their names."""
    parts: dict[str, str | bytes] = {
        "_rels/.rels": relations((f"{_RELATION}/officeDocument", "word/document.xml"), (_CORE, "docProps/core.xml")),
        "word/_rels/document.xml.rels": relations(*((f"{_RELATION}/{name}", f"{name}.xml") for name in others)),
        "word/document.xml": part("document", f"<w:body>{body}</w:body>"),
    }
    parts |= {f"word/{name}.xml": part(name, content) for name, content in others.items()}
    return packed(parts)


def p(text: str = "", properties: str = "", runs: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{r(text) if text else ''}{runs}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def read(body: str, **others: str) -> tuple[Block, ...]:
    return parse_docx(word(body, **others)).blocks


def texts(body: str, **others: str) -> list[str]:
    return [block.text for block in read(body, **others)]


def saved(document: "docx.document.Document") -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


REFERENCE = '<w:r><w:footnoteReference w:id="1"/></w:r>'

WORDS = st.text("渔船港湾潮汐网帆岛屿礁滩甲乙丙abc123，。", min_size=1, max_size=12)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["heading", "paragraph", "item", "table"]), WORDS), min_size=1, max_size=8))
def test_everything_put_in_by_python_docx_comes_out_once_and_in_order(pieces: list[tuple[str, str]]):
    document = docx.Document()
    expected = []
    for i, (kind, text) in enumerate(pieces):
        marked = f"{text}#{i}"
        if kind == "heading":
            document.add_heading(marked, 2)
        elif kind == "table":
            table = document.add_table(2, 2)
            for row in range(2):
                for column in range(2):
                    table.cell(row, column).text = f"{marked}{row}{column}"
            expected += [f"{marked}{row}0\t{marked}{row}1" for row in range(2)]
            continue
        else:
            document.add_paragraph(marked, "List Bullet" if kind == "item" else None)
        expected.append(f"• {marked}" if kind == "item" else marked)
    blocks = parse_docx(saved(document)).blocks
    assert [block.text for block in blocks] == expected
    paragraphs = list(document.element.body.iter(f"{{{W}}}p"))
    for block in blocks:
        first = "".join(run.text or "" for run in paragraphs[block.place.paragraph - 1].iter(f"{{{W}}}t"))
        assert block.text.removeprefix("• ").startswith(first)


def test_headings_by_built_in_styles_have_their_levels():
    document = docx.Document()
    for level in (1, 2, 3):
        document.add_heading(f"标题{level}", level)
    blocks = parse_docx(saved(document)).blocks
    assert [(block.kind, block.level) for block in blocks] == [(BlockKind.HEADING, level) for level in (1, 2, 3)]


@pytest.mark.parametrize(
    ("name", "level"), [("标题 2", 2), ("标题3", 3), ("二级标题", 2), ("一级条标题", 1), ("Heading 4", 4)]
)
def test_headings_by_the_style_names_of_chinese_templates(name: str, level: int):
    document = docx.Document()
    style = document.styles.add_style(f"{name} ", WD_STYLE_TYPE.PARAGRAPH)
    style.element.find(f"{{{W}}}name").set(f"{{{W}}}val", name)
    style.base_style = None
    document.add_paragraph("渔港管理", style)
    (block,) = parse_docx(saved(document)).blocks
    assert (block.kind, block.level) == (BlockKind.HEADING, level)


def test_an_outline_level_makes_a_heading_and_takes_it_away():
    styles = '<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/></w:style>'
    styles += '<w:style w:type="paragraph" w:styleId="2"><w:name w:val="章"/><w:basedOn w:val="1"/></w:style>'
    body = p("甲", '<w:outlineLvl w:val="1"/>') + p("乙", '<w:pStyle w:val="2"/>')
    body += p("丙", '<w:pStyle w:val="1"/><w:outlineLvl w:val="9"/>')
    assert [(block.kind, block.level) for block in read(body, styles=styles)] == [
        (BlockKind.HEADING, 2),
        (BlockKind.HEADING, 1),
        (BlockKind.PARAGRAPH, 0),
    ]


def test_styles_based_on_each_other_in_a_ring_end():
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{a}"><w:name w:val="{a}"/><w:basedOn w:val="{b}"/></w:style>'
        for a, b in (("x", "y"), ("y", "x"))
    )
    assert texts(p("甲", '<w:pStyle w:val="x"/>'), styles=styles) == ["甲"]


NUMBERING = (
    '<w:abstractNum w:abstractNumId="0">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:pStyle w:val="H"/><w:lvlText w:val="%1、"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="（%2）"/></w:lvl>'
    '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
)


def listed(text: str, level: int) -> str:
    return p(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>')


def test_numbered_paragraphs_carry_their_numbers_and_levels():
    blocks = read(
        listed("总体要求", 0) + listed("原则", 1) + listed("目标", 1) + listed("任务", 0), numbering=NUMBERING
    )
    assert [block.text for block in blocks] == ["一、总体要求", "（一）原则", "（二）目标", "二、任务"]
    assert [(block.kind, block.level) for block in blocks] == [(BlockKind.ITEM, level) for level in (1, 2, 2, 1)]


def test_a_heading_is_numbered_by_its_style_and_numid_0_takes_the_number_away():
    styles = (
        '<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr>'
        "</w:pPr></w:style>"
    )
    body = p("甲", '<w:pStyle w:val="H"/>') + p("乙", '<w:pStyle w:val="H"/><w:numPr><w:numId w:val="0"/></w:numPr>')
    blocks = read(body + p("丙", '<w:pStyle w:val="H"/>'), styles=styles, numbering=NUMBERING)
    assert [block.text for block in blocks] == ["一、甲", "乙", "二、丙"]
    assert {block.kind for block in blocks} == {BlockKind.HEADING}


def test_the_numbers_of_a_column_are_the_text_of_its_cells():
    row = f"<w:tr><w:tc>{listed('', 0)}</w:tc><w:tc>{p('渔船')}</w:tc></w:tr>"
    assert texts(f"<w:tbl>{row}{row}</w:tbl>", numbering=NUMBERING) == ["一、\t渔船", "二、\t渔船"]


def test_an_empty_numbered_paragraph_counts_but_is_no_block():
    assert texts(listed("甲", 0) + listed("", 0) + listed("乙", 0), numbering=NUMBERING) == ["一、甲", "三、乙"]


def test_tracked_changes_are_accepted():
    runs = (
        f"<w:ins>{r('增')}</w:ins><w:del><w:r><w:delText>删</w:delText></w:r></w:del><w:moveFrom>{r('旧处')}</w:moveFrom>"
        f"<w:moveTo>{r('新处')}</w:moveTo>{r('留')}"
    )
    assert texts(p(runs=runs)) == ["增新处留"]


def test_a_deleted_paragraph_end_joins_two_paragraphs():
    gone = "<w:rPr><w:del/></w:rPr>"
    body = p("前半", gone) + p("后半") + p("", gone) + p("第二段") + p("尾巴", gone)
    assert texts(body) == ["前半后半", "第二段", "尾巴"]
    assert texts(p("甲") + p(" ", gone)) == ["甲"]
    assert texts(p("前半", "<w:rPr><w:moveFrom/></w:rPr>") + p("后半")) == ["前半后半"]
    note = f'<w:footnote w:id="1">{p("脚注")}</w:footnote>'
    assert texts(p("甲", gone, runs=REFERENCE), footnotes=note) == ["甲", "脚注"]


def test_deleted_rows_are_left_out_and_keep_the_count_of_paragraphs():
    rows = [
        f"<w:tr>{extra}<w:tc>{p(f'甲{i}')}</w:tc><w:tc>{p('乙')}</w:tc></w:tr>"
        for i, extra in enumerate(("", "<w:trPr><w:del/></w:trPr>", ""))
    ]
    blocks = read(f"<w:tbl>{''.join(rows)}</w:tbl>")
    assert [(block.text, block.place.paragraph) for block in blocks] == [("甲0\t乙", 1), ("甲2\t乙", 5)]


def test_notes_follow_the_paragraph_that_refers_to_them_once():
    notes = f'<w:footnote w:type="separator" w:id="0">{p("线")}</w:footnote><w:footnote w:id="1">{p("脚注")}{p("续")}</w:footnote>'
    end = '<w:r><w:endnoteReference w:id="1"/></w:r>'
    blocks = read(
        p("甲", runs=REFERENCE + REFERENCE) + p("乙", runs=end) + p("丙"),
        footnotes=notes,
        endnotes=f'<w:endnote w:id="1">{p("尾注")}</w:endnote>',
    )
    assert [(block.text, block.place.paragraph) for block in blocks] == [
        ("甲", 1),
        ("脚注", 1),
        ("续", 1),
        ("乙", 2),
        ("尾注", 2),
        ("丙", 3),
    ]
    assert [block.kind is BlockKind.NOTE for block in blocks] == [False, True, True, False, True, False]


def test_a_note_in_a_table_follows_its_row():
    cell = f"<w:tc>{p('甲', runs=REFERENCE)}</w:tc><w:tc>{p('乙')}</w:tc>"
    table = f"<w:tbl><w:tr>{cell}</w:tr><w:tr><w:tc>{p('丙')}</w:tc><w:tc>{p('丁')}</w:tc></w:tr></w:tbl>"
    assert texts(table, footnotes=f'<w:footnote w:id="1">{p("脚注")}</w:footnote>') == ["甲\t乙", "脚注", "丙\t丁"]


def test_a_note_that_refers_to_itself_ends():
    note = p("脚注", runs=REFERENCE)
    assert texts(
        p("甲", runs=REFERENCE),
        footnotes=f'<w:footnote w:id="1">{note}</w:footnote>',
    ) == [
        "甲",
        "脚注",
    ]


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"


def test_merged_cells_are_read_once_and_keep_the_columns_in_line():
    wide, first = '<w:gridSpan w:val="2"/>', '<w:vMerge w:val="restart"/>'
    rows = (
        f"<w:tr><w:trPr><w:tblHeader/></w:trPr>{cell('地区')}{cell('产量', wide)}</w:tr>"
        f"<w:tr>{cell('北屿', first)}{cell('一季')}{cell('10')}</w:tr>"
        f"<w:tr>{cell('不该出现', '<w:vMerge/>')}{cell('二季')}{cell('12')}</w:tr>"
        f'<w:tr><w:trPr><w:gridBefore w:val="1"/></w:trPr>{cell("合计")}{cell("22")}</w:tr>'
    )
    blocks = read(f"<w:tbl>{rows}</w:tbl>")
    assert [block.text for block in blocks] == ["地区\t产量", "北屿\t一季\t10", "\t二季\t12", "\t合计\t22"]
    assert [block.is_head for block in blocks] == [True, False, False, False]


def test_a_nested_table_is_flattened_into_its_cell():
    inner = f"<w:tbl><w:tr>{cell('一')}{cell('二')}</w:tr></w:tbl>"
    table = f"<w:tbl><w:tr><w:tc>{p('甲')}{inner}{p('乙')}</w:tc>{cell('丙')}</w:tr></w:tbl>"
    assert texts(table) == ["甲 一 二 乙\t丙"]


def test_a_frame_of_one_cell_is_no_table():
    inside = p("第一段") + p("第二段", '<w:outlineLvl w:val="0"/>')
    blocks = read(f"<w:tbl><w:tr><w:tc>{inside}</w:tc></w:tr></w:tbl>")
    assert [(block.text, block.kind) for block in blocks] == [
        ("第一段", BlockKind.PARAGRAPH),
        ("第二段", BlockKind.HEADING),
    ]


def test_a_text_box_is_read_once_behind_its_paragraph():
    box = f"<w:txbxContent>{p('框中')}</w:txbxContent>"
    drawing = (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>'
        f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    blocks = read(p("甲", runs=drawing + r("乙")) + p("丙"))
    assert [(block.text, block.place.paragraph) for block in blocks] == [("甲乙", 1), ("框中", 1), ("丙", 2)]


def field(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def test_fields_show_their_results_even_nested_ones():
    code = "<w:r><w:instrText>REF x</w:instrText></w:r>"
    inner = field("begin") + r("内码") + field("separate") + r("内果") + field("end")
    runs = r("见") + field("begin") + code + inner + field("separate") + r("第三条") + field("end") + r("。")
    assert texts(p(runs=runs)) == ["见第三条。"]
    assert texts(p(runs=f'<w:fldSimple w:instr="PAGE">{r("7")}</w:fldSimple>')) == ["7"]


def test_a_field_without_an_end_does_not_swallow_the_rest():
    assert texts(p("甲", runs=field("begin")) + p("乙")) == ["甲", "乙"]


def test_content_controls_hyperlinks_and_other_wrappers_are_read_and_prompts_are_not():
    runs = (
        f"<w:hyperlink>{r('链接')}</w:hyperlink><w:sdt><w:sdtContent>{r('内容')}</w:sdtContent></w:sdt>"
        f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{r('单击此处')}</w:sdtContent></w:sdt>"
        f"<w:smartTag>{r('标签')}</w:smartTag>"
    )
    block_level = f"<w:sdt><w:sdtContent>{p('块')}</w:sdtContent></w:sdt>"
    assert texts(p(runs=runs) + block_level) == ["链接内容标签", "块"]


def test_soft_line_ends_tabs_and_hyphens():
    runs = "<w:r><w:t>联系人</w:t><w:tab/><w:t>陈某</w:t><w:br/><w:t>A</w:t><w:noBreakHyphen/><w:t>1</w:t><w:softHyphen/></w:r>"
    assert texts(p(runs=runs)) == ["联系人 陈某", "A-1"]
    assert texts(p(properties='<w:jc w:val="center"/>', runs="<w:r><w:t>海屿市</w:t><w:br/><w:t>通知</w:t></w:r>")) == [
        "海屿市通知"
    ]


def test_hidden_text_is_left_out_and_told():
    styles = '<w:style w:type="character" w:styleId="h"><w:name w:val="h"/><w:rPr><w:vanish/></w:rPr></w:style>'
    hidden = (
        r("暗", "<w:vanish/>")
        + r("暗", '<w:rStyle w:val="h"/>')
        + r("明", '<w:rStyle w:val="h"/><w:vanish w:val="0"/>')
    )
    parsed = parse_docx(word(p("显", runs=hidden), styles=styles))
    assert [block.text for block in parsed.blocks] == ["显明"]
    assert parsed.warnings == ("2 pieces of hidden text are left out",)


def test_tables_of_contents_are_left_out_by_their_styles():
    styles = '<w:style w:type="paragraph" w:styleId="t"><w:name w:val="toc 1"/></w:style>'
    assert texts(p("第一章 1", '<w:pStyle w:val="t"/>') + p("第一章"), styles=styles) == ["第一章"]


def test_symbols_of_symbol_fonts():
    runs = "".join(
        f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'
        for font, code in (
            ("Wingdings", "F0FE"),
            ("Wingdings 2", "F0A3"),
            ("Symbol", "F0B3"),
            ("Wingdings", "F001"),
            ("x", "zz"),
        )
    )
    assert texts(p(runs=runs + r("\uf061", '<w:rFonts w:ascii="Symbol"/>'))) == ["☑☐≥α"]


def test_equations_are_typed_out():
    def m(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    fraction = f"<m:f><m:num>{m('本期-上期')}</m:num><m:den>{m('上期')}</m:den></m:f>"
    power = f"<m:sSup><m:e>{m('x')}</m:e><m:sup>{m('2')}</m:sup></m:sSup>"
    root = f"<m:rad><m:deg/><m:e>{m('a+b')}</m:e></m:rad>"
    total = f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{m("i=1")}</m:sub><m:sup>{m("n")}</m:sup><m:e>{m("y")}</m:e></m:nary>'
    body = p("增速=", runs=f"<m:oMath>{fraction}{m('×100%+')}{power}{root}{total}</m:oMath>")
    assert texts(body) == ["增速=(本期-上期)/上期×100%+x^2√(a+b)∑_(i=1)^ny"]


def test_embedded_documents_are_told():
    parsed = parse_docx(word(p("甲") + '<w:altChunk r:id="rId1"/>'))
    assert parsed.warnings == ("1 embedded files are not read: save them on their own",)


def test_smart_art_is_read_through_its_data():
    data = (
        '<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><dgm:ptLst><dgm:pt modelId="0" type="doc"/>'
        + "".join(
            f'<dgm:pt modelId="{i}"><dgm:t><a:p><a:r><a:t>{t}</a:t></a:r></a:p></dgm:t></dgm:pt>'
            for i, t in ((1, "二"), (2, "一"), (3, "子"))
        )
        + '<dgm:pt modelId="4" type="pres"><dgm:t><a:p><a:r><a:t>不是</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst><dgm:cxnLst>'
        '<dgm:cxn srcId="0" destId="1" srcOrd="1"/><dgm:cxn srcId="0" destId="2" srcOrd="0"/><dgm:cxn srcId="2" destId="3" srcOrd="0"/>'
        '<dgm:cxn srcId="3" destId="2" srcOrd="0"/></dgm:cxnLst></dgm:dataModel>'
    )
    body = p(
        "图",
        runs='<w:r><w:drawing><a:graphic><a:graphicData><dgm:relIds r:dm="rId1"/></a:graphicData></a:graphic></w:drawing></w:r>',
    )
    parts: dict[str, str | bytes] = {
        "_rels/.rels": relations((f"{_RELATION}/officeDocument", "word/document.xml")),
        "word/_rels/document.xml.rels": relations((f"{_RELATION}/diagramData", "diagrams/data1.xml")),
        "word/document.xml": part("document", f"<w:body>{body}</w:body>"),
        "word/diagrams/data1.xml": data,
    }
    assert [(block.text, block.level) for block in parse_docx(packed(parts)).blocks] == [
        ("图", 0),
        ("• 一", 1),
        ("• 子", 2),
        ("• 二", 1),
    ]


def test_title_and_author_come_from_the_properties_and_the_title_style():
    document = docx.Document()
    document.core_properties.title = "海屿市休渔办法"
    document.core_properties.author = "渔业局; 政研室"
    document.add_paragraph("甲")
    parsed = parse_docx(saved(document))
    assert (parsed.title, parsed.authors) == ("海屿市休渔办法", ("渔业局", "政研室"))
    document.core_properties.title = "文档1"
    document.add_heading("真正的题目", 0)
    assert parse_docx(saved(document)).title == "真正的题目"


def test_the_strict_variant_of_the_format_is_read():
    file = word(p("甲", '<w:outlineLvl w:val="0"/>'))
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["word/document.xml"] = parts["word/document.xml"].replace(
        W.encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    )
    (block,) = parse_docx(packed(dict(parts))).blocks
    assert block.kind is BlockKind.HEADING


def test_a_relation_to_nowhere_does_no_harm():
    document = docx.Document()
    document.add_paragraph("甲")
    with zipfile.ZipFile(io.BytesIO(saved(document))) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    del parts["word/styles.xml"]
    with pytest.raises(KeyError):
        docx.Document(io.BytesIO(packed(parts)))
    assert [block.text for block in parse_docx(packed(parts)).blocks] == ["甲"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "save it as .docx"),
        (b"PK\x03\x04 broken", "damaged"),
        (b"{\\rtf1\\ansi}", "RTF by its content"),
        (b"\r\n<HTML><body>x</body></HTML>", "HTML or XML by its content"),
        (packed({"a.txt": "x"}), "no main part"),
        (word(""), "no text"),
        (word(p(runs="<w:r><w:drawing/></w:r>")), "OCR"),
        (word(p("甲"))[:-300], "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(data: bytes, words: str):
    with pytest.raises(InputError, match=words):
        parse_docx(data)


def test_entities_are_refused_in_any_encoding():
    bomb = '<?xml version="1.0" encoding="{}"?><!DOCTYPE w [<!ENTITY a "哈"><!ENTITY b "&a;&a;">]>'
    for encoding in ("utf-8", "utf-16"):
        document = part("document", f"<w:body>{p('甲')}</w:body>").partition("?>")[2]
        parts: dict[str, str | bytes] = {
            "_rels/.rels": relations((f"{_RELATION}/officeDocument", "word/document.xml")),
            "word/document.xml": (bomb.format(encoding) + document).encode(encoding),
        }
        with pytest.raises(InputError, match="document type"):
            parse_docx(packed(parts))


def test_a_part_that_unpacks_to_too_much_is_refused_before_it_is_unpacked():
    with pytest.raises(InputError, match="split the file"):
        parse_docx(word(p(" " * 70_000_000)))


@pytest.mark.parametrize(
    "wrap", [("<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>"), ("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>")]
)
def test_deep_nesting_is_refused_and_not_a_crash(wrap: tuple[str, str]):
    with pytest.raises(InputError, match="nested too deeply"):
        parse_docx(word(wrap[0] * 20_000 + p("甲") + wrap[1] * 20_000))


SOUND = word(p("甲", '<w:outlineLvl w:val="0"/>') + listed("乙", 0), numbering=NUMBERING)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_damaged_bytes_raise_nothing_but_input_errors(data: st.DataObject):
    file = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 20))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        parse_docx(bytes(file))
