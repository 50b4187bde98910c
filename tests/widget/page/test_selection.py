"""Which text a selection gives, and when the page's script is told of it."""

import pytest
from playwright.sync_api import expect

from tests.widget.page.reader import button, capture, drag, is_told, point, select, told

LONGER_MS = 400
"""Than the watch waits for a selection to settle."""
CODE = 'def send(rows):\n    """Send one batch."""\n    return rows'


@pytest.fixture
def chapter(page, book):
    page.clock.install()
    page.goto(book.url + "docs/time")
    return page


@pytest.fixture
def still(pages):
    return pages["docs/time"]


def test_a_drag_is_told_once_when_the_mouse_is_up(chapter):
    # The press takes the focus from it.
    chapter.get_by_role("link", name="Book").focus()
    chapter.mouse.move(*point(chapter, "The station"))
    chapter.mouse.down()
    for text in ("clock is", "never"):
        chapter.mouse.move(*point(chapter, text, end=True), steps=3)
        chapter.clock.run_for(LONGER_MS)
        assert told(chapter) == []
    chapter.mouse.up()
    is_told(chapter, "The station's clock is set by the server, never")
    assert len(told(chapter)) == 1


def test_a_passage_has_its_length_its_path_and_the_heading_above_it(chapter):
    drag(chapter, "A clock that jumps", "that is late.")
    text = "A clock that jumps is worse than one that is late."
    assert capture(chapter) == {"text": text, "length": 50, "path": "/my-book/docs/time", "headingId": "line"}


@pytest.mark.parametrize(
    ("clicks", "at", "text"),
    [
        (2, "server, ", "server"),
        (3, "A clock that jumps", "A clock that jumps is worse than one that is late."),
    ],
)
def test_a_double_and_a_triple_click_are_told(chapter, clicks, at, text):
    x, y = point(chapter, at)
    chapter.mouse.click(x + 4, y, click_count=clicks)
    is_told(chapter, text)


def test_a_triple_click_takes_nothing_of_the_next_heading(chapter):
    x, y = point(chapter, "answers with a receipt")
    # Before a heading its range ends in the heading, and at the chapter's end outside of the chapter.
    for text, heading in [("answers with a receipt", "receipt"), ("waits for a receipt", "again")]:
        x, y = point(chapter, text)
        chapter.mouse.click(x + 4, y, click_count=3)
        passage = capture(chapter)
        assert passage["text"].endswith(f"{text}.")
        assert "Receipts" not in passage["text"]
        assert passage["headingId"] == heading
        ends = chapter.evaluate("capture().ranges[0].endContainer.data")
        assert ends.endswith(f"{text}.")


def test_a_click_that_clears_the_selection_tells_none_and_not_the_old_one_again(chapter):
    drag(chapter, "The station", "server")
    is_told(chapter, "The station's clock is set by the server")
    chapter.mouse.click(*point(chapter, "First item"))
    chapter.wait_for_function("told.at(-1) === null")
    assert len(told(chapter)) == 2


def test_a_selection_by_keyboard_is_told(chapter):
    x, y = point(chapter, "After that it answers")
    chapter.mouse.click(x + 4, y, click_count=2)
    is_told(chapter, "After")
    for _ in range(4):
        chapter.keyboard.press("Shift+ArrowRight")
    chapter.keyboard.press("Shift+End")
    is_told(chapter, "After that it answers with a receipt.")


# In one script, as this process may stand still between two for as long as a selection takes to settle.
GROWING = """async (selector) => {
    const element = document.querySelector(selector);
    for (const end of [1, 2, 3, 4]) {
        const changed = new Promise((go) => document.addEventListener("selectionchange", go, {once: true}));
        getSelection().setBaseAndExtent(element, 0, element, end);
        await changed;
    }
}"""


def test_a_selection_that_no_pointer_or_key_made_is_told_when_it_settles(chapter):
    chapter.evaluate(GROWING, "article p")
    is_told(chapter, "The station's clock is set by the server, never")
    assert len(told(chapter)) == 1


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("table", "Line\tRange\tData\nWi-Fi\t100 m\tplenty\nLTE\tcover\tplenty"),
        (".markdown > ul", "First item\nNested item with a link\nSecond item"),
        (".language-python", f"send.py\n{CODE}"),
        (".language-python pre", CODE),
        (".language-js pre", "const a = 1; // one\n\nconst b = 2;"),
        (".theme-admonition", "Watch the clock\nA clock that jumps is worse than one that is late."),
        ("details[data-collapsed]", "More about it"),
        ("#line", "Choosing a line"),
        (".footnotes ol", "The note's text."),
        (
            "article header + p",
            "The station's clock is set by the server, never the other way round. It uses urlopen"
            ' "quoted" text -- a dash.',
        ),
        (".tabs-container", "Linux\nmacOS\nRun apt install on Linux."),
        (".katex-display", "x = \\frac{-b}{2a}"),
        ("p:has(.katex)", "The energy E = mc^2 is the formula."),
    ],
)
def test_the_text_that_a_reader_sees_is_captured(still, selector, text):
    select(still, selector)
    passage = capture(still)
    assert passage["text"] == text
    assert passage["length"] == len(text)
    # The page looks as before.
    assert still.evaluate("document.adoptedStyleSheets.length") == 0


def test_several_ranges_are_on_lines_of_their_own(still):
    # No browser but Firefox makes them, so they are handed in.
    text = still.evaluate(
        """() => {
          const ranges = [...document.querySelectorAll("tbody td:first-child")].map((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range;
          });
          return selectedText(getSelection(), ranges);
        }"""
    )
    assert text == "Wi-Fi\nLTE"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (["p:has(.katex) .mrel", 0], ["p:has(.katex)", 3], "=mc2istheformula."),
        (["p:has(.katex)", 0], ["p:has(.katex) .mrel", 1], "TheenergyE=mc^2"),
    ],
)
def test_a_formula_that_is_cut_is_captured_as_far_as_it_can_be(still, start, end, text):
    still.evaluate(
        """([[first, from], [last, to]]) => getSelection().setBaseAndExtent(
          document.querySelector(first), from, document.querySelector(last), to)""",
        [start, end],
    )
    # A browser's white space in a formula says nothing.
    assert "".join(capture(still)["text"].split()) == text


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ("main > p", "One two."),
        (".highlighttable", "first line\nsecond line"),
        (".caps", "straße and µm"),
        ("main", None),
    ],
)
def test_a_page_of_another_make_is_captured_without_its_numbers_and_buttons(pages, selector, text):
    select(pages["plain"], selector)
    found = capture(pages["plain"])["text"]
    assert found == text if text else "Copy" not in found


def test_a_heading_without_an_id_gives_none_and_an_anchor_in_it_gives_its_own(pages):
    select(pages["plain"], "main > p")
    assert capture(pages["plain"])["headingId"] == "top"
    select(pages["plain"], "h2 + p")
    assert capture(pages["plain"])["headingId"] is None


def test_right_to_left_text_is_captured_in_reading_order(page, book):
    page.goto(book.url + "ar/docs/time")
    drag(page, "تضبط", "كل ساعة")
    text = "تضبط المحطة ساعتها من الخادم عبر NTP مرة كل ساعة"
    is_told(page, text)
    assert capture(page)["headingId"] == "saa"
    select(page, "ul")
    assert capture(page)["text"] == "الخطوة الأولى\nالخطوة الثانية"
    select(page, "pre")
    assert capture(page)["text"] == "chronyc tracking\nchronyc sources"


@pytest.mark.parametrize(
    "selector", [".navbar a", ".breadcrumbs", ".table-of-contents", ".pagination-nav", "#editable", "body"]
)
def test_nothing_else_of_the_page_is_askable(still, selector):
    select(still, selector)
    assert capture(still) is None


def test_nothing_of_a_field_is_askable(chapter):
    for field in (chapter.locator("#field"), chapter.get_by_role("searchbox", name="Search")):
        field.focus()
        field.press("Control+a")
        assert capture(chapter) is None
    chapter.locator("#editable").focus()
    chapter.keyboard.press("Control+a")
    assert capture(chapter) is None
    assert told(chapter) == []


def test_nothing_of_the_widget_is_askable_nor_what_ends_in_it(chapter):
    answer = chapter.get_by_text("An answer in the widget.")
    answer.scroll_into_view_if_needed()
    answer.click(click_count=3)
    assert capture(chapter) is None
    chapter.get_by_label("Question").fill("my question")
    chapter.keyboard.press("Control+a")
    assert capture(chapter) is None
    chapter.mouse.move(*point(chapter, "After that it answers"))
    chapter.mouse.down()
    # Measured once the page has scrolled to the beginning.
    box = answer.bounding_box()
    chapter.mouse.move(box["x"] + 60, box["y"] + 8, steps=4)
    chapter.mouse.up()
    chapter.clock.run_for(LONGER_MS)
    assert [text for text in told(chapter) if text] == []


def test_a_widget_that_stands_in_the_chapter_is_left_out(chapter):
    chapter.evaluate("document.querySelector('#again').after(document.querySelector('chatgate-widget'))")
    chapter.evaluate(
        """() => getSelection().setBaseAndExtent(
          document.querySelector("#again"), 0, document.querySelector("#again ~ p"), 1)"""
    )
    text = "Once more\nThe server stores the rows. The station waits for a receipt."
    assert capture(chapter)["text"].replace("\n\n", "\n") == text


@pytest.mark.parametrize(
    "change",
    [
        "document.querySelector('article header + p').remove()",
        "document.querySelector('article header + p').textContent = 'Another text.'",
        "document.querySelector('article').replaceWith(document.querySelector('article').cloneNode(true))",
        "document.querySelector('article header + p strong').textContent = 'taken from'",
    ],
)
def test_a_selection_that_script_replaces_is_noticed(chapter, change):
    drag(chapter, "The station", "server")
    is_told(chapter, "The station's clock is set by the server")
    chapter.evaluate(change)
    chapter.wait_for_function("told.length === 2")
    assert told(chapter)[1] in (None, "The station's clock is taken from the server")


def test_a_selection_is_kept_while_a_modal_sheet_is_open(chapter):
    drag(chapter, "The station", "server")
    is_told(chapter, "The station's clock is set by the server")
    chapter.evaluate("document.querySelector('chatgate-widget').root.querySelector('dialog').showModal()")
    # Others change the page meanwhile, which makes the watch look again.
    chapter.evaluate("document.querySelector('.navbar a').textContent = 'The book'")
    chapter.clock.run_for(LONGER_MS)
    chapter.evaluate("document.querySelector('chatgate-widget').root.querySelector('dialog').close()")
    chapter.keyboard.press("Control")
    chapter.clock.run_for(LONGER_MS)
    assert len(told(chapter)) == 1
    assert capture(chapter)["text"] == "The station's clock is set by the server"


def test_a_menu_that_swallows_the_end_of_a_press_does_not_stop_the_watch(chapter):
    chapter.mouse.move(*point(chapter, "First item"))
    chapter.mouse.down(button="right")
    select(chapter, "#again")
    is_told(chapter, "Once more")


def test_the_watch_ends(chapter):
    chapter.evaluate("unwatch()")
    drag(chapter, "The station", "server")
    chapter.clock.run_for(LONGER_MS)
    assert told(chapter) == []
    expect(button(chapter)).to_be_hidden()


def test_twelve_thousand_and_one_characters_are_told_as_they_are(chapter):
    chapter.evaluate("document.querySelector('#receipt + p').textContent = '\\u{1f600}'.repeat(12_001)")
    select(chapter, "#receipt + p")
    assert capture(chapter)["length"] == 12_001
