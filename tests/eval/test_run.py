"""Whole runs: in processes, over folders, stopped and started again."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eval.gold import GoldQuestion, GoldSet, Part, QuestionType, Style, load
from eval.record import Record, ask, read_records
from eval.run import evaluate, select
from eval.summary import Summary, summarise
from indexer.errors import InputError, StoredIndexError
from service.pipeline import Pipeline
from service.question import Turn


def asked(number: int, text: str, doc: str, form: str, evidence: str, **changes: Any) -> GoldQuestion:
    kwargs: dict[str, Any] = {"type": QuestionType.NUMBER, "style": Style.PLAIN, **changes}
    return GoldQuestion(f"q-{number}", text, docs=(doc,), answers=((form,),), evidence=(evidence,), **kwargs)


# Over the small corpus of tests/conftest.py.
QUESTIONS = (
    asked(1, "东湾公园的总投资是多少？", "city/park.md", "2.8亿元", "2023年先行开工东湾公园，总投资2.8亿元"),
    asked(2, "县级仓库储备多少件救生衣？", "flood.txt", "6500件", "编织袋30万条、救生衣6500件", part=Part.RELEASE),
    asked(3, "站" * 3000, "flood.txt", "57处", "雷达水位计32台、雨量站57处"),  # too long to ask: a failure
    asked(
        4,
        "那西滩公园呢？",
        "city/park.md",
        "15.3",
        "| 西滩公园 | 15.3 | 2.1 |",
        history=(Turn("user", "东湾公园的面积是多少公顷？"), Turn("assistant", "18.2公顷。")),
    ),
    GoldQuestion("q-5", "东湾公园哪年拆除？", QuestionType.UNANSWERABLE, Style.PLAIN, ("city/park.md",), (), ()),
)
GOLD = GoldSet(QUESTIONS, "f" * 64)


@dataclass(frozen=True)
class Finished:
    """A run that is through: its folder and how to do it again."""

    out: Path
    summary: Summary
    again: Callable[..., Summary]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, index_folder: Path) -> Finished:
    out = tmp_path_factory.mktemp("run")
    again = partial(evaluate, partial(Pipeline.open, index_folder), GOLD)
    return Finished(out, again(out), again)


def without_cost(out: Path) -> str:
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary.pop("cost")["latency_ms"].keys() == {"p50", "p90", "p99"}
    return json.dumps(summary)


def copy_of(finished: Finished, out: Path) -> Path:
    out.mkdir()
    for path in finished.out.iterdir():
        (out / path.name).write_bytes(path.read_bytes())
    return out


def test_a_run_loses_a_line_or_its_summary_differs_from_its_records(finished: Finished):
    records = read_records(finished.out / "answers.jsonl")
    assert [record.question for record in records] == list(QUESTIONS)
    assert [record.error is None for record in records] == [True, True, False, True, True]
    assert summarise(records, finished.summary.header) == finished.summary
    stored = json.loads((finished.out / "summary.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(finished.summary.to_json()))
    assert stored["header"] == json.loads((finished.out / "run.json").read_text(encoding="utf-8"))
    assert stored["header"]["gold"] == "sha256:" + GOLD.sha256
    assert stored["header"]["code"].keys() == {"prompts", "indexer", "service", "eval"}
    assert [failure["id"] for failure in stored["failures"]] == ["q-3"]
    assert stored["overall"]["intervals"].keys() == stored["overall"]["means"].keys()


def test_the_stages_are_not_those_of_the_answer(finished: Finished):
    for record in read_records(finished.out / "answers.jsonl"):
        if record.answer is not None:
            assert record.stages.keys() == {"lexical", "dense", "fused", "read"}
            assert list(record.stages["read"]) == [passage["passage_id"] for passage in record.answer["passages"]]
            assert set(record.stages["fused"][:1]) <= {*record.stages["lexical"], *record.stages["dense"]}


def test_the_parts_are_mixed(finished: Finished):
    assert {part: group.questions for part, group in finished.summary.by_part.items()} == {
        "development": 4,
        "release": 1,
    }


def test_two_processes_give_another_summary_than_one(finished: Finished, tmp_path: Path):
    seen: list[Record] = []
    finished.again(tmp_path, jobs=2, on_record=seen.append)
    assert [record.question.id for record in seen] == [question.id for question in QUESTIONS]
    assert without_cost(tmp_path) == without_cost(finished.out)


def test_a_killed_run_starts_over_or_keeps_half_a_line(finished: Finished, tmp_path: Path):
    out = copy_of(finished, tmp_path / "out")
    (out / "summary.json").unlink()
    answers = out / "answers.jsonl"
    whole = answers.read_bytes()
    lines = whole.splitlines(keepends=True)
    marked = lines[0].replace(b'"latency_ms": ', b'"latency_ms": 1')  # shows whether the line is kept or made anew
    answers.write_bytes(marked + lines[1] + lines[2][:40])
    finished.again(out)
    again = answers.read_bytes().splitlines(keepends=True)
    assert again[:2] == [marked, lines[1]]
    assert [record.question for record in read_records(answers)] == list(QUESTIONS)
    assert without_cost(out) == without_cost(finished.out)


STUCK = """
import ctypes, os
from types import SimpleNamespace
from service.answer import Receipt

class Stuck:
    receipt = Receipt("sha256:index", {}, "sha256:prompt", "9.9")
    library = SimpleNamespace(documents={}, passages={})

    def ask(self, text, history=()):
        if text == "hang":
            ctypes.PyDLL(None).pause()  # in C, holding the interpreter lock: no exception and no signal handler gets in
        if text == "die":
            os._exit(7)
        raise ValueError(text)
"""


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of a pipeline that a new process can import."""
    (tmp_path / "stuck_pipeline.py").write_text(STUCK, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import stuck_pipeline

    yield stuck_pipeline.Stuck
    del sys.modules["stuck_pipeline"]


def test_a_question_stuck_in_c_or_deadly_takes_others_with_it(stuck: Any, tmp_path: Path, world):
    questions = [world.answerable(i, question=text) for i, text in enumerate(["one", "hang", "die", "two"])]
    summary = evaluate(stuck, GoldSet(tuple(questions), ""), tmp_path / "out", timeout=1.0)
    assert [failure.error for failure in summary.failures] == [
        "ValueError: one",
        "TimeoutError: no answer in 1 s",
        "ChildProcessError: exit status 7",
        "ValueError: two",
    ]
    assert (summary.overall.failed, summary.overall.means["right"]) == (4, 0)


@pytest.fixture
def failed(stuck: Any, tmp_path: Path, world) -> Finished:
    """A run of two questions that both failed, which takes no time."""
    gold = GoldSet((world.answerable(1), world.answerable(2)), "f" * 64)
    again = partial(evaluate, stuck)
    return Finished(tmp_path / "out", again(gold, tmp_path / "out"), again)


@pytest.mark.parametrize("change", ["gold", "timeout", "index"])
def test_a_run_goes_on_under_another_header(failed: Finished, change: str, world):
    gold = GoldSet((world.answerable(1), world.answerable(2)), ("e" if change == "gold" else "f") * 64)
    head = failed.out / "run.json"
    if change == "index":
        head.write_text(head.read_text(encoding="utf-8").replace("sha256:index", "sha256:other"), encoding="utf-8")
    before = {path.name: path.read_bytes() for path in failed.out.iterdir()}
    with pytest.raises(InputError, match=rf"\({change}\w* differ\).*--restart"):
        failed.again(gold, failed.out, timeout=7.0 if change == "timeout" else 60.0)
    assert {path.name: path.read_bytes() for path in failed.out.iterdir()} == before


def test_a_restart_keeps_old_answers(failed: Finished, world):
    failed.again(GoldSet((world.answerable(3),), "e" * 64), failed.out, restart=True)
    assert [record.question.id for record in read_records(failed.out / "answers.jsonl")] == ["a-3"]


def test_answers_of_unknown_origin_are_taken_up(failed: Finished, world):
    (failed.out / "run.json").unlink()
    with pytest.raises(InputError, match=r"without a run\.json"):
        failed.again(GoldSet((world.answerable(1), world.answerable(2)), "f" * 64), failed.out)


def test_a_follow_up_is_asked_without_its_history(world):
    heard: list[tuple[str, tuple[Turn, ...]]] = []

    class Listening(type(world.pipeline(world.quoting))):  # type: ignore[misc]
        def ask(self, text, history=()):
            heard.append((text, history))
            return super().ask(text, history)

        def stages(self, text, history=()):
            heard.append((text, history))
            return super().stages(text, history)

    history = (Turn("user", "湖畔新区呢？"), Turn("assistant", "26座。"))
    ask(Listening(world.library, world.quoting, ("lake.md",)), world.answerable(1, history=history))
    assert heard == [("第1问", history), ("第1问", history)]


def test_a_pipeline_that_cannot_be_opened_is_a_failure_of_each_question(tmp_path: Path):
    with pytest.raises(StoredIndexError, match="there is no index"):
        evaluate(partial(Pipeline.open, tmp_path / "none"), GOLD, tmp_path / "out", jobs=2)
    assert not (tmp_path / "out" / "run.json").exists()


def test_a_folder_that_cannot_be_written_is_a_crash(tmp_path: Path, index_folder: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        evaluate(partial(Pipeline.open, index_folder), GOLD, tmp_path / "file" / "out")


def test_selection_loses_the_order_or_the_part():
    assert select(GOLD, None, None) == QUESTIONS
    assert [question.id for question in select(GOLD, Part.RELEASE, None)] == ["q-2"]
    three = select(GOLD, None, 3)
    assert [question for question in QUESTIONS if question in three] == list(three)
    assert set(select(GOLD, None, 2)) < set(three)
    assert select(GOLD, None, 99) == QUESTIONS
    with pytest.raises(InputError, match="of the part release"):
        select(GoldSet(QUESTIONS[:1], ""), Part.RELEASE, None)


def test_groups_leave_out_a_question(world):
    both = world.answerable(
        3, type=QuestionType.COMPARISON, style=Style.KEYWORD, docs=("lake.md", "river.md"), part=Part.RELEASE
    )
    summary = world.summary(world.quoting, [world.answerable(1), both, world.unanswerable(1)])

    def counts(groups: Any) -> dict[str, int]:
        return {name: group.questions for name, group in groups.items()}

    assert counts(summary.by_type) == {"comparison": 1, "number": 1, "unanswerable": 1}
    assert counts(summary.by_style) == {"keyword": 1, "noisy": 1, "plain": 1}
    assert counts(summary.by_document) == {"lake.md": 2, "river.md": 2}
    assert counts(summary.by_part) == {"development": 2, "release": 1}
    assert counts(summary.by_answerable) == {"answerable": 2, "unanswerable": 1}
    assert "all_facts" not in summary.by_type["unanswerable"].means


def test_the_length_is_that_of_something_else_than_answers_to_answerable_questions(world):
    said = {"第1问": world.quoting("第1问"), "第2问": world.refusal("第2问")}
    questions = [world.answerable(1), world.answerable(2), world.unanswerable(1), world.unanswerable(2)]
    summary = world.summary(lambda text: said.get(text) or world.quoting(text, said="短"), questions)
    assert summary.overall.median_length == len(world.texts["lake.md"])


@pytest.mark.parametrize("line", ["{坏的", "[]", "{}", '{"gold": {}}', '{"gold": 3}'])
def test_a_broken_record_is_read(tmp_path: Path, line: str):
    path = tmp_path / "answers.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"answers\.jsonl:1"):
        read_records(path)


def test_the_shipped_questions_cannot_be_written_and_read_again():
    shipped = Path(__file__).parents[2] / "eval" / "gold" / "digests.jsonl"
    for line, question in zip(shipped.read_text(encoding="utf-8").splitlines(), load([shipped]).questions, strict=True):
        row = json.loads(line)
        assert json.loads(json.dumps(question.to_json())) == {
            key: value for key, value in row.items() if (key, value) not in (("forbid", []), ("part", "development"))
        }
