"""Answers from a part of the documents: nothing else is found, and of what may not be seen nothing shows at all."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.build import build
from indexer.errors import InputError, NotFoundError, QuestionError
from indexer.scope import EVERYTHING, Scope
from indexer.store import Stored, load
from service.answer import Answer, SavedAnswer
from service.language_model import ScriptedModel
from service.pipeline import Event, Pipeline
from service.question import Turn
from service.receipt import AnswerReceipt, answer_sha256
from service.replay import Saved, replay
from service.verify import recheck

Json = dict[str, Any]

HARBOUR = """\
---
title: "云江海港规划"
issuer: "云江市经济和信息化局"
region: "云江"
published: "2023-05-16"
kind: "规划"
---

# 云江海港规划

## 一、泊位

云江海港年内改造泊位9个，全部配备岸电，总投资2.8亿元。

## 二、潜航

深渊潜航器在三号泊位停靠，每年下潜40次，由云江大学的团队操作。

## 三、环境

海湾的潮汐由云江站观测，数据每5分钟回传一次。
"""

FISHERY = """\
---
title: "渔政巡查通报"
issuer: "东湾县渔政站"
region: "东湾"
published: "2022"
kind: "通报"
---

# 渔政巡查通报

渔政站每天清早派两条船出海巡查，全年收缴违规网具130张。深渊潜航器负责水下取证。

东湾县渔政站共有职工26人，巡查船4艘，码头食堂中午供应海带排骨汤。
"""

# Defines a short name for what the others speak of, repeats their words, and holds words of its own often enough to be
# taken for what a typing error means.
MEMO = (
    """\
---
title: "鹤鸣岛内参"
issuer: "鹤鸣岛指挥部"
region: "鹤鸣岛"
published: "2021-11-25"
kind: "内参"
---

# 鹤鸣岛内参

## 一、潜航

深渊潜航器（SYQ）由七号船坞秘密建造，造价7.7亿元，每年下潜365次。

## 二、守备

鹤鸣岛驻有守备队员88人，口令为“青鸟归巢”，仓库存放鱼雷12枚。

"""
    + "鱼雷和泊位由鹤鸣岛指挥部管理，岸电不得外接。\n\n" * 8
)

VISIBLE = {"公开/海港.md": HARBOUR, "公开/渔政.md": FISHERY}
HIDDEN = {"内部/内参.md": MEMO}
OUTSIDE = Scope(visible=("公开/*",))

QUESTIONS = [
    "云江海港年内改造泊位多少个？",
    "深渊潜航器每年下潜多少次？",
    "SYQ每年下潜多少次？",
    "SYQ是什么？",
    "深渊潜航器的造价是多少？",
    "鹤鸣岛驻有多少守备队员？",
    "鹤鸣岛的口令是什么？",
    "泊位由谁管理？",
    "《鹤鸣岛内参》说了什么？",
    "鱼累有多少枚？",
    "2021年鹤鸣岛指挥部存放了什么？",
    "渔政站共有职工多少人？",
    "岸电",
]
HISTORY = (
    Turn("user", "鹤鸣岛驻有多少守备队员？"),
    Turn("assistant", "鹤鸣岛驻有守备队员88人，口令为“青鸟归巢”。[1]"),
)


def indexed(folder: Path, texts: dict[str, str]) -> Stored:
    for name, text in texts.items():
        (folder / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "corpus" / name).write_text(text, encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return load(folder / "index")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return indexed(tmp_path_factory.mktemp("whole"), VISIBLE | HIDDEN)


@pytest.fixture(scope="module")
def whole(stored: Stored) -> Pipeline:
    """Over an index that holds the hidden document too."""
    return Pipeline.over(stored)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Over an index that has never seen the hidden document."""
    return Pipeline.over(indexed(tmp_path_factory.mktemp("alone"), VISIBLE))


def as_json(answer: Answer) -> Json:
    return json.loads(json.dumps(answer.to_json(), ensure_ascii=False))  # type: ignore[no-any-return]


def comparable(answer: Answer) -> str:
    """All of an answer that is not the name of its index or of its scope, nor the time it took."""
    row = as_json(answer)
    for field in ("id", "timings"):
        del row[field]
    for field in ("index", "answer_sha256", "scope"):
        row["receipt"].pop(field, None)
    return json.dumps(row, ensure_ascii=False)


def outcome(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except (QuestionError, NotFoundError) as error:
        return f"{type(error).__name__} {error}"


# --- a hidden document

PIECES = st.builds(
    lambda text, start, length, ending: text[start : start + length] + ending,
    st.sampled_from([HARBOUR, FISHERY, MEMO]),
    st.integers(0, 250),
    st.integers(1, 30),
    st.sampled_from(["", "是多少？", "有哪些？", "为什么？", "呢？"]),
)


@given(st.sampled_from(QUESTIONS) | PIECES, st.sampled_from([(), HISTORY]))
def test_hidden_document_changes_an_answer(
    whole: Pipeline, alone: Pipeline, question: str, history: tuple[Turn, ...]
) -> None:
    seen = outcome(lambda: comparable(whole.ask(question, history, OUTSIDE)))
    assert seen == outcome(lambda: comparable(alone.ask(question, history)))


@given(st.sampled_from(QUESTIONS) | PIECES, st.integers(1, 30))
def test_hidden_document_changes_what_a_search_finds_or_a_score(
    whole: Pipeline, alone: Pipeline, question: str, k: int
) -> None:
    seen = outcome(lambda: whole.search(question, k, OUTSIDE))
    assert seen == outcome(lambda: alone.search(question, k))
    seen = outcome(lambda: whole.stages(question, HISTORY, OUTSIDE))
    assert seen == outcome(lambda: alone.stages(question, HISTORY))


def test_hidden_document_changes_an_event_of_a_stream(whole: Pipeline, alone: Pipeline) -> None:
    def shown(event: Event) -> object:
        return comparable(event) if isinstance(event, Answer) else event

    for question in QUESTIONS:
        seen = [shown(event) for event in whole.stream(question, (), OUTSIDE)]
        assert seen == [shown(event) for event in alone.stream(question)]


def test_hiding_rows_alone_would_have_done(whole: Pipeline, alone: Pipeline) -> None:
    """The other tests prove nothing unless the hidden document shows in answers that it is only filtered out of."""
    filtered = Scope(documents=("公开/*",))
    differing = [q for q in QUESTIONS if comparable(whole.ask(q, scope=filtered)) != comparable(alone.ask(q))]
    assert {"SYQ每年下潜多少次？", "泊位由谁管理？", "鱼累有多少枚？"} <= set(differing)
    assert all("内部" not in comparable(whole.ask(question, scope=filtered)) for question in QUESTIONS)


def test_word_of_a_hidden_document_is_in_an_answer(whole: Pipeline) -> None:
    words = {"青鸟归巢", "守备队员", "指挥部", "七号船坞", "内部/", "鱼雷", "7.7", "365"}
    for question in ("谁在管理泊位？", "深渊潜航器造价多少亿元？", "岛上有多少人？", "口令是什么？", "仓库存放什么？"):
        row = as_json(whole.ask(question, scope=OUTSIDE))
        text = json.dumps({key: row[key] for key in row if key != "receipt"}, ensure_ascii=False)
        assert not {word for word in words if word in text}
        full = json.dumps(as_json(whole.ask(question)), ensure_ascii=False)
        assert any(word in full for word in words), "it does not show to those who may see it: the test proves nothing"


def test_typing_error_is_corrected_to_a_hidden_word(whole: Pipeline) -> None:
    typed = "仓库有多少鱼累？"
    assert "鱼雷" in whole._understand(typed).tokens, "the test proves nothing"
    assert "鱼雷" not in whole.within(OUTSIDE)._understand(typed).tokens
    assert "潮汐" in whole.within(OUTSIDE).library.document("公开/海港.md").text


def test_citation_of_a_hidden_document_is_checked(whole: Pipeline, alone: Pipeline) -> None:
    row = as_json(whole.ask("鹤鸣岛驻有多少守备队员？"))
    assert any(citation["doc_id"] == "内部/内参.md" for citation in row["citations"]), "the test proves nothing"
    for quote in (row["citations"][0]["quote"], "别的文字，不在任何文件里。"):
        guess = {**row, "citations": [{**citation, "quote": quote} for citation in row["citations"]]}
        told = recheck(SavedAnswer.from_json(guess), whole.library.within(OUTSIDE))
        assert told == recheck(SavedAnswer.from_json(guess), alone.library)
        assert told[0].problem == "the index holds no document '内部/内参.md'"


def test_list_or_text_of_documents_tells_of_a_hidden_one(whole: Pipeline, alone: Pipeline) -> None:
    library = whole.library.within(OUTSIDE)
    assert library.documents == alone.library.documents
    assert library.passages == alone.library.passages
    assert whole.within(OUTSIDE).library.documents == alone.library.documents
    for doc_id in ("内部/内参.md", "内部/没有.md"):
        with pytest.raises(NotFoundError, match=f"no document '{doc_id}'"):
            library.document(doc_id)


@given(
    st.builds(
        Scope,
        documents=st.lists(st.sampled_from(["内部/*", "内部/内参.md", "公开/*", "*", "x"]), max_size=2).map(tuple),
        issuers=st.lists(st.sampled_from(["鹤鸣岛指挥部", "渔政站", "经信局"]), max_size=2).map(tuple),
        regions=st.lists(st.sampled_from(["鹤鸣岛", "云江市", "东湾"]), max_size=2).map(tuple),
        kinds=st.lists(st.sampled_from(["内参", "规划", "通报"]), max_size=2).map(tuple),
        published_from=st.sampled_from(["", "2021", "2022-06", "2023"]),
        published_to=st.sampled_from(["", "2023", "2024-01-01"]),
    ),
    st.sampled_from(QUESTIONS),
)
def test_filter_tells_of_a_hidden_document(whole: Pipeline, alone: Pipeline, filters: Scope, question: str) -> None:
    seen = outcome(lambda: comparable(whole.ask(question, scope=replace(filters, visible=OUTSIDE.visible))))
    assert seen == outcome(lambda: comparable(alone.ask(question, scope=filters)))


def test_who_may_see_nothing_is_told_something(whole: Pipeline) -> None:
    for scope in (Scope(visible=()), Scope(visible=("别处/*",)), Scope(visible=("别处/*",), regions=("鹤鸣岛",))):
        for ask in (lambda s: whole.ask("岸电", (), s), lambda s: whole.search("岸电", 3, s)):
            with pytest.raises(QuestionError, match=r"^没有可以查阅的文件：请向管理员申请查阅权限。$"):
                ask(scope)
        assert not whole.library.within(scope).documents


def test_language_model_is_shown_a_hidden_document(stored: Stored) -> None:
    model = ScriptedModel("深渊潜航器每年下潜40次[1]。")
    pipeline = Pipeline.over(stored, model)
    pipeline.ask("深渊潜航器每年下潜多少次？", HISTORY, OUTSIDE)
    pipeline.ask("深渊潜航器每年下潜多少次？", (), Scope(documents=("公开/海港.md",)))
    seen, filtered = (prompt[0].content for prompt in model.prompts)
    assert "每年下潜40次" in seen
    assert not re.search("365|七号船坞|SYQ", seen + filtered)
    assert "渔政" not in filtered


def test_documents_seen_by_others_before_are_found(whole: Pipeline, alone: Pipeline) -> None:
    """What is kept of one asker's documents serves no other asker."""
    expected = comparable(alone.ask(QUESTIONS[1]))
    for visible in (("*",), ("内部/*",), ("公开/*",), ("公开/渔政.md", "内部/*"), ("公开/*",)):
        answer = whole.ask(QUESTIONS[1], scope=Scope(visible=visible))
        assert {passage.doc_id for passage in answer.passages} <= {
            doc_id for doc_id in whole.library.documents if Scope(visible=visible).shows(doc_id)
        }
        if visible == ("公开/*",):
            assert comparable(answer) == expected


def test_pipeline_that_cannot_hide_answers_all_the_same(whole: Pipeline) -> None:
    bare = Pipeline(
        whole.library, whole._retriever, whole._reader, whole._composer, index_fingerprint="sha256:0", models={}
    )
    assert bare.ask(QUESTIONS[0]).text == whole.ask(QUESTIONS[0]).text
    with pytest.raises(AssertionError, match="can hide no document"):
        bare.ask(QUESTIONS[0], scope=OUTSIDE)


# --- filters


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (Scope(documents=("公开/渔政.md",)), {"公开/渔政.md"}),
        (Scope(issuers=("云江市经信局",)), {"公开/海港.md"}),
        (Scope(regions=("东湾", "鹤鸣岛市")), {"公开/渔政.md", "内部/内参.md"}),
        (Scope(kinds=("规划", "通报")), {"公开/海港.md", "公开/渔政.md"}),
        (Scope(published_from="2022", published_to="2023"), {"公开/海港.md", "公开/渔政.md"}),
        (Scope(published_to="2021"), {"内部/内参.md"}),
    ],
)
def test_filter_lets_something_else_answer(whole: Pipeline, scope: Scope, found: set[str]) -> None:
    for question in QUESTIONS:
        answer = whole.ask(question, scope=scope)
        assert {citation.doc_id for citation in answer.citations} <= found
        assert {passage.doc_id for passage in answer.passages} == found, "the best inside were crowded out"
        assert {hit.passage.doc_id for hit in whole.search(question, scope=scope)} == found


def test_filter_keeps_the_answer_from_the_document_that_it_names(whole: Pipeline) -> None:
    question = "深渊潜航器每年下潜多少次？"
    for region, fact in {"云江": "40次", "鹤鸣岛": "365次"}.items():
        answer = whole.ask(question, scope=Scope(regions=(region,)))
        assert fact in answer.text
        assert len({citation.doc_id for citation in answer.citations}) == 1


@pytest.mark.parametrize("scope", [EVERYTHING, Scope(documents=("*",)), Scope(visible=("公开/*", "内部/*"))])
def test_scope_that_admits_everything_changes_bytes(whole: Pipeline, scope: Scope) -> None:
    for question in QUESTIONS:
        assert comparable(whole.ask(question, scope=scope)) == comparable(whole.ask(question))


def test_scope_without_a_document_is_answered(whole: Pipeline) -> None:
    scope = Scope(regions=("云江",), kinds=("通报",))
    for ask in (
        lambda: whole.ask("岸电", (), scope),
        lambda: whole.search("岸电", 3, scope),
        lambda: whole.stages("岸电", (), scope),
        lambda: next(whole.stream("岸电", (), scope)),
    ):
        with pytest.raises(QuestionError, match="没有种类与“通报”相符的：可选的有规划。"):
            ask()


# --- receipts and replays

SCOPES = [
    Scope(regions=("云江",)),
    Scope(documents=("公开/*",), published_from="2022", published_to="2023-12"),
    Scope(kinds=("规划", "通报"), visible=("公开/*",)),
]


@pytest.mark.parametrize("scope", SCOPES)
def test_scope_is_lost_in_the_receipt(whole: Pipeline, scope: Scope) -> None:
    row = as_json(whole.ask(QUESTIONS[0], scope=scope))
    receipt = AnswerReceipt.from_json(row["receipt"])
    assert receipt.scope == scope
    assert json.loads(json.dumps(receipt.to_json())) == row["receipt"]
    assert answer_sha256(row) == row["receipt"]["answer_sha256"]
    other = {**row, "receipt": {**row["receipt"], "scope": {"regions": ["东湾"]}}}
    assert answer_sha256(other) != row["receipt"]["answer_sha256"]


def test_receipt_of_an_answer_from_everything_has_a_scope(whole: Pipeline) -> None:
    row = as_json(whole.ask(QUESTIONS[0]))
    assert "scope" not in row["receipt"]
    assert AnswerReceipt.from_json(row["receipt"]).scope == EVERYTHING


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("question", [QUESTIONS[0], QUESTIONS[5]])
def test_replay_asks_in_another_scope(whole: Pipeline, scope: Scope, question: str) -> None:
    row = as_json(whole.ask(question, scope=scope))
    assert replay(Saved.from_json(row), whole) == []
    assert replay(Saved.from_json(row["receipt"]), whole) == []
    widened = {**row["receipt"], "scope": {}}
    assert replay(Saved.from_json(widened), whole), "the scope made no difference"


def test_replay_breaks_when_the_scope_admits_nothing_any_more(whole: Pipeline, alone: Pipeline) -> None:
    row = as_json(whole.ask(QUESTIONS[0], scope=Scope(regions=("鹤鸣岛",))))
    assert any(change.startswith("passage 1") for change in replay(Saved.from_json(row), alone))


@pytest.mark.parametrize(
    "scope",
    [
        [],
        "北京",
        None,
        {"regions": "云江"},
        {"regions": [1]},
        {"published_from": 2022},
        {"published_to": "明年"},
        {"visible": None},
    ],
)
def test_broken_scope_of_a_receipt_is_replayed(whole: Pipeline, scope: object) -> None:
    row = as_json(whole.ask(QUESTIONS[0]))
    with pytest.raises(InputError):
        Saved.from_json({**row, "receipt": {**row["receipt"], "scope": scope}})


# --- the command line


def test_options_of_the_command_line_filter_something_else(
    whole: Pipeline, stored: Stored, command: Callable[..., Any]
) -> None:
    index = stored.folder.parent.parent
    question = "深渊潜航器每年下潜多少次？"
    for options, scope in (
        (("--region", "云江", "--region", "东湾"), Scope(regions=("云江", "东湾"))),
        (("--document", "内部/*", "--kind", "内参"), Scope(documents=("内部/*",), kinds=("内参",))),
        (
            ("--issuer", "渔政站", "--from", "2022", "--to", "2022-12"),
            Scope((), ("渔政站",), (), (), "2022", "2022-12"),
        ),
        (("--validity", "unknown", "--validity", "现行有效"), Scope(validity=("unknown", "现行有效"))),
    ):
        options, scope = (*options, "--as-of", "2024-06"), replace(scope, as_of="2024-06")
        asked = command("ask", question, "--json", *options, "--index", index)
        assert asked.code == 0, asked.err
        row, expected = json.loads(asked.out), as_json(whole.ask(question, scope=scope))
        assert {**row, "timings": None} == {**expected, "timings": None}
        found = command("search", question, "--json", "-k", "3", *options, "--index", index)
        assert [json.loads(line)["passage_id"] for line in found.out.splitlines()] == [
            hit.passage.passage_id for hit in whole.search(question, 3, scope)
        ]


def test_filter_that_admits_nothing_ends_in_success(
    stored: Stored, command: Callable[..., Any], tmp_path: Path
) -> None:
    index = stored.folder.parent.parent
    batch, out = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    batch.write_text('{"id": 1, "question": "岸电"}\n', encoding="utf-8")
    for options, said in (
        (("--region", "南岭"), "可选的有东湾、云江、鹤鸣岛"),
        (("--to", "2022-13"), "不是日期"),
        (("--as-of", "昨天"), "不是日期"),
        (("--validity", "已废止"), "这些文件未知"),
        (("--kind", ""), "空的"),
    ):
        for asked in (("ask", "岸电"), ("search", "岸电"), ("ask", "--batch", batch, "--out", out)):
            finished = command(*asked, *options, "--index", index)
            assert (finished.code, finished.out) == (2, "")
            assert said in finished.err
    assert not out.exists()


def test_batch_is_answered_from_everything(
    whole: Pipeline, stored: Stored, command: Callable[..., Any], tmp_path: Path
) -> None:
    batch, out = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    questions = [QUESTIONS[1], "？？"]
    batch.write_text(
        "".join(json.dumps({"id": i, "question": question}) + "\n" for i, question in enumerate(questions)), "utf-8"
    )
    scope = Scope(regions=("东湾",))
    options = ("--region", "东湾", "--as-of", "2024-06-01", "--index", stored.folder.parent.parent)
    assert command("ask", "--batch", batch, "--out", out, *options).code == 0
    answered, refused = (json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())
    assert {passage["doc_id"] for passage in answered["passages"]} == {"公开/渔政.md"}
    assert answered["answer"] == whole.ask(questions[0], scope=scope).text
    assert refused["status"] == "refused"
    assert refused["receipt"]["scope"] == answered["receipt"]["scope"] == {"regions": ["东湾"], "as_of": "2024-06-01"}
