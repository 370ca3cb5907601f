"""Numbers of a spreadsheet → the text that its cell shows, by number format codes (ECMA-376 part 1, 18.8.30 and 18.8.31)."""

import calendar
import datetime
import math
import operator
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from indexer.formats.numerals import numeral

# Formats that files name by number only, as a Chinese Excel shows them.
_DATE, _MONTH, _DAY = 'yyyy"年"m"月"d"日"', 'yyyy"年"m"月"', 'm"月"d"日"'
_CLOCK, _SECONDS = 'h"时"mm"分"', 'h"时"mm"分"ss"秒"'
BUILT_IN = {
    **{0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 49: "@"},
    **{5: "¥#,##0;¥-#,##0", 6: "¥#,##0;¥-#,##0", 7: "¥#,##0.00;¥-#,##0.00", 8: "¥#,##0.00;¥-#,##0.00", 48: "##0.0E+0"},
    **{14: "yyyy/m/d", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm"},
    **{21: "h:mm:ss", 22: "yyyy/m/d h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 30: "m-d-yy"},
    **{37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00", 40: "#,##0.00;-#,##0.00"},
    **{41: "#,##0;-#,##0", 42: "¥#,##0;¥-#,##0", 43: "#,##0.00;-#,##0.00", 44: "¥#,##0.00;¥-#,##0.00"},
    **dict.fromkeys((27, 36, 50, 52, 57), _MONTH),
    **dict.fromkeys((28, 29, 51, 53, 54, 58), _DAY),
    **{31: _DATE, 32: _CLOCK, 33: _SECONDS},
    **dict.fromkeys((34, 55), "上午/下午" + _CLOCK),
    **dict.fromkeys((35, 56), "上午/下午" + _SECONDS),
}
_MAX_CODE = 255  # what Excel itself takes
_TOKEN = re.compile(
    r'"([^"]*)"?|\\(.)|_.|\*.|\[([^\]]*)\]|(General)|(AM/PM|A/P|上午/下午)|(E[+-])|(y+|m+|d+|h+|s+|a{3,4}|e+)|([0#?])|([.,%/@])|(.)',
    re.IGNORECASE | re.DOTALL,
)
_PIECE = re.compile(r'"[^"]*"?|\\.|\[[^\]]*\]|.', re.DOTALL)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)")
_HOLDS = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
_PRECISE = Context(prec=1_000, rounding=ROUND_HALF_UP)
_MONTHS = tuple(calendar.month_name)[1:]
_WEEKDAYS = tuple(calendar.day_name)
_LAST_DAY = 2_958_466  # the first serial number behind the year 9999


@dataclass(frozen=True)
class _Token:
    """One sign of a format code; `kind` is literal, elapsed, half (of the day), date, digit, exponent, sign or general."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Section:
    tokens: tuple[_Token, ...]
    condition: tuple[str, float] | None
    numerals: str  # the form of `numerals.numeral` that DBNum asks for, or nothing

    @property
    def is_date(self) -> bool:
        return any(token.kind in ("date", "elapsed") for token in self.tokens)


def shown(value: float, code: str, *, from_1904: bool = False) -> str:
    """The text of a cell that holds `value` under a format code; the plain number where the code cannot be followed.

    Raises:
        ValueError: `value` is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number of a cell")
    if code == "General":
        return general(value)
    section, keeps_sign = _chosen(_sections(code[:_MAX_CODE]), value)
    if section.is_date:
        return _date(value, section, from_1904)
    if any(token.kind == "general" for token in section.tokens) or not section.tokens:
        return "".join(
            (_spelled(abs(value), section) or general(abs(value))) if token.kind == "general" else token.text
            for token in (_Token("literal", "-" if value < 0 and keeps_sign else ""), *section.tokens)
        )
    return _number(value if keeps_sign else abs(value), section)


def general(value: float) -> str:
    """A number as a cell without a format shows it: whole numbers in full, others to eleven signs."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.10g}"
    return text if "e" in text else text.rstrip("0").rstrip(".") if "." in text else text


def is_text(code: str) -> bool:
    """Whether a format shows whatever was typed."""
    return code == "@"


@lru_cache(maxsize=256)
def _sections(code: str) -> tuple[_Section, ...]:
    return tuple(_section(part) for part in _split(code))


def _split(code: str) -> list[str]:
    """The sections of a code, which semicolons part that are neither quoted nor escaped."""
    parts = [""]
    for piece in _PIECE.findall(code):
        if piece == ";":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _section(code: str) -> _Section:
    tokens: list[_Token] = []
    condition = None
    form = ""
    for match in _TOKEN.finditer(code):
        quoted, escaped, bracket, whole, half, exponent, date, digit, sign, other = match.groups()
        if bracket is not None:
            found = _CONDITION.fullmatch(bracket)
            if found:
                condition = (found.group(1), float(found.group(2)))
            elif re.fullmatch(r"h+|m+|s+", bracket, re.IGNORECASE):
                tokens.append(_Token("elapsed", bracket.lower()))
            elif bracket.startswith("$"):
                tokens.append(_Token("literal", bracket[1:].partition("-")[0]))
            elif bracket.lower().startswith("dbnum"):
                form = {"1": "chineseCountingThousand", "2": "chineseLegalSimplified"}.get(bracket[5:], "")
        elif whole:
            tokens.append(_Token("general", ""))
        elif half:
            tokens.append(_Token("half", half))
        elif date:
            tokens.append(_Token("date", date.lower()))
        elif digit:
            tokens.append(_Token("digit", digit))
        elif exponent:
            tokens.append(_Token("exponent", exponent))
        elif sign:
            tokens.append(_Token("sign", sign))
        else:
            tokens.append(_Token("literal", quoted or escaped or other or ""))
    return _Section(tuple(tokens), condition, form)


def _chosen(sections: tuple[_Section, ...], value: float) -> tuple[_Section, bool]:
    """The section for a value, and whether a minus is to be set (a section for negatives shows them its own way)."""
    if any(section.condition for section in sections):
        for section in sections:
            if section.condition is None or _HOLDS[section.condition[0]](value, section.condition[1]):
                return section, True
        return sections[-1], True
    if value < 0 and len(sections) > 1:
        return sections[1], False
    if value == 0 and len(sections) > 2:
        return sections[2], False
    return sections[0], True


def _spelled(value: float, section: _Section) -> str:
    """A whole number in Chinese numerals, if the section asks for them."""
    if section.numerals and value == int(value) and 0 < value <= 9999:
        return numeral(int(value), section.numerals)
    return ""


def _number(value: float, section: _Section) -> str:
    tokens = section.tokens
    digits = [i for i, token in enumerate(tokens) if token.kind == "digit"]
    signs = [token.text for token in tokens if token.kind == "sign"]
    if not digits:
        return "".join(general(value) if t.text == "@" else t.text for t in tokens)
    if "/" in signs and all(tokens[i].text != "0" for i in digits):
        return general(value)  # vulgar fractions
    exponent = next((i for i, token in enumerate(tokens) if token.kind == "exponent"), len(tokens))
    point = next((i for i, t in enumerate(tokens) if t == _Token("sign", ".") and i < exponent), None)
    end = len(tokens) if exponent == len(tokens) else exponent
    whole = [i for i in digits if i < (end if point is None else point)]
    part = [i for i in digits if point is not None and point < i < end]
    last = max((i for i in digits if i < end), default=-1)
    commas = [i for i, token in enumerate(tokens) if token == _Token("sign", ",")]
    scale = sum(1 for i in commas if i > last or (point is not None and whole and whole[-1] < i < point))
    groups = any(whole and whole[0] < i < whole[-1] for i in commas)
    number = _PRECISE.create_decimal(repr(abs(value))).scaleb(
        2 * min(signs.count("%"), 9) - 3 * min(scale, 9), _PRECISE
    )
    power = 0
    if exponent < len(tokens) and number:
        power = number.adjusted()
        number = number.scaleb(-power, _PRECISE)
    number = number.quantize(Decimal(1).scaleb(-len(part)), context=_PRECISE)
    if exponent < len(tokens) and number >= 10:
        number, power = number.scaleb(-1).quantize(Decimal(1).scaleb(-len(part)), context=_PRECISE), power + 1
    before, _, after = f"{number:f}".partition(".")
    before = before.lstrip("0").rjust(sum(tokens[i].text == "0" for i in whole), "0")
    optional = len(part) - max((n + 1 for n, i in enumerate(part) if tokens[i].text == "0"), default=0)
    kept = len(after.rstrip("0")) if optional else len(after)
    after = after[: max(kept, len(part) - optional)]
    spelled = _spelled(float(number), section)
    text = "-" if value < 0 and (number or power) else ""
    used = 0
    for i, token in enumerate(tokens):
        if i in whole:
            place = len(whole) - whole.index(i)  # digits from here to the point
            here = (
                before[: max(0, len(before) - place + 1)] if i == whole[0] else before[-place : len(before) - place + 1]
            )
            if groups or spelled:
                here = (spelled or f"{int(before or 0):,}".rjust(len(before), "0")) if i == whole[0] and before else ""
            text += here
        elif i in part:
            text += after[used : used + 1]
            used += 1
        elif i == point:
            text += "."
        elif i == exponent:
            width = sum(1 for j in digits if j > exponent)
            sign = "-" if power < 0 else "+" if token.text.endswith("+") else ""
            text += f"E{sign}{abs(power):0{width}d}"
        elif token.kind == "sign":
            text += token.text if token.text in "%/" else ""
        elif token.kind == "literal":
            text += token.text
    return text


def _date(value: float, section: _Section, from_1904: bool) -> str:
    if not 0 <= value < _LAST_DAY:
        return general(value)
    tokens = section.tokens
    clock = [token for token in tokens if token.kind in ("date", "elapsed", "half")]
    # To the second: what a float keeps of a time is a little off. With halves below a second none are shown rounded up.
    seconds = round(value * 86400)
    epoch = datetime.datetime(1904, 1, 1) if from_1904 else datetime.datetime(1899, 12, 30)
    if not from_1904 and value < 60:
        epoch += datetime.timedelta(days=1)  # Excel counts a 29 February 1900 that never was
    moment = epoch + datetime.timedelta(seconds=seconds)
    has_halves = any(token.kind == "half" for token in tokens)
    text = ""
    seen = 0
    for token in tokens:
        if token.kind not in ("date", "elapsed", "half"):
            text += token.text if token.kind == "literal" or token.text in "./,-" else ""
            continue
        before = clock[seen - 1].text[0] if seen else ""
        after = clock[seen + 1].text[0] if seen + 1 < len(clock) else ""
        seen += 1
        if token.kind == "elapsed":
            unit = {"h": 3600, "m": 60, "s": 1}[token.text[0]]
            text += f"{seconds // unit:0{len(token.text)}d}"
        elif token.kind == "half":
            names = token.text.split("/")
            text += names[moment.hour >= 12]
        else:
            is_minute = token.text[0] == "m" and (before == "h" or after == "s")
            text += _field(moment, token.text, is_minute, has_halves, section.numerals)
    return text


def _field(moment: datetime.datetime, code: str, is_minute: bool, has_halves: bool, form: str) -> str:
    length = len(code)
    match code[0]:
        case "y" | "e":
            year = f"{moment.year % 100:02d}" if length <= 2 and code[0] == "y" else str(moment.year)
            return numeral(int(year), "ideographDigital") if form and length > 2 else year
        case "a":
            return ("星期" if length == 4 else "") + "一二三四五六日"[moment.weekday()]
        case "m" if not is_minute and length > 2:
            name = _MONTHS[moment.month - 1]
            return name if length == 4 else name[: 1 if length == 5 else 3]
        case "d" if length > 2:
            name = _WEEKDAYS[moment.weekday()]
            return name if length > 3 else name[:3]
        case "m":
            number = moment.minute if is_minute else moment.month
        case "d":
            number = moment.day
        case "h":
            number = (moment.hour % 12 or 12) if has_halves else moment.hour
        case _:
            number = moment.second
    return numeral(number, form) if form and number else f"{number:0{min(length, 2)}d}"
