"""Equations in OMML, typed out in one line."""

import xml.etree.ElementTree as ET

import pytest

from indexer.formats.equations import linear

_M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def r(text: str) -> str:
    return f"<m:r><m:rPr><m:sty m:val='p'/></m:rPr><m:t>{text}</m:t></m:r>"


def e(text: str) -> str:
    return f"<m:e>{r(text)}</m:e>"


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (f"<m:f><m:num>{r('1')}</m:num><m:den>{r('n+1')}</m:den></m:f>", "1/(n+1)"),
        (f"<m:f><m:num>{r('产量')}</m:num><m:den>{r('面积')}</m:den></m:f>{r('×100%')}", "产量/面积×100%"),
        (f"<m:sSub>{e('x')}<m:sub>{r('i')}</m:sub></m:sSub>", "x_i"),
        (f"<m:sSubSup>{e('x')}<m:sub>{r('i')}</m:sub><m:sup>{r('2')}</m:sup></m:sSubSup>", "x_i^2"),
        (f"<m:sSup>{e('2')}<m:sup>{r('n-1')}</m:sup></m:sSup>", "2^(n-1)"),
        (f"<m:rad><m:deg>{r('3')}</m:deg>{e('8')}</m:rad>", "3√8"),
        (f"<m:d>{e('a')}</m:d>", "(a)"),
        (f"<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=''/></m:dPr>{e('a')}{e('b')}</m:d>", "[a|b"),
        (f"<m:d>{e('a+b')}</m:d>", "(a+b)"),
        (f"<m:f><m:num><m:d>{e('a+b')}</m:d></m:num><m:den>{r('c')}</m:den></m:f>", "(a+b)/c"),
        (f"<m:nary><m:sub>{r('0')}</m:sub><m:sup/>{e('x')}</m:nary>", "∫_0x"),
        (f"<m:m><m:mr>{e('1')}{e('2')}</m:mr><m:mr>{e('3')}{e('4')}</m:mr></m:m>", "1, 2; 3, 4"),
        (f"<m:eqArr>{e('x=1')}{e('y=2')}</m:eqArr>", "x=1; y=2"),
        (f"<m:func><m:fName>{r('log')}</m:fName>{e('x')}</m:func>", "log x"),
        (f"<m:bar>{e('x')}</m:bar><m:box>{e('y')}</m:box>", "xy"),
        (f"<w:ins>{r('增')}</w:ins><w:del>{r('删')}</w:del>", "增"),
    ],
)
def test_equations_keep_their_meaning_in_one_line(xml: str, text: str):
    assert linear(ET.fromstring(f'<m:oMath xmlns:m="{_M}" xmlns:w="{_W}">{xml}</m:oMath>')) == text
