"""What a build made of each file, for people and for the next build, which reads unchanged files no more."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from typing import Self

from indexer.files import USUAL, Limits, Reading, Source


@dataclass(frozen=True)
class FileReport:
    """One file, or one in an archive or mail.

    `source` is the file on disk, `source_sha256` and `sidecar_sha256` are of it and of the metadata beside it; `sha256` is of the
    document's own bytes, empty without one.

    `kind` is what it was read as, empty for a format that is not read; `problem` says why it is not in the index, and what to
    do; `is_error` tells a file that should be from one that is passed over. `double_of` is a file before it with the same
    bytes. Dates are those found, empty for none.
    """

    path: str
    source: str
    source_sha256: str = ""
    sidecar_sha256: str = ""
    kind: str = ""
    sha256: str = ""
    pages: int = 0
    characters: int = 0
    passages: int = 0
    published: str = ""
    signed: str = ""
    effective: str = ""
    warnings: tuple[str, ...] = ()
    double_of: str = ""
    problem: str = ""
    is_error: bool = False


def readers() -> dict[str, str]:
    """The versions of the libraries that decide what is read of a file."""
    return {name: version(name) for name in ("lxml", "pypdfium2", "trafilatura")}


@dataclass(frozen=True)
class Report:
    """The files in path order, under which limits they were read, and with which versions of which libraries."""

    limits: Limits = USUAL
    files: tuple[FileReport, ...] = ()
    readers: dict[str, str] = field(default_factory=readers)

    def by_source(self) -> dict[str, list[FileReport]]:
        rows: dict[str, list[FileReport]] = {}
        for row in self.files:
            rows.setdefault(row.source, []).append(row)
        return rows

    def holds(self, row: FileReport, source: Source, limits: Limits) -> bool:
        """Whether a row is still true of its source."""
        is_same = (row.source_sha256, row.sidecar_sha256) == (source.sha256, source.sidecar_sha256)
        is_same = is_same and (row.kind != "pdf" or self.limits.ocr == limits.ocr)
        is_alike = row.kind in ("md", "txt") or self.readers == readers()
        # What failed under other limits may not fail under these.
        return is_same and is_alike and (not row.is_error or self.limits == limits)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Of what `to_json` gave; raises ValueError, TypeError or KeyError for anything else."""
        row = json.loads(text)
        files = (FileReport(**{**file, "warnings": tuple(file["warnings"])}) for file in row["files"])
        return cls(Limits(**row["limits"]), tuple(files), dict(row["readers"]))

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


def with_doubles(rows: Iterable[FileReport]) -> list[FileReport]:
    """The rows, each on a document that has the same bytes as one before it with that one's path."""
    first: dict[str, str] = {}
    found = []
    for row in rows:
        other = first.setdefault(row.sha256, row.path) if row.sha256 else row.path
        found.append(replace(row, double_of=other if other != row.path else ""))
    return found


def report_on(source: Source, readings: Iterable[Reading], passages: Mapping[str, int]) -> list[FileReport]:
    """One row for each reading of a source; `passages` is how many a document has, by its id."""
    rows = []
    for reading in readings:
        row = FileReport(
            path=reading.path,
            source=source.path,
            source_sha256=source.sha256,
            sidecar_sha256=source.sidecar_sha256,
            kind=reading.kind,
            pages=reading.pages,
            warnings=reading.warnings,
            problem=reading.problem,
            is_error=reading.is_error,
        )
        if (document := reading.document) is not None:
            metadata = document.metadata
            row = replace(
                row,
                sha256=document.sha256,
                characters=len(document.text),
                passages=passages[document.doc_id],
                published=metadata.published,
                signed=metadata.signed,
                effective=metadata.effective,
            )
        rows.append(row)
    return rows
