import asyncio
import json
import time

import pytest
import redis

from broker.keys import KeyCipher, Keys, UnreadableKey, generate
from broker.storage.key_ring import RING, RedisKeyStore
from edge.store import Store
from tests.broker.service import SECRET, sign_up
from tokens import liveness
from tokens.jwks import local

SECRET_BYTES = SECRET.encode()


@pytest.fixture
async def store(valkey):
    store = Store(valkey.url, time.monotonic)
    yield store
    await store.close()


def keys(store, secret=SECRET_BYTES, alg="ES256"):
    return Keys(RedisKeyStore(store), secret, alg)


async def test_of_sixteen_first_starts_one_makes_the_key(store):
    rings = await asyncio.gather(*(keys(store).refresh() for _ in range(16)))
    assert len({ring.current.kid for ring in rings}) == 1
    assert all(len(ring.published) == 1 for ring in rings)


async def test_the_key_outlives_its_broker(store):
    first = await keys(store).refresh()
    assert (await keys(store).refresh()).current.kid == first.current.kid


async def test_a_broker_offers_its_key_again_to_a_redis_that_came_back_empty(store, valkey):
    mine = keys(store)
    first = await mine.refresh()
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.flushall()
    assert (await mine.refresh()).current.kid == first.current.kid
    other = await keys(store).refresh()
    assert other.current.kid == first.current.kid


async def test_nothing_private_is_stored_in_clear_or_published(store, valkey):
    ring = await keys(store).refresh()
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        stored = b"".join(client.hgetall(RING).values())
        kids = client.hget(liveness.CUT, "kids")
    secret = ring.current.private.private_numbers().private_value
    assert secret.to_bytes(32, "big") not in stored
    assert str(secret).encode() not in stored
    assert b"d" not in {key.encode() for jwk in json.loads(ring.jwks())["keys"] for key in jwk}
    assert kids.decode() == ring.current.kid


async def test_another_secret_names_itself_in_the_error(store):
    await keys(store).refresh()
    with pytest.raises(UnreadableKey, match=r"broker\.secret"):
        await keys(store, b"another secret of at least 32 bytes").refresh()


async def test_a_broker_with_another_secret_is_alive_and_not_ready(start, page):
    await sign_up(page)
    make = await start(secrets=(b"another secret of at least 32 bytes",))
    async with make() as other:
        assert (await other.get("/healthz")).status_code == 200
        assert (await other.get("/readyz")).status_code == 503
        assert (await other.get("/.well-known/jwks.json")).status_code == 503


async def test_a_sealed_key_is_bound_to_its_kid():
    cipher = KeyCipher(SECRET_BYTES)
    key = generate("ES256")
    assert cipher.open(key.kid, cipher.seal(key)).public == key.public
    with pytest.raises(UnreadableKey):
        cipher.open("other", cipher.seal(key))


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256"])
async def test_every_algorithm_signs_what_its_published_key_verifies(start, alg):
    make = await start(algorithm=alg)
    async with make() as page:
        await sign_up(page)
        token = (await page.get("/auth/token")).json()["token"]
        [key] = local.parse((await page.get("/.well-known/jwks.json")).content).values()
        assert key.alg == alg
        page.cookies.clear()
        headers = {"Authorization": f"Bearer {token}"}
        assert (await page.post("/auth/revoke", headers=headers)).status_code == 204


async def test_another_algorithm_brings_a_new_key_and_keeps_the_old_one_published(store):
    old = await keys(store).refresh()
    new = await keys(store, alg="EdDSA").refresh()
    assert new.current.alg == "EdDSA"
    assert new.version > old.version
    assert {key["kid"] for key in new.published} == {old.current.kid, new.current.kid}
