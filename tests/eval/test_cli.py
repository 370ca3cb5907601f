import json
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from eval.cli import main

# Over the small corpus of tests/conftest.py.
QUESTION = {
    "id": "t-1",
    "question": "东湾公园的总投资是多少？",
    "type": "number",
    "style": "plain",
    "docs": ["city/park.md"],
    "answers": [["2.8亿元"]],
    "evidence": ["2023年先行开工东湾公园，总投资2.8亿元"],
}


def gold_file(tmp_path: Path, *rows: dict[str, object]) -> Path:
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def zhengwen(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["zhengwen", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_the_console_script_is_the_command_line_with_eval() -> None:
    (script,) = entry_points(group="console_scripts", name="zhengwen")
    assert script.value == "eval.cli:main"


def test_the_commands_of_the_service_are_still_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zhengwen(monkeypatch, "--help") == 0
    out = capsys.readouterr().out
    for command in ("index", "search", "ask", "verify", "serve", "eval"):
        assert command in out


def test_run_prints_the_summary_as_json_and_writes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, index_folder: Path
) -> None:
    gold = gold_file(tmp_path, QUESTION)
    out = tmp_path / "out"
    assert zhengwen(monkeypatch, "eval", "run", "--gold", gold, "--index", index_folder, "--out", out, "--json") == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert captured.err == ""  # no progress bar where nobody looks
    assert summary == json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["overall"]["means"]["evidence_recall@5"] == 1
    assert summary["overall"]["means"]["all_facts"] == 1
    assert summary["header"]["settings"].keys().isdisjoint({"corpus", "index", "host", "port"})


def test_run_prints_a_table_that_is_not_cut_off_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, index_folder: Path
) -> None:
    gold = gold_file(tmp_path, QUESTION)
    assert zhengwen(monkeypatch, "eval", "run", "--gold", gold, "--index", index_folder, "--out", tmp_path / "out") == 0
    out = capsys.readouterr().out
    words = (
        "recall@1",
        "all facts",
        "refused n/a",
        "length",
        "number",
        "plain",
        "city/park.md",
        "development",
        "sha256:",
    )
    for word in (*words, "lexical", "fused", "risk-coverage", "calibration", "p99", "peak memory"):
        assert word in out


def test_run_takes_several_gold_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, index_folder: Path
) -> None:
    first = gold_file(tmp_path, QUESTION)
    (tmp_path / "more").mkdir()
    second = gold_file(tmp_path / "more", {**QUESTION, "id": "t-2"})
    files = ("--gold", first, "--gold", second)
    assert (
        zhengwen(monkeypatch, "eval", "run", *files, "--index", index_folder, "--out", tmp_path / "out", "--json") == 0
    )
    assert json.loads(capsys.readouterr().out)["overall"]["questions"] == 2


def test_run_says_that_the_gold_does_not_fit_the_index(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, index_folder: Path
) -> None:
    gold = gold_file(tmp_path, {**QUESTION, "evidence": ["2023年先行拆除东湾公园"]})
    assert zhengwen(monkeypatch, "eval", "run", "--gold", gold, "--index", index_folder, "--out", tmp_path / "out") == 0
    assert "2 faults" in capsys.readouterr().err


def test_run_fails_when_a_question_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, index_folder: Path
) -> None:
    gold = gold_file(tmp_path, QUESTION, {**QUESTION, "id": "t-2", "question": "站" * 3000})
    assert zhengwen(monkeypatch, "eval", "run", "--gold", gold, "--index", index_folder, "--out", tmp_path / "out") == 1
    err = capsys.readouterr().err
    assert "1 questions failed" in err
    assert "t-2: QuestionError" in err


def test_run_without_an_index_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gold = gold_file(tmp_path, QUESTION)
    assert zhengwen(monkeypatch, "eval", "run", "--gold", gold, "--index", tmp_path / "none") == 2
    assert "there is no index" in capsys.readouterr().err


def test_run_builds_its_own_index_of_a_corpus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, corpus_folder: Path
) -> None:
    release = {**QUESTION, "id": "t-2", "part": "release"}
    gold = gold_file(tmp_path, QUESTION, release)
    out = tmp_path / "out"
    options = ("--gold", gold, "--corpus", corpus_folder, "--out", out, "--part", "release", "--json")
    assert zhengwen(monkeypatch, "eval", "run", *options) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (out / "index" / "current").exists()
    assert (summary["header"]["part"], summary["by_part"].keys()) == ("release", {"release"})
    assert summary["overall"]["means"]["all_facts"] == 1


def test_run_asks_without_the_reader_that_was_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, index_folder: Path
) -> None:
    options = ("--gold", gold_file(tmp_path, QUESTION), "--index", index_folder, "--out", tmp_path / "out")
    assert zhengwen(monkeypatch, "eval", "run", *options, "--reader", tmp_path / "none") == 2
    assert "no reader at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--index", "a", "--corpus", "b"), "either --index or --corpus"),
        (("--judge-url", "http://127.0.0.1:1"), "go together"),
        (("--judge-model", "small"), "go together"),
        (("--part", "release"), "no gold question of the part release"),
    ],
)
def test_run_refuses_options_that_do_not_fit(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    options: tuple[str, ...],
    message: str,
) -> None:
    assert zhengwen(monkeypatch, "eval", "run", "--gold", gold_file(tmp_path, QUESTION), *options) == 2
    assert message in capsys.readouterr().err


def test_run_with_a_judge_keeps_its_advice_beside_the_scores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, index_folder: Path
) -> None:
    out = tmp_path / "out"
    options = ("--gold", gold_file(tmp_path, QUESTION), "--index", index_folder, "--out", out)
    judge = ("--judge-url", "http://127.0.0.1:1/v1", "--judge-model", "small")  # nobody listens there
    assert zhengwen(monkeypatch, "eval", "run", *options, *judge) == 0
    assert "judge (advice only): 1 unscored" in capsys.readouterr().out
    assert json.loads((out / "answers.jsonl").read_text(encoding="utf-8"))["judge"] == "unscored"
    assert json.loads((out / "summary.json").read_text(encoding="utf-8"))["judge"] == {"unscored": 1}


def test_coverage_lists_what_is_not_asked_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    long = "新区的道路照明由值班员逐段检查并登记在册，" * 5
    text = f"# 简报\n\n## 一、道路\n{long}\n## 二、桥梁\n{long.replace('道路', '桥梁')}\n"
    (tmp_path / "corpus" / "brief.md").write_text(text, encoding="utf-8")
    question = {**QUESTION, "docs": ["brief.md"], "evidence": ["新区的道路照明由值班员逐段检查"]}
    options = ("--gold", gold_file(tmp_path, question), "--corpus", tmp_path / "corpus")
    assert zhengwen(monkeypatch, "eval", "coverage", *options) == 0
    out = capsys.readouterr().out
    assert "brief.md: 1 of 2 sections asked about (50%)" in out
    assert "二、桥梁" in out
    assert "一、道路" not in out
    assert zhengwen(monkeypatch, "eval", "coverage", *options, "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["share"], row["missing"][0]["path"]) == (0.5, ["二、桥梁"])


def test_grow_writes_new_questions_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    feedback = tmp_path / "feedback.jsonl"
    asked = [QUESTION["question"], "东湾公园由谁施工？"]
    lines = [json.dumps({"question": text, "answer": None, "rating": "down"}) for text in asked]
    feedback.write_text("\n".join(lines), encoding="utf-8")
    options = (feedback, "--out", tmp_path / "new.jsonl", "--gold", gold_file(tmp_path, QUESTION))
    assert zhengwen(monkeypatch, "eval", "grow", *options) == 0
    assert "1 candidates from 2 lines" in capsys.readouterr().out
    assert json.loads((tmp_path / "new.jsonl").read_text(encoding="utf-8"))["question"] == "东湾公园由谁施工？"
    assert zhengwen(monkeypatch, "eval", "grow", *options) == 2
    assert "never overwritten" in capsys.readouterr().err


def test_check_of_sound_gold_succeeds_with_its_warnings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, corpus_folder: Path
) -> None:
    gold = gold_file(tmp_path, {**QUESTION, "answers": [["2.8亿元", "贰点捌亿元"]], "note": "大写"})
    assert zhengwen(monkeypatch, "eval", "check", "--gold", gold, "--corpus", corpus_folder) == 0
    out = capsys.readouterr().out
    assert f"warning {gold}:1 t-1" in out
    assert "1 questions, 0 errors, 1 warnings" in out


def test_check_of_faulty_gold_fails_and_names_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, corpus_folder: Path
) -> None:
    gold = gold_file(tmp_path, QUESTION, {**QUESTION, "id": "t-2", "docs": ["notice.md"]})
    assert zhengwen(monkeypatch, "eval", "check", "--gold", gold, "--corpus", corpus_folder) == 1
    assert f"ERROR {gold}:2 t-2" in capsys.readouterr().out


def test_check_of_a_broken_file_is_wrong_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, corpus_folder: Path
) -> None:
    gold = gold_file(tmp_path, {"id": "t-1"})
    assert zhengwen(monkeypatch, "eval", "check", "--gold", gold, "--corpus", corpus_folder) == 2
    assert "lacks the field 'question'" in capsys.readouterr().err


def test_check_reads_the_shipped_questions_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = Path(__file__).parents[2] / "corpus"
    assert zhengwen(monkeypatch, "eval", "check", "--corpus", shipped) == 0
    assert "320 questions, 0 errors" in capsys.readouterr().out
