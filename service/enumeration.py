"""How many things a text enumerates: by 、, by numbers and ordinals, by semicolons, by names in quotes; how many it announces."""

import re
from collections.abc import Iterator

from indexer.numerals import number_of

_STOPS = re.compile(r"[。；;！？!?\n]|，(?=[^、]*$)")
_AND = re.compile(r"[和及与]")
_ORDINAL = re.compile(
    r"(?:^|[\s：:；;。，,（(])(?:第?(?P<chinese>[一二三四五六七八九十])(?:是|、|，|[)）])|(?P<arabic>\d{1,2})[.、．)）](?!\d))"
    r"|第(?P<nth>[一二三四五六七八九十])"
)
_CHINESE = "一二三四五六七八九十"
_IN_WORDS = re.compile(r"首先|其次|再次|最后")
_NAMED = re.compile(r"[“《][^”》]{1,20}[”》]")
_ANNOUNCED = re.compile(
    r"(?P<count>\d{1,2}|[两三四五六七八九十]{1,2})(?:个?(?:方面|阶段|环节|步骤|部分|要求|条件|问题|原因|特点|重点|任务)|[大项条点类种件](?!以))"
    r"[^，。；：:]{0,10}[：:]$"
)


def announced(lead: str) -> int | None:
    """How many items a lead-in says that it leads: 四个方面： is 4; None when it does not say."""
    match = _ANNOUNCED.search(lead.rstrip())
    return number_of(match["count"]) if match else None


def sizes(text: str) -> frozenset[int]:
    """The lengths of the enumerations that can be read off a text, each at least 2; several where it can be read in several ways."""
    found = set(_by_commas(text))
    run = 0
    for match in _ORDINAL.finditer(text):
        chinese = match["chinese"] or match["nth"]
        number = _CHINESE.index(chinese) + 1 if chinese else int(match["arabic"])
        run = number if number == run + 1 else run
    for count in (run, len(_IN_WORDS.findall(text)), len(_NAMED.findall(text))):
        if count >= 2:
            found.add(count)
    clauses = text.count("；") + 1
    if clauses >= 3:
        found.add(clauses)
    return frozenset(found)


def _by_commas(text: str) -> Iterator[int]:
    """A、B和C are three, or two when C belongs to B."""
    for part in _STOPS.split(text):
        count = part.count("、") + 1
        if count >= 2:
            yield count
            if _AND.search(part.rsplit("、", 1)[1][:20]):
                yield count + 1
