"""Examples for the reader: a question, a passage cut to the size the service reads, and where the answer stands in it.

Three kinds: questions that people wrote, answered or not (`reading`); the same questions on passages that BM25 ranks high
but that lack the answer; and cloze questions made from prose (`headline_clozes`, `recurring_clozes`).
"""

import json
import lzma
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import rjieba

from indexer.lexical import LexicalIndex
from indexer.tokens import tokenize
from training.data import Article, ReadingQuestion

SHORTEST, LONGEST = 140, 480
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+[”’」』）)]*|[^。！？!?；;\n]+$")
_CLAUSE = re.compile(r"[^，,、:：]*[，,、:：]|[^，,、:：]+$")
_LONG_SENTENCE = 120
_FIGURE = re.compile(r"\d|[一二三四五六七八九十百千万亿两]{2,}")
_DATE = re.compile(r"[年月日]")
_WORD = re.compile(r"[\w·.%-]+")


@dataclass(frozen=True)
class Example:
    """`passage[start:end]` answers `question`; both are -1 when the passage does not answer."""

    source: str
    question: str
    passage: str
    start: int
    end: int

    @property
    def answered(self) -> bool:
        return self.start >= 0


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Writes `.jsonl.xz` and returns how many."""
    written = 0
    with lzma.open(path, "wt", encoding="utf-8", preset=1) as out:
        for example in examples:
            out.write(json.dumps(asdict(example), ensure_ascii=False) + "\n")
            written += 1
    return written


def read_examples(path: Path) -> list[Example]:
    """What `write_examples` wrote, in order."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [Example(**json.loads(line)) for line in lines]


def pieces(text: str) -> list[tuple[int, int]]:
    """Sentences of `text` as spans, in order, without gaps; long ones in their clauses, then in blunt cuts."""
    spans: list[tuple[int, int]] = []
    for sentence in _SENTENCE.finditer(text):
        a, b = sentence.span()
        if b - a <= _LONG_SENTENCE:
            spans.append((a, b))
            continue
        for clause in _CLAUSE.finditer(text, a, b):
            start, stop = clause.span()
            spans.extend((i, min(i + _LONG_SENTENCE, stop)) for i in range(start, stop, _LONG_SENTENCE))
    return [(a, b) for a, b in spans if b > a]


def window(text: str, start: int, end: int, size: int, rng: random.Random) -> tuple[int, int]:
    """A span of whole pieces around `start:end`, grown at random on either side up to about `size` characters."""
    spans = pieces(text)
    inside = [i for i, (a, b) in enumerate(spans) if a < end and b > start]
    first, last = inside[0], inside[-1]
    while True:
        sides = []
        used = spans[last][1] - spans[first][0]
        if first > 0 and used + spans[first - 1][1] - spans[first - 1][0] <= size:
            sides.append(-1)
        if last + 1 < len(spans) and used + spans[last + 1][1] - spans[last + 1][0] <= size:
            sides.append(1)
        if not sides:
            return spans[first][0], spans[last][1]
        if rng.choice(sides) < 0:
            first -= 1
        else:
            last += 1


def cut(text: str, size: int = 400) -> list[str]:
    """`text` in consecutive passages of at most about `size` characters, as an index would hold it."""
    passages: list[str] = []
    current = ""
    for a, b in pieces(text):
        if current and len(current) + b - a > size:
            passages.append(current)
            current = ""
        current += text[a:b]
    return [*passages, current] if current.strip() else passages


def _bigrams(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def best_occurrence(context: str, question: str, answers: Sequence[str]) -> tuple[int, int] | None:
    """The answer's place with the most of the question's bigrams around it; none when no answer stands in the context."""
    asked = _bigrams(question)
    best: tuple[int, int, int] | None = None
    for answer in answers:
        at = context.find(answer)
        while at >= 0:
            near = context[max(0, at - 60) : at] + " " + context[at + len(answer) : at + len(answer) + 60]
            shared = len(asked & _bigrams(near))
            if best is None or shared > best[0]:
                best = (shared, at, at + len(answer))
            at = context.find(answer, at + 1)
    return best and best[1:]


def _headed(title: str, passage: str, rng: random.Random) -> str:
    """Half of the passages stand under their title, as in an index."""
    return f"{title}\n{passage}" if title and rng.random() < 0.5 else passage


def reading_example(question: ReadingQuestion, rng: random.Random) -> Example | None:
    """The question on a part of its own context; none when an answer is promised but does not stand there."""
    size = rng.randint(SHORTEST, LONGEST)
    context = question.context.strip()
    if question.answers:
        place = best_occurrence(context, question.question, question.answers)
        if place is None:
            return None
        a, b = window(context, *place, size, rng)
        passage = _headed(question.title, context[a:b], rng)
        start = len(passage) - (b - a) + place[0] - a
        return Example(question.source, question.question, passage, start, start + place[1] - place[0])
    asked = _bigrams(question.question)
    near = max(pieces(context), key=lambda span: len(asked & _bigrams(context[slice(*span)])))
    a, b = window(context, *near, size, rng)
    return Example(question.source, question.question, _headed(question.title, context[a:b], rng), -1, -1)


class PassagePool:
    """Passages to draw wrong ones from, ranked by BM25 over words and bigrams."""

    def __init__(self, passages: Sequence[str]) -> None:
        self.passages = list(dict.fromkeys(passages))
        self._index = LexicalIndex.build([tokenize(passage) for passage in self.passages])

    def search(self, question: str, k: int) -> list[str]:
        """The `k` best passages for a question, best first."""
        return [self.passages[row] for row, _ in self._index.search(tokenize(question), k)]

    def near_miss(self, question: str, answers: Sequence[str], rng: random.Random, *, among: int = 8) -> str | None:
        """One of the best passages that hold none of the answers."""
        wrong = [
            passage
            for passage in self.search(question, among)
            if not any(answer.casefold() in passage.casefold() for answer in answers)
        ]
        return rng.choice(wrong[:4]) if wrong else None


def near_misses(questions: Iterable[ReadingQuestion], pool: PassagePool, rng: random.Random) -> Iterator[Example]:
    """For each question with an answer one passage that BM25 takes for a good one, but that lacks the answer."""
    for question in questions:
        if question.answers:
            passage = pool.near_miss(question.question, question.answers, rng)
            if passage is not None:
                yield Example(f"{question.source}+bm25", question.question, passage, -1, -1)


def blank(sentence: str, start: int, end: int, rng: random.Random) -> str:
    """The sentence as a question: a question word stands for `sentence[start:end]`."""
    span = sentence[start:end]
    if _DATE.search(span):
        words = ["什么时候", "何时", "哪天", "哪年", "什么时间"]
    elif _FIGURE.search(span):
        words = ["多少", "几", "多大", "多少"]
    else:
        words = ["什么", "谁", "哪里", "哪个", "什么", "哪些", "如何"]
    ending = rng.choice(["？", "?", "", "？"])
    return sentence[:start] + rng.choice(words) + sentence[end:].rstrip("。！？!?；;\n ") + ending


def _spans(sentence: str, rng: random.Random) -> list[tuple[int, int]]:
    """Runs of one to four words of `sentence`, at least two characters, in random order."""
    words: list[tuple[int, int]] = []
    at = 0
    for word in rjieba.cut(sentence):
        at = sentence.index(word, at)
        words.append((at, at + len(word)))
        at += len(word)
    runs = []
    for i in range(len(words)):
        for j in range(i, min(i + 4, len(words))):
            a, b = words[i][0], words[j][1]
            if 2 <= b - a <= 24 and _WORD.fullmatch(sentence, a, b):
                runs.append((a, b))
    rng.shuffle(runs)
    # Longer runs ask for more, single words are the most frequent: take both alike.
    return sorted(runs, key=lambda run: -min(run[1] - run[0], rng.randint(2, 8)))


def cloze(source: str, sentence: str, passage: str, rng: random.Random) -> Example | None:
    """A question made from `sentence` whose answer stands in `passage`, near other words of the sentence."""
    for a, b in _spans(sentence, rng)[:12]:
        answer = sentence[a:b]
        at = passage.find(answer)
        if at < 0:
            continue
        rest = sentence[:a] + " " + sentence[b:]
        place = best_occurrence(passage, rest, (answer,))
        assert place is not None
        near = passage[max(0, place[0] - 60) : place[0]] + " " + passage[place[1] : place[1] + 60]
        if len(_bigrams(rest) & _bigrams(near)) >= 3:
            return Example(source, blank(sentence, a, b, rng), passage, *place)
    return None


def headline_clozes(articles: Iterable[Article], rng: random.Random) -> Iterator[Example]:
    """Headlines with a blank, asked of the body's beginning or of a part that lacks the answer."""
    for article in articles:
        if not 8 <= len(article.title) <= 60 or len(article.text) < 60:
            continue
        passages = cut(article.text, rng.randint(SHORTEST, LONGEST))
        example = cloze("headline", article.title, passages[0], rng)
        if example is not None:
            yield example
            answer = example.passage[example.start : example.end]
            others = [passage for passage in passages[1:] if answer not in passage]
            if others and rng.random() < 0.5:
                yield Example("headline+other", example.question, rng.choice(others), -1, -1)


def recurring_clozes(articles: Iterable[Article], rng: random.Random) -> Iterator[Example]:
    """Sentences with a blank, asked of the rest of their text (recurring spans: Ram et al. 2021)."""
    for article in articles:
        spans = [(a, b) for a, b in pieces(article.text[:3000]) if 15 <= b - a <= 60]
        if len(article.text) < 300 or len(spans) < 3:
            continue
        a, b = rng.choice(spans)
        rest = (article.text[:a] + article.text[b:]).strip()
        asked = _bigrams(article.text[a:b])
        passages = cut(rest[:3000], rng.randint(SHORTEST, LONGEST))
        passage = max(passages, key=lambda text: len(asked & _bigrams(text)))
        example = cloze("recurring", article.text[a:b].strip(), passage, rng)
        if example is not None:
            yield example
