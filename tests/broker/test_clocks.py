"""Row 29: the clock of a broker that is a minute off, or was set back by an hour. Redis' own clock is in
tests/system/test_redis_clock.py."""

import time

import jwt
import pytest
import redis

from tests.broker.service import EMAIL, GATEWAY, PASSWORD, code, session_of, sign_in, sign_up
from tests.oauth import Key
from tokens import liveness

HOUR = 3600


class Clock:
    """Off by `by` seconds."""

    def __init__(self, by=0):
        self.by = by

    def __call__(self):
        return time.time() + self.by


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def make(start, clock):
    """Instead of the usual one: of a broker with this clock."""
    return await start(now=clock)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


async def introspected(site, token):
    answer = await site.window.post("/oauth2/introspect", data={"token": token}, auth=GATEWAY)
    return answer.json()["active"]


@pytest.mark.parametrize("by", [0, 60, -60, HOUR, -HOUR])
async def test_a_session_is_redis_matter_and_a_token_lives_for_300_s(page, clock, by):
    await sign_up(page, EMAIL)
    clock.by = by
    answer = await page.get("/auth/token")
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 300
    claims = claims_of(answer.json()["token"])
    assert claims["exp"] - claims["iat"] == 300
    assert abs(claims["iat"] - clock()) < 2
    assert (await sign_in(page, EMAIL)).status_code == 200
    assert await session_of(page) is not None
    assert (await page.post("/api/auth/sign-out", json={})).status_code == 200
    assert await session_of(page) is None


@pytest.mark.parametrize("by", [60, -60, -HOUR])
async def test_a_revoked_session_stays_so_by_every_other_clock(oauth, page, clock, valkey, by):
    await sign_up(page, EMAIL)
    clock.by = by
    site = await oauth()
    token = (await site.signed_in(EMAIL, PASSWORD))["access_token"]
    assert await introspected(site, token)
    assert (await site.revoke(token)).status_code == 200
    assert not await introspected(site, token)
    claims = claims_of(token)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        left = client.ttl(liveness.revoked_token(claims["sub"], claims["jti"]))
    # A verifier whose clock is right, or a minute behind, takes the token until then.
    assert left >= claims["exp"] - time.time() + 60 + 5
    assert left < 600


@pytest.mark.parametrize("by", [60, -60, -HOUR])
async def test_a_refresh_token_and_a_code_know_no_clock_but_redis(oauth, page, clock, by):
    await sign_up(page, EMAIL)
    site = await oauth()
    tokens = await site.signed_in(EMAIL, PASSWORD)
    unused = await site.code(EMAIL, PASSWORD)
    clock.by = by
    following = (await site.refresh(tokens["refresh_token"])).json()
    assert await introspected(site, following["access_token"])
    assert (await site.redeem(unused)).status_code == 200
    # A used one is found out as ever, and takes the session with it.
    assert (await site.refresh(tokens["refresh_token"])).status_code == 400
    assert (await site.refresh(following["refresh_token"])).status_code == 400


async def test_a_token_of_before_the_clock_was_set_back_is_not_good_until_it_is_there_again(
    oauth, page, clock
):
    await sign_up(page, EMAIL)
    site = await oauth()
    token = (await site.signed_in(EMAIL, PASSWORD))["access_token"]
    clock.by = -HOUR
    assert not await introspected(site, token)
    headers = {"Authorization": f"Bearer {token}"}
    assert code(await site.page.post("/auth/revoke", headers=headers)) == (401, "invalid_token")
    clock.by = 0
    assert await introspected(site, token)


@pytest.mark.parametrize(("by", "is_good"), [(60, True), (-60, True), (70, False), (-70, False)])
async def test_a_proof_may_be_a_minute_off(oauth, clock, by, is_good):
    """The reader's clock is right and the broker's is not."""
    site = await oauth(Key())
    clock.by = by
    site.nonce = (await site.send(grant_type="refresh_token")).headers["dpop-nonce"]
    answer = await site.send(grant_type="refresh_token", refresh_token="x")
    assert answer.json()["error"] == ("invalid_grant" if is_good else "invalid_dpop_proof")


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_a_locked_out_reader_waits_no_longer(page, clock, by):
    await sign_up(page, EMAIL)
    while (answer := await sign_in(page, EMAIL, "not the password")).status_code == 401:
        pass
    assert answer.status_code == 429
    clock.by = by
    answer = await sign_in(page, EMAIL)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
