"""Servers that are full, slow, or take our password no more: refused at once, and back with them."""

import asyncio
import contextlib

import pytest

from tests.chat_proxy.waiting import until
from tests.faults.readers import BACK_WITHIN, readers_of
from tests.slow_line import SlowLines

pytestmark = pytest.mark.alone


@contextlib.contextmanager
def full(together):
    together.each("CONFIG", "SET", "maxmemory", "1")
    try:
        yield
    finally:
        together.each("CONFIG", "SET", "maxmemory", "0")


@contextlib.contextmanager
def locked_out(together):
    together.each("ACL", "SETUSER", "reader", "resetpass", ">another")
    together.each("CLIENT", "KILL", "USER", "reader")
    try:
        yield
    finally:
        together.each("ACL", "SETUSER", "reader", "resetpass", ">right")


@pytest.mark.parametrize("trouble", [full, locked_out])
async def test_a_master_that_refuses(together, tmp_path, trouble):
    together.each("ACL", "SETUSER", "reader", "on", "resetpass", ">right", "~*", "&*", "+@all")
    url = together.url.replace("://", "://reader:right@", 1)
    async with readers_of(together, tmp_path, url=url) as (readers, _):
        await nobody_is_let_in(readers, trouble(together))


async def test_servers_that_are_slow(together, tmp_path):
    async with (
        SlowLines(together) as lines,
        readers_of(together, tmp_path, url=lines.url) as (readers, _),
    ):
        await nobody_is_let_in(readers, lines.slow(1.0))


async def nobody_is_let_in(readers, trouble):
    """As long as it lasts; then they are answered again, but for those whose end was acknowledged."""
    async with readers.asking():
        await until(lambda: has_ended(readers, 3), 3)
        with trouble:
            await until(lambda: is_refused(readers), BACK_WITHIN)
            # A reader asks one question after the other; the last before the trouble may yet be answered.
            asked = [counter.total() for counter in readers.answers.values()]
            await until(lambda: have_asked(readers, asked), BACK_WITHIN)
            let_through = [counter[200] for counter in readers.answers.values()]
            await asyncio.sleep(0.5)
            assert [counter[200] for counter in readers.answers.values()] == let_through
        await until(readers.is_answered, BACK_WITHIN)
    await readers.all_ended_are_refused()


async def has_ended(readers, count):
    return len(readers.ended) >= count


async def have_asked(readers, before):
    """More than one question each since then, the second of which began later."""
    asked = [counter.total() for counter in readers.answers.values()]
    return all(now > then + 1 for now, then in zip(asked, before, strict=True))


async def is_refused(readers):
    return not await readers.is_answered()
