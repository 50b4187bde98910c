"""The login page by itself: errors that can be read, the keyboard alone, small screens, accessibility."""

import re

import pytest
from playwright.sync_api import expect

from broker.login.languages import LANGUAGES, TAGS
from tests.broker.service import PASSWORD
from tests.browser.chromium import STANDARDS, shell_options
from tests.browser.login_form import sign_in
from tests.browser.servers import CALLBACK_PATH
from tests.browser.watch import watched
from tests.node_packages import FOLDER, node

LEAST_TARGET = 24
"""CSS pixels each way (WCAG 2.5.8)."""


@pytest.fixture(scope="module")
def browser(playwright):
    # The page is of one origin, so nothing here depends on a browser's rules for other sites.
    browser = playwright.chromium.launch(**shell_options())
    yield browser
    browser.close()


@pytest.fixture
def login(context, stage):
    page = context.new_page()
    page.goto(stage.address())
    return page


def focused(page):
    return page.locator(":focus")


def test_a_wrong_password_is_said_at_its_field_and_the_address_kept(login, stage):
    email = stage.reader()
    sign_in(login, email, "not the password")
    message = "The e-mail address or the password is not right."
    expect(login.get_by_role("alert")).to_have_text(message)
    expect(login).to_have_title("Error: Sign in – handbook")
    expect(login.get_by_label("E-mail address")).to_have_value(email)
    password = login.get_by_label("Password")
    expect(password).to_have_value("")
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description(message)
    expect(password).to_have_attribute("aria-invalid", "true")
    password.fill(PASSWORD)
    password.press("Enter")
    login.wait_for_url(re.compile(re.escape(stage.docs)))


@pytest.mark.parametrize(
    ("email", "password", "field", "said"),
    [
        ("grace@localhost", PASSWORD, "E-mail address", "not an e-mail address that can be used"),
        ("grace@example.com", "password1234", "Password", "choose another"),
        ("grace@example.com", "x" * 129, "Password", "too long"),
        (None, PASSWORD, "E-mail address", "has an account already"),
    ],
)
def test_a_fault_of_a_new_account_is_told_at_its_field(login, stage, email, password, field, said):
    email = email or stage.reader()
    login.get_by_role("link", name="Create an account").click()
    login.get_by_label("Name").fill("Grace")
    login.get_by_label("E-mail address").fill(email)
    login.get_by_label("Password").fill(password)
    login.get_by_role("button", name="Create an account").click()
    expect(login.get_by_role("alert")).to_contain_text(said)
    expect(login.get_by_label(field)).to_be_focused()
    expect(login.get_by_label("Name")).to_have_value("Grace")
    expect(login.get_by_label("E-mail address")).to_have_value(email)
    expect(login.get_by_label("Password")).to_have_value("")


def test_an_error_of_no_field_is_read_first(context, stage):
    page = context.new_page()
    page.goto(stage.address())
    email = stage.reader()
    for _ in range(11):
        sign_in(page, email, "not the password")
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).not_to_be_empty()
    page.keyboard.press("Tab")
    expect(page.get_by_label("E-mail address")).to_be_focused()


def test_the_keyboard_is_enough(login, stage):
    email = stage.reader()
    order = []
    for _ in range(6):
        login.keyboard.press("Tab")
        one = focused(login)
        expect(one).to_have_css("outline-style", "solid")
        expect(one).to_have_css("outline-width", "2px")
        order.append(one.get_attribute("name") or one.inner_text())
    assert order == ["email", "password", "Sign in", "Continue as a guest", "Create an account", "Cancel"]
    login.reload()
    login.keyboard.press("Tab")
    login.keyboard.type(email)
    login.keyboard.press("Tab")
    login.keyboard.type(PASSWORD)
    login.keyboard.press("Enter")
    login.wait_for_url(re.compile(re.escape(stage.docs)))


def at_sign_in(page, stage):
    page.goto(stage.address())


def at_sign_up(page, stage):
    page.goto(stage.address("/login/sign-up"))


def at_a_wrong_password(page, stage):
    page.goto(stage.address())
    sign_in(page, "nobody@example.com", "not the password")
    page.get_by_role("alert").wait_for()


def at_a_wrong_new_password(page, stage):
    page.goto(stage.address("/login/sign-up"))
    page.get_by_label("Name").fill("Grace")
    sign_up = page.get_by_role("button", name="Create an account")
    page.get_by_label("E-mail address").fill("grace@example.com")
    page.get_by_label("Password").fill("password1234")
    sign_up.click()
    page.get_by_role("alert").wait_for()


def at_a_common_password(page, stage, tag):
    texts = LANGUAGES[tag].texts
    page.goto(stage.address("/login/sign-up", ui_locales=tag))
    page.get_by_label(texts["name"], exact=True).fill("Grace")
    page.get_by_label(texts["email"]).fill("grace@example.com")
    page.get_by_label(texts["password"]).fill("password1234")
    page.get_by_role("button", name=texts["create_account"]).click()
    expect(page.get_by_role("alert")).to_have_text(texts["password_common"])


def at_an_unknown_site(page, stage):
    page.goto(stage.address(client_id="nobody"))
    page.get_by_role("heading").wait_for()


def at_the_callback(page, stage):
    page.goto(f"{stage.docs}{CALLBACK_PATH}?error=access_denied&state=x")
    page.get_by_role("heading").wait_for()


SCREENS = [
    at_sign_in,
    at_sign_up,
    at_a_wrong_password,
    at_a_wrong_new_password,
    at_an_unknown_site,
    at_the_callback,
]


@pytest.fixture(scope="module")
def axe():
    """axe-core, which checks a page against WCAG 2.2 AA and its own good practice."""
    node()
    return (FOLDER / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.mark.node
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("at", SCREENS)
def test_axe_finds_nothing(context, stage, axe, at, scheme):
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    at(page, stage)
    # By the debugger, which the page's policy does not bind.
    page.evaluate(axe)
    found = page.evaluate("standards => axe.run({runOnly: standards})", STANDARDS)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    # Otherwise a rule that could not be checked would count as kept.
    assert [one["id"] for one in found["incomplete"]] == []
    assert len(found["passes"]) > 10
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"[0-9]+", background))) / 3
    assert (brightness > 127) == (scheme == "light")


@pytest.mark.node
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != "en"])
def test_axe_finds_nothing_in_any_language(context, stage, axe, tag, scheme):
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    at_a_common_password(page, stage, tag)
    page.evaluate(axe)
    found = page.evaluate("standards => axe.run({runOnly: standards})", STANDARDS)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert [one["id"] for one in found["incomplete"]] == []


@pytest.mark.parametrize("tag", TAGS)
def test_a_page_fits_its_window_in_every_language(context, stage, tag):
    page = context.new_page()
    at_a_common_password(page, stage, tag)
    for width, height in ((420, 640), (320, 640), (210, 320)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for target in page.locator("a, button, input").all():
            box = target.bounding_box()
            assert min(box["width"], box["height"]) >= LEAST_TARGET
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    page.set_viewport_size({"width": 420, "height": 640})
    for path in ("/login", "/login/sign-up"):
        page.goto(stage.address(path, ui_locales=tag))
        assert page.evaluate("document.documentElement.scrollHeight") <= 640


@pytest.mark.parametrize("tag", TAGS)
def test_a_page_is_laid_out_in_the_direction_of_its_language(context, stage, tag):
    page = context.new_page()
    page.set_viewport_size({"width": 420, "height": 640})
    page.goto(stage.address(ui_locales=tag))
    is_rtl = LANGUAGES[tag].direction == "rtl"
    form, question = page.locator("form").first.bounding_box(), page.locator(".ways span").bounding_box()
    begins = form["x"] + form["width"] - question["width"] if is_rtl else form["x"]
    assert abs(question["x"] - begins) < 1
    # As the reader's own names are read, and as addresses are, whatever the page's language is.
    expect(page.get_by_role("heading", level=1)).to_have_css("direction", "rtl" if is_rtl else "ltr")
    for name in ("email", "password"):
        expect(page.locator(f"#{name}")).to_have_css("direction", "ltr")


def test_a_reader_signs_in_in_their_language_as_their_browser_has_it(browser, stage):
    with watched(browser.new_context(locale="ar-EG")) as context:
        page = context.new_page()
        page.goto(stage.address())
        texts = LANGUAGES["ar"].texts
        expect(page).to_have_title(f"{texts['sign_in']} – handbook")
        page.get_by_role("link", name=texts["create_account"]).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(texts["create_account"])
        page.get_by_role("link", name=texts["sign_in"]).click()
        page.get_by_label(texts["email"]).fill(stage.reader())
        page.get_by_label(texts["password"]).fill("not the password")
        page.get_by_role("button", name=texts["sign_in"]).click()
        expect(page.get_by_role("alert")).to_have_text(texts["wrong_password"])
        page.get_by_label(texts["password"]).fill(PASSWORD)
        page.get_by_role("button", name=texts["sign_in"]).click()
        page.wait_for_url(re.compile(re.escape(stage.docs)))
        context.close()


@pytest.mark.parametrize(
    ("width", "height"),
    [(1280, 800), (420, 640), (320, 640), (210, 320)],
    ids=["wide", "popup", "320", "zoomed"],
)
@pytest.mark.parametrize("at", SCREENS)
def test_a_page_fits_its_window(context, stage, at, width, height):
    """A popup of 420 by 640 at a zoom of 200 % is one of 210 by 320 to the page."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    at(page, stage)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for target in page.locator("a, button, input").all():
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= LEAST_TARGET
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_a_popup_shows_either_screen_without_scrolling(context, stage):
    page = context.new_page()
    page.set_viewport_size({"width": 420, "height": 640})
    for at in (at_sign_in, at_sign_up, at_a_wrong_password):
        at(page, stage)
        assert page.evaluate("document.documentElement.scrollHeight") <= 640


def test_the_readers_wishes_for_the_display_are_met(context, stage):
    page = context.new_page()
    at_a_wrong_password(page, stage)
    button = page.get_by_role("button", name="Sign in")
    expect(button).to_have_css("transition-property", "background-color, border-color")
    page.emulate_media(reduced_motion="reduce", forced_colors="active")
    expect(button).to_have_css("transition-duration", "0s")
    # Colours are the reader's own there: what is wrong has to show by something else.
    expect(page.get_by_label("Password")).to_have_css("border-top-width", "3px")
