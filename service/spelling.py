"""Homophone typos: words that a corpus does not hold, but holds under the same pinyin, such as 规摸 for 规模.

Pinyin input makes most wrong characters of Chinese questions, and they sound right. Tones do not count. A correction is added
to what is searched for and never takes the place of what was typed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import rjieba
from pypinyin import lazy_pinyin

from indexer.text import fold
from service.places import spans
from service.question import Question, with_words, words

_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
# How often a word must stand in the corpus to be what somebody meant.
_FLOOR = 3
_LONGEST = 4
# Characters that are words of any question; no typo holds one.
_FUNCTION = frozenset(
    "的了着过是在和与及或被把将对向从到为以于由给让跟就都也还又再才很最更吗呢吧啊呀嘛么啥哪谁几那这其之各某它他她们多少不有什怎如何咋要会能可既且但并若虽年月日上下中里一二三四五六七八九十两"
)


@dataclass(frozen=True)
class Vocabulary:
    """The words of a corpus, single characters among them, and by pinyin without tones those that may be meant, most frequent
    first."""

    words: frozenset[str]
    by_pinyin: Mapping[str, tuple[str, ...]]


def vocabulary(frequencies: Iterable[tuple[str, int]], floor: int = _FLOOR) -> Vocabulary:
    """The vocabulary of the Chinese words among (word, frequency) pairs; the same pairs in any order give the same one.

    As corrections serve only those of two to four characters that stand `floor` times, and a single character is a word only
    if it stands that often: fewer may be pieces of what the segmentation does not know.
    """
    kept = [
        (word, count) for word, count in frequencies if _CHINESE.fullmatch(word) and (len(word) > 1 or count >= floor)
    ]
    by_pinyin: dict[str, list[str]] = defaultdict(list)
    for word, count in sorted(kept, key=lambda pair: (-pair[1], pair[0])):
        if count >= floor and 2 <= len(word) <= _LONGEST:
            by_pinyin[_pinyin(word)].append(word)
    return Vocabulary(frozenset(word for word, _ in kept), {key: tuple(words) for key, words in by_pinyin.items()})


def vocabulary_of(texts: Iterable[str]) -> Vocabulary:
    """The vocabulary of folded texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(rjieba.cut(text))
        counts.update(rjieba.cut_for_search(text))
    return vocabulary(counts.items())


def corrections(words: Sequence[str], known: Vocabulary) -> dict[str, str]:
    """What was typed → the word that was likely meant, in order; `words` are all words of a question, in order.

    A wrong character leaves a word that neither the corpus nor the dictionary holds, or breaks a word in pieces; a stretch of
    two to four characters around such a place is corrected when the corpus holds a word that sounds the same and shares a
    character with it. Words of the dictionary that the corpus lacks are taken as meant, and so are names of places.
    """
    text, odd = "", []
    for word in words:
        is_word = word in known.words or word in _FUNCTION or (len(word) > 1 and rjieba.has_word(word))
        if not is_word:
            odd.append(range(len(text), len(text) + len(word)))
        text += word
    named = [range(span.start, span.end) for span in spans(text)]
    found: dict[str, str] = {}
    end = 0
    for place in odd:
        here = next(_corrected(text, place, end, named, known), None)
        if here is not None:
            end, meant = here
            found[text[end - len(meant) : end]] = meant
    return found


def corrected(question: Question, known: Vocabulary) -> Question:
    """The question, searched for also with the words of the corpus that its typing errors likely stand for."""
    found = corrections(words(fold(question.resolved)), known)
    meant = question.resolved
    for typed, word in found.items():
        meant = meant.replace(typed, word)
    return replace(with_words(question, list(found.values())), meant=meant)


def _corrected(
    text: str, place: range, begin: int, named: Sequence[range], known: Vocabulary
) -> Iterator[tuple[int, str]]:
    """(end, correction) of the stretches of `text[begin:]` that touch `place` and nothing of `named`, the longest first."""
    for length in range(_LONGEST, 1, -1):
        for start in range(max(begin, place.start - length + 1), min(place.stop, len(text) - length + 1)):
            if any(start < name.stop and name.start < start + length for name in named):
                continue
            meant = _meant(text[start : start + length], known)
            if meant is not None:
                yield start + length, meant


def _meant(typed: str, known: Vocabulary) -> str | None:
    if not _CHINESE.fullmatch(typed) or typed in known.words or rjieba.has_word(typed) or _FUNCTION & set(typed):
        return None
    return next((word for word in known.by_pinyin.get(_pinyin(typed), ()) if set(word) & set(typed)), None)


def _pinyin(word: str) -> str:
    return " ".join(lazy_pinyin(word))
