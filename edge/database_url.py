"""Translates the address that an operator pastes into the arguments of the asynchronous drivers."""

import ssl
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

# Parameters that asyncpg names as libpq does: the folder of a unix socket, for example.
_PASSED_ON: Final = frozenset({"host", "port"})

# Parameters that other clients read from the same address and that we choose ourselves: deadlines, pooling.
_IGNORED: Final = frozenset(
    {"connect_timeout", "pool_timeout", "connection_limit", "pgbouncer", "application_name"}
)
_TLS: Final = frozenset({"sslmode", "sslrootcert", "channel_binding"})

# A parameter of Postgres' start-up message. Neon's proxy reads `endpoint=...` from it, for clients that do
# not name the host in TLS.
_AT_START: Final = frozenset({"options"})


class BadDatabaseUrl(ValueError):
    """The message names the part that is wrong and never repeats the address, which holds a password."""


def driver_url(raw: str) -> tuple[URL, dict[str, Any]]:
    """The address for SQLAlchemy, and the driver's own arguments. Raises `BadDatabaseUrl`."""
    try:
        url = make_url(raw)
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl("the database URL cannot be read") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise BadDatabaseUrl("the database URL must begin with sqlite:/// or postgresql://")
    url = url.set(drivername=driver)
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)


def _sqlite(url: URL) -> tuple[URL, dict[str, Any]]:
    if not url.database or url.database == ":memory:" or url.host or url.query:
        raise BadDatabaseUrl("an SQLite URL is sqlite:///path/to/file, without a query")
    return url, {}


def _postgres(url: URL) -> tuple[URL, dict[str, Any]]:
    unknown = sorted(url.query.keys() - _PASSED_ON - _IGNORED - _TLS - _AT_START)
    if unknown:
        raise BadDatabaseUrl(f"the database URL has a parameter that is not supported: {', '.join(unknown)}")
    if not url.database:
        raise BadDatabaseUrl("the database URL names no database")
    passed_on = {name: value for name, value in url.query.items() if name in _PASSED_ON}
    tls = {name: str(value) for name, value in url.query.items() if name in _TLS}
    at_start = {name: str(value) for name, value in url.query.items() if name in _AT_START}
    return url.set(query=passed_on), {
        "ssl": _tls_argument(tls),
        # asyncpg sends these in the start-up message.
        **({"server_settings": at_start} if at_start else {}),
    }


def _tls_argument(query: Mapping[str, str]) -> ssl.SSLContext | str:
    """`ssl` of asyncpg.connect: one of libpq's words, or a context that authenticates the server."""
    mode = query.get("sslmode", "prefer")
    if mode not in {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}:
        raise BadDatabaseUrl("sslmode is none of disable, allow, prefer, require, verify-ca, verify-full")
    # Neon asks for channel binding, which asyncpg cannot do, against a man in the middle. Checking the
    # certificate protects against that too, so the demand becomes that check instead of being dropped.
    if query.get("channel_binding") == "require":
        mode = "verify-full"
    if not mode.startswith("verify-"):
        return mode
    authority = query.get("sslrootcert", "system")
    try:
        context = ssl.create_default_context(cafile=None if authority == "system" else authority)
    except OSError:
        raise BadDatabaseUrl("sslrootcert is not a file of certificates") from None
    context.check_hostname = mode == "verify-full"
    return context
