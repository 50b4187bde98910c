"""The React wrapper in an app that Vite builds with React 18 and with React 19, and that a server renders."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.chatgate.processes import until
from tests.node_packages import node
from tests.processes import alone_with
from tests.widget.element_page import ask, open_panel
from tests.widget.package import put_into
from tests.widget.stage import QUESTION

pytestmark = pytest.mark.node

APP = Path(__file__).with_name("react_app")


def run(react, *words):
    # React's own warnings are in its build for development alone.
    environ = {**os.environ, "REACT": react, "NODE_ENV": "development"}
    done = subprocess.run([node(APP), *words], cwd=APP, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=["18", "19"])
def app(request, stage, tmp_path_factory):
    """The address of the app below the site, and the HTML that a server wrote of it."""
    out = tmp_path_factory.mktemp("app")
    node(APP)
    put_into(APP / "node_modules")
    vite = ("node_modules/vite/bin/vite.js", "build", "--mode", "development", "--outDir")
    with alone_with(APP / "package-lock.json"):
        run(request.param, *vite, out / "server", "--ssr", "server.jsx")
        run(request.param, *vite, out / "client")
    written = json.loads(run(request.param, out / "server" / "server.js"))
    assert written["version"].startswith(f"{request.param}.")
    path = f"react-{request.param}/"
    for file in (out / "client").rglob("*.js"):
        stage.serve(path + str(file.relative_to(out / "client")), file.read_text(), "text/javascript")
    page = (out / "client" / "index.html").read_text()
    stage.serve(path, page.replace("<!--app-->", written["html"]))
    return path, written["html"]


@pytest.fixture
def tab(app, context, stage):
    """The app's page, hydrated. A complaint in its console fails the test."""
    complaints = []
    page = context.new_page()

    def hear(message):
        # The services ask for a nonce first, by 400 or 401, and a browser reports that.
        is_nonce = message.text.startswith("Failed to load") and stage.home not in message.location["url"]
        if message.type in ("error", "warning") and not is_nonce:
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{stage.home}{app[0]}#{json.dumps(stage.options(auth='guest'))}")
    yield page
    assert complaints == []


def options(page):
    page.get_by_role("button", name="Ask a question").wait_for()
    return page.evaluate("JSON.parse(JSON.stringify(document.querySelector('chatgate-widget').options))")


def test_a_server_writes_the_element_alone(app):
    assert '<chatgate-widget class="own"></chatgate-widget>' in app[1]


def test_the_element_has_the_options_of_the_last_render(tab, stage):
    given = options(tab)
    assert given["backendUrl"] == stage.stack.proxy
    assert (given["mode"], given["suggestions"]) == ("both", ["What is here?"])
    assert "className" not in given
    expect(tab.locator("chatgate-widget")).to_have_class("own")
    tab.get_by_role("button", name="Change an option").click()
    until(lambda: options(tab)["mode"] == "selection_only")


def test_a_render_that_changes_nothing_leaves_the_element_alone(tab):
    options(tab)
    tab.evaluate("window.given = document.querySelector('chatgate-widget').options")
    tab.get_by_role("button", name="Render again").click()
    tab.evaluate("window.given.navigate('/x')")
    # The same options, whose function is the new one.
    assert tab.evaluate(
        "[window.given === document.querySelector('chatgate-widget').options, window.went]"
    ) == [
        True,
        ["/x 1"],
    ]


def test_a_reader_asks_and_the_widget_goes_and_comes_with_the_component(tab):
    open_panel(tab)
    ask(tab, QUESTION)
    expect(tab.get_by_role("region", name="Sources").get_by_role("listitem").first).to_be_visible()
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Show or hide").click()
    expect(tab.locator("chatgate-widget")).to_have_count(0)
    tab.get_by_role("button", name="Show or hide").click()
    open_panel(tab)
    expect(tab.get_by_role("log")).to_contain_text(QUESTION)
