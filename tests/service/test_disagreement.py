"""Two sources, one thing, two values: both are shown and named; whatever tells the values apart raises no alarm."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from indexer.build import build
from indexer.document import Document, Metadata
from indexer.retrieval import Library
from indexer.store import load
from service.answer import SavedAnswer
from service.disagreement import disagreeing, source_names
from service.evidence import Evidence
from service.language_model import ScriptedModel
from service.pipeline import Pipeline
from service.question import understand
from service.replay import Saved, replay
from service.units import Unit
from service.verify import recheck

VISITORS = "2023年松岭县接待游客多少人次？"
BUREAU = Metadata(
    "松岭县2023年统计公报", issuer="松岭县统计局", region="松岭县", published="2024-01-15", period="2023年"
)
TOURISM = Metadata("松岭县旅游工作总结", issuer="松岭县文旅局", region="松岭县", published="2024-03", period="2023年")
ELSEWHERE = Metadata("柳坡县旅游工作总结", issuer="柳坡县文旅局", region="柳坡县", published="2024-03", period="2023年")
EARLIER = Metadata("松岭县旅游工作总结", issuer="松岭县文旅局", region="松岭县", published="2023-03", period="2022年")


def piece(document: Document, score: float = 0.5) -> Evidence:
    """The first line of a document as evidence."""
    unit = Unit(document.doc_id, 0, document.text.index("\n"))
    return Evidence((unit,), score, frozenset(), 1.0, True)


def document(name: str, text: str, metadata: Metadata) -> Document:
    return Document(name, f"{name}.md", f"{text}\n全县新修道路86公里。\n", "0" * 64, metadata)


def disagree(question: str, one: str, other: str, *, first: Metadata = BUREAU, second: Metadata = TOURISM) -> bool:
    documents = [document("a", one, first), document("b", other, second)]
    found = disagreeing(understand(question), [piece(each) for each in documents], Library(documents, []))
    assert found in ([], [piece(documents[1])])
    return bool(found)


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        (VISITORS, "2023年全县接待游客46.2万人次，比上年增长8%。", "2023年，全县接待游客51.8万人次，收入3.4亿元。"),
        (VISITORS, "2023年全县接待游客46.2万人次。", "全年累计接待游客51.8万人次。"),
        (VISITORS, "2023年全县接待游客四十六万二千人次。", "2023年全县接待游客51.8万人次。"),
        (VISITORS, "2023年全县接待游客超过60万人次。", "2023年全县接待游客51.8万人次。"),
        (VISITORS, "2023年全县接待游客约46万人次。", "2023年全县接待游客51.8万人次。"),
        ("松岭县有多少个助餐点？", "全县建成助餐点179个。", "全县建成助餐点186个，比上年增加9个。"),
        ("松岭县有多少个助餐点？", "全县助餐点179个。", "全县助餐点增加到186个。"),
        ("松岭县有多少个助餐点？", "比上年增加9个，全县助餐点达到179个。", "全县助餐点186个。"),
        ("松岭县新增助餐点多少个？", "全县新增助餐点74个。", "全县新增助餐点62个。"),
        ("松岭县客运站总投资多少？", "县客运站总投资6000万元，2023年5月开工。", "县客运站总投资7200万元。"),
        ("松岭县有多少家民宿？", "全县登记民宿120家。", "县城景区实际登记民宿97家。"),
        ("松岭县森林覆盖率是多少？", "全县森林覆盖率为61.5%。", "全县森林覆盖率达到百分之五十八。"),
        ("松岭县客运站什么时候开工？", "县客运站于2023年5月8日开工。", "县客运站于2023年6月20日开工。"),
    ],
)
def test_two_values_of_one_thing_pass_for_one(question: str, one: str, other: str) -> None:
    assert disagree(question, one, other)
    assert disagree(question, other, one, first=TOURISM, second=BUREAU)


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        pytest.param(VISITORS, "2023年全县接待游客46.2万人次。", other, id=other)
        for other in (
            "2023年全县接待游客462000人次。",
            "2023年全县接待游客四十六万二千人次。",
            "2023年全县接待游客46万人次。",
            "2023年全县接待游客46万余人次。",
            "2023年全县接待游客超过46万人次。",
            "2023年全县接待游客不足50万人次。",
            "2023年全县接待游客约45万人次。",
            "2023年全县接待游客40万至50万人次。",
            "2022年全县接待游客51.8万人次。",
            "2023年上半年全县接待游客21.8万人次。",
            "2023年5月，全县接待游客4.8万人次。",
            "2023年全县接待过夜游客21.8万人次。",
            "2023年全县接待入境游客1.8万人次。",
            "2023年全县接待住院病人51.8万人次。",
            "2023年全县运送旅客51.8万人次。",
            "2023年全县计划接待游客60万人次。",
            "2023年，柳坡县接待游客51.8万人次，松岭县游客更多。",
            "2023年全县接待游客最初公布为46.2万人次，经核实修订为51.8万人次。",
            "2023年全县接待游客的车辆51.8万辆次。",
            "2023年全县接待游客人数再创新高。",
        )
    ]
    + [
        ("松岭县客运站总投资多少？", "县客运站总投资6000万元。", "县客运站总投资0.6亿元。"),
        ("松岭县客运站总投资多少？", "县客运站总投资6000万元。", "县体育馆总投资7200万元。"),
        ("松岭县客运站什么时候开工？", "县客运站于2023年5月8日开工。", "县客运站于二〇二三年五月开工。"),
        ("松岭县客运站什么时候开工？", "县客运站于2023年5月8日开工。", "县客运站于2024年6月20日竣工。"),
        ("松岭县有多少家企业？", "全县企业1200家。", "全县民营企业860家。"),
        ("松岭县有多少个助餐点？", "全县建成助餐点179个。", "全县新增助餐点74个。"),
        ("松岭县有多少个助餐点？", "全县建成助餐点179个。", "今年全县助餐点净增加了74个，其中乡镇24个。"),
        ("松岭县有多少家民宿？", "全县民宿120家。", "全县民宿减少9家。"),
    ],
)
def test_values_that_something_tells_apart_raise_an_alarm(question: str, one: str, other: str) -> None:
    assert not disagree(question, one, other)
    assert not disagree(question, other, one, first=TOURISM, second=BUREAU)


@pytest.mark.parametrize("second", [ELSEWHERE, EARLIER])
def test_place_or_year_of_a_document_does_not_hold_for_its_figures(second: Metadata) -> None:
    one, other = "全县接待游客46.2万人次。", "全县接待游客51.8万人次。"
    assert disagree("松岭县接待游客多少人次？", one, other)
    assert not disagree("松岭县接待游客多少人次？", one, other, second=second)


def test_other_place_speaks_of_the_place_and_is_passed_over() -> None:
    """What a province says of a county is about the county."""
    one, other = "松岭县接待游客46.2万人次。", "松岭县接待游客51.8万人次。"
    assert disagree(VISITORS, one, other, second=ELSEWHERE)
    above = Metadata("云江省各县游客一览（松岭县等）", issuer="云江省统计局", region="云江省", period="2023年")
    assert disagree(VISITORS, "全县接待游客46.2万人次。", "全县接待游客51.8万人次。", second=above)


def test_question_for_no_figure_raises_an_alarm() -> None:
    one, other = "2023年全县接待游客46.2万人次。", "2023年全县接待游客51.8万人次。"
    assert not disagree("松岭县由谁接待游客？", one, other)
    assert not disagree("松岭县接待游客有哪些办法？", one, other)


def test_same_document_contradicts_itself_or_comes_twice() -> None:
    one = document("a", "2023年全县接待游客46.2万人次。", BUREAU)
    other = document("b", "2023年全县接待游客51.8万人次。", TOURISM)
    library, question = Library([one, other], []), understand(VISITORS)
    assert disagreeing(question, [piece(one), piece(one), piece(other), piece(other)], library) == [piece(other)]
    assert disagreeing(question, [piece(one), piece(one)], library) == []
    assert disagreeing(question, [], library) == []


def test_evidence_far_behind_the_best_raises_an_alarm() -> None:
    one = document("a", "2023年全县接待游客46.2万人次。", BUREAU)
    other = document("b", "2023年全县接待游客51.8万人次。", TOURISM)
    library, question = Library([one, other], []), understand(VISITORS)
    assert disagreeing(question, [piece(one, 0.5), piece(other, 0.01)], library)
    assert not disagreeing(question, [piece(one, 0.5), piece(other, 0.009)], library)


def test_source_without_issuer_or_with_part_of_a_date_is_named_wrong() -> None:
    documents = [
        document("a", "甲。", BUREAU),
        document("b", "乙。", TOURISM),
        document("c", "丙。", Metadata("渔村旧事", published="约1990")),
        document("d", "丁。", Metadata("渔村新事")),
    ]
    assert (
        source_names(documents)
        == "松岭县统计局（2024年1月15日）；松岭县文旅局（2024年3月）；《渔村旧事》（约1990）；《渔村新事》"
    )


# --- from documents to people ----------------------------------------------------------------------------------------

NOTICE = "以下来源的说法不一致，请核对：松岭县统计局（2024年1月15日）；松岭县文旅局（2024年3月2日）。其中发布较新的是松岭县文旅局。"
SAID = "2023年全县接待游客46.2万人次，比上年增长8%。"
SAID_TOO = "2023年，全县接待游客51.8万人次，旅游收入3.4亿元。"


def page(title: str, issuer: str, published: str, first: str, other: str) -> str:
    head = f'title: "{title}"\nissuer: "{issuer}"\nregion: "松岭县"\npublished: "{published}"\nperiod: "2023年"'
    return f"---\n{head}\n---\n\n# {title}\n\n## 一、旅游\n\n{first}\n\n## 二、其他\n\n{other}\n"


@pytest.fixture(scope="module")
def disputed_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disputed")
    (folder / "corpus").mkdir()
    pages = {
        "bureau": page(
            "松岭县2023年统计公报", "松岭县统计局", "2024-01-15", SAID, "新修乡村道路86公里，改造危桥12座。"
        ),
        "tourism": page("松岭县旅游工作总结", "松岭县文旅局", "2024-03-02", SAID_TOO, "举办采茶节、灯会17场。"),
    }
    for name, text in pages.items():
        (folder / "corpus" / f"{name}.md").write_text(text, encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def disputed(disputed_index: Path) -> Pipeline:
    return Pipeline.open(disputed_index)


@pytest.fixture(scope="module")
def readers(disputed: Pipeline, client_over: Callable[..., AbstractContextManager[TestClient]]) -> Iterator[TestClient]:
    with client_over(lambda: disputed) as client:
        yield client


@pytest.fixture(scope="module")
def row(readers: TestClient) -> dict[str, Any]:
    return readers.post("/api/ask", json={"question": VISITORS}).json()  # type: ignore[no-any-return]


def test_one_of_two_sources_is_left_out_or_not_named(row: dict[str, Any]) -> None:
    assert (row["status"], row["notice"], row["dropped"]) == ("answered", NOTICE, 0)
    first, *lines = row["answer"].split("\n")
    assert first == NOTICE
    assert {SAID, SAID_TOO} <= {line.partition("[")[0] for line in lines}
    assert {(citation["doc_id"], citation["published"]) for citation in row["citations"]} == {
        ("bureau.md", "2024-01-15"),
        ("tourism.md", "2024-03-02"),
    }


def test_language_model_may_take_a_side(disputed: Pipeline, disputed_index: Path) -> None:
    taking_a_side = ScriptedModel("2023年全县接待游客46.2万人次[1]。")
    answer = Pipeline.over(load(disputed_index), taking_a_side).ask(VISITORS)
    assert answer.text == disputed.ask(VISITORS).text
    assert answer.notice == NOTICE


def test_alarm_is_raised_for_what_one_source_says(readers: TestClient) -> None:
    answer = readers.post("/api/ask", json={"question": "松岭县新修乡村道路多少公里？"}).json()
    assert (answer["status"], answer["notice"]) == ("answered", None)
    assert answer["answer"].startswith("新修乡村道路86公里")


def test_answer_with_a_notice_does_not_verify_or_its_notice_can_be_altered(
    row: dict[str, Any], readers: TestClient, disputed: Pipeline
) -> None:
    assert not [check for check in recheck(SavedAnswer.from_json(row), disputed.library) if check.problem]
    assert readers.post("/api/citations/verify", json=row).json()["holds"] is True
    altered = row | {"answer": row["answer"].replace("松岭县统计局", "松岭县政府")}
    assert [check.kind for check in recheck(SavedAnswer.from_json(altered), disputed.library) if check.problem] == [
        "answer"
    ]


def test_replay_gives_other_bytes(row: dict[str, Any], disputed: Pipeline) -> None:
    assert replay(Saved.from_json(row), disputed) == []


def test_annotations_point_beside_the_sentences(readers: TestClient) -> None:
    body = {"model": "zhengwen", "messages": [{"role": "user", "content": VISITORS}]}
    reply = readers.post("/v1/chat/completions", json=body).json()
    message = reply["choices"][0]["message"]
    assert reply["grounding"]["notice"] == NOTICE
    spans = [place["url_citation"] for place in message["annotations"]]
    shown = [message["content"][span["start_index"] : span["end_index"]] for span in spans]
    assert {text.partition("[")[0] for text in shown} == {s["text"] for s in reply["grounding"]["sentences"]}
    assert all(text.endswith("]") for text in shown)
    wide = message["content"].encode("utf-16-le")
    assert shown == [wide[2 * s["start_index_utf16"] : 2 * s["end_index_utf16"]].decode("utf-16-le") for s in spans]


def test_notice_is_missing_from_the_stream(readers: TestClient) -> None:
    reply = readers.post("/api/ask", json={"question": VISITORS, "stream": True}).text
    texts = [json.loads(line[6:]) for line in reply.split("\n") if line.startswith("data: ")]
    sentences = [data["text"] for data in texts[1:-1]]
    assert sentences[0].startswith(NOTICE + "\n")
    assert "".join(sentences) == texts[-1]["answer"]
