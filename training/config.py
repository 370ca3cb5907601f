"""Every number of the recipe, typed. A larger run is another `Recipe` on the same commands."""

from dataclasses import dataclass, field

from service.reader import ReaderShape


@dataclass(frozen=True)
class Prepare:
    """`characters` of each prose set that are packed for pretraining; `vocabulary` entries of the tokenizer.

    `per_kind` caps some kinds of reading examples; `pool_prose` passages each of news and statutes join the reading
    contexts as near misses; the examples of our own policy questions are seen `policy_repeats` times as often as others.
    """

    vocabulary: int = 8192
    characters: tuple[tuple[str, int], ...] = (
        ("xwlb", 9_000_000),
        ("crud_rag", 11_000_000),
        ("laws", 7_000_000),
        ("lctt", 5_000_000),
    )
    headline_clozes: int = 12_000
    recurring_clozes: int = 6_000
    per_kind: tuple[tuple[str, int], ...] = (
        ("cail2019_dev answered", 2000),
        ("cail2019_dev unanswered", 500),
        ("squad2_zh_dev unanswered", 3500),
    )
    pool_prose: int = 4000
    policy_repeats: int = 3
    seed: int = 1


@dataclass(frozen=True)
class Schedule:
    """An optimiser's course: linear warm-up to `rate`, level, then linear descent to zero over the last `decay` share."""

    steps: int
    warmup: int
    rate: float
    decay: float = 0.4
    weight_decay: float = 0.02
    save_every: int = 100
    log_every: int = 20


@dataclass(frozen=True)
class Pretrain:
    """Masked-language training; `rows` sequences of `length` tokens a step, `masked` of them in spans of mean `span`."""

    schedule: Schedule
    rows: int = 16
    length: int = 256
    masked: float = 0.22
    span: float = 2.0
    seed: int = 2


@dataclass(frozen=True)
class Finetune:
    """Training on pairs of question and passage, batches of about `tokens` tokens."""

    schedule: Schedule
    tokens: int = 4096
    answerable_weight: float = 1.0
    seed: int = 3


@dataclass(frozen=True)
class Embed:
    """The static embedder: `fit_characters` of prose for the co-occurrence start, then `steps` batches of `rows` pairs."""

    dimensions: int = 256
    vocabulary: int = 20_000
    fit_characters: int = 8_000_000
    steps: int = 3000
    rows: int = 512
    rate: float = 3e-3
    temperature: float = 0.05
    seed: int = 4


@dataclass(frozen=True)
class Evidence:
    """The evidence model: `penalty` on the square of its weights, `strength` of the logistic regression (the inverse of its
    penalty), `folds` of documents, and the share of answerable questions that the threshold gives up, `refused`."""

    penalty: float = 0.02
    strength: float = 0.01
    folds: int = 5
    refused: float = 0.04


@dataclass(frozen=True)
class Recipe:
    """All stages of the reader, and the embedder."""

    shape: ReaderShape = field(
        default_factory=lambda: ReaderShape(vocabulary=8192, layers=4, width=320, heads=5, intermediate=512)
    )
    prepare: Prepare = field(default_factory=Prepare)
    pretrain: Pretrain = field(default_factory=lambda: Pretrain(Schedule(steps=8000, warmup=100, rate=3e-3)))
    cloze: Finetune = field(default_factory=lambda: Finetune(Schedule(steps=500, warmup=30, rate=1.2e-3)))
    finetune: Finetune = field(default_factory=lambda: Finetune(Schedule(steps=1700, warmup=40, rate=8e-4, decay=0.6)))
    again: Finetune = field(
        default_factory=lambda: Finetune(Schedule(steps=2400, warmup=40, rate=6e-4, decay=0.8), seed=5)
    )
    embed: Embed = field(default_factory=Embed)
    evidence: Evidence = field(default_factory=Evidence)
