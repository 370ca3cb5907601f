"""What Office files draw from data: SmartArt and charts, read from the parts that hold the data."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.formats.blocks import Block, BlockKind, Place
from indexer.formats.cellformat import shown
from indexer.formats.package import A, Package, R, integer
from indexer.formats.prose import clean, joined
from indexer.formats.tables import Row, row_blocks

_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_MAX_DEPTH = 20
_MAX_CATEGORIES = 1000


@dataclass(frozen=True)
class _Series:
    name: str
    categories: dict[int, str]
    values: dict[int, str]


def drawn_blocks(package: Package, part: str, drawing: ET.Element, place: Place) -> list[Block]:
    """Blocks of the SmartArt and the charts in `drawing`, an element of `part`: items, and titles with rows."""
    blocks: list[Block] = []
    for element in drawing.iter():
        if element.tag not in (f"{_DGM}relIds", f"{_C}chart"):
            continue
        is_chart = element.tag == f"{_C}chart"
        relation = package.relations(part).get(element.get(f"{R}id" if is_chart else f"{R}dm", ""))
        if relation is None or not package.has(relation.target):
            continue
        root = package.xml(relation.target)
        blocks += _chart(root, place) if is_chart else _smart_art(root, place)
    return blocks


def _smart_art(root: ET.Element, place: Place) -> list[Block]:
    """The texts of a diagram as items, by the tree that its connections make."""
    texts: dict[str, str] = {}
    top = ""
    for point in root.iterfind(f"{_DGM}ptLst/{_DGM}pt"):
        name = point.get("modelId", "")
        if point.get("type") == "doc":
            top = name
        elif point.get("type", "node") in ("node", "asst"):
            lines = ["".join(t.text or "" for t in p.iter(f"{A}t")) for p in point.iterfind(f"{_DGM}t/{A}p")]
            texts[name] = joined(lines)
    children: dict[str, list[tuple[int, str]]] = {}
    for link in root.iterfind(f"{_DGM}cxnLst/{_DGM}cxn"):
        if link.get("type", "parOf") == "parOf":
            order = integer(link.get("srcOrd"))
            children.setdefault(link.get("srcId", ""), []).append((order, link.get("destId", "")))
    left = dict(texts)

    def below(name: str, depth: int) -> Iterator[Block]:
        for _, child in sorted(children.get(name, ())):
            text = left.pop(child, None)
            if text is not None and depth <= _MAX_DEPTH:
                if text:
                    yield Block(f"• {text}", BlockKind.ITEM, place, level=depth)
                yield from below(child, depth + 1)

    found = list(below(top, 1))
    return found + [Block(f"• {text}", BlockKind.ITEM, place, level=1) for text in left.values() if text]


def _chart(root: ET.Element, place: Place) -> list[Block]:
    """The title of a chart, and its figures as rows: a category and its value in each series."""
    blocks = []
    title = root.find(f"{_C}chart/{_C}title")
    words = (
        joined(["".join(t.text or "" for t in p.iter(f"{A}t")) for p in title.iter(f"{A}p")])
        if title is not None
        else ""
    )
    if words:
        blocks.append(Block(words, BlockKind.PARAGRAPH, place))
    series = [_series(element) for element in root.iter(f"{_C}ser")]
    categories: dict[int, str] = {}
    for one in series:
        for i in sorted(one.categories.keys() | one.values.keys()):
            if len(categories) < _MAX_CATEGORIES:
                categories.setdefault(i, one.categories.get(i, ""))
    rows = [Row(("", *(one.name for one in series)), place)]
    rows += [Row((name, *(one.values.get(i, "") for one in series)), place) for i, name in sorted(categories.items())]
    return blocks + row_blocks(rows, head=(0,))


def _series(element: ET.Element) -> _Series:
    def points(*names: str) -> dict[int, str]:
        holder = next((found for name in names if (found := element.find(f"{_C}{name}")) is not None), None)
        if holder is None:
            return {}
        code = next((found.text or "" for found in holder.iter(f"{_C}formatCode")), "General")
        values: dict[int, str] = {}
        # Categories of several levels come level by level, the innermost first: the outer ones go in front.
        for point in holder.iter(f"{_C}pt"):
            text = clean(point.findtext(f"{_C}v") or "")
            i = integer(point.get("idx"))
            values[i] = f"{_figure(text, code)} {values.get(i, '')}".strip()
        return values

    return _Series(" ".join(points("tx").values()), points("cat", "xVal"), points("val", "yVal"))


def _figure(text: str, code: str) -> str:
    try:
        return shown(float(text), code)
    except ValueError:
        return text
