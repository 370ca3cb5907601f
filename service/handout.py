"""An answer to hand on: checked anew against the index, then written with a numbered note for everything it cites.

Title, issuer, date, section and place of a note are those of the index, never what the saved answer says of them. What does not
stand any longer stays in, marked.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from indexer.document import Origin
from indexer.outline import section_path
from indexer.retrieval import Library
from indexer.text import without_markup
from service.answer import SavedAnswer, SavedCitation
from service.markdown import escaped
from service.verify import recheck

_VALIDITY = {"in_force": "现行有效", "not_yet": "尚未施行", "repealed": "已废止", "amended": "已修订"}
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{1,2}){0,2}")
_BY = "本文由政问依据收录文件自动生成"
FAILED = "【未通过核对】"
"""Stands behind a sentence, and in front of a note, that does not stand any longer."""


class Format(StrEnum):
    """Word, Markdown, or plain text."""

    DOCX = "docx"
    MD = "md"
    TXT = "txt"


@dataclass(frozen=True)
class Note:
    """What a citation cites. `published` is 2022, 2022-11 or 2022-11-30 or as the document has it; what is not known is empty.
    `problem` says in Chinese what does not stand any longer, None for nothing.
    """

    title: str
    issuer: str
    published: str
    section: tuple[str, ...]
    place: str
    validity: str
    quote: str
    problem: str | None

    @property
    def line(self) -> str:
        """The note on one line."""
        known = (_titled(self.title), self.issuer, chinese_date(self.published), " › ".join(self.section), self.place)
        source = "，".join(filter(None, (*known, self.validity)))
        return f"{FAILED + self.problem + '：' if self.problem else ''}{source}。原文：“{_one_line(without_markup(self.quote))}”"


@dataclass(frozen=True)
class Statement:
    """A sentence with the numbers of its notes, counted from 1; `holds` tells whether they still carry it."""

    text: str
    notes: tuple[int, ...]
    holds: bool


@dataclass(frozen=True)
class Handout:
    """An answer, ready to be written. `notes` are in the order in which the statements first refer to them, so that the numbers
    rise as one reads; `about` tells how it was made and what the check found.
    """

    question: str
    understood: str | None
    notice: str | None
    statements: tuple[Statement, ...]
    notes: tuple[Note, ...]
    about: str

    @property
    def title(self) -> str:
        return _one_line(self.question) or "政问答复"


def handout(
    question: str, understood: str | None, answer: SavedAnswer, library: Library, index: str, as_of: str = ""
) -> Handout:
    """The answer with every citation and sentence checked against `library`, whose fingerprint is `index`.

    `as_of` is the day that validity is judged on, 2022, 2022-11 or 2022-11-30; without it nothing is said of validity.
    """
    checks = recheck(answer, library)
    sentences = [check for check in checks if check.kind == "sentence"]
    is_edited = any(check.kind == "answer" for check in checks)
    cited = {citation.marker: citation for citation in answer.citations}
    order: list[int] = []
    statements = []
    for sentence, check in zip(answer.sentences, sentences, strict=True):
        markers = [marker for marker in dict.fromkeys(sentence.citations) if marker in cited]
        order += [marker for marker in markers if marker not in order]
        notes = tuple(order.index(marker) + 1 for marker in markers)
        statements.append(Statement(sentence.text, notes, check.problem is None))
    if rest := [marker for marker in cited if marker not in order]:
        statements.append(Statement("另引：", tuple(range(len(order) + 1, len(order) + len(rest) + 1)), True))
    if not answer.sentences:
        statements = [Statement(line, (), True) for line in answer.text.splitlines() if line.strip()] + statements
    failed = sum(check.problem is not None for check in checks)
    return Handout(
        question,
        understood,
        answer.notice,
        tuple(statements),
        tuple(_note(cited[marker], library, as_of) for marker in [*order, *rest]),
        _about(len(answer.sentences), len(cited), failed, is_edited, index),
    )


def text(given: Handout) -> str:
    """Plain text with the notes at its end."""
    parts = _head(given)
    parts += [said.text + "".join(f"[{number}]" for number in said.notes) + _mark(said) for said in given.statements]
    if given.notes:
        parts += ["注释", *(f"[{number}] {note.line}" for number, note in enumerate(given.notes, start=1))]
    return "\n\n".join([given.title, *parts, given.about]) + "\n"


def markdown(given: Handout) -> str:
    """Markdown with footnotes, `[^1]`, as GitHub and Pandoc have them; text of documents is never markup in it."""
    parts = [f"# {escaped(given.title)}", *(f"> {escaped(_one_line(line))}" for line in _head(given))]
    for said in given.statements:
        refers = "".join(f"[^{number}]" for number in said.notes)
        parts.append(escaped(_one_line(said.text)) + refers + _mark(said))
    parts += ["---", f"*{escaped(given.about)}*"]
    notes = [f"[^{number}]: {escaped(note.line)}" for number, note in enumerate(given.notes, start=1)]
    return "\n\n".join([*parts, *notes]) + "\n"


def chinese_date(date: str) -> str:
    """2022-11 → 2022年11月; anything else as it is."""
    parts = date.split("-")
    is_date = _DATE.fullmatch(date) is not None
    return "".join(f"{int(part)}{unit}" for part, unit in zip(parts, "年月日", strict=False)) if is_date else date


def place_of(origin: Origin) -> str:
    """Where it stands in the original, by whatever its kind of file counts."""
    row = asdict(origin)
    parts = [f"工作表“{row['sheet']}”"] if row.get("sheet") else []
    units = (("slide", "第{}张幻灯片"), ("page", "第{}页"), ("row", "第{}行"), ("paragraph", "第{}段"))
    parts += [words.format(row[name]) for name, words in units if row.get(name) is not None]
    if not parts and origin.line_start:
        lines = {origin.line_start, origin.line_end or origin.line_start}
        parts.append(f"第{'–'.join(map(str, sorted(lines)))}行")
    return "".join(parts)


def _note(saved: SavedCitation, library: Library, as_of: str) -> Note:
    document = library.documents.get(saved.doc_id)
    if document is None:
        return Note(saved.doc_id, "", "", (), "", "", saved.quote, "索引中已没有这份文件")
    metadata = document.metadata
    if document.text[max(0, saved.start) : max(0, saved.end)] != saved.quote or not saved.quote:
        problem = "现在的文件里，这个位置不再是这段文字"
        return Note(document.title, metadata.issuer, metadata.published, (), "", "", saved.quote, problem)
    section = section_path(library.outline(saved.doc_id), saved.start)
    status = library.register.standing(saved.doc_id, as_of).status.value
    validity = f"{_VALIDITY[status]}（截至{chinese_date(as_of)}）" if status in _VALIDITY else ""
    return Note(
        title=document.title,
        issuer=metadata.issuer,
        published=metadata.published,
        section=tuple(_one_line(without_markup(title)) for title in section),
        place=place_of(document.origin(saved.start, saved.end)),
        validity=validity,
        quote=saved.quote,
        problem=None if document.sha256 == saved.doc_sha256 else "文件后来有改动，但这段文字仍在原处",
    )


def _about(sentences: int, citations: int, failed: int, is_edited: bool, index: str) -> str:
    where = f"索引 {index.removeprefix('sha256:')[:16]}"
    if not sentences and not failed:
        return f"{_BY}（{where}）；没有可供核对的引文。"
    if failed:
        edited = "答复正文与逐句内容不一致，这里只列逐句内容。" if is_edited else ""
        return f"{_BY}（{where}）。共 {sentences} 句、{citations} 条引文，其中 {failed} 处未通过核对，请勿直接引用。{edited}"
    return f"{_BY}（{where}）。共 {sentences} 句、{citations} 条引文，均已与原文核对一致。"


def _head(given: Handout) -> list[str]:
    understood = f"理解为：{given.understood}" if given.understood else None
    return [line for line in (understood, given.notice) if line]


def _mark(said: Statement) -> str:
    return "" if said.holds else FAILED


def _titled(title: str) -> str:
    return title if "《" in title else f"《{title}》"


def _one_line(words: str | Sequence[str]) -> str:
    return " ".join("".join(words).split())
