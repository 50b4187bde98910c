"""Checks the origin of a request by Better Auth's rules (its `api/middlewares/origin-check`)."""

import re
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from broker.config import BrokerConfig
from broker.errors import APIError

# `/x`, but no `//` and no `/\`, which browsers read as another host; no control character or encoded slash.
_SAFE_PATH: Final = re.compile(r"/(?![/\\])(?:(?!%2[fF]|%5[cC])[\x21-\x7e])*")
_MAX_URL: Final = 2048


def require_trusted(headers: Headers, config: BrokerConfig, *, signing_in: bool) -> None:
    """Raises APIError 403 unless a request that changes something may come from its origin."""
    has_cookies = "cookie" in headers
    if not has_cookies and not signing_in:
        # A script sends a bearer on purpose; a browser never does by itself.
        return
    told = [headers[name] for name in headers if name.startswith("sec-fetch-")]
    if not has_cookies and told and _is_cross_site_navigation(headers):
        raise APIError(
            403,
            "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
            "Cross-site navigation login blocked. This request appears to be a CSRF attack.",
        )
    origin = claimed_origin(headers)
    if origin is None and not has_cookies and not told:
        # The client is no browser, so no reader's cookies can be misused.
        return
    if origin in (None, "null"):
        raise APIError(403, "MISSING_OR_NULL_ORIGIN", "Missing or null Origin")
    if not is_trusted(origin, config):
        raise APIError(403, "INVALID_ORIGIN", "Invalid origin")


def require_own_page(headers: Headers, config: BrokerConfig) -> None:
    """Check a form of the broker's own pages. Raises APIError 403 if another page sent it.

    A browser that must hide the page's address sends `null`, and says by Sec-Fetch-Site which site sent it.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site not in (None, "same-origin"):
        raise APIError(403, "INVALID_ORIGIN", "This form was sent from a page of another site.")
    if origin != config.issuer and not (origin == "null" and site == "same-origin"):
        raise APIError(403, "INVALID_ORIGIN", "This form was sent from a page of another site.")


def claimed_origin(headers: Headers) -> str | None:
    """The Origin, or else that of the Referer; None when there is neither."""
    origin = headers.get("origin")
    if origin is not None:
        return origin
    referer = headers.get("referer")
    if referer is None:
        return None
    parts = _parts(referer)
    return f"{parts[0]}://{parts[1]}" if parts is not None and parts[0] else "null"


def foreign_origin(headers: Headers, config: BrokerConfig) -> str | None:
    """The Origin of a site's page; None for the broker's own pages and for clients that are no browser."""
    origin = headers.get("origin")
    return None if origin in (None, "null", config.issuer) else origin


def is_trusted(origin: str | None, config: BrokerConfig) -> bool:
    return origin == config.issuer or origin in config.clients.origins


def require_safe_url(url: str, config: BrokerConfig) -> None:
    """Check the address to which a reader is sent afterwards. Raises APIError 403."""
    if len(url) <= _MAX_URL and _SAFE_PATH.fullmatch(url):
        return
    parts = _parts(url)
    if parts is None or not is_trusted(f"{parts[0]}://{parts[1]}", config):
        raise APIError(403, "INVALID_CALLBACK_URL", "Invalid callbackURL")


def _parts(url: str) -> tuple[str, str] | None:
    # urlsplit drops tabs and newlines, and browsers read a backslash as a slash.
    if len(url) > _MAX_URL or not url.isascii() or any(letter <= " " or letter == "\\" for letter in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.scheme, parts.netloc


def _is_cross_site_navigation(headers: Headers) -> bool:
    return headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") == "navigate"
