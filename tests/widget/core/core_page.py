"""A page that has the widget's core and no view: what the core promises, a test calls and reads by script."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from playwright.sync_api import BrowserContext, Page, Request

from tests.browser.login_form import sign_in
from tests.matches import find
from tests.widget.stage import PASSWORD, Stage

DOCUMENT = """<!doctype html><html lang="en"><title>A page of the book</title>
<button id="sign-in">Sign in</button><output id="session"></output><output id="chat"></output>
<script type="module" src="{base}core_page.js"></script>"""

SCRIPT = """
import { createChatgate } from "./widget/core.js";
const options = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const by = new URLSearchParams(location.search).get("by");
const show = (id, state) => { document.getElementById(id).value = JSON.stringify(state); };
const gate = createChatgate(options);
const browsing = {
  openPopup() {
    const popup = window.open("", "", "popup,width=420,height=640");
    const goTo = (url) => { popup.location.href = url.replace(options.brokerUrl, by ?? options.brokerUrl); };
    return popup && { goTo };
  },
  leaveFor: (url) => location.assign(url),
  here: () => location.href,
  language: () => document.documentElement.lang,
};
gate.session.state.subscribe((state) => show("session", state));
gate.chat.state.subscribe((state) => show("chat", state));
document.getElementById("sign-in").onclick = () => gate.session.signIn(browsing);
window.gate = gate;
window.caught = (promise) => promise.then(() => null, ({ code, advice }) => ({ code, advice }));
show("session", gate.session.state.getState());
show("chat", gate.chat.state.getState());
await gate.start();
"""


class CorePage:
    """One tab. `session()` and `chat()` are the states as data."""

    def __init__(
        self,
        context: BrowserContext,
        stage: Stage,
        policy: str | None = None,
        query: str = "",
        **options: Any,
    ) -> None:
        stage.serve("core_page.js", SCRIPT, "text/javascript")
        headers = {"Content-Security-Policy": policy} if policy else {}
        stage.serve("core.html", DOCUMENT.format(base="./"), **headers)
        self.stage = stage
        self.page = context.new_page()
        address = quote(json.dumps(stage.options(**options)))
        self.address = f"{stage.home}core.html{query}#{address}"
        self.page.goto(self.address)

    def _told(self, name: str) -> Any:
        text = self.page.locator(f"#{name}").text_content()
        assert text is not None
        return json.loads(text)

    def session(self) -> Any:
        return self._told("session")

    def chat(self) -> Any:
        return self._told("chat")

    def wait_for_session(self, **members: Any) -> Any:
        self._wait("session", members)
        return self.session()

    def _wait(self, name: str, members: Mapping[str, Any]) -> None:
        matches = """([id, members]) => {
            const state = JSON.parse(document.getElementById(id).value);
            return Object.entries(members).every(([name, value]) => state[name] === value);
        }"""
        self.page.wait_for_function(matches, arg=[name, members])

    def wait_for_answer(self, state: str, turn: int = -1) -> Any:
        matches = """([turn, state]) =>
            JSON.parse(document.getElementById("chat").value).turns.at(turn)?.answer.state === state"""
        self.page.wait_for_function(matches, arg=[turn, state])
        return self.chat()["turns"][turn]["answer"]

    def open_popup(self) -> Page:
        with self.page.expect_popup() as opened:
            self.page.locator("#sign-in").click()
        opened.value.get_by_role("heading", level=1).wait_for()
        return opened.value

    def sign_in(self, email: str) -> None:
        popup = self.open_popup()
        with popup.expect_event("close"):
            sign_in(popup, email, PASSWORD)
        self.wait_for_session(name="signed_in", **{"as": "reader"})

    def call(self, expression: str, *arguments: Any) -> Any:
        """The value of a promise of the core, or None; `caught` for one that rejects."""
        return self.page.evaluate(f"async (args) => {{ {expression} }}", list(arguments))

    def begin(self, question: str, **passage: Any) -> None:
        """Sends a question without waiting for its answer."""
        self.page.evaluate("(text) => { gate.chat.setDraft(text); gate.chat.ask(); }", question)

    def ask(self, question: str) -> Any:
        self.begin(question)
        return self.wait_for_answer("done")


def token_requests(context: BrowserContext) -> list[str]:
    """The grants that pages ask for from here on."""
    grants: list[str] = []

    def hear(request: Request) -> None:
        if request.url.endswith("/oauth2/token") and request.method == "POST":
            assert request.post_data is not None
            grants.append(find(r"grant_type=([^&]+)", request.post_data)[1])

    context.on("request", hear)
    return grants
