"""Row 48: what must not be told goes through both services, in requests that succeed and in every kind that
fails; then none of it is in a log line, a metric, a trace, or an answer that refuses."""

import asyncio
import base64
import contextlib
import json
import signal
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import redis

from tests.chat_proxy.fake_backend import Backend
from tests.chatgate.processes import short_folder
from tests.collector import Collector, attributes_of, collecting
from tests.oauth import SESSION_TOKEN, Key, oauth_site
from tests.ports import free_ports
from tests.system.readers import claims_of
from tests.system.stack import PAGE, Stack
from tests.trust import TRUST

pytestmark = pytest.mark.system

CALLBACK = f"{PAGE}/signed-in"
BROKER_SECRET = "canary-broker-secret-0123456789abcdef"
BACKEND_SECRET = "canary-backend-secret-0123456789abcdef"
SERVER_SECRET = "canary-server-secret-0123456789abcdef"
TOML = f"""
env = "development"
[broker]
secret = "{BROKER_SECRET}"
[sites.docs]
origins = ["{PAGE}"]
redirect_uris = ["{CALLBACK}"]
backend = "book"
session_bearer = true
guests = true
[resource_servers.gateway]
secret = "{SERVER_SECRET}"
[backends.book]
url = "http://127.0.0.1:1"
secret = "{BACKEND_SECRET}"
first_byte_seconds = 0.3
"""
PASSWORD = "canary-password-1"
EMAIL = "canary-ada@example.com"
MESSAGE, SELECTION, ANSWER = "canary-question", "canary-selection", "canary-answer"
JUNK = "canary-junk"
THEIR_TRACE = bytes(range(1, 17))


@dataclass
class World:
    """Both services as processes, and all that was kept for the search: what must not be seen, and where."""

    stack: Stack
    backend: Backend
    metrics: dict[str, Any]
    collector: Collector
    secrets: set[str] = field(
        default_factory=lambda: {"canary", BROKER_SECRET, BACKEND_SECRET, SERVER_SECRET}
    )
    refusals: list[Any] = field(default_factory=list)
    handed_on: set[str] = field(default_factory=set)

    async def keep(self, answer):
        """Keep the code and the whole text of every answer that refuses."""
        if answer.status_code >= 400:
            await answer.aread()
            # A form that is shown once more has the address that was typed into it.
            text = answer.text.replace(f'value="{EMAIL}"', "") if "<form" in answer.text else answer.text
            self.refusals.append((answer.status_code, f"{answer.headers!r}\n{text}"))

    def secret(self, value):
        """With the parts of a JWT or a signed cookie, of which each would be too much."""
        self.secrets |= {part for part in (value, *value.split(".")) if len(part) > 15}
        return value

    def client(self):
        return httpx.AsyncClient(
            headers={
                "Origin": PAGE,
                "User-Agent": "canary-agent",
                "traceparent": f"00-{THEIR_TRACE.hex()}-{THEIR_TRACE.hex()[:16]}-01",
                "tracestate": "vendor=canary",
            },
            event_hooks={"response": [self.keep]},
            timeout=15,
            verify=TRUST,
        )

    def statuses(self):
        return {status for status, _ in self.refusals}

    def lines(self):
        return self.stack.log_of("broker") + self.stack.log_of("chat_proxy")


@pytest.fixture
async def world():
    backend = Backend()
    await backend.start()
    with short_folder() as folder, collecting() as collector:
        stack = Stack(folder, TOML)
        for name in ("CHATGATE_BROKER_SECRET", "CHATGATE_BACKENDS_BOOK_SECRET", "CHATGATE_BACKEND_SECRET"):
            del stack.environ[name]
        ports = dict(zip(("BROKER", "PROXY"), free_ports(2), strict=True))
        stack.environ |= {f"CHATGATE_{name}_METRICS_PORT": str(port) for name, port in ports.items()}
        stack.environ["CHATGATE_BACKENDS_BOOK_URL"] = backend.url
        stack.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        # With this FastAPI would send spans, metrics and logs of its own, errors' texts among them.
        stack.environ["FASTAPI_OTEL_AUTO_CONFIGURE"] = "true"
        try:
            stack.valkey.start()
            for name in ("broker", "chat_proxy"):
                await asyncio.to_thread(stack.start, name)
            yield World(stack, backend, ports, collector)
        finally:
            stack.stop_all()
            await backend.stop()


async def raw(url, request):
    """The answer of a server to bytes that are no good request."""
    parts = httpx.URL(url)
    reader, writer = await asyncio.open_connection(parts.host, parts.port)
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            return (await reader.read()).decode()
    finally:
        writer.close()


async def test_no_canary_is_in_logs_metrics_or_refusals(world):
    async with world.client() as http:
        reader = await sign_in(world, http)
        await ask(world, http, reader)
        await oauth(world, reader)
        await refuse_at_the_broker(world, http)
        await refuse_at_the_proxy(world, http, reader)
        await refuse_at_the_doors(world)
        await fail_inside(world, http, reader)
        told = await metrics(world)
        world.stack.valkey.kill()
        await refuse_without_redis(world, http, reader)
        told += await metrics(world)
    for process in world.stack.processes.values():
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 15)
    # The search is sound only if every class of refusal occurred and the logs have it.
    assert world.statuses() >= {400, 401, 403, 404, 405, 413, 415, 422, 431, 500, 502, 503, 504}
    lines = world.lines()
    written = [json.loads(line) for line in lines.splitlines()]
    events = {line["event"] for line in written if "request_id" in line}
    assert events >= {"signed_up", "sign_in_failed", "token_issued", "question", "backend_failed"}
    assert events >= {"unhandled", "refused_at_the_door"}
    routes = {line["route"] for line in written if line["event"] == "unhandled"}
    assert routes >= {"/chat", "/sessions/{session_id}", "/api/auth/sign-in/email"}
    assert world.collector.paths == {"/v1/traces"}
    spans = world.collector.spans
    assert {span.name for span in spans} >= {"GET", "POST", "admission", "ask_backend"}
    told_of = [attributes_of(span) for span in spans if span.name == "POST"]
    assert {one["http.response.status_code"] for one in told_of} >= {200, 401, 403, 422, 500, 503}
    assert {one["chatgate.request_id"] for one in told_of} & {line.get("request_id") for line in written}
    # A question's trace goes on at the backend, and does not go on from the caller's.
    traces = {span.trace_id.hex() for span in world.collector.spans}
    assert world.handed_on <= traces
    assert THEIR_TRACE.hex() not in traces
    # Nobody's request changes the keys.
    for line in written:
        assert "request_id" in line or not line.get("audit") or "kid" in line, line
    for secret in world.secrets:
        assert secret not in lines, f"{secret} is in a log"
        assert secret not in told, f"{secret} is in the metrics"
        assert secret.encode() not in world.collector.received, f"{secret} is in a trace"
        for status, said in world.refusals:
            assert secret not in said, f"{secret} is in an answer with {status}: {said}"


async def sign_in(world, http):
    auth = f"{world.stack.broker}/api/auth"
    account = {"email": EMAIL, "password": PASSWORD}
    answer = await http.post(f"{auth}/sign-up/email", json=account | {"name": "canary-name"})
    assert answer.status_code == 200, answer.text
    answer = await http.post(f"{auth}/sign-in/email", json=account)
    session = world.secret(answer.json()["token"])
    for cookie in http.cookies.jar:
        world.secret(cookie.value)
    token = world.secret((await http.get(f"{world.stack.broker}/auth/token")).json()["token"])
    return {"session": session, "token": token, "sub": claims_of(token)["sub"]}


async def ask(world, http, reader):
    async def answer(peer):
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


def question(world, http, token, *, accept="application/json", headers=None, **changes):
    body = {"message": MESSAGE, "selected_text": SELECTION, "session_id": "canary-talk"} | changes
    sent = {"Authorization": f"Bearer {token}", "Accept": accept} | (headers or {})
    return http.post(f"{world.stack.proxy}/chat?canary=query", json=body, headers=sent)


async def oauth(world, reader):
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


async def refuse_at_the_broker(world, http):
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


async def refuse_at_the_proxy(world, http, reader):
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


async def refuse_at_the_doors(world):
    for url in (world.stack.broker, world.stack.proxy):
        for request in (
            b"GET /canary HTTP/1.1\r\nHost: x\r\nHost: canary\r\n\r\n",
            b"CANARY\r\n\r\n",
            b"GET /?canary HTTP/1.1\r\nHost: x\r\nCookie: " + b"canary" * 4000 + b"\r\n\r\n",
        ):
            said = await raw(url, request)
            world.refusals.append((int(said.split(" ", 2)[1]), said))


async def fail_inside(world, http, reader):
    """A backend that fails in each way, and a defect of ours: a key of another kind than its script's."""

    async def refuse(peer):
        await peer.send(b"HTTP/1.1 500 canary\r\nX-Canary: canary\r\nContent-Length: 6\r\n\r\ncanary")

    async def babble(peer):
        await peer.send(b"HTTP/1.1 200 OK\r\nX: canary\0\r\n\r\n")
        peer.writer.close()

    async def be_silent(peer):
        await peer.gone()

    async def tear(peer):
        await peer.head()
        await peer.event("delta", text=ANSWER)
        peer.writer.transport.abort()

    async def say_so(peer):
        await peer.head()
        await peer.event("error", code="model_failed", message="canary")
        await peer.end()

    for behaviour in (refuse, babble, be_silent, tear, say_so):
        world.backend.behaviour = behaviour
        for accept in ("application/json", "text/event-stream"):
            with contextlib.suppress(httpx.RemoteProtocolError):
                await question(world, http, reader["token"], accept=accept)
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


async def refuse_without_redis(world, http, reader):
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


async def metrics(world):
    async with httpx.AsyncClient(verify=TRUST) as http:
        answers = [await http.get(f"http://127.0.0.1:{port}/metrics") for port in world.metrics.values()]
    return "".join(answer.text for answer in answers)
