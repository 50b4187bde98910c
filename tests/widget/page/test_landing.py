"""Following citations: to another page, to the quote there, and what stands in its way."""

import threading

import pytest
from playwright.sync_api import expect

from tests.browser.servers import Answer
from tests.widget.page.book import BASE, SITE

CITED = "It marks as sent only what the server has confirmed."
MARKED = "[...(CSS.highlights.get('chatgate-quote') ?? [])].map(String)"


@pytest.fixture
def chapter(page, book):
    page.goto(book.url + "docs/time")
    return page


def land(page, url, quote=""):
    return page.evaluate("([url, quote]) => page.landOn({ url, quote }, landing)", [url, quote])


def middle(page):
    """Where the first marked line stands in the window, from 0 at the top to 1."""
    return page.evaluate(
        """() => {
          const [range] = CSS.highlights.get("chatgate-quote");
          const line = range.getClientRects()[0];
          return (line.top + line.height / 2) / innerHeight;
        }"""
    )


def focused_text(page):
    return page.evaluate("document.activeElement.textContent")


def test_a_citation_of_another_page_is_shown_there(chapter, book):
    url = f"{BASE}docs/networking#receipt"
    assert land(chapter, url, CITED) == "quote"
    assert chapter.url == book.url + "docs/networking#receipt"
    assert chapter.evaluate(MARKED) == [CITED]
    assert middle(chapter) == pytest.approx(0.5, abs=0.1)
    assert CITED in focused_text(chapter)
    # It was made focusable for as long as it has the focus.
    assert chapter.evaluate("document.activeElement.tabIndex") == -1
    chapter.evaluate("document.activeElement.blur()")
    assert chapter.evaluate("document.querySelectorAll('article [tabindex=\"-1\"]:not([role])').length") == 0


def test_the_old_page_is_not_searched_while_the_new_one_is_loading(chapter, book):
    go = threading.Event()

    def late(_):
        go.wait(10)
        return Answer((SITE / "networking.html").read_text())

    book.served.answers[f"{BASE}docs/late"] = late
    # The old page has the same words, and the address changes long before the page.
    chapter.evaluate(
        """url => { window.landed = page.landOn({ url, quote: "Choosing a line" }, landing); }""",
        f"{BASE}docs/late#line",
    )
    chapter.wait_for_url("**/docs/late#line")
    chapter.evaluate("document.querySelector('.navbar').append('changed')")
    assert chapter.evaluate(MARKED) == []
    go.set()
    assert chapter.evaluate("landed") == "quote"
    assert chapter.evaluate("document.querySelector('h1').textContent") == "Networking"
    assert chapter.evaluate(MARKED) == ["Choosing a line"]


@pytest.mark.parametrize(
    ("path", "quote", "landed", "focused"),
    [
        ("docs/networking#receipt", "words that are gone", "heading", "Sending with a receipt"),
        ("docs/networking#receipt", "", "heading", "Sending with a receipt"),
        ("docs/networking#gone", CITED, "quote", CITED),
        ("docs/networking", CITED, "quote", CITED),
        ("docs/networking#gone", "words that are gone", "page", ""),
        ("docs/networking/#receipt", CITED, "quote", CITED),
        ("docs/time/#line", "words that are gone", "heading", "Choosing a line"),
        ("docs/networking#receipt:~:text=marks", CITED, "quote", CITED),
    ],
)
def test_where_a_citation_lands(chapter, book, path, quote, landed, focused):
    book.serve("docs/networking/", (SITE / "networking.html").read_text())
    assert land(chapter, BASE + path, quote) == landed
    assert focused in focused_text(chapter)
    if landed == "heading":
        # Below the bar that stays at the top, once the page has scrolled there.
        chapter.wait_for_function(
            """() => {
              const top = document.activeElement.getBoundingClientRect().top;
              const bar = document.querySelector(".navbar").getBoundingClientRect().bottom;
              return bar <= top && top <= bar + 20;
            }"""
        )


def test_on_the_same_page_nothing_is_loaded_and_back_leads_back(chapter, book):
    chapter.evaluate("document.documentElement.dataset.same = 'yes'")
    assert land(chapter, f"{BASE}docs/time#receipt", "After that it answers") == "quote"
    assert chapter.url == book.url + "docs/time#receipt"
    assert chapter.evaluate(MARKED) == ["After that it answers"]
    chapter.go_back()
    chapter.wait_for_url(book.url + "docs/time")
    assert chapter.evaluate("document.documentElement.dataset.same") == "yes"


@pytest.mark.parametrize(
    ("quote", "path"),
    [
        ("Inside the details there is a hidden sentence.", "docs/time#code"),
        ("A sentence in plain details.", "docs/time"),
        ("Run brew install on macOS.", "docs/time#code"),
        ("The panel of B comes first.", "docs/time"),
        ("One request costs as much power as two hundred rows.", "docs/networking#receipt"),
    ],
)
def test_parts_that_hide_the_quote_are_opened(chapter, quote, path):
    assert land(chapter, BASE + path, quote) == "quote"
    assert chapter.evaluate(MARKED) == [quote]
    text = chapter.get_by_text(quote) if "brew" not in quote else chapter.get_by_text("brew install")
    expect(text).to_be_visible()
    expect(text).to_be_in_viewport(ratio=1)


def test_a_line_of_code_leads_the_focus_to_its_code_which_is_focusable_already(chapter):
    assert land(chapter, f"{BASE}docs/time#code", "return rows") == "quote"
    assert chapter.evaluate("document.activeElement.tagName") == "PRE"
    assert chapter.evaluate("document.activeElement.getAttribute('tabindex')") == "0"


def test_open_details_stay_open(chapter):
    chapter.get_by_text("More about it").click()
    expect(chapter.get_by_text("Inside the details")).to_be_visible()
    quote = "Inside the details there is a hidden sentence."
    for _ in range(2):
        assert land(chapter, f"{BASE}docs/time#code", quote) == "quote"
        expect(chapter.get_by_text("Inside the details")).to_be_visible()
    assert land(chapter, f"{BASE}docs/time#code", "More about it") == "quote"
    expect(chapter.get_by_text("Inside the details")).to_be_visible()


def test_a_summary_is_quoted_without_opening_what_it_sums_up(chapter):
    assert land(chapter, f"{BASE}docs/time", "More about it") == "quote"
    expect(chapter.get_by_text("Inside the details")).to_be_hidden()


def test_a_line_of_a_block_that_is_higher_than_the_window_is_scrolled_to(chapter):
    chapter.evaluate(
        """() => {
          const lines = Array.from({ length: 400 }, (_, number) => `line ${number} of the log`);
          const block = document.createElement("pre");
          block.textContent = lines.join("\\n");
          document.querySelector("#receipt").after(block);
        }"""
    )
    chapter.emulate_media(reduced_motion="reduce")
    assert land(chapter, f"{BASE}docs/time#receipt", "line 333 of the log") == "quote"
    assert middle(chapter) == pytest.approx(0.5, abs=0.1)


def test_the_next_citation_takes_the_mark_away_and_ends_one_that_is_under_way(chapter):
    assert land(chapter, f"{BASE}docs/time", "set by the server") == "quote"
    results = chapter.evaluate(
        """base => Promise.all([
          page.landOn({ url: `${base}docs/time#code`, quote: "Inside the details" }, landing),
          page.landOn({ url: `${base}docs/time#receipt`, quote: "After that it answers" }, landing),
        ])""",
        BASE,
    )
    assert results == ["page", "quote"]
    assert chapter.evaluate(MARKED) == ["After that it answers"]
    assert land(chapter, f"{BASE}docs/time#receipt", "gone") == "heading"
    assert chapter.evaluate(MARKED) == []


@pytest.mark.parametrize(
    "path", ["{other}/docs/time", "{same}/other-book/docs", "{same}/my-bookshop/", "//{host}/x"]
)
def test_an_address_of_another_site_opens_beside_this_one(chapter, book, path):
    url = path.format(same=book.served.url, other=book.served.other_site, host=book.served.other_site[7:])
    with chapter.context.expect_page() as opened:
        assert land(chapter, url, CITED) == "away"
    assert opened.value.evaluate("window.opener") is None
    assert chapter.url == book.url + "docs/time"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:window.ran = true",
        " java\nscript:window.ran = true",
        "data:text/html,<script>opener.ran = true</script>",
        "blob:http://127.0.0.1/1",
        "mailto:a@example.org",
        "file:///etc/passwd",
        "http://docs.example.org@evil.example/",
        "http://",
        "/" + "x" * 2_048,
    ],
)
def test_other_addresses_are_refused(chapter, book, url):
    assert land(chapter, url, CITED) == "refused"
    assert chapter.url == book.url + "docs/time"
    assert chapter.evaluate("window.ran") is None
    assert len(chapter.context.pages) == 1


def test_a_site_without_a_router_is_resumed_after_the_load(chapter, book):
    chapter.evaluate("landing.navigate = undefined")
    chapter.evaluate(
        "([url, quote]) => { page.landOn({ url, quote }, landing); }",
        [f"{BASE}docs/networking#receipt", CITED],
    )
    chapter.wait_for_url("**/docs/networking#receipt")
    assert chapter.evaluate("resumed") == "quote"
    assert chapter.evaluate(MARKED) == [CITED]
    # Once: a reload is not a landing.
    chapter.reload()
    assert chapter.evaluate("resumed") is None


@pytest.mark.parametrize(
    "kept",
    [
        "not JSON",
        "null",
        "7",
        '{"url": 7, "quote": "x"}',
        '{"url": "javascript:1", "quote": "x"}',
        '{"url": "/x"}',
    ],
)
def test_other_scripts_entries_in_the_storage_are_no_landing(chapter, kept):
    chapter.evaluate("kept => sessionStorage.setItem('chatgate-landing', kept)", kept)
    chapter.reload()
    assert chapter.evaluate("resumed") is None


def test_a_browser_that_denies_storage_opens_the_page_all_the_same(contexts, book):
    page = contexts().new_page()
    page.add_init_script(
        """Object.defineProperty(window, "sessionStorage", {
          get() { throw new DOMException("denied", "SecurityError"); },
        })"""
    )
    page.goto(book.url + "docs/time")
    page.evaluate("landing.navigate = undefined")
    page.evaluate("url => { page.landOn({ url, quote: 'x' }, landing); }", f"{BASE}docs/networking#receipt")
    page.wait_for_url("**/docs/networking#receipt")
    assert page.evaluate("resumed") is None
