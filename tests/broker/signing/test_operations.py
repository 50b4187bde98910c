"""Rotating and retiring: what an operator does to the ring while brokers run, over a real Valkey."""

import asyncio
import time

import pytest

from broker.signing.keyring import UnreadableKey
from broker.signing.operations import NoRing, Rotated
from broker.signing.record import PUBLISHED_BEFORE_USE_MS, TooYoung
from broker.storage.key_ring import RING
from edge.redis.client import Store, StoreUnavailable
from tests.broker.signing.key_rings import NEW, OLD, changes, keys
from tokens import liveness


@pytest.fixture
def messages(server):
    """Counts what was said to those who verify since the last count."""
    pubsub = server.client.pubsub()
    pubsub.subscribe(liveness.REVOKED_CHANNEL)
    assert pubsub.get_message(timeout=5)["type"] == "subscribe"

    def count():
        found = []
        while (message := pubsub.get_message(timeout=0.2)) is not None:
            found.append(message["data"])
        return found

    yield count
    pubsub.close()


async def test_there_is_nothing_to_change_before_the_first_broker(store):
    for verb in (changes(store).ring(), changes(store).rotate(), changes(store).retire(lambda _: True)):
        with pytest.raises(NoRing):
            await verb


async def test_a_rotation_is_published_before_it_signs_and_keeps_the_old_key(store, server, messages):
    ring = await keys(store).refresh()
    messages()
    following = server.age_next()
    done = await changes(store).rotate()
    assert isinstance(done, Rotated)
    assert (done.retiring, done.current) == (ring.current.kid, following)
    assert server.published() == f"{done.current},{done.following},{done.retiring}"
    assert server.states() == ["signing", "next", "retiring"]
    assert server.ring().version > ring.version
    assert messages() == ["*"]


async def test_a_next_key_that_is_too_young_says_for_how_long(store, server):
    ring = await keys(store).refresh()
    server.age_next(PUBLISHED_BEFORE_USE_MS - 10_000)
    refused = await changes(store).rotate()
    assert isinstance(refused, TooYoung)
    assert 9000 < refused.wait_ms <= 10_000
    assert server.ring().version == ring.version
    server.age_next()
    assert isinstance(await changes(store).rotate(), Rotated)


async def test_one_of_many_rotations_at_once_promotes_and_the_others_say_why_not(store, server):
    ring = await keys(store).refresh()
    following = server.age_next()
    done = await asyncio.gather(*(changes(store).rotate() for _ in range(20)))
    [promoted] = [one for one in done if isinstance(one, Rotated)]
    assert (promoted.retiring, promoted.current) == (ring.current.kid, following)
    assert all(isinstance(one, TooYoung) and one.wait_ms > 0 for one in done if one is not promoted)
    assert server.states() == ["signing", "next", "retiring"]


async def test_rotations_beside_brokers_that_look_leave_one_of_each(store, server):
    brokers = [keys(store) for _ in range(8)]
    await asyncio.gather(*(one.refresh() for one in brokers))
    for _ in range(5):
        server.age_next()
        looks = [one.refresh() for one in brokers]
        await asyncio.gather(*(changes(store).rotate() for _ in range(4)), *looks)
    rings = await asyncio.gather(*(one.refresh() for one in brokers))
    assert len({ring.current.kid for ring in rings}) == 1
    assert server.states() == ["signing", "next", *["retiring"] * 5]
    assert set(server.published().split(",")) == {key.kid for key in server.ring().keys}


async def test_no_key_is_promoted_that_the_brokers_could_not_read(store, server):
    ring = await keys(store).refresh()
    server.age_next()
    with pytest.raises(UnreadableKey):
        await changes(store, NEW).rotate()
    assert server.ring().version == ring.version


async def test_a_retired_current_key_goes_at_once_and_the_next_takes_its_place(store, server, messages):
    mine = keys(store)
    ring = await mine.refresh()
    gone, following = (key["kid"] for key in ring.published)
    messages()
    # However young the next one is.
    [retired] = await changes(store).retire(lambda key: key.kid == gone)
    assert (retired.kid, retired.state) == (gone, "signing")
    assert server.ring().keys[0].kid == following
    assert server.states() == ["signing", "next"]
    assert gone not in server.published()
    assert following in server.published()
    assert messages() == ["*"]
    assert (await mine.refresh()).current.kid == following


@pytest.mark.parametrize("state", ["next", "retiring"])
async def test_a_key_in_any_other_state_goes_as_well(store, server, state):
    await keys(store).refresh()
    server.age_next()
    await changes(store).rotate()
    before = server.ring()
    gone = before.find(state).kid
    await changes(store).retire(lambda key: key.state == state)
    after = server.ring()
    assert gone not in server.published()
    assert after.keys[0].kid == before.keys[0].kid
    assert after.find("next").kid != gone
    assert after.version > before.version


async def test_all_keys_can_go_at_once(store, server):
    mine = keys(store)
    before = await mine.refresh()
    await changes(store).retire(lambda _: True)
    assert server.states() == ["signing", "next"]
    after = await mine.refresh()
    assert not {key["kid"] for key in before.published} & {key["kid"] for key in after.published}


async def test_a_retired_key_does_not_come_back_by_a_broker_that_had_it(store, server):
    brokers = [keys(store) for _ in range(4)]
    ring = (await asyncio.gather(*(one.refresh() for one in brokers)))[0]
    await changes(store).retire(lambda key: key.kid == ring.current.kid)
    await asyncio.gather(*(one.refresh() for one in brokers))
    assert ring.current.kid not in server.published()
    assert server.states() == ["signing", "next"]


async def test_keys_that_no_secret_opens_can_be_retired(store, server):
    await keys(store, OLD).refresh()
    by_new = changes(store, NEW)
    assert [by_new.is_readable(key) for key in (await by_new.ring()).keys] == [False, False]
    assert len(await by_new.retire(lambda key: not by_new.is_readable(key))) == 2
    assert (await keys(store, NEW).refresh()).is_whole
    assert await by_new.retire(lambda key: not by_new.is_readable(key)) == ()


async def test_a_crash_between_the_ring_and_the_kids_is_repaired_by_the_next_look(store, server, messages):
    mine = keys(store)
    ring = await mine.refresh()
    messages()
    gone = ring.current.kid
    by_hand = changes(store)
    fresh = [("x" * 16, server.ring().keys[0].sealed), ("y" * 16, server.ring().keys[0].sealed)]
    assert await by_hand.store.retire((gone,), (fresh[0], fresh[1]))
    assert gone in server.published()
    with pytest.raises(UnreadableKey):
        # The stand-in for the new key is no key of that name; the kids are named all the same.
        await mine.refresh()
    assert gone not in server.published()
    assert messages() == ["*"]


async def test_a_full_redis_refuses_a_change_as_a_whole(store, server):
    await keys(store).refresh()
    server.age_next()
    before = server.client.hgetall(RING)
    server.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable):
            await changes(store).rotate()
        with pytest.raises(StoreUnavailable):
            await changes(store).retire(lambda _: True)
    finally:
        server.client.config_set("maxmemory", 0)
    assert server.client.hgetall(RING) == before


async def test_a_retirement_that_goes_unacknowledged_is_told_once_it_is_repeated(valkey, store, server):
    ring = await keys(store).refresh()
    lonely = Store(valkey.url, time.monotonic, replicas=1)
    kid = ring.current.kid
    async with asyncio.timeout(10):
        # The first retirement removes the key, and verifiers hear of it even so.
        while kid in server.published().split(","):
            with pytest.raises(StoreUnavailable):
                await changes(lonely).retire(lambda key: key.kid == kid)
            await asyncio.sleep(0.05)
    assert kid not in [key.kid for key in server.ring().keys]
    await lonely.close()


async def test_a_damaged_record_is_an_unreadable_key_and_can_be_taken_out(store, server):
    mine = keys(store)
    ring = await mine.refresh()
    for damaged in (
        "not JSON",
        "[]",
        '{"alg":"ES256"}',
        server.ring().keys[0].sealed.replace('"private": "', '"private": "!'),
    ):
        kid = server.ring().keys[0].kid
        server.put(**{f"key:{kid}": damaged})
        with pytest.raises(UnreadableKey, match="damaged"):
            await keys(store).refresh()
        gone = await changes(store).retire(lambda key: not changes(store).is_readable(key))
        assert [key.kid for key in gone] == [kid]
        assert (await keys(store).refresh()).is_whole
    assert ring.current.kid not in server.published().split(",")
