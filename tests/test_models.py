"""What ships under `models/`: small files without code in them, each model with a card that tells the truth about its files."""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors import safe_open

import models
from indexer.embedder import SentenceTransformerEmbedder
from indexer.store import load
from service import cli
from service.pipeline import Pipeline

ROOT = Path(models.__file__).parent
FOLDERS = (models.EMBEDDER, models.EVIDENCE)
MEGABYTE = 1_000_000
_SHA256 = re.compile(r"sha256 ([0-9a-f]{64})  (\S+)")


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def weights(folder: Path) -> list[Path]:
    return [path for path in files(folder) if path.suffix == ".safetensors"]


def card_sums(folder: Path) -> dict[str, str]:
    """File → sha256 by the card's lines `sha256 <hex>  <file>`, which may be indented."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    found = [match for line in card.splitlines() if (match := _SHA256.fullmatch(line.strip()))]
    assert len({match[2] for match in found}) == len(found), "a file has two sums"
    return {match[2]: match[1] for match in found}


# --- files -----------------------------------------------------------------------------------------------------------


def test_model_ships_without_being_named_or_looked_at() -> None:
    assert {path for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(FOLDERS)


def test_file_holds_code_or_a_pickle() -> None:
    suffixes = {path.suffix for folder in FOLDERS for path in files(folder)}
    assert suffixes <= {".json", ".safetensors", ".md", ".txt"}
    for folder in FOLDERS:
        assert weights(folder)
        for path in weights(folder):
            with safe_open(path, framework="numpy") as tensors:
                assert list(tensors.keys())


def test_file_is_too_large_for_a_repository() -> None:
    sizes = {path: path.stat().st_size for path in files(ROOT)}
    assert [path for path, size in sizes.items() if size >= 50 * MEGABYTE] == []
    assert sum(sizes.values()) <= 60 * MEGABYTE


def test_file_holds_a_path_of_the_machine_that_made_it() -> None:
    for folder in FOLDERS:
        for path in files(folder):
            if path.suffix in (".json", ".md"):
                assert not re.search(r"/(?:home|root|tmp|Users)/", path.read_text(encoding="utf-8")), path


def test_model_needs_more_than_its_files(tmp_path: Path) -> None:
    """A repository holds no empty folders."""
    for path in files(models.EMBEDDER):
        copy = tmp_path / "model" / path.relative_to(models.EMBEDDER)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    copied = SentenceTransformerEmbedder(str(tmp_path / "model"))
    assert copied.fingerprint == SentenceTransformerEmbedder(str(models.EMBEDDER)).fingerprint
    assert copied.embed_question("灯塔").any()


# --- cards -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_card_is_of_other_weights(folder: Path) -> None:
    sums = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in weights(folder)
    }
    told = card_sums(folder)
    assert sums.items() <= told.items(), "the card lacks a weight file or tells another sha256"
    for name, expected in told.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_card_does_not_say_what_the_licence_is(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert re.search(r"licen[cs]e|许可", card, re.IGNORECASE)


# --- another embedder ------------------------------------------------------------------------------------------------


def test_embedder_from_elsewhere_is_not_used_or_breaks_reading(
    transformer_folder: Path,
    corpus_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    index = tmp_path / "index"
    call = ["zhengwen", "index", "--corpus", corpus_folder, "--index", index, "--embedder", transformer_folder]
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # typer sets its own; put this one back afterwards
    monkeypatch.setattr(sys, "argv", [str(part) for part in call])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert (stop.value.code, "16 dimensions" in capsys.readouterr().out) == (0, True)
    stored = load(index)
    record = stored.manifest.embedder
    assert (record.location, record.dimensions, stored.dense.dimensions) == (str(transformer_folder), 16, 16)
    # The evidence model goes on with the embedder that it was trained with.
    answer = Pipeline.over(stored).ask("青石河全长多少公里？")
    assert answer.receipt.models["embedder"] == record.fingerprint
    assert any("青石河全长86公里" in passage.text for passage in answer.passages)
