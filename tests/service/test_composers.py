"""The settings choose who words the answers, on the command line as in the environment, and tell what is missing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.errors import InputError, ModelError
from service.composers import open_model
from service.language_model import TransformersModel
from service.model_server import ServerModel
from service.settings import Settings

RENT = "公寓的月租金是多少？"
TRUE = ("每套公寓的月租金", "为320元", "[1]", "。")
Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ZHENGWEN_{name.upper()}", raising=False)


def test_setting_opens_another_model(parrot: Callable[..., Path]) -> None:
    assert open_model(Settings()) is None
    folder = str(parrot(*TRUE))
    assert isinstance(open_model(Settings(composer="transformers", composer_model=folder)), TransformersModel)
    server = Settings(composer="server", composer_model="m", composer_base_url="http://127.0.0.1:9/v1")
    model = open_model(server)
    assert isinstance(model, ServerModel)
    assert model.fingerprint == "server:m"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"composer": "transformers"}, "'transformers' needs a language model: give --composer-model"),
        ({"composer": "server", "composer_model": "m"}, "needs the address .* --composer-base-url"),
        ({"composer": "server", "composer_base_url": "http://x/v1"}, "'server' needs a language model"),
        ({"composer": "server", "composer_base_url": "x", "composer_model": "m"}, "'x' must begin with http"),
    ],
)
def test_missing_setting_is_a_traceback_or_not_named(settings: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        open_model(Settings(**settings))


def test_missing_model_is_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(Settings(composer="transformers", composer_model=str(tmp_path / "none")))


def test_key_is_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHENGWEN_COMPOSER_KEY", "sk-secret")
    settings = Settings()
    assert settings.composer_key.get_secret_value() == "sk-secret"
    assert "sk-secret" not in f"{settings!r} {settings} {settings.model_dump_json()} {settings.of_answers}"


def test_option_does_not_beat_the_environment(
    command: Command, index: Path, parrot: Callable[..., Path], model_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server.says(TRUE)
    monkeypatch.setenv("ZHENGWEN_COMPOSER", "server")
    monkeypatch.setenv("ZHENGWEN_COMPOSER_MODEL", "m")
    monkeypatch.setenv("ZHENGWEN_COMPOSER_BASE_URL", model_server.url)
    monkeypatch.setenv("ZHENGWEN_COMPOSER_KEY", "sk-secret")
    asked = ("ask", RENT, "--json", "--index", index)
    told = command(*asked)
    assert (told.code, told.err) == (0, "")
    answer = json.loads(told.out)
    assert answer["answer"] == "每套公寓的月租金为320元。[1]"
    assert answer["receipt"]["models"]["language_model"] == "server:m"
    assert "sk-secret" not in told.out
    assert model_server.requests[0][1]["Authorization"] == "Bearer sk-secret"

    here = command(
        *asked, "--composer", "transformers", "--composer-model", parrot("水费和电费按实际用量另外收取[1]。")
    )
    assert (here.code, here.err) == (0, "")
    assert json.loads(here.out)["answer"] == "水费和电费按实际用量另外收取。[1]"
    quoted = command(*asked, "--composer", "extractive")
    assert json.loads(quoted.out)["receipt"]["models"]["composer"] == "extractive-5"
    assert len(model_server.requests) == 1


def test_batch_is_answered_without_the_model(command: Command, index: Path, model_server: Any, tmp_path: Path) -> None:
    model_server.says(TRUE)
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "1", "question": RENT}), encoding="utf-8")
    options = ["--composer", "server", "--composer-model", "m", "--composer-base-url", model_server.url]
    done = command("ask", "--batch", tmp_path / "in.jsonl", "--out", tmp_path / "out.jsonl", "--index", index, *options)
    assert (done.code, done.err) == (0, "")
    assert json.loads((tmp_path / "out.jsonl").read_text("utf-8"))["answer"] == "每套公寓的月租金为320元。[1]"


def test_reader_of_the_command_is_not_told_that_the_model_failed(
    command: Command, index: Path, model_server: Any
) -> None:
    model_server.says((401, {}))
    options = ["--composer", "server", "--composer-model", "m", "--composer-base-url", model_server.url]
    told = command("ask", RENT, "--index", index, *options)
    assert told.code == 0
    assert told.out.startswith("语言模型暂时不可用，以下为原文摘录。\n")


@pytest.mark.parametrize(
    "options",
    [
        ["--composer", "poet"],
        ["--composer", "server"],
        ["--composer", "transformers"],
        ["--composer", "transformers", "--composer-model", "nobody/none"],
        ["--composer", "server", "--composer-model", "m", "--composer-base-url", "nowhere"],
    ],
)
def test_wrong_option_is_a_traceback_or_no_failure(command: Command, index: Path, options: list[str]) -> None:
    for asked in (["ask", RENT], ["serve"]):
        failed = command(*asked, "--index", index, *options)
        assert failed.code == 2
        assert failed.err
