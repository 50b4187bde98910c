"""Every way on from a statement that branches is a branch, and is marked as taken once it is."""

import builtins
from typing import Any

import pytest

from branches.marks import SEEN, marked

DECIDED = """
def run(x):
    if x:
        return 1
"""
EITHER = """
def run(x):
    if x == 1:
        return 1
    elif x == 2:
        return 2
    else:
        return 3
"""
LOOP = """
def run(x):
    for one in x:
        if one:
            break
    else:
        return 0
    while x:
        x.pop()
"""
FOREVER = """
def run(x):
    while True:
        if x:
            return 0
        x = 1
"""
SOME_CASES = """
def run(x):
    match x:
        case 1 | 2:
            return 1
        case [y] if y:
            return y
"""
ALL_CASES = """
def run(x):
    match x:
        case 1:
            return 1
        case ([1] | _) as y:
            return y
"""
FAILS = '''"""One."""
from __future__ import annotations

def run(x):
    """Two."""
    if x:

        1 / 0
'''
ONLY_TYPES = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    if run:
        import nothing
def run(x):
    class Held:
        if x:
            y = 1
    try:
        return [one for one in x if one]
    except TypeError:
        if x:
            raise
"""


@pytest.mark.parametrize(
    ("source", "given", "branches", "taken"),
    [
        (DECIDED, 1, [(3, 4), (3, None)], [0]),
        (DECIDED, 0, [(3, 4), (3, None)], [1]),
        (EITHER, 2, [(3, 4), (3, 5), (5, 6), (5, 8)], [1, 2]),
        (LOOP, [0], [(3, 4), (3, 7), (4, 5), (4, None), (8, 9), (8, None)], [0, 1, 3]),
        (LOOP, [0, 1], [(3, 4), (3, 7), (4, 5), (4, None), (8, 9), (8, None)], [0, 2, 3, 4, 5]),
        (FOREVER, 0, [(4, 5), (4, None)], [0, 1]),
        (SOME_CASES, 2, [(3, 5), (3, 7), (3, None)], [0]),
        (SOME_CASES, [3], [(3, 5), (3, 7), (3, None)], [1]),
        (SOME_CASES, [0], [(3, 5), (3, 7), (3, None)], [2]),
        (ALL_CASES, 2, [(3, 5), (3, 7)], [1]),
        (ONLY_TYPES, 0, [(8, 9), (8, None), (13, 14), (13, None)], [1, 3]),
    ],
)
def test_a_branch_is_marked_once_it_is_taken(source, given, branches, taken, monkeypatch):
    tree, found = marked(source, 10)
    seen = bytearray(10 + len(found))
    # While the suite is measured, there is one.
    monkeypatch.setattr(builtins, SEEN, seen, raising=False)
    names: dict[str, Any] = {}
    exec(compile(tree, "marked", "exec"), names)
    names["run"](given)
    assert [(one.line, one.to) for one in found] == branches
    assert [place - 10 for place, byte in enumerate(seen) if byte] == taken


def test_lines_and_docstrings_stay():
    tree, _ = marked(FAILS, 0)
    names: dict[str, Any] = {SEEN: bytearray(2)}
    exec(compile(tree, "marked", "exec"), names)
    assert (names["__doc__"], names["run"].__doc__) == ("One.", "Two.")
    with pytest.raises(ZeroDivisionError) as raised:
        names["run"](1)
    assert raised.traceback[-1].lineno + 1 == 8
