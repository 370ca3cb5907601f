"""Questions that we wrote on policy documents that we wrote, `training/policy_questions/`, as examples for the reader.

The passages are those that the indexer cuts. A passage that holds evidence answers, from the first to the last character
of the evidence for lists and explanations and with the short answer otherwise; for every question the passages that BM25
ranks best but that hold no evidence do not, and for a near miss none does.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.corpus import read_all, scan
from indexer.document import Document, Passage
from indexer.lexical import LexicalIndex
from indexer.passages import cut, index_text
from indexer.text import fold
from indexer.tokens import tokenize
from training.examples import Example

POLICY = Path(__file__).parent / "policy_questions"
DOCUMENTS = POLICY / "documents"
READING, CHOOSING = POLICY / "reading.jsonl", POLICY / "choosing.jsonl"
_WHOLE = frozenset(("list", "reason", "definition", "summary", "comparison"))
_NEAR_MISSES = 3
_AMONG = 8


@dataclass(frozen=True)
class PolicyQuestion:
    """`evidence` are spans of `docs`, none when nothing answers; `answers` the facts, each a tuple of accepted forms."""

    question_id: str
    question: str
    kind: str
    docs: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]

    @property
    def is_answerable(self) -> bool:
        return bool(self.evidence)


def policy_questions(path: Path) -> Iterator[PolicyQuestion]:
    """The questions of a file, in order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield PolicyQuestion(
            row["id"],
            row["question"],
            row["type"],
            tuple(row["docs"]),
            tuple(map(tuple, row["answers"])),
            tuple(row["evidence"]),
        )


def answer_span(text: str, question: PolicyQuestion) -> tuple[int, int] | None:
    """Where `text` answers: the evidence in it, or the shortest accepted form inside that evidence; none without any."""
    places = [(at, at + len(span)) for span in question.evidence if (at := text.find(span)) >= 0]
    if not places:
        return None
    start, end = places[0]
    if question.kind not in _WHOLE:
        forms = [form for forms in question.answers for form in forms if form in text[start:end]]
        if forms:
            form = min(forms, key=len)
            at = text.index(form, start)
            return at, at + len(form)
    return start, end


class PolicyPool:
    """The passages of the documents of some questions, as the reader sees them, behind BM25."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._texts: list[str] = []
        self._passages: list[tuple[str, Passage]] = []
        for document in documents:
            for passage in cut(document):
                self._texts.append(index_text(document, passage))
                self._passages.append((document.doc_id, passage))
        self._index = LexicalIndex.build([tokenize(text) for text in self._texts])

    def examples(self, question: PolicyQuestion, rng: random.Random) -> Iterator[Example]:
        """Every passage that holds evidence, and `_NEAR_MISSES` of the best that hold none."""
        answering: set[int] = set()
        for row, (doc_id, passage) in enumerate(self._passages):
            if doc_id not in question.docs or not question.evidence:
                continue
            text = self._texts[row]
            body = len(text) - (passage.end - passage.start)
            place = answer_span(text[body:], question)
            if place is not None:
                answering.add(row)
                yield Example("policy", question.question, text, body + place[0], body + place[1])
        ranked = [
            row for row, _ in self._index.search(tokenize(fold(question.question)), _AMONG) if row not in answering
        ]
        for row in sorted(rng.sample(ranked, min(_NEAR_MISSES, len(ranked)))):
            yield Example("policy+bm25", question.question, self._texts[row], -1, -1)


def policy_examples(path: Path, seed: int) -> list[Example]:
    """The examples of a file of questions, against the passages of the documents that it asks about."""
    questions = list(policy_questions(path))
    named = {name for question in questions for name in question.docs}
    documents, unreadable = read_all(scan(DOCUMENTS))
    assert not unreadable, unreadable
    pool = PolicyPool([document for document in documents if document.doc_id in named])
    rng = random.Random(seed)
    return [example for question in questions for example in pool.examples(question, rng)]
