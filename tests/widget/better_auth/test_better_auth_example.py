"""examples/better-auth as `make better-auth` starts it: the built site, its accounts, and the whole stack."""

import os
import socket
import subprocess
from contextlib import ExitStack, closing

import pytest
from playwright.sync_api import expect

from tests.chatgate.processes import family, none_runs, short_folder, until
from tests.chatgate.stacks import NAMES, NO_METRICS
from tests.node_packages import node
from tests.ports import free_ports
from tests.processes import REPOSITORY, alone_with, python_path, serving
from tests.widget.better_auth.their_site import EXAMPLE
from tests.widget.element_page import ask, log, open_panel
from tests.widget.sites import EXAMPLE as SITE
from tests.widget.sites import packages
from tests.widget.stage import PASSWORD, QUESTION

pytestmark = [pytest.mark.node, pytest.mark.system, pytest.mark.private]

BUILT_WITHIN_S = 240
START = "examples/better-auth/start.mjs"


def some_ports():
    return dict(zip((*NAMES, "SITE"), free_ports(len(NAMES) + 1), strict=True))


def environment(ports, folder):
    own = {name: value for name, value in os.environ.items() if not name.startswith("CHATGATE_")}
    own.pop("REDIS_URL", None)
    return {
        **own,
        **{f"CHATGATE_{name}_PORT": str(port) for name, port in ports.items()},
        **NO_METRICS,
        "NODE_ENV": "",
        "PYTHONPATH": python_path(REPOSITORY),
        "CHATGATE_DATA_DIR": str(folder),
        # The sample book would take seconds by meaning, and minutes on a busy machine.
        "CHATGATE_BACKEND_EMBEDDINGS_MODEL": "none",
    }


@pytest.fixture(scope="module")
def example():
    """The site's address."""
    packages()
    ports = some_ports()
    ready = f"http://127.0.0.1:{ports['PROXY']}/readyz"
    with short_folder() as folder, ExitStack() as running:
        environ = environment(ports, folder)
        command = [node(EXAMPLE), START]
        # One build at a time, as each takes all of a small machine.
        with alone_with(SITE / "package-lock.json"):
            process = running.enter_context(serving(command, ready, environ=environ, patience=BUILT_WITHIN_S))
        pids = family(process.pid)
        yield f"http://127.0.0.1:{ports['SITE']}"
        running.close()
        until(lambda: none_runs(pids))


def answered(page, question):
    ask(page, question)
    turn = log(page).get_by_role("article").last
    expect(turn).to_contain_text(question)
    expect(turn.get_by_role("region", name="Sources").get_by_role("link").first).to_be_visible()


@pytest.mark.parametrize("name", ["SITE", "PROXY"])
def test_a_taken_port_is_said_before_anything_is_built(name):
    with short_folder() as folder, closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        environ = environment(some_ports() | {name: port}, folder)
        done = subprocess.run(
            [node(EXAMPLE), START], cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=60
        )
        assert list(folder.iterdir()) == []
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Port {port} is in use. End what listens there, or set CHATGATE_{name}_PORT to another.\n"
        "Nothing was started.\n"
    )


def test_one_account_for_site_and_chat(context, example):
    page = context.new_page()
    page.goto(f"{example}/book/sampling")
    open_panel(page)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{example}/sign-in")
    # The server has no /favicon.ico, for which a browser would ask.
    assert page.locator("link[rel=icon]").get_attribute("href") == "data:,"
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    page.wait_for_url(f"{example}/book/")
    open_panel(page)
    answered(page, QUESTION)

    # The page learns nothing of the sign-out, so that it is the services that refuse.
    page.route("**/api/auth/get-session", lambda route: route.abort())
    other = context.new_page()
    other.goto(f"{example}/sign-in")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("status")).to_have_text("You are signed out.")
    ask(page, "Why is one reading never enough?")
    expect(page.get_by_text("Your session was ended", exact=False).first).to_be_visible()
    page.unroute("**/api/auth/get-session")

    other.get_by_label("E-mail").fill("ada@example.com")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url(f"{example}/book/")
    page.get_by_role("button", name="Sign in", exact=True).first.click()
    answered(page, "Why is one reading never enough?")
