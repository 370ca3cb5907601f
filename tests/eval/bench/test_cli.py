import json
import sys
from pathlib import Path

import pytest

from eval.cli import main


@pytest.fixture
def zhengwen(monkeypatch: pytest.MonkeyPatch):
    """Runs `zhengwen eval bench …` and gives its exit status."""

    def run(*arguments: str | Path) -> int:
        monkeypatch.setattr(sys, "argv", ["zhengwen", "eval", "bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0)

    return run


@pytest.fixture
def reading(write_rows, texts: dict[str, str]) -> Path:
    rows = [
        {"id": "1", "context": texts["city/park.md"], "question": "东湾公园的总投资是多少？", "answers": ["2.8亿元"]},
        {"id": "2", "context": texts["library.txt"], "question": "借书卡一次可以借几册？", "answers": ["十二册"]},
    ]
    return write_rows("reading.jsonl", *rows)


def test_the_summary_differs_from_what_is_kept_or_from_the_next_run(
    zhengwen, reading: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    printed = []
    for _ in range(2):
        assert zhengwen("squad", reading, "--k", 1, "--out", out, "--json") == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        printed.append(captured.out)
    summary = json.loads(printed[0])
    assert printed[0] == printed[1]
    assert summary == json.loads((out / "summary.json").read_text(encoding="utf-8"))
    means = {figure["measure"]: figure["mean"] for figure in summary["figures"]}
    assert means["recall@1"] == means["contains"] == 1
    assert len((out / "answers.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_the_table_lacks_something(zhengwen, reading: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert zhengwen("squad", reading, "--limit", 1) == 0
    out = capsys.readouterr().out
    for word in ("em", "recall@10", "95 % interval", "1 questions on 2 passages", "sha256:"):
        assert word in out


def test_a_failed_question_is_not_told(zhengwen, write_rows, texts, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": "1", "context": texts["flood.txt"], "question": "", "answers": ["无"]}
    assert zhengwen("squad", write_rows("a.jsonl", row)) == 1
    assert "1: QuestionError" in capsys.readouterr().err


def test_the_shares_of_noise_are_not_passed_on(zhengwen, write_rows, texts, capsys) -> None:
    row = {
        "id": 0,
        "query": "借书卡一次可以借几册？",
        "answer": ["十二册"],
        "positive": [texts["library.txt"]],
        "negative": [texts["flood.txt"]],
    }
    assert zhengwen("rgb", write_rows("zh.json", row), "--noise", 0.4, "--noise", 1, "--json") == 0
    measures = [figure["measure"] for figure in json.loads(capsys.readouterr().out)["figures"]]
    assert measures == ["accuracy (noise 0.4)", "rejection (noise 1)"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("trec", "q.jsonl"), "the format trec needs --corpus"),
        (("squad", "q.jsonl", "--corpus", "c.jsonl"), "the format squad takes no --corpus"),
        (("beir", "folder", "--noise", "0.4"), "the format beir takes no --noise"),
        (("squad", "missing.jsonl"), "missing.jsonl cannot be read"),
        (("marco", "q.jsonl"), "marco"),
        (("rgb", "q.jsonl", "--noise", "1.2"), "noise"),
    ],
)
def test_wrong_usage_ends_in_a_traceback(
    zhengwen, arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert zhengwen(*arguments) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["beir", "trec", "domainrag", "rageval"])
def test_a_format_is_read_by_the_reader_of_another(
    zhengwen, layout: str, tmp_path: Path, write_rows, texts, capsys: pytest.CaptureFixture[str]
) -> None:
    name, question = "library.txt", "借书卡一次可以借几册？"
    docs = list(texts.items())
    arguments: list[str | Path]
    if layout == "beir":
        write_rows("beir/corpus.jsonl", *({"_id": doc, "title": "", "text": text} for doc, text in docs))
        write_rows("beir/queries.jsonl", {"_id": "q", "text": question})
        (tmp_path / "beir" / "qrels").mkdir()
        (tmp_path / "beir" / "qrels" / "test.tsv").write_text(f"q\t{name}\t1\n", encoding="utf-8")
        arguments = [tmp_path / "beir"]
    elif layout == "trec":
        corpus = write_rows("c.jsonl", *({"pid": doc, "text": text} for doc, text in docs))
        arguments = [write_rows("q.jsonl", {"id": 1, "question": question, "gold": [name]}), "--corpus", corpus]
    elif layout == "domainrag":
        references = [{"title": doc, "text": text} for doc, text in docs]
        row = {"question": question, "answers": ["十二册"], "references": [{"title": name, "text": texts[name]}]}
        arguments = [write_rows("q.jsonl", row | {"noisy_reference": references})]
    else:
        corpus = write_rows("c.jsonl", *({"doc_id": doc, "content": text} for doc, text in docs))
        truth = {"doc_ids": [name], "content": "十二册", "references": [], "keypoints": ["可以借十二册"]}
        row = {"query": {"query_id": 1, "content": question}, "ground_truth": truth}
        arguments = [write_rows("q.jsonl", row), "--corpus", corpus]
    assert zhengwen(layout, *arguments, "--k", 1, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["format"] == layout
    assert {figure["measure"]: figure["mean"] for figure in summary["figures"]}["recall@1"] == 1
