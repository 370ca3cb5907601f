"""Official documents: their parts, and what they say of themselves with the span that says so."""

import json
from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.dates import days_after, last_day_of, read_date
from indexer.document import Metadata, MetadataSource
from indexer.errors import InputError
from indexer.official import given_metadata, level_of, metadata_of, parts, place_of

NOTICE = """\
北屿市人民政府文件
屿政发〔2023〕12号
北屿市人民政府关于印发《北屿市海堤管护办法》的通知
各县（市、区）人民政府，市政府各部门：
现将《北屿市海堤管护办法》印发给你们，请认真贯彻执行。
附件：北屿市海堤管护办法
北屿市人民政府
2023年5月6日
北屿市海堤管护办法
第一条 为了加强海堤管护，根据《北屿市防汛条例》，制定本办法。
第二条 巡查证有效期3年。
第三条 本办法自2023年7月1日起施行，有效期5年。《北屿市海堤维护暂行规定》（屿政发〔2015〕8号）同时废止。
北屿市人民政府办公室 2023年5月8日印发"""


def test_part_of_an_official_document_is_lost_or_taken_for_another() -> None:
    found = [(part.kind, NOTICE[part.start : part.end].split("\n")[0]) for part in parts(NOTICE)]
    assert found == [
        ("number", "屿政发〔2023〕12号"),
        ("title", "北屿市人民政府关于印发《北屿市海堤管护办法》的通知"),
        ("addressee", "各县（市、区）人民政府，市政府各部门："),
        ("body", "现将《北屿市海堤管护办法》印发给你们，请认真贯彻执行。"),
        ("attachments", "附件：北屿市海堤管护办法"),
        ("signature", "北屿市人民政府"),
        ("date", "2023年5月6日"),
        ("imprint", "北屿市人民政府办公室 2023年5月8日印发"),
    ]


def test_fact_is_not_read_or_has_a_span_that_does_not_say_it() -> None:
    m = metadata_of(NOTICE, Metadata())
    assert (m.number, m.issuer, m.region, m.level) == ("屿政发〔2023〕12号", "北屿市人民政府", "北屿市", "市级")
    assert (m.signed, m.published, m.effective, m.expires) == ("2023-05-06", "2023-05-08", "2023-07-01", "2028-06-30")
    assert (m.kind, m.subject, m.amends) == ("通知", "北屿市海堤管护办法", ())
    assert m.repeals == ("《北屿市海堤维护暂行规定》（屿政发〔2015〕8号）",)
    said = {source.field: NOTICE[source.start : source.end] for source in m.sources}
    assert said["signed"] == "2023年5月6日"
    assert said["effective"] == "自2023年7月1日起施行"
    assert said["expires"] == "有效期5年"
    assert said["repeals"] == "《北屿市海堤维护暂行规定》（屿政发〔2015〕8号）"
    assert said["level"] == "北屿市人民政府"


def test_what_is_given_loses_against_the_text() -> None:
    m = metadata_of(NOTICE, Metadata(issuer="北屿市水利局", effective="2023-08-01", repeals=("《甲办法》",)))
    assert (m.issuer, m.effective, m.repeals) == ("北屿市水利局", "2023-08-01", ("《甲办法》",))
    assert not {"issuer", "effective", "repeals", "region", "level"} & {source.field for source in m.sources}


def test_page_of_another_kind_is_given_metadata() -> None:
    page = "渔港见闻\n记者从港务局获悉，《渔港管理办法》自2024年1月1日起施行，《旧办法》同时废止。"
    assert metadata_of(page, Metadata()) == Metadata()
    assert parts(page) == ()


LAW = "第一条 甲。\n第二条 乙。\n第三条 {}"


@pytest.mark.parametrize(
    ("sentence", "effective", "expires", "repeals"),
    [
        ("本条例自2024年3月1日起施行。", "2024-03-01", "", ()),
        ("本条例自二〇二四年三月一日起施行。", "2024-03-01", "", ()),
        ("本办法自2024年3月1日起施行，有效期至2026年12月31日。", "2024-03-01", "2026-12-31", ()),
        ("本办法自2024年3月1日起试行；试行期2年。", "2024-03-01", "2026-02-28", ()),
        ("许可证自2024年3月1日起有效期5年。", "", "", ()),
        ("本办法自公布之日起施行。", "", "", ()),
        ("2010年5月1日起施行的《茶园登记办法》同时废止。", "", "", ("《茶园登记办法》",)),
        ("自2010年5月1日起施行的《茶园登记办法》同时废止。", "", "", ("《茶园登记办法》",)),
        (
            "《茶园登记办法》和《茶树保护办法》自本条例施行之日起废止。",
            "",
            "",
            ("《茶园登记办法》", "《茶树保护办法》"),
        ),
        ("《茶园登记办法》第三条同时废止。", "", "", ()),
        ("根据《茶园登记办法》，《茶树保护办法》同时废止。", "", "", ("《茶树保护办法》",)),
        ("《茶园登记办法》尚未废止。", "", "", ()),
        ("屿政发〔2011〕3号文件同时废止。", "", "", ("屿政发〔2011〕3号",)),
    ],
)
def test_sentence_about_time_is_misread(sentence: str, effective: str, expires: str, repeals: tuple[str, ...]) -> None:
    m = metadata_of(LAW.format(sentence), Metadata())
    assert (m.effective, m.expires, m.repeals) == (effective, expires, repeals)


def test_day_of_publication_is_not_counted_from() -> None:
    text = "（2023年5月6日北屿市人民政府令第12号公布）\n" + LAW.format("本办法自公布之日起30日后施行。")
    m = metadata_of(text, Metadata())
    assert (m.published, m.effective) == ("2023-05-06", "2023-06-05")


def test_decision_to_amend_or_repeal_does_not_name_what_it_changes() -> None:
    amending = "屿政发〔2024〕2号\n北屿市人民政府关于修改《北屿市海堤管护办法》的决定\n一、第四条修改为：“罚款八百元。”"
    assert metadata_of(amending, Metadata()).amends == ("《北屿市海堤管护办法》",)
    repealing = "屿政发〔2024〕3号\n北屿市人民政府关于废止部分文件的决定\n决定废止下列文件：\n1.《海塘养护办法》（屿政发〔2001〕5号）\n2.《渔火管理规定》"
    assert metadata_of(repealing, Metadata()).repeals == ("《海塘养护办法》（屿政发〔2001〕5号）", "《渔火管理规定》")


@pytest.mark.parametrize(
    ("issuer", "region", "level"),
    [
        ("国务院办公厅", "全国", "国家级"),
        ("财政部", "全国", "国家级"),
        ("江苏省发展和改革委员会", "江苏省", "省级"),
        ("北京市人民政府", "北京市", "省级"),
        ("广西壮族自治区人民政府", "广西壮族自治区", "省级"),
        ("北屿市水利局", "北屿市", "市级"),
        ("北京市海淀区人民政府", "北京市海淀区", "县级"),
        ("白鹭县农业局", "白鹭县", "县级"),
        ("枫桥镇人民政府", "枫桥镇", "乡级"),
        ("苏州太湖书院", "", ""),
    ],
)
def test_level_or_region_of_an_issuer_is_another(issuer: str, region: str, level: str) -> None:
    assert place_of(issuer) == (region, level)
    assert level_of(Metadata(issuer=issuer)) == level


def test_front_matter_of_any_shape_is_taken() -> None:
    assert given_metadata({"authors": "甲", "repeals": ["《乙》", "《丙》"]}, "a.md").repeals == ("《乙》", "《丙》")
    for values, said in (
        ({"sources": "x"}, "unknown keys"),
        ({"effective": ["x"]}, "plain text"),
        (["x"], "not a list"),
    ):
        with pytest.raises(InputError, match=said):
            given_metadata(values, "a.md")


def test_metadata_changes_on_its_way_through_json() -> None:
    m = metadata_of(NOTICE, Metadata(authors=("甲",)))
    assert Metadata.from_json(json.loads(json.dumps(asdict(m)))) == m


@given(
    st.text(
        alphabet="第一二三条款项（）《》自起施行废止有效期年月日2023〔〕号\n，。；：各市人民政府关于通知", max_size=120
    )
)
def test_text_breaks_the_rules_or_gets_a_span_outside_it(text: str) -> None:
    m = metadata_of(text, Metadata())
    names = {field.name for field in fields(Metadata)}
    assert all(source.field in names and 0 <= source.start < source.end <= len(text) for source in m.sources)
    assert all(getattr(m, source.field) for source in m.sources)
    assert all(0 <= part.start < part.end <= len(text) for part in parts(text))


def test_hostile_line_is_read_for_ever() -> None:
    for line in ("局部委办" * 11 + "x", "《〈" * 5000, "一" * 5000, "自2023年" + " " * 5000 + "5月6日起施行"):
        text = f"屿政发〔2023〕1号\n关于甲事的通知\n各局：\n正文。\n{line}\n2023年5月6日\n第一条 甲。\n第二条 乙。\n第三条 {line}同时废止。"
        assert metadata_of(text, Metadata()).number == "屿政发〔2023〕1号"


def test_date_is_read_or_counted_wrongly() -> None:
    assert read_date("2023年 5月6日") == read_date("二○二三年五月六日") == read_date("2023-05-06") == "2023-05-06"
    assert read_date("2023年2月30日") == ""
    assert last_day_of("2024-02-29", years=1) == "2025-02-27"
    assert last_day_of("2023-12-31", months=2) == "2024-02-28"
    assert days_after("2023-12-31", 1) == "2024-01-01"
    assert MetadataSource("a", 0, 1).end == 1
