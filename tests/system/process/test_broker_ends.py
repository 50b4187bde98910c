"""Row 46 at a broker: told to end, it answers what it has begun and begins nothing more."""

import asyncio

import httpx
import pytest

from tests.chatgate.processes import short_folder
from tests.system.stack import PAGE, Reader, Stack

pytestmark = pytest.mark.system

UNDER_WAY = 20


async def test_a_broker_that_is_told_to_end_answers_whom_it_has_heard():
    with short_folder() as folder:
        stack = Stack(folder)
        try:
            stack.valkey.start()
            stack.start("broker")
            process = stack.processes["broker"]
            async with httpx.AsyncClient(
                headers={"Origin": PAGE}, timeout=30, limits=httpx.Limits(max_connections=UNDER_WAY)
            ) as http:
                # Each costs a hash, so that they wait for one another.
                bodies = [
                    {"name": "Ada", "email": f"ada{at}@example.com", "password": "a-tall-ship-and-a-star"}
                    for at in range(UNDER_WAY)
                ]
                asking = [
                    asyncio.create_task(http.post(f"{stack.broker}/api/auth/sign-up/email", json=one))
                    for one in bodies
                ]
                await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                process.terminate()
                answers = await asyncio.gather(*asking)
            assert {answer.status_code for answer in answers} == {200}
            assert await asyncio.to_thread(process.wait, 15) == 0
            with pytest.raises(httpx.ConnectError):
                Reader(stack.broker, stack.proxy).get_token()
            # The broker did what it had answered.
            stack.start("broker")
            emails = [answer.json()["user"]["email"] for answer in answers]
            again = Reader(stack.broker, stack.proxy)
            body = {"email": emails[-1], "password": bodies[-1]["password"]}
            assert again.http.post(f"{stack.broker}/api/auth/sign-in/email", json=body).status_code == 200
        finally:
            stack.stop_all()
