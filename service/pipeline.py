"""One question, one pass: understand → retrieve → read → compose → verify → answer or refuse.

The pipeline knows no HTTP; the command line, the service and the evaluation all call `Pipeline.ask`. The same question on
the same index and models gives the same answer.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Self

import prompts
from indexer.document import Hit
from indexer.embedder import Embedder, SentenceTransformerEmbedder
from indexer.errors import ModelError
from indexer.part import part
from indexer.retrieval import HybridRetriever, Library, Retriever
from indexer.scope import EVERYTHING, Scope, require
from indexer.store import Stored, load
from indexer.text import fold
from models import EMBEDDER, EVIDENCE
from service.answer import Answer, Citation, Receipt, ShownPassage, Status
from service.assembly import Assembly, Checked
from service.compose import Composer, Draft, ExtractiveComposer
from service.evidence import READ, EvidenceReader, Reader, Reading
from service.evidence_model import EvidenceModel
from service.generate import GenerativeComposer
from service.language_model import LanguageModel
from service.parts import Parts
from service.question import Question, Turn, understand
from service.receipt import code_sha256
from service.references import Asked, asked_clauses, clauses_first, references, with_clauses
from service.refusal import refusal_reason
from service.rerank import Reranker, RerankingReader
from service.spelling import corrected, vocabulary_of
from service.validity import resolved_dates, warning, weighed

SHOWN = 10
# For how many sets of visible documents a pipeline is kept open: there are as many as groups of documents in use.
_PARTS = 16

MODEL_UNAVAILABLE = "语言模型暂时不可用，以下为原文摘录。"
MODEL_BROKE_OFF = "语言模型中途中断"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retrieved:
    """The first event of a pass: what was found, before it is read."""

    question: Question
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Writing:
    """A language model is writing and there is nothing checked to show yet: time to hang up, or to keep a line open."""


Event = Retrieved | Writing | Checked | Answer


@dataclass(frozen=True)
class Stages:
    """The hits of one question at every stage of a pass, best first: both legs, fused, and as reading ranked them."""

    lexical: tuple[Hit, ...]
    dense: tuple[Hit, ...]
    fused: tuple[Hit, ...]
    read: tuple[Hit, ...]


@dataclass(frozen=True)
class _Models:
    """What a pipeline is made with, over an index and over any part of it; `vectors` are those of the evidence model."""

    embedder: Embedder
    vectors: Embedder
    evidence: EvidenceModel
    language: LanguageModel | None
    reranker: Reranker | None


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
        fallback: Composer | None = None,
        composer_prompts: Sequence[prompts.Prompt] = (),
        settings: Mapping[str, str] | None = None,
        open_part: Callable[[frozenset[str]], "Pipeline"] | None = None,
    ) -> None:
        """`fallback` answers when the composer's model fails; without one the question fails. Prompts, models and settings are
        for the receipt. `open_part` makes the pipeline over some of the documents; without it all have to be visible.
        """
        self.library = library
        self._parts = None if open_part is None else Parts(open_part, _PARTS)
        self._retriever = retriever
        self._reader = reader
        self._composer = composer
        self._fallback = fallback
        self._vocabulary = vocabulary_of(fold(document.text) for document in library.documents.values())
        self._refusal = prompts.load("refusal")
        self.receipt = Receipt(
            index=index_fingerprint,
            models={**models, "reader": reader.name, "composer": composer.name},
            prompt="+".join(prompt.fingerprint for prompt in (self._refusal, *composer_prompts)),
            version=version("zhengwen"),
            code=code_sha256(),
            settings={"passages_read": str(READ), "passages_shown": str(SHOWN)} | dict(settings or {}),
        )

    @classmethod
    def open(
        cls,
        index: Path,
        model: LanguageModel | None = None,
        settings: Mapping[str, str] | None = None,
        reranker: Reranker | None = None,
    ) -> Self:
        """The pipeline over an index on disk, with the embedder that made it; `model` words the answers if there is one, and
        `reranker` orders the evidence.

        `settings` are those that change answers and show in nothing else, for the receipt.

        Raises:
            StoredIndexError: the index cannot be served.
            ModelError: its embedder cannot be loaded or is another one.
        """
        return cls.over(load(index), model, settings, reranker)

    @classmethod
    def over(
        cls,
        stored: Stored,
        model: LanguageModel | None = None,
        settings: Mapping[str, str] | None = None,
        reranker: Reranker | None = None,
    ) -> Self:
        embedder = SentenceTransformerEmbedder(stored.embedder_location)
        # The evidence model weighs words by the vectors it was trained with, whatever embedder made the index.
        bundled = str(EMBEDDER)
        vectors = embedder if stored.embedder_location == bundled else SentenceTransformerEmbedder(bundled)
        return cls._over(stored, _Models(embedder, vectors, EvidenceModel.load(EVIDENCE), model, reranker), settings)

    @classmethod
    def _over(cls, stored: Stored, models: _Models, settings: Mapping[str, str] | None) -> Self:
        library = Library(stored.documents, stored.passages)
        extractive = ExtractiveComposer(library)
        language = models.language
        generative = None if language is None else GenerativeComposer(language, library, extractive)
        reader: Reader = EvidenceReader(library, stored.glossary, stored.lexical, models.vectors, models.evidence)
        if models.reranker is not None:
            reader = RerankingReader(reader, models.reranker, library)
        names = {"embedder": stored.manifest.embedder.fingerprint}
        return cls(
            library,
            HybridRetriever(stored, models.embedder),
            reader,
            extractive if generative is None else generative,
            index_fingerprint=stored.manifest.fingerprint,
            models=names if language is None else names | {"language_model": language.fingerprint},
            fallback=None if generative is None else extractive,
            composer_prompts=() if generative is None else (generative.prompt,),
            settings=settings,
            open_part=lambda doc_ids: cls._over(part(stored, doc_ids), models, settings),
        )

    def within(self, scope: Scope) -> "Pipeline":
        """The pipeline over the documents that the asker may see; this one when these are all.

        It answers as over an index that never held the others. Opening it takes as long as tokenising the documents; the
        last few stay open.

        Raises:
            QuestionError: there is no document that the asker may see.
        """
        visible = Scope(visible=scope.visible)
        library = self.library.within(visible)
        if library is self.library:
            return self
        require(visible, library.documents.values())
        if self._parts is None:
            raise AssertionError("a pipeline that was put together without `open_part` can hide no document")
        return self._parts.get(frozenset(library.documents))

    def _understand(self, text: str, history: Sequence[Turn] = ()) -> Question:
        """The question, with the words of the corpus that its typing errors likely stand for."""
        return corrected(understand(text, history), self._vocabulary)

    def search(self, text: str, k: int = SHOWN, scope: Scope = EVERYTHING) -> list[Hit]:
        """At most `k` hits for a question, best first, as reading ranked them.

        Raises:
            QuestionError: the question cannot be asked, or the scope admits no document.
        """
        seen = self.within(scope)
        question = seen._understand(text)
        hits, asked = seen._retrieve(question, max(k, READ), scope)
        return list(seen._read(question, hits, asked, scope).hits[:k])

    def stages(self, text: str, history: Sequence[Turn] = (), scope: Scope = EVERYTHING) -> Stages:
        """What `ask` finds on its way, for measuring where evidence gets lost; at most as many hits as are read.

        Raises:
            QuestionError: the question cannot be asked, or the scope admits no document.
        """
        seen = self.within(scope)
        question = seen._understand(text, history)
        legs = seen._retriever.legs(question.resolved, question.tokens, READ, scope)
        asked = asked_clauses(question, legs.fused, seen.library, scope)
        fused = legs.fused if asked is None else tuple(with_clauses(legs.fused, asked, seen.library))
        return Stages(legs.lexical, legs.dense, fused, seen._read(question, fused, asked, scope).hits)

    def ask(self, text: str, history: Sequence[Turn] = (), scope: Scope = EVERYTHING) -> Answer:
        """The answer that the documents of `scope` give to a question, with what `history` says of it.

        Raises:
            QuestionError: the question cannot be asked, or the scope admits no document.
        """
        for event in self.stream(text, history, scope):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a pass ends with an answer")

    def stream(
        self, text: str, history: Sequence[Turn] = (), scope: Scope = EVERYTHING
    ) -> Generator[Event, None, None]:
        """The same pass as `ask`, with events when the passages are found, for each checked sentence and for the answer.

        Closing it ends the work at the next event.
        """
        started = perf_counter()
        seen = self.within(scope)
        question = seen._understand(text, history)
        hits, asked = seen._retrieve(question, READ, scope)
        retrieved = perf_counter()
        yield Retrieved(question, tuple(hits))
        reading = seen._read(question, hits, asked, scope)
        read = perf_counter()
        missing = asked.missing if asked is not None else None
        reason, assembly = missing or refusal_reason(question, reading), Assembly()
        if reason is None:
            assembly = yield from seen._compose(question, reading, scope.as_of)
        answer = seen._answer(question, reading, assembly, reason, scope.as_of)
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
        yield replace(answer, understood=question.understood, timings=timings, history=tuple(history), scope=scope)

    def _retrieve(self, question: Question, k: int, scope: Scope) -> tuple[list[Hit], Asked | None]:
        """The hits, the passages of the clauses on top that the question asks for by their addresses."""
        hits = self._retriever.retrieve(question.resolved, question.tokens, k, scope)
        asked = asked_clauses(question, hits, self.library, scope)
        return (hits if asked is None else with_clauses(hits, asked, self.library)), asked

    def _read(self, question: Question, hits: Sequence[Hit], asked: Asked | None, scope: Scope) -> Reading:
        """What the reader finds, with what is in force, and before all the clauses asked for, in front."""
        reading = weighed(self._reader.read(question, hits), question, self.library, scope.as_of)
        return reading if asked is None else clauses_first(reading, question, asked, self.library)

    def _compose(
        self, question: Question, reading: Reading, as_of: str
    ) -> Generator[Writing | Checked, None, Assembly]:
        """What stands of the composer's drafts; when its model fails before anything does, of the fallback's."""
        assembly = Assembly()
        try:
            yield from _check(self._warned(self._composer.compose(question, reading), as_of), assembly)
        except ModelError as error:
            if self._fallback is None:
                raise
            logger.warning("the language model failed: %s", error)
            if assembly.sentences:
                assembly.reason = MODEL_BROKE_OFF
            else:
                assembly.notice = MODEL_UNAVAILABLE
                yield from _check(self._warned(self._fallback.compose(question, reading), as_of), assembly)
        return assembly

    def _warned(self, drafts: Generator[Draft, None, None], as_of: str) -> Generator[Draft, None, None]:
        """The drafts, the first with a notice when what it cites is not, or not yet, in force."""
        with closing(drafts):
            told = None
            for draft in drafts:
                if told is None and draft.citations:
                    told = warning(draft.citations, self.library, as_of) or ""
                    draft = replace(draft, notice=(draft.notice or "") + told or None)
                yield draft

    def _annotated(self, citation: Citation, as_of: str) -> Citation:
        """The citation with what is known around its quote: its validity, what it refers to, what its dates mean."""
        document = self.library.document(citation.doc_id)
        return replace(
            citation,
            validity=self.library.register.standing(citation.doc_id, as_of).status.value,
            refers_to=references(citation, self.library),
            relative_dates=resolved_dates(document, citation.quote),
        )

    def _answer(
        self, question: Question, reading: Reading, assembly: Assembly, reason: str | None, as_of: str
    ) -> Answer:
        passages = tuple(ShownPassage.of(hit, self.library.text(hit.passage)) for hit in reading.hits[:SHOWN])
        confidence = round(reading.answered, 4)
        if not assembly.sentences:
            why = reason or assembly.reason or "找到的段落没有一句能够支持回答"
            refusal = self.refuse(question.text, why, passages)
            above = f"{assembly.notice}\n" if assembly.notice else ""
            return replace(
                refusal,
                text=above + refusal.text,
                notice=assembly.notice,
                dropped=assembly.dropped,
                confidence=confidence,
            )
        rest = assembly.reason
        return Answer(
            question=question.text,
            status=Status.ANSWERED if rest is None else Status.PARTIAL,
            text=assembly.text if rest is None else f"{assembly.text}\n以上回答不完整：{rest}。",
            reason=rest,
            sentences=tuple(assembly.sentences),
            citations=tuple(self._annotated(citation, as_of) for citation in assembly.citations),
            passages=passages,
            timings={},
            receipt=self.receipt,
            notice=assembly.notice,
            dropped=assembly.dropped,
            confidence=confidence,
        )

    def refuse(self, question: str, reason: str, passages: tuple[ShownPassage, ...] = ()) -> Answer:
        """A refusal with its reason and the nearest passages."""
        titles = list(dict.fromkeys(self.library.document(passage.doc_id).title for passage in passages[:3]))
        nearest = "最接近的段落见" + "、".join(f"“{title}”" for title in titles) + "，可供查阅。" if titles else ""
        text = self._refusal.fill(reason=reason.rstrip("。"), nearest=nearest)
        return Answer(question, Status.REFUSED, text, reason, (), (), passages, {}, self.receipt)


def _check(drafts: Generator[Draft, None, None], assembly: Assembly) -> Iterator[Writing | Checked]:
    """Puts what stands of each draft into the assembly, with an event for each sentence or, without one, for the draft."""
    with closing(drafts):
        for draft in drafts:
            checked = assembly.add(draft)
            yield from checked
            if not checked:
                yield Writing()
