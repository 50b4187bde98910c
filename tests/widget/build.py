"""The widget's sources as scripts that a page of a test can load."""

import subprocess
from functools import cache
from pathlib import Path

from tests.node_packages import WIDGET, node


@cache
def bundled(entry: Path) -> str:
    """The module `entry` and all that it imports as one script, built once by each process of the tests."""
    node(WIDGET)
    command = [
        str(WIDGET / "node_modules" / ".bin" / "esbuild"),
        str(entry),
        "--bundle",
        "--format=esm",
        "--target=es2022",
        "--charset=utf8",
        "--log-level=warning",
    ]
    done = subprocess.run(command, cwd=WIDGET, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
