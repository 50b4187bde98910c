"""A Better Auth server's answers are remembered for the stated time, and it is asked anew after that."""

import asyncio
import json
import time
from typing import Any

import pytest

from edge.config.better_auth import BetterAuth
from edge.upstreams.remembered import Remembered
from edge.upstreams.session import ForeignSession
from edge.upstreams.site import Around, SiteUpstream

TOKEN = "B4VHmb9iPHnOXgtmxxOxr4kyVSnK6Olx"
FOUND = ForeignSession("s", TOKEN, "ada", 0, 9_999_999_999_999, True, False, False)

RECORD = {
    "session": {
        "id": "s",
        "token": TOKEN,
        "userId": "ada",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "expiresAt": "2046-01-01T00:00:00.000Z",
    },
    "user": {"id": "ada", "emailVerified": True},
}


class There:
    """A Better Auth server that answers with what was so when it was asked, once `may_answer` is set."""

    way = "http"

    def __init__(self):
        self.session: ForeignSession | None = FOUND
        self.asked = 0
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def find(self, token, now):
        self.asked += 1
        self.is_asked.set()
        found = self.session
        await self.may_answer.wait()
        return found

    async def look(self, reference, now):
        return await self.find(reference.token, now)

    async def describe(self, now: float) -> str:
        return "a server of the tests"

    async def close(self) -> None:
        pass


async def asked_before_and_after_its_end(ask):
    there = There()
    remembered = Remembered(there, 0, time.monotonic)
    before = asyncio.create_task(ask(remembered))
    await there.is_asked.wait()
    there.session = None
    after = asyncio.create_task(ask(remembered))
    there.may_answer.set()
    return await before, await after


async def test_where_nothing_is_remembered_an_earlier_search_answers_no_later_one():
    assert await asked_before_and_after_its_end(lambda one: one.find(TOKEN, 0)) == (FOUND, None)


async def test_where_nothing_is_remembered_an_earlier_question_answers_no_later_one():
    reference = FOUND.reference("http")
    assert await asked_before_and_after_its_end(lambda one: one.look(reference, 0)) == (FOUND, None)


@pytest.mark.parametrize(
    "ask",
    [lambda one: one.look(FOUND.reference("http"), 0), lambda one: one.find(TOKEN, 0)],
    ids=["look", "find"],
)
async def test_questions_at_once_about_a_session_are_one(ask):
    there = There()
    remembered = Remembered(there, 60, time.monotonic)
    there.may_answer.set()
    assert await asyncio.gather(*(ask(remembered) for _ in range(8))) == [FOUND] * 8
    assert there.asked == 1


@pytest.mark.parametrize(("anew", "requests"), [(False, 1), (True, 2)])
async def test_a_search_anew_joins_no_search_that_has_begun_before(anew, requests):
    asked: asyncio.Queue[bytes] = asyncio.Queue()
    may_answer = asyncio.Event()

    async def serve(reader, writer):
        asked.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        await may_answer.wait()
        body = json.dumps(RECORD).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/auth"
        no_store: Any = None  # an upstream over HTTP has none
        settings = BetterAuth(upstream="http", url=url, remember_seconds=60, timeout_seconds=10)
        site = SiteUpstream("docs", settings, Around(no_store, "", 1, time.time, time.monotonic))
        first = asyncio.create_task(site.find(TOKEN))
        await asyncio.wait_for(asked.get(), 10)
        second = asyncio.create_task(site.find(TOKEN, anew=anew))
        for _ in range(requests - 1):
            await asyncio.wait_for(asked.get(), 10)
        may_answer.set()
        assert [one and one.token for one in await asyncio.gather(first, second)] == [TOKEN] * 2
        assert asked.empty()
        await site.close()
