"""The button at a selection: where it stands, and that it takes neither selection nor focus."""

import pytest
from playwright.sync_api import expect

from tests.widget.page.reader import box_of, button, drag, is_shown, is_told, point, select, told

LEAST_TARGET = 24
LEAST_TOUCHED = 44
"""CSS pixels each way (WCAG 2.5.8, 2.5.5)."""
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
SENTENCE = "The station's clock is set by the server"


def opened(context, book, path="docs/time"):
    page = context.new_page()
    page.goto(book.url + path)
    return page


@pytest.fixture
def chapter(contexts, book):
    return opened(contexts(), book)


@pytest.fixture
def phone(contexts, book):
    return opened(contexts(**PHONE), book)


def last_line(page):
    return page.evaluate("capture().rect.toJSON()")


def is_in_window(page, box):
    width, height = page.viewport_size["width"], page.viewport_size["height"]
    return (
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= width
        and box["y"] + box["height"] <= height
    )


def test_it_stands_below_the_end_of_the_selection(chapter):
    expect(button(chapter)).to_be_hidden()
    drag(chapter, "The station", "server")
    is_shown(chapter)
    box, line = box_of(button(chapter)), last_line(chapter)
    assert box["y"] == pytest.approx(line["bottom"] + 8)
    assert box["x"] + box["width"] == pytest.approx(line["right"], abs=1)
    assert min(box["width"], box["height"]) >= LEAST_TARGET


def test_it_stands_at_the_left_end_of_right_to_left_text(contexts, book):
    page = opened(contexts(), book, "ar/docs/time")
    drag(page, "تضبط", "كل ساعة")
    shown = page.get_by_role("button", name="اسأل عن هذا")
    expect(shown).to_be_visible()
    assert box_of(shown)["x"] == pytest.approx(last_line(page)["left"], abs=1)


def test_it_stands_above_the_last_line_at_the_foot_of_the_window(chapter):
    select(chapter, "#receipt + p")
    chapter.evaluate("window.scrollBy(0, capture().rect.bottom - innerHeight + 10)")
    is_shown(chapter)
    chapter.wait_for_function("buttonBox().bottom <= capture().rect.top")
    assert is_in_window(chapter, box_of(button(chapter)))


def test_it_moves_along_with_the_page_and_hides_while_the_selection_is_out_of_sight(chapter):
    drag(chapter, "The station", "server")
    is_shown(chapter)
    before = box_of(button(chapter))["y"]
    chapter.evaluate("window.scrollBy(0, 60)")
    chapter.wait_for_function("scrollY === 60")
    expect(button(chapter)).to_be_visible()
    chapter.wait_for_function("y => buttonBox().y === y", arg=before - 60)
    chapter.evaluate("window.scrollBy(0, 600)")
    expect(button(chapter)).to_be_hidden()
    chapter.evaluate("window.scrollTo(0, 0)")
    is_shown(chapter)


def test_a_click_asks_and_leaves_selection_and_focus_alone(chapter):
    chapter.get_by_role("link", name="Book").focus()
    drag(chapter, "The station", "server")
    is_told(chapter, SENTENCE)
    focused = chapter.evaluate("document.activeElement.tagName")
    button(chapter).click()
    assert chapter.evaluate("asked") == [SENTENCE]
    expect(button(chapter)).to_be_hidden()
    assert chapter.evaluate("String(getSelection())") == SENTENCE
    assert chapter.evaluate("document.activeElement.tagName") == focused
    assert told(chapter) == [SENTENCE]


def test_the_keyboard_reaches_it_and_the_passage_survives(chapter):
    drag(chapter, "The station", "server")
    is_shown(chapter)
    button(chapter).focus()
    chapter.keyboard.press("Enter")
    assert chapter.evaluate("asked") == [SENTENCE]
    expect(chapter.get_by_role("button", name="Ask about this")).to_have_count(0)


def test_escape_hides_it_until_something_else_is_selected(chapter):
    drag(chapter, "The station", "server")
    is_shown(chapter)
    chapter.keyboard.press("Escape")
    expect(button(chapter)).to_be_hidden()
    drag(chapter, "It uses", "a dash")
    is_shown(chapter)


def test_a_passage_that_is_cleared_under_the_press_is_asked_about(chapter):
    drag(chapter, "The station", "server")
    is_shown(chapter)
    box = box_of(button(chapter))
    chapter.mouse.move(box["x"] + 9, box["y"] + 9)
    chapter.mouse.down()
    chapter.evaluate("getSelection().removeAllRanges()")
    chapter.wait_for_function("told.at(-1) === null")
    chapter.mouse.up()
    assert chapter.evaluate("asked") == [SENTENCE]


def test_a_press_that_ends_elsewhere_asks_nothing_and_the_button_goes_with_the_next_one(chapter):
    drag(chapter, "The station", "server")
    is_shown(chapter)
    box = box_of(button(chapter))
    chapter.mouse.move(box["x"] + 9, box["y"] + 9)
    chapter.mouse.down()
    chapter.evaluate("getSelection().removeAllRanges()")
    chapter.wait_for_function("told.at(-1) === null")
    chapter.mouse.move(box["x"] + 9, box["y"] + 200)
    chapter.mouse.up()
    chapter.mouse.click(*point(chapter, "First item"))
    expect(button(chapter)).to_be_hidden()
    assert chapter.evaluate("asked") == []


def test_it_is_gone_with_its_style_when_it_is_removed(chapter):
    drag(chapter, "The station", "server")
    is_shown(chapter)
    chapter.evaluate("button.remove()")
    expect(button(chapter)).to_have_count(0)
    assert chapter.evaluate("document.querySelector('chatgate-widget').root.adoptedStyleSheets.length") == 0


def test_no_box_of_the_page_clips_or_covers_it(chapter):
    chapter.evaluate(
        """() => {
          document.querySelector(".docItemCol_VOVn").append(document.querySelector("chatgate-widget"));
          const style = document.querySelector(".docItemCol_VOVn").style;
          Object.assign(style, { transform: "translateX(40px)", overflow: "hidden", position: "relative" });
          document.querySelector(".navbar").style.zIndex = "2147483647";
        }"""
    )
    drag(chapter, "The station", "server")
    is_shown(chapter)
    assert box_of(button(chapter))["y"] == pytest.approx(last_line(chapter)["bottom"] + 8)
    button(chapter).click()
    assert chapter.evaluate("asked") == [SENTENCE]


def test_on_a_phone_it_is_a_bar_at_the_bottom_that_a_finger_hits(phone):
    select(phone, "article header + p", 0, 3)
    is_shown(phone)
    box = box_of(button(phone))
    assert box["height"] >= LEAST_TOUCHED
    assert box["y"] + box["height"] == pytest.approx(780 - 12, abs=1)
    assert box["width"] == pytest.approx(390 - 24, abs=1)
    button(phone).tap()
    assert phone.evaluate("asked") == [f"{SENTENCE},"]


def test_on_a_phone_a_selection_that_grows_under_the_fingers_is_told_until_a_tap_takes_it_away(phone):
    select(phone, "article header + p", 0, 1)
    is_told(phone, "The station's clock is")
    select(phone, "article header + p", 0, 3)
    is_told(phone, f"{SENTENCE},")
    is_shown(phone)
    phone.touchscreen.tap(20, 300)
    is_told(phone, None)
    expect(button(phone)).to_be_hidden()


@pytest.mark.parametrize("width", [320, 1100])
def test_a_long_label_stays_in_the_window(contexts, book, width):
    page = opened(contexts(viewport={"width": width, "height": 600}), book)
    page.evaluate(
        """() => {
          const button = document.querySelector("chatgate-widget").root.querySelector("button");
          button.childNodes[1].data = "Ask about what you have selected on this page, ".repeat(4);
        }"""
    )
    select(page, "article header + p", 0, 3)
    shown = page.get_by_role("button", name="Ask about what")
    expect(shown).to_be_visible()
    assert is_in_window(page, box_of(shown))


def test_a_policy_without_inline_style_and_with_trusted_types_lets_it_be(page, book):
    body = """<!doctype html><html lang="en"><title>x</title><main><p>Strict words</p></main>
    <chatgate-widget></chatgate-widget><script type="module" src="/my-book/page.js"></script>"""
    policy = "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'"
    book.serve("strict", body, **{"Content-Security-Policy": policy})
    page.goto(book.url + "strict")
    select(page, "main")
    is_shown(page)
    page.evaluate("() => { page.highlight('chatgate-passage', capture().ranges); }")
    button(page).click()
    assert page.evaluate("asked") == ["Strict words"]
    assert page.evaluate("CSS.highlights.size") == 1
