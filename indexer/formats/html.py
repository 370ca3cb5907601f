"""Web pages (HTML) → the blocks of their main content."""

import codecs
import re
from copy import deepcopy
from dataclasses import dataclass
from itertools import accumulate

import trafilatura
from lxml import etree  # type: ignore[import-untyped]
from lxml import html as lxml_html
from lxml.html import HtmlElement  # type: ignore[import-untyped]

from indexer.decoding import decode
from indexer.errors import InputError
from indexer.formats.blocks import Block, BlockKind, Parsed
from indexer.formats.page import Page, Piece, read_page
from indexer.formats.prose import clean, usable_title

_MAX_BYTES = 30_000_000
_MAX_COMPARED = 200_000  # characters of a page up to which trafilatura is asked
_MAX_ELEMENTS, _MAX_DEPTH = 10_000, 200  # elements, and elements in each other, up to which it is
_CORE = 0.8  # share of the prose that the core holds
_SAFE = 0.5  # share of the prose up to which the name of a part is believed
_FEW = 400  # characters of prose up to which it is believed in any case
_RUN = 3  # links in a row that make a menu or a list of other pages
_MAX_TITLE_LEVEL = 2
_NEAR = 6  # lines above the core that may be its title
# Furniture known by its whole words: buttons, and remarks of the page about itself.
_FURNITURE_TEXT = re.compile(
    r"[\[【(（]?(?:打印(?:本页|此页|本文|文章|页面)?|关闭(?:窗口|本页|页面)?|分享(?:到)?[:：]?|收藏(?:本页)?|返回(?:顶部|列表|首页|上一页)?"
    r"|字[体号][:：\s【]*[大中小\s】]*|[大中小](?:\s[大中小]){2}|保护视力色[:：]?|扫一扫.{0,20}|(?:浏览|点击|访问|阅读)(?:次数|数|量)?[:：].{0,12}"
    r"|(?:您?(?:当前|现在|所在)的?|您的)位置[是:：].*|[上下]一[篇页条][:：]?.*)[\]】)）]?"
    r"|.{0,60}(?:ICP备\s*\d{5}|公网安备|网站标识码|版权所有|建议使用.{1,40}浏览器).{0,60}",
    re.IGNORECASE,
)
_DATE = re.compile(r"((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})")
_DATE_NAMES = (
    *("pubdate", "publishdate", "firstpublishedtime", "article:published_time", "dc.date", "dc.date.issued"),
    *("dcterms.issued", "dcterms.created", "citation_date", "datepublished"),
)
_TITLE_NAMES = ("articletitle", "dc.title", "dcterms.title", "og:title")
_AUTHOR_NAMES = ("author", "dc.creator", "article:author")
_SITE_NAME = re.compile(r"\s*[_|｜]\s*|\s+[-–—]+\s+|[-–—]+(?=[^-–—]*$)")


@dataclass(frozen=True)
class DecodedPage:
    """Text, and a warning if parts of it could not be decoded."""

    text: str
    warnings: tuple[str, ...]


def parse_html(data: bytes) -> Parsed:
    """The main content of a web page, each block with the line of its element (None beyond line 65,534).

    Navigation, footers, banners and what is hidden are left out. Title, author and date are those of the page's head.

    Raises:
        InputError: it is too large, not text, too deeply nested, or shows no text without its scripts.
    """
    if len(data) > _MAX_BYTES:
        raise InputError(f"the page has {len(data) // 1_000_000} MB, more than {_MAX_BYTES // 1_000_000} MB: split it")
    decoded = decoded_page(data, _declared(data))
    root = _root(decoded.text)
    page = read_page(root)
    said = _said_by_head(root)
    title = _title(root, said, page)
    pieces = main_pieces(page, _kept_by_trafilatura(root, page), _squeezed(title))
    if not pieces:
        raise InputError("the page shows no text without its scripts and frames: print it to PDF in a browser")
    blocks = tuple(piece.block for piece in pieces)
    authors = tuple(filter(None, [clean(next((said[name] for name in _AUTHOR_NAMES if name in said), ""))]))
    dates = (_DATE.search(said[name]) for name in _DATE_NAMES if name in said)
    date = next((f"{m.group(1)}-{int(m.group(2)):02d}-{int(m.group(3)):02d}" for m in dates if m), "")
    return Parsed(blocks, title, authors, date, warnings=decoded.warnings)


def visible_blocks(text: str) -> tuple[Block, ...]:
    """All visible blocks of a page that is content throughout, such as the body of a mail.

    Raises:
        InputError: it is empty or nested too deeply.
    """
    return tuple(piece.block for piece in read_page(_root(text)).pieces)


def decoded_page(data: bytes, declared: str) -> DecodedPage:
    """Text of bytes that may declare their encoding: UTF-8 where they are that strictly, else as declared, else as `decode`.

    `declared` is a codec as `known_encoding` gives it. A few bytes that do not fit are lost with a warning, as pages put
    together from several sources have them.

    Raises:
        InputError: it is not text.
    """
    is_marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in () if is_marked or not declared else ("utf-8", declared):
        try:
            return DecodedPage(_with_plain_ends(data.decode(encoding)), ())
        except UnicodeDecodeError:
            continue
    try:
        return DecodedPage(decode(data, "the file").text, ())
    except InputError:
        text = _with_plain_ends(data.decode(declared or "gb18030", errors="replace"))
        lost = text.count("\ufffd")
        if b"\0" in data or lost > 10 + len(text) // 100:
            raise
        return DecodedPage(text, (f"{lost} places do not fit the encoding {declared or 'gb18030'} and are lost",))


def known_encoding(name: str) -> str:
    """The codec of a declared character set, or nothing; for the Chinese ones the largest, which others are taken for."""
    try:
        codec = codecs.lookup(name.strip("'\" ").lower()).name
    except (LookupError, ValueError):
        return ""
    codec = _LARGER.get(codec, codec)
    return codec if codec.startswith(_CHARACTER_SETS) else ""


# Latin-1 takes any bytes, so it stands on pages of every kind.
_LARGER = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "iso8859-1": "", "utf-7": ""}
_CHARACTER_SETS = ("utf-", "gb", "big5", "hz", "iso", "euc", "shift", "cp", "koi8")


def _with_plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _declared(data: bytes) -> str:
    pattern = rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]{1,30})"
    match = re.search(pattern, data[:8192], re.IGNORECASE)
    return known_encoding(match.group(1).decode("ascii", "replace")) if match else ""


def _root(text: str) -> HtmlElement:
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    data = text.replace("\0", "").encode("utf-8", "replace")
    if not data.strip():
        raise InputError("the page is empty: save it again")
    try:
        root = lxml_html.document_fromstring(data, parser=parser)
    except etree.LxmlError as error:
        raise InputError(f"the page cannot be read ({error}): print it to PDF in a browser") from error
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise InputError(
            "the page is nested too deeply, thousands of elements in each other: print it to PDF in a browser"
        )
    return root


def _kept_by_trafilatura(root: HtmlElement, page: Page) -> frozenset[int]:
    """Indices of the pieces of prose that trafilatura keeps; none for pages that are too large or too deep for it."""
    size = sum(piece.size for piece in page.pieces)
    if not 0 < size <= _MAX_COMPARED or len(page.parents) > _MAX_ELEMENTS or _depth(page) > _MAX_DEPTH:
        return frozenset()
    found = trafilatura.bare_extraction(deepcopy(root), include_comments=False, favor_recall=True)
    if found is None or isinstance(found, dict):
        return frozenset()
    kept = _squeezed(found.text or "")
    return frozenset(i for i, piece in enumerate(page.pieces) if piece.prose and _squeezed(piece.block.text) in kept)


def _depth(page: Page) -> int:
    depths: list[int] = []
    for parent in page.parents:
        depths.append(depths[parent] + 1 if depths else 0)
    return max(depths, default=0)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s|•\-]+", "", text)


def main_pieces(page: Page, kept: frozenset[int], title: str) -> tuple[Piece, ...]:
    """The pieces of a page that are its content.

    The core is the innermost element with most of the prose that is no furniture. To it come what stands between the title
    and the core (without a known title, the short lines right above it), short lines right below it in the element that
    holds both, files that are offered, and prose elsewhere if trafilatura keeps it. So a page loses a piece of prose only if
    both methods, or the name of the part it stands in, speak against it.

    Args:
        kept: the indices of the pieces that trafilatura keeps.
        title: the title of the page, without white space.
    """
    pieces = page.pieces
    buttons = frozenset(i for i, piece in enumerate(pieces) if _FURNITURE_TEXT.fullmatch(piece.block.text))
    named = buttons | _named_furniture(page, kept)
    furniture = named | _link_runs(page, named)
    prose = [piece.prose * (i not in furniture) for i, piece in enumerate(pieces)]
    if not any(prose):
        # A page of links or of short lines is content all the same.
        return tuple(piece for i, piece in enumerate(pieces) if i not in named) or pieces
    # Lines that can belong to the prose next to them; buttons do not part them from it.
    is_line = [
        i in buttons or (i not in furniture and not piece.is_link and not piece.prose) for i, piece in enumerate(pieces)
    ]
    core = _deepest(page, prose)
    inside = [i for i, piece in enumerate(pieces) if core <= piece.node <= page.last[core] and i not in furniture]
    start = _start(page, inside[0], title, is_line, furniture)
    stop = inside[-1]
    around = _common(page, core, pieces[start].node)
    while (
        around > page.body
        and stop + 1 < len(pieces)
        and pieces[stop + 1].node <= page.last[around]
        and is_line[stop + 1]
    ):
        stop += 1
    return tuple(
        piece
        for i, piece in enumerate(pieces)
        if i not in furniture and (start <= i <= stop or (piece.has_file and i > start) or (prose[i] and i in kept))
    )


def _start(page: Page, first: int, title: str, is_line: list[bool], furniture: frozenset[int]) -> int:
    """Index of the piece with which the content begins, whose core begins with the piece `first`."""
    above = [i for i in range(first) if i not in furniture]
    blocks = [piece.block for piece in page.pieces]
    titles = [i for i in above if title and _squeezed(blocks[i].text) == title]
    titles = titles or [i for i in above if blocks[i].kind is BlockKind.HEADING and blocks[i].level <= _MAX_TITLE_LEVEL]
    if titles:
        return titles[-1]
    start = first
    while start > max(0, first - _NEAR) and is_line[start - 1]:
        start -= 1
    return start


def _common(page: Page, one: int, other: int) -> int:
    """The innermost element that holds two others."""
    while one != other:
        if one < other:
            one, other = other, one
        one = page.parents[one]
    return one


def _sums(page: Page, weights: list[int]) -> list[int]:
    """By element, the weights of all pieces in it."""
    sums = [0] * len(page.parents)
    for piece, weight in zip(page.pieces, weights, strict=True):
        sums[piece.node] += weight
    for node in range(len(sums) - 1, 0, -1):
        sums[page.parents[node]] += sums[node]
    return sums


def _deepest(page: Page, weights: list[int]) -> int:
    """The innermost element that holds the core share of all weight; the root where there is none."""
    sums = _sums(page, weights)
    needed = _CORE * sums[0] if sums else 0
    return max((node for node, held in enumerate(sums) if needed and held >= needed), default=0)


def _named_furniture(page: Page, kept: frozenset[int]) -> frozenset[int]:
    """Indices of the pieces in parts that call themselves navigation, footer and so on.

    Names lie, so a part is believed only if it has a few sentences at most, or holds less than half of the prose of the page
    and trafilatura does not keep it either.
    """
    weights = [piece.prose for piece in page.pieces]
    prose = _sums(page, weights)
    prose_kept = _sums(page, [weight * (i in kept) for i, weight in enumerate(weights)])
    opened = [0] * (len(page.parents) + 1)
    for node in page.suspects:
        is_small = prose[node] < _FEW and prose[node] < max(prose[0], 1)
        if is_small or (prose[node] < _SAFE * prose[0] and 2 * prose_kept[node] <= prose[node]):
            opened[node] += 1
            opened[page.last[node] + 1] -= 1
    inside = list(accumulate(opened))
    if all(inside[piece.node] for piece in page.pieces):
        inside = [0] * len(inside)
    return frozenset(i for i, piece in enumerate(page.pieces) if inside[piece.node])


def _link_runs(page: Page, named: frozenset[int]) -> frozenset[int]:
    """Indices of the pieces that are links to other pages, several in a row."""
    found: set[int] = set()
    run: list[int] = []
    for i, piece in enumerate(page.pieces):
        if i in named:
            continue
        run = [*run[-_RUN:], i] if piece.is_link else []
        if len(run) >= _RUN:
            found.update(run)
    return frozenset(found)


def _said_by_head(root: HtmlElement) -> dict[str, str]:
    """What the meta elements of a page say, by their names in lower case, the first of each name."""
    said: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or meta.get("itemprop") or "").strip().lower()
        if name and clean(meta.get("content") or ""):
            said.setdefault(name, meta.get("content"))
    return said


def _title(root: HtmlElement, said: dict[str, str], page: Page) -> str:
    """The title that the head names as the article's, or the one of the page without the names of site and column."""
    named = next((usable_title(said[name]) for name in _TITLE_NAMES if name in said), "")
    whole = usable_title(next((title.text or "" for title in root.iter("title")), ""))
    shown = {_squeezed(piece.block.text) for piece in page.pieces}
    for title in (named, whole):
        ends = [match.start() for match in _SITE_NAME.finditer(title)]
        # The longest beginning of it that stands on the page as a line of its own.
        for end in (len(title), *reversed(ends)):
            if title[:end] and _squeezed(title[:end]) in shown:
                return title[:end]
    return named or _SITE_NAME.split(whole)[0]
