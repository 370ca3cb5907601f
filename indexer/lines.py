"""Lines of canonical text, which are its paragraphs, headings, list items and table rows."""


def line_start(text: str, offset: int) -> int:
    """Offset of the first character of the line that holds `offset`."""
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """Offset of the line end at or behind `offset`, or of the end of the text."""
    end = text.find("\n", offset)
    return len(text) if end < 0 else end


def is_row(line: str) -> bool:
    """Whether a line is a row of a table, in Markdown or with tabs."""
    return line.startswith("|") or "\t" in line
