"""Drafts → the text of an answer, sentence by sentence, each checked before it is taken in."""

import logging
from dataclasses import dataclass, replace

from service.answer import Citation, Sentence, Verdict, sentence_texts
from service.compose import Draft
from service.verify import unfounded, unsupported

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """A sentence that has passed the check, with its final markers; the `text` of all, joined, is that of the answer."""

    sentence: Sentence
    text: str


class Assembly:
    """The part of an answer that stands: its `text`, a sentence a line under the `notice`; markers count from 1 in order of use.

    `dropped` counts what was left out; `reason` tells why the rest is missing.
    """

    def __init__(self) -> None:
        self.sentences: list[Sentence] = []
        self.citations: list[Citation] = []
        self.notice: str | None = None
        self.dropped = 0
        self.reason: str | None = None
        self.text = ""
        self._markers: dict[int, int] = {}

    def add(self, draft: Draft) -> list[Checked]:
        """Takes in the sentences of a draft that their citations carry, and returns these as they stand in the answer."""
        self.dropped += draft.dropped
        self.reason = draft.reason or self.reason
        if draft.notice is not None and not self.sentences:
            self.notice = (self.notice or "") + draft.notice
        cited = {citation.marker: citation for citation in draft.citations}
        check = unfounded if draft.is_worded else unsupported
        kept = []
        for sentence in draft.sentences:
            used = [cited[marker] for marker in sentence.citations if marker in cited]
            problem = check(sentence.text, [citation.quote for citation in used])
            if problem is not None:
                logger.warning("dropped a sentence: %s", problem)
                self.dropped += 1
                continue
            markers = tuple(self._marker(citation) for citation in used)
            final = replace(sentence, citations=markers, verdict=Verdict.SUPPORTED)
            above = "\n" if self.sentences else f"{self.notice}\n" if self.notice else ""
            kept.append(Checked(final, above + sentence_texts([final])[0]))
            self.sentences.append(final)
            self.text += kept[-1].text
        return kept

    def _marker(self, citation: Citation) -> int:
        if citation.marker not in self._markers:
            self._markers[citation.marker] = len(self._markers) + 1
            self.citations.append(replace(citation, marker=self._markers[citation.marker]))
        return self._markers[citation.marker]
