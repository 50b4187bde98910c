"""The checks of `chatgate.toml` that compare one key with another, or with the place where it is used."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, cast

from pydantic import SecretStr

from edge.config import better_auth_checks
from edge.config.backends import Backend
from edge.config.schema import (
    DEFAULT_FILE,
    NAMED_TABLES,
    Broker,
    Proxy,
    ResourceServer,
    Settings,
    Site,
    Tier,
)
from edge.config.variables import variable
from edge.redis.topologies import addresses

MIN_SECRET: Final = 32
"""Bytes: as long as the hash of the HMAC (RFC 8725 3.5)."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_DATABASE_URL = re.compile(r"(?:sqlite:///|postgres(?:ql)?://).+")
_LOOPBACK = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?(?=/|\Z)")

Owner = Literal["broker", "backends"]
"""The owners of secrets: the broker's process needs no backend's secrets, the proxy none of the broker's."""
EVERYBODY: Final[frozenset[Owner]] = frozenset({"broker", "backends"})


def faults(settings: Settings, path: Path | None, needed: frozenset[Owner]) -> Iterator[str]:
    """Yield a line for each fault of `settings`, which were read from `path`: the key and how to mend it.

    A secret of an owner that is not `needed` may be missing, so that each host holds only the secrets it
    needs.
    """
    yield from _reference_checks(settings, path)
    yield from _secret_checks(settings, needed)
    yield from _address_checks(settings)
    if settings.proxy.auth == "none" and settings.env != "development":
        yield 'proxy.auth: "none" lets every caller ask. Use "token", or set env to development.'


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
        yield from _redis_checks(redis.get_secret_value(), settings.redis.wait_replicas)
    if database is not None and not _DATABASE_URL.fullmatch(database.get_secret_value()):
        yield "broker.database_url: must begin with sqlite:/// or postgresql://."


def _redis_checks(url: str, wait_replicas: int | None) -> Iterator[str]:
    try:
        servers = addresses.parse(url)
    except ValueError as fault:
        yield f"redis.url: {fault}."
        return
    if not isinstance(servers, str) and wait_replicas is None:
        # No default is right: with 0, a failover can undo a revocation that was answered; with more, one
        # replica that is down keeps every revocation from being answered.
        yield (
            "redis.wait_replicas: is missing. Set it to the number of replicas of a master, so that no "
            "failover undoes a revocation, or to 0 if that is acceptable."
        )


def _reference_checks(settings: Settings, path: Path | None) -> Iterator[str]:
    if not settings.sites:
        where = "" if path is not None else f" to {DEFAULT_FILE}, or name a file in CHATGATE_CONFIG"
        yield f"sites: no site is registered. Add a table [sites.docs] with origins and backend{where}."
    for table in NAMED_TABLES:
        for name in getattr(settings, table):
            if not _NAME.fullmatch(name):
                yield f"{table}.{name}: a name has 1 to 64 lower-case letters, digits and inner hyphens."
    for name, site in settings.sites.items():
        for key, backends in (("backend", (site.backend,)), ("backends", site.backends)):
            for backend in backends:
                if backend not in settings.backends:
                    yield f"sites.{name}.{key}: there is no [backends.{backend}]. Add it or name another."
        for address in (*site.origins, *site.redirect_uris):
            if settings.env == "production" and address.startswith("http://") and not _is_loopback(address):
                yield f"sites.{name}: {address} must be https://, as tokens and codes travel there."
        for uri in site.redirect_uris:
            if not uri.startswith(tuple(f"{origin}/" for origin in site.origins)):
                yield f"sites.{name}.redirect_uris: each must be a page under one of the site's origins."
        for key, tier in (("tier", site.tier), ("guest_tier", site.guest_tier)):
            if tier not in settings.tiers:
                yield f"sites.{name}.{key}: there is no [tiers.{tier}]. Add it or name another."
        if site.better_auth is not None:
            yield from better_auth_checks.faults(f"sites.{name}.better_auth", site.better_auth)
    yield from _backend_checks(settings)
    for name, server in settings.resource_servers.items():
        if name in settings.sites:
            yield f"resource_servers.{name}: a site has this name. Two callers cannot share a client_id."
        for site_name in server.sites:
            if site_name not in settings.sites:
                yield f"resource_servers.{name}.sites: there is no [sites.{site_name}]. Name another."


_KEYS_OF_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "key": ("openai", "chatkit"),
    "model": ("openai",),
    "retrieve_url": ("openai",),
    "selection_only": ("chatkit",),
}


def _backend_checks(settings: Settings) -> Iterator[str]:
    for name, backend in settings.backends.items():
        yield from _budget_checks(settings, name, backend)
        if backend.kind == "openai" and not backend.model:
            yield f"backends.{name}.model: is missing. Name the model that {backend.url} is to be asked for."
        for key, kinds in _KEYS_OF_KINDS.items():
            if backend.kind not in kinds and getattr(backend, key):
                yield f"backends.{name}.{key}: is not for kind {backend.kind}. Remove it, or change kind."


def _budget_checks(settings: Settings, name: str, backend: Backend) -> Iterator[str]:
    """A budget that no answer of a backend fits into would refuse every question."""
    mend = "Raise it, or lower max_tokens."
    least_cost = backend.max_tokens * backend.price_out / 1_000_000
    for site_name, site in settings.sites.items():
        if name not in (site.backend, *site.backends):
            continue
        budgets: dict[str, Site | Tier] = {f"sites.{site_name}": site}
        budgets |= {
            f"tiers.{one}": settings.tiers[one]
            for one in (site.tier, site.guest_tier)
            if one in settings.tiers
        }
        for key, budget in budgets.items():
            if 0 < budget.daily_tokens < backend.max_tokens + backend.added_tokens:
                yield f"{key}.daily_tokens: one answer of backends.{name} may take more. {mend}"
            if 0 < budget.daily_cost < least_cost:
                yield f"{key}.daily_cost: one answer of backends.{name} may cost more. {mend}"


def _is_loopback(address: str) -> bool:
    return _LOOPBACK.match(address) is not None


_OWNERS: Final[Mapping[str, Owner]] = {
    "broker": "broker",
    "resource_servers": "broker",
    "sites": "broker",
    "backends": "backends",
}
"""The owner of the secrets of each table."""


def secrets_of(settings: Settings) -> dict[tuple[str, ...], SecretStr | None]:
    """Every secret of `settings` by the path of its key; passwords inside URLs are not among them."""
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
    secrets |= {
        ("sites", name, "better_auth", "webhook_secret"): site.better_auth.webhook_secret
        for name, site in settings.sites.items()
        if site.better_auth is not None and site.better_auth.webhook_secret is not None
    }
    return secrets


def _secret_checks(settings: Settings, needed: frozenset[Owner]) -> Iterator[str]:
    secrets = secrets_of(settings)
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
    # 32 random hex digits have about 14 different ones; a repeated word has few.
    return len(set(secret.get_secret_value())) < 8
