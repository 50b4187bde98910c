"""The widget in a real browser: the time to open, to write the text that arrives, and to stop."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from bench.figures import Figure
from bench.load import percentile
from bench.stack import Stack
from tests.browser.chromium import launch_options
from tests.widget.backend import answer, hang_after
from tests.widget.element_page import open_element
from tests.widget.stage import Stage, staged

NAME = "widget"
SCRIPT: Final = Path(__file__).with_name("widget_page.js")
EVERY: Final = 0.02
"""Seconds between two events: 50 a second."""
END: Final = "the end of it."


def run(_: Stack, *, quick: bool) -> list[Figure]:
    opens, words, stops = (5, 200, 5) if quick else (60, 2_000, 100)
    with staged() as stage, _page(stage) as page:
        opened = [_open(page) for _ in range(opens + 3)][3:]
        delays, longest = _write(page, stage, words)
        stopped = [_stop(page, stage) for _ in range(stops)]
    return [
        Figure(
            NAME, "click on the launcher to a focused input, warm, p95", percentile(opened, 0.95), "ms", 100
        ),
        Figure(
            NAME,
            f"event to text painted, {words} words at 50 a second, p95",
            percentile(delays, 0.95),
            "ms",
            20,
        ),
        Figure(NAME, "the same, p50", percentile(delays, 0.5), "ms"),
        Figure(NAME, "main thread blocked at a time, longest", longest, "ms", 50),
        Figure(
            NAME,
            f"stop to the backend's connection closed, {stops} times, p99",
            percentile(stopped, 0.99),
            "ms",
            500,
        ),
    ]


@contextmanager
def _page(stage: Stage) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        context = browser.new_context()
        context.add_init_script(SCRIPT.read_text(encoding="utf-8"))
        page = open_element(context, stage, auth="guest", clientId="lab")
        yield page
        browser.close()


def _open(page: Page) -> float:
    """Milliseconds from the click, as the browser dates it, to the focus of the input."""
    page.evaluate(
        """() => {
            window.opened = new Promise((resolve) => {
                const host = document.querySelector("chatgate-widget");
                addEventListener("click", (event) => { window.clickedAt = event.timeStamp; },
                    { capture: true, once: true });
                host.shadowRoot.addEventListener("focusin", (event) => {
                    if (event.target.tagName === "TEXTAREA") resolve(performance.now() - window.clickedAt);
                });
            });
        }"""
    )
    page.get_by_role("button", name="Ask a question").click()
    took: float = page.evaluate("window.opened")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    return took


def _write(page: Page, stage: Stage, words: int) -> tuple[list[float], float]:
    """Milliseconds from each event's arrival to a frame that shows it, and the longest task meanwhile."""

    def script(one: Any) -> None:
        one.begin()
        begun = time.monotonic()
        for number in range(words):
            # The due time counts from the beginning, so that a late word does not delay the others.
            time.sleep(max(0.0, begun + number * EVERY - time.monotonic()))
            one.write(f" word{number}" + ("\n\n" if number % 50 == 49 else ""))
        one.write(f" {END}")
        one.say("done")

    stage.backend.script = script
    page.get_by_role("button", name="Ask a question").click()
    page.get_by_role("textbox", name="Your question").fill("Tell me all.")
    page.evaluate(
        """(end) => {
            seen.received.length = seen.longTasks.length = 0;
            watchAnswer(document.querySelector("chatgate-widget").shadowRoot, end);
        }""",
        END,
    )
    page.keyboard.press("Enter")
    page.get_by_text(END).first.wait_for(timeout=words * EVERY * 1000 + 60_000)
    page.get_by_role("button", name="Helpful", exact=True).last.wait_for()
    seen = page.evaluate("window.seen")
    return _delays(seen["received"], seen["painted"]), max(seen["longTasks"], default=0.0)


def _delays(received: Sequence[Sequence[float]], painted: Sequence[Sequence[float]]) -> list[float]:
    frames = iter(painted)
    at, shown = next(frames)
    delays: list[float] = []
    for came_at, count in received:
        while shown < count or at < came_at:
            found = next(frames, None)
            if found is None:
                return delays
            at, shown = found
        delays.append(at - came_at)
    return delays


def _stop(page: Page, stage: Stage) -> float:
    """Milliseconds from the click on Stop to the end of the backend's connection."""
    stage.backend.script = hang_after("Half of ")
    page.get_by_role("textbox", name="Your question").fill("And now?")
    page.keyboard.press("Enter")
    page.get_by_text("Half of").last.wait_for()
    page.evaluate(
        "addEventListener('click', () => { window.stoppedAt = Date.now(); }, { capture: true, once: true })"
    )
    page.get_by_role("button", name="Stop").click()
    answering = stage.backend.answerings[-1]
    assert answering.left.wait(20)
    stopped_at: float = page.evaluate("window.stoppedAt")
    stage.backend.script = answer("It is so.")
    assert answering.left_at is not None
    return answering.left_at * 1000 - stopped_at
