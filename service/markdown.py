"""Text that stays text where Markdown is read."""

import re

# What Markdown or HTML in it would take for more than text, wherever it stands or at the beginning of a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~&!]|^(?:[-+=]|\d+(?=[.)]))")


def escaped(line: str) -> str:
    r"""The line as Markdown shows it: what would mark it up has a `\` in front, a number at its beginning behind it."""
    return _MARKUP.sub(lambda found: found[0] + "\\" if found[0].isdecimal() else "\\" + found[0], line.strip())
