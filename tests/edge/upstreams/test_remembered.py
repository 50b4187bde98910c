"""What is remembered of a Better Auth server's answers, and what is asked anew."""

import asyncio
import time

from edge.upstreams.remembered import Remembered
from edge.upstreams.session import ForeignSession

TOKEN = "B4VHmb9iPHnOXgtmxxOxr4kyVSnK6Olx"
FOUND = ForeignSession("s", TOKEN, "ada", 0, 9_999_999_999_999, True, False, False)


class There:
    """A Better Auth server that answers with what was so when it was asked, once `may_answer` is set."""

    way = "http"

    def __init__(self):
        self.session = FOUND
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


async def asked_before_and_after_its_end(ask):
    there = There()
    remembered = Remembered(there, 0, time.monotonic)
    before = asyncio.create_task(ask(remembered))
    await there.is_asked.wait()
    there.session = None
    after = asyncio.create_task(ask(remembered))
    there.may_answer.set()
    return await before, await after


async def test_a_session_is_sought_anew_beside_a_search_from_before_its_end():
    assert await asked_before_and_after_its_end(lambda one: one.find(TOKEN, 0)) == (FOUND, None)


async def test_where_nothing_is_remembered_an_earlier_question_answers_no_later_one():
    reference = FOUND.reference("http")
    assert await asked_before_and_after_its_end(lambda one: one.look(reference, 0)) == (FOUND, None)


async def test_questions_at_once_about_a_session_are_one():
    there = There()
    remembered = Remembered(there, 60, time.monotonic)
    there.may_answer.set()
    reference = FOUND.reference("http")
    answers = await asyncio.gather(*(remembered.look(reference, 0) for _ in range(8)))
    assert answers == [FOUND] * 8
    assert there.asked == 1
