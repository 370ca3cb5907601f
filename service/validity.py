"""What the validity of documents on the day of a question does to its answer: to the order of what was read and to what is told."""

import re
from collections.abc import Sequence
from dataclasses import replace

from indexer.dates import as_date, days_after
from indexer.document import Document
from indexer.retrieval import Library
from indexer.text import fold
from indexer.validity import Status
from service.answer import Citation, RelativeDate
from service.disagreement import in_chinese, quoted_title
from service.evidence import Reading
from service.question import Question

# What evidence of a document that is not in force counts, against what is: enough for the same words to lose, little enough for
# what only an old document says to be found.
_WEIGHTS = {Status.REPEALED: 0.1, Status.NOT_YET: 0.2, Status.AMENDED: 0.5}
_RELATIVE = re.compile(
    r"(?P<year>今年|本年度?|去年|上年度?|前年|明年|来年|后年)|(?P<month>上个?月|本月|下个?月)|(?P<day>今日|今天|昨日|昨天|明日)|(?P<about>近日|日前|近期|目前)"
)
_YEARS = {"今": 0, "本": 0, "去": -1, "上": -1, "前": -2, "明": 1, "来": 1, "后": 2}
_DAYS = {"今": 0, "昨": -1, "明": 1}


def weighed(reading: Reading, question: Question, library: Library, as_of: str) -> Reading:
    """The reading with what is not in force behind what is; unchanged without a day.

    For a question that names years before that day, a rule is judged by the last of them: it asks for what held then.
    """
    if not as_of:
        return reading
    weights: dict[str, float] = {}

    def weight(doc_id: str) -> float:
        if doc_id not in weights:
            document = library.document(doc_id)
            day = _day(document, question.years, as_of)
            weights[doc_id] = _WEIGHTS.get(library.register.standing(doc_id, day).status, 1.0)
        return weights[doc_id]

    evidence = sorted(
        (replace(piece, score=piece.score * weight(piece.units[0].doc_id)) for piece in reading.evidence),
        key=lambda piece: -piece.score,
    )
    hits = sorted(
        (replace(hit, score=round(hit.score * weight(hit.passage.doc_id), 6)) for hit in reading.hits),
        key=lambda hit: -hit.score,
    )
    lapsed = frozenset(doc_id for doc_id, share in weights.items() if share < 1)
    return replace(reading, evidence=tuple(evidence), hits=tuple(hits), lapsed=lapsed)


def _day(document: Document, years: frozenset[str], as_of: str) -> str:
    """The day that a document is judged on. A report of a year comes out after it, so only what takes effect is judged then."""
    named = max((year for year in years if year < as_of[:4]), default="")
    return named if named and document.metadata.effective else as_of


def warning(citations: Sequence[Citation], library: Library, as_of: str) -> str | None:
    """That documents cited are not, or not yet, in force, in Chinese; None when nothing is known against them."""
    told = []
    for doc_id in dict.fromkeys(citation.doc_id for citation in citations):
        standing = library.register.standing(doc_id, as_of)
        title = quoted_title(library.document(doc_id))
        since = in_chinese(standing.since)
        if standing.status is Status.NOT_YET:
            told.append(f"{title}尚未施行" + (f"（自{since}起施行）" if since else ""))
        elif standing.status is Status.REPEALED:
            by = f"，见{quoted_title(library.document(standing.by))}" if standing.by else ""
            known = f"自{since}起" if since else "日期不详"
            told.append(f"{title}已废止或失效（{known}{by}）")
    return f"请注意：{'；'.join(told)}。" if told else None


def resolved_dates(document: Document, quote: str) -> tuple[RelativeDate, ...]:
    """The relative dates of a quote, each with the year, month or day that it means by the publication date of its document."""
    m = document.metadata
    published = as_date(fold(m.published)) or as_date(fold(m.signed))
    if not published:
        return ()
    found: dict[str, RelativeDate] = {}
    for match in _RELATIVE.finditer(quote):
        if date := _resolved(match, published):
            found.setdefault(match.group(), RelativeDate(match.group(), date))
    return tuple(found.values())


def _resolved(match: re.Match[str], published: str) -> str:
    words = match.group()
    if match["year"]:
        return f"{int(published[:4]) + _YEARS[words[0]]:04d}"
    if match["about"]:
        return published
    if match["month"] and len(published) >= 7:
        months = int(published[:4]) * 12 + int(published[5:7]) - 1 + {"上": -1, "本": 0, "下": 1}[words[0]]
        return f"{months // 12:04d}-{months % 12 + 1:02d}"
    return days_after(published, _DAYS[words[0]]) if match["day"] and len(published) == 10 else ""
