"""Is a sentence carried by the spans it cites, and do saved citations still stand?"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.errors import NotFoundError
from indexer.retrieval import Library
from indexer.text import fold, squeeze
from service.answer import SavedAnswer, SavedCitation, sentence_texts
from service.cells import spelled_out, told_rows
from service.entailment import MIN_ENTAILED, entailed_share
from service.facts import PARTS_OF_PERIODS, Kind, Mention, agree, alike, mentions, periods, readable, scene
from service.figures import missing_figures
from service.new_names import missing_name
from service.polarity import turned
from service.rows import is_headed, told
from service.subjects import swapped

# Where an extractive sentence leaves words out, it says so with this mark.
OMISSION = "……"
# Bounds of the comparison of generated sentences, in characters and in pairs of like figures: where everything is full of
# figures, nothing tells them apart anyway.
_LONGEST_SENTENCE, _LONGEST_SPANS = 600, 4000
_MOST_PAIRS = 4000
_SENTENCES = re.compile(r"[^。！？!?\n]+")
# 上限（万元）60, as the head of a column has it.
_UNIT_FIRST = re.compile(
    r"[（(](?:单位[:：])?(?P<unit>[%％‰]|[^\s（()）\d，。；]{1,8})[)）][:：为是]?\s*(?P<value>[-−]?\d[\d,]*(?:\.\d+)?)(?![\w.%％‰])"
)
_LIST_MARK = re.compile(r"^\s*(?:[-*•]\s+|\d{1,2}[.、](?!\d)\s*|[（(]\d{1,2}[)）]\s*|[①-⑳]\s*)")


def unsupported(sentence: str, spans: Sequence[str]) -> str | None:
    """None when the cited spans carry an extracted sentence; else what is wrong with it.

    The runs of words between omissions must stand in the spans, in this order, white space, markup and punctuation
    aside, or it is a row told with the head of its table, the spans being these two; and every figure of the sentence must be a figure of the spans (not part of a longer one).
    """
    if not spans:
        return "it cites nothing"
    missing = missing_figures(sentence, "\n".join(spans))
    if missing:
        return f"the figure {missing[0]} does not stand in what it cites"
    if len(spans) == 2 and is_headed(spans[1], spans[0]) and sentence == told(spans[1], spans[0]):
        return None  # a row and the head of its table, column by column
    source = "".join(squeeze(span) for span in spans)
    at = 0
    for part in sentence.split(OMISSION):
        words = squeeze(part)
        found = source.find(words, at)
        if found < 0:
            return f"{part.strip()!r:.40} does not stand in what it cites"
        at = found + len(words)
    return None


def contradiction(sentence: str, spans: Sequence[str]) -> str | None:
    """None when every fact of a generated sentence stands in the cited spans; else what does not.

    Facts are figures with unit and qualifier (近, 超, 以上), dates, document numbers, names and negations, under
    normalisation of numerals. A figure or date must also belong to what it belongs to in the spans: where they hold
    several like ones, the words around it must not come closer to another one's; in a table to its row and column.
    What the spans say of one numbered thing, office or place must not be said of another that they name. Whether the
    rest of the sentence follows from the spans is not looked at.
    """
    if not spans:
        return "it cites nothing"
    if len(sentence) > _LONGEST_SENTENCE or sum(map(len, spans)) > _LONGEST_SPANS:
        return (
            f"it or what it cites is too long to be compared (over {_LONGEST_SENTENCE} or {_LONGEST_SPANS} characters)"
        )
    quotes = (*spans, *_SENTENCES.findall("\n".join(spans)), *told_rows(spans))
    if squeeze(sentence) in {squeeze(quote) for quote in quotes}:
        return None
    said = readable(_UNIT_FIRST.sub(r"\g<value>\g<unit>", _LIST_MARK.sub("", sentence)))
    source = readable(_joined(spelled_out(spans)))
    for mention in mentions(said):
        problem = _misplaced(mention, said, source)
        if problem is not None:
            return problem
    known = periods(source)
    for period in periods(said):
        if period not in known:
            return f"{period} does not stand in what it cites"
    plain, plain_source = _without_mentions(said), "\n".join((_without_mentions(source), fold(_joined(spans))))
    name = missing_name(plain, plain_source)
    if name is not None:
        return f"the name {name} does not stand in what it cites"
    opposite = turned(said, source)
    if opposite is not None:
        return f"it turns round what it cites: {opposite}"
    other = swapped(said, source)
    return None if other is None else f"it says of another what it cites says: {other}"


def unfounded(sentence: str, spans: Sequence[str]) -> str | None:
    """None when a worded sentence follows from the cited spans, as far as facts and words can tell; else what is wrong
    with it.
    """
    problem = contradiction(sentence, spans)
    if problem is not None:
        return problem
    share = entailed_share(sentence, "\n".join(spans))
    return None if share >= MIN_ENTAILED else f"only {share:.0%} of its words stand in what it cites"


def _misplaced(mention: Mention, said: str, source: str) -> str | None:
    """What is wrong with a figure or date of a generated sentence, both texts `readable`; None when nothing is."""
    others = [other for other in mentions(source) if other.kind is mention.kind]
    agreeing = [other for other in others if agree(mention, other) or _has_unit_elsewhere(mention, other, source)]
    where = f"the {mention.kind.value} {mention.shown}"
    if not agreeing:
        if mention.indefinite and not any(alike(mention, other) for other in others):
            return None
        return f"{where} does not stand in what it cites"
    # 2025年底 is in 2025年, but 48小时以内 is not 48小时.
    qualified = [other for other in agreeing if other.qualifiers - mention.qualifiers <= PARTS_OF_PERIODS]
    qualified = [other for other in qualified if mention.qualifiers <= other.qualifiers]
    if not qualified:
        found = "、".join(sorted(set().union(*(other.qualifiers for other in agreeing)))) or "nothing"
        return (
            f"{where} is qualified by {'、'.join(sorted(mention.qualifiers)) or 'nothing'}, by {found} in what it cites"
        )
    directed = [other for other in qualified if _same_direction(mention, other)]
    if not directed:
        return f"{where} changes in the other direction in what it cites"
    if mention.indefinite:
        return None
    rivals = [other for other in set(others) - set(agreeing) if alike(mention, other)]
    rivals.sort(key=lambda other: other.start)
    if len(directed) * len(rivals) > _MOST_PAIRS:
        return None
    closer = _closer(mention, said, directed, rivals, source)
    return f"{where} belongs to something else in what it cites, where {closer.shown} comes closer" if closer else None


def _closer(
    mention: Mention, said: str, agreeing: Sequence[Mention], rivals: Sequence[Mention], source: str
) -> Mention | None:
    """The rival to which what stands around a mention belongs rather than to any mention of the source that agrees
    with it.

    The nearest surroundings that tell any two apart decide.
    """
    for level in range(4) if rivals else ():
        margins = []
        for other in agreeing:
            margins.append(
                min(((_margin(mention, said, other, rival, source, level), i) for i, rival in enumerate(rivals)))
            )
        margin, i = max(margins)
        if margin:
            return rivals[i] if margin < 0 else None
    return None


def _margin(mention: Mention, said: str, other: Mention, rival: Mention, source: str, level: int) -> int:
    """How much more of what stands around a mention belongs to `other` alone than to `rival` alone; below 0 when
    less.
    """
    own, theirs, against = scene(said, mention), scene(source, other), scene(source, rival)
    words = own.wide[level - 1] if level else own.near
    for_it = theirs.wide[level - 1] if level else theirs.near
    against_it = against.wide[level - 1] if level else against.near
    only_its = for_it - against_it - against.near - against.shared
    gained, lost = _weight(words & only_its), _weight(words & against_it - for_it - theirs.near - theirs.shared)
    # A subject that stands once, with the first figure, is that of the figures behind it too.
    is_carried = rival.start < other.start and not re.search(r"[。!?\n]", source[rival.end : other.start])
    its_clause = (theirs.wide[0] - against.wide[0]) | (theirs.wide[1] - against.wide[1])
    own_clause = words | own.shared | own.wide[0]
    if is_carried and lost and own_clause & (only_its | its_clause - against.near - against.shared):
        return max(0, gained - lost)
    return gained - lost


def _weight(words: frozenset[str]) -> int:
    """A figure or year in common tells more than any number of words."""
    return sum(10 if word.startswith("#") else 1 for word in words)


def _same_direction(one: Mention, other: Mention) -> bool:
    if one.signed or other.signed:
        return one.rises is other.rises
    return one.rises is None or other.rises is None or one.rises is other.rises


def _has_unit_elsewhere(mention: Mention, other: Mention, source: str) -> bool:
    """Whether the source gives the same number bare, as a cell does, and names the unit in the head of its table."""
    return (
        mention.kind is Kind.FIGURE
        and not other.unit
        and mention.unit not in ("", "%")
        and re.search(rf"[(/:每]\s?[百千万亿]*{re.escape(mention.unit)}", source) is not None
        and mention.shown.startswith(other.shown)
    )


def _joined(spans: Sequence[str]) -> str:
    """The spans a line each, save where one goes on in the middle of the sentence that the one before it began."""
    text = spans[0]
    for before, span in itertools.pairwise(spans):
        goes_on = before[-1:].isalnum() and not before.startswith("#") and span[:1].isalnum()
        text += ("" if goes_on else "\n") + span
    return text


def _without_mentions(text: str) -> str:
    """The text with a gap for every figure and date."""
    for mention in reversed(mentions(text)):
        text = text[: mention.start] + " " + text[mention.end :]
    return text


@dataclass(frozen=True)
class Check:
    """The result for a citation (with its `marker`), a sentence or, when it fails, the answer's text; `kind` says
    which.

    `problem` is None when it holds.
    """

    marker: int | None
    text: str
    problem: str | None
    kind: str = "sentence"


def recheck(answer: SavedAnswer, library: Library) -> list[Check]:
    """Every citation and every sentence of a saved answer against the documents of the index, in order.

    A sentence is checked as before it was shown: as a quote and, where a language model worded the answer, else as a
    worded one. The text of the answer adds a check only when it says something else than the sentences.
    """
    checks: list[Check] = []
    spans: dict[int, str] = {}
    for citation in answer.citations:
        checks.append(Check(citation.marker, citation.quote, _moved(citation, library), "citation"))
        if citation.doc_id in library.documents:
            text = library.document(citation.doc_id).text
            spans[citation.marker] = text[max(0, citation.start) : max(0, citation.end)]
    for sentence in answer.sentences:
        unknown = [marker for marker in sentence.citations if marker not in spans]
        if unknown:
            problem: str | None = f"it cites [{unknown[0]}], which is not among the citations that could be read"
        else:
            cited = [spans[marker] for marker in sentence.citations]
            problem = unsupported(sentence.text, cited)
            if problem is not None and answer.is_worded:
                problem = unfounded(sentence.text, cited)
        checks.append(Check(None, sentence.text, problem))
    edited = _edited(answer)
    return [*checks, Check(None, answer.text, edited, "answer")] if edited else checks


def _moved(citation: SavedCitation, library: Library) -> str | None:
    """What is wrong with a saved citation; None when its document still reads the same there."""
    try:
        document = library.document(citation.doc_id)
    except NotFoundError:
        return f"the index holds no document {citation.doc_id!r}"
    text = document.text
    if not 0 <= citation.start < citation.end <= len(text):
        return f"offsets {citation.start}:{citation.end} lie outside the document of {len(text)} characters"
    found = text[citation.start : citation.end]
    if found != citation.quote:
        now = (
            f" (the quote now stands at {text.index(citation.quote)})"
            if citation.quote and citation.quote in text
            else ""
        )
        return f"the document reads {found!r:.60} there, not the quote{now}"
    if document.sha256 != citation.doc_sha256:
        return "the document has changed since, though the quote still stands at its place"
    return None


def _edited(answer: SavedAnswer) -> str | None:
    """What the text of an answer says besides its sentences with their markers, its notice and its reason; None for
    nothing.
    """
    if not answer.sentences:
        gives_reason = answer.reason is None or answer.reason.rstrip("。") in answer.text
        return None if gives_reason else f"the answer does not give its reason, {answer.reason!r:.60}"
    rest = answer.text
    for text in filter(None, sentence_texts(answer.sentences)):
        before, found, rest = rest.partition(text)
        if not found:
            return f"the answer does not say {text!r:.60}, as its sentences do"
        if before.strip() not in ("", (answer.notice or "").strip()):
            return f"the answer says {before.strip()!r:.60}, which none of its sentences does"
    left = rest.strip()
    if left and not (answer.reason and answer.reason.rstrip("。") in left and len(left) < len(answer.reason) + 12):
        return f"the answer says {left!r:.60}, which none of its sentences does"
    return None
