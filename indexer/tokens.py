"""Text → lexical tokens: words of search-mode segmentation and character bigrams.

Words give precision, bigrams recall on names and new terms that no dictionary holds; both go into one bag.
"""

import re

import rjieba

from indexer.text import fold

_RUN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003134f]+|[a-z0-9]+(?:[.+#%/-][a-z0-9]+)*[%+#]*")


def tokenize(text: str) -> list[str]:
    """Tokens of `fold(text)` in text order, with repeats; Latin words and figures whole and, where mixed, in their parts."""
    tokens: list[str] = []
    for run in _RUN.findall(fold(text)):
        if run[0].isascii():
            tokens.append(run)
            parts = re.findall(r"[a-z]+|\d+(?:\.\d+)?", run)
            if len(parts) > 1:
                tokens.extend(parts)
        else:
            tokens.extend(word for word in rjieba.cut_for_search(run) if len(word) != 2)
            tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
    return tokens
