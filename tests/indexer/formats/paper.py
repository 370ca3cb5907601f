"""A small typesetter, and writers of what it sets as PDF and as OFD: files in which every character's place is known."""

import random
import struct
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

A4 = (595.0, 842.0)
_NO_START = "。，、；：！？）》」”’…—%"
_NO_END = "（《「“‘"
_THEMES = (
    "数据要素",
    "港口物流",
    "乡村旅游",
    "智能制造",
    "水环境",
    "社区养老",
    "职业教育",
    "城市更新",
    "算力网络",
    "绿色建筑",
)
_ACTORS = (
    "市发展改革委",
    "各区人民政府",
    "有关行业协会",
    "云江港务集团",
    "市大数据中心",
    "重点企业",
    "高等院校",
    "街道办事处",
)
_ACTS = (
    "建立台账并逐月更新",
    "开展抽样核查",
    "公布评估结果",
    "组织专题培训",
    "完善配套标准",
    "安排专项资金",
    "推广成熟做法",
    "压缩办理时限",
)
_AIMS = (
    "提高服务效率",
    "防范安全风险",
    "降低企业成本",
    "方便群众办事",
    "扩大有效投资",
    "保护耕地和水源",
    "培育新的增长点",
)


def prose(rng: random.Random, sentences: int) -> str:
    """A paragraph of invented sentences with figures, quotation marks, brackets and Latin words in them."""
    parts = []
    for _ in range(sentences):
        theme, actor, act, aim = (rng.choice(words) for words in (_THEMES, _ACTORS, _ACTS, _AIMS))
        parts.append(
            rng.choice(
                (
                    f"{actor}应当围绕{theme}{act}，以{aim}。",
                    f"到{rng.randint(2024, 2035)}年，{theme}领域投资达到{rng.randint(2, 990)}.{rng.randint(1, 9)}亿元，增长{rng.randint(2, 40)}%。",
                    f"《云江市{theme}促进办法》（以下简称《办法》）施行后，{actor}{act}，{aim}；逾期未完成的，说明理由。",
                    f"推动{theme}与“{rng.choice(_THEMES)}”融合，{act}、{rng.choice(_ACTS)}，{aim}，不得增加基层负担。",
                    f"{actor}建设 {rng.choice(('open data', 'cloud computing', 'AI', 'digital twin'))} 平台，{act}，{aim}。",
                )
            )
        )
    return "".join(parts)


@dataclass(frozen=True)
class Run:
    """Characters on a baseline: where each starts, in points from the page's top left corner."""

    text: str
    xs: tuple[float, ...]
    y: float
    size: float
    bold: bool = False


@dataclass
class Paper:
    """A page; `rules` are lines from (x0, y0) to (x1, y1)."""

    width: float = A4[0]
    height: float = A4[1]
    runs: list[Run] = field(default_factory=list)
    rules: list[tuple[float, float, float, float]] = field(default_factory=list)
    has_image: bool = False


@dataclass(frozen=True)
class Look:
    """How a text is set: lengths in points, `pitch`, `indent`, `gap` and `gutter` in sizes of type."""

    size: float = 12.0
    pitch: float = 1.6
    indent: float = 2.0
    gap: float = 0.0
    left: float = 80.0
    right: float = 80.0
    top: float = 90.0
    bottom: float = 90.0
    columns: int = 1
    gutter: float = 2.0
    justified: bool = True
    head: str = ""
    foot: str = ""  # with {page}


def advance(char: str) -> float:
    """Width of a character in sizes of type."""
    return 0.5 if ord(char) < 0x2000 else 1.0


def at(text: str, x: float, y: float, size: float, *, bold: bool = False) -> Run:
    """A run that starts at `x`."""
    xs = [x]
    for char in text[:-1]:
        xs.append(xs[-1] + advance(char) * size)
    return Run(text, tuple(xs), y, size, bold)


def compose(blocks: Iterable[tuple[str, str]], look: Look) -> list[Paper]:
    """Pages of (kind, text) blocks; the kinds are `p` for paragraphs, `h1` (large, in the middle) and `h2` for headings."""
    width = (A4[0] - look.left - look.right - (look.columns - 1) * look.gutter * look.size) / look.columns
    papers = [Paper()]
    column, y = 0, look.top

    def place(height: float) -> tuple[float, float]:
        nonlocal column, y
        if y + height > A4[1] - look.bottom:
            column, y = column + 1, look.top
            if column == look.columns:
                papers.append(Paper())
                column = 0
        y += height
        return look.left + column * (width + look.gutter * look.size), y

    for kind, text in blocks:
        size = look.size * {"p": 1.0, "h1": 1.8, "h2": 1.25}[kind]
        indent = look.indent * look.size if kind == "p" else 0.0
        lines = _broken(text, size, width, indent)
        for i, line in enumerate(lines):
            natural = sum(map(advance, line)) * size
            x, baseline = place(look.pitch * size)
            first = indent if i == 0 else 0.0
            if kind == "h1":
                first = (width - natural) / 2
            is_last = i == len(lines) - 1
            # Space goes where a line may be broken, not into words and figures.
            stretches = [advance(a) == 1 or advance(b) == 1 or " " in (a, b) for a, b in pairwise(line)]
            is_stretched = look.justified and not is_last and kind == "p"
            extra = (width - first - natural) / sum(stretches) if is_stretched else 0.0
            xs = [x + first]
            for char, stretch in zip(line, stretches, strict=False):
                xs.append(xs[-1] + advance(char) * size + extra * stretch)
            papers[-1].runs.append(Run(line, tuple(xs), baseline, size, kind != "p"))
        y += look.gap * look.size
    for number, paper in enumerate(papers, start=1):
        for text, height in ((look.head, 50.0), (look.foot.format(page=number), A4[1] - 45)):
            if text:
                paper.runs.append(at(text, (A4[0] - sum(map(advance, text)) * 9) / 2, height, 9.0))
    return papers


def _broken(text: str, size: float, width: float, indent: float) -> list[str]:
    """Lines of a text, as full as the rules for punctuation and Latin words allow."""
    units: list[str] = []
    for char in text:
        before = units[-1] if units else ""
        is_latin = before and all(c < "\u2000" and c != " " for c in (before[-1], char))
        if before and (is_latin or char in _NO_START or before[-1] in _NO_END):
            units[-1] += char
        else:
            units.append(char)
    lines = [""]
    for unit in units:
        room = width - (indent if len(lines) == 1 else 0.0)
        if lines[-1] and sum(map(advance, (lines[-1] + unit).rstrip())) * size > room + 0.01:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += unit if lines[-1] or unit != " " else ""
    return lines


def pdf(
    papers: Sequence[Paper],
    *,
    info: dict[str, str] | None = None,
    outline: Sequence[tuple[str, int]] = (),
    rotate: int = 0,
    encrypted: bool = False,
    mapped: bool = True,
) -> bytes:
    """A PDF file; `outline` are titles with 1-based pages. `mapped`: its font says which characters it draws."""
    chars = sorted({char for paper in papers for run in paper.runs for char in run.text})
    code = {char: i for i, char in enumerate(chars, start=1)}
    objects: list[bytes] = []

    def add(content: str, stream: bytes | None = None) -> int:
        body = content.encode("latin-1")
        if stream is not None:
            body = body[:-2] + b" /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream"
        objects.append(body)
        return len(objects)

    n_fixed = 2  # the catalogue and the page tree, filled in at the end
    objects.extend([b"", b""])
    widths = " ".join(f"{i} [{round(1000 * advance(char))}]" for char, i in code.items())
    pairs = [f"<{i:04x}> <{char.encode('utf-16-be').hex()}>" for char, i in code.items()]
    blocks = [pairs[i : i + 100] for i in range(0, len(pairs), 100)]
    listing = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    to_unicode = add(
        "<< >>",
        (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
            f"1 begincodespacerange <0000> <ffff> endcodespacerange\n{listing}\nendcmap end end"
        ).encode(),
    )
    to_glyph = add("<< >>", b"\0\0" + b"".join(b"\0\1" if advance(char) == 1 else b"\0\2" for char in chars))
    program = add("<< >>", _font())
    fonts = []
    for name in ("SimSun", "SimHei"):
        flags = f"/Type /FontDescriptor /FontName /{name} /Flags 4 /FontBBox [0 -120 1000 880] /ItalicAngle 0"
        descriptor = add(f"<< {flags} /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 /FontFile2 {program} 0 R >>")
        system = "<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        kind = f"/Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDSystemInfo {system}"
        child = add(f"<< {kind} /FontDescriptor {descriptor} 0 R /CIDToGIDMap {to_glyph} 0 R /DW 1000 /W [{widths}] >>")
        mapping = f"/ToUnicode {to_unicode} 0 R" if mapped else ""
        kind = f"/Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H"
        fonts.append(add(f"<< {kind} /DescendantFonts [{child} 0 R] {mapping} >>"))
    image = add(
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 >>", b"\x80"
    )
    pages = []
    for paper in papers:
        drawn = [f"q {paper.width} 0 0 {paper.height} 0 0 cm /I1 Do Q"] if paper.has_image else []
        for x0, y0, x1, y1 in paper.rules:
            drawn.append(f"0.8 w {x0} {paper.height - y0} m {x1} {paper.height - y1} l S")
        for run in paper.runs:
            shown = f"<{code[run.text[0]]:04x}>"
            for (before, x), (char, next_x) in pairwise(zip(run.text, run.xs, strict=True)):
                shift = 1000 * (advance(before) - (next_x - x) / run.size)
                shown += f" {shift:.2f} <{code[char]:04x}>"
            start = f"1 0 0 1 {run.xs[0]:.3f} {paper.height - run.y:.3f} Tm"
            drawn.append(f"BT /F{1 + run.bold} {run.size} Tf {start} [{shown}] TJ ET")
        content = add("<< >>", "\n".join(drawn).encode())
        used = f"/Font << /F1 {fonts[0]} 0 R /F2 {fonts[1]} 0 R >> /XObject << /I1 {image} 0 R >>"
        box = f"/MediaBox [0 0 {paper.width} {paper.height}] /Rotate {rotate}"
        pages.append(
            add(f"<< /Type /Page /Parent {n_fixed} 0 R {box} /Resources << {used} >> /Contents {content} 0 R >>")
        )
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(f'{page} 0 R' for page in pages)}] /Count {len(pages)} >>".encode()
    marks = ""
    if outline:
        first = len(objects) + 2
        top = add(
            f"<< /Type /Outlines /First {first} 0 R /Last {first + len(outline) - 1} 0 R /Count {len(outline)} >>"
        )
        for i, (title, page) in enumerate(outline):
            siblings = (f"/Prev {first + i - 1} 0 R " if i else "") + (
                f"/Next {first + i + 1} 0 R " if i + 1 < len(outline) else ""
            )
            add(f"<< /Title {_hex(title)} /Parent {top} 0 R {siblings}/Dest [{pages[page - 1]} 0 R /Fit] >>")
        marks = f"/Outlines {top} 0 R"
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {marks} >>".encode()
    trailer = "/Root 1 0 R"
    if info:
        trailer += f" /Info {add('<< ' + ' '.join(f'/{key} {_hex(value)}' for key, value in info.items()) + ' >>')} 0 R"
    if encrypted:
        secret = f"<< /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >>"
        trailer += f" /Encrypt {add(secret)} 0 R /ID [<{'33' * 16}> <{'33' * 16}>]"
    out = BytesIO()
    out.write(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(f"trailer << /Size {len(objects) + 1} {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def _font() -> bytes:
    """A TrueType font of three glyphs: nothing, a full square and half of one."""

    def box(width: int) -> bytes:
        corners = struct.pack(">5h", 1, 40, -80, width - 40, 820) + struct.pack(">HH", 3, 0) + b"\1" * 4
        steps = struct.pack(">8h", 40, 0, width - 80, 0, -80, 900, 0, -900)
        return corners + steps

    glyphs = [b"", box(1000), box(500)]
    offsets = [sum(map(len, glyphs[:i])) // 2 for i in range(len(glyphs) + 1)]
    tables = {
        b"glyf": b"".join(glyphs),
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh", 65536, 65536, 0, 0x5F0F3CF5, 3, 1000, 0, 0, 0, -120, 1000, 880, 0, 8, 2, 0, 0
        ),
        b"hhea": struct.pack(
            ">IhhhHhhhhhh4hhH", 65536, 880, -120, 0, 1000, 0, 0, 1000, 1, 0, 0, 0, 0, 0, 0, 0, len(glyphs)
        ),
        b"hmtx": struct.pack(">6h", 0, 0, 1000, 40, 500, 40),
        b"loca": struct.pack(f">{len(offsets)}H", *offsets),
        b"maxp": struct.pack(">I14H", 65536, len(glyphs), 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    out = struct.pack(">IHHHH", 65536, len(tables), 64, 2, 32)
    start = len(out) + 16 * len(tables)
    body = b""
    for tag, data in sorted(tables.items()):
        out += tag + struct.pack(">III", 0, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    return out + body


def _hex(text: str) -> str:
    return f"<feff{text.encode('utf-16-be').hex()}>"


_SPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'
_MM = 25.4 / 72


def ofd(
    papers: Sequence[Paper],
    *,
    info: dict[str, str] | None = None,
    outline: Sequence[tuple[str, int]] = (),
    parts: dict[str, bytes] | None = None,
) -> bytes:
    """An OFD file; `parts` replace or add parts of it."""
    described = "".join(f"<ofd:{key}>{escape(value)}</ofd:{key}>" for key, value in (info or {}).items())
    width, height = papers[0].width * _MM, papers[0].height * _MM
    listed = "".join(f'<ofd:Page ID="{i}" BaseLoc="Pages/Page_{i}/Content.xml"/>' for i in range(len(papers)))
    marks = "".join(
        f'<ofd:OutlineElem Title={quoteattr(title)}><ofd:Actions><ofd:Action Event="CLICK"><ofd:Goto>'
        f'<ofd:Dest Type="Fit" PageID="{page - 1}"/></ofd:Goto></ofd:Action></ofd:Actions></ofd:OutlineElem>'
        for title, page in outline
    )
    content = {
        "OFD.xml": f"<ofd:OFD {_SPACE} DocType='OFD' Version='1.1'><ofd:DocBody><ofd:DocInfo>{described}</ofd:DocInfo>"
        "<ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {_SPACE}><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 {width} {height}"
        "</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData>"
        f"<ofd:Pages>{listed}</ofd:Pages><ofd:Outlines>{marks}</ofd:Outlines></ofd:Document>",
        "Doc_0/PublicRes.xml": f"<ofd:Res {_SPACE} BaseLoc='Res'><ofd:Fonts><ofd:Font ID='1' FontName='宋体'/>"
        "<ofd:Font ID='2' FontName='黑体'/></ofd:Fonts></ofd:Res>",
    }
    for i, paper in enumerate(papers):
        content[f"Doc_0/Pages/Page_{i}/Content.xml"] = _ofd_page(paper)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in ({name: text.encode() for name, text in content.items()} | (parts or {})).items():
            archive.writestr(name, data)
    return out.getvalue()


def _ofd_page(paper: Paper) -> str:
    drawn = []
    for run in paper.runs:
        x, y, size = run.xs[0] * _MM, (run.y - run.size) * _MM, run.size * _MM
        steps = " ".join(f"{(b - a) * _MM:.4f}" for a, b in pairwise(run.xs))
        drawn.append(
            f'<ofd:TextObject Boundary="{x:.4f} {y:.4f} {size * len(run.text):.4f} {size * 1.2:.4f}" Font="{1 + run.bold}" '
            f'Size="{size:.4f}"><ofd:TextCode X="0" Y="{size:.4f}" DeltaX="{steps}">{escape(run.text)}</ofd:TextCode></ofd:TextObject>'
        )
    for x0, y0, x1, y1 in paper.rules:
        drawn.append(
            f'<ofd:PathObject Boundary="{x0 * _MM:.4f} {y0 * _MM:.4f} {(x1 - x0) * _MM:.4f} {(y1 - y0) * _MM:.4f}">'
            f"<ofd:AbbreviatedData>M 0 0 L {(x1 - x0) * _MM:.4f} {(y1 - y0) * _MM:.4f}</ofd:AbbreviatedData></ofd:PathObject>"
        )
    if paper.has_image:
        drawn.append('<ofd:ImageObject Boundary="0 0 210 297" ResourceID="9"/>')
    return f"<ofd:Page {_SPACE}><ofd:Content><ofd:Layer>{''.join(drawn)}</ofd:Layer></ofd:Content></ofd:Page>"
