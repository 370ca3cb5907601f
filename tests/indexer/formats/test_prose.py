"""Text as the formats hold it → lines as a reader sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.formats.prose import clean, joined, paragraphs, usable_title


@given(st.text())
def test_clean_text_is_one_line_and_stays_as_it_is(text: str):
    once = clean(text)
    assert clean(once) == once
    assert len(once.splitlines()) <= 1
    assert "\t" not in once


@given(st.text())
def test_cleaning_loses_nothing_that_can_be_seen(text: str):
    visible = [char for char in text if char.isalnum()]
    assert [char for char in clean(text) if char.isalnum()] == visible


def test_full_width_spaces_stay_inside_and_go_at_the_ends():
    assert clean("\u3000\u3000第一条\u3000为了规范\xa0 管理\u200b\u3000") == "第一条\u3000为了规范 管理"


def test_lines_broken_for_looks_are_joined_with_a_space_between_latin_words_only():
    assert joined(["关于印发", "", "管理办法的通知"]) == "关于印发管理办法的通知"
    assert joined(["Smart", "City 建设", "指南"]) == "Smart City 建设指南"


def test_soft_line_ends_end_paragraphs_in_prose_and_not_in_titles():
    assert paragraphs("海屿市人民政府\n关于休渔的通知", is_title=True) == ["海屿市人民政府关于休渔的通知"]
    assert paragraphs("联系人：陈某\n电话：1234", is_title=False) == ["联系人：陈某", "电话：1234"]
    assert paragraphs("渔船、\n渔港和渔市，\n都归镇里管。", is_title=False) == ["渔船、渔港和渔市，都归镇里管。"]


def test_centred_prose_is_not_run_together():
    lines = ["第一段讲渔船。", "第二段讲渔港。"]
    assert paragraphs("\n".join(lines), is_title=True) == lines


@pytest.mark.parametrize(
    "title",
    [
        "",
        "Microsoft Word - 通知.doc",
        "文档1",
        "PowerPoint 演示文稿",
        "新建 Microsoft Word 文档",
        "通知.docx",
        "无标题",
        "20230101",
    ],
)
def test_words_of_programs_are_no_titles(title: str):
    assert usable_title(title) == ""


def test_a_real_title_is_kept():
    assert usable_title(" 海屿市休渔管理办法 ") == "海屿市休渔管理办法"
