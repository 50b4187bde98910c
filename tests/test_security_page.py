"""docs/security.md against the code: each test that it names is there, and each row once, with its test."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from broker.oauth import codes
from broker.sessions import session
from broker.sessions.revocation import LONGEST_MARK
from broker.signing import record
from chat_proxy.chat import MAX_REFUSED
from chat_proxy.questions import messages
from edge.server.http1 import connections, door, framing
from tests.matches import find
from tokens import dpop
from tokens.claims import MAX_LIFETIME
from tokens.jwks.remote import STALE
from tokens.verify import LEEWAY

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LIKE_A_TEST = re.compile(r"tests/|::|\btest_")


@cache
def collected_from(path):
    """The names of the tests that pytest would collect from a file, or none where there is no file."""
    file = ROOT / path
    if not file.exists():
        return frozenset()
    tree = ast.parse(file.read_text())
    classes = [one for one in tree.body if isinstance(one, ast.ClassDef) and one.name.startswith("Test")]
    found = [one for scope in (tree, *classes) for one in scope.body]
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(one.name for one in found if isinstance(one, functions) and one.name.startswith("test_"))


def rows():
    """The cells of each table row whose first cell is a number, or a letter and a number, and its tests."""
    shown = dict(re.findall(r"^- \*\*([JBW]?\d+)\*\*: (.*)$", PAGE, re.M))
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("|") and re.fullmatch(r"[JBW]?\d+", cells[0]):
            yield [*cells, shown.get(cells[0], "")]


def test_each_test_that_is_named_is_there():
    named = NAMED.findall(PAGE)
    assert len(named) > 150
    assert [f"{path}::{name}" for path, name in named if name not in collected_from(path)] == []


def test_nothing_that_looks_like_a_test_is_written_in_another_way():
    assert [line for line in NAMED.sub("", PAGE).splitlines() if LIKE_A_TEST.search(line)] == []


def test_each_row_is_there_once_and_in_order():
    expected = [str(number) for number in range(1, 55)]
    expected += [f"W{number}" for number in range(1, 15)]
    expected += [f"J{number}" for number in range(1, 12)] + [f"B{number}" for number in range(1, 8)]
    assert [cells[0] for cells in rows()] == expected


def test_each_row_says_what_is_answered_and_names_a_test():
    for cells in rows():
        assert len(cells) == 4, cells[0]
        assert all(cells), cells[0]
        assert NAMED.findall(cells[3]), cells[0]
        assert not NAMED.sub("", cells[3]).strip(", "), cells[0]


def test_where_both_services_are_meant_both_are_tried():
    """By a test of each, or by one that runs both."""
    for number, what, _, shown in (cells for cells in rows() if cells[0].isdigit()):
        services = re.search(r"\((PB|P|B)\)$", what)
        assert services, number
        folders = {path.split("/")[1] for path, _ in NAMED.findall(shown)}
        if services[1] == "PB":
            assert folders & {"system", "faults"} or folders >= {"broker", "chat_proxy"}, number
        else:
            own = {"P": "chat_proxy", "B": "broker"}[services[1]]
            assert own in folders or "system" in folders, number


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("300 s", MAX_LIFETIME),
        ("130 s", LONGEST_MARK - MAX_LIFETIME),
        ("5 s of leeway", LEEWAY),
        ("`iat` | 60 s either way", dpop.WINDOW),
        ("150 s |", dpop.KEPT_MS / 1000),
        ("370 s after", record.RETIRING_MS / 1000),
        ("2 h with the keys", STALE / 3600),
        ("10 s and 30 s, and the connection is closed", door.HEAD_WITHIN),
        ("Header 16 KiB", framing.MAX_HEAD / 1024),
        ("16 MiB of one address", connections.SHARE / 1_048_576),
        ("512 chunks", framing.MAX_CHUNKS),
        ("60 such bodies of a reader", MAX_REFUSED),
        ("48 MiB of a process", connections.LIMIT / 1_048_576),
        ("60 s; that it was used, 1 day", codes.LIFE_MS / 1000),
        ("7 days, moved on with use, 30 days at most", session.LIFE_MS / 86_400_000),
        ("30 days at most", session.ABSOLUTE_LIFE_MS / 86_400_000),
    ],
)
def test_the_figures_are_those_of_the_code(text, figure):
    assert text in PAGE
    assert float(find(r"\d+", text)[0]) == figure


def test_the_limits_of_texts_are_those_of_the_code():
    documented = (ROOT / "docs" / "http.md").read_text()
    for most in (messages.MAX_MESSAGE, messages.MAX_SELECTION):
        assert f"1 to {most:,} code points" in documented or f"1 to {most:,} after" in documented
    assert f"of {messages.MAX_SELECTION:,} and {messages.MAX_SELECTION + 1:,} code points" in PAGE
