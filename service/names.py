"""Noun phrases of a text, and those among them that name an organisation; titles and quoted terms.

By the words and word classes of the dictionary segmentation, so right for most phrases and no more than that.
"""

import re
from dataclasses import dataclass

import rjieba

_QUOTED = re.compile(r"《[^《》]{1,80}》|“[^“”]{1,40}”|「[^「」]{1,40}」|\"[^\"]{1,40}\"")
_TITLE = re.compile(r"《([^《》]{2,80})》")
_ORGANISATION = re.compile(
    r"(?:公司|集团|[委总支]部|[教育信技旅建保传政防务安交利境源村输理法社织战]部|委|局|厅|[究学法医察科通工社计设]院|研究所|事务所|交易所|大学|协会|学会|联合会|商会|联盟|智库|中心|银行"
    r"|基金会|办公[室厅]|政府|实验室|出版社|证券|管理处|指挥部|[水气监]务?站|图书馆|博物馆)$"
)
_NO_ORGANISATION = re.compile(r"(?:格|布|结|当|大|数据中|算力中|市中|为中)[局心]$")
# Word classes that stand inside a noun phrase; what comes last must be a noun or a new word.
_INSIDE = re.compile(r"n|vn$|an$|b$|j$|l$|i$|eng$|x$|nz|s$|m$|f$|a$|zg$")
_HEAD = re.compile(r"n|vn$|j$|l$|eng$|x$|s$|zg$|b$|v$")
# What asks or leads over, however the dictionary classes it.
_OUTSIDE_WORDS = (
    "什么 多少 哪些 哪个 几 谁 怎么 如何 怎样 是否 什么时候 为什么 为何 何时 哪里 哪儿 分别 其中 多大 多长 多久 多高 大概 一共 总共 请问 有关 "
    "对 跟 由 和 与 及 把 被 于 比 向 从 那 这 条 个 家 项 主要 具体 目前 第一 第二 第三 有 是 在 的 区别 不同 差异"
)
_OUTSIDE = frozenset(_OUTSIDE_WORDS.split())
# A new word of the segmentation may begin with one of these, a name does not.
_PARTICLES = frozenset("由在对跟和与从向为把被那")


@dataclass(frozen=True)
class Phrase:
    """`text[start:end]` is a noun phrase; `is_organisation` tells whether it names one."""

    start: int
    end: int
    is_organisation: bool


def phrases(text: str) -> list[Phrase]:
    """The noun phrases of a text, the longest that hold together, in text order; a title or a quoted term is one phrase."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    found = [Phrase(start, end, is_organisation=False) for start, end in quoted]
    run: list[tuple[int, int, str, str]] = []
    position = 0
    for word, tag in [*rjieba.tag(text), ("", "end")]:
        start, position = position, position + len(word)
        inside = not any(begin <= start < end for begin, end in quoted)
        if not run and word[:1] in _PARTICLES and len(word) > 1 and not rjieba.has_word(word):
            start, word = start + 1, word[1:]
        ends = bool(run) and tag in ("v", "vn") and _names_organisation(text[run[0][0] : run[-1][1]])
        if inside and not ends and word not in _OUTSIDE and _INSIDE.match(tag) and re.match(r"\w", word):
            run.append((start, position, word, tag))
            continue
        while run and not (_HEAD.match(run[-1][3]) or (run[-1][3] == "m" and len(run) > 1)):
            run.pop()
        if run and run[-1][1] - run[0][0] > 1:
            whole = text[run[0][0] : run[-1][1]]
            found.append(Phrase(run[0][0], run[-1][1], _names_organisation(whole)))
        run = []
    return sorted(found, key=lambda phrase: phrase.start)


def _names_organisation(phrase: str) -> bool:
    return len(phrase) > 2 and _ORGANISATION.search(phrase) is not None and not _NO_ORGANISATION.search(phrase)


def organisations(text: str) -> list[str]:
    """The organisations that a text names, in order, without repeats."""
    return list(dict.fromkeys(text[p.start : p.end] for p in phrases(text) if p.is_organisation))


def titles(text: str) -> list[str]:
    """What stands in title marks 《》, in order, without repeats."""
    return list(dict.fromkeys(_TITLE.findall(text)))
