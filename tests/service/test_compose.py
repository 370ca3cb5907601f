"""What the extractive composer chooses of the evidence, and what an assembly makes of drafts with notices."""

from dataclasses import replace

import pytest

from indexer.document import Document, Hit, Metadata, Passage
from indexer.retrieval import Library
from service.assembly import Assembly
from service.compose import Draft, ExtractiveComposer
from service.conflict import Conflict
from service.evidence import Evidence, Reading
from service.question import understand
from service.units import Unit

ASKED = "松岭县修渠多少公里？"
TEXTS = {
    "a": "松岭县修渠40公里。",
    "b": "松岭县修渠56公里。",
    "c": "松岭县修渠40公里，用工300人。",
    "d": "渠道由水务站看守。",
    "e": "护林员每天巡山。",
    "f": "松岭县修渠71公里。" + "渠边种柳。" * 60,
}
DOCUMENTS = {
    name: Document(
        name, f"{name}.md", text + "\n", "0" * 64, Metadata(f"文件{name}", issuer=f"单位{name}", published="2024")
    )
    for name, text in TEXTS.items()
}
LIBRARY = Library(list(DOCUMENTS.values()), [])


def piece(name: str, score: float, conflict: Conflict | None = None) -> Evidence:
    return Evidence((Unit(name, 0, len(TEXTS[name])),), score, frozenset(), 1.0, True, conflict)


def draft(*evidence: Evidence, question: str = ASKED) -> Draft:
    reading = Reading(evidence, (Hit(Passage("p", "a", 0, 8), 1.0),), {}, 1.0, 0.5)
    (made,) = ExtractiveComposer(LIBRARY).compose(understand(question), reading)
    assert [citation.quote for citation in made.citations] == [sentence.text for sentence in made.sentences]
    return made


def chosen(*evidence: Evidence, question: str = ASKED) -> list[str]:
    return [citation.doc_id for citation in draft(*evidence, question=question).citations]


def test_piece_far_behind_a_third_or_what_is_said_already_is_shown() -> None:
    assert chosen(piece("a", 0.5), piece("d", 0.15)) == ["a", "d"]
    assert chosen(piece("a", 0.5), piece("d", 0.14)) == ["a"]
    assert chosen(piece("a", 0.5), piece("d", 0.4), piece("e", 0.3)) == ["a", "d"]
    assert chosen(piece("c", 0.5), piece("a", 0.4), piece("d", 0.3)) == ["c", "d"]
    assert chosen(piece("a", 0.5), piece("a", 0.4), piece("d", 0.3)) == ["a", "d"]


def test_long_piece_bursts_the_budget_or_is_the_whole_answer_cut() -> None:
    assert chosen(piece("d", 0.5), piece("f", 0.4), piece("e", 0.3)) == ["d", "e"]
    assert chosen(piece("f", 0.5), piece("d", 0.4)) == ["f"]


def test_evidence_in_a_conflict_is_shown() -> None:
    assert chosen(piece("d", 0.6, Conflict("2022年", "2025年")), piece("e", 0.5)) == ["e"]


def test_source_that_contradicts_the_best_is_held_back_by_score_length_or_number() -> None:
    assert chosen(piece("a", 0.5), piece("d", 0.4), piece("b", 0.02)) == ["a", "b"]
    assert chosen(piece("a", 0.5), piece("f", 0.4)) == ["a", "f"]
    assert chosen(piece("a", 0.5), piece("b", 0.3), piece("f", 0.1)) == ["a", "b", "f"]


def test_source_that_contradicts_is_not_named_or_one_that_agrees_is() -> None:
    told = draft(piece("a", 0.5), piece("d", 0.4), piece("b", 0.3)).notice
    assert told == "以下来源的说法不一致，请核对：单位a（2024年）；单位b（2024年）。"
    assert draft(piece("a", 0.5), piece("c", 0.4)).notice is None
    assert draft(piece("a", 0.5), piece("b", 0.3, Conflict("2022年", "2025年"))).notice is None


def test_list_question_is_told_of_figures_that_differ() -> None:
    assert draft(piece("a", 0.5), piece("b", 0.4), question="松岭县有哪些渠？").notice is None


# --- notices in an assembly ------------------------------------------------------------------------------------------


def test_notice_of_a_draft_takes_the_place_of_another_or_stands_below_a_sentence() -> None:
    made = draft(piece("a", 0.5), piece("b", 0.4))
    assembly = Assembly()
    assembly.notice = "以下为原文摘录。"
    assembly.add(made)
    assert assembly.text.split("\n")[0] == f"以下为原文摘录。{made.notice}" == assembly.notice
    before = assembly.text
    assembly.add(replace(draft(piece("d", 0.5)), notice="太迟。"))
    assert "太迟" not in (assembly.notice or "")
    assert assembly.text.startswith(before)


@pytest.mark.parametrize("notice", [None, "请核对。"])
def test_line_of_the_notice_is_missing_from_what_is_streamed(notice: str | None) -> None:
    assembly = Assembly()
    kept = assembly.add(replace(draft(piece("a", 0.5), piece("d", 0.4)), notice=notice))
    assert "".join(checked.text for checked in kept) == assembly.text
    assert assembly.text.split("\n")[0] == (notice or f"{TEXTS['a']}[1]")
