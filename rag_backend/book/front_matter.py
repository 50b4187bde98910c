"""The front matter between a document's first two lines of `---`, as Docusaurus reads it: YAML 1.2."""

import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

_FENCED = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_BOOLEANS: Final = {"true": True, "false": False}


class _Constructor(SafeConstructor):
    """Keeps a date as text: no member that the index reads is a date."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def split(text: str) -> tuple[dict[str, Any], str]:
    """The members and the text after them. Raises ValueError when they are no YAML mapping."""
    match = _FENCED.match(text)
    if match is None:
        return {}, text
    # A new parser each time: it keeps state between documents, such as a %YAML line.
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        members = yaml.load(match[1])
    except (YAMLError, ValueError, RecursionError, AttributeError, TypeError):
        raise ValueError("the front matter is not YAML") from None
    if members is None:
        members = {}
    if not isinstance(members, dict):
        raise ValueError("the front matter is not a mapping of names to values")
    return members, text[match.end() :]


def flag(members: dict[str, Any], name: str) -> bool | None:
    """A member that is true or false, or the text of either; None for any other."""
    value = members.get(name)
    if isinstance(value, str):
        return _BOOLEANS.get(value.lower())
    return value if isinstance(value, bool) else None


def text(members: dict[str, Any], name: str, *, may_be_empty: bool = False) -> str | None:
    """A member that is a text, or a number converted to one; None for any other value, and for an empty text
    unless that has a meaning."""
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    written = str(value).strip()
    return written if written or may_be_empty else None
