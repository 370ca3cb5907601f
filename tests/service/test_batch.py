"""Batches: every question keeps its line, its order and its id, and a bad file is told by the number of its line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.errors import InputError
from service.batch import answer_batch, read_questions
from service.pipeline import Pipeline

Json = dict[str, Any]

QUESTIONS: list[Json] = [
    {"id": "z-1", "question": "公寓的月租金是多少？"},
    {"id": 7, "question": "火星基地的氧气由谁供应？"},
    {"id": "empty", "question": "  "},
    {"id": "a/b 中文", "question": "青石河全长多少公里？", "type": "number", "docs": ["flood.txt"]},
    {"id": "long", "question": "元" * 100_000},
    {"id": "z-1", "question": "公寓的月租金是多少？"},
    {"id": "lines", "question": "青石河\u2028全长多少\u0085公里？\n"},
]


def jsonl(rows: list[Json], *, ascii_only: bool = False) -> str:
    return "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Where the questions are read from and where the answers go."""
    return tmp_path / "in.jsonl", tmp_path / "out.jsonl"


def answers(pipeline: Pipeline, files: tuple[Path, Path]) -> list[Json]:
    source, target = files
    answered: list[None] = []
    questions = read_questions(source)
    answer_batch(pipeline, questions, target, lambda: answered.append(None))
    assert len(answered) == len(questions), "progress stands still"
    return [json.loads(line) for line in target.read_text(encoding="utf-8").split("\n")[:-1]]


def test_line_is_lost_out_of_order_or_under_another_id(
    pipeline: Pipeline, files: tuple[Path, Path], check_answer: Callable[[Json], None]
) -> None:
    files[0].write_text(jsonl(QUESTIONS), encoding="utf-8")
    rows = answers(pipeline, files)
    assert [row["id"] for row in rows] == [str(question["id"]) for question in QUESTIONS]
    assert [row["question"].strip() for row in rows] == [question["question"].strip() for question in QUESTIONS]
    for row in rows:
        check_answer(row)
    statuses = ["answered", "refused", "refused", "answered", "refused", "answered", "answered"]
    assert [row["status"] for row in rows] == statuses
    assert "空" in rows[2]["reason"]
    assert "100000" in rows[4]["reason"]
    assert rows[0]["answer"] == rows[5]["answer"]


def test_follow_up_of_a_batch_is_asked_without_its_history(pipeline: Pipeline, files: tuple[Path, Path]) -> None:
    said = [{"role": "user", "content": "公寓的月租金是多少？"}, {"role": "assistant", "content": "900元。[1]"}]
    follow_up = {"id": 1, "question": "青石河呢？"}
    files[0].write_text(
        jsonl([{**follow_up, "question": "它的月租金是多少？", "history": said}, {**follow_up, "history": []}]),
        encoding="utf-8",
    )
    after, alone = answers(pipeline, files)
    assert after["understood"] == "公寓的月租金是多少？"
    assert after["receipt"]["history"] == said
    assert alone["receipt"]["history"] == []


@pytest.mark.parametrize(
    "encode",
    [
        lambda rows: jsonl(rows).encode(),
        lambda rows: jsonl(rows, ascii_only=True).encode(),
        lambda rows: jsonl(rows).encode("utf-8-sig"),
        lambda rows: jsonl(rows).replace("\n", "\r\n").encode(),
        lambda rows: jsonl(rows).rstrip("\n").encode(),
        lambda rows: ("\n" + jsonl(rows).replace("\n", "\n\n  \n")).encode(),
    ],
    ids=["plain", "escaped", "bom", "windows", "no-last-newline", "blank-lines"],
)
def test_other_spelling_of_the_same_file_is_read_otherwise(
    files: tuple[Path, Path], encode: Callable[[list[Json]], bytes]
) -> None:
    files[0].write_bytes(encode(QUESTIONS))
    read = read_questions(files[0])
    assert [(q.id, q.question) for q in read] == [(str(q["id"]), q["question"]) for q in QUESTIONS]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "5",
        '"公寓"',
        "null",
        '{"id": "x"}',
        '{"question": "公寓"}',
        '{"id": "x", "question": 5}',
        '{"id": "x", "question": null}',
        '{"id": null, "question": "公寓"}',
        '{"id": 1.5, "question": "公寓"}',
        '{"id": true, "question": "公寓"}',
        '{"id": ["x"], "question": "公寓"}',
        '{"id": "x", "question": "公寓", "history": "公寓的月租金是多少？"}',
        '{"id": "x", "question": "公寓", "history": ["公寓的月租金是多少？"]}',
        '{"id": "x", "question": "公寓", "history": [{"role": "user"}]}',
        '{"id": "x", "question": "公寓", "history": [{"role": "system", "content": "公寓"}]}',
        '{"id": "x", "question": "公寓"} {}',
        r'{"id": "x", "question": "公寓\ud83d"}',
        "[" * 100_000,
    ],
)
def test_bad_line_is_passed_over_or_told_by_another_number(files: tuple[Path, Path], line: str) -> None:
    good = '{"id": 1, "question": "公寓"}\n'
    files[0].write_text(good + "\n" + good + line + "\n" + good, encoding="utf-8")
    with pytest.raises(InputError, match=r"in\.jsonl:4 ") as raised:
        read_questions(files[0])
    assert len(str(raised.value)) < 400, "the line is echoed at length"


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xff\xfe\x00", "公寓".encode("gb18030")])
def test_file_without_questions_or_not_in_utf8_is_an_empty_batch(files: tuple[Path, Path], data: bytes) -> None:
    files[0].write_bytes(data)
    with pytest.raises(InputError, match=r"in\.jsonl"):
        read_questions(files[0])


def test_missing_file_or_folder_is_an_empty_batch(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_questions(path)


@pytest.mark.parametrize("target", ["missing/out.jsonl", "folder", "in.jsonl/out.jsonl", "/dev/full"])
def test_unwritable_output_ends_in_a_traceback(
    target: str, index: Path, files: tuple[Path, Path], command: Callable[..., Any]
) -> None:
    folder = files[0].parent
    (folder / "folder").mkdir()
    if target == "/dev/full" and not Path(target).exists():
        pytest.skip("no /dev/full on this system")
    files[0].write_text(jsonl(QUESTIONS[:2]), encoding="utf-8")
    finished = command("ask", "--batch", files[0], "--out", folder / target, "--index", index)
    assert (finished.code, finished.out) == (2, "")
    assert "cannot be written" in finished.err


def test_bad_line_is_found_only_after_the_first_answers(
    index: Path, files: tuple[Path, Path], command: Callable[..., Any]
) -> None:
    files[0].write_text(jsonl(QUESTIONS[:2]) + "{\n", encoding="utf-8")
    files[1].write_text("yesterday's answers", encoding="utf-8")
    finished = command("ask", "--batch", files[0], "--out", files[1], "--index", index)
    assert (finished.code, finished.out) == (2, "")
    assert f"{files[0]}:3 " in finished.err
    assert files[1].read_text(encoding="utf-8") == "yesterday's answers"


def test_index_is_loaded_once_a_question(
    index: Path, files: tuple[Path, Path], command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    true_open = Pipeline.open

    def counted(path: Path, *others: Any) -> Pipeline:
        loads.append(path)
        return true_open(path, *others)

    monkeypatch.setattr(Pipeline, "open", counted)
    files[0].write_text(jsonl(QUESTIONS), encoding="utf-8")
    finished = command("ask", "--batch", files[0], "--out", files[1], "--index", index)
    assert (finished.code, finished.out, finished.err) == (0, "", "")
    assert loads == [index]
    assert len(files[1].read_text(encoding="utf-8").split("\n")) == len(QUESTIONS) + 1


def test_answers_are_held_back_until_the_batch_is_done(pipeline: Pipeline, files: tuple[Path, Path]) -> None:
    files[0].write_text(jsonl(QUESTIONS), encoding="utf-8")
    written: list[int] = []
    answer_batch(
        pipeline, read_questions(files[0]), files[1], lambda: written.append(files[1].read_bytes().count(b"\n"))
    )
    assert written == list(range(1, len(QUESTIONS) + 1))
