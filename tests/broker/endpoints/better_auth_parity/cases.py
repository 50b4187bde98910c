"""One request, and the words that the families share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.broker.service import PASSWORD

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
UNKNOWN = "A" * 32


@dataclass(frozen=True)
class Case:
    """One request. `who` sends it: "nobody", "reader" (a cookie), "bearer" (the same reader's raw token),
    "fresh" and "guest" (readers of this case alone), or "unknown" (a signed cookie of no session).

    `body` is sent as JSON unless it is a string already; `{new}` in it is an address that no account has,
    `{reader}` the sender's. `headers` replace those of a page of SITE; None leaves one out.
    """

    method: str
    path: str
    body: Any = None
    who: str = "nobody"
    headers: dict[str, str | None] = field(default_factory=dict)


def post(path: str, body: Any = None, who: str = "nobody", **headers: Any) -> Case:
    return Case("POST", "/api/auth" + path, body, who, _named(headers))


def get(path: str, who: str = "nobody", **headers: Any) -> Case:
    return Case("GET", "/api/auth" + path, None, who, _named(headers))


def _named(headers: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


NEW = {"name": "Ada", "email": "{new}", "password": PASSWORD}
OWN = {"email": "{reader}", "password": PASSWORD}


def without(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


BODY = {"body"}
ANSWER = {"status", "body"}
SESSION = {"status", "body", "cookies", "set-auth-token"}
COOKIES = {"cookies"}
ALL = {"status", "type", "body"}
