"""The widget's npm package, built once from what its sources are now."""

import hashlib
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.node_packages import WIDGET as FOLDER
from tests.node_packages import node
from tests.processes import alone_with

DIST = FOLDER / "dist"
_STAMP = DIST / ".built-from"
_SOURCES = (
    "src",
    "scripts",
    "build.mjs",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "tsconfig.build.json",
)


@cache
def built() -> Path:
    """The folder of built files. Skips the test without Node, and in CI fails it."""
    run = [node(FOLDER), "build.mjs", "--check-size"]
    with alone_with(FOLDER / "package-lock.json"):
        state = _state()
        if not _STAMP.exists() or _STAMP.read_text() != state:
            done = subprocess.run(run, cwd=FOLDER, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            _STAMP.write_text(state)
    return DIST


def put_into(packages: Path) -> None:
    """Installs the built package into a node_modules folder, as npm would: its `files`, its package.json."""
    dist = built()
    installed = packages / "chatgate-widget"
    copied = installed / "dist" / _STAMP.name
    if copied.exists() and copied.read_text() == _STAMP.read_text():
        return
    shutil.rmtree(installed, ignore_errors=True)
    shutil.copytree(dist, installed / "dist")
    source = Path("src", "docusaurus")
    shutil.copytree(FOLDER / source / "theme", installed / source / "theme")
    shutil.copy(FOLDER / source / "theme.d.ts", installed / source)
    shutil.copy(FOLDER / "package.json", installed)


def stamp() -> str:
    """Changes with the sources of what is built."""
    return (built() / _STAMP.name).read_text()


def _state() -> str:
    digest = hashlib.sha256()
    for name in _SOURCES:
        path = FOLDER / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(str(file.relative_to(FOLDER)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
