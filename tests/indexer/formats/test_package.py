"""Office files as packages of parts: names, relations, limits and refusals that no reader of one format tests."""

import io
import zipfile

import pytest

from indexer.errors import InputError
from indexer.formats.package import Package, integer, is_on, parse_xml, streamed_xml

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def package(**parts: str) -> Package:
    listing = f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="x/officeDocument" Target="/Main/doc.xml"/></Relationships>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"_rels/.rels": listing, "main/Doc.xml": "<a/>", **parts}.items():
            archive.writestr(name, content)
    return Package(file.getvalue(), ".docx")


def test_parts_are_found_whatever_the_case_and_the_slashes_of_their_names():
    found = package(**{"main\\other.xml": "<b/>"})
    assert found.xml(found.main).tag == "a"
    assert found.xml("Main/Other.xml").tag == "b"


def test_relations_are_resolved_against_the_folder_of_their_part():
    listing = (
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="a" Type="x/image" Target="../media/1.png"/>'
        '<Relationship Id="b" Type="x/hyperlink" Target="http://example.cn/../y" TargetMode="External"/>'
        '<Relationship Id="c" Type="x/notes" Target="../../../etc/passwd"/></Relationships>'
    )
    found = package(**{"main/_rels/Doc.xml.rels": listing}).relations("main/Doc.xml")
    assert [(found[key].kind, found[key].target) for key in "abc"] == [
        ("image", "media/1.png"),
        ("hyperlink", "http://example.cn/../y"),
        ("notes", "etc/passwd"),
    ]


def test_the_parts_together_have_a_limit_too():
    found = package(**{"part": " " * 50_000_000})
    for _ in range(5):
        found.open("part").close()
    with pytest.raises(InputError, match="split the file"):
        found.open("part")


def test_a_missing_part_and_too_many_parts_are_refused():
    with pytest.raises(InputError, match="lacks its part"):
        package().xml("word/none.xml")
    with pytest.raises(InputError, match="more than 20000"):
        package(**{f"p{i}": "" for i in range(20_001)})


@pytest.mark.parametrize(
    "doctype", ['<!DOCTYPE a [<!ENTITY b "c">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">', "<!DOCTYPE a>"]
)
def test_document_types_are_refused_whole_and_streamed(doctype: str):
    data = f"{doctype}<a>x</a>".encode("utf-16")
    with pytest.raises(InputError, match="document type"):
        parse_xml(data, "part")
    with pytest.raises(InputError, match="document type"):
        list(streamed_xml(io.BytesIO(data), "part"))


@pytest.mark.parametrize(
    "data", [b"", b"<a>", b"<a>&b;</a>", b'<?xml version="1.0" encoding="nope"?><a/>', b"\xff\xfe<"]
)
def test_what_is_not_well_formed_is_refused_whole_and_streamed(data: bytes):
    with pytest.raises(InputError, match="not well-formed"):
        parse_xml(data, "part")
    with pytest.raises(InputError, match="not well-formed"):
        list(streamed_xml(io.BytesIO(data), "part"))


def test_streamed_elements_come_in_the_order_of_their_ends():
    assert [element.tag for element in streamed_xml(io.BytesIO(b"<a><b/><c><d/></c></a>"), "part")] == [
        "b",
        "d",
        "c",
        "a",
    ]


def test_values_of_attributes():
    assert [integer(text, 7) for text in (None, "", "x", "12", "-3")] == [7, 7, 7, 12, -3]
    elements = [
        parse_xml(f"<b {attribute}/>".encode(), "b") for attribute in ("", 'v="1"', 'v="0"', 'v="false"', 'v="off"')
    ]
    assert [is_on(element, "v") for element in [None, *elements]] == [False, True, True, False, False, False]
