"""One question, one pass: understand → retrieve → read → compose → verify → answer or refuse.

The pipeline knows no HTTP; the command line, the service and the evaluation all call `Pipeline.ask`. The same question on
the same index and models gives the same answer.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Self

import prompts
from indexer.document import Hit
from indexer.embedder import SentenceTransformerEmbedder
from indexer.retrieval import HybridRetriever, Library, Retriever
from indexer.store import Stored, load
from service.answer import Answer, Receipt, Sentence, ShownPassage, Status, Verdict
from service.compose import Composer, Draft, ExtractiveComposer
from service.evidence import LexicalReader, Reader, Reading
from service.question import Question, Turn, understand
from service.refusal import refusal_reason
from service.verify import unsupported

_READ = 20
SHOWN = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retrieved:
    """The first event of a pass: what was found, before it is read."""

    question: Question
    hits: tuple[Hit, ...]


class Pipeline:
    """Answers questions from one index; safe to call from many threads, for nothing in it changes."""

    def __init__(
        self,
        library: Library,
        retriever: Retriever,
        reader: Reader,
        composer: Composer,
        *,
        index_fingerprint: str,
        models: Mapping[str, str],
    ) -> None:
        self.library = library
        self._retriever = retriever
        self._reader = reader
        self._composer = composer
        self._refusal = prompts.load("refusal")
        self.receipt = Receipt(
            index=index_fingerprint,
            models={**models, "reader": reader.name, "composer": composer.name},
            prompt=self._refusal.fingerprint,
            version=version("zhengwen"),
        )

    @classmethod
    def open(cls, index: Path) -> Self:
        """The pipeline over an index on disk, with the embedder that made it.

        Raises:
            StoredIndexError: the index cannot be served.
            ModelError: its embedder cannot be loaded or is another one.
        """
        return cls.over(load(index))

    @classmethod
    def over(cls, stored: Stored) -> Self:
        embedder = SentenceTransformerEmbedder(stored.embedder_location)
        library = Library(stored.documents, stored.passages)
        return cls(
            library,
            HybridRetriever(stored, embedder),
            LexicalReader(library, stored.glossary, stored.lexical),
            ExtractiveComposer(library),
            index_fingerprint=stored.manifest.fingerprint,
            models={"embedder": stored.manifest.embedder.fingerprint},
        )

    def search(self, text: str, k: int = SHOWN) -> list[Hit]:
        """At most `k` hits for a question, best first, as reading ranked them.

        Raises:
            QuestionError: the question cannot be asked.
        """
        question = understand(text)
        hits = self._retriever.retrieve(question.resolved, question.tokens, max(k, _READ))
        return list(self._reader.read(question, hits).hits[:k])

    def ask(self, text: str, history: Sequence[Turn] = ()) -> Answer:
        """The answer to a question, with what `history` says of it.

        Raises:
            QuestionError: the question cannot be asked.
        """
        for event in self.stream(text, history):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a pass ends with an answer")

    def stream(self, text: str, history: Sequence[Turn] = ()) -> Iterator[Retrieved | Answer]:
        """The same pass as `ask`, with an event when the passages are found and one with the answer."""
        started = perf_counter()
        question = understand(text, history)
        hits = self._retriever.retrieve(question.resolved, question.tokens, _READ)
        retrieved = perf_counter()
        yield Retrieved(question, tuple(hits))
        reading = self._reader.read(question, hits)
        read = perf_counter()
        answer = self._answer(question, reading)
        done = perf_counter()
        timings = {
            "retrieve_ms": round(1000 * (retrieved - started), 1),
            "read_ms": round(1000 * (read - retrieved), 1),
            "total_ms": round(1000 * (done - started), 1),
        }
        logger.info(
            "answered status=%s passages=%s timings=%s",
            answer.status.value,
            [p.passage_id for p in answer.passages[:3]],
            timings,
        )
        yield replace(answer, timings=timings)

    def _answer(self, question: Question, reading: Reading) -> Answer:
        passages = tuple(ShownPassage.of(hit, self.library.text(hit.passage)) for hit in reading.hits[:SHOWN])
        reason = refusal_reason(question, reading)
        draft = Draft((), ()) if reason else _checked(self._composer.compose(question, reading))
        if not draft.sentences:
            return self.refuse(question.text, reason or "找到的段落没有一句能够支持回答", passages)
        return Answer(
            question=question.text,
            status=Status.ANSWERED,
            text="\n".join(sentence_texts(draft.sentences)),
            reason=None,
            sentences=draft.sentences,
            citations=draft.citations,
            passages=passages,
            timings={},
            receipt=self.receipt,
        )

    def refuse(self, question: str, reason: str, passages: tuple[ShownPassage, ...] = ()) -> Answer:
        """A refusal with its reason and the nearest passages."""
        titles = list(dict.fromkeys(self.library.document(passage.doc_id).title for passage in passages[:3]))
        nearest = "最接近的段落见" + "、".join(f"“{title}”" for title in titles) + "，可供查阅。" if titles else ""
        text = self._refusal.fill(reason=reason.rstrip("。"), nearest=nearest)
        return Answer(question, Status.REFUSED, text, reason, (), (), passages, {}, self.receipt)


def sentence_texts(sentences: Sequence[Sentence]) -> list[str]:
    """Each sentence with its markers behind it, as it stands in the answer."""
    return [sentence.text + "".join(f"[{marker}]" for marker in sentence.citations) for sentence in sentences]


def _checked(draft: Draft) -> Draft:
    """The draft without the sentences that their citations do not carry; markers count from 1 in order of use."""
    cited = {citation.marker: citation for citation in draft.citations}
    markers: dict[int, int] = {}
    kept = []
    for sentence in draft.sentences:
        spans = [cited[marker].quote for marker in sentence.citations if marker in cited]
        problem = unsupported(sentence.text, spans)
        if problem is not None:
            logger.warning("dropped a sentence: %s", problem)
            continue
        renumbered = tuple(markers.setdefault(marker, len(markers) + 1) for marker in sentence.citations)
        kept.append(replace(sentence, citations=renumbered, verdict=Verdict.SUPPORTED))
    return Draft(tuple(kept), tuple(replace(cited[old], marker=new) for old, new in markers.items()))
