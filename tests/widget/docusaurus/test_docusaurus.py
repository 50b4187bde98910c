"""The plugin on sites that Docusaurus built: three ways to build, each setting of slashes, two locales and
versions, other plugins, and a Root that lets nothing else in.
"""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.servers import CALLBACK
from tests.chatgate.processes import until
from tests.widget.docusaurus.docs_page import CALLBACKS, DocsPage, served_sites
from tests.widget.element_page import INPUT, ask, open_panel, sign_in_by_popup
from tests.widget.sites import ALL, FASTER, PLAIN, WITHOUT, built
from tests.widget.stage import QUESTION

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def sites():
    with served_sites() as sites:
        yield sites


@pytest.fixture
def tab(context, sites):
    """Opens a page of a site, and fails the test for what its console complains of."""
    opened = []

    def open_tab(variant, path=""):
        opened.append(DocsPage(context, sites.homes[variant.name]))
        return opened[-1].goto(path)

    yield open_tab
    for page in opened:
        for text in page.refused_styles:
            context.complaints.remove(text)
    complaints = [complaint for page in opened for complaint in page.complaints]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("variant", ALL, ids=lambda variant: variant.name)
def test_every_page_has_the_widget_once_and_complains_of_nothing(tab, sites, variant):
    page = tab(variant)
    expect(page.widget()).to_have_count(1)
    assert page.page.evaluate("document.querySelector('chatgate-widget').parentElement === document.body")
    options = page.options()
    assert options["backendUrl"] == sites.stack.proxy
    assert options["brokerUrl"] == sites.stack.broker
    assert options["clientId"] == "docs"
    assert options["baseUrl"] == variant.base_url
    assert options["callbackUrl"] == f"{variant.base_url}{CALLBACKS[variant.name][0]}"
    assert options["lang"] == "en"
    expect(page.page.get_by_role("button", name="Ask a question")).to_be_visible()


@pytest.mark.parametrize(
    ("variant", "path", "link", "lands"),
    [
        (PLAIN, "docs/", "the code", "docs/code"),
        (FASTER, "docs/", "the code", "docs/code/"),
        (WITHOUT, "", "Sampling", "sampling"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_widget_survives_a_walk_through_the_site(tab, variant, path, link, lands):
    page = tab(variant, path)
    page.options()
    page.mark()
    page.page.get_by_role("link", name=link, exact=True).first.click()
    page.page.wait_for_url(f"{page.home}{lands}")
    assert page.is_marked()
    page.page.go_back()
    page.page.wait_for_url(f"{page.home}{path}")
    assert page.is_marked()


@pytest.mark.parametrize(
    ("variant", "path", "target"),
    [
        (PLAIN, "docs/", "docs/code#the-place"),
        (FASTER, "docs/", "docs/code/#place"),
        (WITHOUT, "", "calibration#place"),
        (WITHOUT, "1.0", "sensors#radar"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_widget_goes_to_a_page_by_the_sites_router(tab, variant, path, target):
    page = tab(variant, path)
    page.options()
    page.mark()
    page.navigate(f"{variant.base_url}{target}")
    page.page.wait_for_url(f"{page.home}{target}")
    anchor = target.partition("#")[2]
    if variant is not PLAIN:
        expect(page.page.locator(f"#{anchor}")).to_be_in_viewport()
    assert page.is_marked()
    page.page.go_back()
    page.page.wait_for_url(f"{page.home}{path}")
    assert page.is_marked()


def test_a_root_of_the_sites_own_does_not_take_the_widget_away(tab):
    page = tab(PLAIN)
    page.options()
    expect(page.page.locator("[data-hostile]")).to_have_count(1)
    expect(page.page.locator("[data-hostile] chatgate-widget")).to_have_count(0)


def test_the_widget_is_not_where_the_site_excludes_it(tab):
    page = tab(PLAIN, "docs")
    page.options()
    page.mark()
    page.page.get_by_role("link", name="the legal notice").click()
    page.page.wait_for_url("**/docs/legal")
    expect(page.widget()).to_have_count(0)
    page.page.get_by_role("link", name="To the start").click()
    expect(page.widget()).to_have_count(1)
    assert page.is_marked()
    # Nothing of it is loaded there.
    excluded = tab(PLAIN, "docs/legal")
    expect(excluded.page.get_by_role("heading", name="Legal notice")).to_be_visible()
    assert not excluded.page.evaluate("customElements.get('chatgate-widget') !== undefined")


@pytest.mark.parametrize("variant", [PLAIN, FASTER], ids=lambda variant: variant.name)
def test_a_chapter_has_the_widget_where_its_author_put_it(tab, variant):
    folder = built(variant.name).folder / "docs"
    html = (folder / "chapter.html", folder / "chapter" / "index.html")
    # Written by a server, which has no window.
    assert "<chatgate-widget></chatgate-widget>" in next(one for one in html if one.exists()).read_text()
    page = tab(variant, "docs/chapter" + ("/" if variant is FASTER else ""))
    options = page.options()
    assert options["placement"] == "inline"
    assert options["mode"] == "selection_only"
    assert options["suggestions"] == ["What is here?"]
    assert options["callbackUrl"] == f"{variant.base_url}{CALLBACKS[variant.name][0]}"
    # The floating one would be a second one on the same page.
    expect(page.widget()).to_have_count(1)
    expect(page.page.locator("article chatgate-widget")).to_have_count(1)
    page.page.get_by_role("link", name="the start").click()
    expect(page.page.locator("body > chatgate-widget")).to_have_count(1)
    expect(page.widget()).to_have_count(1)


def test_a_locale_has_its_own_language_and_callback_and_the_same_session(tab, sites):
    page = tab(WITHOUT, "ar/")
    options = page.options()
    assert options["lang"] == "ar"
    assert options["callbackUrl"] == "/book/ar/chatgate-callback.html"
    assert options["baseUrl"] == "/book/"
    assert options["suggestions"][0] == "كم مرة تسجّل المحطة قيمة؟"
    assert options["strings"] == {"title": "اسأل الكتيّب"}
    expect(page.page.get_by_role("button", name="اطرح سؤالًا")).to_be_visible()
    # Another locale's pages are a build of their own, which the router does not know.
    page.navigate("/book/sensors")
    page.page.wait_for_url("**/book/sensors")
    expect(page.page.get_by_role("heading", name="Sensors", exact=True)).to_be_visible()
    assert page.options()["lang"] == "en"


@pytest.mark.parametrize("variant", ALL, ids=lambda variant: variant.name)
def test_the_callback_page_is_there_to_the_byte(sites, variant):
    for path in CALLBACKS[variant.name]:
        assert (built(variant.name).folder / path).read_bytes() == CALLBACK.read_bytes()


@pytest.mark.parametrize("path", ["guides/intro/", "guides/drawing/", "search/"])
def test_other_plugins_go_on_beside_it(tab, path):
    page = tab(FASTER, path)
    page.options()
    if path == "guides/drawing/":
        expect(page.page.locator(".docusaurus-mermaid-container svg")).to_be_visible()
        expect(page.page.locator("strong", has_text="5.20 m")).to_be_visible()


def test_an_old_version_has_the_widget_too(tab):
    page = tab(WITHOUT, "1.0/sensors")
    assert page.options()["callbackUrl"] == "/book/chatgate-callback.html"


COLOURED = """async ([code, language]) => {
    const { options } = document.querySelector("chatgate-widget");
    const lines = await options.colourCode(code, language);
    // As a browser writes a colour, whatever the theme's file has.
    const probe = document.createElement("span");
    return lines?.map((line) => line.map(({ text, style }) => {
        Object.assign(probe.style, { color: "" }, style);
        return [text, probe.style.color];
    })) ?? null;
}"""
SHOWN = """text => {
    const tokens = [...document.querySelectorAll("pre .token")];
    return getComputedStyle(tokens.find((one) => one.textContent === text)).color;
}"""


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("variant", [PLAIN, FASTER], ids=lambda variant: variant.name)
def test_code_has_the_colours_of_the_sites_own(tab, variant, mode):
    tabs = tab(variant, "docs/code" + ("/" if variant is FASTER else ""))
    page = tabs.page
    tabs.options()
    if mode == "dark":
        page.get_by_role("button", name="Switch between dark and light mode").click()
    expect(page.locator(f"html[data-theme={mode}]")).to_have_count(1)
    code = "def level(distance):\n    return OFFSET - distance  # in millimetres\n"
    lines = page.evaluate(COLOURED, [code, "python"])
    assert "\n".join("".join(text for text, _ in line) for line in lines) == code.rstrip("\n") + "\n"
    colours = dict(piece for line in lines for piece in line)
    for token in ("def", "level", "# in millimetres"):
        assert colours[token] == page.evaluate(SHOWN, token)
    # A language that the site added to Prism, and one that does not exist.
    assert page.evaluate(COLOURED, ["[sites.docs]", "toml"]) is not None
    assert page.evaluate(COLOURED, ["x", "no-such-language"]) is None


def test_the_whole_job_under_the_strictest_policy(tab, sites, context):
    """The sites are served with `default-src 'self'`, no exception, and two addresses to reach."""
    page = tab(WITHOUT, "time")
    open_panel(page.page)
    ask(page.page, QUESTION)
    source = page.page.get_by_role("region", name="Sources").get_by_role("link").first
    expect(source).to_be_visible()
    page.mark()
    cited = source.get_attribute("href")
    assert urlsplit(cited).path.startswith("/book/")
    source.click()
    page.page.wait_for_url(f"**{urlsplit(cited).path}**")
    until(lambda: page.page.evaluate("CSS.highlights.has('chatgate-quote')"))
    assert page.is_marked()


def test_a_reader_goes_from_one_locale_to_the_other(tab):
    """Known in both, with one conversation; a source that is in the other is shown there."""
    page = tab(WITHOUT, "ar/")
    page.page.get_by_role("button", name="اطرح سؤالًا").click()
    page.page.get_by_role("textbox", name="سؤالك").fill(QUESTION)
    page.page.keyboard.press("Enter")
    source = page.page.get_by_role("region", name="المصادر").get_by_role("link").first
    cited = urlsplit(source.get_attribute("href")).path
    assert cited.startswith("/book/")
    source.click()
    page.page.wait_for_url(lambda url: urlsplit(url).path == cited)
    until(lambda: page.page.evaluate("CSS.highlights.has('chatgate-quote')"))
    page.page.get_by_role("button", name="Ask a question").click()
    expect(page.page.get_by_role("log")).to_contain_text(QUESTION)


def test_a_reader_signs_in_by_the_sites_own_callback_page(tab, sites):
    page = tab(PLAIN)
    open_panel(page.page)
    sign_in_by_popup(page.page, sites.reader(PLAIN.name))
    expect(page.page.get_by_role("textbox", name=INPUT)).to_be_visible()
    expect(page.page.get_by_role("button", name="Account")).to_be_visible()
