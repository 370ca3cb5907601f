"""A part of an index: what building it of some of its documents alone would give."""

from collections.abc import Collection
from dataclasses import replace

from indexer.dense import DenseIndex
from indexer.glossary import learn, shipped
from indexer.lexical import LexicalIndex
from indexer.passages import index_text
from indexer.store import Stored
from indexer.tokens import tokenize


def part(stored: Stored, doc_ids: Collection[str]) -> Stored:
    """The documents of `doc_ids` with their passages, and glossary and lexical leg made anew of these alone.

    Hiding rows would not do for a reader who must not learn of the rest: how rare a word is, which names stand for one
    thing and how long passages are would still be told by documents out of sight. The vectors depend on nothing but their
    own passage and are kept, as is the manifest, which is that of the whole index.
    """
    documents = {document.doc_id: document for document in stored.documents if document.doc_id in doc_ids}
    rows = [row for row, passage in enumerate(stored.passages) if passage.doc_id in documents]
    passages = tuple(stored.passages[row] for row in rows)
    names = learn((document.text for document in documents.values()), shipped())
    texts = (index_text(documents[passage.doc_id], passage) for passage in passages)
    return replace(
        stored,
        documents=tuple(documents.values()),
        passages=passages,
        glossary=names,
        lexical=LexicalIndex.build([tokenize(names.expand(text)) for text in texts]),
        dense=DenseIndex.build(stored.dense.vectors()[rows]),
    )
