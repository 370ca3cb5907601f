"""What every benchmark is read into, and what comes of asking it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eval.measures import without_markers
from eval.score import direct_answer
from service.answer import Answer, Status
from service.question import Turn


@dataclass(frozen=True)
class BenchPassage:
    """One text of a benchmark's collection; `title` may be empty. It is indexed as a document of its own."""

    doc_id: str
    title: str
    text: str


@dataclass(frozen=True)
class BenchQuestion:
    """One question of a benchmark; what a format does not know stays empty.

    `relevant` is how relevant each `doc_id` is, as in TREC qrels; `facts` are required facts, each a tuple of accepted forms;
    `answers` whole answers, any of which is right; `evidence` texts that carry the answer; `fakes` what only a planted error
    says; `documents` the only ones it is asked over, None for the whole collection; `group` the condition it is asked under.
    """

    query_id: str
    text: str
    relevant: Mapping[str, int] = field(default_factory=dict)
    facts: tuple[tuple[str, ...], ...] = ()
    answers: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    fakes: tuple[str, ...] = ()
    is_answerable: bool = True
    history: tuple[Turn, ...] = ()
    documents: frozenset[str] | None = None
    group: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A collection and the questions on it, both in file order."""

    passages: tuple[BenchPassage, ...]
    questions: tuple[BenchQuestion, ...]


@dataclass(frozen=True)
class Found:
    """A retrieved passage of the index: the benchmark's document that it is cut from, and its text."""

    doc_id: str
    text: str


@dataclass(frozen=True)
class Reply:
    """What came of one question.

    `found` are the passages as reading ranked them, best first, empty where the question has nothing relevant to find;
    `answer` is None when only retrieval is measured, and for a failure, which says why in `error`.
    """

    question: BenchQuestion
    found: tuple[Found, ...] = ()
    answer: Answer | None = None
    error: str | None = None

    @property
    def ranked(self) -> tuple[str, ...]:
        """The documents found, each at its best passage, best first."""
        return tuple(dict.fromkeys(passage.doc_id for passage in self.found))

    @property
    def is_refusal(self) -> bool:
        return self.answer is not None and self.answer.status is Status.REFUSED

    @property
    def said(self) -> str:
        """The text of the answer, markers aside; empty for a refusal and for a failure."""
        return "" if self.answer is None or self.is_refusal else without_markers(self.answer.text)

    @property
    def direct(self) -> str:
        """The first sentence of the answer; empty for a refusal and for a failure."""
        return "" if self.answer is None else direct_answer(self.answer)

    @property
    def quotes(self) -> tuple[str, ...]:
        """What the answer quotes; empty for a refusal and for a failure."""
        return () if self.answer is None or self.is_refusal else tuple(c.quote for c in self.answer.citations)


Score = Callable[[Reply, int], dict[str, float]]
"""The measures that apply to a reply, by name, each between 0 and 1; a failure scores their worst. The number is `k`."""
