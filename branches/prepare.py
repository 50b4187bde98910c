"""The folder that a measured process imports from: its `sitecustomize`, the marked modules, and one byte for
each of their branches. All processes share these bytes, so one that is killed has lost nothing."""

import marshal
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from branches import hook
from branches.marks import Branch, marked

Branches = dict[Path, list[Branch]]


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a process has taken the branch."""

    path: Path
    branch: Branch
    is_taken: bool


_ANY_USER: Final = 0o666
"""A test may run a service as another user."""


def prepare(folder: Path, packages: Iterable[Path]) -> Branches:
    """Make `folder` anew for the packages of these folders. A process that has it in PYTHONPATH is measured.
    The answer has the branches of each module, in the order of their bytes."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / hook.CODES).mkdir(parents=True)
    roots = [package.resolve() for package in packages]
    branches: Branches = {}
    modules: dict[str, hook.Module] = {}
    count = 0
    for path in (path for root in roots for path in sorted(root.rglob("*.py"))):
        status = path.stat()
        tree, branches[path] = marked(path.read_text(), count)
        count += len(branches[path])
        code = str(len(modules))
        (folder / hook.CODES / code).write_bytes(marshal.dumps(compile(tree, str(path), "exec")))
        modules[str(path)] = (status.st_mtime_ns, status.st_size, code)
    names = frozenset(root.name for root in roots)
    (folder / hook.INDEX).write_bytes(marshal.dumps((sys.implementation.cache_tag, names, modules)))
    (folder / hook.SEEN).write_bytes(bytes(count))
    (folder / hook.SEEN).chmod(_ANY_USER)
    shutil.copyfile(hook.__file__, folder / "sitecustomize.py")
    return branches


def of_all(branches: Branches, folder: Path) -> Iterator[Taken]:
    """All branches in their order."""
    bytes_of_all = iter((folder / hook.SEEN).read_bytes())
    for path, found in branches.items():
        for branch in found:
            yield Taken(path, branch, next(bytes_of_all) != 0)
