"""PowerPoint files (PPTX) → blocks, slide by slide in reading order."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from indexer.errors import InputError
from indexer.formats.blocks import Block, BlockKind, Parsed, Place
from indexer.formats.diagrams import drawn_blocks
from indexer.formats.equations import linear
from indexer.formats.numerals import numeral
from indexer.formats.package import MC, A, M, P, Package, R, chosen, integer
from indexer.formats.prose import clean, joined, paragraphs
from indexer.formats.tables import Row, row_blocks

MAX_PAGES = 10_000
_TITLES = frozenset(("title", "ctrTitle"))
_BODIES = frozenset(("body", "obj", ""))
_FURNITURE = frozenset(("dt", "ftr", "sldNum", "hdr", "sldImg"))
_BULLETS = tuple(f"{A}{name}" for name in ("buNone", "buAutoNum", "buChar", "buBlip"))
_AUTO_NUMBER = re.compile(r"(.+?)(Period|ParenR|ParenBoth|Plain|Minus)")
_NUMBER_FORMS = {
    **{"arabic": "decimal", "arabicDb": "decimalFullWidth", "alphaLc": "lowerLetter", "alphaUc": "upperLetter"},
    **{"romanLc": "lowerRoman", "romanUc": "upperRoman", "circleNumDb": "decimalEnclosedCircle"},
    **{"circleNumWdBlack": "decimalEnclosedCircle", "circleNumWdWhite": "decimalEnclosedCircle"},
    **dict.fromkeys(("ea1Chs", "ea1Cht", "ea1JpnChs", "ea1JpnChsDb", "ea1JpnKor"), "chineseCounting"),
}
_NUMBER_LOOKS = {"Period": "{}.", "ParenR": "{})", "ParenBoth": "({})", "Plain": "{}", "Minus": "{}-"}
_MAX_ORDERED = 500
_OVERLAP = 0.25  # the part of the smaller of two shapes that may reach into the other's row or column


@dataclass(frozen=True)
class _Shape:
    """A shape of a slide with its box in the units of its group, and what it is a placeholder for, if it is one."""

    element: ET.Element
    left: int
    top: int
    right: int
    bottom: int
    role: str | None
    index: str


@dataclass(frozen=True)
class _Slide:
    """A slide with the layout and the master from which it takes what it does not say itself."""

    package: Package
    part: str
    place: Place
    layout: ET.Element | None
    master: ET.Element | None


def parse_pptx(data: bytes, *, max_pages: int = MAX_PAGES) -> Parsed:
    """The slides of a presentation: titles as headings, texts by rows and columns of the slide, notes at its end.

    Hidden slides and hidden shapes are left out, since nobody was shown them; a warning names the slides. Numbers, dates and
    footers of slides, comments and what only the layout holds are left out. `pages` counts all slides.

    Raises:
        InputError: it is encrypted, of the old kind, damaged, too large, too deeply nested or without text.
    """
    package = Package(data, ".pptx")
    try:
        return _parsed(package, max_pages)
    except RecursionError as error:
        raise InputError("the .pptx file is nested too deeply: ungroup its shapes") from error


def _parsed(package: Package, max_pages: int) -> Parsed:
    relations = package.relations(package.main)
    names = [
        relations[identity].target
        for element in package.xml(package.main).iterfind(f"{P}sldIdLst/{P}sldId")
        if (identity := element.get(f"{R}id", "")) in relations
    ]
    if len(names) > max_pages:
        raise InputError(f"the .pptx file has {len(names)} slides, more than {max_pages}: split it")
    blocks: list[Block] = []
    hidden = []
    frames: dict[str, ET.Element] = {}  # layouts and masters, which many slides share
    has_pictures = False
    for number, name in enumerate(names, start=1):
        if not package.has(name):
            continue
        root = package.xml(name)
        if root.get("show", "1") in ("0", "false"):
            hidden.append(number)
            continue
        has_pictures = has_pictures or next(root.iter(f"{P}pic"), None) is not None
        layout = _target(package, name, "slideLayout")
        master = _target(package, layout, "slideMaster")
        for frame in {layout, master} - frames.keys() - {""}:
            frames[frame] = package.xml(frame)
        slide = _Slide(package, name, Place(slide=number), frames.get(layout), frames.get(master))
        blocks += _slide_blocks(slide, root)
    warnings = []
    if hidden:
        listed = ", ".join(map(str, hidden))
        warnings.append(f"hidden slides are left out ({listed}): unhide them to have them read")
    if not blocks:
        what = "only pictures: run OCR on them first" if has_pictures else "no text: leave it out"
        raise InputError(f"the .pptx file holds {'; '.join([what, *warnings])}")
    title, authors = package.title_and_authors()
    title = title or next((block.text for block in blocks if block.kind is BlockKind.HEADING), "")
    return Parsed(tuple(blocks), title, authors, pages=len(names), warnings=tuple(warnings))


def _slide_blocks(slide: _Slide, root: ET.Element) -> Iterator[Block]:
    tree = root.find(f"{P}cSld/{P}spTree")
    shapes = _shapes(slide, tree) if tree is not None else []
    titles = [shape for shape in shapes if shape.role in _TITLES]
    for shape in titles:
        text = joined([line for paragraph in shape.element.iter(f"{A}p") for line in _text(paragraph).split("\n")])
        if text:
            yield Block(text, BlockKind.HEADING, slide.place, 1)
    yield from _in_order(slide, [shape for shape in shapes if shape not in titles])
    notes = slide.package.related(slide.part, "notesSlide")
    for element in notes.iter(f"{P}sp") if notes is not None else ():
        if _placeholder(element)[0] == "body":
            for paragraph in element.iter(f"{A}p"):
                for line in paragraphs(_text(paragraph), is_title=False):
                    yield Block(line, BlockKind.NOTE, slide.place)


def _target(package: Package, part: str, kind: str) -> str:
    if not part:
        return ""
    found = (relation.target for relation in package.relations(part).values() if relation.kind == kind)
    return next((target for target in found if package.has(target)), "")


def _in_order(slide: _Slide, shapes: Sequence[_Shape]) -> Iterator[Block]:
    for shape in _ordered(shapes):
        element = shape.element
        if element.tag == f"{P}grpSp":
            yield from _in_order(slide, _shapes(slide, element))
        elif element.tag == f"{P}graphicFrame":
            for table in element.iter(f"{A}tbl"):
                yield from row_blocks(list(_rows(table, slide.place)))
            yield from drawn_blocks(slide.package, slide.part, element, slide.place)
        else:
            yield from _text_blocks(slide, shape)


def _shapes(slide: _Slide, parent: ET.Element) -> list[_Shape]:
    """The visible shapes of a tree or a group that can hold text, in the order of the file."""
    found = []
    for child in parent:
        if child.tag == f"{MC}AlternateContent":
            branch = chosen(child)
            found += _shapes(slide, branch) if branch is not None else []
        elif child.tag in (f"{P}sp", f"{P}grpSp", f"{P}graphicFrame", f"{P}cxnSp"):
            properties = next(child.iter(f"{P}cNvPr"), None)
            role, index = _placeholder(child)
            is_hidden = properties is not None and properties.get("hidden") in ("1", "true")
            if not is_hidden and role not in _FURNITURE:
                found.append(_Shape(child, *_box(slide, child, role, index), role, index))
    return found


def _placeholder(shape: ET.Element) -> tuple[str | None, str]:
    """What a shape is a placeholder for ("" for any content, None for no placeholder), and its index."""
    element = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    if element is None:
        element = shape.find(f"{P}nvGraphicFramePr/{P}nvPr/{P}ph")
    return (None, "") if element is None else (element.get("type", ""), element.get("idx", ""))


def _inherited(slide: _Slide, role: str | None, index: str) -> Iterator[ET.Element]:
    """The placeholders of the layout and the master that a placeholder of a slide takes its looks from."""
    if role is None:
        return
    for root in (slide.layout, slide.master):
        shapes = list(root.iter(f"{P}sp")) if root is not None else []
        same_index = (shape for shape in shapes if index and _placeholder(shape)[1] == index)
        roles = _TITLES if role in _TITLES else _BODIES if role in _BODIES else {role}
        same_role = (shape for shape in shapes if _placeholder(shape)[0] in roles)
        # Indices tie a slide to its layout; a master knows only roles.
        found = next(same_role, None) if root is slide.master else next(same_index, next(same_role, None))
        if found is not None:
            yield found


def _box(slide: _Slide, shape: ET.Element, role: str | None, index: str) -> tuple[int, int, int, int]:
    """Left, top, right and bottom edge; at the top left corner where nothing says it."""
    for source in (shape, *_inherited(slide, role, index)):
        for path in (f"{P}spPr/{A}xfrm", f"{P}grpSpPr/{A}xfrm", f"{P}xfrm"):
            frame = source.find(path)
            offset = None if frame is None else frame.find(f"{A}off")
            if frame is not None and offset is not None:
                left, top = integer(offset.get("x")), integer(offset.get("y"))
                size = frame.find(f"{A}ext")
                width, height = (integer(size.get("cx")), integer(size.get("cy"))) if size is not None else (0, 0)
                return left, top, left + width, top + height
    return 0, 0, 0, 0


def _ordered(shapes: Sequence[_Shape]) -> list[_Shape]:
    """Shapes in reading order: cut into rows where a gap runs across, rows into columns, and so on (recursive XY cut).

    Nagy and Seth, Hierarchical representation of optically scanned documents, ICPR 1984.
    """
    if 1 < len(shapes) <= _MAX_ORDERED:
        rows = _cut(shapes, lambda shape: (shape.top, shape.bottom))
        parts = rows if len(rows) > 1 else _cut(shapes, lambda shape: (shape.left, shape.right))
        if len(parts) > 1:
            return [shape for part in parts for shape in _ordered(part)]
    return sorted(shapes, key=lambda shape: (shape.top, shape.left))


def _cut(shapes: Sequence[_Shape], extent: Callable[[_Shape], tuple[int, int]]) -> list[list[_Shape]]:
    """Groups of shapes along one axis whose extents do not overlap, or hardly."""
    parts: list[list[_Shape]] = []
    end = 0
    for shape in sorted(shapes, key=extent):
        first, last = extent(shape)
        if parts:
            smallest = min(last - first, *(extent(other)[1] - extent(other)[0] for other in parts[-1]))
            if first < end - _OVERLAP * smallest or (smallest == 0 and first == end):
                parts[-1].append(shape)
                end = max(end, last)
                continue
        parts.append([shape])
        end = last
    return parts


def _text_blocks(slide: _Slide, shape: _Shape) -> Iterator[Block]:
    body = shape.element.find(f"{P}txBody")
    if body is None:
        return
    sources = [
        body,
        *(found for other in _inherited(slide, shape.role, shape.index) for found in other.iterfind(f"{P}txBody")),
    ]
    styles = [style for source in sources for style in source.iterfind(f"{A}lstStyle")]
    if shape.role in _BODIES and slide.master is not None:
        styles += slide.master.iterfind(f"{P}txStyles/{P}bodyStyle")
    counters: dict[int, tuple[str, int]] = {}  # by level: kind of numbering, last number
    for paragraph in body.iterfind(f"{A}p"):
        properties = paragraph.find(f"{A}pPr")
        level = min(max(integer(None if properties is None else properties.get("lvl")), 0), 8)
        bullet = _bullet(properties, styles, level)
        is_centred = properties is not None and properties.get("algn") == "ctr"
        lines = paragraphs(_text(paragraph), is_title=is_centred)
        if not lines:
            continue
        counters = {deep: counter for deep, counter in counters.items() if deep <= level}
        if bullet is None or bullet.tag == f"{A}buNone":
            counters.pop(level, None)
            yield from (Block(line, BlockKind.PARAGRAPH, slide.place) for line in lines)
            continue
        mark = "• "
        if bullet.tag == f"{A}buAutoNum":
            kind, start = bullet.get("type", ""), integer(bullet.get("startAt"), 1)
            before = counters.get(level)
            value = before[1] + 1 if before and before[0] == kind else start
            counters[level] = (kind, value)
            mark = _number(kind, value)
        else:
            counters.pop(level, None)
        yield Block(clean(mark + lines[0]), BlockKind.ITEM, slide.place, level + 1)
        yield from (Block(line, BlockKind.PARAGRAPH, slide.place) for line in lines[1:])


def _bullet(properties: ET.Element | None, styles: Sequence[ET.Element], level: int) -> ET.Element | None:
    """What the paragraph itself, or the first style that has something to say for its level, sets in front of it."""
    levels = [properties, *(style.find(f"{A}lvl{level + 1}pPr") for style in styles)]
    return next((child for one in levels if one is not None for child in one if child.tag in _BULLETS), None)


def _number(kind: str, value: int) -> str:
    match = _AUTO_NUMBER.fullmatch(kind)
    if match is None:
        return f"{value}. "
    form, look = _NUMBER_FORMS.get(match.group(1), "decimal"), _NUMBER_LOOKS[match.group(2)]
    return look.format(numeral(value, form)) + " "


def _text(paragraph: ET.Element) -> str:
    """Text of an `a:p`, with `\\n` for soft line ends and without the fields for dates and numbers of slides."""
    text = ""
    for child in paragraph:
        if child.tag == f"{A}r":
            # PowerPoint also writes a soft line end as a vertical tab.
            text += (child.findtext(f"{A}t") or "").replace("\n", " ").replace("\v", "\n").replace("_x000B_", "\n")
        elif child.tag == f"{A}br":
            text += "\n"
        elif child.tag == f"{A}fld" and not child.get("type", "").startswith(("slidenum", "datetime")):
            text += child.findtext(f"{A}t") or ""
        elif child.tag == f"{MC}AlternateContent":
            branch = chosen(child)
            text += _text(branch) if branch is not None else ""
        elif child.tag.endswith("}m"):
            text += "".join(linear(formula) for formula in child if formula.tag.startswith(M))
    return text


def _rows(table: ET.Element, place: Place) -> Iterator[Row]:
    properties = table.find(f"{A}tblPr")
    has_head = properties is not None and properties.get("firstRow") in ("1", "true")
    for i, line in enumerate(table.iterfind(f"{A}tr")):
        texts = []
        spans = False
        for cell in line.iterfind(f"{A}tc"):
            is_covered = any(cell.get(merge) in ("1", "true") for merge in ("hMerge", "vMerge"))
            lines = (clean(_text(paragraph)) for paragraph in cell.iter(f"{A}p"))
            texts.append("" if is_covered else " ".join(filter(None, lines)))
            spans = spans or integer(cell.get("gridSpan"), 1) > 1
        yield Row(tuple(texts), place, is_marked=has_head and i == 0, spans=spans)
