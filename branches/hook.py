"""As `sitecustomize` in a folder that `prepare` made, has a process import the marked modules of that folder.

It runs at the start of every Python process, so it imports little, and nothing of ours.
"""

import builtins
import contextlib
import importlib.machinery
import marshal
import mmap
import os
import sys
from types import CodeType
from typing import Any

INDEX = "index"
CODES = "codes"
SEEN = "seen"

Module = tuple[int, int, str]
"""The source's time in nanoseconds and its size, and the file in CODES."""


class _Marked(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, code: str) -> None:
        super().__init__(fullname, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        with open(self._code, "rb") as file:
            code: CodeType = marshal.load(file)
        return code


class _Finder:
    def __init__(self, folder: str, names: frozenset[str], modules: dict[str, Module]) -> None:
        self._folder = os.path.join(folder, CODES)
        self._names = names
        self._modules = modules

    def find_spec(self, fullname: str, *where: Any) -> importlib.machinery.ModuleSpec | None:
        """The module that the other finders find, with its marked code where that is of the same source."""
        if fullname.partition(".")[0] not in self._names:
            return None
        others = (finder.find_spec(fullname, *where) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in others if spec is not None), None)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            path = spec.loader.path
            if (code := self._code_of(path)) is not None:
                spec.loader = _Marked(fullname, path, code)
        return spec

    def _code_of(self, path: str) -> str | None:
        if path not in self._modules:
            return None
        time, size, code = self._modules[path]
        status = os.stat(path)
        is_same = (status.st_mtime_ns, status.st_size) == (time, size)
        return os.path.join(self._folder, code) if is_same else None


def start(folder: str) -> None:
    with open(os.path.join(folder, INDEX), "rb") as file:
        tag, names, modules = marshal.load(file)
    # Another version of Python has other codes.
    if tag == sys.implementation.cache_tag:
        with open(os.path.join(folder, SEEN), "r+b") as file:
            builtins.__dict__["__seen__"] = mmap.mmap(file.fileno(), 0)
        sys.meta_path.insert(0, _Finder(folder, names, modules))


if __name__ == "sitecustomize":
    # In a sandbox of systemd, for example, the folder is out of reach.
    with contextlib.suppress(OSError):
        start(os.path.dirname(os.path.abspath(__file__)))
