"""Bytes of a text file → text, by a ladder of strict decoders."""

import codecs
from dataclasses import dataclass

from indexer.errors import InputError

# A byte-order mark names the encoding; the longer UTF-32 mark starts with the UTF-16 one, so it goes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Almost any byte pair is valid gb18030, so big5 text decodes there as rare characters and private-use code points.
# This many per hundred characters outside the common Chinese blocks sends the text on to big5.
_MAX_ODD_PERCENT = 5
_LADDER = ("utf-8", "gb18030", "big5")


@dataclass(frozen=True)
class Decoded:
    """Text with `\\n` line ends only, and the encoding it was read with."""

    text: str
    encoding: str


def decode(data: bytes, name: str) -> Decoded:
    """Text of a file's bytes: by its mark if it has one, else the first of UTF-8, GB 18030, Big5 that fits strictly.

    Raises:
        InputError: no encoding fits, or the bytes are not text; `name` stands in the message.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return _checked(data.decode(encoding), encoding, name)
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{name} starts with a mark of {encoding} but byte {error.start} does not fit it: save it as UTF-8"
                ) from error
    fallback: Decoded | None = None
    for encoding in _LADDER:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or _odd_percent(text) <= _MAX_ODD_PERCENT:
            return _checked(text, encoding, name)
        fallback = fallback or Decoded(text, encoding)
    if fallback is not None and _odd_percent(fallback.text) <= 4 * _MAX_ODD_PERCENT:
        return _checked(fallback.text, fallback.encoding, name)
    raise InputError(f"{name} is not text in UTF-8, UTF-16, GB 18030 or Big5: save it as UTF-8 text")


def _checked(text: str, encoding: str, name: str) -> Decoded:
    if "\0" in text:
        raise InputError(f"{name} holds NUL characters, so it is not a text file: convert it to UTF-8 text first")
    # str.splitlines also breaks at form feeds and U+2028; only real line ends count as lines here.
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), encoding)


def _odd_percent(text: str) -> float:
    """Share, in percent, of non-ASCII characters that everyday Chinese text does not use."""
    foreign = [c for c in text if c >= "\x80"]
    if not foreign:
        return 0.0
    return 100 * sum(not _is_everyday(c) for c in foreign) / len(foreign)


def _is_everyday(char: str) -> bool:
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF  # common ideographs
        or 0x3000 <= code <= 0x303F  # Chinese punctuation
        or 0xFF00 <= code <= 0xFFEF  # full-width forms
        or 0x2010 <= code <= 0x2040  # dashes, quotes, ellipsis
        or 0x00A0 <= code <= 0x03FF  # Latin letters with accents, Greek
        or 0x2100 <= code <= 0x27BF  # letter-like signs, circled numbers, bullets
    )
