"""A handout as a Word file (Office Open XML) with real footnotes; the same bytes for the same handout.

Written by hand: a handful of parts, see ECMA-376, part 1: 11.3.7 (footnotes), 17.11 (references to them), 17.16.5.43 (NOTEREF).
"""

import io
import re
import zipfile
from xml.sax.saxutils import escape

from service.handout import FAILED, Handout, Statement

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# Nothing that XML 1.0 cannot hold comes through.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)

_PARTS = ("document", "styles", "settings", "footnotes")
_CONTENT_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types">'
    f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_TYPE}.document.main+xml"/>'
    + "".join(f'<Override PartName="/word/{part}.xml" ContentType="{_TYPE}.{part}+xml"/>' for part in _PARTS[1:])
    + '<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
    "</Types>"
)
_ROOT = (
    f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    f'<Relationship Id="r2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
    "</Relationships>"
)
_LINKS = (
    f'<Relationships xmlns="{_PACKAGE}/relationships">'
    + "".join(
        f'<Relationship Id="r{i}" Type="{_OFFICE}/{part}" Target="{part}.xml"/>'
        for i, part in enumerate(_PARTS[1:], start=1)
    )
    + "</Relationships>"
)
_SETTINGS = (
    f'<w:settings xmlns:w="{_MAIN}"><w:footnotePr><w:footnote w:id="-1"/><w:footnote w:id="0"/></w:footnotePr>'
    '<w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
    "</w:compat></w:settings>"
)


def _style(kind: str, name: str, shown: str, paragraph: str = "", run: str = "", default: bool = False) -> str:
    based = "" if default or kind == "character" else '<w:basedOn w:val="Normal"/>'
    return (
        f'<w:style w:type="{kind}" w:styleId="{name}"{" w:default=" + chr(34) + "1" + chr(34) if default else ""}>'
        f'<w:name w:val="{shown}"/>{based}<w:qFormat/>'
        f"{f'<w:pPr>{paragraph}</w:pPr>' if paragraph else ''}{f'<w:rPr>{run}</w:rPr>' if run else ''}</w:style>"
    )


_HEADING_FONT = '<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:eastAsia="黑体"/>'
_STYLES = (
    f'<w:styles xmlns:w="{_MAIN}"><w:docDefaults><w:rPrDefault><w:rPr>'
    '<w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:cs="Times New Roman" w:eastAsia="宋体"/>'
    '<w:sz w:val="24"/><w:szCs w:val="24"/><w:lang w:val="en-US" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault></w:docDefaults>'
    + _style("paragraph", "Normal", "Normal", '<w:spacing w:after="120" w:line="360" w:lineRule="auto"/>', default=True)
    + _style(
        "paragraph",
        "Title",
        "Title",
        '<w:spacing w:before="120" w:after="300"/><w:jc w:val="center"/>',
        _HEADING_FONT + '<w:b/><w:sz w:val="34"/>',
    )
    + _style("paragraph", "Notice", "Notice", run='<w:color w:val="7C500D"/>')
    + _style(
        "paragraph", "About", "About", '<w:spacing w:before="360"/>', '<w:color w:val="666666"/><w:sz w:val="19"/>'
    )
    + _style(
        "paragraph",
        "FootnoteText",
        "footnote text",
        '<w:spacing w:after="40" w:line="260" w:lineRule="auto"/>',
        '<w:sz w:val="19"/>',
    )
    + _style("character", "FootnoteReference", "footnote reference", run='<w:vertAlign w:val="superscript"/>')
    + "</w:styles>"
)
_PAGE = (
    '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/>'
    '<w:pgMar w:top="1440" w:right="1588" w:bottom="1440" w:left="1588" w:header="851" w:footer="992" w:gutter="0"/></w:sectPr>'
)
_REFERENCE = '<w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr>'


def word(given: Handout) -> bytes:
    """The file; A4, with a footnote for each note."""
    title = _text(given.title)
    core = (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title><dc:creator>政问</dc:creator></cp:coreProperties>"
    )
    parts = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _ROOT,
        "docProps/core.xml": core,
        "word/document.xml": f'<w:document xmlns:w="{_MAIN}"><w:body>{_body(given)}{_PAGE}</w:body></w:document>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{_MAIN}">{_footnotes(given)}</w:footnotes>',
        "word/settings.xml": _SETTINGS,
        "word/styles.xml": _STYLES,
        "word/_rels/document.xml.rels": _LINKS,
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        for name, xml in parts.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 0
            package.writestr(entry, (_XML + xml).encode())
    return made.getvalue()


def _body(given: Handout) -> str:
    paragraphs = [_paragraph(_run(given.title), "Title")]
    if given.understood:
        paragraphs.append(_paragraph(_run(f"理解为：{given.understood}"), "Notice"))
    if given.notice:
        paragraphs.append(_paragraph(_run(given.notice), "Notice"))
    referred: set[int] = set()
    for said in given.statements:
        paragraphs.append(_paragraph(_statement(said, referred)))
        referred |= set(said.notes)
    return "".join([*paragraphs, _paragraph(_run(given.about), "About")])


def _statement(said: Statement, referred: set[int]) -> str:
    """A footnote is made by its first reference; those that follow are cross-references to that one, as Word makes them."""
    runs = [_run(said.text)]
    for i, number in enumerate(said.notes):
        if i:
            runs.append(_run("、", _REFERENCE))
        if number in referred:
            runs += [
                f'<w:r>{_REFERENCE}<w:fldChar w:fldCharType="begin"/></w:r>',
                f'<w:r>{_REFERENCE}<w:instrText xml:space="preserve"> NOTEREF _Note{number} \\h </w:instrText></w:r>',
                f'<w:r>{_REFERENCE}<w:fldChar w:fldCharType="separate"/></w:r>',
                _run(str(number), _REFERENCE),
                f'<w:r>{_REFERENCE}<w:fldChar w:fldCharType="end"/></w:r>',
            ]
        else:
            reference = f'<w:r>{_REFERENCE}<w:footnoteReference w:id="{number}"/></w:r>'
            mark = f'w:id="{number}"'
            runs.append(f'<w:bookmarkStart {mark} w:name="_Note{number}"/>{reference}<w:bookmarkEnd {mark}/>')
    if not said.holds:
        runs.append(_run(FAILED, '<w:rPr><w:b/><w:color w:val="A3352B"/></w:rPr>'))
    return "".join(runs)


def _footnotes(given: Handout) -> str:
    rules = "".join(
        f'<w:footnote w:type="{kind}" w:id="{number}"><w:p><w:r><w:{mark}/></w:r></w:p></w:footnote>'
        for number, kind, mark in (
            (-1, "separator", "separator"),
            (0, "continuationSeparator", "continuationSeparator"),
        )
    )
    notes = (
        f'<w:footnote w:id="{number}">'
        + _paragraph(f"<w:r>{_REFERENCE}<w:footnoteRef/></w:r>" + _run(" " + note.line), "FootnoteText")
        + "</w:footnote>"
        for number, note in enumerate(given.notes, start=1)
    )
    return rules + "".join(notes)


def _paragraph(runs: str, style: str = "") -> str:
    return f"<w:p>{f'<w:pPr><w:pStyle w:val={chr(34)}{style}{chr(34)}/></w:pPr>' if style else ''}{runs}</w:p>"


def _run(text: str, properties: str = "") -> str:
    lines = (f'<w:t xml:space="preserve">{_text(line)}</w:t>' for line in text.split("\n"))
    return f"<w:r>{properties}{'<w:br/>'.join(lines)}</w:r>"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
