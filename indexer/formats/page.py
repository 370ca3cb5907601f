"""A web page as a tree of elements → the pieces of its visible text, each with its place in the tree."""

import re
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from indexer.formats.blocks import Block, BlockKind, Place
from indexer.formats.numerals import numeral
from indexer.formats.package import integer
from indexer.formats.prose import clean, is_chinese, paragraphs
from indexer.formats.tables import Row, row_blocks
from indexer.layout import repair

_LAST_LINE = 65_535  # libxml2 counts the lines of elements no further
_MAX_SPAN = 100
_MAX_COLUMNS = 1_000  # up to which spans are believed
_LONG_CELL = 300

_HIDDEN_TAGS = frozenset(
    """audio base button canvas colgroup datalist embed head iframe input link map meta noscript object rp rt rtc script select
    style svg template textarea title video""".split()  # noqa: SIM905
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
_BLOCK_TAGS = frozenset(
    """address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre search section summary table tbody td tfoot th thead
    tr ul""".split()  # noqa: SIM905
)
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_LISTS = frozenset(("ol", "ul", "dir", "menu"))
_FORM_OF_TYPE = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_LIST_STYLE = re.compile(r"list-style(?:-type)?\s*:([^;]*)", re.IGNORECASE)
_FORM_OF_STYLE = {
    **{"decimal": "decimal", "decimal-leading-zero": "decimalZero", "lower-alpha": "lowerLetter", "none": "none"},
    **{"upper-alpha": "upperLetter", "lower-latin": "lowerLetter", "upper-latin": "upperLetter"},
    **{"lower-roman": "lowerRoman", "upper-roman": "upperRoman", "cjk-decimal": "ideographDigital"},
    **dict.fromkeys(("cjk-ideographic", "simp-chinese-informal", "trad-chinese-informal"), "chineseCountingThousand"),
    **{"simp-chinese-formal": "chineseLegalSimplified", "trad-chinese-formal": "ideographLegalTraditional"},
    **dict.fromkeys(("disc", "circle", "square"), "bullet"),
}
_FURNITURE_TAGS = frozenset(("nav", "footer", "aside", "dialog", "search", "menu"))
_FURNITURE_ROLES = frozenset(
    (
        "navigation",
        "banner",
        "contentinfo",
        "search",
        "complementary",
        "dialog",
        "alertdialog",
        "menu",
        "menubar",
        "toolbar",
    )
)
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|topnav|subnav|menu|side|sidebar|foot|footer|bottom|breadcrumbs?|crumbs?|location"
    r"|position|pager|pagination|pages|share|bdsharebuttonbox|tools?|toolbar|related|relation|recommend|xgnews|xgwz|hot|rank"
    r"|comments?|copyright|cookies?|consent|banner|search|login|qrcode|ewm|advert|ads?|popup|modal|links?|friendlinks?|yqlj"
    r"|dqwz|wzdh)(?:$|[\s_-]|\d)",
    re.IGNORECASE,
)
_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])")
_SENTENCE = re.compile("[。；，？！]")
_FILE_LINK = re.compile(r"\.(?:docx?|xlsx?|pptx?|pdf|ofd|wps|et|zip|rar|7z|csv|txt)(?:$|[?#])", re.IGNORECASE)
_FILE_NAME = re.compile(r"^\s*附件|" + _FILE_LINK.pattern.replace("$", r"\s*$"), re.IGNORECASE)
_SPACE = re.compile("[ \t\r\n\f]+")
_RUN_ON = re.compile("(?<=[。！？；：])[\u3000\u00a0]{2,}")
_MIN_PROSE = 12


@dataclass(frozen=True)
class Piece:
    """A block of a page and the number of the element that holds it.

    `linked` counts its characters inside links; `has_file` tells that one of the links offers a file, as attachments do.
    """

    block: Block
    node: int
    linked: int = 0
    has_file: bool = False

    @property
    def size(self) -> int:
        return len(self.block.text)

    @property
    def is_link(self) -> bool:
        """Whether it is a link to another page, with at most a date or the like beside it.

        A row with three cells or more is a table of data, though one of its cells may be a link.
        """
        plain = self.size - self.linked
        if self.has_file or self.prose or self.block.text.count("\t") > 1:
            return False
        return self.linked > 1 and plain <= max(_MIN_PROSE, self.linked)

    @property
    def prose(self) -> int:
        """Characters outside of links, if they make up most of a piece with the signs of a sentence, or a row of a table."""
        plain = self.size - self.linked
        if 2 * plain < self.size:
            return 0
        if self.block.kind is BlockKind.ROW:
            return plain
        is_sentence = self.block.text.endswith("。") or (plain >= _MIN_PROSE and _SENTENCE.search(self.block.text))
        return plain if is_sentence else 0


@dataclass(frozen=True)
class Page:
    """The pieces of a page in document order, and its elements, numbered in document order.

    `parents` has the parent of each element (0 for the root), `last` the last element inside it. `suspects` are the elements
    that call themselves navigation, footer or the like by their tag, role or class; `body` is the one that holds all the others.
    """

    pieces: tuple[Piece, ...]
    parents: tuple[int, ...]
    last: tuple[int, ...]
    suspects: frozenset[int]
    body: int


@dataclass
class _List:
    """An open list: the number of its next item, its form as in `numerals`, and what stands behind the number."""

    form: str
    suffix: str
    number: int
    step: int


@dataclass
class _Cell:
    columns: int
    rows: int
    is_head: bool
    texts: list[str] = field(default_factory=list)


@dataclass
class _TableRow:
    line: int | None
    is_head: bool
    cells: list[_Cell] = field(default_factory=list)


@dataclass
class _Table:
    """An open table of data; it holds no other table."""

    node: int
    rows: list[_TableRow] = field(default_factory=list)
    linked: int = 0
    has_file: bool = False
    in_head: bool = False


@dataclass
class _Text:
    """The text that is being gathered until the block around it ends, and where it begins."""

    parts: list[str] = field(default_factory=list)
    line: int | None = None
    node: int = 0
    linked: int = 0
    has_file: bool = False
    is_blank: bool = True


def read_page(root: HtmlElement) -> Page:
    """All visible text of a page. Hidden elements, scripts, form fields and the readings of ruby are no text.

    A table is one of data or only there for the layout (it holds another table, headings or few long cells, or has one
    column); the cells of the latter are read as ordinary parts of the page.
    """
    reader = _Reader(_layout_tables(root))
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        if event == "end":
            reader.end(element)
        elif not reader.start(element):
            walker.skip_subtree()
    return Page(
        tuple(reader.pieces), tuple(reader.parents), tuple(reader.last), frozenset(reader.suspects), reader.body
    )


class _Reader:
    """Takes in the elements of a page one by one, without recursion, so that no depth of nesting is too much."""

    def __init__(self, layout_tables: set[HtmlElement]) -> None:
        self.pieces: list[Piece] = []
        self.parents: list[int] = []
        self.last: list[int] = []
        self.suspects: set[int] = set()
        self.body = 0
        self._layout_tables = layout_tables
        self._open: list[int] = []
        self._skipped = -1
        self._text = _Text()
        self._links = 0
        self._blocks: list[bool] = []  # of the open blocks, whether their lines are centred
        self._headings: list[int] = []
        self._lists: list[_List] = []
        self._mark: str | None = None  # of a list item that has shown no text yet
        self._tables: list[_Table] = []
        self._pre = 0

    def start(self, element: HtmlElement) -> bool:
        """Take in an element and its first text; False if nothing in it is visible."""
        node = len(self.parents)
        self.parents.append(self._open[-1] if self._open else 0)
        self.last.append(node)
        self._open.append(node)
        tag = element.tag
        if tag == "body":
            self.body = node
        if _is_hidden(element):
            self._skipped = node
            return False
        if _is_suspect(element):
            self.suspects.add(node)
        if tag in _BLOCK_TAGS:
            self._flush()
            self._blocks.append(_is_centred(element))
            self._open_block(element, tag, node)
        elif tag == "br":
            self._text.parts.append("\n" if self._pre else "\v")
        elif _leads_away(element):
            self._links += 1
            self._text.has_file |= _FILE_LINK.search(element.get("href") or "") is not None
        self._add(element.text, element)
        return True

    def end(self, element: HtmlElement) -> None:
        """Close an element and take in the text behind it."""
        node = self._open.pop()
        self.last[node] = len(self.parents) - 1
        if node != self._skipped:
            if element.tag in _BLOCK_TAGS:
                self._flush()
                self._blocks.pop()
                self._close_block(element, element.tag)
            elif _leads_away(element):
                self._links -= 1
        self._add(element.tail, element)

    def _add(self, text: str | None, element: HtmlElement) -> None:
        if not text:
            return
        if self._links and _FILE_NAME.search(text):
            self._text.has_file = True
        size = len(text.strip())
        if size and self._text.is_blank:
            self._text.is_blank = False
            self._text.line = _line(element)
            self._text.node = self._open[-1] if self._open else 0
        self._text.parts.append(text)
        self._text.linked += size if self._links else 0

    def _open_block(self, element: HtmlElement, tag: str, node: int) -> None:
        table = self._tables[-1] if self._tables else None
        if tag in _HEADINGS:
            self._headings.append(int(tag[1]))
        elif tag in _LISTS:
            self._lists.append(_opened_list(element))
        elif tag == "li":
            self._mark = self._next_mark(element)
        elif tag == "pre":
            self._pre += 1
        elif tag == "table" and element not in self._layout_tables:
            self._tables.append(_Table(node))
        elif table is not None and tag in ("thead", "tbody", "tfoot"):
            table.in_head = tag == "thead"
        elif table is not None and tag == "tr":
            table.rows.append(_TableRow(_line(element), table.in_head))
        elif table is not None and tag in ("td", "th"):
            if not table.rows:
                table.rows.append(_TableRow(_line(element), table.in_head))
            columns, rows = (min(max(integer(element.get(name), 1), 1), _MAX_SPAN) for name in ("colspan", "rowspan"))
            table.rows[-1].cells.append(_Cell(columns, rows, tag == "th"))

    def _close_block(self, element: HtmlElement, tag: str) -> None:
        if tag in _HEADINGS:
            self._headings.pop()
        elif tag in _LISTS:
            self._lists.pop()
        elif tag == "li":
            self._mark = None
        elif tag == "pre":
            self._pre -= 1
        elif tag == "table" and element not in self._layout_tables:
            table = self._tables.pop()
            self.pieces += _table_pieces(table)

    def _next_mark(self, element: HtmlElement) -> str:
        if not self._lists:
            return "• "
        opened = self._lists[-1]
        number = integer(element.get("value"), opened.number)
        opened.number = number + opened.step
        return "• " if opened.form == "bullet" else numeral(number, opened.form) + opened.suffix

    def _flush(self) -> None:
        """Make pieces of the text gathered so far, or hand it to the cell of a table that it stands in."""
        text, self._text = self._text, _Text()
        if text.is_blank:
            return
        raw = "".join(text.parts)
        is_title = bool(self._headings) or (bool(self._blocks) and self._blocks[-1])
        lines = _kept_lines(raw, text.line) if self._pre else [(part, text.line) for part in _shaped(raw, is_title)]
        table = self._tables[-1] if self._tables else None
        in_cell = table is not None and bool(table.rows) and bool(table.rows[-1].cells)
        size = max(1, sum(len(part) for part, _ in lines))
        for part, line in lines:
            kind, level = BlockKind.PARAGRAPH, 0
            if self._mark is not None and not self._headings:
                part = clean(self._mark + part)
                kind, level = BlockKind.ITEM, max(1, len(self._lists))
                self._mark = None
            elif self._headings:
                kind, level = BlockKind.HEADING, self._headings[-1]
            if table is not None and in_cell:
                table.rows[-1].cells[-1].texts.append(part)
                continue
            share = text.linked * len(part) // size
            self.pieces.append(Piece(Block(part, kind, Place(line=line), level), text.node, share, text.has_file))
        if table is not None and in_cell:
            table.linked += text.linked
            table.has_file |= text.has_file


def _shaped(raw: str, is_title: bool) -> list[str]:
    """Text of a block with `\\v` for line breaks → its paragraphs."""

    def space(match: re.Match[str]) -> str:
        before, after = raw[match.start() - 1 : match.start()], raw[match.end() : match.end() + 1]
        # A line end of the source inside Chinese text is no space.
        is_wrap = "\n" in match.group() and bool(before and after) and is_chinese(before) and is_chinese(after)
        return "" if is_wrap else " "

    text = _SPACE.sub(space, raw)
    # Pages that lost their line breaks still indent each paragraph.
    text = text if is_title else _RUN_ON.sub("\v", text)
    return paragraphs(text.replace("\v", "\n"), is_title=is_title)


def _kept_lines(raw: str, line: int | None) -> list[tuple[str, int | None]]:
    """Text that keeps its line ends → its paragraphs, found as in a text file, each with its line."""
    layout = repair(raw.replace("\v", "\n").replace("\r", ""), markdown=False)
    found: list[tuple[str, int | None]] = []
    offset = 0
    for part in layout.text.split("\n"):
        if clean(part):
            found.append((clean(part), None if line is None else line + layout.line_map.line_at(offset) - 1))
        offset += len(part) + 1
    return found


def _table_pieces(table: _Table) -> list[Piece]:
    """The rows of a table of data, each cell in its columns, its text in the first of the rows and columns it spans."""
    covered: dict[int, int] = {}  # by column: how many rows further down it is taken
    rows: list[Row] = []
    for row in table.rows:
        texts: list[str] = []
        taken: dict[int, int] = {}
        for cell in row.cells:
            while covered.get(len(texts)):
                texts.append("")
            columns = cell.columns if len(texts) < _MAX_COLUMNS else 1
            taken.update(dict.fromkeys(range(len(texts), len(texts) + columns), cell.rows))
            texts += [" ".join(cell.texts), *[""] * (columns - 1)]
        spans = any(cell.columns > 1 for cell in row.cells)
        covered = {column: left - 1 for column, left in {**covered, **taken}.items() if left > 1}
        is_head = row.is_head or (bool(row.cells) and all(cell.is_head for cell in row.cells))
        rows.append(Row(tuple(texts), Place(line=row.line), is_marked=is_head, spans=spans))
    blocks = row_blocks(rows)
    total = max(1, sum(len(block.text) for block in blocks))
    return [Piece(block, table.node, table.linked * len(block.text) // total, table.has_file) for block in blocks]


def _layout_tables(root: HtmlElement) -> set[HtmlElement]:
    """The tables of a page that only place things."""
    found: set[HtmlElement] = set()
    for table in root.iter("table"):
        outer = next(table.iterancestors("table"), None)
        if outer is not None:
            found.add(outer)
        if table.get("role") in ("presentation", "none"):
            found.add(table)
    return found | {table for table in root.iter("table") if table not in found and _only_places(table)}


def _only_places(table: HtmlElement) -> bool:
    """Whether a table without tables in it has one column, headings in it, or hardly more than a few long cells."""
    widths: list[int] = []
    longest = 0
    for element in table.iter("tr", "td", "th", *_HEADINGS):
        if element.tag in _HEADINGS:
            return True
        if element.tag == "tr":
            widths.append(0)
        else:
            widths = widths or [0]
            widths[-1] += 1
            longest = max(longest, sum(map(len, element.itertext())))
    return max(widths, default=0) <= 1 or (len(widths) <= 2 and longest > _LONG_CELL)


def _opened_list(element: HtmlElement) -> _List:
    style = _LIST_STYLE.search(element.get("style") or "")
    words = style.group(1).lower().split() if style else []
    form = next((_FORM_OF_STYLE[word] for word in words if word in _FORM_OF_STYLE), "")
    if not form:
        form = _FORM_OF_TYPE.get(element.get("type") or "", "decimal") if element.tag == "ol" else "bullet"
    is_reversed = element.get("reversed") is not None
    count = sum(child.tag == "li" for child in element) if is_reversed else 1
    suffix = "" if form == "none" else "、" if form.startswith(("chinese", "ideograph")) else ". "
    return _List(form, suffix, integer(element.get("start"), count), -1 if is_reversed else 1)


def _leads_away(element: HtmlElement) -> bool:
    """Whether an element is a link that leaves the page; others only mark or point to a place on it."""
    return element.tag == "a" and not (element.get("href") or "#").startswith("#")


def _is_hidden(element: HtmlElement) -> bool:
    return (
        element.tag in _HIDDEN_TAGS
        or element.get("hidden") is not None
        or (element.get("aria-hidden") or "").lower() == "true"
        or _HIDDEN_STYLE.search(element.get("style") or "") is not None
    )


def _is_suspect(element: HtmlElement) -> bool:
    names = _CAMEL.sub("-", f"{element.get('class') or ''} {element.get('id') or ''}")
    return (
        element.tag in _FURNITURE_TAGS
        or (element.get("role") or "").lower() in _FURNITURE_ROLES
        or _FURNITURE_NAME.search(names) is not None
    )


def _is_centred(element: HtmlElement) -> bool:
    style = (element.get("style") or "").replace(" ", "").lower()
    return element.tag == "center" or (element.get("align") or "").lower() == "center" or "text-align:center" in style


def _line(element: HtmlElement) -> int | None:
    line = element.sourceline
    return int(line) if line and line < _LAST_LINE else None
