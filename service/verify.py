"""Is a sentence carried by the spans it cites, and do saved citations still stand?"""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.errors import NotFoundError
from indexer.retrieval import Library
from indexer.text import squeeze
from service.answer import SavedAnswer
from service.figures import missing_figures

# Where an extractive sentence leaves words out, it says so with this mark.
OMISSION = "……"


def unsupported(sentence: str, spans: Sequence[str]) -> str | None:
    """None when the cited spans carry an extracted sentence; else what is wrong with it.

    The runs of words between omissions must stand in the spans, in this order, white space, markup and punctuation aside,
    and every figure of the sentence must be a figure of the spans (not part of a longer one).
    """
    if not spans:
        return "it cites nothing"
    missing = missing_figures(sentence, "\n".join(spans))
    if missing:
        return f"the figure {missing[0]} does not stand in what it cites"
    source = "".join(squeeze(span) for span in spans)
    at = 0
    for part in sentence.split(OMISSION):
        words = squeeze(part)
        found = source.find(words, at)
        if found < 0:
            return f"{part.strip()!r:.40} does not stand in what it cites"
        at = found + len(words)
    return None


@dataclass(frozen=True)
class Check:
    """The result for one citation (`marker`) or one sentence (`marker` is None); `problem` is None when it holds."""

    marker: int | None
    text: str
    problem: str | None


def recheck(answer: SavedAnswer, library: Library) -> list[Check]:
    """Every citation and every sentence of a saved answer against the documents of the index, in order."""
    checks: list[Check] = []
    spans: dict[int, str] = {}
    for citation in answer.citations:
        problem = None
        try:
            document = library.document(citation.doc_id)
        except NotFoundError:
            problem = f"the index holds no document {citation.doc_id!r}"
        else:
            text = document.text
            if not 0 <= citation.start < citation.end <= len(text):
                problem = f"offsets {citation.start}:{citation.end} lie outside the document of {len(text)} characters"
            elif text[citation.start : citation.end] != citation.quote:
                found = text[citation.start : citation.end]
                problem = f"the document reads {found!r:.60} there, not the quote"
                if citation.quote and citation.quote in text:
                    problem += f" (the quote now stands at {text.index(citation.quote)})"
            elif document.sha256 != citation.doc_sha256:
                problem = "the document has changed since, though the quote still stands at its place"
            spans[citation.marker] = text[max(0, citation.start) : max(0, citation.end)]
        checks.append(Check(citation.marker, citation.quote, problem))
    for sentence in answer.sentences:
        unknown = [marker for marker in sentence.citations if marker not in spans]
        problem = (
            f"it cites [{unknown[0]}], which is not among the citations that could be read"
            if unknown
            else unsupported(sentence.text, [spans[marker] for marker in sentence.citations])
        )
        checks.append(Check(None, sentence.text, problem))
    return checks
