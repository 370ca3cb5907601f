"""Folding: what makes two spellings of the same words equal, for matching only. Canonical text is never folded."""

import re
import unicodedata
from functools import cache

import opencc

_INVISIBLE = re.compile("[\u200b\ufeff\u00ad]")
_TAG = re.compile(
    r"</?(?:a|b|br|center|div|em|font|h[1-6]|hr|i|img|li|ol|p|span|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul)"
    r"\b[^<>]{0,80}>",
    re.IGNORECASE,
)
_CJK = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f"
_LOOSE_SPACE = re.compile(rf"(?<=[{_CJK}])\s+(?=\S)|(?<=\S)\s+(?=[{_CJK}])")
# The letter O typed for a zero, as in 2O23.
_LETTER_O = re.compile(r"(?<=\d)[oO]+(?=[\d年])")
_DASHES = re.compile(r"[‐‑‒–—―−－~〜～]+")


def without_markup(text: str) -> str:
    """The text without bold marks, HTML tags of formatting and invisible characters."""
    return _TAG.sub("", _INVISIBLE.sub("", text)).replace("**", "")


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def fold(text: str) -> str:
    """Half-width, lower case, simplified characters, no markup, no space next to a Chinese character, one kind of dash."""
    # Twice, for normalising can bring out markup in full width.
    text = _LOOSE_SPACE.sub("", without_markup(unicodedata.normalize("NFKC", without_markup(text))))
    text = _LETTER_O.sub(lambda match: "0" * len(match.group()), text)
    text = _to_simplified().convert(text)
    return _DASHES.sub("-", text).casefold()


def squeeze(text: str) -> str:
    """`fold` without any white space and punctuation except `. % / # +`, which change what a figure means."""
    return re.sub(r"[^\w.%/#+]+|_", "", re.sub(r"\s+", "", fold(text)))
