"""A reader's actions on the broker's login page."""

from playwright.sync_api import Page

from tests.broker.service import PASSWORD


def open_popup(page: Page) -> Page:
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Sign in", exact=True).click()
    opened.value.get_by_role("heading", level=1).wait_for()
    return opened.value


def sign_in(window: Page, email: str, password: str = PASSWORD) -> None:
    window.get_by_label("E-mail address").fill(email)
    window.get_by_label("Password").fill(password)
    window.get_by_role("button", name="Sign in").click()


def sign_up(window: Page, email: str, password: str = PASSWORD) -> None:
    window.get_by_role("link", name="Create an account").click()
    window.get_by_label("Name").fill("Ada Lovelace")
    window.get_by_label("E-mail address").fill(email)
    window.get_by_label("Password").fill(password)
    window.get_by_role("button", name="Create an account").click()
