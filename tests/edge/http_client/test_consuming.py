"""An answer's bytes come to the task that waits for them, or to `consume` meanwhile."""

import asyncio
import contextlib

import pytest_asyncio

from edge.http_client.answer import Answer


class Line:
    def go_on(self):
        pass

    def abort(self):
        pass


@pytest_asyncio.fixture
async def answer():
    return Answer(Line(), asyncio.get_running_loop())


@contextlib.asynccontextmanager
async def waiting(answer):
    """A task that waits for the next bytes."""
    task = asyncio.ensure_future(answer.more())
    await asyncio.sleep(0)
    yield task
    task.cancel()


async def test_consume_gets_bytes_as_long_as_it_wants_more(answer):
    seen = []

    def consume(data):
        seen.append(data)
        return data != b"last"

    answer.consume = consume
    async with waiting(answer) as task:
        for data in (b"one", b"two", b"last", b"after", b"wards"):
            answer.take(data)
        assert seen == [b"one", b"two", b"last"]
        assert await task == b"afterwards"
    assert answer.held == 0


async def test_the_wait_ends_although_nothing_came_after_the_last_bytes_that_were_wanted(answer):
    answer.consume = lambda data: False
    async with waiting(answer) as task:
        answer.take(b"last")
        assert await task == b""
    answer.end(None)
    assert await answer.more() == b""


async def test_consume_gets_nothing_before_bytes_that_came_earlier(answer):
    answer.take(b"early")
    answer.consume = lambda data: data != b"late"
    answer.take(b"late")
    assert await answer.more() == b"earlylate"
