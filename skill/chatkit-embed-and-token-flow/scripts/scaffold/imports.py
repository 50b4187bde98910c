"""The import lines of several pieces of one file, merged and in isort's order."""

import re
import sys
from collections.abc import Iterable
from typing import Final

MAX_LINE: Final = 110

_FROM: Final = re.compile(r"from (\S+) import (.+)")


def is_import(line: str) -> bool:
    return line.startswith(("import ", "from "))


def merged(lines: Iterable[str]) -> str:
    """The standard library's first, then the others behind a blank line."""
    plain: set[str] = set()
    members: dict[str, set[str]] = {}
    for line in lines:
        found = _FROM.fullmatch(line)
        if found is None:
            plain.add(line)
        else:
            members.setdefault(found[1], set()).update(found[2].split(", "))
    blocks = []
    for is_ours in (_is_standard, lambda module: not _is_standard(module)):
        block = sorted(line for line in plain if is_ours(line.split()[1]))
        block += [_from(module, members[module]) for module in sorted(members) if is_ours(module)]
        if block:
            blocks.append("\n".join(block))
    return "\n\n".join(blocks)


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _from(module: str, names: set[str]) -> str:
    ordered = sorted(names, key=_rank)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= MAX_LINE:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")"])


def _rank(name: str) -> tuple[int, str]:
    """Constants, classes, then the rest, as isort's `order-by-type` has them."""
    bare = name.partition(" ")[0]
    if len(bare) > 1 and bare.isupper():
        return 0, name
    return (1 if bare[0].isupper() else 2), name
