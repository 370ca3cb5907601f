"""The visible text of web pages and its structure, on pages that are content throughout."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from indexer.formats.blocks import Block, BlockKind
from indexer.formats.html import visible_blocks


def texts(html: str) -> list[str]:
    return [block.text for block in visible_blocks(html)]


def shapes(html: str) -> list[tuple[str, BlockKind, int]]:
    return [(block.text, block.kind, block.level) for block in visible_blocks(html)]


def test_headings_paragraphs_and_list_items():
    html = "<h1>甲</h1><p>乙<b>丙</b></p><ul><li>丁<ul><li>戊</li></ul></li></ul><h3><span>己</span></h3>"
    assert shapes(html) == [
        ("甲", BlockKind.HEADING, 1),
        ("乙丙", BlockKind.PARAGRAPH, 0),
        ("• 丁", BlockKind.ITEM, 1),
        ("• 戊", BlockKind.ITEM, 2),
        ("己", BlockKind.HEADING, 3),
    ]


@pytest.mark.parametrize(
    ("attributes", "items", "expected"),
    [
        ("", "<li>甲<li>乙", ["1. 甲", "2. 乙"]),
        ('start="4"', "<li>甲<li>乙", ["4. 甲", "5. 乙"]),
        ('type="a" start="3"', "<li>甲", ["c. 甲"]),
        ('type="I"', "<li>甲<li value=9>乙<li>丙", ["I. 甲", "IX. 乙", "X. 丙"]),
        ("reversed", "<li>甲<li>乙", ["2. 甲", "1. 乙"]),
        ('style="list-style-type: cjk-ideographic"', "<li>甲<li>乙", ["一、甲", "二、乙"]),
        ('style="list-style:none"', "<li>甲", ["甲"]),
        ('style="list-style: none inside; color: red"', "<li>甲", ["甲"]),
    ],
)
def test_ordered_lists_carry_their_numbers(attributes: str, items: str, expected: list[str]):
    assert texts(f"<ol {attributes}>{items}</ol>") == expected


@settings(max_examples=40)
@given(st.recursive(st.just([]), lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=12))
def test_nested_lists_are_numbered_as_by_counting_the_tree(tree: list):
    def html(node: list, path: str) -> str:
        return (
            "<ol>"
            + "".join(f"<li>{path}{i}{html(c, f'{path}{i}-') if c else ''}</li>" for i, c in enumerate(node, 1))
            + "</ol>"
        )

    def expected(node: list, path: str, depth: int) -> list[tuple[str, int]]:
        return [
            line
            for i, child in enumerate(node, 1)
            for line in [(f"{i}. {path}{i}", depth), *expected(child, f"{path}{i}-", depth + 1)]
        ]

    found = [(block.text, block.level) for block in visible_blocks("<p>始</p>" + html(tree or [[]], "n"))[1:]]
    assert found == expected(tree or [[]], "n", 1)


def test_paragraphs_by_line_breaks_in_one_block():
    html = "<div>　　第一段讲渔船。<br><br>　　第二段讲<br/>渔港。<br>\n第三段，<br>没完。</div>"
    assert texts(html) == ["第一段讲渔船。", "第二段讲", "渔港。", "第三段，没完。"]


def test_a_title_broken_for_looks_is_one_line():
    assert texts("<h2>海屿市<br>休渔通知</h2>") == ["海屿市休渔通知"]
    assert texts('<p style="text-align: center">海屿市<br>休渔通知</p>') == ["海屿市休渔通知"]


def test_paragraphs_that_lost_their_breaks_are_told_apart_by_their_indents():
    assert texts("<td>　　第一段。　　第二段。&nbsp;&nbsp;第三段。</td>") == ["第一段。", "第二段。", "第三段。"]
    assert texts("<p>第一条　　为了管理。</p>") == ["第一条　　为了管理。"]


def test_line_ends_of_the_source_are_no_spaces_in_chinese():
    assert texts("<p>渔船\n   进港 stays\n in port</p>") == ["渔船进港 stays in port"]


def test_white_space_entities():
    assert texts("<p>&nbsp;&emsp;甲&nbsp;&nbsp;乙&ensp;&#8203;</p>") == ["甲 乙"]


def test_ruby_shows_its_base_only():
    assert texts("<p><ruby>屿<rp>(</rp><rt>yǔ</rt><rp>)</rp></ruby>上</p>") == ["屿上"]


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>var a='暗'</script>",
        "<style>.x{content:'暗'}</style>",
        "<template><p>暗</p></template>",
        "<noscript>暗</noscript>",
        '<p style="DISPLAY : none">暗</p>',
        '<p style="visibility:hidden">暗</p>',
        "<div hidden><p>暗</p></div>",
        '<span aria-hidden="true">暗</span>',
        "<textarea>暗</textarea>",
        "<select><option>暗</option></select>",
        "<button>暗</button>",
        "<!-- 暗 -->",
        "<svg><text>暗</text></svg>",
        '<iframe src="x">暗</iframe>',
    ],
)
def test_what_is_hidden_is_no_text_and_what_follows_it_is(hidden: str):
    assert texts(f"<div>甲{hidden}乙</div>") in (["甲乙"], ["甲", "乙"])


def test_tables_keep_merged_cells_once_and_their_columns_in_line():
    html = (
        "<table><caption>渔业表</caption><tr><th rowspan=2>地区<th colspan=2>产量</tr><tr><th>一季<th>二季</tr>"
        "<tr><td rowspan=2>北屿<td>1<td>2</tr><tr><td colspan=2>3</tr><tr><td>合计<td><td>6</table>"
    )
    blocks = visible_blocks(html)
    assert [block.text for block in blocks] == [
        "渔业表",
        "地区\t产量",
        "\t一季\t二季",
        "北屿\t1\t2",
        "\t3",
        "合计\t\t6",
    ]
    assert [block.is_head for block in blocks] == [False, True, True, False, False, False]


def test_a_head_without_markup_is_found_by_the_figures_below():
    blocks = visible_blocks("<table><tr><td>项目<td>金额</tr><tr><td>渔船<td>12</tr></table>")
    assert [(block.text, block.kind, block.is_head) for block in blocks] == [
        ("项目\t金额", BlockKind.ROW, True),
        ("渔船\t12", BlockKind.ROW, False),
    ]


@pytest.mark.parametrize(
    "html",
    [
        "<table><tr><td><p>第一段。</p><p>第二段。</p></td></tr></table>",
        "<table><tr><td>栏</td><td><table><tr><td>第一段。<br>第二段。</td></tr></table></td></tr></table>",
        f"<table><tr><td>栏</td><td><p>第一段。</p><p>第二段。{'渔' * 300}</p></td></tr></table>",
        "<table role=presentation><tr><td>第一段。</td><td>第二段。</td></tr></table>",
        "<table><tr><td><h2>题</h2></td><td>文</td></tr></table>",
    ],
)
def test_tables_for_the_layout_are_no_rows(html: str):
    assert BlockKind.ROW not in {block.kind for block in visible_blocks(html)}


def test_preformatted_text_keeps_its_lines_and_their_numbers():
    blocks = visible_blocks("<html><body>\n<pre>\n　　第一段讲渔船。\n\n　　第二段讲渔港。\n</pre>")
    assert [(block.text, block.place.line) for block in blocks] == [("第一段讲渔船。", 3), ("第二段讲渔港。", 5)]


def test_lines_are_those_of_the_elements():
    blocks = visible_blocks(
        "<html>\n<body>\n<p>甲</p>\n<div>乙<br>\n丙</div>\n<table>\n<tr><td>1<td>2\n<tr><td>3<td>4</table>"
    )
    assert [(block.text, block.place.line) for block in blocks] == [
        ("甲", 3),
        ("乙", 4),
        ("丙", 4),
        ("1\t2", 7),
        ("3\t4", 8),
    ]


INLINE = st.text("渔船港湾abc ", min_size=1, max_size=6).filter(str.strip)
TREES = st.recursive(
    INLINE,
    lambda inner: st.tuples(
        st.sampled_from(
            ["div", "p", "span", "b", "td", "li", "ul", "table", "tr", "section", "center", "pre", "a", "h2", "dd"]
        ),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, min_size=1, max_size=5))
def test_all_visible_text_comes_out_once_and_in_order_from_any_soup(trees: list):
    def html(tree: object) -> str:
        return tree if isinstance(tree, str) else f"<{tree[0]}>{''.join(map(html, tree[1]))}</{tree[0]}>"

    source = "<html><body>" + "".join(map(html, trees)) + "</body></html>"
    shown = [char for char in lxml_html.document_fromstring(source).text_content() if char.isalnum()]
    assume(shown)
    found = "".join(block.text for block in visible_blocks(source))
    # Marks of bullets are ours.
    assert [char for char in found if char.isalnum()] == shown


def test_any_depth_that_the_parser_takes_is_read():
    def blocks(depth: int) -> tuple[Block, ...]:
        return visible_blocks("<div>" * depth + "<p>深</p>" + "</div>" * depth + "<p>后</p>")

    assert [block.text for block in blocks(1500)] == ["深", "后"]
