"""Mails (EML) and saved web pages (MHT) → the blocks of their text, and the files they carry."""

import email.errors
import email.header
import email.message
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import Message

from indexer.errors import InputError
from indexer.formats.archive import Member
from indexer.formats.blocks import Block, BlockKind, Parsed, Place
from indexer.formats.html import decoded_page, known_encoding, parse_html, visible_blocks
from indexer.formats.prose import clean
from indexer.layout import repair

_MAX_BYTES = 100_000_000
_MAX_PARTS = 1_000
_FULL_ENOUGH = 0.5
_HEADER = re.compile(rb"(?:From |[!-9;-~]+:)")
_ENCRYPTED = frozenset(("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"))


@dataclass(frozen=True)
class Mail:
    """A mail: its subject (the title) and its text, and the files attached to it, forwarded mails as `.eml`."""

    body: Parsed
    attachments: tuple[Member, ...]


@dataclass
class _Parts:
    """The parts of a mail by what they are for."""

    plain: list[Message]
    html: list[Message]
    attached: list[Message]


def parse_mail(data: bytes) -> Mail:
    """A mail with the better of its bodies: the HTML one if it has text of its own, the plain one else.

    The subject is a heading, the sender the author, the date (in the sender's own time zone) the date of publication. Blocks
    have no place: in an encoded mail there is no line to point at.

    Raises:
        InputError: it is no mail, encrypted, too large or nested too deeply, or holds neither text nor attachments.
    """
    message = _message(data)
    if message.get_content_type() in _ENCRYPTED:
        raise InputError("the mail is encrypted: save its text from the mail program")
    parts = _parts(message)
    warnings: list[str] = []
    blocks = _body(parts, warnings)
    attachments = tuple(_attachments(parts.attached))
    subject = clean(decoded_header(message["Subject"]))
    if not (blocks or attachments):
        raise InputError("the mail holds neither text nor attachments: leave it out")
    if subject:
        blocks.insert(0, Block(subject, BlockKind.HEADING, Place(), 1))
    name, address = email.utils.parseaddr(decoded_header(message["From"]))
    sender = clean(name) or address
    body = Parsed(tuple(blocks), subject, (sender,) if sender else (), _date(message["Date"]), warnings=tuple(warnings))
    return Mail(body, attachments)


def parse_mht(data: bytes) -> Parsed:
    """The main content of a web page that a browser saved as one file; blocks have no place, as in mails.

    Raises:
        InputError: it is no such file, or the page in it cannot be read.
    """
    pages = _parts(_message(data)).html
    if not pages:
        raise InputError("the .mht file holds no page: save it again from the browser")
    parsed = parse_html(_content(pages[0]))
    return replace(parsed, blocks=tuple(replace(block, place=Place()) for block in parsed.blocks))


def decoded_header(value: object) -> str:
    """A header with its encoded words (RFC 2047) decoded, and bytes that were never encoded read by the usual ladder."""
    raw = str(value) if value is not None else ""
    text = ""
    try:
        pieces = email.header.decode_header(raw)
    except email.errors.HeaderParseError:
        pieces = [(raw, None)]
    for part, charset in pieces:
        if isinstance(part, str):
            text += _readable(part.encode("utf-8", "surrogateescape"), "")
        else:
            text += _readable(part, known_encoding(charset or ""))
    return text


def _readable(data: bytes, declared: str) -> str:
    if not data.strip():
        return data.decode("ascii", "replace")
    try:
        return decoded_page(data, declared).text
    except InputError:
        return data.decode(declared or "gb18030", errors="replace")


def _message(data: bytes) -> Message:
    if not data.strip():
        raise InputError("the mail is empty: save it again")
    if len(data) > _MAX_BYTES:
        raise InputError(f"the mail has {len(data) // 1_000_000} MB, more than {_MAX_BYTES // 1_000_000} MB: split it")
    # No mail may hold a NUL (RFC 5322), and the library trips over one in the name of a character set.
    data = data.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\r\n")
    if not _HEADER.match(data):
        raise InputError(
            "the file is no mail, for it does not begin with headers: save it from the mail program as .eml"
        )
    try:
        return email.message_from_bytes(data)
    except RecursionError as error:
        raise InputError("the mail is nested too deeply: save the mails in it on their own") from error


def _parts(message: Message) -> _Parts:
    parts = _Parts([], [], [])
    waiting = [message]
    count = 0
    while waiting:
        part = waiting.pop()
        count += 1
        if count > _MAX_PARTS:
            raise InputError(f"the mail has more than {_MAX_PARTS} parts: save its attachments on their own")
        kind = part.get_content_type()
        is_attached = part.get_content_disposition() == "attachment"
        payload = part.get_payload()
        if part is not message and (
            kind == "message/rfc822" or is_attached or (_file_name(part) and kind != "text/html")
        ):
            if not (part.get("Content-ID") and kind.startswith("image/")):
                parts.attached.append(part)
        elif part.is_multipart() and isinstance(payload, list):
            waiting += [child for child in reversed(payload) if isinstance(child, Message)]
        elif kind == "text/html":
            parts.html.append(part)
        elif kind == "text/plain":
            parts.plain.append(part)
    return parts


def _body(parts: _Parts, warnings: list[str]) -> list[Block]:
    plain = [block for part in parts.plain for block in _plain_blocks(part, warnings)]
    html = [block for part in parts.html for block in _html_blocks(part, warnings)]
    if sum(len(block.text) for block in html) >= _FULL_ENOUGH * sum(len(block.text) for block in plain):
        return html
    return plain


def _html_blocks(part: Message, warnings: list[str]) -> tuple[Block, ...]:
    text = _text(part, warnings)
    try:
        blocks = visible_blocks(text) if text.strip() else ()
    except InputError as error:
        warnings.append(f"a part of the mail is left out: {error}")
        return ()
    return tuple(replace(block, place=Place()) for block in blocks)


def _plain_blocks(part: Message, warnings: list[str]) -> Iterator[Block]:
    text = _text(part, warnings)
    if part.get_param("format", "") == "flowed":
        # A line that ends in a space goes on in the next one (RFC 3676).
        glue = "" if part.get_param("delsp", "") == "yes" else " "
        text = re.sub(r"(?<!\n--) \n(?!>)", glue, text)
        lines = text.split("\n")
    else:
        lines = repair(text, markdown=False).text.split("\n")
    for line in filter(None, map(clean, lines)):
        yield Block(line, BlockKind.PARAGRAPH, Place())


def _text(part: Message, warnings: list[str]) -> str:
    data = _content(part)
    if not data.strip():
        return ""
    try:
        decoded = decoded_page(data, known_encoding(part.get_content_charset("")))
    except InputError as error:
        warnings.append(f"a part of the mail is left out: {error}")
        return ""
    warnings += decoded.warnings
    return decoded.text


def _content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _attachments(parts: list[Message]) -> Iterator[Member]:
    for number, part in enumerate(parts, start=1):
        kind = part.get_content_type()
        name = _file_name(part)
        if kind == "message/rfc822":
            inner = part.get_payload()
            message = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], Message) else None
            if message is None:
                continue
            subject = clean(decoded_header(message["Subject"])) or f"mail {number}"
            try:
                yield Member(name or f"{subject}.eml", message.as_bytes())
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                # The library cannot write out again all that it reads.
                yield Member(name or f"{subject}.eml", b"", f"it is damaged ({error}): save it from the mail program")
        elif part.is_multipart():
            yield Member(name or f"part {number}", b"", "it is made of parts: save it from the mail program")
        else:
            yield Member(name or f"part {number}", _content(part))


def _file_name(part: Message) -> str:
    """The name of an attachment, which mail programs encode in one of three ways; only a label."""
    name = part.get_filename()
    return clean(decoded_header(name)).replace("\\", "/").rpartition("/")[2] if name else ""


def _date(value: object) -> str:
    try:
        return email.utils.parsedate_to_datetime(str(value)).date().isoformat() if value else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
