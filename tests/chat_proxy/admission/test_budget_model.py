"""The scripts that reserve and settle tokens and cost, against a model of them, with a clock of its own."""

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chat_proxy import redis_keys
from chat_proxy.admission.limits import Standing
from chat_proxy.admission.places import LEASE_MS
from tests.processes import valkey_server

DAY = 86_400_000
OWNER = redis_keys.site("docs")
CLOCK = "cg:{site:docs}:clock"
NOW = f"local now = tonumber(redis.call('GET', '{CLOCK}'))\n"
# About the limits of 100 and 500: what fits exactly, and what is one too many.
TOKENS = st.sampled_from([0, 1, 10, 49, 50, 51, 100, 101])
COST = st.sampled_from([0, 1, 50, 249, 250, 251, 500, 501])


def with_clock(script):
    """A script whose time is not the server's."""
    [time] = [part for part in (redis_keys._script("time").source,) if part in script.source]
    return script.source.replace(time, NOW)


RESERVE, SETTLE, FREE, EXTEND = map(
    with_clock, (redis_keys.RESERVE, redis_keys.SETTLE, redis_keys.FREE, redis_keys.EXTEND)
)


class Budget(RuleBasedStateMachine):
    """The model: what the day has spent, and the leases with their end and what they hold."""

    client: redis.Redis

    @initialize(tokens=st.sampled_from([0, 100]), cost=st.sampled_from([0, 500]))
    def begin(self, tokens, cost):
        self.client.flushall()
        self.limits = tokens, cost
        self.now = 20_000 * DAY + 1
        self.client.set(CLOCK, self.now)
        self.leases, self.settled, self.count = {}, {}, 0
        self.spent, self.day = (0, 0), self.now // DAY

    def run(self, script, names, *args):
        return self.client.eval(script, len(names), *names, *args)

    @property
    def names(self):
        return [redis_keys.state(OWNER), redis_keys.leases(OWNER), redis_keys.held(OWNER)]

    def live(self):
        return {lease: held for lease, (end, *held) in self.leases.items() if end > self.now}

    def today(self):
        return self.spent if self.day == self.now // DAY else (0, 0)

    @rule(tokens=TOKENS, cost=COST)
    def reserve(self, tokens, cost):
        self.count += 1
        lease = f"lease{self.count}"
        wanted = [*self.today()]
        for held in self.live().values():
            wanted = [one + more for one, more in zip(wanted, held, strict=True)]
        before = wanted
        wanted = [wanted[0] + tokens, wanted[1] + cost]
        fits = [not limit or one <= limit for one, limit in zip(wanted, self.limits, strict=True)]
        reply = self.run(
            RESERVE, self.names, lease, LEASE_MS, tokens, cost, 0, 1, 10_000, 10_000, *self.limits
        )
        expected = "" if all(fits) else "daily-tokens" if not fits[0] else "daily-cost"
        standing = Standing.of(reply)
        assert standing.violated == expected
        after = wanted if all(fits) else before
        left = [max(limit - one, 0) for one, limit in zip(after, self.limits, strict=True)]
        shown = [one if limit else 0 for one, limit in zip(left, self.limits, strict=True)]
        assert [standing.tokens_left, standing.cost_left] == shown
        if all(fits):
            self.spent, self.day = self.today(), self.now // DAY
            self.leases[lease] = (self.now + LEASE_MS, tokens, cost)

    @rule(data=st.data(), tokens=TOKENS, cost=COST)
    def settle(self, data, tokens, cost):
        """An answer's end: also one that is told twice, or whose lease has lapsed."""
        if self.count == 0 or self.day is None:
            return
        lease = f"lease{data.draw(st.integers(1, self.count))}"
        was_granted = lease in self.leases or lease in self.settled
        if not was_granted:
            return
        is_new = lease not in self.settled
        names = [*self.names, redis_keys.settled(OWNER)]
        has_budget = any(self.limits)
        # Only a call that is repeated is told that it may be.
        is_again = int(not is_new)
        assert self.run(SETTLE, names, lease, is_again, int(has_budget), tokens, 0, cost) == int(is_new)
        self.leases.pop(lease, None)
        if is_new and has_budget:
            self.spent = tuple(one + more for one, more in zip(self.today(), (tokens, cost), strict=True))
            self.day = self.now // DAY
        if is_new:
            self.settled[lease] = self.now

    @rule(data=st.data())
    def give_back(self, data):
        live = sorted(self.live())
        if live:
            lease = data.draw(st.sampled_from(live))
            assert self.run(FREE, self.names, lease, 0) == 1
            del self.leases[lease]

    @rule()
    def renew(self):
        live = sorted(self.live())
        assert self.run(EXTEND, self.names[1:], LEASE_MS, *live) == [1] * len(live)
        for lease in live:
            self.leases[lease] = (self.now + LEASE_MS, *self.leases[lease][1:])

    @rule(ms=st.sampled_from([1, 3000, LEASE_MS - 1, LEASE_MS, DAY]))
    def wait(self, ms):
        # A settled mark lives two minutes: no call is repeated for longer.
        self.now += ms
        self.client.set(CLOCK, self.now)
        if ms == DAY:
            for lease in list(self.settled):
                del self.settled[lease]
                self.leases.pop(lease, None)
            self.leases = {lease: one for lease, one in self.leases.items() if one[0] > self.now}

    @invariant()
    def nothing_is_let_through_that_the_rest_cannot_pay(self):
        if not hasattr(self, "limits"):
            return
        kept = self.client.hmget(redis_keys.state(OWNER), "day", "tokens", "cost")
        if kept[0] is not None and int(kept[0]) == self.now // DAY:
            assert (int(kept[1] or 0), int(kept[2] or 0)) == self.today()


@pytest.fixture(scope="module")
def client():
    with valkey_server() as server, redis.Redis.from_url(server.url) as client:
        yield client


def test_the_scripts_count_as_their_model_does(client):
    Budget.client = client
    run_state_machine_as_test(
        Budget,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
