"""Whose request it is, by address. A forwarded address is believed from trusted hops only."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_HOPS = 20
"""Entries of X-Forwarded-For that are read, from the right; a longer list is somebody's invention."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_address(peer: str | None, forwarded: str | None, trusted: Sequence[Network]) -> str | None:
    """The first address from the right that is not a trusted hop; `peer` when that is not trusted itself.

    None when there is no peer (a unix socket) or a trusted hop's header holds something else than
    addresses: the caller then uses one shared bucket, and never the header's text.
    """
    address = _parse(peer)
    if address is None or not forwarded:
        return None if address is None else str(address)
    hops = forwarded.rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    while _is_trusted(address, trusted) and hops:
        address = _parse(hops.pop().strip())
        if address is None:
            return None
    return str(address)


def bucket(address: str | None) -> str:
    """The network that shares limits: an IPv4 address, or an IPv6 /64 (one subscriber's own choice)."""
    parsed = _parse(address)
    if parsed is None:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address) + "/64"


def _parse(text: str | None) -> Address | None:
    try:
        address = ipaddress.ip_address((text or "").split("%")[0])
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is 192.0.2.1 seen through a dual-stack socket; two names would be two buckets.
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def _is_trusted(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
