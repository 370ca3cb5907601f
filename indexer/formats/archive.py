"""ZIP archives → their members, unpacked in memory one at a time and within limits."""

import lzma
import posixpath
import re
import struct
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from indexer.errors import InputError

FIRST = (".meta.yaml",)
"""Ends of the names of files that come before the others of their archive, for they say something of them."""
_MAX_MEMBERS = 5_000
_MAX_MEMBER = 100_000_000
_MAX_TOTAL = 1_000_000_000
_MAX_RATIO = 300  # DEFLATE reaches 1,032; tables of figures reach about 50
_SMALL = 10_000_000  # bytes up to which the ratio does not matter
_MAX_DEPTH = 3
_MAX_SECONDS = 120.0
_CHUNK = 1 << 20
_UTF8_NAME, _ENCRYPTED = 0x800, 0x1
_UNICODE_NAME_FIELD = 0x7075
_SYSTEM_FILES = frozenset(("thumbs.db", "desktop.ini", ".ds_store"))
_OTHER_ARCHIVES = ((b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"))
_UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    struct.error,
)


@dataclass(frozen=True)
class Member:
    """A file inside a file. `name` is a label with forward slashes, never a path to write to.

    `problem` says why there is no data, and what to do; it is empty for a member that was read.
    """

    name: str
    data: bytes
    problem: str = ""


@dataclass
class _Budget:
    """What is left of the limits, for an archive and those inside it together."""

    members: int
    total: int
    until: float


def members(data: bytes) -> Iterator[Member]:
    """The files in an archive and in the archives in it, in the order of their listing (those with `FIRST`
    in front), without what systems add.

    A member that is encrypted, damaged, too large or of an unknown compression comes without data and with its problem; so
    does an archive that lies too deep. Names without the mark of UTF-8 are read as UTF-8 or GB 18030.

    Raises:
        InputError: it is empty, damaged or no ZIP archive, or it breaks the limit on members, on their size together or on
            time; members before that have been given out.
    """
    budget = _Budget(_MAX_MEMBERS, _MAX_TOTAL, time.monotonic() + _MAX_SECONDS)
    found = False
    for member in _members(data, "", 1, budget):
        found = True
        yield member
    if not found:
        raise InputError("the archive holds no files: leave it out")


def _members(data: bytes, prefix: str, depth: int, budget: _Budget) -> Iterator[Member]:
    with _opened(data) as archive:
        entries = [entry for entry in archive.infolist() if not entry.filename.endswith(("/", "\\"))]
        entries.sort(key=lambda entry: not entry.filename.lower().endswith(FIRST))
        for entry in entries:
            name = label(_name(entry))
            if not name or _is_system_file(name):
                continue
            budget.members -= 1
            if budget.members < 0:
                raise InputError(f"the archive holds more than {_MAX_MEMBERS} files: split it")
            path = prefix + name
            problem = _problem(entry)
            if problem:
                yield Member(path, b"", problem)
                continue
            try:
                content = _unpacked(archive, entry, budget)
            except _UNPACKING_ERRORS as error:
                yield Member(path, b"", f"it is damaged ({error}): pack it again")
                continue
            if not name.lower().endswith(".zip"):
                yield Member(path, content)
            elif depth >= _MAX_DEPTH:
                yield Member(path, b"", f"it is an archive {_MAX_DEPTH + 1} deep: unpack it")
            else:
                yield from _nested(content, path, depth + 1, budget)


def _nested(data: bytes, path: str, depth: int, budget: _Budget) -> Iterator[Member]:
    try:
        # Opened once here for its errors: a damaged archive inside a sound one is one problem, not the end.
        _opened(data).close()
    except InputError as error:
        yield Member(path, b"", str(error))
        return
    yield from _members(data, f"{path}/", depth, budget)


def _opened(data: bytes) -> zipfile.ZipFile:
    if not data:
        raise InputError("the archive is empty: pack it again")
    for mark, kind in _OTHER_ARCHIVES:
        if data.startswith(mark):
            raise InputError(f"the archive is of the kind {kind}: unpack it, or pack it as ZIP")
    try:
        return zipfile.ZipFile(BytesIO(data))
    except _UNPACKING_ERRORS as error:
        raise InputError(f"the archive is damaged or no ZIP ({error}): pack it again") from error


def _problem(entry: zipfile.ZipInfo) -> str:
    """Why a member cannot be read, by what the listing says; empty if nothing speaks against it."""
    if entry.flag_bits & _ENCRYPTED:
        return "it is encrypted: unpack it with its password"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return f"its compression (method {entry.compress_type}) is unknown: pack it again as an ordinary ZIP"
    if entry.file_size > _MAX_MEMBER:
        return f"it has {entry.file_size // 1_000_000} MB, more than {_MAX_MEMBER // 1_000_000} MB: split it"
    if entry.file_size > max(_SMALL, _MAX_RATIO * entry.compress_size):
        return f"it unpacks to {entry.file_size // max(entry.compress_size, 1)} times its size, as archive bombs do: unpack it"
    return ""


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget) -> bytes:
    """The content of a member; never more than it declares, which zipfile sees to."""
    if entry.file_size > budget.total:
        raise InputError(f"the archive unpacks to more than {_MAX_TOTAL // 1_000_000} MB: split it")
    budget.total -= entry.file_size
    parts = []
    with archive.open(entry) as stream:
        while part := stream.read(_CHUNK):
            if time.monotonic() > budget.until:
                raise InputError(f"the archive takes longer than {_MAX_SECONDS:.0f} seconds to unpack: split it")
            parts.append(part)
    return b"".join(parts)


def _name(entry: zipfile.ZipInfo) -> str:
    """The name of a member as its maker meant it."""
    said = _unicode_name(entry.extra)
    if said:
        return said
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    try:
        raw = entry.orig_filename.encode("cp437")  # as zipfile decoded it for want of a mark
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _unicode_name(extra: bytes) -> str:
    """The name in UTF-8 that some programs add (Info-ZIP field 0x7075: version, checksum, name); empty if there is none."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == _UNICODE_NAME_FIELD and size > 5:
            return extra[9 : 4 + size].decode("utf-8", errors="ignore")
        extra = extra[4 + size :]
    return ""


def label(name: str) -> str:
    """A name as a relative path that leads nowhere else: no root, no drive, no way up, no control characters."""
    name = unicodedata.normalize("NFC", name.partition("\0")[0].replace("\\", "/"))
    name = re.sub(
        r"^[A-Za-z]:", "", "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    )
    return posixpath.join(*(part.strip() for part in name.split("/") if part.strip(" .")), "").rstrip("/")


def _is_system_file(name: str) -> bool:
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].lower() in _SYSTEM_FILES or parts[-1].startswith(("._", "~$"))
