"""The example of a site with a Better Auth server of its own, driven by a browser: one sign-in for site and
chat, and one sign-out."""

import json
import re
import subprocess
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.node_packages import WIDGET, node
from tests.processes import REPOSITORY, serving
from tests.widget.element_page import ask, document, open_panel
from tests.widget.package import built

EXAMPLE = REPOSITORY / "examples" / "better-auth"
START = """
import { serve } from "./server.mjs";
await serve(JSON.parse(process.argv[1]));
process.stdin.resume().on("end", () => process.exit(0));
"""
# The site's own client, as a site has it that uses Better Auth already.
CLIENT_PAGE = """<!doctype html><html lang="en"><title>Sampling – The book</title>
<main><article><h1>Sampling</h1></article></main>
<script type="module">
import "./widget/chatgate-widget.js";
import {{ createAuthClient }} from "./client.js";
const element = document.createElement("chatgate-widget");
const client = createAuthClient();
element.options = {{ ...{options}, betterAuth: {{ client }} }};
document.body.append(element);
</script></html>"""
EMAIL, PASSWORD = "ada@example.com", "a-tall-ship-and-a-star"


@contextmanager
def example(stage, folder):
    """The example's own server, with plain pages in place of a built site."""
    pages = folder / "pages"
    (pages / "widget").mkdir(parents=True)
    for file in built().rglob("*.js"):
        to = pages / "widget" / file.relative_to(built())
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(file.read_text())
    theirs = {"baseURL": "/", "signInUrl": "/sign-in?back=/book/element"}
    options = stage.options(clientId="theirs", betterAuth=theirs, baseUrl="/book/")
    (pages / "element.html").write_text(document(stage, **options))
    (pages / "page.css").write_text("")
    own = json.dumps({**options, "betterAuth": None})
    (pages / "client.html").write_text(CLIENT_PAGE.format(options=own))
    bundle(pages / "client.js")
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


def bundle(to):
    """Better Auth's own client as one file for a browser."""
    node(WIDGET)
    node(EXAMPLE)
    command = [WIDGET / "node_modules" / ".bin" / "esbuild", "--bundle", "--format=esm", f"--outfile={to}"]
    told = 'export { createAuthClient } from "better-auth/client";'
    subprocess.run(command, input=told, text=True, cwd=EXAMPLE, check=True, capture_output=True)


def sign_in(page, button):
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name=button).click()


def answered(page, question):
    ask(page, question)
    expect(page.get_by_text("It is so.").last).to_be_visible()


@pytest.mark.node
def test_who_is_signed_in_at_the_site_asks_until_the_site_signs_them_out(context, stage, tmp_path):
    with example(stage, tmp_path) as origin:
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
        answered(page, "And now?")

        other = context.new_page()
        other.goto(f"{origin}/sign-in?back=/book/element")
        other.get_by_role("button", name="Sign out").click()
        expect(other.get_by_role("status")).to_have_text("You are signed out.")
        ask(page, "Still?")
        expect(page.get_by_text("Your session was ended", exact=False).first).to_be_visible()
        context.complaints.clear()

        # Signed in there again, the widget goes on at a click.
        sign_in(other, "Sign in")
        other.wait_for_url(re.compile("/book/"))
        page.get_by_role("button", name="Sign in", exact=True).first.click()
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_have_count(0)
        answered(page, "Once more?")

        # By the site's own client in place of an address. It is asked for nothing but what is meant.
        asked = []
        page.on("request", lambda one: asked.append(one.url))
        page.goto(f"{origin}/book/client")
        open_panel(page)
        answered(page, "And by the client?")

        # A sign-out in the widget is one of the site.
        page.get_by_role("button", name="Account").click()
        page.get_by_role("button", name="Sign out", exact=True).click()
        expect(page.get_by_role("button", name="Sign in", exact=True).first).to_be_visible()
        paths = {one.removeprefix(f"{origin}/api/auth") for one in asked if "/api/auth/" in one}
        assert paths <= {"/get-session", "/sign-out"}
        assert other.evaluate("fetch('/api/auth/get-session').then((one) => one.json())") is None
        context.complaints.clear()
