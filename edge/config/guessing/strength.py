"""The faults, in production, of a configuration's secrets and of the values that a sample left in it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from edge.config.checks import secrets_of
from edge.config.schema import ConfigurationError, Settings
from edge.config.variables import variable

PATIENCE: Final = 60.0
"""Seconds; judging a dozen secrets takes one."""
FAULT: Final = "is a published one, an identifier or a token, or looks like words, a series or a repetition."
_PLACEHOLDER: Final = re.compile(
    r"change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|your[-_ ]|place[-_ ]?holder|<[^>]*>|\{\{|\$\{"
    r"|^(?:todo|fixme|xxx+|password|passw0rd|secret|postgres|admin|root|redis|example|test|123456\d*)$",
    re.IGNORECASE,
)
_PASSWORD: Final = re.compile(r"://[^/?#@:]*:([^@/]+)@")
_RESERVED: Final = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org|edu))?|test|invalid)$")
"""Names that no host ever has (RFC 2606, RFC 6761)."""


def faults(settings: Settings) -> Iterator[str]:
    """Yield a line for each secret that an attacker could guess or find published, and for each URL whose
    password is a sample's; none outside production.

    Takes a second, in a process of its own, so that the word lists do not stay in the service's memory.
    """
    if settings.env != "production":
        return
    found = {path: one.get_secret_value() for path, one in secrets_of(settings).items() if one is not None}
    for path, is_guessable in zip(found, _judged(list(found.values())), strict=True):
        if is_guessable:
            name = variable(*path[:2] if path[1] == "previous_secrets" else path)
            yield f"{'.'.join(path)}: {FAULT} " + _mend(name, path[1] == "previous_secrets")
    for key, url in (
        ("redis.url", settings.redis.url),
        ("broker.database_url", settings.broker.database_url),
    ):
        given = _PASSWORD.search(url.get_secret_value()) if url is not None else None
        if given is not None and _PLACEHOLDER.search(unquote(given[1])):
            yield f"{key}: its password is a sample's. Give the server one of its own, and name it here."


def _mend(name: str, is_previous: bool) -> str:
    if is_previous:
        return (
            f"Take it out of {name}: an attacker could sign as the broker with it. Its readers sign in again."
        )
    return f"Set {name}_FILE to a file made by `openssl rand -hex 32`."


def remarks(settings: Settings) -> Iterator[str]:
    """Yield a line for each name that a sample left. Such a name is not unsafe, but it does not work."""
    if settings.env != "production":
        return
    for key, value in _names(settings):
        host = urlsplit(value).hostname if "://" in value else None
        if host is not None and _RESERVED.search(host):
            yield f"{key}: {value} is a sample's, and no host has that name. Write your own."
        elif _PLACEHOLDER.search(value):
            yield f"{key}: {value} looks like a sample's. Write your own."


def _names(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "broker.url", settings.broker.url
    yield "proxy.url", settings.proxy.url
    if settings.proxy.jwks_url is not None:
        yield "proxy.jwks_url", settings.proxy.jwks_url
    for name, site in settings.sites.items():
        yield "sites", name
        for address in (*site.origins, *site.redirect_uris):
            yield f"sites.{name}", address
    for name, backend in settings.backends.items():
        yield f"backends.{name}.url", backend.url
        yield f"backends.{name}.audience", backend.audience
    for name in settings.resource_servers:
        yield "resource_servers", name


def _judged(secrets: Sequence[str]) -> Sequence[bool]:
    """Judge each secret. Raises ConfigurationError when that fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "edge.config.guessing"],
            input=json.dumps(secrets),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        judged = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        judged = None
    if not isinstance(judged, list) or len(judged) != len(secrets):
        # The exception's text may hold the secrets.
        raise ConfigurationError("secrets: could not be judged. Is there memory and time for another Python?")
    return judged
