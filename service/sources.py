"""Evidence → numbered sources, as a language model gets to see them.

What stands in a document is data: it cannot close the block it stands in, nor begin another, nor a turn of the chat; and
sentences that give orders to a model are not shown to it at all.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from indexer.document import Document
from indexer.outline import section_path
from indexer.retrieval import Library
from service.answer import Citation
from service.compose import display
from service.evidence import Evidence
from service.rows import head_of, told
from service.units import Unit

MAX_SOURCES = 12

# Characters that look like the angle bracket that begins a block.
_ANGLES = "<＜﹤〈‹⟨❮≺"
_TAG = re.compile(rf"[{_ANGLES}](?=[\W_]*[资資][\W_]*料|[\W_]*?[/／∕⁄╱\\|｜!！]|\s*[A-Za-zＡ-Ｚａ-ｚ])")
# Turns of a chat in the templates that know no angle brackets.
_TURN = re.compile(r"\[(?=\s*/?\s*(?:INST|SYS|SYSTEM|USER|ASSISTANT)\s*\])", re.IGNORECASE)
_OWN_MARK = re.compile(r"[\[［]\d{1,3}[\]］]")
_LINE_BREAKS = re.compile(r"[\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_ORDERS = re.compile(
    r"(?<![得能可应])(?:忽略|无视|不要理会|忘[掉记]|不必遵守|不要遵守)[^。！？]{0,4}"
    r"(?:以上|上述|上面|前面|之前|此前|先前|所有|一切|全部|系统|你的|您的)[^。！？]{0,8}(?:要求|指令|指示|提示|规则|设定|内容|资料)"
    r"|(?:你|您)(?:现在)?(?:是|扮演|充当)[^。！？]{0,12}(?:助手|模型|机器人|人工智能|AI)"
    r"|(?:在|于)?(?:你的|您的)?(?:回答|答复|回复|输出)(?:中|里|时|的(?:开头|末尾|最后))[^。！？]{0,6}(?:写|加|附|说|包含|输出|注明)"
    r"|请(?:只|直接|务必|一律)?(?:回答|回复|输出)(?:[:：“\"「]|说)"
    r"|(?:系统|预设)提示词|ignore\s+(?:all|any|the|previous|above)|system\s+prompt|you\s+are\s+(?:now\s+)?an?\s",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Source:
    """A piece of evidence under its number: `text` is the block for the prompt, `citations` the spans it holds.

    Markers of citations are distinct within one list of sources.
    """

    number: int
    text: str
    citations: tuple[Citation, ...]


def number_sources(
    evidence: Sequence[Evidence], chosen: Sequence[Citation], library: Library, *, characters: int
) -> list[Source]:
    """The pieces that hold `chosen` spans, then the others, each best first, numbered from 1, within `characters`.

    A piece is shown whole or not at all; a piece whose units stand in earlier ones, and one that speaks of another year
    or place than the question, is passed over.
    """
    sources: list[Source] = []
    shown: set[Unit] = set()
    marker = 1
    for piece in sorted(evidence, key=lambda piece: not _holds(piece, chosen)):
        if piece.conflict is not None or shown.issuperset(piece.units):
            continue
        source = _source(len(sources) + 1, marker, piece.units, library)
        if source is None or len(source.text) > characters:
            continue
        sources.append(source)
        shown.update(piece.units)
        marker += len(source.citations)
        characters -= len(source.text)
        if len(sources) == MAX_SOURCES:
            break
    return sources


def harmless(text: str) -> str:
    """`text` without anything that could pass for a delimiter of the prompt; brackets take the place of angle brackets."""
    return _TURN.sub("［", _TAG.sub("（", _LINE_BREAKS.sub("\n", text)))


def gives_orders(text: str) -> bool:
    """Whether a text speaks to a language model rather than to people."""
    return _ORDERS.search(text) is not None


def _holds(piece: Evidence, chosen: Sequence[Citation]) -> bool:
    return all(
        any(span.doc_id == unit.doc_id and span.start < unit.end and unit.start < span.end for span in chosen)
        for unit in piece.units
    )


def _source(number: int, marker: int, units: Sequence[Unit], library: Library) -> Source | None:
    document = library.document(units[0].doc_id)
    quotable = [u for u in units if u.doc_id == document.doc_id and not gives_orders(document.text[u.start : u.end])]
    if not quotable or quotable[0] != units[0]:
        return None  # what only its heading explains is no evidence without it
    sections = library.outline(document.doc_id)
    section = section_path(sections, quotable[0].start)
    heads = _heads(document, quotable)
    citations = tuple(
        Citation.of(marker + i, document, start, end, section_path(sections, start))
        for i, (start, end) in enumerate(_spans(document, quotable, heads))
    )
    words = "\n".join(_OWN_MARK.sub("", _words(document, u, heads.get(u))) for u in quotable if u not in heads.values())
    about = {
        "文件": document.title,
        "发布机构": document.metadata.issuer,
        "日期": document.metadata.published,
        "位置": " › ".join(section),
    }
    head = "\n".join(f"{name}：{harmless(' '.join(value.split()))}" for name, value in about.items() if value)
    return Source(number, f"<资料 {number}>\n{head}\n原文：\n{harmless(words)}\n</资料 {number}>", citations)


def _heads(document: Document, units: Sequence[Unit]) -> dict[Unit, Unit]:
    """The line that names the columns, for each unit that is an unbroken row of a table with one that gives no orders."""
    heads: dict[Unit, Unit] = {}
    for unit in units:
        head = head_of(document.text, unit)
        if head is None or any(len([*document.unbroken(u.start, u.end)]) > 1 for u in (unit, head)):
            continue
        # Where the piece holds it, that very unit, which may have bars at its ends.
        head = next((other for other in units if other.start <= head.start < other.end), head)
        names, row = document.text[head.start : head.end], document.text[unit.start : unit.end]
        if not gives_orders(names) and not gives_orders(told(names, row)):
            heads[unit] = head
    return heads


def _words(document: Document, unit: Unit, head: Unit | None) -> str:
    """A unit as the model gets to read it, a row with the names of its columns."""
    words = document.text[unit.start : unit.end]
    return display(words) if head is None else told(document.text[head.start : head.end], words)


def _spans(document: Document, units: Sequence[Unit], heads: Mapping[Unit, Unit]) -> Iterator[tuple[int, int]]:
    """The units as spans of the document, each head of a table by itself behind its rows, other neighbours with nothing
    but white space between them joined."""
    others = [unit for unit in units if unit not in heads.values()]
    for head, group in itertools.groupby(others, key=heads.get):
        runs: list[tuple[int, int]] = []
        for unit in group:
            if runs and unit.start >= runs[-1][1] and not document.text[runs[-1][1] : unit.start].strip():
                runs[-1] = (runs[-1][0], unit.end)
            else:
                runs.append((unit.start, unit.end))
        for start, end in [*runs, *([] if head is None else [(head.start, head.end)])]:
            yield from document.unbroken(start, end)
