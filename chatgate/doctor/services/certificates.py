"""When do the certificates expire? Every request has already shown whether they are good."""

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from chatgate.doctor.client import REQUEST_WITHIN, Client
from chatgate.doctor.findings import Finding, found

SOON: Final = 14 * 86_400.0
"""Seconds. Authorities' clients renew a month before the end, or at two thirds of a shorter life."""


async def look(client: Client, origins: Iterable[str]) -> list[Finding]:
    secure = [one for one in dict.fromkeys(origins) if one.startswith("https://")]
    found_by_origin = await asyncio.gather(*(_one(client, origin) for origin in secure))
    return [one for findings in found_by_origin for one in findings]


async def _one(client: Client, origin: str) -> list[Finding]:
    until = await _expiry(client.tls, origin)
    if until is None or until - client.now() > SOON:
        return []
    days = max(0, int((until - client.now()) // 86_400))
    what = f"The certificate of {origin} expires in {days} days."
    mend = "Renew it, and look why nothing has: certbot's timer, Caddy's log, or the platform's domain page."
    return [found("certificate_expires", what, mend)]


async def _expiry(tls: ssl.SSLContext, origin: str) -> float | None:
    """Seconds since the epoch; None if there is no handshake."""
    parts = urlsplit(origin)
    with suppress(OSError, TimeoutError, ssl.SSLError):
        async with asyncio.timeout(REQUEST_WITHIN):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=tls)
        certificate = writer.get_extra_info("peercert") or {}
        writer.close()
        if "notAfter" in certificate:
            return float(ssl.cert_time_to_seconds(certificate["notAfter"]))
    return None
