"""The examples of the documents, run as they stand: curl and Node against a real server over the shipped documents."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from indexer.build import build
from service.pipeline import Pipeline

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"
ADDRESS = "http://127.0.0.1:8000"
QUESTION = "2021年全球计算设备算力总规模是多少？"
NOWHERE = "火星基地的氧气由谁供应？"
EMOJI = "种粮补贴款什么时候打入农户账户？"


def blocks(language: str) -> list[str]:
    document = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", document, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def shipped(
    tmp_path_factory: pytest.TempPathFactory,
    serving: Callable[..., AbstractContextManager[str]],
    app_over: Callable[..., FastAPI],
) -> Iterator[str]:
    """The address of a service over the shipped documents."""
    index = tmp_path_factory.mktemp("shipped") / "index"
    build(ROOT / "corpus", index)
    pipeline = Pipeline.open(index)
    with serving(app_over(lambda: pipeline)) as url:
        while httpx.get(url + "/readyz").status_code != 200:
            pass
        yield url


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_line_with_curl_does_not_do_what_the_document_says(shipped: str, tmp_path: Path) -> None:
    lines = [line for block in blocks("sh") for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    assert len(lines) > 8
    for line in lines:
        assert line.startswith("curl -s"), line
        command = shlex.split(line.replace(ADDRESS, shipped))
        assert shipped in line.replace(ADDRESS, shipped)
        done = subprocess.run([*command, "--fail-with-body"], cwd=tmp_path, capture_output=True, check=False)
        printed = done.stdout.decode()
        assert done.returncode == 0, f"{line}\n{printed}{done.stderr.decode()}"
        if '"stream": true' in line:
            assert printed.endswith("data: [DONE]\n\n") or "event: answer\ndata: " in printed
        elif "-o answer.json" in line:
            assert json.loads((tmp_path / "answer.json").read_bytes())["status"] == "answered"
        elif "-o answer.md" in line:
            assert (tmp_path / "answer.md").read_text(encoding="utf-8").startswith("# ")
        elif "citations/verify" in line:
            assert json.loads(printed)["holds"] is True
        else:
            assert json.loads(printed)


def test_document_lacks_a_curl_line_for_a_route(shipped: str) -> None:
    called = {path for block in blocks("sh") for path in re.findall(rf"{ADDRESS}(/[\w./-]+)", block)}
    routes = httpx.get(shipped + "/openapi.json").json()["paths"]
    asking = {path for path, methods in routes.items() if "post" in methods}
    # a key with origins, an older version, a report
    needs_more = {"/api/tokens", "/api/admin/rollback", "/api/admin/report/link"}
    assert asking - needs_more <= called


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no Node here")
    return found


@pytest.fixture(params=["ask.mjs", "ask.py"])
def example(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs an example with these arguments."""
    path = EXAMPLES / request.param
    if path.suffix == ".mjs":
        return lambda *arguments: run(node(), path, *arguments)
    program = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    return lambda *arguments: run(sys.executable, "-c", program, path, *arguments)


def test_example_shows_another_answer(example: Callable[..., Any], shipped: str) -> None:
    answer = httpx.post(shipped + "/api/ask", json={"question": QUESTION}).json()
    done = example(shipped, QUESTION)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(answer["answer"] + "\n")
    for citation in answer["citations"]:
        assert f"[{citation['marker']}] {citation['title']}「{citation['quote']}」\n" in done.stdout
    refused = example(shipped, NOWHERE)
    assert refused.returncode == 0
    assert "没有找到" in refused.stdout


def test_example_cuts_the_quote_elsewhere(example: Callable[..., Any], server: Any) -> None:
    answer = httpx.post(server.url + "/api/ask", json={"question": EMOJI}).json()
    assert "🌾" in answer["citations"][0]["quote"]
    done = example(server.url, EMOJI, "any")
    assert f"「{answer['citations'][0]['quote']}」" in done.stdout, done.stderr


def test_example_hides_what_went_wrong(example: Callable[..., Any], server: Any) -> None:
    empty = example(server.url, "")
    assert empty.returncode == 1
    assert "422" in empty.stderr
    assert "问题" in empty.stderr
    assert "Traceback" not in empty.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    gone = example(nobody, QUESTION)
    assert gone.returncode == 1
    assert gone.stderr.strip()
    assert "Traceback" not in gone.stderr
    assert "    at " not in gone.stderr


def test_python_of_the_document_does_not_run(shipped: str, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [block for block in blocks("python") if "service.client" in block]
    assert ADDRESS in program
    exec(compile(program.replace(ADDRESS, shipped), "http.md", "exec"), {})
    assert capsys.readouterr().out == "answered 1 True\n"
