"""Python packages that do not go together with those of the services: each lock has a virtual environment of
its own, which the machine keeps in the user's cache."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.missing import NotInstalledError
from tests.processes import alone_with


def folder_of(lock: Path) -> Path:
    """The folder of the virtual environment for `lock` and this Python, whether or not it is there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    return cache / "chatgate-tests" / f"{lock.stem}-{digest}"


def is_installed(lock: Path) -> bool:
    return (folder_of(lock) / ".whole").exists()


def installed(lock: Path) -> Path:
    """The folder of the virtual environment, made where there is none yet. Raises NotInstalledError."""
    folder = folder_of(lock)
    with alone_with(lock):
        if not is_installed(lock):
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", "--without-pip", folder])
            _install(lock, folder / "bin" / "python")
            (folder / ".whole").touch()
    return folder


def _install(lock: Path, python: Path) -> None:
    # The lock names every package, and of the thousands of modules few are imported.
    options: list[str | Path] = ["install", "-q", "--no-deps", "--require-hashes", "-r", lock]
    try:
        _run([Path(sys.executable).with_name("uv"), "pip", *options, "--python", python])
    except (NotInstalledError, FileNotFoundError):
        # It takes ten times as long, and every machine that ran the README's commands has set it up for its
        # index.
        _run([sys.executable, "-m", "pip", "--python", python, *options, "--no-compile"])


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotInstalledError(done.stderr[-500:].strip())
