"""The check of a sentence against its spans, and `zhengwen verify` on saved answers."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InputError
from indexer.retrieval import Library
from service.answer import SavedAnswer
from service.pipeline import Pipeline
from service.verify import Check, recheck, unsupported

SPAN = "县水务站在青石河沿线布设雷达水位计32台、雨量站57处，数据每5分钟回传一次。"


@pytest.mark.parametrize(
    "sentence",
    [
        SPAN,
        "雷达水位计 32 台，雨量站 57 处",
        "**县水务站**在青石河沿线布设……数据每5分钟回传一次。",
        "縣水務站在青石河沿線佈設雷達水位計３２台",
    ],
)
def test_spelling_markup_or_an_announced_omission_counts_as_unsupported(sentence: str) -> None:
    assert unsupported(sentence, [SPAN]) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "县水务站在青石河沿线布设雷达水位计23台、雨量站57处，数据每5分钟回传一次。",
        "县水务站在青石河沿线布设雷达水位计2台",
        "县水务站在白水河沿线布设雷达水位计32台",
        "县水务站在青石河沿线数据每5分钟回传一次。",
        "数据每5分钟回传一次……县水务站不布设雷达水位计",
        "市水务站在青石河沿线布设雷达水位计32台",
        "数据每5小时回传一次",
        "数据每5分钟回传一次……县水务站在青石河沿线布设雷达水位计32台",
    ],
)
def test_changed_figure_name_or_unit_or_silent_omission_passes(sentence: str) -> None:
    assert unsupported(sentence, [SPAN]) is not None


def test_cells_of_a_row_change_places() -> None:
    row = "| 东湾公园 | 18.2 | 西滩公园 | 15.3 |"
    assert unsupported("东湾公园；18.2；西滩公园；15.3", [row]) is None
    for swapped in ("东湾公园；15.3；西滩公园；18.2", "西滩公园：18.2", "东湾公园：15.3"):
        assert unsupported(swapped, [row]) is not None


def test_sentence_without_a_citation_passes() -> None:
    assert unsupported(SPAN, []) is not None


def test_sentence_cut_in_two_by_a_page_number_fails() -> None:
    assert unsupported(SPAN, [SPAN[:9], SPAN[9:]]) is None
    assert unsupported(SPAN, [SPAN[:9]]) is not None


@given(st.data())
def test_replaced_character_passes(data: st.DataObject) -> None:
    words = [i for i, char in enumerate(SPAN) if char.isalnum()]
    spot = data.draw(st.sampled_from(words))
    other = data.draw(st.sampled_from("永乐东西九4").filter(lambda char: char not in SPAN))
    assert unsupported(SPAN[:spot] + other + SPAN[spot + 1 :], [SPAN]) is not None


# --- a saved answer

Json = dict[str, Any]


@pytest.fixture
def saved(pipeline: Pipeline) -> Json:
    """A true answer with two spans for one sentence, which a page number cuts, as read back from its JSON."""
    answer = pipeline.ask("公寓管理处应当在多少个工作日以内答复申请人？").to_json()
    return json.loads(json.dumps(answer))  # type: ignore[no-any-return]


def _problems(row: object, library: Library) -> list[Check]:
    return [check for check in recheck(SavedAnswer.from_json(row), library) if check.problem is not None]


def test_true_answer_is_rejected(saved: Json, library: Library) -> None:
    checks = recheck(SavedAnswer.from_json(saved), library)
    assert [check.marker for check in checks if check.marker] == [c["marker"] for c in saved["citations"]]
    assert [check.text for check in checks if check.marker is None] == [s["text"] for s in saved["sentences"]]
    assert _problems(saved, library) == []


def test_quote_that_the_document_does_not_read_is_accepted(saved: Json, library: Library) -> None:
    saved["citations"][0]["quote"] = saved["citations"][0]["quote"].replace("公寓", "宾馆")
    assert _problems(saved, library)[0].marker == 1


def test_moved_quote_is_accepted_or_its_new_place_not_told(saved: Json, library: Library) -> None:
    citation = saved["citations"][0]
    true_start = citation["start"]
    citation["start"] += 3
    citation["end"] += 3
    problem = _problems(saved, library)[0]
    assert problem.marker == 1
    assert problem.problem is not None
    assert str(true_start) in problem.problem


@pytest.mark.parametrize(("start", "end"), [(-5, 10), (10, 10), (20, 10), (0, 10**9), (10**9, 10**9 + 5)])
def test_offsets_outside_the_document_are_accepted(saved: Json, library: Library, start: int, end: int) -> None:
    saved["citations"][0] |= {"start": start, "end": end}
    assert _problems(saved, library)[0].marker == 1


def test_document_that_changed_elsewhere_is_not_noticed(saved: Json, library: Library) -> None:
    saved["citations"][0]["doc_sha256"] = "0" * 64
    problems = _problems(saved, library)
    assert [problem.marker for problem in problems] == [1]
    assert "changed" in str(problems[0].problem)


def test_unknown_document_is_accepted(saved: Json, library: Library) -> None:
    saved["citations"][0]["doc_id"] = "nowhere.md"
    problems = _problems(saved, library)
    assert problems[0].marker == 1
    assert "nowhere.md" in str(problems[0].problem)


def test_altered_sentence_over_true_citations_is_accepted(saved: Json, library: Library) -> None:
    saved["sentences"][0]["text"] = saved["sentences"][0]["text"].replace("十八", "八")
    saved["answer"] = saved["answer"].replace("十八", "八")
    problems = _problems(saved, library)
    assert [(problem.kind, problem.text) for problem in problems] == [("sentence", saved["sentences"][0]["text"])]


def test_sentence_that_cites_a_marker_without_a_citation_is_accepted(saved: Json, library: Library) -> None:
    saved["sentences"][0]["citations"] = [99]
    assert "[99]" in str(_problems(saved, library)[0].problem)


def test_citation_dropped_from_a_sentence_cut_by_a_page_number_is_accepted(saved: Json, library: Library) -> None:
    split = next(sentence for sentence in saved["sentences"] if len(sentence["citations"]) == 2)
    saved["answer"] = saved["answer"].replace(f"[{split['citations'][1]}]", "")
    split["citations"] = split["citations"][:1]
    assert [problem.text for problem in _problems(saved, library)] == [split["text"]]


def test_two_citations_with_one_marker_are_accepted(saved: Json) -> None:
    saved["citations"].append(copy.deepcopy(saved["citations"][-1]))
    with pytest.raises(InputError, match="marker"):
        SavedAnswer.from_json(saved)


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "answer",
        {},
        {"citations": [], "sentences": {}},
        {"citations": [3], "sentences": []},
        {"citations": [{}], "sentences": []},
        {"citations": [], "sentences": [{"text": "……", "citations": ["1"]}]},
        {"citations": [], "sentences": [{"text": "……", "citations": [True]}]},
        {"citations": [], "sentences": [{"text": 5, "citations": [1]}]},
        {
            "citations": [{"marker": True, "doc_id": "a", "start": 0, "end": 1, "quote": "", "doc_sha256": ""}],
            "sentences": [],
        },
        {
            "citations": [{"marker": 1, "doc_id": "a", "start": 0.5, "end": 1, "quote": "", "doc_sha256": ""}],
            "sentences": [],
        },
    ],
)
def test_json_that_is_no_answer_object_is_checked(row: object) -> None:
    with pytest.raises(InputError):
        SavedAnswer.from_json(row)


# --- the command


def test_verify_command_passes_a_false_answer_or_fails_a_true_one(
    saved: Json, index: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(saved, ensure_ascii=False), encoding="utf-8")
    true = command("verify", path, "--index", index)
    assert (true.code, true.err) == (0, "")
    total = len(saved["citations"]) + len(saved["sentences"])
    assert true.out.splitlines()[-1] == f"{total} of {total} checks hold"

    saved["citations"][0]["start"] += 1
    path.write_text(json.dumps(saved, ensure_ascii=True), encoding="utf-8")
    false = command("verify", path, "--index", index)
    assert false.code == 1
    assert "FAIL [1]" in false.out


def test_verify_command_reads_what_ask_and_batch_write(
    index: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = tmp_path / "answer.json"
    for question in ("北屿港完成集装箱吞吐量多少万标箱？", "火星基地的氧气由谁供应？"):
        path.write_text(command("ask", question, "--json", "--index", index).out, encoding="utf-8")
        assert command("verify", path, "--index", index).code == 0


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b'{"citations": 1}', b"[" * 100_000, b"1" * 10_000, b'{"a": NaN}'],
)
def test_broken_saved_answer_ends_in_a_traceback(
    data: bytes, index: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(data)
    finished = command("verify", path, "--index", index)
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith("zhengwen: ")


def test_missing_saved_answer_ends_in_a_traceback(index: Path, tmp_path: Path, command: Callable[..., Any]) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        finished = command("verify", path, "--index", index)
        assert (finished.code, finished.out) == (2, "")
        assert str(path) in finished.err


# --- a sentence that was worded, not quoted


def _cite(row: Json, library: Library, quote: str, sentence: str) -> Json:
    """The answer with one sentence, over one true quote."""
    document = next(document for document in library.documents.values() if quote in document.text)
    start = document.text.index(quote)
    place = {"start": start, "end": start + len(quote), "quote": quote}
    row["citations"] = [
        row["citations"][0] | place | {"doc_id": document.doc_id, "doc_sha256": document.sha256, "marker": 1}
    ]
    row["sentences"] = [{"text": sentence, "citations": [1], "verdict": "supported"}]
    row["answer"] = f"{sentence}[1]"
    return row


QUOTE = "县级仓库储备编织袋30万条、救生衣6500件、橡皮艇48艘。"


@pytest.mark.parametrize("composer", ["generative-1", "extractive-1"])
def test_worded_sentence_fails_or_passes_whoever_composed_it(saved: Json, library: Library, composer: str) -> None:
    row = _cite(saved, library, QUOTE, "据介绍，县级仓库储备救生衣六千五百件。")
    row["receipt"]["models"]["composer"] = composer
    problems = _problems(row, library)
    assert (problems == []) == (composer == "generative-1")


@pytest.mark.parametrize(
    "sentence",
    [
        "县级仓库储备橡皮艇6500艘。",
        "县级仓库储备救生衣48件。",
        "市级仓库不储备橡皮艇48艘。",
        "公寓的住户可以免费停车。",  # every fact right, and nothing of it said
    ],
)
def test_worded_falsehood_passes(saved: Json, library: Library, sentence: str) -> None:
    row = _cite(saved, library, QUOTE, sentence)
    row["receipt"]["models"]["composer"] = "generative-1"
    assert [problem.text for problem in _problems(row, library)] == [sentence]


# --- the text that people read


def _edits(text: str) -> dict[str, str]:
    first, *others = text.split("\n")
    return {
        "figure": text.replace("十八", "八"),
        "marker": re.sub(r"\[\d+\]", "", text, count=1),
        "line in front": "以下内容已经核实。\n" + text,
        "line between": "\n".join([first, "逾期不予受理。", *others]),
        "line behind": text + "\n另有补贴。",
        "words in front": "并非" + text,
        "words behind a marker": text + "（已失效）",
        "sentence gone": "\n".join(others),
    }


@pytest.mark.parametrize("edit", _edits("x"))
def test_text_edited_apart_from_its_sentences_is_accepted(saved: Json, library: Library, edit: str) -> None:
    changed = saved | {"answer": _edits(saved["answer"])[edit]}
    assert changed["answer"] != saved["answer"]
    problems = _problems(changed, library)
    assert [(problem.kind, problem.text) for problem in problems] == [("answer", changed["answer"])]


def test_notice_or_reason_of_a_partial_answer_counts_as_an_edit(saved: Json, library: Library) -> None:
    notice, reason = "语言模型暂时不可用，以下为原文摘录。", "语言模型中途中断"
    text = f"{notice}\n{saved['answer']}\n以上回答不完整：{reason}。"
    whole = saved | {"answer": text, "notice": notice, "reason": reason, "status": "partial"}
    assert _problems(whole, library) == []
    assert _problems(whole | {"notice": None}, library)
    assert _problems(whole | {"reason": None}, library)


def test_refusal_with_another_reason_in_its_text_is_accepted(pipeline: Pipeline, library: Library) -> None:
    row = json.loads(json.dumps(pipeline.refuse("氧气由谁供应？", "没有检索到与问题相关的段落。").to_json()))
    assert recheck(SavedAnswer.from_json(row), library) == []
    assert _problems(row | {"reason": "文件已经废止"}, library)


def test_empty_sentence_breaks_the_check(saved: Json, library: Library) -> None:
    saved["sentences"].append({"text": "", "citations": []})
    assert [problem.text for problem in _problems(saved, library)] == [""]
