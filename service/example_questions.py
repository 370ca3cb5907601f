"""Questions that the documents answer, drawn from the documents themselves, to show people what can be asked.

Three rules make candidates: what a sentence gives a figure for, what it defines, and the titles of sections that announce a list.
The pipeline is then asked each of them, and those stay whose answer comes from the place that the question was made of.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from threading import Lock
from weakref import WeakKeyDictionary

from indexer.document import Document, Section
from indexer.errors import QuestionError
from indexer.outline import section_path
from indexer.text import without_markup
from service.answer import Status
from service.pipeline import Pipeline

# Documents that candidates are taken from, spread over all of them; candidates of each rule and document.
_DOCUMENTS = 12
_EACH = 3
_ASKED = 30
_CHARACTERS = (8, 36)

_LEAD = r"(?:(?:到|截至)?[12]\d{3}年(?:\d{1,2}月)?[底末初]?，?)?"
_WHAT = r"[\u4e00-\u9fffA-Za-z]{4,14}?"
_UNITS = r"(?:[万亿]*(?:美元|元|平方公里|平方米|公里|公顷|亩|吨|人次|人|家|个|项|件|户|台|辆|座|所|架|册|条|名)|%|倍|个工作日|天)"
_FIGURE = re.compile(
    rf"(?:^|[。；，：\n])(?P<lead>{_LEAD})(?P<what>{_WHAT})(?P<verb>达到|将达|达|为|共有|突破|超过)"
    rf"约?[\d.,]+(?P<unit>{_UNITS})(?=[，。；、\n])"
)
# With these a subject leans on what stands before it.
_LEANING = re.compile(
    r"^(?:[其该这此因并而且也均将从在由对按以具有已更最一各每仅约近均能可为]|同比|预计|全部|累计|总计)|[的了高已可将]$|其中|不"
)
_DEFINED = re.compile(r"(?:^|[。\n])(?:所谓)?[“《]?(?P<what>[\u4e00-\u9fffA-Za-z0-9.]{2,10})[”》]?(?:，)?是指")
_NUMBERING = re.compile(
    r"^(?:#{1,6}\s*)?(?:第?[一二三四五六七八九十百\d]+[章节条、.．]|[（(][一二三四五六七八九十\d]+[)）])\s*"
)
_LISTED = re.compile(
    r"^(?![^\n]*[将成是为了在和与])[\u4e00-\u9fffA-Za-z]{2,10}(?:任务|措施|目标|原则|要求|条件|程序|标准|办法|范围|对象|职责|特征|问题|趋势|路径|优势|场景)$"
)

# A title that says in a few words what stands below it.
_TOPIC = re.compile(r"[\u4e00-\u9fffA-Za-z0-9.“”、]{3,16}")


@dataclass(frozen=True)
class ExampleQuestion:
    """A question, and the span of the document that it was made of."""

    question: str
    doc_id: str
    start: int
    end: int


def example_questions(pipeline: Pipeline, count: int) -> list[ExampleQuestion]:
    """At most `count` questions that `pipeline` answers from where they come from, of as many documents and rules as possible.

    The same for the same index. It asks up to 30 questions; where a language model writes the answers, that the right passage is
    found first has to do.
    """
    library = pipeline.library
    documents = sorted(library.documents.values(), key=lambda document: document.doc_id)
    step = max(1, len(documents) // _DOCUMENTS)
    drawn = [_candidates(document, library.outline(document.doc_id)) for document in documents[::step][:_DOCUMENTS]]
    kept: list[ExampleQuestion] = []
    for candidate in islice(_in_turn(drawn), _ASKED):
        if len(kept) == count:
            break
        if candidate.question not in {other.question for other in kept} and _is_answered(pipeline, candidate):
            kept.append(candidate)
    return kept


class ExampleShelf:
    """The example questions of the pipelines that answer, drawn once each; safe to call from many threads."""

    def __init__(self, count: int = 6) -> None:
        self._count = count
        self._drawing = Lock()
        self._drawn: WeakKeyDictionary[Pipeline, list[ExampleQuestion]] = WeakKeyDictionary()

    def of(self, pipeline: Pipeline) -> list[ExampleQuestion]:
        with self._drawing:
            if pipeline not in self._drawn:
                self._drawn[pipeline] = example_questions(pipeline, self._count)
            return self._drawn[pipeline]


def _in_turn(drawn: list[list[ExampleQuestion]]) -> Iterator[ExampleQuestion]:
    """The first of each document, then the second of each."""
    return (candidate for candidate in chain.from_iterable(zip_longest(*drawn)) if candidate is not None)


def _candidates(document: Document, outline: list[Section]) -> list[ExampleQuestion]:
    """The candidates of one document, one rule after the other in turn."""
    rules = (_figures(document, outline), _definitions(document), _lists(document, outline))
    return list(_in_turn([list(islice(filter(_is_fit, rule), _EACH)) for rule in rules]))


def _figures(document: Document, outline: list[Section]) -> Iterator[ExampleQuestion]:
    """Those that name a year first: they stand best alone. The others are told what they are about by the title above."""
    for found in sorted(_FIGURE.finditer(document.text), key=lambda found: not found["lead"]):
        is_share_of_nothing = found["unit"] == "%" and found["verb"] == "为"
        if not _LEANING.search(found["what"]) and not is_share_of_nothing:
            verb = {"达": "达到", "将达": "将达到", "突破": "达到", "超过": "达到"}.get(found["verb"], found["verb"])
            asked = "百分之多少" if found["unit"] == "%" else f"多少{found['unit']}"
            above = section_path(outline, found.start("what"))
            about = _NUMBERING.sub("", without_markup(above[-1]).strip()) if above else ""
            if not found["lead"] and not _TOPIC.fullmatch(about):
                continue
            topic = "" if found["lead"] or about in found["what"] else f"{about}："
            question = f"{topic}{found['lead']}{found['what']}{verb}{asked}？"
            yield ExampleQuestion(question, document.doc_id, found.start("what"), found.end())


def _definitions(document: Document) -> Iterator[ExampleQuestion]:
    for found in _DEFINED.finditer(document.text):
        if not _LEANING.search(found["what"]):
            yield ExampleQuestion(f"什么是{found['what']}？", document.doc_id, found.start("what"), found.end())


def _lists(document: Document, outline: list[Section]) -> Iterator[ExampleQuestion]:
    for section in outline:
        title = _NUMBERING.sub("", without_markup(section.title).strip())
        if _LISTED.match(title):
            yield ExampleQuestion(f"{title}有哪些？", document.doc_id, section.start, section.end)


def _is_fit(candidate: ExampleQuestion) -> bool:
    shortest, longest = _CHARACTERS
    return shortest <= len(candidate.question) <= longest or candidate.question.startswith("什么是")


def _is_answered(pipeline: Pipeline, candidate: ExampleQuestion) -> bool:
    def is_there(doc_id: str, start: int, end: int) -> bool:
        return doc_id == candidate.doc_id and start < candidate.end and end > candidate.start

    try:
        if not pipeline.receipt.models.get("composer", "").startswith("extractive"):
            first = pipeline.search(candidate.question, 1)
            return any(is_there(hit.passage.doc_id, hit.passage.start, hit.passage.end) for hit in first)
        answer = pipeline.ask(candidate.question)
    except QuestionError:
        return False
    return answer.status is Status.ANSWERED and any(
        is_there(citation.doc_id, citation.start, citation.end) for citation in answer.citations[:1]
    )
