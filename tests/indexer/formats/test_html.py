"""Official web pages of many makes: the content is kept whole, navigation, footers and banners are left out.

The pages are made here from words drawn by a seeded generator, each piece of text with a number of its own, so what belongs
to the content and what does not is known. Every make of page is also read without its class names, ids and roles, under a
title that names only the site, and with end tags missing.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import trafilatura

from indexer.errors import InputError
from indexer.formats.blocks import BlockKind
from indexer.formats.html import known_encoding, parse_html

WORDS = [
    "渔船",
    "渔港",
    "休渔",
    "补贴",
    "船主",
    "登记",
    "码头",
    "潮汐",
    "网具",
    "冷库",
    "加工",
    "销售",
    "检查",
    "巡航",
    "安全",
    "救助",
    "培训",
    "保险",
    "台账",
    "公示",
    "申报",
    "审核",
    "期限",
    "目录",
]
SECTIONS = [
    "首页",
    "机构设置",
    "新闻动态",
    "政务公开",
    "办事大厅",
    "互动交流",
    "数据发布",
    "专题专栏",
    "领导信箱",
    "政策文件",
    "政策解读",
    "手机版",
]


@dataclass
class Site:
    """Draws the texts of one page and remembers which of them are content and which are not."""

    seed: int
    content: list[str] = field(default_factory=list)
    furniture: list[str] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def words(self, low: int = 2, high: int = 5) -> str:
        self.count += 1
        return "".join(self.random.choices(WORDS, k=self.random.randint(low, high))) + str(self.count)

    def sentence(self) -> str:
        return "，".join(self.words() for _ in range(self.random.randint(1, 4))) + "。"

    def keep(self, text: str) -> str:
        self.content.append(text)
        return text

    def drop(self, text: str) -> str:
        self.furniture.append(text)
        return text

    def title(self) -> str:
        self.headline = self.keep(f"关于{self.words()}的通知")
        return self.headline

    def paragraphs(self, low: int = 4, high: int = 14, wrap: str = "<p>{}</p>") -> str:
        number = self.random.randint(low, high)
        texts = ["".join(self.sentence() for _ in range(self.random.randint(1, 5))) for _ in range(number)]
        return "".join(wrap.format(self.keep(text)) for text in texts)

    def signature(self, wrap: str = "<p align=right>{}</p>") -> str:
        return wrap.format(self.keep(f"{self.words()}局")) + wrap.format(self.keep(f"2023年{self.count % 12 + 1}月6日"))

    def files(self) -> str:
        names = [self.keep(f"附件{i}：{self.words()}表.docx") for i in range(1, self.random.randint(2, 4))]
        return "".join(f'<p><a href="/download?id={i}">{name}</a></p>' for i, name in enumerate(names))

    def menu(self, number: int = 12) -> str:
        return (
            "<ul>"
            + "".join(f'<li><a href="/{i}">{self.random.choice(SECTIONS)}</a></li>' for i in range(number))
            + "</ul>"
        )

    def news(self, number: int = 8) -> str:
        items = (self.drop(f"{self.words()}工作会议召开") for _ in range(number))
        return "<ul>" + "".join(f'<li><a href="/n">{item}</a><span>2023-05-06</span></li>' for item in items) + "</ul>"

    def footer(self, wrap: str = "<p>{}</p>") -> str:
        lines = [
            f"主办单位：{self.words()}局",
            f"版权所有 {self.words()}",
            f"某ICP备{self.count + 10000000}号",
            f"网站标识码：{self.words()}",
        ]
        return "".join(wrap.format(self.drop(line)) for line in lines)


def semantic(site: Site) -> str:
    cookie = site.drop(f"本网站用{site.words()}记住您的选择，继续浏览即表示同意。")
    return (
        f"<header><nav>{site.menu()}</nav></header><div class=cookieBanner role=dialog><p>{cookie}</p><button>同意</button></div>"
        f"<main><article><h1>{site.title()}</h1>{site.paragraphs()}{site.signature()}{site.files()}</article>"
        f"<aside><h3>相关</h3>{site.news()}</aside></main><footer>{site.footer()}</footer>"
    )


def div_soup(site: Site) -> str:
    return (
        f"<div class=w><div class=top>{site.menu(20)}</div><div class=con><div class=dqwz>当前位置：<a href=/>首页</a> &gt; 公开</div>"
        f"<div class=xl><div class=tit>{site.title()}</div><div class=info>{site.keep('来源：' + site.words())}"
        f"<span>字体：【<a>大</a> <a>中</a> <a>小</a>】</span><span>打印</span></div><div class=TRS_Editor><div class=Custom_Union>"
        f"{site.paragraphs(wrap='<p align=justify>　　{}</p>')}{site.signature()}</div></div>{site.files()}</div>"
        f"<div class=rbox>{site.news()}</div></div><div class=ft>{site.footer('{}<br>')}</div></div>"
    )


def nested_tables(site: Site) -> str:
    column = "".join(f"<tr><td><a href=/{i}>{site.random.choice(SECTIONS)}</a></td></tr>" for i in range(12))
    return (
        f"<table width=1000><tr><td>{' | '.join(f'<a href=/{name}>{name}</a>' for name in SECTIONS)}</td></tr></table>"
        f"<table width=1000><tr><td width=200><table>{column}</table></td><td><table><tr><td align=center><font size=5>"
        f"{site.title()}</font></td></tr><tr><td><font size=3>{site.paragraphs(wrap='　　{}<br><br>')}</font></td></tr>"
        f"<tr><td>{site.signature('<div align=right>{}</div>')}</td></tr><tr><td>{site.files()}</td></tr></table></td></tr></table>"
        f"<table width=1000><tr><td align=center>{site.footer('{}<br>')}</td></tr></table>"
    )


def from_word(site: Site) -> str:
    wrap = '<P class=MsoNormal style="TEXT-INDENT:32pt"><SPAN style="FONT-FAMILY:仿宋"><FONT size=4>{}</FONT></SPAN><o:p></o:p></P>'
    body = wrap.format(site.title()) + site.paragraphs(wrap=wrap) + site.signature(wrap)
    return f"<DIV id=menu>{site.menu()}</DIV><DIV id=zoom>{body}{site.files()}</DIV><DIV id=foot>{site.footer()}</DIV>"


def short_notice(site: Site) -> str:
    return (
        f"<div class=header>{site.menu(30)}</div><div class=content><h2>{site.title()}</h2><div class=text>"
        f"<p>　　{site.keep(site.sentence())}</p>{site.signature()}{site.files()}</div></div>"
        f"<div class=list>{site.news(12)}</div><div class=footer>{site.footer()}</div>"
    )


def figures_only(site: Site) -> str:
    rows = "".join(
        f"<tr><td>{site.keep(site.words() + '县')}</td><td>{i * 37}</td><td>{i / 7:.1f}</td></tr>" for i in range(1, 13)
    )
    return (
        f"<div id=nav>{site.menu()}</div><div class=main><h1>{site.title()}</h1><table border=1><tr><td>地区</td><td>产量（吨）</td>"
        f"<td>增速（%）</td></tr>{rows}</table></div><div class=links>{site.news()}</div><div class=bottom>{site.footer()}</div>"
    )


def one_form(site: Site) -> str:
    return (
        f"<form method=post action=x.aspx><input type=hidden value={'Q' * 300}><div id=header>{site.menu()}</div><table><tr><td>"
        f"<span id=lblTitle>{site.title()}</span></td></tr><tr><td><span id=lblContent>{site.paragraphs()}{site.signature()}</span>"
        f"{site.files()}</td></tr></table><div id=footer>{site.footer('{}<br>')}</div></form>"
    )


def lying_names(site: Site) -> str:
    return (
        f"<div class=nav>{site.menu()}</div><div class='side location-box'><h1>{site.title()}</h1><div class='bottom pages'>"
        f"{site.paragraphs()}{site.signature()}{site.files()}</div></div><div class=footer>{site.footer()}</div>"
    )


def body_in_parts(site: Site) -> str:
    lead = f"<div class=abs>{site.keep(site.sentence())}</div>"
    parts = "".join(
        f"<div class=part{i}><h2>{site.keep(site.words())}</h2>{site.paragraphs(2, 5)}</div>" for i in range(3)
    )
    return (
        f"<div class=nav>{site.menu()}</div><div class=page><h1>{site.title()}</h1>{lead}{parts}<div>{site.signature()}</div>"
        f"</div><div class=footer>{site.footer()}</div>"
    )


def appendix_apart(site: Site) -> str:
    return (
        f"<div class=nav>{site.menu()}</div><div class=a><h1>{site.title()}</h1><div>{site.paragraphs(8, 14)}{site.signature()}"
        f"</div></div><div class=b><div>{site.paragraphs(1, 2)}</div></div><div class=footer>{site.footer('{}<br>')}</div>"
    )


def linked_paragraphs(site: Site) -> str:
    body = "".join(
        f"<p><a href=/k>{site.keep(site.words())}</a>，{site.keep(site.sentence())}</p>"
        for _ in range(site.random.randint(6, 12))
    )
    return f"<div class=nav>{site.menu()}</div><div class=x><h1>{site.title()}</h1>{body}</div><div class=footer>{site.footer()}</div>"


def names_without_sentences(site: Site) -> str:
    names = "".join(f"<p>{site.keep(site.words() + '号渔船')}</p>" for _ in range(40))
    return (
        f"<div class=nav>{site.menu()}</div><div class=x><h1>{site.title()}</h1><p>{site.keep(site.sentence())}</p>{names}</div>"
        f"<div class=footer>{site.footer()}</div>"
    )


def contents_with_anchors(site: Site) -> str:
    chapters = [site.keep(f"第{i}章 {site.words()}") for i in range(1, 6)]
    contents = "".join(f"<p><a href=#c{i}>{chapter}</a></p>" for i, chapter in enumerate(chapters))
    body = "".join(f"<p><a name=c{i}>{chapter}</a></p>{site.paragraphs(2, 4)}" for i, chapter in enumerate(chapters))
    return (
        f"<div class=nav>{site.menu()}</div><div class=x><h1>{site.title()}</h1>{contents}{body}</div>{site.footer()}"
    )


def table_of_linked_documents(site: Site) -> str:
    rows = "".join(
        f"<tr><td>{i}</td><td><a href=/d{i}>{site.keep('关于' + site.words() + '的意见')}</a></td><td>{site.keep(site.words())}</td></tr>"
        for i in range(1, 15)
    )
    return (
        f"<div class=nav>{site.menu()}</div><div class=x><h1>{site.title()}</h1><p>{site.keep(site.sentence())}</p><table>"
        f"<tr><th>序号<th>文件<th>文号</tr>{rows}</table></div><div class=footer>{site.footer()}</div>"
    )


MAKES: list[Callable[[Site], str]] = [
    *(semantic, div_soup, nested_tables, from_word, short_notice, figures_only, one_form, lying_names, body_in_parts),
    *(appendix_apart, linked_paragraphs, names_without_sentences, contents_with_anchors, table_of_linked_documents),
]


def without_names(html: str) -> str:
    return re.sub(r"""\s(?:class|id|role)=(?:"[^"]*"|'[^']*'|[^\s>]+)""", "", html)


def without_ends(html: str) -> str:
    return re.sub(r"(?i)</(?:p|li|td|tr)>", "", html)


def share(found: str, wanted: list[str]) -> float:
    """Part of the wanted text, in characters, that was found, white space aside."""
    squeezed = re.sub(r"\s", "", found)
    sizes = {text: len(text) for text in (re.sub(r"\s", "", text) for text in wanted)}
    return sum(size for text, size in sizes.items() if text in squeezed) / max(1, sum(sizes.values()))


def page(site: Site, make: Callable[[Site], str], title: str = "") -> str:
    body = make(site)
    return f"<html><head><title>{title or site.headline}</title></head><body>{body}</body></html>"


def read(html: str) -> str:
    return "\n".join(block.text for block in parse_html(html.encode()).blocks)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("seed", range(4))
def test_the_whole_content_is_kept_and_nothing_else(make: Callable[[Site], str], seed: int):
    site = Site(seed)
    found = read(page(site, make))
    assert share(found, site.content) == 1
    assert share(found, site.furniture) == 0


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("harm", [without_names, without_ends, lambda html: without_ends(without_names(html))])
def test_no_content_is_lost_where_pages_say_nothing_of_themselves(
    make: Callable[[Site], str], harm: Callable[[str], str]
):
    for seed in range(3):
        site = Site(seed)
        found = read(harm(page(site, make, title="海屿市人民政府网站")))
        assert share(found, site.content) == 1


def test_content_is_kept_that_trafilatura_loses_and_furniture_left_out_that_it_keeps():
    # The witness from outside, on the same pages: without it our own shares could be those of pages too easy to fail.
    kept, leaked, ours = [], [], []
    for make in MAKES:
        site = Site(1)
        html = page(site, make)
        found = trafilatura.extract(html, include_comments=False) or ""
        kept.append(share(found, site.content))
        leaked.append(share(found, site.furniture))
        ours.append(share(read(html), site.furniture))
    assert min(kept) < 0.9
    assert max(leaked) > 0.5
    assert max(ours) == 0


def test_pages_of_links_keep_their_links():
    site = Site(5)
    html = f"<html><title>政策文件</title><body><div class=nav>{site.menu()}</div><div class=list>{site.news()}</div></body></html>"
    assert share(read(html), site.furniture) == 1


def test_a_wordy_footer_does_not_win_over_a_short_notice():
    site = Site(7)
    footer = "".join(f"<p>{site.drop(site.sentence())}</p>" for _ in range(3))
    html = f"<html><body><div><h1>甲</h1><p>{site.keep(site.sentence())}</p></div><div class=footer>{footer}</div></body></html>"
    found = read(html)
    assert share(found, site.content) == 1
    assert share(found, site.furniture) == 0


def test_links_to_other_pages_in_the_content_are_left_out_in_rows_only():
    site = Site(9)
    alone = f"<p><a href=/law>{site.keep(site.words())}</a></p>"
    body = f"<div><h1>{site.title()}</h1>{site.paragraphs()}{alone}{site.paragraphs()}{site.news()}{site.paragraphs()}</div>"
    found = read(f"<html><head><title>{site.headline}</title></head><body>{body}</body></html>")
    assert share(found, site.content) == 1
    assert share(found, site.furniture) == 0


def test_files_are_kept_wherever_they_stand_behind_the_content():
    site = Site(10)
    body = f"<div><h1>{site.title()}</h1>{site.paragraphs()}</div><div>{site.news()}</div><div>{site.files()}</div>"
    found = read(f"<html><head><title>{site.headline}</title></head><body>{body}</body></html>")
    assert share(found, site.content) == 1
    assert share(found, site.furniture) == 0


def test_a_part_with_most_of_the_prose_is_content_whatever_its_name():
    site = Site(11)
    body = f"<div class=nav>{site.menu()}</div><div class=top><h1>{site.title()}</h1></div><div class=sidebar>{site.paragraphs()}</div>"
    html = f"<html><head><title>{site.headline}</title></head><body>{body}<div>{site.footer()}</div></body></html>"
    assert share(read(html), site.content) == 1


def test_an_unclosed_menu_does_not_take_the_content_with_it():
    site = Site(8)
    body = f"<div class=nav>{site.menu()}<div><h1>{site.title()}</h1>{site.paragraphs()}</div><div class=foot>{site.footer()}</div>"
    assert share(read(f"<html><body>{body}</body></html>"), site.content) == 1


CHINESE = "海屿市渔业局关于休渔期的通知，自五月一日起施行。"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", '<meta charset="utf-8">'),
        ("utf-8", ""),
        ("gb18030", '<META http-equiv="Content-Type" content="text/html; charset=gb2312">'),
        ("gb18030", "<meta charset=gbk>"),
        ("gb18030", ""),
        ("gb18030", '<meta charset="utf-8">'),
        ("utf-8", '<meta charset="gb2312">'),
        ("big5", '<meta charset="big5">'),
        ("utf-16", ""),
        ("gb18030", '<meta charset="no-such-thing">'),
        ("utf-8", '<?xml version="1.0" encoding="gb2312"?>'),
    ],
)
def test_pages_in_any_encoding_declared_rightly_wrongly_or_not_at_all(encoding: str, declared: str):
    text = CHINESE if encoding != "big5" else "海嶼市漁業局關於休漁期的通知，自五月一日起施行。"
    data = f"{declared}<html><head><title>甲</title></head><body><p>{text}</p></body></html>".encode(encoding)
    assert [block.text for block in parse_html(data).blocks] == [text]


def test_utf8_under_a_false_name_is_read_as_utf8_though_the_name_would_fit():
    data = "<meta charset=gbk><body><p>渔船进港</p></body>".encode()
    data.decode("gbk", errors="strict")  # the trap: these bytes are valid there too, as other characters
    assert [block.text for block in parse_html(data).blocks] == ["渔船进港"]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("GB2312", "gb18030"),
        ("'gbk'", "gb18030"),
        ("UTF8", "utf-8"),
        ("big5", "big5hkscs"),
        ("latin1", ""),
        ("base64", ""),
        ("\0", ""),
    ],
)
def test_declared_character_sets_are_widened_or_passed_over(name: str, codec: str):
    assert known_encoding(name) == codec


def test_a_few_broken_bytes_are_lost_and_told_and_the_rest_is_read():
    data = f"<meta charset=gbk><body><p>{CHINESE * 20}</p></body>".encode("gb18030").replace(
        "五".encode("gb18030"), b"\xff\xff", 1
    )
    parsed = parse_html(data)
    assert CHINESE in parsed.blocks[0].text
    assert parsed.warnings == ("2 places do not fit the encoding gb18030 and are lost",)


def test_title_date_and_author_come_from_the_head():
    head = (
        '<title>休渔通知_政务公开_海屿市政府网</title><meta name="PubDate" content="2023-5-6 10:00">'
        '<meta name="Author" content="渔业局"><meta name="ArticleTitle" content="休渔通知">'
    )
    parsed = parse_html(f"<html><head>{head}</head><body><h1>休渔通知</h1><p>{CHINESE}</p></body></html>".encode())
    assert (parsed.title, parsed.published, parsed.authors) == ("休渔通知", "2023-05-06", ("渔业局",))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("休渔通知_海屿市政府网", "休渔通知"),
        ("休渔通知 - 政务公开 - 海屿市政府网", "休渔通知"),
        ("休渔通知-海屿市政府网", "休渔通知"),
        ("休渔-通知_海屿市政府网", "休渔-通知"),
        ("无标题文档", ""),
    ],
)
def test_the_names_of_the_site_are_no_part_of_the_title(title: str, expected: str):
    line = "休渔-通知" if "休渔-通知" in title else "休渔通知"
    parsed = parse_html(
        f"<html><head><title>{title}</title></head><body><h1>{line}</h1><p>{CHINESE}</p></body></html>".encode()
    )
    assert parsed.title == expected


def test_furniture_known_by_its_words_is_left_out_of_the_content():
    words = [
        "打印",
        "【关闭窗口】",
        "字体：【大 中 小】",
        "当前位置：首页 > 公开",
        "上一篇：没有了",
        "浏览次数：12次",
        "分享到：",
    ]
    body = "".join(f"<p>{word}</p>" for word in words)
    html = f"<html><body><div><h1>甲乙</h1>{body}<p>{CHINESE}</p><p>打印机采购公告</p></div></body></html>"
    assert read(html) == f"甲乙\n{CHINESE}\n打印机采购公告"


def test_tables_and_headings_of_the_content_keep_their_kinds():
    rows = "<tr><th>项目<th>金额</tr><tr><td>渔船<td>12</tr>"
    blocks = parse_html(
        f"<html><body><div><h2>补贴</h2><p>{CHINESE}</p><table>{rows}</table></div></body></html>".encode()
    ).blocks
    assert [(block.kind, block.is_head) for block in blocks] == [
        (BlockKind.HEADING, False),
        (BlockKind.PARAGRAPH, False),
        (BlockKind.ROW, True),
        (BlockKind.ROW, False),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<html><body><script>x</script></body></html>", "scripts"),
        (b"<frameset><frame src=a></frameset>", "scripts and frames"),
        (b"\0\1\2\3", "text"),
        (b"<p>x</p>" + b" " * 31_000_000, "split it"),
        (b"<div>" * 5000 + b"x", "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(data: bytes, words: str):
    with pytest.raises(InputError, match=words):
        parse_html(data)


def test_entities_of_a_document_type_are_not_expanded():
    bomb = '<!DOCTYPE html [<!ENTITY a "哈哈"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    found = read(f"{bomb}<html><body><p>{CHINESE}&b;&c;</p></body></html>")
    assert "哈哈哈" not in found
    assert "root:" not in found
