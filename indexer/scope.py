"""Which documents a question may be answered from: what the asker narrowed it to, and what the asker may see at all."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache

from indexer.dates import as_date, is_date, not_after
from indexer.document import Document
from indexer.errors import QuestionError
from indexer.glossary import shipped
from indexer.text import fold
from indexer.validity import IN_CHINESE, STATUSES, Register, Status

_DIVISION = re.compile(r"(?<=..)(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)$")
# How many values a message lists, and how many characters of one it repeats.
_LISTED, _REPEATED = 20, 60


@dataclass(frozen=True)
class Scope:
    """Which documents a question may be answered from; an empty filter lets everything through, and all must let it.

    `documents` are doc_ids or shell patterns over them; issuers, regions and kinds match where the document's own contains
    one of them, width, case and script folded, under any of its names in the shipped glossary. The dates are 2022, 2022-11
    or 2022-11-30, inclusive: a document that is dated by its year or month alone is let in when some day of it is, one
    without a date never when a bound is set. `visible` are shell patterns of the doc_ids that the asker may see at all,
    `内部/*` for all of a folder; without any, nothing is seen. `as_of` is the day that the question is asked for, which validity
    is judged on, empty for none, when every status is unknown; `validity` are the statuses on that day, in_force or 现行有效,
    that are let through.

    Raises:
        QuestionError: a value is blank or no text, a date is none, the bounds are the wrong way round, or a status is not known.
    """

    documents: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    published_from: str = ""
    published_to: str = ""
    visible: tuple[str, ...] = ("*",)
    as_of: str = ""
    validity: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for facet in _FACETS:
            for value in facet.wanted(self):
                if not value.strip() or any("\ud800" <= char <= "\udfff" for char in value):
                    raise QuestionError(
                        f"筛选条件“{facet.name}”里有空的或不完整的值：请去掉它，或写明要查的{facet.name}。"
                    )
        for name, bound in (("起始", self.published_from), ("截止", self.published_to)):
            if bound and not is_date(bound):
                raise QuestionError(f"发布日期的{name}“{_short(bound)}”不是日期：请写成 2022、2022-11 或 2022-11-30。")
        if self.published_from and self.published_to and not not_after(self.published_from, self.published_to):
            raise QuestionError(f"发布日期的起始 {self.published_from} 晚于截止 {self.published_to}：请对调后再问。")
        if self.as_of and not is_date(self.as_of):
            raise QuestionError(f"效力日期“{_short(self.as_of)}”不是日期：请写成 2022、2022-11 或 2022-11-30。")
        for value in self.validity:
            if value not in STATUSES:
                raise QuestionError(f"不认识效力状态“{_short(value)}”：可选的有{'、'.join(STATUSES)}。")

    @property
    def undated(self) -> "Scope":
        """The same for any day, where the day makes no difference to what is admitted."""
        return self if self.validity else replace(self, as_of="")

    def admits_standing(self, status: Status) -> bool:
        """Whether a document of this status is let through."""
        return not self.validity or status in {STATUSES[value] for value in self.validity}

    def shows(self, doc_id: str) -> bool:
        """Whether the asker may see a document at all, whatever the filters."""
        return any(_matches(doc_id, pattern) for pattern in self.visible)

    def admits(self, document: Document) -> bool:
        """Whether a question may be answered from a document."""
        return (
            self.shows(document.doc_id)
            and all(facet.admits(facet.wanted(self), document) for facet in _FACETS)
            and self._admits_date(document)
        )

    def _admits_date(self, document: Document) -> bool:
        if not self.published_from and not self.published_to:
            return True
        published = published_date(document)
        return (
            bool(published)
            and (not self.published_from or not_after(self.published_from, published))
            and (not self.published_to or not_after(published, self.published_to))
        )


@dataclass(frozen=True)
class _Facet:
    """A filter: its name for people, the values it lets through, what a document has of it, and when the two match."""

    name: str
    wanted: Callable[[Scope], tuple[str, ...]]
    of: Callable[[Document], str]
    matches: Callable[[str, str], bool]

    def admits(self, wanted: tuple[str, ...], document: Document) -> bool:
        return not wanted or any(self.matches(self.of(document), value) for value in wanted)


def _matches(doc_id: str, pattern: str) -> bool:
    # First as it is, for the name of a file may hold what a pattern reads as a wildcard.
    return doc_id == pattern or fnmatchcase(doc_id, pattern)


def _contains(value: str, wanted: str) -> bool:
    return any(name in _folded(value) for name in _names(wanted))


def _contains_region(value: str, wanted: str) -> bool:
    return _contains(value, _DIVISION.sub("", wanted.strip()))


_FACETS = (
    _Facet("文件路径", lambda scope: scope.documents, lambda document: document.doc_id, _matches),
    _Facet("发布机构", lambda scope: scope.issuers, lambda document: document.metadata.issuer, _contains),
    _Facet("地区", lambda scope: scope.regions, lambda document: document.metadata.region, _contains_region),
    _Facet("种类", lambda scope: scope.kinds, lambda document: document.metadata.kind, _contains),
)

EVERYTHING = Scope()


def require(scope: Scope, documents: Iterable[Document]) -> None:
    """Raises QuestionError when a scope admits none of the documents, or one of its values none that the asker may see.

    The message, for people, names the filter and the values there are; it tells nothing of documents out of sight.
    """
    kept = [document for document in documents if scope.shows(document.doc_id)]
    register = Register(kept) if scope.validity else Register(())
    if not kept:
        raise QuestionError("没有可以查阅的文件：请向管理员申请查阅权限。")
    for facet in _FACETS:
        for value in facet.wanted(scope):
            if not any(facet.admits((value,), document) for document in kept):
                raise QuestionError(f"没有{facet.name}与“{_short(value)}”相符的文件：{_choice(facet, kept)}")
    so_far: list[str] = []
    for facet in _FACETS:
        if not (wanted := facet.wanted(scope)):
            continue
        left = [document for document in kept if facet.admits(wanted, document)]
        if not left:
            asked = "、".join(map(_short, wanted))
            raise QuestionError(f"{_among(so_far)}没有{facet.name}与“{asked}”相符的：{_choice(facet, kept)}")
        kept = left
        so_far.append(facet.name)
    if not any(scope.admits(document) for document in kept):
        bounds = "到".join((scope.published_from or "最早", scope.published_to or "现在"))
        dates = sorted(filter(None, map(published_date, kept)))
        there = f"有日期的发布于 {dates[0]} 到 {dates[-1]}" if dates else "都没有注明发布日期"
        raise QuestionError(f"{_among(so_far)}没有发布日期在{bounds}之间的：这些文件{there}。")
    if scope.validity:
        statuses = register.statuses(scope.as_of)
        if not any(scope.admits(document) and scope.admits_standing(statuses[document.doc_id]) for document in kept):
            asked = "、".join(IN_CHINESE[STATUSES[value]] for value in scope.validity)
            found = "、".join(sorted({IN_CHINESE[statuses[document.doc_id]] for document in kept}))
            raise QuestionError(f"{_among(so_far)}{scope.as_of or '不限日期'}没有{asked}的：这些文件{found}。")


def published_date(document: Document) -> str:
    """When a document was published, as 2022, 2022-11 or 2022-11-30; empty when it does not say, or not as a date."""
    return as_date(_folded(document.metadata.published))


def _among(so_far: list[str]) -> str:
    return f"符合“{'、'.join(so_far)}”条件的文件中，" if so_far else "可以查阅的文件中，"


def _choice(facet: _Facet, documents: Iterable[Document]) -> str:
    values = sorted({facet.of(document) for document in documents} - {""})
    if not values:
        return f"这些文件都没有注明{facet.name}。"
    more = f" 等 {len(values)} 个" if len(values) > _LISTED else ""
    return f"可选的有{'、'.join(values[:_LISTED])}{more}。"


def _short(value: str) -> str:
    return value if len(value) <= _REPEATED else value[:_REPEATED] + "……"


_folded = lru_cache(maxsize=4096)(fold)


@lru_cache(maxsize=1024)
def _names(wanted: str) -> tuple[str, ...]:
    """What is wanted, folded, and the same with each name of the shipped glossary in it put in its other ways."""
    folded = _folded(wanted.strip())
    names = [folded]
    for group in shipped().groups:
        names += [folded.replace(name, other) for name in group if name in folded for other in group]
    return tuple(dict.fromkeys(filter(None, names)))  # what folds away to nothing would be contained in everything
