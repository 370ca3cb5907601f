"""Pairs of a question-like and a passage-like text for the embedder, by source."""

import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from indexer.text import fold
from training.data import Article, TextPair, articles, read_lines
from training.examples import pieces, read_examples

_LONGEST = 400
_ARTICLE = re.compile(r"^第[零一二三四五六七八九十百千]+条\s*", re.M)
_HEADING = re.compile(r"^第[零一二三四五六七八九十百]+[编章节]\s*(.*)$", re.M)
_MEASURING = ("lcqmc_test", "bq_test", "pawsx_test")


def headlines(news: Iterable[Article]) -> Iterator[TextPair]:
    """Headline → the beginning of its body."""
    for article in news:
        if article.title and len(article.text) >= 60:
            yield TextPair(article.title, article.text[:_LONGEST])


def leads(texts: Iterable[Article]) -> Iterator[TextPair]:
    """The first sentence of a text → what follows."""
    for article in texts:
        spans = pieces(article.text[:2000])
        if len(spans) >= 4:
            first = spans[0][1]
            yield TextPair(article.text[:first], article.text[first : first + _LONGEST])


def statutes(laws: Iterable[Article], rng: random.Random) -> Iterator[TextPair]:
    """Title and chapter of a statute, or one sentence of an article → the article, or its other sentences."""
    for law in laws:
        for match, following in _with_following(list(_ARTICLE.finditer(law.text)), len(law.text)):
            article = _HEADING.sub("", law.text[match.end() : following]).strip()[:_LONGEST]
            spans = pieces(article)
            if len(spans) >= 3 and rng.random() < 0.6:
                a, b = rng.choice(spans)
                yield TextPair(article[a:b], article[:a] + article[b:])
            elif len(article) >= 30 and rng.random() < 0.3:
                chapters = _HEADING.findall(law.text, 0, match.start())
                yield TextPair(" ".join([law.title, *chapters[-1:]]), article)


def _with_following(matches: list[re.Match[str]], end: int) -> Iterator[tuple[re.Match[str], int]]:
    for i, match in enumerate(matches):
        yield match, matches[i + 1].start() if i + 1 < len(matches) else end


def embedding_pairs(data: Path, work: Path, seed: int, most: int = 40_000) -> dict[str, list[TextPair]]:
    """Folded pairs of each source, at most `most`; the reading questions are those of the training part."""
    rng = random.Random(seed)
    sources: dict[str, Iterable[TextPair]] = {
        "headlines": headlines(articles(data, "xwlb")),
        "leads": leads(articles(data, "crud_rag")),
        "statutes": statutes(articles(data, "laws"), rng),
        "questions": (
            TextPair(example.question, example.passage)
            for example in read_examples(work / "reading.jsonl.xz")
            # Our policy questions stay unseen: the evidence model is fitted on them, over what this embedder says of them.
            if example.answered and example.source != "policy"
        ),
        "clozes": (
            TextPair(example.question, example.passage)
            for example in read_examples(work / "cloze.jsonl.xz")
            if example.answered and example.source == "recurring"
        ),
        "policy": (
            TextPair(record["q"], record["p"][:_LONGEST])
            for name in ("ncp_policy_qa", "tpe_gov_faq")
            for record in read_lines(data / "pairs" / f"{name}.jsonl.xz")
        ),
        "paraphrases": (
            TextPair(record["a"], record["b"])
            for record in read_lines(data / "pairs" / "sentence_pairs.jsonl.xz")
            if record["y"] == 1 and not record["src"].endswith(_MEASURING)
        ),
    }
    chosen: dict[str, list[TextPair]] = {}
    for name, made in sources.items():
        pairs = list(made)
        rng.shuffle(pairs)
        chosen[name] = [TextPair(fold(pair.a), fold(pair.b)) for pair in pairs[:most]]
    return chosen
