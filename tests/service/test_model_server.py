"""A model behind a server, over real connections: patience where it helps, none where it does not, and plain words."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

from indexer.errors import InputError, ModelError
from indexer.store import Stored
from service.language_model import Message
from service.model_server import CircuitBreaker, ServerModel
from service.pipeline import Pipeline

ASKED = [Message("user", "月租金是多少？")]
HELLO = ("你好", "，世界。")


class Clock:
    """Time that stands still until somebody sleeps; remembers how long they slept."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(model_server: Any, clock: Clock) -> ServerModel:
    return ServerModel(model_server.url + "/", "tiny", "sk-1", timeout=60, clock=clock, sleep=clock.sleep)


def say(model: ServerModel) -> str:
    return "".join(model.generate(ASKED))


def test_request_is_not_what_openai_servers_read(model: ServerModel, model_server: Any) -> None:
    model_server.says(HELLO)
    assert "".join(model.generate(ASKED, stop=["。"])) == "你好，世界。"
    ((body, headers),) = model_server.requests
    assert body == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "月租金是多少？"}],
        "max_tokens": 512,
        "temperature": 0,
        "seed": 0,
        "stream": True,
        "stop": ["。"],
    }
    assert headers["Authorization"] == "Bearer sk-1"


def test_key_is_sent_though_there_is_none_or_told(model_server: Any) -> None:
    model_server.says(HELLO, (401, {}))
    open_model = ServerModel(model_server.url, "tiny")
    say(open_model)
    assert "Authorization" not in model_server.requests[0][1]
    model = ServerModel(model_server.url, "tiny", "sk-secret")
    with pytest.raises(ModelError, match=r"401.*ZHENGWEN_COMPOSER_KEY") as error:
        say(model)
    assert "sk-secret" not in str(error.value) + repr(vars(model)["_address"]) + model.fingerprint


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_failure_ends_the_question(model: ServerModel, model_server: Any, clock: Clock, status: int) -> None:
    model_server.says((status, {}), (status, {}), HELLO)
    assert say(model) == "你好，世界。"
    assert clock.slept == [0.5, 1.0]


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2099 07:28:09 GMT", "Date": "Wed, 21 Oct 2099 07:28:00 GMT"}, 9.0),
        ({"Retry-After": "soon"}, 0.5),
    ],
)
def test_server_that_asks_for_patience_is_not_heard(
    model: ServerModel, model_server: Any, clock: Clock, headers: dict[str, str], slept: float
) -> None:
    model_server.says((429, headers), HELLO)
    assert say(model) == "你好，世界。"
    # http.server sends a date of its own in front; the first one counts.
    assert clock.slept == [slept] or "Date" in headers


@pytest.mark.parametrize(
    ("replies", "requests", "told"),
    [
        ([(500, {})] * 3, 3, "answered 500 .*server's log"),
        ([(429, {"Retry-After": "3600"})], 1, "answered 429 .*busy"),
        ([(404, {})], 1, "answered 404 .*ZHENGWEN_COMPOSER_MODEL"),
        ([(400, {})], 1, "answered 400 .*scripted"),
    ],
)
def test_lasting_failure_is_tried_for_ever_or_told_without_a_remedy(
    model: ServerModel, model_server: Any, replies: list[Any], requests: int, told: str
) -> None:
    model_server.says(*replies)
    with pytest.raises(ModelError, match=told):
        say(model)
    assert len(model_server.requests) == requests


def test_silent_server_is_waited_for_or_asked_twice(model_server: Any) -> None:
    model_server.says(lambda _: model_server.released.wait(60))
    with pytest.raises(ModelError, match=r"ReadTimeout.*ZHENGWEN_COMPOSER_TIMEOUT"):
        say(ServerModel(model_server.url, "tiny", timeout=0.2))
    assert len(model_server.requests) == 1


def test_silence_in_the_middle_passes_for_an_end(model_server: Any) -> None:
    def hang(out: IO[bytes]) -> None:
        out.write(b'data: {"choices": [{"delta": {"content": "\xe4\xb8\x80"}}]}\n\n')
        out.flush()
        model_server.released.wait(60)

    model_server.says(hang)
    pieces = ServerModel(model_server.url, "tiny", timeout=0.5).generate(ASKED)
    assert next(pieces) == "一"
    with pytest.raises(ModelError, match="ReadTimeout"):
        next(pieces)


def test_server_that_drips_is_listened_to_for_ever(model: ServerModel, model_server: Any, clock: Clock) -> None:
    model_server.says(("滴",) * 100)
    pieces = model.generate(ASKED)
    for _ in range(7):
        assert next(pieces) == "滴"
        clock.now += 10
    with pytest.raises(ModelError, match="longer than 60 seconds"):
        next(pieces)


def test_server_that_is_down_is_a_traceback(clock: Clock) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    model = ServerModel(f"http://127.0.0.1:{port}/v1", "tiny", clock=clock, sleep=clock.sleep)
    with pytest.raises(ModelError, match=r"does not answer: ConnectError.*see whether it runs"):
        say(model)
    assert clock.slept == [0.5, 1.0]


CHUNK = '{"choices": [{"delta": {"content": "字"}, "finish_reason": null}]}'.encode()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"data: " + CHUNK + b"\n\n", "cut off"),
        (b"", "no event stream"),
        (b"<html>Login</html>", "no event stream"),
        (b"data: {\n\n", "no chunk of a chat completion"),
        (b"data: []\n\n", "no chunk"),
        (b'data: {"choices": 5}\n\n', "no chunk"),
        (b'data: {"choices": [{"delta": 5}]}\n\n', "no chunk"),
        (b"data: \xff\xfe\n\n", "no chunk"),
        (b'data: {"error": {"message": "out of memory"}}\n\n', "broke off: .*out of memory"),
        (b'data: {"error": "worker died"}\n\n', "broke off: worker died"),
    ],
)
def test_garbage_passes_for_a_reply(model: ServerModel, model_server: Any, sent: bytes, told: str) -> None:
    model_server.says(lambda out: out.write(sent))
    with pytest.raises(ModelError, match=told):
        say(model)
    assert len(model_server.requests) == 1, "what has begun to answer is not asked again"


def test_legal_stream_in_an_unusual_form_is_garbage(model: ServerModel, model_server: Any) -> None:
    sent = (
        b": ping\r\n\r\nevent: message\r\nid: 5\r\ndata:" + CHUNK + b"\r\n\r\n"
        b'data: {"choices": [], "usage": {}}\n\n'
        b'data: {"choices": [{"delta": {"role": "assistant", "content": null, "reasoning_content": "x"}}]}\n\n'
        + 'data: {"choices": [{"delta": {"content": "a\u2028b\x85c"}}], "error": null}\n\n'.encode()
        + b'data: {"choices": [{"delta": null, "finish_reason": "length"}]}'
    )
    model_server.says(lambda out: out.write(sent))
    assert say(model) == "字a\u2028b\x85c"


def test_listener_that_hangs_up_leaves_the_connection_open(model: ServerModel, model_server: Any) -> None:
    broken: list[Exception] = []

    def talk(out: IO[bytes]) -> None:
        try:
            while True:
                out.write(b"data: " + CHUNK + b"\n\n")
        except OSError as error:
            broken.append(error)
            model_server.released.set()

    model_server.says(talk, HELLO)
    pieces = model.generate(ASKED)
    assert next(pieces) == "字"
    pieces.close()
    assert model_server.released.wait(60)
    assert broken
    assert say(model) == "你好，世界。", "hanging up is no failure of the server"


def test_breaker_stays_closed_or_never_closes_again(model: ServerModel, model_server: Any, clock: Clock) -> None:
    model_server.says(*[(400, {})] * 3, HELLO, (400, {}), HELLO)
    for _ in range(3):
        with pytest.raises(ModelError, match="answered 400"):
            say(model)
    with pytest.raises(ModelError, match="3 times in a row and is left alone for 30 more seconds"):
        say(model)
    assert len(model_server.requests) == 3, "an open breaker asks nobody"
    clock.now += 30
    assert say(model) == "你好，世界。"
    with pytest.raises(ModelError, match="answered 400"):
        say(model)
    assert say(model) == "你好，世界。", "one failure after a success opens nothing"


def test_breaker_that_fails_its_trial_is_closed(clock: Clock) -> None:
    breaker = CircuitBreaker(clock, failures=2, seconds=10)
    for _ in range(2):
        breaker.check()
        breaker.failed()
    clock.now += 10
    breaker.check()
    breaker.failed()
    clock.now += 9
    with pytest.raises(ModelError, match="1 more seconds"):
        breaker.check()


@pytest.mark.parametrize("address", ["", "localhost:8000", "ftp://x/v1", "http://", "http://x:port/v1"])
def test_address_that_is_none_is_a_traceback_later(address: str) -> None:
    with pytest.raises(InputError, match="address"):
        ServerModel(address, "tiny")


def test_key_that_no_header_holds_is_a_traceback_or_told() -> None:
    for key in ("sk-\n1", "密钥"):
        with pytest.raises(InputError, match="key") as error:
            ServerModel("http://127.0.0.1/v1", "tiny", key)
        assert key not in str(error.value)


# --- a server that is not ours


@contextmanager
def transformers_serve(folder: Path, home: Path) -> Iterator[str]:
    """`transformers serve` over a model folder, in a process of its own; gives its base address."""
    (home / "hub").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = "from transformers.cli.transformers import main; main()"
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            program,
            "serve",
            str(folder),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--device",
            "cpu",
        ],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stderr is not None
        log = []
        for line in process.stderr:
            log.append(line)
            if "Uvicorn running on" in line:
                break
        else:
            pytest.fail("".join(log))
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def test_real_server_is_not_understood(
    parrot: Callable[..., Path], tmp_path: Path, stored_index: Stored, check_answer: Callable[[Any], None]
) -> None:
    pieces = ("每套公寓的", "月租金是", "三百二十元", "[1]", "。")
    folder = parrot(*pieces)
    with transformers_serve(folder, tmp_path / "home") as base_url:
        model = ServerModel(base_url, str(folder), max_tokens=64)
        told = [piece for piece in model.generate(ASKED) if piece]
        assert "".join(told) == "".join(pieces)
        assert len(told) > 1, "it streams"
        pipeline = Pipeline.over(stored_index, model)
        answer = pipeline.ask("公寓的月租金是多少？")
        check_answer(json.loads(json.dumps(answer.to_json())))
        assert (answer.text, answer.notice) == ("每套公寓的月租金是三百二十元。[1]", None)
        *_, streamed = pipeline.stream("公寓的月租金是多少？")
        assert streamed == replace(answer, timings=streamed.timings)
        short = ServerModel(base_url, str(folder), max_tokens=2)
        assert "".join(short.generate(ASKED)) == "".join(pieces[:2])
        with pytest.raises(ModelError, match="answered 4"):
            "".join(ServerModel(base_url, "another/model").generate(ASKED))
