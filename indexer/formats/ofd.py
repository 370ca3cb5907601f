"""OFD (GB/T 33190), the national format for official documents, → blocks: a ZIP of XML that places text like PDF does.

Lengths in the file are millimetres, `y` grows downwards.
"""

import posixpath
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from indexer.errors import InputError
from indexer.formats.blocks import Parsed
from indexer.formats.lines import Glyph, is_wide
from indexer.formats.package import UNPACKING_ERRORS, parse_xml
from indexer.formats.pages import Entry, Page, blocks, is_strong_face, lay_out, page_ranges
from indexer.formats.properties import authors, day
from indexer.formats.prose import usable_title
from indexer.formats.ruled import Rule

_POINTS = 72 / 25.4
_MAX_FILES = 50_000
_MAX_PART = 30_000_000
_MAX_TOTAL = 300_000_000
_MAX_RATIO = 200  # unpacked to packed, of parts that are not small
_SMALL_PART = 2_000_000
MAX_PAGES = 10_000
_MAX_PAGE_GLYPHS = 200_000
_MAX_GLYPHS = 20_000_000
_MAX_ENTRIES = 10_000
_BOLD_WEIGHT = 600
_SAVE_AGAIN = "open it in an OFD reader and save it again"
_FARTHEST = 1e6  # millimetres
_PATH_NUMBERS = {"S": 2, "M": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}
_CONTAINERS = frozenset({"Page", "Content", "Layer", "PageBlock", "TextObject", "PathObject", "ImageObject"})
_OBJECTS = frozenset({"TextObject", "PathObject", "ImageObject"})


def parse_ofd(data: bytes, *, max_pages: int = MAX_PAGES) -> Parsed:
    """The text of an OFD file in the order of reading.

    Raises:
        InputError: it is encrypted, damaged, no OFD, too large, or has no text (a scan).
    """
    package = _Package(data)
    pages: list[Page] = []
    empty: list[int] = []
    scanned: list[int] = []
    outline: list[Entry] = []
    n_glyphs = 0
    root = package.xml("OFD.xml")
    for body in _children(root, "DocBody"):
        document = _Document(package, _text(body, "DocRoot"))
        outline.extend(document.outline(len(pages)))
        for sheet in document.sheets():
            number = len(pages) + 1
            if number > max_pages or n_glyphs > _MAX_GLYPHS:
                raise InputError(f"the OFD file has more than {number - 1} pages or {n_glyphs} characters: split it")
            n_glyphs += len(sheet.glyphs)
            if not sheet.glyphs:
                (scanned if sheet.n_images else empty).append(number)
            pages.append(lay_out(number, sheet.height, sheet.glyphs, sheet.rules))
    if not pages:
        raise InputError(f"the OFD file has no pages: {_SAVE_AGAIN}")
    found = blocks(pages, outline)
    if not found and scanned:
        raise InputError(
            f"the OFD file is scanned: {len(scanned)} of its {len(pages)} pages hold an image and none holds text: run OCR first"
        )
    if not found:
        raise InputError(f"the OFD file has no text on its {len(pages)} pages: leave it out")
    warnings = []
    if scanned:
        warnings.append(f"page(s) {page_ranges(scanned)} hold an image without text: run OCR to have them read")
    if empty:
        warnings.append(f"page(s) {page_ranges(empty)} are empty")
    info = next((part for body in _children(root, "DocBody") for part in _children(body, "DocInfo")), root)
    return Parsed(
        found,
        title=usable_title(_text(info, "Title")),
        authors=authors(_text(info, "Author")),
        published=day(_text(info, "CreationDate")),
        pages=len(pages),
        warnings=tuple(warnings),
    )


class _Package:
    """The parts of the file, unpacked within limits."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
            entries = self._zip.infolist()
        except UNPACKING_ERRORS as error:
            raise InputError(f"the file is damaged or no OFD ({error}): {_SAVE_AGAIN}") from error
        if len(entries) > _MAX_FILES:
            raise InputError(f"the OFD file has {len(entries)} parts, more than {_MAX_FILES}: it is no usual OFD file")
        self._entries = {entry.filename.replace("\\", "/").lstrip("/").lower(): entry for entry in entries}
        self._left = _MAX_TOTAL
        if "ofd.xml" not in self._entries:
            raise InputError(f"the file is no OFD, for it lacks OFD.xml: {_SAVE_AGAIN}")

    def has(self, part: str) -> bool:
        return part.lower() in self._entries

    def xml(self, part: str) -> ET.Element:
        """The root of a part.

        Raises:
            InputError: it is missing, encrypted, too large or damaged.
        """
        entry = self._entries.get(part.lower())
        if entry is None:
            raise InputError(f"the OFD file lacks its part {part!r}: {_SAVE_AGAIN}")
        if entry.flag_bits & 1 or self.has("encryptions.xml"):
            raise InputError("the OFD file is encrypted: save it without a password")
        is_bomb = entry.file_size > _SMALL_PART and entry.file_size > _MAX_RATIO * entry.compress_size
        if entry.file_size > min(_MAX_PART, self._left) or is_bomb:
            raise InputError(
                f"the part {part!r} of the OFD file has {entry.file_size // 1_000_000} MB unpacked: split the file"
            )
        self._left -= entry.file_size
        try:
            content = self._zip.read(entry)
        except UNPACKING_ERRORS as error:
            raise InputError(f"the part {part!r} of the OFD file is damaged ({error}): {_SAVE_AGAIN}") from error
        return parse_xml(content, part)


@dataclass(frozen=True)
class _Sheet:
    """What a page shows; points, downwards from its top left corner."""

    height: float
    glyphs: Sequence[Glyph]
    rules: Sequence[Rule]
    n_images: int


class _Document:
    """One document of the file: its pages in order."""

    def __init__(self, package: _Package, path: str) -> None:
        self._package = package
        self._path = path.lstrip("/")
        self._root = package.xml(self._path)
        self._common = next(_children(self._root, "CommonData"), ET.Element("CommonData"))
        self._box = _numbers(_text(next(_children(self._common, "PageArea"), self._common), "PhysicalBox"))
        self._pages = [page for pages in _children(self._root, "Pages") for page in _children(pages, "Page")]
        self._bold = frozenset(self._bold_fonts())
        self._templates = {
            page.get("ID", ""): page.get("BaseLoc", "") for page in _children(self._common, "TemplatePage")
        }

    def sheets(self) -> Iterator[_Sheet]:
        for page in self._pages:
            yield self._sheet(self._package.xml(_resolved(self._path, page.get("BaseLoc", ""))))

    def outline(self, n_before: int) -> Iterator[Entry]:
        """The outline, from the outermost entries in; `n_before` pages of other documents come first."""
        number = {page.get("ID", ""): i for i, page in enumerate(self._pages, start=n_before + 1)}
        tops = [entry for outlines in _children(self._root, "Outlines") for entry in _children(outlines, "OutlineElem")]
        todo = [(entry, 1) for entry in reversed(tops)]
        for _ in range(_MAX_ENTRIES):
            if not todo:
                return
            entry, level = todo.pop()
            parts = (part for actions in _children(entry, "Actions") for part in actions.iter())
            target = next((part.get("PageID", "") for part in parts if _name(part) == "Dest"), "")
            if target in number:
                yield Entry(entry.get("Title", ""), number[target], level)
            todo.extend((child, level + 1) for child in reversed(list(_children(entry, "OutlineElem"))))

    def _bold_fonts(self) -> Iterator[str]:
        """Ids of the fonts that are bold or of a kind that headings are set in."""
        for kind in ("PublicRes", "DocumentRes"):
            for listing in _children(self._common, kind):
                part = _resolved(self._path, (listing.text or "").strip())
                if not self._package.has(part):
                    continue
                for font in self._package.xml(part).iter():
                    names = font.get("FontName", "") + font.get("FamilyName", "")
                    if _name(font) == "Font" and (font.get("Bold") == "true" or is_strong_face(names)):
                        yield font.get("ID", "")

    def _sheet(self, page: ET.Element) -> _Sheet:
        area = next(_children(page, "Area"), page)
        box = _numbers(_text(area, "PhysicalBox")) or self._box
        left, top, height = (box[0], box[1], box[3]) if len(box) == 4 else (0.0, 0.0, 297.0)
        contents = []
        for template in _children(page, "Template"):
            part = _resolved(self._path, self._templates.get(template.get("TemplateID", ""), ""))
            if self._package.has(part):
                contents.append(self._package.xml(part))
        glyphs: list[Glyph] = []
        rules: list[Rule] = []
        n_images = 0
        for item in _shown([*contents, page]):
            match _name(item):
                case "TextObject":
                    glyphs.extend(self._glyphs(item, left, top))
                case "PathObject":
                    rules.extend(_rules(item, left, top))
                case "ImageObject":
                    n_images += 1
            if len(glyphs) > _MAX_PAGE_GLYPHS:
                raise InputError(f"a page of the OFD file has more than {_MAX_PAGE_GLYPHS} characters: split it")
        return _Sheet(height * _POINTS, glyphs, rules, n_images)

    def _glyphs(self, item: ET.Element, left: float, top: float) -> Iterator[Glyph]:
        """The characters of a text object; those that are turned are left out, as stamps and watermarks are."""
        frame = _Frame(item, left, top)
        if (
            not frame.is_upright
            or item.get("ReadDirection", "0") not in ("", "0")
            or item.get("CharDirection", "0") not in ("", "0")
        ):
            return
        size = _number(item.get("Size")) * frame.scale
        stretch = _number(item.get("HScale"), 1.0)
        is_bold = item.get("Font", "") in self._bold or _number(item.get("Weight"), 400.0) >= _BOLD_WEIGHT
        x = y = 0.0
        for code in _children(item, "TextCode"):
            x, y = _number(code.get("X"), x), _number(code.get("Y"), y)
            text = code.text or ""
            steps, drops = _steps(code.get("DeltaX"), len(text)), _steps(code.get("DeltaY"), len(text))
            is_spaced = False
            for i, char in enumerate(text):
                natural = (1.0 if is_wide(char) else 0.5) * _number(item.get("Size")) * stretch
                step = steps[i] if i < len(steps) else 0.0 if drops else natural
                if char.isspace():
                    is_spaced = True
                elif size > 0 and char.isprintable():
                    (x0, y0), (x1, _) = frame.at(x, y), frame.at(x + natural, y)
                    yield Glyph(char, x0, x1, y0, round(size * _POINTS, 1), is_bold, is_spaced)
                    is_spaced = False
                if i < len(text) - 1:
                    x, y = x + step, y + (drops[i] if i < len(drops) else 0.0)


class _Frame:
    """Where the points of an object lie on the page, in points."""

    def __init__(self, item: ET.Element, left: float, top: float) -> None:
        boundary = _numbers(item.get("Boundary", ""))
        matrix = _numbers(item.get("CTM", ""))
        self._x, self._y = (boundary[0] - left, boundary[1] - top) if len(boundary) == 4 else (-left, -top)
        self._matrix = matrix if len(matrix) == 6 else [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]

    @property
    def is_upright(self) -> bool:
        a, b, c, d, _, _ = self._matrix
        return a > 0 and d > 0 and abs(b) < 0.03 * a and abs(c) < 0.5 * d  # slanted type is italic

    @property
    def scale(self) -> float:
        return self._matrix[3]

    def at(self, x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = self._matrix
        return (a * x + c * y + e + self._x) * _POINTS, (b * x + d * y + f + self._y) * _POINTS


def _rules(item: ET.Element, left: float, top: float) -> Iterator[Rule]:
    """The horizontal and vertical lines of a path object."""
    if item.get("Stroke", "true") == "false" and item.get("Fill", "false") == "false":
        return
    frame = _Frame(item, left, top)
    start = before = (0.0, 0.0)
    for command, numbers in _steps_of_path(_text(item, "AbbreviatedData")):
        point = start if command == "C" else frame.at(*numbers[-2:])
        if command in "LC":
            (ax, ay), (bx, by) = before, point
            if min(abs(ax - bx), abs(ay - by)) < 1.0:
                yield Rule(min(ax, bx), max(ax, bx), min(ay, by), max(ay, by))
        elif command in "SM":
            start = point
        before = point


def _steps_of_path(data: str) -> Iterator[tuple[str, list[float]]]:
    """The commands of abbreviated path data, each with its numbers."""
    words = iter(data.split())
    for word in words:
        count = _PATH_NUMBERS.get(word)
        if count is None:
            return  # nobody knows what follows
        numbers = [_number(number) for number in islice(words, count)]
        if len(numbers) < count:
            return
        yield word, numbers


def _shown(roots: Sequence[ET.Element]) -> Iterator[ET.Element]:
    """The graphic objects of pages and templates in the order of the file, without those that are switched off."""
    todo = list(reversed(roots))
    while todo:
        item = todo.pop()
        if item.get("Visible", "true") == "false":
            continue
        if _name(item) in _OBJECTS:
            yield item
        else:
            todo.extend(reversed([child for child in item if _name(child) in _CONTAINERS]))


def _steps(text: str | None, count: int) -> list[float]:
    """The distances in a `DeltaX` or `DeltaY`, in which `g 3 5.1` stands for three times 5.1; at most `count`."""
    found: list[float] = []
    words = iter((text or "").split())
    for word in words:
        if word == "g":
            times, step = _number(next(words, "")), _number(next(words, ""))
            found.extend([step] * min(int(times), count))
        else:
            found.append(_number(word))
        if len(found) >= count:
            break
    return found[:count]


def _numbers(text: str) -> list[float]:
    return [_number(word) for word in text.split()]


def _number(text: str | None, default: float = 0.0) -> float:
    """A number, or the default where there is none or it is not one."""
    try:
        value = default if text is None else float(text)
    except ValueError:
        return default
    return value if abs(value) < _FARTHEST else default


def _name(element: ET.Element) -> str:
    """The name without its namespace, of which there are several in use."""
    return element.tag.rpartition("}")[2]


def _children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (child for child in element if _name(child) == name)


def _text(element: ET.Element, name: str) -> str:
    """The text of the first child of a name; empty without one."""
    return next((child.text or "" for child in _children(element, name)), "").strip()


def _resolved(part: str, reference: str) -> str:
    """A reference in `part` as the name of a part; one that starts with a slash counts from the root."""
    path = posixpath.normpath(posixpath.join("/", posixpath.dirname(part), reference))
    return path.lstrip("/")
