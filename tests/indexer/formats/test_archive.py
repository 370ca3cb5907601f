"""ZIP archives made here, unpacked within limits."""

import contextlib
import io
import struct
import zipfile
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import InputError
from indexer.formats.archive import Member, members


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def with_raw_name(name: bytes, data: bytes = b"x") -> bytes:
    """An archive whose single member has these bytes for a name and no mark of UTF-8, as Chinese Windows packs."""
    place = b"N" * len(name)
    return packed({place.decode(): data}).replace(place, name)


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.text("渔船港ab1 ", min_size=1, max_size=6).map(lambda s: f"{s.strip()}x.txt"),
        st.binary(max_size=200),
        min_size=1,
    ),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
)
def test_every_file_comes_out_once_and_in_order(files: dict[str, bytes], method: int):
    assert list(members(packed(files, method))) == [Member(name, data) for name, data in files.items()]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_names_without_a_mark_are_read_as_utf8_or_gb18030(encoding: str):
    (member,) = members(with_raw_name("休渔/通知𠮷.txt".encode(encoding)))
    assert member.name == "休渔/通知𠮷.txt"


def test_a_name_with_the_mark_of_utf8_is_not_guessed_at():
    # In the encoding of unmarked names these two letters are the bytes of one Chinese character.
    (member,) = members(packed({"ßÇ.txt": b"x"}))
    assert member.name == "ßÇ.txt"


def test_a_name_in_an_extra_field_of_its_own_wins():
    name = "休渔通知.txt".encode()
    info = zipfile.ZipInfo("a.txt")
    info.extra = struct.pack("<HHBL", 0x7075, len(name) + 5, 1, 0) + name
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, b"x")
    (member,) = members(file.getvalue())
    assert member.name == "休渔通知.txt"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/甲.txt", "abs/甲.txt"),
        ("C:\\甲\\..\\乙.txt", "甲/乙.txt"),
        ("甲/./乙.txt", "甲/乙.txt"),
        ("甲\u202egnp.txt", "甲gnp.txt"),
        ("e\u0301.txt", "é.txt"),
    ],
)
def test_names_are_labels_that_lead_nowhere_else(name: str, label: str):
    assert [member.name for member in members(packed({name: b"x"}))] == [label]


def test_folders_and_files_of_systems_are_passed_over():
    files = {
        "甲/": b"",
        "甲/乙.txt": b"x",
        "__MACOSX/甲/._乙.txt": b"y",
        "甲/.DS_Store": b"y",
        "Thumbs.db": b"y",
        "~$丙.docx": b"y",
    }
    assert [member.name for member in members(packed(files))] == ["甲/乙.txt"]


def test_archives_inside_are_unpacked_to_a_depth_and_the_deeper_one_is_told():
    data = packed({"底.txt": b"x"})
    for depth in range(4):
        data = packed({f"{depth}.txt": b"y", f"里{depth}.zip": data})
    found = list(members(data))
    assert [member.name for member in found] == [
        "3.txt",
        "里3.zip/2.txt",
        "里3.zip/里2.zip/1.txt",
        "里3.zip/里2.zip/里1.zip",
    ]
    assert [bool(member.problem) for member in found] == [False, False, False, True]
    assert "unpack it" in found[-1].problem


def test_office_files_are_members_not_archives():
    inner = packed({"word/document.xml": b"x"})
    assert list(members(packed({"甲.docx": inner}))) == [Member("甲.docx", inner)]


def test_a_damaged_or_encrypted_member_is_told_and_the_others_are_read():
    data = bytearray(packed({"坏.txt": b"abcdefgh", "好.txt": b"good", "密.txt": b"secret"}, zipfile.ZIP_STORED))
    data[data.index(b"abcdefgh")] ^= 1
    listing = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1) + 1)
    data[listing + 8] |= 1
    bad, good, secret = members(bytes(data))
    assert good == Member("好.txt", b"good")
    assert "damaged" in bad.problem
    assert "password" in secret.problem


def test_an_unknown_compression_and_a_damaged_inner_archive_are_told():
    data = bytearray(packed({"甲.txt": b"x", "乙.zip": b"no archive"}, zipfile.ZIP_STORED))
    listing = data.index(b"PK\x01\x02")
    data[listing + 10 : listing + 12] = struct.pack("<H", 9)
    first, second = members(bytes(data))
    assert "method 9" in first.problem
    assert "damaged" in second.problem


def test_a_bomb_is_told_without_being_unpacked():
    (bomb,) = members(packed({"甲.txt": b"\0" * 20_000_000}))
    assert bomb.data == b""
    assert "times its size" in bomb.problem


def test_too_much_together_is_refused():
    block = packed({f"{i}": b"\0" * 9_000_000 for i in range(11)})
    found = members(packed({f"{i}.zip": block for i in range(11)}))
    with pytest.raises(InputError, match="1000 MB"):
        deque(found, maxlen=0)


def test_too_many_members_are_refused_wherever_they_lie():
    inner = packed({f"{i}.txt": b"" for i in range(2_000)}, zipfile.ZIP_STORED)
    with pytest.raises(InputError, match="more than 5000 files"):
        list(members(packed({f"{i}.zip": inner for i in range(3)})))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (packed({}), "no files"),
        (packed({"甲/": b""}), "no files"),
        (b"Rar!\x1a\x07\x00", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"PK\x03\x04 and nothing", "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(data: bytes, words: str):
    with pytest.raises(InputError, match=words):
        list(members(data))


SOUND = packed({"甲.txt": b"abc" * 50, "乙/丙.txt": b"def", "丁.zip": packed({"戊.txt": b"ghi"})})


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_raise_nothing_but_input_errors(data: st.DataObject):
    file = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 10))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        for member in members(bytes(file)):
            assert not member.name.startswith("/")
