"""Pages of a site with a Better Auth server of its own, and what its readers do there."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.node_packages import WIDGET, node
from tests.processes import REPOSITORY
from tests.widget.element_page import ask
from tests.widget.stage import Stage

EXAMPLE = REPOSITORY / "examples" / "better-auth"
# The site's own client, as a site has it that uses Better Auth already.
CLIENT_PAGE = """<!doctype html><html lang="en"><title>Sampling – The book</title>
<main><article><h1>Sampling</h1></article></main>
<script type="module">
import "./widget/chatgate-widget.js";
import {{ createAuthClient, jwtClient, multiSessionClient }} from "./client.js";
const element = document.createElement("chatgate-widget");
const client = createAuthClient({client});
window.client = client;
element.options = {{ ...{options}, betterAuth: {{ client, exchange: {exchange} }} }};
document.body.append(element);
</script></html>"""
SCRIPT = """
export { createAuthClient } from "better-auth/client";
export { jwtClient, multiSessionClient } from "better-auth/client/plugins";
"""


def client_page(stage: Stage, client: str = "", *, exchange: Any = "session", **options: Any) -> str:
    """A page with the widget, which is given the site's own client; `client` are the client's options."""
    own = json.dumps(stage.options(betterAuth=None, **options))
    return CLIENT_PAGE.format(options=own, client=client, exchange=json.dumps(exchange))


@cache
def client_script() -> str:
    """Better Auth's own client as one file for a browser."""
    node(WIDGET)
    node(EXAMPLE)
    command: list[str | Path] = [WIDGET / "node_modules" / ".bin" / "esbuild", "--bundle", "--format=esm"]
    done = subprocess.run(command, input=SCRIPT, text=True, cwd=EXAMPLE, check=True, capture_output=True)
    return done.stdout


def answered(page: Page, question: str) -> None:
    ask(page, question)
    turn = page.get_by_role("article").last
    expect(turn).to_contain_text(question)
    expect(turn).to_contain_text("It is so.")


def asked_in(page: Page) -> list[str]:
    """The conversations that the widget lists."""
    page.get_by_role("button", name="Recent conversations").click()
    rows = page.get_by_role("list", name="Recent conversations").locator("b")
    rows.first.wait_for()
    found = rows.all_inner_texts()
    page.get_by_role("button", name="Back").click()
    return found
