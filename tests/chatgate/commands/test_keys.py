"""`chatgate keys` over a real Valkey, with the ring as brokers make it."""

import asyncio
import time

import pytest

from broker.signing.keyring import fingerprint
from broker.signing.record import PUBLISHED_BEFORE_USE_MS
from edge.redis.client import Store
from tests.broker.signing.key_rings import NEW, Server, keys
from tests.chatgate.command_line import refused, said
from tests.valkey import PATIENT_S

# No comma, as commas separate the entries of a list.
OLD = b"the secret that these tests begin with"
HEADER = ["kid", "algorithm", "state (UTC)", "published since (UTC)", "secret", "readable"]


@pytest.fixture
def home(at_home, valkey, monkeypatch):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CHATGATE_REDIS_DEADLINE_SECONDS", str(PATIENT_S))
    monkeypatch.setenv("CHATGATE_BROKER_SECRET", OLD.decode())
    return at_home


@pytest.fixture
def server(valkey):
    server = Server(valkey)
    yield server
    server.client.close()


def look(server, *secrets):
    """A broker's look at the ring; its view of it."""

    async def work():
        url = f"unix://{server.client.connection_pool.connection_kwargs['path']}"
        store = Store(url, time.monotonic, deadline=PATIENT_S)
        try:
            return await keys(store, *(secrets or (OLD,))).refresh()
        finally:
            await store.close()

    return asyncio.run(work())


def listed():
    header, *rows = (line.split("\t") for line in said("keys", "list").splitlines())
    assert header == HEADER
    return rows


@pytest.mark.parametrize("words", [("list",), ("rotate",), ("retire", "a"), ("retire", "--unreadable")])
def test_before_the_first_broker_there_are_no_keys(home, words):
    assert "the first broker that runs makes them" in refused("keys", *words)


def test_list_shows_what_each_key_is_for(home, server):
    ring = look(server)
    server.age_next()
    said("keys", "rotate")
    signing, following, retiring = listed()
    assert [row[2] for row in (signing, following)] == ["signing", "next"]
    assert retiring[0] == ring.current.kid
    assert retiring[2].startswith("retiring until 20")
    assert {(row[1], row[4], row[5]) for row in listed()} == {("ES256", fingerprint(OLD), "yes")}
    assert all(row[3].startswith("20") for row in listed())


def test_a_rotation_says_what_it_did_and_asked_too_early_when_it_may(home, server):
    ring = look(server)
    following = server.age_next()
    out = said("keys", "rotate")
    assert out.startswith(f"{following} signs. {ring.current.kid} verifies for 370 s more")
    message = refused("keys", "rotate")
    assert "has not been published for long enough" in message
    assert "Rotate in 30 s, or with --wait." in message
    assert look(server).current.kid == following


def test_a_rotation_can_wait(home, server):
    look(server)
    following = server.age_next(PUBLISHED_BEFORE_USE_MS - 1500)
    began = time.monotonic()
    assert said("keys", "rotate", "--wait").startswith(f"{following} signs.")
    assert time.monotonic() - began > 1


def test_keys_are_retired_by_name(home, server):
    ring = look(server)
    gone = ring.current.kid
    assert f"Retired {gone}." in said("keys", "retire", gone)
    assert gone not in server.published()
    message = refused("keys", "retire", listed()[0][0], "unknown")
    assert "There is no key unknown, and nothing was retired." in message
    assert len(listed()) == 2
    both = [row[0] for row in listed()]
    said("keys", "retire", *both)
    assert not set(both) & {row[0] for row in listed()}


@pytest.mark.parametrize("words", [(), ("a", "--unreadable")])
def test_retire_asks_which(home, words):
    assert "their KIDs, or --unreadable" in refused("keys", "retire", *words)


def test_a_changed_secret_is_named_and_mended_by_the_old_one_beside_it(home, server, monkeypatch):
    ring = look(server)
    server.age_next()
    monkeypatch.setenv("CHATGATE_BROKER_SECRET", NEW.decode())
    assert [row[4:] for row in listed()] == [[fingerprint(OLD), "no"]] * 2
    message = refused("keys", "rotate")
    for part in ("Nothing was changed: ", fingerprint(OLD), fingerprint(NEW), "broker.previous_secrets"):
        assert part in message
    monkeypatch.setenv("CHATGATE_BROKER_PREVIOUS_SECRETS", OLD.decode())
    assert [row[5] for row in listed()] == ["yes"] * 2
    assert look(server, NEW, OLD).current.kid == ring.current.kid
    assert [row[4] for row in listed()] == [fingerprint(NEW)] * 2
    monkeypatch.delenv("CHATGATE_BROKER_PREVIOUS_SECRETS")
    assert [row[5] for row in listed()] == ["yes"] * 2


def test_a_changed_secret_is_mended_without_the_old_one(home, server, monkeypatch):
    ring = look(server)
    assert "Every key is readable" in refused("keys", "retire", "--unreadable")
    monkeypatch.setenv("CHATGATE_BROKER_SECRET", NEW.decode())
    assert "Retired " in said("keys", "retire", "--unreadable")
    assert [row[4:] for row in listed()] == [[fingerprint(NEW), "yes"]] * 2
    assert look(server, NEW).current.kid != ring.current.kid


def test_without_redis_nothing_is_said_to_be_done(home, server, valkey):
    ring = look(server)
    valkey.kill()
    for words in (("list",), ("rotate",), ("retire", ring.current.kid)):
        assert "Redis does not answer" in refused("keys", *words)
