"""Folding: spellings that mean the same are equal, figures that differ stay different."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text import fold, squeeze

# What the sources are made of; joined at random to look for orders in which a second fold would still change something.
PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "渔业",
                "漁業發展",
                "乾坤",
                "著名",
                "后宫",
                "後臺",
                "台灣",
                "了瞭解",
                "２０２３年",
                "2O23年",
                "2OO5年",
                "1O月",
                "ＡＩ",
                "Ａ",
                "ﬁ",
                "ß",
                "İ",
            ),
            *(
                " ",
                "\u3000",
                "\n",
                "\t",
                "\u200b",
                "\ufeff",
                "\u00ad",
                "**",
                "＊＊",
                "*",
                "<b>",
                "</b>",
                "<br>",
                "＜",
                "＞",
            ),
            *(
                "—",
                "－",
                "～",
                "-",
                "–",
                "，",
                "。",
                "（",
                "）",
                "(",
                "5G",
                "GPT-4",
                "30%",
                "３０％",
                "4.76",
                "㎡",
                "①",
                "Ⅲ",
                "é",
                "e\u0301",
                "々",
                "𠮷",
            ),
        ]
    ),
    max_size=25,
).map("".join)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＩ＋渔业，３０％", "AI+渔业,30%"),
        ("OceanWatch", "oceanwatch"),
        ("漁業發展與養殖", "渔业发展与养殖"),
        ("互联网 3.0 产业", "互联网3.0产业"),
        ("渔 业 局", "渔业局"),
        ("2O23年", "2023年"),
        ("2OO5 年", "2005年"),
        ("202O 年", "2020年"),
        ("１Ｏ月2O日", "1o月2o日"),  # an O is a zero between digits or before 年 only
        ("2022—2025年", "2022-2025年"),
        ("2022～2025年", "2022－2025年"),
        ("2022——2025年", "2022-2025年"),
        ("**重点**任务", "重点任务"),
        ("＊＊重点＊＊任务", "重点任务"),
        ("重点<br>任务", "重点任务"),
        ("渔\u200b业\ufeff局\u00ad", "渔业局"),
        ("10万㎡", "10万m2"),
        ("渔业\n局", "渔业局"),
    ],
)
def test_spellings_of_the_same_words_fold_alike(one: str, other: str):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("4.76", "476"), ("Ocean Watch", "OceanWatch"), ("30%", "30"), ("H2O", "h20"), ("1 000", "1000"), ("3-5", "35")],
)
def test_different_figures_and_words_stay_different(one: str, other: str):
    assert fold(one) != fold(other)


@pytest.mark.parametrize("text", ["＜Web3白皮书＞", "<AI渔业>", "＜A类＞企业"])
def test_title_in_angle_brackets_is_not_taken_for_a_tag(text: str):
    assert len(fold(text)) == len(text)


def test_latin_words_keep_their_space():
    assert fold("Ocean  Color 图像") == "ocean  color图像"


@given(PIECES)
def test_fold_is_idempotent(text: str):
    assert fold(fold(text)) == fold(text)


@given(PIECES)
def test_squeeze_is_idempotent_and_does_not_care_whether_the_text_was_folded(text: str):
    assert squeeze(squeeze(text)) == squeeze(text)
    assert squeeze(fold(text)) == squeeze(text)


@given(PIECES, PIECES)
def test_white_space_next_to_a_chinese_character_never_matters(left: str, right: str):
    assert fold(f"{left}渔 \n业{right}") == fold(f"{left}渔业{right}")


def test_squeeze_drops_punctuation_but_not_what_changes_a_figure():
    assert squeeze("共 4.76 万个，占 30%；C# 与 C++、1/3（约）_。") == "共4.76万个占30%c#与c++1/3约"
