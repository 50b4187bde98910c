"""The example of a site with a Better Auth server of its own, driven by a browser: one sign-in for site and
chat, and one sign-out."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.node_packages import node
from tests.processes import serving
from tests.widget.better_auth.their_site import EXAMPLE, answered, asked_in, client_page, client_script
from tests.widget.element_page import INPUT, ask, document, log, open_panel
from tests.widget.package import built
from tests.widget.stage import PASSWORD

pytestmark = pytest.mark.node

START = """
import { serve } from "./server.mjs";
await serve(JSON.parse(process.argv[1]));
process.stdin.resume().on("end", () => process.exit(0));
"""
EMAIL = "ada@example.com"


@pytest.fixture(scope="module")
def origin(stage, tmp_path_factory):
    """The example's own server, with plain pages in place of a built site."""
    folder = tmp_path_factory.mktemp("site")
    pages = folder / "pages"
    (pages / "widget").mkdir(parents=True)
    for file in built().rglob("*.js"):
        to = pages / "widget" / file.relative_to(built())
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(file.read_text())
    theirs = {"baseURL": "/", "signInUrl": "/sign-in?back=/book/element"}
    options = {"clientId": "theirs", "baseUrl": "/book/"}
    (pages / "element.html").write_text(document(stage, **stage.options(betterAuth=theirs, **options)))
    (pages / "page.css").write_text("")
    (pages / "client.html").write_text(client_page(stage, **options))
    (pages / "client.js").write_text(client_script())
    origin = f"http://127.0.0.1:{stage.theirs}"
    webhook = {
        "url": f"{stage.stack.broker}/webhooks/better-auth/theirs",
        "secret": "the webhook's secret of these tests, long",
    }
    told = {
        "port": stage.theirs,
        "folder": str(pages),
        "basePath": "/book/",
        "database": str(folder / "accounts.db"),
        "secret": "the secret of the example's Better Auth server",
        "webhook": webhook,
    }
    command = [node(EXAMPLE), "--input-type=module", "-e", START, json.dumps(told)]
    with serving(command, f"{origin}/api/auth/ok", folder=EXAMPLE):
        yield origin


def sign_in(page, button, email=EMAIL):
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name=button).click()


def test_a_reader_who_is_signed_in_at_the_site_asks_until_the_site_signs_them_out(context, origin):
    page = context.new_page()
    page.goto(f"{origin}/book/element")
    open_panel(page)
    # Not signed in: the widget leads to the site's own page, which leads back.
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(re.compile("/sign-in"))
    sign_in(page, "Make an account")
    page.wait_for_url(re.compile("/book/element"))
    open_panel(page)
    answered(page, "Is it so?")
    # The next page needs no exchange, and a second tab shares the session.
    page.reload()
    open_panel(page)
    expect(log(page)).to_contain_text("Is it so?")
    answered(page, "And now?")

    other = context.new_page()
    other.goto(f"{origin}/sign-in?back=/book/element")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("status")).to_have_text("You are signed out.")
    ask(page, "Still?")
    expect(page.get_by_text("You are signed out. Sign in again", exact=False)).to_be_visible()
    # The question is kept, and what was said before is not shown to the next person.
    expect(page.get_by_role("textbox", name=INPUT)).to_have_value("Still?")
    expect(log(page)).not_to_contain_text("And now?")
    context.complaints.clear()

    # Signed in there again, the widget goes on at a click.
    sign_in(other, "Sign in")
    other.wait_for_url(f"{origin}/book/**")
    page.get_by_role("button", name="Sign in", exact=True).first.click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_have_count(0)
    answered(page, "Once more?")

    by_the_sites_own_client(page, other, origin)
    context.complaints.clear()


def by_the_sites_own_client(page, other, origin):
    """Ask and sign out with the site's own client in place of an address, which makes only these requests."""
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(f"{origin}/book/client")
    open_panel(page)
    expect(log(page)).to_contain_text("Once more?")
    answered(page, "And by the client?")

    # A sign-out in the widget is one of the site.
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("button", name="Sign in", exact=True).first).to_be_visible()
    paths = {one.removeprefix(f"{origin}/api/auth") for one in asked if "/api/auth/" in one}
    assert paths <= {"/get-session", "/sign-out"}
    # The panel says so before the site has answered.
    other.wait_for_function("fetch('/api/auth/get-session').then((one) => one.json()).then((it) => !it)")


ACCOUNT = """async ([path, email, password]) => {
    const body = JSON.stringify({ name: email, email, password });
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body };
    const answer = await fetch(`/api/auth${path}`, init);
    if (!answer.ok) throw new Error(await answer.text());
}"""


def change_to(page, email, path="/sign-in/email"):
    """Signs in over the user who is signed in at the site, by a script of the page, which stays."""
    page.evaluate(ACCOUNT, [path, email, PASSWORD])


def test_another_account_at_the_site_sees_nothing_of_the_one_before(context, origin):
    page = context.new_page()
    ended: list[str] = []
    page.on("request", lambda one: ended.append(one.url) if one.url.endswith("/oauth2/revoke") else None)
    page.goto(f"{origin}/book/element")
    change_to(page, "eve@example.com", "/sign-up/email")
    change_to(page, "bob@example.com", "/sign-up/email")
    page.reload()
    open_panel(page)
    answered(page, "Is Bob here?")

    # A question by another account on the same page is a question of that account.
    change_to(page, "eve@example.com")
    answered(page, "Is Eve here?")
    expect(log(page)).not_to_contain_text("Bob")
    assert asked_in(page) == ["Is Eve here?"]
    assert len(ended) == 1

    # Back from another tab, where Bob signed in. Eve's draft is gone too.
    page.get_by_role("textbox", name=INPUT).fill("A draft of Eve's")
    other = context.new_page()
    other.goto(f"{origin}/sign-in?back=/book/element")
    sign_in(other, "Sign in", "bob@example.com")
    other.wait_for_url(f"{origin}/book/**")
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(log(page)).not_to_contain_text("Eve")
    expect(page.get_by_role("textbox", name=INPUT)).to_have_value("")
    assert asked_in(page) == ["Is Bob here?"]

    # At a load, and in a tab that was not told.
    page.get_by_role("textbox", name=INPUT).fill("A draft of Bob's")
    page.goto("about:blank")
    change_to(other, "eve@example.com")
    page.goto(f"{origin}/book/element")
    open_panel(page)
    expect(page.get_by_role("textbox", name=INPUT)).to_have_value("")
    answered(page, "Is it Eve now?")
    assert asked_in(page) == ["Is it Eve now?", "Is Eve here?"]
    told_by_the_sites_own_client(page, other, origin)


def told_by_the_sites_own_client(page, other, origin):
    """A change of account by the site's own client is told at once, in every tab."""
    page.goto(f"{origin}/book/client")
    open_panel(page)
    expect(log(page)).to_contain_text("Is it Eve now?")
    answered(page, "By the client?")
    other.goto(f"{origin}/book/client")
    open_panel(other)
    answered(other, "In another tab?")
    page.evaluate(
        "([email, password]) => client.signIn.email({ email, password })", ["bob@example.com", PASSWORD]
    )
    for tab in (page, other):
        expect(log(tab)).not_to_contain_text("Answer:")
    assert asked_in(page) == ["Is Bob here?"]


FAILING = {
    "broken": lambda route: route.fulfill(status=500),
    "limited": lambda route: route.fulfill(status=429),
    "html": lambda route: route.fulfill(body="<!doctype html><p>A page for people"),
    "another schema": lambda route: route.fulfill(json={"session": {"token": "t"}}),
    "no answer": lambda route: route.abort(),
}


def test_a_site_whose_server_fails_signs_no_reader_out(context, origin):
    page = context.new_page()
    page.goto(f"{origin}/book/element")
    change_to(page, "ben@example.com", "/sign-up/email")
    page.reload()
    open_panel(page)
    answered(page, "Is it so?")
    for name, behaviour in FAILING.items():
        page.route("**/get-session", behaviour)
        answered(page, f"And when it is: {name}?")
    page.reload()
    open_panel(page)
    expect(log(page)).to_contain_text("Is it so?")
    answered(page, "And now?")
    expect(log(page)).to_contain_text("Is it so?")
