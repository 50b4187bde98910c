"""The secret that the ring's keys are encrypted with: another one, an old one, and a change of it."""

import json
import time

import pytest

from broker.signing.keyring import KeyCipher, UnreadableKey, fingerprint, generate
from broker.storage.key_ring import RING
from edge.redis.client import Store
from tests.broker.service import sign_up
from tests.broker.signing.key_rings import NEW, OLD, audited, changes, keys, kids
from tests.valkey import PATIENT_S


async def test_nothing_private_is_stored_in_clear_or_published(store, server):
    ring = await keys(store).refresh()
    stored = "".join(server.client.hgetall(RING).values())
    secret = ring.current.private.private_numbers().private_value
    assert secret.to_bytes(32, "big").hex() not in stored
    assert str(secret) not in stored
    assert OLD.decode() not in stored
    assert "d" not in {member for jwk in json.loads(ring.jwks())["keys"] for member in jwk}


async def test_a_sealed_key_is_bound_to_its_kid_and_algorithm():
    cipher = KeyCipher((OLD,))
    key = generate("ES256")
    sealed = cipher.seal(key)
    assert cipher.open(key.kid, sealed).public == key.public
    for kid, text in (("other", sealed), (key.kid, sealed.replace("ES256", "RS256"))):
        with pytest.raises(UnreadableKey, match="damaged"):
            cipher.open(kid, text)


def test_a_secret_is_named_without_being_told():
    assert fingerprint(OLD) != fingerprint(NEW)
    assert len(fingerprint(OLD)) == 12
    assert fingerprint(OLD) == fingerprint(bytes(OLD))


async def test_another_secret_is_refused_with_its_name_and_the_mend(store, server):
    ring = await keys(store).refresh()
    with pytest.raises(UnreadableKey) as refused:
        await keys(store, NEW).refresh()
    said = str(refused.value)
    for part in (
        ring.current.kid,
        f"under the secret {fingerprint(OLD)}",
        fingerprint(NEW),
        "broker.previous_secrets",
        "chatgate keys retire --unreadable",
    ):
        assert part in said
    assert server.states() == ["signing", "next"]


async def test_a_broker_with_another_secret_is_alive_and_not_ready_and_says_why(start, page, capsys, server):
    await sign_up(page)
    make = await start(secrets=(NEW,))
    async with make() as other:
        assert (await other.get("/healthz")).status_code == 200
        ready = await other.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "temporarily_unavailable")
        assert "retry-after" in ready.headers
        assert (await other.get("/.well-known/jwks.json")).status_code == 503
        said = capsys.readouterr().out
        assert "keys_unreadable" in said
        assert fingerprint(OLD) in said
        # The way back without the old secret: the keys it sealed go, and nothing has to be started again.
        cure = Store(
            f"unix://{server.client.connection_pool.connection_kwargs['path']}",
            time.monotonic,
            deadline=PATIENT_S,
        )
        by_new = changes(cure, NEW)
        await by_new.retire(lambda key: not by_new.is_readable(key))
        await cure.close()
        assert (await other.get("/readyz")).status_code == 200
        await sign_up(other)
        assert (await other.get("/auth/token")).status_code == 200


async def test_the_old_secret_beside_the_new_one_reads_the_ring_and_seals_it_anew(store, server, heard):
    first = await keys(store, OLD).refresh()
    sealed = {key.sealed for key in server.ring().keys}
    assert (await keys(store, NEW, OLD).refresh()).published == first.published
    assert {key.fingerprint for key in server.ring().keys} == {fingerprint(NEW)}
    assert not sealed & {key.sealed for key in server.ring().keys}
    assert [event for event, _ in audited(heard)].count("key_resealed") == 2
    # The old one may go now.
    assert (await keys(store, NEW).refresh()).published == first.published


async def test_brokers_amid_a_change_of_the_secret_do_not_undo_each_others_sealing_for_ever(store, server):
    behind, ahead = keys(store, OLD, NEW), keys(store, NEW, OLD)
    for _ in range(3):
        await behind.refresh()
        await ahead.refresh()
    version = server.ring().version
    for _ in range(3):
        await behind.refresh()
        await ahead.refresh()
    assert server.ring().version == version
    # The broker that is started last with the new order decides.
    await keys(store, NEW, OLD).refresh()
    await ahead.refresh()
    assert {key.fingerprint for key in server.ring().keys} == {fingerprint(NEW)}


async def test_a_running_broker_keeps_the_keys_that_it_opened(store, server):
    running = keys(store, OLD)
    first = await running.refresh()
    await keys(store, NEW, OLD).refresh()
    assert (await running.refresh()).published == first.published
    # A key that it never opened makes it unready, and its part of the set is no set; it signs on.
    server.age_next()
    await changes(store, NEW).rotate()
    with pytest.raises(UnreadableKey):
        await running.refresh()
    assert running.ring is not None
    assert running.ring.current.kid == kids(first)[1]
    assert not running.ring.is_whole
    # If it cannot read the current key it has none to sign with: the old one is retiring.
    server.age_next()
    await changes(store, NEW).rotate()
    with pytest.raises(UnreadableKey):
        await running.refresh()
    assert running.ring is None
