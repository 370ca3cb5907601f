"""The index on disk.

    DIR/current                      name of the version that is served
    DIR/versions/NAME/manifest.json  format, recipe, corpus, models, dimensions, sha256 of every other file
                     /documents.jsonl  one document a line
                     /passages.jsonl   one passage a line, in row order
                     /glossary.json    groups of names of one thing
                     /lexical/         BM25 (bm25s, no pickle)
                     /dense.faiss      vectors, in row order

A version is written beside the others, flushed, renamed into place and only then named in `current`, itself replaced by
an atomic rename: whatever happens half way, the version served before is still whole and still served. One build at a
time writes, held by a lock on `.lock` that ends with its process.
"""

import dataclasses
import fcntl
import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from indexer.dense import DenseIndex
from indexer.document import Document, LineMap, Metadata, Passage
from indexer.errors import StoredIndexError
from indexer.glossary import Glossary
from indexer.lexical import LexicalIndex
from models import EMBEDDER

FORMAT = 1
_KEPT_VERSIONS = 2
_VERSION_NAME = re.compile(r"[0-9a-f]{16}(-\d+)?")
_UNFINISHED = ".building"
_NAMES = {"current", "versions", ".current", ".lock"}
# What decides how text becomes passages and tokens; an index made by other code cannot be searched by this one.
_RECIPE_FILES = (
    "corpus.py",
    "decoding.py",
    "layout.py",
    "lines.py",
    "outline.py",
    "passages.py",
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
    """What an index is made of; `fingerprint` is the same for the same content, wherever and whenever it was built."""

    format: int
    recipe: str
    corpus: str
    embedder: EmbedderRecord
    documents: int
    passages: int
    files: dict[str, str]

    @property
    def fingerprint(self) -> str:
        content = {key: value for key, value in dataclasses.asdict(self).items() if key != "embedder"}
        content["embedder"] = self.embedder.fingerprint
        return "sha256:" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
    for name in _RECIPE_FILES:
        digest.update(Path(__file__).with_name(name).read_bytes())
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


def load(index: Path) -> Stored:
    """The version that is served, checked against its checksums.

    Raises:
        StoredIndexError: missing, of another format or recipe, incomplete or damaged; the message says what to do.
    """
    if read_manifest(index) is None:
        raise StoredIndexError(f"there is no index at {index}: build it with 'zhengwen index --index {index}'")
    folder = _version_folder(index)
    manifest = _read_manifest(folder)
    remedy = f"rebuild it with 'zhengwen index --rebuild --index {index}'"
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
    documents = tuple(_document(row) for row in _read_lines(folder / "documents.jsonl"))
    passages = tuple(_passage(row) for row in _read_lines(folder / "passages.jsonl"))
    lexical = LexicalIndex.load(folder / "lexical")
    dense = DenseIndex.load(folder / "dense.faiss")
    if not len(passages) == lexical.size == dense.size == manifest.passages:
        raise StoredIndexError(
            f"the parts of the index at {index} disagree: {len(passages)} passages, {lexical.size} lexical and "
            f"{dense.size} dense rows, {manifest.passages} in the manifest: {remedy}"
        )
    groups = json.loads((folder / "glossary.json").read_text(encoding="utf-8"))
    glossary = Glossary(tuple(tuple(group) for group in groups))
    return Stored(manifest, folder, documents, passages, glossary, lexical, dense)


class Writer:
    """Writes one new version of an index; nothing is visible before `commit`."""

    def __init__(self, index: Path) -> None:
        """Raises StoredIndexError when `index` is not ours to write in, or another build is writing there."""
        _refuse_foreign(index)
        self._index = index
        self._versions = index / "versions"
        self._versions.mkdir(parents=True, exist_ok=True)
        self._lock = (index / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise StoredIndexError(f"another build is writing the index at {index}: wait until it is done") from None
        self.folder = self._versions / _UNFINISHED
        shutil.rmtree(self.folder, ignore_errors=True)  # what a crashed build left behind
        self.folder.mkdir()

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
    ) -> Manifest:
        """Writes all parts, flushes them, and makes this the version that is served."""
        _write_lines(self.folder / "documents.jsonl", [dataclasses.asdict(document) for document in documents])
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
        manifest = Manifest(FORMAT, recipe(), corpus, embedder, len(documents), len(passages), files)
        text = json.dumps(dataclasses.asdict(manifest), ensure_ascii=False, indent=2) + "\n"
        (self.folder / "manifest.json").write_text(text, encoding="utf-8")
        for path in [self.folder, *self.folder.rglob("*")]:
            _flush(path)
        target = self._free_folder(manifest)
        self.folder.rename(target)
        _flush(self._versions)
        pending = self._index / ".current"
        pending.write_text(target.name + "\n", encoding="utf-8")
        _flush(pending)
        pending.replace(self._index / "current")
        _flush(self._index)
        self._remove_old(target.name)
        self._lock.close()
        return manifest

    def abandon(self) -> None:
        """Removes what was written; for a build that failed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def _free_folder(self, manifest: Manifest) -> Path:
        """Where the new version goes: never in the place of another, which is served until `current` names this one."""
        name = _version_name(manifest)
        folder, n = self._versions / name, 1
        while folder.exists():
            n += 1
            folder = self._versions / f"{name}-{n}"
        return folder

    def _remove_old(self, current: str) -> None:
        """Keeps the newest versions."""
        others = [p for p in self._versions.iterdir() if _VERSION_NAME.fullmatch(p.name) and p.name != current]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[_KEPT_VERSIONS - 1 :]:
            shutil.rmtree(path, ignore_errors=True)


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
        versions = index / "versions"
        inside = [path.name for path in versions.iterdir()] if versions.is_dir() else []
        names = {path.name for path in index.iterdir()}
        has_version = any(
            _VERSION_NAME.fullmatch(name) and (versions / name / "manifest.json").exists() for name in inside
        )
        is_bare = names <= _NAMES and all(name == _UNFINISHED or _VERSION_NAME.fullmatch(name) for name in inside)
        if has_version or not names or (is_bare and versions.is_dir()):
            return
    raise StoredIndexError(f"{index} holds other files and is not an index: choose another --index")


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
        return Manifest(**{**row, "embedder": EmbedderRecord(**row["embedder"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoredIndexError(
            f"{path} is missing or no manifest of an index ({error}): rebuild with 'zhengwen index --rebuild'"
        ) from error


def _document(row: dict[str, Any]) -> Document:
    metadata = row["metadata"]
    line_map = row["line_map"]
    return Document(
        **{
            **row,
            "metadata": Metadata(**{**metadata, "authors": tuple(metadata["authors"])}),
            "line_map": LineMap(tuple(line_map["starts"]), tuple(line_map["lines"])),
            "breaks": tuple(row["breaks"]),
        }
    )


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
