"""Real processes that read files, hang, eat memory, crash and are killed; none of it harms the others."""

import contextlib
import hashlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from indexer.files import USUAL, Limits, Reading, Source
from indexer.pool import Worker, read_apart
from tests.indexer.formats import policy


def source(file: Path, data: bytes) -> Source:
    file.write_bytes(data)
    return Source(file.name, file, hashlib.sha256(data).hexdigest(), len(data))


def fifo(file: Path) -> Source:
    """A file that never ends: whoever reads it waits for somebody who writes."""
    os.mkfifo(file)
    return Source(file.name, file, "0" * 64)


def hungry() -> bytes:
    """A Word file that is small on disk and takes hundreds of megabytes to understand."""
    paragraphs = b"<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 1_000_000
    name = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    package = b"http://schemas.openxmlformats.org/package/2006/relationships"
    return policy.packed(
        {
            "[Content_Types].xml": b"<Types/>",
            "_rels/.rels": b'<Relationships xmlns="%b"><Relationship Id="r" Type="%b" Target="word/document.xml"/></Relationships>'
            % (package, office),
            "word/document.xml": b'<w:document xmlns:w="%b"><w:body>%b</w:body></w:document>' % (name, paragraphs),
        }
    )


@pytest.fixture
def worker():
    worker = Worker(USUAL)
    yield worker
    worker.kill()
    worker.close()


def test_what_is_read_apart_is_what_is_read_here(tmp_path: Path):
    from indexer.reading import read_file

    files = policy.every_format()
    sources = [source(tmp_path / name, data) for name, data in files.items()]
    seen: list[int] = []
    found = read_apart(sources, progress=seen.append)
    assert found == [tuple(read_file(name, data)) for name, data in files.items()]
    assert seen == sorted(seen)
    assert seen[-1] == len(files)


def test_a_file_that_hangs_is_ended_and_the_others_are_read(tmp_path: Path):
    files = [
        source(tmp_path / "a.docx", policy.word_file()),
        fifo(tmp_path / "b.pdf"),
        source(tmp_path / "c.pdf", policy.pdf_file()),
    ]
    first, second, third = read_apart(files, Limits(seconds=3))
    assert first[0].document is not None
    assert third[0].document is not None
    assert [(reading.path, reading.is_error) for reading in second] == [("b.pdf", True)]
    assert "longer than 3 seconds" in second[0].problem


def test_a_file_that_eats_memory_is_a_problem_of_its_own_even_inside_an_archive(tmp_path: Path):
    archive = policy.packed({"a.docx": policy.word_file(), "b.docx": hungry(), "c.csv": policy.csv_file()})
    (found,) = read_apart([source(tmp_path / "a.zip", archive)], Limits(memory_megabytes=150))
    assert [reading.path for reading in found] == ["a.zip/a.docx", "a.zip/b.docx", "a.zip/c.csv"]
    assert [reading.document is not None for reading in found] == [True, False, True]
    assert "150 MB of memory" in found[1].problem
    assert found[1].is_error


def test_a_reader_that_is_killed_is_reported_and_the_next_file_is_read(tmp_path: Path, worker: Worker):
    hanging = fifo(tmp_path / "a.pdf")
    found: list[tuple[Reading, ...]] = []
    thread = threading.Thread(target=lambda: found.append(worker.read(hanging)))
    thread.start()
    writer = -1
    while writer < 0 and thread.is_alive():
        with contextlib.suppress(OSError):  # until the reader has come as far as to open it
            writer = os.open(hanging.file, os.O_WRONLY | os.O_NONBLOCK)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSEGV)
    thread.join()
    os.close(writer)
    ((reading,),) = found
    assert reading.is_error
    assert "SIGSEGV" in reading.problem
    (after,) = worker.read(source(tmp_path / "b.pdf", policy.pdf_file()))
    assert after.document is not None


def test_a_file_that_changes_while_it_is_read_or_is_gone_is_a_problem(tmp_path: Path, worker: Worker):
    changed, gone = source(tmp_path / "a.pdf", b"%PDF-1.7"), source(tmp_path / "b.pdf", b"%PDF-1.7")
    changed.file.write_bytes(policy.pdf_file())
    gone.file.unlink()
    assert "changed while it was read" in worker.read(changed)[0].problem
    assert "cannot be read" in worker.read(gone)[0].problem


@pytest.mark.parametrize(
    "answer",
    [
        {
            "reading": {
                "path": "b.pdf",
                "kind": "pdf",
                "document": None,
                "problem": "x",
                "is_error": True,
                "pages": 0,
                "warnings": [],
            }
        },
        {"reading": {"path": "a.pdf"}},
        {"reading": None},
        {"odd": 1},
        [],
    ],
)
def test_a_process_that_speaks_of_other_files_or_talks_nonsense_is_not_believed(
    tmp_path: Path, worker: Worker, answer: object, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "python"
    script.write_text(
        f"#!/bin/sh\nread line\ncat <<'END'\n{json.dumps(answer)}\nEND\nexec sleep 600\n", encoding="utf-8"
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    (reading,) = worker.read(source(tmp_path / "a.pdf", policy.pdf_file()))
    assert (reading.path, reading.is_error, reading.document) == ("a.pdf", True, None)
    assert "crashed" in reading.problem


def test_one_process_reads_many_files(tmp_path: Path, worker: Worker):
    worker.read(source(tmp_path / "a.pdf", policy.pdf_file()))
    pid = worker.pid
    worker.read(source(tmp_path / "b.csv", policy.csv_file()))
    assert worker.pid == pid


def test_no_process_is_left_when_reading_is_interrupted(tmp_path: Path):
    files = [source(tmp_path / "a.csv", policy.csv_file()), fifo(tmp_path / "b.pdf"), fifo(tmp_path / "c.pdf")]

    def interrupt(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    before = children()
    with pytest.raises(KeyboardInterrupt):
        read_apart(files, progress=interrupt)
    assert children() == before


def children() -> set[str]:
    """The processes that this one has started and that are there still."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}
