"""The command line: results on stdout, complaints on stderr, exit status 0, 1 or 2, and no traceback for any input."""

import json
import logging
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from indexer.store import load
from service.conversation import Turn
from service.pipeline import Pipeline

Command = Callable[..., Any]
Start = Callable[..., Popen[str]]
QUESTION = "公寓的月租金是多少？"


@pytest.fixture(autouse=True)
def away_from_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Default folders are relative: none of these tests may find the repository's own corpus or index."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ZHENGWEN_")]:
        monkeypatch.delenv(name)


# --- ask and search


def test_answer_for_people_lacks_the_answer_or_its_sources(command: Command, index: Path, pipeline: Pipeline) -> None:
    finished = command("ask", QUESTION, "--index", index)
    answer = pipeline.ask(QUESTION)
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.startswith(answer.text + "\n")
    for citation in answer.citations:
        assert f"[{citation.marker}] {citation.title}" in finished.out
        assert f"「{citation.quote}」" in finished.out
        assert f"{citation.origin.path}:{citation.origin.line_start}-{citation.origin.line_end}" in finished.out


def test_question_understood_otherwise_is_answered_without_a_word(
    command: Command, index: Path, pipeline: Pipeline
) -> None:
    finished = command("ask", "种粮补帖总额是多少？", "--index", index)
    first, rest = finished.out.split("\n", 1)
    assert first == "理解为：种粮补贴总额是多少？"
    assert rest.startswith(pipeline.ask("种粮补帖总额是多少？").text)
    assert "理解为" not in command("ask", QUESTION, "--index", index).out


def test_follow_up_is_asked_without_the_questions_before_it(command: Command, index: Path, pipeline: Pipeline) -> None:
    first = pipeline.ask("公寓的月租金是多少？")
    said = [Turn("user", first.question), Turn("assistant", first.text)]
    asked = ("ask", "它的月租金是多少？", "--after", first.question, "--index", index)
    row = json.loads(command(*asked, "--json").out)
    assert row["receipt"]["history"] == [vars(turn) for turn in said]
    assert (row["understood"], row["answer"]) == ("公寓的月租金是多少？", first.text)
    assert command(*asked).out.startswith("理解为：公寓的月租金是多少？\n")


def test_refusal_is_a_failure_of_the_command(command: Command, index: Path, pipeline: Pipeline) -> None:
    question = "火星基地的氧气由谁供应？"
    finished = command("ask", question, "--index", index)
    assert (finished.code, finished.err) == (0, "")
    assert finished.out == pipeline.ask(question).text + "\n"


def test_search_prints_other_passages_than_the_pipeline_finds(
    command: Command, index: Path, pipeline: Pipeline
) -> None:
    hits = pipeline.search(QUESTION, 3)
    finished = command("search", QUESTION, "-k", 3, "--json", "--index", index)
    assert (finished.code, finished.err) == (0, "")
    rows = [json.loads(line) for line in finished.out.splitlines()]
    assert [row["passage_id"] for row in rows] == [hit.passage.passage_id for hit in hits]
    assert all(row.keys() == {"passage_id", "doc_id", "start", "end", "score", "text"} for row in rows)
    readable = command("search", QUESTION, "-k", 3, "--index", index)
    assert (readable.code, readable.err) == (0, "")
    for rank, hit in enumerate(hits, start=1):
        assert f"{rank}. [" in readable.out
        assert pipeline.library.text(hit.passage).split("\n")[0] in readable.out


def test_environment_beats_the_option_or_is_not_read(
    command: Command, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHENGWEN_INDEX", str(index))
    assert command("ask", QUESTION).code == 0
    monkeypatch.setenv("ZHENGWEN_INDEX", str(tmp_path / "none"))
    assert command("ask", QUESTION).code == 2
    assert command("ask", QUESTION, "--index", index).code == 0


# --- index


def test_index_command_says_less_than_it_did(command: Command, originals: dict[str, str], tmp_path: Path) -> None:
    corpus, target = tmp_path / "corpus", tmp_path / "build/index"
    for name, text in originals.items():
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        (corpus / name).write_text(text, encoding="utf-8")
    (corpus / "scan.jpg").write_bytes(b"\xff\xd8")
    built = command("index")  # by the default folders
    assert built.code == 0
    stored = load(target)
    assert f"{len(originals)} documents, {len(stored.passages)} passages" in built.out
    assert stored.manifest.fingerprint in built.out
    assert built.err.startswith("passed over scan.jpg")

    again = command("index", "--corpus", corpus, "--index", target)
    assert again.code == 0
    assert "up to date" in again.out

    (corpus / "broken.md").write_bytes(b"\x00\x01\x02\x81\xff")
    partly = command("index")
    assert partly.code == 1, "a file that should be in the index is not"
    assert "NOT INDEXED broken.md" in partly.err
    assert command("ask", QUESTION).code == 0


@pytest.fixture
def two_versions(command: Command, tmp_path: Path) -> Path:
    """An index with an older version, beside the default one, which does not exist."""
    for number in ("初一", "初三"):
        (tmp_path / "tides").mkdir(exist_ok=True)
        (tmp_path / "tides/tides.md").write_text(f"# 潮汐表\n\n十月的大潮在{number}。\n", encoding="utf-8")
        assert command("index", "--corpus", tmp_path / "tides", "--index", tmp_path / "versions").code == 0
    return tmp_path / "versions"


def _listed(command: Command, *arguments: object) -> list[dict[str, Any]]:
    finished = command("index", *arguments)
    assert (finished.code, finished.err) == (0, "")
    return [json.loads(line) for line in finished.out.splitlines()]


def test_versions_are_not_listed_or_without_what_an_operator_needs(command: Command, two_versions: Path) -> None:
    newer, older = _listed(command, "versions", "--json", "--index", two_versions)
    assert newer["fingerprint"] == load(two_versions).manifest.fingerprint
    assert newer["built"] > older["built"]
    assert [row["current"] for row in (newer, older)] == [True, False]
    for row in (newer, older):
        assert row["version"] == row["fingerprint"].removeprefix("sha256:")[:16]
        assert (row["documents"], row["passages"], row["embedder"], row["damaged"]) == (1, 1, "embedder", False)
    readable = command("index", "versions", "--index", two_versions).out.splitlines()
    assert [line.split()[:2] for line in readable] == [["*", newer["version"]], [older["version"], "built"]]
    assert all("1 documents, 1 passages, embedder embedder" in line for line in readable)

    (two_versions / "versions" / older["version"] / "manifest.json").write_text("{", encoding="utf-8")
    assert _listed(command, "versions", "--json", "--index", two_versions) == [
        newer,
        {"version": older["version"], "current": False, "damaged": True},
    ]
    assert command("index", "versions", "--index", two_versions).out.endswith(f"  {older['version']}  damaged\n")


def test_rollback_of_the_command_line_goes_elsewhere_than_told(command: Command, two_versions: Path) -> None:
    newer, older = (row["version"] for row in _listed(command, "versions", "--json", "--index", two_versions))
    back = command("index", "rollback", "--index", two_versions)
    assert (back.code, back.err) == (0, "")
    assert back.out.startswith(f"index {two_versions} is version {older} now: built ")
    assert [row["current"] for row in _listed(command, "versions", "--json", "--index", two_versions)] == [False, True]
    forth = command("index", "--index", two_versions, "rollback", newer)  # the option in either place
    assert forth.out.startswith(f"index {two_versions} is version {newer} now: ")
    assert load(two_versions).folder.name == newer


def test_as_many_versions_are_kept_as_it_comes(
    command: Command, two_versions: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZHENGWEN_KEEP_VERSIONS", "2")
    before = _listed(command, "versions", "--json", "--index", two_versions)
    command("index", "--rebuild", "--corpus", tmp_path / "tides", "--index", two_versions)
    after = _listed(command, "versions", "--json", "--index", two_versions)
    assert after[0]["version"] == f"{before[0]['version']}-2"
    assert [row["version"] for row in after[1:]] == [before[0]["version"]]


# --- wrong usage and input


# `{index}` is a good index, `{corpus}` its documents; `{here}` holds a file, an empty folder and a folder of other things.
BAD_CALLS = {
    "unknown command": "answer",
    "unknown option": "ask 公寓？ --fast --index {index}",
    "no question": "ask --index {index}",
    "question and batch": "ask 公寓？ --batch {here}/in.jsonl --out {here}/out --index {index}",
    "earlier question of a batch": "ask --batch {here}/in.jsonl --out {here}/out --after 公寓？ --index {index}",
    "blank earlier question": "ask 公寓？ --after 　 --index {index}",
    "batch without out": "ask --batch {here}/in.jsonl --index {index}",
    "missing batch": "ask --batch {here}/none --out {here}/out --index {index}",
    "blank question": "ask 　 --index {index}",
    "question without a word": "ask ？！ --index {index}",
    "search for nothing": "search 　 --index {index}",
    "no passages": "search 公寓 -k 0 --index {index}",
    "too many passages": "search 公寓 -k 101 --index {index}",
    "k is a word": "search 公寓 -k many --index {index}",
    "missing index, ask": "ask 公寓？ --index {here}/none",
    "missing index, search": "search 公寓？ --index {here}/none",
    "missing index, serve": "serve --index {here}/none",
    "missing index, batch": "ask --batch {here}/in.jsonl --out {here}/out --index {here}/none",
    "missing index by default": "ask 公寓？",
    "index is empty": "ask 公寓？ --index {here}/empty",
    "index is a file": "ask 公寓？ --index {here}/file",
    "index under a file": "ask 公寓？ --index {here}/file/index",
    "index is something else": "ask 公寓？ --index {here}/other",
    "build over something else": "index --corpus {corpus} --index {here}/other",
    "build over a file": "index --corpus {corpus} --index {here}/file",
    "build under a file": "index --corpus {corpus} --index {here}/file/index",
    "missing corpus": "index --corpus {here}/none --index {here}/new",
    "corpus is a file": "index --corpus {here}/file --index {here}/new",
    "empty corpus": "index --corpus {here}/empty --index {here}/new",
    "corpus without documents": "index --corpus {here}/other --index {here}/new",
    "missing embedder": "index --corpus {corpus} --index {here}/new --embedder {here}/none",
    "rollback without an older version": "index rollback --index {index}",
    "rollback to nothing": "index rollback 0123456789abcdef --index {index}",
    "rollback out of the index": "index rollback ../.. --index {index}",
    "rollback and build": "index --rebuild rollback --index {index}",
    "versions and build": "index --corpus {corpus} versions --index {index}",
    "unknown work on an index": "index restore --index {index}",
    "missing index, versions": "index versions --index {here}/none",
    "missing index, rollback": "index rollback --index {here}/none",
    "versions of something else": "index versions --index {here}/other",
    "rollback of something else": "index rollback --index {here}/other",
    "no workers": "serve --workers 0 --index {index}",
    "too many workers": "serve --workers 257 --index {index}",
    "port is a word": "serve --port http --index {index}",
    "port too large": "serve --port 65536 --index {index}",
    "port zero": "serve --port 0 --index {index}",
    "verify nothing": "verify --index {index}",
    "verify a folder": "verify {here}/empty --index {index}",
    "missing index, verify": "verify {here}/answer.json --index {here}/none",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.docx").write_text("x", encoding="utf-8")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "in.jsonl").write_text('{"id": 1, "question": "公寓"}', encoding="utf-8")
    (tmp_path / "answer.json").write_text('{"citations": [], "sentences": []}', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("call", BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_call_ends_in_a_traceback_or_as_a_success(command: Command, index: Path, here: Path, call: str) -> None:
    places = {"index": index, "corpus": index.parent / "corpus", "here": here}
    finished = command(*(part.format(**places) for part in call.split(" ") if part))
    assert finished.code == 2
    assert finished.out == "", "complaints go to stderr"
    assert finished.err.strip()


def test_missing_index_is_not_told_with_what_to_do(command: Command, tmp_path: Path) -> None:
    finished = command("ask", QUESTION, "--index", tmp_path / "none")
    assert f"'zhengwen index --index {tmp_path / 'none'}'" in finished.err


def test_overlong_or_broken_question_ends_in_a_traceback(command: Command, index: Path) -> None:
    for question in ("元" * 100_000, "", "公寓\udcff"):  # the last as Python reads a byte that is no UTF-8
        finished = command("ask", question, "--index", index)
        assert (finished.code, finished.out) == (2, "")
        assert len(finished.err) < 300, "the question is echoed at length"


def test_damaged_index_ends_in_a_traceback(
    command: Command,
    originals: dict[str, str],
    stored_index: Any,
    index: Path,
    tmp_path: Path,
) -> None:
    damaged = tmp_path / "damaged"
    for path in sorted(index.rglob("*")):
        target = damaged / path.relative_to(index)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    passages = next(damaged.glob("versions/*/passages.jsonl"))
    passages.write_bytes(passages.read_bytes()[:-40])
    finished = command("ask", QUESTION, "--index", damaged)
    assert (finished.code, finished.out) == (2, "")
    assert "damaged" in finished.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PORT", "http"), ("PORT", "0"), ("PORT", "70000"), ("WORKERS", "0"), ("KEEP_VERSIONS", "1")),
        *(("WATCH_INDEX", "perhaps"),),
    ],
)
def test_bad_setting_ends_in_a_traceback_or_is_not_named(
    command: Command, index: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ZHENGWEN_{name}", value)
    finished = command("serve", "--index", index)
    assert (finished.code, finished.out) == (2, "")
    assert f"ZHENGWEN_{name}" in finished.err
    assert value in finished.err


def test_canaries_that_are_none_are_found_out_when_a_version_must_not_be_served(
    command: Command, index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "canaries").write_text('{"question": "公寓？"}', encoding="utf-8")
    monkeypatch.setenv("ZHENGWEN_CANARIES", str(tmp_path / "canaries"))
    finished = command("serve", "--index", index)
    assert (finished.code, finished.out) == (2, "")
    assert "canaries:1.status" in finished.err


def test_command_without_arguments_does_nothing_and_says_nothing(command: Command) -> None:
    finished = command()
    assert finished.code == 2
    assert "Usage" in finished.out + finished.err


def test_help_is_a_failure(command: Command) -> None:
    for arguments in (["--help"], ["ask", "--help"], ["serve", "--help"]):
        finished = command(*arguments)
        assert finished.code == 0
        assert "Usage" in finished.out
        assert finished.err == ""


# --- real processes


def _finish(process: Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate()
    assert "Traceback" not in err
    assert "Exception" not in err
    return process.returncode, out, err


@pytest.fixture
def saved(pipeline: Pipeline, tmp_path: Path) -> Path:
    """A saved answer: to verify it needs no model, so its processes are quick."""
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(pipeline.ask(QUESTION).to_json()), encoding="utf-8")
    return path


def test_real_process_mixes_results_and_complaints(start: Start, index: Path, saved: Path, tmp_path: Path) -> None:
    good = start("verify", saved, "--index", index)
    missing = start("ask", QUESTION, "--index", tmp_path / "none")
    usage = start("search")
    code, out, err = _finish(good)
    assert (code, err) == (0, "")
    assert out.endswith(" checks hold\n")
    code, out, err = _finish(missing)
    assert (code, out) == (2, "")
    assert err.startswith("zhengwen: there is no index at ")
    code, out, err = _finish(usage)
    assert (code, out) == (2, "")
    assert "question" in err.lower()


def test_reader_that_has_seen_enough_gets_a_traceback(start: Start, index: Path, saved: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("verify", saved, "--index", index, stdout=writing)
    os.close(writing)
    code, _, err = _finish(process)
    assert (code, err) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_full_disk_looks_like_success(start: Start, index: Path, saved: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        code, _, err = _finish(start("verify", saved, "--index", index, stdout=full))
    assert code == 2
    assert err.startswith("zhengwen: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_ctrl_c_in_the_middle_of_a_batch_ends_in_a_traceback(start: Start, index: Path, tmp_path: Path) -> None:
    many, out = tmp_path / "many.jsonl", tmp_path / "out"
    many.write_text(json.dumps({"id": 1, "question": QUESTION}) + "\n", encoding="utf-8")
    many.write_text(many.read_text(encoding="utf-8") * 10_000, encoding="utf-8")
    os.mkfifo(out)
    process = start("ask", "--batch", many, "--out", out, "--index", index)
    with out.open(encoding="utf-8") as answers:
        assert json.loads(answers.readline())["status"] == "answered"  # now it is in the middle
        process.send_signal(signal.SIGINT)
        answers.read()
    code, printed, _ = _finish(process)
    assert code == 130
    assert printed == ""


def test_port_in_use_ends_in_a_traceback(start: Start, index: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, out, err = _finish(start("serve", "--port", taken.getsockname()[1], "--index", index))
    assert code != 0
    assert out == ""
    assert "address already in use" in err.lower()


def test_serve_binds_elsewhere_than_told_or_logs_to_stdout(
    command: Command, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself is tested in http/test_server.py; here, that the options reach it."""
    import uvicorn

    calls = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: calls.append(options))
    monkeypatch.setattr(logging, "basicConfig", lambda **options: None)  # leaves the suite's logging alone
    monkeypatch.setenv("ZHENGWEN_PORT", "8123")
    for arguments, expected in (
        ([], ("127.0.0.1", 8123)),
        (["--host", "0.0.0.0", "--port", "9000"], ("0.0.0.0", 9000)),
    ):
        finished = command("serve", "--index", index, *arguments)
        assert (finished.code, finished.out) == (0, "")
        assert (calls[-1]["host"], calls[-1]["port"]) == expected
        assert f"http://{expected[0]}:{expected[1]}/" in finished.err


def test_file_of_an_answer_is_not_what_the_service_would_give(command: Command, index: Path, tmp_path: Path) -> None:
    question = "公寓的月租金是多少？"
    shown = command("ask", question, "--index", index, "--format", "md")
    assert shown.code == 0, shown.err
    assert shown.out.startswith(f"# {question}\n")
    assert "[^1]: " in shown.out
    for form, begins in (("txt", question.encode()), ("md", shown.out.encode()), ("docx", b"PK")):
        out = tmp_path / f"answer.{form}"
        written = command("ask", question, "--index", index, "--format", form, "--out", out)
        assert (written.code, written.out) == (0, "")
        assert out.read_bytes().startswith(begins)
    for wrong in (["--format", "docx"], ["--format", "md", "--json"], ["--format", "pdf"]):
        assert command("ask", question, "--index", index, *wrong).code == 2
    in_json = command("ask", question, "--index", index, "--json", "--out", tmp_path / "answer.json")
    assert in_json.code == 0
    assert json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))["status"] == "answered"
