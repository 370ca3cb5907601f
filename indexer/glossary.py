"""Names that stand for the same thing, so that a question with one of them finds a text with another.

The general ones ship as `glossary.txt`; those that a corpus defines itself, such as 扩展现实（XR）, are read off its text.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import rjieba

from indexer.text import fold

_SHIPPED = Path(__file__).with_name("glossary.txt")
# A name and its acronym in brackets, in either order; acronyms are capitals, which names of people and products are not.
_NAME_THEN_ACRONYM = re.compile(r"([\u4e00-\u9fff]{2,12})\s*[（(]([A-Z][A-Z0-9]{1,5})[）)]")
_ACRONYM_THEN_NAME = re.compile(r"(?<![A-Za-z0-9])([A-Z][A-Z0-9]{1,5})\s*[（(]([\u4e00-\u9fff]{3,10})[）)]")
_NO_NAME = re.compile(r"[的和与及或等是为]")


@dataclass(frozen=True)
class Glossary:
    """Groups of folded names of one thing each; a group has at least two."""

    groups: tuple[tuple[str, ...], ...]

    def others(self, text: str) -> list[str]:
        """For each name that stands in `text`, the other names of its group, in the order of the groups."""
        folded = fold(text)
        found: list[str] = []
        for group in self.groups:
            present = [name for name in group if _stands_in(name, folded)]
            if present:
                found.extend(name for name in group if name not in present)
        return found

    def expand(self, text: str) -> str:
        """`text` with the other names of what it speaks of behind it."""
        others = self.others(text)
        return "\n".join((text, *others)) if others else text


def shipped() -> Glossary:
    """The general glossary: one group a line, names apart by ` / `, lines with `#` are comments."""
    groups = []
    for line in _SHIPPED.read_text(encoding="utf-8").splitlines():
        names = tuple(fold(name.strip()) for name in line.split("/") if name.strip())
        if len(names) > 1 and not line.startswith("#"):
            groups.append(names)
    return Glossary(tuple(groups))


def learn(texts: Iterable[str], base: Glossary) -> Glossary:
    """`base` with the names that the texts define, in order of acronym; the same texts give the same glossary.

    Of the words before a bracket the longest ending that the texts use at least twice is taken for the name.
    """
    whole = "\n".join(texts)
    found: Counter[tuple[str, str]] = Counter()
    for match in _NAME_THEN_ACRONYM.finditer(whole):
        name = _name_at_end(match.group(1), whole)
        if name:
            found[match.group(2), name] += 1
    for match in _ACRONYM_THEN_NAME.finditer(whole):
        if not _NO_NAME.search(match.group(2)):
            found[match.group(1), match.group(2)] += 1
    known = {name for group in base.groups for name in group}
    learned = []
    for (acronym, name), _ in sorted(found.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        pair = (fold(acronym), fold(name))
        if not known & set(pair):
            known.update(pair)
            learned.append(pair)
    return Glossary(base.groups + tuple(learned))


def _name_at_end(run: str, whole: str) -> str | None:
    words = rjieba.cut(run)
    for i in range(len(words)):
        name = "".join(words[i:])
        if 4 <= len(name) <= 10 and not _NO_NAME.search(name) and whole.count(name) >= 2:
            return name
    return None


def _stands_in(name: str, folded: str) -> bool:
    if not name.isascii():
        return name in folded
    return re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", folded) is not None
