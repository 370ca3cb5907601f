"""A small corpus of invented texts in the layouts that real files come in, an index built from it once a session, and applications."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from indexer.build import build
from indexer.embedder import SentenceTransformerEmbedder
from indexer.store import Stored, load
from service.http.app import create_app
from service.pipeline import Pipeline
from service.records.database import Database
from service.settings import Settings

PARK = """\
---
title: "云江市海洋公园建设方案（摘编）"
issuer: "云江市园林局"
authors: ["周明远", "何秋实"]
region: "云江"
published: "2023-05-16"
kind: "方案"
period: "2023—2025年"
---

# 云江市海洋公园建设方案

为了让市民亲近大海，云江市园林局编制本方案，报市政府同意后实施。

## 一、总体目标

到2025年底，建成海洋公园3座，新增绿地46.5公顷，年接待游客120万人次。公园全部免费开放，夜间照明到22点。

### （一）近期安排

2023年先行开工东湾公园，总投资2.8亿元，由云江城建集团负责施工。

### （二）远期安排

2025年完成西滩公园与灯塔公园，两园之间修建6公里的栈道。

## 二、保障措施

园林局每季度公布一次进度，工作内容包括：

- 核对工程量，防止虚报。
- 抽查苗木成活率，不得低于95%。
- 听取周边居民意见，并在15个工作日内答复。

| 公园 | 面积（公顷） | 投资（亿元） |
| --- | --- | --- |
| 东湾公园 | 18.2 | 2.8 |
| 西滩公园 | 15.3 | 2.1 |
| 灯塔公园 | 13.0 | 1.6 |
"""

FLOOD = (
    "一、防汛形势",
    "青石河全长86公里，流经四个乡镇。上游山区坡度大、汇流快，一场暴雨之后三个小时洪峰就会到达县城，留给群众转移的时间很短，"
    "因此必须把监测和预警放在第一位。",
    "去年汛期，全县共启动应急响应5次，转移群众4328人，没有出现人员伤亡。",
    "二、监测体系",
    "县水务站在青石河沿线布设雷达水位计32台、雨量站57处，数据每5分钟回传一次。值班员发现水位超过警戒线，应当在10分钟之内"
    "报告指挥部，并用广播、短信和铜锣三种方式通知沿岸村组。",
    "无人机编队由12架飞机组成，负责查看道路中断的村庄，把画面传回指挥大厅。每架飞机续航55分钟，可以携带2公斤药品。",
    "三、物资储备",
    "县级仓库储备编织袋30万条、救生衣6500件、橡皮艇48艘。乡镇仓库按照每千人不少于20件救生衣的标准配置，缺口由县财政补足。",
    "粮食部门另外准备面粉和饮用水，能够保证一万人三天的需要，每年四月检查并更换一次。",
    "四、责任分工",
    "县长任总指挥，水务站、气象台、交通队各派一名副手常驻指挥大厅。村支书是本村转移工作的第一责任人，必须逐户登记老人和儿童。",
)

LIBRARY_RULES = (
    "柳州路图书馆每天上午九点开门，晚上八点闭馆，星期一闭馆整理图书。读者凭身份证办理借书卡，办卡不收任何费用，"
    "遗失补办收取工本费十元。",
    "每张借书卡一次可以借阅图书十二册，借期四十天，到期之前能够续借一次，续借期为二十天。逾期未还的，每册每天收取"
    "两角钱，最多收到书价为止。",
    "自修室有座位三百六十个，通过手机小程序预约。预约之后三十分钟没有签到，系统自动放出座位；一个月内三次失约的读者，"
    "暂停预约七天。",
    "儿童阅览室在二楼，十岁以下儿童应当由家长陪同。每个周末下午举办故事会，由志愿者朗读绘本，名额二十五人，先到先得。",
    "古籍部收藏线装书一万八千册，只在馆内阅览。需要复制的，由工作人员拍照，每页收取一元，破损严重的书不予复制。",
)

HARBOUR = """\
智慧港口建设思路

北屿港务局

2024年3月



第一部分 港口现状

吞吐能力持续提升

2023年北屿港完成集装箱吞吐量318万标箱，同比增长7.4%，在全省沿海港口当中排名第三位。



第二部分 下一步打算

无人码头

计划在三号泊位试点无人驾驶集卡，首批投入24台，由调度中心统一指挥，夜间作业效率预计提高两成。

绿色航运

为靠港船舶提供岸电，年内改造泊位9个，**停靠船舶岸电使用率达到80%**，减少柴油消耗1.2万吨。

数据共享

建立货主、船公司和海关共用的数据平台，提单核验时间从两天缩短为四十分钟。
"""

BUSES = """\
公交线路调整一览

自9月1日起，下列线路调整首末班时间，票价不变，换乘优惠照旧执行。

线路\t起点\t终点\t首班\t末班
7路\t火车站\t北山植物园\t5:40\t22:10
16路\t南门市场\t体育中心\t6:00\t21:30
28路\t纺织学院\t渔人码头\t6:15\t20:50
103路\t机场东\t会展中心\t5:20\t23:00

咨询电话在工作日早八点到晚六点之间接听，其余时间请留言。
"""

NOTICE = """\
# 关于举办青年科普讲座的通知

## 讲座安排

讲座定于11月8日下午两点在市科技馆报告厅举行，由天文学者柳如风主讲“脉冲星与时间”，预计九十分钟。

## 报名办法

参加者在10月30日以前发送邮件报名，名额200人，满额为止。
"""


def _lines(paragraphs: tuple[str, ...], width: int) -> list[list[str]]:
    """Each paragraph cut every `width` characters, as printed pages are."""
    return [textwrap.wrap(paragraph, width, break_on_hyphens=False) for paragraph in paragraphs]


def marked(paragraphs: tuple[str, ...], width: int = 26) -> str:
    """A blank line under every printed line, a space where a paragraph ends: the text layer of a PDF."""
    return "\n\n".join("\n\n".join(lines) + " " for lines in _lines(paragraphs, width)) + "\n"


def wrapped(paragraphs: tuple[str, ...], width: int = 30) -> str:
    """One printed line a line, nothing else."""
    return "\n".join("\n".join(lines) for lines in _lines(paragraphs, width)) + "\n"


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """Path in the corpus → contents, one document for each kind of layout."""
    return {
        "city/park.md": PARK,
        "city/buses.txt": BUSES,
        "flood.txt": marked(FLOOD),
        "harbour.txt": HARBOUR,
        "library.txt": wrapped(LIBRARY_RULES),
        "notice.md": NOTICE,
    }


def write_corpus(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def corpus_folder(tmp_path: Path, texts: dict[str, str]) -> Path:
    """A fresh copy of the small corpus, to change at will."""
    return write_corpus(tmp_path / "corpus", texts)


@pytest.fixture(scope="session")
def index_folder(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> Path:
    """An index of the small corpus with the bundled embedder; to read, never to write."""
    folder = tmp_path_factory.mktemp("built")
    build(write_corpus(folder / "corpus", texts), folder / "index")
    return folder / "index"


@pytest.fixture(scope="session")
def stored(index_folder: Path) -> Stored:
    return load(index_folder)


@pytest.fixture(scope="session")
def embedder(stored: Stored) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(stored.embedder_location)


@pytest.fixture(scope="session")
def transformer_folder(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> Path:
    """A BERT of one tiny layer with a vocabulary of characters and prompts, saved as a SentenceTransformer of 16 dimensions."""
    import torch  # slow imports, only where a test asks for this
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    characters = sorted({char for text in texts.values() for char in text if not char.isspace()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "query", "passage", *characters]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"))
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    torch.manual_seed(0)
    BertModel(shape).save_pretrained(folder / "plain")
    tokenizer.save_pretrained(folder / "plain")
    module = Transformer(str(folder / "plain"))
    model = SentenceTransformer(
        modules=[module, Pooling(module.get_embedding_dimension())],
        prompts={"query": "query: ", "document": "passage: "},
        device="cpu",
    )
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.fixture(scope="session")
def app_over(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., FastAPI]:
    """`app_over(open_pipeline, **settings)`: an application with a database of its own."""

    def made(open_pipeline: Callable[[], Pipeline], **settings: Any) -> FastAPI:
        folder = tmp_path_factory.mktemp("state")
        chosen = Settings(**({"database": f"sqlite:///{folder / 'records.db'}"} | settings))
        return create_app(open_pipeline, chosen, Database.open(chosen.database))

    return made
