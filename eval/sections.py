"""Which section of a document a stretch of its text belongs to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from indexer.document import Document
from indexer.outline import outline


@dataclass(frozen=True)
class OwnText:
    """A section without its children: `start:end` of the document, from its heading up to the next heading.

    `path` are the titles from the outermost section to this one, empty for what stands above the first heading; `characters`
    how much text there is below the heading, white space aside.
    """

    doc_id: str
    path: tuple[str, ...]
    start: int
    end: int
    characters: int


@lru_cache(maxsize=256)
def own_texts(document: Document) -> tuple[OwnText, ...]:
    """The sections of a document, in text order; together they are the whole text."""
    text = document.text
    sections = outline(text)
    starts = [0, *(section.start for section in sections), len(text)]
    paths = [(), *(section.path for section in sections)]
    found = []
    for path, start, end in zip(paths, starts, starts[1:], strict=False):
        body = text[start:end] if not path else text[start:end].partition("\n")[2]
        if start < end:
            found.append(OwnText(document.doc_id, path, start, end, len(re.sub(r"\s", "", body))))
    return tuple(found)


def sections_with(span: str, document: Document) -> list[OwnText]:
    """The sections that hold a part of `span`, wherever it stands in the document; only white space may differ."""
    places = list(_occurrences(span, document))
    return [own for own in own_texts(document) if any(start < own.end and own.start < end for start, end in places)]


def _occurrences(span: str, document: Document) -> Iterator[tuple[int, int]]:
    words = re.sub(r"\s+", "", span)
    solid, offsets = _solid(document)
    at = solid.find(words) if words else -1
    while at >= 0:
        yield offsets[at], offsets[at + len(words) - 1] + 1
        at = solid.find(words, at + 1)


@lru_cache(maxsize=256)
def _solid(document: Document) -> tuple[str, tuple[int, ...]]:
    """The text without white space, and where each of its characters stands in the document."""
    kept = [(char, offset) for offset, char in enumerate(document.text) if not char.isspace()]
    return "".join(char for char, _ in kept), tuple(offset for _, offset in kept)
