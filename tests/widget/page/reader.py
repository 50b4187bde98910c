"""A reader's actions with mouse, keyboard and fingers, and the events that the page's script got."""

from typing import Any

from playwright.sync_api import FloatRect, Locator, Page, expect

# Where a text begins or ends in the window, once it has been scrolled there.
POINT = """([text, isEnd]) => {
  const root = document.querySelector("#__docusaurus, main");
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const at = node.data.indexOf(text);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + text.length);
    if (range.getClientRects().length === 0) continue;
    const { top, bottom } = range.getBoundingClientRect();
    if (top < 80 || bottom > innerHeight) node.parentElement.scrollIntoView({ block: "center" });
    const lines = range.getClientRects();
    const isRtl = getComputedStyle(node.parentElement).direction === "rtl";
    const line = isEnd ? lines[lines.length - 1] : lines[0];
    return [isEnd === isRtl ? line.left + 1 : line.right - 1, line.top + line.height / 2];
  }
  throw new Error(`no ${text}`);
}"""


def point(page: Page, text: str, *, end: bool = False) -> Any:
    return page.evaluate(POINT, [text, end])


def drag(page: Page, first: str, last: str) -> None:
    """Selects with the mouse from the beginning of one text to the end of another."""
    page.mouse.move(*point(page, first))
    page.mouse.down()
    x, y = point(page, last, end=True)
    page.mouse.move(x, y, steps=4)
    page.mouse.up()


def select(page: Page, selector: str, start: int | None = None, end: int | None = None) -> None:
    """As a phone's handles do: the selection changes and no pointer is down. Offsets are of child nodes."""
    page.evaluate(
        """([selector, start, end]) => {
          const element = document.querySelector(selector);
          getSelection().setBaseAndExtent(element, start ?? 0, element, end ?? element.childNodes.length);
        }""",
        [selector, start, end],
    )


def told(page: Page) -> Any:
    """All that the watch has told, the last at the end."""
    return page.evaluate("told")


def is_told(page: Page, text: str | None) -> None:
    page.wait_for_function("text => told.at(-1) === text", arg=text)


def capture(page: Page) -> Any:
    """The passage of the selection as it is now, or None."""
    return page.evaluate("capture()?.passage ?? null")


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Ask about this")


def box_of(shown: Locator) -> FloatRect:
    box = shown.bounding_box()
    assert box is not None
    return box


def is_shown(page: Page) -> None:
    expect(button(page)).to_be_visible()
