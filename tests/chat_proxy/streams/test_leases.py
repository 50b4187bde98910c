"""Answers of readers for whom a site's Better Auth server vouches, and of others beside them."""

import asyncio
import contextlib
import json
import time

import pytest

from chat_proxy.streams.leases import TRUSTED
from edge.redis.client import command
from edge.upstreams.session import Reference
from tests.chat_proxy.service import running
from tests.chat_proxy.streams.talks import begun, last_event, talk
from tests.chat_proxy.tokens import OTHER_SUB, token
from tests.chat_proxy.waiting import until
from tokens import liveness, sealing

KEY = b"k" * sealing.KEY_BYTES
THERE = Reference("http", "ada", "there", "B4VHmb9iPHnOXgtmxxOxr4kyVSnK6Olx")
DAY = 86_400


class BetterAuth:
    """Knows one session. It answers once `may_answer` is set."""

    url: str

    def __init__(self):
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.may_answer.wait()
        now = int(time.time())
        session: dict[str, str | int] = {
            "id": THERE.session_id,
            "userId": THERE.user_id,
            "token": THERE.token,
        }
        session |= {"createdAt": now - DAY, "expiresAt": now + DAY}
        raw = json.dumps({"session": session, "user": {"id": THERE.user_id, "emailVerified": True}}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + raw)
        writer.close()


@contextlib.asynccontextmanager
async def better_auth():
    there = BetterAuth()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    there.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/auth"
    try:
        yield there
    finally:
        there.may_answer.set()
        server.close()


async def vouched_for(service):
    """A token of a reader at the other site, whose session its Better Auth server vouches for."""
    await service.sign_in("s2", OTHER_SUB, client="other")
    sealed = sealing.seal(KEY, THERE.to_bytes())
    await service.store.run(command("HSET", liveness.session(OTHER_SUB, "s2"), "upstream", sealed))
    upk = sealing.key_text(KEY)
    return token(sid="s2", sub=OTHER_SUB, client_id="other", tier="reader", upk=upk)


async def test_a_silent_server_of_one_site_ends_no_answer_of_another(valkey, tmp_path):
    async with better_auth() as there:
        table = f'[sites.other.better_auth]\nupstream = "http"\nurl = "{there.url}"\n'
        table += "timeout_seconds = 4\nremember_seconds = 0\n"
        async with running(valkey, tmp_path, more=table, renew_every=0.5) as service:
            service.backend.behaviour = talk
            mine, theirs = await service.sign_in(), await vouched_for(service)
            async with begun(service, mine) as one, begun(service, theirs) as other:
                asked = there.asked
                there.may_answer.clear()
                await until(lambda: _is_asked_again(there, asked), 5)
                # This answer ends, as no server said for sure that its own session lives.
                assert (await last_event(other, TRUSTED + 4))[1]["code"] == "temporarily_unavailable"
                with pytest.raises(TimeoutError):
                    await last_event(one, 2)


async def _is_asked_again(there, before):
    return there.asked > before
