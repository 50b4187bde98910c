"""A turn of the event loop flushes its writers at its end."""

import asyncio
from typing import Any

from edge.turns import Turn


class Writer:
    def __init__(self, flushed, then=lambda: None):
        self._flushed, self._then = flushed, then

    def flush(self):
        self._flushed.append(self)
        self._then()


async def turns(count=1):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_those_of_one_turn_are_flushed_in_order_after_its_last_task():
    turn = Turn()
    flushed: list[Writer] = []
    writers = [Writer(flushed) for _ in range(3)]
    seen = []

    async def work(writer):
        turn.add(writer)
        seen.append(len(flushed))

    await asyncio.gather(*map(work, writers))
    assert seen == [0, 0, 0]
    assert flushed == writers
    await turns(2)
    assert flushed == writers


async def test_one_that_writes_while_it_is_flushed_has_the_next_turn():
    turn = Turn()
    flushed: list[Writer] = []
    second = Writer(flushed)
    first = Writer(flushed, lambda: turn.add(second))
    turn.add(first)
    await turns()
    assert flushed == [first]
    await turns()
    assert flushed == [first, second]


async def test_a_failure_of_one_holds_back_no_other():
    def fail():
        raise RuntimeError

    turn = Turn()
    flushed: list[Writer] = []
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    broken, other = Writer(flushed, fail), Writer(flushed)
    turn.add(broken)
    turn.add(other)
    await turns()
    turn.add(broken)
    await turns()
    assert flushed == [broken, other, broken]
    assert [type(one["exception"]) for one in failures] == [RuntimeError, RuntimeError]
