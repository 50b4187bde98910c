"""npm packages, as the package-lock.json of a folder pins them, and the scripts of tests/node."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.missing import NotInstalledError, cannot
from tests.processes import REPOSITORY, alone_with

FOLDER = REPOSITORY / "tests" / "node"
WIDGET = REPOSITORY / "widget"
MIN_NODE = 20


@cache
def node(folder: Path = FOLDER) -> str:
    """Node's path, once the packages of `folder` are installed. Skips without it, and fails in CI."""
    try:
        return installed(folder)
    except NotInstalledError as error:
        cannot(str(error))


def installed(folder: Path = FOLDER) -> str:
    """Node's path, once the packages of `folder` are installed. Raises NotInstalledError."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise NotInstalledError("node and npm are not on PATH")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().removeprefix("v").partition(".")[0]) < MIN_NODE:
        raise NotInstalledError(f"Node {MIN_NODE} or later is needed, this is {version.strip()}")
    with alone_with(folder / "package-lock.json"):
        if not is_installed(folder):
            done = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True
            )
            if done.returncode != 0:
                raise NotInstalledError(f"npm ci failed in {folder}: {done.stderr[-500:]}")
    return found


def steps_of(script: str, task: object) -> dict[str, Any]:
    """The steps that a script of tests/node tells, in their order, when it is given `task`."""
    command = [node(), script, json.dumps(task)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["step"]: one for one in steps}


def is_installed(folder: Path = FOLDER) -> bool:
    """The packages of `folder` are there, as its lock has them now."""
    # npm writes this file last, so an installation that was cut short counts as none.
    written = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    return written.exists() and written.stat().st_mtime >= lock.stat().st_mtime
