"""The report on tiny collections: what counts as found and as right, what is kept, and what the page and the cards show."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from indexer.build import build
from indexer.embedder import HashEmbedder, SentenceTransformerEmbedder
from indexer.errors import InputError
from indexer.store import Stored, load
from models import EMBEDDER
from service.features import NAMES
from service.reader import PassageReading
from training import cards, results
from training.config import Evidence as EvidenceConfig
from training.evidence import Asked
from training.examples import Example
from training.measure_cost import Cost, best, bytes_by_row, half, smallest_without_loss, stored_as
from training.measure_evidence import (
    ANSWERED,
    ANSWERED_HEAD,
    CHOICE,
    CHOICE_HEAD,
    GOLD,
    MODEL,
    OVERLAP,
    POLICY,
    answered_rows,
    by_column,
    calibration_rows,
    choice_rows,
    out_of_document,
    weight_table,
)
from training.measure_reading import SPANS_HEAD, answered_row, by_source, span_row
from training.measure_retrieval import (
    BM25,
    BUNDLED,
    FITTED,
    FUSED,
    HEAD,
    GoldLine,
    Query,
    Task,
    gold_lines,
    place_of,
    retrieval_table,
    right_rows,
    text_collection,
    written,
)
from training.measures import Figure
from training.plot import Line, line_chart
from training.policy import PolicyQuestion
from training.results import Row, Section, Table

TEXTS = [("公园条例第一条", "海洋公园免费开放。"), ("公园条例第二条", "夜间照明到二十二点。"), ("", "灯塔高四十六米。")]
FIGURE = Figure(0.5, 0.25, 0.75, 8)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    folder = tmp_path_factory.mktemp("report")
    (folder / "docs").mkdir()
    words = "".join(f"第{i}座灯塔高{i + 20}米，由第{i * 7}施工队看管。" for i in range(60))
    (folder / "docs" / "park.md").write_text(
        f"# 公园\n\n## 一、灯塔\n\n{words}\n\n## 二、门票\n\n门票全免。\n", "utf-8"
    )
    build(folder / "docs", folder / "index")
    return load(folder / "index")


def line(evidence: tuple[str, ...], part: str = "development") -> GoldLine:
    return GoldLine("多高？", part, ("park.md",), (("20米",),), evidence, (), "number", "x-1")


def test_text_collections_find_a_title_and_have_one_passage_a_text() -> None:
    collection = text_collection(TEXTS, HashEmbedder())
    assert collection.texts[1] == "公园条例第二条\n夜间照明到二十二点。"
    assert collection.stored.dense.size == collection.stored.lexical.size == 3
    assert [p.doc_id for p in collection.stored.passages] == ["0", "1", "2"]
    assert collection.stored.lexical.search(["照明"], 5)[0][0] == 1


def test_evidence_is_found_across_a_line_end_and_not_where_it_does_not_stand() -> None:
    assert place_of("到二十 二点", "夜间照明到\n二十二点。") == (4, 10)
    assert place_of("(到)", "夜间到") is None


def test_the_passage_that_holds_most_of_the_evidence_is_right(stored: Stored) -> None:
    rows = right_rows(line(("第3座灯塔高23米", "门票全免")), stored)
    text = stored.documents[0].text
    held = [text[stored.passages[row].start : stored.passages[row].end] for row in sorted(rows)]
    assert len(held) == 2
    assert "第3座灯塔高23米" in held[0]
    assert "门票全免" in held[1]
    first = stored.passages[0]
    across = text[first.end - 3 : first.end + 12].replace("\n", "")
    assert right_rows(line((across,)), stored) == {1}


def test_questions_without_an_answer_are_not_asked_of_retrieval(stored: Stored) -> None:
    collection = text_collection(TEXTS, HashEmbedder())
    task = written("gold", [line(("门票全免",)), line(())], results_collection(stored, collection.texts))
    assert len(task.queries) == 1


def results_collection(stored: Stored, texts: tuple[str, ...]):
    from training.measure_retrieval import Collection

    return Collection(stored, texts)


def test_gold_lines_default_to_the_development_part_and_keep_the_conversation(tmp_path: Path) -> None:
    row = {"id": "a", "question": "多高？", "type": "number", "docs": ["d"], "answers": [["2米"]], "evidence": ["2米"]}
    turn = {"role": "user", "content": "灯塔呢？"}
    path = tmp_path / "gold.jsonl"
    path.write_text(f"{json.dumps(row)}\n\n{json.dumps({**row, 'part': 'release', 'history': [turn]})}\n", "utf-8")
    first, second = gold_lines(path)
    assert (first.part, first.history) == ("development", ())
    assert (second.part, second.history[0].content) == ("release", "灯塔呢？")


def test_the_difference_from_bm25_is_taken_question_by_question() -> None:
    queries = tuple(Query(str(i), frozenset((i,))) for i in range(4))
    task = Task("toy", text_collection(TEXTS, HashEmbedder()), queries)
    right, wrong = [[0], [1], [2], [3]], [[9]] * 4
    table = retrieval_table(task, {BM25: [*right[:2], *wrong[:2]], FUSED: right})
    assert table.cell(BM25, "recall@10") == Figure(0.5, 0.0, 1.0, 4)
    gain = table.cell(FUSED, HEAD[-1])
    assert isinstance(gain, Figure)
    assert (gain.value, gain.low >= 0) == (0.5, True), "a paired difference of a better ranking is never below 0"


def asked(number: int, labels: list[float], *, figure: bool = False) -> Asked:
    """A question whose third candidate alone stands out in `meaning`, and whose first has the most words in common."""
    matrix = np.zeros((len(labels), len(NAMES)), dtype=np.float32)
    matrix[:, NAMES.index("own")] = np.linspace(1, 0, len(labels))
    matrix[:, NAMES.index("meaning")] = [1.0 if value == max(labels) and value else 0.0 for value in labels]
    matrix[:, NAMES.index("kind_number")] = figure
    spans = ("灯塔",) if any(labels) else ()
    question = PolicyQuestion(f"q{number}", "多高？", "number", ("d",), (("2米",),), spans)
    return Asked(question, f"document {number % 6}", matrix, np.array(labels))


QUESTIONS = [asked(i, [0, 0.5, 1, 0] if i % 3 else [0, 0, 0, 0], figure=i % 2 == 0) for i in range(36)]


def test_models_are_judged_on_documents_they_have_not_seen_and_beat_the_words() -> None:
    methods = {MODEL: out_of_document(QUESTIONS, EvidenceConfig()), OVERLAP: by_column(QUESTIONS, "own")}
    assert all(item.label == 1 for item in methods[MODEL] if item.answerable)
    model, words, best = choice_rows(POLICY, methods, QUESTIONS)
    assert model.cells[2] == Figure(1.0, 1.0, 1.0, 24)
    assert [str(cell)[:5] for cell in words.cells] == ["0.000", "0.000", "–"]
    assert str(best.cells[0]).startswith("1.000")
    telling = answered_rows(POLICY, methods)[0]
    assert len(telling.cells) == len(ANSWERED_HEAD)
    assert all(isinstance(cell, Figure) for cell in telling.cells)


def test_a_question_without_candidates_counts_as_wrong() -> None:
    lost = Asked(QUESTIONS[1].question, "document 1", np.zeros((0, len(NAMES)), dtype=np.float32), np.zeros(0))
    for judged in (out_of_document([*QUESTIONS, lost], EvidenceConfig())[-1], by_column([lost], "own")[0]):
        assert (judged.answerable, judged.found, judged.confidence) == (True, False, 0.0)


def pair(source: str, answer: tuple[int, int] | None, found: tuple[int, int], answerable: float, score: float) -> tuple:
    start, end = answer or (-1, -1)
    reading = PassageReading(answerable, *found, score, ((found[0], 1.0),))
    return Example(source, "灯塔多高？", "灯塔建于1958年。灯塔高46米。", start, end), reading


def test_reader_that_refuses_what_has_no_answer_is_not_paid_for_it() -> None:
    height = (13, 16)
    right, unsure = pair("toy", height, height, 0.9, 0.9), pair("toy", height, height, 0.4, 0.5)
    refused, taken_in = pair("toy+bm25", None, height, 0.1, 0.1), pair("toy", None, height, 0.8, 0.2)
    examples, readings = zip(right, unsure, refused, taken_in, pair("other", height, (0, 2), 0.9, 0.9), strict=True)
    pairs = by_source(examples, readings)
    assert list(pairs) == ["other", "toy"]
    assert len(pairs["toy"]) == 4
    row = span_row("toy", pairs["toy"], {})
    assert row.label == "toy (2 of 4 pairs answered)"
    values = [cell.value for cell in row.cells if isinstance(cell, Figure)]
    assert len(values) == len(SPANS_HEAD)
    assert values[:3] == [1.0, 1.0, 0.5], "one right answer and one right refusal of four"
    assert values[3] == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4), "by how sure: right, right, wrong, wrong"
    other = span_row("other", pairs["other"], {("灯塔多高？", "46米"): ("46米", "灯塔")})
    assert other.cells[0] == Figure(1.0, 1.0, 1.0, 1), "any accepted answer counts"
    assert answered_row("toy", pairs["toy"]).cells[2:] == ("–",) * 4


def test_calibration_parts_hold_every_question_once_from_the_lowest_probability_up() -> None:
    rows = calibration_rows("toy", out_of_document(QUESTIONS, EvidenceConfig()))
    sizes = [int(row.label.split()[1]) for row in rows]
    assert sum(sizes) == len(QUESTIONS)
    means = [float(str(row.cells[0])) for row in rows]
    assert means == sorted(means)


def test_weights_are_listed_by_size_with_their_sign() -> None:
    table = weight_table("w", ["a", "b", "c"], [0.5, -2.0, 1.0])
    assert [(row.label, row.cells) for row in table.rows] == [
        ("`b`", ("-2.00",)),
        ("`c`", ("+1.00",)),
        ("`a`", ("+0.50",)),
    ]


def test_a_table_in_bytes_is_off_by_at_most_half_a_level_of_its_row() -> None:
    table = torch.randn(50, 16, generator=torch.Generator().manual_seed(1))
    table[7] = 0
    level = table.abs().amax(dim=1, keepdim=True) / 127
    assert torch.all((bytes_by_row(table) - table).abs() <= level / 2 + 1e-7)
    assert torch.all((half(table) - table).abs() <= table.abs() / 1024)


def test_a_half_table_is_stored_whole_or_gives_other_vectors(tmp_path: Path) -> None:
    whole = SentenceTransformerEmbedder(str(EMBEDDER))
    table = load_file(EMBEDDER / "model.safetensors")["embedding.weight"]
    halved = stored_as(half(table), tmp_path / "half")
    assert (tmp_path / "half" / "model.safetensors").stat().st_size < 0.51 * (
        EMBEDDER / "model.safetensors"
    ).stat().st_size
    assert halved.fingerprint != whole.fingerprint
    texts = [text for _, text in TEXTS]
    assert np.abs(halved.embed_passages(texts) - whole.embed_passages(texts)).max() < 1e-3


def test_a_run_that_other_work_disturbed_spoils_the_others() -> None:
    quiet = Cost(1, 2.0, 0.1, 900.0, 0.02, 0.04, 0.01, 400, 650)
    slow = Cost(1, 1.5, 0.3, 100.0, 0.09, 0.2, 0.05, 410, 640)
    assert best([slow, quiet]) == Cost(1, 1.5, 0.1, 900.0, 0.02, 0.04, 0.01, 400, 640)


def test_the_smallest_storage_without_loss_is_taken() -> None:
    none, some = Figure(-0.001, -0.003, -0.0005, 9), Figure(-0.01, -0.02, -0.005, 9)
    unclear = Figure(-0.01, -0.03, 0.01, 9)
    assert smallest_without_loss({"int8": [none, some], "float16": [none, unclear], "float32": [none]}) == "float16"
    assert smallest_without_loss({"int8": [some], "float32": [some]}) == "float32"


def test_the_chart_is_well_formed_and_keeps_points_inside_its_frame() -> None:
    lines = [Line("a <b>", ((0.1, 0.0), (1.0, 0.42))), Line("c", ((1.0, 0.2),))]
    drawn = ElementTree.fromstring(line_chart("R & C", "x", "y", lines))
    first = drawn.find("{http://www.w3.org/2000/svg}polyline[@class='s0']")
    assert first is not None
    places = [tuple(map(float, pair.split(","))) for pair in first.attrib["points"].split()]
    assert all(0 <= left <= 520 and 78 <= top <= 322 for left, top in places)
    assert places[0][1] > places[1][1], "higher values stand higher"


def section(models: dict[str, str], *tables: Table) -> Section:
    return Section("Toy", "words", tables, models)


def test_results_come_back_as_they_were_saved_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    table = Table("t (3 questions)", ("a", "b"), (Row("x", (FIGURE, "–")),), "note")
    kept = {"cost": section({"embedder": "sha256:1"}, table)}
    results.save(tmp_path / "work" / "results.json", kept)
    assert results.load(tmp_path / "work" / "results.json") == kept
    (tmp_path / "bad.json").write_text('{"cost": {"title": 1}}', "utf-8")
    with pytest.raises(InputError, match=r"bad\.json"):
        results.load(tmp_path / "bad.json")
    with pytest.raises(InputError, match="no row 'y'"):
        table.cell("y", "a")


def test_the_page_has_the_measured_sections_in_order() -> None:
    table = Table("t", ("a",), (Row("x", (FIGURE,)),))
    page = results.page("intro", {"b": section({}), "a": section({"m": "sha256:1"}, table)}, ("a", "b", "c"))
    assert (
        page.index("m `sha256:1`.")
        < page.index("|  | a |\n|---|---|\n| x | 0.500 [0.250, 0.750] |")
        < page.rindex("##")
    )


def model_results(embedder: str, evidence: str) -> dict[str, Section]:
    marks = {"embedder": embedder, "evidence": evidence}
    retrieval = Table("STARD (2 questions)", HEAD, tuple(Row(name, (FIGURE,) * 5) for name in (BM25, FITTED, BUNDLED)))
    labels = [f"{name}: {method}" for name in (POLICY, GOLD) for method in (MODEL, OVERLAP)]
    choice = Table(CHOICE, CHOICE_HEAD, tuple(Row(name, (FIGURE,) * 3) for name in labels))
    answered = Table(ANSWERED, ANSWERED_HEAD, tuple(Row(name, (FIGURE,) * 4) for name in labels))
    return {"retrieval": section(marks, retrieval), "evidence": section(marks, choice, answered)}


def data_folder(folder: Path) -> Path:
    for source in cards.EMBEDDER_SOURCES:
        path = folder / f"{source.path}.jsonl.xz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_cards_name_every_set_and_file_and_fit_on_eighty_lines(tmp_path: Path) -> None:
    models = Path(__file__).resolve().parents[2] / "models"
    found = model_results(results.weights(models / "embedder"), results.weights(models / "evidence"))
    embedder = cards.embedder_card(models / "embedder", data_folder(tmp_path), found)
    evidence = cards.evidence_card(models / "evidence", found)
    for card, name in ((embedder, "embedder"), (evidence, "evidence")):
        assert len(card.splitlines()) <= 80
        assert "0.500 [0.250, 0.750]" in card
        assert f"sha256 {results.weights(models / name).removeprefix('sha256:')}  model.safetensors" in card
        assert "README.md" not in card.split("## Files")[1]
    assert all(source.path in embedder and source.rights in embedder for source in cards.EMBEDDER_SOURCES)
    (tmp_path / "prose" / "laws.jsonl.xz").unlink()
    with pytest.raises(InputError, match="prose/laws"):
        cards.embedder_card(models / "embedder", tmp_path, found)


def test_a_card_refuses_scores_of_other_weights() -> None:
    models = Path(__file__).resolve().parents[2] / "models"
    with pytest.raises(InputError, match="--only retrieval"):
        cards.evidence_card(models / "evidence", model_results("sha256:0", "sha256:0"))
