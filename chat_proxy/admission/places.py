"""The shares of limits that a running answer takes, and the commands that take, settle and give them back."""

from typing import Final, NamedTuple

from chat_proxy import redis_keys
from chat_proxy.config import Limits
from chat_proxy.gate import Caller
from edge.redis.client import Command, command

LEASE_MS: Final = 10_000
"""The life of a lease without a renewal: a killed process leaves its places taken for that long."""
USAGE_DAYS: Final = 35
MAX_SPENDERS: Final = 10_000
"""Users of a site whose tokens of the day are remembered; beyond it those with the fewest are dropped."""


class Spend(NamedTuple):
    """The tokens that a question takes, or may take, and their cost in millionths of the operator's currency,
    at a backend."""

    backend: str
    tokens_in: int
    tokens_out: int
    cost: int


class Place(NamedTuple):
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

    @property
    def settled_names(self) -> list[str]:
        return [*self.names, redis_keys.settled(self.owner)]

    @property
    def numbers(self) -> tuple[str | int, ...]:
        """The limits in the order of `look` in lua/limits.lua."""
        limits = self.limits
        return (
            *(limits.interval_ms, limits.burst, limits.concurrent, limits.daily),
            *(limits.daily_tokens, limits.daily_cost),
        )

    def reserve(self, lease: str, estimate: Spend) -> Command:
        return redis_keys.RESERVE.call(self.names, *asked(lease, estimate), *self.numbers)

    def free(self, lease: str) -> Command:
        """Give back the place of a question that was refused."""
        return redis_keys.FREE.call(self.names, lease, self.limits.interval_ms)

    def settle(self, lease: str, spent: Spend, caller: Caller, *, is_again: bool) -> Command:
        """End the lease, and count what the answer took, once. `is_again`: the call may be a repetition."""
        has_budget = self.limits.has_budget
        if not self.site and not has_budget:
            return command("ZREM", self.leases, lease)
        names, told = self.settled_names, (lease, int(is_again), int(has_budget))
        if not self.site:
            return redis_keys.SETTLE.call(names, *told, spent.tokens_in, spent.tokens_out, spent.cost)
        return redis_keys.SETTLE.call([*names, *used_names(self.site)], *told, *used(spent, caller))


def asked(lease: str, estimate: Spend) -> tuple[str | int, ...]:
    """The question in the order of `question_from` in lua/limits.lua."""
    return lease, LEASE_MS, estimate.tokens_in + estimate.tokens_out, estimate.cost


def used(spent: Spend, caller: Caller) -> tuple[str | int, ...]:
    """An answer in the order of `use` in lua/settle.lua."""
    took = (spent.tokens_in, spent.tokens_out, spent.cost)
    return *took, spent.backend, caller.tier, caller.sub, USAGE_DAYS, MAX_SPENDERS


def used_names(client_id: str) -> list[str]:
    return [redis_keys.usage(client_id), redis_keys.spenders(client_id)]


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
