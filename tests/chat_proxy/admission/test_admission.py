"""Questions are admitted for living sessions, from pages of their own site."""

import time

import pytest

from edge.redis.client import command
from tests.chat_proxy.configuration import OTHER_SITE, SITE
from tests.chat_proxy.service import running
from tests.chat_proxy.tokens import SUB, token
from tokens import liveness


async def test_without_a_session_a_token_opens_nothing(service):
    answer = await service.ask(token())
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert service.backend.received == []


async def test_a_revoked_session_never_asks_again(service):
    for attempt in range(100):
        bearer = await service.sign_in(f"s{attempt}")
        assert (await service.ask(bearer)).status_code == 200
        await service.sign_out(f"s{attempt}")
        assert (await service.ask(bearer)).status_code == 401


@pytest.mark.parametrize("field", ["client", "tier"])
async def test_the_session_has_to_be_what_the_token_says(service, field):
    bearer = await service.sign_in()
    await service.store.run(command("HSET", liveness.session(SUB, "s1"), field, "other"))
    assert (await service.ask(bearer)).status_code == 401


async def test_a_token_revoked_on_its_own_leaves_the_session_its_others(service):
    bearer = await service.sign_in()
    await service.store.run(command("SET", liveness.revoked_token(SUB, "Zk1f8oQm"), "1"))
    assert (await service.ask(bearer)).status_code == 401
    assert (await service.ask(token(jti="another"))).status_code == 200


@pytest.mark.parametrize("name", ["all", "client:docs"])
async def test_a_session_is_dead_at_and_before_a_cut(service, name):
    bearer = await service.sign_in()
    [created] = await service.store.run(command("HGET", liveness.session(SUB, "s1"), "created_at"))
    await service.cut(**{name: int(created) - 1})
    assert (await service.ask(bearer)).status_code == 200
    await service.cut(**{name: int(created)})
    assert (await service.ask(bearer)).status_code == 401


async def test_another_clients_cut_changes_nothing(service):
    bearer = await service.sign_in()
    await service.cut(**{"client:other": int(time.time() * 1000) + 10_000})
    assert (await service.ask(bearer)).status_code == 200


@pytest.mark.parametrize("missing", ["all", "kids"])
async def test_no_session_is_judged_without_the_cuts(service, missing):
    bearer = await service.sign_in()
    await service.store.run(command("HDEL", liveness.CUT, missing))
    answer = await service.ask(bearer)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"]
    assert (await service.client.get("/readyz")).status_code == 503
    assert (await service.client.get("/healthz")).status_code == 200


# Security row 22, and the client's own origins.
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (SITE, 200),
        (OTHER_SITE, 403),
        ("null", 403),
        ("https://evil.example", 403),
        (SITE + ".evil.example", 403),
        (SITE + ":443", 403),
        (SITE.replace("https", "http"), 403),
        (SITE.upper(), 403),
    ],
)
async def test_a_page_asks_for_its_own_site_only(service, origin, status):
    bearer = await service.sign_in()
    headers = {**service.headers(bearer), "Origin": origin}
    answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
    assert answer.status_code == status
    allowed = origin if origin in (SITE, OTHER_SITE) else None
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert "Origin" in answer.headers["vary"]
    assert len(service.backend.received) == (status == 200)
    listed = await service.client.get("/sessions", headers=headers)
    assert listed.status_code == status


async def test_without_tokens_there_is_one_local_reader(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 2\nconcurrent = 1\ndaily_questions = 20\n"
    async with running(valkey, tmp_path, proxy='auth = "none"', tiers={"guest": limits}) as service:
        await service.store.run(command("DEL", liveness.CUT))
        for status in (200, 200, 429):
            answer = await service.client.post("/chat", json={"message": "x", "session_id": "c"})
            assert answer.status_code == status
        assert (await service.client.get("/sessions/c")).status_code == 200
        assert (await service.ask("garbage")).status_code == 401
        headers = {"Authorization": "Basic dTpw"}
        assert (await service.client.get("/sessions", headers=headers)).status_code == 401
        assert (await service.client.get("/readyz")).status_code == 200
