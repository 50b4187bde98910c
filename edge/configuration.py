"""Reading `chatgate.toml` and the variables that override it, once, into frozen settings.

Sources, the strongest first: `CHATGATE_<TABLE>_<KEY>` (for a named table `CHATGATE_<TABLE>_<NAME>_<KEY>`),
the same name with `_FILE` for the path of a file that holds the value, then the TOML file.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, cast

from pydantic import SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from edge.settings import (
    BUILT_IN_TIERS,
    NAMED_TABLES,
    TABLES,
    Backend,
    Broker,
    Proxy,
    ResourceServer,
    Settings,
    Tier,
)
from edge.topologies import addresses

PREFIX: Final = "CHATGATE_"
OTHER_VARIABLES: Final = ("CHATGATE_CONFIG", "CHATGATE_PAGE_PORT", "CHATGATE_BACKEND_")
"""Read by the command line and by the reference backend, not here; the last one is a prefix."""
DEFAULT_FILE: Final = "chatgate.toml"
"""In the working folder; read when CHATGATE_CONFIG names no other."""
MIN_SECRET: Final = 32
"""Bytes, as long as the hash of the HMAC (RFC 8725 3.5)."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_DATABASE_URL = re.compile(r"(?:sqlite:///|postgres(?:ql)?://).+")
_LIST = re.compile(r"[,\n]")
_LOOPBACK = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?(?=/|\Z)")


class ConfigurationError(Exception):
    """Why no service can start; each line names a key and its mend."""


Owner = Literal["broker", "backends"]
"""Whose secrets a reader needs: the broker's service needs no backend's, the proxy not the broker's."""
EVERYBODY: Final[frozenset[Owner]] = frozenset({"broker", "backends"})


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
    missing, so that each host holds no more of them than it has to.
    """
    if path is not None and not path.is_file():
        raise ConfigurationError(f"{path}: there is no such file. Name an existing one in CHATGATE_CONFIG.")
    try:
        named = _names_in(path)
        overrides = _overrides(environ, named)
        settings = _sourced(path, overrides)()
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explained(error))) from None
    except (ValueError, OSError) as error:
        # The TOML reader's words name the line; they are its own, and of the file's form only.
        raise ConfigurationError(f"{path}: {error}") from None
    settings = settings.model_copy(update={"tiers": {**settings.tiers, **_built_in(settings.tiers)}})
    faults = list(_cross_checks(settings, path, needed))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return settings


def variable(*path: str) -> str:
    """The variable that overrides a key: `variable("sites", "my-docs", "tier")`."""
    return PREFIX + "_".join(part.upper().replace("-", "_") for part in path)


def _names_in(path: Path | None) -> dict[str, list[str]]:
    found = _sourced(path, {}).toml() if path is not None else {}
    named = {
        table: list(entries) if isinstance(entries := found.get(table), dict) else []
        for table in NAMED_TABLES
    }
    return {**named, "tiers": list(dict.fromkeys([*BUILT_IN_TIERS, *named["tiers"]]))}


def _built_in(given: Mapping[str, Tier]) -> dict[str, Tier]:
    # What is not said of a built-in tier stays as it is there, so a guest with another burst is no reader.
    return {
        name: tier.model_copy(update=given[name].model_dump(exclude_unset=True)) if name in given else tier
        for name, tier in BUILT_IN_TIERS.items()
    }


class _Sourced(Settings):
    @classmethod
    def toml(cls) -> dict[str, Any]:
        return dict(TomlConfigSettingsSource(cls)())


def _sourced(path: Path | None, overrides: dict[str, Any]) -> type[_Sourced]:
    class Overrides(PydanticBaseSettingsSource):
        def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
            return overrides.get(field_name), field_name, False

        def __call__(self) -> dict[str, Any]:
            return overrides

    class Read(_Sourced):
        model_config = SettingsConfigDict(toml_file=path)

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return Overrides(settings_cls), TomlConfigSettingsSource(settings_cls)

    return Read


def keys(named: Mapping[str, list[str]]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key that can be set, as its path, with its field."""
    for name, field in Settings.model_fields.items():
        if name not in TABLES and name not in NAMED_TABLES:
            yield (name,), field
    for table, model in TABLES.items():
        for name, field in model.model_fields.items():
            yield (table, name), field
    for table, model in NAMED_TABLES.items():
        for entry in named.get(table, []):
            for name, field in model.model_fields.items():
                yield (table, entry, name), field


def _overrides(environ: Mapping[str, str], named: Mapping[str, list[str]]) -> dict[str, Any]:
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
            # A list whose only entry was refused is not too short as well.
            yield f"{key}: {_WORDS.get(fault['type'], fault['msg'].removeprefix('Value error, '))}."


def _cross_checks(settings: Settings, path: Path | None, needed: frozenset[Owner]) -> Iterator[str]:
    yield from _reference_checks(settings, path)
    yield from _secret_checks(settings, needed)
    yield from _address_checks(settings)
    if settings.proxy.auth == "none" and settings.env != "development":
        yield 'proxy.auth: "none" lets anybody ask. Use "token", or set env to development.'


def _address_checks(settings: Settings) -> Iterator[str]:
    for table in ("broker", "proxy"):
        section = cast("Broker | Proxy", getattr(settings, table))
        if settings.env == "development" and section.host not in ("127.0.0.1", "::1", "localhost"):
            yield f"{table}.host: development binds loopback only. Use 127.0.0.1, or set env to production."
        if section.url.startswith("http://") and not _LOOPBACK.fullmatch(section.url):
            yield f"{table}.url: must be https:// for any host but loopback, as tokens travel there."
    redis, database = settings.redis.url, settings.broker.database_url
    if redis is None:
        yield "redis.url: is missing. Set REDIS_URL, as in redis://127.0.0.1:6379/0."
    else:
        yield from _redis_checks(redis.get_secret_value())
    if database is not None and not _DATABASE_URL.fullmatch(database.get_secret_value()):
        yield "broker.database_url: must begin with sqlite:/// or postgresql://."


def _redis_checks(url: str) -> Iterator[str]:
    try:
        addresses.parse(url)
    except ValueError as fault:
        yield f"redis.url: {fault}."


def _reference_checks(settings: Settings, path: Path | None) -> Iterator[str]:
    if not settings.sites:
        where = "" if path is not None else f" to {DEFAULT_FILE}, or name a file in CHATGATE_CONFIG"
        yield f"sites: no site is registered. Add a table [sites.docs] with origins and backend{where}."
    for table in NAMED_TABLES:
        for name in getattr(settings, table):
            if not _NAME.fullmatch(name):
                yield f"{table}.{name}: a name has 1 to 64 lower-case letters, digits and inner hyphens."
    for name, site in settings.sites.items():
        if site.backend not in settings.backends:
            yield f"sites.{name}.backend: there is no [backends.{site.backend}]. Add it or name another."
        for address in (*site.origins, *site.redirect_uris):
            if settings.env == "production" and address.startswith("http://") and not _is_loopback(address):
                yield f"sites.{name}: {address} must be https://, as tokens and codes travel there."
        for uri in site.redirect_uris:
            if not uri.startswith(tuple(f"{origin}/" for origin in site.origins)):
                yield f"sites.{name}.redirect_uris: each must be a page under one of the site's origins."
        for key, tier in (("tier", site.tier), ("guest_tier", site.guest_tier)):
            if tier not in settings.tiers:
                yield f"sites.{name}.{key}: there is no [tiers.{tier}]. Add it or name another."
    for name, server in settings.resource_servers.items():
        if name in settings.sites:
            yield f"resource_servers.{name}: a site has this name. Two callers cannot share a client_id."
        for site_name in server.sites:
            if site_name not in settings.sites:
                yield f"resource_servers.{name}.sites: there is no [sites.{site_name}]. Name another."


def _is_loopback(address: str) -> bool:
    return _LOOPBACK.match(address) is not None


_OWNERS: Final[Mapping[str, Owner]] = {
    "broker": "broker",
    "resource_servers": "broker",
    "backends": "backends",
}
"""Who needs the secret of a table."""


def _secret_checks(settings: Settings, needed: frozenset[Owner]) -> Iterator[str]:
    secrets: dict[tuple[str, ...], SecretStr | None] = {("broker", "secret"): settings.broker.secret}
    secrets |= {
        ("broker", "previous_secrets", str(at)): one
        for at, one in enumerate(settings.broker.previous_secrets)
    }
    secrets |= {
        (table, name, "secret"): one.secret
        for table, entries in (
            ("backends", settings.backends),
            ("resource_servers", settings.resource_servers),
        )
        for name, one in cast("Mapping[str, Backend | ResourceServer]", entries).items()
    }
    for path, secret in secrets.items():
        name = variable(*path[:2] if path[1] == "previous_secrets" else path)
        if secret is None:
            if _OWNERS[path[0]] not in needed:
                continue
            yield f"{'.'.join(path)}: is missing. Set {name}_FILE to a file made by `openssl rand -hex 32`."
        elif len(secret.get_secret_value().encode()) < MIN_SECRET or _is_guessable(secret):
            fault = f"has fewer than {MIN_SECRET} bytes, or too few different ones"
            yield f"{'.'.join(path)}: {fault}. Set {name}_FILE to a file made by `openssl rand -hex 32`."
    values = [secret.get_secret_value() for secret in secrets.values() if secret is not None]
    if len(set(values)) < len(values):
        yield "secrets: two of them are equal. Give broker, backends and resource servers one each."


def _is_guessable(secret: SecretStr) -> bool:
    # 32 random hex digits have about 14 different ones; a word that is repeated has few.
    return len(set(secret.get_secret_value())) < 8
