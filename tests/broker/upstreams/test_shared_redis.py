"""A site's own Better Auth sessions, by the Redis that its server shares with us: readers sign in and
out at a real server, and ask here."""

import asyncio

import pytest

from edge.redis.client import command
from tests.broker.upstreams.stack import standing
from tests.broker.upstreams.theirs import SECRET

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

MATRIX = [
    f"redis{version}{stored}{cached}"
    for version in ("", ", 1.6")
    for stored, cached in (("", ""), (", stored", ""), ("", ", cached"))
] + ["redis, stored, cached"]
EACH = pytest.mark.parametrize("visitor", MATRIX, indirect=True)
PLAIN = pytest.mark.parametrize("visitor", ["redis"], indirect=True)


@pytest.fixture
async def stack(redis, table, tmp_path, renew_every):
    table += f'secrets = ["a newer one of theirs", "{SECRET}"]\n'
    async with standing(redis, tmp_path, table, renew_every=renew_every) as stack:
        yield stack


@EACH
async def test_a_session_there_asks_here_until_it_ends_there(visitor, stack):
    ada = await visitor()
    user = (await ada.sign_up())["user"]
    reader = await stack.exchanged(await ada.token())
    claims = reader.claims
    assert claims["cnf"]["jkt"] == reader.site.key.jkt
    assert reader.tokens["issued_token_type"].endswith(":access_token")
    assert reader.tokens["token_type"] == "DPoP"
    # Nothing of theirs is in the token, nor in any key of ours.
    token = await ada.token()
    assert user["id"] not in str(claims)
    assert token not in str(claims)
    for _ in range(2):
        answer = await reader.ask()
        assert answer.status_code == 200, answer.text
    assert (await reader.refresh()).status_code == 200
    record = await stack.service.store.run(command("HGETALL", f"cg:{{{claims['sub']}}}:s:{claims['sid']}"))
    assert token not in str(record)
    assert user["id"] not in str(record)

    await ada.post("/sign-out")
    answer = await reader.ask()
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert (await reader.ask("GET", "/sessions")).status_code == 401
    refused = await reader.refresh()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    await stack.refused(token)
    # The refused question took no place and no question of the reader's.
    assert await stack.service.holds_nothing(claims["sub"])


@PLAIN
async def test_a_question_of_a_worker_that_never_saw_the_session_is_refused_too(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    reader = await stack.exchanged(await ada.token())
    await ada.post("/sign-out")
    assert (await reader.ask()).status_code == 401


@EACH
@pytest.mark.parametrize("renew_every", [0.1])
async def test_a_running_answer_ends_with_the_session_there(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    reader = await stack.exchanged(await ada.token())
    async with asyncio.timeout(10):
        asking = await stack.begun(reader)
        await ada.post("/sign-out")
        assert "session_ended" in (await asking).text


@PLAIN
async def test_an_anonymous_user_is_a_guest_here(visitor, stack):
    someone = await visitor()
    token = (await someone.post("/sign-in/anonymous"))["token"]
    reader = await stack.exchanged(token)
    claims = reader.claims
    assert claims["tier"] == "guest"
    assert (await reader.ask()).status_code == 200
    await someone.post("/sign-out")
    assert (await reader.ask()).status_code == 401


@PLAIN
async def test_a_session_for_a_day_or_with_a_new_expiry_goes_on(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    token = (await ada.sign_in(rememberMe=False))["token"]
    reader = await stack.exchanged(token)
    # Better Auth slides it to seven days at the first bearer request without its cookies.
    bare = await visitor()
    await bare.http.get("/get-session", headers={"Authorization": f"Bearer {token}"})
    assert (await reader.ask()).status_code == 200
