"""Names that the source lacks are found; words of report and other orders are not taken for names."""

import pytest

from indexer.text import fold
from service.new_names import missing_name

SOURCE = "天文学者柳如风与云江城建集团在枫桥镇、沙洲市发布《海洋公园方案》和MetaSea平台“轻舟”模型。"


@pytest.mark.parametrize(
    "sentence",
    [
        "天文学者柳如云发布方案",
        "天文学者林如风发布方案",
        "云江建工集团发布平台",
        "银河集团发布平台",
        "《海洋乐园方案》发布",
        "“扁舟”模型发布",
        "MetaLand平台发布",
        "在枫桥市发布",
        "在杭州发布",
    ],
)
def test_name_that_the_source_lacks_passes(sentence: str) -> None:
    assert missing_name(fold(sentence), fold(SOURCE)) is not None


@pytest.mark.parametrize(
    "sentence",
    [
        SOURCE,
        "据介绍，云江城建集团与天文学者柳如风发布了《海洋公园方案》。",
        "MetaSea 平台由云江城建集团发布",
        "“轻舟”模型的发布地点为枫桥镇和沙洲市",
        "上述方案已经公开",
        "",
    ],
)
def test_name_in_another_order_or_a_word_of_report_counts_as_new(sentence: str) -> None:
    assert missing_name(fold(sentence), fold(SOURCE)) is None
