"""Each module of the code has a test of its name, or a docstring here says where it is tested."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
PACKAGES = (
    *("tokens", "edge", "broker", "chat_proxy", "rag_backend", "chatgate"),
    *("scaffold", "generators", "attack", "bench", "branches"),
)


def modules() -> Iterator[Path]:
    """The path of each module below the root, without its suffix."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.stem not in ("__init__", "__main__"):
                yield path.relative_to(ROOT).with_suffix("")


def has_test_of_its_name(module: Path) -> bool:
    folder = TESTS / module.parent
    return (folder / f"test_{module.name}.py").exists() or (folder / module.name).is_dir()


def is_named(module: Path) -> bool:
    """Return True if the docstring of a package above names the module, or a folder that it is in."""
    for folder in module.parents:
        package = TESTS / folder / "__init__.py"
        if package.exists():
            said = ast.get_docstring(ast.parse(package.read_text())) or ""
            below = module.relative_to(folder)
            names = {below.as_posix(), *(f"{one.as_posix()}/" for one in below.parents if one.name)}
            if names & set(re.findall(r"`([\w/]+)`", said)):
                return True
    return False


def test_each_module_has_a_test_of_its_name_or_is_named():
    missing = [str(one) for one in modules() if not has_test_of_its_name(one) and not is_named(one)]
    assert missing == []


def test_the_docstrings_name_tests_that_are_there():
    names = {path.stem for path in TESTS.rglob("*.py")}
    for package in TESTS.rglob("__init__.py"):
        said = ast.get_docstring(ast.parse(package.read_text())) or ""
        assert set(re.findall(r"\btest_\w+", said)) <= names, package
