"""PDF files of Chromium (real fonts, real layout) and of the typesetter in `paper` (every place known)."""

import html
import io
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress

import pdfplumber
import pypdfium2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from playwright.sync_api import sync_playwright

from indexer.errors import InputError
from indexer.formats.blocks import Block, BlockKind, Parsed
from indexer.formats.pdf import parse_pdf
from tests.indexer.formats.paper import A4, Look, Paper, at, compose, pdf, prose

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SERIF, SANS = '"Noto Serif CJK SC"', '"Noto Sans CJK SC"'
HEAD = '<div style="font-size:9px;width:100%;text-align:center">云江市数字经济发展报告（2023）</div>'
FOOT = '<div style="font-size:9px;width:100%;text-align:center">— <span class=pageNumber></span> —</div>'
BARE = '<div style="font-size:9px;width:100%;text-align:center"><span class=pageNumber></span></div>'
SPOKEN = "<div style='font-size:9px;width:100%;text-align:right;padding:0 20mm'>第<span class=pageNumber></span>页 共<span class=totalPages></span>页</div>"

Print = Callable[..., bytes]


def _has_chinese_font() -> bool:
    if shutil.which("fc-list") is None:
        return False
    return (
        "Noto Serif CJK SC"
        in subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=True).stdout
    )


@pytest.fixture(scope="module")
def printed() -> Iterator[Print]:
    """`printed(body, css, head=…, foot=…)`: an HTML page as PDF."""
    if CHROMIUM is None or not _has_chinese_font():
        pytest.skip("needs Chromium and the Noto CJK fonts")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()

        def print_(
            body: str, css: str, *, head: str = "", foot: str = "", margin: str = "25mm", **options: object
        ) -> bytes:
            page.set_content(f"<!doctype html><meta charset=utf-8><title>云江市报告</title><style>{css}</style>{body}")
            return page.pdf(
                **{"format": "A4", "prefer_css_page_size": True, **options},
                margin=dict.fromkeys(("top", "bottom", "left", "right"), margin),
                display_header_footer=bool(head or foot),
                header_template=head or "<span></span>",
                footer_template=foot or "<span></span>",
            )

        yield print_
        browser.close()


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def texts(parsed: Parsed, kind: BlockKind | None = None) -> list[str]:
    return [squeezed(block.text) for block in parsed.blocks if kind is None or block.kind is kind]


def article(seed: str, chapters: int = 3, paragraphs: int = 8) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    blocks = [("h1", "云江市数字经济促进办法")]
    for number in "一二三四五六"[:chapters]:
        blocks.append(("h2", f"第{number}章 {rng.choice(('总体要求', '重点任务', '保障措施与附则'))}"))
        blocks.extend(("p", prose(rng, rng.choice((1, 2, 3, 6)))) for _ in range(paragraphs))
    return blocks


def markup(blocks: list[tuple[str, str]]) -> str:
    (_, title), *rest = blocks
    return f"<h1>{title}</h1><main>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>" for tag, text in rest) + "</main>"


INDENTED = "p{margin:0;text-indent:2em;text-align:justify}h1{text-align:center}"
LOOKS = {
    "one column": (f"body{{font:16px/1.6 {SERIF}}}{INDENTED}", HEAD, FOOT),
    "official document": (f"body{{font:21.3px/37px {SERIF}}}{INDENTED}h1{{font-size:29px}}", "", FOOT),
    "small type": (f"body{{font:12px/1.35 {SERIF}}}{INDENTED}", HEAD, BARE),
    "ragged": (f"body{{font:16px/1.6 {SERIF}}}p{{margin:0;text-indent:2em}}", "", SPOKEN),
    "gaps for indents": (f"body{{font:15px/1.5 {SANS}}}p{{margin:0 0 .8em}}", HEAD, SPOKEN),
    "two columns": (f"body{{font:14px/1.5 {SERIF}}}main{{columns:2;column-gap:2em}}{INDENTED}", HEAD, FOOT),
    "two narrow columns": (f"body{{font:13px/1.5 {SANS}}}main{{columns:2;column-gap:1.5em}}p{{margin:0;text-indent:2em}}", "", BARE),
    "three columns": (f"body{{font:12px/1.5 {SERIF}}}main{{columns:3;column-gap:2em}}{INDENTED}", HEAD, ""),
    "landscape": (f"@page{{size:A4 landscape}}body{{font:18px/1.8 {SERIF}}}p{{margin:0 0 1em;text-indent:2em}}", "", SPOKEN),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKS)
def test_paragraphs_of_a_printed_page_come_out_whole_and_in_order(printed: Print, name: str) -> None:
    css, head, foot = LOOKS[name]
    blocks = article(name, chapters=4)
    parsed = parse_pdf(printed(markup(blocks), css, head=head, foot=foot))
    assert parsed.pages > 1
    assert "".join(texts(parsed)) == squeezed("".join(text for _, text in blocks))
    # Without indents nothing tells whether a paragraph goes on behind a full stop at the end of a page.
    n_open = 0 if "indent:2em" in css else parsed.pages - 1
    assert len(set(texts(parsed)) - {squeezed(text) for _, text in blocks}) <= 2 * n_open
    assert texts(parsed, BlockKind.HEADING) == [squeezed(text) for tag, text in blocks if tag != "p"]
    assert parsed.warnings == ()


def test_a_paragraph_across_a_page_break_is_one_block_that_knows_where_it_was_cut(printed: Print) -> None:
    css, head, foot = LOOKS["one column"]
    blocks = [("h1", "云江市数字经济促进办法"), ("p", prose(random.Random(1), 60))]
    parsed = parse_pdf(printed(markup(blocks), css, head=head, foot=foot))
    block = parsed.blocks[1]
    assert squeezed(block.text) == squeezed(blocks[1][1])
    assert len(block.breaks) == parsed.pages - 1 > 0
    # What was left out stood on the page between the two halves; PDFium has it there.
    data = pypdfium2.PdfDocument(printed(markup(blocks), css, head=head, foot=foot))
    assert block.text[: block.breaks[0]][-10:] in squeezed(data[0].get_textpage().get_text_range())
    assert squeezed(block.text[block.breaks[0] :][:10]) in squeezed(data[1].get_textpage().get_text_range())


def test_nothing_is_marked_as_left_out_where_pages_have_no_furniture(printed: Print) -> None:
    css, _, _ = LOOKS["one column"]
    parsed = parse_pdf(printed(markup([("h1", "云江市办法"), ("p", prose(random.Random(2), 60))]), css))
    assert parsed.pages > 1
    assert [block.breaks for block in parsed.blocks] == [(), ()]


def test_a_line_of_the_text_that_comes_back_on_every_page_is_kept(printed: Print) -> None:
    css, head, foot = LOOKS["one column"]
    paragraph = "本页以下无正文，由经办人签字确认。"
    body = "<div style='break-after:page'>" + f"<p>{prose(random.Random(3), 9)}</p><p>{paragraph}</p></div>"
    parsed = parse_pdf(printed("<h1>云江市办法</h1>" + body * 4, css, head=head, foot=foot))
    assert texts(parsed).count(paragraph) == 4
    assert not any("报告（2023）" in text or text.startswith("—") for text in texts(parsed))


def test_a_first_line_that_all_pages_share_is_not_taken_for_a_running_head() -> None:
    papers = [compose([("p", "附表填写说明"), ("p", prose(random.Random(i), 6))], Look())[0] for i in range(4)]
    assert texts(parse_pdf(pdf(papers))).count("附表填写说明") == 4


@pytest.mark.parametrize(
    "foot", ["{page}", "— {page} —", "第 {page} 页", "{page} / 9", "- {page} -", "Page {page} of 9"]
)
def test_page_numbers_of_any_form_go(foot: str) -> None:
    blocks = article("numbers")
    papers = compose(blocks, Look(foot=foot))
    assert len(papers) > 1
    assert texts(parse_pdf(pdf(papers))) == [squeezed(text) for _, text in blocks]


def test_running_heads_that_alternate_and_hold_the_page_number_go() -> None:
    papers = compose(article("alternating", chapters=6), Look())
    for number, paper in enumerate(papers, start=1):
        head = f"{number}　云江市报告" if number % 2 else f"第一章　总体要求　{number}"
        paper.runs.append(at(head, 80 + 90 * (number % 2), 55, 9))
    assert len(papers) >= 5
    assert texts(parse_pdf(pdf(papers))) == [squeezed(text) for _, text in article("alternating", chapters=6)]


def test_a_number_in_the_text_at_the_bottom_of_a_page_stays() -> None:
    paper = Paper(runs=[at("下列数据均为初步核算结果", 80, 760, 12), at("4328", 80, 779, 12)])
    assert "4328" in "".join(texts(parse_pdf(pdf([paper, Paper(runs=[at("另一页的文字在这里", 80, 100, 12)])]))))


HEADINGS = """<h1>云江市数字经济报告</h1><h2>一、总体情况</h2><p>{p}</p><h3>（一）规模</h3><p>{p}</p><h3>（二）结构</h3><p>{p}</p>
<h2>二、主要任务</h2><p>{p}</p>"""


@pytest.mark.parametrize("outline", [False, True])
def test_headings_have_levels_by_size_and_by_the_outline(printed: Print, outline: bool) -> None:
    css = f"body{{font:16px/1.6 {SERIF}}}p{{margin:0;text-indent:2em}}"
    data = printed(HEADINGS.replace("{p}", prose(random.Random(4), 4)), css, outline=outline, tagged=outline)
    found = [(block.text, block.level) for block in parse_pdf(data).blocks if block.kind is BlockKind.HEADING]
    expected = [
        ("云江市数字经济报告", 1),
        ("一、总体情况", 2),
        ("（一）规模", 3),
        ("（二）结构", 3),
        ("二、主要任务", 2),
    ]
    assert found == expected


def test_the_outline_names_headings_that_look_like_the_text() -> None:
    look = Look()
    blocks = [("p", "总则"), ("p", prose(random.Random(5), 5)), ("p", "附则"), ("p", prose(random.Random(6), 5))]
    papers = compose(blocks, look)
    plain, outlined = (
        parse_pdf(pdf(papers, outline=outline)) for outline in ((), [("总则", 1), ("附 则", 1), ("没有的标题", 1)])
    )
    assert texts(plain, BlockKind.HEADING) == []
    assert [(block.text, block.level) for block in outlined.blocks if block.kind is BlockKind.HEADING] == [
        ("总则", 1),
        ("附则", 1),
    ]


def test_a_bold_line_of_its_own_is_a_heading_and_bold_words_in_a_line_are_not() -> None:
    papers = compose([("p", "要有正文字号的标题"), ("p", prose(random.Random(7), 8))], Look())
    first = papers[0].runs[0]
    papers[0].runs[0] = type(first)(first.text, first.xs, first.y, first.size, bold=True)
    assert texts(parse_pdf(pdf(papers)), BlockKind.HEADING) == ["要有正文字号的标题"]


def test_a_long_title_over_several_lines_is_one_heading(printed: Print) -> None:
    css, _, foot = LOOKS["official document"]
    title = "云江市人民政府办公室关于印发云江市数据要素市场化配置改革三年行动方案（2024—2026年）的通知"
    parsed = parse_pdf(printed(f"<h1>{title}</h1><p>{prose(random.Random(8), 9)}</p>", css, foot=foot))
    assert texts(parsed, BlockKind.HEADING) == [title]


def table_rows(parsed: Parsed) -> list[list[str]]:
    return [block.text.split("\t") for block in parsed.blocks if block.kind is BlockKind.ROW]


GRID = "table{border-collapse:collapse;width:100%}td,th{border:1px solid #000;padding:2px 4px}"
MERGED = """<p>下表列出各园的情况，数据截至年底。</p>
<table><tr><th rowspan=2>公园</th><th colspan=2>规模</th><th rowspan=2>备注</th></tr><tr><th>面积</th><th>投资</th></tr>
<tr><td>东湾公园</td><td>18.2</td><td>2.8</td><td rowspan=2>由市园林局负责建设，建成之后移交所在街道管理，管理经费列入年度预算</td></tr>
<tr><td>西滩公园</td><td>15.3</td><td>2.1</td></tr><tr><td>灯塔公园</td><td>13.0</td><td>1.6</td><td></td></tr></table>
<p>以上投资均不含征地费用。</p>"""


def test_a_table_stands_in_its_place_with_merged_cells_read_once(printed: Print) -> None:
    parsed = parse_pdf(printed(MERGED, f"body{{font:16px/1.6 {SERIF}}}{GRID}"))
    note = "由市园林局负责建设，建成之后移交所在街道管理，管理经费列入年度预算"
    assert table_rows(parsed) == [
        ["公园", "规模", "", "备注"],
        ["", "面积", "投资"],
        ["东湾公园", "18.2", "2.8", note],
        ["西滩公园", "15.3", "2.1"],
        ["灯塔公园", "13.0", "1.6"],
    ]
    assert [block.is_head for block in parsed.blocks if block.kind is BlockKind.ROW] == [
        True,
        True,
        False,
        False,
        False,
    ]
    kinds = [block.kind for block in parsed.blocks]
    assert kinds == [BlockKind.PARAGRAPH, *[BlockKind.ROW] * 5, BlockKind.PARAGRAPH]
    assert "".join(texts(parsed)).count("东湾公园") == 1


def test_cells_are_those_that_pdfplumber_finds(printed: Print) -> None:
    data = printed(MERGED, f"body{{font:16px/1.6 {SERIF}}}{GRID}")
    with pdfplumber.open(io.BytesIO(data)) as document:
        cells = document.pages[0].find_tables()[0].cells
    parsed = parse_pdf(data)
    filled = [cell for row in table_rows(parsed) for cell in row if cell]
    assert len(filled) == len(cells) - 1  # one cell is empty


@pytest.mark.parametrize("border", ["1px solid #000", "3px double #000", "1px dotted #000", "2px solid #888"])
def test_tables_of_every_kind_of_rule_are_found(printed: Print, border: str) -> None:
    rows = "".join(f"<tr><td>第{i}项<td>{i * 11}<td>内容各不相同的第{i}格</tr>" for i in range(1, 6))
    css = f"body{{font:15px/1.5 {SERIF}}}table{{border-collapse:collapse}}td,th{{border:{border};padding:3px 9px}}"
    parsed = parse_pdf(printed(f"<p>说明文字。</p><table><tr><th>名称<th>数量<th>说明</tr>{rows}</table>", css))
    assert table_rows(parsed) == [
        ["名称", "数量", "说明"],
        *([f"第{i}项", f"{i * 11}", f"内容各不相同的第{i}格"] for i in range(1, 6)),
    ]


def test_cells_with_boxes_of_their_own_make_a_table(printed: Print) -> None:
    rows = "".join(f"<tr><td>第{i}项<td>{i * 11}</tr>" for i in range(1, 6))
    css = f"body{{font:15px/1.5 {SERIF}}}table{{border-spacing:2px}}td,th{{border:1px solid #000}}"
    parsed = parse_pdf(printed(f"<table><tr><th>名称<th>数量</tr>{rows}</table><p>说明文字。</p>", css))
    assert table_rows(parsed) == [["名称", "数量"], *([f"第{i}项", f"{i * 11}"] for i in range(1, 6))]


@pytest.mark.parametrize("sides", ["border-left:none;border-right:none", ""])
def test_a_table_open_at_its_sides_keeps_its_outer_columns(printed: Print, sides: str) -> None:
    rows = "".join(f"<tr><td>第{i}项<td>{i * 11}<td>说明{i}</tr>" for i in range(1, 6))
    css = f"body{{font:15px/1.5 {SERIF}}}{GRID}td:first-child{{border-left:none}}td:last-child{{border-right:none}}"
    parsed = parse_pdf(printed(f"<table>{rows}</table><p>说明文字。</p>", css + f"td{{{sides if 0 else ''}}}"))
    assert table_rows(parsed) == [[f"第{i}项", f"{i * 11}", f"说明{i}"] for i in range(1, 6)]


def test_a_table_of_three_rules_has_its_rows_and_columns(printed: Print) -> None:
    rows = "".join(
        f"<tr><td>{name}<td>{i * 11}.5<td>比上年增长{i}%</tr>"
        for i, name in enumerate(("广州", "深圳", "佛山"), start=1)
    )
    css = (
        f"body{{font:15px/1.5 {SERIF}}}table{{border-collapse:collapse;width:100%;border-top:2px solid;border-bottom:2px solid}}"
        "thead tr{border-bottom:1px solid}"
    )
    body = f"<p>说明文字在表格之前。</p><table><thead><tr><th>城市<th>规模<th>增速</tr></thead>{rows}</table><p>表后的文字。</p>"
    parsed = parse_pdf(printed(body, css))
    assert table_rows(parsed) == [
        ["城市", "规模", "增速"],
        *([name, f"{i * 11}.5", f"比上年增长{i}%"] for i, name in enumerate(("广州", "深圳", "佛山"), start=1)),
    ]


def test_a_table_across_pages_goes_on_without_its_repeated_head(printed: Print) -> None:
    rows = "".join(f"<tr><td>{i}<td>项目{i}<td>{prose(random.Random(i), 2)}</tr>" for i in range(1, 40))
    body = f"<p>清单如下。</p><table><thead><tr><th>序号<th>名称<th>内容</tr></thead>{rows}</table><p>以上项目按年度推进。</p>"
    css = f"body{{font:15px/1.5 {SERIF}}}{GRID}tr{{break-inside:avoid}}"
    parsed = parse_pdf(printed(body, css, head=HEAD, foot=FOOT))
    expected = [
        ["序号", "名称", "内容"],
        *([f"{i}", f"项目{i}", squeezed(prose(random.Random(i), 2))] for i in range(1, 40)),
    ]
    assert [[squeezed(cell) for cell in row] for row in table_rows(parsed)] == expected
    heads = [block.text for block in parsed.blocks if block.is_head]
    assert heads == ["序号\t名称\t内容"]
    assert parsed.blocks[-2].place.page == parsed.pages > 2


def test_a_row_that_a_page_break_cuts_is_one_row(printed: Print) -> None:
    rows = "".join(f"<tr><td>{i}<td>{prose(random.Random(i), 14)}</tr>" for i in range(1, 9))
    body = f"<table><thead><tr><th>序号<th>内容</tr></thead>{rows}</table><p>以上项目按年度推进。</p>"
    parsed = parse_pdf(printed(body, f"body{{font:16px/1.6 {SERIF}}}{GRID}", head=HEAD, foot=FOOT))
    expected = [["序号", "内容"], *([f"{i}", squeezed(prose(random.Random(i), 14))] for i in range(1, 9))]
    assert [[squeezed(cell) for cell in row] for row in table_rows(parsed)] == expected
    cut = [block for block in parsed.blocks if block.kind is BlockKind.ROW and block.breaks]
    assert len(cut) == parsed.pages - 1


def test_a_frame_around_text_and_underlined_words_are_no_table(printed: Print) -> None:
    text = prose(random.Random(9), 5)
    body = f"<p>{text}</p><div style='border:1px solid;padding:12px'><p>{text}</p></div><p><u>{text}</u></p><hr><p>结尾的文字。</p>"
    parsed = parse_pdf(printed(body, f"body{{font:16px/1.6 {SERIF}}}"))
    assert texts(parsed) == [squeezed(text)] * 3 + ["结尾的文字。"]


def test_a_row_of_a_two_column_form_is_read_across(printed: Print) -> None:
    body = "".join(
        f"<div style='display:flex'><div style='width:50%'>甲方{i}：云江市第{i}局</div><div>乙方{i}：第{i}公司</div></div>"
        for i in range(1, 7)
    )
    text = "".join(texts(parse_pdf(printed(body, f"body{{font:16px/1.6 {SERIF}}}"))))
    assert text == "".join(f"甲方{i}：云江市第{i}局乙方{i}：第{i}公司" for i in range(1, 7))


def test_words_that_a_line_end_cuts_are_whole_and_compounds_keep_their_hyphen(printed: Print) -> None:
    nouns = (
        "infrastructure",
        "documentation",
        "responsibility",
        "administration",
        "procurement",
        "transparency",
        "communities",
    )
    acts = ("acknowledge", "coordinate", "strengthen", "approve", "publish", "reconsider")
    rng = random.Random(13)
    text = " ".join(
        f"International organisations increasingly {rng.choice(acts)} that {rng.choice(nouns)} and {rng.choice(nouns)} require "
        f"well-understood, state-of-the-art {rng.choice(nouns)}."
        for _ in range(9)
    )
    css = "html{lang:en}body{font:15px/1.4 'Liberation Serif'}p{hyphens:auto;width:210px;text-align:justify}"
    parsed = parse_pdf(printed(f"<div lang=en><p>{text}</p></div>", css))
    assert " ".join(block.text for block in parsed.blocks) == text


def test_latin_words_in_chinese_text_keep_their_spaces_and_their_hyphens(printed: Print) -> None:
    text = (
        "推动 cloud computing 与 edge computing 协同，接口遵循 RESTful-API 规范，代号为 COVID-19 和 flow-n-play 的项目除外。"
        * 5
    )
    for width in (200, 230, 260, 290):
        parsed = parse_pdf(printed(f"<p>{text}</p>", f"body{{font:15px/1.6 {SERIF}}}p{{width:{width}px}}"))
        found = " ".join(block.text for block in parsed.blocks)
        assert squeezed(found) == squeezed(text)
        assert found.count("cloud computing") == found.count("edge computing") == 5


def test_a_raised_footnote_number_does_not_become_part_of_a_figure(printed: Print) -> None:
    body = "<p>总规模达到615<sup>2</sup>亿元，面积为18km<sup>2</sup>，依据见《办法》<sup>3</sup>。</p>"
    (block,) = parse_pdf(printed(body, f"body{{font:16px/1.8 {SERIF}}}")).blocks
    assert "6152" not in block.text
    assert squeezed(block.text) == "总规模达到6152亿元，面积为18km2，依据见《办法》3。"


def test_footnotes_are_notes_behind_the_paragraph_that_they_interrupt() -> None:
    text = prose(random.Random(10), 40)
    papers = compose([("p", text)], Look(bottom=160))
    assert len(papers) > 1
    notes = [f"①{prose(random.Random(i), 1)}" for i in range(len(papers))]
    for paper, note in zip(papers, notes, strict=True):
        paper.runs += [at(note[:20], 80, 720, 9), at(note[20:], 80, 733, 9)]
    parsed = parse_pdf(pdf(papers))
    assert [block.kind for block in parsed.blocks] == [BlockKind.PARAGRAPH, *[BlockKind.NOTE] * len(papers)]
    assert texts(parsed)[0] == squeezed(text)
    assert len(parsed.blocks[0].breaks) == len(papers) - 1
    assert texts(parsed)[1:] == [squeezed(note) for note in notes]
    assert [block.place.page for block in parsed.blocks[1:]] == list(range(1, len(papers) + 1))


def test_numbered_lists_keep_their_numbers_and_every_item_is_a_block(printed: Print) -> None:
    items = [prose(random.Random(i), 1 + i % 3) for i in range(12)]
    body = (
        "<p>工作内容包括：</p><ol>" + "".join(f"<li>{item}</li>" for item in items) + "</ol><p>以上各项按季度通报。</p>"
    )
    parsed = parse_pdf(printed(body, f"body{{font:16px/1.6 {SERIF}}}"))
    expected = [
        "工作内容包括：",
        *(squeezed(f"{i}.{item}") for i, item in enumerate(items, start=1)),
        "以上各项按季度通报。",
    ]
    assert texts(parsed) == expected
    long = [block for block in parsed.blocks[1:-1] if len(block.text) > 50]
    assert {(block.kind, block.level) for block in long} == {(BlockKind.ITEM, 1)}


def test_numbered_paragraphs_without_gaps_or_full_stops_stay_apart(printed: Print) -> None:
    lines = [f"（{n}）{prose(random.Random(i), 1).rstrip('。')}" for i, n in enumerate("一二三四五六七八九")]
    body = "".join(f"<p>{line}</p>" for line in lines)
    for css in (INDENTED, "p{margin:0}"):
        assert texts(parse_pdf(printed(body, f"body{{font:16px/1.6 {SERIF}}}{css}"))) == list(map(squeezed, lines))


def test_entries_of_a_table_of_contents_stay_apart(printed: Print) -> None:
    body = "".join(
        f"<p><span>第{n}章 重点任务</span><span>{'.' * 200}</span><span>{i}</span></p>"
        for i, n in enumerate("一二三四五", start=1)
    )
    css = f"body{{font:16px/1.6 {SERIF}}}p{{margin:0;display:flex}}span:nth-child(2){{flex:1;overflow:hidden;white-space:nowrap}}"
    found = texts(parse_pdf(printed(body, css)))
    assert [text[:7] for text in found] == [f"第{n}章重点任务" for n in "一二三四五"]


def test_text_at_an_angle_is_left_out_and_told(printed: Print) -> None:
    body = f"<p>{prose(random.Random(11), 6)}</p><div style='position:fixed;top:40%;left:20%;font-size:60px;transform:rotate(-35deg)'>内部资料</div>"
    parsed = parse_pdf(printed(body, f"body{{font:16px/1.6 {SERIF}}}"))
    assert texts(parsed) == [squeezed(prose(random.Random(11), 6))]
    assert len(parsed.warnings) == 1
    assert "at an angle" in parsed.warnings[0]


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_page_printed_sideways_is_read_turned_and_told(rotate: int) -> None:
    blocks = article("sideways")
    parsed = parse_pdf(pdf(compose(blocks, Look(foot="{page}")), rotate=rotate))
    assert texts(parsed) == [squeezed(text) for _, text in blocks]
    assert parsed.warnings == (
        () if rotate == 0 else (f"page(s) 1–{parsed.pages} hold text that is printed sideways; they were read turned",)
    )


def test_a_landscape_table_turned_onto_an_upright_page_is_read(printed: Print) -> None:
    rows = "".join(f"<tr><td>第{i}项<td>{i * 11}</tr>" for i in range(1, 6))
    document = pypdfium2.PdfDocument(
        printed(f"<table><tr><th>名称<th>数量</tr>{rows}</table>", f"body{{font:15px/1.5 {SERIF}}}{GRID}")
    )
    document[0].set_rotation(270)
    out = io.BytesIO()
    document.save(out)
    assert table_rows(parse_pdf(out.getvalue())) == [
        ["名称", "数量"],
        *([f"第{i}项", f"{i * 11}"] for i in range(1, 6)),
    ]


def test_a_page_cut_by_a_crop_box_keeps_its_table_and_loses_what_is_hidden(printed: Print) -> None:
    body = "<p style='margin:0'>裁掉的文字。</p><table style='margin-top:90px'><tr><th>名称<th>数量</tr><tr><td>第1项<td>11</tr></table>"
    document = pypdfium2.PdfDocument(printed(body, f"body{{font:15px/1.5 {SERIF}}}{GRID}"))
    document[0].set_cropbox(30, 60, 565, 745)
    out = io.BytesIO()
    document.save(out)
    parsed = parse_pdf(out.getvalue())
    assert [block.text for block in parsed.blocks] == ["名称\t数量", "第1项\t11"]


def test_empty_pages_and_pages_of_images_are_told() -> None:
    papers = [
        *compose([("p", prose(random.Random(12), 9))], Look()),
        Paper(),
        Paper(has_image=True),
        Paper(has_image=True),
    ]
    parsed = parse_pdf(pdf(papers))
    assert parsed.pages == 4
    assert parsed.warnings == (
        "page(s) 3–4 hold an image without text: run OCR to have them read",
        "page(s) 2 are empty",
    )


@pytest.mark.parametrize(
    ("papers", "message"),
    [
        (
            [Paper(has_image=True)] * 3,
            "the PDF is scanned: 3 of its 3 pages hold an image and none holds text: run OCR first",
        ),
        ([Paper(has_image=True, runs=[at("— 1 —", 280, 800, 9)])], "the PDF has no text but page numbers: run OCR"),
        ([Paper(), Paper()], "the PDF has no text: its 2 pages are empty; leave the file out"),
    ],
)
def test_a_pdf_without_text_is_an_error_that_says_what_to_do(papers: list[Paper], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        parse_pdf(pdf(papers))


def test_an_encrypted_pdf_is_an_error_that_says_so() -> None:
    with pytest.raises(InputError, match="encrypted: open it with its password and save it without one"):
        parse_pdf(pdf(compose(article("secret"), Look()), encrypted=True))


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"not a PDF at all", b"PK\x03\x04" + bytes(99)])
def test_a_damaged_file_is_an_error_that_says_what_to_do(data: bytes) -> None:
    with pytest.raises(InputError, match=r"damaged or no PDF .*print it to PDF again"):
        parse_pdf(data)


def test_a_font_that_does_not_say_what_it_draws_is_an_error_not_garbage() -> None:
    with pytest.raises(InputError, match=r"characters of the PDF cannot be told.* run OCR first"):
        parse_pdf(pdf(compose(article("unmapped"), Look()), mapped=False))


@given(seed=st.integers(0, 2**32 - 1), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_never_end_in_anything_but_blocks_or_an_input_error(seed: int, data: st.DataObject) -> None:
    content = bytearray(pdf(compose(article(str(seed % 3), chapters=1, paragraphs=3), Look(foot="{page}"))))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut])):
        with suppress(InputError):
            assert parse_pdf(damaged).blocks


def test_radicals_become_the_characters_they_stand_for() -> None:
    text = "⻚⾯⻋⻓⻔⻛⻢⻰⺠⽣⾦⻩⻬⻥"
    (block,) = parse_pdf(pdf([Paper(runs=[at(text, 80, 100, 12)])])).blocks
    assert block.text == "页面车长门风马龙民生金黄齐鱼"


def test_text_of_chromium_has_no_radicals(printed: Print) -> None:
    text = "页面车辆见习贝类长度门窗飞行马匹鱼类鸟类麦田黄金整齐牙齿龙头龟甲西部青年角度韦氏骨骼鬼怪老虎风险民生"
    for font in (SERIF, SANS):
        assert texts(parse_pdf(printed(f"<p>{text}</p>", f"body{{font:16px {font}}}"))) == [text]


@pytest.mark.parametrize(
    ("info", "title", "authors", "published"),
    [
        ({"Title": "云江市报告", "Author": "周明远;何秋实", "CreationDate": "D:20230516093000+08'00'"}, "云江市报告", ("周明远", "何秋实"), "2023-05-16"),
        ({"Title": "Microsoft Word - 报告.docx", "Author": "Administrator", "CreationDate": "D:20231301"}, "", (), ""),
        ({"Title": "未命名", "Author": "微软用户", "CreationDate": "D:16010101000000Z"}, "", (), ""),
        ({"Title": "定稿3.wps", "Author": "dell", "CreationDate": "2023"}, "", (), ""),
        ({}, "", (), ""),
    ],
)  # fmt: skip
def test_properties_are_taken_over_unless_a_program_made_them_up(
    info: dict[str, str], title: str, authors: tuple[str, ...], published: str
) -> None:
    parsed = parse_pdf(pdf(compose(article("info"), Look()), info=info))
    assert (parsed.title, parsed.authors, parsed.published) == (title, authors, published)


looks = st.builds(
    Look,
    size=st.sampled_from([9.0, 10.5, 12.0, 14.0]),
    pitch=st.sampled_from([1.25, 1.5, 2.0]),
    indent=st.just(2.0),
    gap=st.sampled_from([0.0, 0.3]),
    left=st.sampled_from([50.0, 70.0, 90.0]),
    right=st.sampled_from([50.0, 70.0, 90.0]),
    columns=st.sampled_from([1, 1, 2]),
    gutter=st.sampled_from([1.5, 2.0, 3.0]),
    justified=st.booleans(),
    foot=st.sampled_from(["", "{page}", "— {page} —"]),
)


@given(look=looks, seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_text_put_in_comes_out_once_and_in_order_and_stands_on_its_page(look: Look, seed: int) -> None:
    blocks = article(str(seed), chapters=2, paragraphs=6)
    papers = compose(blocks, look)
    assume(look.columns == 1 or len(papers) > 1)  # a column of one line is told by other pages
    data = pdf(papers)
    parsed = parse_pdf(data)
    assert "".join(texts(parsed)) == squeezed("".join(text for _, text in blocks))
    document = pypdfium2.PdfDocument(data)
    pages = [squeezed(page.get_textpage().get_text_range()) for page in document]
    for block in parsed.blocks:
        assert block.place.page is not None
        assert squeezed(first_part(block)) in pages[block.place.page - 1] + "".join(
            pages[block.place.page : block.place.page + 1]
        )


def first_part(block: Block) -> str:
    return block.text[: block.breaks[0]] if block.breaks else block.text


def test_sizes_of_pages_may_differ() -> None:
    wide = Paper(
        A4[1],
        A4[0],
        [
            at(
                "横页上的一段文字，它比竖页上的要宽得多，但是仍然在同一个文件里面，所以要分开来看。",
                60,
                100 + 20 * i,
                12,
            )
            for i in range(3)
        ],
    )
    blocks = article("sizes")
    assert texts(parse_pdf(pdf([*compose(blocks, Look()), wide])))[: len(blocks)] == [
        squeezed(text) for _, text in blocks
    ]


def test_columns_that_are_ruled_in_the_head_only_hold_for_the_rows_below(printed: Print) -> None:
    rows = "".join(f"<tr><td>项目{i}的名称写得比较长一些<td>{i * 11}<td>说明{i}</tr>" for i in range(1, 6))
    css = (
        f"body{{font:15px/1.5 {SERIF}}}table{{border-collapse:collapse;width:100%;border:1px solid}}th{{border:1px solid}}"
        "td{border-bottom:1px solid;padding:3px 6px}td:first-child{width:9em}"
    )
    parsed = parse_pdf(printed(f"<table><tr><th>名称<th>数量<th>说明</tr>{rows}</table><p>表后的文字。</p>", css))
    expected = [
        ["名称", "数量", "说明"],
        *([f"项目{i}的名称写得比较长一些", f"{i * 11}", f"说明{i}"] for i in range(1, 6)),
    ]
    assert table_rows(parsed) == expected
