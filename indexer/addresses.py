"""Addresses of clauses: 第十二条之一第二款第（三）项, and the sections of an outline that they lead to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.document import Section
from indexer.numerals import NUMERAL, in_chinese, number_of

_LOWER = (
    rf"(?:第\s*(?P<paragraph>{NUMERAL})\s*款)?(?:第\s*[（(]?\s*(?P<item>{NUMERAL})\s*[）)]?\s*项)?"
    rf"(?:第\s*[（(]?\s*(?P<subitem>{NUMERAL})\s*[）)]?\s*目)?"
)
ADDRESS = re.compile(rf"第\s*(?P<article>{NUMERAL})\s*条(?:\s*之\s*(?P<sub>[一二三四五六七八九十]+))?\s*{_LOWER}")
LOWER = re.compile(rf"(?=第\s*[（(]?\s*{NUMERAL}\s*[）)]?\s*[款项目]){_LOWER}")
"""第二款 or 第（三）项 alone, which count from the article or 款 that they stand in."""
_NUMBER = re.compile(NUMERAL)


@dataclass(frozen=True)
class Address:
    """A clause of a document; 第十二条之一 is the article (12, 1). What is None is not said."""

    article: tuple[int, int] | None
    paragraph: int | None = None
    item: int | None = None
    subitem: int | None = None

    @classmethod
    def of(cls, match: re.Match[str]) -> "Address":
        """Of a match of `ADDRESS` or `LOWER`."""
        named = match.groupdict()
        article = named.get("article")
        sub = named.get("sub")
        lower = (number_of(named[name]) if named[name] else None for name in ("paragraph", "item", "subitem"))
        return cls((number_of(article), number_of(sub) if sub else 0) if article else None, *lower)

    def __str__(self) -> str:
        words = ""
        if self.article is not None:
            words = f"第{in_chinese(self.article[0])}条" + (
                f"之{in_chinese(self.article[1])}" if self.article[1] else ""
            )
        words += f"第{in_chinese(self.paragraph)}款" if self.paragraph is not None else ""
        words += f"第（{in_chinese(self.item)}）项" if self.item is not None else ""
        return words + (f"第{self.subitem}目" if self.subitem is not None else "")


def find(sections: Sequence[Section], address: Address, near: int = 0) -> Section | None:
    """The section of an address; None when there is none.

    Of several articles of one number, in a document that holds several texts, the one in the same text as the offset `near`;
    an address without an article counts from the article that holds `near`.
    """
    if address.article is None:
        found = article_at(sections, near)
    else:
        label = str(Address(address.article))
        everywhere = [section for section in sections if section.clause == label]
        around = [section for section in articles_around(sections, near) if section.clause == label]
        found = next(iter([*around, *everywhere]), None)
    if found is None:
        return None
    return _within(sections, found, address)


def _within(sections: Sequence[Section], article: Section, address: Address) -> Section | None:
    inside = [section for section in sections if article.start <= section.start < article.end and section.clause]
    found = article
    if address.paragraph is not None:
        paragraphs = [section for section in inside if section.clause.endswith("款")]
        if paragraphs or address.paragraph != 1:
            if address.paragraph > len(paragraphs):
                return None
            found = paragraphs[address.paragraph - 1]
    for number, kind in ((address.item, "项"), (address.subitem, "目")):
        if number is None:
            continue
        items = (s for s in inside if s.clause.endswith(kind) and found.start <= s.start < found.end)
        item = next((section for section in items if _number(section.clause) == number), None)
        if item is None:
            return None
        found = item
    return found


def article_at(sections: Sequence[Section], offset: int) -> Section | None:
    """The article that holds the character at `offset`."""
    return next((s for s in sections if s.clause and "条" in s.clause and s.start <= offset < s.end), None)


def articles_around(sections: Sequence[Section], offset: int) -> list[Section]:
    """The articles of the text that holds the character at `offset`, where a document holds several, each from 第一条 on."""
    texts: list[list[Section]] = [[]]
    for section in sections:
        if "条" in section.clause:
            if texts[-1] and section.clause == "第一条":
                texts.append([])
            texts[-1].append(section)
    return next((text for text in reversed(texts) if text and text[0].start <= offset), texts[0])


def label_of(sections: Sequence[Section], section: Section) -> str:
    """The whole address of a clause: 第十二条第二款."""
    above = (s for s in sections if s.clause and s.start <= section.start and s.end >= section.end)
    return "".join(s.clause for s in above if s.depth <= section.depth)


def _number(clause: str) -> int:
    match = _NUMBER.search(clause)
    return number_of(match.group()) if match else 0
