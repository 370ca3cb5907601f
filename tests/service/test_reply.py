"""A reply is read the same however it arrives; marks of every kind are found, and nothing unfinished gets through."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.reply import ReplyReader, ReplySentence

REPLY = """\
<think>先看资料[9]。应当引用[8]。
还要想想。</think>好的，回答如下：

## 结论
总投资2.8亿元[1]。由城建集团负责施工。[2][3] “年内完工！”[资料4]
- **绿化**46.5公顷【1】
2. 栈道6公里［2］；灯塔一座〔3〕。
3）面积13.0公顷（1）。
《海洋是什么？》一书称（见第二章。）免费开放[1, 2]。
依据云政〔12〕号文件[1-3]。
没有说完的一句[1"""


def read(*pieces: str) -> tuple[list[ReplySentence], bool]:
    """The complete sentences, and whether an incomplete one is left."""
    reader = ReplyReader()
    sentences = [sentence for piece in pieces for sentence in reader.feed(piece)]
    last, cut = reader.finish()
    return sentences + last, cut is not None


EXPECTED = [
    ReplySentence("好的，回答如下：", ()),
    ReplySentence("结论", ()),
    ReplySentence("总投资2.8亿元。", (1,)),
    ReplySentence("由城建集团负责施工。", (2, 3)),
    ReplySentence("“年内完工！”", (4,)),
    ReplySentence("绿化46.5公顷", (1,)),
    ReplySentence("栈道6公里；灯塔一座。", (2, 3)),
    ReplySentence("面积13.0公顷。", (1,)),
    ReplySentence("《海洋是什么？》一书称（见第二章。）免费开放。", (1, 2)),
    ReplySentence("依据云政〔12〕号文件。", (1, 2, 3)),
]


def test_mark_or_sentence_is_read_wrongly() -> None:
    assert read(REPLY) == (EXPECTED, True)


@given(st.sets(st.integers(1, len(REPLY) - 1)))
def test_reply_in_other_pieces_is_another_reply(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(REPLY)]
    assert read(*(REPLY[a:b] for a, b in itertools.pairwise(edges))) == (EXPECTED, True)


@given(st.text(alphabet="甲乙。！？[]【】（）(1)2,- \n<>think/《》”", max_size=60), st.data())
def test_arbitrary_reply_depends_on_its_pieces(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    once, twice = read(text), read(text[:cut], text[cut:])
    if "think" not in text:  # a thought that ends without having begun cannot take back what was read before
        assert once == twice
    assert all("\n" not in sentence.text for sentence in once[0])


def test_sentence_is_held_back_after_something_stands_behind_it() -> None:
    reader = ReplyReader()
    assert reader.feed("甲是乙。[1") == []
    assert reader.feed("]丙") == [ReplySentence("甲是乙。", (1,))]


@pytest.mark.parametrize(
    "text", ["甲是乙[1]", "甲是乙。", "甲是乙（1）", "甲是“乙。”[1]  ", "甲是乙[1]\n", "甲是乙。[1"]
)
def test_complete_last_sentence_is_dropped(text: str) -> None:
    assert [sentence.text.rstrip("。[1") for sentence in read(text)[0]] in (["甲是乙"], ["甲是“乙。”"])


@pytest.mark.parametrize("text", ["甲是", "甲是乙。丙是", "甲是[1]，乙是", "第一\n- 第二"])
def test_unfinished_last_sentence_gets_through(text: str) -> None:
    sentences, is_cut = read(text)
    assert is_cut
    assert not any(sentence.text.endswith(("是", "第二")) for sentence in sentences)


@pytest.mark.parametrize(
    "text",
    [
        "<think>甲是乙[1]。",
        "<think>甲是乙[1]。\n\n",
        "甲是乙[1]</think>",
        "<thinking>甲[1]。</thinking>",
        "",
        "。！",
        "```\n---\n",
    ],
)
def test_thought_or_noise_is_a_sentence(text: str) -> None:
    assert read(text) == ([], False)


def test_text_without_an_end_runs_on_for_ever() -> None:
    reader = ReplyReader()
    reader.feed("的" * 500)
    assert not reader.is_runaway
    reader.feed("的" * 500)
    assert reader.is_runaway
    thinker = ReplyReader()
    thinker.feed("<think>" + "想" * 5000)
    assert not thinker.is_runaway, "thinking takes its time"
    assert thinker.feed("好</thi") == []
    assert thinker.feed("nk>甲是乙[1]。\n") == [ReplySentence("甲是乙。", (1,))]


@pytest.mark.parametrize(
    "text", ["《规划〔2022〕3号》甲[1]。", "占（2022）年[1]。", "见[2022]年[1]。", "约1.5亿元[1]。"]
)
def test_year_or_figure_in_brackets_is_a_mark(text: str) -> None:
    shown = text.replace("[1]", "").replace("[2022]", "［2022］")  # as it stands it would read as a marker of ours
    assert read(text) == ([ReplySentence(shown, (1,))], False)
