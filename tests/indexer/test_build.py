"""Building: only what changed is done again, and whatever goes wrong, an index that was served stays served."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import models
from indexer import store
from indexer.build import build
from indexer.embedder import SentenceTransformerEmbedder, model_fingerprint
from indexer.errors import InputError, ModelError, StoredIndexError
from indexer.tokens import tokenize
from training.static import fit_static_embedder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> str:
    """A small embedder of our own, so that building takes next to no time."""
    folder = tmp_path_factory.mktemp("model") / "static"
    fit_static_embedder(texts.values(), folder, dimensions=16)
    return str(folder)


@pytest.fixture
def index(tmp_path: Path, corpus_folder: Path, model: str) -> Path:
    """An index of `corpus_folder` that the test may change."""
    build(corpus_folder, tmp_path / "index", embedder=model)
    return tmp_path / "index"


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that really went through an embedder."""
    seen: list[str] = []
    original = SentenceTransformerEmbedder.embed_passages

    def spy(self: SentenceTransformerEmbedder, texts: list[str]):
        seen.extend(texts)
        return original(self, texts)

    monkeypatch.setattr(SentenceTransformerEmbedder, "embed_passages", spy)
    return seen


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def files(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_fresh(index: Path, corpus_folder: Path, model: str, tmp_path: Path) -> None:
    """The index is what a build from nothing gives."""
    other = tmp_path / "from-nothing"
    build(corpus_folder, other, embedder=model)
    assert store.load(index).manifest == store.load(other).manifest
    shutil.rmtree(other)


# --- first build -----------------------------------------------------------------------------------------------------


def test_first_build_indexes_every_document_and_says_so(
    tmp_path: Path, corpus_folder: Path, texts: dict[str, str], model: str
):
    summary = build(corpus_folder, tmp_path / "index", embedder=model)
    stored = store.load(tmp_path / "index")
    assert [document.path for document in stored.documents] == sorted(texts)
    assert summary.changed
    assert summary.embedded == summary.manifest.passages == len(stored.passages)
    assert summary.skipped == ()
    assert summary.manifest == stored.manifest
    assert stored.manifest.embedder.location == model


def test_rows_of_both_legs_are_the_passages(stored: store.Stored, embedder: SentenceTransformerEmbedder):
    documents = {document.doc_id: document for document in stored.documents}
    for row, passage in enumerate(stored.passages):
        text = documents[passage.doc_id].text[passage.start : passage.end]
        best, _ = stored.lexical.search(tokenize(text), 1)[0]
        assert best == row
        nearest, _ = stored.dense.search(embedder.embed_question(text), 1)[0]
        assert stored.passages[nearest].doc_id == passage.doc_id


def test_progress_counts_up_to_the_end(tmp_path: Path, corpus_folder: Path, model: str):
    calls: list[tuple[str, int, int]] = []
    build(corpus_folder, tmp_path / "i", embedder=model, progress=lambda *call: calls.append(call))
    assert {stage for stage, _, _ in calls} == {"read", "embed"}
    for stage in ("read", "embed"):
        done = [(done, total) for name, done, total in calls if name == stage]
        assert done == sorted(done)
        assert done[-1][0] == done[-1][1] > 0


# --- nothing to do ---------------------------------------------------------------------------------------------------


def test_up_to_date_build_writes_nothing(index: Path, corpus_folder: Path, model: str, embedded: list[str]):
    before = files(index)
    summary = build(corpus_folder, index, embedder=model)
    assert files(index) == before
    assert embedded == []
    assert (summary.changed, summary.embedded) == (False, 0)
    assert summary.manifest == store.load(index).manifest


def test_touched_but_equal_files_are_up_to_date(index: Path, corpus_folder: Path, model: str):
    for path in corpus_folder.rglob("*.txt"):
        path.write_bytes(path.read_bytes())
    assert not build(corpus_folder, index, embedder=model).changed


def test_unreadable_file_is_reported_by_every_build_even_an_up_to_date_one(
    tmp_path: Path, corpus_folder: Path, model: str, texts: dict[str, str]
):
    (corpus_folder / "scan.txt").write_bytes(bytes(range(256)) * 4)
    for changed in (True, False):
        summary = build(corpus_folder, tmp_path / "index", embedder=model)
        assert summary.changed is changed
        assert [(item.path, item.is_error) for item in summary.skipped] == [("scan.txt", True)]
        assert summary.manifest.documents == len(texts)


# --- only what changed -----------------------------------------------------------------------------------------------


def test_unchanged_documents_are_not_embedded_again(
    index: Path, corpus_folder: Path, model: str, embedded: list[str], tmp_path: Path
):
    (corpus_folder / "tide.txt").write_text(
        "北屿潮汐简报\n\n本周大潮在星期四，渔船提早两小时回港。\n", encoding="utf-8"
    )
    summary = build(corpus_folder, index, embedder=model)
    assert summary.changed
    assert len(embedded) == summary.embedded == 1
    assert "大潮在星期四" in embedded[0]
    assert_fresh(index, corpus_folder, model, tmp_path)


def test_changed_paragraph_embeds_only_its_own_passage_again(
    index: Path, corpus_folder: Path, model: str, embedded: list[str], tmp_path: Path
):
    # The passages behind it move, but their texts are what they were.
    edit(corpus_folder / "flood.txt", "去年汛期，全县", "去年整个汛期，全县一共")
    summary = build(corpus_folder, index, embedder=model)
    assert len(embedded) == summary.embedded == 1
    assert "去年整个汛期" in embedded[0]
    assert summary.manifest.passages > 5
    assert_fresh(index, corpus_folder, model, tmp_path)


def test_removed_document_leaves_the_index(
    index: Path, corpus_folder: Path, model: str, embedded: list[str], tmp_path: Path
):
    (corpus_folder / "flood.txt").unlink()
    summary = build(corpus_folder, index, embedder=model)
    stored = store.load(index)
    assert summary.changed
    assert embedded == []
    assert "flood.txt" not in {document.doc_id for document in stored.documents}
    assert "flood.txt" not in {passage.doc_id for passage in stored.passages}
    assert stored.lexical.search(tokenize("铜锣"), 5) == []
    assert_fresh(index, corpus_folder, model, tmp_path)


def test_renamed_document_moves_without_new_vectors(index: Path, corpus_folder: Path, model: str, embedded: list[str]):
    (corpus_folder / "city" / "park.md").rename(corpus_folder / "ocean-park.md")
    assert build(corpus_folder, index, embedder=model).changed
    assert embedded == []
    stored = store.load(index)
    assert "ocean-park.md" in {document.doc_id for document in stored.documents}
    assert not any(passage.passage_id.startswith("city/park.md") for passage in stored.passages)


def test_bundled_embedder_is_used_when_none_is_named_and_is_not_copied_into_the_index(
    tmp_path: Path, corpus_folder: Path, embedded: list[str]
):
    index = tmp_path / "index"
    first = build(corpus_folder, index)
    assert first.manifest.embedder.location == ""
    assert first.manifest.embedder.fingerprint == model_fingerprint(str(models.EMBEDDER))
    assert not any(name.startswith("embedder") for name in first.manifest.files)
    edit(corpus_folder / "flood.txt", "去年汛期，全县", "去年整个汛期，全县一共")
    embedded.clear()
    update = build(corpus_folder, index)
    assert update.manifest.embedder == first.manifest.embedder
    assert len(embedded) == 1
    anew = build(corpus_folder, index, rebuild=True)
    assert anew.embedded == anew.manifest.passages
    assert anew.manifest == update.manifest, "nothing is learned from the corpus"


def test_vectors_of_a_named_embedder_are_taken_for_those_of_the_bundled_one(
    index: Path, corpus_folder: Path, embedded: list[str]
):
    summary = build(corpus_folder, index)
    assert len(embedded) == summary.embedded == summary.manifest.passages
    bundled = SentenceTransformerEmbedder(str(models.EMBEDDER))
    assert store.load(index).dense.dimensions == bundled.dimensions


def test_rebuild_of_unchanged_documents_gives_the_same_index(index: Path, corpus_folder: Path, model: str):
    before = store.load(index).manifest
    summary = build(corpus_folder, index, embedder=model, rebuild=True)
    assert summary.changed
    assert summary.embedded == before.passages
    assert store.load(index).manifest == before


def test_other_embedder_embeds_everything_again(
    index: Path, corpus_folder: Path, texts: dict[str, str], tmp_path: Path, embedded: list[str]
):
    fit_static_embedder(texts.values(), tmp_path / "wider", dimensions=24)
    summary = build(corpus_folder, index, embedder=str(tmp_path / "wider"))
    assert len(embedded) == summary.embedded == summary.manifest.passages
    assert store.load(index).dense.dimensions == 24


def test_embedder_changed_in_its_place_embeds_everything_again(
    tmp_path: Path, corpus_folder: Path, texts: dict[str, str], embedded: list[str]
):
    model, index = tmp_path / "model", tmp_path / "index"
    fit_static_embedder(texts.values(), model, dimensions=16)
    build(corpus_folder, index, embedder=str(model))
    shutil.rmtree(model)
    fit_static_embedder(texts.values(), model, dimensions=12)
    embedded.clear()
    summary = build(corpus_folder, index, embedder=str(model))
    assert summary.changed
    assert len(embedded) == summary.manifest.passages
    assert store.load(index).dense.dimensions == 12


# --- same everywhere -------------------------------------------------------------------------------------------------


def test_same_documents_give_the_same_fingerprint_in_another_folder(
    index_folder: Path, corpus_folder: Path, tmp_path: Path
):
    assert (
        build(corpus_folder, tmp_path / "index").manifest.fingerprint == store.load(index_folder).manifest.fingerprint
    )


def test_same_documents_give_the_same_fingerprint_in_another_process(
    index_folder: Path, corpus_folder: Path, tmp_path: Path
):
    script = (
        "import pathlib, sys; from indexer.build import build;"
        "print(build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).manifest.fingerprint)"
    )
    output = subprocess.run(
        [sys.executable, "-c", script, str(corpus_folder), str(tmp_path / "index")],
        env={**os.environ, "PYTHONHASHSEED": "11"},
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    assert output.split()[-1] == store.load(index_folder).manifest.fingerprint


def test_vectors_taken_over_are_those_computed_anew(index: Path, corpus_folder: Path, model: str):
    edit(corpus_folder / "harbour.txt", "首批投入24台", "首批投入36台")
    build(corpus_folder, index, embedder=model)
    taken_over = store.load(index).dense.vectors()
    build(corpus_folder, index, embedder=model, rebuild=True)
    np.testing.assert_allclose(store.load(index).dense.vectors(), taken_over, atol=1e-6)


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_empty_corpus_is_refused_and_leaves_no_index(tmp_path: Path):
    (tmp_path / "corpus").mkdir()
    with pytest.raises(InputError, match="nothing to index"):
        build(tmp_path / "corpus", tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_corpus_of_unreadable_files_is_refused_with_the_reasons(tmp_path: Path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "scan.txt").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "corpus" / "empty.md").write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"none of the 2 files .*empty\.md.*scan\.txt"):
        build(tmp_path / "corpus", tmp_path / "index")
    assert not (tmp_path / "index").exists()


def break_corpus(corpus: Path) -> None:
    for path in [p for p in corpus.rglob("*") if p.is_file()]:
        path.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "embedder", "error"),
    [
        (shutil.rmtree, "", InputError),
        (break_corpus, "", InputError),
        (lambda corpus: None, "/nowhere/model", ModelError),
    ],
)
def test_build_that_fails_leaves_the_index_as_it_was(
    index: Path, corpus_folder: Path, spoil: Callable[[Path], None], embedder: str, error: type[Exception]
):
    before = files(index)
    spoil(corpus_folder)
    with pytest.raises(error):
        build(corpus_folder, index, embedder=embedder)
    assert {name: data for name, data in files(index).items() if name != ".lock"} == {
        name: data for name, data in before.items() if name != ".lock"
    }
    assert [path.name for path in (index / "versions").iterdir()] == [(index / "current").read_text().strip()]


@pytest.mark.parametrize("name", ["manifest.json", "dense.faiss", "passages.jsonl"])
def test_damaged_index_is_built_again_without_being_asked(index: Path, corpus_folder: Path, model: str, name: str):
    before = store.load(index).manifest
    (index / "versions" / (index / "current").read_text().strip() / name).write_bytes(b"\0" * 10)
    summary = build(corpus_folder, index, embedder=model)
    assert summary.changed
    assert store.load(index).manifest == before


def test_index_of_other_code_is_built_again_without_its_vectors(
    tmp_path: Path, corpus_folder: Path, model: str, monkeypatch: pytest.MonkeyPatch, embedded: list[str]
):
    monkeypatch.setattr(store, "recipe", lambda: "sha256:older code")
    build(corpus_folder, tmp_path / "index", embedder=model)
    monkeypatch.undo()
    summary = build(corpus_folder, tmp_path / "index", embedder=model)
    assert summary.changed
    assert summary.embedded == summary.manifest.passages
    assert store.load(tmp_path / "index").manifest == summary.manifest


def test_folder_of_other_files_is_refused_and_not_touched(tmp_path: Path, corpus_folder: Path, model: str):
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "论文.docx").write_text("别动我", encoding="utf-8")
    before = files(folder)
    with pytest.raises(StoredIndexError, match="choose another --index"):
        build(corpus_folder, folder, embedder=model)
    assert files(folder) == before
    assert [path.name for path in folder.iterdir()] == ["论文.docx"]


# --- crashes and races -----------------------------------------------------------------------------------------------


def test_build_killed_while_embedding_leaves_the_old_index_and_the_next_build_finishes(
    index: Path, corpus_folder: Path, model: str
):
    before = store.load(index).manifest
    edit(corpus_folder / "flood.txt", "去年汛期，全县", "去年整个汛期，全县一共")
    script = (
        "import os, pathlib, signal, sys; from indexer.build import build;"
        "die = lambda stage, done, total: stage == 'embed' and os.kill(os.getpid(), signal.SIGKILL);"
        "build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), embedder=sys.argv[3], progress=die)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(corpus_folder), str(index), model], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.load(index).manifest == before
    summary = build(corpus_folder, index, embedder=model)
    assert summary.changed
    assert summary.embedded == 1
    assert store.load(index).manifest == summary.manifest


def test_interrupt_while_embedding_leaves_nothing_behind(index: Path, corpus_folder: Path, model: str):
    before = files(index)
    edit(corpus_folder / "flood.txt", "去年汛期，全县", "去年整个汛期，全县一共")

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "embed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(corpus_folder, index, embedder=model, progress=interrupt)
    assert files(index).keys() == before.keys()
    assert build(corpus_folder, index, embedder=model).changed


def test_second_build_is_refused_while_the_first_is_writing_and_harms_nothing(
    index: Path, corpus_folder: Path, model: str
):
    edit(corpus_folder / "flood.txt", "去年汛期，全县", "去年整个汛期，全县一共")
    refused: list[str] = []

    def second(stage: str, done: int, total: int) -> None:
        if stage == "embed":
            with pytest.raises(StoredIndexError, match="another build is writing") as error:
                build(corpus_folder, index, embedder=model)
            refused.append(str(error.value))

    summary = build(corpus_folder, index, embedder=model, progress=second)
    assert refused
    assert store.load(index).manifest == summary.manifest


def test_build_with_a_model_that_is_gone_says_so_instead_of_being_up_to_date(
    index: Path, corpus_folder: Path, tmp_path: Path, model: str
):
    moved = tmp_path / "moved"
    shutil.copytree(model, moved)
    build(corpus_folder, index, embedder=str(moved))
    shutil.rmtree(moved)
    with pytest.raises(ModelError, match="no embedder at"):
        build(corpus_folder, index, embedder=str(moved))
    assert store.load(index).manifest.embedder.location == str(moved)


def test_one_short_memo_is_corpus_enough(tmp_path: Path):
    (tmp_path / "corpus").mkdir()
    memo = "请各村在星期五以前把防汛沙袋的数量报到水务站，联系人是周明远，过期不再补发。"
    (tmp_path / "corpus" / "memo.txt").write_text(memo, encoding="utf-8")
    summary = build(tmp_path / "corpus", tmp_path / "index")
    assert (summary.manifest.documents, summary.manifest.passages) == (1, 1)
    assert store.load(tmp_path / "index").lexical.search(tokenize("防汛沙袋"), 1)
