"""Refresh tokens: the records behind them, and the refusals of them."""

from typing import Any

import httpx
import redis

from tests.broker.service import GATEWAY
from tests.oauth import OAuthSite
from tests.valkey import Valkey
from tokens import liveness

DAY_MS = 86_400_000


async def is_active(site: OAuthSite, token: str) -> bool:
    return (await site.window.post("/oauth2/introspect", data={"token": token}, auth=GATEWAY)).json()[
        "active"
    ]


def refused(answer: httpx.Response, word: str = "") -> bool:
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["error"] == "invalid_grant"
    assert word in body["error_description"]
    return True


def record(valkey: Valkey, token: str, **changes: Any) -> dict[str, Any]:
    """Members of the session of a refresh token are set, and its record is answered."""
    _, sub, sid, *_ = token.split("~")
    with redis.Redis(unix_socket_path=valkey.socket, decode_responses=True) as client:
        key = liveness.session(sub, sid)
        if changes:
            client.hset(key, mapping=changes)
        return client.hgetall(key) | {"ttl": client.pttl(key)}
