"""docs/quickstart.md, walked: its commands as they are written, but for ports and where the clone is from."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.chromium import PATIENCE_MS, launch_options
from tests.browser.login_form import sign_up
from tests.compose import engine
from tests.missing import cannot
from tests.ports import free_ports
from tests.processes import REPOSITORY, serving_group

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

PAGE = REPOSITORY / "docs" / "quickstart.md"
MOST_COMMANDS = 12
MOST_SECONDS = 600
START_WITHIN_S = 120
# Debian's engine has no plugins, so Compose is a program of its own here.
SHIM = """#!/bin/sh
[ "$1" = compose ] || exec {docker} "$@"
shift
exec {compose} --progress plain "$@"
"""


def commands():
    """The page's commands; one that goes on over several lines, up to its END, is one."""
    found: list[str] = []
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if found and "<<'END'" in found[-1] and not found[-1].endswith("\nEND"):
                found[-1] += f"\n{line}"
            else:
                found.append(line)
    return found


@pytest.fixture
def images(docker, are_stand_ins):
    """Gives the names that the walk's build takes back to the images that had them."""
    names = [f"chatgate/{name}" for name in ("service", "backend", "page")]
    found = {name: docker("images", "--quiet", name).strip() for name in names}
    yield
    for name, image in found.items():
        if image:
            docker("tag", image, name)


@pytest.fixture
def environ(docker, images, tmp_path):
    """For the commands: the engine, and ports and networks that are free."""
    tools = tmp_path / "tools"
    tools.mkdir()
    shim = tools / "docker"
    shim.write_text(SHIM.format(docker=shutil.which("docker"), compose=engine.COMPOSE))
    shim.chmod(0o755)
    port, tls_port = free_ports(2)
    if not shutil.which("npm"):
        cannot("npm is not on PATH")
    return {
        **docker.environ,
        "PATH": f"{tools}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        # npm's own settings, as of its registry.
        **{name: value for name, value in os.environ.items() if name.lower().startswith("npm_config_")},
        "HOME": os.environ["HOME"],
        "DOCKER_CONFIG": str(docker.home),
        "COMPOSE_PROJECT_NAME": "chatgate-quickstart",
        "CHATGATE_HTTP": f"127.0.0.1:{port}",
        "CHATGATE_HTTPS": f"127.0.0.1:{tls_port}",
        "CHATGATE_SUBNET": "10.213.220.0/28",
        "CHATGATE_OUTSIDE_SUBNET": "10.213.220.16/28",
        "DOCUSAURUS_NO_TELEMETRY": "1",
    }


def test_a_reader_gets_an_answer_about_the_new_site(environ, tmp_path):
    walk = tmp_path / "walk"
    walk.mkdir()
    [site_port] = free_ports(1)
    port = environ["CHATGATE_HTTP"].rpartition(":")[2]

    def mine(text):
        """The page's text with the ports of this test."""
        return text.replace(":8080", f":{port}").replace(":3000", f":{site_port}")

    clone, *steps, start = commands()
    assert len(steps) + 2 <= MOST_COMMANDS
    assert clone.startswith("git clone ")
    assert start.startswith("npm start")
    begun = time.monotonic()
    engine.clone(walk / "chatgate")
    down = ["docker", "compose", "-f", "chatgate/docker-compose.yml", "down", "--volumes", "--remove-orphans"]
    try:
        # One shell, as an export holds for the commands after it.
        script = mine("\n".join(["set -e", *steps]))
        done = subprocess.run(
            ["sh", "-c", script], cwd=walk, env=environ, capture_output=True, text=True, timeout=700
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        site = f"http://localhost:{site_port}/"
        served = {"folder": walk, "environ": environ, "patience": START_WITHIN_S}
        with serving_group(f"{start} --port {site_port}", site, **served):
            ask(mine("http://localhost:3000"))
        assert time.monotonic() - begun < MOST_SECONDS
    finally:
        subprocess.run(down, cwd=walk, env=environ, capture_output=True)


def ask(home):
    """A reader who makes an account, and asks what the page says, on the page that it names."""
    text = PAGE.read_text()
    [start] = re.findall(r"Open <http://localhost:3000(\S*)>", text)
    [question] = re.findall(r"Ask `([^`]+)`", text)
    [title] = re.findall(r"quotes the page \*([^*]+)\*", text)
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(**launch_options())
        page = browser.new_page()
        page.goto(home + start)
        page.get_by_role("button", name="Ask a question").click()
        with page.expect_popup() as opened:
            page.get_by_role("button", name="Sign in", exact=True).first.click()
        popup = opened.value
        with popup.expect_event("close"):
            sign_up(popup, "ada@example.com")
        page.get_by_role("textbox", name="Your question").fill(question)
        page.keyboard.press("Enter")
        source = page.get_by_role("region", name="Sources").get_by_role("link").filter(has_text=title).first
        expect(source).to_be_visible()
        source.click()
        page.get_by_role("heading", level=1, name=title).wait_for()
        page.wait_for_function("CSS.highlights.has('chatgate-quote')")
        browser.close()
