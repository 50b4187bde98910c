"""docs/containers.md against docker-compose.yml, without an engine."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCUMENT = (ROOT / "docs" / "containers.md").read_text()


def test_every_variable_is_documented_with_its_default():
    used = dict(re.findall(r"\$\{(CHATGATE_\w+):-([^$}]*)", COMPOSE))
    rows = dict(re.findall(r"^\| `(CHATGATE_\w+)` \| (?:`([^`]*)`|none) \|", DOCUMENT, re.MULTILINE))
    assert "CHATGATE_SUBNET" in used
    assert set(rows) == set(used)
    assert {name: used[name] for name in used if name != "CHATGATE_DOMAIN"} == {
        name: default for name, default in rows.items() if name != "CHATGATE_DOMAIN"
    }


def test_a_book_may_be_where_it_is_documented_to_be():
    [folder] = re.findall(r"^\| `CHATGATE_BOOK` .* below `(\w+)`", DOCUMENT, re.MULTILINE)
    assert f"!{folder}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_every_container_is_documented():
    services = COMPOSE[COMPOSE.index("\nservices:") : COMPOSE.index("\nconfigs:")]
    names = set(re.findall(r"^  (\w+):$", services, re.MULTILINE))
    assert names == set(re.findall(r"^\| `([a-z]+)` \|", DOCUMENT, re.MULTILINE)) | {"chatgate"}
