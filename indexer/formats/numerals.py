"""Numbers of lists in the forms that Word, PowerPoint and HTML know, named as in WordprocessingML."""

from indexer.numerals import in_chinese, spoken

_DIGITS = "〇一二三四五六七八九"
_LEGAL_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_LEGAL_DIGITS_TRADITIONAL = "零壹貳參肆伍陸柒捌玖"
_CYCLES = {
    "ideographTraditional": "甲乙丙丁戊己庚辛壬癸",
    "ideographZodiac": "子丑寅卯辰巳午未申酉戌亥",
}
# The first character of each run of signs that Unicode has for a number, and how many there are.
_SIGNS = {
    "decimalEnclosedCircle": (("①", 20), ("㉑", 15), ("㊱", 15)),
    "decimalEnclosedCircleChinese": (("①", 20), ("㉑", 15), ("㊱", 15)),
    "decimalEnclosedParen": (("⑴", 20),),
    "decimalEnclosedFullstop": (("⒈", 20),),
    "ideographEnclosedCircle": (("㊀", 10),),
}
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc")),
    *((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MAX_ROMAN = 3999


def numeral(value: int, form: str) -> str:
    """`value` written in `form`; in Arabic digits where the form is unknown or has no sign for it."""
    if value < 0:
        return str(value)
    match form:
        case "none" | "bullet":
            return ""
        case "decimalZero":
            return f"{value:02d}"
        case "upperLetter" | "lowerLetter":
            letters = _letters(value)
            return letters.upper() if form == "upperLetter" else letters
        case "upperRoman" | "lowerRoman":
            roman = _roman(value)
            return roman.upper() if form == "upperRoman" else roman
        case "chineseCounting" | "taiwaneseCounting" | "japaneseCounting":
            return _tens(value) if value < 100 else _by_digit(value, _DIGITS)
        case "chineseCountingThousand" | "taiwaneseCountingThousand":
            return in_chinese(value) if 1 <= value <= 9999 else _by_digit(value, "零" + _DIGITS[1:])
        case "chineseLegalSimplified" | "ideographLegalTraditional":
            digits = _LEGAL_DIGITS if form == "chineseLegalSimplified" else _LEGAL_DIGITS_TRADITIONAL
            return spoken(value, digits, "拾佰仟") if 1 <= value <= 9999 else _by_digit(value, digits)
        case "ideographDigital" | "japaneseDigitalTenThousand" | "taiwaneseDigital":
            return _by_digit(value, _DIGITS)
        case "decimalFullWidth" | "decimalFullWidth2":
            return _by_digit(value, "０１２３４５６７８９")
    if form in _CYCLES and value:
        cycle = _CYCLES[form]
        return cycle[(value - 1) % len(cycle)]
    rest = value
    for first, count in _SIGNS.get(form, ()):
        if 1 <= rest <= count:
            return chr(ord(first) + rest - 1)
        rest -= count
    return str(value)


def _by_digit(value: int, digits: str) -> str:
    return "".join(digits[int(digit)] for digit in str(value))


def _letters(value: int) -> str:
    """a … z, aa, bb, … as word processors count; web pages go on with ab, which no list of ours reaches."""
    if not 1 <= value <= 780:
        return str(value)
    return chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)


def _roman(value: int) -> str:
    if not 1 <= value <= _MAX_ROMAN:
        return str(value)
    text = ""
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        text += letters * count
    return text


def _tens(value: int) -> str:
    tens, ones = divmod(value, 10)
    if not tens:
        return _DIGITS[ones]
    return (_DIGITS[tens] if tens > 1 else "") + "十" + (_DIGITS[ones] if ones else "")
