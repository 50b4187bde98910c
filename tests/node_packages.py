"""npm packages, as tests/node/package-lock.json pins them, and the scripts beside it that use them."""

import json
import os
import shutil
import subprocess
from functools import cache

import pytest

from tests.processes import REPOSITORY, alone_with

FOLDER = REPOSITORY / "tests" / "node"
MIN_NODE = 20


@cache
def node():
    """The path of Node with the packages installed. Skips the test without one, and in CI fails it."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        _cannot("node and npm are not on PATH")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().removeprefix("v").partition(".")[0]) < MIN_NODE:
        _cannot(f"Node {MIN_NODE} or later is needed, this is {version.strip()}")
    with alone_with(FOLDER / "package-lock.json"):
        if _is_stale():
            done = subprocess.run(["npm", "ci"], cwd=FOLDER, capture_output=True, text=True)
            if done.returncode != 0:
                _cannot(f"npm ci failed in tests/node: {done.stderr[-500:]}")
    return found


def steps_of(script, task):
    """The steps that a script of tests/node tells, in their order, when it is given `task`."""
    command = [node(), script, json.dumps(task)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["step"]: one for one in steps}


def _is_stale():
    # npm writes this file last, so an installation that was cut short counts as none.
    installed = FOLDER / "node_modules" / ".package-lock.json"
    lock = FOLDER / "package-lock.json"
    return not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime


def _cannot(reason):
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
