"""A language model's reply → sentences with the numbers that they cite, while it is still being written.

Read leniently: models mark, number and think aloud in many ways. What a sentence claims is checked elsewhere, strictly.
"""

import re
from dataclasses import dataclass

from indexer.text import without_markup

# Whoever writes this much without ending a sentence has lost the thread.
_RUNAWAY = 600

_CLOSING = len("</thinking>")
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_OPENED = re.compile(r"<think(?:ing)?>")
_CLOSED = re.compile(r".*</think(?:ing)?>", re.DOTALL)

_NUMBER = r"(?:资料|来源|证据)?\s*\d{1,3}"
_GROUP = rf"\s*\^?\s*{_NUMBER}(?:\s*[,，、;；\-–~～至]\s*{_NUMBER})*\s*"
# 〔12〕号 is the number of a document.
_SQUARE = rf"[\[【［〔]{_GROUP}[\]】］〕](?!\s*\d*号)"
_ROUND = rf"(?<=[\w。！？!?”」》])[(（]{_GROUP}[)）](?=\s*(?:[。！？!?]|$))"
_MARK = re.compile(f"(?:{_SQUARE}|{_ROUND})", re.MULTILINE)
# Any other number in brackets would read as one of our markers.
_OTHER_MARK = re.compile(r"\[(\d+)\]")
_RANGE = re.compile(r"(\d{1,3})\s*[\-–~～至]\s*\D{0,4}(\d{1,3})")

_STOP = re.compile(r"[。！？!?]+[”’」』）)】\"*]*")
_MARKS_BEHIND = re.compile(rf"(?:[ \t]*{_SQUARE}|[(（]{_GROUP}[)）](?=\s*$))*", re.MULTILINE)
_MAY_BECOME_MARK = re.compile(r"[ \t]*(?:[\[【［〔(（][^\]】］〕)）\n]{0,20})?")
_ENDING = re.compile(rf"(?:{_STOP.pattern}|{_SQUARE}|{_ROUND})\s*$")
_LEADING = re.compile(
    r"^(?:[\s>#]+|[-*+•·●■◆▪]\s*|\d{1,2}[.、)）](?!\d)\s*|[(（]\d{1,2}[)）]\s*|[①-⑳]\s*|(?:回答|答案|答)[:：]\s*)+"
)


@dataclass(frozen=True)
class ReplySentence:
    """A sentence or line of a reply without its marks; `numbers` are what it cites, in order, as written."""

    text: str
    numbers: tuple[int, ...]


class ReplyReader:
    """Takes a reply piece by piece; how it is cut into pieces makes no difference."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, piece: str) -> list[ReplySentence]:
        """The sentences that are complete with this piece: something stands behind them and their marks."""
        self._rest = _CLOSED.sub("", _THOUGHT.sub("", self._rest + piece))
        thought = _OPENED.search(self._rest)
        # Of a thought only as much is kept as its end may begin with.
        open_thought = "<think>" + self._rest[thought.end() :][-_CLOSING:] if thought else ""
        spoken = self._rest[: thought.start()] if thought else self._rest
        complete, rest = _cut(spoken)
        self._rest = rest + open_thought
        return [sentence for text in complete for sentence in _sentence(text)]

    def finish(self) -> tuple[list[ReplySentence], ReplySentence | None]:
        """What is left and complete, and what is left and is not."""
        rest, self._rest = _OPENED.split(self._rest)[0], ""
        complete, _ = _cut(rest + "\n")
        sentences = [sentence for text in complete for sentence in _sentence(text)]
        if not complete or not _sentence(complete[-1]) or _ENDING.search(complete[-1]):
            return sentences, None
        return sentences[:-1], sentences[-1]

    @property
    def is_runaway(self) -> bool:
        """No sentence has come to an end for too long."""
        return len(self._rest) > _RUNAWAY and not _OPENED.search(self._rest)


def _cut(text: str) -> tuple[list[str], str]:
    """The complete sentences and lines of a text, with their marks, and what is left."""
    complete = []
    while (end := _end(text)) is not None:
        complete.append(text[:end])
        text = text[end:]
    return complete, text


def _end(text: str) -> int | None:
    """Where the first complete sentence ends, its marks included; None while that cannot be told."""
    line_end = text.find("\n")
    for stop in _STOP.finditer(text, 0, len(text) if line_end < 0 else line_end):
        before = text[: stop.start()]
        if before.count("《") > before.count("》") or _open_brackets(before):
            continue  # a question in a title, or a sentence in brackets
        marks = _MARKS_BEHIND.match(text, stop.end())
        end = marks.end() if marks else stop.end()
        return None if _MAY_BECOME_MARK.fullmatch(text, end) else end
    return None if line_end < 0 else line_end + 1


def _open_brackets(text: str) -> bool:
    return len(re.findall("[(（]", text)) > len(re.findall("[)）]", text))


def _sentence(text: str) -> list[ReplySentence]:
    """The sentence of `text`; none when there is no word in it."""
    plain = _LEADING.sub("", without_markup(text).replace("`", "").strip())
    numbers = [number for mark in _MARK.findall(plain) for number in _numbers(mark)]
    words = re.sub(r"\s+", " ", _MARK.sub("", plain)).strip()
    words = _OTHER_MARK.sub(r"［\1］", re.sub(r"\s+(?=[，。；：！？、])", "", words))
    return [ReplySentence(words, tuple(dict.fromkeys(numbers)))] if re.search(r"\w", words) else []


def _numbers(mark: str) -> list[int]:
    spelled = _RANGE.sub(lambda m: ",".join(map(str, range(int(m.group(1)), int(m.group(2)) + 1))), mark)
    return [int(number) for number in re.findall(r"\d+", spelled)]
