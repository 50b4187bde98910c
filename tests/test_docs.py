"""The documents say what the code does: every code that can be answered is in docs/http.md."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAKERS = {"Problem", "Failure", "OAuthError", "_invalid"}


def codes():
    """The texts that name an error where one is made, in the sources of both services."""
    for package in ("edge", "broker", "chat_proxy"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS:
                    found = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
                    yield from (value for value in found if isinstance(value, str) and " " not in value)


def test_every_code_is_documented():
    documented = (ROOT / "docs" / "http.md").read_text()
    found = set(codes())
    assert {"invalid_token", "bad_backend", "invalid_message"} <= found
    assert sorted(code for code in found if f"`{code}`" not in documented) == []


def test_decisions_are_numbered_without_gaps():
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
