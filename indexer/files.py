"""Files before and after they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from indexer.document import Document
from indexer.errors import InputError

SIDECAR = ".meta.yaml"
"""What the name of a file ends in that holds the metadata of the file whose name stands before it."""


@dataclass(frozen=True)
class Limits:
    """What reading one file may cost; more is a problem of that file alone.

    `ocr`: pages that are images are read too, each in so many seconds.
    """

    megabytes: int = 200
    pages: int = 5000
    seconds: float = 120.0
    memory_megabytes: int = 2048
    ocr: bool = False


USUAL = Limits()


@dataclass(frozen=True)
class Source:
    """A file of the corpus as it lies on disk.

    `path` is relative to the corpus folder, with forward slashes; `sidecar` is the file beside it with its metadata.
    """

    path: str
    file: Path
    sha256: str
    size: int = 0
    sidecar: Path | None = None
    sidecar_sha256: str = ""

    @property
    def data(self) -> bytes:
        """The contents; raises InputError when they cannot be read, or are others than `sha256` was taken of."""
        try:
            data = self.file.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read: {error}") from error
        if sha256(data).hexdigest() != self.sha256:
            raise InputError("it was changed while it was read: build again")
        return data

    @property
    def sidecar_data(self) -> bytes | None:
        try:
            return None if self.sidecar is None else self.sidecar.read_bytes()
        except OSError as error:
            raise InputError(f"the metadata beside it cannot be read: {error}") from error


@dataclass(frozen=True)
class Reading:
    """What became of a file, or of a file in it: its document, or the problem and what to do about it.

    `kind` is empty for a format that is not read; `is_error` tells a file that should have been read from one that is only
    passed over. `pages` are pages or slides, 0 where the format has none.
    """

    path: str
    kind: str
    document: Document | None = None
    problem: str = ""
    is_error: bool = False
    pages: int = 0
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Of what `to_json` gave."""
        document = None if row["document"] is None else Document.from_json(row["document"])
        return cls(**{**row, "document": document, "warnings": tuple(row["warnings"])})

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "document": None if self.document is None else self.document.to_json()}
