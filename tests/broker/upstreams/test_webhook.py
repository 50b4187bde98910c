"""A Better Auth server that tells of a sign-out ends the sessions here at once, whatever was remembered."""

import asyncio
import base64
import hmac
import json
import time
from typing import Any

import pytest

from broker.oauth.grants import better_auth
from broker.upstreams.upstreams import subject
from edge.redis.client import command
from tests.broker.upstreams.stack import exchange, standing
from tests.broker.upstreams.theirs import PASSWORD
from tests.broker.upstreams.webhooks import HOOKED, WEBHOOK, WEBHOOK_SECRET
from tokens import liveness

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

HOOKS = pytest.mark.parametrize("visitor", HOOKED, indirect=True)
USER, SESSION = "u" * 32, "s" * 32


class Receiver:
    """The port that a server posts to; each message is passed on to the broker and kept with the answer."""

    def __init__(self, page):
        self.page = page
        self.answers: asyncio.Queue[Any] = asyncio.Queue()

    async def __call__(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}
        body = await reader.readexactly(int(headers["content-length"]))
        sent = {
            name: value for name, value in headers.items() if name.startswith(("webhook", "content-type"))
        }
        answer = await self.page.post(line.split(" ")[1], content=body, headers=sent)
        writer.write(
            f"HTTP/1.1 {answer.status_code} OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()
        self.answers.put_nowait(answer.status_code)


@pytest.fixture
async def stack(request, redis, theirs, table, tmp_path, renew_every):
    name = request.node.callspec.params["visitor"]
    table += f'webhook_secret = "{WEBHOOK_SECRET}"\n'
    if not name.startswith(("jwt", "redis")):
        table += "remember_seconds = 60\n"
    async with standing(redis, tmp_path, table, renew_every=renew_every) as stack:
        stack.receiver = Receiver(stack.make().page)
        stack.is_of_jwts = name.startswith("jwt")
        async with await asyncio.start_server(stack.receiver, "127.0.0.1", theirs[2][name]):
            yield stack


async def told(stack, count=1):
    async with asyncio.timeout(10):
        assert [await stack.receiver.answers.get() for _ in range(count)] == [204] * count


@pytest.mark.parametrize("visitor", ["postgres"], indirect=True)
async def test_a_database_that_is_remembered(visitor, stack):
    ada, other = await visitor(), await visitor()
    await ada.sign_up()
    await other.sign_in(ada.email)
    readers = [await stack.exchanged(await one.token()) for one in (ada, other)]
    for reader in readers:
        assert (await reader.ask()).status_code == 200
    await ada.post("/sign-out")
    await told(stack)
    # The other device goes on, until all are ended.
    assert [(await one.ask()).status_code for one in readers] == [401, 200]
    await ada.sign_in()
    again = await stack.exchanged(await ada.token())
    await other.post("/revoke-sessions")
    await told(stack, 2)
    assert [(await one.ask()).status_code for one in (again, readers[1])] == [401, 401]


@pytest.mark.parametrize("visitor", ["jwt"], indirect=True)
async def test_a_jwt_that_is_still_good(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    token = (await ada.http.get("/token")).json()["token"]
    site = stack.make()
    reader = stack.reader(site, (await exchange(site, token, better_auth.JWT)).json())
    assert (await reader.ask()).status_code == 200
    await ada.post("/sign-out")
    await told(stack)
    assert (await reader.ask()).status_code == 401
    # Nor does the JWT open another session.
    assert (await exchange(stack.make(), token, better_auth.JWT)).status_code == 400


@pytest.mark.parametrize("visitor", ["redis, 1.6, stored"], indirect=True)
async def test_a_list_of_1_6_that_is_lost(visitor, stack):
    """The database names every session, so that each ends here, until its token is exchanged again: Better
    Auth goes on finding it in Redis."""
    ada, other = await visitor(), await visitor()
    user = (await ada.sign_up())["user"]
    await other.sign_in(ada.email)
    token = await other.token()
    readers = [await stack.exchanged(one) for one in (await ada.token(), token)]
    await stack.service.store.run(command("DEL", f"oldst:active-sessions-{user['id']}"))
    await ada.post("/revoke-sessions")
    await told(stack, 2)
    assert [(await one.ask()).status_code for one in readers] == [401, 401]
    assert (await (await stack.exchanged(token)).ask()).status_code == 200


# No look while the test runs, so that only the message ends the answer.
@pytest.mark.parametrize("renew_every", [60])
@HOOKS
async def test_a_running_answer_ends_at_once(visitor, stack):
    ada = await visitor()
    await ada.sign_up()
    reader = await exchanged(stack, ada)
    async with asyncio.timeout(5):
        asking = await stack.begun(reader)
        await ada.post("/sign-out")
        assert "session_ended" in (await asking).text
    await told(stack)


@HOOKS
async def test_a_ban_a_deletion_and_a_new_password_are_told(visitor, stack):
    admin = await visitor()
    await admin.sign_up("admin")
    eve, bob, ann = [await visitor() for _ in range(3)]
    user = (await eve.sign_up())["user"]
    await bob.sign_up()
    await ann.sign_up()
    readers = [await exchanged(stack, one) for one in (eve, bob, ann)]
    assert [(await one.ask()).status_code for one in readers] == [200, 200, 200]
    await admin.post("/admin/ban-user", {"userId": user["id"]})
    await bob.post("/delete-user", {"password": PASSWORD})
    change = {"currentPassword": PASSWORD, "newPassword": PASSWORD[::-1], "revokeOtherSessions": True}
    await ann.post("/change-password", change)
    # Where the version marks the end of all sessions, a storage tells it beside the end of each.
    await told(stack, 3)
    assert [(await one.ask()).status_code for one in readers] == [401, 401, 401]


async def exchanged(stack, one):
    """A reader by the session, or by a JWT, of a user who has signed in there."""
    if not stack.is_of_jwts:
        return await stack.exchanged(await one.token())
    site = stack.make()
    token = (await one.http.get("/token")).json()["token"]
    return stack.reader(site, (await exchange(site, token, better_auth.JWT)).json())


def signed(body, *, secret=WEBHOOK_SECRET, at=None, name="one"):
    at = str(int(time.time()) if at is None else at)
    mac = hmac.digest(secret.encode(), f"{name}.{at}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": signature}


@pytest.mark.parametrize("visitor", ["postgres"], indirect=True)
async def test_only_a_signed_and_timely_message_is_taken(visitor, stack):
    page = stack.make().page
    body = json.dumps({"user_id": USER, "session_id": SESSION}).encode()
    now = int(time.time())
    good = signed(body)
    rotated = good | {"webhook-signature": f"v1,{'A' * 43}= {good['webhook-signature']}"}
    cases = [
        (good, body, 204),
        (rotated, body, 204),
        (signed(b'{"user_id":"7"}'), b'{"user_id":"7"}', 204),
        ({}, body, 401),
        (signed(body, secret="another secret of the tests, as long as it"), body, 401),
        (signed(body, at=now - 301), body, 401),
        (signed(body, at=now + 400), body, 401),
        (signed(body, at="now"), body, 401),
        (good | {"webhook-id": "two"}, body, 401),
        (good | {"webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, body, 401),
        (good, body + b" ", 401),
    ]
    wrong = [b"{", b"[]", b"{}", b'{"user_id":7}', b'{"user_id":"a b"}', b'{"user_id":"a","more":1}']
    cases += [(signed(one), one, 422) for one in wrong]
    for headers, sent, status in cases:
        answer = await page.post(WEBHOOK, content=sent, headers=headers)
        assert answer.status_code == status, (headers, sent, answer.text)
    assert (await page.post("/webhooks/better-auth/other", content=body, headers=good)).status_code == 404
    large = b'{"user_id":"%s"}' % (b"a" * 2000)
    assert (await page.post(WEBHOOK, content=large, headers=signed(large))).status_code == 413


@pytest.mark.parametrize("visitor", ["http"], indirect=True)
async def test_an_end_that_is_told_during_an_exchange_ends_it(behind, visitor, redis, tmp_path):
    ada = await visitor()
    user = (await ada.sign_up())["user"]
    session = await ada.session()
    between = await behind("http")
    table = f'upstream = "http"\nurl = "{between.url}"\nwebhook_secret = "{WEBHOOK_SECRET}"\n'
    async with standing(redis, tmp_path, table) as stack:
        page = stack.make().page

        async def sign_out():
            await ada.post("/sign-out")
            body = json.dumps({"user_id": user["id"], "session_id": session["id"]}).encode()
            assert (await page.post(WEBHOOK, content=body, headers=signed(body))).status_code == 204

        between.meanwhile = sign_out
        await stack.refused(session["token"])
        # The session that was made meanwhile is gone.
        [left] = await stack.service.store.run(
            command("ZCARD", liveness.sessions(subject("docs", user["id"])))
        )
        assert left == 0
