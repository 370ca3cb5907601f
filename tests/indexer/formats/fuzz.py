"""Feeds damaged files to the readers, guided by coverage, until one raises anything but what it may.

    python -m tests.indexer.formats.fuzz FOLDER -max_total_time=300

needs atheris, which is not among the development packages (no wheels for every Python). FOLDER gets a file of every format to
begin with, and what the fuzzer finds worth keeping.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["indexer"]):
    from indexer.reading import read_file

from tests.indexer.formats.policy import every_format

FILES = every_format()
NAMES = sorted(FILES)


def one(data: bytes) -> None:
    """The first byte chooses the name; whatever is raised is a fault."""
    if data:
        for reading in read_file(NAMES[data[0] % len(NAMES)], data[1:]):
            assert (reading.document is None) == bool(reading.problem)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(NAMES):
        (folder / name).write_bytes(bytes([i]) + FILES[name])
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
