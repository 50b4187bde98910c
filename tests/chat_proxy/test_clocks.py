"""Row 29: the clock of a proxy that is a minute off, or was set back by an hour. Redis' own clock is in
tests/system/test_redis_clock.py."""

import asyncio
import time

import pytest

from chat_proxy.streams import leases as renewal
from edge.redis.client import command
from tests.chat_proxy.service import leases_of, running
from tests.chat_proxy.streams.talks import begun, last_event, talk
from tests.chat_proxy.tokens import SUB, token
from tests.chat_proxy.waiting import until
from tokens.verify import LEEWAY

HOUR = 3600


class Clock:
    """Off by `by` seconds."""

    def __init__(self, by=0):
        self.by = by

    def __call__(self):
        return time.time() + self.by


def aged(seconds, **changes):
    iat = int(time.time()) - seconds
    return token(iat=iat, exp=iat + 300, **changes)


async def status(service, bearer):
    return (await service.ask(bearer)).status_code


@pytest.mark.parametrize(
    ("by", "age", "expected"),
    [
        (LEEWAY - 2, 0, 200),
        (2 - LEEWAY, 0, 200),
        # Behind: from the future, until it has caught up.
        (-60, 0, 401),
        (-60, 50, 401),
        (-60, 57, 200),
        (-60, 299, 200),
        (-60, 363, 200),
        (-60, 368, 401),
        # Ahead: a minute early, and not a second late.
        (60, 0, 200),
        (60, 242, 200),
        (60, 248, 401),
        # An hour either way.
        (-HOUR, 0, 401),
        (-HOUR, 299, 401),
        (HOUR, 0, 401),
    ],
)
async def test_a_token_is_judged_by_the_proxys_clock_and_five_seconds(valkey, tmp_path, by, age, expected):
    async with running(valkey, tmp_path, now=Clock(by)) as service:
        await service.sign_in()
        bearer = aged(age)
        assert await status(service, bearer) == expected
        # Whether it is remembered or not.
        assert await status(service, bearer) == expected


async def test_an_hour_back_lets_no_signed_out_reader_in_and_it_passes(valkey, tmp_path):
    clock = Clock()
    async with running(valkey, tmp_path, now=clock) as service:
        await service.sign_in()
        expired, good = aged(400, jti="old"), aged(10, jti="new")
        assert await status(service, good) == 200
        assert await status(service, expired) == 401
        clock.by = -HOUR
        # A token that has expired by every other clock is from the future by this one.
        assert await status(service, expired) == 401
        assert await status(service, good) == 401
        assert await status(service, "garbage") == 401
        clock.by = 0
        assert await status(service, good) == 200
        assert await status(service, expired) == 401


async def test_a_running_answer_is_judged_by_redis_alone(valkey, tmp_path):
    clock = Clock()
    async with running(valkey, tmp_path, now=clock) as service:
        service.backend.behaviour = talk
        bearer = await service.sign_in()
        leases = command("ZRANGE", leases_of(), 0, -1, "WITHSCORES")

        async def renewed_at():
            [[[_, score]]] = await service.store.run(leases)
            return float(score)

        async with begun(service, bearer) as stream:
            for clock.by in (-HOUR, HOUR):
                before = await renewed_at()
                async with asyncio.timeout(renewal.EVERY + 2):
                    while await renewed_at() == before:  # noqa: ASYNC110 - seen by looking
                        await asyncio.sleep(0.02)
            await service.sign_out()
            assert (await last_event(stream, 2))[1]["code"] == "session_ended"


@pytest.mark.parametrize("by", [60, -60, HOUR, -HOUR])
async def test_limits_and_places_are_of_redis_clock(valkey, tmp_path, by):
    few = "questions_per_minute = 6\nburst = 2\nconcurrent = 1\ndaily_questions = 20\n"
    clock = Clock()
    async with running(valkey, tmp_path, now=clock, tiers={"reader": few}) as service:
        await service.sign_in()
        assert await status(service, token()) == 200
        clock.by = by
        # As a broker with the same clock would make it.
        iat = int(clock())
        bearer = token(iat=iat, exp=iat + 300, jti="other")
        assert await status(service, bearer) == 200
        refused = await service.ask(bearer)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) <= 10
        await until(lambda: service.holds_nothing(SUB), 1)
