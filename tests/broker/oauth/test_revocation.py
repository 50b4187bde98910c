"""`/oauth2/revoke` (RFC 7009): whose token it ends, and that nothing is said before the end is kept."""

import asyncio
import json
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from edge.redis.commands import DEADLINE
from tests.broker.service import EMAIL, GATEWAY, OTHER_CALLBACK, OTHER_SITE, PASSWORD, SITE, sign_up
from tests.oauth import Key
from tests.ports import free_ports
from tests.stalls import promptly
from tests.valkey import Valkey

KINDS = ["access_token", "refresh_token"]


@pytest.fixture
def redis_deadline():
    return DEADLINE


@pytest.fixture
async def site(oauth, page):
    await sign_up(page, EMAIL)
    return await oauth()


async def is_active(site, token):
    answer = await site.window.post("/oauth2/introspect", data={"token": token}, auth=GATEWAY)
    return answer.json()["active"]


def is_done(answer):
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return True


def is_unavailable(answer):
    assert answer.status_code == 503, answer.text
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == SITE
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_a_token_ends_whatever_the_hint(site, kind, hint):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    more = {} if hint is None else {"token_type_hint": hint}
    assert is_done(await site.revoke(tokens[kind], **more))
    assert not await is_active(site, tokens["access_token"])
    refreshed = await site.refresh(tokens["refresh_token"])
    assert refreshed.status_code == (200 if kind == "access_token" else 400)
    # A second time is as good.
    assert is_done(await site.revoke(tokens[kind], **more))


async def test_an_unknown_token_is_a_200_and_changes_nothing(site):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    head, sub, sid, counter, mac = tokens["refresh_token"].split("~")
    forged = "~".join([head, sub, sid, counter, mac[::-1]])
    header, payload, signature = tokens["access_token"].split(".")
    resigned = ".".join([header, payload, signature[::-1]])
    code = await site.code(EMAIL, PASSWORD)
    for token in ("x", "x" * 5000, "é", "a.b.c", forged, resigned, code, sid):
        assert is_done(await site.revoke(token))
    assert await is_active(site, tokens["access_token"])
    assert (await site.refresh(tokens["refresh_token"])).status_code == 200
    assert (await site.redeem(code)).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_another_clients_token_is_a_200_and_lives_on(site, oauth, kind):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    other = await oauth(client_id="other", redirect_uri=OTHER_CALLBACK, origin=OTHER_SITE)
    assert is_done(await other.revoke(tokens[kind]))
    assert await is_active(site, tokens["access_token"])
    assert (await site.refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_an_expired_token_is_a_200(start, oauth, kind):
    now = [time.time()]
    site = await oauth(make=await start(now=lambda: now[0]))
    tokens = (await site.redeem(await site.guest_code())).json()
    now[0] += 400
    assert is_done(await site.revoke(tokens[kind]))


@pytest.mark.parametrize("turns", [1, 2, 5])
async def test_an_old_refresh_token_ends_its_family(site, turns):
    tokens = first = await site.signed_in(EMAIL, PASSWORD)
    for _ in range(turns):
        tokens = (await site.refresh(tokens["refresh_token"])).json()
    assert is_done(await site.revoke(first["refresh_token"]))
    assert not await is_active(site, tokens["access_token"])
    assert (await site.refresh(tokens["refresh_token"])).status_code == 400


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bound_token_is_revoked_without_a_proof(site, oauth, kind):
    bound = await oauth(Key())
    tokens = await bound.signed_in(EMAIL, PASSWORD)
    assert is_done(await site.revoke(tokens[kind]))
    assert not await is_active(site, tokens["access_token"])


def kill(valkey):
    valkey.kill()


def stop(valkey):
    valkey.process.send_signal(signal.SIGSTOP)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", [kill, stop])
async def test_without_redis_nothing_is_called_revoked(site, valkey, kind, harm):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    harm(valkey)
    try:
        async with promptly(0.3):
            assert is_unavailable(await site.revoke(tokens[kind]))
        assert is_unavailable(await site.refresh(tokens["refresh_token"]))
    finally:
        if harm is stop:
            valkey.process.send_signal(signal.SIGCONT)


async def test_a_full_redis_takes_the_end_of_a_session_and_no_mark(site, valkey):
    tokens = await site.signed_in(EMAIL, PASSWORD)
    with redis.Redis(unix_socket_path=valkey.socket) as client:
        client.config_set("maxmemory", 1)
        assert is_unavailable(await site.revoke(tokens["access_token"]))
        assert is_done(await site.revoke(tokens["refresh_token"]))
        client.config_set("maxmemory", 0)
    assert not await is_active(site, tokens["access_token"])


@contextmanager
def replica_of(valkey):
    """A second server that follows `valkey`, and a client of it."""
    [port] = free_ports(1)
    with redis.Redis(unix_socket_path=valkey.socket) as master:
        master.config_set("bind", "127.0.0.1")
        master.config_set("port", port)
        master.config_set("repl-diskless-sync-delay", 0)
    folder = Path(tempfile.mkdtemp(prefix="cg", dir="/tmp"))
    server = Valkey(folder)
    server.start()
    try:
        with redis.Redis(unix_socket_path=server.socket, decode_responses=True) as client:
            client.execute_command("REPLICAOF", "127.0.0.1", port)
            yield server, client
    finally:
        server.kill()
        shutil.rmtree(folder)


@pytest.fixture
async def replica(valkey):
    """A follower that is up to date, and a client of it."""
    with replica_of(valkey) as (server, client):
        async with asyncio.timeout(20):
            while client.info("replication")["master_link_status"] != "up":  # noqa: ASYNC110 - seen by asking
                await asyncio.sleep(0.02)
        yield server, client


async def stop_in_step(valkey, server):
    """Stops the replica once it has acknowledged everything: writes that it lacks afterwards came later."""
    with redis.Redis(unix_socket_path=valkey.socket) as master:
        async with asyncio.timeout(5):
            while (found := master.info("replication"))["slave0"]["offset"] != found["master_repl_offset"]:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    server.process.send_signal(signal.SIGSTOP)


@pytest.fixture
async def kept_twice(start, oauth, replica):
    """A site whose broker wants each write to be on the replica too."""
    return await oauth(make=await start(wait_replicas=1))


async def sign_in(site):
    answer = await site.redeem(await site.guest_code())
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("knows_scripts", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_revocation_is_answered_when_the_replica_has_it(
    kept_twice, replica, valkey, kind, knows_scripts
):
    site, (server, follower) = kept_twice, replica
    tokens = await sign_in(site)
    if knows_scripts:
        assert is_done(await site.revoke((await sign_in(site))["refresh_token"]))
    await stop_in_step(valkey, server)
    try:
        # The second request is refused too, although the master has forgotten the session already.
        for _ in range(3):
            assert is_unavailable(await site.revoke(tokens[kind]))
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert is_done(await once_acknowledged(site.revoke, tokens[kind]))
    # The master is lost, and the replica takes its place.
    assert marks(follower, tokens) == (kind == "access_token", kind == "access_token")


def marks(follower, tokens):
    """Whether the session is there, and whether a mark of its access token is."""
    _, sub, sid, *_ = tokens["refresh_token"].split("~")
    return bool(follower.exists(f"cg:{{{sub}}}:s:{sid}")), bool(follower.keys(f"cg:{{{sub}}}:r:*"))


async def once_acknowledged(ask, *arguments):
    """The first answer for which the replica was there again."""
    async with asyncio.timeout(5):
        while (answer := await ask(*arguments)).status_code == 503:  # noqa: ASYNC110 - seen by asking
            await asyncio.sleep(0.02)
    return answer


@pytest.mark.parametrize("key", [Key(), None], ids=["bound", "unbound"])
async def test_a_rotation_that_no_replica_has_is_not_answered(start, oauth, replica, valkey, key):
    site = await oauth(key, make=await start(wait_replicas=1))
    server, follower = replica
    # Redis knows the script from here on, so that it runs at once.
    assert (await site.refresh((await sign_in(site))["refresh_token"])).status_code == 200
    tokens = await sign_in(site)
    _, sub, sid, *_ = tokens["refresh_token"].split("~")
    await stop_in_step(valkey, server)
    try:
        answer = await site.refresh(tokens["refresh_token"])
        assert is_unavailable(answer)
        assert "refresh_token" not in json.loads(answer.content)
    finally:
        server.process.send_signal(signal.SIGCONT)
    again = await once_acknowledged(site.refresh, tokens["refresh_token"])
    if key is None:
        # The broker cannot tell the reader from a thief, so a reader who got no answer signs in again.
        assert again.status_code == 400
        assert not follower.exists(f"cg:{{{sub}}}:s:{sid}")
        assert not await is_active(site, tokens["access_token"])
        return
    assert again.status_code == 200
    assert again.json()["refresh_token"].split("~")[3] == "2"
    assert (await site.refresh(again.json()["refresh_token"])).status_code == 200
    assert follower.hget(f"cg:{{{sub}}}:s:{sid}", "counter") == "3"
