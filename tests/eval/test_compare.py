"""Two runs side by side: p and intervals against counting and scipy, and what may not be compared."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap
from typer.testing import CliRunner

from eval.cli import app
from eval.compare import compare, paired_difference
from eval.saved import Outcome, outcome, read_run
from indexer.errors import InputError

by_id = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.0, 0.25, 1 / 3, 1.0]), min_size=1)


@pytest.fixture
def runs(world, tmp_path: Path):
    """An earlier run that is right throughout, and a later one that is not."""
    questions = [world.answerable(i, forbid=("19座",)) for i in range(6)] + [world.unanswerable(i) for i in range(3)]
    early = {question.question: world.quoting for question in questions[:6]}
    late = {**early, "第1问": lambda text: world.quoting(text, "lake-2021.md"), "第4问": world.refusal}
    late["无2问"] = world.quoting

    def saying(answers):
        return lambda text: answers.get(text, world.refusal)(text)

    first = world.save(tmp_path / "a", world.records(saying(early), questions))
    second = world.save(tmp_path / "b", world.records(saying(late), questions))
    return first, second


def test_p_is_not_the_share_of_all_exchanges():
    rng = np.random.default_rng(3)
    first, second = rng.choice([0.0, 0.5, 1.0], (2, 11), p=[0.3, 0.2, 0.5])
    second[:6] = 1.0
    differences = second - first
    signs = np.array(list(itertools.product((1, -1), repeat=11)))
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9)
    names = [f"q{i}" for i in range(11)]
    found = paired_difference("right", dict(zip(names, first, strict=True)), dict(zip(names, second, strict=True)))
    assert 0.01 < exact < 0.9
    assert found.p == pytest.approx(exact, abs=0.015)


def test_the_interval_is_not_the_paired_one_of_scipy():
    rng = np.random.default_rng(4)
    first = rng.random(80)
    second = np.clip(first + rng.normal(0.05, 0.2, 80), 0, 1)
    theirs = bootstrap(
        (first, second),
        lambda a, b, axis: np.mean(b - a, axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    names = [f"q{i:02}" for i in range(80)]
    found = paired_difference("right", dict(zip(names, first, strict=True)), dict(zip(names, second, strict=True)))
    assert (found.interval.low, found.interval.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)
    assert found.interval.low < found.difference < found.interval.high


@given(by_id, by_id)
def test_the_order_of_the_runs_changes_more_than_the_sign(first, second):
    there, back = paired_difference("right", first, second), paired_difference("right", second, first)
    if there is None:
        assert first.keys().isdisjoint(second)
        assert back is None
        return
    assert (there.difference, there.p) == pytest.approx((-back.difference, back.p))
    assert there.questions == len(first.keys() & second.keys())
    assert there.difference == pytest.approx(there.second - there.first)


def test_a_question_that_came_out_otherwise_is_not_listed_or_another_is(runs):
    found = compare(*map(read_run, runs))
    listed = {change.first.question.id: change.outcomes for change in found.changed}
    assert listed == {
        "a-1": (Outcome.RIGHT, Outcome.WRONG),
        "a-4": (Outcome.RIGHT, Outcome.REFUSED_WRONGLY),
        "u-2": (Outcome.REFUSED_RIGHTLY, Outcome.ANSWERED_WRONGLY),
    }
    back = compare(*map(read_run, reversed(runs)))
    assert [change.outcomes[::-1] for change in back.changed] == [change.outcomes for change in found.changed]


def test_means_of_answers_are_taken_over_different_questions(runs):
    measures = {item.measure: item for item in compare(*map(read_run, runs)).measures}
    right = measures["right"]
    assert (right.questions, right.first, right.second) == pytest.approx((9, 1.0, 6 / 9))
    assert not right.is_better
    # Only five questions are answered in both.
    assert measures["quotes_stand"].questions == 5
    refused = measures["answerable_refused"]
    assert (refused.difference, refused.is_better) == (pytest.approx(1 / 6), False)


@pytest.mark.parametrize("field", ["gold", "index", "models"])
def test_runs_on_something_else_are_compared_unasked(world, tmp_path: Path, field: str):
    records = world.records(world.quoting, [world.answerable(1)])
    other = {"models": {"reader": "other"}}.get(field, "sha256:other")
    paths = [world.save(tmp_path / "a", records), world.save(tmp_path / "b", records, **{field: other})]
    with pytest.raises(InputError, match=rf"differ in {field} .*--force"):
        compare(*map(read_run, paths))
    assert compare(*map(read_run, paths), force=True).differing == (field,)


def test_other_code_is_refused(world, tmp_path: Path):
    records = world.records(world.quoting, [world.answerable(1)])
    paths = [world.save(tmp_path / "a", records), world.save(tmp_path / "b", records, code={"eval": "sha256:new"})]
    assert compare(*map(read_run, paths)).differing == ("code",)


def test_force_compares_questions_whose_right_answer_has_changed(world, tmp_path: Path):
    before = [world.answerable(1), world.answerable(2), world.answerable(3)]
    after = [world.answerable(1), world.answerable(2, answers=(("27座",),)), world.answerable(4)]
    paths = [
        world.save(tmp_path / "a", world.records(world.quoting, before)),
        world.save(tmp_path / "b", world.records(world.quoting, after), gold="sha256:new"),
    ]
    found = compare(*map(read_run, paths), force=True)
    assert (found.questions, found.left_out) == (1, 4)
    with pytest.raises(InputError, match="no question in common"):
        compare(read_run(paths[0]), replace(read_run(paths[1]), records=()), force=True)


def test_every_outcome_is_told_apart(world):
    say = {"第1问": world.quoting, "第2问": world.refusal, "第3问": lambda text: 1 / 0, "无1问": world.quoting}
    questions = [world.answerable(i) for i in (1, 2, 3)] + [world.unanswerable(1), world.unanswerable(2)]
    questions.append(world.answerable(1, id="a-9", answers=(("99座",),)))
    found = world.records(lambda text: say.get(text, world.refusal)(text), questions)
    assert [outcome(record) for record in found] == [
        Outcome.RIGHT,
        Outcome.REFUSED_WRONGLY,
        Outcome.FAILED,
        Outcome.ANSWERED_WRONGLY,
        Outcome.REFUSED_RIGHTLY,
        Outcome.WRONG,
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("summary.json", None, "not through"),
        ("run.json", None, "holds no run"),
        ("run.json", "[]", "must be an object"),
        ("run.json", '{"index": "x"}', "another version"),
        ("summary.json", "{坏的", "cannot be read"),
        ("answers.jsonl", "", "mixes two runs"),
        ("answers.jsonl", "twice", "twice"),
    ],
)
def test_half_a_run_or_two_are_read(world, tmp_path: Path, name: str, text: str | None, message: str):
    folder = world.save(tmp_path / "a", world.records(world.quoting, [world.answerable(1), world.answerable(2)]))
    path = folder / name
    if text is None:
        path.unlink()
    elif text == "twice":
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text(lines[0] * 2, encoding="utf-8")
    else:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_run(folder)


def test_the_command_prints_something_else_than_the_json(runs):
    paths = [str(path) for path in runs]
    printed = CliRunner().invoke(app, ["eval", "compare", *paths], catch_exceptions=False)
    assert printed.exit_code == 0
    for word in ("9 questions in both", "-0.333", "a-4", "refused wrongly", "湖畔新区今年新建换电站26座"):
        assert word in printed.stdout
    row = json.loads(CliRunner().invoke(app, ["eval", "compare", *paths, "--json"]).stdout)
    assert row["measures"]["right"]["difference"] == -0.3333
    assert row["measures"]["right"]["interval"].keys() == {"low", "high"}
    assert [change["id"] for change in row["changed"]] == ["a-1", "a-4", "u-2"]
    assert row["changed"][1]["second"]["outcome"] == "refused wrongly"
    same = CliRunner().invoke(app, ["eval", "compare", paths[0], paths[0]]).stdout
    assert "no question came out otherwise" in same


def test_a_markup_like_question_breaks_the_table(world, tmp_path: Path):
    odd = [world.answerable(1, id="[/x]", question="[red]第1问[/red]")]
    paths = [
        world.save(tmp_path / "a", world.records(world.quoting, odd)),
        world.save(tmp_path / "b", world.records(world.refusal, odd)),
    ]
    printed = CliRunner().invoke(app, ["eval", "compare", *map(str, paths)], catch_exceptions=False)
    assert "[red]第1问[/red]" in printed.stdout
