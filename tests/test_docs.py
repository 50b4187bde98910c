"""The documents say what the code does: every code that can be answered is in docs/http.md."""

import ast
import re
from pathlib import Path

import pytest

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


def test_decisions_are_numbered_without_gaps_and_indexed():
    folder = ROOT / "docs" / "decisions"
    files = sorted(folder.glob("0*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    index = (folder / "README.md").read_text()
    for number, path in enumerate(files, 1):
        title = path.read_text().partition("\n")[0].removeprefix(f"# {number}. ")
        assert f"| {number} | [{title}]({path.name}) |" in index


def pages():
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text())
    assert [one for one in targets if not (page.parent / one).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_a_newcomer_is_led_to_are_there(name):
    named = re.findall(r"`([a-z_]+/[\w./-]*)`", (ROOT / name).read_text())
    assert len(named) > 10
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_every_folder_of_the_packages_is_on_the_map():
    page = (ROOT / "docs" / "architecture.md").read_text()
    folders = {
        f"`{path.parent.relative_to(ROOT)}/`"
        for package in ("edge", "broker", "chat_proxy", "rag_backend", "chatgate")
        for path in (ROOT / package).glob("*/__init__.py")
    }
    assert sorted(one for one in folders if one not in page) == []
