"""The variables that override `chatgate.toml`: their names and their values."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edge.config.schema import NAMED_TABLES, NESTED_TABLES, TABLES, ConfigurationError, Settings

PREFIX: Final = "CHATGATE_"
OTHER_VARIABLES: Final = (
    "CHATGATE_CONFIG",
    "CHATGATE_PAGE_PORT",
    "CHATGATE_SITE_PORT",
    "CHATGATE_BACKEND_",
)
"""Variables that the command line and the reference backend read, not this module; the last is a prefix."""

_LIST = re.compile(r"[,\n]")


def variable(*path: str) -> str:
    """The variable that overrides a key: `variable("sites", "my-docs", "tier")`."""
    return PREFIX + "_".join(part.upper().replace("-", "_") for part in path)


def keys(named: Mapping[str, list[str]]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key that can be set, as its path, with its field."""
    for name, field in Settings.model_fields.items():
        if name not in TABLES and name not in NAMED_TABLES:
            yield (name,), field
    for table, model in TABLES.items():
        for name, field in model.model_fields.items():
            yield (table, name), field
    for table, model in NAMED_TABLES.items():
        nested = NESTED_TABLES.get(table, {})
        for entry in named.get(table, []):
            for name, field in model.model_fields.items():
                if name not in nested:
                    yield (table, entry, name), field
            for key, inner in nested.items():
                for name, field in inner.model_fields.items():
                    yield (table, entry, key, name), field


def overrides(environ: Mapping[str, str], named: Mapping[str, list[str]]) -> dict[str, Any]:
    """The values of the variables in `environ`, nested as in the file; `named` has each table's entries.

    Raises ConfigurationError for a CHATGATE_ variable that is no setting, or whose file cannot be read.
    """
    found: dict[str, Any] = {}
    known: set[str] = set()
    for path, field in keys(named):
        name = variable(*path)
        known |= {name, f"{name}_FILE"}
        text = _value_of(name, environ)
        if path == ("redis", "url") and text is None:
            text = environ.get("REDIS_URL")
        if text is not None:
            _put(found, path, _LIST.split(text) if "tuple" in str(field.annotation) else text)
    for name in environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(OTHER_VARIABLES):
            raise ConfigurationError(
                f"{name} is no setting, or of a table that no file names: correct its spelling or unset it."
            )
    return found


def _value_of(name: str, environ: Mapping[str, str]) -> str | None:
    file = environ.get(f"{name}_FILE")
    if file is None:
        return environ.get(name)
    if name in environ:
        raise ConfigurationError(f"{name} and {name}_FILE are both set: unset one.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ConfigurationError(f"{name}_FILE: {file} does not exist. Make it, or name another.") from None
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{name}_FILE: {file} cannot be read as text.") from None


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *above, last = path
    for part in above:
        tree = tree.setdefault(part, {})
    tree[last] = value
