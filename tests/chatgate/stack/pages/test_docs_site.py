"""`make site`'s last step, over a folder in which a script stands for Docusaurus."""

import os
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from tests.chatgate.processes import until
from tests.ports import free_ports
from tests.processes import PATIENCE_S, REPOSITORY, python_path

BUILDS = """#!/bin/sh
echo built >> built
mkdir -p "$3"
echo 'a page' > "$3/index.html"
"""


@pytest.fixture
def site(folder):
    script = folder / "site" / "node_modules" / ".bin" / "docusaurus"
    script.parent.mkdir(parents=True)
    script.write_text(BUILDS)
    script.chmod(0o755)
    return folder / "site"


def start(site, port):
    own = {name: value for name, value in os.environ.items() if not name.startswith("CHATGATE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "chatgate.stack.pages.docs_site", site],
        cwd=site.parent,
        env={**own, "PYTHONPATH": python_path(REPOSITORY), "CHATGATE_SITE_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_taken_port_is_said_before_anything_is_built(site):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        process = start(site, port)
        said, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert f"Port {port} is in use. End what listens there, or set CHATGATE_SITE_PORT to another." in err
    assert said == ""
    assert not (site / "built").exists()


def test_a_port_that_was_taken_during_the_build_is_said_and_no_site(site):
    script = site / "node_modules" / ".bin" / "docusaurus"
    script.write_text(f"{BUILDS}read -r _ < go\n")
    os.mkfifo(site / "go")
    [port] = free_ports(1)
    process = start(site, port)
    until((site / "built").exists, PATIENCE_S)
    with closing(socket.create_server(("127.0.0.1", port))):
        (site / "go").write_text("\n")
        said, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert f"Port {port} is in use." in err
    assert "The site is at" not in said


def test_the_site_listens_once_its_address_is_said(site):
    [port] = free_ports(1)
    process = start(site, port)
    try:
        assert process.stdout is not None
        next(line for line in process.stdout if f"The site is at http://127.0.0.1:{port}/book/" in line)
        socket.create_connection(("127.0.0.1", port)).close()
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
