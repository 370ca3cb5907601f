"""The records that every other part speaks of: document, place in the original, section, passage, hit."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self


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
class Place:
    """Where something stands in the original; numbers are 1-based, None is what the format does not have."""

    line: int | None = None
    page: int | None = None
    slide: int | None = None
    paragraph: int | None = None
    sheet: str | None = None
    row: int | None = None


NOWHERE = Place()


@dataclass(frozen=True)
class PlaceMap:
    """Where in the original each stretch of canonical text came from.

    `starts` are ascending canonical offsets, `places` where the stretch that begins there stands.
    """

    starts: tuple[int, ...]
    places: tuple[Place, ...]

    @classmethod
    def of_lines(cls, lines: LineMap) -> Self:
        return cls(lines.starts, tuple(Place(line=line) for line in lines.lines))

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Of what `to_json` gave."""
        starts = tuple(row["starts"])
        columns = {name: row.get(name) or (None,) * len(starts) for name in _PLACE_FIELDS}
        values = zip(*columns.values(), strict=True)
        return cls(starts, tuple(Place(*value) for value in values))

    def to_json(self) -> dict[str, Any]:
        """One list for the starts, and one for each kind of place that the format has."""
        columns = {name: [getattr(place, name) for place in self.places] for name in _PLACE_FIELDS}
        used = {name: values for name, values in columns.items() if any(value is not None for value in values)}
        return {"starts": list(self.starts), **used}

    def at(self, offset: int) -> Place:
        """The place of the character at `offset`."""
        return self.places[max(0, bisect_right(self.starts, offset) - 1)] if self.places else NOWHERE


_PLACE_FIELDS = tuple(f.name for f in fields(Place))


@dataclass(frozen=True)
class Origin:
    """A place in the original file, counted from 1; `line_end` is inclusive, the others are where it begins.

    None is what the format does not have: text, web pages and CSV have lines, PDF and OFD pages, presentations slides, Word
    files paragraphs, workbooks a sheet and a row, mails nothing.
    """

    path: str
    line_start: int | None
    line_end: int | None
    page: int | None = None
    slide: int | None = None
    paragraph: int | None = None
    sheet: str | None = None
    row: int | None = None

    def __str__(self) -> str:
        """Path and place as people and editors write them: `a.txt:3-5`, `b.pdf, page 4`."""
        if self.line_start:
            return f"{self.path}:{self.line_start}-{self.line_end}"
        named = (
            ("page", self.page),
            ("slide", self.slide),
            ("paragraph", self.paragraph),
            ("sheet", self.sheet),
            ("row", self.row),
        )
        return ", ".join([self.path, *(f"{name} {value}" for name, value in named if value is not None)])


@dataclass(frozen=True)
class MetadataSource:
    """Where a document says what `field` of its metadata holds: the code points `start` to `end` of its canonical text."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Metadata:
    """What is known of a document besides its text; empty means unknown, never guessed.

    Dates are 2022, 2022-11 or 2022-11-30. `number` is the 发文字号, `signed` the 成文日期, `effective` the first day it is in
    force, `expires` the last, `repealed` when it was repealed (`YES` when only that much is said); `level` is that of the
    issuer, one of `LEVELS`; `repeals` and `amends` name other documents, by 《title》, number or both, as this one does.
    `sources` has an entry for each value that was read off the text, not for what front matter gave.
    """

    title: str = ""
    source_title: str = ""
    issuer: str = ""
    authors: tuple[str, ...] = ()
    region: str = ""
    published: str = ""
    kind: str = ""
    period: str = ""
    note: str = ""
    number: str = ""
    signed: str = ""
    effective: str = ""
    expires: str = ""
    repealed: str = ""
    level: str = ""
    subject: str = ""
    repeals: tuple[str, ...] = ()
    amends: tuple[str, ...] = ()
    sources: tuple[MetadataSource, ...] = ()

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Of what `dataclasses.asdict` gave, read back from JSON."""
        lists = {name: tuple(row[name]) for name in ("authors", "repeals", "amends")}
        return cls(**{**row, **lists, "sources": tuple(MetadataSource(**source) for source in row["sources"])})


YES = "是"
LEVELS = ("国家级", "省级", "市级", "县级", "乡级")
"""Levels of issuers, the highest first."""


@dataclass(frozen=True)
class Document:
    """One source. `text` is the canonical text: one paragraph, heading, list item or table row a line.

    `breaks` are the offsets where something of the original was left out in the middle of a paragraph (a page number, a
    running head): a quote never runs across one, so that every quote stands in the original as it is. `headings` are the
    lines that the file itself marks as headings where the text shows no marks: offset and level (1 for the outermost).
    `encoding` is empty where the format settles it.
    """

    doc_id: str
    path: str
    text: str
    sha256: str
    metadata: Metadata = field(default_factory=Metadata)
    places: PlaceMap = field(default_factory=lambda: PlaceMap((), ()))
    breaks: tuple[int, ...] = ()
    encoding: str = "utf-8"
    headings: tuple[tuple[int, int], ...] = ()

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Of what `to_json` gave."""
        made = {
            "metadata": Metadata.from_json(row["metadata"]),
            "places": PlaceMap.from_json(row["places"]),
            "breaks": tuple(row["breaks"]),
            "headings": tuple((start, level) for start, level in row["headings"]),
        }
        return cls(**{**row, **made})

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON knows them."""
        return {**vars(self), "metadata": asdict(self.metadata), "places": self.places.to_json()}

    @property
    def title(self) -> str:
        return self.metadata.title or self.path

    def origin(self, start: int, end: int) -> Origin:
        """Place in the original of `text[start:end]`."""
        first, last = self.places.at(start), self.places.at(max(start, end - 1))
        rest = (first.page, first.slide, first.paragraph, first.sheet, first.row)
        return Origin(self.path, first.line, last.line or first.line, *rest)

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
    (a chapter, a 一、 heading, an article of a law) that no passage crosses. `runs_on` tells that the line of the heading goes
    on with its text, as 第八条 does; `clause` is the part of an address that it stands for: 第八条, 第二款, 第（三）项, 第1目.
    """

    title: str
    path: tuple[str, ...]
    depth: int
    start: int
    end: int
    hard: bool
    runs_on: bool = False
    clause: str = ""


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
