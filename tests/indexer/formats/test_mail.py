"""Mails put together by Python's own library and by hand, read back."""

import base64
import contextlib
import quopri
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.errors import InputError
from indexer.formats.archive import Member
from indexer.formats.blocks import BlockKind
from indexer.formats.mail import decoded_header, parse_mail, parse_mht

TEXT = "各渔业站：\n请在五月六日前报送休渔台账。\n"
PAGE = (
    "<p>各渔业站：</p><p>请在五月六日前报送休渔台账。</p><table><tr><th>站<th>船数</tr><tr><td>北屿<td>12</tr></table>"
)


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in (
        {"Subject": "休渔台账", "From": "渔业局 <yyj@example.cn>", "Date": "Sat, 06 May 2023 23:30:00 +0800"} | headers
    ).items():
        message[name] = value
    return message


def texts(message: EmailMessage) -> list[str]:
    return [block.text for block in parse_mail(message.as_bytes()).body.blocks]


def test_headers_make_title_author_and_date_in_the_senders_time_zone():
    message = mail()
    message.set_content(TEXT)
    parsed = parse_mail(message.as_bytes()).body
    assert (parsed.title, parsed.authors, parsed.published) == ("休渔台账", ("渔业局",), "2023-05-06")
    assert [(block.text, block.kind) for block in parsed.blocks] == [
        ("休渔台账", BlockKind.HEADING),
        ("各渔业站：", BlockKind.PARAGRAPH),
        ("请在五月六日前报送休渔台账。", BlockKind.PARAGRAPH),
    ]


def test_the_html_body_is_taken_when_it_has_the_text():
    message = mail()
    message.set_content(TEXT)
    message.add_alternative(PAGE, subtype="html")
    assert texts(message)[1:] == ["各渔业站：", "请在五月六日前报送休渔台账。", "站\t船数", "北屿\t12"]


def test_the_plain_body_is_taken_when_the_html_one_is_a_stub():
    message = mail()
    message.set_content(TEXT)
    message.add_alternative("<p>见文本</p>", subtype="html")
    assert texts(message)[1:] == ["各渔业站：", "请在五月六日前报送休渔台账。"]


@pytest.mark.parametrize("charset", ["gb2312", "gbk", "gb18030", "utf-8", "big5", "x-unknown", ""])
@pytest.mark.parametrize("transfer", ["base64", "quoted-printable", "8bit"])
def test_bodies_in_every_charset_and_transfer_encoding(charset: str, transfer: str):
    text = "請在五月六日前報送臺賬。" if charset == "big5" else "请在五月六日前报送𠮷字台账。"
    data = text.encode("gb18030" if charset in ("gb2312", "gbk", "x-unknown", "") else charset)
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring, "8bit": bytes}[transfer](data)
    named = f'; charset="{charset}"' if charset else ""
    head = f"Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain{named}\nContent-Transfer-Encoding: {transfer}\n\n"
    assert [block.text for block in parse_mail(head.encode() + body).body.blocks] == ["x", text]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("=?gb2312?B?" + base64.b64encode("休渔镕通知".encode("gbk")).decode() + "?=", "休渔镕通知"),
        ("=?UTF-8?Q?=E4=BC=91=E6=B8=94?= =?UTF-8?Q?=E9=80=9A=E7=9F=A5?=", "休渔通知"),
        ("Re: =?gbk?Q?=D0=DD=D3=E6?=", "Re: 休渔"),
        ("休渔通知".encode("gb18030").decode("ascii", "surrogateescape"), "休渔通知"),
        ("=?utf-8?B?broken", "=?utf-8?B?broken"),
        (None, ""),
    ],
)
def test_headers_are_decoded_whatever_they_are_encoded_in(raw: str | None, text: str):
    assert decoded_header(raw) == text


def test_a_character_cut_in_two_encoded_words_is_put_together():
    data = "休渔通知".encode("gbk")
    words = " ".join(f"=?gbk?B?{base64.b64encode(half).decode()}?=" for half in (data[:3], data[3:]))
    assert decoded_header(words) == "休渔通知"


def test_attachments_are_handed_on_and_pictures_of_the_body_are_not():
    message = mail()
    message.set_content(TEXT)
    message.add_alternative('<p>各渔业站：请报送。</p><img src="cid:logo">', subtype="html")
    html = message.get_payload()[1]
    html.add_related(b"png", "image", "png", cid="<logo>", filename="logo.png", disposition="inline")
    message.add_attachment(b"xlsx", maintype="application", subtype="octet-stream", filename="船数/台账.xlsx")
    message.add_attachment("附言", subtype="plain", filename="附言.txt")
    assert parse_mail(message.as_bytes()).attachments == (
        Member("台账.xlsx", b"xlsx"),
        Member("附言.txt", "附言\n".encode()),
    )


def test_a_forwarded_mail_is_an_attachment_of_its_own():
    inner = mail(Subject="原来的通知")
    inner.set_content(TEXT)
    inner.add_attachment(b"x", maintype="application", subtype="pdf", filename="甲.pdf")
    outer = mail(Subject="转发")
    outer.set_content("请看。\n")
    outer.add_attachment(inner)
    (member,) = parse_mail(outer.as_bytes()).attachments
    assert member.name == "原来的通知.eml"
    again = parse_mail(member.data)
    assert [block.text for block in again.body.blocks] == ["原来的通知", "各渔业站：", "请在五月六日前报送休渔台账。"]
    assert again.attachments == (Member("甲.pdf", b"x"),)


def test_a_mail_of_attachments_only_is_read():
    message = mail(Subject="")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="甲.pdf")
    found = parse_mail(message.as_bytes())
    assert (found.body.blocks, [member.name for member in found.attachments]) == ((), ["甲.pdf"])


def test_flowed_lines_go_on_and_wrapped_lines_of_chinese_are_joined():
    head = b"Subject: x\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\n\n"
    body = "请在五月六日前 \n报送台账。\n谢谢。\n"
    assert [block.text for block in parse_mail(head + body.encode()).body.blocks] == [
        "x",
        "请在五月六日前报送台账。",
        "谢谢。",
    ]


def test_text_behind_the_attachments_is_read_too():
    message = MIMEMultipart()
    message["Subject"] = "x"
    message.attach(MIMEText("正文。", "plain", "utf-8"))
    message.attach(MIMEText("落款。", "plain", "utf-8"))
    assert [block.text for block in parse_mail(message.as_bytes()).body.blocks] == ["x", "正文。", "落款。"]


def test_hidden_parts_of_the_html_body_are_no_text():
    message = mail()
    message.set_content('<div style="display:none">预览</div><p>正文在此。</p><style>p{}</style>', subtype="html")
    assert texts(message)[1:] == ["正文在此。"]


def test_a_page_saved_as_mht_is_read_as_a_page():
    message = MIMEMultipart("related")
    message["Subject"] = "休渔通知"
    menu = "".join(f"<li><a href=/{i}>栏目{i}</a></li>" for i in range(8))
    page = f"<html><head><title>休渔通知</title></head><body><ul>{menu}</ul><div><h1>休渔通知</h1>{PAGE}</div></body></html>"
    message.attach(MIMEText(page, "html", "gb2312"))
    parsed = parse_mht(message.as_bytes())
    assert parsed.title == "休渔通知"
    assert [block.text for block in parsed.blocks][:2] == ["休渔通知", "各渔业站："]
    with pytest.raises(InputError, match="no page"):
        parse_mht(b"Subject: x\n\ntext")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        ("休渔通知\n\n正文".encode(), "no mail"),
        (b"Subject: \n\n", "neither text nor attachments"),
        (b"Subject: x\nContent-Type: application/pkcs7-mime\n\nMIIB", "encrypted"),
        (b"Subject: x\n" + b" " * 101_000_000, "split it"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(data: bytes, words: str):
    with pytest.raises(InputError, match=words):
        parse_mail(data)


def test_nesting_and_parts_without_end_are_refused_and_not_a_crash():
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(3000))
    with pytest.raises(InputError, match="nested too deeply"):
        parse_mail(b"Subject: x\n" + nested)
    parts = b"--b\nContent-Type: text/plain\n\nx\n" * 1500
    with pytest.raises(InputError, match="more than 1000 parts"):
        parse_mail(b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + parts + b"--b--\n")


def _sound() -> bytes:
    message = mail()
    message.set_content(TEXT)
    message.add_alternative(PAGE, subtype="html")
    message.add_attachment(b"x" * 50, maintype="application", subtype="pdf", filename="甲.pdf")
    inner = mail()
    inner.set_content(TEXT)
    message.add_attachment(inner)
    return message.as_bytes()


SOUND = _sound()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_raise_nothing_but_input_errors(data: st.DataObject):
    file = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 12))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        parse_mail(bytes(file))


def test_a_nul_in_the_name_of_a_character_set_is_no_fault():
    data = (
        b"MIME-Version: 1.0\r\nSubject: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset*=u\0tf-8''utf-8\r\n\r\nhello\r\n--b\r\n"
        b"Content-Type: text/plain; charset=u\0tf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe6\xb8\x94\r\n--b\r\n"
        b"Content-Disposition: attachment; filename*=u\0tf-8''a.txt\r\n\r\nx\r\n--b--\r\n"
    )
    mail = parse_mail(data)
    assert [item.name for item in mail.attachments] == ["a.txt"]
    assert [block.text for block in mail.body.blocks] == ["a", "hello", "渔"]
