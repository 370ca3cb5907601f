"""The measures, each a pure function of strings; all lie between 0 and 1 unless said otherwise.

Words are compared as `indexer.text.squeeze` writes them: width, case, script, white space and punctuation folded away,
`. % / # +` kept, since they change what a figure means.
"""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from indexer.text import fold, squeeze

GRAM = 8
COVERED = 0.6
"""Share of the grams of an evidence span from which on a passage holds it."""
RELEVANT = 0.5
"""Share of its own grams from the evidence from which on a quote is about it."""
TOUCHED = 0.3
"""Share of the evidence's grams that a quote must hold to be about it, however much else it says."""

_MARKER = re.compile(r"\[\d+\]")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d)")
_GAP = r"(?:[^\w.%/#+]|_)*"
_FIGURE = frozenset("0123456789.")


def occurs(form: str, text: str) -> bool:
    """Whether an accepted form stands in a text.

    Both are folded as the module says. A figure never matches inside a longer one: 135 is not in 1350, 3.5 not in 13.5,
    5 not in 5万, 30% not in 30; punctuation between two figures keeps them apart, but 1,350 is 1350. A form without any
    word never occurs.
    """
    pattern = _pattern(form)
    return pattern is not None and pattern.search(_folded(text)) is not None


def fact_recall(facts: Sequence[Sequence[str]], text: str) -> float:
    """Share of the required facts that a text states; a fact is stated when one of its accepted forms occurs."""
    if not facts:
        raise ValueError("fact_recall needs at least one fact")
    return mean(any(occurs(form, text) for form in forms) for forms in facts)


def forbidden_figures(figures: Iterable[str], text: str) -> list[str]:
    """The figures that only a wrong answer holds and that occur in a text, in the order given."""
    return [figure for figure in figures if occurs(figure, text)]


def overlap(part: str, whole: str) -> float:
    """Share of the 8-grams of `part` that stand in `whole`; a part shorter than a gram counts whole or not at all."""
    words, target = _squeezed(part), _squeezed(whole)
    if not words:
        return 0.0
    grams = {words[i : i + GRAM] for i in range(max(1, len(words) - GRAM + 1))}
    return sum(gram in target for gram in grams) / len(grams)


def citation_precision(evidence: Sequence[str], quotes: Sequence[str]) -> float:
    """Share of the quotes that are about the evidence; 0 for an answer that cites nothing.

    A quote is about a span when it holds `TOUCHED` of the span's grams, or the span `RELEVANT` of its own: it may be a clause
    of the evidence, or the paragraph around it.
    """
    return mean(any(_about(quote, span) for span in evidence) for quote in quotes)


def citation_recall(evidence: Sequence[str], quotes: Sequence[str]) -> float:
    """Share of the evidence spans that the quotes are about."""
    if not evidence:
        raise ValueError("citation_recall needs at least one span")
    return mean(any(_about(quote, span) for quote in quotes) for span in evidence)


def _about(quote: str, span: str) -> bool:
    return overlap(span, quote) >= TOUCHED or overlap(quote, span) >= RELEVANT


def exact_match(facts: Sequence[Sequence[str]], text: str) -> bool:
    """Whether a text is one of the accepted forms and nothing else."""
    said = _squeezed(text)
    return bool(said) and any(said == _squeezed(form) for forms in facts for form in forms)


def character_f1(facts: Sequence[Sequence[str]], text: str) -> float:
    """Mean over the facts of the best F1 of common characters, with repeats, between a text and an accepted form.

    The token F1 of SQuAD (Rajpurkar et al. 2016) over characters.
    """
    if not facts:
        raise ValueError("character_f1 needs at least one fact")
    said = Counter(_squeezed(text))
    return mean(max(_f1(said, Counter(_squeezed(form))) for form in forms) for forms in facts)


def _f1(said: Counter[str], sought: Counter[str]) -> float:
    total = said.total() + sought.total()
    return 2 * (said & sought).total() / total if total else 0.0


def stands(quote: str, document: str) -> bool:
    """Whether a quote stands in a document's text, character for character save white space; an empty one never does."""
    words = _without_space(quote)
    return bool(words) and words in _without_space(document)


def median_length(texts: Iterable[str]) -> float:
    """Median length of texts in characters, citation markers aside; 0 without texts. Not between 0 and 1."""
    return float(statistics.median([len(without_markers(text)) for text in texts] or [0]))


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean; 0 of nothing."""
    return statistics.fmean(list(values) or [0.0])


def without_markers(text: str) -> str:
    """A text without its citation markers, whose numbers are no figures of the answer."""
    return _MARKER.sub("", text)


@lru_cache(maxsize=4096)
def _pattern(form: str) -> re.Pattern[str] | None:
    words = squeeze(_folded(form))
    if not re.search(r"\w", words):
        return None
    parts = [r"(?<!\d)(?<!\d\.)" if words[0].isdigit() else ""]
    for char, following in zip(words, [*words[1:], ""], strict=True):
        inside_figure = char in _FIGURE and following in _FIGURE
        parts.append(re.escape(char) + ("" if inside_figure or not following else _GAP))
    if words[-1].isdigit():
        parts.append(r"(?!\.?\d|[万亿])")
    elif words[-1] == "万":
        parts.append("(?!亿)")
    return re.compile("".join(parts))


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    return _THOUSANDS.sub(lambda match: match.group().replace(",", ""), fold(text))


@lru_cache(maxsize=8192)
def _squeezed(text: str) -> str:
    return squeeze(text)


@lru_cache(maxsize=4096)
def _without_space(text: str) -> str:
    return re.sub(r"\s+", "", text)
