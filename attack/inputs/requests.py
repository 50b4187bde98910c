"""Whole requests around a body: the credentials, the headers, and the pieces in which the bytes are sent."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import quote, urlencode

from attack.inputs import hostile, payloads
from attack.inputs.endpoints import JSON, Endpoint
from attack.stack import GATEWAY
from bench.http1 import HOST
from bench.stack import REDIRECT_URI, Reader
from broker.endpoints.forms import FORM
from broker.errors import is_page

Field = tuple[str, str]
MEDIA_TYPES: Final = (
    *(JSON, FORM, "application/json; charset=utf-16", "application/json;charset=utf-8", "text/plain", ""),
    *(
        "multipart/form-data; boundary=a",
        "APPLICATION/JSON",
        "application/json, text/plain",
        "application/xml",
    ),
    *("application/json;" + " a=b;" * 500, "*/*", "application/problem+json", "\xa0application/json"),
)
MAX_PIECES: Final = 8
CHALLENGE: Final = "a" * 43


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request for `service` (`broker` or `chat_proxy`) in the pieces in which it is written."""

    service: str
    method: str
    path: str
    pieces: Sequence[bytes]

    @property
    def raw(self) -> bytes:
        return b"".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Site:
    """The origin and the credentials of attempts. `issuer` is the broker's address, `secret` the resource
    server's, and `refresh_token` a reader's valid one."""

    page: str
    issuer: str
    secret: str
    refresh_token: str


def attempt(chance: Random, endpoint: Endpoint, reader: Reader, site: Site) -> Attempt:
    is_form = endpoint.media_type == FORM
    tokens = (reader.token, site.refresh_token)
    body = (payloads.form_body if is_form else payloads.json_body)(chance, endpoint.members, tokens)
    if not endpoint.media_type and chance.random() < 0.5:
        body = b""
    path = endpoint.path.replace("{session_id}", _session_id(chance))
    fields = [*_credentials(chance, endpoint, reader, site), *_origin(chance, endpoint, site)]
    media_type = endpoint.media_type if chance.random() < 0.85 else chance.choice(MEDIA_TYPES)
    if media_type:
        fields.append(("Content-Type", media_type))
    if chance.random() < 0.2:
        fields.append(("Accept", "text/event-stream"))
    if chance.random() < 0.03:
        fields.append(("Content-Encoding", chance.choice(("gzip", "br", "identity", "identity, gzip"))))
    target = f"{path}?{_query(endpoint, chance)}"
    return Attempt(
        endpoint.service, endpoint.method, path, framed(chance, endpoint.method, target, fields, body)
    )


def framed(chance: Random, method: str, target: str, fields: Sequence[Field], body: bytes) -> list[bytes]:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in fields)]
    if chance.random() < 0.75:
        return cut(chance, _head([*lines, f"Content-Length: {len(body)}"]) + body)
    return cut(chance, _head([*lines, "Transfer-Encoding: chunked"]) + _chunked(chance, body))


def _head(lines: Sequence[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _chunked(chance: Random, body: bytes) -> bytes:
    most = chance.choice((1, 7, 1_000, 65_536))
    if len(body) // most > 2_000:
        most = 1_000
    chunks = [body[at : at + most] for at in range(0, len(body), most)]
    size = chance.choice((b"%x", b"%X", b"%08x"))
    return b"".join(size % len(one) + b"\r\n" + one + b"\r\n" for one in chunks) + b"0\r\n\r\n"


def cut(chance: Random, raw: bytes) -> list[bytes]:
    """The bytes in one piece, or in a few."""
    if chance.random() < 0.6 or len(raw) < 2:
        return [raw]
    places = sorted(chance.randrange(1, len(raw)) for _ in range(chance.randint(1, MAX_PIECES - 1)))
    return [raw[start:end] for start, end in zip((0, *places), (*places, len(raw)), strict=True)]


def _session_id(chance: Random) -> str:
    if chance.random() < 0.7:
        return f"s{chance.randrange(99)}"
    return quote(hostile.short(chance, 20), safe="") or "-"


def _query(endpoint: Endpoint, chance: Random) -> str:
    if is_page(endpoint.path) and endpoint.service == "broker":
        asked = {
            "response_type": "code",
            "client_id": "docs",
            "redirect_uri": REDIRECT_URI,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        if chance.random() < 0.2:
            asked[chance.choice(tuple(asked))] = hostile.short(chance, 20)
        return urlencode(asked)
    return "" if chance.random() < 0.8 else urlencode({"client_id": hostile.short(chance, 20)})


def _origin(chance: Random, endpoint: Endpoint, site: Site) -> list[Field]:
    own = site.issuer if endpoint.service == "broker" and is_page(endpoint.path) else site.page
    origin = (
        own
        if chance.random() < 0.85
        else chance.choice(("", "null", "https://elsewhere.example", site.issuer))
    )
    return [("Origin", origin)] if origin else []


def _credentials(chance: Random, endpoint: Endpoint, reader: Reader, site: Site) -> list[Field]:
    good = chance.random() < 0.7
    if not good:
        return chance.choice(_NO_CREDENTIALS)
    if endpoint.path == "/oauth2/introspect":
        basic = base64.b64encode(f"{GATEWAY}:{site.secret}".encode()).decode()
        return [("Authorization", f"Basic {basic}")]
    bearer = ("Authorization", f"Bearer {reader.token}")
    if endpoint.service == "chat_proxy":
        return [bearer]
    cookie = ("Cookie", reader.cookie)
    return chance.choice(([cookie], [cookie], [bearer], [cookie, bearer]))


_NO_CREDENTIALS: Final[tuple[list[Field], ...]] = (
    [],
    [("Authorization", "Bearer e30.e30.e30")],
    [("Authorization", "DPoP e30.e30.e30"), ("DPoP", "e30.e30.e30")],
    [("Authorization", "Basic Og==")],
    [("Authorization", "Bearer")],
    [("Cookie", "better-auth.session_token=a.b")],
    [("Cookie", ";" * 2_000)],
)
