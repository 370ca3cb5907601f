"""Equations of Office files (OMML) → one line of text, as one would type it: (a+b)/c, x^2, √(x)."""

import xml.etree.ElementTree as ET

from indexer.formats.package import M

_SKIPPED = frozenset(
    f"{M}{name}"
    for name in (
        "rPr",
        "fPr",
        "sSubPr",
        "sSupPr",
        "sSubSupPr",
        "radPr",
        "naryPr",
        "dPr",
        "accPr",
        "ctrlPr",
        "mPr",
        "eqArrPr",
    )
)


def linear(element: ET.Element) -> str:
    """Text of an `m:oMath` or of any element inside one."""

    def part(name: str) -> str:
        child = element.find(f"{M}{name}")
        return "" if child is None else linear(child)

    def sign(path: str, default: str) -> str:
        found = element.find(path)
        return default if found is None else found.get(f"{M}val", default)

    match element.tag.removeprefix(M):
        case "t":
            return element.text or ""
        case "f":
            return f"{_grouped(part('num'))}/{_grouped(part('den'))}"
        case "sSup":
            return f"{part('e')}^{_grouped(part('sup'))}"
        case "sSub":
            return f"{part('e')}_{_grouped(part('sub'))}"
        case "sSubSup":
            return f"{part('e')}_{_grouped(part('sub'))}^{_grouped(part('sup'))}"
        case "rad":
            return f"{part('deg')}√{_grouped(part('e'))}"
        case "nary":
            sub, sup = part("sub"), part("sup")
            bounds = (f"_{_grouped(sub)}" if sub else "") + (f"^{_grouped(sup)}" if sup else "")
            return sign(f"{M}naryPr/{M}chr", "∫") + bounds + part("e")
        case "d":
            inner = sign(f"{M}dPr/{M}sepChr", "|").join(linear(child) for child in element.iterfind(f"{M}e"))
            return sign(f"{M}dPr/{M}begChr", "(") + inner + sign(f"{M}dPr/{M}endChr", ")")
        case "m" | "eqArr":
            rows = element.iterfind(f"{M}mr") if element.tag == f"{M}m" else element.iterfind(f"{M}e")
            return "; ".join(linear(row) for row in rows)
        case "mr":
            return ", ".join(linear(child) for child in element.iterfind(f"{M}e"))
        case "func":
            return f"{part('fName')} {part('e')}" if part("e")[:1].isalnum() else part("fName") + part("e")
    return "".join(
        linear(child) if child.tag.startswith(M) else _other(child) for child in element if child.tag not in _SKIPPED
    )


def _other(element: ET.Element) -> str:
    """Text of what Word keeps inside an equation for other reasons, such as tracked insertions."""
    if element.tag.endswith(("}del", "}moveFrom", "}rPr")):
        return ""
    return "".join(linear(child) if child.tag.startswith(M) else _other(child) for child in element)


def _grouped(text: str) -> str:
    """A part in brackets when it is more than one word or number, so that the line keeps its meaning."""
    text = text.strip()
    is_single = all(char.isalnum() or char in ".%" for char in text)
    is_bracketed = text.startswith("(") and text.endswith(")") and text.count("(") == 1
    return text if is_single or is_bracketed else f"({text})"
