"""The bytes of a file, of any format → its document, or those of the files in it, or why there is none."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

import yaml

from indexer.decoding import decode
from indexer.document import Document, Metadata, PlaceMap
from indexer.errors import InputError
from indexer.files import SIDECAR, USUAL, Limits, Reading
from indexer.formats.archive import Member, label, members
from indexer.formats.blocks import Parsed
from indexer.formats.canonical import canonical
from indexer.formats.docx import parse_docx
from indexer.formats.html import parse_html
from indexer.formats.kinds import Kind, kind_of
from indexer.formats.mail import Mail, parse_mail, parse_mht
from indexer.formats.ocr import recogniser
from indexer.formats.ofd import parse_ofd
from indexer.formats.pdf import parse_pdf
from indexer.formats.pptx import parse_pptx
from indexer.formats.sheets import parse_csv, parse_xlsx
from indexer.layout import repair
from indexer.lines import is_row
from indexer.official import given_metadata, metadata_of

# Between two rules at the head of the file and with a key on its first line: a text may begin with a rule, too.
_FRONT_MATTER = re.compile(r"---[ \t]*\n(\w+[ \t]*:.*?\n)---[ \t]*(?:\n|$)", re.DOTALL)
_MAX_SIDECAR = 1_000_000
_MAX_DEPTH = 3  # mails in mails and archives


def read_file(
    path: str,
    data: bytes,
    limits: Limits = USUAL,
    sidecar: bytes | None = None,
    *,
    wanted: Callable[[str], bool] = lambda path: True,
) -> Iterator[Reading]:
    """What a file holds: one reading, for archives one for each file in it, for mails one more for each attachment.

    `path` becomes the id of the document; files in a file have its path, a slash and their own. `sidecar` holds metadata
    in YAML, which beats what the file says of itself. `wanted` is asked with the path of each file before it is read, and again
    before each image in it; archives and mails are read for what is in them all the same.
    """
    run = _Run(limits, wanted)
    is_empty = True
    for reading in run.read(path, data, sidecar, 1):
        is_empty = False
        yield reading
    if is_empty and run.is_empty:
        yield Reading(path, "", problem="it holds no documents: leave it out")


class _Run:
    """One walk through a file and the files in it, none of which may have the path of another."""

    def __init__(self, limits: Limits, wanted: Callable[[str], bool]) -> None:
        self._limits = limits
        self._wanted = wanted
        self._taken: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether no file was found but the one that was given."""
        return len(self._taken) <= 1

    def read(self, path: str, data: bytes, sidecar: bytes | None, depth: int) -> Iterator[Reading]:
        path = self._free(path)
        is_wanted = self._wanted(path)
        kind = ""
        try:
            if len(data) > self._limits.megabytes * 1_000_000:
                raise InputError(f"it is larger than {self._limits.megabytes} MB: split it")
            sniffed = kind_of(path, data)
            if sniffed.kind is None:
                yield Reading(path, "", problem=sniffed.reason)
                return
            kind = sniffed.kind.value
            warnings = (sniffed.warning,) if sniffed.warning else ()
            if sniffed.kind is Kind.ARCHIVE:
                yield from self._archive(path, data, depth)
            elif sniffed.kind is Kind.MAIL:
                yield from self._mail(path, data, sidecar, depth, warnings)
            elif is_wanted:
                yield self._reading(path, data, sniffed.kind, sidecar, warnings)
        except InputError as error:
            yield Reading(path, kind, problem=str(error), is_error=True)
        except RecursionError:
            yield Reading(path, kind, problem="it is nested too deeply: open it and save it again", is_error=True)

    def _archive(self, path: str, data: bytes, depth: int) -> Iterator[Reading]:
        if depth > _MAX_DEPTH:
            raise InputError(f"it lies {depth} deep in mails and archives: take it out")
        yield from self._inside(path, members(data), depth)

    def _inside(self, path: str, found: Iterator[Member], depth: int) -> Iterator[Reading]:
        """The files of an archive, whose sidecars come first."""
        sidecars: dict[str, bytes] = {}
        for member in found:
            if member.name.lower().endswith(SIDECAR):
                sidecars[member.name[: -len(SIDECAR)]] = member.data
            elif member.problem:
                yield Reading(self._free(f"{path}/{member.name}"), "", problem=member.problem, is_error=True)
            else:
                yield from self.read(f"{path}/{member.name}", member.data, sidecars.get(member.name), depth + 1)

    def _mail(
        self, path: str, data: bytes, sidecar: bytes | None, depth: int, warnings: tuple[str, ...]
    ) -> Iterator[Reading]:
        mail: Mail = parse_mail(data)
        if mail.body.blocks:
            document = _described(path, data, mail.body, _given(sidecar, path), dated=True)
            yield Reading(path, Kind.MAIL.value, document, warnings=(*warnings, *mail.body.warnings))
        if mail.attachments and depth > _MAX_DEPTH:
            problem = f"its attachments lie {depth} deep in mails and archives: save them on their own"
            yield Reading(self._free(f"{path}/attachments"), "", problem=problem, is_error=True)
            return
        attachments = (replace(item, name=label(item.name) or "attachment") for item in mail.attachments)
        yield from self._inside(path, attachments, depth)

    def _reading(self, path: str, data: bytes, kind: Kind, sidecar: bytes | None, warnings: tuple[str, ...]) -> Reading:
        given = _given(sidecar, path)
        if kind in (Kind.MARKDOWN, Kind.TEXT):
            return Reading(path, kind.value, _text(path, data, kind, given), warnings=warnings)
        parsed = self._parsed(path, data, kind)
        dated = kind in (Kind.PAGE, Kind.SAVED_PAGE)
        document = _described(path, data, parsed, given, dated=dated)
        return Reading(path, kind.value, document, pages=parsed.pages, warnings=(*warnings, *parsed.warnings))

    def _parsed(self, path: str, data: bytes, kind: Kind) -> Parsed:
        max_pages = self._limits.pages
        match kind:
            case Kind.PDF:
                recognise = recogniser(lambda: self._wanted(path)) if self._limits.ocr else None
                return parse_pdf(data, max_pages=max_pages, recognise=recognise)
            case Kind.OFD:
                return parse_ofd(data, max_pages=max_pages)
            case Kind.SLIDES:
                return parse_pptx(data, max_pages=max_pages)
            case Kind.WORD:
                return parse_docx(data)
            case Kind.WORKBOOK:
                return parse_xlsx(data)
            case Kind.CSV:
                return parse_csv(data)
            case Kind.SAVED_PAGE:
                return parse_mht(data)
            case _:
                return parse_html(data)

    def _free(self, path: str) -> str:
        """A path that nothing in this file has yet: `a (2).pdf` for the second `a.pdf`."""
        name, n = path, 1
        while name in self._taken:
            n += 1
            pure = PurePosixPath(path)
            name = str(pure.with_name(f"{pure.stem} ({n}){pure.suffix}"))
        self._taken.add(name)
        return name


def _described(path: str, data: bytes, parsed: Parsed, given: Metadata, *, dated: bool) -> Document:
    """The document of blocks: what a sidecar says of it counts most, then its text, then the properties of the file.

    `dated`: its properties hold the day of publication, not only that of the file.
    """
    found = canonical(parsed.blocks, parsed.title)
    if not found.text.strip():
        raise InputError(f"{path} holds no text: leave it out")
    known = metadata_of(found.text, given)
    title = known.title or parsed.title or _title(found.text, found.headings, path)
    authors = known.authors or parsed.authors
    published = known.published or (parsed.published if dated else "")
    return Document(
        doc_id=path,
        path=path,
        text=found.text,
        sha256=sha256(data).hexdigest(),
        metadata=replace(known, title=title, authors=authors, published=published),
        places=found.places,
        breaks=found.breaks,
        encoding="",
        headings=found.headings,
    )


def _text(path: str, data: bytes, kind: Kind, given: Metadata) -> Document:
    """The document of a text: decoded, its layout repaired, its front matter taken as metadata.

    Raises:
        InputError: it is not text, is empty, or its front matter is broken.
    """
    decoded = decode(data, path)
    text, own, first_line = _split_front_matter(decoded.text, path)
    layout = repair(text, markdown=kind is Kind.MARKDOWN, first_line=first_line)
    if not layout.text:
        raise InputError(f"{path} holds no text: leave it out")
    metadata = metadata_of(layout.text, _over(given, own))
    if not metadata.title:
        metadata = replace(metadata, title=_title(layout.text, (), path))
    return Document(
        doc_id=path,
        path=path,
        text=layout.text,
        sha256=sha256(data).hexdigest(),
        metadata=metadata,
        places=PlaceMap.of_lines(layout.line_map),
        breaks=layout.breaks,
        encoding=decoded.encoding,
    )


def _split_front_matter(text: str, name: str) -> tuple[str, Metadata, int]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text, Metadata(), 1
    metadata = given_metadata(_yaml(match.group(1), f"the front matter of {name}"), name)
    return text[match.end() :], metadata, match.group(0).count("\n") + 1


def _given(sidecar: bytes | None, path: str) -> Metadata:
    """What a sidecar says; raises InputError when it is broken."""
    if sidecar is None:
        return Metadata()
    name = path + SIDECAR
    if len(sidecar) > _MAX_SIDECAR:
        raise InputError(
            f"{name} is larger than {_MAX_SIDECAR // 1_000_000} MB: it is to hold a few 'key: value' lines"
        )
    return given_metadata(_yaml(decode(sidecar, name).text, name), name)


def _yaml(text: str, name: str) -> object:
    try:
        # The base loader keeps what was typed: no dates, numbers or truth values made of 2022-11, 012 or no.
        return yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{name} is not valid YAML: {str(error).splitlines()[0]}") from error


def _over(given: Metadata, own: Metadata) -> Metadata:
    """`own` with what `given` holds in its place."""
    said = {name: value for name, value in vars(given).items() if value}
    return replace(own, **said)


def _title(text: str, headings: tuple[tuple[int, int], ...], path: str) -> str:
    """A title from the text's own head: a long enough heading, or a bare first line; else the file's name."""
    lines = text.split("\n", 12)[:12]
    marked = [line.lstrip("# ").strip() for line in lines if re.match(r"#{1,3}\s", line)]
    end = sum(len(line) + 1 for line in lines)
    marked += [text[at:].split("\n", 1)[0].strip() for at, level in headings if at < end and level <= 3]
    candidates = [line for line in marked if len(line) >= 8] or marked or lines[:1]
    if is_row(candidates[0]):
        return Path(path).stem
    title = re.sub(r"\s+", " ", candidates[0].replace("**", ""))
    if marked or (8 <= len(title) <= 60 and not re.search(r"[。！？；，：:]", title)):
        return title
    return Path(path).stem
