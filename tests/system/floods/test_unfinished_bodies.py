"""Row 49: bodies of which the end does not come take a bounded part of the memory, and no time of other
readers."""

import asyncio
import json
import resource

import psutil
import pytest

from tests.missing import cannot
from tests.system.floods.meanwhile import started, tail
from tests.system.stack import Reader

pytestmark = [pytest.mark.system, pytest.mark.alone]

MEBIBYTE = 1 << 20
CONNECTIONS = 4_000
MOST_GROWTH = 64 * MEBIBYTE
CALM_S = 2
UNNOTICED_S = 0.03
"""A tail below that is the machine's own: 10 to 15 ms on two cores that other processes share, with or
without a flood. A flood that is served puts it at hundreds."""
PATHS = {"broker": "/api/auth/sign-in/email", "chat_proxy": "/chat"}


@pytest.mark.parametrize("group", [1, 700], ids=["one after the other", "seven hundred at once"])
@pytest.mark.parametrize("service", PATHS)
async def test_four_thousand_unfinished_bodies_of_one_address_leave_room_for_all_others(
    two_sites, service, group
):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 1_000:
        cannot(f"a process here may have {hard} open files, and {CONNECTIONS} connections need more")
    reader = Reader(two_sites.broker, two_sites.proxy).sign_up()
    measured = psutil.Process(two_sites.processes[service].pid)
    calm = await tail(two_sites, reader, asyncio.sleep(CALM_S))
    before = highest = measured.memory_info().rss

    async def flood():
        nonlocal highest
        args = (str(two_sites.ports[service]), str(CONNECTIONS), "127.0.0.2", PATHS[service], str(group))
        holder = await started("holder.py", *args)
        assert holder.stdout is not None
        opened = asyncio.ensure_future(holder.stdout.readline())
        while not opened.done():
            await asyncio.wait([opened], timeout=0.05)
            highest = max(highest, measured.memory_info().rss)
        heard, _ = await holder.communicate(b"")
        return json.loads(heard)

    flooding = asyncio.ensure_future(flood())
    busy = await tail(two_sites, reader, flooding)
    heard = flooding.result()
    assert highest - before < MOST_GROWTH
    assert set(heard) <= {"503", "401", "null"}
    assert busy < max(2 * calm, UNNOTICED_S)
