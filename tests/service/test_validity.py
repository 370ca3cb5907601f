"""Validity and clauses in answers: what is in force comes first, what is not is told, a clause is found by its address."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from indexer.build import build
from indexer.document import Document, Metadata
from indexer.scope import Scope
from service.answer import Citation, SavedAnswer
from service.pipeline import Pipeline
from service.references import references
from service.replay import Saved, replay
from service.validity import resolved_dates
from service.verify import recheck

OLD = """北屿市海堤维护暂行规定
屿政发〔2015〕8号
第一条 为了维护海堤，制定本规定。
第二条 海堤每年巡查两次。
第三条 损坏海堤的，处二百元罚款。
第四条 本规定自2015年3月1日起施行。
北屿市人民政府
2015年2月1日
"""
NEW = """北屿市人民政府文件
屿政发〔2023〕12号
北屿市人民政府关于印发《北屿市海堤管护办法》的通知
各县（市、区）人民政府，市政府各部门：
现将《北屿市海堤管护办法》印发给你们，请认真贯彻执行。
北屿市人民政府
2023年5月6日
北屿市海堤管护办法
第一章 总则
第一条 为了加强海堤管护，制定本办法。
第二条 海堤分为一级海堤和二级海堤。
一级海堤由市水利局管护，二级海堤由所在地乡镇管护。
第二章 管护
第三条 海堤每年巡查四次。
第四条 损坏海堤的，处五百元罚款；情节严重的，依照本办法第六条处理。
违反前款规定拒不缴纳的，由公安机关处理。
第五条 管护单位应当履行下列职责：
（一）每日记录潮位；
（二）汛期前检修闸门；
（三）向市水利局报告险情。
第六条 情节严重的，吊销许可证，并依照《北屿市防汛条例》第二条处罚；依照《海塘法》第九条处罚的除外。
第七条 本办法自2023年7月1日起施行，有效期5年。《北屿市海堤维护暂行规定》（屿政发〔2015〕8号）同时废止。
"""
FLOODS = """北屿市防汛条例
（2018年9月29日北屿市人民代表大会常务委员会通过 2018年11月1日公布 自2019年1月1日起施行）
第一条 为了防汛，制定本条例。
第二条 妨碍防汛的，处一千元以上三千元以下罚款。
第三条 汛期为每年5月15日至9月30日。
第四条 本条例自2019年1月1日起施行。
"""
HARBOUR = """北屿市渔港管理条例
（2026年10月10日北屿市人民代表大会常务委员会公布）
第一条 为了加强渔港管理，制定本条例。
第二条 渔船进港应当提前一小时申报。
第三条 渔港夜间开放时间为十九时至次日五时。
第四条 本条例自2027年3月1日起施行。
"""
DAY = "2026-11-21"
PATROLS = "海堤每年巡查几次？"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "corpus").mkdir()
    for name, text in {"old": OLD, "new": NEW, "floods": FLOODS, "harbour": HARBOUR}.items():
        (folder / "corpus" / f"{name}.txt").write_text(text, encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def rules(index: Path) -> Pipeline:
    return Pipeline.open(index)


def on(day: str, *validity: str) -> Scope:
    return Scope(as_of=day, validity=validity)


def quotes(rules: Pipeline, question: str, scope: Scope) -> list[str]:
    return [citation.quote for citation in rules.ask(question, scope=scope).citations]


# --- validity --------------------------------------------------------------------------------------------------------


def test_repealed_rule_is_quoted_beside_the_valid_one(rules: Pipeline) -> None:
    answer = rules.ask(PATROLS, scope=on(DAY))
    assert [c.quote for c in answer.citations] == ["第三条 海堤每年巡查四次。"]
    assert ([c.validity for c in answer.citations], answer.notice) == (["in_force"], None)


def test_rule_of_then_is_not_found_on_a_day_of_then(rules: Pipeline) -> None:
    answer = rules.ask(PATROLS, scope=on("2018"))
    assert [(c.doc_id, c.validity) for c in answer.citations][:1] == [("old.txt", "in_force")]


def test_question_that_names_a_year_gets_the_rule_of_today(rules: Pipeline) -> None:
    answer = rules.ask("2019年海堤每年巡查几次？", scope=on(DAY))
    assert [(c.doc_id, c.validity) for c in answer.citations] == [("old.txt", "repealed")]
    assert answer.notice == (
        "请注意：《北屿市海堤维护暂行规定》已废止或失效（自2023年7月1日起，见《北屿市人民政府关于印发〈北屿市海堤管护办法〉的通知》）。"
    )
    assert answer.text.startswith(answer.notice)


def test_reader_is_not_told_that_a_rule_is_not_in_force_yet(rules: Pipeline) -> None:
    answer = rules.ask("渔港夜间开放时间是几点？", scope=on(DAY))
    assert answer.notice == "请注意：《北屿市渔港管理条例》尚未施行（自2027年3月1日起施行）。"
    assert [c.validity for c in answer.citations] == ["not_yet"]
    assert rules.ask("渔港夜间开放时间是几点？", scope=on("2027-03-01")).notice is None


def test_filter_by_validity_is_passed_over(rules: Pipeline) -> None:
    for value, doc_ids in (
        ("已废止", {"old.txt"}),
        ("in_force", {"new.txt", "floods.txt"}),
        ("not_yet", {"harbour.txt"}),
    ):
        found = rules.search("海堤巡查和渔港开放", 20, on(DAY, value))
        assert {hit.passage.doc_id for hit in found} <= doc_ids
        assert found


def test_without_a_day_anything_is_judged(rules: Pipeline) -> None:
    answer = rules.ask("渔港夜间开放时间是几点？")
    assert (answer.notice, [c.validity for c in answer.citations]) == (None, ["unknown"])
    assert "scope" not in answer.to_json()["receipt"]


def test_hidden_document_repeals_one_that_is_seen(rules: Pipeline) -> None:
    answer = rules.ask(PATROLS, scope=Scope(visible=("old.txt", "floods.txt"), as_of=DAY))
    assert [(c.doc_id, c.validity) for c in answer.citations] == [("old.txt", "in_force")]
    assert answer.notice is None


def test_replay_on_a_later_day_gives_other_bytes(rules: Pipeline) -> None:
    answer = rules.ask("渔港夜间开放时间是几点？", scope=on(DAY))
    row = json.loads(json.dumps(answer.to_json()))
    assert row["receipt"]["scope"] == {"as_of": DAY}
    assert replay(Saved.from_json(row), rules) == []
    later = {**row, "receipt": {**row["receipt"], "scope": {"as_of": "2027-03-01"}}}
    assert replay(Saved.from_json(later), rules), "the day makes no difference: the test proves nothing"


def test_answer_with_a_warning_does_not_verify(rules: Pipeline) -> None:
    row = json.loads(json.dumps(rules.ask("渔港夜间开放时间是几点？", scope=on(DAY)).to_json()))
    assert not [check for check in recheck(SavedAnswer.from_json(row), rules.library) if check.problem]


# --- clauses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "quoted", "section"),
    [
        ("北屿市海堤管护办法第二条第二款怎么规定的？", "一级海堤由市水利局管护，二级海堤由所在地乡镇管护。", "第二款"),
        ("《北屿市防汛条例》第三条规定了什么？", "第三条 汛期为每年5月15日至9月30日。", "第三条"),
        ("海堤管护办法第五条第二项是什么？", "（二）汛期前检修闸门；", "第（二）项"),
        ("第五条第（三）项是什么？", "（三）向市水利局报告险情。", "第（三）项"),
    ],
)
def test_clause_is_not_found_by_its_address(rules: Pipeline, question: str, quoted: str, section: str) -> None:
    answer = rules.ask(question, scope=on(DAY))
    assert [citation.quote for citation in answer.citations] == [quoted]
    assert answer.citations[0].section[-1] == section
    best = rules.search(question, 1, on(DAY))[0].passage
    assert best.start <= answer.citations[0].start < best.end


def test_whole_article_is_not_quoted(rules: Pipeline) -> None:
    found = quotes(rules, "海堤管护办法第四条规定了什么？", on(DAY))
    assert "".join(found).endswith("违反前款规定拒不缴纳的，由公安机关处理。")
    assert found[0].startswith("第四条 损坏海堤的")


def test_article_that_there_is_not_is_answered(rules: Pipeline) -> None:
    answer = rules.ask("海堤管护办法第九条规定了什么？", scope=on(DAY))
    assert answer.reason == "没有这一条文：《北屿市人民政府关于印发〈北屿市海堤管护办法〉的通知》没有第九条"
    assert not answer.citations


def test_article_that_no_document_has_is_answered_with_another(rules: Pipeline) -> None:
    answer = rules.ask("第二十条说了什么？", scope=on(DAY))
    assert (answer.reason, answer.citations) == ("没有这一条文：检索到的文件都没有第二十条", ())
    assert rules.ask("第五条第九项是什么？", scope=on(DAY)).reason == "没有这一条文：检索到的文件都没有第五条第（九）项"


def test_article_of_another_law_that_a_passage_names_is_said_to_be_missing(rules: Pipeline) -> None:
    assert not (rules.ask("依照第九条处罚的怎么办？", scope=on(DAY)).reason or "").startswith("没有这一条文")


def referred(rules: Pipeline, quote: str) -> list[str]:
    document = rules.library.document("new.txt")
    start = document.text.index(quote)
    found = references(Citation.of(1, document, start, start + len(quote), ()), rules.library)
    assert all(rules.library.document(r.doc_id).text[r.start : r.end].strip() for r in found)
    return [f"{r.doc_id} {r.label}" for r in found]


@pytest.mark.parametrize(
    ("quote", "labels"),
    [
        ("第四条 损坏海堤的，处五百元罚款；情节严重的，依照本办法第六条处理。", ["new.txt 第六条"]),
        ("违反前款规定拒不缴纳的，由公安机关处理。", ["new.txt 第四条第一款"]),
        ("并依照《北屿市防汛条例》第二条处罚", ["floods.txt 《北屿市防汛条例》第二条"]),
        ("依照《海塘法》第九条处罚的除外。", []),
        ("第三条 海堤每年巡查四次。", []),
    ],
)
def test_reference_leads_elsewhere(rules: Pipeline, quote: str, labels: list[str]) -> None:
    assert referred(rules, quote) == labels


def test_article_of_another_law_is_taken_for_one_of_this(rules: Pipeline) -> None:
    document = rules.library.document("new.txt")
    citation = Citation.of(1, document, 0, 5, ())
    for quote, count in (
        ("依照刑法第二条处罚", 0),
        ("依照本办法第二条、第三条处罚", 2),
        ("依照第二条至第五条处罚", 4),
        ("适用第二条第二款", 1),
        ("适用第九十九条", 0),
    ):
        assert len(references(replace(citation, quote=quote), rules.library)) == count, quote


# --- relative dates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "quote", "meant"),
    [
        ("2022-11-30", "今年新增泊位9个，去年为7个。", {"今年": "2022", "去年": "2021"}),
        ("2022-01", "上月开工，前年立项，明年完工。", {"上月": "2021-12", "前年": "2020", "明年": "2023"}),
        ("2022-01-01", "昨日，港务局发布公告。", {"昨日": "2021-12-31"}),
        ("2022-11", "近日，港务局发布公告。", {"近日": "2022-11"}),
        ("2022", "本月开工。", {}),
        ("2024-03-18", "请于本月28日前书面反馈。", {"本月28日": "2024-03-28"}),
        ("2024-01-08", "上月二十日停业，下月5日恢复。", {"上月二十日": "2023-12-20", "下月5日": "2024-02-05"}),
        ("2024-02-08", "本月30日前报送。", {}),
        ("2024-03-18", "请于3月15日前报送，五个工作日前、截止日前补正。", {}),
        ("2024-03-18", "日前，市水务局日前公布结果。", {"日前": "2024-03-18"}),
        ("2024-03-18", "三年前年底才开工，以后年度、今后年均增长，贴近日常监管。", {}),
        ("2024-03-18", "前年底开工，上年末完工。", {"前年": "2022", "上年": "2023"}),
        ("2024-03-18", "2021年5月立项，同年10月开工，次年3月完工。", {"同年": "2021", "次年": "2022"}),
        ("", "2021年立项，翌年开工。", {"翌年": "2022"}),
        ("2024-03-18", "去年9月开工，次年完工。", {"去年": "2023", "次年": "2024"}),
        ("2024-03-18", "应当于次年1月底前报告，同年级的学生除外。", {}),
        ("2024-03-18", "自2025年起，每年12月申报，次年1月拨付。", {}),
        ("2024-03-18", "每年1月底前报告上年度情况，每月5日前报送上月情况。", {}),
        ("2024-03-18", "每年安排100万元，今年增加20万元。本年度已拨付。", {"今年": "2024", "本年度": "2024"}),
        ("2024-03-18", "甲2020年立项，次年开工；乙2022年立项，次年开工。", {}),
        ("", "今年新增泊位9个。", {}),
    ],
)
def test_relative_date_means_another_day(published: str, quote: str, meant: dict[str, str]) -> None:
    document = Document("a.md", "a.md", quote, "0" * 64, Metadata(published=published))
    assert {one.text: one.date for one in resolved_dates(document, quote)} == meant


def test_year_of_the_sentence_before_the_quote_is_not_found_or_one_of_another_line() -> None:
    text = "甲线2021年3月立项。同年11月开工。\n乙线次年立项。\n每年申报。翌年拨付。翌年拨付。"
    document = Document("a.md", "a.md", text, "0" * 64, Metadata(published="2024-03-18"))
    assert [(one.text, one.date) for one in resolved_dates(document, "同年11月开工。")] == [("同年", "2021")]
    assert resolved_dates(document, "乙线次年立项。") == ()
    assert resolved_dates(document, "翌年拨付。") == ()


# --- the interfaces --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(rules: Pipeline, client_over: Callable[..., AbstractContextManager[TestClient]]) -> Iterator[TestClient]:
    with client_over(lambda: rules) as opened:
        yield opened


def test_interface_drops_the_day_or_the_metadata(client: TestClient, rules: Pipeline) -> None:
    body = {"question": PATROLS, "filters": {"as_of": "2018-05-01"}}
    row = client.post("/api/ask", json=body).json()
    assert row["receipt"]["scope"]["as_of"] == "2018-05-01"
    assert (row["citations"][0]["doc_id"], row["citations"][0]["validity"]) == ("old.txt", "in_force")
    found = client.get("/api/documents/old.txt").json()
    assert (found["number"], found["signed"], found["effective"]) == ("屿政发〔2015〕8号", "2015-02-01", "2015-03-01")
    assert found["validity"] == "repealed"
    said = {source["field"]: found["text"][source["start"] : source["end"]] for source in found["sources"]}
    assert said["effective"] == "自2015年3月1日起施行"


def test_dify_cannot_ask_for_a_day_or_a_status(client: TestClient) -> None:
    def found(*conditions: dict[str, Any]) -> set[str]:
        body = {
            "knowledge_id": "zhengwen",
            "query": "海堤巡查",
            "retrieval_setting": {"top_k": 10},
            "metadata_condition": {"conditions": list(conditions)},
        }
        reply = client.post("/retrieval", json=body)
        assert reply.status_code == 200, reply.text
        return {record["metadata"]["doc_id"] for record in reply.json()["records"]}

    day = {"name": "as_of", "comparison_operator": "=", "value": "2020-01-01"}
    assert found(day, {"name": "validity", "comparison_operator": "is", "value": "现行有效"}) == {
        "old.txt",
        "floods.txt",
    }
    assert found(day, {"name": "validity", "comparison_operator": "is not", "value": "in_force"}) <= {
        "new.txt",
        "harbour.txt",
    }
    assert found({"name": "effective", "comparison_operator": "before", "value": "2016"}) == {"old.txt"}
