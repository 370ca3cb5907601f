"""Signs of Microsoft's symbol fonts, which Office files keep as private-use characters or bare codes → Unicode."""

import re

_GREEK = dict(
    zip(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ",
        strict=True,
    )
)
_SYMBOL = {
    **{code: chr(code) for code in range(0x20, 0x7F)},
    **_GREEK,
    **{0x2A: "∗", 0x2D: "−", 0xA2: "′", 0xA3: "≤", 0xA5: "∞", 0xAB: "↔", 0xAC: "←", 0xAD: "↑", 0xAE: "→", 0xAF: "↓"},
    **{0xB0: "°", 0xB1: "±", 0xB2: "″", 0xB3: "≥", 0xB4: "×", 0xB5: "∝", 0xB6: "∂", 0xB7: "•", 0xB8: "÷", 0xB9: "≠"},
    **{0xBA: "≡", 0xBB: "≈", 0xBC: "…", 0xC7: "∩", 0xC8: "∪", 0xCE: "∈", 0xD0: "∠", 0xD1: "∇", 0xD5: "∏", 0xD6: "√"},
    **{0xD7: "⋅", 0xDE: "⇒", 0xE5: "∑", 0xF2: "∫"},
}
_WINGDINGS = {
    **{0x28: "☎", 0x2A: "✉", 0x46: "☞", 0x4A: "☺", 0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x72: "❒", 0x74: "◆"},
    **{0x75: "◆", 0x76: "❖", 0x77: "◆", 0x9E: "·", 0x9F: "•", 0xA1: "○", 0xA7: "▪", 0xA8: "☐", 0xAB: "★", 0xD8: "➢"},
    **{0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"},
    **{0x81 + i: chr(ord("①") + i) for i in range(10)},
    **{0x8C + i: chr(ord("❶") + i) for i in range(10)},
}
_WINGDINGS_2 = {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x97: "●", 0xA2: "■", 0xA3: "☐"}
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}


_PRIVATE = re.compile("[\uf000-\uf0ff]")


def shown_in(font: str, text: str) -> str:
    """What `text` shows in `font`: itself in ordinary fonts; of signs that are kept as private-use characters only the known."""
    signs = _FONTS.get(font.lower())
    if signs is None:
        return (
            _PRIVATE.sub(lambda match: "•" if match.group() == "\uf0b7" else "", text)
            if _PRIVATE.search(text)
            else text
        )
    return "".join(_sign(signs, char) for char in text)


def _sign(signs: dict[int, str], char: str) -> str:
    is_private = _PRIVATE.match(char) is not None
    if not is_private and ord(char) > 0xFF:
        return char
    return signs.get(ord(char) & 0xFF, "" if is_private else char)
