"""Builds the widget in one file into chatgate/stack/pages/assets/, which Python serves where Node is not.

`--check` writes nothing and exits 1 when the files are not what this would write. It needs Node and the
packages of widget/package-lock.json (`npm ci` in widget).
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDGET = ROOT / "widget"
TARGET = ROOT / "chatgate" / "stack" / "pages" / "assets"
NAMES = ("chatgate-widget.js", "chatgate-widget.licences.txt")


def build(folder: Path) -> str | None:
    """Build the widget into `folder`. Returns None, or the reason for a failure."""
    node = shutil.which("node")
    if node is None or not (WIDGET / "node_modules").is_dir():
        return "Node 20 or later and `npm ci` in widget come first"
    command = [node, "build.mjs", "--one-file", str(folder)]
    done = subprocess.run(command, cwd=WIDGET, capture_output=True, text=True)
    return None if done.returncode == 0 else done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fault = build(folder)
        if fault is not None:
            print(fault, file=sys.stderr)
            return 2
        for name in NAMES:
            new, old = (folder / name).read_bytes(), TARGET / name
            if not arguments.check:
                TARGET.mkdir(exist_ok=True)
                old.write_bytes(new)
            elif not old.is_file() or old.read_bytes() != new:
                print(f"{name} is stale: run generators/{Path(__file__).name}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
