"""The report as a file: whole, closed to the outside, and harmless whatever an answer or a document holds."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect, sync_playwright
from typer.testing import CliRunner

from eval.cli import app
from eval.compare import compare
from eval.gold import Part, QuestionType, Style
from eval.record import Cost, failure
from eval.report.markup import Markup, tag
from eval.report.page import report_html, write_report
from eval.report.plots import Whisker, histogram, whisker_strip
from eval.report.words import MEASURES, OUTCOMES, PARTS, STYLES, TYPES, measure_name
from eval.saved import Outcome, SavedRun, read_run
from eval.score import MEASURES as ALL_MEASURES
from eval.statistics import Interval
from indexer.errors import InputError

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = '</script><script>window.planted = 1</script><img src=x onerror="window.planted = 2"><!--\u2028'


class Elements(HTMLParser):
    """(name, attributes, text up to the next tag) of every element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.is_inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), []))
        self.is_inside = True

    def handle_endtag(self, tag):
        self.is_inside = False

    def handle_data(self, data):
        if self.is_inside:
            self.found[-1][2].append(data)

    def of(self, name: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(texts)) for found, attributes, texts in self.found if found == name]


@pytest.fixture(scope="module")
def runs(world, tmp_path_factory: pytest.TempPathFactory) -> tuple[SavedRun, SavedRun]:
    """An earlier run, and a later one with every outcome; some of its texts would be markup."""
    questions = [
        world.answerable(i, forbid=("19座",), part=Part.RELEASE if i % 2 else Part.DEVELOPMENT) for i in range(6)
    ]
    questions += [
        world.answerable(6, question=f"{HOSTILE}第6问", note=HOSTILE),
        world.unanswerable(1),
        world.unanswerable(2),
    ]
    late = {
        "第1问": lambda text: world.quoting(text, "lake-2021.md"),
        "第2问": world.refusal,
        "无2问": world.refusal,
        f"{HOSTILE}第6问": lambda text: world.quoting(text, said=f"{HOSTILE}26座。"),
    }
    folder = tmp_path_factory.mktemp("runs")
    first = world.save(folder / "first", world.records(world.quoting, questions))
    records = world.records(lambda text: late.get(text, world.quoting)(text), questions)
    records[3] = failure(questions[3], HOSTILE, Cost(60_000.0, 1.0))
    return read_run(first), read_run(world.save(folder / "second", records))


@pytest.fixture(scope="module")
def page_text(runs) -> str:
    return report_html(runs[1], compare(*runs))


def rows(text: str) -> list[dict]:
    (data,) = [text for attributes, text in Elements(text).of("script") if attributes.get("type") == "application/json"]
    return json.loads(data)


def test_two_reports_of_one_run_differ(runs):
    assert report_html(runs[1]) == report_html(runs[1])


def test_something_is_fetched_from_outside(page_text: str):
    elements = Elements(page_text)
    names = {name for name, _, _ in elements.found}
    assert names.isdisjoint({"link", "img", "iframe", "object", "embed", "base", "audio", "video", "image", "use"})
    for name, attributes, _ in elements.found:
        assert attributes.keys().isdisjoint({"src", "srcset", "style", "action", "xlink:href"}), name
        assert not [key for key in attributes if key.startswith("on")], name
        assert (attributes.get("href") or "#").startswith("#"), name
    (style,) = elements.of("style")
    assert not re.search(r"url\(|@import", style[1])


def test_the_content_policy_admits_other_scripts_or_not_our_own(page_text: str):
    elements = Elements(page_text)
    (policy,) = [a["content"] for a, _ in elements.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def admitted(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    (script,) = [text for attributes, text in elements.of("script") if "type" not in attributes]
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == admitted(script)
    assert rules["style-src"] == admitted(elements.of("style")[0][1])


def test_a_planted_script_is_markup(page_text: str):
    assert len(Elements(page_text).of("script")) == 2
    assert "window.planted" in page_text
    assert "<script>window" not in page_text
    assert "<img" not in page_text
    planted = {row["id"]: row for row in rows(page_text)}["a-6"]
    assert planted["question"] == f"{HOSTILE}第6问"
    assert planted["answer"].startswith(HOSTILE)


@given(st.text(), st.text())
def test_text_becomes_an_element_or_changes(content: str, value: str):
    elements = Elements(tag("p", content, title=value, class_="x"))
    kept = content.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if not re.search(r"[\r\x00]", content + value):
        assert [(name, "".join(texts)) for name, _, texts in elements.found] == [("p", kept)]
        assert elements.found[0][1] == {"title": value, "class": "x"}


def test_markup_is_escaped_again():
    assert (
        tag("b", tag("i", "<"), Markup("<hr>"), None, data_n=1.50, hidden=None) == '<b data-n="1.5"><i>&lt;</i><hr></b>'
    )


def test_a_question_is_missing_or_its_outcome_is_another(page_text: str, runs):
    outcomes = {row["id"]: row["outcome"] for row in rows(page_text)}
    assert list(outcomes) == [record.question.id for record in runs[1].records]
    assert [outcomes[key] for key in ("a-0", "a-1", "a-2", "a-3", "u-1", "u-2")] == [
        kind.name
        for kind in (
            Outcome.RIGHT,
            Outcome.WRONG,
            Outcome.REFUSED_WRONGLY,
            Outcome.FAILED,
            Outcome.ANSWERED_WRONGLY,
            Outcome.REFUSED_RIGHTLY,
        )
    ]


def test_evidence_facts_and_figures_are_marked_the_wrong_way(page_text: str):
    found = {row["id"]: row for row in rows(page_text)}
    assert found["a-0"]["facts"] == [{"forms": ["26座"], "stated": True}]
    assert found["a-0"]["evidence"][0]["cited"]
    assert found["a-0"]["forbid"] == [{"figure": "19座", "said": False}]
    assert found["a-0"]["citations"][0]["about"]
    assert found["a-1"]["facts"][0]["stated"] is False
    assert found["a-1"]["forbid"] == [{"figure": "19座", "said": True}]
    assert found["a-1"]["citations"][0]["about"] is False
    # The text of the refusal happens to name the figure.
    assert found["a-2"]["facts"][0]["stated"] is False
    assert found["a-1"]["earlier"]["outcome"] == "答对"
    assert found["a-0"]["earlier"] is None


def test_the_comparison_is_not_in_the_report_or_always_is(page_text: str, runs):
    assert "结果不同的 4 题" in page_text
    assert "与前次比较" not in report_html(runs[1])


@pytest.mark.parametrize("kept", [slice(7, 9), slice(0, 1), slice(3, 4)])
def test_a_run_of_one_kind_has_no_report(runs, kept: slice):
    run = replace(runs[1], records=runs[1].records[kept])
    assert len(rows(report_html(run, compare(run, run)))) == len(run.records)


def test_a_hash_of_the_header_is_missing(page_text: str, runs):
    header = runs[1].header
    for value in (header.index, header.gold, header.prompt, header.version):
        assert f"<code>{value}</code>" in page_text


def test_a_name_is_missing():
    assert TYPES.keys() == {kind.value for kind in QuestionType}
    assert STYLES.keys() == {style.value for style in Style}
    assert {part.value for part in Part} < PARTS.keys()
    assert OUTCOMES.keys() == set(Outcome)
    assert MEASURES.keys() < set(ALL_MEASURES)
    assert len({measure_name(measure) for measure in ALL_MEASURES}) == len(ALL_MEASURES)


def test_a_dot_or_whisker_stands_elsewhere():
    strip = Elements(whisker_strip([Whisker("all", "全部", 0.25, Interval(0.1, 0.5))], -1.0, 1.0))
    (whisker,) = [a for a, _ in strip.of("line") if a["x1"] != a["x2"]]
    assert (whisker["x1"], whisker["x2"]) == ("55.00%", "75.00%")
    assert [a["cx"] for a, _ in strip.of("circle")] == ["62.50%"]


@given(st.lists(st.floats(0.1, 60_000), min_size=1, max_size=60))
def test_the_histogram_loses_a_question(values: list[float]):
    chart = Elements(histogram("t", "毫秒", values, [("50%", values[0])]))
    counts = [int(re.search(r"：(\d+) 题", said).group(1)) for _, said in chart.of("title")[1:]]
    assert sum(counts) == len(values)
    assert len(counts) <= 31


def test_the_command_writes_elsewhere_or_compares_other_questions(world, runs, tmp_path: Path):
    first, second = (str(run.folder) for run in runs)
    done = CliRunner().invoke(app, ["eval", "report", second], catch_exceptions=False)
    assert (done.exit_code, done.stdout.strip()) == (0, f"{second}/report.html")
    target = str(tmp_path / "r.html")
    done = CliRunner().invoke(app, ["eval", "report", second, "--compare", first, "--out", target])
    assert (done.exit_code, "与前次比较" in Path(target).read_text(encoding="utf-8")) == (0, True)
    other = world.save(tmp_path / "other", runs[0].records, gold="sha256:other")
    done = CliRunner().invoke(app, ["eval", "report", second, "--compare", str(other)])
    assert isinstance(done.exception, InputError)
    with pytest.raises(InputError, match="cannot be written"):
        write_report(tmp_path / "none" / "r.html", runs[1], None)


# In a real browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, page_text: str, tmp_path: Path) -> Iterator[Page]:
    """The report opened from disk; afterwards nothing may have been complained of or fetched."""
    path = tmp_path / "report.html"
    path.write_text(page_text, encoding="utf-8")
    complaints: list[str] = []
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url == path.as_uri() else complaints.append(asked.url))
        page.goto(path.as_uri())
        yield page
        assert page.evaluate("window.planted") is None
    assert complaints == []


def shown(page: Page) -> list[str]:
    return page.locator("#rows .row:visible .toggle small").all_inner_texts()


def test_filters_show_other_questions(page: Page, runs):
    everything = [record.question.id for record in runs[1].records]
    assert shown(page) == everything
    page.click("[data-outcome=FAILED]")
    assert shown(page) == ["a-3"]
    expect(page.locator("#count")).to_have_text("显示 1 题，共 9 题")
    page.click("button[type=reset]")
    page.select_option("[data-field=part]", "发布集")
    assert shown(page) == ["a-1", "a-3", "a-5"]
    page.fill("#search", "2021年共建成")
    assert shown(page) == ["a-1"]
    page.fill("#search", "没有这样的话")
    expect(page.locator("#none")).to_be_visible()
    page.keyboard.press("Escape")
    assert shown(page) == everything


def test_the_keyboard_does_not_reach_an_answer(page: Page):
    page.keyboard.press("/")
    page.keyboard.type("a-")
    page.locator(".toggle").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#rows .detail")).to_contain_text("湖畔新区2021年共建成换电站19座")
    expect(page.locator("#rows .detail")).to_contain_text("没有引到")
    expect(page.locator(".toggle").nth(1)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#rows .detail")).to_have_count(0)


def test_what_was_planted_runs_when_a_question_is_opened(page: Page):
    for toggle in page.locator(".toggle").all():
        toggle.click()
    expect(page.locator("#rows .detail")).to_have_count(9)
    expect(page.locator("#rows")).to_contain_text("<script>window.planted = 1</script>")
    assert page.locator("main img, #rows script").count() == 0


def test_a_changed_question_cannot_be_opened_from_the_comparison(page: Page):
    page.click("[data-outcome=FAILED]")
    page.click("#compare a[href='#q-a-1']")
    expect(page.locator("#q-a-1")).to_be_in_viewport()
    expect(page.locator("#rows .detail")).to_have_count(1)
    page.click("#rows .detail .marker")
    expect(page.locator("#rows .target")).to_contain_text("[1]")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_wider_than_the_screen(page: Page, width: int):
    page.set_viewport_size({"width": width, "height": 844})
    for toggle in page.locator(".toggle").all():
        toggle.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
