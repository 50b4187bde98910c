"""The targets of the Makefile that need Node, in a folder in which scripts stand for Node, npm and Python."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import PATIENCE_S, REPOSITORY

NODE_IS_NEEDED = "Node 20 or newer is needed on PATH, with its npm: https://nodejs.org/en/download\n"
TOOLS = ("sh", "make", "find", "touch", "rm", "mkdir", "tar")
LOCKS = ("widget", "examples/docusaurus", "examples/better-auth")


@pytest.fixture
def folder(tmp_path):
    """A clone into which Python's packages are installed, and none of npm's."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    inputs = ("requirements/run.lock", "pyproject.toml", *(f"{one}/package-lock.json" for one in LOCKS))
    for name in (*inputs, "widget/src/x.ts", "widget/scripts/x.mjs", ".venv/.runs"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    for name in inputs:
        os.utime(tmp_path / name, (0, 0))
    script(tmp_path / ".venv/bin/python", 'echo "python $*"')
    for tool in TOOLS:
        (tmp_path / "path").mkdir(exist_ok=True)
        (tmp_path / "path" / tool).symlink_to(shutil.which(tool) or pytest.fail(tool))
    return tmp_path


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make(folder, target):
    done = subprocess.run(
        ["make", target],
        cwd=folder,
        env={"PATH": str(folder / "path")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2
    return done.stdout, "".join(line for line in done.stderr.splitlines(True) if "make: ***" not in line)


@pytest.mark.parametrize("target", ["site", "better-auth", "widget"])
@pytest.mark.parametrize("there", [(), ("npm",), ("node",), ("old node", "npm")])
def test_without_node_there_is_one_message_before_anything_else(folder, target, there):
    for name in there:
        script(folder / "path" / name.removeprefix("old "), "exit 1" if "old" in name else "exit 0")
    assert make(folder, target) == ("", NODE_IS_NEEDED)


def test_the_port_is_checked_before_packages_are_installed(folder):
    script(folder / "path/node", "exit 0")
    script(folder / "path/npm", "echo npm; exit 0")
    script(folder / ".venv/bin/python", 'echo "python $*"; exit 1')
    assert make(folder, "site") == ("python -m chatgate.stack.free_ports site\n", "")
    script(folder / "path/node", '[ "$1" = -e ] || { echo "node $*"; exit 1; }')
    assert make(folder, "better-auth") == ("node examples/better-auth/start.mjs --check-ports\n", "")


def test_the_reason_of_npm_is_shown_and_its_summary_is_not(folder):
    script(folder / "path/node", "exit 0")
    script(folder / "path/npm", 'echo "added 9 packages"; echo "npm error ECONNREFUSED" >&2; exit 1')
    said, error = make(folder, "site")
    assert said == "python -m chatgate.stack.free_ports site\nInstalling the packages of widget ...\n"
    assert error == "npm error ECONNREFUSED\n"
