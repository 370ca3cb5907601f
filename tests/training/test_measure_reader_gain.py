"""What the span reader adds: its columns on a small index, and the same fits with and without them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.build import build
from indexer.document import Hit
from indexer.passages import index_text
from indexer.retrieval import Library
from indexer.store import Stored, load
from service.candidates import Candidate, Candidates
from service.features import NAMES
from service.question import understand
from service.reader import PassageReading
from training.config import Evidence
from training.evidence import Asked
from training.measure_evidence import out_of_document
from training.measure_reader_gain import PASSAGES, ReaderColumns, gain_rows, gain_section, without_columns
from training.measures import Figure
from training.policy import PolicyQuestion

ASKED = understand("灯塔高多少米？")


class Finder:
    """Finds the answer where a word first stands in the text, heading or not; surely, and only there."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.texts: list[str] = []

    def read(self, question: str, passages: Sequence[str]) -> list[PassageReading]:
        self.texts.extend(passages)
        return [
            PassageReading(0.8, at, at + len(self.word), 1.0, ((at, 0.75), (0, 0.25)))
            if (at := text.find(self.word)) >= 0
            else PassageReading(0.1, 0, 1, 0.5, ((0, 1.0),))
            for text in passages
        ]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    folder = tmp_path_factory.mktemp("gain")
    (folder / "docs").mkdir()
    parts = [f"## {i}号灯塔\n\n{i}号灯塔建于19{i}年，由第{i}施工队看管。它高{i}米。\n" for i in range(10, 24)]
    (folder / "docs" / "towers.md").write_text("# 灯塔\n\n" + "\n".join(parts) * 6, "utf-8")
    build(folder / "docs", folder / "index")
    return load(folder / "index")


def read(stored: Stored, word: str, hits: int) -> tuple[Finder, list[Candidate], np.ndarray]:
    library, finder = Library(stored.documents, stored.passages), Finder(word)
    found = [Hit(passage, 1.0) for passage in stored.passages[1:][:hits]]  # the first is the title alone
    candidates = Candidates(library, stored.glossary).of(found, with_lists=False)
    columns = ReaderColumns(finder)
    rows = columns(library, ASKED, found, candidates)
    assert len(columns.seconds) == 1
    return finder, candidates, rows


def test_candidate_does_not_get_what_begins_in_it(stored: Stored) -> None:
    finder, candidates, rows = read(stored, "它高10米", 1)
    text = index_text(stored.documents[0], stored.passages[1])
    assert finder.texts == [text]
    best = candidates[int(rows[:, 0].argmax())]
    assert best.text.startswith("它高10米")
    assert rows[:, 0].max() == pytest.approx(0.8 * 0.75)
    assert rows[:, 0].sum() == pytest.approx(rows[:, 0].max()), "what begins in the title belongs to no candidate"
    assert np.allclose(rows[:, 1], np.log(rows[:, 0] + 1e-4))
    assert np.allclose(rows[:, 2], 0.8)
    assert (rows[:, 3] == 1).all()


def test_passages_behind_the_first_are_read(stored: Stored) -> None:
    assert len(stored.passages) > PASSAGES
    finder, candidates, rows = read(stored, "它高", len(stored.passages))
    assert len(finder.texts) == PASSAGES
    last = stored.passages[1 + PASSAGES].start
    for candidate, row in zip(candidates, rows, strict=True):
        assert bool(row[3]) == (candidate.units[0].start < last)
    assert np.allclose(rows[rows[:, 3] == 0][:, [0, 2]], 0)


def asked(number: int, *, answered: bool) -> Asked:
    """A question whose second candidate is evidence, as only the column behind the features shows."""
    matrix = np.zeros((4, len(NAMES) + 1), dtype=np.float32)
    labels = np.array([0.0, float(answered), 0.0, 0.0])
    matrix[:, -1] = labels
    question = PolicyQuestion(f"q{number}", "多高？", "number", ("d",), (("2米",),), ("灯塔",) if answered else ())
    return Asked(question, f"document {number % 6}", matrix, labels)


def test_columns_of_the_reader_are_left_out_or_make_no_difference() -> None:
    together = [asked(i, answered=i % 3 > 0) for i in range(36)]
    alone = without_columns(together)
    assert {item.features.shape[1] for item in alone} == {len(NAMES)}
    judged = [out_of_document(items, Evidence()) for items in (alone, together)]
    rows = gain_rows("toy", *judged)
    assert [row.label for row in rows][1] == "toy: best candidate states all facts"
    assert rows[0].cells == (Figure(0.0, 0.0, 0.0, 24), Figure(1.0, 1.0, 1.0, 24), Figure(1.0, 1.0, 1.0, 24))
    one, other, difference = (cell.value for cell in rows[2].cells if isinstance(cell, Figure))
    assert one < other == 1
    assert difference == pytest.approx(other - one)


def test_section_without_a_reader_is_measured(tmp_path: Path) -> None:
    section = gain_section(tmp_path, tmp_path, None, Evidence())
    assert section.tables == ()
    assert "--reader" in section.text
