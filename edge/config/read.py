"""Reads `chatgate.toml` and the variables that override it, once, into frozen settings.

Sources, the strongest first: `CHATGATE_<TABLE>_<KEY>` (for a named table `CHATGATE_<TABLE>_<NAME>_<KEY>`),
the same name with `_FILE` for the path of a file that holds the value, then the TOML file.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from edge.config.checks import EVERYBODY, Owner, faults
from edge.config.schema import BUILT_IN_TIERS, DEFAULT_FILE, NAMED_TABLES, ConfigurationError, Settings, Tier
from edge.config.variables import overrides, variable


def find(environ: Mapping[str, str], folder: Path) -> Path | None:
    """The file that CHATGATE_CONFIG names, else chatgate.toml in `folder`; None when there is neither."""
    named = environ.get("CHATGATE_CONFIG")
    if named:
        return Path(named)
    default = folder / DEFAULT_FILE
    return default if default.is_file() else None


def read(path: Path | None, environ: Mapping[str, str], needed: frozenset[Owner] = EVERYBODY) -> Settings:
    """The settings of `path` (None: no file) under the variables of `environ`.

    Raises ConfigurationError with a line for each fault. A secret of an owner that is not `needed` may be
    missing, so that each host holds only the secrets it needs.
    """
    if path is not None and not path.is_file():
        raise ConfigurationError(f"{path}: there is no such file. Name an existing one in CHATGATE_CONFIG.")
    try:
        named = _names_in(path)
        settings = _sourced(path, overrides(environ, named))()
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explained(error))) from None
    except (ValueError, OSError) as error:
        # The TOML reader's message names the line; it is the reader's own text, and describes the syntax
        # only.
        raise ConfigurationError(f"{path}: {error}") from None
    settings = settings.model_copy(update={"tiers": {**settings.tiers, **_built_in(settings.tiers)}})
    found = list(faults(settings, path, needed))
    if found:
        raise ConfigurationError("\n".join(found))
    return settings


def _names_in(path: Path | None) -> dict[str, list[str]]:
    found = _toml(path) if path is not None else {}
    named = {
        table: list(entries) if isinstance(entries := found.get(table), dict) else []
        for table in NAMED_TABLES
    }
    return {**named, "tiers": list(dict.fromkeys([*BUILT_IN_TIERS, *named["tiers"]]))}


def _built_in(given: Mapping[str, Tier]) -> dict[str, Tier]:
    # A built-in tier keeps the values that are not given, so a guest with another burst stays a guest.
    return {
        name: tier.model_copy(update=given[name].model_dump(exclude_unset=True)) if name in given else tier
        for name, tier in BUILT_IN_TIERS.items()
    }


def _toml(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def _sourced(path: Path | None, overriding: dict[str, Any]) -> type[Settings]:
    class Overrides(PydanticBaseSettingsSource):
        def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
            return overriding.get(field_name), field_name, False

        def __call__(self) -> dict[str, Any]:
            return overriding

    class Read(Settings):
        model_config = SettingsConfigDict(toml_file=path)

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return Overrides(settings_cls), TomlConfigSettingsSource(settings_cls)

    return Read


_WORDS: Final = {
    "tuple_type": 'must be a list, as in ["https://owner.github.io"]',
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
}


def _explained(error: ValidationError) -> Iterator[str]:
    faults = error.errors(include_input=False, include_url=False)
    deeper = {fault["loc"][:-1] for fault in faults}
    for fault in faults:
        path = [part for part in fault["loc"] if isinstance(part, str)]
        key = ".".join(path)
        if fault["type"] == "extra_forbidden":
            yield f"{key}: there is no such key. Correct its spelling or remove it."
        elif fault["type"] == "missing":
            yield f"{key}: is missing. Set it in the file, or {variable(*path)}."
        elif fault["type"] != "too_short" or fault["loc"] not in deeper:
            # A list whose only entry was refused is not reported as too short as well.
            yield f"{key}: {_WORDS.get(fault['type'], fault['msg'].removeprefix('Value error, '))}."
