"""The widget in a browser asks a generated backend directly, without and with a sign-in."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import expect, sync_playwright

from scaffold.backend import generate
from tests.browser.chromium import PATIENCE_MS, shell_options
from tests.browser.servers import CALLBACK, Answer, Server, server
from tests.browser.watch import watched
from tests.generators.backends import BROKER_TOML, GATEWAY, PAGE, SignedIn, environment, options_of, served
from tests.ports import free_ports
from tests.processes import REPOSITORY, broker_process
from tests.widget.element_page import ask, open_element, open_panel, sign_in_by_popup

WIDGET = REPOSITORY / "chatgate" / "stack" / "pages" / "assets" / "chatgate-widget.js"
QUESTION = "How often do I calibrate the sensor?"
QUOTED = "Calibrate the sensor every two weeks."


@dataclass
class Site:
    """A docs site as tests.widget.element_page wants it. It is at localhost, the services are not."""

    server: Server
    backend: str = ""
    broker: str | None = None

    @property
    def origin(self):
        return self.server.other_site

    @property
    def home(self):
        return f"{self.origin}/book/"

    def options(self, **changes):
        found = {
            "backendUrl": self.backend,
            "brokerUrl": self.broker,
            "clientId": "docs",
            "baseUrl": "/book/",
        }
        return {name: value for name, value in (found | changes).items() if value is not None}

    def serve(self, path, body, media_type="text/html", **headers):
        self.server.answers[f"/book/{path}"] = lambda _: Answer(body, media_type, headers=headers)


@pytest.fixture(scope="module")
def site():
    with server() as found:
        site = Site(found)
        site.serve("widget/chatgate-widget.js", WIDGET.read_text(), "text/javascript")
        site.serve("chatgate-callback.html", CALLBACK.read_text())
        yield site


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(**shell_options())
        yield browser
        browser.close()


@pytest.fixture
def context(browser):
    with watched(browser.new_context()) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context
        context.close()


def write(folder, auth, site):
    options = options_of(auth, "memory", None, (site.origin,))
    (folder / f"{options.module}.py").write_text(generate(options))
    return options.module


def test_anybody_asks_and_finds_the_conversation_again(context, site, tmp_path):
    module = write(tmp_path, "none", site)
    with served(tmp_path, module, free_ports(1)[0], environment()) as site.backend:
        page = open_element(context, site, auth="none")
        open_panel(page)
        ask(page, QUESTION)
        expect(page.get_by_role("log")).to_contain_text(QUOTED)
        expect(page.get_by_role("region", name="Sources").get_by_role("listitem")).to_have_count(1)
        expect(page.get_by_role("button", name="Copy the answer")).to_be_visible()
        expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_count(0)
        page.reload()
        open_panel(page)
        expect(page.get_by_role("log")).to_contain_text(QUOTED)
        expect(page.get_by_role("button", name="Copy the answer")).to_be_visible()
        expect(page.get_by_role("button", name="Helpful", exact=True)).to_have_count(0)


def test_a_reader_signs_in_asks_with_a_bound_token_and_signs_out(context, site, tmp_path):
    [port] = free_ports(1)
    toml = BROKER_TOML.format(proxy=f"http://127.0.0.1:{port}").replace(
        f"{PAGE}/book/signed-in", f"{site.home}chatgate-callback.html"
    )
    toml = toml.replace(PAGE, site.origin)
    with broker_process(toml, secret="the broker's secret of these tests, long") as site.broker:
        environ = environment(
            CHATGATE_BROKER_URL=site.broker,
            CHATGATE_PROXY_URL=f"http://127.0.0.1:{port}",
            INTROSPECTION_ID=GATEWAY[0],
            INTROSPECTION_SECRET=GATEWAY[1],
        )
        with served(tmp_path, write(tmp_path, "better-auth", site), port, environ) as site.backend:
            schemes = []
            context.on(
                "request", lambda request: schemes.append(request.headers.get("authorization", "")[:5])
            )
            page = open_element(context, site)
            open_panel(page)
            sign_in_by_popup(page, SignedIn(site.broker, site.origin).email)
            ask(page, QUESTION)
            expect(page.get_by_role("log")).to_contain_text(QUOTED)
            assert set(schemes) == {"", "DPoP "}
            page.get_by_role("button", name="Account").click()
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_text("You are signed out. Sign in again to go on.")).to_be_visible()
            expect(page.get_by_role("log")).not_to_contain_text(QUOTED)
