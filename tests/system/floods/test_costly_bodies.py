"""Row 50: a body that is made to be slow to read is refused at no more than the cost of its bytes."""

import asyncio

import httpx
import pytest

from tests.system.floods.meanwhile import tail
from tests.system.stack import JSON, PAGE, Reader

pytestmark = [pytest.mark.system, pytest.mark.alone]

A_SECOND = 40
SECONDS = 4
CALM_S = 2
UNNOTICED_S = 0.1
LARGEST = {"broker": 65_536, "chat_proxy": 262_144}


def flat(size):
    """Empty objects in a list: the most values that so many bytes have."""
    return b"[" + b"{}," * ((size - 4) // 3) + b"{}]"


@pytest.mark.parametrize("service", LARGEST)
async def test_lists_of_tiny_objects_hold_no_reader_up_and_cost_their_sender_a_rate(two_sites, service):
    victim = Reader(two_sites.broker, two_sites.proxy).sign_up()
    sender = Reader(two_sites.broker, two_sites.proxy).sign_up()
    assert sender.get_token().status_code == 200
    calm = await tail(two_sites, victim, asyncio.sleep(CALM_S))
    url = {"broker": f"{two_sites.broker}/api/auth/sign-in/email", "chat_proxy": f"{two_sites.proxy}/chat"}
    headers = {**JSON, "Origin": PAGE}
    if service == "chat_proxy":
        headers["Authorization"] = f"Bearer {sender.token}"
    body = flat(LARGEST[service])

    async def send():
        async with httpx.AsyncClient(headers=headers, timeout=30) as http:
            sending = []
            for _ in range(A_SECOND * SECONDS):
                sending.append(asyncio.create_task(http.post(url[service], content=body)))
                await asyncio.sleep(1 / A_SECOND)
            return [answer.status_code for answer in await asyncio.gather(*sending)]

    flooding = asyncio.create_task(send())
    busy = await tail(two_sites, victim, flooding)
    statuses = flooding.result()
    assert busy < max(2 * calm, UNNOTICED_S)
    if service == "chat_proxy":
        assert statuses.count(400) == 60
        assert statuses.count(429) == len(statuses) - 60
    else:
        # The broker counts by address, so the limit is wider.
        assert set(statuses) == {400}
