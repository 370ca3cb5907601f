from pathlib import Path

import pytest

from eval.bench import rgb
from eval.bench.record import BenchQuestion, Reply
from eval.bench.run import ask_all, index_passages, sampled, summarise
from indexer.errors import InputError
from indexer.store import load
from service.pipeline import Pipeline

NOISE = {
    "id": 0,
    "query": "几座？",
    "answer": [["26座", "二十六座"], "湖畔"],
    "positive": [f"是{i}" for i in range(9)],
    "negative": [f"非{i}" for i in range(9)] + [" "],
}
INTEGRATION = NOISE | {"id": 1, "answer": ["1月", "2月"], "positive": [["甲0", "甲1", "甲2"], ["乙0"]]}
COUNTERFACTUAL = NOISE | {
    "id": 2,
    "answer": "70",
    "fakeanswer": "170",
    "positive": ["真0", "真1"],
    "positive_wrong": ["假0", "假1"],
}


def documents(path: Path, *noises: float, seed: int = 0) -> list[list[str]]:
    """The first characters of the documents of each question, sorted."""
    benchmark = rgb.read(path, noises, seed=seed)
    texts = {passage.doc_id: passage.text for passage in benchmark.passages}
    return [sorted(texts[doc_id][0] for doc_id in question.documents or ()) for question in benchmark.questions]


def test_a_share_of_noise_gives_another_number_of_documents(write_rows) -> None:
    found = documents(write_rows("zh.json", NOISE))
    assert found == [["是"] * (5 - noise) + ["非"] * noise for noise in range(6)]


@pytest.mark.parametrize(
    ("positive", "negative", "noise", "expected"),
    [
        (2, 9, 0.2, ["是"] * 2 + ["非"] * 3),  # noise takes the place of what is not there
        (9, 2, 0.8, ["是"] * 3 + ["非"] * 2),
        (9, 2, 1.0, ["非"] * 2),  # but never the other way round where nothing may answer
        (1, 1, 0.4, ["是", "非"]),
    ],
)
def test_too_few_documents_of_one_kind_break_or_let_an_answer_in(
    write_rows, positive: int, negative: int, noise: float, expected: list[str]
) -> None:
    row = NOISE | {"positive": NOISE["positive"][:positive], "negative": NOISE["negative"][:negative]}
    assert documents(write_rows("zh.json", row), noise) == [expected]


def test_a_fact_of_an_integration_question_gets_no_document(write_rows) -> None:
    path = write_rows("zh_int.json", INTEGRATION)
    # Of three texts on one fact and one on the other; 5, 4 and 3 positive ones are wanted.
    three, two = ["乙", "甲", "甲", "甲", "非"], ["乙", "甲", "甲", "非", "非"]
    assert documents(path) == [three, three, two]
    assert documents(path, 0.8) == [["乙", "甲", "非", "非", "非"]]


def test_a_counterfactual_question_sees_the_truth(write_rows) -> None:
    path = write_rows("zh_fact.json", COUNTERFACTUAL)
    assert documents(path) == [["假", "假"]]
    assert documents(path, 0.8) == [["假", "非", "非", "非", "非"]]


def test_the_seed_does_not_decide_what_is_drawn(write_rows) -> None:
    row = INTEGRATION | {"positive": [[f"甲{i}" for i in range(50)], [f"乙{i}" for i in range(50)]]}
    path = write_rows("zh_int.json", row)
    assert rgb.read(path, seed=1) == rgb.read(path, seed=1)
    assert rgb.read(path, seed=1) != rgb.read(path, seed=2)


@pytest.mark.parametrize("row", [INTEGRATION, COUNTERFACTUAL])
def test_nothing_but_noise_is_given_where_something_must_answer(write_rows, row: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"a\.json:1 .* give a --noise under 1"):
        rgb.read(write_rows("a.json", row), [1.0])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"query": ""}, "field 'query'"),
        ({"answer": []}, "field 'answer'"),
        ({"answer": [[]]}, "field 'answer'"),
        ({"answer": [3]}, r"field 'answer\[0\]'"),
        ({"positive": [3]}, r"field 'positive\[0\]'"),
        ({"negative": "非"}, "field 'negative'"),
        ({"positive": [], "negative": []}, "give no document"),
    ],
)
def test_a_bad_line_is_not_named(write_rows, change: dict[str, object], complaint: str) -> None:
    with pytest.raises(InputError, match=rf"a\.json:2 .*{complaint}"):
        rgb.read(write_rows("a.json", NOISE, NOISE | change))


def test_one_form_of_a_fact_must_not_do_for_all(answering, refusing) -> None:
    question = BenchQuestion("0", "几座？", facts=(("26座", "二十六座"), ("湖畔",)), group="noise 0.4")
    assert rgb.score(answering(question, "湖畔新区建成二十六座"), 10) == {"accuracy (noise 0.4)": 1}
    assert rgb.score(answering(question, "建成26座"), 10) == {"accuracy (noise 0.4)": 0}
    assert rgb.score(refusing(question), 10) == {"accuracy (noise 0.4)": 0}


def test_an_answer_from_noise_alone_counts_as_a_refusal(answering, refusing) -> None:
    question = BenchQuestion("0", "几座？", facts=(("26座",),), is_answerable=False, group="noise 1")
    assert rgb.score(refusing(question), 10) == {"rejection (noise 1)": 1}
    assert rgb.score(answering(question, "26座"), 10) == {"rejection (noise 1)": 0}
    assert rgb.score(Reply(question, error="boom"), 10) == {"rejection (noise 1)": 0}


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        ("共有170个", {"accuracy": 0, "error_detection": 0, "fake_avoided": 0}),  # 70 is not in 170
        ("共有70个", {"accuracy": 1, "error_detection": 0, "fake_avoided": 1}),
        (
            "各处说法不一，应为70个",
            {"accuracy": 1, "error_detection": 1, "error_correction": 1, "fake_avoided": 1},
        ),
        ("文件有误", {"accuracy": 0, "error_detection": 1, "error_correction": 0, "fake_avoided": 1}),
    ],
)
def test_the_planted_error_is_scored_wrongly(answering, said: str, scores: dict[str, float]) -> None:
    question = BenchQuestion("2", "几个？", facts=(("70",),), fakes=("170",), group="x")
    assert rgb.score(answering(question, said), 10) == {f"{name} (x)": value for name, value in scores.items()}


def test_a_refusal_of_a_planted_error_detects_nothing(refusing) -> None:
    question = BenchQuestion("2", "几个？", facts=(("70",),), fakes=("170",), group="x")
    expected = {"accuracy": 0, "error_detection": 1, "error_correction": 0, "fake_avoided": 1}
    assert rgb.score(refusing(question), 10) == {f"{name} (x)": value for name, value in expected.items()}
    failed = rgb.score(Reply(question, error="boom"), 10)
    assert failed == {f"{name} (x)": 0 for name in ("accuracy", "error_detection", "fake_avoided")}


def test_a_question_is_answered_from_the_documents_of_another(
    tmp_path: Path, write_rows, texts: dict[str, str]
) -> None:
    park, library, flood = texts["city/park.md"], texts["library.txt"], texts["flood.txt"]
    rows = [
        {
            "id": 0,
            "query": "东湾公园的总投资是多少？",
            "answer": ["2.8亿元"],
            "positive": [park],
            "negative": [library],
        },
        {"id": 1, "query": "借书卡一次可以借几册？", "answer": ["十二册"], "positive": [library], "negative": [flood]},
    ]
    benchmark = sampled(rgb.read(write_rows("zh.json", *rows), [0.0, 1.0]), None, 0)
    index_passages(benchmark.passages, tmp_path / "index", embedder="")
    stored = load(tmp_path / "index")
    pipeline = Pipeline.over(stored)
    replies = ask_all(benchmark, stored, pipeline, answers=True)
    names = {f"0000/{i:07d}.txt": passage.doc_id for i, passage in enumerate(benchmark.passages)}
    for question, reply in zip(benchmark.questions, replies, strict=True):
        assert reply.answer is not None
        assert {names[passage.doc_id] for passage in reply.answer.passages} <= question.documents
    result = summarise(benchmark, replies, rgb.score, 10, pipeline.receipt)
    means = {figure.measure: (figure.mean, figure.questions) for figure in result.figures}
    assert means["accuracy (noise 0)"] == (1, 2)
    assert means["rejection (noise 1)"][1] == 2
