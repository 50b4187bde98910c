"""`python -m branches COMMAND ...`: runs the command, and prints how many branches of our packages it and all
Python processes that it started have taken.

The packages and the floor of each, in per cent, are in `pyproject.toml`. The branches that were not taken are
listed in `.branches/missed`. Exit code: that of the command, or 1 if a package is below its floor.
"""

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from branches import report
from branches.prepare import of_all, prepare

FOLDER: Final = ".branches"


def main(command: Sequence[str], root: Path) -> int:
    """`root`: the folder with `pyproject.toml` and the packages."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    floors = {root / name: float(floor) for name, floor in settings["tool"]["branches"].items()}
    folder = root / FOLDER
    branches = prepare(folder, floors)
    ended = _run(command, folder)
    taken = list(of_all(branches, folder))
    (folder / "missed").write_text("".join(f"{line}\n" for line in report.missed(taken, root)))
    rows = report.rows(taken, floors)
    print("Branches taken:", *rows, sep="\n", flush=True)
    return ended or int(any(row.is_below for row in rows))


def _run(command: Sequence[str], folder: Path) -> int:
    """The exit code, as a shell has it."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    # An interrupt is for the command, whose branches are printed then. The command would inherit that the
    # signal is ignored, and does not inherit a handler.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[1]))
