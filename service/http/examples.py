"""Replies and errors as the OpenAPI document shows them: their shapes, and examples of an invented document in Chinese."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter
from pydantic.config import JsonDict

from service.http.errors import DIFY_PATH, dify_error, openai_error, problem
from service.http.shapes import DifyError, OpenAIError, Problem

Responses = dict[int | str, dict[str, Any]]

QUESTION = "港区年内改造多少个泊位？"
_DOC_ID, _TITLE = "智慧港口建设思路.md", "智慧港口建设思路"
_QUOTE = "为靠港船舶提供岸电，年内改造泊位9个，停靠船舶岸电使用率达到80%。"
_TEXT = f"绿色航运\n{_QUOTE}"
_SECTION = ["第二部分 下一步打算", "绿色航运"]
_SHOWN = f"{_QUOTE}[1]"
_URL = "/d/%E6%99%BA%E6%85%A7%E6%B8%AF%E5%8F%A3%E5%BB%BA%E8%AE%BE%E6%80%9D%E8%B7%AF.md#char=325,359"
_INDEX = "sha256:2b42b8806379bbefa0fc185e948cbfea513e95a4a8275a53a23353abbfd09b92"
_HASH = "a9b799e2bc4ff1b280e988d5464651fdf02e4dd397ca7c6e2f489cf8f8768a82"

_PASSAGE = {
    "passage_id": f"{_DOC_ID}#320-359",
    "doc_id": _DOC_ID,
    "start": 320,
    "end": 359,
    "score": 1.93,
    "text": _TEXT,
}
_CITATION = {
    "marker": 1,
    "doc_id": _DOC_ID,
    "title": _TITLE,
    "start": 325,
    "end": 359,
    "start_utf16": 325,
    "end_utf16": 359,
    "quote": _QUOTE,
    "section": _SECTION,
    "origin": {
        "path": _DOC_ID,
        "line_start": 27,
        "line_end": 27,
        "page": None,
        "slide": None,
        "paragraph": None,
        "sheet": None,
        "row": None,
    },
    "doc_sha256": _HASH,
    "published": "2024-03",
    "validity": "in_force",
    "refers_to": [],
    "relative_dates": [],
}
_MODELS = {"embedder": "sha256:27be…", "reader": "evidence sha256:81c0…", "composer": "extractive-5"}

ANSWER: dict[str, Any] = {
    "id": "ans-be394989d5be405106c42679",
    "question": QUESTION,
    "understood": None,
    "status": "answered",
    "answer": _SHOWN,
    "reason": None,
    "confidence": 0.93,
    "notice": None,
    "dropped": 0,
    "sentences": [{"text": _QUOTE, "citations": [1], "verdict": "supported"}],
    "citations": [_CITATION],
    "passages": [_PASSAGE],
    "timings": {"retrieve_ms": 4.1, "read_ms": 21.6, "total_ms": 26.0},
    "receipt": {
        "index": _INDEX,
        "models": _MODELS,
        "prompt": "sha256:f2fb…",
        "version": "0.1.0",
        "code": "sha256:5d41…",
        "settings": {"passages_read": "20", "passages_shown": "10"},
        "question": QUESTION,
        "history": [],
        "passages": [{"passage_id": _PASSAGE["passage_id"], "score": 1.93}],
        "verdicts": ["supported"],
        "scope": {"as_of": "2026-11-21"},
        "answer_sha256": "sha256:9c1f…",
    },
}
SEARCH = {"passages": [_PASSAGE]}
VERIFICATION = {
    "holds": False,
    "checks": [
        {"marker": 1, "text": _QUOTE, "problem": None},
        {"marker": None, "text": "年内改造泊位19个。", "problem": "the figure 19 does not stand in what it cites"},
    ],
}
_SUMMARY = {
    "doc_id": _DOC_ID,
    "title": _TITLE,
    "source_title": "",
    "issuer": "北屿港务局",
    "authors": [],
    "region": "北屿",
    "published": "2024-03",
    "kind": "思路",
    "period": "",
    "note": "",
    "number": "北屿港发〔2024〕3号",
    "signed": "2024-03-05",
    "effective": "2024-04-01",
    "expires": "",
    "repealed": "",
    "level": "市级",
    "subject": "智慧港口建设",
    "repeals": [],
    "amends": [],
    "validity": "in_force",
    "sha256": _HASH,
    "characters": 412,
    "passages": 3,
}
EXAMPLES = {"examples": [{"question": QUESTION, "doc_id": _DOC_ID}]}
DOCUMENTS = {"documents": [_SUMMARY]}
DOCUMENT = {
    **_SUMMARY,
    "sources": [{"field": "effective", "start": 388, "end": 401}],
    "text": "智慧港口建设思路\n……",
    "outline": [{"title": _SECTION[0], "path": _SECTION[:1], "depth": 1, "start": 118, "end": 412}],
}
VERSION = {
    "version": "0.1.0",
    "index": _INDEX,
    "models": _MODELS,
    "prompt": "sha256:f2fb…",
    "worker": 4711,
    "problem": None,
}
HEALTHY = {"status": "ok"}
READY = {"status": "ready", "index": _INDEX}
ASKED: JsonDict = {
    "question": "那岸电使用率呢？",
    "history": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": _SHOWN}],
    "filters": {"published_from": "2022"},
}
SEARCHED: JsonDict = {"question": QUESTION, "k": 3}

_TIME = "2026-11-21T01:43:53.120000Z"
CONVERSATION = {
    "conversation_id": "conv-5d2c0f6e9a1b3c4d5e6f7a8b",
    "title": QUESTION,
    "created": _TIME,
    "updated": _TIME,
    "turns": 1,
}
CONVERSATIONS = {"items": [CONVERSATION], "cursor": ""}
KEPT_CONVERSATION = {
    "summary": CONVERSATION,
    "turns": [{"question": QUESTION, "answer": ANSWER, "created": _TIME}],
}
EXPORT = f"""# {QUESTION}

## {QUESTION}

2026-11-21 01:43 UTC

{_QUOTE}\\[1\\]

\\[1\\] {_TITLE} › {" › ".join(_SECTION)}：“{_QUOTE}”（{_DOC_ID}）
"""

TO_EXPORT: JsonDict = {key: value for key, value in ANSWER.items() if key not in ("passages", "timings")}
TO_SHARE: JsonDict = {"receipt": {"question": QUESTION, "history": [], "answer_sha256": "sha256:9c1f…"}}
_SHARE_ID = "shr-0a1b2c3d4e5f60718293a4b5c6d7e8f9"
_EXPIRES = "2027-05-20T01:43:53.120000Z"
SHARE = {"id": _SHARE_ID, "url": f"/a/{_SHARE_ID}", "expires": _EXPIRES}
SHARED = {
    "id": _SHARE_ID,
    "created": _TIME,
    "expires": _EXPIRES,
    "answer": ANSWER,
    "holds": True,
    "checks": [{"marker": 1, "text": _QUOTE, "problem": None}, {"marker": None, "text": _QUOTE, "problem": None}],
}
HANDOUT = f"""# {QUESTION}

{_QUOTE}[^1]

---

*本文由政问依据收录文件自动生成（索引 2b42b8806379bbef）。共 1 句、1 条引文，均已与原文核对一致。*

[^1]: 《{_TITLE}》，北屿港务局，2024年3月，{" › ".join(_SECTION)}，第27行。原文：“{_QUOTE}”
"""

JUDGED: JsonDict = {
    "answer": {"id": ANSWER["id"], "question": QUESTION, "status": "answered", "answer": _SHOWN},
    "verdict": "down",
    "reason": "incomplete",
    "comment": "没有说明是哪个港区。",
}
FEEDBACK_RECEIVED = {"feedback_id": "fb-0a1b2c3d4e5f6071"}
JUDGEMENT = {
    **FEEDBACK_RECEIVED,
    **JUDGED,
    "created": _TIME,
    "key_id": "key-0123456789abcdef",
    "user": "u-0042",
    "answer_id": ANSWER["id"],
    "question": QUESTION,
    "reviewed": False,
}
FEEDBACK = {"items": [JUDGEMENT], "cursor": ""}
UNANSWERED = {
    "items": [
        {
            "question": "港区哪一年开港？",
            "kept": "plain",
            "count": 3,
            "first": _TIME,
            "last": _TIME,
            "reason": "相关段落没有给出所问的年份",
        }
    ]
}
RELOADED = {"index": _INDEX, "changed": True}
ROLLED_BACK = {"version": "9b1d0c6be2f4a7e3", **RELOADED}
VERSIONS = {
    "versions": [
        {
            "version": "9b1d0c6be2f4a7e3",
            "current": True,
            "damaged": False,
            "built": "2026-11-20T02:00:11.520000+00:00",
            "documents": 5,
            "passages": 431,
            "embedder": "embedder",
            "fingerprint": _INDEX,
        }
    ],
    "served": _INDEX,
    "problem": None,
}
REPORT = "<!doctype html>\n<title>政问评测报告</title>\n…"
REPORT_LINK = {"url": "/admin/report?ticket=1795216632.…", "expires_in": 60}
TOKEN = {"token": "zwt-1.…", "expires_in": 1800}

CHAT: JsonDict = {"model": "zhengwen", "messages": [{"role": "user", "content": QUESTION}]}
_ANNOTATIONS = [
    {
        "type": "url_citation",
        "url_citation": {
            "start_index": 0,
            "end_index": len(_SHOWN),
            "start_index_utf16": 0,
            "end_index_utf16": len(_SHOWN),
            "title": _TITLE,
            "url": _URL,
        },
    }
]
_CONTEXT = {
    "citations": [
        {
            "content": _QUOTE,
            "title": _TITLE,
            "url": _URL,
            "filepath": _DOC_ID,
            "chunk_id": f"{_DOC_ID}#325-359",
        }
    ]
}
_RESULTS = [{"title": _TITLE, "url": _URL, "date": "2024-03", "snippet": _QUOTE}]
_GROUNDING = {
    key: ANSWER[key]
    for key in (
        *("id", "understood", "status", "reason", "confidence", "notice", "dropped"),
        *("sentences", "citations", "receipt"),
    )
}
_USAGE = {"prompt_tokens": len(QUESTION), "completion_tokens": len(_SHOWN), "total_tokens": len(QUESTION + _SHOWN)}
_ENVELOPE = {
    "id": "chatcmpl-4fca7f4c87b31cea0364de23",
    "created": 1795216572,
    "model": "zhengwen",
    "system_fingerprint": "fp_2b42b8806379",
}
_MESSAGE = {
    "role": "assistant",
    "content": _SHOWN,
    "refusal": None,
    "annotations": _ANNOTATIONS,
    "context": _CONTEXT,
}
COMPLETION = {
    **_ENVELOPE,
    "object": "chat.completion",
    "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop", "logprobs": None}],
    "usage": _USAGE,
    "citations": [_URL],
    "search_results": _RESULTS,
    "grounding": _GROUNDING,
}
MODEL = {"id": "zhengwen", "object": "model", "created": 1793491200, "owned_by": "zhengwen"}
MODELS = {"object": "list", "data": [MODEL]}

RETRIEVAL: JsonDict = {
    "knowledge_id": "zhengwen",
    "query": QUESTION,
    "retrieval_setting": {"top_k": 3, "score_threshold": 0.0},
}
RECORDS = {
    "records": [
        {
            "content": _TEXT,
            "score": 0.965,
            "title": _TITLE,
            "metadata": {
                "doc_id": _DOC_ID,
                "passage_id": _PASSAGE["passage_id"],
                "path": _DOC_ID,
                "url": _URL,
                "section": " › ".join(_SECTION),
                "issuer": "北屿港务局",
                "region": "北屿",
                "kind": "思路",
                "published": "2024-03",
                "start": 320,
                "end": 359,
            },
        }
    ]
}


def _chunk(delta: Mapping[str, Any], finish: str | None = None, **extra: object) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    row = {**_ENVELOPE, "object": "chat.completion.chunk", "choices": [choice], **extra}
    return f"data: {json.dumps(row, ensure_ascii=False)}\n\n"


CHUNKS = (
    _chunk({"role": "assistant", "content": ""}, search_results=_RESULTS)
    + _chunk({"content": _SHOWN})
    + _chunk(
        {"annotations": _ANNOTATIONS, "context": _CONTEXT},
        "stop",
        citations=[_URL],
        search_results=_RESULTS,
        grounding=_GROUNDING,
    )
    + "data: [DONE]\n\n"
)


def _named(name: str, body: object) -> str:
    return f"event: {name}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"


EVENTS = _named("passages", SEARCH) + _named("sentence", {"text": _SHOWN, "citations": [1]}) + _named("answer", ANSWER)

_ERRORS: Mapping[int, str] = {
    400: "the body is not valid JSON: Expecting value",
    401: "this service needs an API key: send it as 'Authorization: Bearer zw-…'",
    403: "the key lacks the scope 'ask'",
    404: "the index holds no document '没有这份文件.md'",
    409: "version 9b1d0c6be2f4a7e3 of the index at build/index is the one that is served: name another",
    413: "the body is larger than 1000000 bytes: send a shorter question",
    422: "问题是空的：请写出要问什么。",
    429: "too many requests: ask again in 3 seconds",
    500: "an unexpected error happened; the log has the details",
    503: "the index and models are still loading: try again in a few seconds",
    504: "the question took longer than 60 seconds and was broken off",
}


ASKING = (400, 401, 403, 413, 422, 429, 500, 503, 504)
READING = (401, 403, 429, 500, 503)


def replies(
    path: str,
    example: object,
    errors: Iterable[int] = (),
    *,
    good: int = 200,
    shape: object = None,
    stream: str = "",
    texts: Mapping[str, str] | None = None,
    files: Iterable[str] = (),
) -> Responses:
    """The `good` reply of a route, None for one without a JSON body, and its errors, in the shape of its interface, for `openapi`.

    `shape` is the type of a reply that the route's own return type does not tell, `stream` an example of its server-sent
    events, `texts` has one for each other kind of body, `files` are the media types of those that are no text.
    """
    content: dict[str, dict[str, Any]] = {} if example is None else {"application/json": {"example": _kept(example)}}
    if stream:
        content["text/event-stream"] = {"example": stream}  # this version of OpenAPI has no words for a stream
    content |= {media: {"schema": {"type": "string"}, "example": text} for media, text in (texts or {}).items()}
    content |= {media: {"schema": {"type": "string", "format": "binary"}} for media in files}
    reply: dict[str, Any] = ({"content": content} if content else {}) | ({} if shape is None else {"model": shape})
    told: Responses = {good: reply}
    return told | {status: _failure(path, status, _ERRORS[status]) for status in sorted(errors)}


def _failure(path: str, status: int, message: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    if path.startswith("/v1/"):
        example = _kept({"error": openai_error(status, message)})
        return {"description": title, "model": OpenAIError, "content": {"application/json": {"example": example}}}
    if path == DIFY_PATH:
        example = _kept(dify_error(status, message))
        return {"description": title, "model": DifyError, "content": {"application/json": {"example": example}}}
    content = {"schema": _PROBLEM, "example": _kept(problem(path, status, message))}
    return {"description": title, "content": {"application/problem+json": content}}


_PROBLEM = TypeAdapter(Problem).json_schema()


def _kept(example: object) -> str:
    """An example as FastAPI cannot leave the nulls out of it."""
    return json.dumps(example, ensure_ascii=False)


def openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application whose routes tell of their `replies`."""
    if app.openapi_schema is None:
        for methods in FastAPI.openapi(app)["paths"].values():
            for operation in methods.values():
                for response in operation["responses"].values():
                    for media, content in response.get("content", {}).items():
                        if "json" in media and "example" in content:
                            content["example"] = json.loads(content["example"])
    return FastAPI.openapi(app)
