"""What the validity of documents on the day of a question does to its answer: to the order of what was read and to what is told."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import rjieba

from indexer.dates import as_date, days_after, is_date
from indexer.document import Document
from indexer.numerals import number_of
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
_DAY = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})(?=[日号])"
# 三年前年底 names no 前年, 3月15日前 and 工作日前 no 日前.
_RELATIVE = re.compile(
    rf"(?P<year>今年|本年度?(?!级)|去年|上年度?|(?<!年)前年|明年|来年|后年)"
    rf"|(?P<month>上个?月|本月|下个?月)(?:(?P<day_of_month>{_DAY})[日号])?"
    rf"|(?P<day>今日|今天|昨日|昨天|明日)|(?P<about>近日|(?<![\d一二三四五六七八九十作止易之])日前|近期|目前)"
    rf"|(?P<after>同年|次年|翌年)"
)
_NAMED_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})年")
# 上年度 of a report that is due every year is no year in particular, nor is 上月 of one due every month; 去年 is.
_EVERY = re.compile(r"[每各逐历](?:年|个?月|季)|年年")
_OF_EACH = ("上", "本", "下")
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
    """The relative dates of a quote, each with the year, month or day that it means: by the publication date of its document, or
    (同年, 次年) by the year named before it. One that means two different times in the quote is left out."""
    if not _RELATIVE.search(quote):
        return ()
    m = document.metadata
    published = as_date(fold(m.published)) or as_date(fold(m.signed))
    # The line before the quote, where it is known, names the year of its 同年.
    start = document.text.find(quote) if document.text.count(quote) == 1 else -1
    lead = document.text[document.text.rfind("\n", 0, start) + 1 : start] if start > 0 else ""
    told = lead + quote
    ends = set(accumulate(map(len, rjieba.cut(told)), initial=0))
    found: dict[str, set[str]] = {}
    years = [(match.end(), int(match[1])) for match in _NAMED_YEAR.finditer(told)]
    for match in _RELATIVE.finditer(told, len(lead)):
        # 以后年度 names no 后年, 近日本 no 近日: a word begins here and, where the pattern is a whole word, ends here.
        if match.start() not in ends or (match["about"] and match.end() not in ends) or _is_of_each(match, told):
            continue
        date = _after(match, told, years) if match["after"] else _resolved(match, published) if published else ""
        found.setdefault(match.group(), set()).add(date)
        if date and len(date) == 4:
            years.append((match.end(), int(date)))
    return tuple(RelativeDate(text, min(dates)) for text, dates in found.items() if len(dates) == 1 and dates != {""})


def _is_of_each(match: re.Match[str], told: str) -> bool:
    sentence = max(told.rfind(mark, 0, match.start()) for mark in "。；\n") + 1
    return match.group().startswith(_OF_EACH) and _EVERY.search(told, sentence, match.start()) is not None


def _after(match: re.Match[str], told: str, years: Sequence[tuple[int, int]]) -> str:
    """The year of 同年 or 次年: the last one of `years`, (end in the text, year), on the same line before it, or the one behind."""
    line = told.rfind("\n", 0, match.start()) + 1
    end, year = max((one for one in years if line < one[0] <= match.start()), default=(0, 0))
    if not year or _EVERY.search(told, end, match.start()):
        return ""
    return f"{year + (match.group() != '同年'):04d}"


def _resolved(match: re.Match[str], published: str) -> str:
    words = match.group()
    if match["year"]:
        return f"{int(published[:4]) + _YEARS[words[0]]:04d}"
    if match["about"]:
        return published
    if match["month"] and len(published) >= 7:
        months = int(published[:4]) * 12 + int(published[5:7]) - 1 + {"上": -1, "本": 0, "下": 1}[words[0]]
        month = f"{months // 12:04d}-{months % 12 + 1:02d}"
        if not match["day_of_month"]:
            return month
        day = f"{month}-{number_of(match['day_of_month']):02d}"
        return day if is_date(day) else ""
    return days_after(published, _DAYS[words[0]]) if match["day"] and len(published) == 10 else ""
