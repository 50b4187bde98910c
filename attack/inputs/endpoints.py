"""Every endpoint that takes a body, from the services' own OpenAPI documents."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from broker import app as broker_app
from broker import config as broker_config
from broker.endpoints.forms import FORM
from broker.errors import is_page
from chat_proxy import app as proxy_app
from chat_proxy import config as proxy_config
from chat_proxy.streams.drain import Drain
from edge.config.read import read

JSON: Final = "application/json"
METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PAGE_FIELDS: Final = ("email", "password", "name")
"""The fields of the broker's own forms, which its OpenAPI document does not list."""
ENDS: Final = frozenset(
    {
        "/api/auth/sign-out",
        "/api/auth/revoke-session",
        "/api/auth/revoke-sessions",
        "/api/auth/delete-user",
        "/auth/revoke",
        "/oauth2/revoke",
        "/oauth2/sessions/revoke",
    }
)
"""Paths at which a valid request may end its own session."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`members` are the names that its body may have; `media_type` is empty if it takes no body."""

    service: Literal["broker", "chat_proxy"]
    method: str
    path: str
    media_type: str
    members: tuple[str, ...]

    @property
    def ends_sessions(self) -> bool:
        return self.path in ENDS


def endpoints(environ: Mapping[str, str]) -> list[Endpoint]:
    """The endpoints of services that were started with `environ`."""
    settings = read(Path(environ["CHATGATE_CONFIG"]), environ)
    now, clock = time.time, time.monotonic
    broker = broker_app.create_api(broker_config.resolve(settings), now=now, clock=clock)
    proxy = proxy_app.create_api(proxy_config.resolve(settings), now=now, clock=clock, drain=Drain())
    return [*_taken("broker", broker.openapi()), *_taken("chat_proxy", proxy.openapi())]


def _taken(service: Literal["broker", "chat_proxy"], document: dict[str, Any]) -> Iterator[Endpoint]:
    for path, operations in document["paths"].items():
        for name, operation in operations.items():
            if name.upper() in METHODS:
                media_type, members = _body(path, operation)
                yield Endpoint(service, name.upper(), path, media_type, members)


def _body(path: str, operation: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    if is_page(path):
        return FORM, PAGE_FIELDS
    for media_type, described in operation.get("requestBody", {}).get("content", {}).items():
        return media_type, tuple(described.get("schema", {}).get("properties", ()))
    return "", ()
