"""Official documents (公文) and laws: their parts, and what they say of themselves, by rules that give the span that says so.

What no rule finds stays empty. Whatever is given with a file, in front matter or beside it, is taken as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from indexer.clauses import clauses
from indexer.dates import WRITTEN, days_after, last_day_of, read_date
from indexer.document import LEVELS, YES, Metadata, MetadataSource
from indexer.errors import InputError
from indexer.numerals import NUMERAL, number_of

_LISTS = ("authors", "repeals", "amends")
# How many lines the head of a document has at most, and how many its end.
_HEAD, _TAIL = 16, 40
_SHORT = 45

_BRACKETED = r"[〔\[［（(【]\s*(?:19|20)\d{2}\s*[〕\]］）)】]\s*第?\s*\d{1,5}\s*号"
NUMBER = rf"[\u4e00-\u9fff]{{1,14}}{_BRACKETED}"
"""A 发文字号: 屿政办发〔2023〕12号."""
_NUMBER_LINE = re.compile(
    rf"(?P<number>{NUMBER}|(?:[\u4e00-\u9fff]{{2,30}}(?:令|公告|通告)\s*)?(?:(?:19|20)\d{{2}}年\s*)?第\s*{NUMERAL}\s*号)"
    r"(?:\s+签发人[：:].*)?"
)
_ORGANISATION_END = r"(?:政府|办公室|大会|[局厅署院委部处会办]|中心|集团|公司|小组|大学|银行|社|站)"
_ORGANISATION = rf"[\u4e00-\u9fff（）()、]{{1,40}}?{_ORGANISATION_END}"
# One name or several side by side; no group repeats, for a hostile line would take for ever.
_SIGNATURE = re.compile(rf"[\u4e00-\u9fff（）()、\s　]{{1,60}}{_ORGANISATION_END}[\s　]*")
_ADDRESSEE = re.compile(r"(?!第|[一二三四五六七八九十]+、|[（(])[^。；！？]{2,200}[：:]")
_ADDRESSED = re.compile(
    r"政府|[局厅署院委部处会办]|单位|公司|机构|中心|企业|学校|街道|乡镇|各[区县市省地]|同志|银行|社区|高校"
)
_DATE_LINE = re.compile(rf"(?:[（(]\s*)?(?P<date>{WRITTEN})(?:\s*[）)])?")
_ANNEX = re.compile(r"(?:附件|附录|附表)\s*(?:[一二三四五六七八九十\d]{1,3})?\s*[：:]?(?:\s.{0,40}|[^。；]{0,40})")
_IMPRINT = re.compile(rf"抄送[：:]|.{{2,40}}\s*(?P<date>{WRITTEN})\s*印发|主题词[：:]|[（(]?此件.{{2,12}}公开")
_TITLE_KINDS = (
    "通知|通告|公告|意见|决定|决议|命令|办法|条例|规定|细则|规则|规程|准则|章程|方案|规划|计划|纲要|批复|请示|报告|通报|纪要|公报|议案|指南|标准"
    "|措施|解释|法典|宪法|答复|制度|预案|政策|目录|清单|要点|指引|函|法"
)
_KIND = re.compile(rf"(?P<kind>{_TITLE_KINDS})(?:[（(][^）)]{{1,20}}[）)])*$")
_TITLE = re.compile(r"[^。；！？：:]{4,120}")
_ABOUT = re.compile(
    r"关于(?:印发|发布|公布|转发|批转|废止|修改|修订)?(?P<subject>.{2,80}?)的?(?:通知|通告|公告|意见|决定|决议|函|批复|请示|报告|通报|办法|规定)(?:[（(]|$)"
)

# --- what is said of time --------------------------------------------------------------------------------------------

_SELF = r"(?:本|该|此)(?:[^，。；：、《》]{1,12})?"
_ISSUED = r"(?:发布|公布|印发|颁布|下发|发文|签发|成文|通过|批准)"
_EFFECT = r"(?:起?正式)?(?:施行|实施|执行|生效|试行|适用)"
_EFFECTIVE = re.compile(
    rf"自\s*(?:(?P<date>{WRITTEN})|(?P<issued>{_ISSUED})之?日)\s*(?:起\s*(?:(?P<days>{NUMERAL})\s*(?P<unit>日|个工作日|个?月)后)?\s*)?{_EFFECT}(?!的)"
    rf"|(?:施行|生效|实施|执行)(?:日期|时间)\s*[：:]\s*(?P<labelled>{WRITTEN})"
)
_UNTIL = re.compile(
    rf"(?:有效期|试行期|执行期|施行期|实施期限?|有效期限)(?:限)?\s*[：:]?\s*(?:为|是|自[^，。；]{{2,40}}?)?\s*"
    rf"(?:(?P<years>{NUMERAL}(?=\s*年))\s*年|(?P<months>{NUMERAL}(?=\s*个月))\s*个月|(?:至|到)\s*(?P<date>{WRITTEN})\s*止?)"
    rf"|(?:有效|施行|执行|实施|试行)(?:至|到)\s*(?P<until>{WRITTEN})"
    rf"|自\s*{WRITTEN}\s*起\s*(?:施行|实施|执行)?\s*，?\s*至\s*(?P<ends>{WRITTEN})\s*(?:止|废止|失效)"
)
_OWN_TERM = re.compile(
    r"(?:第\S{1,8}条\s*)?(?:本|该|此)(?:办法|规定|细则|通知|意见|条例|方案|政策|措施|文件|公告|指南|规则|实施\w{2}|决定)"
    r"(?:的)?(?:有效期|试行期|执行期|自|有效|施行|试行|执行)"
)
_TERM = re.compile(r"(?:有效期|试行期|执行期)")
_PUBLISHED = re.compile(
    rf"(?:发布|公布|公开|印发)(?:日期|时间)\s*[：:]\s*(?P<labelled>{WRITTEN})"
    rf"|(?P<passed>{WRITTEN})[^，。；（）()\d]{{0,60}}?(?:令|公告)?(?:第\s*{NUMERAL}\s*号)?\s*(?:公布|发布|颁布)(?![^，。；）)]{{0,4}}的《)"
)
_SIGNED = re.compile(rf"(?:成文|签发)(?:日期|时间)\s*[：:]\s*(?P<date>{WRITTEN})")
_REPEALED = re.compile(
    r"(?:本文件|此件|本文|本[^，。；《》]{2,10}|该文件)?(?:已于?|于)\s*(?P<date>"
    + WRITTEN
    + r")\s*(?:起)?\s*(?:废止|失效)|[（(【\[]\s*已?(?:废止|失效)\s*[）)】\]]|(?:本文件|此件)已?(?:经)?(?:废止|失效)"
)

# --- what is said of other documents ---------------------------------------------------------------------------------

_NAMED = re.compile(
    rf"(?P<title>《[^《》]{{2,160}}》)(?:\s*[（(](?P<number>[^（）()]{{0,30}}?{_BRACKETED}|[^（）()]{{2,30}}第\s*{NUMERAL}\s*号)[^（）()]{{0,30}}[）)])?"
    rf"|(?P<alone>{NUMBER})"
)
_REPEALING = re.compile(
    r"(?:同时|即行|相应|一并|自行|均|予以|全部|届时|现行)?(?:宣布)?(?:废止|停止执行|停止使用|不再执行|终止执行|失效)"
)
_NOT_REPEALING = re.compile(r"(?:未|尚未|不得|没有|不予|是否|可以|应当|建议|拟)[^，。；]{0,6}$")
_REPEAL_TITLE = re.compile(r"关于.*?(?:废止|宣布失效|停止执行)")
_AMEND_TITLE = re.compile(r"关于.*?(?:修改|修订|修正)(?!情况)")
_INNER_TITLE = re.compile(r"[《〈]([^《》〈〉]{3,120})[》〉]")
_AMENDING = re.compile(
    r"(?:对|将)\s*《(?P<title>[^《》]{3,120})》[^。；\n]{0,30}?(?:作(?:如下|以下|出)|予以|进行)?(?:修改|修订)"
)
_SENTENCE = re.compile(r"[^。；\n]+[。；]?")
_LIST_LINE = re.compile(rf"(?:[（(]?{NUMERAL}[）)]?\s*[、.．)]?\s*)?")

# --- who says it -----------------------------------------------------------------------------------------------------

_NATIONAL = re.compile(
    r"^(?:中华人民共和国(?!\S{0,6}(?:省|市|自治区))|国务院|全国人民代表大会|全国人大|中共中央|中央|国家|最高人民(?:法院|检察院)"
    r"|(?:外交|国防|教育|科学技术|科技|工业和信息化|公安|民政|司法|财政|人力资源和?社会保障|自然资源|生态环境|住房和?城乡建设|交通运输|水利"
    r"|农业农村|商务|文化和旅游|退役军人事务|应急管理)部|海关总署|中国(?:人民银行|证券监督|银行保险|证监会|银保监会))"
)
_MUNICIPALITY = r"(?:北京|天津|上海|重庆)市?"
_AREA = re.compile(
    rf"(?P<province>[\u4e00-\u9fff]{{2,3}}省|[\u4e00-\u9fff]{{2,8}}?自治区|{_MUNICIPALITY}|[\u4e00-\u9fff]{{2}}特别行政区)?"
    r"(?P<city>[\u4e00-\u9fff]{2,8}?(?:自治州|地区|盟|市))?"
    r"(?P<county>[\u4e00-\u9fff]{1,8}?(?:自治县|[县区旗]))?"
    r"(?P<town>[\u4e00-\u9fff]{1,8}?(?:街道|[镇乡]))?"
)


@dataclass(frozen=True)
class Part:
    """A part of an official document, `text[start:end]`; `kind` is one of number, title, addressee, body, attachments, signature,
    date, annex, imprint."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class _Line:
    start: int
    end: int
    text: str  # without markup and white space at its ends


def given_metadata(values: object, name: str) -> Metadata:
    """What the front matter of a file, or a file beside it, gives: a mapping as YAML's base loader reads it.

    Raises:
        InputError: it is no mapping, has a key that is not known, or a value that is no text.
    """
    if not isinstance(values, dict):
        raise InputError(f"the front matter of {name} is not a list of 'key: value' lines")
    known = {field.name for field in fields(Metadata)} - {"sources"}
    unknown = sorted(set(map(str, values)) - known)
    if unknown:
        raise InputError(
            f"the front matter of {name} has unknown keys {', '.join(unknown)}: known are {', '.join(sorted(known))}"
        )
    given: dict[str, str | tuple[str, ...]] = {}
    for key, value in values.items():
        items = value if isinstance(value, list) and key in _LISTS else [value] if value or key not in _LISTS else []
        for item in items:
            if not isinstance(item, str):
                raise InputError(f"{key!r} in the front matter of {name} is {item!r}: give plain text")
        given[key] = tuple(items) if key in _LISTS else value
    return Metadata(**given)  # type: ignore[arg-type]  # by field: the keys are checked above


def parts(text: str) -> tuple[Part, ...]:
    """The parts of an official document in text order; none for a text of another kind.

    It is one when its head has a 发文字号, or it ends in a signature with its date and has an addressee or a title of the kind.
    """
    lines = _lines(text)
    if not lines:
        return ()
    head = lines[:_HEAD]
    numbered = next((i for i, line in enumerate(head) if _NUMBER_LINE.fullmatch(line.text)), None)
    after = 0 if numbered is None else numbered + 1
    addressed = next(
        (i for i in range(after, len(head)) if _ADDRESSEE.fullmatch(head[i].text) and _ADDRESSED.search(head[i].text)),
        None,
    )
    title = _title_lines(head, after, addressed) or (_title_lines(head, 0, numbered) if numbered else None)
    begin = max(after, 0 if addressed is None else addressed + 1, 0 if title is None else title[1] + 1)
    dated = _date_line(lines, begin)
    signed = dated is not None and _signature(lines, dated, begin) < dated
    if numbered is None and not (
        signed and (addressed is not None or (title is not None and "关于" in lines[title[0]].text))
    ):
        return ()
    return tuple(sorted(_parts(lines, numbered, title, addressed, begin, dated), key=lambda part: part.start))


def _parts(
    lines: Sequence[_Line],
    numbered: int | None,
    title: tuple[int, int] | None,
    addressed: int | None,
    begin: int,
    dated: int | None,
) -> Iterator[Part]:
    for kind, i in (("number", numbered), ("addressee", addressed), ("date", dated)):
        if i is not None:
            yield Part(kind, lines[i].start, lines[i].end)
    if title is not None:
        yield Part("title", lines[title[0]].start, lines[title[1]].end)
    signature = len(lines) if dated is None else _signature(lines, dated, begin)
    if dated is not None and signature < dated:
        yield Part("signature", lines[signature].start, lines[dated - 1].end)
    stop = signature if dated is not None else len(lines)
    attached = next((i for i in range(begin, stop) if re.match(r"附件\s*[：:]", lines[i].text)), stop)
    if begin < attached:
        yield Part("body", lines[begin].start, lines[attached - 1].end)
    if attached < stop:
        yield Part("attachments", lines[attached].start, lines[stop - 1].end)
    for line in lines[(dated + 1 if dated is not None else len(lines)) :]:
        if _IMPRINT.match(line.text):
            yield Part("imprint", line.start, line.end)
        elif _ANNEX.fullmatch(line.text):
            yield Part("annex", line.start, line.end)


def _lines(text: str) -> list[_Line]:
    found, start = [], 0
    for line in text.split("\n"):
        if line.strip():
            found.append(_Line(start, start + len(line), re.sub(r"^[#>\s　]+|\*\*", "", line).strip()))
        start += len(line) + 1
    return found


def _title_lines(lines: Sequence[_Line], first: int, stop: int | None) -> tuple[int, int] | None:
    """First and last line of a title of up to three lines that ends in the name of a kind of document."""
    for last in range(first, min(len(lines) if stop is None else stop, first + 6)):
        if _TITLE.fullmatch(lines[last].text) and _KIND.search(lines[last].text):
            begin = last
            while (
                begin > first
                and last - begin < 2
                and "关于" not in lines[begin].text
                and _goes_on(lines[begin - 1].text)
            ):
                begin -= 1
            return begin, last
    return None


def _goes_on(line: str) -> bool:
    """Whether a line may be the beginning of a title, not a red head or a number."""
    is_title = _TITLE.fullmatch(line) is not None and len(line) <= _SHORT and not _NUMBER_LINE.fullmatch(line)
    return is_title and not line.endswith("文件") and ("关于" in line or _SIGNATURE.fullmatch(line) is not None)


def _date_line(lines: Sequence[_Line], begin: int) -> int | None:
    """The line of the date under the signature: the first date that stands alone behind the beginning of the body."""
    for i in range(begin, len(lines)):
        if _DATE_LINE.fullmatch(lines[i].text) and (_signature(lines, i, begin) < i or i >= len(lines) - 3):
            return i
    return None


def _signature(lines: Sequence[_Line], dated: int, begin: int) -> int:
    """The first of the lines above the date that name who signs; `dated` without any."""
    first = dated
    while (
        first > begin
        and dated - first < 6
        and len(lines[first - 1].text) <= _SHORT
        and _SIGNATURE.fullmatch(lines[first - 1].text)
    ):
        first -= 1
    return first


# --- metadata --------------------------------------------------------------------------------------------------------


def metadata_of(text: str, given: Metadata) -> Metadata:
    """`given`, where it is empty filled with what the canonical text of an official document or a law says of itself."""
    official = parts(text)
    lines = _lines(text)
    law = clauses(text)
    if not official and not law:
        return given
    found = _Found(given)
    by_kind: dict[str, Part] = {}
    if (
        law
        and not official
        and (title := _title_lines([line for line in lines[:3] if line.start < law[0].start], 0, None))
    ):
        by_kind["title"] = Part("title", lines[title[0]].start, lines[title[1]].end)
    for part in official:
        by_kind.setdefault(part.kind, part)
    _say_head(found, text, by_kind, lines)
    _say_dates(found, text, by_kind, lines)
    _say_others(found, text, by_kind)
    _say_issuer(found, text, by_kind, lines)
    return found.metadata


class _Found:
    """Metadata as it is filled: a field that has a value keeps it."""

    def __init__(self, given: Metadata) -> None:
        self.metadata = given

    def say(self, field: str, value: str | tuple[str, ...], start: int, end: int) -> None:
        if value and not getattr(self.metadata, field):
            source = MetadataSource(field, start, end)
            changes: Mapping[str, object] = {field: value, "sources": (*self.metadata.sources, source)}
            self.metadata = replace(self.metadata, **changes)  # type: ignore[arg-type]

    def say_each(self, field: str, named: Sequence[tuple[str, int, int]]) -> None:
        """As `say`, for names with the span of each."""
        if getattr(self.metadata, field):
            return
        first: dict[str, MetadataSource] = {}
        for name, start, end in named:
            first.setdefault(name, MetadataSource(field, start, end))
        changes: Mapping[str, object] = {field: tuple(first), "sources": (*self.metadata.sources, *first.values())}
        self.metadata = replace(self.metadata, **changes)  # type: ignore[arg-type]


def _say_head(found: _Found, text: str, by_kind: Mapping[str, Part], lines: Sequence[_Line]) -> None:
    if (part := by_kind.get("number")) and (match := _NUMBER_LINE.search(text, part.start, part.end)):
        found.say("number", _squeezed(match["number"]), *match.span("number"))
    if part := by_kind.get("title"):
        title = _squeezed(re.sub(r"[#*]", "", text[part.start : part.end]))
        found.say("title", title, part.start, part.end)
    if part := by_kind.get("title"):
        title = _squeezed(text[part.start : part.end])
        if match := _KIND.search(title):
            found.say("kind", match["kind"], part.start, part.end)
        if match := _ABOUT.search(title):
            found.say("subject", match["subject"].strip("《》"), part.start, part.end)
    for line in lines[-_TAIL:]:
        if match := re.match(r"主题词[：:]\s*(.{2,80})", line.text):
            found.say("subject", match[1].strip(), line.start, line.end)


def _say_dates(found: _Found, text: str, by_kind: Mapping[str, Part], lines: Sequence[_Line]) -> None:
    head_end = lines[min(_HEAD, len(lines)) - 1].end
    tail_start = lines[max(0, len(lines) - _TAIL)].start
    if match := _SIGNED.search(text, 0, head_end):
        found.say("signed", read_date(match["date"]), *match.span("date"))
    if part := by_kind.get("date"):
        found.say("signed", read_date(text[part.start : part.end]), part.start, part.end)
    for start, end in ((0, head_end), (tail_start, len(text))):
        if match := _PUBLISHED.search(text, start, end):
            name = "labelled" if match["labelled"] else "passed"
            if name == "labelled" or start == 0:
                found.say("published", read_date(match[name]), *match.span(name))
    for line in lines[-_TAIL:]:
        if (match := _IMPRINT.match(line.text)) and match["date"]:
            found.say("published", read_date(match["date"]), line.start, line.end)
    m = found.metadata
    if (effective := _effective(text, m.published or m.signed)) is not None:
        found.say("effective", *effective)
    m = found.metadata
    if (expiry := _expiry(text, m.effective or m.published or m.signed)) is not None:
        found.say("expires", *expiry)
    if match := _REPEALED.search(text, 0, head_end):
        found.say("repealed", read_date(match["date"]) if match["date"] else YES, *match.span())


def _effective(text: str, issued: str) -> tuple[str, int, int] | None:
    """The last sentence of the text that says from when it holds itself; not one about another document."""
    best = None
    for match in _EFFECTIVE.finditer(text):
        before = re.split(r"[。；\n]", text[max(0, match.start() - 80) : match.start()])[-1]
        of_other = re.search(r"《[^》]*》[^，]{0,6}$", before) and not re.search(_SELF, before)
        # Of a clause or a part alone: 第三条自……起施行.
        if of_other or re.search(r"第[一二三四五六七八九十百\d]+[条款项章]\S{0,6}$", before):
            continue
        first = read_date(match["date"] or match["labelled"] or "") if not match["issued"] else issued
        if first and match["days"] and len(first) == 10:
            count = number_of(match["days"])
            first = (
                days_after(last_day_of(first, months=count), 1)
                if "月" in (match["unit"] or "")
                else days_after(first, count)
                if match["unit"] == "日"
                else ""
            )
        if first:
            best = (first, match.start(), match.end())
            if match["labelled"]:
                break
    return best


def _expiry(text: str, first: str) -> tuple[str, int, int] | None:
    """Until when the text says that it holds itself: beside the day from which it does, or of 本办法; a licence has a term, too."""
    follows = False  # the sentence before said from when it holds
    for sentence in _SENTENCE.finditer(text):
        words = sentence.group()
        begins = _EFFECTIVE.search(words) is not None
        is_own = begins or _OWN_TERM.match(words) or (follows and _TERM.match(words))
        match = _UNTIL.search(words) if is_own else None
        follows = begins
        if match is None:
            continue
        span = sentence.start() + match.start(), sentence.start() + match.end()
        if until := match["date"] or match["until"] or match["ends"]:
            return read_date(until), *span
        years = number_of(match["years"]) if match["years"] else 0
        months = number_of(match["months"]) if match["months"] else 0
        if len(first) == 10 and (0 < years <= 30 or 0 < months <= 60):
            return last_day_of(first, years=years, months=months), *span
    return None


def _say_others(found: _Found, text: str, by_kind: Mapping[str, Part]) -> None:
    title = text[by_kind["title"].start : by_kind["title"].end] if "title" in by_kind else found.metadata.title
    found.say_each("repeals", sorted(_repeals(text, title), key=lambda named: named[1]))
    found.say_each("amends", list(_amends(text, title, by_kind)))


def _repeals(text: str, title: str) -> Iterator[tuple[str, int, int]]:
    """The documents that a text says are repealed, each with the span that names it."""
    if _REPEAL_TITLE.search(title):
        for match in _NAMED.finditer(text):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if match["title"] and _LIST_LINE.fullmatch(line) and match.group() not in title:
                yield _name(match), match.start(), match.end()
    for sentence in _SENTENCE.finditer(text):
        words = sentence.group()
        act = next((m for m in _REPEALING.finditer(words) if not _NOT_REPEALING.search(words[: m.start()])), None)
        if act is None or "的《" in words[act.end() : act.end() + 2]:
            continue
        for match in _NAMED.finditer(words, 0, act.start()):
            between = words[match.end() : act.start()]
            # 《甲》第三条同时废止 repeals a part; 根据《甲》，《乙》同时废止 the second alone.
            if re.search(r"第[一二三四五六七八九十百\d]+[条款项]", between[:12]) or _GROUNDS.search(
                words[: match.start()]
            ):
                continue
            if re.search(r"(?:与|和)?(?:本|该).{0,10}(?:不一致|相抵触)", between):
                continue
            yield _name(match), sentence.start() + match.start(), sentence.start() + match.end()


_GROUNDS = re.compile(r"(?:根据|依照|依据|按照|执行|适用|参照)[^，。；]{0,10}$")


def _amends(text: str, title: str, by_kind: Mapping[str, Part]) -> Iterator[tuple[str, int, int]]:
    if _AMEND_TITLE.search(title):
        start = by_kind["title"].start if "title" in by_kind else 0
        for match in _INNER_TITLE.finditer(title):
            yield f"《{match[1]}》", start, start + len(title)
    for match in _AMENDING.finditer(text):
        yield f"《{match['title']}》", match.start(), match.end()


def _name(match: re.Match[str]) -> str:
    """How a document is named: 《title》, 《title》（number） or number."""
    if match["alone"]:
        return _squeezed(match["alone"])
    number = f"（{_squeezed(match['number'])}）" if match["number"] else ""
    return _squeezed(match["title"]) + number


def _say_issuer(found: _Found, text: str, by_kind: Mapping[str, Part], lines: Sequence[_Line]) -> None:
    if part := by_kind.get("signature"):
        names = [_squeezed(line) for line in re.split(r"\n|[\s　]{2,}", text[part.start : part.end]) if line.strip()]
        found.say("issuer", "、".join(names), part.start, part.end)
    if (part := by_kind.get("title")) and (
        match := re.match(rf"({_ORGANISATION})关于", _squeezed(text[part.start : part.end]))
    ):
        found.say("issuer", match[1], part.start, part.end)
    for line in lines[:3]:
        if (match := re.fullmatch(rf"({_ORGANISATION})(?:文件|令|公告)", line.text)) is not None:
            found.say("issuer", match[1], line.start, line.end)
    issuer = found.metadata.issuer
    span = next(((s.start, s.end) for s in found.metadata.sources if s.field == "issuer"), None)
    if issuer and span is not None:
        region, level = place_of(issuer)
        found.say("region", region, *span)
        found.say("level", level, *span)


def place_of(issuer: str) -> tuple[str, str]:
    """Region and level of an issuer by its name; empty where the name does not tell."""
    name = issuer.removeprefix("中共")
    if _NATIONAL.match(name):
        return "全国", LEVELS[0]
    match = _AREA.match(name)
    if match is None or not match.group():
        return "", ""
    for group, level in (("town", 4), ("county", 3), ("city", 2), ("province", 1)):
        if match[group]:
            return match.group(), LEVELS[level]
    return "", ""


def level_of(metadata: Metadata) -> str:
    """The level of a document's issuer, as given or by the issuer's name; empty when unknown."""
    return metadata.level or place_of(metadata.issuer)[1]


def _squeezed(text: str) -> str:
    return re.sub(r"[\s　]+", "", text)
