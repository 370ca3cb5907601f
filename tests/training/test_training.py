"""Masking, examples, the optimiser, and short runs of both trainings."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from service.reader import MASK, SPECIAL_TOKENS, PairBatch
from tests.training.conftest import SENTENCES, Tiny
from training.config import Finetune, Pretrain, Schedule
from training.examples import Example, read_examples, write_examples
from training.finetune import example_loss, fit_calibration, plan_batches, reading_loss, tokenise
from training.optimise import StepLoss, rate_at, train
from training.pretrain import MaskedLanguageModel, mask_spans, masked_batch, masked_loss

SCHEDULE = Schedule(steps=8, warmup=2, rate=3e-3, save_every=4, log_every=4)
EXAMPLES = [
    Example("toy", "公园何时开放？", SENTENCES[0], 8, 17),
    Example("toy", "总投资多少？", SENTENCES[1], 16, 21),
    Example("toy", "灯塔多高？", SENTENCES[3], 5, 8),
    Example("toy", "图书馆藏书多少？", SENTENCES[4], 7, 12),
    Example("toy", "灯塔多高？", SENTENCES[1], -1, -1),
    Example("toy", "总投资多少？", SENTENCES[4], -1, -1),
]


def pretraining(tiny: Tiny) -> tuple[np.ndarray, Pretrain]:
    rows = [[*tiny.tokenizer.encode(text).ids, 3] for text in SENTENCES * 4]
    return np.concatenate(rows).astype(np.uint16), Pretrain(SCHEDULE, rows=4, length=24)


def test_exactly_the_asked_share_is_masked_in_spans() -> None:
    masked = mask_spans((50, 40), 0.25, 3.0, np.random.default_rng(1))
    assert masked.sum(axis=1).tolist() == [10] * 50
    runs = int(np.count_nonzero(np.diff(masked.astype(int), axis=1, prepend=0) == 1))
    assert runs < 50 * 10 * 0.7, "spans, not single tokens"


def test_masked_batch_hides_what_it_asks_for_and_never_a_special_token(tiny: Tiny) -> None:
    tokens, config = pretraining(tiny)
    mask_id = tiny.tokenizer.token_to_id(MASK)
    ids, true, masked = masked_batch(tokens, mask_id, config, 0)
    assert np.array_equal(ids[~masked], true[~masked])
    assert np.all(true[masked] >= len(SPECIAL_TOKENS))
    assert np.mean(ids[masked] == mask_id) > 0.7
    again = masked_batch(tokens, mask_id, config, 0)
    assert np.array_equal(ids, again[0])
    assert not np.array_equal(masked, masked_batch(tokens, mask_id, config, 1)[2])


def test_each_sequence_is_seen_once_a_pass(tiny: Tiny) -> None:
    tokens = np.arange(6, 6 + 24 * 8, dtype=np.uint16)
    config = Pretrain(SCHEDULE, rows=4, length=24)
    seen = [row[0] for step in (0, 1) for row in masked_batch(tokens, 4, config, step)[1]]
    assert sorted(seen) == [6 + 24 * i for i in range(8)]


def test_masked_language_training_lowers_the_loss(tiny: Tiny, tmp_path: Path) -> None:
    tokens, _ = pretraining(tiny)
    config = Pretrain(Schedule(steps=25, warmup=2, rate=1e-2), rows=4, length=24)
    torch.manual_seed(0)
    model = MaskedLanguageModel(tiny.network()).bfloat16()
    losses = train(model, config.schedule, masked_loss(model, tokens, 4, config), tmp_path / "m.pt")
    assert np.mean(losses[-5:]) < np.mean(losses[:3]) - 0.3


def test_a_resumed_run_sees_the_losses_of_the_unbroken_one(tiny: Tiny, tmp_path: Path) -> None:
    tokens, config = pretraining(tiny)

    def run(checkpoint: Path, until: int | None = None) -> list[float]:
        torch.manual_seed(0)
        model = MaskedLanguageModel(tiny.network()).bfloat16()
        return train(model, SCHEDULE, masked_loss(model, tokens, 4, config), checkpoint, until=until)

    unbroken = run(tmp_path / "unbroken.pt")
    resumed = [*run(tmp_path / "broken.pt", until=5), *run(tmp_path / "broken.pt")]
    assert len(unbroken) == SCHEDULE.steps
    assert resumed == unbroken
    assert run(tmp_path / "broken.pt") == [], "a finished run has nothing left to do"


def test_small_steps_are_not_lost_in_bfloat16(tmp_path: Path) -> None:
    module = nn.Module()
    module.layers = nn.ModuleList([nn.Linear(4, 4, bias=False)])
    module.scale = nn.Parameter(torch.ones(4))
    module.bfloat16()

    def loss_at(step: int) -> StepLoss:
        return StepLoss(module.scale.float().sum() + 0 * module.layers[0].weight.float().sum(), 1, {})

    # A single step of 1e-3 is below half the distance of bfloat16 numbers at 1.
    train(module, Schedule(steps=20, warmup=1, rate=1e-3, decay=1e-9), loss_at, tmp_path / "w.pt")
    assert float(module.scale.detach().float().mean()) == pytest.approx(0.98, abs=0.005)


def test_the_rate_rises_stays_and_falls_to_the_last_step() -> None:
    schedule = Schedule(steps=100, warmup=10, rate=1.0, decay=0.4)
    rates = [rate_at(schedule, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:60] == [1.0] * 51
    assert rates[-1] == pytest.approx(1 / 40)
    assert rates[60:] == sorted(rates[60:], reverse=True)


def test_answer_tokens_are_those_that_the_span_covers(tiny: Tiny) -> None:
    for example, row in zip(EXAMPLES, tokenise(EXAMPLES, tiny.tokenizer, tiny.shape), strict=True):
        if example.answered:
            assert (row.offsets[row.first, 0], row.offsets[row.last, 1]) == (example.start, example.end)
        else:
            assert (row.first, row.last) == (-1, -1)


def test_an_answer_beyond_the_network_counts_as_none(tiny: Tiny) -> None:
    passage = "市民" * 100 + "总投资"
    (row,) = tokenise([Example("toy", "什么？", passage, 200, 203)], tiny.tokenizer, tiny.shape)
    assert (row.first, row.last) == (-1, -1)
    assert row.size <= tiny.shape.max_tokens


def test_batches_hold_every_example_once_a_pass_within_the_tokens() -> None:
    rng = random.Random(1)
    sizes = [rng.randint(5, 60) for _ in range(90)]
    batches = plan_batches(sizes, 200, 1000, seed=3)
    assert all(max(sizes[i] for i in batch) * len(batch) <= 200 for batch in batches)
    first_pass: list[int] = []
    while len(first_pass) < len(sizes):
        first_pass.extend(batches.pop(0))
    assert sorted(first_pass) == list(range(90))


def test_finetuning_learns_a_toy_batch(tiny: Tiny, tmp_path: Path) -> None:
    config = Finetune(Schedule(steps=60, warmup=2, rate=5e-3), tokens=400)
    network = tiny.network().bfloat16()
    rows = tokenise(EXAMPLES, tiny.tokenizer, tiny.shape)
    losses = train(network, config.schedule, example_loss(network, tiny.encoder(), rows, config), tmp_path / "f.pt")
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:3])


def test_unanswered_pairs_teach_the_null_score_alone(tiny: Tiny) -> None:
    network = tiny.network()
    rows = tokenise(EXAMPLES[-2:], tiny.tokenizer, tiny.shape)
    encoder = tiny.encoder()
    pairs = [encoder.join(row.asked, row.read, row.offsets) for row in rows]
    loss, figures = reading_loss(network, pairs, [(-1, -1), (-1, -1)], 1.0)
    loss.backward()
    assert set(figures) == {"null"}
    assert network.span.weight.grad is None
    assert network.answerable.weight.grad is not None
    expected = nn.functional.softplus(network(PairBatch.of(pairs)).answerable).mean()
    torch.testing.assert_close(loss, expected)


def test_calibration_recovers_a_known_temperature_and_bias() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 3, 20_000)
    answered = rng.random(20_000) < 1 / (1 + np.exp(-(logits / 2.0 - 0.7)))
    found = fit_calibration(logits.tolist(), answered.tolist())
    assert found.temperature == pytest.approx(2.0, rel=0.06)
    assert found.bias == pytest.approx(-0.7, abs=0.06)


def test_examples_survive_writing_and_reading(tmp_path: Path) -> None:
    assert write_examples(tmp_path / "e.jsonl.xz", EXAMPLES) == len(EXAMPLES)
    assert read_examples(tmp_path / "e.jsonl.xz") == EXAMPLES
