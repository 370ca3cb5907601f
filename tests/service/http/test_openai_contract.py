"""What integrators rely on, with OpenAI's own Python client against a real server on a real socket."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO, Any
from urllib.parse import unquote

import httpx
import openai
import pytest
from fastapi import FastAPI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from indexer.retrieval import Library
from indexer.store import Stored
from indexer.text import squeeze
from service.model_server import ServerModel
from service.pipeline import Pipeline

RENT = "公寓的月租金是多少？"
REPLY = "公寓管理处应当在多少个工作日以内答复申请人？"
LIST = "园林局的工作内容包括哪些？"
NOWHERE = "火星基地的氧气由谁供应？"
GRANTS = "通知/二〇二四 种粮&补贴.md"

Json = dict[str, Any]


def user(question: str) -> Any:
    return {"role": "user", "content": question}


@pytest.fixture(scope="module")
def sdk(server: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url + "/v1", api_key="unused", max_retries=0) as sdk:
        yield sdk


def ask(sdk: openai.OpenAI, *messages: Any, **options: Any) -> ChatCompletion:
    return sdk.chat.completions.create(model="zhengwen", messages=list(messages), **options)


def stream(sdk: openai.OpenAI, question: str, **options: Any) -> list[ChatCompletionChunk]:
    return list(sdk.chat.completions.create(model="zhengwen", messages=[user(question)], stream=True, **options))


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def extra(thing: Any, name: str) -> Any:
    return thing.model_extra[name]


# --- plain and streamed


@pytest.mark.parametrize("question", [RENT, REPLY, LIST, NOWHERE])
def test_stream_and_plain_reply_differ(sdk: openai.OpenAI, question: str) -> None:
    before = int(time.time())
    plain = ask(sdk, user(question))
    chunks = stream(sdk, question)
    message = plain.choices[0].message
    assert text_of(chunks) == message.content
    assert before <= plain.created <= chunks[0].created <= time.time(), "Unix seconds"
    assert plain.model == chunks[0].model == "zhengwen"
    assert plain.id != chunks[0].id
    assert plain.usage is not None
    assert plain.usage.total_tokens == plain.usage.prompt_tokens + plain.usage.completion_tokens > 0
    assert len({(chunk.id, chunk.created, chunk.model, chunk.system_fingerprint) for chunk in chunks}) == 1
    last = chunks[-1]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert last.choices[0].delta.refusal == message.refusal
    for name in ("grounding", "citations", "search_results"):
        assert extra(last, name) == extra(plain, name)


def test_usage_is_on_another_chunk_than_the_last(sdk: openai.OpenAI) -> None:
    chunks = stream(sdk, RENT, stream_options={"include_usage": True})
    assert [chunk.usage is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert [chunk.choices == [] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage == ask(sdk, user(RENT)).usage
    assert all(chunk.usage is None for chunk in stream(sdk, RENT))


def test_helper_of_the_sdk_puts_another_reply_together(sdk: openai.OpenAI) -> None:
    with sdk.chat.completions.stream(
        model="zhengwen", messages=[user(LIST)], stream_options={"include_usage": True}
    ) as events:
        final = events.get_final_completion()
    plain = ask(sdk, user(LIST))
    assert final.choices[0].message.content == plain.choices[0].message.content
    assert final.choices[0].finish_reason == "stop"
    assert final.usage == plain.usage


def raw_stream(port: int, body: Json) -> tuple[bytes, bytes]:
    """Head and body, its chunks put together, of a streamed reply as it stands on the wire."""
    content = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    reply = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + content)
        while piece := connection.recv(65536):
            reply += piece
    answered, _, rest = reply.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in answered.lower(), "the whole reply is put together before it is sent"
    payload = b""
    while not rest.startswith(b"0\r\n"):
        size, _, rest = rest.partition(b"\r\n")
        payload, rest = payload + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return answered, payload


@pytest.mark.parametrize("usage", [False, True])
@pytest.mark.parametrize("question", [RENT, LIST, NOWHERE])
def test_bytes_of_a_stream_are_none_that_clients_read(server: Any, question: str, usage: bool) -> None:
    body = {"model": "zhengwen", "messages": [user(question)], "stream": True}
    head, payload = raw_stream(server.port, body | {"stream_options": {"include_usage": usage}})
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: text/event-stream; charset=utf-8" in head.lower()
    assert b"\r" not in payload
    *events, done, nothing = payload.split(b"\n\n")
    assert (done, nothing) == (b"data: [DONE]", b"")
    assert all(event.startswith(b"data: {") and b"\n" not in event for event in events)
    rows = [json.loads(event.removeprefix(b"data: ")) for event in events]
    first, *contents, finish = rows[:-1] if usage else rows
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert first["search_results"]
    assert all(row["choices"][0]["delta"].keys() == {"content"} for row in contents)
    assert all(row.keys() & {"search_results", "citations", "grounding"} == set() for row in contents)
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert finish["choices"][0]["delta"].keys() <= {"annotations", "context", "refusal"}
    assert {row["object"] for row in rows} == {"chat.completion.chunk"}
    assert len({(row["id"], row["created"], row["model"]) for row in rows}) == 1
    assert all(("usage" in row) is usage for row in rows)


# --- citations, as each kind of client reads them


def assert_link_leads_to(link: str, words: str, library: Library) -> None:
    """The span that a link shows holds these words."""
    match = re.fullmatch(r"/d/(.+)#char=(\d+),(\d+)", link)
    assert match, link
    text = library.document(unquote(match[1])).text
    assert squeeze(words) in squeeze(text[int(match[2]) : int(match[3])])


def said(content: str) -> Iterator[tuple[str, list[int]]]:
    """(words, markers) of each line of an answer that quotes one span."""
    for line in content.split("\n"):
        markers = [int(marker) for marker in re.findall(r"\[(\d+)\]", line)]
        if len(markers) == 1:
            yield re.sub(r"\[\d+\]", "", line), markers


@pytest.mark.parametrize("question", [RENT, LIST, "种粮补贴款什么时候打入农户账户？"])
@pytest.mark.parametrize("streamed", [False, True])
def test_marker_leads_a_client_to_another_source(
    sdk: openai.OpenAI, library: Library, question: str, streamed: bool
) -> None:
    if streamed:
        chunks = stream(sdk, question)
        content, last = text_of(chunks), chunks[-1]
        extras, annotations = last.choices[0].delta, extra(last.choices[0].delta, "annotations")
    else:
        last = ask(sdk, user(question))
        extras = last.choices[0].message
        content = extras.content or ""
        annotations = [annotation.model_dump() for annotation in extras.annotations or []]
    lines = list(said(content))
    assert lines, "the answer proves nothing"
    for words, markers in lines:
        n = markers[0] - 1
        azure = extra(extras, "context")["citations"][n]
        assert squeeze(words) in squeeze(azure["content"])
        assert_link_leads_to(azure["url"], words, library)
        # Perplexity's clients count in either list.
        assert_link_leads_to(extra(last, "citations")[n], words, library)
        assert_link_leads_to(extra(last, "search_results")[n]["url"], words, library)
        assert squeeze(words) in squeeze(extra(last, "search_results")[n]["snippet"])
        ours = extra(last, "grounding")["citations"][n]
        assert (ours["marker"], ours["quote"]) == (n + 1, azure["content"])
    shown = {content[a["url_citation"]["start_index"] : a["url_citation"]["end_index"]] for a in annotations}
    assert {f"{words}[{markers[0]}]" for words, markers in lines} <= shown
    for annotation in annotations:
        place = annotation["url_citation"]
        assert_link_leads_to(place["url"], "", library)
        javascript = content.encode("utf-16-le")[2 * place["start_index_utf16"] : 2 * place["end_index_utf16"]]
        assert javascript.decode("utf-16-le") == content[place["start_index"] : place["end_index"]]


# --- what callers send


def test_conversation_loses_a_turn_or_cites_an_earlier_one(sdk: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "system", "content": "你是政策助手。"}]
    for question, words, doc_id in (
        ("东湾公园的投资是多少亿元？", "2.8", "city/park.md"),
        ("那西滩公园呢？", "2.1", "city/park.md"),
        ("白鹭县种粮补贴总额是多少？", "6,935", GRANTS),
        ("谢谢。公寓的月租金是多少？", "三百二十", "housing.txt"),
    ):
        messages.append(user(question))
        completion = ask(sdk, *messages)
        message = completion.choices[0].message
        assert words in (message.content or ""), question
        assert {citation["doc_id"] for citation in extra(completion, "grounding")["citations"]} == {doc_id}
        messages.append(message.model_dump())  # as programs do, with all that we put into it


def test_filters_of_our_own_do_not_arrive(sdk: openai.OpenAI) -> None:
    question = "总投资是多少？"
    everywhere = {result["url"].split("#")[0] for result in extra(ask(sdk, user(question)), "search_results")}
    filters = {"filters": {"issuers": ["白鹭县农业局"]}}
    narrowed = extra(ask(sdk, user(question), extra_body=filters), "search_results")
    assert len(everywhere) > 1
    assert {unquote(result["url"].split("#")[0]) for result in narrowed} == {f"/d/{GRANTS}"}
    with pytest.raises(openai.UnprocessableEntityError, match="colour"):
        ask(sdk, user(question), extra_body={"filters": {"colour": ["red"]}})


def test_option_that_openai_has_or_nobody_fails(sdk: openai.OpenAI) -> None:
    options: Json = {
        "temperature": 0.3,
        "top_p": 0.9,
        "seed": 1,
        "max_tokens": 16,
        "max_completion_tokens": 16,
        "presence_penalty": 1,
        "frequency_penalty": -1,
        "logit_bias": {"1": 5},
        "stop": ["\n"],
        "user": "u-1",
        "store": False,
        "metadata": {"a": "b"},
        "reasoning_effort": "low",
        "service_tier": "auto",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
        "extra_body": {"our_own": {"deep": [1]}, "enable_thinking": False},
        "extra_query": {"api-version": "2024-10-21"},
        "extra_headers": {"api-key": "unused"},
    }
    assert ask(sdk, user(RENT), **options).choices == ask(sdk, user(RENT)).choices
    assert text_of(stream(sdk, RENT, **options)) == ask(sdk, user(RENT)).choices[0].message.content


# --- errors


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("change", "kind", "status", "param"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, 404, "model"),
        ({"messages": []}, openai.UnprocessableEntityError, 422, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, openai.UnprocessableEntityError, 422, None),
        ({"messages": [user("")]}, openai.UnprocessableEntityError, 422, None),
        ({"messages": [user("元" * 2001)]}, openai.UnprocessableEntityError, 422, None),
        ({"n": 2}, openai.BadRequestError, 400, "n"),
        ({"response_format": {"type": "json_object"}}, openai.BadRequestError, 400, "response_format"),
        ({"messages": [user("元" * 600_000)]}, openai.APIStatusError, 413, None),
    ],
    ids=lambda value: str(value)[:50],
)
def test_error_is_raised_as_another_class(
    sdk: openai.OpenAI, change: Json, kind: type[openai.APIStatusError], status: int, param: str | None, streamed: bool
) -> None:
    options = {"model": "zhengwen", "messages": [user(RENT)], "stream": streamed} | change
    with pytest.raises(kind) as raised:
        sdk.chat.completions.create(**options)
    error = raised.value
    assert error.status_code == status
    assert error.param == param
    assert error.message
    assert error.request_id == error.response.headers["x-request-id"]
    assert error.body is not None, "the body has another shape than OpenAI's"


# --- the rest of the client


def test_headers_of_a_reply_are_lost(sdk: openai.OpenAI) -> None:
    raw = sdk.chat.completions.with_raw_response.create(
        model="zhengwen", messages=[user(RENT)], extra_headers={"X-Request-Id": "ticket-7"}
    )
    assert raw.headers["x-request-id"] == "ticket-7"
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().choices[0].message.content == ask(sdk, user(RENT)).choices[0].message.content
    assert len(ask(sdk, user(RENT))._request_id or "") == 32
    with sdk.chat.completions.with_streaming_response.create(
        model="zhengwen", messages=[user(RENT)], stream=True, extra_headers={"X-Request-Id": "ticket-8"}
    ) as response:
        assert response.headers["x-request-id"] == "ticket-8"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no", "a proxy holds the stream back"
        assert list(response.iter_lines())[-2:] == ["data: [DONE]", ""]


def test_model_cannot_be_found(sdk: openai.OpenAI) -> None:
    (model,) = sdk.models.list()
    assert sdk.models.retrieve(model.id) == model
    assert time.time() > model.created > 1_600_000_000


def test_asynchronous_client_gets_the_replies_of_others(server: Any) -> None:
    questions = [RENT, REPLY, LIST, NOWHERE] * 3

    async def run() -> list[tuple[str, str]]:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="unused", max_retries=0) as sdk:

            async def both(question: str) -> tuple[str, str]:
                plain = await sdk.chat.completions.create(model="zhengwen", messages=[user(question)])
                chunks = await sdk.chat.completions.create(model="zhengwen", messages=[user(question)], stream=True)
                text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
                return plain.choices[0].message.content or "", text

            return await asyncio.gather(*(both(question) for question in questions))

    replies = asyncio.run(run())
    assert all(plain == streamed for plain, streamed in replies)
    assert replies[:4] == replies[4:8] == replies[8:]
    assert len(set(replies)) == 4


# --- hanging up


@pytest.fixture
def slow_service(
    model_server: Any,
    stored_index: Stored,
    serving: Callable[..., AbstractContextManager[str]],
    app_over: Callable[..., FastAPI],
) -> Iterator[tuple[str, threading.Event]]:
    """A service whose language model never comes to an end, and the event that it was left."""
    left = threading.Event()

    def endless(out: IO[bytes]) -> None:
        try:
            for piece in ("每套公寓的月租金为320元[1]。\n", "<think>"):
                row = {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
                out.write(f"data: {json.dumps(row)}\n\n".encode())
                out.flush()
            while True:
                out.write(b'data: {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null}]}\n\n')
                out.flush()
        except OSError:
            left.set()

    model = ServerModel(model_server.url, "tiny")
    with serving(app_over(lambda: Pipeline.over(stored_index, model))) as url:
        while httpx.get(url + "/readyz").status_code != 200:
            pass
        model_server.says(endless)
        yield url + "/v1", left


def test_model_works_on_for_a_stream_that_was_closed(slow_service: tuple[str, threading.Event]) -> None:
    url, left = slow_service
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0) as sdk:
        chunks = sdk.chat.completions.create(model="zhengwen", messages=[user(RENT)], stream=True)
        assert any("320元" in (chunk.choices[0].delta.content or "") for chunk in chunks)
        assert not left.is_set()
        chunks.close()
        assert left.wait(60)


def test_model_works_on_for_a_task_that_was_cancelled(slow_service: tuple[str, threading.Event]) -> None:
    url, left = slow_service

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="unused", max_retries=0) as sdk:
            arrived = asyncio.Event()

            async def listen() -> None:
                chunks = await sdk.chat.completions.create(model="zhengwen", messages=[user(RENT)], stream=True)
                async for chunk in chunks:
                    if "320元" in (chunk.choices[0].delta.content or ""):
                        arrived.set()

            listening = asyncio.create_task(listen())
            await arrived.wait()
            assert not left.is_set()
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening
            assert await asyncio.to_thread(left.wait, 60)

    asyncio.run(run())
