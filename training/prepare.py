"""`python -m training.prepare`: from the raw data to the tokenizer, one packed token file, and the reader's examples."""

import argparse
import json
import logging
import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from service.reader import SEP
from training.config import Prepare, Recipe
from training.data import ReadingQuestion, articles, reading_questions
from training.examples import (
    Example,
    PassagePool,
    cut,
    headline_clozes,
    near_misses,
    reading_example,
    recurring_clozes,
    write_examples,
)
from training.policy import READING, policy_examples
from training.split import is_held_back
from training.tokenizer import rarity_levels, train_tokenizer

log = logging.getLogger("training.prepare")

READING_SETS = ("squad2_zh_dev", "cmrc2018_trial", "drcd_dev", "security_news_train", "cail2019_dev")
_BATCH = 2000


def sample_texts(data: Path, config: Prepare) -> list[str]:
    """The share of each prose set that `config` asks for and the reading contexts of the training part, shuffled."""
    chosen: list[str] = []
    for name, characters in config.characters:
        rng = random.Random(f"{config.seed} {name}")
        texts = [
            f"{article.title}\n{article.text}" if article.title else article.text for article in articles(data, name)
        ]
        rng.shuffle(texts)
        total = 0
        for text in texts:
            if total >= characters:
                break
            # A few long codes would crowd out the rest.
            chosen.append(text[:20_000])
            total += len(chosen[-1])
        log.info("%s: %d texts, %d characters", name, len(texts), total)
    contexts = dict.fromkeys(
        question.context
        for name in READING_SETS
        for question in reading_questions(data / "reading" / f"{name}.jsonl.xz")
        if not is_held_back(question.context)
    )
    chosen.extend(contexts)
    random.Random(config.seed).shuffle(chosen)
    return chosen


def encode_rows(tokenizer: Tokenizer, texts: list[str]) -> Iterator[list[int]]:
    """Token ids of each text, in order."""
    for start in range(0, len(texts), _BATCH):
        for encoding in tokenizer.encode_batch_fast(texts[start : start + _BATCH], add_special_tokens=False):
            yield encoding.ids


def prepare_tokens(data: Path, out: Path, config: Prepare) -> None:
    """Writes `tokenizer.json`, `rarity.npy` and `tokens.npy` (uint16, texts one after the other) to `out`."""
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    texts = sample_texts(data, config)
    tokenizer = train_tokenizer(texts, config.vocabulary)
    tokenizer.save(str(out / "tokenizer.json"))
    log.info("tokenizer with %d entries after %.0f s", tokenizer.get_vocab_size(), time.monotonic() - began)
    parting = [tokenizer.token_to_id(SEP)]
    rows = [np.asarray(row + parting, dtype=np.uint16) for row in encode_rows(tokenizer, texts)]
    tokens = np.concatenate(rows)
    np.save(out / "tokens.npy", tokens)
    np.save(out / "rarity.npy", rarity_levels((row.tolist() for row in rows), config.vocabulary))
    (out / "prepare.json").write_text(json.dumps({"tokens": len(tokens), "texts": len(texts)}), encoding="utf-8")
    log.info("%d tokens of %d texts after %.0f s", len(tokens), len(texts), time.monotonic() - began)


def all_questions(data: Path) -> list[ReadingQuestion]:
    """The questions of every reading set, in order."""
    return [q for name in READING_SETS for q in reading_questions(data / "reading" / f"{name}.jsonl.xz")]


def reading_examples(questions: list[ReadingQuestion], pool: PassagePool, config: Prepare) -> list[Example]:
    """One example a question and one near miss for most, shuffled; at most `config.per_kind` of some kinds."""
    rng = random.Random(config.seed)
    made = [example for question in questions if (example := reading_example(question, rng)) is not None]
    # The cases of court records are too alike: a wrong record often answers the question, with another case's figure.
    made.extend(near_misses((q for q in questions if q.source != "cail2019_dev"), pool, rng))
    rng.shuffle(made)
    left = dict(config.per_kind)
    chosen = []
    for example in made:
        kind = f"{example.source} {'answered' if example.answered else 'unanswered'}"
        left[kind] = left.get(kind, len(made)) - 1
        if left[kind] >= 0:
            chosen.append(example)
    return chosen


def passage_pool(data: Path, questions: list[ReadingQuestion], config: Prepare) -> PassagePool:
    """The contexts of `questions` cut into passages, and as many passages of news and statutes as `config` asks for."""
    passages = [passage for q in dict.fromkeys(q.context for q in questions) for passage in cut(q)]
    rng = random.Random(config.seed)
    for name in ("xwlb", "laws"):
        texts = [article.text for article in articles(data, name)]
        rng.shuffle(texts)
        passages.extend([passage for text in texts[:1500] for passage in cut(text[:6000])][: config.pool_prose])
    return PassagePool(passages)


def prepare_examples(data: Path, out: Path, config: Prepare) -> None:
    """Writes `cloze.jsonl.xz`, `reading.jsonl.xz` (the training part) and `held-back.jsonl.xz` to `out`."""
    rng = random.Random(config.seed)
    news = [article for article in articles(data, "xwlb") if article.title]
    prose = list(articles(data, "crud_rag"))
    rng.shuffle(news)
    rng.shuffle(prose)
    made = list(islice(headline_clozes(news, rng), config.headline_clozes))
    made.extend(islice(recurring_clozes(prose, rng), config.recurring_clozes))
    rng.shuffle(made)
    log.info("%d cloze examples", write_examples(out / "cloze.jsonl.xz", made))
    questions = all_questions(data)
    for name, part in (
        ("held-back", [q for q in questions if is_held_back(q.context)]),
        ("reading", [q for q in questions if not is_held_back(q.context)]),
    ):
        examples = reading_examples(part, passage_pool(data, part, config), config)
        if name == "reading":
            examples.extend(policy_examples(READING, config.seed) * config.policy_repeats)
            rng.shuffle(examples)
        log.info("%s: %d examples", name, write_examples(out / f"{name}.jsonl.xz", examples))
        kinds = Counter(f"{e.source} {'answered' if e.answered else 'unanswered'}" for e in examples)
        for kind, count in sorted(kinds.items()):
            log.info("  %s %d", kind, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds prose/, reading/ and pairs/")
    parser.add_argument("--out", type=Path, default=Path("build/training"), help="working folder of the recipe")
    parser.add_argument("--only", choices=("tokens", "examples"), help="one half of the work; both when not given")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if arguments.only != "examples":
        prepare_tokens(arguments.data, arguments.out, Recipe().prepare)
    if arguments.only != "tokens":
        prepare_examples(arguments.data, arguments.out, Recipe().prepare)


if __name__ == "__main__":
    main()
