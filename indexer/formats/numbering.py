"""The numbers that Word prints in front of list paragraphs, computed from `numbering.xml` (ECMA-376 part 1, 17.9).

The file holds no numbers, only which list and level a paragraph belongs to, so they are counted as Word counts them.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace

from indexer.formats.numerals import numeral
from indexer.formats.package import MC, W, chosen, integer, is_on
from indexer.formats.prose import clean, is_chinese

LEVELS = 9
_BULLETS = frozenset("•◦●○■□▪▫◆◇▲△►▶➢➤➔→★☆✓✔√✗※–—-·")
_PLACEHOLDER = re.compile(r"%([1-9])")


@dataclass(frozen=True)
class Level:
    """One level of a list; `restart` is the 1-based level whose paragraphs restart it (0 never, None any further out)."""

    start: int = 1
    form: str = "decimal"
    text: str = ""
    restart: int | None = None
    is_legal: bool = False
    style: str = ""
    glue: str = " "


@dataclass(frozen=True)
class _List:
    """A `w:num`: the abstract list whose counters it shares, its levels, and the starts that it sets on its first use."""

    abstract: str
    levels: tuple[Level, ...]
    restarts: tuple[tuple[int, int], ...]


class Numbering:
    """Counters of all lists of a document, advanced by `label` from paragraph to paragraph.

    Lists (`w:num`) of one abstract list go on counting where the other stopped, unless they set a start of their own.
    """

    def __init__(self, root: ET.Element | None) -> None:
        self._lists = {} if root is None else _lists(root)
        self._counters: dict[str, list[int | None]] = {}
        self._used: set[str] = set()

    def level_of_style(self, list_id: str, style: str) -> int | None:
        """The 0-based level that a list keeps for paragraphs of a style; None if it keeps none."""
        found = self._lists.get(list_id)
        levels = found.levels if found else ()
        return next((i for i, level in enumerate(levels) if style and level.style == style), None)

    def label(self, list_id: str, level: int) -> str:
        """Number or mark of the next paragraph of a list at a 0-based level, with the space that follows it, if any.

        Empty where the list is unknown or prints nothing.
        """
        found = self._lists.get(list_id)
        if found is None or not 0 <= level < len(found.levels):
            return ""
        counters = self._counters.setdefault(found.abstract, [None] * LEVELS)
        starts = {i: own.start for i, own in enumerate(found.levels)}
        if list_id not in self._used:
            self._used.add(list_id)
            for i, _ in found.restarts:
                counters[i] = None
        starts.update(found.restarts)
        value = counters[level]
        counters[level] = starts[level] if value is None else value + 1
        for i in range(level + 1, len(found.levels)):
            restart = found.levels[i].restart
            if restart is None or level < restart:
                counters[i] = None
        return _written(found.levels, level, [starts.get(i, 1) if c is None else c for i, c in enumerate(counters)])


def _written(levels: tuple[Level, ...], level: int, values: list[int]) -> str:
    own = levels[level]
    if own.form == "bullet":
        mark = clean(own.text)
        # Symbol fonts keep their bullets in the private-use area; a Latin o or l is one of such a font.
        return (mark if mark in _BULLETS else "•") + " "

    def number(match: re.Match[str]) -> str:
        i = int(match.group(1)) - 1
        form = levels[i].form if i < len(levels) else "none"
        # Levels without a number of their own print nothing, and legal numbering is Arabic throughout.
        return numeral(values[i], "decimal" if own.is_legal and form not in ("bullet", "none") else form)

    label = clean(_PLACEHOLDER.sub(number, own.text))
    # Behind a full-width sign, as in 一、 and （一）, no one sets a space; behind 第一条 they do.
    ends_full = bool(label) and is_chinese(label[-1]) and not label[-1].isalnum()
    return label + ("" if not label or ends_full else own.glue)


def _lists(root: ET.Element) -> dict[str, _List]:
    abstract: dict[str, tuple[Level, ...]] = {}
    by_style: dict[str, str] = {}
    links: dict[str, str] = {}
    for element in root.iterfind(f"{W}abstractNum"):
        name = element.get(f"{W}abstractNumId", "")
        abstract[name] = _levels(element, ())
        style = _value(element, "styleLink")
        if style is not None:
            by_style[style] = name
        link = _value(element, "numStyleLink")
        if link is not None:
            links[name] = link
    found = {}
    for element in root.iterfind(f"{W}num"):
        name = _value(element, "abstractNumId") or ""
        # A list may only name the style under which another one is kept.
        name = by_style.get(links.get(name, ""), name)
        overrides = list(element.iterfind(f"{W}lvlOverride"))
        restarts = []
        levels = abstract.get(name, ())
        for override in overrides:
            i = integer(override.get(f"{W}ilvl"), -1)
            start = _value(override, "startOverride")
            if start is not None and 0 <= i < LEVELS:
                restarts.append((i, integer(start)))
            levels = _levels(override, levels)
        found[element.get(f"{W}numId", "")] = _List(name, levels, tuple(restarts))
    return found


def _levels(parent: ET.Element, levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """`levels` with those that `parent` defines put in their place."""
    found = list(levels)
    for element in parent.iterfind(f"{W}lvl"):
        i = integer(element.get(f"{W}ilvl"), -1)
        if 0 <= i < LEVELS:
            found += [Level()] * (i + 1 - len(found))
            found[i] = _level(element)
    return tuple(found)


def _level(element: ET.Element) -> Level:
    form = element.find(f"{W}numFmt")
    alternatives = element.find(f"{MC}AlternateContent")
    if form is None and alternatives is not None:
        # A custom form, which only newer programs know, with an ordinary one to fall back on.
        form = next(alternatives.iterfind(f"{MC}Fallback/{W}numFmt"), None)
        branch = chosen(alternatives)
        form = branch.find(f"{W}numFmt") if form is None and branch is not None else form
    restart = _value(element, "lvlRestart")
    level = Level(
        start=integer(_value(element, "start"), 1),
        form="decimal" if form is None else form.get(f"{W}val", "decimal"),
        text=_value(element, "lvlText") or "",
        restart=None if restart is None else integer(restart),
        is_legal=is_on(element.find(f"{W}isLgl"), f"{W}val"),
        style=_value(element, "pStyle") or "",
    )
    return replace(level, glue="") if _value(element, "suff") == "nothing" else level


def _value(element: ET.Element, name: str) -> str | None:
    child = element.find(f"{W}{name}")
    return None if child is None else child.get(f"{W}val")
