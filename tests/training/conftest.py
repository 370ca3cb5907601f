"""A tiny recipe: a vocabulary of a few invented sentences and a network of two narrow layers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from service.reader import Ids, PairEncoder, ReaderNetwork, ReaderShape
from training.tokenizer import rarity_levels, train_tokenizer

SENTENCES = (
    "云江市海洋公园于2025年6月1日向市民开放，门票全免。",
    "公园由云江城建集团施工，总投资2.8亿元，共有3个入口。",
    "青溪县推广Cloud平台，村民可以在线办理证件。",
    "西滩灯塔高46米，建于1958年，夜间照明到22点。",
    "图书馆新馆藏书120万册，周一闭馆。",
    "一、总体目标\n二、保障措施",
)


@dataclass(frozen=True)
class Tiny:
    """Tokenizer, rarity levels and shape of a network that trains in moments."""

    tokenizer: Tokenizer
    rarity: Ids
    shape: ReaderShape

    def encoder(self) -> PairEncoder:
        return PairEncoder(self.tokenizer, self.rarity, self.shape)

    def network(self, seed: int = 0) -> ReaderNetwork:
        torch.manual_seed(seed)
        return ReaderNetwork(self.shape)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small only wait for each other on several threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    tokenizer = train_tokenizer(SENTENCES * 3, 400)
    rows = [tokenizer.encode(text).ids for text in SENTENCES]
    rarity = rarity_levels(rows, 400)
    assert rarity.dtype == np.int64
    return Tiny(tokenizer, rarity, ReaderShape(400, layers=2, width=32, heads=2, intermediate=32, max_tokens=96))
