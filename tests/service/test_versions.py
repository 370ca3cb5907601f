"""Taking up versions of an index: the newest that is fit, an older one only where there would be none."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer import store
from indexer.build import build
from indexer.errors import InputError, ModelError, StoredIndexError
from models import EMBEDDER
from service.settings import Settings
from service.versions import IndexWatch, Versions

TIDES = {"tides.md": "# 潮汐表\n\n十月的大潮在初三，码头停工两天。\n"}
MORE = TIDES | {"kelp.md": "# 海带\n\n海带苗在十月下海，次年五月收割。\n"}
KELP = {"question": "海带什么时候收割？", "status": "answered", "doc_id": "kelp.md"}
TIDE = {"question": "大潮在哪天？", "status": "answered", "doc_id": "tides.md"}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def add(index: Path, texts: dict[str, str], embedder: str = "") -> str:
    """The fingerprint of a version built from `texts`."""
    corpus = index.parent / "corpus"
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir()
    for name, text in texts.items():
        (corpus / name).write_text(text, encoding="utf-8")
    return build(corpus, index, embedder=embedder).manifest.fingerprint


def served(index: Path) -> Path:
    return index / "versions" / (index / "current").read_text(encoding="utf-8").strip()


def over(index: Path, canaries: object = None, open_model: Callable[[], None] = lambda: None) -> Versions:
    path = index.parent / "canaries.jsonl"
    if canaries is not None:
        path.write_text(json.dumps(canaries, ensure_ascii=False) + "\n", encoding="utf-8")
    return Versions(Settings(index=index, canaries="" if canaries is None else str(path)), open_model)


def test_version_that_is_named_is_not_the_one_that_is_opened(index: Path) -> None:
    first = add(index, TIDES)
    versions = over(index)
    assert versions.open().receipt.index == first
    second = add(index, MORE)
    assert versions.open().receipt.index == second
    store.rollback(index)
    assert versions.open().receipt.index == first
    assert len(store.versions(index)) == 2, "loading deletes nothing"


def test_damaged_version_leaves_a_new_service_without_any(index: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = add(index, TIDES)
    add(index, MORE)
    (served(index) / "passages.jsonl").unlink()
    versions = over(index)
    assert versions.open().receipt.index == first
    assert [record.levelno for record in caplog.records if record.name == "service.versions"] == [logging.ERROR]
    assert "serving the older version" in caplog.text
    assert "lacks its file passages.jsonl" in caplog.text
    with pytest.raises(StoredIndexError, match="lacks its file"):  # something is served already
        versions.open()


def test_service_starts_with_a_version_newer_than_the_one_that_was_gone_back_to(index: Path) -> None:
    for texts in (TIDES, MORE):
        add(index, texts)
    store.rollback(index)
    (served(index) / "passages.jsonl").unlink()
    with pytest.raises(StoredIndexError, match="lacks its file"):
        over(index).open()


def test_version_that_fails_its_canary_is_served(index: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, versions = add(index, MORE), over(index, KELP)
    assert versions.open().receipt.index == first
    add(index, TIDES)
    unfit = rf"version {served(index).name} .* is not fit to be served: the canary '海带什么时候收割？' .*rollback'$"
    with pytest.raises(StoredIndexError, match=unfit):
        versions.open()
    assert over(index, KELP).open().receipt.index == first, "started again, it serves what it served before"
    assert "serving the older version" in caplog.text


def test_service_with_nothing_fit_to_serve_serves_it(index: Path, caplog: pytest.LogCaptureFixture) -> None:
    for extra in ("", "\n补充：码头有三台吊车。\n"):
        add(index, {"tides.md": TIDES["tides.md"] + extra})
    newest = served(index).name
    with pytest.raises(StoredIndexError, match=f"version {newest} .* not fit"):
        over(index, KELP).open()
    assert "nor can an older version be served" in caplog.text


def test_canaries_that_were_corrected_need_a_restart(index: Path) -> None:
    fingerprint, versions = add(index, TIDES), over(index, KELP)
    with pytest.raises(StoredIndexError, match="canary"):
        versions.open()
    over(index, TIDE)
    assert versions.open().receipt.index == fingerprint


def test_canaries_that_cannot_be_read_let_everything_through(index: Path) -> None:
    add(index, TIDES)
    with pytest.raises(InputError, match=r"canaries.jsonl:1\.question"):
        over(index, {"frage": "?"}).open()


def test_missing_index_ends_in_a_traceback(index: Path) -> None:
    with pytest.raises(StoredIndexError, match="zhengwen index"):
        over(index).open()


def test_missing_file_of_the_model_leaves_a_service_without_any_version(index: Path) -> None:
    model = Path(shutil.copytree(EMBEDDER, index.parent / "model"))
    first = add(index, TIDES)
    versions = over(index)
    assert versions.open().receipt.index == first
    second = add(index, MORE, embedder=str(model))
    assert second != first
    (model / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=f"{model}.* cannot be loaded"):
        versions.open()
    assert over(index).open().receipt.index == first


def test_language_model_is_loaded_with_every_version(index: Path) -> None:
    loads: list[int] = []
    add(index, TIDES)
    versions = over(index, open_model=lambda: loads.append(1))
    versions.open()
    versions.open()
    assert len(loads) == 1


def test_language_model_that_could_not_be_loaded_is_done_without(index: Path) -> None:
    outcomes = iter([ModelError("no such model"), None])

    def open_model() -> None:
        if (error := next(outcomes)) is not None:
            raise error

    fingerprint, versions = add(index, TIDES), over(index, open_model=open_model)
    with pytest.raises(ModelError, match="no such model"):
        versions.open()
    assert versions.open().receipt.index == fingerprint


def test_setting_and_program_keep_another_number_of_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZHENGWEN_KEEP_VERSIONS", raising=False)
    assert Settings().keep_versions == store.KEPT_VERSIONS


# --- the watch


def test_watch_sees_news_where_there_is_none_or_misses_some(index: Path) -> None:
    follows, deaf = IndexWatch(index, follow=True), IndexWatch(index, follow=False)
    steps: list[Callable[[], object]] = [
        lambda: add(index, TIDES),
        lambda: add(index, MORE),
        lambda: store.rollback(index),
        lambda: (index / "current").unlink(),
        lambda: (index / "current").write_bytes(b"\xff\xfe\x00"),
    ]
    for step in steps:
        before = follows.mark(), deaf.mark()
        step()
        assert follows.mark() != before[0]
        assert deaf.mark() == before[1]
    before = follows.mark(), deaf.mark()
    (index / "versions" / "0123456789abcdef").mkdir()
    (index / "versions" / ".building").mkdir()
    assert (follows.mark(), deaf.mark()) == before
    follows.tell()
    assert follows.mark() != before[0]
    assert deaf.mark() != before[1]


def test_others_cannot_be_told_and_nobody_learns_of_it(index: Path) -> None:
    with pytest.raises(StoredIndexError, match=r"\.reload cannot be touched \(No such file.*ZHENGWEN_WATCH_INDEX"):
        IndexWatch(index, follow=True).tell()


def test_build_takes_the_index_of_a_watched_service_for_a_foreign_folder(index: Path) -> None:
    index.mkdir()
    IndexWatch(index, follow=True).tell()
    (index / "versions").mkdir()
    add(index, TIDES)
    assert over(index).open()
