"""The panel in every state: axe finds nothing in it, and a picture of it is kept to be looked at."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import STANDARDS
from tests.node_packages import FOLDER, node
from tests.processes import REPOSITORY
from tests.widget.backend import answer, fail, hang_after
from tests.widget.element_page import INPUT, ask, log, open_element, open_panel, sign_in_by_popup

SCREENSHOTS = Path(os.environ.get("CHATGATE_SCREENSHOTS", REPOSITORY / "screenshots"))
"""Every picture that these tests take."""

ANSWER = """The station records one value **every ten minutes**.

| setting | value |
| --- | --: |
| `interval` | 600 s |
| `samples` | 12 |

1. It wakes up.
2. It takes twelve samples and keeps their *median*.

```python
interval = 600  # seconds
```

> A higher rate costs battery; see [Power](https://docs.example.org/power).
"""
CITATIONS = [
    ("Sampling › Rate", "/my-book/element.html#rate", "A higher rate costs battery."),
    ("Power", "/my-book/power.html", "Twelve samples take four seconds."),
]
SUGGESTIONS = ["How often does the station record a value?", "How large a battery do I need?"]


def closed(page, stage):
    page.get_by_role("button").first.wait_for()


def empty(page, stage):
    open_panel(page)


def signed_out(page, stage):
    open_panel(page)
    page.get_by_role("button", name="Sign in", exact=True).wait_for()


def signing_in(page, stage):
    open_panel(page)
    with page.expect_popup():
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Open the window again").wait_for()


def writing(page, stage):
    stage.backend.script = hang_after(
        "The station records one value **every ten", " minutes**.\n\n```python\n", "x = 1"
    )
    open_panel(page)
    ask(page, SUGGESTIONS[0])
    expect(log(page)).to_contain_text("x = 1")


def answered(page, stage):
    stage.backend.script = answer(ANSWER, citations=CITATIONS)
    open_panel(page)
    ask(page, SUGGESTIONS[0])
    page.get_by_role("button", name="Helpful", exact=True).wait_for()


def failed(page, stage):
    stage.backend.script = fail(500)
    open_panel(page)
    ask(page, SUGGESTIONS[0])
    page.get_by_role("button", name="Try again").wait_for()


def waiting_to_retry(page, stage):
    open_panel(page)
    sign_in_by_popup(page, stage.reader("closed"))
    ask(page, "one")
    page.get_by_role("button", name="Helpful", exact=True).wait_for()
    ask(page, "two")
    page.get_by_role("button", name=re.compile("^Try again in ")).wait_for()


def history(page, stage):
    answered(page, stage)
    page.get_by_role("button", name="Recent conversations").click()
    page.get_by_role("list", name="Recent conversations").wait_for()


def account(page, stage):
    open_panel(page)
    sign_in_by_popup(page, stage.reader())
    page.get_by_role("button", name="Account").click()
    page.get_by_text("This browser").wait_for()


def select(page, text_of):
    page.evaluate(
        """(selector) => {
            const range = document.createRange();
            range.selectNodeContents(document.querySelector(selector));
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }""",
        text_of,
    )


def passage(page, stage):
    select(page, "article p")
    page.get_by_role("button", name=re.compile("^Ask about this")).click()
    page.get_by_role("button", name="Remove the passage").wait_for()


def passage_too_long(page, stage):
    page.evaluate("document.querySelector('article p').textContent = 'every ten minutes '.repeat(700)")
    select(page, "article p")
    page.get_by_role("button", name=re.compile("^Ask about this")).click()
    page.get_by_text("at most 12,000 can be sent").wait_for()


def selected(page, stage):
    select(page, "article p")
    page.get_by_role("button", name=re.compile("^Ask about this")).wait_for()


GUEST: dict[str, Any] = {"auth": "guest", "clientId": "lab", "suggestions": SUGGESTIONS}
READER = {"clientId": "lab"}
STATES: dict[Any, dict[str, Any]] = {
    closed: GUEST,
    empty: GUEST,
    signed_out: READER,
    signing_in: READER,
    writing: GUEST,
    answered: GUEST,
    failed: GUEST,
    waiting_to_retry: {"clientId": "closed"},
    history: GUEST,
    account: {"clientId": "docs"},
    selected: GUEST,
    passage: GUEST,
    passage_too_long: GUEST,
}


@pytest.fixture(scope="module")
def axe():
    node()
    return (FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(autouse=True)
def plain_backend(stage):
    yield
    stage.backend.script = answer("It is so.")


def picture(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.mark.node
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES, ids=lambda one: one.__name__)
def test_axe_finds_nothing(context, stage, axe, state, theme):
    page = open_element(context, stage, theme=theme, **STATES[state])
    state(page, stage)
    picture(page, f"{state.__name__}-{theme}")
    page.evaluate(axe)
    found = page.evaluate("standards => axe.run({runOnly: standards})", STANDARDS)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert len(found["passes"]) > 10


SIZES = {"phone": (390, 844), "320": (320, 640), "zoomed": (640, 400)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", [empty, answered, passage, selected], ids=lambda one: one.__name__)
def test_a_small_window_shows_all_of_it(context, stage, state, size):
    """A window of 1280 by 800 at a zoom of 200 % is one of 640 by 400 to the page."""
    width, height = SIZES[size]
    page = open_element(context, stage, **STATES[state])
    page.set_viewport_size({"width": width, "height": height})
    state(page, stage)
    picture(page, f"{state.__name__}-{size}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panel = page.locator("chatgate-widget").get_by_role("dialog")
    for one in panel.get_by_role("button").all() if panel.count() else []:
        box = one.bounding_box()
        if box is None or not one.is_visible():
            continue
        assert min(box["width"], box["height"]) >= 24
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("lang", ["en", "de", "es", "fr", "ar", "ur", "zh", "ja"])
def test_each_language_is_spoken(context, stage, lang):
    stage.backend.script = answer(ANSWER, citations=CITATIONS)
    page = open_element(context, stage, lang=lang, **GUEST)
    widget = page.locator("chatgate-widget")
    widget.get_by_role("button").first.click()
    field = widget.get_by_role("textbox")
    field.fill("?")
    field.press("Enter")
    expect(widget.locator("[aria-pressed]")).to_have_count(2)
    picture(page, f"answered-{lang}")
    direction = "rtl" if lang in ("ar", "ur") else "ltr"
    expect(field).to_have_css("direction", direction)
    if lang != "en":
        expect(widget.get_by_role("dialog")).not_to_have_accessible_name("Ask this book")


def test_the_readers_wishes_for_the_display_are_met(context, stage):
    page = open_element(context, stage, **GUEST)
    page.emulate_media(reduced_motion="reduce", forced_colors="active")
    answered(page, stage)
    picture(page, "answered-forced-colours")
    moving = page.evaluate(
        """() => document.getAnimations().filter((one) => one.playState === "running").length"""
    )
    assert moving == 0


HOSTILE_STYLE = """
* { display: none !important; font-size: 60px !important; color: red !important; position: static !important;
  letter-spacing: 1em !important; }
html, body, main, chatgate-widget { display: block !important; }
button, textarea, input { background: red !important; border: 20px solid lime !important; }
div, span, p { float: left !important; transform: rotate(20deg) !important; }
"""


def test_a_hostile_style_sheet_does_not_reach_into_it(context, stage):
    page = open_element(context, stage, **GUEST)
    page.evaluate(
        """(css) => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(css);
            document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
        }""",
        HOSTILE_STYLE,
    )
    answered(page, stage)
    picture(page, "answered-hostile-style")
    field = page.get_by_role("textbox", name=INPUT)
    assert float(field.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")) < 24
    expect(field).not_to_have_css("color", "rgb(255, 0, 0)")
    box = page.get_by_role("dialog").bounding_box()
    assert box is not None
    assert box["width"] > 250
