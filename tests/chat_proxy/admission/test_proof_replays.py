"""A proof counts once, everywhere, and its nonce for a time; what else DPoP brings to the proxy."""

import asyncio
import contextlib
import math
import time

import pytest

from chat_proxy.config import resolve
from chat_proxy.streams import leases as renewal
from edge.config.read import read
from edge.redis.client import command
from tests.chat_proxy.configuration import SITE, configuration
from tests.chat_proxy.event_stream import Stream
from tests.chat_proxy.holder import Holder
from tests.chat_proxy.processes import started
from tests.chat_proxy.service import leases_of, running
from tests.chat_proxy.streams.talks import begun, last_event, talk
from tests.chat_proxy.tokens import AUDIENCE, SUB, token
from tests.chat_proxy.waiting import until
from tests.stalls import promptly
from tokens import dpop, liveness
from tokens.nonces import EVERY, Nonces

INVALID = "invalid_dpop_proof"
NONCE = "use_dpop_nonce"
SEEN = "it was seen before"


class Clock:
    """Seconds since the epoch; it stands until it is moved."""

    def __init__(self):
        # At the beginning of a turn, so that its remaining time is known.
        self.at = math.floor(time.time() / EVERY) * EVERY + 1.0

    def __call__(self):
        return self.at


async def spent(service, owner=SUB):
    rate = f"cg:{{{owner}}}:rate" if owner.startswith("site:") else f"cg:{{{owner}}}:at:docs:rate:reader"
    count, leases = await service.store.run(
        command("HGET", rate, "count"), command("ZCARD", leases_of(owner))
    )
    return int(count or 0), leases


async def test_a_proof_that_was_seen_is_refused_and_costs_nothing(service):
    holder = await Holder.signed_in(service)
    proof = holder.proof()
    assert (await holder.send(proofs=[proof])).status_code == 200
    for _ in range(3):
        answer = await holder.refused(INVALID, proof)
        assert SEEN in answer.json()["detail"]
    assert await spent(service) == (1, 0)
    assert await spent(service, "site:docs") == (1, 0)
    assert len(service.backend.received) == 1
    listed = await holder.send("GET", "/sessions")
    assert len(listed.json()["sessions"]) == 1


async def test_it_is_seen_even_if_its_question_was_refused_later(valkey, tmp_path):
    few = "questions_per_minute = 6\nburst = 1\nconcurrent = 1\ndaily_questions = 20\n"
    async with running(valkey, tmp_path, tiers={"reader": few}) as service:
        holder = await Holder.signed_in(service)
        assert (await holder.send()).status_code == 200
        proof = holder.proof()
        assert (await holder.send(proofs=[proof])).status_code == 429
        await holder.refused(INVALID, proof)


async def test_a_bad_proof_uses_none_up(service):
    """A thief who cannot sign cannot make another's proof count as seen."""
    holder = await Holder.signed_in(service)
    proof = holder.proof(jti="mine")
    thief = Holder(service)
    thief.token = holder.token
    await holder.refused(INVALID, thief.proof(jti="mine"))
    await holder.refused(INVALID, proof, method="GET", path="/sessions")
    assert (await holder.send(proofs=[proof])).status_code == 200


async def test_a_proof_is_remembered_for_as_long_as_it_could_be_good(service):
    holder = await Holder.signed_in(service)
    await holder.send()
    [found] = await service.store.run(command("KEYS", f"cg:{{{SUB}}}:d:*"))
    [left] = await service.store.run(command("PTTL", found[0]))
    assert len(found) == 1
    assert 2 * (dpop.WINDOW + dpop.LEEWAY) * 1000 < left <= dpop.KEPT_MS


async def test_without_a_proof_none_is_remembered(service):
    assert (await service.ask(await service.sign_in())).status_code == 200
    [found] = await service.store.run(command("KEYS", f"cg:{{{SUB}}}:d:*"))
    assert found == []


async def test_one_of_parallel_replays_is_answered(valkey, tmp_path):
    """At one process, at another on the same Redis, and with one jti for all."""
    async with running(valkey, tmp_path) as service, started(valkey, tmp_path) as other:
        service.backend.behaviour = _slowly(service.backend.behaviour)
        holder = await Holder.signed_in(service)
        for _ in range(5):
            before = await spent(service)
            proof = holder.proof()
            clients = [service.client, other.service.client] * 8
            answers = await asyncio.gather(*(holder.send(proofs=[proof], client=one) for one in clients))
            assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15
            assert {answer.json().get("code") for answer in answers} == {None, INVALID}
            assert await spent(service) == (before[0] + 1, 0)
        proof = holder.proof("GET", "/sessions")
        answers = await asyncio.gather(
            *(holder.send("GET", "/sessions", proofs=[proof], client=one) for one in clients)
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15
        # And one after the other.
        proof = holder.proof()
        assert (await holder.send(proofs=[proof], client=other.service.client)).status_code == 200
        await holder.refused(INVALID, proof)


def _slowly(behaviour):
    async def answer(peer):
        await asyncio.sleep(0.05)
        await behaviour(peer)

    return answer


async def test_a_nonce_is_good_for_its_time(valkey, tmp_path):
    clock = Clock()
    async with running(valkey, tmp_path, now=clock) as service:
        holder = await Holder.signed_in(service, now=clock)
        first = await holder.refused(NONCE, holder.proof(nonce=None))
        nonce = first.headers["dpop-nonce"]
        assert (await holder.send(proofs=[holder.proof(nonce=nonce)])).status_code == 200
        clock.at += EVERY
        answer = await holder.send(proofs=[holder.proof(nonce=nonce)])
        assert answer.status_code == 200
        assert answer.headers["dpop-nonce"] != nonce
        clock.at += EVERY - 2
        assert (await holder.send(proofs=[holder.proof(nonce=nonce)])).status_code == 200
        clock.at += 2
        again = await holder.refused(NONCE, holder.proof(nonce=nonce))
        retried = await holder.send(proofs=[holder.proof(nonce=again.headers["dpop-nonce"])])
        assert retried.status_code == 200


async def test_a_refusal_for_its_nonce_uses_no_proof_up(service):
    holder = await Holder.signed_in(service)
    await holder.refused(NONCE, holder.proof(jti="mine", nonce=None))
    assert (await holder.send(proofs=[holder.proof(jti="mine")])).status_code == 200


# Security row 29: machines whose clocks differ by up to a minute take each other's nonces.
@pytest.mark.parametrize("offset", [-60, 60])
async def test_another_machines_nonce_is_as_good(valkey, tmp_path, offset):
    clock, ahead = Clock(), Clock()
    ahead.at += offset
    folder = tmp_path / "other"
    folder.mkdir()
    async with running(valkey, tmp_path, now=clock) as one, running(valkey, folder, now=ahead) as two:
        holder = await Holder.signed_in(one, now=clock)
        # By the secrets that a proxy would read from its own file, and its own clock.
        nonce = Nonces([two.config.nonce_secret]).current(ahead())
        assert (await holder.send(proofs=[holder.proof(nonce=nonce)])).status_code == 200


def test_nonces_are_of_all_backends_secrets_in_any_order(tmp_path):
    def secret(*names):
        table = '[backends.{0}]\nurl = "http://127.0.0.1:1"\nsecret = "{0}-0123456789abcdef0123456789abcd"\n'
        tables = "".join(table.format(name) for name in names)
        address = "http://127.0.0.1:1"
        path, environ = configuration(tmp_path, "unix:///nowhere", address, address, backend=tables)
        return resolve(read(path, environ)).nonce_secret

    assert secret("a", "b") == secret("b", "a")
    assert len({secret(), secret("a"), secret("b"), secret("a", "b")}) == 4


async def test_redis_away(service, valkey):
    holder = await Holder.signed_in(service)
    assert (await holder.send()).status_code == 200
    valkey.kill()
    for method, path in (("POST", "/chat"), ("GET", "/sessions")):
        async with promptly(0.3):
            answer = await holder.send(method, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
        assert answer.headers.get_list("dpop-nonce") == [holder.nonce]
        assert "www-authenticate" not in answer.headers
    # The checks that need no Redis are still made.
    await holder.refused(NONCE, holder.proof(nonce=None))
    assert len(service.backend.received) == 1


async def test_a_full_or_read_only_server_lets_no_proof_through(service):
    holder = await Holder.signed_in(service)
    assert (await holder.send()).status_code == 200
    for trouble, mend in (
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ):
        await service.store.run(command(*trouble))
        for method, path in (("POST", "/chat"), ("GET", "/sessions")):
            assert (await holder.send(method, path)).status_code == 503
        await service.store.run(command(*mend))

        async def is_back():
            return (await holder.send("GET", "/sessions")).status_code == 200

        await until(is_back, 3)
    assert len(service.backend.received) == 1
    assert await spent(service) == (1, 0)


@pytest.mark.parametrize(("revoked", "whole", "narrowed"), [("root", 401, 401), ("root.rest", 200, 401)])
async def test_a_token_falls_with_the_one_that_it_was_narrowed_down_from(service, revoked, whole, narrowed):
    await service.sign_in()
    tokens = {jti: token(jti=jti) for jti in ("root", "root.rest", "root.other", "rootless", "rest")}
    for one in tokens.values():
        assert (await service.ask(one)).status_code == 200
    await service.store.run(command("SET", liveness.revoked_token(SUB, revoked), "1"))
    expected = {"root": whole, "root.rest": narrowed, "root.other": whole, "rootless": 200, "rest": 200}
    for jti, status in expected.items():
        assert (await service.ask(tokens[jti])).status_code == status, jti
        headers = service.headers(tokens[jti])
        assert (await service.client.get("/sessions", headers=headers)).status_code == status, jti


@pytest.mark.parametrize("by", ["message", "renewal"])
async def test_its_running_answer_falls_too(service, by):
    service.backend.behaviour = talk
    await service.sign_in()
    async with contextlib.AsyncExitStack() as streams:
        narrowed, other = [
            await streams.enter_async_context(begun(service, token(jti=jti)))
            for jti in ("root.rest", "other.rest")
        ]
        await service.store.run(command("SET", liveness.revoked_token(SUB, "root"), "1"))
        if by == "message":
            await service.store.run(command("PUBLISH", liveness.REVOKED_CHANNEL, f"{SUB} jti:root"))
        within = 0.5 if by == "message" else renewal.EVERY + 1
        assert (await last_event(narrowed, within))[1]["code"] == "session_ended"
        with pytest.raises(TimeoutError):
            await last_event(other, 0.2)


async def test_a_streams_nonce_is_in_its_head_and_no_renewal_shows_its_proof_again(service):
    service.backend.behaviour = talk
    holder = await Holder.signed_in(service)
    headers = {"Authorization": f"DPoP {holder.token}", "DPoP": holder.proof(), "Accept": "text/event-stream"}
    async with service.client.stream("POST", "/chat", json={"message": "x"}, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers.get_list("dpop-nonce") == [holder.nonce]
        with pytest.raises(TimeoutError):
            await last_event(Stream(answer), renewal.EVERY + 1)


async def test_a_page_may_send_a_proof_and_read_its_nonce(service):
    headers = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,dpop",
    }
    answer = await service.client.options("/chat", headers=headers)
    assert answer.status_code == 204
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "dpop"} <= set(allowed)
    assert "DPoP-Nonce" in answer.headers["access-control-expose-headers"]


async def test_the_metadata_says_what_is_taken(service):
    path = "/.well-known/oauth-protected-resource"
    answer = await service.client.get(path, headers={"Origin": SITE, "Host": "evil.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == SITE
    assert answer.json() == {
        "resource": AUDIENCE,
        "authorization_servers": ["http://127.0.0.1:8000"],
        "scopes_supported": ["chat", "history"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519"],
    }
