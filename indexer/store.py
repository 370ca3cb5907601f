"""The index on disk.

    DIR/current                      name of the version that is served
    DIR/versions/NAME/manifest.json  format, recipe, corpus, models, dimensions, sha256 of every other file
                     /documents.jsonl  one document a line
                     /passages.jsonl   one passage a line, in row order
                     /report.json      what became of each file; not among those with a sha256
                     /glossary.json    groups of names of one thing
                     /lexical/         BM25 (bm25s, no pickle)
                     /dense.faiss      vectors, in row order

A version is written beside the others, flushed, renamed into place and only then named in `current`, itself replaced by
an atomic rename: whatever happens half way, the version served before is still whole and still served. One build or
rollback at a time writes, held by a lock on `.lock` that ends with its process.

The large parts are mapped into memory, so that all processes that serve a version share one copy. A version that is
deleted lives on for those that have it open, as POSIX has it; one that is overwritten in place does not, and nothing here
ever does that.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO, Any

from indexer.dense import DenseIndex
from indexer.document import Document, Passage
from indexer.errors import StoredIndexError
from indexer.glossary import Glossary
from indexer.lexical import LexicalIndex
from indexer.report import Report
from models import EMBEDDER

FORMAT = 3
KEPT_VERSIONS = 3
RELOAD = ".reload"
"""A file in the folder of an index; whoever touches it asks every service that watches to load again."""
REPORT = "report.json"
_VERSION_NAME = re.compile(r"[0-9a-f]{16}(-\d+)?")
_UNFINISHED = ".building"
_GOING = ".removing"
_NAMES = {"current", "versions", ".current", ".lock", RELOAD}
# What decides how text becomes passages and tokens; an index made by other code cannot be searched by this one.
_RECIPE_FILES = (
    "clauses.py",
    "corpus.py",
    "dates.py",
    "decoding.py",
    "layout.py",
    "lines.py",
    "numerals.py",
    "official.py",
    "outline.py",
    "passages.py",
    "reading.py",
    "text.py",
    "tokens.py",
    "glossary.py",
    "glossary.txt",
    "lexical.py",
    "embedder.py",
    "store.py",
)


@dataclass(frozen=True)
class EmbedderRecord:
    """Which embedder made the vectors; `location` is a path or hub name, empty for the bundled one."""

    name: str
    fingerprint: str
    dimensions: int
    location: str


@dataclass(frozen=True)
class Manifest:
    """What an index is made of; `fingerprint` is the same for the same content, wherever and whenever it was built.

    `built` is when, in ISO 8601 with the offset from UTC.
    """

    format: int
    recipe: str
    corpus: str
    embedder: EmbedderRecord
    documents: int
    passages: int
    files: dict[str, str]
    built: str = field(default="", compare=False)

    @property
    def fingerprint(self) -> str:
        content = {key: value for key, value in dataclasses.asdict(self).items() if key not in ("embedder", "built")}
        content["embedder"] = self.embedder.fingerprint
        return "sha256:" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Version:
    """A version of an index on disk; its manifest is None when it cannot be read."""

    name: str
    manifest: Manifest | None
    is_current: bool


def embedder_place(location: str) -> str:
    """Where to load an embedder from: a path or hub name as it is, the bundled one for an empty location."""
    return location or str(EMBEDDER)


@dataclass(frozen=True)
class Stored:
    """An index in memory: row i of both legs is `passages[i]`."""

    manifest: Manifest
    folder: Path
    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    glossary: Glossary
    lexical: LexicalIndex
    dense: DenseIndex

    @property
    def embedder_location(self) -> str:
        """Where to load the embedder of this index from."""
        return embedder_place(self.manifest.embedder.location)


@cache
def recipe() -> str:
    """sha256 of the code that turns files into an index."""
    digest = hashlib.sha256(str(FORMAT).encode())
    here = Path(__file__).parent
    for path in [*(here / name for name in _RECIPE_FILES), *sorted((here / "formats").glob("*.py"))]:
        digest.update(path.read_bytes())
    return "sha256:" + digest.hexdigest()


def read_manifest(index: Path) -> Manifest | None:
    """The manifest of the version that is served; None when there is no index at `index` yet.

    Raises:
        StoredIndexError: there is something, but not an index of this program.
    """
    current = index / "current"
    if not current.exists():
        _refuse_foreign(index)
        return None
    return _read_manifest(_version_folder(index))


def versions(index: Path) -> tuple[Version, ...]:
    """What the index holds, newest first, behind them versions whose manifest cannot be read.

    Raises:
        StoredIndexError: there is no index at `index`.
    """
    _refuse_foreign(index)
    try:
        current = _version_folder(index).name
    except StoredIndexError:
        current = ""
    readable, damaged = [], []
    for name in sorted(path.name for path in (index / "versions").glob("*") if _VERSION_NAME.fullmatch(path.name)):
        try:
            readable.append(Version(name, _read_manifest(index / "versions" / name), name == current))
        except StoredIndexError:
            damaged.append(Version(name, None, name == current))
    if not readable and not damaged:
        raise _no_index(index)
    return (*sorted(readable, key=_age, reverse=True), *damaged)


def older(index: Path) -> tuple[Version, ...]:
    """The versions that were built before the one that is served, newest first; all of them when none is named.

    Raises:
        StoredIndexError: there is no index at `index`.
    """
    found = [version for version in versions(index) if version.manifest is not None]
    current = next((i for i, version in enumerate(found) if version.is_current), -1)
    return tuple(found[current + 1 :])


def check(index: Path, version: str = "") -> Manifest:
    """The manifest of a version, empty for the one that is served, once all its files agree with their checksums.

    Raises:
        StoredIndexError: missing, of another format or recipe, incomplete or damaged; the message says what to do.
    """
    return _check(index, _folder(index, version))


def check_any(index: Path) -> None:
    """Checks that the version that is named, or else an older one, can be served.

    Raises:
        StoredIndexError: none can; the reason is that of the version that is named.
    """
    try:
        check(index)
        return
    except StoredIndexError as error:
        reason = error
    try:
        others = older(index)
    except StoredIndexError:
        raise reason from None
    for version in others:
        with contextlib.suppress(StoredIndexError):
            check(index, version.name)
            return
    raise reason


def load(index: Path, version: str = "") -> Stored:
    """A version, empty for the one that is served, checked against its checksums.

    Raises:
        StoredIndexError: missing, of another format or recipe, incomplete or damaged; the message says what to do.
    """
    folder = _folder(index, version)
    manifest = _check(index, folder)
    try:
        documents = tuple(Document.from_json(row) for row in _read_lines(folder / "documents.jsonl"))
        passages = tuple(_passage(row) for row in _read_lines(folder / "passages.jsonl"))
        lexical = LexicalIndex.load(folder / "lexical")
        dense = DenseIndex.load(folder / "dense.faiss")
        groups = json.loads((folder / "glossary.json").read_text(encoding="utf-8"))
    except OSError as error:  # such as a version that was deleted meanwhile, for newer ones
        raise StoredIndexError(f"the index at {index} cannot be read ({error}): try again") from error
    if not len(passages) == lexical.size == dense.size == manifest.passages:
        raise StoredIndexError(
            f"the parts of the index at {index} disagree: {len(passages)} passages, {lexical.size} lexical and "
            f"{dense.size} dense rows, {manifest.passages} in the manifest: {_rebuild(index)}"
        )
    glossary = Glossary(tuple(tuple(group) for group in groups))
    return Stored(manifest, folder, documents, passages, glossary, lexical, dense)


def read_report(index: Path) -> Report | None:
    """What became of the files of the version that is served; None when that is not known."""
    try:
        return Report.from_json((_version_folder(index) / REPORT).read_text(encoding="utf-8"))
    except (OSError, StoredIndexError, ValueError, TypeError, KeyError, AttributeError):
        return None


def renew_report(index: Path, report: Report) -> None:
    """Puts another report beside the version that is served.

    Raises:
        StoredIndexError: a build is writing there, or the folder cannot be written.
    """
    with _lock(index):
        path = _version_folder(index) / REPORT
        pending = path.with_name(f".{REPORT}")
        try:
            pending.write_text(report.to_json(), encoding="utf-8")
            pending.replace(path)
        except OSError as error:
            raise _cannot_write(index, error) from error


def rollback(index: Path, version: str = "") -> Version:
    """Makes another version the one that is served, by default the newest that was built before the present one.

    It is checked before; nothing is deleted, so that the way forward is a rollback to the newer one.

    Raises:
        StoredIndexError: there is no such version, it cannot be served, it is served already, the folder cannot be
            written, or a build is writing there.
    """
    versions(index)  # there is an index to lock
    with _lock(index):
        kept = versions(index)
        if not version:
            before = older(index)
            if not before:
                names = ", ".join(v.name for v in kept)
                raise StoredIndexError(
                    f"the index at {index} holds no version older than the one that is served: it has {names}; name "
                    "the one to serve"
                )
            version = before[0].name
        if any(v.is_current and v.name == version for v in kept):
            raise StoredIndexError(f"version {version} of the index at {index} is the one that is served: name another")
        manifest = check(index, version)
        try:
            _name(index, version)
        except OSError as error:
            raise _cannot_write(index, error) from error
    return Version(version, manifest, is_current=True)


class Writer:
    """Writes one new version of an index; nothing is visible before `commit`."""

    def __init__(self, index: Path, keep: int = KEPT_VERSIONS) -> None:
        """`keep` is how many versions a commit leaves, itself and the one served before always among them.

        Raises StoredIndexError when `index` is not ours to write in, cannot be written, or another build is writing there.
        """
        _refuse_foreign(index)
        self._index = index
        self._keep = keep
        self._versions = index / "versions"
        self.folder = self._versions / _UNFINISHED
        try:
            self._versions.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(index)
            # What a crashed build left behind.
            shutil.rmtree(self.folder, ignore_errors=True)
            shutil.rmtree(self._versions / _GOING, ignore_errors=True)
            self.folder.mkdir()
        except OSError as error:
            raise _cannot_write(index, error) from error

    def commit(
        self,
        *,
        corpus: str,
        documents: list[Document],
        passages: list[Passage],
        glossary: Glossary,
        lexical: LexicalIndex,
        dense: DenseIndex,
        embedder: EmbedderRecord,
        report: Report | None = None,
    ) -> Manifest:
        """Writes all parts, with the report beside them, flushes them, and makes this the version that is served.

        Raises:
            StoredIndexError: the disk is full or fails; what was served before still is.
        """
        try:
            _write_lines(self.folder / "documents.jsonl", [document.to_json() for document in documents])
            _write_lines(self.folder / "passages.jsonl", [dataclasses.asdict(passage) for passage in passages])
            groups = json.dumps(glossary.groups, ensure_ascii=False, indent=1)
            (self.folder / "glossary.json").write_text(groups + "\n", encoding="utf-8")
            lexical.save(self.folder / "lexical")
            dense.save(self.folder / "dense.faiss")
            files = {
                path.relative_to(self.folder).as_posix(): _sha256(path)
                for path in sorted(self.folder.rglob("*"))
                if path.is_file()
            }
            built = datetime.now(UTC).isoformat()
            manifest = Manifest(FORMAT, recipe(), corpus, embedder, len(documents), len(passages), files, built)
            text = json.dumps(dataclasses.asdict(manifest), ensure_ascii=False, indent=2) + "\n"
            (self.folder / "manifest.json").write_text(text, encoding="utf-8")
            if report is not None:
                (self.folder / REPORT).write_text(report.to_json(), encoding="utf-8")
            for path in [self.folder, *self.folder.rglob("*")]:
                _flush(path)
            before = self._served()
            self.folder = self.folder.rename(self._free_folder(manifest))
            _flush(self._versions)
            _name(self._index, self.folder.name)
        except OSError as error:
            raise _cannot_write(self._index, error) from error
        self._remove_old({self.folder.name, before})
        self._lock.close()
        return manifest

    def abandon(self) -> None:
        """Removes what was written; for a build that failed."""
        if self._served() != self.folder.name:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def _served(self) -> str:
        """The name of the version that is served so far; empty without one."""
        try:
            return _version_folder(self._index).name
        except StoredIndexError:
            return ""

    def _free_folder(self, manifest: Manifest) -> Path:
        """Where the new version goes: never in the place of another, which is served until `current` names this one."""
        name = _version_name(manifest)
        folder, n = self._versions / name, 1
        while folder.exists():
            n += 1
            folder = self._versions / f"{name}-{n}"
        return folder

    def _remove_old(self, needed: set[str]) -> None:
        """Leaves the versions that are needed and the newest others, so many as are kept."""
        found = [version.name for version in versions(self._index)]
        others = [name for name in found if name not in needed]
        for name in others[max(self._keep - (len(found) - len(others)), 0) :]:
            # By a rename first: a version is whole or gone, and never offered for a rollback half deleted.
            going = self._versions / _GOING
            with contextlib.suppress(OSError):  # what cannot be deleted takes up room, no more
                (self._versions / name).rename(going)
                shutil.rmtree(going)


def read_manifest_or_none(index: Path) -> Manifest | None:
    """Like `read_manifest`, but a damaged index counts as none, so that it can be rebuilt.

    Raises:
        StoredIndexError: the folder holds something that is not an index.
    """
    _refuse_foreign(index)
    try:
        return read_manifest(index)
    except StoredIndexError:
        return None


def _refuse_foreign(index: Path) -> None:
    """Raises StoredIndexError unless `index` is an index, damaged or not, or an empty place for one."""
    if not index.exists():
        return
    if index.is_dir():
        folder = index / "versions"
        inside = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        names = {path.name for path in index.iterdir()}
        has_version = any(
            _VERSION_NAME.fullmatch(name) and (folder / name / "manifest.json").exists() for name in inside
        )
        is_bare = names <= _NAMES and all(
            name in (_UNFINISHED, _GOING) or _VERSION_NAME.fullmatch(name) for name in inside
        )
        if has_version or not names or (is_bare and folder.is_dir()):
            return
    raise StoredIndexError(f"{index} holds other files and is not an index: choose another --index")


def _folder(index: Path, version: str) -> Path:
    """Where a version lies, empty for the one that is served; StoredIndexError when there is none."""
    if not version:
        if not (index / "current").exists():
            _refuse_foreign(index)
            raise _no_index(index)
        return _version_folder(index)
    names = [kept.name for kept in versions(index)]
    if version not in names:
        raise StoredIndexError(f"the index at {index} holds no version {version!r}: it has {', '.join(names)}")
    return index / "versions" / version


def _check(index: Path, folder: Path) -> Manifest:
    manifest = _read_manifest(folder)
    remedy = _rebuild(index)
    if manifest.recipe != recipe():
        raise StoredIndexError(f"the index at {index} was built by another version of zhengwen: {remedy}")
    if folder.name[:16] != _version_name(manifest):
        raise StoredIndexError(f"the index at {index} is damaged, its manifest was changed: {remedy}")
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise StoredIndexError(f"the index at {index} lacks its file {name}: {remedy}")
        try:
            found = _sha256(path)
        except OSError as error:
            raise StoredIndexError(
                f"{path} of the index cannot be read ({error.strerror}): check its permissions"
            ) from error
        if found != expected:
            raise StoredIndexError(f"the index at {index} is damaged, {name} does not match its checksum: {remedy}")
    return manifest


def _age(version: Version) -> datetime:
    """When a version that can be read was built."""
    assert version.manifest is not None
    return datetime.fromisoformat(version.manifest.built).astimezone(UTC)


def _lock(index: Path) -> IO[str]:
    """The lock of whoever writes at `index`, held until it is closed; StoredIndexError when another one has it."""
    try:
        lock = (index / ".lock").open("w")
    except OSError as error:
        raise _cannot_write(index, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StoredIndexError(f"another build is writing the index at {index}: wait until it is done") from None
    return lock


def _name(index: Path, version: str) -> None:
    """Makes `version` the one that is served."""
    pending = index / ".current"
    try:
        pending.write_text(version + "\n", encoding="utf-8")
        _flush(pending)
        pending.replace(index / "current")
    except OSError:
        pending.unlink(missing_ok=True)
        raise
    _flush(index)


def _no_index(index: Path) -> StoredIndexError:
    return StoredIndexError(f"there is no index at {index}: build it with 'zhengwen index --index {index}'")


def _rebuild(index: Path) -> str:
    return f"rebuild it with 'zhengwen index --rebuild --index {index}'"


def _cannot_write(index: Path, error: OSError) -> StoredIndexError:
    return StoredIndexError(
        f"the index at {index} cannot be written ({error.strerror or error}): free some space or check the permissions; "
        "what was served before is unchanged"
    )


def _version_folder(index: Path) -> Path:
    try:
        name = (index / "current").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        name = str(error)
    if not _VERSION_NAME.fullmatch(name):
        raise StoredIndexError(
            f"{index / 'current'} names no version ({name!r}): rebuild with 'zhengwen index --rebuild --index {index}'"
        )
    return index / "versions" / name


def _version_name(manifest: Manifest) -> str:
    return manifest.fingerprint.removeprefix("sha256:")[:16]


def _read_manifest(folder: Path) -> Manifest:
    path = folder / "manifest.json"
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        if row["format"] != FORMAT:
            raise StoredIndexError(
                f"{path} has format {row['format']}, this version reads {FORMAT}: rebuild with 'zhengwen index --rebuild'"
            )
        datetime.fromisoformat(row["built"])
        return Manifest(**{**row, "embedder": EmbedderRecord(**row["embedder"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoredIndexError(
            f"{path} is missing or no manifest of an index ({error}): rebuild with 'zhengwen index --rebuild'"
        ) from error


def _passage(row: dict[str, Any]) -> Passage:
    lead = row["lead"]
    return Passage(**{**row, "section": tuple(row["section"]), "lead": None if lead is None else (lead[0], lead[1])})


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _read_lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Puts a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
