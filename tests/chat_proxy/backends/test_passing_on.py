"""A backend's answer passed on as soon as its bytes are read."""

import asyncio
import random

import pytest

from chat_proxy.backends.client import UpstreamAnswer
from chat_proxy.backends.native import Events
from chat_proxy.failures import ANSWER_TOO_LARGE, TORN, Failed
from chat_proxy.parts import DONE, Citation, Delta
from edge.http_client.answer import Answer, ClientTorn

STREAM = (
    b'event: delta\ndata: {"text": "a"}\n\n: a comment\n\n'
    b'event: delta\ndata: {"text": "b"}\n\nevent: delta\ndata: {"text": "c"}\n\n'
    b'event: citation\ndata: {"title": "t", "url": "/u", "quote": "q"}\n\nevent: done\ndata: {}\n\n'
)
PARTS = [Delta("a"), Delta("b"), Delta("c"), Citation("t", "/u", "q"), DONE]
A, B = b'event: delta\ndata: {"text": "a"}\n\n', b'event: delta\ndata: {"text": "b"}\n\n'


class Line:
    def go_on(self):
        pass

    def abort(self):
        pass


def under_way(limit=1_000):
    """The connection's side of an answer, and the proxy's."""
    answer = Answer(Line(), asyncio.get_running_loop())
    return answer, UpstreamAnswer(answer, Events(lambda reason: None), limit, 1_000, lambda reason: None)


async def begun(upstream, take):
    task = asyncio.ensure_future(upstream.pass_on(take))
    await asyncio.sleep(0)
    return task


async def test_parts_are_passed_on_until_the_end():
    answer, upstream = under_way()
    taken = []

    def take(parts):
        taken.extend(parts)
        return True

    task = await begun(upstream, take)
    answer.take(STREAM[:20])
    answer.take(A[20:] + B)
    assert taken == [Delta("a"), Delta("b")]
    answer.take(B + b"event: done\ndata: {}\n\n")
    assert await task == [Delta("b"), DONE]
    assert taken == [Delta("a"), Delta("b")]


async def test_parts_that_are_not_taken_are_returned_and_the_later_bytes_come_after_them():
    answer, upstream = under_way()
    task = await begun(upstream, lambda parts: False)
    answer.take(A)
    answer.take(B)
    assert await task == [Delta("a")]
    assert await upstream.pass_on(lambda parts: False) == [Delta("b")]


async def test_a_wait_that_is_cancelled_loses_no_part():
    answer, upstream = under_way()
    task = await begun(upstream, lambda parts: False)
    answer.take(A)
    answer.take(B)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert await upstream.pass_on(lambda parts: False) == [Delta("a")]
    assert await upstream.pass_on(lambda parts: False) == [Delta("b")]


async def test_a_torn_answer_fails_after_its_parts():
    answer, upstream = under_way()
    task = await begun(upstream, lambda parts: False)
    answer.take(A)
    answer.end(ClientTorn)
    assert await task == [Delta("a")]
    with pytest.raises(Failed) as raised:
        await upstream.pass_on(lambda parts: False)
    assert raised.value.failure is TORN


@pytest.mark.parametrize("is_taken", [True, False])
async def test_text_beyond_the_limit_fails_in_the_task(is_taken):
    answer, upstream = under_way(limit=1)
    task = await begun(upstream, lambda parts: is_taken)
    answer.take(A)
    if not is_taken:
        assert await task == [Delta("a")]
        task = await begun(upstream, lambda parts: False)
    answer.take(B)
    with pytest.raises(Failed) as raised:
        await task
    assert raised.value.failure is ANSWER_TOO_LARGE


async def test_a_defect_is_raised_in_the_task():
    def defect(parts):
        raise ZeroDivisionError

    answer, upstream = under_way()
    task = await begun(upstream, defect)
    answer.take(A)
    with pytest.raises(ZeroDivisionError):
        await task


@pytest.mark.parametrize("seed", range(50))
async def test_the_parts_are_the_same_however_the_bytes_come_and_are_taken(seed):
    choose = random.Random(seed)
    answer, upstream = under_way()
    seen = []
    cuts = sorted(choose.sample(range(1, len(STREAM)), 12))
    pieces = [STREAM[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]

    async def send():
        for piece in pieces:
            answer.take(piece)
            for _ in range(choose.randrange(3)):
                await asyncio.sleep(0)
        answer.end(None)

    def take(parts):
        if is_taken := choose.random() < 0.5:
            seen.extend(parts)
        return is_taken

    sending = asyncio.ensure_future(send())
    while not seen or seen[-1] != DONE:
        seen += await upstream.pass_on(take)
    await sending
    assert seen == PARTS
