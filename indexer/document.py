"""The records that every other part speaks of: document, place in the original, section, passage, hit."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LineMap:
    """Which line of the original each stretch of canonical text came from.

    `starts` are ascending canonical offsets, `lines` the 1-based original line of the stretch that begins there.
    """

    starts: tuple[int, ...]
    lines: tuple[int, ...]

    def line_at(self, offset: int) -> int:
        """1-based line of the original that holds the character at `offset`."""
        return self.lines[max(0, bisect_right(self.starts, offset) - 1)] if self.lines else 1


@dataclass(frozen=True)
class Origin:
    """A place in the original file; lines and pages are 1-based and inclusive, `page` is None for plain text."""

    path: str
    line_start: int
    line_end: int
    page: int | None = None


@dataclass(frozen=True)
class Metadata:
    """What is known of a document besides its text; empty means unknown, never guessed."""

    title: str = ""
    source_title: str = ""
    issuer: str = ""
    authors: tuple[str, ...] = ()
    region: str = ""
    published: str = ""
    kind: str = ""
    period: str = ""
    note: str = ""


@dataclass(frozen=True)
class Document:
    """One source. `text` is the canonical text: one paragraph, heading, list item or table row a line.

    `breaks` are the offsets where something of the original was left out in the middle of a paragraph (a page number, a
    running head): a quote never runs across one, so that every quote stands in the original as it is.
    """

    doc_id: str
    path: str
    text: str
    sha256: str
    metadata: Metadata = field(default_factory=Metadata)
    line_map: LineMap = field(default_factory=lambda: LineMap((), ()))
    breaks: tuple[int, ...] = ()
    encoding: str = "utf-8"

    @property
    def title(self) -> str:
        return self.metadata.title or self.path

    def origin(self, start: int, end: int) -> Origin:
        """Place in the original of `text[start:end]`."""
        return Origin(self.path, self.line_map.line_at(start), self.line_map.line_at(max(start, end - 1)))

    def unbroken(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """`(start, end)` cut at the breaks inside it: spans that stand in the original without a gap."""
        for cut in self.breaks:
            if start < cut < end:
                yield start, cut
                start = cut
        yield start, end


@dataclass(frozen=True)
class Section:
    """A heading and all that stands under it: `text[start:end]`, from the heading's first character on.

    `path` are the titles from the outermost section to this one; `depth` is 1 for the outermost. `hard` marks a boundary
    (a chapter, a 一、 heading) that no passage crosses.
    """

    title: str
    path: tuple[str, ...]
    depth: int
    start: int
    end: int
    hard: bool


@dataclass(frozen=True)
class Passage:
    """A retrievable span, `text[start:end]` of its document.

    `section` is the path of headings above its first character; `lead` is the span of the table head or list lead-in that
    its first line belongs to, when that stands before the passage.
    """

    passage_id: str
    doc_id: str
    start: int
    end: int
    section: tuple[str, ...] = ()
    lead: tuple[int, int] | None = None


@dataclass(frozen=True)
class Hit:
    """A passage with its score for one question; higher is better."""

    passage: Passage
    score: float
