"""PDF → blocks: glyphs and ruling lines by PDFium, everything else by place.

PDFium gives the characters that a reader sees, also for fonts in which 页 and the radical ⻚ are one glyph.
"""

import ctypes
import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

import pypdfium2  # type: ignore[import-untyped]
from pypdfium2 import raw

from indexer.errors import InputError
from indexer.formats.blocks import Parsed
from indexer.formats.lines import Glyph, is_wide
from indexer.formats.ocr import DOTS_PER_POINT, MAX_SIDE, Recognise
from indexer.formats.pages import Entry, Page, blocks, is_strong_face, lay_out, page_ranges
from indexer.formats.properties import authors, day
from indexer.formats.prose import usable_title
from indexer.formats.ruled import Rule

MAX_PAGES = 10_000
_MAX_GLYPHS = 20_000_000  # of a file
_MAX_PAGE_GLYPHS = 200_000
_MAX_OBJECTS = 200_000  # looked at on a page
_MAX_RULES = 20_000  # of a page
_MAX_SEGMENTS = 20_000  # of a path
_MAX_ENTRIES = 10_000
_MAX_NESTING = 5
_UNREADABLE_SHARE = 0.3
_LOST_SHARE = 0.3  # text objects of spaces alone are passed over too
_CHINESE_FACES = ("song", "simsun", "hei", "kai", "fang", "ming", "gothic")
_BOLD_WEIGHT = 600
_FORCE_BOLD = 1 << 18
_WHITE = 250
_SPACES = frozenset({0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x3000, *range(0x2000, 0x200B)})
_INVISIBLE = frozenset({0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF})
_PRINT_AGAIN = "open it in a viewer and print it to PDF again"
# Radicals that share their glyph with the character, where NFKC keeps them apart.
_RADICALS = dict(
    zip(
        "⺂⺃⺅⺉⺋⺎⺏⺐⺒⺓⺔⺕⺖⺘⺙⺛⺞⺠⺡⺣⺤⺦⺨⺫⺭⺯⺰⺱⺲⺳⺹⺺⺾⺿⻀⻁⻂⻃⻄⻅⻆⻈⻉⻋⻌⻍⻎⻐⻑⻒⻓⻔⻖⻘⻙⻚⻛⻜⻝⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "乛乚亻刂㔾兀尣尢巳幺彑彐忄扌攵旡歺民氵灬爫丬犭罒礻糹纟罓罒㓁耂肀艹艹艹虎衤覀西见角讠贝车辶辶辶钅長镸长门阝青韦页风飞食飠饣马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
        strict=True,
    )
)
# Bullets of the Symbol and Wingdings fonts, which have code points of private use.
_PRIVATE = {
    "\uf0b7": "•",
    "\uf06c": "●",
    "\uf06e": "■",
    "\uf075": "◆",
    "\uf0a7": "▪",
    "\uf0d8": "➢",
    "\uf0fc": "✓",
    "\uf076": "❖",
}


class _Remark(StrEnum):
    """What a person should know of a page."""

    DAMAGED = "could not be read: open the file in a viewer and print it to PDF again"
    RECOGNISED = "hold an image whose text was read by OCR and may have errors"
    SCANNED = "hold an image without text: run OCR to have them read"
    EMPTY = "are empty"
    SIDEWAYS = "hold text that is printed sideways; they were read turned"
    SLANTED = "hold text at an angle, such as a watermark, which was left out"
    DRAWING = "hold too many lines to look for tables"
    FONTLESS = "hold Chinese text in fonts that neither the file nor this machine has: install one, such as Noto CJK"
    OVERFULL = "hold more characters than a page can; the rest was left out"


@dataclass(frozen=True)
class _Sheet:
    """A page as read: laid out, how many characters it has, how many of them nobody can tell, and remarks on it."""

    page: Page | None
    n_glyphs: int = 0
    n_unreadable: int = 0
    remarks: frozenset[_Remark] = frozenset()


def parse_pdf(data: bytes, *, max_pages: int = MAX_PAGES, recognise: Recognise | None = None) -> Parsed:
    """The text of a PDF in the order of reading; `recognise` reads the pages that are images.

    Raises:
        InputError: it is encrypted, damaged, too large, has no text (a scan), or its fonts do not say which characters they
            draw.
    """
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise InputError("the PDF is encrypted: open it with its password and save it without one") from error
        raise InputError(f"the file is damaged or no PDF ({error}): {_PRINT_AGAIN}") from error
    with document:
        n_pages = len(document)
        if n_pages > max_pages:
            raise InputError(f"the PDF has {n_pages} pages, more than {max_pages}: split it")
        sheets = list(_sheets(document, n_pages, recognise))
        found = blocks([sheet.page for sheet in sheets if sheet.page is not None], tuple(_outline(document)))
        properties = document.get_metadata_dict()
    if not found:
        raise InputError("the PDF has no text but page numbers: run OCR if its pages are images, or leave the file out")
    return Parsed(
        found,
        title=usable_title(properties["Title"]),
        authors=authors(properties["Author"]),
        published=day(properties["CreationDate"]),
        pages=n_pages,
        warnings=tuple(_warnings(sheets)),
    )


def _sheets(document: pypdfium2.PdfDocument, n_pages: int, recognise: Recognise | None) -> list[_Sheet]:
    """The pages as read.

    Raises:
        InputError: there is too much text in them, none, or mostly such as nobody can tell.
    """
    sheets: list[_Sheet] = []
    n_glyphs = n_unreadable = 0
    for number in range(1, n_pages + 1):
        sheet = _sheet(document, number)
        if recognise is not None and _Remark.SCANNED in sheet.remarks:
            sheet = _recognised(document, number, recognise) or sheet
        sheets.append(sheet)
        n_glyphs += sheets[-1].n_glyphs
        n_unreadable += sheets[-1].n_unreadable
        if n_glyphs > _MAX_GLYPHS:
            raise InputError(f"the PDF has more than {_MAX_GLYPHS} characters on its first {number} pages: split it")
    n_scanned, n_damaged = (
        sum(remark in sheet.remarks for sheet in sheets) for remark in (_Remark.SCANNED, _Remark.DAMAGED)
    )
    if n_unreadable > _UNREADABLE_SHARE * n_glyphs:
        raise InputError(
            f"{n_unreadable} of the {n_glyphs} characters of the PDF cannot be told, for its fonts do not say what they "
            "draw: run OCR first"
        )
    if not n_glyphs and any(_Remark.FONTLESS in sheet.remarks for sheet in sheets):
        raise InputError(f"no text of the PDF can be read: its {n_pages} pages {_Remark.FONTLESS}")
    if not n_glyphs and n_scanned:
        raise InputError(
            f"the PDF is scanned: {n_scanned} of its {n_pages} pages hold an image and none holds text: run OCR first"
        )
    if not n_glyphs and n_damaged:
        raise InputError(f"the PDF is damaged: {n_damaged} of its {n_pages} pages could not be read: {_PRINT_AGAIN}")
    if not n_glyphs:
        raise InputError(f"the PDF has no text: its {n_pages} pages are empty; leave the file out")
    return sheets


def _warnings(sheets: Sequence[_Sheet]) -> Iterator[str]:
    for remark in _Remark:
        numbers = [number for number, sheet in enumerate(sheets, start=1) if remark in sheet.remarks]
        if numbers:
            yield f"page(s) {page_ranges(numbers)} {remark}"
    n_unreadable = sum(sheet.n_unreadable for sheet in sheets)
    if n_unreadable:
        yield f"{n_unreadable} characters are in fonts that do not say what they draw; they were left out"


def _sheet(document: pypdfium2.PdfDocument, number: int) -> _Sheet:
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return _Sheet(None, remarks=frozenset({_Remark.DAMAGED}))
    try:
        text = page.get_textpage()
        marks, n_unreadable, is_overfull, items = _marks(text)
        drawn = _drawn(page, items)
        text.close()
        turn, n_slanted = _turn(marks)
        left, bottom, right, top = page.get_cropbox()
        view = _View(left, bottom, right, top, turn)
        rotation = page.get_rotation()
    except pypdfium2.PdfiumError:
        return _Sheet(None, remarks=frozenset({_Remark.DAMAGED}))
    finally:
        page.close()
    glyphs = list(view.glyphs(marks))
    n_glyphs = len(glyphs) + n_unreadable
    remarks = {
        _Remark.SCANNED: not n_glyphs and drawn.n_images > 0,
        _Remark.EMPTY: not n_glyphs and not drawn.n_images and not drawn.is_fontless,
        _Remark.SIDEWAYS: bool(glyphs) and turn != rotation,
        _Remark.SLANTED: n_slanted > 0,
        _Remark.DRAWING: drawn.rules is None,
        _Remark.FONTLESS: drawn.is_fontless,
        _Remark.OVERFULL: is_overfull,
    }
    laid = lay_out(number, view.height, glyphs, [view.rule(rule) for rule in drawn.rules or ()])
    return _Sheet(laid, n_glyphs, n_unreadable, frozenset(remark for remark, holds in remarks.items() if holds))


def _recognised(document: pypdfium2.PdfDocument, number: int, recognise: Recognise) -> _Sheet | None:
    """A page that is an image with the text found in it; None when there is none."""
    page = document[number - 1]
    try:
        width, height = page.get_size()
        scale = min(DOTS_PER_POINT, MAX_SIDE / max(width, height, 1.0))
        image = page.render(scale=scale).to_numpy()
    except pypdfium2.PdfiumError:
        return None
    finally:
        page.close()
    glyphs = [
        replace(g, x0=g.x0 / scale, x1=g.x1 / scale, y=g.y / scale, size=g.size / scale)
        for g in recognise(image[:, :, :3])
    ]
    if not glyphs:
        return None
    laid = lay_out(number, image.shape[0] / scale, glyphs, [])
    return _Sheet(laid, len(glyphs), remarks=frozenset({_Remark.RECOGNISED}))


@dataclass(frozen=True, slots=True)
class _Mark:
    """A character as PDFium has it: a box, a point on its baseline and the direction of its text, `y` growing upwards."""

    char: str
    left: float
    bottom: float
    right: float
    top: float
    x: float
    y: float
    size: float
    angle: float  # degrees, counter-clockwise, 0 for text from left to right
    is_bold: bool
    is_spaced: bool


@dataclass(frozen=True, slots=True)
class _Type:
    size: float
    angle: float
    is_bold: bool


def _marks(text: pypdfium2.PdfTextPage) -> tuple[list[_Mark], int, bool, frozenset[int]]:
    """The characters of a page in the order of the file, how many could not be told, whether there were too many, and the
    addresses of the text objects they are in."""
    handle = text.raw
    n_chars = text.count_chars()
    box, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    box_at, x_at, y_at = ctypes.byref(box), ctypes.byref(x), ctypes.byref(y)
    types: dict[int, _Type] = {}
    fonts: dict[int, bool] = {}
    found: list[_Mark] = []
    n_unreadable = 0
    is_spaced = is_generated = False
    for i in range(min(n_chars, _MAX_PAGE_GLYPHS)):
        code = raw.FPDFText_GetUnicode(handle, i)
        if code in _SPACES:
            is_spaced = True
            is_generated = raw.FPDFText_IsGenerated(handle, i) == 1
            continue
        char = "-" if raw.FPDFText_IsHyphen(handle, i) == 1 else _character(code)
        if not char or raw.FPDFText_HasUnicodeMapError(handle, i) == 1:
            n_unreadable += code not in _INVISIBLE
            continue
        raw.FPDFText_GetLooseCharBox(handle, i, box_at)
        raw.FPDFText_GetCharOrigin(handle, i, x_at, y_at)
        item = raw.FPDFText_GetTextObject(handle, i)
        address = _address(item)
        if address not in types:
            types[address] = _type(handle, i, item, fonts)
        kind = types[address]
        # PDFium also puts spaces between Chinese characters that are merely set apart.
        is_spaced = is_spaced and not (is_generated and found and is_wide(found[-1].char) and is_wide(char))
        found.append(
            _Mark(
                char,
                box.left,
                box.bottom,
                box.right,
                box.top,
                x.value,
                y.value,
                kind.size,
                kind.angle,
                kind.is_bold,
                is_spaced,
            )
        )
        is_spaced = False
    return found, n_unreadable, n_chars > _MAX_PAGE_GLYPHS, frozenset(types)


def _character(code: int) -> str:
    """The character of a code that PDFium gives; empty where it does not know which one is drawn."""
    if code < 0x20 or 0x7F <= code < 0xA0 or code in _INVISIBLE or 0xD800 <= code < 0xE000 or code >= 0xFFFE:
        return ""
    char = chr(code)
    if 0x2E80 <= code < 0x2FE0:
        return _RADICALS.get(char) or unicodedata.normalize("NFKC", char)
    return _PRIVATE.get(char, "") if 0xE000 <= code < 0xF900 else "" if char == "\ufffd" else char


def _type(handle: object, index: int, item: object, fonts: dict[int, bool]) -> _Type:
    """How the character at `index` is set, which holds for all of its text object."""
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(handle, index, ctypes.byref(matrix))
    scale = math.hypot(matrix.c, matrix.d) or 1.0
    size = round(raw.FPDFText_GetFontSize(handle, index) * scale, 1) or 1.0
    angle = math.degrees(math.atan2(matrix.b, matrix.a))
    if not item:
        return _Type(size, angle, False)
    is_outlined = raw.FPDFTextObj_GetTextRenderMode(item) == raw.FPDF_TEXTRENDERMODE_FILL_STROKE
    font = raw.FPDFTextObj_GetFont(item)
    address = _address(font)
    if address and address not in fonts:
        fonts[address] = _is_strong(font)
    return _Type(abs(size), angle, is_outlined or fonts.get(address, False))


def _is_strong(font: object) -> bool:
    """Whether a font is a bold one or of a kind that headings are set in, by its name and its numbers."""
    flags = raw.FPDFFont_GetFlags(font)
    is_forced = flags > 0 and bool(flags & _FORCE_BOLD)
    return is_forced or raw.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT or is_strong_face(_font_name(font))


def _font_name(font: object) -> str:
    name = ctypes.create_string_buffer(256)
    raw.FPDFFont_GetBaseFontName(font, name, len(name))
    try:
        return name.value.decode("utf-8")
    except UnicodeDecodeError:
        return name.value.decode("gb18030", "replace")


def _is_chinese_face(name: str) -> bool:
    return any(map(is_wide, name)) or any(face in name.lower() for face in _CHINESE_FACES)


def _address(item: object) -> int:
    return ctypes.cast(item, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def _turn(marks: Sequence[_Mark]) -> tuple[int, int]:
    """By how many degrees the page must be turned clockwise for most of its text to be upright, and how much text is not."""
    angles = Counter(round(mark.angle) % 360 for mark in marks)
    quarters = {
        quarter: sum(angles[quarter + off] for off in (-1, 0, 1)) + angles[359] * (quarter == 0)
        for quarter in (0, 90, 180, 270)
    }
    turn = max(quarters, key=lambda quarter: quarters[quarter])
    return turn, len(marks) - quarters[turn]


@dataclass(frozen=True)
class _View:
    """A page as it is read: cut to what is shown and turned clockwise by `turn` degrees."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int

    @property
    def height(self) -> float:
        return self.top - self.bottom if self.turn % 180 == 0 else self.right - self.left

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the file → from the top left corner of the view, downwards."""
        match self.turn:
            case 0:
                return x - self.left, self.top - y
            case 90:
                return y - self.bottom, x - self.left
            case 180:
                return self.right - x, y - self.bottom
            case _:
                return self.top - y, self.right - x

    def glyphs(self, marks: Sequence[_Mark]) -> Iterator[Glyph]:
        """The characters that are upright and shown."""
        for mark in marks:
            if abs((mark.angle - self.turn + 180) % 360 - 180) > 1.5:
                continue
            if not (self.left <= mark.x <= self.right and self.bottom <= mark.y <= self.top):
                continue
            x, y = self.point(mark.x, mark.y)
            (x0, _), (x1, _) = self.point(mark.left, mark.bottom), self.point(mark.right, mark.top)
            # Some fonts have boxes around the ink only.
            ends = (x0, x1, x + 0.95 * mark.size) if is_wide(mark.char) else (x0, x1)
            yield Glyph(mark.char, min(x0, x1, x), max(ends), y, mark.size, mark.is_bold, mark.is_spaced)

    def rule(self, rule: Rule) -> Rule:
        (ax, ay), (bx, by) = self.point(rule.x0, rule.top), self.point(rule.x1, rule.bottom)
        return Rule(min(ax, bx), max(ax, bx), min(ay, by), max(ay, by))


@dataclass(frozen=True)
class _Drawn:
    """The ruling lines of a page (None for too many) with `y` growing upwards, and how many images it shows.

    `is_fontless`: PDFium passed over much of its Chinese text, as it does with single characters for which it has no font.
    """

    rules: tuple[Rule, ...] | None
    n_images: int
    is_fontless: bool


def _drawn(page: pypdfium2.PdfPage, read: frozenset[int]) -> _Drawn:
    """What else a page shows; `read` are the addresses of the text objects that have been read."""
    rules: list[Rule] = []
    n_images = n_objects = n_foreign = n_lost = 0
    foreign: dict[int, bool] = {}
    todo = [
        (raw.FPDFPage_GetObject(page.raw, i), _IDENTITY, 0)
        for i in range(min(raw.FPDFPage_CountObjects(page.raw), _MAX_OBJECTS))
    ]
    while todo and n_objects < _MAX_OBJECTS:
        item, outer, depth = todo.pop()
        n_objects += 1
        match raw.FPDFPageObj_GetType(item):
            case raw.FPDF_PAGEOBJ_IMAGE:
                n_images += 1
            case raw.FPDF_PAGEOBJ_TEXT:
                font = raw.FPDFTextObj_GetFont(item)
                key = _address(font)
                if key not in foreign:
                    foreign[key] = (
                        bool(key) and not raw.FPDFFont_GetIsEmbedded(font) and _is_chinese_face(_font_name(font))
                    )
                n_foreign += foreign[key]
                n_lost += foreign[key] and _address(item) not in read
            case raw.FPDF_PAGEOBJ_PATH if len(rules) <= _MAX_RULES:
                rules.extend(_rules(item, _matrix(item).inside(outer)))
            case raw.FPDF_PAGEOBJ_FORM if depth < _MAX_NESTING:
                inner = _matrix(item).inside(outer)
                count = min(raw.FPDFFormObj_CountObjects(item), _MAX_OBJECTS)
                todo.extend((raw.FPDFFormObj_GetObject(item, i), inner, depth + 1) for i in range(count))
    is_fontless = n_lost > _LOST_SHARE * n_foreign
    return _Drawn(tuple(rules) if len(rules) <= _MAX_RULES else None, n_images, is_fontless)


@dataclass(frozen=True, slots=True)
class _Matrix:
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def inside(self, outer: "_Matrix") -> "_Matrix":
        """First this one, then `outer`."""
        a, b = outer.a * self.a + outer.c * self.b, outer.b * self.a + outer.d * self.b
        c, d = outer.a * self.c + outer.c * self.d, outer.b * self.c + outer.d * self.d
        return _Matrix(a, b, c, d, *outer.at(self.e, self.f))


_IDENTITY = _Matrix(1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _matrix(item: object) -> _Matrix:
    matrix = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix)):
        return _IDENTITY
    return _Matrix(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)


def _rules(path: object, matrix: _Matrix) -> Iterator[Rule]:
    """The horizontal and vertical lines of a path that can be seen."""
    if not _is_visible(path):
        return
    x, y = ctypes.c_float(), ctypes.c_float()
    start = before = (0.0, 0.0)
    for i in range(min(raw.FPDFPath_CountSegments(path), _MAX_SEGMENTS)):
        segment = raw.FPDFPath_GetPathSegment(path, i)
        raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = matrix.at(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield from _rule(before, point)
        before = point
        if raw.FPDFPathSegment_GetClose(segment):
            yield from _rule(point, start)
            before = start


def _rule(a: tuple[float, float], b: tuple[float, float]) -> Iterator[Rule]:
    across, up = abs(a[0] - b[0]), abs(a[1] - b[1])
    if min(across, up) < 1.0 and across != up:
        yield Rule(min(a[0], b[0]), max(a[0], b[0]), min(a[1], b[1]), max(a[1], b[1]))


def _is_visible(path: object) -> bool:
    """Whether a path is drawn, and not just filled with white."""
    mode, is_stroked = ctypes.c_int(), raw.FPDF_BOOL()
    if not raw.FPDFPath_GetDrawMode(path, ctypes.byref(mode), ctypes.byref(is_stroked)):
        return False
    if is_stroked.value or mode.value == raw.FPDF_FILLMODE_NONE:
        return bool(is_stroked.value)
    rgba = [ctypes.c_uint() for _ in range(4)]
    if not raw.FPDFPageObj_GetFillColor(path, *map(ctypes.byref, rgba)):
        return True
    red, green, blue, opacity = (part.value for part in rgba)
    return opacity > 0 and min(red, green, blue) < _WHITE


def _outline(document: pypdfium2.PdfDocument) -> Iterator[Entry]:
    for mark in islice(document.get_toc(), _MAX_ENTRIES):
        target = mark.get_dest()
        page = target.get_index() if target is not None else None
        if page is not None:
            yield Entry(mark.get_title(), page + 1, mark.level + 1)
