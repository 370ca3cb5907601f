"""Candidates → numbers: what a question and a candidate have in common, as the evidence model weighs it.

Words count by how rare they are. Tokens are those of `indexer.tokens`; words of like meaning are compared by the vectors of
a small static embedder (the aligned question embedding of Chen et al. 2017). Names that end in `_behind` tell how far a
candidate stays behind the best of its question.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import rjieba

from indexer.embedder import Embedder, Vectors
from indexer.text import fold
from service.candidates import Candidate
from service.conflict import conflict
from service.enumeration import sizes
from service.places import names_any, places
from service.question import Kind, Question, content_words, years

Matrix = npt.NDArray[np.float32]

_NEAR, _NEAR_ANAPHORA, _HEADING, _ABOVE = 0.45, 0.6, 0.6, 0.4
# A sentence that begins like this goes on with what was said right before.
_ANAPHORA = re.compile(r"理由|原因|因为|由于|这|其|该|它|此|对此|因此|为此|同时|并且|而且|另外|还")
# What an answer of a kind looks like in folded text.
LOOKS_LIKE: dict[Kind, re.Pattern[str]] = {
    Kind.DATE: re.compile(
        r"\d+年|\d{1,2}月|\d{1,2}日|[一二三四五六七八九〇零十两半]+年|(?<![\d.])(?:19|20)\d\d(?![\d.])"
        r"|[\d一二三四五六七八九十百两半几]+个?(?:天|周(?!岁)|星期|小时|分钟|工作日|月|季度)"
    ),
    Kind.REASON: re.compile(
        r"因为|由于|因此|所以|导致|使得|为了|原因|在于|从而|缺乏|不足|受限|受到|难以|旨在|降低|避免|有待|但"
    ),
    Kind.DEFINITION: re.compile(
        r"是指|指的?是|是一[种个门项款类]|是.{0,12}的|定义|称为|即|由.{1,20}(?:组成|构成)|意[思为]"
    ),
    Kind.PLACE: re.compile(r"[省市区县州镇村园港湾]|位于|坐落|落户|设在|设立"),
}
_FIGURE = re.compile(r"\d[\d,.]*")
_DATE = re.compile(r"\d{4}年|\d{1,2}月|\d{1,2}日")
# Between 某 and what it stands for may be what kind it is: 某餐饮公司; 某种程度上由公司 and 某人的公司 are none.
_WITHHELD = re.compile(
    r"某(?:市|区|县|镇|人|局|厂|家?[大些]?型?(?![种个项次年月日天时段方人])[^\W\d_的地得由是在和与及或被把将向对从为了以于]{0,6}?(?:公司|[国央民]企|企业|单位|机构|银行|集团"
    r"|园区|工厂|中学|小学|大学|学校|学院|医院|幼儿园|餐厅|饭店|酒店|商场|超市|药店|协会|中心|部门))"
    r"|(?:名称?|姓名|名字|单位|公司|企业)(?:缺失|不详|从略|隐去|未披露|未公开|未公布|暂不公开)|隐去了.{0,6}名"
)
_ASKS_BACK = re.compile(r"[?？]\W*$")
_SENTENCE_END = re.compile(r"[。！？；]")
_WORD = re.compile(r"\w")
_LONGEST_COMPARED = 500
_REMEMBERED = 200_000

_BEHIND = ("credit", "own", "own_heading", "anywhere", "meaning", "meaning_around", "cosine")
NAMES: tuple[str, ...] = (
    *(
        "credit",
        "hit",
        "own",
        "own_names",
        "own_near",
        "own_heading",
        "anywhere",
        "around",
        "headings",
        "title",
        "own_words",
    ),
    *(
        "missing_here_rarest",
        "missing_rarest",
        "missing_here",
        "missing",
        "found_rarest",
        "question_rarest",
        "question_tokens",
    ),
    *("meaning", "meaning_around", "meaning_least", "meaning_around_least", "meaning_gap", "cosine", "cosine_headed"),
    *(
        "shared_run",
        "shared_run_share",
        "form",
        "figures",
        "new_figures",
        "dates",
        "quoted",
        "length",
        "units",
        "sentences",
    ),
    *("row", "lead_in", "anaphora", "list", "count_fits", "asks_many", "question_length"),
    *("enumerated", "enumerated_many", "enumerates_count", "names_count", "asks_back"),
    *(
        "conflict",
        "asks_year",
        "year_here",
        "year_around",
        "other_years",
        "asks_place",
        "asks_periods",
        "asks_titles",
        "asks_organisations",
        "place_here",
        "place_around",
        "other_places",
    ),
    *(f"looks_like_{kind.value}" for kind in LOOKS_LIKE),
    *(f"kind_{kind.value}" for kind in Kind),
    *(f"{name}_behind" for name in _BEHIND),
    *("credit_rank", "meaning_rank", "cosine_rank"),
)
"""The columns of a feature matrix, in order."""


class Features:
    """`embedder` gives words and sentences their vectors; the same input gives the same numbers."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    def of(self, question: Question, weights: Mapping[str, float], candidates: Sequence[Candidate]) -> Matrix:
        """float32 `(candidates, len(NAMES))`; `weights` are those of the question's tokens, the rarer the greater."""
        if not candidates:
            return np.zeros((0, len(NAMES)), dtype=np.float32)
        # All at once: a product for each candidate would cost more than the vectors.
        texts = list(dict.fromkeys(text for candidate in candidates for text in _embedded(candidate)))
        asked = _Asked(question, weights, self, texts)
        rows = [self._one(asked, candidate) for candidate in candidates]
        for name in _BEHIND:
            best = max(row[name] for row in rows)
            for row in rows:
                row[f"{name}_behind"] = row[name] - best
        for name in ("credit", "meaning", "cosine"):
            order = sorted(range(len(rows)), key=lambda i: -rows[i][name])
            for rank, i in enumerate(order):
                rows[i][f"{name}_rank"] = min(rank, 50)
        return np.array([[row[name] for name in NAMES] for row in rows], dtype=np.float32)

    def vectors(self, texts: Sequence[str]) -> Matrix:
        """`(texts, dimensions)`, of length 1 or 0; each text is embedded once."""
        known = self._known
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            # Only ever added to, and never walked through: other threads may read and add meanwhile.
            known.update(zip(new, self._embedder.embed_passages(new), strict=True))
            if len(known) >= _REMEMBERED:
                self._known = {}
        return np.stack([known[text] for text in texts])

    def question_vector(self, question: Question) -> Vectors:
        """`(dimensions,)`, of length 1."""
        return self._embedder.embed_question(question.resolved)

    def _one(self, asked: "_Asked", candidate: Candidate) -> dict[str, float]:
        question, setting, own = asked.question, candidate.setting, candidate.own
        around = setting.near | setting.heading | setting.above
        rest = {token: weight for token, weight in asked.weights.items() if token not in setting.title}
        words = {token: weight for token, weight in rest.items() if len(token) != 2}
        missing_here = [weight for token, weight in rest.items() if token not in own]
        missing = [weight for token, weight in rest.items() if token not in own and token not in around]
        folded = candidate.folded
        here, there = _words_here(candidate), _words_around(candidate)
        near, meant = asked.meaning(here), asked.meaning(here + there)
        run = _longest_shared(asked.squeezed, _squeezed(folded))
        said = _said(candidate.text, folded)
        form = has_form(question, candidate)
        enumerated = said.sizes | ({len(candidate.units) - 1} if len(candidate.units) > 2 else set())
        most = math.log(min(20, max(enumerated, default=1)))
        surroundings = "\n".join((setting.line, setting.path, setting.document, setting.before))
        return {
            "credit": asked.credit(candidate),
            "hit": candidate.hit,
            "own": _share(own, asked.weights),
            "own_names": _share(own, rest),
            "own_near": _share(own | setting.near, asked.weights),
            "own_heading": _share(own | setting.heading, asked.weights),
            "anywhere": _share(own | around | setting.title, asked.weights),
            "around": _share(own | around, rest),
            "headings": _share(setting.heading | setting.above, rest),
            "title": _share(setting.title, asked.weights),
            "own_words": _share(own, words) if words else 0.5,
            "missing_here_rarest": max(missing_here, default=0.0),
            "missing_rarest": max(missing, default=0.0),
            "missing_here": len(missing_here),
            "missing": len(missing),
            "found_rarest": max((weight for token, weight in rest.items() if token in own), default=0.0),
            "question_rarest": max(rest.values(), default=0.0),
            "question_tokens": len(asked.weights),
            "meaning": asked.weighted(near),
            "meaning_around": asked.weighted(meant),
            "meaning_least": float(near.min()),
            "meaning_around_least": float(meant.min()),
            "meaning_gap": float((asked.word_weights * (1 - meant)).max()),
            "cosine": asked.cosine(_sentences(candidate)[0]),
            "cosine_headed": asked.cosine(_sentences(candidate)[1]),
            "shared_run": run,
            "shared_run_share": run / max(1, len(asked.squeezed)),
            "form": 0 if form is None else 1 if form else -1,
            "figures": min(10, len(said.figures)),
            "new_figures": min(10, sum(figure not in asked.folded for figure in said.figures)),
            "dates": said.dates,
            "quoted": said.quoted,
            "length": math.log1p(len(candidate.text)),
            "units": min(10, len(candidate.units)),
            "sentences": said.sentences,
            "row": candidate.is_row,
            "lead_in": candidate.text.rstrip().endswith(("：", ":")),
            "anaphora": _ANAPHORA.match(candidate.text) is not None,
            "list": candidate.is_list,
            "count_fits": 0 if question.count is None else 1 if question.count == len(candidate.units) - 1 else -1,
            "asks_many": question.wants_many,
            "question_length": min(60, len(question.resolved)),
            "enumerated": most,
            "enumerated_many": question.wants_many * most,
            "enumerates_count": 0 if question.count is None else 1 if question.count in enumerated else -1,
            "names_count": question.count not in enumerated and _names_count(question.count, folded),
            "asks_back": said.asks_back,
            "conflict": conflict(question, candidate) is not None,
            "asks_year": bool(question.years),
            "year_here": bool(question.years & said.years),
            "year_around": bool(question.years & _years(surroundings)),
            "other_years": len(said.years - question.years),
            "asks_place": bool(question.places),
            "asks_periods": len(question.periods),
            "asks_titles": len(question.titles),
            "asks_organisations": len(question.organisations),
            "place_here": names_any(question.places, folded),
            "place_around": names_any(question.places, surroundings),
            "other_places": len(said.places - question.places),
            **{f"looks_like_{kind.value}": kind in said.looks_like for kind in LOOKS_LIKE},
            **{f"kind_{kind.value}": kind is question.kind for kind in Kind},
        }


class _Asked:
    """A question as candidates are compared with it; `texts` are all of theirs that are compared by vectors."""

    def __init__(
        self, question: Question, weights: Mapping[str, float], features: Features, texts: Sequence[str]
    ) -> None:
        self.question, self.weights = question, weights
        self.folded = fold(question.resolved)
        words = content_words(self.folded) or (self.folded,)
        self.squeezed = "".join(words)[:60]
        self._rows = {text: row for row, text in enumerate(texts)}
        vectors = features.vectors(texts)
        self._nearness = np.clip(vectors @ features.vectors(words).T, 0, 1).astype(np.float64)
        self._cosines = vectors @ features.question_vector(question)
        self.word_weights = np.array([0.1 + _heaviest(word, weights) for word in words])

    def meaning(self, words: Sequence[str]) -> npt.NDArray[np.float64]:
        """For each word of the question how near the nearest of `words` comes, 0 to 1."""
        if not words:
            return np.zeros(len(self.word_weights))
        nearest: npt.NDArray[np.float64] = self._nearness[[self._rows[word] for word in words]].max(axis=0)
        return nearest

    def cosine(self, text: str) -> float:
        """Between the question and a text, -1 to 1."""
        return float(self._cosines[self._rows[text]])

    def weighted(self, nearness: npt.NDArray[np.float64]) -> float:
        return float(self.word_weights @ nearness / self.word_weights.sum())

    def credit(self, candidate: Candidate) -> float:
        """Share of the question's weight that the candidate has, with a part of it for words that only its setting supplies."""
        setting = candidate.setting
        near = _NEAR_ANAPHORA if _ANAPHORA.match(candidate.text) else _NEAR
        total = 0.0
        for token, weight in self.weights.items():
            if token in setting.title:
                # The question names the document: every piece of it has this word, whether it repeats it or not.
                share = _HEADING
            elif token in candidate.own:
                share = 1.0
            elif token in setting.heading:
                share = _HEADING
            else:
                share = max(near if token in setting.near else 0.0, _ABOVE if token in setting.above else 0.0)
            total += share * weight
        return total / (sum(self.weights.values()) or 1.0)


@dataclass(frozen=True)
class _Said:
    """What a text holds, whatever is asked: its figures, how many dates, ends of sentences and listed things, and so on."""

    figures: tuple[str, ...]
    dates: int
    years: frozenset[str]
    places: frozenset[str]
    sizes: frozenset[int]
    looks_like: frozenset[Kind]
    sentences: int
    quoted: bool
    asks_back: bool


@lru_cache(maxsize=16384)
def _said(text: str, folded: str) -> _Said:
    return _Said(
        figures=tuple(_FIGURE.findall(folded)),
        dates=min(5, len(_DATE.findall(folded))),
        years=years(folded),
        places=places(folded),
        sizes=frozenset(sizes(text)),
        looks_like=frozenset(kind for kind, form in LOOKS_LIKE.items() if form.search(folded)),
        sentences=len(_SENTENCE_END.findall(text)),
        quoted=re.search('[《“"「]', folded) is not None,
        asks_back=_ASKS_BACK.search(text) is not None,
    )


@lru_cache(maxsize=16384)
def _years(surroundings: str) -> frozenset[str]:
    return years(surroundings)


@lru_cache(maxsize=16384)
def _squeezed(folded: str) -> str:
    return re.sub(r"\W", "", folded)[:_LONGEST_COMPARED]


def has_form(question: Question, candidate: Candidate) -> bool | None:
    """Whether a candidate holds the kind of thing asked for; None when the question names no such kind. A row of a table holds
    the units of its columns too; the years of their heads do not say when something happened."""
    return looks_right(question, candidate.folded if question.kind is Kind.DATE else candidate.in_full)


def looks_right(question: Question, folded: str) -> bool | None:
    """Whether a folded text holds the kind of thing asked for; None when the question names no such kind."""
    form = question.form or LOOKS_LIKE.get(question.kind)
    return None if form is None else form.search(folded) is not None


def withholds_name(question: Question, folded: str) -> bool:
    """Whether a folded text speaks of what the question wants the name of, without the name: 某公司, 名称缺失."""
    return question.kind in (Kind.ENTITY, Kind.NAME) and _WITHHELD.search(folded) is not None


def _embedded(candidate: Candidate) -> tuple[str, ...]:
    """Every text of a candidate that is compared by its vector."""
    return (*_words_here(candidate), *_words_around(candidate), *_sentences(candidate))


def _words_here(candidate: Candidate) -> tuple[str, ...]:
    return _words(candidate.folded[:600])


def _words_around(candidate: Candidate) -> tuple[str, ...]:
    setting = candidate.setting
    return _words(f"{setting.path[-120:]} {setting.line[:300]} {setting.before[-200:]}")


def _sentences(candidate: Candidate) -> tuple[str, str]:
    """The candidate by itself and under its headings."""
    return candidate.text[:400], f"{candidate.setting.path[-80:]}\n{candidate.text}"[:400]


@lru_cache(maxsize=65536)
def _words(folded: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in rjieba.cut(folded) if _WORD.search(word)))


def _heaviest(word: str, weights: Mapping[str, float]) -> float:
    """The greatest weight among a word and its bigrams."""
    return max(weights.get(part, 0.0) for part in (word, *(word[i : i + 2] for i in range(len(word) - 1))))


def _share(tokens: frozenset[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for token, weight in weights.items() if token in tokens) / total if total else 0.0


def _names_count(count: int | None, folded: str) -> bool:
    """Whether a text says that there are so many of something: 六大工程 for 6."""
    if count is None:
        return False
    said = str(count) if count > 10 else f"(?:{count}|{'一二三四五六七八九十'[count - 1]})"
    return re.search(said + "[大个项条类种层方步]", folded) is not None


def _longest_shared(a: str, b: str) -> int:
    """Length of the longest run of characters that stands in both."""
    best = 0
    for i in range(len(a)):
        while i + best < len(a) and a[i : i + best + 1] in b:
            best += 1
    return best
