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
            # By pip, which every machine that ran the README's commands has set up for its index. The lock
            # names every package, and of the thousands of modules few are imported.
            pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
            for command in (
                [sys.executable, "-m", "venv", folder],
                [*pip, "--require-hashes", "-r", lock],
            ):
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    raise NotInstalledError(done.stderr[-500:].strip())
            (folder / ".whole").touch()
    return folder
