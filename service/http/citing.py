"""The citations of an answer in every place where clients of chat completions look for them.

`annotations` for OpenAI's SDKs, `context.citations` for Azure clients, `citations` and `search_results` for Perplexity
clients, and `grounding`, our own, with the verdict of each sentence. Offsets are Unicode code points, half-open, with their
twins in UTF-16 code units for JavaScript.
"""

from collections.abc import Sequence
from typing import Any, Literal

from typing_extensions import TypedDict

from indexer.document import Hit
from indexer.retrieval import Library
from service.answer import Answer, Citation, Sentence, sentence_texts
from service.http.links import Links
from service.pipeline import SHOWN
from service.utf16 import utf16_length

_SNIPPET_CHARACTERS = 200


class UrlCitation(TypedDict):
    """A sentence of the answer and what carries it; the indices count in the answer's text."""

    start_index: int
    end_index: int
    start_index_utf16: int
    end_index_utf16: int
    title: str
    url: str


class Annotation(TypedDict):
    type: Literal["url_citation"]
    url_citation: UrlCitation


class ContextCitation(TypedDict):
    content: str
    title: str
    url: str
    filepath: str
    chunk_id: str


class Context(TypedDict):
    """Citation `[n]` of the answer is the n-th here."""

    citations: list[ContextCitation]


class SearchResult(TypedDict):
    title: str
    url: str
    date: str | None
    snippet: str


class Grounding(TypedDict):
    """The parts of the answer object that say what the answer rests on."""

    id: str
    understood: str | None
    status: Literal["answered", "partial", "refused"]
    reason: str | None
    confidence: float
    notice: str | None
    dropped: int
    sentences: list[Sentence]
    citations: list[Citation]
    receipt: dict[str, Any]


def annotations(answer: Answer, links: Links) -> list[Annotation]:
    """One `url_citation` a marker; its indices span the sentence with its markers in the answer's text."""
    by_marker = {citation.marker: citation for citation in answer.citations}
    found: list[Annotation] = []
    start = len(answer.notice) + 1 if answer.notice else 0
    start_utf16 = utf16_length(answer.text[:start])
    for sentence, shown in zip(answer.sentences, sentence_texts(answer.sentences), strict=True):
        end, end_utf16 = start + len(shown), start_utf16 + utf16_length(shown)
        for marker in sentence.citations:
            citation = by_marker[marker]
            place: UrlCitation = {
                "start_index": start,
                "end_index": end,
                "start_index_utf16": start_utf16,
                "end_index_utf16": end_utf16,
                "title": citation.title,
                "url": _url(citation, links),
            }
            found.append({"type": "url_citation", "url_citation": place})
        start, start_utf16 = end + 1, end_utf16 + 1
    return found


def context(answer: Answer, links: Links) -> Context:
    """The citations in the order of their markers."""
    return {
        "citations": [
            {
                "content": citation.quote,
                "title": citation.title,
                "url": _url(citation, links),
                "filepath": citation.origin.path,
                "chunk_id": f"{citation.doc_id}#{citation.start}-{citation.end}",
            }
            for citation in answer.citations
        ]
    }


def citation_urls(answer: Answer, links: Links) -> list[str]:
    """Addresses of the citations in the order of their markers."""
    return [_url(citation, links) for citation in answer.citations]


def search_results(answer: Answer, library: Library, links: Links) -> list[SearchResult]:
    """What is cited in the order of the markers, then the passages found: a client that takes `[n]` for the n-th is right."""
    cited = [(c.doc_id, c.start, c.end, c.quote) for c in answer.citations]
    found = [(p.doc_id, p.start, p.end, p.text) for p in answer.passages]
    return [_search_result(place, library, links) for place in (*cited, *found)]


def first_results(hits: Sequence[Hit], library: Library, links: Links) -> list[SearchResult]:
    """What was found, before it is read."""
    passages = [hit.passage for hit in hits[:SHOWN]]
    return [_search_result((p.doc_id, p.start, p.end, library.text(p)), library, links) for p in passages]


def grounding(answer: Answer) -> Grounding:
    row = answer.to_json()
    found: Grounding = {key: row[key] for key in Grounding.__annotations__}  # type: ignore[assignment]
    return found


def _search_result(place: tuple[str, int, int, str], library: Library, links: Links) -> SearchResult:
    doc_id, start, end, text = place
    document = library.document(doc_id)
    return {
        "title": document.title,
        "url": links.to(doc_id, start, end),
        "date": document.metadata.published or None,
        "snippet": text[:_SNIPPET_CHARACTERS],
    }


def _url(citation: Citation, links: Links) -> str:
    return links.to(citation.doc_id, citation.start, citation.end)
