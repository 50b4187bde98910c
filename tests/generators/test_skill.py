"""The skill folder, copied out of the repository: its Quick Start to a first answer."""

import os
import re
import shutil
import sys

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.chromium import PATIENCE_MS, launch_options
from tests.generators.backends import PATIENCE_S, environment
from tests.generators.docusaurus_starter import starter
from tests.matches import find
from tests.ports import free_ports
from tests.processes import REPOSITORY, serving_group
from tests.widget.element_page import ask, open_panel

pytestmark = pytest.mark.node

SKILL = REPOSITORY / "skill" / "chatkit-embed-and-token-flow"


def quick_start(text):
    """The commands of its two terminals, the question, and what the answer is to say."""
    part = find(r"^## Quick Start\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)[1]
    first, second = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    return first, second, find(r"ask `([^`]+)`", part)[1]


def terminal(script, folder, url):
    """Runs the commands, the last of which serves, until the block ends."""
    environ = environment(
        PATH=f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        BROWSER="none",
        DOCUSAURUS_NO_TELEMETRY="1",
        DOCUSAURUS_NO_PERSISTENT_CACHE="1",
    )
    return serving_group(f"set -e\n{script}", url, folder=folder, environ=environ, patience=PATIENCE_S)


def test_the_copied_folder_leads_to_a_first_answer(tmp_path):
    skill = tmp_path / SKILL.name
    shutil.copytree(SKILL, skill)
    site = starter(tmp_path / "site")
    ports = dict(zip(("8002", "3000"), map(str, free_ports(2)), strict=True))
    first, second, question = quick_start((skill / "SKILL.md").read_text())
    for written, ours in ports.items():
        assert written in first + second
        first, second = first.replace(written, ours), second.replace(written, ours)
    backend, page = (f"http://localhost:{port}" for port in ports.values())
    with (
        terminal(first, skill, f"{backend}/readyz"),
        terminal(second, site, page),
        sync_playwright() as driver,
    ):
        expect.set_options(timeout=PATIENCE_MS)
        browser = driver.chromium.launch(**launch_options())
        tab = browser.new_page()
        tab.goto(page)
        open_panel(tab)
        ask(tab, question)
        expect(tab.get_by_role("log")).to_contain_text("Calibrate the sensor every two weeks.")
        browser.close()


def test_every_file_that_its_pages_name_is_in_the_folder():
    for name in ("SKILL.md", "references/deployment.md", "references/api_reference.md"):
        text = (SKILL / name).read_text()
        named = re.findall(r"`((?:scripts|references|assets)/[\w./-]*)`", text)
        named += re.findall(r"\]\((?!https?:|#)([^)]+)\)", text)
        assert [one for one in named if not (SKILL / one).exists()] == []


def test_its_head_says_when_to_use_it():
    head = re.match(
        r"---\nname: ([a-z0-9-]{1,64})\ndescription: (.{1,1024})\n---\n", (SKILL / "SKILL.md").read_text()
    )
    assert head is not None
    assert head[1] == SKILL.name
    assert "Use it to" in head[2]


def test_the_versions_that_it_installs_are_those_of_the_backend():
    from_skill = find(r"pip install (.+)", (SKILL / "SKILL.md").read_text())[1].split()
    head = (SKILL / "assets" / "backend_minimal.py").read_text().partition("# ]")[0]
    assert from_skill == re.findall(r'"([^"]+)",', head)
