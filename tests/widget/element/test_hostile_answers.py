"""An answer that is not what it should be is shown as text or refused; it never runs and never freezes."""

import json

import pytest
from playwright.sync_api import expect

from tests.widget.backend import answer
from tests.widget.element_page import ask, log, open_element, open_panel, policy_of

LONGEST_TASK_MS = 500
"""Milliseconds of a processor's time; a reader would not call the page frozen yet."""

MARKS = "document.title = 'run'"
HOSTILE = {
    "script": f"<script>{MARKS}</script>",
    "image": f'<img src=x onerror="{MARKS}">',
    "svg": f'<svg onload="{MARKS}"><a xlink:href="javascript:{MARKS}"><text>x</text></a></svg>',
    "javascript link": f"[click](javascript:{MARKS})",
    "data link": "[click](data:text/html,<script>parent.document.title='run'</script>)",
    "hidden scheme": "[click](JaVa\tScript:alert(1)) <jav&#x09;ascript:alert(1)>",
    "remote image": "![a picture](https://evil.example/pixel.png)",
    "form": "<form action=https://evil.example><input name=x><button>Send</button></form>",
    "iframe": "<iframe src=https://evil.example></iframe>",
    "style": "<style>* { display: none !important }</style>",
}


@pytest.fixture
def lab(context, stage):
    page = open_element(context, stage, policy=policy_of(stage), auth="guest", clientId="lab")
    open_panel(page)
    yield page
    stage.backend.script = answer("It is so.")


@pytest.mark.parametrize("case", HOSTILE)
def test_nothing_of_an_answer_runs_or_loads(lab, context, stage, case):
    foreign = []
    context.on("request", lambda one: foreign.append(one.url) if "evil" in one.url else None)
    stage.backend.script = answer("Before. ", HOSTILE[case], "\n\nAfter.")
    ask(lab, "show me")
    expect(log(lab)).to_contain_text("After.")
    lab.get_by_role("button", name="Helpful", exact=True).wait_for()
    assert lab.title() == "Sampling – The book"
    assert foreign == []
    found = lab.evaluate(
        """() => {
            const all = [...document.querySelector("chatgate-widget").shadowRoot.querySelectorAll("*")];
            const inLog = all.filter((one) => one.closest("[role=log]"));
            const bad = inLog.filter((one) =>
                ["SCRIPT", "IMG", "IFRAME", "FORM", "STYLE", "INPUT"].includes(one.tagName) ||
                [...one.attributes].some(({ name }) => name.startsWith("on")));
            const links = inLog.filter((one) => one.tagName === "A").map((one) => one.protocol);
            return { bad: bad.map((one) => one.outerHTML), links };
        }"""
    )
    assert found["bad"] == []
    assert set(found["links"]) <= {"http:", "https:"}


PIECE = 8_000

HUGE = {
    "one line": ["word " * 40_000],
    "a table": ["| a | b |\n|---|---|\n", "| x | y |\n" * 15_000],
    "an unclosed fence": ["```python\n", "x = 1\n" * 25_000],
    "brackets": ["[" * 100_000],
    "quotes in quotes": [">" * 50_000 + " x"],
    "lists in lists": ["".join(f"{'  ' * depth}- x\n" for depth in range(300))],
    "stars": ["*a " * 40_000],
}


@pytest.mark.parametrize("case", HUGE)
def test_a_huge_answer_freezes_nothing(lab, stage, case):
    text = "".join(HUGE[case])
    # The proxy takes a line of 64 KiB at most.
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    stage.backend.script = answer(*pieces, "\n\nAfter.")
    browser = lab.context.browser
    browser.start_tracing(page=lab, categories=["toplevel"])
    ask(lab, "show me")
    lab.get_by_role("button", name="Helpful", exact=True).wait_for(timeout=60_000)
    assert longest_task_ms(browser.stop_tracing()) < LONGEST_TASK_MS


def longest_task_ms(trace):
    """The processor time of a page's longest task, in ms. A task's duration would count the time that other
    processes had the processor, which on a busy machine is most of it."""
    events = json.loads(trace)["traceEvents"]
    threads = {
        (one["pid"], one["tid"]): one["args"]["name"] for one in events if one["name"] == "thread_name"
    }
    # Chromium leaves the processor's time out of those that were under way when the trace began or ended.
    tasks = [one for one in events if one["name"] == "ThreadControllerImpl::RunTask" and "tdur" in one]
    pages = [one for one in tasks if threads[one["pid"], one["tid"]] == "CrRendererMain"]
    return max(one["tdur"] for one in pages) / 1000


def test_a_citation_without_a_good_address_is_left_out(lab, stage):
    stage.backend.script = answer(
        "It is so.", citations=[("A title", f"javascript:{MARKS}", "quote"), ("", "https://x.example/", "")]
    )
    ask(lab, "show me")
    sources = lab.get_by_role("region", name="Sources")
    expect(sources.get_by_role("link")).to_have_text("https://x.example/ (opens in a new tab)")
    expect(sources).not_to_contain_text("A title")
