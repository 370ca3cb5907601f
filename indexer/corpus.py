"""A folder of files → documents."""

import hashlib
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

import yaml

from indexer.decoding import decode
from indexer.document import Document, Metadata
from indexer.errors import InputError
from indexer.layout import repair

SUFFIXES = (".md", ".txt")
# Files that describe a corpus instead of belonging to it.
_NOT_DOCUMENTS = ("README.md", "manifest.toml")
# Between two rules at the head of the file and with a key on its first line: a text may begin with a rule, too.
_FRONT_MATTER = re.compile(r"---[ \t]*\n(\w+[ \t]*:.*?\n)---[ \t]*(?:\n|$)", re.DOTALL)
_MAX_BYTES = 50_000_000


@dataclass(frozen=True)
class Source:
    """A file of the corpus as it lies on disk; `path` is relative to the corpus folder, with forward slashes."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


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
        """sha256 over the paths and contents of the sources."""
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update(f"{source.path}\0{source.sha256}\n".encode())
        return "sha256:" + digest.hexdigest()


def scan(folder: Path) -> Corpus:
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
        if not path.is_file() or any(part.startswith(".") for part in relative.parts) or path.name in _NOT_DOCUMENTS:
            continue
        if path.suffix.lower() not in SUFFIXES:
            skipped.append(
                Skipped(name, f"format {path.suffix or 'unknown'} is not read yet, only .md and .txt", False)
            )
            continue
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise InputError(f"it is larger than {_MAX_BYTES // 1_000_000} MB: split it")
            sources.append(Source(name, path.read_bytes()))
        except (OSError, InputError) as error:
            skipped.append(Skipped(name, f"cannot be read: {error}", True))
    if not sources:
        raise InputError(f"the corpus folder {folder} holds no .md or .txt file: nothing to index")
    return Corpus(tuple(sources), tuple(skipped))


def read_all(corpus: Corpus) -> tuple[list[Document], list[Skipped]]:
    """The documents of a corpus in path order, and the files that turned out unreadable or empty."""
    documents: list[Document] = []
    skipped: list[Skipped] = []
    for source in corpus.sources:
        try:
            documents.append(read(source))
        except InputError as error:
            skipped.append(Skipped(source.path, str(error), True))
    return documents, skipped


def read(source: Source) -> Document:
    """The document of one file: decoded, its layout repaired, its front matter taken as metadata.

    Raises:
        InputError: it is not text, is empty, or its front matter is broken.
    """
    decoded = decode(source.data, source.path)
    text, metadata, first_line = _split_front_matter(decoded.text, source.path)
    layout = repair(text, markdown=source.path.lower().endswith(".md"), first_line=first_line)
    if not layout.text:
        raise InputError(f"{source.path} holds no text")
    if not metadata.title:
        metadata = replace(metadata, title=_title(layout.text, source.path))
    return Document(
        doc_id=source.path,
        path=source.path,
        text=layout.text,
        sha256=source.sha256,
        metadata=metadata,
        line_map=layout.line_map,
        breaks=layout.breaks,
        encoding=decoded.encoding,
    )


def _split_front_matter(text: str, name: str) -> tuple[str, Metadata, int]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text, Metadata(), 1
    try:
        # The base loader keeps what was typed: no dates, numbers or truth values made of 2022-11, 012 or no.
        values = yaml.load(match.group(1), Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise InputError(f"the front matter of {name} is not valid YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(values, dict):
        raise InputError(f"the front matter of {name} is not a list of 'key: value' lines")
    known = {field.name for field in fields(Metadata)}
    unknown = sorted(set(map(str, values)) - known)
    if unknown:
        raise InputError(
            f"the front matter of {name} has unknown keys {', '.join(unknown)}: known are {', '.join(sorted(known))}"
        )
    authors = values.pop("authors", "")
    names = authors if isinstance(authors, list) else [authors] if authors else []
    for key, value in [*values.items(), *(("authors", author) for author in names)]:
        if not isinstance(value, str):
            raise InputError(f"{key!r} in the front matter of {name} is {value!r}: give plain text")
    metadata = Metadata(**values, authors=tuple(names))
    return text[match.end() :], metadata, match.group(0).count("\n") + 1


def _title(text: str, path: str) -> str:
    """A title from the text's own head: a long enough Markdown heading, or a bare first line; else the file's name."""
    lines = text.split("\n", 12)[:12]
    marked = [line.lstrip("# ").strip() for line in lines if re.match(r"#{1,3}\s", line)]
    candidates = [line for line in marked if len(line) >= 8] or marked or lines[:1]
    title = re.sub(r"\s+", " ", candidates[0].replace("**", ""))
    if marked or (8 <= len(title) <= 60 and not re.search(r"[。！？；，：:]", title)):
        return title
    return Path(path).stem
