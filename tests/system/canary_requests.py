"""Requests with canaries: each kind that succeeds, and each kind that is refused or fails."""

import asyncio
import base64
import contextlib
import json
from collections.abc import Coroutine
from typing import Any

import httpx
import redis

from tests.chat_proxy.fake_backend import Peer
from tests.oauth import SESSION_TOKEN, Key, oauth_site
from tests.system.canaries import ANSWER, CALLBACK, EMAIL, JUNK, MESSAGE, PASSWORD, SELECTION, World
from tests.system.readers import claims_of


async def raw(url: str, request: bytes) -> str:
    """The answer of a server to bytes that are no good request."""
    parts = httpx.URL(url)
    reader, writer = await asyncio.open_connection(parts.host, parts.port)
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            return (await reader.read()).decode()
    finally:
        # close() would wait to send what the server does not read.
        writer.transport.abort()


async def sign_in(world: World, http: httpx.AsyncClient) -> dict[str, str]:
    """The reader's raw session token, access token and subject."""
    auth = f"{world.stack.broker}/api/auth"
    account = {"email": EMAIL, "password": PASSWORD}
    answer = await http.post(f"{auth}/sign-up/email", json=account | {"name": "canary-name"})
    assert answer.status_code == 200, answer.text
    answer = await http.post(f"{auth}/sign-in/email", json=account)
    session = world.secret(answer.json()["token"])
    for cookie in http.cookies.jar:
        assert cookie.value is not None
        world.secret(cookie.value)
    token = world.secret((await http.get(f"{world.stack.broker}/auth/token")).json()["token"])
    return {"session": session, "token": token, "sub": claims_of(token)["sub"]}


async def ask(world: World, http: httpx.AsyncClient, reader: dict[str, str]) -> None:
    async def answer(peer: Peer) -> None:
        world.secret(peer.received.headers["authorization"].split()[1])
        world.handed_on.add(peer.received.headers["traceparent"].split("-")[1])
        if "event-stream" in peer.received.headers["accept"]:
            await peer.head()
            await peer.event("delta", text=ANSWER)
            await peer.event("done")
            await peer.end()
        else:
            await peer.document({"response": ANSWER, "citations": []})

    world.backend.behaviour = answer
    for accept in ("application/json", "text/event-stream"):
        found = await question(world, http, reader["token"], accept=accept)
        assert found.status_code == 200
        assert ANSWER in found.text


def question(
    world: World,
    http: httpx.AsyncClient,
    token: str,
    *,
    accept: str = "application/json",
    headers: dict[str, str] | None = None,
    **changes: str,
) -> Coroutine[Any, Any, httpx.Response]:
    body = {"message": MESSAGE, "selected_text": SELECTION, "session_id": "canary-talk"} | changes
    sent = {"Authorization": f"Bearer {token}", "Accept": accept} | (headers or {})
    return http.post(f"{world.stack.proxy}/chat?canary=query", json=body, headers=sent)


async def oauth(world: World, reader: dict[str, str]) -> None:
    """Tokens that are bound to a key, each way of getting one, and each of them misused."""
    key = Key()
    async with oauth_site(world.stack.broker, "docs", CALLBACK, key) as site:
        for client in (site.page, site.window):
            client.event_hooks["response"].append(world.keep)
        world.secret(site.verifier)
        code = world.secret(await site.code(EMAIL, PASSWORD, state="canary-state"))
        tokens = (await site.redeem(code)).json()
        access, refresh = world.secret(tokens["access_token"]), world.secret(tokens["refresh_token"])
        proof = world.secret(key.proof("POST", f"{world.stack.proxy}/chat", access_token=access))
        bound = {"Authorization": f"DPoP {access}", "DPoP": proof}
        refused = await question(world, site.page, "", headers=bound)
        nonce = refused.headers["dpop-nonce"]
        proof = key.proof("POST", f"{world.stack.proxy}/chat", nonce=nonce, access_token=access)
        bound["DPoP"] = world.secret(proof)
        assert (await question(world, site.page, "", headers=bound)).status_code == 200
        assert (await question(world, site.page, "", headers=bound)).status_code == 401
        exchanged = await site.exchange(reader["session"], SESSION_TOKEN)
        world.secret(exchanged.json().get("access_token", ""))
        fresh = (await site.refresh(refresh)).json()
        world.secret(fresh["access_token"])
        world.secret(fresh["refresh_token"])
        for misuse in (
            site.redeem(code),
            site.refresh(refresh),
            site.redeem(JUNK, code_verifier="canary-verifier" * 4),
            site.redeem(await site.code(EMAIL, PASSWORD), code_verifier="canary-verifier" * 4),
            site.refresh(f"{refresh}{JUNK}"),
            site.exchange(JUNK),
            site.token(grant_type=JUNK),
            site.send(grant_type="refresh_token", refresh_token=JUNK, proof=f"{proof}{JUNK}"),
            site.authorize(redirect_uri=f"https://{JUNK}.example"),
            site.post_form("", {"email": EMAIL, "password": f"{PASSWORD}-wrong"}),
        ):
            # Some are a redirect that says so, or the form once more.
            assert (await misuse).status_code != 500


async def refuse_at_the_broker(world: World, http: httpx.AsyncClient) -> None:
    broker = world.stack.broker
    auth = f"{broker}/api/auth"
    wrong = {"email": EMAIL, "password": f"{PASSWORD}-wrong"}
    as_text = {"Content-Type": "text/canary"}
    foreign = {"Origin": "https://canary.example"}
    sent = [
        http.post(f"{auth}/sign-in/email", json=wrong),
        http.post(f"{auth}/sign-in/email", json={"email": JUNK, "password": JUNK}),
        http.post(f"{auth}/sign-in/email", content=b'{"canary-key": '),
        http.post(f"{auth}/sign-in/email", content=b"canary", headers=as_text),
        http.post(f"{auth}/sign-in/email", json=wrong, headers=foreign),
        http.post(f"{auth}/sign-in/email", content=b"canary" * 20_000),
        http.post(f"{auth}/sign-up/email", json={"email": EMAIL, "password": PASSWORD, "name": "canary"}),
        http.post(f"{auth}/sign-up/email", json={"email": f"x{EMAIL}", "password": "canary", "name": "c"}),
        http.get(f"{auth}/canary-path?canary=query"),
        http.get(f"{broker}/canary-path?canary=query"),
        http.delete(f"{broker}/auth/token?canary=query"),
        http.post(f"{broker}/oauth2/introspect", data={"token": JUNK}, auth=("gateway", JUNK)),
        http.post(f"{broker}/oauth2/token", content=b"canary", headers=as_text),
    ]
    for answer in await asyncio.gather(*sent):
        assert 400 <= answer.status_code < 500, (answer.request.url, answer.status_code)
    async with world.client() as nobody:
        for headers in ({"Authorization": f"Bearer {JUNK}"}, {"Cookie": f"better-auth.session_token={JUNK}"}):
            assert (await nobody.get(f"{broker}/auth/token", headers=headers)).status_code == 401


async def refuse_at_the_proxy(world: World, http: httpx.AsyncClient, reader: dict[str, str]) -> None:
    proxy, token = world.stack.proxy, reader["token"]
    good = {"Authorization": f"Bearer {token}"}
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "canary"}).encode()).decode()
    sent = [
        question(world, http, JUNK),
        question(world, http, f"{token}{JUNK}"),
        question(world, http, f"{header.rstrip('=')}.{'.'.join(token.split('.')[1:])}"),
        question(world, http, token, headers={"Origin": "https://canary.example"}),
        question(world, http, token, message=""),
        question(world, http, token, message="canary" * 1000),
        question(world, http, token, session_id="canary id"),
        question(world, http, token, mode="canary-mode"),
        question(world, http, token, selected_text="canary" * 50_000),
        http.post(
            f"{proxy}/chat", content=b'{"canary": ', headers=good | {"Content-Type": "application/json"}
        ),
        http.post(f"{proxy}/chat", content=b"canary", headers=good | {"Content-Type": "text/canary"}),
        http.get(f"{proxy}/sessions/canary%20id", headers=good),
        http.get(f"{proxy}/sessions/canary-unknown", headers=good),
        http.get(f"{proxy}/canary-path?canary=query"),
        http.put(f"{proxy}/chat?canary=query", content=b"canary"),
    ]
    for answer in await asyncio.gather(*sent):
        assert 400 <= answer.status_code < 500, (answer.request.url, answer.status_code)


async def refuse_at_the_doors(world: World) -> None:
    for url in (world.stack.broker, world.stack.proxy):
        for request in (
            b"GET /canary HTTP/1.1\r\nHost: x\r\nHost: canary\r\n\r\n",
            b"CANARY\r\n\r\n",
            b"GET /?canary HTTP/1.1\r\nHost: x\r\nCookie: " + b"canary" * 4000 + b"\r\n\r\n",
        ):
            said = await raw(url, request)
            world.refusals.append((int(said.split(" ", 2)[1]), said))


async def fail_inside(world: World, http: httpx.AsyncClient, reader: dict[str, str]) -> None:
    """A backend that fails in each way, and a defect of ours."""

    async def refuse(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 500 canary\r\nX-Canary: canary\r\nContent-Length: 6\r\n\r\ncanary")

    async def babble(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\nX: canary\0\r\n\r\n")
        peer.writer.close()

    async def be_silent(peer: Peer) -> None:
        await peer.gone()

    async def tear(peer: Peer) -> None:
        await peer.head()
        await peer.event("delta", text=ANSWER)
        peer.writer.transport.abort()

    async def say_so(peer: Peer) -> None:
        await peer.head()
        await peer.event("error", code="model_failed", message="canary")
        await peer.end()

    for behaviour in (refuse, babble, be_silent, tear, say_so):
        world.backend.behaviour = behaviour
        for accept in ("application/json", "text/event-stream"):
            with contextlib.suppress(httpx.RemoteProtocolError):
                await question(world, http, reader["token"], accept=accept)
    await meet_a_defect(world, http, reader)


async def meet_a_defect(world: World, http: httpx.AsyncClient, reader: dict[str, str]) -> None:
    """Keys of another kind than the scripts expect."""
    owner = f"cg:{{{reader['sub']}}}"
    with redis.Redis.from_url(world.stack.valkey.url) as store:
        for name in ("at:docs:leases", "at:docs:cs", "at:docs:c:canary-talk", "sids"):
            store.delete(f"{owner}:{name}")
            store.set(f"{owner}:{name}", "of another kind")
        assert (await question(world, http, reader["token"])).status_code == 500
        good = {"Authorization": f"Bearer {reader['token']}"}
        for path in ("/sessions", "/sessions/canary-talk"):
            assert (await http.get(f"{world.stack.proxy}{path}", headers=good)).status_code == 500
        account = {"email": EMAIL, "password": PASSWORD}
        answer = await http.post(f"{world.stack.broker}/api/auth/sign-in/email", json=account)
        assert answer.status_code == 500, answer.text
        for name in ("at:docs:leases", "at:docs:cs", "at:docs:c:canary-talk", "sids"):
            store.delete(f"{owner}:{name}")


async def refuse_without_redis(world: World, http: httpx.AsyncClient, reader: dict[str, str]) -> None:
    broker, proxy = world.stack.broker, world.stack.proxy
    good = {"Authorization": f"Bearer {reader['token']}"}
    account = {"email": EMAIL, "password": PASSWORD}
    refresh = {"grant_type": "refresh_token", "refresh_token": JUNK, "client_id": "docs"}
    for answer in (
        await question(world, http, reader["token"]),
        await http.get(f"{proxy}/sessions/canary-talk", headers=good),
        await http.get(f"{broker}/auth/token"),
        await http.post(f"{broker}/api/auth/sign-in/email", json=account),
        await http.post(f"{broker}/oauth2/token", data=refresh),
    ):
        # A refresh token that is none is refused without a look.
        assert answer.status_code in (400, 503), (answer.request.url, answer.status_code)
