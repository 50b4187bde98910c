"""The address that a request goes to and the head that is written to it: text in, bytes out."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[0-9A-Za-z._-]+|[0-9A-Fa-f:.]+")
# RFC 3986 3.3 and 3.4; an address that is encoded already stays as it is.
_SAFE: Final = "/?:@!$&'()*+,;=~%"
_FIELDS: Final = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*\r\n)*")


class Origin(NamedTuple):
    """The server that connections are made to."""

    host: str
    port: int
    is_tls: bool


@dataclass(frozen=True, slots=True)
class Address:
    """`own` are the lines that every request to `target` has, `credentials` the line that the address's own
    user and password make."""

    origin: Origin
    target: str
    own: str
    credentials: str


# Addresses come from the configuration, so there are few.
@lru_cache(maxsize=256)
def parse(url: str) -> Address:
    """Raises ValueError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host.isascii():
        host = host.encode("idna").decode()
    if parts.scheme not in _PORTS or _HOST.fullmatch(host) is None:
        raise ValueError("this is no http or https address")
    usual = _PORTS[parts.scheme]
    port = usual if parts.port is None else parts.port
    named = f"[{host}]" if ":" in host else host
    target = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        target += f"?{quote(parts.query, safe=_SAFE)}"
    # A coding would have to be undone here, and could unfold to any size.
    own = f"Host: {named if port == usual else f'{named}:{port}'}\r\nAccept-Encoding: identity\r\n"
    return Address(Origin(host, port, parts.scheme == "https"), target, own, _credentials(parts.netloc))


def _credentials(netloc: str) -> str:
    user, mark, _ = netloc.rpartition("@")
    if not mark:
        return ""
    name, _, password = user.partition(":")
    basic = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return f"Authorization: Basic {basic}\r\n"


def head(method: str, address: Address, headers: Mapping[str, str], length: int) -> bytes:
    """The request line and the fields. Raises ValueError for headers that would be more than these fields."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    # A line end within a value could make a line that looks like a field.
    if _FIELDS.fullmatch(fields) is None or fields.count("\n") != len(headers):
        raise ValueError("a header field has a character that no field may have")
    if address.credentials and "Authorization" in headers:
        raise ValueError("the address has credentials, and the request has others")
    framing = "" if method == "GET" else f"Content-Length: {length}\r\n"
    line = f"{method} {address.target} HTTP/1.1\r\n"
    return f"{line}{address.own}{address.credentials}{fields}{framing}\r\n".encode()
