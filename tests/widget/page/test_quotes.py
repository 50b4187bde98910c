"""Where quotes stand on pages as Docusaurus makes them."""

import pytest

FIND = """([quote, id, root]) => page.findQuote(document.querySelector(root), quote,
  id && document.getElementById(id)).map(String)"""
# Which element a quote's beginning stands in.
PLACE = """([quote, id]) => page.findQuote(document.querySelector("article"), quote,
  id && document.getElementById(id)).map((range) => {
    const block = range.startContainer.parentElement.closest("p, li, td, code, summary, h2, div");
    return block.previousElementSibling?.id ?? "";
  })[0]"""


@pytest.fixture
def chapter(pages):
    return pages["docs/time"]


def find(page, quote, heading=None, root="article"):
    return page.evaluate(FIND, [quote, heading, root])


@pytest.mark.parametrize(
    ("quote", "parts"),
    [
        # Inline markup, another case, other white space, a footnote's number.
        ("is set by the server, never the other", ["is set by the server, never the other"]),
        ("THE STATION\u2019S  clock\nis SET", ["The station's clock is set"]),
        ("the other way round. It uses urlopen", ["the other way round.1 It uses urlopen"]),
        ("\u201cquoted\u201d text \u2013 a dash", ['"quoted" text -- a dash']),
        # A heading and what follows it, but not its link.
        ("Choosing a line", ["Choosing a line"]),
        # A row with its tabs, a cell, an item and the next.
        ("Wi-Fi\t100 m\tplenty", ["Wi-Fi100 mplenty"]),
        ("cover", ["cover"]),
        ("First item Nested item with a link", ["First item\n\nNested item with a link"]),
        ("- First item\n  - Nested item", ["First item\n\nNested item"]),
        # Code over the pieces of Prism, over lines, without numbers and buttons.
        ("def send(rows):", ["def send(rows):"]),
        (
            'def send(rows): """Send one batch.""" return rows',
            ['def send(rows):    """Send one batch."""    return rows'],
        ),
        ("const a = 1; // one\n\nconst b = 2;", ["const a = 1; // oneconst b = 2;"]),
        ("`return rows`", ["return rows"]),
        # Capitals that the page makes, what is folded and what is in a hidden tab.
        ("WATCH THE CLOCK", ["Watch the clock"]),
        ("Inside the details there is", ["Inside the details there is"]),
        ("Run brew install on macOS.", ["Run brew install on macOS."]),
        # Formulas by their TeX.
        ("The energy $E = mc^2$ is the formula", None),
        ("x = \\frac{-b}{2a}", ["x = \\frac{-b}{2a}"]),
        # Cut, and stitched together.
        ("The station's clock is set by \u2026", ["The station's clock is set by"]),
        ("The station's ... the other way", ["The station's", "the other way"]),
        ("**set by** the server, *never* the other", ["set by the server, never the other"]),
        # Not there.
        ("On this page", []),
        ("Direct link to", []),
        ("set by the reader", []),
        ("", []),
    ],
)
def test_a_quote_is_found(chapter, quote, parts):
    found = find(chapter, quote)
    assert found == parts if parts is not None else len(found) == 1


@pytest.mark.parametrize(("heading", "place"), [("receipt", "receipt"), ("again", "again"), (None, "again")])
def test_the_place_below_the_heading_is_taken_of_two(chapter, heading, place):
    assert chapter.evaluate(PLACE, ["The server stores the rows.", heading]) == place


def test_a_quote_that_stands_before_the_heading_alone_is_found_all_the_same(chapter):
    assert find(chapter, "set by the server", "receipt") == ["set by the server"]


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("تضبط المحطة ساعتها من الخادم", ["تضبط المحطة ساعتها من الخادم"]),
        ("\u200fتضبط المحطة\u200e ساعتها", ["تضبط المحطة ساعتها"]),
        ("عبر NTP مرة", ["عبر NTP مرة"]),
    ],
)
def test_right_to_left_text_is_found(pages, quote, found):
    assert find(pages["ar/docs/time"], quote) == found


def test_parts_that_are_hidden_for_good_are_passed_over(pages):
    plain = pages["plain"]
    in_element = """() => page.findQuote(document.querySelector("main"), "the hidden words")[0]
      .startContainer.parentElement.tagName"""
    assert plain.evaluate(in_element) == "B"
    assert find(plain, "first line second line", root="main") == ["first line\nsecond line"]
    assert find(plain, "One two.", root="main") == ["One Copytwo."]


def test_a_page_of_a_megabyte_is_read_in_seconds(pages):
    took = pages["docs/networking"].evaluate(
        """() => {
          const words = "The station's <em>clock</em> is set by the server; it has no other way to know. ";
          const root = document.createElement("article");
          root.innerHTML = `<p>${words.repeat(6)}</p>`.repeat(2_400) + "<p>The very <b>last</b> words.</p>";
          document.body.append(root);
          const began = performance.now();
          const quotes = ["the very last words", "are not there"];
          const found = quotes.map((quote) => page.findQuote(root, quote).length);
          const took = performance.now() - began;
          const { length } = root.textContent;
          root.remove();
          return { took, found, length };
        }"""
    )
    assert took["length"] > 1_000_000
    assert took["found"] == [1, 0]
    assert took["took"] < 10_000
    print(f"two quotes in {took['length']} characters: {took['took']:.0f} ms")
