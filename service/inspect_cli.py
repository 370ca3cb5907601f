"""`zhengwen inspect FILE`: what a file would be in the index, in the terminal and as a page."""

import html
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from indexer.corpus import read_sources, source_of
from indexer.document import Document, Metadata, Passage, Place, Section
from indexer.errors import InputError
from indexer.files import Reading
from indexer.outline import outline
from indexer.passages import cut
from service.settings import Settings

_FIELDS = {
    "title": "标题",
    "source_title": "来源标题",
    "issuer": "发文机关",
    "authors": "作者",
    "region": "地区",
    "published": "发布日期",
    "kind": "种类",
    "period": "时期",
    "note": "说明",
    "number": "发文字号",
    "signed": "成文日期",
    "effective": "施行日期",
    "expires": "有效期至",
    "repealed": "废止日期",
    "level": "发文机关层级",
    "subject": "主题",
    "repeals": "废止的文件",
    "amends": "修订的文件",
}
_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.7 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{opacity:.7}dd{margin:0}
.passage{border:1px solid #8886;border-radius:6px;margin:1rem 0;padding:.2rem 1rem}
.about,.place{font-size:.8rem;opacity:.75}.about{border-bottom:1px solid #8883;overflow-wrap:anywhere}
.line{display:grid;grid-template-columns:9rem 1fr;gap:1rem;margin:.3rem 0}
.line span+span{white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
.heading{font-weight:600}.break{color:#c33}li.problem,.problem{color:#c33}
"""


@dataclass(frozen=True)
class Inspected:
    """A file, or one in it, with what the index would hold of it; without a document there are neither sections nor passages."""

    reading: Reading
    sections: tuple[Section, ...] = ()
    passages: tuple[Passage, ...] = ()


def inspect(
    file: Annotated[Path, typer.Argument(help="A file of any format that is read.", show_default=False)],
    as_html: Annotated[Path | None, typer.Option("--html", help="Write a page to this file instead.")] = None,
) -> None:
    """Show what a file would be in the index: its text with places, outline, passages, metadata and warnings."""
    found = inspected(file, Settings())
    if as_html is None:
        print("\n".join(line for item in found for line in _lines(item)))  # noqa: T201
    else:
        as_html.write_text(page(file.name, found), encoding="utf-8")
    if any(item.reading.is_error for item in found):
        raise typer.Exit(1)


def inspected(file: Path, settings: Settings) -> list[Inspected]:
    """The files in a file, read as for the index.

    Raises:
        InputError: there is no such file, it is too large, or its format is not read.
    """
    if not file.is_file():
        raise InputError(f"there is no file {file}")
    source = source_of(file, file.name, settings.file_limits)
    if source is None:
        raise InputError(f"the format of {file} is not read")
    ((*readings,),) = read_sources([source], settings.file_limits)
    return [_inspected(reading) for reading in readings]


def _inspected(reading: Reading) -> Inspected:
    if (document := reading.document) is None:
        return Inspected(reading)
    return Inspected(reading, tuple(outline(document.text, document.headings)), tuple(cut(document)))


def _lines(item: Inspected) -> Iterator[str]:
    """For the terminal."""
    reading, document = item.reading, item.reading.document
    if document is None:
        yield f"{reading.path}: {'NOT INDEXED' if reading.is_error else 'passed over'}: {reading.problem}"
        return
    pages = f", {reading.pages} pages" if reading.pages else ""
    yield f"{reading.path}: {reading.kind}{pages}, {len(document.text)} characters, {len(item.passages)} passages"
    yield from (f"warning: {warning}" for warning in reading.warnings)
    yield "\nMetadata"
    sources = {source.field: document.text[source.start : source.end] for source in document.metadata.sources}
    for name, value in _said(document.metadata):
        says = f"  ← {sources[name]!r}" if name in sources else ""
        yield f"  {name}: {value}{says}"
    yield "\nOutline"
    for section in item.sections:
        yield f"  {'  ' * (section.depth - 1)}{section.title}"
    yield "\nText and passages"
    for passage in item.passages:
        yield f"  ── {passage.start}–{passage.end} {' › '.join(passage.section)}"
        for start, line in _text_lines(document, passage):
            yield f"  {_words(document.places.at(start)):>14} │ {line}"
    yield ""


def _said(metadata: Metadata) -> Iterator[tuple[str, str]]:
    for field in fields(metadata):
        value = getattr(metadata, field.name)
        if value and field.name != "sources":
            yield field.name, value if isinstance(value, str) else "、".join(value)


def _text_lines(document: Document, passage: Passage) -> Iterator[tuple[int, str]]:
    """Each line of a passage with the offset of its first character."""
    start = passage.start
    for line in document.text[passage.start : passage.end].split("\n"):
        yield start, line
        start += len(line) + 1


def _words(place: Place) -> str:
    """A place in Chinese; empty for none."""
    sheet = "" if place.sheet is None else f"《{place.sheet}》"
    numbered = (
        (place.page, "第{}页"),
        (place.slide, "第{}张"),
        (place.paragraph, "第{}段"),
        (place.row, "第{}行"),
        (place.line, "第{}行"),
    )
    return sheet + "".join(form.format(number) for number, form in numbered if number is not None)


def page(name: str, found: list[Inspected]) -> str:
    """One HTML page, which loads nothing and runs nothing."""
    body = "".join(_article(item) for item in found)
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(name)}</title><style>{_STYLE}</style></head><body>\n{body}</body></html>\n"
    )


def _article(item: Inspected) -> str:
    reading, document = item.reading, item.reading.document
    head = f"<article><h1>{html.escape(reading.path)}</h1>"
    if document is None:
        return f'{head}<p class="problem">未收入索引：{html.escape(reading.problem)}</p></article>\n'
    pages = f"，{reading.pages} 页" if reading.pages else ""
    head += f"<p>{reading.kind}{pages}，{len(document.text)} 字，{len(item.passages)} 个段落</p>"
    if reading.warnings:
        head += "<h2>提示</h2><ul>" + "".join(f"<li>{html.escape(w)}</li>" for w in reading.warnings) + "</ul>"
    sources = {source.field: document.text[source.start : source.end] for source in document.metadata.sources}
    rows = "".join(
        f"<dt>{html.escape(_FIELDS.get(field, field))}</dt><dd>{html.escape(value)}"
        + (f' <span class="place">原文：{html.escape(sources[field])}</span>' if field in sources else "")
        + "</dd>"
        for field, value in _said(document.metadata)
    )
    tree = "".join(
        f'<div style="padding-left:{section.depth - 1}em">{html.escape(section.title)}</div>'
        for section in item.sections
    )
    passages = "".join(
        _passage(document, passage, {section.start for section in item.sections}) for passage in item.passages
    )
    return f"{head}<h2>元数据</h2><dl>{rows}</dl><h2>目录</h2>{tree or '<p>没有标题。</p>'}<h2>正文与段落</h2>{passages}</article>\n"


def _passage(document: Document, passage: Passage, headings: set[int]) -> str:
    lines = "".join(
        f'<div class="line{" heading" if start in headings else ""}"><span class="place">{html.escape(_words(document.places.at(start)))}'
        f"</span><span>{_marked(document, start, line)}</span></div>"
        for start, line in _text_lines(document, passage)
    )
    about = f"{passage.start}–{passage.end} {html.escape(' › '.join(passage.section))}"
    return f'<section class="passage"><div class="about">{about}</div>{lines}</section>'


def _marked(document: Document, start: int, line: str) -> str:
    """A line with a mark wherever something of the original was left out."""
    mark = '<span class="break" title="此处略去页眉、页脚或页码">⁝</span>'
    return mark.join(html.escape(document.text[a:b]) for a, b in document.unbroken(start, start + len(line)))
