"""The small corpus of the whole suite with a few documents more, its index and pipeline, and ways in: client, command, server."""

import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import IO, Any

import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from indexer.build import build
from indexer.retrieval import Library
from indexer.store import Stored, load
from service import cli
from service.pipeline import Pipeline

# A busy machine is no failure, and every run tries the same examples.
settings.register_profile("service", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("service")

# Printed in lines of one width; the page numbers 3 and 4 fall into the middle of sentences.
HOUSING = (
    "为了解决新来职工的住处，松岭县住建局修建了一批公寓，凡是签订劳动合同满六个月、在县城没有住房的职工，都能够向"
    "所在单位提出申请，由单位统一送到县里。",
    "收到全部材料之后，公寓管理处应当在十八个工作日以内答复申请人，并且写明批准或者不批准的理由，由经办人签字以后"
    "当面交给申请人。逾期没有答复的，申请人可以向县住建局投诉。",
    "每套公寓的月租金是三百二十元，水费电费按照实际用量另外收取。连续两个季度不缴纳租金的住户，由管理处收回钥匙，"
    "两年之内不得再申请。",
    "公寓的门锁、水管和电灯由管理处负责修理，住户打电话报修以后，修理工应当在四十八小时以内上门。超过这个时间的，"
    "住户当月少付一成租金。",
)


def _paged(paragraphs: tuple[str, ...], width: int = 31) -> str:
    """Paragraphs in printed lines, with a page number under the first line of the second and of the fourth."""
    lines: list[str] = []
    for i, paragraph in enumerate(paragraphs):
        first, *others = textwrap.wrap(paragraph, width)
        lines += [first, *([str(i // 2 + 3)] if i % 2 else []), *others]
    return "\n".join(lines) + "\n"


# The author of this document tries to run a script in the reader's browser.
HOSTILE = """\
---
title: "枫桥镇<b>垃圾</b>分类办法"
issuer: "枫桥镇政府"
published: "2022"
---

# 枫桥镇垃圾分类办法

## 分类标准

枫桥镇把生活垃圾分为厨余、可回收、有害三类，<script>window.planted = 1</script>由保洁员每天清运两次。

## 奖励规则

居民每交来一公斤废纸，积3分，<img src="x" onerror="window.planted = 2">积满500分换一张电影票。

## 处罚规则

商铺混投垃圾的，第一次罚款260元，第二次罚款850元。
"""

# Figures in several notations, a character outside the basic plane, and a path that needs escaping in an address.
GRANTS = """\
---
title: "二〇二四年种粮补贴通知"
issuer: "白鹭县农业局"
region: "白鹭县"
published: "2024-02-08"
period: "二〇二四年"
---

# 二〇二四年种粮补贴通知

## 一、补贴标准

白鹭县二〇二四年种粮补贴总额6,935万元，比上年增加百分之三十，由两家银行发放到户。

## 二、发放时间

🌾夏收之后，补贴款于6月15日以前打入农户账户，🌾全县37个乡镇同时发放🌾，共计惠及农户4.2万户。

## 三、单列作物

| 作物 | 每亩补贴（元） | 面积（万亩） |
| --- | --- | --- |
| 水稻 | 145 | 21.6 |
| 小麦 | 98 | 13.4 |
| 大豆 | 210 | 5.7 |
"""

# Reference marks of the document's own, which look like the markers of an answer.
REFERENCES = """\
# 沙洲县粮库管理办法

## 轮换

沙洲县粮库每年轮换稻谷三次[2]，时间由省粮食局文件[7]规定。
"""

GRANTS_PATH = "通知/二〇二四 种粮&补贴.md"

# The answer object of the documentation: fields and types, nothing more and nothing less.
_NUMBER = (int, float)
_ANSWER = {
    "id": (str,),
    "question": (str,),
    "understood": (str, NoneType),
    "status": (str,),
    "answer": (str,),
    "reason": (str, NoneType),
    "confidence": _NUMBER,
    "notice": (str, NoneType),
    "dropped": (int,),
    "sentences": [{"text": (str,), "citations": [(int,)], "verdict": (str,)}],
    "citations": [
        {
            "marker": (int,),
            "doc_id": (str,),
            "title": (str,),
            "start": (int,),
            "end": (int,),
            "start_utf16": (int,),
            "end_utf16": (int,),
            "quote": (str,),
            "section": [(str,)],
            "origin": {
                "path": (str,),
                "line_start": (int, NoneType),
                "line_end": (int, NoneType),
                "page": (int, NoneType),
                "slide": (int, NoneType),
                "paragraph": (int, NoneType),
                "sheet": (str, NoneType),
                "row": (int, NoneType),
            },
            "doc_sha256": (str,),
            "published": (str,),
            "validity": (str,),
            "refers_to": [{"label": (str,), "doc_id": (str,), "start": (int,), "end": (int,)}],
            "relative_dates": [{"text": (str,), "date": (str,)}],
        }
    ],
    "passages": [
        {"passage_id": (str,), "doc_id": (str,), "start": (int,), "end": (int,), "score": _NUMBER, "text": (str,)}
    ],
    "timings": {"retrieve_ms": _NUMBER, "read_ms": _NUMBER, "total_ms": _NUMBER},
    "receipt": {
        "index": (str,),
        "models": dict,
        "prompt": (str,),
        "version": (str,),
        "code": (str,),
        "settings": dict,
        "question": (str,),
        "history": [{"role": (str,), "content": (str,)}],
        "passages": [{"passage_id": (str,), "score": _NUMBER}],
        "verdicts": [(str,)],
        "answer_sha256": (str,),
    },
}

CHAT_TEMPLATE = "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}<|parrot|>"

Reply = tuple[str, ...] | tuple[int, dict[str, str]] | Callable[[IO[bytes]], None]
Shape = Any  # a dict of shapes, a list of one shape, a tuple of types, or a type
Json = dict[str, Any]


def _assert_shape(value: object, shape: Shape, where: str = "answer") -> None:
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where} is {value!r}"
        assert value.keys() == shape.keys(), where
        for key, part in shape.items():
            _assert_shape(value[key], part, f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where} is {value!r}"
        for i, item in enumerate(value):
            _assert_shape(item, shape[0], f"{where}[{i}]")
    else:
        kinds = shape if isinstance(shape, tuple) else (shape,)
        assert type(value) in kinds, f"{where} is {value!r}, expected {kinds}"


def _squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.fixture(scope="session")
def originals(texts: dict[str, str]) -> dict[str, str]:
    """Path of each file of the corpus → its contents as written to disk."""
    return texts | {
        "housing.txt": _paged(HOUSING),
        "hostile.md": HOSTILE,
        "references.md": REFERENCES,
        GRANTS_PATH: GRANTS,
    }


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory, originals: dict[str, str]) -> Path:
    """The index of `originals`; to read, never to write."""
    folder = tmp_path_factory.mktemp("service")
    for name, text in originals.items():
        path = folder / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return folder / "index"


@pytest.fixture(scope="session")
def stored_index(index: Path) -> Stored:
    return load(index)


@pytest.fixture(scope="session")
def pipeline(stored_index: Stored) -> Pipeline:
    return Pipeline.over(stored_index)


@pytest.fixture(scope="session")
def library(pipeline: Pipeline) -> Library:
    return pipeline.library


@pytest.fixture(scope="session")
def check_answer(library: Library, originals: dict[str, str]) -> Callable[[Json], None]:
    """Asserts that an answer object, as decoded from JSON, has the documented shape and that all it claims is true."""

    def check(row: Json) -> None:
        asked = row["timings"] != {}  # a question that could not be asked took no time
        receipt = {key: value for key, value in row["receipt"].items() if key != "scope"}  # only where one was given
        _assert_shape(row | {"receipt": receipt}, _ANSWER if asked else _ANSWER | {"timings": dict})
        models = row["receipt"]["models"]
        assert {"embedder", "reader"} <= models.keys()
        assert all(type(name) is str and name for name in models.values())
        assert row["status"] in ("answered", "partial", "refused")
        assert row["answer"]
        assert 0 <= row["confidence"] <= 1
        assert {sentence["verdict"] for sentence in row["sentences"]} <= {"supported"}

        markers = [citation["marker"] for citation in row["citations"]]
        assert markers == sorted(set(markers)), "markers repeat or are out of order"
        assert {int(n) for n in re.findall(r"\[(\d+)\]", row["answer"])} == set(markers)
        assert {n for sentence in row["sentences"] for n in sentence["citations"]} == set(markers)
        for sentence in row["sentences"]:
            assert sentence["citations"], f"{sentence['text']} cites nothing"
            assert sentence["text"] in row["answer"]

        if row["status"] == "refused":
            assert row["reason"]
            assert not row["citations"]
            assert not row["sentences"]
        else:
            assert row["reason"] is None or row["status"] == "partial"
            assert row["sentences"]

        for citation in row["citations"]:
            document = library.document(citation["doc_id"])
            quote, origin = citation["quote"], citation["origin"]
            assert quote.strip()
            assert document.text[citation["start"] : citation["end"]] == quote
            in_javascript = document.text.encode("utf-16-le")[2 * citation["start_utf16"] : 2 * citation["end_utf16"]]
            assert in_javascript.decode("utf-16-le") == quote
            assert (citation["title"], citation["doc_sha256"]) == (document.title, document.sha256)
            original = originals[origin["path"]]
            assert _squeezed(quote) in _squeezed(original), "the quote does not stand in the file"
            lines = original.split("\n")[origin["line_start"] - 1 : origin["line_end"]]
            assert _squeezed(quote) in _squeezed("".join(lines)), "the quote stands on other lines"

        assert len(row["passages"]) <= 10
        scores = [passage["score"] for passage in row["passages"]]
        assert scores == sorted(scores, reverse=True)
        for passage in row["passages"]:
            text = library.document(passage["doc_id"]).text
            assert text[passage["start"] : passage["end"]] == passage["text"]

    return check


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Runs the command line in this process, through `main` as the console script does."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # typer sets its own; put this one back afterwards

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["zhengwen", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Finished(stop.value.code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line in a process of its own, with pipes for its output; keywords are environment variables."""
    records = {"ZHENGWEN_DATABASE": f"sqlite:///{tmp_path_factory.mktemp('records')}/zhengwen.db"}

    def run(*arguments: object, stdout: int | IO[str] = subprocess.PIPE, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from service.cli import main; main()", *map(str, arguments)],
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=records | os.environ | {"HF_HUB_OFFLINE": "1"} | variables,
        )

    return run


@contextmanager
def _client(app: FastAPI, *, ready: bool = True) -> Iterator[TestClient]:
    # What comes from elsewhere would need a key.
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        while ready and (reply := client.get("/readyz")).status_code != 200:
            assert "still loading" in reply.json()["detail"]
        yield client


@pytest.fixture(scope="session")
def client_over(app_over: Callable[..., FastAPI]) -> Callable[..., AbstractContextManager[TestClient]]:
    """`client_over(open_pipeline)`: a client of an application over that pipeline; waits for it unless `ready=False`."""
    return lambda open_pipeline, *, ready=True, **settings: _client(app_over(open_pipeline, **settings), ready=ready)


@pytest.fixture(scope="session")
def client(pipeline: Pipeline, app_over: Callable[..., FastAPI]) -> Iterator[TestClient]:
    """A client of the application over the small corpus, ready to answer."""
    with _client(app_over(lambda: pipeline)) as client:
        yield client


@contextmanager
def _serving(app: ASGIApp) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    # It listens from here on, so that whoever calls before the server is up waits instead of failing.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:  # else a test that fails would leave the thread, and the run would never end
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[str]]:
    """`serving(app)`: the address of an application on a real socket, served from a thread."""
    return _serving


@dataclass
class Server:
    """A running server; `log` is what it has written to stderr so far."""

    port: int
    log: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def server(index: Path, start: Callable[..., subprocess.Popen[str]]) -> Iterator[Server]:
    """`zhengwen serve` in a process of its own on a free port, ready to answer; ends by Ctrl-C and without a traceback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Server(port)
    settled = threading.Event()

    def read_log(stream: IO[str]) -> None:
        for line in stream:
            running.log.append(line)
            if "ready index=" in line:
                settled.set()
        settled.set()

    with start("serve", "--port", port, "--index", index) as process:
        reader = threading.Thread(target=read_log, args=(process.stderr,))
        reader.start()
        settled.wait()
        assert process.poll() is None, "".join(running.log)
        yield running
        process.send_signal(signal.SIGINT)
        reader.join()
        assert process.stdout is not None
        assert process.stdout.read() == "", "serve writes to stderr only"
    assert process.returncode == 0, "a server that was told to stop has done its work"
    assert "Traceback" not in "".join(running.log)


@pytest.fixture(scope="session")
def parrot(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`parrot(*pieces)`: the folder of a real language model of a few kilobytes that says these pieces whatever it is asked.

    Each piece is a token of its own, and each token is followed by one other, so no piece may come twice; with `loops` it
    begins again after the last one. `template` is the chat template.
    """
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    def make(*pieces: str, loops: bool = False, template: str | None = CHAT_TEMPLATE, context: int = 8192) -> Path:
        letters = pre_tokenizers.ByteLevel.alphabet()
        tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(sorted(letters))}, []))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        fast = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer,
            eos_token="<|end|>",
            pad_token="<|end|>",
            additional_special_tokens=["<|user|>", "<|parrot|>"],
        )
        fast.add_tokens([AddedToken(piece, normalized=False) for piece in pieces])
        fast.chat_template = template
        size = len(fast)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=size,
                hidden_size=size,
                intermediate_size=8,
                num_hidden_layers=2,
                num_attention_heads=1,
                head_dim=8,
                max_position_embeddings=context,
                eos_token_id=fast.eos_token_id,
                bos_token_id=None,
                pad_token_id=fast.pad_token_id,
            )
        )
        # The layers add nothing to what a token says of itself, and that is which token comes next.
        said = [fast.convert_tokens_to_ids(token) for token in ("<|parrot|>", *pieces)]
        behind = [*said[1:], said[1] if loops else fast.eos_token_id]
        with torch.no_grad():
            for layer in model.model.layers:
                layer.self_attn.o_proj.weight.zero_()
                layer.mlp.down_proj.weight.zero_()
            model.model.embed_tokens.weight.copy_(torch.eye(size))
            model.lm_head.weight.zero_()
            for token, following in zip(said, behind, strict=True):
                model.lm_head.weight[following, token] = 1.0
        folder = tmp_path_factory.mktemp("parrot")
        model.save_pretrained(folder)
        fast.save_pretrained(folder)
        return folder

    return make


@dataclass
class ModelServer:
    """A server of chat completions that plays `script`, one entry a request; `requests` are the bodies and headers it saw.

    An entry is the pieces of a reply, a status with headers, or a function that writes what it likes.
    """

    url: str
    script: list[Reply] = field(default_factory=list)
    requests: list[tuple[Json, dict[str, str]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    """A hanging reply waits for this."""

    def says(self, *replies: Reply) -> None:
        self.script[:] = replies
        self.requests.clear()


def sse(piece: str, finish: str | None = None) -> bytes:
    """A chunk of a streamed chat completion."""
    row = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": finish}]}
    return f"data: {json.dumps(row, ensure_ascii=False)}\n\n".encode()


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A real HTTP server on a port of its own."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            running.requests.append((body, dict(self.headers)))
            reply = running.script.pop(0) if running.script else (500, {})
            if isinstance(reply, tuple) and isinstance(reply[0], int):
                self.send_response(reply[0])
                for name, value in reply[1].items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b'{"error": {"message": "scripted"}}')
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            if callable(reply):
                reply(self.wfile)
                return
            for piece in reply:
                self.wfile.write(sse(piece))
            self.wfile.write(sse("", "stop") + b"data: [DONE]\n\n")

        def log_message(self, *arguments: object) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client hung up

    with Quiet(("127.0.0.1", 0), Handler) as server:
        running = ModelServer(f"http://127.0.0.1:{server.server_address[1]}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        server.shutdown()
        thread.join()
