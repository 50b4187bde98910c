"""The checks of the table `[sites.NAME.better_auth]`: its keys belong to the way that it names."""

from collections.abc import Iterator, Mapping
from typing import Final

from edge.config.better_auth import NAMES, BetterAuth
from edge.redis.topologies import addresses

_REDIS_KEYS: Final = frozenset({"redis_url", "key_prefix"})
_HTTP_KEYS: Final = frozenset({"cookie_name"})
_DATABASE_KEYS: Final = frozenset({"database_url", "tables", "names"})
_JWT_KEYS: Final = frozenset({"issuer", "audience", "jwks_path"})
_ASKING_KEYS: Final = frozenset({"timeout_seconds", "remember_seconds"})
_OF_WAYS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "redis": (frozenset(), _HTTP_KEYS | _DATABASE_KEYS | _JWT_KEYS | _ASKING_KEYS | {"url"}),
    "database": (frozenset({"database_url"}), _REDIS_KEYS | _HTTP_KEYS | _JWT_KEYS | {"url"}),
    "http": (frozenset({"url"}), _REDIS_KEYS | _DATABASE_KEYS | _JWT_KEYS),
    "jwt": (
        frozenset({"url"}),
        _REDIS_KEYS | _HTTP_KEYS | _DATABASE_KEYS | {"remember_seconds", "secrets"},
    ),
}
"""By the way to ask a Better Auth server: the keys that it needs, and those that only others use."""


def faults(key: str, settings: BetterAuth) -> Iterator[str]:
    """Yield a line for each fault of the table at `key`: the key and how to mend it."""
    if any(not one.get_secret_value() for one in settings.secrets):
        yield f"{key}.secrets: one is empty. Name the BETTER_AUTH_SECRET of the site's server."
    needed, others = _OF_WAYS[settings.upstream]
    for name in needed:
        if getattr(settings, name) is None:
            yield f'{key}.{name}: is missing. upstream = "{settings.upstream}" needs it.'
    for name in sorted(settings.model_fields_set & others):
        yield f'{key}.{name}: upstream = "{settings.upstream}" has no use for it. Remove it.'
    if settings.database_url is not None:
        # Loaded here, as it loads SQLAlchemy, which the proxy needs for this alone.
        from edge.database_url import BadDatabaseUrl, driver_url  # noqa: PLC0415

        try:
            driver_url(settings.database_url.get_secret_value())
        except BadDatabaseUrl as fault:
            yield f"{key}.database_url: {fault}."
    for name in settings.names:
        if name not in NAMES:
            yield f"{key}.names: {name} is none of {', '.join(NAMES)}."
    if settings.redis_url is not None:
        try:
            addresses.parse(settings.redis_url.get_secret_value())
        except ValueError as fault:
            yield f"{key}.redis_url: {fault}."
