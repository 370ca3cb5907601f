"""The reader: match features, pairs, spans, and what is saved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import ModelError
from service.reader import (
    MATCH_LEVELS,
    Calibration,
    PairBatch,
    PairEncoder,
    PassageReading,
    SpanReader,
    best_span,
    save_reader,
    shared_runs,
)
from tests.training.conftest import Tiny

PASSAGES = ["公园由云江城建集团施工，总投资2.8亿元。", "西滩灯塔高46米。", "", "𠮷祥公园\n门票全免，２.8亿元"]


def longest_shared(side: list[int], other: list[int], i: int) -> int:
    """The witness: try every run that holds position i."""
    best = 0
    for n in range(1, MATCH_LEVELS):
        for a in range(max(0, i - n + 1), min(i, len(side) - n) + 1):
            run = side[a : a + n]
            if any(other[b : b + n] == run for b in range(len(other) - n + 1)):
                best = n
    return best


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12))
def test_match_level_is_the_longest_shared_run_around_a_token(side: list[int], other: list[int]) -> None:
    levels = shared_runs(np.array(side, dtype=np.int64), np.array(other, dtype=np.int64))
    assert levels.tolist() == [longest_shared(side, other, i) for i in range(len(side))]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=90), st.lists(st.floats(0, 1), min_size=90, max_size=90))
def test_best_span_is_the_best_of_all_spans_that_do_not_run_backwards(starts: list[float], ends: list[float]) -> None:
    ends = ends[: len(starts)]
    first, last = best_span(np.array(starts), np.array(ends))
    assert first <= last < min(len(starts), first + 64)
    every = [starts[i] * ends[j] for i in range(len(starts)) for j in range(i, min(len(starts), i + 64))]
    assert starts[first] * ends[last] == max(every)


def test_pair_marks_question_and_passage_apart(tiny: Tiny) -> None:
    (pair,) = tiny.encoder().encode("公园总投资多少？", ["总投资2.8亿元"])
    tokens = [tiny.tokenizer.id_to_token(int(i)) for i in pair.ids]
    assert tokens[0] == "[CLS]"
    first, end = pair.passage
    assert tokens[first:end] == ["总", "投", "资", "2", ".", "8", "亿", "元"]
    assert tokens[first - 1] == tokens[end] == "[SEP]"
    assert pair.match[first : first + 3].tolist() == [1 + MATCH_LEVELS + 3] * 3
    assert pair.match[first + 3] == 1 + MATCH_LEVELS
    assert set(pair.match[1 : first - 1].tolist()) <= set(range(1, 1 + MATCH_LEVELS))
    assert pair.match[[0, first - 1, end]].tolist() == [0, 0, 0]


def test_long_pair_is_cut_from_the_end_of_the_passage(tiny: Tiny) -> None:
    (pair,) = tiny.encoder().encode("公园", ["市民" * 200])
    assert len(pair.ids) == tiny.shape.max_tokens
    assert pair.offsets[-1, 1] == len(pair.offsets)


def reader_of(tiny: Tiny, folder: Path) -> SpanReader:
    save_reader(folder, tiny.network().bfloat16(), tiny.tokenizer, tiny.rarity, Calibration(1.5, -0.2))
    return SpanReader.load(folder)


def test_saved_reader_reads_as_the_one_in_memory(tiny: Tiny, tmp_path: Path) -> None:
    loaded = reader_of(tiny, tmp_path / "reader")
    precision = loaded.network.span.weight.dtype
    here = SpanReader(tiny.network().bfloat16().to(precision), tiny.encoder(), Calibration(1.5, -0.2), "here")
    assert loaded.read("总投资多少？", PASSAGES) == here.read("总投资多少？", PASSAGES)
    assert loaded.name == "reader"
    assert loaded.fingerprint.startswith("sha256:")


def test_fingerprint_follows_the_weights_and_not_the_model_card(tiny: Tiny, tmp_path: Path) -> None:
    before = reader_of(tiny, tmp_path / "reader").fingerprint
    (tmp_path / "reader" / "README.md").write_text("模型卡", encoding="utf-8")
    assert SpanReader.load(tmp_path / "reader").fingerprint == before
    save_reader(tmp_path / "reader", tiny.network(1).bfloat16(), tiny.tokenizer, tiny.rarity, Calibration(1.5, -0.2))
    assert SpanReader.load(tmp_path / "reader").fingerprint != before


def test_readings_keep_the_order_of_the_passages_and_their_offsets(tiny: Tiny, tmp_path: Path) -> None:
    reader = reader_of(tiny, tmp_path)
    readings = reader.read("总投资多少？", PASSAGES)
    assert len(readings) == len(PASSAGES)
    for passage, reading in zip(PASSAGES, readings, strict=True):
        assert 0 <= reading.start <= reading.end <= len(passage)
        assert 0 <= reading.answerable <= 1
        if passage:
            assert passage[reading.start : reading.end]
            assert sum(p for _, p in reading.starts) == pytest.approx(1)
            assert reading.evidence(0, len(passage)) == pytest.approx(reading.answerable)
            half = len(passage) // 2
            parts = reading.evidence(0, half) + reading.evidence(half, len(passage))
            assert parts == pytest.approx(reading.answerable)
        else:
            assert reading == PassageReading(0.0, 0, 0, 0.0, ())
    starts = {offset for offset, _ in readings[3].starts}
    assert starts == {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, (
        "one token a character, the first beyond the BMP"
    )


def test_same_input_gives_the_same_output(tiny: Tiny, tmp_path: Path) -> None:
    reader = reader_of(tiny, tmp_path)
    assert reader.read("灯塔多高？", PASSAGES) == reader.read("灯塔多高？", PASSAGES)


def test_a_reading_does_not_depend_on_the_other_passages(tiny: Tiny, tmp_path: Path) -> None:
    reader = reader_of(tiny, tmp_path)
    together = reader.read("灯塔多高？", PASSAGES)
    assert together == [reader.read("灯塔多高？", [passage])[0] for passage in PASSAGES]


def test_padding_changes_no_logit(tiny: Tiny) -> None:
    network = tiny.network().eval()
    short, long = tiny.encoder().encode("灯塔多高？", ["西滩灯塔高46米。", "公园由云江城建集团施工，总投资2.8亿元。"])
    with torch.inference_mode():
        alone, padded = network(PairBatch.of([short])), network(PairBatch.of([short, long]))
    n = len(short.ids)
    torch.testing.assert_close(padded.start[0, :n], alone.start[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(padded.answerable[0], alone.answerable[0], rtol=1e-4, atol=1e-5)


def test_answers_are_sought_in_the_passage_only(tiny: Tiny) -> None:
    (pair,) = tiny.encoder().encode("灯塔多高？", ["西滩灯塔高46米。"])
    with torch.inference_mode():
        start = tiny.network()(PairBatch.of([pair])).start[0]
    finite = torch.isfinite(start).nonzero().flatten().tolist()
    assert finite == list(range(*pair.passage))


def test_calibration_turns_the_same_logit_into_another_probability(tiny: Tiny) -> None:
    network, encoder = tiny.network(), tiny.encoder()
    plain, shifted = (
        SpanReader(network, encoder, calibration, "r").read("灯塔多高？", PASSAGES[:1])[0]
        for calibration in (Calibration(), Calibration(1.0, 2.0))
    )
    assert np.log(shifted.answerable / (1 - shifted.answerable)) == pytest.approx(
        np.log(plain.answerable / (1 - plain.answerable)) + 2, abs=1e-5
    )
    assert replace(shifted, answerable=plain.answerable) == plain


@pytest.mark.parametrize("name", ["reader.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(tiny: Tiny, tmp_path: Path, name: str) -> None:
    reader_of(tiny, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=name):
        SpanReader.load(tmp_path)


@pytest.mark.parametrize("name", ["reader.json", "tokenizer.json", "model.safetensors"])
def test_a_foreign_file_is_a_model_error(tiny: Tiny, tmp_path: Path, name: str) -> None:
    reader_of(tiny, tmp_path)
    (tmp_path / name).write_text('{"format": "another"}', encoding="utf-8")
    with pytest.raises(ModelError, match=str(tmp_path)):
        SpanReader.load(tmp_path)


def test_a_network_of_another_shape_is_a_model_error(tiny: Tiny, tmp_path: Path) -> None:
    reader_of(tiny, tmp_path)
    card = (tmp_path / "reader.json").read_text(encoding="utf-8").replace('"width": 32', '"width": 64')
    (tmp_path / "reader.json").write_text(card, encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SpanReader.load(tmp_path)


def test_rarity_tells_found_and_missing_words_of_the_question_apart(tiny: Tiny) -> None:
    encoder: PairEncoder = tiny.encoder()
    with_match, without = encoder.encode("灯塔", ["西滩灯塔高46米。", "图书馆新馆"])
    assert set(with_match.rarity[1:3].tolist()).isdisjoint(without.rarity[1:3].tolist())
    assert without.rarity[3:].tolist() == [0] * len(without.rarity[3:])
