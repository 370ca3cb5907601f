"""The reader's vocabulary."""

import numpy as np

from service.reader import PAD, SPECIAL_TOKENS, UNK
from tests.training.conftest import SENTENCES, Tiny
from training.tokenizer import LINE_END, rarity_levels


def test_characters_and_digits_stand_alone_and_latin_words_hold_together(tiny: Tiny) -> None:
    tokens = tiny.tokenizer.encode("投资2.8亿元，Cloud平台").tokens
    assert tokens[:6] == ["投", "资", "2", ".", "8", "亿"]
    assert tokens[-2:] == ["平", "台"]
    assert "".join(token.removeprefix("##") for token in tokens[8:-2]) == "cloud"


def test_the_end_of_a_line_is_a_token_and_full_width_digits_are_digits(tiny: Tiny) -> None:
    assert tiny.tokenizer.encode("目标\n二、").tokens == ["目", "标", LINE_END, "二", "、"]
    assert tiny.tokenizer.encode("２０２５年").ids == tiny.tokenizer.encode("2025年").ids


def test_offsets_are_code_points_of_the_text_as_given(tiny: Tiny) -> None:
    text = "𠮷\u3000公园，Ｃloud\n２.8亿"
    encoding = tiny.tokenizer.encode(text)
    found = [(token, text[a:b]) for token, (a, b) in zip(encoding.tokens, encoding.offsets, strict=True)]
    assert ("公", "公") in found
    assert (LINE_END, "\n") in found
    assert ("2", "２") in found
    assert found[0] == (UNK, "𠮷")


def test_special_tokens_come_first_and_padding_is_zero(tiny: Tiny) -> None:
    assert [tiny.tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == list(range(len(SPECIAL_TOKENS)))
    assert tiny.tokenizer.token_to_id(PAD) == 0
    assert tiny.tokenizer.get_vocab_size() <= 400
    assert all(tiny.tokenizer.token_to_id(UNK) not in tiny.tokenizer.encode(text).ids for text in SENTENCES)


def test_the_commonest_tokens_have_the_lowest_rarity() -> None:
    rows = [[5] * 50 + [6] * 25 + [7] * 15 + [8] * 9 + [9]]
    levels = rarity_levels(rows, 12)
    assert levels[5] == 0
    assert np.all(np.diff(levels[5:10]) >= 0)
    assert levels[9] == levels[11] == 3
