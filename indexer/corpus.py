"""A folder of files → documents."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.document import Document
from indexer.errors import InputError
from indexer.files import SIDECAR, USUAL, Limits, Reading, Source
from indexer.formats.kinds import HEAD, is_plain_text, is_read, kind_of
from indexer.pool import read_apart
from indexer.reading import read_file

# Files that describe a corpus instead of belonging to it.
_NOT_DOCUMENTS = ("README.md", "manifest.toml")
_MAX_TEXT = 5_000_000  # bytes up to which text is read in this process


@dataclass(frozen=True)
class Skipped:
    """A file that is not in the index, and why; `is_error` when it should have been."""

    path: str
    reason: str
    is_error: bool


@dataclass(frozen=True)
class Corpus:
    """The readable sources of a folder in path order, and what was passed over."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]

    @property
    def fingerprint(self) -> str:
        """sha256 over the paths and contents of the sources and of what stands beside them."""
        digest = hashlib.sha256()
        for source in self.sources:
            beside = f"\0{source.sidecar_sha256}" if source.sidecar else ""
            digest.update(f"{source.path}\0{source.sha256}{beside}\n".encode())
        return "sha256:" + digest.hexdigest()


def scan(folder: Path, limits: Limits = USUAL) -> Corpus:
    """The files of a corpus folder.

    Raises:
        InputError: there is no such folder, or nothing in it can be indexed.
    """
    if not folder.is_dir():
        raise InputError(f"there is no corpus folder at {folder}: give an existing one with --corpus")
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        name = relative.as_posix()
        if not path.is_file() or any(part.startswith((".", "~$")) for part in relative.parts):
            continue
        if path.name in _NOT_DOCUMENTS:
            continue
        try:
            name.encode()
            if name.lower().endswith(SIDECAR):
                if not Path(str(path)[: -len(SIDECAR)]).is_file():
                    raise InputError("it describes a file that is not there: rename it as that file, or remove it")
                continue
            source = source_of(path, name, limits)
            if source is None:
                skipped.append(Skipped(name, kind_of(name, b"").reason, False))
            else:
                sources.append(source)
        except UnicodeEncodeError:
            readable = name.encode("utf-8", "replace").decode()
            skipped.append(Skipped(readable, "its name is not valid UTF-8: rename it", True))
        except OSError as error:
            skipped.append(Skipped(name, f"cannot be read: {error}", True))
        except InputError as error:
            skipped.append(Skipped(name, str(error), True))
    if not sources:
        reasons = "".join(f"; {item.path}: {item.reason}" for item in skipped[:3])
        raise InputError(f"the corpus folder {folder} holds no file that is read: nothing to index{reasons}")
    return Corpus(tuple(sources), tuple(skipped))


def source_of(file: Path, name: str, limits: Limits = USUAL) -> Source | None:
    """A file as a source, with the metadata beside it; None when its format is not read, by its name and its content.

    Raises:
        InputError: it is too large.
        OSError: it cannot be read.
    """
    size = file.stat().st_size
    known = is_read(name)
    if size > limits.megabytes * 1_000_000:
        if not known:
            return None
        raise InputError(f"it is larger than {limits.megabytes} MB: split it")
    if not known and kind_of(name, _head(file)).kind is None:
        return None
    sidecar = file.with_name(file.name + SIDECAR)
    if not sidecar.is_file():
        return Source(name, file, _sha256(file), size)
    return Source(name, file, _sha256(file), size, sidecar, _sha256(sidecar))


def read_all(corpus: Corpus) -> tuple[list[Document], list[Skipped]]:
    """The documents of a corpus in path order, and the files that turned out unreadable or empty."""
    readings = [reading for found in read_sources(corpus.sources) for reading in found]
    documents = sorted((r.document for r in readings if r.document is not None), key=lambda document: document.path)
    return documents, [Skipped(r.path, r.problem, r.is_error) for r in readings if r.problem]


def read_sources(
    sources: Sequence[Source],
    limits: Limits = USUAL,
    progress: Callable[[int], None] = lambda done: None,
) -> list[tuple[Reading, ...]]:
    """What each source holds, in their order: text is read here, all else in processes that can be killed.

    `progress` is called with the number of sources that are done.
    """
    found: dict[str, tuple[Reading, ...]] = {}
    apart: list[Source] = []
    for source in sources:
        if is_plain_text(source.path) and source.size <= _MAX_TEXT:
            try:
                data = source.data
                if is_plain_text(source.path, data):
                    found[source.path] = tuple(read_file(source.path, data, limits, source.sidecar_data))
                    progress(len(found))
                    continue
            except InputError as error:
                found[source.path] = (Reading(source.path, "", problem=str(error), is_error=True),)
                continue
        apart.append(source)
    n_here = len(found)
    for source, readings in zip(apart, read_apart(apart, limits, lambda done: progress(n_here + done)), strict=True):
        found[source.path] = readings
    return [found[source.path] for source in sources]


def _head(file: Path) -> bytes:
    """What shows the kind of a file: all of an archive, which has its listing at its end, and the beginning of others."""
    with file.open("rb") as stream:
        head = stream.read(HEAD)
        return head + stream.read() if head.startswith(b"PK") else head


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
