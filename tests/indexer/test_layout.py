"""Layout repair: nothing lost, nothing reordered, lines joined where the page cut them and nowhere else."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.layout import Layout, Style, repair

# Sentences that fill 30 characters exactly, so that a cut after one says nothing about the end of the paragraph.
FULL = "县里把青石河沿岸的三十二个村划成六片，每片由一名干部包到户到"


def squeezed(text: str) -> str:
    return "".join(text.split())


def is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(char in rest for char in part)


def plain(text: str) -> Layout:
    return repair(text, markdown=False)


def cut(paragraph: str, width: int) -> list[str]:
    return [paragraph[i : i + width] for i in range(0, len(paragraph), width)]


def marked(*paragraphs: str, width: int = 20) -> list[str]:
    """Printed lines with a space at the end of each paragraph; joined by blank lines they make a marked file."""
    lines = []
    for paragraph in paragraphs:
        lines += cut(paragraph, width)
        lines[-1] += " "
    return lines


# Five finished paragraphs, enough to show how the file marks the end of one.
FILLER = (
    "渔政站每天清早派两条船出海巡查，发现违规网具当场收缴并且登记。",
    "晒盐场的工人把卤水引进结晶池，晴天三日便能收一层白花花的粗盐。",
    "码头食堂中午供应三种套餐，价格从十二块钱到二十块钱，船员排队领取。",
    "灯塔由一对夫妻看守，夜里轮流值班，每隔两个小时记录一次风向。",
    "小学校的孩子周五去海滩捡垃圾，装满的袋子交给镇上的回收点称重。",
    "气象员在台风来之前三天发出预报，渔船陆续回港，缆绳加固两道。",
)


def marked_file(*lines: str) -> str:
    """`lines` in the middle of a marked file."""
    return "\n\n".join([*marked(*FILLER[:3]), *lines, *marked(*FILLER[3:])]) + "\n"


def wrapped_file(*lines: str, width: int = 20) -> str:
    """`lines` in the middle of a file hard-wrapped at `width` without any marks."""
    before = [line for paragraph in FILLER[:3] for line in cut(paragraph, width)]
    after = [line for paragraph in FILLER[3:] for line in cut(paragraph, width)]
    return "\n".join([*before, *lines, *after]) + "\n"


# --- kinds of files -------------------------------------------------------------------------------------------------


def test_style_is_measured_over_the_whole_file():
    assert plain(marked_file()).style is Style.MARKED
    assert plain(wrapped_file()).style is Style.WRAPPED
    assert plain("\n\n".join(FILLER)).style is Style.WHOLE
    assert repair(wrapped_file(), markdown=True).style is Style.MARKDOWN


@pytest.mark.parametrize("text", ["", "\n", " \n\u3000\n\t\n"])
def test_white_space_only_gives_empty_text_instead_of_an_error(text: str):
    layout = plain(text)
    assert layout.text == ""
    assert layout.line_map.line_at(0) == 1
    assert layout.breaks == ()


def test_marked_paragraphs_come_back_whole():
    assert plain(marked_file()).text.split("\n") == list(FILLER)


def test_wrapped_paragraphs_come_back_whole():
    # Each filler ends in a short line, so the ends of the paragraphs can be seen.
    assert plain(wrapped_file()).text.split("\n") == list(FILLER)


def test_whole_paragraphs_are_not_joined():
    assert plain("\n\n".join(FILLER)).text.split("\n") == list(FILLER)


def test_full_last_line_above_a_blank_line_does_not_swallow_the_next_paragraph():
    first = "盐场去年收了三千二百吨粗盐，一半卖到邻省，一半留给本县腌菜厂用。"[:-2] + "了。"
    second = "镇上的腌菜厂有四十六名工人，每年立冬前后最忙，要雇八十个短工。"
    width = 16
    assert len(first) % width == 0, "the last line of the paragraph is a full one"
    text = "\n\n".join("\n".join(cut(paragraph, width)) for paragraph in (*FILLER, first, second))
    layout = plain(text)
    assert layout.style is Style.WRAPPED
    assert first in layout.text.split("\n")
    assert second in layout.text.split("\n")


# --- words and figures cut across lines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("全县新增就业岗位达到了去年的两倍，共计 4.76", "万个，其中青年占六成。", "4.76万个"),
        ("镇政府请来工程师讲授大模型的用法，先从 GPT-", "4 讲起，再讲别的工具。", "GPT-4"),
        ("这家公司靠着多年的积累，如今已经转向互", "联网 3.0 的新业务当中。", "互联网 3.0"),
        ("水务站今年采购的雷达水位计总价一共是 1", "8.5万元，由县里承担。", "18.5万元"),
        ("水务站今年采购的雷达水位计总价一共是 18.", "5万元，由县里承担。", "18.5万元"),
        ("渔获总量比上一年同一时期增长了 12", "%，创下十年来的新高。", "12%"),
        ("仓库里存放的编织袋数量目前已达到 30", "万条，够两个乡镇使用。", "30万条"),
        ("工程师给每条船装了新的定位仪，型号为 BD-", "3N，误差不超过三米。", "BD-3N"),
        ("去年县里的外贸出口总额首次突破了 1,", "200万美元，主要是水产。", "1,200万美元"),
    ],
)
@pytest.mark.parametrize("file", [marked_file, wrapped_file])
def test_word_or_figure_cut_by_the_line_end_is_whole_again(file, first: str, second: str, whole: str):
    layout = plain(file(first, second + " "))
    assert whole in layout.text


@pytest.mark.parametrize("file", [marked_file, wrapped_file])
def test_latin_words_keep_exactly_one_space(file):
    layout = plain(file("渔业局今年新买来的设备叫做 Ocean", "Color Imager，用来看水色。 "))
    assert "Ocean Color Imager" in layout.text


def test_latin_word_cut_in_two_is_joined_when_it_stands_whole_elsewhere():
    text = marked_file(
        "渔业局的新系统名叫 OceanWatch，已经上线。 ", "各乡镇都可以登录 Ocean", "Watch 查看赤潮的位置。 "
    )
    assert text.count("OceanWatch") == 1
    assert plain(text).text.count("OceanWatch") == 2


def test_latin_comma_keeps_its_space_at_a_line_end():
    assert "Smith, John" in plain(marked_file("船厂的外国顾问名叫 Smith,", "John，在这里住了八年。 ")).text


# --- page furniture --------------------------------------------------------------------------------------------------


def test_page_number_inside_a_sentence_of_a_marked_file_is_removed_and_recorded():
    layout = plain(marked_file("乡镇的供水厂一共有七座，其中五座建在山", " ", "12 ", " ", "坡上，靠落差送水到户。 "))
    sentence = "乡镇的供水厂一共有七座，其中五座建在山坡上，靠落差送水到户。"
    assert sentence in layout.text.split("\n")
    assert layout.breaks == (layout.text.index("坡上，靠落差"),)


def test_page_numbers_inside_sentences_of_a_wrapped_file_are_removed_and_recorded():
    layout = plain(
        wrapped_file(
            "乡镇的供水厂一共有七座，其中五座建在山",
            "3",
            "坡上，靠落差送水到户，用不着水泵，一",
            "4",
            "年省下电费九万元，都补给了困难的农户。",
        )
    )
    assert "其中五座建在山坡上，靠落差送水到户，用不着水泵，一年省下电费九万元" in layout.text
    assert layout.breaks == (layout.text.index("坡上"), layout.text.index("年省下"))


def test_bare_numbers_that_do_not_count_upwards_are_no_page_numbers():
    layout = plain(
        wrapped_file(
            "乡镇的供水厂一共有七座，其中五座建在山",
            "9",
            "坡上，靠落差送水到户，用不着水泵，一",
            "4",
            "年省下电费九万元，都补给了困难的农户。",
        )
    )
    assert squeezed(layout.text) == squeezed(
        wrapped_file(
            "乡镇的供水厂一共有七座，其中五座建在山",
            "9",
            "坡上，靠落差送水到户，用不着水泵，一",
            "4",
            "年省下电费九万元，都补给了困难的农户。",
        )
    )


@pytest.mark.parametrize("mark", ["Page 41", "page 3 of 20", "第 7 页", "第7页 共12页", "- 8 -", "— 15 —"])
def test_line_that_says_it_is_a_page_is_removed(mark: str):
    layout = plain("\n\n".join([*FILLER[:3], mark, *FILLER[3:]]))
    assert layout.text.split("\n") == list(FILLER)


def test_running_heads_beside_page_numbers_are_removed_with_the_sentence_rejoined():
    head, foot = "海洋经济月报 ", "©2023 仅供会员阅读，转载请致电 010-0000-0000 "
    layout = plain(
        marked_file(
            *("养殖户今年改种耐寒的海带，收割期比往", " ", head, foot, " ", "Page 41 "),
            *("年提前了十一天，价格也略有上涨。 ", "加工厂的烘干线有三条，日夜不停地转，每", " ", head, foot, " "),
            *("Page 42 ", "天能处理鲜海带六十吨，晒场只作备用。 "),
        )
    )
    assert "收割期比往年提前了十一天" in layout.text
    assert "每天能处理鲜海带六十吨" in layout.text
    for furniture in ("海洋经济月报", "仅供会员", "Page"):
        assert furniture not in layout.text
    assert layout.breaks == (layout.text.index("年提前"), layout.text.index("天能处理"))


def test_repeated_table_head_at_page_tops_is_removed_once_the_first_stands():
    layout = plain(
        marked_file(
            *(
                "编号 港区 用途 ",
                "1 ",
                "南港 ",
                "停靠渔船，另设鱼市一处，每天凌晨三点开",
                "秤，六点收摊，卖不完的送去冷库。 ",
            ),
            *(
                " 编号 港区 用途 ",
                "2 ",
                "北港 ",
                "停靠货船，堆场可以存放集装箱四百个，夜",
                "里有六盏大灯照明，保安轮班巡逻。 ",
            ),
            *(" 编号 港区 用途 ", "3 ", "西港 ", "停靠游船，候船厅里有座位二百个，夏天开", "冷气，冬天开暖气。 "),
        )
    )
    assert layout.text.count("编号 港区 用途") == 1


def test_tail_of_a_paragraph_that_comes_back_is_no_running_head():
    paragraph = "镇政府把海堤的加固工程交给本地施工队来承建。"  # one character over the width of the page
    layout = plain(marked_file(*marked(*(f"{n}是{paragraph}" for n in "一二三"), width=22)))
    assert layout.text.count("建。") == 3


def test_slide_title_that_comes_back_beside_page_marks_is_kept():
    slides = [
        ("海带养殖", "海带苗在十月下海，次年五月收割，亩产干品一吨半左右。"),
        ("发展意义", "海带可以净化水质，还能给两百户渔民带来稳定的收入。"),
        ("发展意义", "加工成海带丝和海带酱之后，价钱是鲜品的四倍以上。"),
        ("销售渠道", "一半由供销社收购，另一半通过网络直播卖到内陆省份。"),
        ("下步打算", "明年新添两条烘干线，把晾晒的时间从三天减为半天。"),
    ]
    text = "\n\n".join(f"Page {i}\n\n{title}\n\n{body}" for i, (title, body) in enumerate(slides, start=1))
    assert plain(text).text.split("\n") == [line for slide in slides for line in slide]


def test_table_cell_that_comes_back_at_two_page_tops_is_kept():
    cells = ["南港 ", " 南港 ", "南港 ", " 南港 ", "南港 ", "南港 "]
    rows = [line for cell in cells for line in (cell, "停靠渔船，另设鱼市一处。 ")]
    assert plain(marked_file(*rows)).text.count("南港") == len(cells)


def test_indented_line_that_comes_back_is_kept_outside_marked_files():
    text = "\n".join([FILLER[0], "    经办人：赵晓彤", FILLER[1], "    经办人：赵晓彤", FILLER[2], "经办人：赵晓彤"])
    assert plain(text).text.count("经办人：赵晓彤") == 3


def test_table_row_number_stays_with_the_name_of_its_row():
    layout = plain(
        marked_file("序号 名称 内容 ", "3 ", "建设共性", "技术平台 ", "由科技局牵头，年内招标，明年六月投入使用。 ")
    )
    assert "3 建设共性技术平台" in layout.text.split("\n")


def test_gap_between_a_row_number_and_its_name_is_recorded_when_furniture_stood_there():
    layout = plain(
        marked_file(
            *("2 ", " ", "Page 7 ", " ", "养殖示范园区 ", "占地三百亩，由两个合作社共同经营，收入平分。 "),
            *("3 ", " ", "Page 8 ", " ", "冷链物流中心 ", "占地八十亩，可以存放水产品一万二千吨整。 "),
        )
    )
    for row in ("2 养殖示范园区", "3 冷链物流中心"):
        assert layout.text.index(row) + 2 in layout.breaks


def test_footnote_mark_under_a_line_goes_and_the_sentence_goes_on():
    text = "\n\n".join(marked(*FILLER[:3])) + "\n\n根据渔业协会公布的调查，本县海带产量居\n5\n，第二位是邻县。 \n\n"
    text += "\n\n".join(marked(*FILLER[3:]))
    layout = plain(text)
    assert layout.style is Style.MARKED
    assert "本县海带产量居，第二位是邻县。" in layout.text
    assert layout.breaks == (layout.text.index("，第二位"),)


def test_footnote_mark_at_a_paragraph_end_does_not_join_two_paragraphs():
    text = "\n\n".join(marked(*FILLER[:3])) + "\n\n本县海带产量排在全省第二位。\n5 \n\n邻县排在第一位，领先不多。 \n\n"
    text += "\n\n".join(marked(*FILLER[3:]))
    lines = plain(text).text.split("\n")
    assert "本县海带产量排在全省第二位。" in lines
    assert "邻县排在第一位，领先不多。" in lines


def test_line_of_spaces_under_a_footnote_mark_ends_the_paragraph():
    text = "\n\n".join(marked(*FILLER[:3])) + "\n\n表 2 各镇渔港一览\n4\n \n\n南港停靠渔船，北港停靠货船。 \n\n"
    text += "\n\n".join(marked(*FILLER[3:]))
    lines = plain(text).text.split("\n")
    assert "表 2 各镇渔港一览" in lines
    assert "南港停靠渔船，北港停靠货船。" in lines


@pytest.mark.parametrize("number", ["5", "5 "])
def test_footnote_number_stays_with_its_note(number: str):
    note = "数据来源:县渔业局年报。"
    assert f"5{note}" in plain(marked_file(number, note + " ")).text.split("\n")
    assert f"5{note}" in plain("\n".join([*FILLER[:3], number, note, *FILLER[3:]])).text.split("\n")


def test_number_on_the_last_line_is_no_footnote_mark():
    text = "\n".join([*FILLER, "全县养殖户总数（户）", "12"])
    assert plain(text).text.endswith("12")


def test_number_with_a_trailing_space_under_a_label_is_kept_in_files_of_whole_paragraphs():
    text = "\n\n".join(
        [*FILLER, "全县养殖户总数（户）\n12 ", "全县渔船总数（条）\n86 ", "以上数字截至年底，由统计站提供。"]
    )
    layout = plain(text)
    assert layout.style is Style.WHOLE
    assert squeezed(layout.text) == squeezed(text)


def test_number_right_under_a_removed_page_mark_does_not_crash():
    layout = plain("Page 1\n3 \n\n" + "\n\n".join(FILLER))
    assert layout.text.endswith("\n".join(FILLER))


# --- what must not be joined or changed ------------------------------------------------------------------------------


def test_bold_marks_are_kept():
    text = "\n\n".join([*FILLER, "今年要办好三件事，**第一件**是修堤，**第二件**是清淤。"])
    assert "**第一件**是修堤，**第二件**是清淤。" in plain(text).text


@pytest.mark.parametrize(
    "heading",
    ["一、防汛形势", "（二）物资储备", "3.责任分工", "（4）信息报送", "第五章 附则", "PART 02", "表 2 水库一览"],
)
@pytest.mark.parametrize("file", [marked_file, wrapped_file])
def test_heading_is_not_joined_to_prose(file, heading: str):
    layout = plain(
        file(heading + " " * (file is marked_file), "县水务站在河边设了雷达水位计三十二台，每", "五分钟传回一次数据。 ")
    )
    assert heading in layout.text.split("\n")


@pytest.mark.parametrize("heading", ["## 二、监测", "（一）近期安排", "2、加强巡查", "3.责任分工"])
def test_heading_or_item_without_a_blank_line_is_not_joined_to_prose_in_markdown(heading: str):
    lines = ["# 防汛预案", "", "为了防汛，制定本预案。", heading, "值班员每天两次查看水位。"]
    assert heading in repair("\n".join(lines), markdown=True).text.split("\n")


def test_numbered_items_without_blank_lines_stay_lines_of_their_own_in_markdown():
    items = ["1、值班员每天两次查看水位。", "2、水位超过警戒线就报告。", "第三条 本办法由水务站解释。"]
    assert repair("\n".join(items), markdown=True).text.split("\n") == items


def test_markdown_soft_wrap_is_joined_and_lists_and_tables_are_not():
    text = "\n".join(
        [
            *(
                "# 防汛预案",
                "",
                "值班员每天两次查看水位，",
                "超过警戒线就报告。",
                "",
                "- 甲村由赵大山负责",
                "- 乙村由钱小河负责",
                "1. 先报告",
            ),
            *("2. 后转移", "", "| 村 | 户数 |", "| --- | --- |", "| 甲村 | 86 |", "", "> 摘自会议记录"),
        ]
    )
    assert repair(text, markdown=True).text.split("\n") == [
        "# 防汛预案",
        "值班员每天两次查看水位，超过警戒线就报告。",
        "- 甲村由赵大山负责",
        "- 乙村由钱小河负责",
        "1. 先报告",
        "2. 后转移",
        "| 村 | 户数 |",
        "| --- | --- |",
        "| 甲村 | 86 |",
        "> 摘自会议记录",
    ]


def test_markdown_bold_paragraph_and_indented_list_text_are_joined_across_a_soft_wrap():
    text = (
        "**第一件**是修堤，从东闸一直修\n到西闸。\n\n- 清淤由水务站负责，在四月\n  底以前完成。\n- 巡查由各村负责。\n"
    )
    assert repair(text, markdown=True).text.split("\n") == [
        "**第一件**是修堤，从东闸一直修到西闸。",
        "- 清淤由水务站负责，在四月底以前完成。",
        "- 巡查由各村负责。",
    ]


def test_two_line_slide_title_is_joined_and_three_labels_are_not():
    text = "\n".join(
        [
            *("北屿县农业农村局 2023年6月，送县政府办公室", "", "海上牧场建设", "三年行动计划", ""),
            *("海上牧场今年投放人工鱼礁六千方，明年再投八千方，资金由省里承担。", "", "南湾村"),
            *("北湾村", "东湾村", "", "三个村各出一名联络员，每月十五日在镇上碰头，交换各自的看护记录。"),
        ]
    )
    lines = plain(text).text.split("\n")
    assert "海上牧场建设三年行动计划" in lines
    assert {"南湾村", "北湾村", "东湾村"} <= set(lines)


def test_tab_separated_rows_stay_lines_of_their_own():
    rows = ["线路\t起点\t终点", "7路\t火车站\t北山植物园", "16路\t南门市场\t体育中心"]
    text = "\n".join([FILLER[0], *rows, FILLER[1]])
    assert plain(text).text.split("\n") == [FILLER[0], *rows, FILLER[1]]
    assert plain(marked_file(*rows)).text.split("\n")[3:6] == rows


def test_list_items_of_a_wrapped_file_stay_lines_of_their_own():
    items = ["● 检查堤坝有没有渗水和裂缝，发现就要报", "告值班室。", "● 检查涵洞闸门能不能开关，锈住就要上油"]
    lines = plain(wrapped_file(*items)).text.split("\n")
    assert "● 检查堤坝有没有渗水和裂缝，发现就要报告值班室。" in lines
    assert any(line.startswith("● 检查涵洞") for line in lines)


def test_paragraph_indented_by_full_width_spaces_starts_a_line_after_a_full_one():
    text = wrapped_file(
        "养殖户今年改种耐寒的海带品种，收成很好。", "\u3000\u3000加工厂的烘干线有三条，日夜不停地转。", width=20
    )
    assert "加工厂的烘干线有三条，日夜不停地转。" in plain(text).text.split("\n")


def test_book_title_cut_by_the_line_end_is_whole_again():
    text = "\n\n".join([*FILLER, "《北屿海域养殖", "管理办法》", "由渔业局在三月发布，四月一日起施行。"])
    assert "《北屿海域养殖管理办法》" in plain(text).text.split("\n")


# --- line map --------------------------------------------------------------------------------------------------------


def assert_every_character_lies_in_its_line(layout: Layout, original: list[str]) -> None:
    """Each character that is not white space stands in the line that the map names, in the same order."""
    used: dict[int, str] = {}
    for offset, char in enumerate(layout.text):
        if not char.isspace():
            line = layout.line_map.line_at(offset)
            used[line] = used.get(line, "") + char
    for line, characters in used.items():
        assert characters == squeezed(original[line - 1])
    assert list(used) == sorted(used)


def test_line_map_points_every_character_at_its_own_line():
    text = marked_file(
        *(
            "养殖户今年改种耐寒的海带，收割期比往",
            " ",
            "12 ",
            " ",
            "年提前了十一天。 ",
            "一、海带 ",
            "3 ",
            "共性技术",
            "平台 ",
        ),
    )
    layout = plain(text)
    assert layout.breaks
    assert_every_character_lies_in_its_line(layout, text.split("\n"))


@pytest.mark.parametrize("first_line", [1, 9])
def test_line_map_counts_from_the_first_line_given(first_line: int):
    layout = repair("# 题目\n\n正文在这里。\n", markdown=True, first_line=first_line)
    assert layout.line_map.line_at(layout.text.index("正文")) == first_line + 2


# --- properties ------------------------------------------------------------------------------------------------------

SOUP = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(
                    "",
                    "",
                    " ",
                    "\u3000",
                    "7",
                    "12 ",
                    "Page 3",
                    "- 4 -",
                    "第 5 页",
                    "①",
                    "海洋经济月报 ",
                    " 海洋经济月报 ",
                    "一、形势",
                    "（二）安排 ",
                ),
                *(
                    "3.分工",
                    "● 查水位",
                    "- 甲村",
                    "| 甲 | 乙 |",
                    "甲\t乙",
                    "## 小题",
                    "《养殖",
                    "办法》",
                    "数据来源：年报",
                    "GPT-",
                    "4.76",
                    "Ocean",
                ),
                *(
                    "Watch 好",
                    "**要点**",
                    "——完",
                    FULL,
                    FULL + " ",
                    FULL[:17] + "。",
                    FULL[:12] + "。 ",
                    " " + FULL[:20],
                    "\u3000\u3000" + FULL,
                ),
            ]
        ),
        st.text("渔船出海。，；： 1a.", max_size=40),
    ),
    max_size=60,
)


@given(SOUP, st.booleans())
def test_repair_never_adds_or_reorders_a_character(lines: list[str], markdown: bool):
    original = "\n".join(lines)
    layout = repair(original, markdown=markdown)
    assert is_subsequence(squeezed(layout.text), squeezed(original))
    if markdown:
        assert squeezed(layout.text) == squeezed(original)


@given(SOUP, st.booleans())
def test_line_map_and_breaks_hold_for_any_lines(lines: list[str], markdown: bool):
    layout = repair("\n".join(lines), markdown=markdown)
    assert_every_character_lies_in_its_line(layout, lines)
    assert list(layout.breaks) == sorted(set(layout.breaks))
    for offset in layout.breaks:
        assert 0 < offset < len(layout.text)
        assert layout.text[offset - 1] != "\n", "a break is inside a paragraph"


@given(SOUP, st.booleans())
def test_text_between_breaks_stands_in_the_original_without_a_gap(lines: list[str], markdown: bool):
    """What `Document.unbroken` promises to a quote inside one paragraph."""
    original = squeezed("\n".join(lines))
    layout = repair("\n".join(lines), markdown=markdown)
    cuts = [0, *layout.breaks, *(i for i, char in enumerate(layout.text) if char == "\n"), len(layout.text)]
    cuts.sort()
    for start, end in pairwise(cuts):
        assert squeezed(layout.text[start:end]) in original


# Words without a sign of furniture: no bare numbers, no page marks, no line twice.
PROSE = st.lists(
    st.text(
        "渔船出海捕鱼养殖场晒盐田灯塔码头仓库风浪潮汐帆网，。；：（）《》一二三第章、 abXY%.-", min_size=1, max_size=60
    ),
    min_size=1,
    max_size=40,
).map(lambda rows: [f"{chr(0x5000 + i)}{row}" for i, row in enumerate(rows)])


@given(PROSE, st.sampled_from(["\n", "\n\n", " \n\n", "\n \n"]), st.booleans())
def test_nothing_but_white_space_changes_where_there_is_no_furniture(rows: list[str], end: str, markdown: bool):
    original = end.join(rows)
    assert squeezed(repair(original, markdown=markdown).text) == squeezed(original)


@given(PROSE, st.booleans())
def test_canonical_text_has_no_empty_line_and_no_space_at_line_ends(rows: list[str], markdown: bool):
    text = repair("\n".join(rows), markdown=markdown).text
    assert not re.search(r"\n\n|^\s|\s\n|\n\s|\s$", text)


@given(st.lists(st.sampled_from(FILLER), min_size=5, max_size=6, unique=True), st.integers(14, 30))
def test_marked_paragraphs_come_back_whole_at_any_page_width(paragraphs: list[str], width: int):
    assert plain("\n\n".join(marked(*paragraphs, width=width)) + "\n").text.split("\n") == paragraphs
