"""Templates: what is declared is what is used, and a value is never read as a template."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import prompts
from prompts import Prompt, PromptError, load

GOOD = "---\nversion: 3\nvariables: [who, what]\n---\n{{who}}办理{{what}}，由{{who}}签字。\n"


def write(folder: Path, text: str) -> Path:
    (folder / "notice.md").write_text(text, encoding="utf-8")
    return folder


def test_template_is_filled_wrongly(tmp_path: Path) -> None:
    prompt = load("notice", write(tmp_path, GOOD))
    assert (prompt.name, prompt.version, prompt.variables) == ("notice", 3, {"who", "what"})
    assert prompt.fill(who="镇政府", what="补贴") == "镇政府办理补贴，由镇政府签字。"


def test_template_without_variables_cannot_be_loaded(tmp_path: Path) -> None:
    assert load("notice", write(tmp_path, "---\nversion: 1\nvariables: []\n---\n没有找到。\n")).fill() == "没有找到。"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"who": "x"}, "lacks what"),
        ({}, "lacks what, who"),
        ({"who": "x", "what": "y", "why": "z"}, "does not know why"),
    ],
)
def test_missing_or_unknown_variable_is_passed_over(tmp_path: Path, values: dict[str, str], named: str) -> None:
    with pytest.raises(PromptError, match=named):
        load("notice", write(tmp_path, GOOD)).fill(**values)


@given(st.text(), st.text())
def test_value_is_read_as_a_template_or_an_escape(who: str, what: str) -> None:
    prompt = Prompt("notice", 1, frozenset({"who", "what"}), "{{who}}→{{what}}")
    assert prompt.fill(who=who, what=what) == f"{who}→{what}"


def test_value_that_looks_like_a_variable_is_filled_in() -> None:
    prompt = Prompt("notice", 1, frozenset({"a", "b"}), "{{a}}{{b}}")
    assert prompt.fill(a="{{b}}", b=r"\g<0>\1") == r"{{b}}\g<0>\1"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("没有开头", "must begin with"),
        ("---\nvariables: []\n---\nx", "must begin with"),
        ("---\nversion: one\nvariables: []\n---\nx", "must begin with"),
        ("---\nversion: 1\nvariables: [who]\n---\nx", "declares"),
        ("---\nversion: 1\nvariables: []\n---\n{{who}}", "declares"),
        ("---\nversion: 1\nvariables: [who]\n---\n{{whom}}", "declares"),
    ],
)
def test_broken_template_is_loaded(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(PromptError, match=complaint):
        load("notice", write(tmp_path, text))


def test_missing_template_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="nothing"):
        load("nothing", tmp_path)


def test_change_of_wording_or_version_keeps_the_fingerprint() -> None:
    prompt = Prompt("notice", 1, frozenset(), "没有找到。")
    others = [
        Prompt("notice", 2, frozenset(), "没有找到。"),
        Prompt("notice", 1, frozenset(), "没有找到"),
        Prompt("other", 1, frozenset(), "没有找到。"),
    ]
    assert len({prompt.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert prompt.fingerprint == Prompt("notice", 1, frozenset(), "没有找到。").fingerprint


def test_shipped_template_is_broken() -> None:
    shipped = sorted(Path(prompts.__file__).parent.glob("*.md"))
    assert shipped
    for path in shipped:
        prompt = load(path.stem)
        filled = prompt.fill(**{name: f"〔{name}〕" for name in prompt.variables})
        assert all(f"〔{name}〕" in filled for name in prompt.variables)
        assert "{{" not in filled
