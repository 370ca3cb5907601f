"""Outlines: which lines are headings, how deep they stand, and what stands under them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.outline import outline, section_path

PROSE = "县水务站在青石河沿线布设雷达水位计三十二台，数据每五分钟回传一次，值班员昼夜轮换。"


def paths(text: str) -> list[tuple[str, ...]]:
    return [section.path for section in outline(text)]


def under(text: str, words: str) -> tuple[str, ...]:
    return section_path(outline(text), text.index(words))


def lines(*rows: str) -> str:
    return "\n".join(rows)


# --- numbered text ---------------------------------------------------------------------------------------------------


def test_every_kind_of_numbering_stands_at_its_own_depth():
    text = lines(
        *("第一部分 总体情况", "第一章 防汛形势", "第一节 河道", "1.主河道", "（1）上游", PROSE),
        *("表 1 水位计一览", "1 青石河", PROSE, "2 白沙河", PROSE),
        *("（2）下游", PROSE, "2.支流", PROSE, "第二节 水库", PROSE, "第二章 监测", PROSE, "第二部分 打算", PROSE),
    )
    part, chapter, article, item = "第一部分 总体情况", "第一章 防汛形势", "第一节 河道", "1.主河道"
    assert paths(text) == [
        (part,),
        (part, chapter),
        (part, chapter, article),
        (part, chapter, article, item),
        (part, chapter, article, item, "（1）上游"),
        (part, chapter, article, item, "（1）上游", "表 1 水位计一览"),
        (part, chapter, article, item, "（1）上游", "表 1 水位计一览", "1 青石河"),
        (part, chapter, article, item, "（1）上游", "表 1 水位计一览", "2 白沙河"),
        (part, chapter, article, item, "（2）下游"),
        (part, chapter, article, "2.支流"),
        (part, chapter, "第二节 水库"),
        (part, "第二章 监测"),
        ("第二部分 打算",),
    ]
    assert [section.depth for section in outline(text)] == [len(path) for path in paths(text)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("一、形势", "（一）河道"),
        ("十一、形势", "(十二)河道"),
        ("一、形势", "1、河道"),
        ("（一）形势", "1．河道"),
        ("1.形势", "(1)河道"),
        ("第三编 形势", "第十二章 河道"),
        ("PART 02", "第一章 河道"),
        ("part 3", "一、河道"),
        ("第2章 形势", "第1节 河道"),
        ("**一、形势**", "**（一）河道**"),
    ],
)
def test_second_numbering_stands_under_the_first(first: str, second: str):
    text = lines(first, PROSE, second, PROSE, first, PROSE, second, PROSE)
    assert paths(text) == [(first,), (first, second)] * 2


@pytest.mark.parametrize(
    "line",
    [
        "一、县水务站负责监测。",
        "1.查看水位；",
        "（一）下列情形除外：",
        "3.5公里的海堤需要加固",
        "第一章规定了总则",
        "（2）2023年的渔获量比上一年增加了两成，其中带鱼占三分之一，鱿鱼占四分之一，其余为虾蟹贝类和海藻，详见水产站在三月公布的年报",
        "一、修堤。二、清淤",
        "| 一、形势 | 二、监测 |",
        "2023 年",
    ],
)
def test_prose_that_begins_with_a_number_is_no_heading(line: str):
    text = lines("一、形势", PROSE, "二、监测", PROSE, "三、物资", PROSE, "四、责任", PROSE, line)
    assert line not in {section.title for section in outline(text)}


def test_only_parts_and_chapters_are_hard_boundaries():
    text = lines("第一部分 总体", "一、形势", "（一）河道", "1.上游", "（1）雨量", PROSE)
    assert [section.hard for section in outline(text)] == [True, True, False, False, False]


def test_bare_line_in_numbered_text_is_a_label_inside_its_section():
    text = lines(*("一、形势", PROSE, "二、监测", PROSE, "三、物资", "乡镇仓库", PROSE, "四、责任", PROSE))
    assert under(text, "乡镇仓库") == ("三、物资", "乡镇仓库")
    assert ("四、责任",) in paths(text)


# --- text without numbers --------------------------------------------------------------------------------------------


def test_bare_titles_head_the_prose_under_them():
    text = lines("海带养殖", PROSE, "销售渠道", PROSE)
    assert paths(text) == [("海带养殖",), ("销售渠道",)]


def test_bare_line_right_under_a_bare_headline_stands_below_it():
    text = lines("北屿县今年海带喜获丰收价格平稳", "产量", PROSE, "销路", PROSE)
    assert paths(text)[:2] == [("北屿县今年海带喜获丰收价格平稳",), ("北屿县今年海带喜获丰收价格平稳", "产量")]


@pytest.mark.parametrize(
    "line",
    [
        "海带每亩产量一吨半。",
        "- 海带",
        "● 海带",
        "| 海带 | 紫菜 |",
        "甲村\t乙村",
        "图 3 产量",
        "数据来源：年报",
        "（续）",
        "46.5%",
        "**要点**",
        "https://example.org/a",
    ],
)
def test_items_cells_sources_and_sentences_are_no_bare_headings(line: str):
    assert paths(lines(line, PROSE)) == []


def test_last_line_without_anything_below_is_no_heading():
    assert paths(lines(PROSE, "北屿县水务站")) == []


# --- Markdown --------------------------------------------------------------------------------------------------------


def test_markdown_title_is_no_section_and_its_chapters_are_outermost():
    text = lines("# 防汛预案", PROSE, "## 一、形势", PROSE, "### （一）河道", PROSE, "## 二、监测", PROSE)
    assert paths(text) == [("一、形势",), ("一、形势", "（一）河道"), ("二、监测",)]
    assert [section.hard for section in outline(text)] == [True, False, True]


def test_markdown_marks_that_disagree_about_one_kind_of_numbering_take_the_outermost():
    text = lines(
        *("# 防汛预案", "## 一、形势", PROSE, "### （一）河道", PROSE, "## 二、监测", PROSE),
        *("#### （二）水位", PROSE, "### 水库", PROSE, "### 三、物资", PROSE),
    )
    assert paths(text) == [
        *(
            ("一、形势",),
            ("一、形势", "（一）河道"),
            ("二、监测",),
            ("二、监测", "（二）水位"),
            ("二、监测", "水库"),
            ("三、物资",),
        ),
    ]


def test_several_markdown_headings_of_the_first_level_are_all_sections():
    assert paths(lines("# 形势", PROSE, "# 监测", PROSE, "# 物资", PROSE)) == [("形势",), ("监测",), ("物资",)]


@pytest.mark.parametrize(
    "rows", [("# 防汛预案", PROSE, "## 监测", PROSE), ("## 形势", PROSE, "### 河道", PROSE), ("# 防汛预案", PROSE)]
)
def test_few_markdown_headings_are_headings_without_their_marks(rows: tuple[str, ...]):
    assert not any("#" in section.title for section in outline(lines(*rows)))


def test_two_markdown_headings_make_a_title_and_a_section():
    assert paths(lines("# 防汛预案", PROSE, "## 监测", PROSE)) == [("监测",)]


def test_one_markdown_title_above_plain_numbering_keeps_the_numbering():
    text = lines("# 防汛预案", *(row for n in "一二三四" for row in (f"{n}、第{n}件事情", PROSE)))
    assert [path for path in paths(text) if "防汛预案" not in path] == [(f"{n}、第{n}件事情",) for n in "一二三四"]


def test_table_title_in_markdown_is_a_section_of_its_own():
    text = lines("# 预案", "## 一、物资", PROSE, "表 1 仓库一览", "| 仓库 | 数量 |", "## 二、责任", PROSE)
    assert under(text, "| 仓库") == ("一、物资", "表 1 仓库一览")


# --- properties ------------------------------------------------------------------------------------------------------

ROWS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "第一部分 总体",
                    "PART 02",
                    "第三章 监测",
                    "一、形势",
                    "（二）河道",
                    "3.上游",
                    "（4）雨量",
                    "表 1 一览",
                    "12 青石河",
                    "# 预案",
                ),
                *(
                    "## 一、形势",
                    "### （一）河道",
                    "#### 1.上游",
                    "## 物资",
                    "海带养殖",
                    "乡镇仓库",
                    "甲\t乙",
                    "- 清淤",
                    PROSE,
                    PROSE,
                    PROSE[:20],
                ),
            ]
        ),
        st.text("渔船出海一二、（）1.。 #", min_size=1, max_size=45).filter(lambda row: row.strip() == row and row),
    ),
    max_size=40,
)


@given(ROWS)
def test_sections_form_a_tree_in_text_order(rows: list[str]):
    text = "\n".join(rows)
    sections = outline(text)
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row) + 1)
    assert [section.start for section in sections] == sorted({section.start for section in sections})
    open_sections: list = []
    for section in sections:
        assert section.start in starts
        assert section.start < section.end <= len(text)
        while open_sections and open_sections[-1].end <= section.start:
            open_sections.pop()
        assert section.path == (*(parent.title for parent in open_sections), section.title)
        assert section.depth == len(section.path)
        assert all(section.end <= parent.end for parent in open_sections)
        assert section.title in text
        open_sections.append(section)


@given(ROWS, st.integers(0, 2000))
def test_section_path_is_that_of_the_innermost_section_around_the_offset(rows: list[str], offset: int):
    text = "\n".join(rows)
    sections = outline(text)
    around = [section for section in sections if section.start <= offset < section.end]
    assert section_path(sections, offset) == (around[-1].path if around else ())


@given(ROWS)
def test_outline_is_the_same_every_time(rows: list[str]):
    assert outline("\n".join(rows)) == outline("\n".join(rows))


def test_empty_text_has_no_sections():
    assert outline("") == []
    assert section_path([], 0) == ()
