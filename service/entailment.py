"""How much of a sentence that a language model worded stands in what it cites?"""

import re

from indexer.tokens import tokenize

MIN_ENTAILED = 0.6
"""Share of a sentence's content tokens that must stand in what it cites. A faithful rewording changes the words that link, not
those that name; a sentence about something else shares little more than its subject."""
_FUNCTION = frozenset("的了着过是在和与及或被把将对向从到为以于由给让就都也还又等其这该此之并而则约近超每各个")
_NUMERAL = re.compile(r"[\d零〇一二两三四五六七八九十百千万亿]")


def entailed_share(sentence: str, source: str) -> float:
    """Share of the content tokens of `sentence` that are tokens of `source`; 1 when it has none.

    Figures and their units are left out, for they are compared by value and not by spelling.
    """
    said = {token for token in tokenize(sentence) if _names_something(token)}
    return len(said & set(tokenize(source))) / len(said) if said else 1.0


def _names_something(token: str) -> bool:
    return len(token) > 1 and not _FUNCTION & set(token) and not _NUMERAL.search(token)
