"""The index on disk.

    DIR/current                      name of the version that is served
    DIR/versions/NAME/manifest.json  format, recipe, corpus, models, dimensions, sha256 of every other file
                     /documents.jsonl  one document a line
                     /passages.jsonl   one passage a line, in row order
                     /lexical/         BM25 (bm25s, no pickle)
                     /dense.faiss      vectors, in row order
                     /embedder/        the fitted embedder, when the index made its own

A version is written beside the others, flushed, renamed into place and only then named in `current`, itself replaced by
an atomic rename: whatever happens half way, the version served before is still whole and still served.
"""

import dataclasses
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from indexer.dense import DenseIndex
from indexer.document import Document, LineMap, Metadata, Passage
from indexer.errors import StoredIndexError
from indexer.lexical import LexicalIndex

FORMAT = 1
_KEPT_VERSIONS = 2
# What decides how text becomes passages and tokens; an index made by other code cannot be searched by this one.
_RECIPE_MODULES = (
    "corpus",
    "decoding",
    "layout",
    "outline",
    "passages",
    "text",
    "tokens",
    "lexical",
    "embedder",
    "store",
)


@dataclass(frozen=True)
class EmbedderRecord:
    """Which embedder made the vectors; `location` is a path or hub name, empty for the one inside the index."""

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


@dataclass(frozen=True)
class Stored:
    """An index in memory: row i of both legs is `passages[i]`."""

    manifest: Manifest
    folder: Path
    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    lexical: LexicalIndex
    dense: DenseIndex

    @property
    def embedder_location(self) -> str:
        """Where to load the embedder of this index from."""
        return self.manifest.embedder.location or str(self.folder / "embedder")


@cache
def recipe() -> str:
    """sha256 of the code that turns files into an index."""
    digest = hashlib.sha256(str(FORMAT).encode())
    for name in _RECIPE_MODULES:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return "sha256:" + digest.hexdigest()


def read_manifest(index: Path) -> Manifest | None:
    """The manifest of the version that is served; None when there is no index at `index` yet.

    Raises:
        StoredIndexError: there is something, but not an index of this program.
    """
    current = index / "current"
    if not current.exists():
        if index.exists() and any(path.name != "versions" for path in index.iterdir()):
            raise StoredIndexError(
                f"{index} is a folder with other files in it and not an index: choose another --index"
            )
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
    if manifest.format != FORMAT:
        raise StoredIndexError(
            f"the index at {index} has format {manifest.format}, this version reads {FORMAT}: {remedy}"
        )
    if manifest.recipe != recipe():
        raise StoredIndexError(f"the index at {index} was built by another version of zhengwen: {remedy}")
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise StoredIndexError(f"the index at {index} lacks its file {name}: {remedy}")
        if _sha256(path) != expected:
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
    return Stored(manifest, folder, documents, passages, lexical, dense)


class Writer:
    """Writes one new version of an index; nothing is visible before `commit`."""

    def __init__(self, index: Path) -> None:
        read_manifest_or_none(index)  # refuses a folder that is not ours
        self._index = index
        self.folder = index / "versions" / f".building-{os.getpid()}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def commit(
        self,
        *,
        corpus: str,
        documents: list[Document],
        passages: list[Passage],
        lexical: LexicalIndex,
        dense: DenseIndex,
        embedder: EmbedderRecord,
    ) -> Manifest:
        """Writes all parts, flushes them, and makes this the version that is served."""
        _write_lines(self.folder / "documents.jsonl", [dataclasses.asdict(document) for document in documents])
        _write_lines(self.folder / "passages.jsonl", [dataclasses.asdict(passage) for passage in passages])
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
        for path in self.folder.rglob("*"):
            if path.is_file():
                _flush(path)
        name = manifest.fingerprint.removeprefix("sha256:")[:16]
        target = self._index / "versions" / name
        if target.exists():  # the same content, perhaps damaged: set it aside rather than trust it
            aside = target.with_name(f".old-{name}-{os.getpid()}")
            target.rename(aside)
            self.folder.rename(target)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            self.folder.rename(target)
        pending = self._index / f".current-{os.getpid()}"
        pending.write_text(name + "\n", encoding="utf-8")
        _flush(pending)
        os.replace(pending, self._index / "current")
        self._remove_old(name)
        return manifest

    def abandon(self) -> None:
        """Removes what was written; for a build that failed."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_old(self, current: str) -> None:
        """Keeps the newest versions, and clears what crashed builds left behind."""
        versions = self._index / "versions"
        for path in versions.glob(".*"):
            shutil.rmtree(path, ignore_errors=True)
        others = sorted(
            (p for p in versions.iterdir() if p.name != current), key=lambda p: p.stat().st_mtime, reverse=True
        )
        for path in others[_KEPT_VERSIONS - 1 :]:
            shutil.rmtree(path, ignore_errors=True)


def read_manifest_or_none(index: Path) -> Manifest | None:
    """Like `read_manifest`, but a damaged index counts as none, so that it can be rebuilt.

    Raises:
        StoredIndexError: the folder holds something that is not an index.
    """
    if (index / "current").exists():
        try:
            return read_manifest(index)
        except StoredIndexError:
            return None
    return read_manifest(index)


def _version_folder(index: Path) -> Path:
    name = (index / "current").read_text(encoding="utf-8").strip()
    if not name or "/" in name or name.startswith("."):
        raise StoredIndexError(
            f"{index / 'current'} names no version ({name!r}): rebuild with 'zhengwen index --rebuild --index {index}'"
        )
    return index / "versions" / name


def _read_manifest(folder: Path) -> Manifest:
    path = folder / "manifest.json"
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
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
    with path.open("rb") as file:
        os.fsync(file.fileno())
