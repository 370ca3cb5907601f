"""Which sections of the documents no gold question asks about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eval.gold import GoldQuestion
from eval.sections import OwnText, own_texts, sections_with
from indexer.document import Document

SHORTEST = 80
"""Characters of own text from which on a section is worth a question."""


@dataclass(frozen=True)
class DocumentCoverage:
    """How many sections with enough text a document has, and which of them hold no evidence, in text order."""

    doc_id: str
    sections: int
    missing: tuple[OwnText, ...]

    @property
    def share(self) -> float:
        """Share of the sections that are asked about; 1 when there is none to ask about."""
        return 1 - len(self.missing) / self.sections if self.sections else 1.0


def coverage(questions: Sequence[GoldQuestion], documents: Iterable[Document]) -> list[DocumentCoverage]:
    """The coverage of each document by the evidence of the questions."""
    found = []
    for document in documents:
        spans = {span for question in questions if document.doc_id in question.docs for span in question.evidence}
        asked = {own for span in spans for own in sections_with(span, document)}
        large = [own for own in own_texts(document) if own.characters > SHORTEST]
        missing = tuple(own for own in large if own not in asked)
        found.append(DocumentCoverage(document.doc_id, len(large), missing))
    return found
