"""The use of a site by its readers: tokens and cost by day, backend and tier, and today's tokens by user.

lua/settle.lua writes both with each answer. No entry by day names a reader.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from chat_proxy import redis_keys
from chat_proxy.config import MILLION
from edge.redis.client import Store, command

DAY: Final = 86_400
MOST: Final = 50
"""Users that are listed: those with the most tokens."""


@dataclass(frozen=True, slots=True)
class Used:
    """The sum of one day (UTC) at one backend by readers of one tier. `cost` is in the currency of the
    backend's prices."""

    day: date
    site: str
    backend: str
    tier: str
    questions: int
    tokens_in: int
    tokens_out: int
    cost: float


@dataclass(frozen=True, slots=True)
class Spender:
    """A user's tokens of this day at one site, in and out."""

    site: str
    user: str
    tokens: int


async def days(store: Store, client_id: str) -> list[Used]:
    """A site's sums, the latest day first. Raises StoreUnavailable."""
    [found] = await store.run(command("HGETALL", redis_keys.usage(client_id)))
    used = [_used(client_id, field, counts) for field, counts in found.items() if field != b"day"]
    return sorted(used, key=lambda one: (-one.day.toordinal(), one.backend, one.tier))


def _used(client_id: str, field: bytes, counts: bytes) -> Used:
    day, backend, tier = field.decode().split("|")
    questions, tokens_in, tokens_out, cost = map(int, counts.split())
    on = datetime.fromtimestamp(int(day) * DAY, UTC).date()
    return Used(on, client_id, backend, tier, questions, tokens_in, tokens_out, cost / MILLION)


async def spenders(store: Store, client_id: str) -> list[Spender]:
    """The users of a site with the most tokens of today, the highest first; of the latest day with a
    question, if today has none yet. Raises StoreUnavailable."""
    name = redis_keys.spenders(client_id)
    [found] = await store.run(command("ZRANGE", name, 0, MOST - 1, "REV", "WITHSCORES"))
    # RESP3 pairs each member with its score, RESP2 lets it follow.
    flat = [one for pair in found for one in pair] if found and isinstance(found[0], list) else found
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [Spender(client_id, user.decode(), int(float(score))) for user, score in pairs]
