"""One invented policy, written in every format that is read, with the place where each answer stands known."""

import csv
import io
import zipfile
from email.message import EmailMessage
from functools import cache
from io import BytesIO

import docx
import pptx
import xlsxwriter

from tests.indexer.formats.paper import Look, Paper, compose, ofd, pdf

TITLE = "云江市雨水花园建设管理办法"
GRANT = "对验收合格的雨水花园，市财政按每平方米260元给予补助，单个项目补助最高不超过80万元。"
CHECK = "区园林部门每年汛期之前组织一次检查，检查结果在15个工作日内向社会公布。"
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "一、总体要求",
        (
            "雨水花园是种植灌木和花草、用来收集和净化雨水的浅凹绿地，由区园林部门负责日常养护。",
            "新建居住区应当同步设计雨水花园，旧城改造项目有条件的可以补建，建设方案向街道备案。",
        ),
    ),
    ("二、建设标准", ("雨水花园的蓄水深度为二十厘米，雨停之后两天以内应当排空，防止蚊虫滋生。",)),
    ("三、资金补助", (GRANT, "补助资金分两次拨付，开工拨付四成，验收合格再拨付其余部分。")),
    ("四、监督检查", (CHECK,)),
)
TABLE = (
    ("区县", "建设任务（座）", "完成时间", "补助资金（万元）"),
    ("东湾区", "14", "2026年6月", "325"),
    ("西滩区", "9", "2026年9月", "218"),
    ("北屿县", "6", "2027年3月", "147"),
)
QUESTION = "雨水花园单个项目补助最高多少万元？"
ANSWER = "80万元"
TABLE_QUESTION = "西滩区雨水花园的补助资金是多少万元？"
TABLE_ANSWER = "218"


def _papers() -> list[Paper]:
    """Two pages: what is granted stands at the top of the second."""
    blocks = [("h1", TITLE)]
    pages = []
    for heading, texts in SECTIONS:
        if heading == "三、资金补助":
            pages += compose(blocks, Look())
            blocks = []
        blocks += [("h2", heading), *(("p", text) for text in texts)]
    return pages + compose(blocks, Look())


def pdf_file() -> bytes:
    return pdf(_papers())


def ofd_file() -> bytes:
    return ofd(_papers())


@cache  # the time stands in the file
def word_file() -> bytes:
    """The grant is the eighth paragraph: the title, two headings and three paragraphs stand above its own heading."""
    document = docx.Document()
    document.add_heading(TITLE, 0)
    for heading, texts in SECTIONS:
        document.add_heading(heading, 1)
        for text in texts:
            document.add_paragraph(text)
    table = document.add_table(rows=len(TABLE), cols=len(TABLE[0]))
    for i, row in enumerate(TABLE):
        for j, cell in enumerate(row):
            table.cell(i, j).text = cell
    return _saved(document)


def slides_file() -> bytes:
    """A title and one slide for each section: the grant is on the fourth."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    slide.shapes.title.text = TITLE
    for heading, texts in SECTIONS:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = heading
        slide.placeholders[1].text = "\n".join(texts)
    return _saved(deck)


def workbook_file() -> bytes:
    """Two sheets; on the second a title, then the names of the columns in row 2."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        notes = book.add_worksheet("说明")
        for i, (heading, texts) in enumerate(SECTIONS):
            notes.write(i, 0, heading + "：" + "".join(texts))
        tasks = book.add_worksheet("任务分解")
        tasks.merge_range(0, 0, 0, len(TABLE[0]) - 1, "雨水花园建设任务分解表")
        for i, row in enumerate(TABLE, start=1):
            for j, cell in enumerate(row):
                tasks.write(i, j, int(cell) if cell.isdigit() else cell)
    return file.getvalue()


def csv_file() -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows(TABLE)
    return file.getvalue().encode("gb18030")


def page_file(encoding: str = "gb18030") -> bytes:
    body = "\n".join(
        f"<h2>{heading}</h2>\n" + "\n".join(f"<p>{text}</p>" for text in texts) for heading, texts in SECTIONS
    )
    rows = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in TABLE)
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="{encoding}"><title>{TITLE}</title></head><body>\n'
        f"<nav><a href=/>首页</a> <a href=/b>政务公开</a></nav>\n<h1>{TITLE}</h1>\n{body}\n<table>\n{rows}\n</table>\n"
        "<footer>版权所有 云江市园林局</footer></body></html>\n"
    ).encode(encoding)


def saved_page_file() -> bytes:
    message = EmailMessage()
    message["Subject"] = TITLE
    message["MIME-Version"] = "1.0"
    message.set_content(page_file("utf-8").decode(), subtype="html", charset="utf-8")
    message.make_mixed()
    message.replace_header("Content-Type", message["Content-Type"].replace("multipart/mixed", "multipart/related"))
    return message.as_bytes()


def mail_file() -> bytes:
    """A mail with the Word file attached."""
    message = EmailMessage()
    message["From"] = "云江市园林局 <park@yunjiang.example>"
    message["To"] = "all@yunjiang.example"
    message["Subject"] = "转发雨水花园建设管理办法"
    message["Date"] = "Mon, 16 Mar 2026 09:00:00 +0800"
    message.set_content("各区园林部门：\n\n现将办法转发给你们，请在四月底以前报送本区年度计划，联系人何秋实。\n")
    message.add_attachment(
        word_file(),
        maintype="application",
        subtype="vnd.openxmlformats-officedocument.wordprocessingml.document",
        filename="办法.docx",
    )
    return message.as_bytes()


def text_file() -> bytes:
    return "\n\n".join([TITLE, *(line for heading, texts in SECTIONS for line in (heading, *texts))]).encode()


def markdown_file() -> bytes:
    rows = ["| " + " | ".join(row) + " |" for row in TABLE]
    rows.insert(1, "|" + " --- |" * len(TABLE[0]))
    body = "\n\n".join("\n\n".join([f"## {heading}", *texts]) for heading, texts in SECTIONS)
    return f"# {TITLE}\n\n{body}\n\n{chr(10).join(rows)}\n".encode()


def archive_file() -> bytes:
    return packed({"附件/办法.docx": word_file(), "附件/任务.csv": csv_file(), "照片.jpg": b"\xff\xd8\xff\xe0"})


def packed(members: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def every_format() -> dict[str, bytes]:
    """File name → contents."""
    return {
        "a.pdf": pdf_file(),
        "b.ofd": ofd_file(),
        "c.docx": word_file(),
        "d.pptx": slides_file(),
        "e.xlsx": workbook_file(),
        "f.csv": csv_file(),
        "g.html": page_file(),
        "h.mht": saved_page_file(),
        "i.eml": mail_file(),
        "j.txt": text_file(),
        "k.md": markdown_file(),
        "l.zip": archive_file(),
    }


def _saved(document: object) -> bytes:
    file = BytesIO()
    document.save(file)  # type: ignore[attr-defined]
    return file.getvalue()
