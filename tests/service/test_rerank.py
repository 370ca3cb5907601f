"""A cross-encoder orders the evidence and changes nothing else; a real one of a few kilobytes, trained here on a simple rule."""

import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from indexer.build import build
from indexer.document import Hit
from indexer.embedder import folder_fingerprint
from indexer.errors import ModelError
from indexer.store import Stored, load
from models import EMBEDDER
from service.evidence import Reading
from service.pipeline import Pipeline
from service.question import Question, understand
from service.rerank import LEADING, CrossEncoderReranker, OverlapReranker, RerankingReader, open_reranker
from service.settings import Settings

# The cross-encoder likes sentences that hold this character, which no question does.
RARE = "鲲"
FERRY = """\
# 鹿鸣岛渡轮办法

## 一、票价

鹿鸣岛渡轮的成人票价为每张12元。

持卡的成人乘坐渡轮，鲲字卡的票价为每张9元。

## 二、开航时间

渡轮的首班开航时间为每天6点40分，末班为21点。

风力超过八级时，鲲字船的开航时间为每天8点整。

## 三、行李要求

- 每名乘客携带的行李不得超过30公斤。
- 鲲字箱不得超过25公斤。
- 活禽应当装笼。
"""
QUESTIONS = ("鹿鸣岛渡轮的成人票价是多少？", "渡轮每天几点开航？", "每名乘客的行李不得超过多少公斤？")
Command = Callable[..., Any]


class Scripted:
    """Gives the scores that it was told, and remembers what it was shown."""

    fingerprint = "scripted"

    def __init__(self, scores: Callable[[int], Sequence[float]]) -> None:
        self._scores = scores
        self.seen: list[str] = []

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        self.seen = list(texts)
        return list(self._scores(len(texts)))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ZHENGWEN_{name.upper()}", raising=False)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ferry")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "ferry.md").write_text(FERRY, encoding="utf-8")
    build(folder / "corpus", folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def stored(index: Path) -> Stored:
    return load(index)


def tokenizer() -> PreTrainedTokenizerFast:
    """Characters, those of the documents and questions alone."""
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    characters = sorted({char for char in FERRY + "".join(QUESTIONS) if not char.isspace()})
    made = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate([*marks, *characters])}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("."), "isolated")]
    )
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), marks, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=128, **{f"{name}_token": mark for name, mark in names.items()}
    )


def network(kind: type, **others: int) -> Any:
    torch.manual_seed(0)
    size = len(tokenizer())
    return kind(
        BertConfig(
            vocab_size=size,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=128,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            **others,
        )
    )


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a cross-encoder that was trained, in a second, to give passages that hold `RARE` the higher score."""
    fast, model = tokenizer(), network(BertForSequenceClassification, num_labels=1)
    characters = sorted({char for char in FERRY if not char.isspace() and char != RARE})
    rng = random.Random(1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for each other on a busy machine
    for _ in range(100):
        texts, labels = [], []
        for _ in range(32):
            text = rng.choices(characters, k=rng.randint(10, 50))
            labels.append(float(rng.random() < 0.5))
            if labels[-1]:
                text[rng.randrange(len(text))] = RARE
            texts.append("".join(text))
        batch = fast(rng.choices(QUESTIONS, k=32), texts, padding=True, return_tensors="pt")
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(**batch).logits[:, 0], torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.set_num_threads(threads)
    folder = tmp_path_factory.mktemp("encoder")
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def alone(stored: Stored) -> Pipeline:
    """The pipeline without a cross-encoder."""
    return Pipeline.over(stored)


@cache
def read(pipeline: Pipeline, question: str) -> Reading:
    asked = understand(question)
    return pipeline._reader.read(asked, pipeline._retriever.retrieve(asked.resolved, asked.tokens, 20))


@dataclass(frozen=True)
class Known:
    """Gives the reading that it was made with."""

    reading: Reading
    name: str = "known"

    def read(self, question: Question, hits: Sequence[Hit]) -> Reading:
        return self.reading


def reranked(pipeline: Pipeline, question: str, reranker: Scripted) -> Reading:
    reader = RerankingReader(Known(read(pipeline, question)), reranker, pipeline.library)
    return reader.read(understand(question), ())


def first(pipeline: Pipeline, question: str) -> str:
    answer = pipeline.ask(question)
    assert answer.sentences, answer.text
    return answer.sentences[0].text


def test_answers_do_not_follow_the_cross_encoder(stored: Stored, alone: Pipeline, encoder: str) -> None:
    pipeline = Pipeline.over(stored, reranker=CrossEncoderReranker(encoder))
    assert not any(RARE in first(alone, question) for question in QUESTIONS)
    assert all(RARE in first(pipeline, question) for question in QUESTIONS)
    words = [alone.library.text(hit.passage) for hit in pipeline.search(QUESTIONS[1])]
    assert words == sorted(words, key=lambda text: RARE not in text), "the passages stand as their best pieces do"


def test_an_answer_without_a_reader_knows_of_readers(stored: Stored, encoder: str) -> None:
    for question in QUESTIONS:
        alone = Pipeline.over(stored).ask(question)
        agreeing = Pipeline.over(stored, reranker=Scripted(lambda size: range(size, 0, -1))).ask(question)
        assert alone.receipt.models["reader"].startswith("evidence sha256:")
        assert "reader" not in alone.receipt.settings
        assert (alone.text, alone.citations, alone.confidence) == (
            agreeing.text,
            agreeing.citations,
            agreeing.confidence,
        )
    made_by = Pipeline.over(stored, reranker=CrossEncoderReranker(encoder)).receipt.models["reader"]
    assert made_by == f"cross-encoder {folder_fingerprint(Path(encoder))} over {alone.receipt.models['reader']}"


@given(st.data())
def test_reranking_changes_more_than_the_order(alone: Pipeline, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from((*QUESTIONS, "乘坐渡轮对行李有哪些要求？", "潜水艇的票价是多少？")))
    before = read(alone, question)
    scores = data.draw(st.lists(st.integers(-2000, 2000), min_size=LEADING, max_size=LEADING))
    reading = reranked(alone, question, Scripted(lambda size: [score / 100 for score in scores[:size]]))
    assert [piece.score for piece in reading.evidence] == [piece.score for piece in before.evidence]
    assert {replace(piece, score=0) for piece in reading.evidence} == {
        replace(piece, score=0) for piece in before.evidence
    }, "units, conflicts and lists are whole"
    assert [hit.score for hit in reading.hits] == [hit.score for hit in before.hits]
    assert sorted(hit.passage.start for hit in reading.hits) == sorted(hit.passage.start for hit in before.hits)
    assert replace(reading, evidence=before.evidence, hits=before.hits) == before
    places = {piece.units: i for i, piece in enumerate(before.evidence)}
    ranked = [scores[places[piece.units]] for piece in reading.evidence[:LEADING]]
    assert ranked == sorted(ranked, reverse=True)
    assert reading == reranked(alone, question, Scripted(lambda size: [3e3 * score - 7 for score in scores[:size]]))


def test_cross_encoder_does_not_see_where_a_sentence_stands(alone: Pipeline) -> None:
    scripted = Scripted(lambda size: [0.0] * size)
    before, reading = read(alone, "行李有哪些要求？"), reranked(alone, "行李有哪些要求？", scripted)
    assert reading.evidence == before.evidence, "equal scores leave everything where it is"
    assert len(scripted.seen) == min(LEADING, len(before.evidence))
    shown = dict(zip([piece.units for piece in before.evidence], scripted.seen, strict=False))
    listed = next(units for units in shown if len(units) > 1)
    assert "鹿鸣岛渡轮办法\n三、行李要求" in shown[listed]
    assert all(words in shown[listed] for words in ("不得超过30公斤", f"{RARE}字箱", "活禽应当装笼"))


def test_last_digits_of_the_scores_decide(alone: Pipeline) -> None:
    reading = reranked(alone, QUESTIONS[0], Scripted(lambda size: [5 + i * 1e-6 for i in range(size)]))
    assert reading.evidence == read(alone, QUESTIONS[0]).evidence


def test_pieces_behind_the_leading_ones_move(alone: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.rerank.LEADING", 2)
    before = read(alone, QUESTIONS[0])
    reading = reranked(alone, QUESTIONS[0], Scripted(range))
    assert [piece.units for piece in reading.evidence[:2]] == [piece.units for piece in before.evidence[1::-1]]
    assert reading.evidence[2:] == before.evidence[2:]


def test_nothing_found_is_scored(alone: Pipeline) -> None:
    scripted = Scripted(lambda size: [1.0] * size)
    reader = RerankingReader(alone._reader, scripted, alone.library)
    assert reader.read(understand("票价"), []).evidence == ()
    assert scripted.seen == []


def test_one_encoder_mixes_up_what_many_ask_at_once(encoder: str) -> None:
    reranker = CrossEncoderReranker(encoder)
    asked = [(question, [FERRY[i : i + n] for i in range(0, 120, 20)]) for question in QUESTIONS for n in (5, 40, 90)]
    alone = [reranker.score(*pair) for pair in asked]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda pair: reranker.score(*pair), asked * 4))
    assert together == alone * 4


def test_scores_are_squashed_until_they_are_equal(encoder: str) -> None:
    reranker = CrossEncoderReranker(encoder)
    reranker._model[0].model.classifier.bias.data.fill_(60.0)  # a sigmoid of that is 1 in single precision
    high, low = reranker.score(QUESTIONS[0], [f"票价{RARE}元", "票价每张元"])
    assert high > low + 1


def test_model_that_gives_no_score_orders_the_evidence(stored: Stored, encoder: str) -> None:
    reranker = CrossEncoderReranker(encoder)
    reranker._model[0].model.classifier.bias.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="gave no finite score a text: leave out --reader"):
        Pipeline.over(stored, reranker=reranker).ask(QUESTIONS[0])


def test_model_that_is_no_cross_encoder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind, others in (("bare", BertModel, {}), ("three", BertForSequenceClassification, {"num_labels": 3})):
        network(kind, **others).save_pretrained(tmp_path / name)
        tokenizer().save_pretrained(tmp_path / name)
    for name, told in (
        (tmp_path / "none", "no reader at .*none: give a CrossEncoder folder"),
        (EMBEDDER, "cannot be loaded: .*; give a CrossEncoder folder"),
        (tmp_path / "bare", r"was not trained to score pairs \(BertModel\): give"),
        (tmp_path / "three", "gives 3 scores a pair instead of one: give"),
    ):
        with pytest.raises(ModelError, match=told):
            CrossEncoderReranker(str(name))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        ModelError, match=r"'nobody/none' cannot be loaded: .* or leave out --reader and ZHENGWEN_READER$"
    ):
        CrossEncoderReranker("nobody/none")


def test_fake_does_not_rank_as_a_reranker_does() -> None:
    scores = OverlapReranker().score("渡轮的票价", ["渡轮的票价是九元", "渡轮开航", "活禽应当装笼"])
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1
    assert scores[-1] == 0


def test_option_and_setting_open_another_reader(
    command: Command, index: Path, encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_reranker(Settings()) is None
    asked = ("ask", QUESTIONS[0], "--json", "--index", index)
    plain, told = command(*asked), command(*asked, "--reader", encoder)
    assert (told.code, told.err) == (0, "")
    saved = tmp_path / "answer.json"
    saved.write_text(told.out, encoding="utf-8")
    fingerprint = folder_fingerprint(Path(encoder))
    assert json.loads(told.out)["receipt"]["models"]["reader"].startswith(f"cross-encoder {fingerprint} over evidence ")
    assert RARE in json.loads(told.out)["sentences"][0]["text"]
    assert RARE not in json.loads(plain.out)["sentences"][0]["text"]
    assert command("replay", saved, "--index", index, "--reader", encoder).out == "same bytes\n"
    changed = command("replay", saved, "--index", index)
    assert changed.code == 1
    assert f"model reader: cross-encoder {fingerprint}" in changed.out

    monkeypatch.setenv("ZHENGWEN_READER", encoder)
    assert json.loads(command(*asked).out)["answer"] == json.loads(told.out)["answer"]
    assert json.loads(command(*asked, "--reader", "").out)["answer"] == json.loads(plain.out)["answer"]
    found = command("search", QUESTIONS[1], "--json", "-k", "1", "--index", index)
    assert RARE in json.loads(found.out)["text"]


@pytest.mark.parametrize("asked", [("ask", QUESTIONS[0]), ("search", QUESTIONS[0]), ("serve",), ("mcp",)])
def test_wrong_reader_is_a_traceback_or_done_without(
    command: Command, index: Path, tmp_path: Path, asked: Sequence[str]
) -> None:
    failed = command(*asked, "--index", index, "--reader", tmp_path / "none")
    assert failed.code == 2
    assert "zhengwen: no reader at" in failed.err
