"""A Better Auth server, or its Redis, that gives no sure answer: 503, no reader let in, none signed out."""

import asyncio
import json
import signal
import time

import pytest

from chat_proxy.streams.leases import TRUSTED
from edge.redis.client import Store, command
from edge.upstreams.failures import LOG_EVERY
from tests.broker.upstreams.between import ANSWERS, answer_of
from tests.broker.upstreams.doubts import eventually, sure, unsure
from tests.broker.upstreams.stack import NOW, exchange, standing
from tests.broker.upstreams.theirs import NEXT_SECRET, SECRET, visiting
from tests.chat_proxy.waiting import until
from tests.processes import valkey_server
from tests.valkey import PATIENT_S

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_a_server_that_answers_no_session(behind, visitor, redis, tmp_path, capsys):
    ada = await visitor()
    await ada.sign_up()
    between = await behind("http")
    table = f'upstream = "http"\nurl = "{between.url}"\ntimeout_seconds = 1\n{NOW}'
    async with standing(redis, tmp_path, table) as stack:
        token = await ada.token()
        reader = await stack.exchanged(token)
        await sure(reader)
        for behaviour in ("slow", *ANSWERS):
            between.behaviour = behaviour
            await unsure(stack, reader, token, capsys, ".url")
            between.behaviour = None
            await sure(reader)


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_a_good_session_goes_on_for_the_stated_time(behind, visitor, redis, tmp_path):
    ada = await visitor()
    await ada.sign_up()
    between = await behind("http")
    table = f'upstream = "http"\nurl = "{between.url}"\nremember_seconds = 60\n'
    async with standing(redis, tmp_path, table) as stack:
        reader = await stack.exchanged(await ada.token())
        before = between.asked
        answers = await asyncio.gather(*(reader.ask() for _ in range(8)))
        assert {one.status_code for one in answers} == {200}
        # Eight questions at once were one to the server, and its answer counts for a while.
        assert between.asked == before + 1
        between.behaviour = "html"
        assert (await reader.ask()).status_code == 200
        # A reader who is not known yet is not let in.
        assert (await exchange(stack.make(), await ada.token())).status_code == 503
        stack.clock.ahead += 59
        assert (await reader.ask()).status_code == 200
        stack.clock.ahead += 1
        assert (await reader.ask()).status_code == 503
        between.behaviour = None
        await sure(reader)


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_a_running_answer_outlives_a_failing_server_for_a_while(behind, visitor, redis, tmp_path):
    ada = await visitor()
    await ada.sign_up()
    between = await behind("http")
    table = f'upstream = "http"\nurl = "{between.url}"\n{NOW}'

    async def looked_at(times):
        most = between.asked + times

        async def is_asked():
            return between.asked >= most

        await until(is_asked, 10)

    async with standing(redis, tmp_path, table, renew_every=0.1) as stack:
        reader = await stack.exchanged(await ada.token())
        asking = await stack.begun(reader)
        for _ in range(2):
            between.behaviour = "html"
            await looked_at(2)
            stack.clock.ahead += TRUSTED - 3
            # In this time answers without a recent look were searched for.
            await looked_at(8)
            assert not asking.done()
            between.behaviour = None
            await looked_at(2)
        between.behaviour = "html"
        await looked_at(2)
        stack.clock.ahead += TRUSTED
        assert "temporarily_unavailable" in (await asyncio.wait_for(asking, 10)).text
        between.behaviour = None
        assert (await reader.refresh()).status_code == 200
        assert (await reader.ask("GET", "/sessions")).status_code == 200


@pytest.mark.parametrize("visitor", ["http, cookie"], indirect=True)
@pytest.mark.parametrize("secrets", ["", 'secrets = ["a wrong one"]\n'], ids=["none", "wrong"])
async def test_a_server_that_takes_nothing_that_it_is_sent(visitor, table, secrets, redis, tmp_path, capsys):
    """It lacks the `bearer` plugin, and its secret is another one."""
    ada = await visitor()
    await ada.sign_up()
    async with standing(redis, tmp_path, table + secrets + NOW) as stack:
        await stack.refused(await ada.token(), 503)
        assert "took neither the bearer nor the cookie" in "".join(capsys.readouterr())


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_a_server_that_takes_nothing_any_more(behind, visitor, redis, tmp_path, capsys, monkeypatch):
    """Its `null` comes as for a token that it did not take, without the end of its cookie. The cookies of a
    balancer before it say nothing."""
    more = "Set-Cookie: node=1; Path=/\r\nSet-Cookie: seen=; Max-Age=0; Path=/\r\n"
    monkeypatch.setitem(ANSWERS, "not taken", answer_of(b"null", more=more))
    ada, bob = await visitor(), await visitor()
    await ada.sign_up()
    await bob.sign_up()
    between = await behind("http")
    async with standing(redis, tmp_path, f'upstream = "http"\nurl = "{between.url}"\n{NOW}') as stack:
        token = await ada.token()
        reader, other = await stack.exchanged(token), await stack.exchanged(await bob.token())
        await sure(reader)
        await bob.post("/sign-out")
        assert (await other.ask()).status_code == 401
        assert (await other.refresh()).json()["error"] == "invalid_grant"
        between.behaviour = "not taken"
        await unsure(stack, reader, token, capsys, ".url")
        between.behaviour = None
        await sure(reader)


@pytest.mark.parametrize("visitor", ["http, before"], indirect=True)
@pytest.mark.parametrize("secrets", [(SECRET, NEXT_SECRET), (NEXT_SECRET, SECRET)], ids=["last", "first"])
async def test_a_server_takes_another_secret_that_is_listed(
    behind, visitor, secrets, theirs, redis, tmp_path
):
    """It lacks the `bearer` plugin, so the signed cookie alone names a session there."""
    ada, bob = await visitor(), await visitor()
    await ada.sign_up()
    await bob.sign_up()
    between = await behind("http, before")
    table = f'upstream = "http"\nurl = "{between.url}"\nsecrets = {list(secrets)}\n{NOW}'
    async with standing(redis, tmp_path, table) as stack, visiting(theirs[0]["http, rotated"]) as after:
        reader, other = [await stack.exchanged(await one.token()) for one in (ada, bob)]
        await sure(reader)
        await bob.post("/sign-out")
        assert (await other.refresh()).json()["error"] == "invalid_grant"
        between.move(theirs[0]["http, rotated"])
        await sure(reader)
        eve = await after()
        await eve.sign_up()
        other = await stack.exchanged(await eve.token())
        before = between.asked
        await sure(other)
        # The secret that it takes is known by now, so each question is one request.
        assert between.asked == before + 2
        await eve.post("/sign-out")
        assert (await other.ask()).status_code == 401
        await sure(reader)


@pytest.mark.parametrize("visitor", ["redis"], indirect=True)
async def test_a_redis_that_stands_still(visitor, redis, tmp_path, capsys):
    """The Better Auth server's own Redis, which is not ours."""
    ada = await visitor()
    await ada.sign_up()
    token = await ada.token()
    with valkey_server() as other:
        ours = Store(redis.url, time.monotonic, deadline=PATIENT_S)
        there = Store(other.url, time.monotonic, deadline=PATIENT_S)
        [record] = await ours.run(command("GET", f"better-auth:{token}"))
        await there.run(command("SET", f"mine:{token}", record))
        table = f'upstream = "redis"\nredis_url = "{other.url}"\nkey_prefix = "mine:"\n'
        async with standing(redis, tmp_path, table, redis_deadline=0.3) as stack:
            reader = await stack.exchanged(token)
            await sure(reader)
            assert other.process is not None
            other.process.send_signal(signal.SIGSTOP)
            try:
                await unsure(stack, reader, token, capsys, "")
            finally:
                other.process.send_signal(signal.SIGCONT)
            await eventually(reader)
            await there.run(command("SET", f"mine:{token}", "{"))
            await unsure(stack, reader, token, capsys, "")
            await there.run(command("SET", f"mine:{token}", record))
            await sure(reader)
            await there.run(command("SET", f"mine:revoked-sessions-before-{_user(record)}", "9999999999999"))
            assert (await reader.ask()).status_code == 401
            await there.run(command("DEL", f"mine:revoked-sessions-before-{_user(record)}"))
            await sure(reader)
            other.process.kill()
            other.process.wait()
            await unsure(stack, reader, token, capsys, "")
        await ours.close()
        await there.close()


@pytest.mark.parametrize("visitor", ["redis"], indirect=True)
async def test_our_own_redis_that_may_not_tell(visitor, redis, tmp_path, capsys):
    """Its user may use our keys alone. The question about the session travels with the admission."""
    ada = await visitor()
    await ada.sign_up()
    token = await ada.token()
    ours = Store(redis.url, time.monotonic, deadline=PATIENT_S)
    [record] = await ours.run(command("GET", f"better-auth:{token}"))
    await ours.close()
    with valkey_server() as other:
        async with standing(other, tmp_path, 'upstream = "redis"\n') as stack:
            there = stack.service.store
            await there.run(command("SET", f"better-auth:{token}", record))
            reader = await stack.exchanged(token)
            await sure(reader)
            await there.run(command("ACL", "SETUSER", "default", "resetkeys", "~cg:*"))
            capsys.readouterr()
            for answer in (await reader.ask(), await reader.ask("GET", "/sessions")):
                assert answer.status_code == 503
                assert answer.headers["retry-after"]
            text = "".join(capsys.readouterr())
            assert "better_auth_unavailable" in text
            assert "NoPermissionError" in text
            assert "sites.docs.better_auth" in text
            # The question that was refused gave its place back.
            assert await stack.service.holds_nothing(reader.claims["sub"])
            await unsure(stack, reader, token, capsys, "")
            await there.run(command("ACL", "SETUSER", "default", "%R~better-auth:*"))
            await sure(reader)


@pytest.mark.parametrize("visitor", ["redis", "postgres"], indirect=True)
async def test_a_signature_of_no_listed_secret_is_told(visitor, table, redis, tmp_path, capsys):
    ada = await visitor()
    await ada.sign_up()
    async with standing(redis, tmp_path, table + 'secrets = ["a wrong one"]\n') as stack:
        capsys.readouterr()
        for _ in range(3):
            await stack.refused(ada.cookie)
        text = "".join(capsys.readouterr())
        # A stranger can cause it any number of times.
        assert text.count("better_auth_signature_unknown") == 1
        assert "sites.docs.better_auth.secrets" in text
        assert await ada.token() not in text
        await stack.refused("no.token")
        stack.clock.ahead += LOG_EVERY
        await stack.refused("no.token")
        assert "better_auth" not in "".join(capsys.readouterr())


def _user(record):
    return json.loads(record)["session"]["userId"]
