"""The numbers that Word prints, against a counter of another make: it keeps a path of numbers, not counters by level."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.formats.numbering import Numbering

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def level(number: int, text: str, form: str = "decimal", start: int = 1, extra: str = "") -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{extra}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbering(abstract: str, nums: str = '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>') -> Numbering:
    root = f'<w:numbering {_W}><w:abstractNum w:abstractNumId="0">{abstract}</w:abstractNum>{nums}</w:numbering>'
    return Numbering(ET.fromstring(root))


DOTTED = "".join(level(i, ".".join(f"%{k + 1}" for k in range(i + 1))) for i in range(4))


@given(st.lists(st.integers(0, 3), max_size=40))
def test_dotted_numbers_are_those_of_a_path_that_grows_and_shrinks(levels: list[int]):
    numbers = numbering(DOTTED)
    path: list[int] = []
    started = [False] * 4
    for depth in levels:
        # A level that was jumped over shows its start and has not been counted itself.
        value = path[depth] + 1 if len(path) > depth and started[depth] else 1
        path = [*(path + [1] * 4)[:depth], value]
        started = [*started[:depth], True, *[False] * (3 - depth)]
        assert numbers.label("1", depth) == ".".join(map(str, path)) + " "


def test_official_levels_print_chinese_numbers_without_a_space_behind_them():
    numbers = numbering(
        level(0, "%1、", "chineseCounting")
        + level(1, "（%2）", "chineseCounting")
        + level(2, "%3.")
        + level(3, "（%4）")
        + level(4, "%5", "decimalEnclosedCircleChinese")
    )
    labels = [numbers.label("1", i) for i in (0, 1, 1, 2, 3, 3, 4, 0, 1, 2)]
    assert labels == ["一、", "（一）", "（二）", "1. ", "（1）", "（2）", "① ", "二、", "（一）", "1. "]


def test_chapters_and_articles_that_go_on_through_chapters():
    # 第N条 goes on counting from chapter to chapter: level 2 never restarts.
    numbers = numbering(
        level(0, "第%1章", "chineseCounting")
        + level(1, "第%2条", "chineseCountingThousand", extra='<w:lvlRestart w:val="0"/>')
    )
    assert [numbers.label("1", i) for i in (0, 1, 1, 0, 1)] == ["第一章 ", "第一条 ", "第二条 ", "第二章 ", "第三条 "]


def test_a_level_restarts_only_behind_the_level_that_it_names():
    numbers = numbering(level(0, "%1") + level(1, "%2") + level(2, "%3", extra='<w:lvlRestart w:val="1"/>'))
    assert [numbers.label("1", i) for i in (0, 1, 2, 1, 2, 0, 2)] == ["1 ", "1 ", "1 ", "2 ", "2 ", "2 ", "1 "]


def test_lists_of_one_abstract_list_go_on_and_one_with_its_own_start_restarts():
    nums = (
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/>'
        "</w:lvlOverride></w:num>"
    )
    numbers = numbering(level(0, "%1."), nums)
    assert [numbers.label(name, 0) for name in ("1", "1", "2", "3", "3", "2")] == [f"{n}. " for n in (1, 2, 3, 5, 6, 7)]


def test_a_level_can_be_written_anew_for_one_list():
    nums = (
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/>'
        f'<w:lvlOverride w:ilvl="0">{level(0, "%1)", "upperLetter", 3)}</w:lvlOverride></w:num>'
    )
    numbers = numbering(level(0, "%1."), nums)
    assert numbers.label("2", 0) == "C) "
    assert numbers.label("1", 0) == "4. "


def test_legal_numbering_is_arabic_throughout_and_bullets_inside_a_number_print_nothing():
    numbers = numbering(
        level(0, "第%1章", "chineseCounting")
        + level(1, "%1.%2", extra="<w:isLgl/>")
        + level(2, "-", "bullet")
        + level(3, "%1.%2.%3%4", extra="<w:isLgl/>")
    )
    assert [numbers.label("1", i) for i in (0, 0, 1, 3)] == ["第一章 ", "第二章 ", "2.1 ", "2.1.1 "]


@pytest.mark.parametrize(("text", "mark"), [("\uf0b7", "• "), ("o", "• "), ("■", "■ "), ("", "• "), ("–", "– ")])
def test_signs_of_symbol_fonts_become_a_bullet_and_real_ones_stay(text: str, mark: str):
    assert numbering(level(0, text, "bullet")).label("1", 0) == mark


def test_a_list_that_only_names_a_style_is_found_under_it():
    root = ET.fromstring(
        f'<w:numbering {_W}><w:abstractNum w:abstractNumId="0"><w:numStyleLink w:val="S"/></w:abstractNum>'
        f'<w:abstractNum w:abstractNumId="1"><w:styleLink w:val="S"/>{level(0, "%1)")}</w:abstractNum>'
        '<w:num w:numId="7"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    assert Numbering(root).label("7", 0) == "1) "


def test_a_custom_form_falls_back_on_the_ordinary_one():
    custom = (
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><mc:AlternateContent '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice Requires="w14">'
        '<w:numFmt w:val="custom" w:format="001, 002, 003, ..."/></mc:Choice><mc:Fallback><w:numFmt w:val="decimal"/>'
        '</mc:Fallback></mc:AlternateContent><w:lvlText w:val="%1"/></w:lvl>'
    )
    assert numbering(custom).label("1", 0) == "1 "


def test_suffixes_and_unknown_lists_and_levels():
    numbers = numbering(level(0, "第%1条", "chineseCounting", extra='<w:suff w:val="nothing"/>'))
    assert numbers.label("1", 0) == "第一条"
    assert numbers.label("1", 5) == ""
    assert numbers.label("9", 0) == ""
    assert Numbering(None).label("1", 0) == ""
