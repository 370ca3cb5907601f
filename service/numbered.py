"""Things that their numbers tell apart: 2号线, 第三批, 二期, 第一产业."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from indexer.numerals import in_chinese, number_of

_NUMERAL = r"(?:\d{1,3}|[一二三四五六七八九十]{1,3})"
_SERIES = rf"{_NUMERAL}(?:\s*(?:[、和及与至到~—-])\s*第?{_NUMERAL})*"
_BUILT = "线|楼|机组|航站楼|地块|泵站|井|桥|隧道|厂房|仓库|码头|泊位|标段|路"
# 条 and 款 are not among them: clauses are looked up by their addresses.
_NTH = "批|期|轮|届|次|阶段|标段|产业|章|编|人民医院|医院|中学|小学|水厂|污水处理厂"
_NUMBERED = re.compile(
    rf"(?<![\d.])(?P<built>{_SERIES})(?P<built_kind>号(?:{_BUILT}))"
    rf"|第\s*(?P<nth>{_SERIES})\s*(?P<nth_kind>{_NTH})"
    r"|(?P<first>首)(?P<first_kind>[批期届轮])"
    # 分三期, 办了三期 and 12期 count.
    r"|(?<![分共办了为按达设第学\d一二三四五六七八九十])(?P<phase>[一二三四五六](?:[、和及与至][一二三四五六])*)(?P<phase_kind>期)"
)
_PART = re.compile(rf"(?P<link>[至到~—-])?\s*第?(?P<number>{_NUMERAL})")
# Of a range of more things than this only the ends count.
_LONGEST_RANGE = 60


class Numbered(NamedTuple):
    """One of several things of a kind; the kind of 2号线 is 号线, of 第三批 it is 批."""

    kind: str
    number: int

    def __str__(self) -> str:
        """As one writes it in Chinese."""
        return f"{self.number}{self.kind}" if self.kind[0] == "号" else f"第{in_chinese(self.number)}{self.kind}"


def numbered(folded: str) -> frozenset[Numbered]:
    """The numbered things that a folded text names; of 第一至三批 all three."""
    return frozenset(_found(folded))


def _found(folded: str) -> Iterator[Numbered]:
    for match in _NUMBERED.finditer(folded):
        name = next(name for name in ("built", "nth", "first", "phase") if match[name])
        for number in (1,) if name == "first" else _numbers(match[name]):
            yield Numbered(match[f"{name}_kind"], number)


def _numbers(series: str) -> Iterator[int]:
    last = 0
    for part in _PART.finditer(series):
        number = number_of(part["number"])
        if part["link"] and last and 0 < number - last <= _LONGEST_RANGE:
            yield from range(last + 1, number)
        if number:
            yield number
        last = number
