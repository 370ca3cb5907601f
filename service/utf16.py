"""Offsets as JavaScript counts them."""


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units: a character outside the basic plane counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
