"""Folders outside of pytest's own, which are their user's alone."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into, for servers that run as another one. It has a short name, as a
    unix socket's path has room for 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="cgof", dir="/tmp"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)
