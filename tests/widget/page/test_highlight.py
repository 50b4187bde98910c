"""Highlights, which change nothing of the page and leave nothing behind."""

import pytest

MARK = (
    "page.highlight('chatgate-quote', page.findQuote(document.querySelector('article'), 'set by the server'))"
)
NAMES = "[...CSS.highlights.keys()]"


@pytest.fixture
def chapter(page, book):
    page.goto(book.url + "docs/time")
    return page


def test_a_highlight_changes_nothing_of_the_dom_and_goes_when_it_is_removed(chapter):
    before = chapter.evaluate("document.body.innerHTML")
    chapter.evaluate(f"() => {{ window.remove = {MARK}; }}")
    assert chapter.evaluate(NAMES) == ["chatgate-quote"]
    assert chapter.evaluate("document.body.innerHTML") == before
    chapter.evaluate("remove()")
    assert chapter.evaluate(NAMES) == []
    chapter.evaluate("remove()")


def test_two_of_one_name_stand_beside_each_other(chapter):
    chapter.evaluate(f"() => {{ window.first = {MARK}; window.second = {MARK}; first(); }}")
    assert chapter.evaluate(NAMES) == ["chatgate-quote"]
    chapter.evaluate("second()")
    assert chapter.evaluate(NAMES) == []
    assert chapter.evaluate("document.adoptedStyleSheets.length") == 1


@pytest.mark.parametrize(
    "change",
    ["document.querySelector('article').remove()", "landing.navigate('/my-book/docs/networking')"],
)
def test_it_goes_with_what_it_marks(chapter, change):
    chapter.evaluate(f"() => {{ {MARK}; }}")
    chapter.evaluate(change)
    chapter.wait_for_function("CSS.highlights.size === 0")


def test_it_stays_while_other_parts_of_the_page_change(chapter):
    chapter.evaluate(f"() => {{ {MARK}; }}")
    chapter.evaluate("document.querySelector('.navbar').remove()")
    chapter.evaluate("new Promise(requestAnimationFrame)")
    assert chapter.evaluate(NAMES) == ["chatgate-quote"]


def test_nothing_happens_without_ranges_or_in_a_browser_without_the_api(page, book):
    page.goto(book.url + "docs/time")
    assert page.evaluate("page.highlight('chatgate-quote', [])()") is None
    page.add_init_script("delete CSS.highlights; delete globalThis.Highlight;")
    page.reload()
    assert page.evaluate(f"{MARK}()") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["chatgate-quote", "chatgate-passage"])
def test_marked_text_contrasts_with_its_mark(chapter, theme, name):
    chapter.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    chapter.evaluate(f"() => {{ {MARK.replace('chatgate-quote', name)}; }}")
    colours = chapter.evaluate(
        """name => ["color", "backgroundColor"].map((one) =>
          getComputedStyle(document.querySelector("article p"), `::highlight(${name})`)[one])""",
        name,
    )
    text, mark = map(luminance, colours)
    assert (max(text, mark) + 0.05) / (min(text, mark) + 0.05) >= 7
    assert (text > mark) is (theme == "dark")


def luminance(colour):
    """WCAG 2's, of `rgb(...)`."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
