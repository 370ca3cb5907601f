"""Office files (DOCX, PPTX, XLSX): a ZIP of XML parts that refer to each other, read within limits.

No part may declare a document type, so there are neither entity bombs nor external entities.
"""

import lzma
import posixpath
import re
import struct
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO
from xml.parsers import expat

from indexer.errors import InputError
from indexer.formats.prose import clean, usable_title

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_CORE = "{http://purl.org/dc/elements/1.1/}"

# The Strict variant of the formats names the same things differently.
_STRICT = tuple(
    (f"http://purl.oclc.org/ooxml/{strict}".encode(), f"http://schemas.openxmlformats.org/{usual}".encode())
    for strict, usual in (
        ("wordprocessingml/main", "wordprocessingml/2006/main"),
        ("presentationml/main", "presentationml/2006/main"),
        ("spreadsheetml/main", "spreadsheetml/2006/main"),
        ("drawingml/", "drawingml/2006/"),
        ("officeDocument/math", "officeDocument/2006/math"),
        ("officeDocument/relationships", "officeDocument/2006/relationships"),
    )
)
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = ((b"{\\rtf", "RTF"), (b"%pdf", "PDF"), (b"<", "HTML or XML"), (b"mime-version", "MHT"))
_MAX_ENTRIES = 20_000
MAX_PART = 60_000_000
MAX_TOTAL = 300_000_000
_CHUNK = 1 << 16


# What the modules under zipfile raise on damaged or unknown content.
UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    struct.error,
)

_XML_ERRORS = (ET.ParseError, expat.ExpatError, ValueError, LookupError)


@dataclass(frozen=True)
class Relation:
    """What a part refers to: the last word of the relation's type, and the name of the part (or address) it leads to."""

    kind: str
    target: str


class Package:
    """The parts of one Office file.

    Args:
        data: the bytes of the file.
        suffix: what it is taken for: `.docx`, `.pptx` or `.xlsx`.

    Raises:
        InputError: it is encrypted, of the old binary kind, damaged, of another kind or too large.
    """

    def __init__(self, data: bytes, suffix: str) -> None:
        if data.startswith(_OLE_MARK):
            if "EncryptedPackage".encode("utf-16-le") in data:
                raise InputError(f"the {suffix} file is encrypted: open it with its password and save it without one")
            old = suffix[:-1]
            raise InputError(f"the file is of the old binary kind ({old}): open it and save it as {suffix}")
        if not data:
            raise InputError("the file is empty: save it again")
        for start, kind in _OTHERS:
            if data.lstrip()[: len(start)].lower() == start:
                raise InputError(f"the file is {kind} by its content: open it and save it as {suffix}")
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
            entries = self._zip.infolist()
        except UNPACKING_ERRORS as error:
            raise InputError(f"the file is damaged or no {suffix} ({error}): open it and save it again") from error
        if len(entries) > _MAX_ENTRIES:
            raise InputError(f"the file has {len(entries)} parts, more than {_MAX_ENTRIES}: it is no usual {suffix}")
        self._suffix = suffix
        self._entries = {_folded(entry.filename): entry for entry in entries}
        self._left = MAX_TOTAL
        self._relations: dict[str, dict[str, Relation]] = {}
        main = next((r.target for r in self.relations("").values() if r.kind == "officeDocument"), "")
        if not self.has(main):
            raise InputError(f"the file is no {suffix}: it has no main part; open it and save it as {suffix}")
        self.main = main

    def has(self, part: str) -> bool:
        return bool(part) and _folded(part) in self._entries

    def open(self, part: str, *, limit: int = MAX_PART) -> IO[bytes]:
        """The content of a part as a stream, which never gives more than `limit` bytes.

        Raises:
            InputError: it is missing, encrypted or too large.
        """
        entry = self._entries.get(_folded(part))
        if entry is None:
            raise InputError(f"the {self._suffix} file lacks its part {part!r}: open it and save it again")
        if entry.flag_bits & 1:
            raise InputError(f"the {self._suffix} file is encrypted: save it without a password")
        # zipfile never hands out more than the size that the entry declares.
        if entry.file_size > min(limit, self._left):
            raise InputError(
                f"the part {part!r} has {entry.file_size // 1_000_000} MB unpacked, more than "
                f"{min(limit, self._left) // 1_000_000} MB: split the file"
            )
        self._left -= entry.file_size
        try:
            return self._zip.open(entry)
        except UNPACKING_ERRORS as error:
            raise self.damaged(part, error) from error

    def bytes(self, part: str) -> bytes:
        """The content of a part.

        Raises:
            InputError: as for `open`, or it is damaged.
        """
        try:
            with self.open(part) as stream:
                return stream.read()
        except UNPACKING_ERRORS as error:
            raise self.damaged(part, error) from error

    def damaged(self, part: str, error: Exception) -> InputError:
        return InputError(
            f"the part {part!r} of the {self._suffix} file is damaged ({error}): open it and save it again"
        )

    def xml(self, part: str) -> ET.Element:
        """The root element of a part.

        Raises:
            InputError: as for `bytes`, or it is not well-formed or declares a document type.
        """
        data = self.bytes(part)
        if b"purl.oclc.org/ooxml/" in data:
            for strict, usual in _STRICT:
                data = data.replace(strict, usual)
        return parse_xml(data, part)

    def relations(self, part: str) -> dict[str, Relation]:
        """What `part` refers to, by id; the part named "" is the package itself."""
        if part in self._relations:
            return self._relations[part]
        folder, name = posixpath.split(part)
        listing = posixpath.join(folder, "_rels", f"{name}.rels")
        found = {}
        for element in self.xml(listing) if self.has(listing) else ():
            target = element.get("Target", "")
            if element.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found[element.get("Id", "")] = Relation(PurePosixPath(element.get("Type", "")).name, target)
        self._relations[part] = found
        return found

    def related(self, part: str, kind: str) -> ET.Element | None:
        """Root of the first part that `part` refers to as `kind`; None if there is none."""
        for relation in self.relations(part).values():
            if relation.kind == kind and self.has(relation.target):
                return self.xml(relation.target)
        return None

    def title_and_authors(self) -> tuple[str, tuple[str, ...]]:
        """What the properties say. Their dates are left alone: templates and earlier drafts hand theirs on."""
        core = self.related("", "core-properties")
        if core is None:
            return "", ()
        creator = clean(core.findtext(f"{_CORE}creator") or "")
        names = (name.strip() for name in creator.replace("；", ";").split(";"))
        authors = tuple(name for name in names if name and not _NOBODY.fullmatch(name))
        return usable_title(core.findtext(f"{_CORE}title") or ""), authors


# What programs and systems write in the place of an author.
_NOBODY = re.compile(
    r"admin(istrator)?|asus|author|dell|hp|lenovo|microsoft|(microsoft office |windows )?user|openpyxl|python-docx|unknown"
    r"|作者|(匿名|微软)?用户|微软中国|雨林木风",
    re.IGNORECASE,
)


def parse_xml(data: bytes, name: str) -> ET.Element:
    """The root element of an XML text.

    Raises:
        InputError: it is not well-formed, or it declares a document type, which could hold entities.
    """
    try:
        _guard(name).Parse(data, True)
        return ET.fromstring(data)
    except _XML_ERRORS as error:
        raise InputError(f"{name!r} is not well-formed XML ({error}): open the file and save it again") from error


def streamed_xml(stream: IO[bytes], name: str) -> Iterator[ET.Element]:
    """The elements of an XML text, each when its end has been read; the caller clears those it has done with.

    Raises:
        InputError: as for `parse_xml`, or the stream is damaged.
    """
    guard = _guard(name)
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("end",))
    try:
        while chunk := stream.read(_CHUNK):
            guard.Parse(chunk, False)
            parser.feed(chunk)
            yield from _ended(parser)
        parser.close()
    except (*_XML_ERRORS, *UNPACKING_ERRORS) as error:
        raise InputError(f"{name!r} is not well-formed XML ({error}): open the file and save it again") from error
    yield from _ended(parser)


def _ended(parser: "ET.XMLPullParser[ET.Element]") -> Iterator[ET.Element]:
    return (element for *_, element in parser.read_events() if isinstance(element, ET.Element))


def _guard(name: str) -> expat.XMLParserType:
    """A parser that reads for nothing but a document type."""

    def on_doctype(*_: object) -> None:
        raise InputError(
            f"{name!r} declares a document type, which no Office file does: open the file and save it again"
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = on_doctype
    return parser


def integer(text: str | None, default: int = 0) -> int:
    """The number in an attribute, or the default where there is none or it is not one."""
    try:
        return default if text is None else int(text)
    except ValueError:
        return default


def is_on(element: ET.Element | None, attribute: str) -> bool:
    """Whether a switch such as `<w:b/>` is on: present and not set to 0, false or off."""
    return element is not None and element.get(attribute, "1").lower() not in {"0", "false", "off", "none"}


def chosen(alternatives: ET.Element) -> ET.Element | None:
    """The branch of `mc:AlternateContent` to read, of which all show the same: the first that holds any text."""
    branches = [child for child in alternatives if child.tag in (f"{MC}Choice", f"{MC}Fallback")]
    return next(
        (branch for branch in branches if "".join(branch.itertext()).strip()), branches[0] if branches else None
    )


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
