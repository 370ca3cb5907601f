"""The gate can stop a run, says why, and does not stop one that is as good."""

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from eval.baseline import GUARDED, Baseline, Guard, baseline_of, read_baseline, write_baseline
from eval.cli import app
from eval.gate import holm, judge
from eval.record import Cost, failure
from eval.saved import SavedRun, read_run
from indexer.errors import InputError

ROOT = Path(__file__).parents[2]


def spoiled(run: SavedRun, count: int, measure: str = "right", score: float = 0.0) -> SavedRun:
    """The run with the worst score in `measure` on its first questions."""
    records = [
        replace(record, scores={**record.scores, measure: score}) if i < count else record
        for i, record in enumerate(run.records)
    ]
    return replace(run, records=tuple(records))


@pytest.fixture(scope="module")
def good(world, tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    """Sixty questions, all answered well."""
    questions = [world.answerable(i, forbid=("19座",)) for i in range(50)] + [world.unanswerable(i) for i in range(10)]
    known = {question.question for question in questions[:50]}
    records = world.records(lambda text: (world.quoting if text in known else world.refusal)(text), questions)
    return read_run(world.save(tmp_path_factory.mktemp("good") / "run", records))


@pytest.fixture(scope="module")
def baseline(good: SavedRun) -> Baseline:
    return baseline_of(good)


def stopped(judgement) -> dict[str, tuple[bool, bool]]:
    return {
        check.measure: (check.is_worse, check.is_under_floor)
        for check in judgement.checks
        if check.is_worse or check.is_under_floor
    }


def test_a_run_is_stopped_by_itself(good: SavedRun, baseline: Baseline):
    assert judge(good, baseline).passes


def test_thirds_are_worse_than_their_rounding(good: SavedRun):
    records = tuple(replace(r, scores={**r.scores, "fact_recall": 1 / 3}) for r in good.records)
    run = replace(good, records=records)
    assert judge(run, baseline_of(run)).passes
    run = replace(good, records=tuple(replace(r, scores={**r.scores, "fact_recall": 2 / 3}) for r in good.records))
    assert judge(run, baseline_of(run)).passes


def test_ten_spoiled_questions_pass_or_are_not_named(good: SavedRun, baseline: Baseline):
    judgement = judge(spoiled(good, 10), baseline)
    assert not judgement.passes
    assert stopped(judgement) == {"right": (True, False)}
    (check,) = [check for check in judgement.checks if check.measure == "right"]
    assert [lost.id for lost in check.lost] == [f"a-{i}" for i in range(10)]
    assert {(lost.before, lost.after) for lost in check.lost} == {(1.0, 0.0)}
    assert check.difference.difference == pytest.approx(-10 / 60)
    assert check.p < 0.05


def test_one_spoiled_question_stops_a_run(good: SavedRun, baseline: Baseline):
    assert judge(spoiled(good, 1), baseline).passes


def test_refusing_more_is_taken_for_better(good: SavedRun, baseline: Baseline):
    judgement = judge(spoiled(good, 12, "answerable_refused", 1.0), baseline)
    assert stopped(judgement) == {"answerable_refused": (True, False)}


def test_a_better_run_is_stopped(good: SavedRun):
    assert judge(good, baseline_of(spoiled(good, 30))).passes
    assert judge(good, baseline_of(spoiled(good, 30, "answerable_refused", 1.0))).passes


def test_a_crash_is_left_out(good: SavedRun, baseline: Baseline):
    records = [
        failure(record.question, "RuntimeError: no", Cost(1.0, 1.0)) if i < 10 else record
        for i, record in enumerate(good.records)
    ]
    judgement = judge(replace(good, records=tuple(records)), baseline)
    assert {"right", "fact_recall", "answerable_refused", "mrr@10", "quotes_stand"} <= stopped(judgement).keys()


def test_p_is_not_the_share_of_all_exchanges_that_are_as_bad(good: SavedRun):
    rng = np.random.default_rng(8)
    before = rng.choice([0.0, 0.5, 1.0], 12, p=[0.2, 0.2, 0.6])
    after = rng.choice([0.0, 0.5, 1.0], 12, p=[0.5, 0.2, 0.3])
    signs = np.array(list(itertools.product((1, -1), repeat=12)))
    exact = np.mean(signs @ (after - before) <= (after - before).sum() + 1e-9)

    def run_of(values) -> SavedRun:
        records = zip(good.records, values, strict=False)
        return replace(good, records=tuple(replace(r, scores={"right": float(score)}) for r, score in records))

    found = judge(run_of(after), baseline_of(run_of(before), {"right": Guard(None)})).checks[0]
    assert 0.005 < exact < 0.3
    assert found.p == pytest.approx(exact, abs=0.01)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_not_what_its_definition_says(chances: list[float]):
    # Largest over all hypotheses at least as significant, each times the number of those no more significant than it.
    expected = [
        max(min(1.0, sum(q >= other for q in chances) * other) for other in chances if other <= p) for p in chances
    ]
    assert holm(chances) == pytest.approx(expected)


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []


def test_many_guards_stop_what_one_would(good: SavedRun, baseline: Baseline):
    # Six of six losses: p = 1/64 alone, 11/64 among eleven.
    run = spoiled(good, 6)
    assert not judge(run, baseline_of(good, {"right": Guard(None)})).passes
    assert judge(run, baseline).passes


def test_a_run_under_a_floor_passes(good: SavedRun):
    floors = baseline_of(good, {"right": Guard(0.95), "fact_recall": Guard(0.9), "answerable_refused": Guard(0.01)})
    assert judge(good, floors).passes
    judgement = judge(spoiled(good, 4), floors)
    assert stopped(judgement) == {"right": (False, True)}
    assert [lost.id for lost in judgement.checks[0].lost] == [f"a-{i}" for i in range(4)]
    assert stopped(judge(spoiled(good, 1, "answerable_refused", 1.0), floors)) == {"answerable_refused": (False, True)}


def test_a_floor_holds_for_a_measure_that_no_longer_applies(good: SavedRun, baseline: Baseline):
    records = tuple(
        replace(r, scores={key: value for key, value in r.scores.items() if key != "quotes_stand"})
        for r in good.records
    )
    assert stopped(judge(replace(good, records=records), baseline)) == {"quotes_stand": (False, True)}


def test_other_gold_questions_are_judged(good: SavedRun, baseline: Baseline):
    other = replace(good, header=replace(good.header, gold="sha256:0123456789abcdef"))
    (fault,) = judge(other, baseline).faults
    assert "sha256:0123456789ab…" in fault
    assert "--write-baseline" in fault


def test_missing_or_new_questions_are_not_noticed(good: SavedRun, baseline: Baseline):
    short = replace(good, records=good.records[2:])
    (fault,) = judge(short, baseline).faults
    assert "2 questions of the baseline are not in the run" in fault
    assert "a-0, a-1" in fault
    assert not judge(short, baseline, allow_sample=True).passes
    (fault,) = judge(good, baseline_of(short)).faults
    assert "2 questions of the run are not in the baseline" in fault


@pytest.mark.parametrize("part", [{"sample": 30}, {"part": "release"}])
def test_a_sample_passes_for_the_whole(good: SavedRun, baseline: Baseline, part):
    run = replace(good, header=replace(good.header, **part), records=good.records[:30])
    (fault,) = judge(run, baseline).faults
    assert "--allow-sample" in fault
    assert judge(run, baseline, allow_sample=True).passes
    assert stopped(judge(spoiled(run, 10), baseline, allow_sample=True)) == {"right": (True, False)}


def test_a_baseline_changes_on_its_way_through_a_file(good: SavedRun, baseline: Baseline, tmp_path: Path):
    path = tmp_path / "baseline.json"
    write_baseline(path, baseline)
    assert read_baseline(path) == baseline
    lines = path.read_text(encoding="utf-8").splitlines()
    questions = [line for line in lines if '": {"right"' in line and "floor" not in line]
    assert len(questions) == 60
    assert questions == sorted(questions)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"guarded": {"rihgt": {"floor": None}}}, "guards rihgt"),
        ({"guarded": {}}, "guards nothing"),
        ({"guarded": {"right": 0.5}}, "is no baseline"),
        ({"questions": None}, "is no baseline"),
        ({"alpha": "low"}, "is no baseline"),
    ],
)
def test_a_baseline_that_guards_nothing_is_read(baseline: Baseline, tmp_path: Path, change, message: str):
    path = tmp_path / "baseline.json"
    write_baseline(path, baseline)
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_baseline(path)


def gate(*arguments: object):
    return CliRunner().invoke(app, ["eval", "gate", *map(str, arguments)])


def test_the_command_lets_a_spoiled_run_through(world, good: SavedRun, tmp_path: Path):
    path = tmp_path / "baseline.json"
    written = gate(good.folder, "--baseline", path, "--write-baseline")
    assert (written.exit_code, path.exists()) == (0, True)
    passed = gate(good.folder, "--baseline", path)
    assert passed.exit_code == 0
    assert "PASSED" in passed.stdout
    bad = world.save(tmp_path / "bad", spoiled(good, 25).records)
    failed = gate(bad, "--baseline", path)
    assert failed.exit_code == 1
    for words in ("STOPPED: right is significantly worse, 1.000 -> 0.583", "25 questions lose", "a-0  1.00 -> 0.00"):
        assert words in failed.stdout
    assert "PASSED" not in failed.stdout
    assert "and 5 more" in failed.stdout


def test_the_command_judges_what_it_cannot(world, good: SavedRun, tmp_path: Path):
    missing = gate(good.folder, "--baseline", tmp_path / "none.json")
    assert isinstance(missing.exception, InputError)
    path = tmp_path / "baseline.json"
    gate(good.folder, "--baseline", path, "--write-baseline")
    other = world.save(tmp_path / "other", good.records, gold="sha256:other")
    failed = gate(other, "--baseline", path)
    assert failed.exit_code == 1
    assert "STOPPED: the gold questions" in failed.stdout


def test_writing_a_baseline_forgets_the_floors_or_breaks_them(world, good: SavedRun, tmp_path: Path):
    path = tmp_path / "baseline.json"
    floors = {"right": Guard(0.9), "mrr@10": Guard(None)}
    write_baseline(path, baseline_of(good, floors, 0.01))
    before = path.read_bytes()
    bad = world.save(tmp_path / "bad", spoiled(good, 25).records)
    failed = gate(bad, "--baseline", path, "--write-baseline")
    assert failed.exit_code == 1
    assert "0.583 where the floor is 0.900" in failed.stdout
    sampled = world.save(tmp_path / "sampled", good.records, sample=60)
    assert gate(sampled, "--baseline", path, "--write-baseline", "--allow-sample").exit_code == 1
    assert path.read_bytes() == before
    renewed = world.save(tmp_path / "renewed", spoiled(good, 3).records, gold="sha256:new")
    assert gate(renewed, "--baseline", path, "--write-baseline").exit_code == 0
    found = read_baseline(path)
    assert (found.gold, found.alpha, found.guarded) == ("sha256:new", 0.01, floors)
    assert found.scores["a-0"] == {"right": 0.0, "mrr@10": 1.0}


@pytest.mark.parametrize(
    ("name", "gold"), [("baseline", "digests.jsonl"), ("baseline-adversarial", "adversarial.jsonl")]
)
def test_a_shipped_baseline_is_of_other_gold_questions_or_guards_less(name: str, gold: str):
    """Run `make gate FULL=1` and write it anew, see docs/releasing.md."""
    found = read_baseline(ROOT / "eval" / f"{name}.json")
    data = (ROOT / "eval" / "gold" / gold).read_bytes()
    assert found.gold == "sha256:" + hashlib.sha256(data).hexdigest()
    assert found.scores.keys() == {json.loads(line)["id"] for line in data.splitlines() if line}
    assert found.guarded.keys() == GUARDED.keys()
    assert found.guarded["quotes_stand"].floor == found.guarded["sentences_supported"].floor == 1.0
