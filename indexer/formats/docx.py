"""Word files (DOCX) → blocks, read from their XML.

The parts are read directly: numbers of lists, tracked changes, notes and text boxes are not in python-docx's view of a file,
and files of other office programs that it refuses (a relation to nowhere) open here.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from indexer.errors import InputError
from indexer.formats.blocks import Block, BlockKind, Parsed, Place
from indexer.formats.diagrams import drawn_blocks
from indexer.formats.equations import linear
from indexer.formats.numbering import LEVELS, Numbering
from indexer.formats.package import MC, M, Package, W, chosen, integer, is_on
from indexer.formats.prose import clean, paragraphs
from indexer.formats.symbols import shown_in
from indexer.formats.tables import Row, row_blocks

_VAL = f"{W}val"
# Elements that only wrap what they hold, be it blocks, rows, cells or runs.
_WRAPPERS = frozenset(
    f"{W}{name}"
    for name in (
        "ins",
        "moveTo",
        "customXml",
        "smartTag",
        "hyperlink",
        "fldSimple",
        "dir",
        "bdo",
        "sdtContent",
        "rubyBase",
    )
)
_DRAWINGS = frozenset(f"{W}{name}" for name in ("drawing", "pict", "object"))
_HEADING_STYLE = re.compile(
    r"(?:heading|标题|標題)\s*([1-9一二三四五六七八九])|([一二三四五六七八九])级(?:条)?标题", re.IGNORECASE
)
_TITLE_STYLES = frozenset(("title", "标题", "文档标题", "文件标题", "公文标题"))
_CONTENTS_STYLE = re.compile(
    r"(?:toc|目录|图表目录|table of figures|table of authorities)\s*(?:\d|heading|标题)?", re.IGNORECASE
)
_CHINESE_DIGITS = "零一二三四五六七八九"
_MAX_STYLE_CHAIN = 20
_MAX_SPAN = 100
_MAX_COLUMNS = 1_000  # up to which spans are believed


def parse_docx(data: bytes) -> Parsed:
    """The main text of a Word file, each block with the number of its paragraph.

    Paragraphs are counted as the file holds them, empty ones and those in tables included. Tracked changes are accepted;
    comments, headers, footers, tables of contents and hidden text are left out. Notes follow the paragraph (or table row)
    that refers to them, text boxes, SmartArt and charts the one they are anchored in. A row keeps a merged cell's text in
    its first column and first row.

    Raises:
        InputError: it is encrypted, of the old kind, damaged, too large, too deeply nested or without text.
    """
    package = Package(data, ".docx")
    try:
        return _parsed(package)
    except RecursionError as error:
        raise InputError("the .docx file is nested too deeply: copy its text into a new file") from error


def _parsed(package: Package) -> Parsed:
    body = package.xml(package.main).find(f"{W}body")
    source = _Source(
        package,
        _styles(package.related(package.main, "styles")),
        Numbering(package.related(package.main, "numbering")),
        {
            kind: {note.get(f"{W}id", ""): note for note in root if note.get(f"{W}type", "normal") == "normal"}
            for kind in ("footnote", "endnote")
            if (root := package.related(package.main, f"{kind}s")) is not None
        },
    )
    blocks = tuple(_Story(source).read(body)) if body is not None else ()
    if not blocks:
        has_pictures = body is not None and any(element.tag in _DRAWINGS for element in body.iter())
        raise InputError(
            "the .docx file holds pictures but no text: run OCR on them first"
            if has_pictures
            else "the .docx file holds no text: leave it out"
        )
    title, authors = package.title_and_authors()
    return Parsed(blocks, title or source.title, authors, warnings=tuple(source.warnings()))


@dataclass(frozen=True)
class _Style:
    """What a style says, None where it leaves it to the style it is based on; `level` is 0 for body text."""

    name: str = ""
    base: str = ""
    level: int | None = None
    list_id: str | None = None
    list_level: int | None = None
    is_hidden: bool | None = None
    is_bold: bool | None = None
    is_centred: bool | None = None
    is_contents: bool | None = None
    is_title: bool | None = None


@dataclass
class _Source:
    """What all stories of a file share, and what was noticed while reading them."""

    package: Package
    styles: dict[str, _Style]
    numbering: Numbering
    notes: dict[str, dict[str, ET.Element]]
    title: str = ""
    hidden: int = 0
    embedded: int = 0
    resolved: dict[str, _Style] = field(default_factory=dict)

    def style(self, name: str) -> _Style:
        """A style with all that it takes over from those it is based on."""
        if name in self.resolved:
            return self.resolved[name]
        style = self.styles.get(name, _Style())
        for _ in range(_MAX_STYLE_CHAIN):
            base = self.styles.get(style.base)
            if base is None:
                break
            own = {key: value for key, value in vars(style).items() if value is not None and key != "base"}
            style = replace(base, **own)
        self.resolved[name] = style
        return style

    def warnings(self) -> Iterator[str]:
        if self.hidden:
            yield f"{self.hidden} pieces of hidden text are left out"
        if self.embedded:
            yield f"{self.embedded} embedded files are not read: save them on their own"


@dataclass
class _Field:
    """A field that is being read: text between its begin and its separator is code, not result."""

    is_result: bool = False


@dataclass
class _Story:
    """A run of paragraphs that are read in one go: the main text, a note or a text box.

    `place` is the place of all its blocks; None for the main text, which counts its own.
    """

    source: _Source
    place: Place | None = None
    in_cell: bool = False
    count: int = 0
    fields: list[_Field] = field(default_factory=list)
    carried: str = ""  # text of a paragraph whose end was deleted: it goes on in the next one
    after: list[Block] = field(default_factory=list)  # notes and boxes that follow the paragraph being read

    def read(self, parent: ET.Element) -> Iterator[Block]:
        """Blocks of everything in `parent`."""
        for child in _unwrapped(parent):
            if child.tag == f"{W}p":
                yield from self._paragraph(child)
            elif child.tag == f"{W}tbl":
                yield from self._table(child)
            elif child.tag == f"{W}altChunk":
                self.source.embedded += 1
        # Of a last paragraph whose end was deleted.
        for line in paragraphs(self.carried, is_title=False):
            yield Block(line, BlockKind.PARAGRAPH, self._here())
        yield from self.after
        self.carried, self.after = "", []

    def _here(self) -> Place:
        return self.place or Place(paragraph=max(1, self.count))

    def _paragraph(self, element: ET.Element) -> Iterator[Block]:
        self.count += 1
        properties = element.find(f"{W}pPr")
        properties = ET.Element(f"{W}pPr") if properties is None else properties
        name = _value(properties, "pStyle") or ""
        style = self.source.style(name)
        text = self.carried + self._runs(element, style)
        self.carried = ""
        if self.fields and not self.fields[-1].is_result:
            self.fields.pop()  # a field without an end would swallow the rest of the file
        mark = properties.find(f"{W}rPr")
        if mark is not None and (mark.find(f"{W}del") is not None or mark.find(f"{W}moveFrom") is not None):
            self.carried = text
            return
        label, list_level = self._label(properties, style, name)
        after, self.after = self.after, []
        if not style.is_contents:
            yield from self._shaped(text, label, list_level, properties, style)
        yield from after

    def _shaped(self, text: str, label: str, list_level: int, properties: ET.Element, style: _Style) -> Iterator[Block]:
        outline = _value(properties, "outlineLvl")
        level = (style.level or 0) if outline is None else _heading_level(outline)
        alignment = _value(properties, "jc")
        is_centred = bool(style.is_centred) if alignment is None else alignment == "center"
        parts = paragraphs(text, is_title=level > 0 or is_centred)
        if label and (parts or self.in_cell):
            parts = [clean(label + (parts[0] if parts else "")), *parts[1:]]
        if level and style.is_title and parts and not self.source.title:
            self.source.title = parts[0]
        for i, part in enumerate(parts):
            if level:
                yield Block(part, BlockKind.HEADING, self._here(), level)
            elif label and i == 0:
                yield Block(part, BlockKind.ITEM, self._here(), list_level)
            else:
                yield Block(part, BlockKind.PARAGRAPH, self._here())

    def _label(self, properties: ET.Element, style: _Style, style_name: str) -> tuple[str, int]:
        """Number or mark of a paragraph and the 1-based level of its list; nothing for one outside of lists."""
        own = properties.find(f"{W}numPr")
        own_id = None if own is None else _value(own, "numId")
        own_level = None if own is None else _value(own, "ilvl")
        list_id = style.list_id if own_id is None else own_id
        if list_id is None or list_id == "0":
            return "", 0
        if own_level is not None:
            level = integer(own_level)
        elif own_id is not None:
            level = 0
        else:
            kept = self.source.numbering.level_of_style(list_id, style_name)
            level = kept if kept is not None else style.list_level or 0
        level = min(max(level, 0), LEVELS - 1)
        return self.source.numbering.label(list_id, level), level + 1

    def _runs(self, parent: ET.Element, style: _Style) -> str:
        """Visible text of the runs in `parent`, with `\\n` for soft line ends."""
        text = ""
        for child in _unwrapped(parent):
            if child.tag == f"{W}r":
                text += self._run(child, style)
            elif child.tag in (f"{M}oMath", f"{M}oMathPara"):
                text += linear(child) if self._is_visible() else ""
            elif child.tag in _DRAWINGS:
                self._drawing(child)
        return text

    def _is_visible(self) -> bool:
        return all(one.is_result for one in self.fields)

    def _run(self, run: ET.Element, style: _Style) -> str:
        properties = run.find(f"{W}rPr")
        is_hidden = bool(style.is_hidden)
        font = ""
        if properties is not None:
            character = self.source.style(_value(properties, "rStyle") or "")
            is_hidden = is_hidden if character.is_hidden is None else character.is_hidden
            vanish = properties.find(f"{W}vanish")
            is_hidden = is_hidden if vanish is None else is_on(vanish, _VAL)
            fonts = properties.find(f"{W}rFonts")
            font = "" if fonts is None else fonts.get(f"{W}ascii", "")
        text = ""
        for child in _unwrapped(run):
            name = child.tag.removeprefix(W)
            if name == "fldChar":
                self._field(child.get(f"{W}fldCharType", ""))
            elif not self._is_visible():
                continue
            elif name == "t":
                words = child.text or ""
                is_kept = child.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"
                words = words if is_kept else words.strip(" \t\r\n")
                # A line end in the file is no line end on the page.
                text += shown_in(font, words.replace("\r", " ").replace("\n", " "))
            elif name == "sym":
                text += _sign(child)
            elif name in ("br", "cr"):
                text += " " if child.get(f"{W}type") in ("page", "column") else "\n"
            elif name in ("tab", "ptab"):
                text += " "
            elif name == "noBreakHyphen":
                text += "-"
            elif name == "ruby":
                text += "".join(self._runs(base, style) for base in child.iterfind(f"{W}rubyBase"))
            elif name in ("footnoteReference", "endnoteReference") and not is_hidden:
                self._note(name.removesuffix("Reference"), child.get(f"{W}id", ""))
            elif child.tag in _DRAWINGS and not is_hidden:
                self._drawing(child)
        if is_hidden and text.strip():
            self.source.hidden += 1
        return "" if is_hidden else text

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self.fields.append(_Field())
        elif kind == "separate" and self.fields:
            self.fields[-1].is_result = True
        elif kind == "end" and self.fields:
            self.fields.pop()

    def _aside(self, parent: ET.Element) -> list[Block]:
        """Blocks of a note or a text box, which stand where the paragraph does that holds or names it."""
        return list(_Story(self.source, self._here()).read(parent))

    def _note(self, kind: str, number: str) -> None:
        # Taken out, so that a second reference does not repeat it and a note that refers to itself ends.
        note = self.source.notes.get(kind, {}).pop(number, None)
        if note is not None:
            self.after += [replace(block, kind=BlockKind.NOTE, level=0) for block in self._aside(note)]

    def _drawing(self, drawing: ET.Element) -> None:
        for box in _boxes(drawing):
            self.after += self._aside(box)
        self.after += drawn_blocks(self.source.package, self.source.package.main, drawing, self._here())

    def _table(self, table: ET.Element) -> Iterator[Block]:
        """Rows of a table; a row that is one cell with several paragraphs is a frame around them, no row."""
        lines = [child for child in _unwrapped(table) if child.tag == f"{W}tr"]
        cells_of = [[child for child in _unwrapped(line) if child.tag == f"{W}tc"] for line in lines]
        is_frame = all(len(cells) <= 1 for cells in cells_of)
        rows: list[Row] = []
        for line, cells in zip(lines, cells_of, strict=True):
            properties = line.find(f"{W}trPr")
            if properties is not None and properties.find(f"{W}del") is not None:
                self.count += sum(1 for _ in line.iter(f"{W}p"))
                continue
            place = self.place or Place(paragraph=self.count + 1)
            if len(cells) == 1:
                inside = list(self.read(cells[0]))
                if is_frame or len(inside) > 1:
                    yield from row_blocks(rows)
                    yield from inside
                    rows = []
                else:
                    rows.append(Row(tuple(block.text for block in inside), place))
            else:
                rows.append(self._row(cells, properties, place))
        yield from row_blocks(rows)

    def _row(self, cells: list[ET.Element], properties: ET.Element | None, place: Place) -> Row:
        texts: list[str] = []
        notes: list[Block] = []
        spans = is_marked = False
        if properties is not None:
            texts += [""] * min(integer(_value(properties, "gridBefore")), _MAX_SPAN)
            is_marked = is_on(properties.find(f"{W}tblHeader"), _VAL)
        outer, self.in_cell = self.in_cell, True
        for cell in cells:
            inside = list(self.read(cell))
            own = cell.find(f"{W}tcPr")
            own = ET.Element(f"{W}tcPr") if own is None else own
            if own.find(f"{W}cellDel") is not None:
                continue
            is_covered = any(
                merge is not None and merge.get(_VAL, "continue") == "continue"
                for merge in (own.find(f"{W}vMerge"), own.find(f"{W}hMerge"))
            )
            words = (clean(block.text) for block in inside if block.kind is not BlockKind.NOTE)
            texts.append("" if is_covered else " ".join(words))
            notes += [block for block in inside if block.kind is BlockKind.NOTE]
            span = min(integer(_value(own, "gridSpan"), 1), _MAX_SPAN)
            texts += [""] * (span - 1 if len(texts) < _MAX_COLUMNS else 0)
            spans = spans or span > 1
        self.in_cell = outer
        return Row(tuple(texts), place, is_marked, self._is_bold(cells), spans, tuple(notes))

    def _is_bold(self, cells: list[ET.Element]) -> bool:
        """Whether all text of the cells is bold."""
        found = False
        for paragraph in (paragraph for cell in cells for paragraph in cell.iter(f"{W}p")):
            properties = paragraph.find(f"{W}pPr")
            style = self.source.style("" if properties is None else _value(properties, "pStyle") or "")
            for run in paragraph.iter(f"{W}r"):
                if run.find(f"{W}t") is None:
                    continue
                bold = run.find(f"{W}rPr/{W}b")
                if not (style.is_bold if bold is None else is_on(bold, _VAL)):
                    return False
                found = True
        return found


def _unwrapped(parent: ET.Element) -> Iterator[ET.Element]:
    """Children of `parent`, those of elements that only wrap others in their place; no prompts of empty form fields."""
    for child in parent:
        if child.tag == f"{MC}AlternateContent":
            branch = chosen(child)
            if branch is not None:
                yield from _unwrapped(branch)
        elif child.tag == f"{W}sdt":
            content = child.find(f"{W}sdtContent")
            if content is not None and not is_on(child.find(f"{W}sdtPr/{W}showingPlcHdr"), _VAL):
                yield from _unwrapped(content)
        elif child.tag in _WRAPPERS:
            yield from _unwrapped(child)
        else:
            yield child


def _boxes(drawing: ET.Element) -> Iterator[ET.Element]:
    """The contents of the text boxes in a drawing, those of a group in the order of the file."""
    for child in drawing:
        if child.tag == f"{W}txbxContent":
            yield child
        elif child.tag == f"{MC}AlternateContent":
            branch = chosen(child)
            if branch is not None:
                yield from _boxes(branch)
        else:
            yield from _boxes(child)


def _styles(root: ET.Element | None) -> dict[str, _Style]:
    styles = {}
    for element in () if root is None else root.iterfind(f"{W}style"):
        name = (_value(element, "name") or "").strip().lower()
        paragraph = element.find(f"{W}pPr")
        paragraph = ET.Element(f"{W}pPr") if paragraph is None else paragraph
        outline = _value(paragraph, "outlineLvl")
        numbers = paragraph.find(f"{W}numPr")
        alignment = _value(paragraph, "jc")
        level = _value(numbers, "ilvl") if numbers is not None else None
        styles[element.get(f"{W}styleId", "")] = _Style(
            name=name,
            base=_value(element, "basedOn") or "",
            level=_level_by_name(name) if outline is None else _heading_level(outline),
            list_id=None if numbers is None else _value(numbers, "numId"),
            list_level=None if level is None else integer(level),
            is_hidden=_switch(element, "vanish"),
            is_bold=_switch(element, "b"),
            is_centred=None if alignment is None else alignment == "center",
            is_contents=True if _CONTENTS_STYLE.fullmatch(name) else None,
            is_title=True if name in _TITLE_STYLES else None,
        )
    return styles


def _level_by_name(name: str) -> int | None:
    """Level of a heading by the name of its style, as templates without outline levels have them."""
    match = _HEADING_STYLE.fullmatch(name)
    if match:
        digit = match.group(1) or match.group(2)
        return int(digit) if digit.isascii() else _CHINESE_DIGITS.index(digit)
    return 1 if name in _TITLE_STYLES else None


def _heading_level(outline: str) -> int:
    """An outline level, 0 to 8 in the file and 9 for body text, as the level of a heading and 0 for none."""
    level = integer(outline, 9)
    return level + 1 if 0 <= level <= 8 else 0


def _switch(style: ET.Element, name: str) -> bool | None:
    element = style.find(f"{W}rPr/{W}{name}")
    return None if element is None else is_on(element, _VAL)


def _value(element: ET.Element, name: str) -> str | None:
    child = element.find(f"{W}{name}")
    return None if child is None else child.get(_VAL)


def _sign(element: ET.Element) -> str:
    """The sign of a `w:sym`, a code in a font of symbols."""
    try:
        return shown_in(element.get(f"{W}font", ""), chr(int(element.get(f"{W}char", ""), 16)))
    except (ValueError, OverflowError):
        return ""
