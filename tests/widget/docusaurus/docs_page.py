"""Docusaurus sites of `sites`, each served at an origin that one stack of the real services knows."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator

from tests.chatgate.processes import short_folder
from tests.ports import free_ports
from tests.processes import serving
from tests.system.stack import Stack
from tests.trust import TRUST
from tests.widget.sites import ALL, FASTER, PLAIN, WITHOUT, built, put_into_place
from tests.widget.stage import PASSWORD

CALLBACKS = {
    PLAIN.name: ["signed-in/chatgate.html"],
    FASTER.name: ["chatgate-callback.html"],
    WITHOUT.name: ["chatgate-callback.html", "ar/chatgate-callback.html"],
}
TOML = """
env = "development"
[sign_in]
attempts_per_address = 100000
attempts_per_account = 1000
sign_ups_per_address = 100000
[sites.docs]
origins = ["http://localhost:1"]
backend = "book"
guests = true
[tiers.guest]
questions_per_minute = 6000
burst = 1000
concurrent = 2
daily_questions = 100000
[backends.book]
url = "http://127.0.0.1:8002"
"""
ELEMENT = "document.querySelector('chatgate-widget')"


@dataclass(frozen=True)
class Sites:
    """`homes` are the addresses of the sites' home pages, by the names of their variants."""

    homes: dict[str, str]
    stack: Stack

    def reader(self, name: str) -> str:
        """The address of a new account; its password is PASSWORD."""
        origin = "/".join(self.homes[name].split("/")[:3])
        body = {"name": "Ada Lovelace", "email": f"{name}@example.com", "password": PASSWORD}
        answer = httpx.post(
            f"{self.stack.broker}/api/auth/sign-up/email", json=body, headers={"Origin": origin}, verify=TRUST
        )
        assert answer.status_code == 200, answer.text
        return body["email"]


@contextmanager
def served_sites() -> Iterator[Sites]:
    ports = dict(zip([variant.name for variant in ALL], free_ports(len(ALL)), strict=True))
    origins = {name: f"http://localhost:{port}" for name, port in ports.items()}
    homes = {variant.name: f"{origins[variant.name]}{variant.base_url}" for variant in ALL}
    callbacks = [f"{homes[name]}{path}" for name, paths in CALLBACKS.items() for path in paths]
    with short_folder() as folder, ExitStack() as servers:
        stack = Stack(folder, TOML)
        stack.environ["CHATGATE_SITES_DOCS_ORIGINS"] = ",".join(origins.values())
        stack.environ["CHATGATE_SITES_DOCS_REDIRECT_URIS"] = ",".join(callbacks)
        try:
            stack.start_all()
            for variant in ALL:
                copy = put_into_place(built(variant.name), folder / variant.name, stack.broker, stack.proxy)
                port = str(ports[variant.name])
                words = [str(copy), port, variant.base_url]
                if variant is not FASTER:
                    # Mermaid and live code need exceptions of a policy; nothing else here does.
                    words += [stack.broker, stack.proxy]
                command = [sys.executable, "-m", "chatgate.stack.pages.static_site", *words]
                servers.enter_context(serving(command, f"http://127.0.0.1:{port}{variant.base_url}"))
            yield Sites(homes, stack)
        finally:
            stack.stop_all()


class DocsPage:
    """One tab. `complaints` has what the console calls an error, and errors that were not caught.

    `refused_styles` are those that a page has for its code in HTML, which the policy refuses whether there
    is a widget or not.
    """

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.home = home
        self.complaints: list[str] = []
        self.refused_styles: list[str] = []
        self.page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(error.stack or error.message))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if message.text.startswith("Failed to load resource") and self.home not in message.location["url"]:
            # The services ask for a nonce first, by 400 or 401, and a browser reports that.
            return
        is_in_html = message.location["url"].startswith(self.home) and ".js" not in message.location["url"]
        if "inline style" in message.text and is_in_html:
            self.refused_styles.append(message.text)
        else:
            self.complaints.append(message.text)

    def goto(self, path: str = "") -> Self:
        self.page.goto(self.home + path)
        return self

    def widget(self) -> Locator:
        return self.page.locator("chatgate-widget")

    def options(self) -> Any:
        """The options that the element was given, except functions."""
        # The element shows nothing before it has options.
        self.page.locator("chatgate-widget :is(button, textarea)").first.wait_for(state="attached")
        return self.page.evaluate(f"JSON.parse(JSON.stringify({ELEMENT}.options))")

    def navigate(self, url: str) -> None:
        self.page.evaluate(f"url => {ELEMENT}.options.navigate(url)", url)

    def mark(self) -> None:
        """A full load would take it away."""
        self.page.evaluate(f"window.marked = {ELEMENT}")

    def is_marked(self) -> bool:
        """Whether the page is the one that was marked, with the same element on it."""
        return self.page.evaluate(f"window.marked !== undefined && window.marked === {ELEMENT}")
