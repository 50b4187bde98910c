import asyncio
import json

import pytest

from tests.tokens.signing import JWKS
from tokens.errors import KeysUnavailable
from tokens.jwks.remote import COOL_DOWN, FIRST_COOL_DOWN, FRESH, STALE, RemoteKeys


class Publisher:
    """The outer seam: what answers a fetch, and how often it was asked."""

    def __init__(self):
        self.now = 1000.0
        self.fetches = 0
        self.is_asked = asyncio.Event()
        self.document = JWKS
        self.away = False
        self.keys = RemoteKeys(self.fetch, lambda: self.now)

    async def fetch(self):
        self.fetches += 1
        self.is_asked.set()
        document = self.document
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionRefusedError
        return document


@pytest.fixture
async def publisher():
    publisher = Publisher()
    yield publisher
    await publisher.keys.close()


async def test_ten_thousand_unknown_kids_cost_one_fetch(publisher):
    found = await asyncio.gather(*(publisher.keys.find(f"x{number}") for number in range(10_000)))
    assert set(found) == {None}
    assert publisher.fetches == 1
    publisher.now += COOL_DOWN - 0.1
    assert await publisher.keys.find("x") is None
    assert publisher.fetches == 1
    publisher.now += 0.1
    assert await publisher.keys.find("x") is None
    assert publisher.fetches == 2


async def test_an_asker_who_leaves_does_not_end_the_fetch_of_the_others(publisher):
    leaving, staying = (asyncio.create_task(publisher.keys.find("k1")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).kid == "k1"
    assert publisher.fetches == 1


@pytest.mark.parametrize(
    "document", [None, b"<html>", b'{"keys":[]}', json.dumps({"keys": [{}] * 99}).encode()]
)
async def test_good_keys_outlive_their_publisher_up_to_the_bound(publisher, document):
    assert (await publisher.keys.find("k1")).kid == "k1"
    publisher.away, publisher.document = document is None, document
    publisher.now += STALE
    assert publisher.keys.known("k1").kid == "k1"
    assert await publisher.keys.find("new") is None
    publisher.now += 1
    assert publisher.keys.known("k1") is None
    with pytest.raises(KeysUnavailable):
        await publisher.keys.find("k1")


async def test_without_any_set_nothing_can_be_judged_until_the_publisher_is_there(publisher):
    publisher.away = True
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await publisher.keys.find("k1")
    assert publisher.fetches == 1
    publisher.away = False
    publisher.now += FIRST_COOL_DOWN
    assert (await publisher.keys.find("k1")).kid == "k1"


async def test_an_old_set_is_renewed_beside_the_requests_that_use_it(publisher):
    await publisher.keys.find("k1")
    publisher.now += FRESH + 1
    publisher.document = json.dumps({"keys": json.loads(JWKS)["keys"][1:]}).encode()
    assert publisher.keys.known("k1") is not None
    assert await publisher.keys.find("k1") is None
    assert publisher.keys.known("k2").kid == "k2"
    assert publisher.fetches == 2


async def test_a_publisher_that_has_changed_is_asked_once_in_spite_of_the_cool_down(publisher):
    whole = publisher.document
    publisher.document = json.dumps({"keys": json.loads(JWKS)["keys"][1:]}).encode()
    assert await publisher.keys.find("k1") is None
    publisher.document = whole
    assert await publisher.keys.find("k1") is None
    publisher.keys.changed()
    found = await asyncio.gather(*(publisher.keys.find(kid) for kid in ["k1", *map(str, range(10_000))]))
    assert found[0].kid == "k1"
    assert await publisher.keys.find("x") is None
    assert publisher.fetches == 2


async def test_a_change_during_a_fetch_is_worth_another(publisher):
    whole = publisher.document
    publisher.document = json.dumps({"keys": json.loads(JWKS)["keys"][1:]}).encode()
    asking = asyncio.create_task(publisher.keys.find("k1"))
    await publisher.is_asked.wait()
    # The answer that is under way is the old set.
    publisher.document = whole
    publisher.keys.changed()
    assert (await asking).kid == "k1"
    assert publisher.fetches == 2


async def test_nothing_is_fetched_for_a_change_alone(publisher):
    await publisher.keys.find("k1")
    publisher.keys.changed()
    assert publisher.keys.known("k1") is not None
    assert publisher.fetches == 1
