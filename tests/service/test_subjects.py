"""What a source says of one is not said of another that it names too; and nobody is accused who says it of the right one."""

import pytest

from service.facts import readable
from service.subjects import swapped

FUNDS = "补助资金由市水务局负责项目审核，市财政局负责资金拨付，市审计局依法进行审计监督。"
LINES = (
    "1号线和2号线的主要差别在于：1号线连接东西两个老城片区，以地下线为主；"
    "2号线连接高铁站和北部新城，以高架线为主，全长31.7公里。"
)
COUNTIES = "松岭县新建充电站，年内投入使用；白水县改造供水管网，并安装智能水表。"
PHASES = "一期工程占地四十五亩，由河道管理处代建；二期工程占地九十亩，由城投公司代建。两期工程均在年底前完工。"


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("市财政局负责项目审核。", FUNDS),
        ("市水务局负责资金拨付。", FUNDS),
        ("项目审核由审计局负责。", FUNDS),
        ("轨道交通1号线全长31.7公里。", LINES),
        ("一号线连接高铁站和北部新城，全长31.7公里。", LINES),
        ("白水县新建充电站。", COUNTIES),
        ("松岭县安装智能水表。", COUNTIES),
        ("二期工程由河道管理处代建。", PHASES),
    ],
)
def test_statement_about_another_subject_passes(sentence: str, source: str) -> None:
    assert swapped(readable(sentence), readable(source)) is not None


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("市水务局负责项目审核，市财政局负责资金拨付。", FUNDS),
        ("资金拨付由财政局负责，项目审核由水务局负责。", FUNDS),
        ("市审计局依法审计监督补助资金。", FUNDS),
        ("2号线全长31.7公里，以高架线为主。", LINES),
        ("1号线和2号线的差别在于线路不同。", LINES),
        ("白水县安装智能水表。", COUNTIES),
        ("充电站由松岭县新建，年内投入使用。", COUNTIES),
        ("一期工程在年底前完工。", PHASES),  # said of both
        ("南溪县新建充电站。", COUNTIES),  # a name that the source lacks is the matter of another check
        ("市财政局优化产业布局。", "市水务局优化产业布局，市财政局优化产业布局。"),
        ("第二条规定了补助对象。", "第二条规定补助对象。第三条规定补助标准。"),
        ("改造共分三期。", "改造分三期，其中一期改造管网。"),
    ],
)
def test_statement_about_its_own_subject_is_dropped(sentence: str, source: str) -> None:
    assert swapped(readable(sentence), readable(source)) is None
