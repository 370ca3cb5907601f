"""The embedder's pairs and its contrastive training."""

import random
from pathlib import Path

import numpy as np
import torch

from indexer.embedder import SentenceTransformerEmbedder
from training.config import Embed
from training.data import Article, TextPair
from training.embedder import contrastive_loss, train_table, trained_copy
from training.pairs import headlines, leads, statutes
from training.static import fit_static_embedder

LAW = Article(
    "云江市公园条例",
    "第一章　总则\n第一条 为了管理公园，制定本条例。\n第二章　开放\n第二条 公园免费开放。夜间照明到二十二点。任何人不得收费。\n"
    "第三条 违反本条例的，由市园林局责令改正，并可处以五百元以下的罚款。",
)


def test_statutes_pair_an_article_with_its_chapter_or_with_one_of_its_sentences() -> None:
    made = [pair for seed in range(60) for pair in statutes([LAW], random.Random(seed))]
    chapter = TextPair("云江市公园条例 开放", "违反本条例的，由市园林局责令改正，并可处以五百元以下的罚款。")
    assert chapter in made
    sentence = TextPair("夜间照明到二十二点。", "公园免费开放。任何人不得收费。")
    assert sentence in made
    assert all("第二章" not in pair.b for pair in made)


def test_headlines_and_leads_go_with_what_follows() -> None:
    body = "海洋公园六月开放。门票全免。夜间照明到二十二点。市民可以乘坐八路车前往，也可以步行。" * 2
    assert list(headlines([Article("公园开放", body), Article("", body)])) == [TextPair("公园开放", body)]
    (pair,) = leads([Article("", body)])
    assert pair.a + pair.b == body


def test_contrastive_loss_is_the_cross_entropy_of_the_partner_both_ways() -> None:
    a = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(1)), dim=-1)
    b = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(2)), dim=-1)
    similar = np.exp((a @ b.T).numpy() / 0.05)
    right = np.diag(similar)
    expected = -(np.log(right / similar.sum(axis=0)).mean() + np.log(right / similar.sum(axis=1)).mean()) / 2
    torch.testing.assert_close(contrastive_loss(a, b, 0.05).item(), float(expected), rtol=1e-4, atol=1e-4)


def test_training_brings_partners_together_and_the_saved_model_has_the_table(tmp_path: Path) -> None:
    texts = [
        f"第{i}号公园由第{j}施工队管理，灯塔高{i + j}米，图书馆藏书{i * j}万册" for i in range(9) for j in range(9)
    ]
    fit_static_embedder(texts, tmp_path / "fitted", dimensions=8, vocabulary=200)
    questions = {"灯塔多高": "西滩灯塔高四十六米", "谁施工": "由城建集团施工队管理", "藏书多少": "图书馆藏书一百万册"}
    pairs = {"toy": [TextPair(question, passage) for question, passage in questions.items()]}
    config = Embed(steps=60, rows=3, rate=5e-2)
    trained_copy(tmp_path / "fitted", tmp_path / "trained", pairs, config)

    def margin(folder: Path) -> float:
        embedder = SentenceTransformerEmbedder(str(folder))
        similar = (
            np.stack([embedder.embed_question(q) for q in questions])
            @ embedder.embed_passages(list(questions.values())).T
        )
        return float(np.trace(similar) / 3 - (similar.sum() - np.trace(similar)) / 6)

    assert margin(tmp_path / "trained") > margin(tmp_path / "fitted") + 0.1


def test_the_same_seed_gives_the_same_table() -> None:
    start = torch.randn(30, 4, generator=torch.Generator().manual_seed(3))
    rows = {"toy": [([i, i + 1], [i + 10, i + 11]) for i in range(1, 15)]}
    config = Embed(steps=5, rows=6)
    assert torch.equal(train_table(start, rows, config), train_table(start, rows, config))
    assert not torch.equal(train_table(start, rows, config), start)
