"""Every encoding that Chinese text files come in, and refusal of what is not text."""

import codecs
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.decoding import decode
from indexer.errors import InputError

SIMPLIFIED = "北屿县渔业局今年七月起发放休渔补贴，每条船八百元，船主凭证书到镇上领取。"
TRADITIONAL = "澎湖縣漁會從七月起發放休漁補貼，每艘船八百元，船東憑證書向鄉公所領取，逾期視同放棄。"
# 𠮷 and 㙍 need four bytes each in GB 18030.
RARE = "住户登记表：𠮷田、㙍口两处渔村，共有船工一百二十六人，都已经办理了养老保险和医疗保险。"

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (SIMPLIFIED.encode("utf-8"), "utf-8"),
        (SIMPLIFIED.encode("utf-8-sig"), "utf-8-sig"),
        (codecs.BOM_UTF16_LE + SIMPLIFIED.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + SIMPLIFIED.encode("utf-16-be"), "utf-16"),
        (codecs.BOM_UTF32_LE + SIMPLIFIED.encode("utf-32-le"), "utf-32"),
        (codecs.BOM_UTF32_BE + SIMPLIFIED.encode("utf-32-be"), "utf-32"),
        (SIMPLIFIED.encode("gb18030"), "gb18030"),
        (SIMPLIFIED.encode("gb2312"), "gb18030"),
    ],
)
def test_simplified_text_is_read_in_every_encoding_of_the_ladder(data: bytes, encoding: str):
    decoded = decode(data, "a.txt")
    assert decoded.text == SIMPLIFIED
    assert decoded.encoding == encoding


def test_four_byte_characters_of_gb18030_survive():
    decoded = decode(RARE.encode("gb18030"), "a.txt")
    assert decoded.text == RARE
    assert decoded.encoding == "gb18030"


def test_big5_is_not_taken_for_gb18030():
    data = TRADITIONAL.encode("big5")
    data.decode("gb18030", errors="strict")  # the trap: these bytes are valid there too, as other characters
    decoded = decode(data, "a.txt")
    assert decoded.text == TRADITIONAL
    assert decoded.encoding == "big5"


def test_traditional_text_in_gb18030_is_not_taken_for_big5():
    assert decode(TRADITIONAL.encode("gb18030"), "a.txt").text == TRADITIONAL


def test_ascii_is_utf8():
    assert decode(b"Fishing season: 12 June", "a.txt").encoding == "utf-8"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_become_one_kind(end: str):
    assert decode(f"第一行{end}第二行{end}".encode(), "a.txt").text == "第一行\n第二行\n"


def test_form_feed_and_line_separator_are_no_line_ends():
    assert decode("上\x0c中\u2028下".encode(), "a.txt").text == "上\x0c中\u2028下"


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 8,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x06",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\x00\xff\xfe\x80",
        "渔业".encode("utf-16-le") + b"\x00\x00" + "a".encode("utf-16-le"),
        "渔船".encode() + b"\x00" + "出海".encode(),
    ],
)
def test_binary_is_refused_with_the_file_named(data: bytes):
    with pytest.raises(InputError, match=r"data/scan\.txt"):
        decode(data, "data/scan.txt")


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF32_BE])
def test_bytes_that_break_the_promise_of_their_mark_are_refused(mark: bytes):
    with pytest.raises(InputError, match=r"a\.txt starts with a mark"):
        decode(mark + b"\xff\xd8\xff", "a.txt")


def test_empty_file_is_empty_text():
    assert decode(b"", "a.txt").text == ""


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")))
def test_any_text_survives_utf8(text: str):
    # A leading U+FEFF is the mark itself.
    assert decode(text.encode(), "a.txt").text == text.removeprefix("\ufeff")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), min_size=1))
def test_any_text_survives_utf16_with_a_mark(text: str):
    assert decode(codecs.BOM_UTF16_LE + text.encode("utf-16-le"), "a.txt").text == text


@given(st.text(HAN, min_size=1))
def test_any_common_characters_survive_gb18030_or_are_valid_utf8(text: str):
    data = text.encode("gb18030")
    try:
        expected = data.decode("utf-8")
    except UnicodeDecodeError:
        expected = text
    assert decode(data, "a.txt").text == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_an_input_error(data: bytes):
    with suppress(InputError):
        assert "\0" not in decode(data, "a.txt").text
