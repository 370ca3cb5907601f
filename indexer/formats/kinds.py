"""What kind of file some bytes are: by their content where that shows it, else by the suffix of the name."""

import re
import zipfile
import zlib
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath
from typing import NamedTuple

HEAD = 4096
"""Bytes at the beginning of a file that show its kind, if it is no ZIP."""


class Kind(StrEnum):
    """A format that is read."""

    MARKDOWN = "md"
    TEXT = "txt"
    PDF = "pdf"
    OFD = "ofd"
    WORD = "docx"
    SLIDES = "pptx"
    WORKBOOK = "xlsx"
    CSV = "csv"
    PAGE = "html"
    SAVED_PAGE = "mht"
    MAIL = "eml"
    ARCHIVE = "zip"


class Sniffed(NamedTuple):
    """The kind of a file, None for one that is not read; `warning` when its suffix says something else, `reason` why not."""

    kind: Kind | None
    warning: str = ""
    reason: str = ""


_SUFFIXES = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".text": Kind.TEXT,
    ".pdf": Kind.PDF,
    ".ofd": Kind.OFD,
    ".docx": Kind.WORD,
    ".docm": Kind.WORD,
    ".dotx": Kind.WORD,
    ".pptx": Kind.SLIDES,
    ".pptm": Kind.SLIDES,
    ".ppsx": Kind.SLIDES,
    ".xlsx": Kind.WORKBOOK,
    ".xlsm": Kind.WORKBOOK,
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".html": Kind.PAGE,
    ".htm": Kind.PAGE,
    ".shtml": Kind.PAGE,
    ".xhtml": Kind.PAGE,
    ".mht": Kind.SAVED_PAGE,
    ".mhtml": Kind.SAVED_PAGE,
    ".eml": Kind.MAIL,
    ".zip": Kind.ARCHIVE,
}
# Formats that people have and that another program turns into one that is read.
_CONVERT = {
    **dict.fromkeys((".doc", ".dot", ".wps", ".wpt", ".rtf", ".odt", ".pages"), ".docx"),
    **dict.fromkeys((".ppt", ".pps", ".dps", ".odp", ".key"), ".pptx"),
    **dict.fromkeys((".xls", ".xlsb", ".et", ".ods", ".numbers"), ".xlsx"),
    **dict.fromkeys((".caj", ".ceb", ".xps", ".djvu", ".epub"), ".pdf"),
    **dict.fromkeys((".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"), ".zip"),
    ".msg": ".eml",
}
_OFFICE = (("word/", Kind.WORD), ("ppt/", Kind.SLIDES), ("xl/", Kind.WORKBOOK))
_TEXTUAL = frozenset((Kind.MARKDOWN, Kind.TEXT, Kind.CSV, Kind.PAGE, Kind.SAVED_PAGE, Kind.MAIL))
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head)\b",
    re.I | re.S,
)
_SAVED_PAGE = re.compile(rb"^content-type:\s*multipart/related", re.IGNORECASE | re.MULTILINE)
_MAIL = re.compile(rb"\A(?:[!-9;-~]+:.*\r?\n(?:[ \t].*\r?\n)*)*?mime-version:\s?\d", re.IGNORECASE)


def kind_of(name: str, data: bytes) -> Sniffed:
    """What a file is, by its content and its name.

    A file whose content is of another kind than its suffix says is read by its content, with a warning. Text has no marks of
    its own: it is what the suffix says.
    """
    suffix = PurePosixPath(name).suffix.lower()
    named = _SUFFIXES.get(suffix)
    shown = _shown(data, named)
    if shown is None:
        if named is None:
            return Sniffed(None, reason=_not_read(suffix))
        return Sniffed(named)
    if shown is Kind.ARCHIVE and named is None:
        return Sniffed(None, reason=_not_read(suffix))
    if shown is named or (named is Kind.SAVED_PAGE and shown is Kind.MAIL):
        return Sniffed(named)
    return Sniffed(
        shown, f"it is {shown.value} by its content and read as such, though its name ends in {suffix or 'nothing'}"
    )


def is_read(name: str) -> bool:
    """Whether the suffix of a name is one of a format that is read."""
    return PurePosixPath(name).suffix.lower() in _SUFFIXES


def is_plain_text(name: str, data: bytes = b"") -> bool:
    """Whether a file is text or Markdown by its name, and by its content as far as that is given."""
    return kind_of(name, data).kind in (Kind.MARKDOWN, Kind.TEXT)


def _shown(data: bytes, named: Kind | None) -> Kind | None:
    """The kind that content shows, None for text and for what is unknown."""
    head = data[:HEAD]
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(b"PK\x03\x04"):
        return _zipped(data)
    if _MARKUP.match(head) and named not in (Kind.MARKDOWN, Kind.TEXT):
        return Kind.PAGE
    if named not in _TEXTUAL and _MAIL.search(head):
        return Kind.SAVED_PAGE if _SAVED_PAGE.search(head) else Kind.MAIL
    return None


def _zipped(data: bytes) -> Kind:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = [name.replace("\\", "/").lstrip("/") for name in archive.namelist()]
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, NotImplementedError):
        return _by_order(data)
    if any(name.lower() == "ofd.xml" for name in names):
        return Kind.OFD
    if "[Content_Types].xml" in names:
        for folder, kind in _OFFICE:
            if any(name.startswith(folder) for name in names):
                return kind
    return Kind.ARCHIVE


def _by_order(data: bytes) -> Kind:
    """The kind of a ZIP without a listing, as a cut file is, by the names of its first parts."""
    for mark, kind in ((b"OFD.xml", Kind.OFD), *((folder.encode(), kind) for folder, kind in _OFFICE)):
        if mark in data[:65536]:
            return kind
    return Kind.ARCHIVE


def _not_read(suffix: str) -> str:
    other = _CONVERT.get(suffix)
    if other == ".zip":
        return f"archives of the kind {suffix} are not read: unpack it, or pack it as .zip"
    if other:
        return f"format {suffix} is not read: open it and save it as {other}"
    return f"format {suffix or 'unknown'} is not read"
