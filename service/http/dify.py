"""Dify's external knowledge interface: our retrieval serves the flows built there."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from glob import escape
from typing import Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from indexer.dates import as_date
from indexer.document import Document, Hit
from indexer.errors import NotFoundError, QuestionError
from indexer.retrieval import Library
from indexer.scope import EVERYTHING, Scope, published_date
from indexer.validity import IN_CHINESE
from service.http import examples
from service.http.desk import DeskDep
from service.http.errors import DIFY_PATH, MALFORMED_AUTHORIZATION, UnauthorizedError
from service.http.links import Links, LinksDep
from service.http.shapes import DifyRecord, DifyReply
from service.records.types import Interface, KeyScope

EVERY_DOCUMENT = "zhengwen"
# A hit's score is the sum of two shares: of the best hit's retrieval score and of the best evidence.
_BEST_SCORE = 2.0


class RetrievalSetting(BaseModel):
    """How many passages at most, and how high the score of each must be at least."""

    top_k: int = Field(ge=1, le=100)
    score_threshold: float | None = Field(0.0, ge=0, le=1)


class Condition(BaseModel):
    """A field of a document's metadata, or any of several, compared with a value."""

    name: str | list[str]
    comparison_operator: str
    value: str | float | list[str] | None = None


class MetadataCondition(BaseModel):
    logical_operator: Literal["and", "or"] | None = "and"
    conditions: list[Condition] | None = Field(None, max_length=100)


class RetrievalRequest(BaseModel):
    """A question; `knowledge_id` is zhengwen for all documents or a folder of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.RETRIEVAL]})

    knowledge_id: str
    query: str
    retrieval_setting: RetrievalSetting
    metadata_condition: MetadataCondition | None = None


def _authorization(request: Request) -> None:
    """Dify tells a header of another form from a key that is refused."""
    header = request.headers.get("authorization")
    if header is not None and not (header[:7].lower() == "bearer " and header[7:].strip()):
        message = "the Authorization header is malformed: send 'Authorization: Bearer <api-key>'"
        raise UnauthorizedError(message, code=MALFORMED_AUTHORIZATION)


router = APIRouter(tags=["Dify"], dependencies=[Depends(_authorization)])


@router.post(
    DIFY_PATH,
    summary="Passages for Dify",
    # Dify takes 403 for a key that is refused, whatever is wrong with it.
    responses=examples.replies(DIFY_PATH, examples.RECORDS, {*examples.ASKING, 404} - {401}),
)
async def retrieval(body: RetrievalRequest, desk: DeskDep, links: LinksDep) -> DifyReply:
    desk.access.require(KeyScope.SEARCH)
    scope = _scope(body, desk.library(), desk.today())
    if scope is None:
        return {"records": []}
    hits, library = await desk.search(body.query, body.retrieval_setting.top_k, scope, Interface.DIFY)
    records = [_record(hit, library, links, scope.as_of or desk.today()) for hit in hits]
    threshold = body.retrieval_setting.score_threshold or 0.0
    return {"records": [record for record in records if record["score"] >= threshold]}


def _scope(body: RetrievalRequest, library: Library, today: str) -> Scope | None:
    """The documents asked for; None when there are none of the metadata asked for.

    Raises:
        NotFoundError: there is no such knowledge.
        QuestionError: a condition cannot be understood.
    """
    folder = body.knowledge_id.strip("/")
    known = [d for d in library.documents.values() if folder == EVERY_DOCUMENT or d.doc_id.startswith(f"{folder}/")]
    if not known or not folder:
        raise NotFoundError(
            f"the knowledge {body.knowledge_id!r:.80} does not exist: use {EVERY_DOCUMENT!r} or a folder of documents"
        )
    wanted = body.metadata_condition
    conditions = [] if wanted is None or wanted.conditions is None else wanted.conditions
    as_of = _as_of(conditions, today)
    if not conditions:
        return EVERYTHING if folder == EVERY_DOCUMENT else Scope(documents=(f"{escape(folder)}/*",))
    together = any if wanted is not None and wanted.logical_operator == "or" else all
    statuses = library.register.statuses(as_of)
    known_fields = {**_FIELDS, "validity": lambda d: [statuses[d.doc_id].value, IN_CHINESE[statuses[d.doc_id]]]}
    tests = [_test(condition, known_fields) for condition in conditions if condition.name != _AS_OF]
    admitted = [document for document in known if not tests or together(test(document) for test in tests)]
    if not admitted:
        return None
    return Scope(documents=tuple(escape(document.doc_id) for document in admitted), as_of=as_of)


def _as_of(conditions: Sequence[Condition], today: str) -> str:
    """The day that validity is judged on: that of a condition `as_of` = date, else today; raises QuestionError."""
    for condition in conditions:
        if condition.name == _AS_OF:
            if condition.comparison_operator not in ("=", "is") or not isinstance(condition.value, str):
                raise QuestionError(f"“{_AS_OF}”只能写作 {_AS_OF} = 日期：2022、2022-11 或 2022-11-30。")
            return Scope(as_of=condition.value).as_of
    return today


Fields = Mapping[str, Callable[[Document], Collection[str]]]
"""The values that a document has of each field."""

_FIELDS: Fields = {
    "doc_id": lambda d: [d.doc_id],
    "title": lambda d: [d.title],
    "source_title": lambda d: [d.metadata.source_title],
    "issuer": lambda d: [d.metadata.issuer],
    "authors": lambda d: d.metadata.authors,
    "region": lambda d: [d.metadata.region],
    "kind": lambda d: [d.metadata.kind],
    "period": lambda d: [d.metadata.period],
    "note": lambda d: [d.metadata.note],
    "number": lambda d: [d.metadata.number],
    "level": lambda d: [d.metadata.level],
    "subject": lambda d: [d.metadata.subject],
    "published": lambda d: [published_date(d)],
    "signed": lambda d: [as_date(d.metadata.signed)],
    "effective": lambda d: [as_date(d.metadata.effective)],
    "expires": lambda d: [as_date(d.metadata.expires)],
}
_DATED = ("published", "signed", "effective", "expires")
_AS_OF = "as_of"


def _span(text: str) -> tuple[str, str] | None:
    """First and last day of 2022, 2022-11 or 2022-11-30, comparable as text; None for anything else."""
    parts = text.split("-")
    widths = [len(part) for part in parts if part.isdecimal() and part.isascii()]
    if widths not in ([4], [4, 2], [4, 2, 2]) or len(parts) != len(widths):
        return None
    return text + "-00" * (3 - len(parts)), text + "-99" * (3 - len(parts))


def _earlier(have: str, value: str) -> bool:
    one, other = _span(have), _span(value)
    return one is not None and other is not None and one[1] < other[0]


def _same(have: str, value: str) -> bool:
    one, other = _span(have), _span(value)
    return one is not None and other is not None and one[0] >= other[0] and one[1] <= other[1]


# Each says whether one value of a field passes; those of `_NEGATED` when no value of it does.
_TEXT_OPERATORS: Mapping[str, Callable[[str, Collection[str]], bool]] = {
    "contains": lambda have, values: any(value in have for value in values),
    "start with": lambda have, values: any(have.startswith(value) for value in values),
    "end with": lambda have, values: any(have.endswith(value) for value in values),
    "is": lambda have, values: have in values,
    "in": lambda have, values: have in values,
    "not empty": lambda have, values: bool(have),
}
_DATE_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "before": _earlier,
    "after": lambda have, value: _earlier(value, have),
    "=": _same,
    "<": _earlier,
    ">": lambda have, value: _earlier(value, have),
    "≤": lambda have, value: _earlier(have, value) or _same(have, value),
    "≥": lambda have, value: _earlier(value, have) or _same(have, value),
}
_NEGATED: Mapping[str, str] = {
    "not contains": "contains",
    "is not": "is",
    "not in": "in",
    "empty": "not empty",
    "≠": "=",
}


def _test(condition: Condition, known: Fields = _FIELDS) -> Callable[[Document], bool]:
    """Whether a document passes; raises QuestionError for a field, operator or value that there is not."""
    names = [condition.name] if isinstance(condition.name, str) else condition.name
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise QuestionError(f"文件没有元数据字段“{'、'.join(unknown):.60}”：可用的有{'、'.join((*known, _AS_OF))}。")
    operator = condition.comparison_operator
    positive = _NEGATED.get(operator, operator)
    values = [] if condition.value is None else condition.value
    texts = [_text(value) for value in (values if isinstance(values, list) else [values])]
    if positive in _DATE_OPERATORS:
        if not set(names) <= set(_DATED) or len(texts) != 1 or _span(texts[0]) is None:
            raise QuestionError(f"“{operator}”只能用于 {'、'.join(_DATED)}，值须是日期：2022、2022-11 或 2022-11-30。")
        passes = _DATE_OPERATORS[positive]
        return _any_value(names, known, lambda have: passes(have, texts[0]), negated=operator in _NEGATED)
    if positive not in _TEXT_OPERATORS:
        operators = "、".join((*_TEXT_OPERATORS, *_DATE_OPERATORS, *_NEGATED))
        raise QuestionError(f"不认识比较方式“{operator:.30}”：可用的有{operators}。")
    if positive != "not empty" and not any(texts):
        raise QuestionError(f"“{operator}”需要一个比较的值：请在 value 中写明。")
    matches = _TEXT_OPERATORS[positive]
    return _any_value(names, known, lambda have: matches(have, texts), negated=operator in _NEGATED)


def _any_value(
    names: Iterable[str], known: Fields, passes: Callable[[str], bool], *, negated: bool
) -> Callable[[Document], bool]:
    return lambda document: any(passes(have) for name in names for have in known[name](document)) is not negated


def _text(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else value


def _record(hit: Hit, library: Library, links: Links, as_of: str) -> DifyRecord:
    passage = hit.passage
    document = library.document(passage.doc_id)
    return {
        "content": library.text(passage),
        "score": round(min(max(hit.score / _BEST_SCORE, 0.0), 1.0), 6),
        "title": document.title,
        "metadata": {
            "doc_id": document.doc_id,
            "passage_id": passage.passage_id,
            "path": document.path,
            "url": links.to(document.doc_id, passage.start, passage.end),
            "section": " › ".join(passage.section),
            "issuer": document.metadata.issuer,
            "region": document.metadata.region,
            "kind": document.metadata.kind,
            "published": document.metadata.published,
            "number": document.metadata.number,
            "effective": document.metadata.effective,
            "validity": library.register.standing(document.doc_id, as_of).status.value,
            "start": passage.start,
            "end": passage.end,
        },
    }
