"""The ring of signing keys as brokers keep it, over a real Valkey."""

import asyncio

import pytest

from broker.endpoints.well_known import MAX_AGE
from broker.signing.operations import Rotated
from broker.signing.record import PUBLISHED_BEFORE_USE_MS, RETIRING_MS, TooYoung
from broker.storage.key_ring import RING, RedisKeyStore
from broker.upkeep import KEEP_EVERY
from chat_proxy.app import FETCH_WITHIN
from tests.broker.service import sign_up
from tests.broker.signing.key_rings import audited, changes, keys, kids
from tokens import liveness
from tokens.claims import MAX_LIFETIME
from tokens.jwks import local
from tokens.jwks.remote import COOL_DOWN
from tokens.verify import LEEWAY


async def test_one_of_sixteen_first_starts_makes_the_keys(store, server):
    rings = await asyncio.gather(*(keys(store).refresh() for _ in range(16)))
    assert len({tuple(kids(ring)) for ring in rings}) == 1
    assert server.states() == ["signing", "next"]
    assert server.published() == ",".join(kids(rings[0]))


async def test_the_keys_outlive_their_broker(store):
    first = await keys(store).refresh()
    assert (await keys(store).refresh()).published == first.published


async def test_a_look_at_a_ring_that_is_well_changes_nothing(store, server):
    mine = keys(store)
    first = await mine.refresh()
    assert (await mine.refresh()).published == first.published
    assert server.ring().version == first.version


async def test_a_redis_that_came_back_empty_gets_new_keys_and_no_retired_one_again(store, server):
    mine, other = keys(store), keys(store)
    await mine.refresh()
    server.age_next()
    await changes(store).rotate()
    before = await mine.refresh()
    server.client.flushall()
    after = await mine.refresh()
    assert not set(kids(after)) & set(kids(before))
    assert after.version > before.version
    assert server.published() == ",".join(kids(after))
    # The revocations are lost, so every earlier session is dead.
    assert int(server.client.hget(liveness.CUT, "all")) == pytest.approx(server.now(), abs=2000)
    assert kids(await other.refresh()) == kids(after)


async def test_kids_that_were_lost_alone_are_named_again(store, server):
    mine = keys(store)
    ring = await mine.refresh()
    server.client.delete(liveness.CUT)
    await mine.refresh()
    assert server.published() == ",".join(kids(ring))


async def test_a_ring_that_was_lost_alone_under_a_clock_that_was_set_back_is_heard(store, server):
    ahead = server.now() + 3_600_000
    server.client.hset(liveness.CUT, mapping={"all": 1, "ring": ahead, "kids": "lost"})
    ring = await keys(store).refresh()
    assert server.published() == ",".join(kids(ring))
    assert ring.version > ahead


async def test_a_clock_that_was_set_back_neither_blocks_a_rotation_nor_lengthens_a_retirement(store, server):
    mine = keys(store)
    await mine.refresh()
    server.age_next()
    await changes(store).rotate()
    ahead = server.now() + 3_600_000
    ring = server.ring()
    following, retiring = ring.find("next").kid, ring.find("retiring").kid
    server.put(**{f"since:{following}": ahead, f"until:{retiring}": ahead + RETIRING_MS, "version": ahead})
    await mine.refresh()
    ring = server.ring()
    assert ring.version == ahead + 1
    assert ring.find("next").since <= server.now()
    assert 0 < ring.find("retiring").until - server.now() <= RETIRING_MS
    refused = await changes(store).rotate()
    assert isinstance(refused, TooYoung)
    assert 0 < refused.wait_ms <= PUBLISHED_BEFORE_USE_MS


async def test_a_retiring_key_goes_when_its_last_token_is_dead(store, server, heard):
    mine = keys(store)
    first = await mine.refresh()
    server.age_next()
    await changes(store).rotate()
    assert (await mine.refresh()).current.kid == kids(first)[1]
    until = server.ring().find("retiring").until - server.now()
    assert (MAX_LIFETIME + 2 * LEEWAY) * 1000 < until <= RETIRING_MS
    server.end_retiring()
    last = await mine.refresh()
    assert server.states() == ["signing", "next"]
    assert first.current.kid not in kids(last)
    assert first.current.kid not in server.published()
    assert not any(first.current.kid in field for field in server.client.hkeys(RING))
    assert ("key_expired", first.current.kid) in audited(heard)
    assert ("key_gone", first.current.kid) in audited(heard)
    assert ("signing_key_changed", last.current.kid) in audited(heard)


async def test_a_change_stays_published_beside_an_older_view(store, server):
    mine = keys(store)
    ring = await mine.refresh()
    named = server.published()
    gone = ring.current.kid
    await changes(store).retire(lambda key: key.kid == gone)
    # A broker that read the ring before the retirement says what it read after it.
    assert await RedisKeyStore(store).publish(ring.version, named) > ring.version
    assert gone not in server.published()


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
async def test_every_algorithm_signs_what_its_published_key_verifies(start, alg):
    make = await start(algorithm=alg)
    async with make() as page:
        await sign_up(page)
        token = (await page.get("/auth/token")).json()["token"]
        published = local.parse((await page.get("/.well-known/jwks.json")).content).values()
        assert [key.alg for key in published] == [alg, alg]
        page.cookies.clear()
        headers = {"Authorization": f"Bearer {token}"}
        assert (await page.post("/auth/revoke", headers=headers)).status_code == 204


async def test_another_algorithm_is_published_first_and_signs_when_it_is_old_enough(store, server):
    before, after = keys(store), keys(store, alg="EdDSA")
    old = await before.refresh()
    unused = kids(old)[1]
    ring = await after.refresh()
    assert ring.current.kid == old.current.kid
    assert [key["alg"] for key in ring.published] == ["ES256", "EdDSA"]
    assert unused not in server.published()
    # A broker that has the earlier setting still leaves it at that.
    await before.refresh()
    following = server.age_next(PUBLISHED_BEFORE_USE_MS - 5000)
    await after.refresh()
    assert server.ring().keys[0].kid == old.current.kid
    server.age_next()
    await before.refresh()
    assert server.ring().keys[0].kid == old.current.kid
    ring = await after.refresh()
    assert (ring.current.kid, ring.current.alg) == (following, "EdDSA")
    assert [key.alg for key in server.ring().keys] == ["EdDSA", "EdDSA", "ES256"]
    assert server.states() == ["signing", "next", "retiring"]
    version = server.ring().version
    await before.refresh()
    await after.refresh()
    assert server.ring().version == version


async def test_the_key_set_is_of_the_ring_as_it_is_now(make, store, server):
    async with make() as page:
        first = await page.get("/.well-known/jwks.json")
        assert first.headers["cache-control"] == "public, max-age=10"
        server.age_next()
        rotated = await changes(store).rotate()
        assert isinstance(rotated, Rotated)
        # Asked at once, before the broker's own look, which comes every second.
        now = [key["kid"] for key in (await page.get("/.well-known/jwks.json")).json()["keys"]]
        assert now == [rotated.current, rotated.following, rotated.retiring]


async def test_without_redis_the_set_at_hand_is_answered(make, valkey):
    async with make() as page:
        first = await page.get("/.well-known/jwks.json")
        valkey.kill()
        again = await page.get("/.well-known/jwks.json")
        assert (again.status_code, again.content) == (200, first.content)


def test_a_key_is_known_everywhere_before_it_may_sign():
    """One look at the ring, a cached copy, a verifier's cool-down and its fetch."""
    cached = int(MAX_AGE.rpartition("=")[2])
    assert (KEEP_EVERY + cached + COOL_DOWN + FETCH_WITHIN) * 1000 < PUBLISHED_BEFORE_USE_MS
