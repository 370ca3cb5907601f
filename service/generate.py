"""A language model words the answer from numbered evidence; what it writes is split into sentences and handed on to be checked."""

from collections.abc import Generator, Sequence
from contextlib import closing

import prompts
from indexer.retrieval import Library
from indexer.text import squeeze
from service.answer import Sentence
from service.compose import Composer, Draft
from service.evidence import Reading
from service.language_model import LanguageModel, Message
from service.question import Kind, Question
from service.reply import ReplyReader, ReplySentence
from service.sources import Source, harmless, number_sources

# What the prompt tells the model to write when the evidence does not answer.
_LACKING = "资料不足"
LACKS_ANSWER = "语言模型认为找到的资料不足以回答"
_EVIDENCE_CHARACTERS = 3000
_UNANSWERED = Draft((), (), reason=LACKS_ANSWER)
_LEFT_OUT = Draft((), (), dropped=1)

_KINDS = {
    Kind.NUMBER: "数字，带单位",
    Kind.DATE: "日期或时间",
    Kind.ENTITY: "机构、企业或人的名称",
    Kind.NAME: "名称",
    Kind.PLACE: "地点",
    Kind.LIST: "逐项列举",
    Kind.DEFINITION: "定义",
    Kind.REASON: "原因",
    Kind.COMPARISON: "各方分别的情况",
    Kind.SUMMARY: "要点",
    Kind.YES_NO: "是或否，以及依据",
}


class GenerativeComposer:
    """See the module; `extractive` picks the evidence that stands first, and answers alone where sources contradict each other;
    `characters` bounds what the model gets to see."""

    name = "generative-1"

    def __init__(
        self,
        model: LanguageModel,
        library: Library,
        extractive: Composer,
        *,
        characters: int = _EVIDENCE_CHARACTERS,
    ) -> None:
        self._model = model
        self._library = library
        self._extractive = extractive
        self._characters = characters
        self.prompt = prompts.load("answer")

    def compose(self, question: Question, reading: Reading) -> Generator[Draft, None, None]:
        """A draft a sentence, as soon as it is written, and an empty one for every other piece of the reply.

        Raises:
            ModelError: the model cannot write, or broke off.
        """
        quoted = list(self._extractive.compose(question, reading))
        if any(draft.is_disputed for draft in quoted):
            yield from quoted  # where sources contradict each other, each is heard in its own words
            return
        chosen = [span for draft in quoted for span in draft.citations]
        sources = number_sources(reading.evidence, chosen, self._library, characters=self._characters)
        if not sources:
            return
        reader, seen = ReplyReader(), set[str]()
        with closing(self._model.generate([Message("user", self._fill(question, sources))])) as pieces:
            for piece in pieces:
                complete = reader.feed(piece)
                yield Draft((), ())  # gives whoever asked a chance to hang up
                if not (yield from _drafts(complete, sources, seen)):
                    return
                if reader.is_runaway:
                    break
        complete, cut = reader.finish()
        if (yield from _drafts(complete, sources, seen)) and cut is not None:
            yield _UNANSWERED if _LACKING in cut.text else _LEFT_OUT

    def _fill(self, question: Question, sources: list[Source]) -> str:
        return self.prompt.fill(
            question=harmless(question.text),
            resolved=harmless(question.resolved),
            kind=_KINDS.get(question.kind, "事实"),
            evidence="\n\n".join(source.text for source in sources),
        )


def _drafts(
    complete: Sequence[ReplySentence], sources: Sequence[Source], seen: set[str]
) -> Generator[Draft, None, bool]:
    """A draft for each sentence; returns whether to read on, for the model may give up or repeat itself (`seen`)."""
    for sentence in complete:
        cited = tuple(c for n in sentence.numbers if 1 <= n <= len(sources) for c in sources[n - 1].citations)
        key = squeeze(sentence.text)
        if _LACKING in sentence.text and not any(_LACKING in citation.quote for citation in cited):
            yield _UNANSWERED
            return False
        if key in seen:
            yield _LEFT_OUT
            return False
        seen.add(key)
        if not cited:
            yield _LEFT_OUT  # a preamble, or a claim of its own
            continue
        yield Draft((Sentence(sentence.text, tuple(c.marker for c in cited)),), cited, is_worded=True)
    return True
