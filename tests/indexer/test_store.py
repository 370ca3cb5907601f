"""The index on disk: whole or refused, never half; a crash leaves the old one serving."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import models
from indexer import store
from indexer.dense import DenseIndex
from indexer.document import Document, Metadata, Passage, Place, PlaceMap
from indexer.embedder import HashEmbedder
from indexer.errors import StoredIndexError
from indexer.glossary import Glossary
from indexer.lexical import LexicalIndex
from indexer.tokens import tokenize

EMBEDDER = HashEmbedder(dimensions=8)
RECORD = store.EmbedderRecord("hash", "hash-1", 8, "somewhere/hash")
DOCUMENTS = [
    Document(
        *("潮汐/a.md", "潮汐/a.md", "渔船出海。\n灯塔亮了。", "1" * 64),
        Metadata("潮汐表", authors=("周明远", "何秋实"), published="2023-05"),
        PlaceMap((0, 6), (Place(line=3), Place(page=5, sheet="潮汐", row=2))),
        (2,),
        "gb18030",
        ((0, 1), (6, 2)),
    ),
    Document("b.txt", "b.txt", "海带苗在十月下海。", "2" * 64, Metadata("海带")),
]
PASSAGES = [
    Passage("潮汐/a.md#0-5", "潮汐/a.md", 0, 5, ("一、出海", "（一）渔船")),
    Passage("潮汐/a.md#6-11", "潮汐/a.md", 6, 11, (), (0, 5)),
    Passage("b.txt#0-9", "b.txt", 0, 9),
]


GLOSSARY = Glossary((("vr", "虚拟现实"),))


def commit_with(writer: store.Writer, label: str = "corpus", record: store.EmbedderRecord = RECORD) -> store.Manifest:
    texts = [next(d.text for d in DOCUMENTS if d.doc_id == p.doc_id)[p.start : p.end] for p in PASSAGES]
    return writer.commit(
        corpus=label,
        documents=DOCUMENTS,
        passages=PASSAGES,
        glossary=GLOSSARY,
        lexical=LexicalIndex.build([tokenize(text) for text in texts]),
        dense=DenseIndex.build(EMBEDDER.embed_passages(texts)),
        embedder=record,
    )


def commit(
    index: Path, label: str = "corpus", record: store.EmbedderRecord = RECORD, keep: int = store.KEPT_VERSIONS
) -> store.Manifest:
    return commit_with(store.Writer(index, keep), label, record)


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything under a folder: name → inode, time of change, contents."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


def version(index: Path) -> Path:
    return index / "versions" / (index / "current").read_text(encoding="utf-8").strip()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    commit(tmp_path / "index")
    return tmp_path / "index"


# --- round trip ------------------------------------------------------------------------------------------------------


def test_what_was_committed_is_loaded_again(index: Path):
    loaded = store.load(index)
    assert loaded.documents == tuple(DOCUMENTS)
    assert loaded.passages == tuple(PASSAGES)
    assert loaded.glossary == GLOSSARY
    assert loaded.manifest == store.read_manifest(index)
    assert (loaded.manifest.documents, loaded.manifest.passages) == (2, 3)
    assert loaded.lexical.search(["海带"], 3)[0][0] == 2
    assert loaded.dense.search(EMBEDDER.embed_question("灯塔亮了。"), 1)[0][0] == 1
    assert loaded.embedder_location == "somewhere/hash"


def test_empty_location_is_that_of_the_bundled_embedder_wherever_the_index_was_moved(tmp_path: Path):
    commit(tmp_path / "index", record=store.EmbedderRecord("embedder", "sha256:1", 8, ""))
    (tmp_path / "index").rename(tmp_path / "moved")
    moved = store.load(tmp_path / "moved")
    assert moved.embedder_location == str(models.EMBEDDER)
    assert moved.manifest.embedder.location == "", "a path of this machine would mean nothing on another"


def test_same_content_has_the_same_fingerprint_in_another_place(index: Path, tmp_path: Path):
    moved = commit(tmp_path / "other", record=store.EmbedderRecord("hash", "hash-1", 8, "elsewhere/hash"))
    assert moved.fingerprint == store.load(index).manifest.fingerprint
    assert commit(tmp_path / "third", label="other corpus").fingerprint != moved.fingerprint


def test_no_file_of_a_built_index_is_a_pickle_or_a_model(index_folder: Path):
    known = {".json", ".jsonl", ".npy", ".faiss"}
    files = [path for path in index_folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files if path.name not in ("current", ".lock")} == known
    for path in files:
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".jsonl":
            for line in path.read_text(encoding="utf-8").splitlines():
                json.loads(line)


def test_manifest_lists_every_other_file_of_the_version(index_folder: Path):
    folder = version(index_folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    manifest = store.read_manifest(index_folder)
    assert manifest is not None
    assert set(manifest.files) == files - {"manifest.json", store.REPORT}


# --- damage ----------------------------------------------------------------------------------------------------------

FILES = [
    *(
        "documents.jsonl",
        "passages.jsonl",
        "glossary.json",
        "dense.faiss",
        "lexical/data.csc.index.npy",
        "lexical/vocab.index.json",
    ),
    *("lexical/size.json", "manifest.json"),
]


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_refused_and_named(index: Path, name: str):
    (version(index) / name).unlink()
    with pytest.raises(StoredIndexError, match=name):
        store.load(index)


@pytest.mark.parametrize("name", FILES[:-1])
def test_one_changed_byte_is_refused_and_its_file_named(index: Path, name: str):
    path = version(index) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoredIndexError, match=rf"{name} does not match its checksum.*--rebuild"):
        store.load(index)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row | {"corpus": "sha256:0"},
        lambda row: row | {"passages": 2},
        lambda row: row | {"files": {}},
        lambda row: row | {"files": {k: v for k, v in row["files"].items() if k != "dense.faiss"}},
        lambda row: row | {"surplus": 1},
        lambda row: {k: v for k, v in row.items() if k != "files"},
        lambda row: [row],
        lambda row: None,
    ],
)
def test_changed_manifest_is_refused(index: Path, change: Callable[[dict], object]):
    path = version(index) / "manifest.json"
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    with pytest.raises(StoredIndexError):
        store.load(index)


def test_other_format_is_refused_by_its_number_whatever_its_fields_are(index: Path):
    path = version(index) / "manifest.json"
    row = json.loads(path.read_text(encoding="utf-8")) | {"format": 99, "field_of_the_future": 1}
    path.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(StoredIndexError, match=rf"format 99, this version reads {store.FORMAT}: rebuild"):
        store.load(index)


def test_index_of_another_recipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "recipe", lambda: "sha256:older code")
    commit(tmp_path / "index")
    monkeypatch.undo()
    with pytest.raises(StoredIndexError, match=r"another version of zhengwen.*--rebuild"):
        store.load(tmp_path / "index")


GARBAGE = [b"", b"\n", b"\xff\xfe\x00", b"../../etc", b"nope", b".building", b"0123456789abcdef", b"a/b", b"x" * 5000]


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_in_current_is_refused_and_the_next_commit_heals_it(index: Path, data: bytes):
    (index / "current").write_bytes(data)
    with pytest.raises(StoredIndexError, match="--rebuild"):
        store.load(index)
    assert store.read_manifest_or_none(index) is None
    commit(index)
    assert store.load(index).passages == tuple(PASSAGES)


@pytest.mark.parametrize("name", FILES)
def test_damaged_index_counts_as_none_or_is_replaced_by_the_next_commit(index: Path, name: str):
    (version(index) / name).unlink()
    commit(index)
    assert store.load(index).documents == tuple(DOCUMENTS)


def test_missing_index_says_how_to_build_one(tmp_path: Path):
    assert store.read_manifest(tmp_path / "none") is None
    with pytest.raises(StoredIndexError, match=r"no index at .*none: build it with 'zhengwen index"):
        store.load(tmp_path / "none")


# --- folders that are not ours ---------------------------------------------------------------------------------------


def make_files(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("别动我", encoding="utf-8")


@pytest.mark.parametrize(
    "names",
    [
        ["论文.docx"],
        ["current"],
        ["current", "versions/v1/app.py"],
        ["versions/2023/报告.txt"],
        ["versions/1.0/manifest.json", "current"],
        [".git/HEAD"],
        ["versions"],
    ],
)
def test_foreign_folder_is_refused_and_not_touched(tmp_path: Path, names: list[str]):
    folder = tmp_path / "mine"
    make_files(folder, names)
    before = snapshot(folder)
    for attempt in (store.Writer, store.read_manifest_or_none):
        with pytest.raises(StoredIndexError, match=r"mine holds other files .*choose another --index"):
            attempt(folder)
    with pytest.raises(StoredIndexError):
        store.load(folder)
    assert snapshot(folder) == before


def test_file_in_the_place_of_the_index_is_refused(tmp_path: Path):
    make_files(tmp_path, ["index"])
    for attempt in (store.Writer, store.read_manifest_or_none, store.read_manifest, store.load):
        with pytest.raises(StoredIndexError, match="choose another --index"):
            attempt(tmp_path / "index")


def test_empty_folder_is_taken(tmp_path: Path):
    commit(tmp_path)
    assert store.load(tmp_path).manifest.documents == 2


def test_foreign_files_beside_an_index_survive_every_commit(index: Path):
    make_files(index, ["README.txt", "versions/backup/notes.txt", "versions/.DS_Store"])
    for label in ("one", "two", "three"):
        commit(index, label)
    assert (index / "README.txt").exists()
    assert (index / "versions" / "backup" / "notes.txt").exists()
    assert (index / "versions" / ".DS_Store").exists()
    assert store.load(index).manifest.corpus == "three"


# --- versions --------------------------------------------------------------------------------------------------------


def versions(index: Path) -> list[str]:
    return [path.name for path in (index / "versions").iterdir()]


def corpora(index: Path) -> list[str]:
    """What each version was built from, newest version first."""
    return [kept.manifest.corpus for kept in store.versions(index) if kept.manifest]


@pytest.mark.parametrize("keep", [2, 3, 5])
def test_newest_versions_are_kept_and_listed(tmp_path: Path, keep: int):
    for label in "abcdefg":
        commit(tmp_path, label, keep=keep)
    assert corpora(tmp_path) == list("gfedcba")[:keep]
    assert len(versions(tmp_path)) == keep
    assert [kept.is_current for kept in store.versions(tmp_path)] == [True] + [False] * (keep - 1)
    assert store.load(tmp_path).manifest.corpus == "g"


def test_age_is_told_by_the_files_of_an_index_that_was_copied(index: Path, tmp_path: Path):
    for label in ("two", "three"):
        commit(index, label)
    copied = Path(shutil.copytree(index, tmp_path / "copy"))
    for age, kept in enumerate(
        store.versions(copied)
    ):  # as after a plain copy: the newest version has the oldest files
        for path in (copied / "versions" / kept.name, *(copied / "versions" / kept.name).rglob("*")):
            os.utime(path, (age, age))
    assert corpora(copied) == ["three", "two", "corpus"]
    assert store.rollback(copied).manifest.corpus == "two"


def test_time_of_a_build_is_a_lie_or_part_of_what_it_is_made_of(tmp_path: Path):
    before = datetime.now(UTC)
    first, second = commit(tmp_path / "one"), commit(tmp_path / "two")
    assert before <= datetime.fromisoformat(first.built) < datetime.fromisoformat(second.built) <= datetime.now(UTC)
    assert (first, first.fingerprint) == (second, second.fingerprint)


def test_damaged_version_hides_the_others_or_is_hidden(index: Path):
    for label in ("two", "three"):
        commit(index, label)
    damaged = store.versions(index)[1].name
    (index / "versions" / damaged / "manifest.json").write_text("{}", encoding="utf-8")
    assert [(kept.name == damaged, kept.manifest is None) for kept in store.versions(index)] == [
        (False, False),
        (False, False),
        (True, True),
    ]
    assert corpora(index) == ["three", "corpus"]


def test_versions_of_no_index_are_an_empty_list(tmp_path: Path):
    for attempt in (store.versions, store.older, store.rollback, store.check, store.check_any):
        with pytest.raises(StoredIndexError, match=r"no index at .*none: build it with 'zhengwen index"):
            attempt(tmp_path / "none")
    assert not (tmp_path / "none").exists()


# --- rollback --------------------------------------------------------------------------------------------------------


def test_rollback_serves_the_version_before_and_deletes_nothing(index: Path):
    for label in ("two", "three"):
        commit(index, label)
    before = snapshot(index / "versions")
    assert store.rollback(index).manifest.corpus == "two"
    assert store.load(index).manifest.corpus == "two"
    assert store.rollback(index).manifest.corpus == "corpus"
    assert store.load(index).manifest.corpus == "corpus"
    with pytest.raises(StoredIndexError, match="holds no version older than the one that is served: it has"):
        store.rollback(index)
    newest = store.versions(index)[0].name
    assert store.rollback(index, newest) == store.versions(index)[0]
    assert store.load(index).manifest.corpus == "three"
    assert snapshot(index / "versions") == before


def test_build_after_a_rollback_deletes_the_version_that_was_gone_back_to(index: Path):
    for label in ("two", "three"):
        commit(index, label)
    store.rollback(index, store.versions(index)[-1].name)  # to the oldest
    commit(index, "four", keep=2)
    assert corpora(index) == ["four", "corpus"], "the version served before is the one to go back to"
    assert store.rollback(index).manifest.corpus == "corpus"


@pytest.mark.parametrize("name", ["0123456789abcdef", "..", "../../etc", "", ".building"])
def test_rollback_to_what_is_no_version_changes_what_is_served(index: Path, name: str):
    commit(index, "two")
    (index / "versions" / ".building").mkdir()
    store.rollback(index)
    before = snapshot(index)
    with pytest.raises(StoredIndexError):  # the empty name means an older one, and there is none
        store.rollback(index, name)
    with pytest.raises(StoredIndexError, match="is the one that is served"):
        store.rollback(index, version(index).name)
    assert snapshot(index) == before | {".lock": snapshot(index)[".lock"]}


@pytest.mark.parametrize("name", FILES)
def test_rollback_to_a_damaged_version_changes_what_is_served(index: Path, name: str):
    old = version(index)
    commit(index, "two")
    (old / name).unlink()
    with pytest.raises(StoredIndexError):
        store.rollback(index, old.name)
    assert store.load(index).manifest.corpus == "two"


@pytest.mark.parametrize("data", GARBAGE)
def test_rollback_cannot_heal_an_index_that_names_no_version(index: Path, data: bytes):
    commit(index, "two")
    (index / "current").write_bytes(data)
    assert store.rollback(index).manifest.corpus == "two", "the newest there is"
    assert store.load(index).manifest.corpus == "two"


def test_rollback_disturbs_a_build(index: Path):
    commit(index, "two")
    writer = store.Writer(index)
    with pytest.raises(StoredIndexError, match="another build is writing"):
        store.rollback(index)
    writer.abandon()
    assert store.load(index).manifest.corpus == "two"
    store.rollback(index)
    commit(index, "three")  # the lock is free again


def test_old_version_stands_in_for_a_damaged_one_only_when_it_is_whole(index: Path):
    old = version(index)
    commit(index, "two")
    (version(index) / "passages.jsonl").unlink()
    store.check_any(index)
    with pytest.raises(StoredIndexError, match="lacks its file passages"):
        store.check(index)
    (old / "dense.faiss").write_bytes(b"")
    with pytest.raises(StoredIndexError, match="lacks its file passages"):
        store.check_any(index)


# --- shared memory ---------------------------------------------------------------------------------------------------


def test_large_parts_are_copied_into_every_process(index: Path):
    loaded = store.load(index)
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8")
    for name in ("dense.faiss", *(f"lexical/{part}.csc.index.npy" for part in ("data", "indices", "indptr"))):
        assert str(loaded.folder / name) in mapped, name


def test_version_that_is_served_breaks_when_later_builds_delete_it(index: Path):
    loaded, again = store.load(index), store.load(index)
    question = EMBEDDER.embed_question("灯塔亮了。")
    before = loaded.dense.search(question, 3), loaded.lexical.search(["海带", "灯塔"], 3)
    for label in ("two", "three", "four"):
        commit(index, label)
    assert not loaded.folder.exists()
    assert (again.dense.search(question, 3), again.lexical.search(["海带", "灯塔"], 3)) == before
    np.testing.assert_allclose(again.dense.vectors()[1] @ question, before[0][0][1], atol=1e-6)


# --- disks that are full or may not be written -----------------------------------------------------------------------


def outcome(action: Callable[[], object]) -> str:
    """What `action` complains of, tried in a child of this process that is gone afterwards; empty for nothing."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # later Pythons warn of threads, here those of FAISS, which sleep
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            action()
            said = ""
        except StoredIndexError as error:
            said = str(error)
        except BaseException as error:
            said = f"not ours: {error!r}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return said


def largest_file(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_disk_that_is_full_half_way_costs_the_version_that_is_served(index: Path):
    """Every size from nothing up: each file in turn is the one that does not fit any more."""
    before = snapshot(index / "versions")
    enough, refused = largest_file(version(index)), 0
    for size in range(0, enough + 1, enough // 60):

        def build(size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            writer = store.Writer(index)
            try:
                commit_with(writer)
            except BaseException:
                writer.abandon()
                raise

        said = outcome(build)
        if said:
            refused += 1
            assert "cannot be written" in said, said
            assert "what was served before is unchanged" in said
            assert snapshot(index / "versions") == before
            assert not (index / ".current").exists()
    assert refused > 50
    assert store.load(index).manifest.corpus == "corpus"


def test_full_disk_costs_the_version_that_is_served_when_another_one_is_named(index: Path):
    commit(index, "two")

    def roll_back() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))
        store.rollback(index)

    assert "cannot be written" in outcome(roll_back)
    assert not (index / ".current").exists()
    assert store.load(index).manifest.corpus == "two"


def test_folder_that_may_only_be_read_cannot_be_served_or_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory):
    """As a user without rights, for root may write everywhere."""
    with tempfile.TemporaryDirectory() as name:
        index = Path(name) / "index"
        commit(index)
        commit(index, "two")
        for path in (Path(name), index, *index.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

        def as_nobody(action: Callable[[], object]) -> Callable[[], object]:
            def act() -> None:
                if os.geteuid() == 0:
                    os.setgid(65534)
                    os.setuid(65534)
                action()

            return act

        assert outcome(as_nobody(lambda: store.load(index))) == ""
        for attempt in (lambda: store.Writer(index), lambda: store.rollback(index)):
            assert "cannot be written (Permission denied)" in outcome(as_nobody(attempt))
        for path in (Path(name), index, *index.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_version_that_is_served_is_never_moved_not_even_by_a_commit_of_the_same_content(index: Path):
    served = version(index)
    before = snapshot(served)
    commit(index)
    assert version(index) != served
    assert snapshot(served) == before
    assert store.load(index).documents == tuple(DOCUMENTS)


def test_abandoned_build_leaves_the_index_as_it_was(index: Path):
    before = snapshot(index / "versions")
    writer = store.Writer(index)
    (writer.folder / "documents.jsonl").write_text("{}", encoding="utf-8")
    writer.abandon()
    after = snapshot(index / "versions")
    assert after == before


def test_second_writer_is_refused_until_the_first_is_done(index: Path):
    first = store.Writer(index)
    (first.folder / "half.txt").write_text("还没写完", encoding="utf-8")
    with pytest.raises(StoredIndexError, match="another build is writing"):
        store.Writer(index)
    assert (first.folder / "half.txt").exists()
    first.abandon()
    commit(index, "second")
    commit(index, "third")
    assert store.load(index).manifest.corpus == "third"


def test_writer_killed_while_it_holds_the_index_does_not_lock_out_the_next(index: Path):
    script = (
        "import os, pathlib, signal, sys; from indexer import store; writer = store.Writer(pathlib.Path(sys.argv[1]));"
        "(writer.folder / 'half.txt').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(index)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (index / "versions" / ".building" / "half.txt").exists()
    assert store.load(index).manifest.corpus == "corpus"
    commit(index, "next")
    assert store.load(index).manifest.corpus == "next"
    assert ".building" not in versions(index)


def test_kill_at_any_step_of_a_commit_leaves_the_old_or_the_new_version_whole(tmp_path: Path):
    script = Path(__file__).with_name("crash_at_every_step.py")
    result = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], check=True, capture_output=True, encoding="utf-8"
    )
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    for before, label in ((None, "new"), ("old", "new"), ("old", "old")):
        steps = [row for row in rows if (row["before"], row["label"]) == (before, label)]
        served = [row["served"] for row in steps]
        assert len(steps) > 20, "there are many steps to die at"
        assert [row["died"] for row in steps] == [True] * (len(steps) - 1) + [False]
        # First the old version after every crash, from some step on the new one.
        switch = served.index(label)
        assert served == [before] * switch + [label] * (len(served) - switch)
        assert {row["healed"] for row in steps} == {label}
        for row in steps:
            assert not {".building", ".removing", ".current"} & set(row["left"])
            assert len([name for name in row["left"] if len(name) >= 16]) <= store.KEPT_VERSIONS


def test_kill_at_any_step_of_a_rollback_leaves_the_old_or_the_new_version_served(tmp_path: Path):
    script = Path(__file__).with_name("crash_at_every_step.py")
    result = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "rollback"], check=True, capture_output=True, encoding="utf-8"
    )
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) > 10, "there are many steps to die at"
    assert [row["died"] for row in rows] == [True] * (len(rows) - 1) + [False]
    served = [row["served"] for row in rows]
    switch = served.index("older")
    assert served == ["old"] * switch + ["older"] * (len(rows) - switch)
    for row in rows:
        assert row["healed"] == "older"
        assert ".current" not in row["left"]
        assert row["versions"] == ["old", "older"], "a rollback deletes nothing"


def test_commits_of_several_processes_at_once_are_refused_or_whole(tmp_path: Path):
    """Each process commits over and over; whoever finds another one writing is refused and tries again."""
    script = (
        Path(__file__).with_name("crash_at_every_step.py").read_text(encoding="utf-8").partition("\nif sys.argv")[0]
    )
    script += (
        "\nindex, label, done = Path(sys.argv[1]), sys.argv[2], 0\n"
        "while done < 5:\n"
        "    try:\n"
        "        commit(index, label)\n"
        "        done += 1\n"
        "    except StoredIndexError as error:\n"
        "        assert 'another build is writing' in str(error), error\n"
    )
    labels = ["甲", "乙", "丙"]
    processes = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "index"), label]) for label in labels]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert store.load(tmp_path / "index").manifest.corpus in labels
    assert len(versions(tmp_path / "index")) == store.KEPT_VERSIONS


def test_recipe_changes_with_the_code_and_not_with_the_process():
    script = "from indexer.store import recipe; print(recipe())"
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, encoding="utf-8").stdout
    assert output.strip() == store.recipe()
    assert store.recipe().startswith("sha256:")
