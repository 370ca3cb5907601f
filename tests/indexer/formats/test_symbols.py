"""Signs of symbol fonts as Unicode."""

import pytest

from indexer.formats.symbols import shown_in


@pytest.mark.parametrize(
    ("font", "text", "shown"),
    [
        ("宋体", "渔船abc", "渔船abc"),
        ("Symbol", "\uf061\uf0b3a渔", "α≥α渔"),
        ("Wingdings", "\uf0fe\uf0a8l", "☑☐●"),
        ("Wingdings", "\x82\uf06c", "②●"),
        ("WINGDINGS 2", "\uf052", "☑"),
        ("Wingdings", "\uf001甲", "甲"),
        ("宋体", "\uf0b7甲\uf0fe", "•甲"),
        ("宋体", "\ue5e5甲", "\ue5e5甲"),
    ],
)
def test_signs_are_those_that_the_font_shows(font: str, text: str, shown: str):
    assert shown_in(font, text) == shown
