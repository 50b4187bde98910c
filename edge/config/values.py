"""The kinds of values in `chatgate.toml`: addresses, networks, ports, each with its rule."""

import ipaddress
import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")


def _origin(value: str) -> str:
    if "*" in value:
        raise ValueError("wildcards are not allowed: list every origin, as in https://owner.github.io")
    if not _ORIGIN.fullmatch(value):
        raise ValueError("must be scheme://host or scheme://host:port in lower case, without path or slash")
    scheme, _, rest = value.partition("://")
    if rest.endswith({"http": ":80", "https": ":443"}[scheme]):
        raise ValueError("must not name the default port: browsers leave it out of the Origin header")
    return value


def _cookie_prefix(value: str) -> str:
    # Browsers give the prefixes `__Secure-` and `__Host-` a meaning (RFC 6265bis 4.1.3).
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", value):
        raise ValueError("must be 1 to 63 letters, digits, - and _, with a letter or a digit first")
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8 or 127.0.0.1/32") from None
    return value


def _redirect_uri(value: str) -> str:
    origin = _REDIRECT_URI.fullmatch(value)
    if len(value) > MAX_REDIRECT_URI or origin is None or "/.." in value or "/./" in value:
        raise ValueError(
            "must be the whole address of one page, as in https://owner.github.io/book/signed-in"
        )
    return _origin(origin.group(1)) and value


MAX_REDIRECT_URI: Final = 512
# Characters that mean themselves in a path or query; no fragment (RFC 6749 3.1.2) and no wildcard.
_REDIRECT_URI = re.compile(
    r"(https?://[^/?#@\s]+)/[A-Za-z0-9._~!$&'()+,;=:@%/-]*(?:\?[A-Za-z0-9._~!$&'()+,;=:@%/-]*)?"
)
Origin = Annotated[str, AfterValidator(_origin)]
RedirectUri = Annotated[str, AfterValidator(_redirect_uri)]
CookiePrefix = Annotated[str, AfterValidator(_cookie_prefix)]
Network = Annotated[str, AfterValidator(_network)]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrNone = Annotated[int, Field(ge=0, le=65535)]
MAX_WORKERS: Final = 64
Workers = Annotated[int, Field(ge=1, le=MAX_WORKERS)]
