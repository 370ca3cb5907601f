"""The documents tell the truth: what they name exists, what exists is named, and what they show can be repeated."""

import http.server
import itertools
import json
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from starlette.testclient import TestClient
from typer.testing import CliRunner

from eval.cli import app as command_line
from indexer import store
from indexer.build import build
from indexer.document import Document, Metadata, Passage, Place, PlaceMap
from service.http.middleware import MAX_BODY_BYTES
from service.pipeline import Pipeline
from service.question import MAX_CHARACTERS
from service.settings import Settings

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh-CN.md")
# Folders that are made here and never published, and the digests, which are data.
NOT_DOCUMENTS = {".venv", "build", "dist", "wheelhouse", "node_modules"}
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.md")
    if not any(part in NOT_DOCUMENTS or part.startswith(".") for part in path.relative_to(ROOT).parts)
    and (path.parent.name != "corpus" or path.name == "README.md")
)


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[tuple[str, str]]:
    """(language, contents) of the fenced code blocks of a document."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text(name), re.DOTALL | re.MULTILINE)


def prose(name: str) -> str:
    return re.sub(r"^```.*?^```$", "", text(name), flags=re.DOTALL | re.MULTILINE)


def code(name: str) -> list[str]:
    """Every line of code of a document, in blocks and inline."""
    lines = [line for _, block in blocks(name) for line in block.split("\n")]
    return lines + re.findall(r"`([^`\n]+)`", prose(name))


def headings(name: str) -> list[tuple[int, str]]:
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", prose(name), re.MULTILINE)]


def anchor(title: str) -> str:
    """The address of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def table_rows(name: str) -> list[list[str]]:
    """Cells of all table rows, heads and rules included."""
    rows = [line for line in prose(name).split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


# The two READMEs say the same.


def test_the_readmes_show_different_code():
    assert blocks(READMES[0]) == blocks(READMES[1])


def test_a_readme_lacks_a_section():
    levels = [[level for level, _ in headings(name)] for name in READMES]
    assert levels[0] == levels[1]


def test_a_readme_lacks_a_row_of_a_table():
    first_cells = [[re.findall(r"`[^`]+`", row[0]) for row in table_rows(name)] for name in READMES]
    assert first_cells[0] == first_cells[1]


def test_a_readme_lacks_a_paragraph_or_an_item():
    def shape(name: str) -> list[str]:
        kinds = []
        for paragraph in re.split(r"\n\s*\n", prose(name).strip()):
            items = re.findall(r"^(?:- |\d+\. )", paragraph, re.MULTILINE)
            kinds.append(f"{len(items)} items" if items else paragraph[0] if paragraph[0] in "#|<" else "text")
        return kinds

    assert shape(READMES[0]) == shape(READMES[1])


# What they name exists.


def documented_commands(name: str) -> Iterator[tuple[str, list[str]]]:
    """(`index` or `eval run`, options given) of every use of the program."""
    real = real_commands()
    groups = {command.split()[0] for command in real if " " in command}
    for line in code(name):
        for first, second, words in re.findall(
            r"(?<![\w-])zhengwen ([a-z]+)(?: ([a-z]+)\b(?!\.))?(?![\w.])([^`|;>]*)", line
        ):
            # Some groups, such as `index`, are commands by themselves.
            both = first in groups and (f"{first} {second}" in real or first not in real)
            yield f"{first} {second}" if both else first, re.findall(r"(?<![\w-])--?[a-z][\w-]*", words)


def real_commands() -> dict[str, set[str]]:
    root = typer.main.get_command(command_line)
    found = {}
    for name, command in root.commands.items():
        inner = getattr(command, "commands", {})
        alone = [] if inner and not command.invoke_without_command else [(name, command)]
        for path, leaf in [*alone, *((f"{name} {n}", c) for n, c in inner.items())]:
            found[path] = {"--help"} | {option for parameter in leaf.params for option in parameter.opts}
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_uses_a_command_or_option_that_does_not_exist(name):
    real = real_commands()
    for command, options in documented_commands(name):
        assert command in real, f"zhengwen {command}"
        assert set(options) <= real[command], f"zhengwen {command} {options}"


@pytest.mark.parametrize("name", READMES)
def test_a_command_is_missing_from_the_readme(name):
    assert {command for command, _ in documented_commands(name)} == set(real_commands())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_uses_a_make_target_or_variable_that_does_not_exist(name):
    makefile = text("Makefile")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE).group(1).split()
    for line in code(name):
        for target, words in re.findall(r"(?:^|[ $])make ([a-z]+)\b([^`]*)", line):
            assert target in targets, f"make {target}"
            for variable in re.findall(r"\b([A-Z_]+)=", words):
                assert f"$({variable})" in makefile, f"make {target} {variable}="


def test_a_variable_of_make_is_missing_from_the_readme():
    variables = {*re.findall(r"^(\w+) \?=", text("Makefile"), re.MULTILINE), "PYTEST_ARGS"}
    for name in READMES:
        documented = {cell for row in table_rows(name) for cell in re.findall(r"`([A-Z_]+)`", row[0])}
        assert {cell for cell in documented if not cell.startswith("ZHENGWEN_")} == variables


@pytest.mark.parametrize("name", [*READMES, "docs/settings.md"])
def test_a_setting_is_missing_from_its_page_or_has_another_default(name):
    documented = {row[0].strip("`"): row[1].strip("`") for row in table_rows(name) if row[0].startswith("`ZHENGWEN_")}
    real = {f"ZHENGWEN_{key.upper()}": str(field.default) for key, field in Settings.model_fields.items()}
    if name in READMES:  # they name what most people need
        assert documented
        real = {key: value for key, value in real.items() if key in documented}
    empty = {"empty": "", "空": ""}
    assert {key: empty.get(value, value) for key, value in documented.items()} == real


@pytest.mark.parametrize("name", [*DOCUMENTS, "Dockerfile"])
def test_a_document_names_a_setting_that_does_not_exist(name):
    real = {f"ZHENGWEN_{key.upper()}" for key in Settings.model_fields}
    assert set(re.findall(r"\bZHENGWEN_[A-Z_]+", text(name))) <= real


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_link_leads_nowhere(name):
    for target in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(name))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        found = (ROOT / name).parent / path if path else ROOT / name
        assert found.exists(), target
        assert ROOT in found.resolve().parents, f"{target} leaves the repository"
        if fragment:
            linked = found.resolve().relative_to(ROOT).as_posix()
            assert fragment in {anchor(title) for _, title in headings(linked)}, target


def test_decisions_are_numbered_with_a_gap_or_told_at_length():
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for name in names:
        lines = text(f"docs/decisions/{name}").rstrip("\n").split("\n")
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name)
        assert lines[0].startswith(f"# {int(name[:4])}. ")
        assert [line for line in lines if line.startswith("## ")] == [
            "## Context",
            "## Decision",
            "## Consequences",
            "## Alternatives",
        ]
        assert len(lines) <= 40, f"{name} has {len(lines)} lines"


PUBLISHED = [*DOCUMENTS, "Dockerfile", "Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"]
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_path_of_one_machine_is_published(name):
    found = re.search(
        r"(?<![\w.:/-])/(?:home|root|Users|work|mnt|media|private|data)/\S*|\b[A-Z]:\\\S*|~/\S+", text(name)
    )
    assert found is None, found.group()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_package_registry_or_a_host_of_one_network_is_published(name):
    for address, host in re.findall(r"((?:https?|file|git)://([^\s/:)\"'>`]*)[^\s)\"'>`]*)", text(name)):
        if address.startswith(TORCH_INDEX) or host in ("127.0.0.1", "localhost"):
            continue
        assert "." in host, address
        assert not re.fullmatch(r"[\d.]+|.*\.(?:local|internal|intranet|corp|lan|home)", host), address
        assert not re.search(r"/simple\b|/whl\b|pythonhosted|pypi|mirror|nexus|artifactory|devpi", address), address
    assert not re.search(
        r"\bpypi\.org|pythonhosted\.org|^--?(?:index-url|find-links|extra-index-url)", text(name), re.M
    )


# What exists is described.


def test_a_route_is_missing_from_the_documents_or_does_not_exist(app_over):
    api = app_over(lambda: pytest.fail("describing the interface loads nothing")).openapi()
    real = {f"{method.upper()} {path}" for path, methods in api["paths"].items() for method in methods}
    pages = {"GET /", "GET /d/{doc_id}", "GET /a/{share_id}", "GET /admin", "GET /embed/{key_id}"}
    real |= pages | {"GET /static/…", "GET /openapi.json"}
    documented = {
        row[0].strip("`") for row in table_rows("docs/http.md") if re.match(r"`(?:GET|POST|PATCH|DELETE) ", row[0])
    }
    assert documented == real


def test_a_limit_in_the_documents_is_not_the_real_one():
    assert f"larger than {MAX_BODY_BYTES:,} bytes" in re.sub(r"\s+", " ", text("docs/http.md"))
    assert f"longer than {MAX_CHARACTERS:,} characters" in re.sub(r"\s+", " ", text("docs/http.md"))


@pytest.mark.parametrize(
    ("heading", "kinds"),
    [
        ("manifest.json", [store.Manifest, store.EmbedderRecord]),
        ("documents.jsonl", [Document, Metadata, Place, PlaceMap]),
        ("passages.jsonl", [Passage]),
    ],
)
def test_a_field_of_the_index_is_not_described(heading, kinds):
    section = text("docs/index-format.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for kind in kinds:
        for field in fields(kind):
            assert f"`{field.name}`" in section, f"{kind.__name__}.{field.name}"


def test_the_described_index_format_is_an_older_one():
    assert f"**format {store.FORMAT}**" in text("docs/index-format.md")


# What they show can be repeated.


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the shipped documents."""
    index = tmp_path_factory.mktemp("shipped") / "index"
    build(ROOT / "corpus", index)
    return index


@pytest.fixture(scope="module")
def client(shipped: Path, app_over) -> Iterator[TestClient]:
    """A client of the service over that index."""
    pipeline = Pipeline.open(shipped)
    with TestClient(app_over(lambda: pipeline), base_url="http://127.0.0.1:8000") as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield client


def test_the_readme_shows_what_the_commands_do_not_print(shipped, tmp_path, monkeypatch):
    """Fails with the block to paste into both READMEs."""
    monkeypatch.setenv("ZHENGWEN_INDEX", str(shipped))
    monkeypatch.chdir(tmp_path)
    for block in (block for language, block in blocks("README.md") if language == "console"):
        printed = []
        for command in re.findall(r"^\$ (.+)$", block, re.MULTILINE):
            words, _, file = command.partition(" > ")
            program, *arguments = shlex.split(words)
            assert program == "zhengwen"
            done = CliRunner().invoke(command_line, arguments, catch_exceptions=False)
            assert done.exit_code == 0, done.output
            printed.append(f"$ {command}\n" + ("" if file else done.stdout))
            if file:
                Path(file).write_text(done.stdout, encoding="utf-8")
        assert block == "".join(printed), f"\n\nThe commands print:\n\n{''.join(printed)}"


# What differs from machine to machine or from run to run.
VOLATILE = {"id", "created", "system_fingerprint", "index", "embedder", "timings", "score"}


def assert_agrees(shown: object, real: object, where: str = "") -> None:
    """`shown` is `real`, save where an … stands for something left out."""
    if shown == "…":
        return
    assert type(shown) is type(real), where
    if isinstance(shown, dict):
        assert shown.keys() == real.keys(), where
        for key in shown.keys() - VOLATILE:
            assert_agrees(shown[key], real[key], f"{where}.{key}")
    elif isinstance(shown, list):
        cut = shown[:-1] if shown[-1:] == ["…"] else shown
        assert len(cut) < len(real) or len(shown) == len(real), where
        for i, item in enumerate(cut):
            assert_agrees(item, real[i], f"{where}[{i}]")
    elif isinstance(shown, str) and shown.endswith("…"):
        assert real.startswith(shown[:-1]), f"{where} is {real}"
    else:
        assert shown == real, where


def test_the_readme_shows_other_json_than_the_service_sends(client):
    sent = re.findall(r"curl -s http://127\.0\.0\.1:8000(\S+).*?-d '(.*?)'", text("README.md"), re.DOTALL)
    replies = {
        path: client.post(path, content=body, headers={"Content-Type": "application/json"}) for path, body in sent
    }
    assert list(replies) == ["/api/ask", "/v1/chat/completions"]
    shown = [json.loads(block) for language, block in blocks("README.md") if language == "json"]
    assert_agrees(shown[0], replies["/v1/chat/completions"].json())
    assert_agrees(shown[1], replies["/api/ask"].json())


def test_a_field_of_the_answer_object_is_not_described(client):
    answer = json.loads([block for language, block in blocks("README.md") if language == "json"][1])
    for name in READMES:
        described = {row[0].strip("`") for row in table_rows(name)}
        assert answer.keys() - {"question"} <= described


def test_the_python_of_the_readme_does_not_run_or_prints_something_else(client, capsys):
    program = next(block for language, block in blocks("README.md") if language == "python")
    here = program.replace('api_key="not used"', 'api_key="not used", http_client=client')
    assert here != program
    exec(compile(here, "README.md", "exec"), {"client": client})
    assert ("text", capsys.readouterr().out) in blocks("README.md")


def test_the_readme_shows_no_refusal_or_no_answer():
    consoles = [block for language, block in blocks("README.md") if language == "console"]
    assert any("    「" in block for block in consoles)
    assert any("没有找到能够支持回答的内容" in block for block in consoles)


# The image. There is no Docker engine in a test, so these read the Dockerfile.


def dockerfile(instruction: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", text("Dockerfile"))
    return re.findall(rf"^{instruction} (.+)$", joined, re.MULTILINE)


def test_the_image_copies_what_does_not_exist_or_lacks_a_package():
    arguments = dict(line.split("=", 1) for line in dockerfile("ARG") if "=" in line)
    copied = set()
    for line in dockerfile("COPY"):
        if not line.startswith("--from="):
            copied |= {re.sub(r"\$\{(\w+)\}", lambda m: arguments[m.group(1)], word) for word in line.split()[:-1]}
    for name in copied:
        assert (ROOT / name).exists(), name
    packages = tomllib.loads(text("pyproject.toml"))["tool"]["setuptools"]["packages"]
    needed = {f"{package.split('.')[0]}/" for package in packages} | {"pyproject.toml", "README.md", "LICENSE"}
    sources = "".join(
        path.read_text("utf-8") for folder in ("indexer", "service") for path in (ROOT / folder).rglob("*.py")
    )
    needed |= {"models/"} if '/ "models"' in sources else set()
    assert needed <= copied


def test_the_ignore_file_keeps_from_the_builder_what_the_image_copies():
    ignored = [line for line in text(".dockerignore").split("\n") if line and not line.startswith("#")]
    copied = [
        word.rstrip("/") for line in dockerfile("COPY") if not line.startswith("--from=") for word in line.split()[:-1]
    ]
    excluded = {line.rstrip("/") for line in ignored if not line.startswith("!")}
    kept = {line[1:] for line in ignored if line.startswith("!")}
    for name in copied:
        assert name not in excluded
        assert not name.endswith(".md") or "*.md" not in excluded or name in kept


def test_the_image_or_a_document_names_another_torch_than_the_makefile():
    version = re.search(r"^TORCH := (\S+)$", text("Makefile"), re.MULTILINE).group(1)
    assert re.search(rf"^TORCH_CPU_INDEX \?= {re.escape(TORCH_INDEX)}$", text("Makefile"), re.MULTILINE)
    assert {f"TORCH={version}", f"TORCH_CPU_INDEX={TORCH_INDEX}"} <= set(dockerfile("ARG"))
    for name in DOCUMENTS:
        assert set(re.findall(r"\btorch==[\w.]+", text(name))) <= {version}, name


def test_the_image_runs_as_root_or_serves_only_itself():
    last_stage = text("Dockerfile").rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last_stage, re.MULTILINE)
    environment = dict(re.findall(r"(\w+)=(\S+)", dockerfile("ENV")[-1]))
    assert environment["ZHENGWEN_HOST"] == "0.0.0.0"
    assert dockerfile("EXPOSE") == [environment["ZHENGWEN_PORT"]]
    started = [*json.loads(dockerfile("ENTRYPOINT")[0]), *json.loads(dockerfile("CMD")[0])]
    assert started == ["zhengwen", "serve"]


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_calls_a_sick_service_healthy(status, healthy, app_over):
    asked = []

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    check = json.loads(re.search(r"CMD (\[.*\])$", dockerfile("HEALTHCHECK")[0]).group(1))
    with http.server.HTTPServer(("127.0.0.1", 0), Service) as server:
        server.timeout = 60
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        port = str(server.server_address[1])
        done = subprocess.run(
            [sys.executable, *itertools.islice(check, 1, None)], env={"ZHENGWEN_PORT": port}, timeout=60, check=False
        )
        thread.join()
    assert (done.returncode == 0) == healthy
    assert asked == ["/readyz"]
    assert "/readyz" in app_over(lambda: pytest.fail("not needed")).openapi()["paths"]
