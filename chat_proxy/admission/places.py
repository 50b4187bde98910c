"""The shares of limits that a running answer takes, and the commands that take, settle and give them back."""

from dataclasses import dataclass
from typing import Final

from chat_proxy import redis_keys
from chat_proxy.config import Limits
from chat_proxy.gate import Caller
from edge.redis.client import Command, command

LEASE_MS: Final = 10_000
"""The life of a lease without a renewal: a killed process leaves its places taken for that long."""
USAGE_DAYS: Final = 35
MAX_SPENDERS: Final = 10_000
"""Users of a site whose tokens of the day are remembered; beyond it those with the fewest are dropped."""


@dataclass(frozen=True, slots=True)
class Spend:
    """The tokens that a question takes, or may take, and their cost in millionths of the operator's currency,
    at a backend."""

    backend: str
    tokens_in: int
    tokens_out: int
    cost: int


@dataclass(frozen=True, slots=True)
class Place:
    """The share of one owner's limits that a running answer takes: a question, tokens and cost of `state`,
    and a place among the leases. The owner is a reader, an address or a site; `site` is set for a site."""

    owner: str
    state: str
    limits: Limits
    site: str = ""

    @classmethod
    def of(cls, owner: str, limits: Limits, tier: str = "", site: str = "") -> "Place":
        return cls(owner, redis_keys.state(owner, tier), limits, site)

    @property
    def leases(self) -> str:
        return redis_keys.leases(self.owner)

    @property
    def names(self) -> list[str]:
        return [self.state, self.leases, redis_keys.held(self.owner)]

    def reserve(self, lease: str, estimate: Spend) -> Command:
        return redis_keys.RESERVE.call(self.names, lease, *self.numbers(estimate))

    def free(self, lease: str) -> Command:
        """Give back the place of a question that was refused."""
        return redis_keys.FREE.call(self.names, lease, self.limits.interval_ms)

    def settle(self, lease: str, spent: Spend, caller: Caller) -> Command:
        """End the lease, and count what the answer took. Counted once, however often it is called."""
        has_budget = self.limits.has_budget
        if not self.site and not has_budget:
            return command("ZREM", self.leases, lease)
        names = [*self.names, redis_keys.settled(self.owner)]
        counts = (lease, int(has_budget), spent.tokens_in, spent.tokens_out, spent.cost)
        if not self.site:
            return redis_keys.SETTLE.call(names, *counts)
        names += [redis_keys.usage(self.site), redis_keys.spenders(self.site)]
        by = (spent.backend, caller.tier, caller.sub, USAGE_DAYS, MAX_SPENDERS)
        return redis_keys.SETTLE.call(names, *counts, *by)

    def numbers(self, estimate: Spend) -> tuple[str | int, ...]:
        """The numbers of lua/limits.lua, in its order."""
        limits = self.limits
        return (
            *(LEASE_MS, limits.interval_ms, limits.burst, limits.concurrent, limits.daily),
            *(limits.daily_tokens, limits.daily_cost),
            *(estimate.tokens_in + estimate.tokens_out, estimate.cost),
        )


def own(caller: Caller) -> Place:
    # A reader's limits are counted for each site: questions at one site take no room at another.
    return Place.of(caller.reader, caller.limits, caller.tier)


def shared(caller: Caller) -> tuple[Place, ...]:
    """The site's place, and for a guest the address's."""
    client_id = caller.site.client_id
    site = Place.of(redis_keys.site(client_id), caller.site.limits, site=client_id)
    if caller.address is None:
        return (site,)
    return site, Place.of(redis_keys.address(caller.address, client_id), caller.limits, caller.tier)
