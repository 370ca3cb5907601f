"""Receipts and replays: the same bytes, or the very part that changed."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from indexer.build import build
from indexer.errors import InputError
from service.pipeline import Pipeline
from service.question import Turn
from service.receipt import AnswerReceipt, answer_sha256, code_sha256
from service.replay import Saved, replay

Json = dict[str, Any]

QUESTION = "公寓的月租金是多少？"
ABSENT = "火星基地的氧气由谁供应？"
HISTORY = (Turn("user", "东湾公园的投资是多少亿元？"), Turn("assistant", "总投资2.8亿元。"))


def as_json(value: object) -> Json:
    return json.loads(json.dumps(value, ensure_ascii=False))  # type: ignore[no-any-return]


@pytest.fixture
def row(pipeline: Pipeline) -> Json:
    return as_json(pipeline.ask(QUESTION).to_json())


def test_hash_is_not_that_of_the_answer_without_times_and_hash(row: Json) -> None:
    told = row["receipt"].pop("answer_sha256")
    kept = {key: row[key] for key in row if key not in ("id", "timings")}
    content = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert told == "sha256:" + hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize("field", ["answer", "reason", "sentences", "citations", "passages", "status", "question"])
def test_hash_stays_when_a_part_of_the_answer_changes(row: Json, field: str) -> None:
    before = answer_sha256(row)
    assert answer_sha256(row | {"timings": {}, "id": "q-1"}) == before
    assert answer_sha256(row | {field: "其他"}) != before


def test_receipt_lacks_what_a_replay_needs(pipeline: Pipeline) -> None:
    answer = pipeline.ask("那西滩公园呢？", HISTORY)
    receipt = AnswerReceipt.from_json(as_json(answer.to_json()["receipt"]))
    assert receipt.made_by == pipeline.receipt
    assert (receipt.question, receipt.history) == ("那西滩公园呢？", HISTORY)
    assert [(p.passage_id, p.score) for p in receipt.passages] == [(p.passage_id, p.score) for p in answer.passages]
    assert receipt.verdicts == ("supported",) * len(answer.sentences)
    assert receipt.made_by.code == code_sha256()


def test_receipt_is_another_after_its_own_json(row: Json) -> None:
    receipt = AnswerReceipt.from_json(row["receipt"])
    assert as_json(receipt.to_json()) == row["receipt"]


@pytest.mark.parametrize("history", [(), HISTORY])
@pytest.mark.parametrize("question", [QUESTION, ABSENT, "那西滩公园呢？"])
def test_replay_of_an_unchanged_answer_finds_a_change(
    pipeline: Pipeline, question: str, history: tuple[Turn, ...]
) -> None:
    row = as_json(pipeline.ask(question, history).to_json())
    assert replay(Saved.from_json(row), pipeline) == []
    assert replay(Saved.from_json(row["receipt"]), pipeline) == []
    assert replay(Saved.from_json(row | {"id": "q-7", "timings": {}}), pipeline) == [], "a batch gives ids of its own"


def test_replay_of_a_question_that_could_not_be_asked_raises(pipeline: Pipeline) -> None:
    row = as_json(
        pipeline.refuse("？？", "没有读出可以检索的词：请写明要查的事项，例如文件、地区、指标或年份。").to_json()
    )
    assert not any("passage" in change for change in replay(Saved.from_json(row), pipeline))


def _changed(row: Json, path: str, value: object) -> Json:
    row = copy.deepcopy(row)
    *parents, last = path.split(".")
    inner: Any = row["receipt"]
    for name in parents:
        inner = inner[int(name)] if isinstance(inner, list) else inner[name]
    inner[last] = value
    return row["receipt"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("version", "0.0.1", "version: 0.0.1 → "),
        ("code", "sha256:0", "code: sha256:0 → "),
        ("index", "sha256:1", "index: sha256:1 → "),
        ("prompt", "sha256:2", "prompt: sha256:2 → "),
        ("models.embedder", "sha256:3", "model embedder: sha256:3 → "),
        ("models.language_model", "sha256:4", "model language_model: sha256:4 → none"),
        ("settings.passages_read", "5", "setting passages_read: 5 → 20"),
        ("passages.0.score", 0.5, "passage 1: "),
        ("passages.2.passage_id", "x.md#0-9", "passage 3: x.md#0-9 ("),
        ("verdicts", [], "verdicts: none → supported"),
    ],
)
def test_changed_part_is_not_named_or_another_is_named_too(
    pipeline: Pipeline, row: Json, path: str, value: object, said: str
) -> None:
    changes = replay(Saved.from_json(_changed(row, path, value)), pipeline)
    assert len(changes) == 1
    assert changes[0].startswith(said)


def test_other_hash_alone_goes_unnoticed(pipeline: Pipeline, row: Json) -> None:
    changes = replay(Saved.from_json(_changed(row, "answer_sha256", "sha256:0")), pipeline)
    assert [change.partition(":")[0] for change in changes] == ["answer"]


def test_edited_answer_counts_as_the_one_that_was_given(pipeline: Pipeline, row: Json) -> None:
    false = row["sentences"][0]["text"].replace("三百", "五百")
    edited = copy.deepcopy(row)
    edited["sentences"][0]["text"] = false
    edited["answer"] = edited["answer"].replace("三百", "五百")
    changes = replay(Saved.from_json(edited), pipeline)
    assert changes[0].startswith("saved answer: it was edited")
    assert any(change.startswith(f"sentence - {false}") for change in changes)
    assert any(change.startswith(f"sentence + {row['sentences'][0]['text']}") for change in changes)


def test_changed_corpus_changes_index_passages_and_sentences_but_not_the_rest(
    originals: dict[str, str], pipeline: Pipeline, tmp_path: Path
) -> None:
    for name, text in originals.items():
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("318万标箱", "329万标箱"), encoding="utf-8")
    build(tmp_path / "corpus", tmp_path / "index")
    row = as_json(pipeline.ask("2023年北屿港完成集装箱吞吐量多少万标箱？").to_json())
    changes = replay(Saved.from_json(row), Pipeline.open(tmp_path / "index"))
    kinds = {change.partition(" ")[0].rstrip(":") for change in changes}
    assert {"index", "sentence", "citations"} <= kinds
    assert not kinds & {"version", "code", "prompt", "setting", "saved"}
    assert any("329万标箱" in change for change in changes if change.startswith("sentence +"))


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        {},
        {"receipt": None},
        {"receipt": {}},
        {"index": "x", "models": {"a": 1}},
        {"index": "x", "models": [], "prompt": "", "version": ""},
    ],
)
def test_json_that_is_no_receipt_is_replayed(row: object) -> None:
    with pytest.raises(InputError):
        Saved.from_json(row)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("history", {}),
        ("history", [{"role": "user"}]),
        ("history", ["x"]),
        ("passages", [{"passage_id": "a"}]),
        ("passages", [{"passage_id": "a", "score": float("nan")}]),
        ("passages", [{"passage_id": "a", "score": True}]),
        ("verdicts", [1]),
        ("settings", {"k": 1}),
        ("question", None),
        ("answer_sha256", 5),
    ],
)
def test_field_of_another_type_is_accepted(row: Json, path: str, value: object) -> None:
    with pytest.raises(InputError, match=path):
        Saved.from_json(_changed(row, path, value))


# --- the command


def test_replay_command_differs_between_processes_seeds_or_numbers_of_threads(
    index: Path, tmp_path: Path, start: Callable[..., Popen[str]]
) -> None:
    asked = start("ask", QUESTION, "--json", "--index", index, OMP_NUM_THREADS="1", PYTHONHASHSEED="1")
    out, err = asked.communicate()
    assert asked.returncode == 0, err
    (tmp_path / "answer.json").write_text(out, encoding="utf-8")
    again = start("replay", tmp_path / "answer.json", "--index", index, OMP_NUM_THREADS="4", PYTHONHASHSEED="2")
    out, err = again.communicate()
    assert (again.returncode, out, err) == (0, "same bytes\n", "")


def test_replay_command_succeeds_after_a_change_or_ends_in_a_traceback(
    row: Json, index: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(row["receipt"]), encoding="utf-8")
    assert (command("replay", path, "--index", index).code) == 0
    path.write_text(json.dumps(_changed(row, "version", "0.0.1")), encoding="utf-8")
    changed = command("replay", path, "--index", index)
    assert (changed.code, changed.err) == (1, "")
    assert changed.out.startswith("version: 0.0.1")
    for data in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"receipt": 3}'):
        path.write_bytes(data)
        broken = command("replay", path, "--index", index)
        assert (broken.code, broken.out) == (2, "")
    assert command("replay", tmp_path / "none.json", "--index", index).code == 2
