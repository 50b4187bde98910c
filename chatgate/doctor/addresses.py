"""Addresses as browsers compare them."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """The origin as browsers send it (RFC 6454 6.2): without a default port, in lower case. Raises
    ValueError for what is no HTTP address."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or parts.hostname is None or "@" in parts.netloc:
        raise ValueError("it is not an http or https address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{shown}"


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_named(url: str) -> bool:
    """Return True if the host is a name with a dot, and no number."""
    host = urlsplit(url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host
    return False


def folder_of(url: str) -> str:
    """The path up to its last slash."""
    return urlsplit(url).path.rpartition("/")[0] + "/"


def neighbours(origin: str) -> dict[str, str]:
    """Origins that are often taken for this one, each with the words for the difference."""
    scheme, _, rest = origin.partition("://")
    other = "http" if scheme == "https" else "https"
    bare = rest.removeprefix("www.")
    www = bare if bare != rest else f"www.{rest}"
    told = "without www" if bare != rest else "with www"
    return {
        f"{other}://{rest}": f"with {other} in place of {scheme}",
        f"{scheme}://{www}": told,
        f"{other}://{www}": f"{told} and with {other}",
    }
