"""Nothing that a caller sends can break a line of the log, forge one, or put a secret or a question into it."""

import io
import json
import logging
import re
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.concurrency import run_in_threadpool
from starlette.testclient import TestClient

from service.http import logs
from service.http.metrics import Metrics
from service.http.middleware import Observed, RequestId, UnexpectedErrors
from service.settings import LogFormat, LogLevel

KEY = "zw-" + "Ab3_-xY7" * 5 + "abc"
TOKEN = "zwt-1." + "eyJrIjoi.x~" * 4
QUESTION = "陈秘书家的月租金是多少？"
RENT = "公寓的月租金是多少？"
TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., io.StringIO]]:
    """`configured(form, …)` configures logging as a server does; what it writes; undone afterwards."""
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    hooks = threading.excepthook, sys.unraisablehook
    levels = {name: logging.getLogger(name).level for name in logs._TALKATIVE}

    def configure(form: LogFormat, **options: Any) -> io.StringIO:
        written = io.StringIO()
        monkeypatch.setattr(sys, "stderr", written)
        logs.configure(form, **options)
        return written

    yield configure
    root.handlers[:], logging.raiseExceptions = handlers, raises
    root.setLevel(level)
    threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def said(form: LogFormat, message: str, *arguments: object, error: BaseException | None = None, **options: Any) -> str:
    """What one record looks like."""
    formatter = {LogFormat.TEXT: logs._TextFormatter, LogFormat.JSON: logs._JsonFormatter}[form]
    info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("some.where", logging.INFO, "", 0, message, arguments, info)
    return formatter(options.get("log_questions", False), options.get("secrets", ())).format(record)


HOSTILE = st.text(st.characters()) | st.sampled_from(
    ["\r\n2026-01-01T00:00:00.000Z INFO forged", "\x1b[2J\x1b]0;x\x07", "\u202egnp.exe", "\u2028", "\x9b31m", "\ud800", "\x00", '"}\n{"level": "INFO"']
)  # fmt: skip


@given(HOSTILE, HOSTILE)
@example("\n", "\n")
def test_json_record_is_no_object_on_one_line(text: str, other: str) -> None:
    with logs.request("id-1"):
        line = said(LogFormat.JSON, "%s and %s", text, other, error=ValueError(text))
    assert len(line.splitlines()) == 1
    assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    row = json.loads(line)
    assert row["message"] == f"{text} and {other}", "nothing is lost, only written so that it does nothing"
    assert row["traceback"].startswith("ValueError")
    assert (row["level"], row["logger"], row["request_id"]) == ("INFO", "some.where", "id-1")
    assert re.fullmatch(TIMESTAMP, row["ts"])


@given(HOSTILE, HOSTILE)
def test_text_record_forges_another(text: str, other: str) -> None:
    first, *rest = said(LogFormat.TEXT, "%s", text, error=ValueError(other)).split("\n")
    assert re.match(TIMESTAMP + " INFO some.where ", first)
    assert rest
    assert all(line.startswith("    | ") for line in rest)
    shown = "".join([first, *rest])
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f]", shown)


@pytest.mark.parametrize("form", list(LogFormat))
@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        "Authorization: Basic dXNlcjpwYXNz",
        f"{{'api-key': '{KEY}'}}",
        f"GET /x?key={KEY}&token={TOKEN} HTTP/1.1",
        KEY,
        TOKEN,
        "the server said: wrong key sk-model-secret",
        "postgresql://me:p4ss-w0rd@db/x",
    ],
)
def test_secret_is_logged(form: LogFormat, text: str) -> None:
    shown = said(form, "%s", text, error=ValueError(text), secrets=["sk-model-secret", "p4ss-w0rd"])
    for secret in (KEY[3:], TOKEN[6:], "dXNlcjpwYXNz", "sk-model-secret", "p4ss-w0rd"):
        assert secret not in shown
    assert "***" in shown


def test_secret_as_a_request_id_is_logged() -> None:
    with logs.request(KEY):
        assert KEY[3:] not in said(LogFormat.JSON, "x")


@pytest.mark.parametrize("form", list(LogFormat))
@pytest.mark.parametrize(
    "text",
    [
        QUESTION,
        f"asked {QUESTION!r} of the model",
        f"the server answered 400 '…{QUESTION[:7]}': see the log",
        f"no vector for {QUESTION[3:9]}",
        json.dumps({"messages": [QUESTION]}, ensure_ascii=False),
    ],
)
def test_question_is_logged_by_whoever_quotes_it(form: LogFormat, text: str) -> None:
    with logs.request("id"):
        logs.note_question("前一个问题在这里", QUESTION)
        shown = said(form, text, error=ValueError(text))
        told = said(form, text, log_questions=True)
    pieces = {QUESTION[i : i + 4] for i in range(len(QUESTION) - 3)}
    assert not [piece for piece in pieces if piece in shown]
    assert QUESTION[3:7] in told
    assert "陈秘书" in said(form, "陈秘书家"), "outside of the request it is any other text"


def test_masking_eats_what_is_no_question() -> None:
    with logs.request("id"):
        logs.note_question("HTTP error 500 是什么？", "")
        assert json.loads(said(LogFormat.JSON, "HTTP error 500 at line 7"))["message"] == "HTTP error 500 at line 7"


def test_long_conversation_makes_every_record_expensive() -> None:
    with logs.request("id") as facts:
        logs.note_question(QUESTION, *["长" * 500_000 + str(i) for i in range(50)])
        assert sum(map(len, facts.questions)) < 50_000
        assert QUESTION[2:8] not in said(LogFormat.TEXT, f"no vector for {QUESTION[2:8]}")


def app_that_logs(form: LogFormat, written: Callable[..., io.StringIO], **options: Any) -> list[dict[str, Any]]:
    """The records of two requests to an application that notes a key and a question, works in threads, and breaks."""
    log = written(form, **options)

    def work(question: str) -> None:
        logs.note_question(question)
        logging.getLogger("service.deep").info("working")
        raise RuntimeError(f"cannot do {question}")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        logs.note_key("key-7")
        await run_in_threadpool(work, QUESTION)

    client = TestClient(RequestId(Observed(UnexpectedErrors(app), Metrics())))
    assert client.get(f"/{KEY}?q={TOKEN}", headers={"X-Request-Id": "first", "api-key": KEY}).status_code == 500
    client.get("/", headers={"X-Request-Id": "second"})
    assert "Traceback" not in log.getvalue().partition('"traceback"')[0]
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_records_of_a_request_do_not_tell_which(configured: Any) -> None:
    rows = app_that_logs(LogFormat.JSON, configured)
    assert [row["request_id"] for row in rows] == ["first"] * 3 + ["second"] * 3
    assert {row["key_id"] for row in rows} == {"key-7"}
    working, broken, request = rows[:3]
    assert working["logger"] == "service.deep"
    assert "RuntimeError: cannot do ***" in broken["traceback"]
    assert request.keys() == {
        "ts", "level", "logger", "message", "request_id", "method", "route", "status", "ms", "key_id",
    }  # fmt: skip
    assert (request["method"], request["route"], request["status"]) == ("GET", "unmatched", 500)
    assert request["ms"] >= 0
    everything = json.dumps(rows, ensure_ascii=False)
    assert KEY not in everything
    assert TOKEN not in everything
    assert "陈秘书" not in everything


def test_questions_that_were_asked_for_are_missing(configured: Any) -> None:
    rows = app_that_logs(LogFormat.JSON, configured, log_questions=True)
    assert rows[2]["questions"] == [QUESTION]
    assert QUESTION in rows[1]["traceback"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_something_is_printed_beside_the_log(configured: Any) -> None:
    written = configured(LogFormat.JSON)

    def die() -> None:
        raise RuntimeError("planted\nin a thread")

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    logging.getLogger("x").info("%d", "planted: wrong type")
    logging.getLogger("httpx").info("HTTP Request: GET http://user:planted@model/")
    logging.getLogger("httpcore.connection").debug("planted header")
    rows = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [row["message"] for row in rows] == ["a thread died"]


def test_level_is_passed_over(configured: Any) -> None:
    written = configured(LogFormat.TEXT, level=LogLevel.ERROR)
    logging.getLogger("x").warning("quiet")
    logging.getLogger("x").error("loud")
    assert [line.split()[-1] for line in written.getvalue().splitlines()] == ["loud"]


def test_server_writes_a_secret_it_was_sent_or_given(
    index: Path, start: Callable[..., subprocess.Popen[str]], free_port: int, model_server: Any
) -> None:
    """Secrets of callers in every place that they can be put in, and our own on the way to a model that repeats them."""

    def repeats(out: Any) -> None:
        error = {"error": f"bad key sk-model-secret, sent as Bearer sk-model-secret, for {RENT}"}
        out.write(f"data: {json.dumps(error, ensure_ascii=False)}\n\n".encode())

    environment = {
        "ZHENGWEN_LOG_FORMAT": "json",
        "ZHENGWEN_LOG_LEVEL": "DEBUG",
        "ZHENGWEN_COMPOSER": "server",
        "ZHENGWEN_COMPOSER_MODEL": "m",
        "ZHENGWEN_COMPOSER_BASE_URL": model_server.url.replace("http://", "http://me:p4ss-w0rd@"),
        "ZHENGWEN_COMPOSER_KEY": "sk-model-secret",
    }
    model_server.says(*[repeats] * 50)
    places: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Bearer {secret}", "api-key": secret, "Cookie": f"key={secret}"}}
        for secret in (KEY, TOKEN)
    ]
    places += [
        {"headers": {"X-Request-Id": KEY, "User-Agent": KEY, "Referer": KEY, "Origin": f"https://{KEY}"}},
        {"headers": {"Authorization": KEY}},
        {"headers": {"Authorization": f"Basic {KEY}"}},
        {"params": {"key": KEY, "token": TOKEN}},
        {
            "json": {
                "question": RENT,
                "key": KEY,
                "user": KEY,
                "history": [{"role": KEY, "content": TOKEN}],
            }
        },
        {"json": {"question": {"key": KEY}}},
        {"json": {"model": KEY, "messages": [{"role": KEY, "content": KEY}]}},
        {"content": f'{{"key": "{KEY}"'},
    ]
    with start("serve", "--port", free_port, "--index", index, **environment) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "ready index=" in line:
                break
        reader = threading.Thread(target=lambda: lines.extend(process.stderr))
        reader.start()
        base = f"http://127.0.0.1:{free_port}"
        with httpx2.Client(base_url=base, timeout=60) as client:
            for place in places:
                for path in ("/api/ask", "/v1/chat/completions", f"/{KEY}", f"/api/documents/{KEY}", "/api/tokens"):
                    body = {} if {"json", "content"} & place.keys() else {"json": {"question": RENT}}
                    assert client.post(path, **place, **body).status_code < 500
                    client.get(path, **{name: place[name] for name in place if name in ("headers", "params")})
        process.terminate()
        reader.join()
        printed = process.stdout.read()
    log = "".join(lines)
    assert model_server.requests, "the model was never asked"
    assert "the language model failed" in log
    for secret in (KEY[3:], TOKEN[6:], "sk-model-secret", "p4ss-w0rd"):
        assert secret not in log + printed
    assert "月租金是" not in log, "the model quotes the question"
    assert all(json.loads(line)["level"] for line in lines)
