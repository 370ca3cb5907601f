"""Text as the formats hold it → text as a reader sees it, one paragraph a line."""

import re

# Zero-width characters, direction marks, soft hyphens and control characters: nobody sees them, and they break matches.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0e-\x1b\x7f]")
_SPACES = re.compile("[ \t\r\n\x0b\x0c\x1c-\x1f\x85\u00a0\u2002-\u200a\u2028\u2029\u202f\u205f]+")
_MAX_TITLE = 120
_UNFINISHED = ("，", "、")
_CHINESE = re.compile("[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_PLACEHOLDER_TITLE = re.compile(
    r"microsoft (?:word|powerpoint|excel) - .*|untitled.*|无标题.*|未命名.*|新建.*|title|标题"
    r"|(?:word |excel )?document\s*\d*|doc\d*|book\s*\d*|sheet\s*\d*|slide\s*\d*|presentation\s*\d*|powerpoint presentation"
    r"|文档\s*\d*|工作簿\s*\d*|(?:powerpoint )?演示文稿\s*\d*|幻灯片\s*\d*|.*\.(?:docx?|pptx?|xlsx?|pdf|wps|tmp|dot|html?)"
    r"|[\W\d_]*",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """The text as one line: every run of spaces, tabs and line ends one space, nothing invisible, no space at the ends.

    Full-width spaces inside stay: official documents set them between the number of an article and its text.
    """
    if text.isalnum():
        return text  # most cells of most tables
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip(" \u3000")


def is_chinese(char: str) -> bool:
    """Whether a character is an ideograph or a full-width sign, next to which a line end means no space."""
    return _CHINESE.match(char) is not None


def joined(lines: list[str]) -> str:
    """Lines that were broken for looks as one line, with a space only where neither side is Chinese."""
    text = ""
    for line in filter(None, map(clean, lines)):
        space = "" if not text or is_chinese(text[-1]) or is_chinese(line[0]) else " "
        text += space + line
    return text


def paragraphs(text: str, *, is_title: bool) -> list[str]:
    """The paragraphs of a text whose `\\n` are soft line ends.

    In a heading or a few centred words they only shape it. Elsewhere each ends a paragraph, as in text that came from a web
    page, unless the line stops at a comma.
    """
    lines = list(filter(None, map(clean, text.split("\n"))))
    if is_title and sum(map(len, lines)) <= _MAX_TITLE and not any("。" in line for line in lines):
        return [joined(lines)] if lines else []
    found: list[str] = []
    for line in lines:
        if found and found[-1].endswith(_UNFINISHED):
            found[-1] = joined([found[-1], line])
        else:
            found.append(line)
    return found


def usable_title(text: str) -> str:
    """A title from a file's properties, or nothing where a program put its own words or the file's name there."""
    title = clean(text)
    return "" if _PLACEHOLDER_TITLE.fullmatch(title) or "\ufffd" in title or len(title) > 200 else title
