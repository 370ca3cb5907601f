"""A part of an index is the index of that part: nothing of the other documents has stayed in it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.build import build
from indexer.part import part
from indexer.store import Stored, load

TEXTS = {
    "公开/海港.md": "# 海港规划\n\n深渊潜航器在三号泊位停靠，每年下潜40次。\n\n码头年内改造泊位9个，全部配备岸电。\n",
    "公开/渔政.txt": "渔政站每天清早派两条船出海巡查，发现违规网具当场收缴，深渊潜航器负责水下取证。\n",
    # Defines a short name of what the others speak of, and makes their words common.
    "内部/潜航.md": "# 潜航器内参\n\n深渊潜航器（SYQ）由七号船坞建造，泊位在岛屿背面。\n\n"
    + "泊位和岸电都由七号船坞管理。\n\n" * 9,
}


def indexed(folder: Path, names: list[str]) -> Stored:
    for name in names:
        (folder / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "corpus" / name).write_text(TEXTS[name], encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return load(folder / "index")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return indexed(tmp_path_factory.mktemp("whole"), list(TEXTS))


def files(stored: Stored, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    stored.lexical.save(folder)
    stored.dense.save(folder / "dense")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("names", [["公开/海港.md", "公开/渔政.txt"], ["公开/渔政.txt"], list(TEXTS)])
def test_part_differs_from_an_index_of_its_documents_alone(whole: Stored, tmp_path: Path, names: list[str]):
    made, alone = part(whole, frozenset(names)), indexed(tmp_path, names)
    assert made.documents == alone.documents
    assert made.passages == alone.passages
    assert made.glossary == alone.glossary
    assert files(made, tmp_path / "made") == files(alone, tmp_path / "alone")
    assert made.manifest == whole.manifest


def test_name_that_only_a_hidden_document_defines_is_known(whole: Stored):
    assert any("syq" in group for group in whole.glossary.groups), "the test proves nothing"
    assert whole.lexical.frequency("syq") == 3, "the glossary has put it into the passages that we see"
    public = part(whole, {"公开/海港.md", "公开/渔政.txt"})
    assert not any("syq" in group for group in public.glossary.groups)
    assert public.lexical.frequency("syq") == 0


def test_rarity_of_a_word_tells_of_hidden_documents(whole: Stored):
    public = part(whole, {"公开/海港.md", "公开/渔政.txt"})
    assert whole.lexical.frequency("泊位") > public.lexical.frequency("泊位") == 1
    assert whole.lexical.search(["泊位"], 1) != public.lexical.search(["泊位"], 1)
    assert public.lexical.frequency("船坞") == 0


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sets(st.sampled_from(sorted(TEXTS)), min_size=1))
def test_row_of_a_part_is_another_passage(whole: Stored, doc_ids: set[str]):
    made = part(whole, doc_ids)
    rows = [row for row, passage in enumerate(whole.passages) if passage.doc_id in doc_ids]
    assert made.passages == tuple(whole.passages[row] for row in rows)
    np.testing.assert_array_equal(made.dense.vectors(), whole.dense.vectors()[rows])
    assert made.lexical.size == made.dense.size == len(rows)
