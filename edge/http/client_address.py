"""The client's address. A forwarded address is believed only when a trusted hop sent it."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = "unknown"
"""The bucket of all clients whose address is unknown."""
MAX_HOPS = 20
"""Entries of X-Forwarded-For that are read, from the right; a longer list is forged."""
_MAX_ADDRESS = 64
"""Characters: 45 of an IPv6 address at its longest, and 16 of a percent sign and an interface's name."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_address(
    peer: str | None, forwarded: str | None, trusted: Sequence[Network], shared: Sequence[Network] = ()
) -> str | None:
    """The first address from the right that is not a trusted hop; `peer` if `peer` itself is not trusted.

    None when there is no peer (a unix socket), when a trusted hop's header holds anything but addresses, and
    for an address of `shared`, a gateway that hides its clients' addresses: the caller then uses one shared
    bucket, and never the header's text.
    """
    address = _parse(peer)
    hops = forwarded.rsplit(",", MAX_HOPS)[-MAX_HOPS:] if forwarded else []
    while _is_one_of(address, trusted) and hops:
        address = _parse(hops.pop().strip())
    return None if address is None or _is_one_of(address, shared) else str(address)


@lru_cache(4_096)
def bucket(address: str | None) -> str:
    """The network that shares limits: an IPv4 address, or an IPv6 /64 (one subscriber has all of it)."""
    parsed = _parse(address)
    if parsed is None:
        return UNKNOWN
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address) + "/64"


def _parse(text: str | None) -> Address | None:
    # A header may hold texts of any length, which nothing may keep.
    return None if text is None or len(text) > _MAX_ADDRESS else _parsed(text)


@lru_cache(4_096)
def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is 192.0.2.1 seen through a dual-stack socket; two spellings would give two buckets.
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Return True if the peer is one of our reverse proxies, which forwards the client's address."""
    return bool(trusted) and _is_one_of(_parse(peer), trusted)


def _is_one_of(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
