"""The bundled reader: does a passage answer a question, and which span of it is the answer.

A small cross-encoder (pre-norm, rotary positions) reads question and passage together. Every token also carries where
it matches: not on the other side, or there as a token, or within a shared run of two, three or more tokens (the
exact-match feature of Chen et al. 2017), and how rare it is. `ReaderNetwork` is what `training` trains; `SpanReader` is
what the service loads.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import ModernBertConfig, ModernBertModel

from indexer.errors import ModelError

PAD, UNK, CLS, SEP, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL_TOKENS = (PAD, UNK, CLS, SEP, MASK)

MATCH_LEVELS = 5  # no match, then the longest shared run of 1, 2, 3, 4 or more tokens
RARITY_LEVELS = 4
_FILES = ("reader.json", "tokenizer.json", "model.safetensors")
_FORMAT = "zhengwen-reader-1"
_LONGEST = 64  # tokens of an answer span

Ids = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReaderShape:
    """Size of the network; `max_tokens` bounds question, passage and the three marks around them."""

    vocabulary: int
    layers: int
    width: int
    heads: int
    intermediate: int
    max_tokens: int = 640
    max_question_tokens: int = 96


@dataclass(frozen=True)
class Calibration:
    """Answerability is sigmoid(logit / temperature + bias), fitted on held-back questions."""

    temperature: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True)
class PassageReading:
    """What the reader makes of one passage. Offsets are code points of the passage text, half-open.

    `answerable` is the calibrated probability that the passage answers; `start`, `end` the best answer span, given that
    it does, and `score` that span's probability; `starts` where a token begins, with the probability of an answer
    beginning there (they sum to 1 unless the passage has no token).
    """

    answerable: float
    start: int
    end: int
    score: float
    starts: tuple[tuple[int, float], ...]

    def evidence(self, start: int, end: int) -> float:
        """The probability that the passage answers and the answer begins in `start:end`."""
        return self.answerable * sum(p for offset, p in self.starts if start <= offset < end)


@dataclass(frozen=True)
class EncodedPair:
    """Question and passage as the network reads them: [CLS] question [SEP] passage [SEP].

    `ids`, `match` and `rarity` are int64 `(tokens,)`; `passage` the token range of the passage; `offsets` int64
    `(end - start of passage, 2)`, code points of each passage token.
    """

    ids: Ids
    match: Ids
    rarity: Ids
    passage: tuple[int, int]
    offsets: Ids


@dataclass(frozen=True)
class ReaderOutput:
    """Logits: `start`, `end` `(batch, tokens)`, -inf outside the passage; `answerable` `(batch,)`."""

    start: Tensor
    end: Tensor
    answerable: Tensor


def shared_runs(side: Ids, other: Ids) -> Ids:
    """For each token of `side` the length of the longest run around it that also stands in `other`, at most 4."""
    level = np.zeros(len(side), dtype=np.int64)
    for n in range(1, MATCH_LEVELS):
        if len(side) < n or len(other) < n:
            break
        here = np.lib.stride_tricks.sliding_window_view(side, n)
        there = {row.tobytes() for row in np.lib.stride_tricks.sliding_window_view(other, n)}
        found = np.fromiter((row.tobytes() in there for row in here), dtype=bool, count=len(here))
        if not found.any():
            break
        for i in range(n):
            level[i : i + len(here)][found] = n
    return level


class PairEncoder:
    """Texts to `EncodedPair`; `rarity` int64 `(vocabulary,)` says how rare each token is, 0 the commonest."""

    def __init__(self, tokenizer: Tokenizer, rarity: Ids, shape: ReaderShape) -> None:
        self.tokenizer = tokenizer
        self.shape = shape
        self._rarity = rarity
        self._cls, self._sep = (tokenizer.token_to_id(token) for token in (CLS, SEP))

    def encode(self, question: str, passages: Sequence[str]) -> list[EncodedPair]:
        """One pair a passage; what goes over `shape.max_tokens` is cut from the passage's end."""
        asked = np.asarray(
            self.tokenizer.encode(question, add_special_tokens=False).ids[: self.shape.max_question_tokens],
            dtype=np.int64,
        )
        room = self.shape.max_tokens - len(asked) - 3
        pairs = []
        for encoding in self.tokenizer.encode_batch(list(passages), add_special_tokens=False):
            offsets = np.asarray(encoding.offsets[:room], dtype=np.int64).reshape(-1, 2)
            pairs.append(self.join(asked, np.asarray(encoding.ids[:room], dtype=np.int64), offsets))
        return pairs

    def join(self, asked: Ids, read: Ids, offsets: Ids) -> EncodedPair:
        """The pair of two token rows; nothing is cut here."""
        in_question, in_passage = shared_runs(asked, read), shared_runs(read, asked)
        ids = np.concatenate([[self._cls], asked, [self._sep], read, [self._sep]])
        mark = np.zeros(1, dtype=np.int64)
        match = np.concatenate([mark, 1 + in_question, mark, 1 + MATCH_LEVELS + in_passage, mark])
        # Rarity of question tokens without and with a match, then of matched passage tokens; 0 for all the others.
        rare_question = 1 + self._rarity[asked] + RARITY_LEVELS * (in_question > 0)
        rare_passage = np.where(in_passage > 0, 1 + 2 * RARITY_LEVELS + self._rarity[read], 0)
        rarity = np.concatenate([mark, rare_question, mark, rare_passage, mark])
        first = len(asked) + 2
        return EncodedPair(ids, match, rarity, (first, first + len(read)), offsets)


@dataclass(frozen=True)
class PairBatch:
    """Padded pairs, int64 `(batch, tokens)`; `attention` 1 on tokens, `in_passage` True on passage tokens."""

    ids: Tensor
    match: Tensor
    rarity: Tensor
    attention: Tensor
    in_passage: Tensor

    @classmethod
    def of(cls, pairs: Sequence[EncodedPair]) -> "PairBatch":
        size = (len(pairs), max(len(pair.ids) for pair in pairs))
        ids, match, rarity, attention = (np.zeros(size, dtype=np.int64) for _ in range(4))
        in_passage = np.zeros(size, dtype=bool)
        for i, pair in enumerate(pairs):
            n = len(pair.ids)
            ids[i, :n], match[i, :n], rarity[i, :n], attention[i, :n] = pair.ids, pair.match, pair.rarity, 1
            in_passage[i, slice(*pair.passage)] = True
        return cls(*(torch.from_numpy(array) for array in (ids, match, rarity, attention, in_passage)))


class ReaderNetwork(nn.Module):
    """Encoder with match embeddings, span heads and an answerability head."""

    def __init__(self, shape: ReaderShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = ModernBertModel(
            ModernBertConfig(
                vocab_size=shape.vocabulary,
                hidden_size=shape.width,
                intermediate_size=shape.intermediate,
                num_hidden_layers=shape.layers,
                num_attention_heads=shape.heads,
                max_position_embeddings=shape.max_tokens,
                layer_types=["full_attention"] * shape.layers,
                pad_token_id=0,
                bos_token_id=None,
                eos_token_id=None,
                cls_token_id=None,
                sep_token_id=None,
                attn_implementation="eager",  # type: ignore[call-arg]
            )
        )
        self.match = nn.Embedding(1 + 2 * MATCH_LEVELS, shape.width, padding_idx=0)
        self.rarity = nn.Embedding(1 + 3 * RARITY_LEVELS, shape.width, padding_idx=0)
        self.span = nn.Linear(shape.width, 2)
        self.pool = nn.Linear(2 * shape.width, shape.width)
        self.answerable = nn.Linear(shape.width, 1)
        for embedding in (self.match, self.rarity):
            nn.init.normal_(embedding.weight, std=0.02)

    def hidden(self, ids: Tensor, attention: Tensor | None, match: Tensor | None, rarity: Tensor | None) -> Tensor:
        """`(batch, tokens, width)`; without match features the plain encoder, as in masked-language training."""
        embedded = self.encoder.embeddings.tok_embeddings(ids)
        if match is not None and rarity is not None:
            embedded = embedded + self.match(match) + self.rarity(rarity)
        output: Tensor = self.encoder(inputs_embeds=embedded, attention_mask=attention).last_hidden_state
        return output

    def forward(self, batch: PairBatch) -> ReaderOutput:
        attention = None if bool(batch.attention.all()) else batch.attention
        hidden = self.hidden(batch.ids, attention, batch.match, batch.rarity)
        spans = self.span(hidden).float().masked_fill(~batch.in_passage[..., None], -torch.inf)
        # The mark in front sees everything; the strongest feature over the tokens says that something was found.
        strongest = hidden.masked_fill((batch.attention == 0)[..., None], -torch.inf).amax(dim=1)
        pooled = nn.functional.gelu(self.pool(torch.cat([hidden[:, 0], strongest], dim=-1)))
        return ReaderOutput(spans[..., 0], spans[..., 1], self.answerable(pooled).float()[:, 0])


class SpanReader:
    """A trained network with its tokenizer and calibration, as saved in a folder."""

    def __init__(self, network: ReaderNetwork, encoder: PairEncoder, calibration: Calibration, name: str) -> None:
        self.name = name
        self.fingerprint = ""
        self.calibration = calibration
        self.network = network.eval()
        self._encoder = encoder

    @classmethod
    def load(cls, folder: Path) -> "SpanReader":
        """Loads what `save_reader` wrote.

        Raises:
            ModelError: a file is missing, or is not of this reader; the message names it.
        """
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"no reader at {folder}: {', '.join(missing)} missing; give a folder that training wrote")
        try:
            card = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
            if not isinstance(card, dict) or card.get("format") != _FORMAT:
                raise ModelError(f"{folder}/reader.json is not of a {_FORMAT}: give a folder that training wrote")
            shape, calibration = ReaderShape(**card["shape"]), Calibration(**card["calibration"])
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            state = load_file(folder / "model.safetensors")
            rarity = state.pop("token_rarity").numpy().astype(np.int64)
            network = ReaderNetwork(shape).to(_precision())
            network.load_state_dict(state)
        except ModelError:
            raise
        except Exception as error:  # JSON, tokenizers, safetensors and torch each raise their own kinds
            reason = str(error).strip().split("\n")[0]
            raise ModelError(f"the reader at {folder} cannot be loaded: {reason}") from error
        reader = cls(network, PairEncoder(tokenizer, rarity, shape), calibration, folder.name)
        reader.fingerprint = _fingerprint(folder)
        return reader

    def read(self, question: str, passages: Sequence[str]) -> list[PassageReading]:
        """One reading a passage, in the order given; the same input gives the same output.

        A passage is read up to the reader's `max_tokens`; what stands after that gets no evidence.
        """
        pairs = self._encoder.encode(question, passages)
        return [self._reading(pair, *logits) for pair, logits in zip(pairs, self.logits(pairs), strict=True)]

    def logits(self, pairs: Sequence[EncodedPair]) -> list[tuple[Logits, Logits, float]]:
        """For each pair the start and end logits of its passage tokens, float64 `(passage tokens,)`, and the
        uncalibrated answerability."""
        # One pair at a time: its attention stays in the cache, which halves the time of a batch on two cores, and
        # what is read in a passage never depends on the passages beside it.
        results = []
        for pair in pairs:
            with torch.inference_mode():
                output = self.network(PairBatch.of([pair]))
            passage = slice(*pair.passage)
            start, end = (logits[0, passage].double().numpy() for logits in (output.start, output.end))
            results.append((start, end, float(output.answerable[0])))
        return results

    def _reading(self, pair: EncodedPair, start: Logits, end: Logits, answerable: float) -> PassageReading:
        if not len(start):
            return PassageReading(0.0, 0, 0, 0.0, ())
        starts, ends = _softmax(start), _softmax(end)
        first, last = best_span(starts, ends)
        spread = tuple((int(offset), float(p)) for offset, p in zip(pair.offsets[:, 0], starts, strict=True))
        calibrated = answerable / self.calibration.temperature + self.calibration.bias
        return PassageReading(
            answerable=1 / (1 + math.exp(-calibrated)),
            start=int(pair.offsets[first, 0]),
            end=int(pair.offsets[last, 1]),
            score=float(starts[first] * ends[last]),
            starts=spread,
        )


def _precision() -> torch.dtype:
    """bfloat16 where the processor multiplies it, else float32, which is several times faster there."""
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(able.get(name) for name in ("avx512_bf16", "amx_bf16")) else torch.float32


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _FILES:  # the model card beside them changes no reading
        digest.update(name.encode() + b"\0" + hashlib.sha256((folder / name).read_bytes()).digest())
    return "sha256:" + digest.hexdigest()


def best_span(starts: Logits, ends: Logits) -> tuple[int, int]:
    """First and last token of the likeliest span of at most `_LONGEST` tokens; `starts`, `ends` are probabilities."""
    n = len(starts)
    reach = np.lib.stride_tricks.sliding_window_view(np.pad(ends, (0, _LONGEST - 1)), _LONGEST)
    first, length = np.unravel_index(np.argmax(starts[:, None] * reach), (n, _LONGEST))
    return int(first), int(first + length)


def _softmax(logits: Logits) -> Logits:
    exponential: Logits = np.exp(logits - logits.max())
    return np.asarray(exponential / exponential.sum(), dtype=np.float64)


def save_reader(
    folder: Path,
    network: ReaderNetwork,
    tokenizer: Tokenizer,
    rarity: Ids,
    calibration: Calibration,
) -> None:
    """Writes `reader.json`, `tokenizer.json` and `model.safetensors` in the network's own precision to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    card = {"format": _FORMAT, "shape": asdict(network.shape), "calibration": asdict(calibration)}
    (folder / "reader.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    state["token_rarity"] = torch.from_numpy(rarity.astype(np.uint8))
    save_file(state, folder / "model.safetensors")
