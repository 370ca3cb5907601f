"""Canaries: a version of the index that gets them wrong is named unfit, one that gets them right never is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.build import build
from indexer.errors import InputError, ModelError, StoredIndexError
from indexer.store import Stored, load
from service.answer import Status
from service.canary import Canary, check, read_canaries
from service.pipeline import Pipeline

RENT = "公寓的月租金是多少？"
AIR = "火星基地的氧气由谁供应？"


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


# --- the file


def test_canaries_are_read_otherwise_than_written(tmp_path: Path) -> None:
    path = write(
        tmp_path / "canaries.jsonl",
        {"question": RENT, "status": "answered", "doc_id": "housing.txt"},
        {"question": AIR, "status": "refused"},
    )
    path.write_text("\ufeff" + path.read_text(encoding="utf-8") + "\n  \n", encoding="utf-8")
    assert read_canaries(path) == (
        Canary(RENT, Status.ANSWERED, "housing.txt"),
        Canary(AIR, Status.REFUSED),
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", r"canaries:2 is not JSON"),
        ("[" * 100_000, r"canaries:2 is not JSON"),
        ("[]", r"canaries:2\.question must be str"),
        ('{"status": "answered"}', r"canaries:2\.question must be str, found None"),
        ('{"question": 3, "status": "answered"}', r"canaries:2\.question must be str, found 3"),
        ('{"question": "公寓？"}', r"canaries:2\.status must be str"),
        ('{"question": "公寓？", "status": "ok"}', r"canaries:2\.status is 'ok'.*answered, partial, refused"),
        ('{"question": "公寓？", "status": "answered", "doc": "x"}', r"canaries:2 has the unknown field 'doc'"),
        ('{"question": "公寓？", "status": "answered", "doc_id": null}', r"canaries:2\.doc_id must be str"),
        ('{"question": "公寓？", "status": "refused", "doc_id": "x"}', r"canaries:2 wants a refusal that cites 'x'"),
    ],
)
def test_canary_that_checks_nothing_or_something_else_is_taken(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "canaries"
    path.write_text(json.dumps({"question": RENT, "status": "answered"}) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_canaries(path)


def test_file_without_canaries_lets_everything_through(tmp_path: Path) -> None:
    for data in (b"", b"\n \n", b"\xff\xfe\x00"):
        (tmp_path / "canaries").write_bytes(data)
        with pytest.raises(InputError, match="canar"):
            read_canaries(tmp_path / "canaries")
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_canaries(path)


# --- the questions


def test_good_index_is_called_unfit(pipeline: Pipeline) -> None:
    check(pipeline, ())
    check(
        pipeline,
        [Canary(RENT, Status.ANSWERED), Canary(RENT, Status.ANSWERED, "housing.txt"), Canary(AIR, Status.REFUSED)],
    )


@pytest.mark.parametrize(
    ("canary", "complaint"),
    [
        (Canary(AIR, Status.ANSWERED), rf"'{AIR}' is refused \(.+\), not answered"),
        (Canary(RENT, Status.REFUSED), rf"'{RENT}' is answered, not refused"),
        (Canary(RENT, Status.ANSWERED, "flood.txt"), rf"'{RENT}' cites housing.txt, not flood.txt"),
        (Canary("？！", Status.REFUSED), "'？！' cannot be asked"),
    ],
)
def test_wrong_answer_passes_or_is_not_named(pipeline: Pipeline, canary: Canary, complaint: str) -> None:
    with pytest.raises(StoredIndexError, match=complaint):
        check(pipeline, [Canary(RENT, Status.ANSWERED), canary])


def test_many_wrong_answers_fill_the_log(pipeline: Pipeline) -> None:
    with pytest.raises(StoredIndexError, match=r", and 17 more$"):
        check(pipeline, [Canary(AIR, Status.ANSWERED)] * 20)


# --- the built-in check, without any canary


def built(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / "corpus").mkdir(exist_ok=True)
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return folder / "index"


def test_index_whose_rows_are_other_passages_is_served(tmp_path: Path) -> None:
    # Names that have nothing in common, more than are read for one question.
    places = [chr(0x4E00 + 97 * n) + chr(0x4E31 + 97 * n) for n in range(80)]
    texts = {f"{place}.md": f"# {place}志\n\n{place}在县城以北，旧称不详，今属第三乡管辖。\n" for place in places}
    stored = load(built(tmp_path, texts))
    check(Pipeline.over(stored), ())
    half = len(stored.passages) // 2
    other = replace(stored, passages=stored.passages[half:] + stored.passages[:half])
    with pytest.raises(StoredIndexError, match="is not found by its heading"):
        check(Pipeline.over(other), ())


@pytest.mark.parametrize(
    ("error", "expected"), [(IndexError("row 7"), StoredIndexError), (ModelError("off"), ModelError)]
)
def test_documents_that_break_the_program_are_served(
    stored_index: Stored, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception]
) -> None:
    pipeline = Pipeline.over(stored_index)

    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "search", fail)
    with pytest.raises(expected, match=str(error)):
        check(pipeline, ())


NUMBERS = "\n\n".join(f"# {n}\n\n{n * 37}, {n * 41}。" for n in range(30))
HEADINGS = ["总则", "一、总则", "1.", "——", "第一章", "附件", "  ", "？"]
EDITION = "# 年度工作要点\n\n" + "\n\n".join(
    f"## {heading}\n\n本年度继续做好第{i}项工作。" for i, heading in enumerate(HEADINGS)
)
CORPORA = {
    "one sentence": {"a.txt": "海带苗在十月下海。"},
    "one word": {"a.txt": "海带"},
    "no headings": {"a.txt": "海带苗在十月下海，次年五月收割。\n" * 40},
    "only headings": {"a.md": "\n\n".join(f"# 第{n}章 海带" for n in range(30))},
    "numbers": {"2023-05.md": NUMBERS},
    "English": {"a.md": "# Tides\n\nThe ship leaves at noon.\n\n# Crew\n\nTwo sailors stand watch.\n"},
    "many editions of one document": {f"{year}.md": EDITION for year in range(1990, 2025)},
    "same title everywhere": {
        f"{n}.md": f'---\ntitle: "通知"\n---\n\n# 通知\n\n关于第{n}号泊位检修的安排，请各队准备。\n' for n in range(40)
    },
    "long heading": {"a.md": "# " + "关于进一步加强海洋牧场建设管理工作的若干意见和实施细则" * 8 + "\n\n正文在此。\n"},
    "hostile": {"a.md": '# <script>"*(){}[]\\\n\n正文。\n\n# 2022年北京什么时候为什么多少？\n\n正文。\n'},
}


@pytest.mark.parametrize("name", CORPORA)
def test_healthy_index_of_odd_documents_is_called_unfit(tmp_path: Path, name: str) -> None:
    check(Pipeline.open(built(tmp_path, CORPORA[name])), ())
