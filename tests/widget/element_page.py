"""A plain page of the book with the element on it, and what a reader does there."""

import json
from html import escape
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page

from tests.browser.login_form import sign_in
from tests.widget.stage import PASSWORD, Stage

DOCUMENT = """<!doctype html><html lang="{lang}" dir="{dir}" data-theme="{theme}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sampling – The book</title>
<link rel="stylesheet" href="./page.css"></head><body><main><article class="theme-doc-markdown">
<h1>Sampling</h1>
<p>The station wakes up <strong>every ten minutes</strong>, takes a reading and sleeps again.</p>
<h2 id="rate">Rate</h2>
<p>A higher rate costs battery. See <a href="./power.html">Power</a>.</p>
<pre><code>interval = 600
samples = 12</code></pre>
</article></main><script type="module" src="./widget/chatgate-widget.js"></script>
<chatgate-widget {attributes}></chatgate-widget></body></html>"""

STYLE = """body { font: 1rem/1.6 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 1rem; }
html[data-theme=dark] { background: #1b1b1d; color: #e3e3e3; color-scheme: dark; }"""

LAUNCHER = "Ask a question"
INPUT = "Your question"
POLICY = "default-src 'self'; connect-src 'self' {broker} {proxy}"


def document(stage: Stage, *, lang: str = "en", theme: str = "light", **options: Any) -> str:
    named = {"".join(f"-{c.lower()}" if c.isupper() else c for c in name): v for name, v in options.items()}
    attributes = " ".join(
        f'{name}="{escape(value if isinstance(value, str) else json.dumps(value))}"'
        for name, value in named.items()
    )
    direction = "rtl" if lang in ("ar", "ur") else "ltr"
    return DOCUMENT.format(lang=lang, dir=direction, theme=theme, attributes=attributes)


def open_element(
    context: BrowserContext,
    stage: Stage,
    *,
    path: str = "element.html",
    policy: str | None = None,
    lang: str = "en",
    theme: str = "light",
    **options: Any,
) -> Page:
    """A tab with the element, whose options are the stage's and `options`."""
    headers = {"Content-Security-Policy": policy} if policy else {}
    body = document(stage, lang=lang, theme=theme, **stage.options(**options))
    stage.serve(path, body, **headers)
    stage.serve("page.css", STYLE, "text/css")
    page = context.new_page()
    page.goto(stage.home + path)
    return page


def open_panel(page: Page) -> None:
    page.get_by_role("button", name=LAUNCHER).click()
    page.get_by_role("textbox", name=INPUT).wait_for()


def ask(page: Page, question: str) -> None:
    """Types and sends a question; returns at once."""
    page.get_by_role("textbox", name=INPUT).fill(question)
    page.keyboard.press("Enter")


def sign_in_by_popup(page: Page, email: str) -> None:
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Sign in", exact=True).first.click()
    popup = opened.value
    popup.get_by_role("heading", level=1).wait_for()
    with popup.expect_event("close"):
        sign_in(popup, email, PASSWORD)


def policy_of(stage: Stage) -> str:
    return POLICY.format(broker=stage.stack.broker, proxy=stage.stack.proxy)


def log(page: Page) -> Locator:
    return page.get_by_role("log")
