"""The values that a generated file may hold: refused with the reason, or safe wherever they land."""

import re
from typing import Final

MAX_ORIGIN: Final = 255
"""Characters: a host name has 253 at most."""

# As edge/settings.py has it for a site's `origins`: no quote, blank, bracket of HTML or backslash fits in.
_ORIGIN: Final = re.compile(
    r"(https?)://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?"
)
# As widget/src/core/options.ts has an address: an origin, and a path where the services are below one.
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_LOOPBACK: Final = re.compile(r"http://(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::|\Z)")
_CLIENT_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_PAGE: Final = "https://owner.github.io"
_SERVICE: Final = "https://chat.example.org"
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


class Refused(Exception):
    """Nothing was written; the message says why, and what would be right."""


def origin(value: str) -> str:
    """An origin as a browser sends it. Raises Refused."""
    reason = _fault(value)
    if reason is not None:
        raise Refused(f"{value[:MAX_ORIGIN]!r} is no origin: {reason}.")
    return value


def address(option: str, value: str) -> str:
    """The address of a service, without a slash at its end. Raises Refused."""
    given = value.removesuffix("/")
    found = re.match(r"[^:/]*://[^/]*", given)
    base = found[0] if found else given
    reason = _fault(base, _SERVICE)
    if reason is None and not _PATH.fullmatch(given, len(base)):
        reason = f"its path has a quote, a query or another letter that no service needs; write {base}"
    if reason is None and base.startswith("http:") and not _LOOPBACK.match(base):
        reason = f"http is for services of this machine; write https:{base.removeprefix('http:')}"
    if reason is None and len(value) > MAX_ORIGIN:
        reason = f"it has more than {MAX_ORIGIN} characters"
    if reason is not None:
        raise Refused(f"{option} {value[:MAX_ORIGIN]!r} is no address: {reason}.")
    return given


def client_id(option: str, value: str) -> str:
    """The name of a site's table in chatgate.toml. Raises Refused."""
    if not _CLIENT_ID.fullmatch(value):
        raise Refused(
            f"{option} {value[:MAX_ORIGIN]!r} is no name of a site: write that of its table in chatgate.toml,"
            " of small letters, digits and hyphens, as in handbook for [sites.handbook]."
        )
    return value


def _fault(value: str, example: str = _PAGE) -> str | None:
    if "*" in value:
        return f"a wildcard lets in every page; name each origin, as in {example}"
    if not value.isascii() or not value.isprintable():
        return "it has a line break or a letter that no origin has; write a host in its xn-- form"
    match = _ORIGIN.fullmatch(value) if len(value) <= MAX_ORIGIN else None
    if match is None:
        found = re.match(r"(?i:https?)://[a-z0-9.-]+(?::[0-9]+)?(?=[/?#]|$)", value, re.IGNORECASE)
        right = found[0].lower() if found else example
        return f"write scheme://host in lower case, without quote, path or slash, as in {right}"
    scheme, port = match.groups()
    if port == _DEFAULT_PORTS[scheme]:
        return f"browsers leave the default port out; write {value.removesuffix(f':{port}')}"
    if port is not None and int(port) > 65_535:
        return "a port is at most 65535"
    return None
